//! What nobody decided in time is denied.

use entity::access_request::{self, AccessRequestState as State};
use entity::access_request_event::AccessRequestAction as Action;
use entity::approval::ApprovalState;
use uuid::Uuid;

use crate::domain::Error;
use crate::domain::access_request::Step;
use crate::domain::assignment::begin::legal;
use crate::domain::notification::approval::{Decided, decided};
use crate::id::Kind;
use crate::store::access_request::{Move, Moved, advance};
use crate::store::audit_event::{self, Event};
use crate::store::{self, Txn};

/// The reason that history shows.
const REASON: &str = "TIMED_OUT";

/// Denies the requests whose stage is over without a decision, so many at most; tells how many there were.
pub async fn deny(txn: &Txn, most: u64) -> Result<usize, Error> {
    let due = store::approval::lock_due(txn, most).await?;
    let stages: Vec<Uuid> = due.iter().map(|(stage, _)| *stage).collect();
    store::approval::close(txn, &stages, ApprovalState::TimedOut, None, None).await?;
    let waiting = due.iter().filter(|(_, request)| request.state == State::PendingApproval);
    let moved: Vec<Moved> =
        waiting.map(|(_, request)| Moved { id: request.id, from: request.state }).collect();
    let step = Move {
        to: legal(State::PendingApproval, Step::Deny)?,
        action: Action::TimedOut,
        actor: None,
        reason: Some(REASON),
        bulk_operation: None,
    };
    let denied = advance(txn, &moved, step).await?;
    decided(txn, &denied, Decided::TimedOut, None).await?;
    let event = |(_, request): &(Uuid, access_request::Model)| Event {
        organization: request.organization_id,
        actor: None,
        action: "access_request.timed_out",
        target: Some((Kind::AccessRequest, request.id)),
        call: None,
        details: None,
    };
    audit_event::record_all(txn, &due.iter().map(event).collect::<Vec<_>>()).await?;
    Ok(due.len())
}
