//! Change a catalog.

use uuid::Uuid;

use super::{get_allowed, name_taken};
use crate::authz::Permit;
use crate::authz::permission::action::EditCatalog;
use crate::domain::{Attempt, Code, Command, Error, Rejection, confirm, input};
use crate::id::Kind;
use crate::store::audit_event::{self, Event};
use crate::store::{self, StoreError, Txn};

/// Change a catalog; what is not given stays.
pub struct Update {
    /// The permit.
    pub permit: Permit<EditCatalog>,
    /// The catalog; none where the id was garbage.
    pub id: Option<Uuid>,
    /// The version that the change is based on.
    pub version: i32,
    /// The name.
    pub display_name: Option<String>,
    /// What it holds and for whom.
    pub description: Option<String>,
    /// Whether its packages can be requested.
    pub enabled: Option<bool>,
    /// Whether outsiders may request its packages.
    pub externally_visible: Option<bool>,
}

impl Command for Update {
    type Output = Uuid;

    fn attempt(&self) -> Attempt {
        Attempt::with(&self.permit, self.id.map(|id| (Kind::Catalog, id)))
    }

    async fn run(&self, txn: &Txn) -> Result<Uuid, Error> {
        let allowed = confirm(txn, &self.permit).await?;
        let before = get_allowed(txn, self.permit.scope(), &allowed, "id", self.id).await?;
        let mut checks = input::Checks::default();
        let mut after = before.clone();
        if let Some(name) = &self.display_name {
            after.display_name = checks.take(input::name("displayName", name));
            after.name_key = input::key(&after.display_name);
        }
        if let Some(description) = &self.description {
            after.description = checks.take(input::text("description", description));
        }
        checks.done()?;
        after.enabled = self.enabled.unwrap_or(before.enabled);
        after.externally_visible = self.externally_visible.unwrap_or(before.externally_visible);
        let changed =
            store::catalog::update(txn, &after, self.version).await.map_err(|error| match error {
                StoreError::Taken(_) => name_taken().into(),
                other => Error::from(other),
            })?;
        if !changed {
            return Err(Rejection::of("version", Code::Conflict, "The catalog was changed meanwhile.").into());
        }
        let event = Event::by(&self.permit.actor(), "catalog.updated", Kind::Catalog, before.id).with(
            serde_json::json!({
                "enabled": { "from": before.enabled, "to": after.enabled },
                "externallyVisible": { "from": before.externally_visible, "to": after.externally_visible },
                "renamed": before.display_name != after.display_name,
            }),
        );
        audit_event::record(txn, &event).await?;
        Ok(before.id)
    }
}
