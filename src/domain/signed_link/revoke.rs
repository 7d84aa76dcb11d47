//! Revoke a signed link: from now on nothing can be requested with it.

use uuid::Uuid;

use crate::authz::Permit;
use crate::authz::permission::action::EditSignedLink;
use crate::domain::{Attempt, Code, Command, Error, Rejection, confirm};
use crate::id::Kind;
use crate::store::audit_event::{self, Event};
use crate::store::{self, Access, Txn};

/// Revoke a signed link.
pub struct Revoke {
    /// The permit.
    pub permit: Permit<EditSignedLink>,
    /// The link; none where the id was garbage.
    pub id: Option<Uuid>,
}

impl Command for Revoke {
    type Output = Uuid;

    fn attempt(&self) -> Attempt {
        Attempt::with(&self.permit, self.id.map(|id| (Kind::SignedLink, id)))
    }

    async fn run(&self, txn: &Txn) -> Result<Uuid, Error> {
        let managed_packages = confirm(txn, &self.permit).await?;
        let scope = crate::authz::Scope { managed_packages, ..self.permit.scope().clone() };
        let id = self.id.ok_or_else(not_found)?;
        let found = store::signed_link::find(txn, Access::Visible(&scope), &[id]).await?;
        let link = found.into_iter().next().ok_or_else(not_found)?;
        let actor = self.permit.actor();
        if !store::signed_link::revoke(txn, link.id, actor.user).await? {
            let message = "The link was revoked before.";
            return Err(Rejection::of("id", Code::AlreadyRevoked, message).into());
        }
        let event = Event::by(&actor, "signed_link.revoked", Kind::SignedLink, link.id);
        let details = serde_json::json!({
            "accessPackage": Kind::AccessPackage.text(link.access_package_id),
            "uses": link.uses,
        });
        audit_event::record(txn, &event.with(details)).await?;
        Ok(link.id)
    }
}

fn not_found() -> Rejection {
    Rejection::of("id", Code::NotFound, "There is no such link, or you may not see it.")
}
