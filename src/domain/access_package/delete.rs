//! Delete a package that nobody holds or waits for any more.

use uuid::Uuid;

use super::get_allowed;
use crate::authz::Permit;
use crate::authz::permission::action::EditPackage;
use crate::domain::{Attempt, Command, Error, confirm, refusal};
use crate::id::Kind;
use crate::store::audit_event::{self, Event};
use crate::store::{self, Txn};

/// Delete a package.
pub struct Delete {
    /// The permit.
    pub permit: Permit<EditPackage>,
    /// The package; none where the id was garbage.
    pub id: Option<Uuid>,
}

impl Command for Delete {
    type Output = Uuid;

    fn attempt(&self) -> Attempt {
        Attempt::with(&self.permit, self.id.map(|id| (Kind::AccessPackage, id)))
    }

    async fn run(&self, txn: &Txn) -> Result<Uuid, Error> {
        let allowed = confirm(txn, &self.permit).await?;
        let package = get_allowed(txn, self.permit.scope(), &allowed, "id", self.id).await?;
        let users = store::access_package::users_of(txn, package.id).await?;
        if !users.is_empty() {
            let reason = "The package is still held or requested";
            return Err(refusal::in_use("id", reason, &users).into());
        }
        store::access_package::delete(txn, package.id).await?;
        let event =
            Event::by(&self.permit.actor(), "access_package.deleted", Kind::AccessPackage, package.id);
        audit_event::record(txn, &event).await?;
        Ok(package.id)
    }
}
