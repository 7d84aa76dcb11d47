//! Make a catalog. The maker becomes its owner.

use entity::catalog_role_assignment::CatalogRole;
use entity::{catalog, catalog_role_assignment};
use uuid::Uuid;

use super::name_taken;
use crate::authz::Permit;
use crate::authz::permission::action::CreateCatalog;
use crate::domain::{Attempt, Command, Error, confirm, input, repeated};
use crate::id::Kind;
use crate::store::audit_event::{self, Event};
use crate::store::idempotency::Key;
use crate::store::{StoreError, Txn};

/// Make a catalog.
pub struct Create {
    /// The permit.
    pub permit: Permit<CreateCatalog>,
    /// The name.
    pub display_name: String,
    /// What it holds and for whom.
    pub description: String,
    /// Whether its packages can be requested.
    pub enabled: bool,
    /// Whether outsiders may request its packages.
    pub externally_visible: bool,
    /// Makes the call repeatable.
    pub idempotency: Option<Key>,
}

impl Command for Create {
    type Output = Uuid;

    fn attempt(&self) -> Attempt {
        Attempt::with(&self.permit, None)
    }

    async fn run(&self, txn: &Txn) -> Result<Uuid, Error> {
        confirm(txn, &self.permit).await?;
        let mut checks = input::Checks::default();
        let display_name = checks.take(input::name("displayName", &self.display_name));
        let description = checks.take(input::text("description", &self.description));
        checks.done()?;
        let (actor, id) = (self.permit.actor(), txn.id());
        if let Some(first) = repeated(txn, &actor, "createCatalog", self.idempotency.as_ref(), id).await? {
            return Ok(first);
        }
        let row = catalog::Model {
            id,
            organization_id: actor.organization,
            name_key: input::key(&display_name),
            display_name,
            description,
            enabled: self.enabled,
            externally_visible: self.externally_visible,
            version: 1,
            created_at: txn.now(),
            deleted_at: None,
        };
        txn.insert(row).await.map_err(|error| match error {
            StoreError::Taken(_) => name_taken().into(),
            other => Error::from(other),
        })?;
        txn.insert(catalog_role_assignment::Model {
            id: txn.id(),
            organization_id: actor.organization,
            catalog_id: id,
            user_id: actor.user,
            role: CatalogRole::CatalogOwner,
            created_by_id: Some(actor.user),
            created_at: txn.now(),
        })
        .await?;
        txn.changes_access();
        let event = Event::by(&actor, "catalog.created", Kind::Catalog, id);
        let details = serde_json::json!({ "owner": Kind::User.text(actor.user) });
        audit_event::record(txn, &event.with(details)).await?;
        Ok(id)
    }
}
