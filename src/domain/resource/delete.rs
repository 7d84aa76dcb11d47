//! Take a resource out of its catalog, when no package gives it any more.

use uuid::Uuid;

use super::get_allowed;
use crate::authz::Permit;
use crate::authz::permission::action::EditResource;
use crate::domain::{Attempt, Command, Error, confirm, refusal};
use crate::id::Kind;
use crate::store::audit_event::{self, Event};
use crate::store::{self, Txn};

/// Delete a resource.
pub struct Delete {
    /// The permit.
    pub permit: Permit<EditResource>,
    /// The resource; none where the id was garbage.
    pub id: Option<Uuid>,
}

impl Command for Delete {
    type Output = Uuid;

    fn attempt(&self) -> Attempt {
        Attempt::with(&self.permit, self.id.map(|id| (Kind::Resource, id)))
    }

    async fn run(&self, txn: &Txn) -> Result<Uuid, Error> {
        let allowed = confirm(txn, &self.permit).await?;
        let resource = get_allowed(txn, self.permit.scope(), &allowed, "id", self.id).await?;
        let packages = store::resource::packages_with(txn, resource.id, None).await?;
        if !packages.is_empty() {
            return Err(refusal::in_use("id", "Packages give roles of this resource", &packages).into());
        }
        store::resource::delete(txn, resource.id).await?;
        let event = Event::by(&self.permit.actor(), "resource.deleted", Kind::Resource, resource.id);
        audit_event::record(txn, &event).await?;
        Ok(resource.id)
    }
}
