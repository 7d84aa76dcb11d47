//! Assignments: how access begins, ends, and follows its package.

pub mod begin;
mod cancel_requests;
pub mod create;
pub mod create_many;
pub mod direct;
pub mod end;
pub mod extend;
pub mod follow;
pub mod give_up;
pub mod leave;
pub mod line;
pub mod reprocess;
pub mod revoke;
pub mod start;

use entity::assignment::{AssignmentState, Model};
use entity::bulk_operation;
use uuid::Uuid;

pub use begin::begin;
pub use end::{Ending, end};
pub use follow::{catch_up, follow_package};
pub use leave::leave;

use crate::id::Kind;
use crate::store::assignment::Include;
use crate::store::audit_event::{self, Event};
use crate::store::{self, Access, StoreError, Txn};

/// The assignments among these that can be found, locked; their requests are locked before them, as everywhere.
pub async fn lock_visible(txn: &Txn, access: Access<'_>, ids: &[Uuid]) -> Result<Vec<Model>, StoreError> {
    let found = store::assignment::find(txn, access, ids, Include::default()).await?;
    let requests: Vec<Uuid> = found.iter().map(|row| row.assignment.request_id).collect();
    store::access_request::lock(txn, &requests).await?;
    let ids: Vec<Uuid> = found.iter().map(|row| row.assignment.id).collect();
    store::assignment::lock(txn, &ids).await
}

/// Notes in the audit trail what a bulk operation did to assignments: one event for all of them.
async fn note(
    txn: &Txn,
    operation: &bulk_operation::Model,
    action: &'static str,
    assignments: &[Model],
) -> Result<(), StoreError> {
    let ids = assignments.iter().map(|assignment| Kind::Assignment.text(assignment.id));
    let event = Event {
        organization: operation.organization_id,
        actor: Some(operation.started_by_id),
        action,
        target: Some((Kind::BulkOperation, operation.id)),
        call: None,
        details: Some(serde_json::json!({ "assignments": ids.collect::<Vec<_>>() })),
    };
    audit_event::record(txn, &event).await
}

/// Whether an assignment still holds or will hold access.
#[must_use]
pub const fn is_current(assignment: &Model) -> bool {
    match assignment.state {
        AssignmentState::Scheduled
        | AssignmentState::Delivering
        | AssignmentState::PartiallyDelivered
        | AssignmentState::Delivered
        | AssignmentState::DeliveryFailed => true,
        AssignmentState::Revoking | AssignmentState::Ended => false,
    }
}

/// Whether an assignment holds all of its access, or will: it stands against another request.
#[must_use]
pub const fn holds(assignment: &Model) -> bool {
    match assignment.state {
        AssignmentState::Scheduled | AssignmentState::Delivering | AssignmentState::Delivered => true,
        AssignmentState::PartiallyDelivered
        | AssignmentState::DeliveryFailed
        | AssignmentState::Revoking
        | AssignmentState::Ended => false,
    }
}
