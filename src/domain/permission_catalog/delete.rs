//! Take a permission of the organization's own out of the catalogue.

use entity::permission_definition::PermissionTarget;

use super::Definition;
use crate::authz::Permit;
use crate::authz::permission::action::EditPermissionCatalog;
use crate::domain::permission_catalog::Catalog;
use crate::domain::{Attempt, Code, Command, Error, Rejection, confirm_everywhere};
use crate::id::Kind;
use crate::store::audit_event::{self, Event};
use crate::store::{self, Txn};

/// Take a permission away: from now on it gives nothing to tokens that were granted it.
pub struct Delete {
    /// The permit.
    pub permit: Permit<EditPermissionCatalog>,
    /// What it is about.
    pub target: PermissionTarget,
    /// Its name.
    pub name: String,
}

impl Command for Delete {
    /// The permission, with the catalogue as it was.
    type Output = (Catalog, Definition);

    fn attempt(&self) -> Attempt {
        Attempt::with(&self.permit, None)
    }

    async fn run(&self, txn: &Txn) -> Result<Self::Output, Error> {
        confirm_everywhere(txn, &self.permit).await?;
        let actor = self.permit.actor();
        store::organization::lock(txn, actor.organization).await?;
        let rows = store::permission_definition::of(txn, actor.organization).await?;
        let row =
            rows.iter().find(|row| row.definition.target == self.target && row.definition.name == self.name);
        let id = row.map(|row| row.definition.id);
        let catalog = Catalog::new(rows);
        let known = catalog.find(self.target, &self.name).cloned();
        let (Some(id), Some(known)) = (id, known.clone()) else {
            return Err(match known {
                Some(_) => {
                    Rejection::of("name", Code::Forbidden, "This permission comes with Guichet and stays.")
                }
                None => {
                    Rejection::of("name", Code::NotFound, "The catalogue has no permission of this name.")
                }
            }
            .into());
        };
        store::permission_definition::delete(txn, id).await?;
        let event =
            Event::by(&actor, "permission_definition.deleted", Kind::Organization, actor.organization);
        let details = serde_json::json!({ "target": self.target, "name": self.name });
        audit_event::record(txn, &event.with(details)).await?;
        Ok((catalog, known))
    }
}
