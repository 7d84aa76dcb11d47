//! Rename a resource.

use uuid::Uuid;

use super::get_allowed;
use crate::authz::Permit;
use crate::authz::permission::action::EditResource;
use crate::domain::{Attempt, Command, Error, confirm, input, refusal};
use crate::id::Kind;
use crate::store::audit_event::{self, Event};
use crate::store::{self, Txn};

/// Rename a resource; what is not given stays.
pub struct Update {
    /// The permit.
    pub permit: Permit<EditResource>,
    /// The resource; none where the id was garbage.
    pub id: Option<Uuid>,
    /// The version that the change is based on.
    pub version: i32,
    /// The name.
    pub display_name: Option<String>,
}

impl Command for Update {
    type Output = Uuid;

    fn attempt(&self) -> Attempt {
        Attempt::with(&self.permit, self.id.map(|id| (Kind::Resource, id)))
    }

    async fn run(&self, txn: &Txn) -> Result<Uuid, Error> {
        let allowed = confirm(txn, &self.permit).await?;
        let before = get_allowed(txn, self.permit.scope(), &allowed, "id", self.id).await?;
        let mut after = before.clone();
        if let Some(name) = &self.display_name {
            after.display_name = input::name("displayName", name)?;
            after.name_key = input::key(&after.display_name);
        }
        if !store::resource::update(txn, &after, self.version).await? {
            return Err(refusal::conflict("resource").into());
        }
        let event = Event::by(&self.permit.actor(), "resource.updated", Kind::Resource, before.id);
        let details = serde_json::json!({ "renamed": before.display_name != after.display_name });
        audit_event::record(txn, &event.with(details)).await?;
        Ok(before.id)
    }
}
