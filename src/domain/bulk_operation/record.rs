//! The rows of a bulk operation: how it begins, and one that is done at once.

use entity::bulk_operation::{self, BulkOperationKind, BulkOperationState};
use entity::bulk_operation_item::{self, BulkItemOutcome};
use uuid::Uuid;

use super::code;
use crate::authz::{Actor, Catalogs};
use crate::domain::error::Code;
use crate::store::{StoreError, Txn};

/// The longest text that is kept of an id that names nothing.
const LONGEST_ID: usize = 100;

/// An operation that begins, of somebody who may act in these catalogs.
#[must_use]
pub fn begun(
    txn: &Txn,
    id: Uuid,
    kind: BulkOperationKind,
    actor: &Actor,
    allowed: &Catalogs,
) -> bulk_operation::Model {
    bulk_operation::Model {
        id,
        organization_id: actor.organization,
        kind,
        state: BulkOperationState::Running,
        dry_run: false,
        catalogs: match allowed {
            Catalogs::All => None,
            Catalogs::Only(ids) => Some(serde_json::json!(ids)),
        },
        total_count: 0,
        accepted_count: 0,
        rejected_count: 0,
        next_position: 0,
        started_by_id: actor.user,
        started_at: txn.now(),
        finished_at: None,
        due_at: None,
        lease: None,
        attempt_count: 0,
        decision: None,
        reason: None,
    }
}

/// Where the starter of an operation might act when it was accepted.
#[must_use]
pub fn allowed(operation: &bulk_operation::Model) -> Catalogs {
    match &operation.catalogs {
        None => Catalogs::All,
        Some(ids) => Catalogs::Only(serde_json::from_value(ids.clone()).unwrap_or_default()),
    }
}

/// What became of one of the objects that were given.
#[derive(Clone, Debug)]
pub struct Item<'a> {
    /// The id as it was given.
    pub given: &'a str,
    /// The object, where there is one to show.
    pub target: Option<Uuid>,
    /// Whether it was accepted, and why not.
    pub verdict: Result<(), Code>,
}

impl<'a> Item<'a> {
    /// What became of an id as it was given and as it was understood; without a verdict it named nothing.
    #[must_use]
    pub fn of(given: &'a str, target: Option<Uuid>, verdict: Option<Result<(), Code>>) -> Self {
        let target = target.filter(|_| verdict.is_some());
        Self { given, target, verdict: verdict.unwrap_or(Err(Code::NotFound)) }
    }
}

/// Writes an operation that is done when the call is answered, with its items in the order given.
pub async fn done(
    txn: &Txn,
    operation: bulk_operation::Model,
    items: Vec<Item<'_>>,
) -> Result<(), StoreError> {
    let items: Vec<bulk_operation_item::Model> = (0..)
        .zip(items)
        .map(|(position, item)| bulk_operation_item::Model {
            operation_id: operation.id,
            position,
            requested_id: Some(item.given.chars().filter(|c| *c != '\0').take(LONGEST_ID).collect()),
            target_id: item.target,
            outcome: match item.verdict {
                Ok(()) => BulkItemOutcome::Accepted,
                Err(_) => BulkItemOutcome::Rejected,
            },
            error_code: item.verdict.err().map(|code| code::name(code).to_owned()),
        })
        .collect();
    let accepted = items.iter().filter(|item| item.outcome == BulkItemOutcome::Accepted).count();
    let count = |count: usize| i32::try_from(count).unwrap_or(i32::MAX);
    txn.insert(bulk_operation::Model {
        state: BulkOperationState::Completed,
        total_count: count(items.len()),
        accepted_count: count(accepted),
        rejected_count: count(items.len() - accepted),
        next_position: count(items.len()),
        finished_at: Some(txn.now()),
        ..operation
    })
    .await?;
    txn.insert_all(items).await
}
