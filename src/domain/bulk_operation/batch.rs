//! One batch of a bulk operation that goes on in the background.

use std::collections::BTreeMap;

use entity::bulk_operation::{self, BulkOperationState};
use entity::bulk_operation_item::BulkItemOutcome;
use uuid::Uuid;

use super::{Bulk, code};
use crate::domain::error::{Code, Error};
use crate::id::Kind;
use crate::store::audit_event::{self, Event};
use crate::store::{self, Access, Txn};

/// How many items one transaction decides.
const BATCH: u64 = 1_000;

/// Decides the next items of an operation that this transaction has locked.
pub async fn run<B: Bulk>(txn: &Txn, operation: bulk_operation::Model) -> Result<(), Error> {
    let from = operation.next_position;
    let targets = store::bulk_operation::targets(txn, operation.id, from, BATCH).await?;
    let accepted = decide::<B>(txn, &operation, &targets).await?;
    let count = |count: usize| i32::try_from(count).unwrap_or(i32::MAX);
    let next_position = from.saturating_add(count(targets.len()));
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
    Ok(store::bulk_operation::progress(txn, &after).await?)
}

/// Gives up an operation whose starter may no longer act.
pub async fn stop(txn: &Txn, operation: bulk_operation::Model) -> Result<(), Error> {
    let (organization, id) = (operation.organization_id, operation.id);
    let event = Event::by_itself(organization, "bulk_operation.stopped", Kind::BulkOperation, id);
    audit_event::record(txn, &event.with(serde_json::json!({ "because": "USER_DEACTIVATED" }))).await?;
    let stopped = bulk_operation::Model {
        state: BulkOperationState::Stopped,
        finished_at: Some(txn.now()),
        due_at: None,
        ..operation
    };
    Ok(store::bulk_operation::progress(txn, &stopped).await?)
}

/// Decides a batch and writes the outcome of each item; tells how many were accepted.
async fn decide<B: Bulk>(
    txn: &Txn,
    operation: &bulk_operation::Model,
    targets: &[Uuid],
) -> Result<usize, Error> {
    let verdicts = B::decide(txn, operation, Access::Named(operation.organization_id), targets).await?;
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
