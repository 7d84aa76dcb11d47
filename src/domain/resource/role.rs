//! Add a role to a resource, and remove one that no package gives.

use entity::resource_role;
use uuid::Uuid;

use super::{MOST_ROLES, forbidden, get_allowed};
use crate::authz::Permit;
use crate::authz::permission::action::EditResource;
use crate::domain::input::{self, Checks};
use crate::domain::{Attempt, Code, Command, Error, Rejection, confirm, refusal, repeated};
use crate::id::Kind;
use crate::store::audit_event::{self, Event};
use crate::store::idempotency::Key;
use crate::store::{self, Access, Txn};

/// Add a role.
pub struct Add {
    /// The permit.
    pub permit: Permit<EditResource>,
    /// The resource; none where the id was garbage.
    pub resource: Option<Uuid>,
    /// The name.
    pub display_name: String,
    /// Its name at the remote.
    pub origin_id: String,
    /// Makes the call repeatable.
    pub idempotency: Option<Key>,
}

impl Command for Add {
    type Output = Uuid;

    fn attempt(&self) -> Attempt {
        Attempt::with(&self.permit, self.resource.map(|id| (Kind::Resource, id)))
    }

    async fn run(&self, txn: &Txn) -> Result<Uuid, Error> {
        let allowed = confirm(txn, &self.permit).await?;
        let (actor, id) = (self.permit.actor(), txn.id());
        let resource = get_allowed(txn, self.permit.scope(), &allowed, "resource", self.resource).await?;
        let mut checks = Checks::default();
        let display_name = checks.take(input::name("displayName", &self.display_name));
        let origin_id = checks.take(input::origin("originId", &self.origin_id));
        checks.done()?;
        let key = self.idempotency.as_ref();
        if let Some(first) = repeated(txn, &actor, "addResourceRole", key, id).await? {
            return Ok(first);
        }
        let present = store::resource::roles_of(txn, &[resource.id]).await?;
        if present.len() >= MOST_ROLES {
            let message = "A resource can have at most 50 roles.";
            return Err(Rejection::of("resource", Code::InvalidInput, message).into());
        }
        let row = resource_role::Model {
            id,
            resource_id: resource.id,
            display_name,
            origin_id,
            created_at: txn.now(),
            deleted_at: None,
        };
        txn.insert(row).await.map_err(refusal::taken(|| {
            let message = "The resource has a role with this `originId` already.";
            Rejection::of("originId", Code::NameTaken, message)
        }))?;
        store::resource::touch(txn, resource.id).await?;
        let event = Event::by(&actor, "resource_role.created", Kind::ResourceRole, id);
        let details = serde_json::json!({
            "resource": Kind::Resource.text(resource.id),
            "originId": self.origin_id,
        });
        audit_event::record(txn, &event.with(details)).await?;
        Ok(id)
    }
}

/// Remove a role.
pub struct Remove {
    /// The permit.
    pub permit: Permit<EditResource>,
    /// The role; none where the id was garbage.
    pub id: Option<Uuid>,
}

impl Command for Remove {
    type Output = Uuid;

    fn attempt(&self) -> Attempt {
        Attempt::with(&self.permit, self.id.map(|id| (Kind::ResourceRole, id)))
    }

    async fn run(&self, txn: &Txn) -> Result<Uuid, Error> {
        let allowed = confirm(txn, &self.permit).await?;
        let (actor, scope) = (self.permit.actor(), self.permit.scope());
        let id = self.id.ok_or_else(not_found)?;
        let named = store::resource::find_roles(txn, Access::Named(scope.organization), &[id]).await?;
        let catalog = named.first().map(|row| row.resource.catalog_id).ok_or_else(not_found)?;
        if !allowed.contain(catalog) {
            let visible = store::resource::find_roles(txn, Access::Visible(scope), &[id]).await?;
            return Err(if visible.is_empty() { not_found() } else { forbidden("id") }.into());
        }
        let locked = store::resource::lock_roles(txn, scope.organization, &[id]).await?;
        let resource = locked.first().map(|row| row.resource.id).ok_or_else(not_found)?;
        let packages = store::resource::packages_with(txn, resource, Some(id)).await?;
        if !packages.is_empty() {
            return Err(refusal::in_use("id", "Packages give this role", &packages).into());
        }
        store::resource::delete_role(txn, id).await?;
        store::resource::touch(txn, resource).await?;
        let event = Event::by(&actor, "resource_role.deleted", Kind::ResourceRole, id);
        let details = serde_json::json!({ "resource": Kind::Resource.text(resource) });
        audit_event::record(txn, &event.with(details)).await?;
        Ok(id)
    }
}

fn not_found() -> Rejection {
    Rejection::of("id", Code::NotFound, "There is no such role of a resource, or you may not see it.")
}
