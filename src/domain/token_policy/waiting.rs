//! What becomes of the requests that wait when no approval is asked for any more.

use entity::bulk_operation::ReviewDecision;
use entity::token_request::{self, AutomaticReason};

use crate::authz::Permit;
use crate::authz::permission::action::EditTokenPolicy;
use crate::domain::token_request::{review, told};
use crate::domain::{Code, Error, Rejection};
use crate::store::token_request::{lock_judged, lock_waiting};
use crate::store::{self, Access, Txn};

/// What becomes of the requests that wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waiting {
    /// All are approved.
    Approve,
    /// All are denied.
    Deny,
    /// They go on waiting for an owner.
    Keep,
}

/// Does with the waiting requests what was decided; where some wait, it must be.
pub(super) async fn settle(
    txn: &Txn,
    permit: &Permit<EditTokenPolicy>,
    decision: Option<Waiting>,
    reason: Option<&str>,
) -> Result<(), Error> {
    let actor = permit.actor();
    let (decision, automatic) = match decision {
        Some(Waiting::Keep) => return Ok(()),
        Some(Waiting::Approve) => (ReviewDecision::Approve, Some(AutomaticReason::ApprovalNotRequired)),
        Some(Waiting::Deny) => (ReviewDecision::Deny, None),
        None => return none_waits(store::token_request::count_waiting(txn, actor.organization).await?),
    };
    let waiting = lock_waiting(txn, store::token_request::Waiting::In(actor.organization)).await?;
    let ids: Vec<_> = waiting.iter().map(|request| request.id).collect();
    // What waits for a token that has expired meanwhile is for the worker to end.
    let judged = lock_judged(txn, Access::Named(actor.organization), &ids).await?;
    let live = judged.into_iter().filter(|judged| judged.expires_at.is_none_or(|end| end > txn.now()));
    let live: Vec<token_request::Model> = live.map(|judged| judged.request).collect();
    let by = told::By {
        actor: Some(actor.user),
        call: Some(actor.call),
        said: reason.into(),
        ..told::By::default()
    };
    review::apply(txn, &live, decision, automatic, &by).await
}

fn none_waits(count: i64) -> Result<(), Error> {
    if count == 0 {
        return Ok(());
    }
    let noun = if count == 1 { "request waits" } else { "requests wait" };
    let message = format!(
        "{count} token {noun} for approval. Say with `waitingRequests` what becomes of them: APPROVE, DENY or KEEP."
    );
    Err(Rejection::of("waitingRequests", Code::TokenRequestsWaiting, message).into())
}
