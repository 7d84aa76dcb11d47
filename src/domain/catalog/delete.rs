//! Delete a catalog that holds nothing any more.

use uuid::Uuid;

use super::get_allowed;
use crate::authz::Permit;
use crate::authz::permission::action::EditCatalog;
use crate::domain::{Attempt, Code, Command, Error, Rejection, confirm};
use crate::id::Kind;
use crate::store::audit_event::{self, Event};
use crate::store::{self, Txn};

/// Delete a catalog.
pub struct Delete {
    /// The permit.
    pub permit: Permit<EditCatalog>,
    /// The catalog; none where the id was garbage.
    pub id: Option<Uuid>,
}

impl Command for Delete {
    type Output = Uuid;

    fn attempt(&self) -> Attempt {
        Attempt::with(&self.permit, self.id.map(|id| (Kind::Catalog, id)))
    }

    async fn run(&self, txn: &Txn) -> Result<Uuid, Error> {
        let allowed = confirm(txn, &self.permit).await?;
        let catalog = get_allowed(txn, self.permit.scope(), &allowed, "id", self.id).await?;
        let users = store::catalog::users_of(txn, catalog.id).await?;
        if !users.is_empty() {
            let users: Vec<String> = users.into_iter().map(|(kind, id)| kind.text(id)).collect();
            let message = format!("The catalog still holds: {}. Delete these first.", users.join(", "));
            return Err(Rejection::of("id", Code::InUse, message).into());
        }
        store::catalog::delete(txn, catalog.id).await?;
        txn.changes_access();
        let event = Event::by(&self.permit.actor(), "catalog.deleted", Kind::Catalog, catalog.id);
        audit_event::record(txn, &event).await?;
        Ok(catalog.id)
    }
}
