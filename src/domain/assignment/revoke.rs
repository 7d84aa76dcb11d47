//! Revoke: take an assignment away.

use entity::access_request::AccessRequestType;
use uuid::Uuid;

use super::{Ending, end, is_current};
use crate::authz::Permit;
use crate::authz::permission::action::Revoke as Action;
use crate::domain::error::{Code, Error, Rejection};
use crate::domain::{Attempt, Command, confirm, input};
use crate::id::Kind;
use crate::store::assignment::Include;
use crate::store::audit_event::{self, Event};
use crate::store::{self, Access, Txn};

/// Take an assignment away.
pub struct Revoke {
    /// The permit.
    pub permit: Permit<Action>,
    /// The assignment; none where the id was garbage.
    pub id: Option<Uuid>,
    /// Why.
    pub reason: Option<String>,
}

impl Command for Revoke {
    /// The removal request.
    type Output = Uuid;

    fn attempt(&self) -> Attempt {
        Attempt::with(&self.permit, self.id.map(|id| (Kind::Assignment, id)))
    }

    async fn run(&self, txn: &Txn) -> Result<Uuid, Error> {
        let allowed = confirm(txn, &self.permit).await?;
        let not_found =
            || Rejection::of("id", Code::NotFound, "There is no such assignment, or you may not see it.");
        let id = self.id.ok_or_else(not_found)?;
        let visible = Access::Visible(self.permit.scope());
        let found = store::assignment::find(txn, visible, &[id], Include::default()).await?;
        let found = found.into_iter().next().ok_or_else(not_found)?.assignment;
        if !allowed.contain(found.catalog_id) {
            let message = "You hold no role in this assignment's catalog that allows this.";
            return Err(Rejection::of("id", Code::Forbidden, message).into());
        }
        let reason = self.reason.as_deref().map(|text| input::text("reason", text)).transpose()?;
        store::access_request::lock(txn, &[found.request_id]).await?;
        let held = store::assignment::lock(txn, &[id]).await?;
        let held: Vec<_> = held.into_iter().filter(is_current).collect();
        let actor = self.permit.actor();
        let ending = Ending::Request {
            kind: AccessRequestType::AdminRemove,
            actor: Some(actor.user),
            reason: reason.as_deref(),
        };
        let Some(request) = end(txn, &held, ending).await?.into_iter().next() else {
            let message = "The assignment is over, or is being taken away already.";
            return Err(Rejection::of("id", Code::NotActive, message).into());
        };
        audit_event::record(txn, &Event::by(&actor, "assignment.revoked", Kind::Assignment, id)).await?;
        Ok(request)
    }
}
