//! Cancels the requests of assignments that end before they were delivered.

use entity::access_request::{self, AccessRequestState as State};
use entity::access_request_event::AccessRequestAction as Action;
use entity::assignment;
use uuid::Uuid;

use crate::domain::Error;
use crate::domain::access_request::{Step, next};
use crate::id::Kind;
use crate::store::access_request::{Move, Moved, advance};
use crate::store::audit_event::{self, Event};
use crate::store::{self, Txn};

/// The reason that history shows if nobody gave one.
pub(super) const ENDED: &str = "ASSIGNMENT_ENDED";

/// Why assignments end, as the history of their requests shows it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cause<'a> {
    /// Who ends them; `None` for Guichet itself.
    pub actor: Option<Uuid>,
    /// A code, or the actor's own words; `None` is shown as `ASSIGNMENT_ENDED`.
    pub reason: Option<&'a str>,
    /// The bulk operation through which they end.
    pub bulk_operation: Option<Uuid>,
}

/// Cancels the requests of assignments that end, unless they were delivered or are over already.
///
/// Callers have locked the requests before the assignments, as everywhere.
pub(super) async fn cancel_requests(
    txn: &Txn,
    assignments: &[assignment::Model],
    cause: Cause<'_>,
) -> Result<(), Error> {
    let ids: Vec<Uuid> = assignments.iter().map(|assignment| assignment.request_id).collect();
    let mut requests = store::access_request::lock(txn, &ids).await?;
    requests.retain(|request| next(request.state, Step::EndAssignment).is_ok());
    if requests.is_empty() {
        return Ok(());
    }
    let moved: Vec<Moved> =
        requests.iter().map(|request| Moved { id: request.id, from: request.state }).collect();
    let step = Move {
        to: State::Canceled,
        action: Action::Canceled,
        actor: cause.actor,
        reason: Some(cause.reason.filter(|reason| !reason.is_empty()).unwrap_or(ENDED)),
        bulk_operation: cause.bulk_operation,
    };
    advance(txn, &moved, step).await?;
    let event = |request: &access_request::Model| Event {
        organization: request.organization_id,
        actor: cause.actor,
        action: "access_request.canceled",
        target: Some((Kind::AccessRequest, request.id)),
        call: None,
        details: Some(serde_json::json!({ "because": ENDED })),
    };
    Ok(audit_event::record_all(txn, &requests.iter().map(event).collect::<Vec<_>>()).await?)
}
