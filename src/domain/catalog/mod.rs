//! Catalogs: containers of resources and packages, and the scope of delegated roles.

pub mod create;
pub mod delete;
pub mod update;

use entity::catalog;
use uuid::Uuid;

use super::error::{Code, Error, Rejection};
use crate::authz::{Catalogs, Scope};
use crate::store::{self, Access, Txn};

/// The catalog, locked, if the actor may see it and may act in it.
pub async fn get_allowed(
    txn: &Txn,
    scope: &Scope,
    allowed: &Catalogs,
    field: &str,
    id: Option<Uuid>,
) -> Result<catalog::Model, Error> {
    let id = id.ok_or_else(|| not_found(field))?;
    let found = store::catalog::find(txn, Access::Visible(scope), &[id]).await?.into_iter().next();
    if allowed.contain(id) {
        // The scope can be older than the roles: what one may edit, one may see.
        let live = store::catalog::lock(txn, scope.organization, id).await?;
        return live.ok_or_else(|| not_found(field).into());
    }
    Err(if found.is_some() { forbidden(field) } else { not_found(field) }.into())
}

/// There is no such catalog, or it is not visible.
#[must_use]
pub fn not_found(field: &str) -> Rejection {
    Rejection::of(field, Code::NotFound, "There is no such catalog, or you may not see it.")
}

fn forbidden(field: &str) -> Rejection {
    Rejection::of(field, Code::Forbidden, "You hold no role in this catalog that allows this.")
}

fn name_taken() -> Rejection {
    Rejection::of("displayName", Code::NameTaken, "Another catalog has this name already.")
}
