//! Bulk operations by filter: batch by batch, each a transaction, so that a restart goes on where it was.

use std::collections::BTreeMap;

use entity::bulk_operation::{self, BulkOperationKind, BulkOperationState};
use entity::bulk_operation_item::BulkItemOutcome;
use uuid::Uuid;

use crate::authz::Catalogs;
use crate::domain::access_request::reprocess;
use crate::domain::bulk_operation::code;
use crate::domain::{Code, Error};
use crate::store::{self, Access, Database, StoreError, Transaction, Txn};

/// How many items one transaction decides.
const BATCH: u64 = 1_000;

/// Does one batch of every operation that is due; tells how many were moved.
pub async fn run(database: &Database) -> Result<usize, StoreError> {
    let mut moved = 0;
    for id in store::bulk_operation::due(database, database.clock().now()).await? {
        match database.write(&Batch(id)).await {
            Ok(worked) => moved += usize::from(worked),
            Err(Error::Broken(error)) => return Err(error),
            Err(Error::Rejected(_)) => {
                return Err(StoreError::Other(format!("a batch of the bulk operation {id} was refused")));
            }
        }
    }
    Ok(moved)
}

struct Batch(Uuid);

impl Transaction for Batch {
    /// Whether there was something to do.
    type Output = bool;
    type Error = Error;

    async fn run(&self, txn: &Txn) -> Result<bool, Error> {
        let Some(operation) = store::bulk_operation::lock_running(txn, self.0).await? else {
            return Ok(false);
        };
        if !store::user::is_active(txn, operation.started_by_id).await? {
            let stopped = bulk_operation::Model {
                state: BulkOperationState::Stopped,
                finished_at: Some(txn.now()),
                due_at: None,
                ..operation
            };
            store::bulk_operation::progress(txn, &stopped).await?;
            return Ok(true);
        }
        let from = operation.next_position;
        let targets = store::bulk_operation::targets(txn, operation.id, from, BATCH).await?;
        let accepted = match operation.kind {
            BulkOperationKind::ReprocessAccessRequests => decide(txn, &operation, &targets).await?,
            BulkOperationKind::ReviewTokenRequests | BulkOperationKind::RevokeTokenGrants => {
                return Err(StoreError::Other(format!("no batch does {:?} yet", operation.kind)).into());
            }
        };
        let count = |count: usize| i32::try_from(count).unwrap_or(i32::MAX);
        let next_position = from + count(targets.len());
        let done = next_position >= operation.total_count;
        let after = bulk_operation::Model {
            state: if done { BulkOperationState::Completed } else { BulkOperationState::Running },
            accepted_count: operation.accepted_count + count(accepted),
            rejected_count: operation.rejected_count + count(targets.len() - accepted),
            next_position,
            finished_at: done.then(|| txn.now()),
            due_at: (!done).then(|| txn.now()),
            ..operation
        };
        store::bulk_operation::progress(txn, &after).await?;
        Ok(true)
    }
}

/// Decides a batch: rights and window as they were at acceptance, the state as it is now.
async fn decide(txn: &Txn, operation: &bulk_operation::Model, targets: &[Uuid]) -> Result<usize, Error> {
    let allowed = match &operation.catalogs {
        None => Catalogs::All,
        Some(ids) => Catalogs::Only(serde_json::from_value(ids.clone()).unwrap_or_default()),
    };
    let batch = reprocess::Batch {
        access: Access::Named(operation.organization_id),
        allowed: &allowed,
        judged_at: operation.started_at,
        actor: operation.started_by_id,
        operation,
    };
    let verdicts = batch.run(txn, targets).await?;
    let mut outcomes: BTreeMap<Option<Code>, Vec<Uuid>> = BTreeMap::new();
    for target in targets {
        let verdict = verdicts.get(target).copied().unwrap_or(Err(Code::NotFound));
        outcomes.entry(verdict.err()).or_default().push(*target);
    }
    let until = operation.next_position.saturating_add(i32::try_from(targets.len()).unwrap_or(i32::MAX));
    let positions = operation.next_position..until;
    for (refused, targets) in &outcomes {
        let outcome = if refused.is_none() { BulkItemOutcome::Accepted } else { BulkItemOutcome::Rejected };
        let code = refused.map(code::name);
        store::bulk_operation::decide(txn, operation.id, positions.clone(), targets, outcome, code).await?;
    }
    Ok(outcomes.get(&None).map_or(0, Vec::len))
}
