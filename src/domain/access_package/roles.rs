//! Which resource roles a package gives. The assignments that there are follow every change.

use std::collections::HashMap;

use entity::access_package_resource_role;
use uuid::Uuid;

use super::get_allowed;
use crate::authz::permission::action::EditPackage;
use crate::authz::{Actor, Permit};
use crate::domain::input::Checks;
use crate::domain::{Attempt, Code, Command, Error, Rejection, assignment, confirm};
use crate::id::Kind;
use crate::store::audit_event::{self, Event};
use crate::store::{self, Access, Txn};

/// The most resource roles of a package.
const MOST_ROLES: usize = 200;

/// Add resource roles to a package, or take some out.
pub struct Change {
    /// The permit.
    pub permit: Permit<EditPackage>,
    /// The package; none where the id was garbage.
    pub id: Option<Uuid>,
    /// The roles.
    pub resource_roles: Vec<Uuid>,
    /// What to do with them.
    pub direction: Direction,
}

/// What to do with resource roles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Put them into the package.
    Add,
    /// Take them out of it.
    Remove,
}

impl Command for Change {
    type Output = Uuid;

    fn attempt(&self) -> Attempt {
        Attempt::with(&self.permit, self.id.map(|id| (Kind::AccessPackage, id)))
    }

    async fn run(&self, txn: &Txn) -> Result<Uuid, Error> {
        let allowed = confirm(txn, &self.permit).await?;
        let package = get_allowed(txn, self.permit.scope(), &allowed, "id", self.id).await?;
        few(self.resource_roles.len())?;
        let before = store::access_package::role_ids(txn, package.id).await?;
        let organization = package.organization_id;
        let (mut added, mut removed) = (Vec::new(), Vec::new());
        match self.direction {
            Direction::Add => {
                added = of_catalog(txn, organization, package.catalog_id, &self.resource_roles).await?;
                added.retain(|role| !before.contains(role));
                few(before.len() + added.len())?;
                txn.insert_all(rows(txn, &self.permit.actor(), package.id, &added)).await?;
            }
            Direction::Remove => {
                let found =
                    store::resource::find_roles(txn, Access::Named(organization), &self.resource_roles);
                removed = in_catalog(&found.await?, package.catalog_id, &self.resource_roles)?;
                removed.retain(|role| before.contains(role));
                store::access_package::remove_roles(txn, package.id, &removed).await?;
            }
        }
        if added.is_empty() && removed.is_empty() {
            return Ok(package.id);
        }
        store::access_package::touch(txn, package.id).await?;
        assignment::follow_package(txn, package.id, &added, &removed).await?;
        let actor = self.permit.actor();
        let event = Event::by(&actor, "access_package.roles_changed", Kind::AccessPackage, package.id);
        let details = serde_json::json!({ "added": texts(&added), "removed": texts(&removed) });
        audit_event::record(txn, &event.with(details)).await?;
        Ok(package.id)
    }
}

/// Refuses more roles than a package can have.
pub(super) fn few(count: usize) -> Result<(), Rejection> {
    if count > MOST_ROLES {
        let message = "A package can give at most 200 resource roles.";
        return Err(Rejection::of("resourceRoles", Code::InvalidInput, message));
    }
    Ok(())
}

/// The roles, each once, if all are of resources of the catalog that are there. Their resources are
/// locked: nobody deletes them meanwhile.
pub(super) async fn of_catalog(
    txn: &Txn,
    organization: Uuid,
    catalog: Uuid,
    roles: &[Uuid],
) -> Result<Vec<Uuid>, Error> {
    let found = store::resource::lock_roles(txn, organization, roles).await?;
    in_catalog(&found, catalog, roles)
}

/// The roles, each once, if all were found in the catalog.
fn in_catalog(found: &[store::resource::RoleRow], catalog: Uuid, roles: &[Uuid]) -> Result<Vec<Uuid>, Error> {
    let catalogs: HashMap<Uuid, Uuid> =
        found.iter().map(|row| (row.role.id, row.resource.catalog_id)).collect();
    let mut checks = Checks::default();
    let mut once = Vec::with_capacity(roles.len());
    for (place, role) in roles.iter().enumerate() {
        checks.refuse_if(catalogs.get(role) != Some(&catalog), || {
            let message = "There is no such role among the resources of the package's catalog.";
            Rejection::of(&format!("resourceRoles.{place}"), Code::NotFound, message)
        });
        if !once.contains(role) {
            once.push(*role);
        }
    }
    checks.done()?;
    Ok(once)
}

/// The rows that put roles into a package.
pub(super) fn rows(
    txn: &Txn,
    actor: &Actor,
    package: Uuid,
    roles: &[Uuid],
) -> Vec<access_package_resource_role::Model> {
    let row = |role: &Uuid| access_package_resource_role::Model {
        access_package_id: package,
        resource_role_id: *role,
        created_at: txn.now(),
        added_by_id: Some(actor.user),
        delivery_failed_at: None,
    };
    roles.iter().map(row).collect()
}

/// The roles as the audit trail names them.
pub(super) fn texts(roles: &[Uuid]) -> Vec<String> {
    roles.iter().map(|role| Kind::ResourceRole.text(*role)).collect()
}
