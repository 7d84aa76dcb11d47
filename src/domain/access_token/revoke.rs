//! Revoke: a member gives one of their tokens up, for good. What is so already stays so.

use entity::access_token;
use uuid::Uuid;

use super::create::by;
use super::{attempt, end, own};
use crate::authz::Actor;
use crate::domain::error::{Code, Error, Rejection};
use crate::domain::{Attempt, Command};
use crate::id::Kind;
use crate::store::audit_event::{self, Event};
use crate::store::{self, Txn};

/// Revoke a token. It needs no permit: one's own is always one's to give up.
pub struct Revoke {
    /// Who does.
    pub actor: Actor,
    /// The token; none where the id was garbage.
    pub id: Option<Uuid>,
}

impl Command for Revoke {
    type Output = Uuid;

    fn attempt(&self) -> Attempt {
        attempt(&self.actor, "access_token.revoke", self.id)
    }

    async fn run(&self, txn: &Txn) -> Result<Uuid, Error> {
        if !store::user::lock_active(txn, self.actor.user).await? {
            return Err(Rejection::new(Code::UserDeactivated, "You were deactivated.").into());
        }
        let token = own(txn, &self.actor, self.id).await?;
        let id = token.id;
        if token.revoked_at.is_some() {
            return Ok(id);
        }
        let after = access_token::Model { revoked_at: Some(txn.now()), due_at: None, ..token };
        store::access_token::update(txn, &after).await?;
        let event = Event::by(&self.actor, "personal_access_token.destroy", Kind::AccessToken, id);
        audit_event::record(txn, &event).await?;
        end::give_up(txn, &[id], &by(&self.actor)).await?;
        Ok(id)
    }
}
