//! Deactivate a user, or make them active again. What is so already stays so.

use entity::app_user::{GuestEnd, UserState};
use uuid::Uuid;

use super::not_found;
use crate::authz::Permit;
use crate::authz::permission::action::EditUser;
use crate::domain::{Attempt, Code, Command, Error, Rejection, access_token, assignment, confirm_everywhere};
use crate::id::Kind;
use crate::store::audit_event::{self, Event};
use crate::store::{self, Txn};

/// Deactivate a user, or make them active again.
pub struct SetState {
    /// The permit.
    pub permit: Permit<EditUser>,
    /// The user; none where the id was garbage.
    pub id: Option<Uuid>,
    /// What they are to be.
    pub state: UserState,
}

impl Command for SetState {
    type Output = Uuid;

    fn attempt(&self) -> Attempt {
        Attempt::with(&self.permit, self.id.map(|id| (Kind::User, id)))
    }

    async fn run(&self, txn: &Txn) -> Result<Uuid, Error> {
        let actor = self.permit.actor();
        let id = self.id.ok_or_else(|| not_found("id"))?;
        // Of two administrators who deactivate each other at once, one is too late.
        let users = store::user::lock(txn, actor.organization, &[actor.user, id]).await?;
        confirm_everywhere(txn, &self.permit).await?;
        let user = users.into_iter().find(|user| user.id == id).ok_or_else(|| not_found("id"))?;
        if self.state == UserState::Deactivated && id == actor.user {
            let message = "Nobody deactivates themselves: ask another administrator.";
            return Err(Rejection::of("id", Code::InvalidInput, message).into());
        }
        match user.guest_end {
            Some(GuestEnd::Removed) => return Err(not_found("id").into()),
            Some(GuestEnd::Blocked) if self.state == UserState::Active => {
                let message =
                    "The guest is not deactivated, but was blocked for holding nothing: use `unblockUser`.";
                return Err(Rejection::of("id", Code::UserBlocked, message).into());
            }
            None if user.state == self.state => return Ok(id),
            // Who was blocked and is deactivated now stays so, and is not removed for it.
            Some(GuestEnd::Blocked) | None => {}
        }
        store::user::set_state(txn, id, self.state).await?;
        txn.changes_access();
        let action = match self.state {
            UserState::Active => "user.reactivated",
            UserState::Deactivated => "user.deactivated",
        };
        audit_event::record(txn, &Event::by(&actor, action, Kind::User, id)).await?;
        if self.state == UserState::Deactivated {
            assignment::leave(txn, &actor, id).await?;
            access_token::end::leave(txn, &actor, id).await?;
        }
        Ok(id)
    }
}
