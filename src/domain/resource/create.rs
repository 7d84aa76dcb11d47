//! Add a resource to a catalog.

use std::collections::BTreeSet;

use entity::resource::{self, ResourceKind};
use entity::resource_role;
use uuid::Uuid;

use super::MOST_ROLES;
use crate::authz::Permit;
use crate::authz::permission::action::EditResource;
use crate::domain::connector::{self, EVERY_TARGET};
use crate::domain::input::{self, Checks};
use crate::domain::{Attempt, Code, Command, Error, Rejection, catalog, confirm, refusal, repeated};
use crate::id::Kind;
use crate::store::audit_event::{self, Event};
use crate::store::idempotency::Key;
use crate::store::{self, Access, Txn};

/// Add a resource.
pub struct Create {
    /// The permit.
    pub permit: Permit<EditResource>,
    /// The catalog; none where the id was garbage.
    pub catalog: Option<Uuid>,
    /// What delivers it; none where the id was garbage.
    pub connector: Option<Uuid>,
    /// What it is.
    pub kind: ResourceKind,
    /// The name.
    pub display_name: String,
    /// Its id at the remote.
    pub origin_id: String,
    /// The ways of belonging to it.
    pub roles: Vec<NewRole>,
    /// Makes the call repeatable.
    pub idempotency: Option<Key>,
}

/// A way of belonging to a new resource.
pub struct NewRole {
    /// The name.
    pub display_name: String,
    /// Its name at the remote.
    pub origin_id: String,
}

impl Command for Create {
    type Output = Uuid;

    fn attempt(&self) -> Attempt {
        Attempt::with(&self.permit, self.catalog.map(|id| (Kind::Catalog, id)))
    }

    async fn run(&self, txn: &Txn) -> Result<Uuid, Error> {
        let allowed = confirm(txn, &self.permit).await?;
        let (actor, id) = (self.permit.actor(), txn.id());
        let scope = self.permit.scope();
        let catalog = catalog::get_allowed(txn, scope, &allowed, "catalog", self.catalog).await?;
        let mut checks = Checks::default();
        let display_name = checks.take(input::name("displayName", &self.display_name));
        let origin_id = checks.take(input::origin("originId", &self.origin_id));
        checks.refuse_if(origin_id == EVERY_TARGET, || {
            Rejection::of("originId", Code::InvalidInput, "`*` stands for all targets: name one.")
        });
        let roles = self.checked_roles(txn, id, &mut checks);
        checks.done()?;
        if let Some(first) = repeated(txn, &actor, "createResource", self.idempotency.as_ref(), id).await? {
            return Ok(first);
        }
        let connector_id = self.open_connector(txn, catalog.id, &origin_id).await?;
        let row = resource::Model {
            id,
            organization_id: actor.organization,
            catalog_id: catalog.id,
            connector_id,
            kind: self.kind,
            name_key: input::key(&display_name),
            display_name,
            origin_id,
            version: 1,
            created_at: txn.now(),
            deleted_at: None,
        };
        txn.insert(row).await.map_err(refusal::taken(|| {
            let message = "The catalog has a resource with this target of the connector already.";
            Rejection::of("originId", Code::NameTaken, message)
        }))?;
        txn.insert_all(roles).await?;
        let event = Event::by(&actor, "resource.created", Kind::Resource, id);
        let details = serde_json::json!({
            "catalog": Kind::Catalog.text(catalog.id),
            "connector": Kind::Connector.text(connector_id),
            "originId": self.origin_id,
        });
        audit_event::record(txn, &event.with(details)).await?;
        Ok(id)
    }
}

impl Create {
    /// The roles as they are kept, each name at the remote once.
    fn checked_roles(&self, txn: &Txn, resource: Uuid, checks: &mut Checks) -> Vec<resource_role::Model> {
        let wrong = |field: &str, message: &str| Rejection::of(field, Code::InvalidInput, message);
        checks.refuse_if(self.roles.is_empty() || self.roles.len() > MOST_ROLES, || {
            wrong("roles", "`roles` must hold 1 to 50 roles.")
        });
        let mut seen = BTreeSet::new();
        let mut rows = Vec::new();
        for (place, role) in self.roles.iter().take(MOST_ROLES).enumerate() {
            let field = format!("roles.{place}.originId");
            checks.refuse_if(!seen.insert(role.origin_id.as_str()), || {
                wrong(&field, "A role with this `originId` is in the list already.")
            });
            rows.push(resource_role::Model {
                id: txn.id(),
                resource_id: resource,
                display_name: checks
                    .take(input::name(&format!("roles.{place}.displayName"), &role.display_name)),
                origin_id: checks.take(input::origin(&field, &role.origin_id)),
                created_at: txn.now(),
                deleted_at: None,
            });
        }
        rows
    }

    /// The connector, locked, if it is opened to the catalog for the target.
    async fn open_connector(&self, txn: &Txn, catalog: Uuid, target: &str) -> Result<Uuid, Error> {
        let scope = self.permit.scope();
        let connector = connector::get(txn, scope.organization, "connector", self.connector).await?;
        let targets = store::connector::targets(txn, connector.id, catalog).await?;
        if targets.iter().any(|open| open == target || open == EVERY_TARGET) {
            return Ok(connector.id);
        }
        // What is opened to one's catalog is visible, also where the scope is older than the opening.
        let visible = !targets.is_empty()
            || !store::connector::find(txn, Access::Visible(scope), &[connector.id]).await?.is_empty();
        if !visible {
            return Err(connector::not_found("connector").into());
        }
        let message =
            "The connector is not opened to the catalog for this target. Ask an administrator to open it.";
        Err(Rejection::of("originId", Code::TargetNotOpened, message).into())
    }
}
