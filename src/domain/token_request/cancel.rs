//! Cancel: a token's owner withdraws what the token asks for.

use entity::token_request::{CancelReason, TokenRequestState as State};
use entity::token_request_event::TokenRequestAction;
use uuid::Uuid;

use super::told::{About, By, Happening, tell};
use super::{Step, next};
use crate::authz::{Actor, Scope};
use crate::domain::error::{Code, Error, Rejection};
use crate::domain::{Attempt, Command};
use crate::id::Kind;
use crate::store::token_request::{Closing, close, lock_judged};
use crate::store::{self, Access, Said, Txn};

/// Judges whether a request can be withdrawn by somebody whose own it is, or is not.
pub fn judge(state: State, own: bool) -> Result<(), Code> {
    if !own {
        return Err(Code::Forbidden);
    }
    next(state, Step::Cancel).map(|_| ()).map_err(|_| Code::NotCancelable)
}

/// Withdraw a request. It needs no permit: one's own is always one's to withdraw.
pub struct Cancel {
    /// Who withdraws.
    pub actor: Actor,
    /// What they may see.
    pub scope: Scope,
    /// The request; none where the id was garbage.
    pub id: Option<Uuid>,
}

impl Command for Cancel {
    type Output = Uuid;

    fn attempt(&self) -> Attempt {
        Attempt {
            organization: self.actor.organization,
            actor: Some(self.actor.user),
            call: self.actor.call,
            action: "token_request.cancel",
            target: self.id.map(|id| (Kind::TokenRequest, id)),
        }
    }

    async fn run(&self, txn: &Txn) -> Result<Uuid, Error> {
        let not_found =
            || Rejection::of("id", Code::NotFound, "There is no such request, or you may not see it.");
        let id = self.id.ok_or_else(not_found)?;
        if !store::user::lock_active(txn, self.actor.user).await? {
            return Err(Rejection::new(Code::UserDeactivated, "You were deactivated.").into());
        }
        let locked = lock_judged(txn, Access::Visible(&self.scope), &[id]).await?;
        let request = &locked.first().ok_or_else(not_found)?.request;
        judge(request.state, request.owner_id == self.actor.user).map_err(|code| {
            let message = match code {
                Code::Forbidden => "Only the owner of the token withdraws its request.",
                _ => "Only a request that waits can be withdrawn.",
            };
            Rejection::of("id", code, message)
        })?;
        let by = By { actor: Some(self.actor.user), call: Some(self.actor.call), ..By::default() };
        all(txn, &[request.id], CancelReason::Requester, &by).await?;
        tell(txn, Happening::Canceled(CancelReason::Requester), &by, &[About::from(request)]).await?;
        Ok(id)
    }
}

/// Cancels requests that wait; telling of it is the caller's.
pub async fn all(txn: &Txn, requests: &[Uuid], reason: CancelReason, by: &By<'_>) -> Result<(), Error> {
    let closing = Closing {
        to: State::Canceled,
        action: TokenRequestAction::Canceled,
        actor: by.actor,
        said: Said::default(),
        cancel_reason: Some(reason),
        automatic_reason: None,
        bulk_operation: by.bulk_operation,
    };
    close(txn, requests, closing).await?;
    Ok(())
}
