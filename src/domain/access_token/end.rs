//! The ends that tokens come to, and what hangs on them: sets, not loops.
//!
//! Everywhere the requests are ended before the grants: a review that comes between has made its grant by then.

use entity::token_grant::TokenGrantState;
use entity::token_request::{CancelReason, TokenRequestState};
use entity::token_request_event::TokenRequestAction;
use uuid::Uuid;

use crate::authz::Actor;
use crate::domain::Error;
use crate::domain::token_request::cancel;
use crate::domain::token_request::told::{About, By, Happening, tell};
use crate::store::token_grant::{Ending, Which, end};
use crate::store::token_request::{Closing, Waiting, close, lock_waiting, note_grants};
use crate::store::{self, Said, Txn};

/// Tokens were given up: what waits is cancelled, what was granted ends.
pub async fn give_up(txn: &Txn, tokens: &[Uuid], by: &By<'_>) -> Result<(), Error> {
    cancel_waiting(txn, Waiting::OfTokens(tokens), CancelReason::TokenRevoked, by).await?;
    end_grants(txn, Which::OfTokens(tokens), Happening::Ended, by).await
}

/// A user was deactivated: what their tokens ask for is cancelled, what they were granted is suspended.
pub async fn leave(txn: &Txn, actor: &Actor, user: Uuid) -> Result<(), Error> {
    let by = By { actor: Some(actor.user), call: Some(actor.call), ..By::default() };
    cancel_waiting(txn, Waiting::OfOwner(user), CancelReason::MemberLeft, &by).await?;
    end_grants(txn, Which::OfOwner(user), Happening::Suspended, &by).await
}

/// Tokens expired: what waits expires with them, what was granted ends. The caller holds the tokens locked.
pub async fn expire(txn: &Txn, tokens: &[Uuid]) -> Result<(), Error> {
    let by = By::default();
    let waiting = lock_waiting(txn, Waiting::OfTokens(tokens)).await?;
    let ids: Vec<Uuid> = waiting.iter().map(|request| request.id).collect();
    let closing = Closing {
        to: TokenRequestState::Expired,
        action: TokenRequestAction::Expired,
        actor: None,
        said: Said::default(),
        cancel_reason: None,
        automatic_reason: None,
        bulk_operation: None,
    };
    close(txn, &ids, closing).await?;
    let about: Vec<About> = waiting.iter().map(About::from).collect();
    tell(txn, Happening::Expired, &by, &about).await?;
    end_grants(txn, Which::OfTokens(tokens), Happening::Ended, &by).await?;
    Ok(store::access_token::settle(txn, tokens).await?)
}

async fn cancel_waiting(
    txn: &Txn,
    which: Waiting<'_>,
    reason: CancelReason,
    by: &By<'_>,
) -> Result<(), Error> {
    let waiting = lock_waiting(txn, which).await?;
    let ids: Vec<Uuid> = waiting.iter().map(|request| request.id).collect();
    cancel::all(txn, &ids, reason, by).await?;
    let about: Vec<About> = waiting.iter().map(About::from).collect();
    tell(txn, Happening::Canceled(reason), by, &about).await
}

async fn end_grants(txn: &Txn, which: Which<'_>, happening: Happening, by: &By<'_>) -> Result<(), Error> {
    let (to, action) = if happening == Happening::Suspended {
        (TokenGrantState::Suspended, TokenRequestAction::GrantSuspended)
    } else {
        (TokenGrantState::Ended, TokenRequestAction::GrantEnded)
    };
    let ended = end(txn, which, Ending { to, actor: by.actor, reason: None }).await?;
    let requests: Vec<Uuid> = ended.iter().map(|grant| grant.request_id).collect();
    note_grants(txn, &requests, action, by.actor, None, None).await?;
    let about: Vec<About> = ended.iter().map(About::from).collect();
    tell(txn, happening, by, &about).await
}
