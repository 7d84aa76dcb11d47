//! What nobody decided in time is denied; before that its alternates may be asked.

use std::collections::BTreeMap;

use entity::access_request::{self, AccessRequestState as State};
use entity::access_request_event::AccessRequestAction as Action;
use entity::approval::{self, ApprovalState};
use uuid::Uuid;

use super::open::forward;
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

/// A stage whose time has come, and its request.
type Due = (approval::Model, access_request::Model);

/// Looks at the stages whose time has come, so many at most; tells how many there were.
pub async fn run(txn: &Txn, most: u64) -> Result<usize, Error> {
    let due = store::approval::lock_due(txn, most).await?;
    let (over, forwarded): (Vec<&Due>, Vec<&Due>) =
        due.iter().partition(|(stage, _)| stage.expires_at <= txn.now());
    deny(txn, &over).await?;
    let mut organizations: BTreeMap<Uuid, Vec<_>> = BTreeMap::new();
    for (stage, request) in forwarded {
        organizations.entry(stage.organization_id).or_default().push((stage, request));
    }
    for (organization, stages) in organizations {
        forward(txn, organization, &stages).await?;
    }
    Ok(due.len())
}

/// Denies the requests whose stage is over without a decision.
async fn deny(txn: &Txn, over: &[&Due]) -> Result<(), Error> {
    let stages: Vec<Uuid> = over.iter().map(|(stage, _)| stage.id).collect();
    store::approval::close(txn, &stages, ApprovalState::TimedOut, None, None).await?;
    let waiting = over.iter().filter(|(_, request)| request.state == State::PendingApproval);
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
    let event = |(_, request): &&Due| Event {
        organization: request.organization_id,
        actor: None,
        action: "access_request.timed_out",
        target: Some((Kind::AccessRequest, request.id)),
        call: None,
        details: None,
    };
    audit_event::record_all(txn, &over.iter().map(event).collect::<Vec<_>>()).await?;
    Ok(())
}
