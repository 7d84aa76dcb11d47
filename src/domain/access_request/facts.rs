//! What the judgements on a request depend on, taken from the rows that were read.

use chrono::{DateTime, TimeDelta, Utc};
use entity::app_user::UserState;
use entity::delivery::DeliveryState;

use super::reprocess::Facts;
use crate::authz::Catalogs;
use crate::store::access_request::Row;

/// Whether everything that [`of`] needs was read along with the request.
#[must_use]
pub fn are_read(row: &Row) -> bool {
    row.package.is_some() && row.requestor.is_some() && row.assignment.is_some() && row.deliveries.is_some()
}

/// The facts of a request that was read with its package, requestor, assignment and deliveries.
#[must_use]
pub fn of(row: &Row, allowed: &Catalogs, window: TimeDelta, now: DateTime<Utc>) -> Facts {
    let request = &row.request;
    let assignment = row.assignment.as_ref().and_then(Option::as_ref);
    let waits = row.deliveries.iter().flatten().any(|row| {
        let delivery = &row.delivery;
        delivery.state == DeliveryState::Pending
            && delivery.attempt_in_round > 0
            && delivery.due_at.is_some_and(|due| due > now)
    });
    Facts {
        state: request.state,
        kind: request.kind,
        completed_at: request.completed_at,
        window,
        allowed: allowed.contain(request.catalog_id),
        waits,
        package_deleted: row.package.as_ref().is_some_and(|package| package.deleted_at.is_some()),
        requestor_active: row.requestor.as_ref().is_some_and(|user| user.state == UserState::Active),
        assignment: assignment.map(|assignment| (assignment.state, assignment.expires_at)),
        incompatible: row.incompatible,
    }
}
