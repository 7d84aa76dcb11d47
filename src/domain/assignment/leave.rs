//! A user leaves: what they asked for is cancelled, what they hold is taken away.

use entity::access_request::{AccessRequestState as State, AccessRequestType};
use entity::access_request_event::AccessRequestAction as Action;
use uuid::Uuid;

use super::{Ending, end};
use crate::authz::Actor;
use crate::domain::{Error, approval};
use crate::id::Kind;
use crate::store::access_request::{Move, Moved, advance};
use crate::store::approval::Leaving;
use crate::store::audit_event::{self, Event};
use crate::store::{self, Txn};

/// The reason that history shows.
const REASON: &str = "USER_DEACTIVATED";

/// Cancels the open requests of a user and ends their assignments.
pub async fn leave(txn: &Txn, actor: &Actor, user: Uuid) -> Result<(), Error> {
    store::user::lock_active(txn, user).await?;
    let requests = store::access_request::lock_of_leaver(txn, user).await?;
    // What is being delivered, or was in part, is canceled with its assignment.
    let is_open = |state| matches!(state, State::Submitted | State::PendingApproval | State::Scheduled);
    let open = requests.iter().filter(|request| is_open(request.state));
    let moved: Vec<Moved> = open.map(|request| Moved { id: request.id, from: request.state }).collect();
    let step = Move {
        to: State::Canceled,
        action: Action::Canceled,
        actor: Some(actor.user),
        reason: Some(REASON),
        bulk_operation: None,
    };
    let canceled = advance(txn, &moved, step).await?;
    store::approval::cancel(txn, &canceled).await?;
    approval::open::leave(txn, actor.organization, user, Leaving::User).await?;
    let held = store::assignment::lock_current(txn, user, None).await?;
    let ending = Ending::Request {
        id: None,
        kind: AccessRequestType::SystemRemove,
        actor: Some(actor.user),
        reason: Some(REASON),
        bulk_operation: None,
    };
    end(txn, &held, ending).await?;
    let canceled = canceled.iter().map(|id| (Kind::AccessRequest, "access_request.canceled", *id));
    let revoked = held.iter().map(|row| (Kind::Assignment, "assignment.revoked", row.id));
    let events = canceled.chain(revoked).map(|(kind, action, id)| {
        Event::by(actor, action, kind, id).with(serde_json::json!({ "because": REASON }))
    });
    Ok(audit_event::record_all(txn, &events.collect::<Vec<_>>()).await?)
}
