//! Access packages: named bundles of resource roles, requestable as one.

pub mod create;
pub mod delete;
pub mod incompatible;
pub mod roles;
pub mod update;

use entity::access_package;
use uuid::Uuid;

use super::error::{Code, Error, Rejection};
use crate::authz::{Catalogs, Scope};
use crate::store::{self, Access, Txn};

/// The package, locked, if the actor may see it and may manage its catalog's packages.
pub async fn get_allowed(
    txn: &Txn,
    scope: &Scope,
    allowed: &Catalogs,
    field: &str,
    id: Option<Uuid>,
) -> Result<access_package::Model, Error> {
    let id = id.ok_or_else(|| not_found(field))?;
    let found = store::access_package::lock(txn, scope.organization, id).await?;
    let found = found.ok_or_else(|| not_found(field))?;
    if allowed.contain(found.catalog_id) {
        return Ok(found);
    }
    let include = store::access_package::Include::default();
    let visible = store::access_package::find(txn, Access::Visible(scope), &[id], include).await?;
    Err(if visible.is_empty() { not_found(field) } else { forbidden(field) }.into())
}

/// There is no such package, or it is not visible.
#[must_use]
pub fn not_found(field: &str) -> Rejection {
    Rejection::of(field, Code::NotFound, "There is no such access package, or you may not see it.")
}

/// The package is visible, but its catalog is not the actor's to manage.
#[must_use]
pub fn forbidden(field: &str) -> Rejection {
    Rejection::of(field, Code::Forbidden, "You hold no role in the package's catalog that allows this.")
}

fn name_taken() -> Rejection {
    Rejection::of("displayName", Code::NameTaken, "Another package of the catalog has this name already.")
}
