//! Delete a connected organization that no policy names. Its guests stay, and come from nowhere then.

use uuid::Uuid;

use super::lock;
use crate::authz::Permit;
use crate::authz::permission::action::EditConnectedOrganization;
use crate::domain::{Attempt, Command, Error, confirm_everywhere, refusal};
use crate::id::Kind;
use crate::store::audit_event::{self, Event};
use crate::store::{self, Txn};

/// Delete a connected organization.
pub struct Delete {
    /// The permit.
    pub permit: Permit<EditConnectedOrganization>,
    /// The connected organization; none where the id was garbage.
    pub id: Option<Uuid>,
}

impl Command for Delete {
    type Output = Uuid;

    fn attempt(&self) -> Attempt {
        Attempt::with(&self.permit, self.id.map(|id| (Kind::ConnectedOrganization, id)))
    }

    async fn run(&self, txn: &Txn) -> Result<Uuid, Error> {
        confirm_everywhere(txn, &self.permit).await?;
        let actor = self.permit.actor();
        let id = lock(txn, actor.organization, self.id).await?.id;
        let policies = store::connected_organization::policies_with(txn, id).await?;
        if !policies.is_empty() {
            return Err(refusal::in_use("id", "Policies name this connected organization", &policies).into());
        }
        store::connected_organization::delete(txn, id).await?;
        txn.changes_access();
        let event = Event::by(&actor, "connected_organization.deleted", Kind::ConnectedOrganization, id);
        audit_event::record(txn, &event).await?;
        Ok(id)
    }
}
