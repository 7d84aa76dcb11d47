//! Let a guest act again who was blocked for holding nothing. Who may act already does so still.

use entity::app_user::{GuestEnd, UserState};
use entity::guest_step::{self, GuestStepKind};
use uuid::Uuid;

use super::not_found;
use crate::authz::Permit;
use crate::authz::permission::action::EditUser;
use crate::domain::{Attempt, Code, Command, Error, Rejection, confirm_everywhere};
use crate::id::Kind;
use crate::store::audit_event::{self, Event};
use crate::store::{self, Txn};

/// Let a guest act again who was blocked.
pub struct Unblock {
    /// The permit.
    pub permit: Permit<EditUser>,
    /// The guest; none where the id was garbage.
    pub id: Option<Uuid>,
}

impl Command for Unblock {
    type Output = Uuid;

    fn attempt(&self) -> Attempt {
        Attempt::with(&self.permit, self.id.map(|id| (Kind::User, id)))
    }

    async fn run(&self, txn: &Txn) -> Result<Uuid, Error> {
        confirm_everywhere(txn, &self.permit).await?;
        let actor = self.permit.actor();
        let id = self.id.ok_or_else(|| not_found("id"))?;
        let found = store::user::lock(txn, actor.organization, &[id]).await?.into_iter().next();
        let user = found.ok_or_else(|| not_found("id"))?;
        match (user.guest_end, user.state) {
            (Some(GuestEnd::Blocked), _) => {}
            (Some(GuestEnd::Removed), _) => return Err(not_found("id").into()),
            (None, UserState::Active) => return Ok(id),
            (None, UserState::Deactivated) => {
                let message = "The user is not blocked, but deactivated: use `reactivateUser`.";
                return Err(Rejection::of("id", Code::UserDeactivated, message).into());
            }
        }
        store::guest::unblock(txn, id).await?;
        txn.insert(guest_step::Model {
            id: txn.id(),
            organization_id: actor.organization,
            user_id: id,
            step: GuestStepKind::Unblocked,
            at: txn.now(),
            since: user.guest_end_at,
            actor_id: Some(actor.user),
        })
        .await?;
        txn.changes_access();
        audit_event::record(txn, &Event::by(&actor, "user.unblocked", Kind::User, id)).await?;
        Ok(id)
    }
}
