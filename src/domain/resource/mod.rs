//! Resources of a catalog: targets that a connector was opened to it for, with their roles.

pub mod create;
pub mod delete;
pub mod role;
pub mod update;

use entity::resource;
use uuid::Uuid;

use super::error::{Code, Error, Rejection};
use crate::authz::{Catalogs, Scope};
use crate::store::{self, Access, Txn};

/// The most roles of a resource.
const MOST_ROLES: usize = 50;

/// The resource, locked, if the actor may see it and may edit its catalog.
pub async fn get_allowed(
    txn: &Txn,
    scope: &Scope,
    allowed: &Catalogs,
    field: &str,
    id: Option<Uuid>,
) -> Result<resource::Model, Error> {
    let id = id.ok_or_else(|| not_found(field))?;
    let found = store::resource::lock(txn, scope.organization, id).await?.ok_or_else(|| not_found(field))?;
    if allowed.contain(found.catalog_id) {
        return Ok(found);
    }
    let visible = store::resource::find(txn, Access::Visible(scope), &[id]).await?;
    Err(if visible.is_empty() { not_found(field) } else { forbidden(field) }.into())
}

/// There is no such resource, or it is not visible.
#[must_use]
pub fn not_found(field: &str) -> Rejection {
    Rejection::of(field, Code::NotFound, "There is no such resource, or you may not see it.")
}

fn forbidden(field: &str) -> Rejection {
    Rejection::of(field, Code::Forbidden, "You hold no role in the resource's catalog that allows this.")
}
