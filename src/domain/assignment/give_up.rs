//! Give up: a holder hands back their own access. Nobody has to agree.

use entity::access_request::AccessRequestType;
use entity::assignment;
use uuid::Uuid;

use super::{Ending, end, lock_visible, revoke};
use crate::authz::{Actor, Scope};
use crate::domain::error::{Code, Error, Rejection};
use crate::domain::{Attempt, Command, input, repeated};
use crate::id::Kind;
use crate::store::audit_event::{self, Event};
use crate::store::idempotency::Key;
use crate::store::{self, Access, Txn};

/// Judges whether a user can give an assignment up: only their own.
pub fn judge(assignment: &assignment::Model, user: Option<Uuid>) -> Result<(), Code> {
    revoke::judge(assignment, user == Some(assignment.user_id))
}

/// Give one's own access up. It needs no permit: what one holds is one's own to hand back.
pub struct GiveUp {
    /// Who.
    pub actor: Actor,
    /// What they may see.
    pub scope: Scope,
    /// The assignment; none where the id was garbage.
    pub id: Option<Uuid>,
    /// Why.
    pub reason: Option<String>,
    /// Makes the call repeatable.
    pub idempotency: Option<Key>,
}

impl Command for GiveUp {
    /// The removal request.
    type Output = Uuid;

    fn attempt(&self) -> Attempt {
        Attempt {
            organization: self.actor.organization,
            actor: Some(self.actor.user),
            call: self.actor.call,
            action: "assignment.give_up",
            target: self.id.map(|id| (Kind::Assignment, id)),
        }
    }

    async fn run(&self, txn: &Txn) -> Result<Uuid, Error> {
        let request = txn.id();
        let key = self.idempotency.as_ref();
        if let Some(first) = repeated(txn, &self.actor, "giveUpAssignment", key, request).await? {
            return Ok(first);
        }
        let not_found =
            || Rejection::of("id", Code::NotFound, "There is no such assignment, or you may not see it.");
        if !store::user::lock_active(txn, self.actor.user).await? {
            return Err(Rejection::new(Code::UserDeactivated, "You were deactivated.").into());
        }
        let id = self.id.ok_or_else(not_found)?;
        let held = lock_visible(txn, Access::Visible(&self.scope), &[id]).await?;
        let assignment = held.first().ok_or_else(not_found)?;
        judge(assignment, Some(self.actor.user)).map_err(|code| {
            let message = match code {
                Code::Forbidden => "Only its holder gives an assignment up; managers of requests revoke it.",
                _ => "The assignment is over, or is being taken away already.",
            };
            Rejection::of("id", code, message)
        })?;
        let reason = self.reason.as_deref().map(|text| input::text("reason", text)).transpose()?;
        let ending = Ending::Request {
            id: Some(request),
            kind: AccessRequestType::UserRemove,
            actor: Some(self.actor.user),
            reason: reason.as_deref().filter(|reason| !reason.is_empty()),
            bulk_operation: None,
        };
        end(txn, &held, ending).await?;
        audit_event::record(txn, &Event::by(&self.actor, "assignment.given_up", Kind::Assignment, id))
            .await?;
        Ok(request)
    }
}
