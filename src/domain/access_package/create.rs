//! Make a package. Nobody can request it before it has a policy.

use entity::access_package;
use uuid::Uuid;

use super::name_taken;
use super::roles::{self, rows};
use crate::authz::Permit;
use crate::authz::permission::action::EditPackage;
use crate::domain::input::{self, Checks};
use crate::domain::{Attempt, Command, Error, catalog, confirm, refusal, repeated};
use crate::id::Kind;
use crate::store::Txn;
use crate::store::audit_event::{self, Event};
use crate::store::idempotency::Key;

/// Make a package.
pub struct Create {
    /// The permit.
    pub permit: Permit<EditPackage>,
    /// The catalog; none where the id was garbage.
    pub catalog: Option<Uuid>,
    /// The name.
    pub display_name: String,
    /// What it gives and for whom.
    pub description: String,
    /// Whether it is left out of the lists of requestors.
    pub hidden: bool,
    /// The resource roles that it gives.
    pub resource_roles: Vec<Uuid>,
    /// Makes the call repeatable.
    pub idempotency: Option<Key>,
}

impl Command for Create {
    type Output = Uuid;

    fn attempt(&self) -> Attempt {
        Attempt::with(&self.permit, self.catalog.map(|id| (Kind::Catalog, id)))
    }

    async fn run(&self, txn: &Txn) -> Result<Uuid, Error> {
        let allowed = confirm(txn, &self.permit).await?;
        let (actor, id) = (self.permit.actor(), txn.id());
        let catalog =
            catalog::get_allowed(txn, self.permit.scope(), &allowed, "catalog", self.catalog).await?;
        let mut checks = Checks::default();
        let display_name = checks.take(input::name("displayName", &self.display_name));
        let description = checks.take(input::text("description", &self.description));
        checks.take(roles::few(self.resource_roles.len()));
        checks.done()?;
        let key = self.idempotency.as_ref();
        if let Some(first) = repeated(txn, &actor, "createAccessPackage", key, id).await? {
            return Ok(first);
        }
        let row = access_package::Model {
            id,
            organization_id: actor.organization,
            catalog_id: catalog.id,
            name_key: input::key(&display_name),
            display_name,
            description,
            hidden: self.hidden,
            version: 1,
            created_at: txn.now(),
            deleted_at: None,
        };
        let roles = roles::of_catalog(txn, actor.organization, catalog.id, &self.resource_roles).await?;
        txn.insert(row).await.map_err(refusal::taken(name_taken))?;
        txn.insert_all(rows(txn, &actor, id, &roles)).await?;
        let event = Event::by(&actor, "access_package.created", Kind::AccessPackage, id);
        let details = serde_json::json!({
            "catalog": Kind::Catalog.text(catalog.id),
            "hidden": self.hidden,
            "resourceRoles": roles::texts(&roles),
        });
        audit_event::record(txn, &event.with(details)).await?;
        Ok(id)
    }
}
