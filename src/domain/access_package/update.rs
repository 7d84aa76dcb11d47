//! Change a package's name, description, and whether it is listed.

use uuid::Uuid;

use super::{get_allowed, name_taken};
use crate::authz::Permit;
use crate::authz::permission::action::EditPackage;
use crate::domain::{Attempt, Command, Error, confirm, input, refusal};
use crate::id::Kind;
use crate::store::audit_event::{self, Event};
use crate::store::{self, Txn};

/// Change a package; what is not given stays.
pub struct Update {
    /// The permit.
    pub permit: Permit<EditPackage>,
    /// The package; none where the id was garbage.
    pub id: Option<Uuid>,
    /// The version that the change is based on.
    pub version: i32,
    /// The name.
    pub display_name: Option<String>,
    /// What it gives and for whom.
    pub description: Option<String>,
    /// Whether it is left out of the lists of requestors.
    pub hidden: Option<bool>,
}

impl Command for Update {
    type Output = Uuid;

    fn attempt(&self) -> Attempt {
        Attempt::with(&self.permit, self.id.map(|id| (Kind::AccessPackage, id)))
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
        after.hidden = self.hidden.unwrap_or(before.hidden);
        let updated = store::access_package::update(txn, &after, self.version).await;
        if !updated.map_err(refusal::taken(name_taken))? {
            return Err(refusal::conflict("access package").into());
        }
        let event = Event::by(&self.permit.actor(), "access_package.updated", Kind::AccessPackage, before.id);
        let details = serde_json::json!({
            "hidden": { "from": before.hidden, "to": after.hidden },
            "renamed": before.display_name != after.display_name,
        });
        audit_event::record(txn, &event.with(details)).await?;
        Ok(before.id)
    }
}
