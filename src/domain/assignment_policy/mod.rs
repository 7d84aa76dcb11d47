//! Assignment policies: who may request a package, who approves, and for how long.

pub mod connected;
pub mod create;
pub mod delete;
pub mod expiration;
pub mod people;
pub mod questions;
pub mod stages;
pub mod update;

use entity::assignment_policy;
use uuid::Uuid;

use super::access_package;
use super::error::{Code, Error, Rejection};
use crate::authz::{Catalogs, Scope};
use crate::store::{self, Access, Txn};

/// The policy, locked with its package, if the actor may see it and may manage its catalog's packages.
pub async fn get_allowed(
    txn: &Txn,
    scope: &Scope,
    allowed: &Catalogs,
    id: Option<Uuid>,
) -> Result<assignment_policy::Model, Error> {
    let id = id.ok_or_else(not_found)?;
    let named = store::assignment_policy::find(txn, Access::Named(scope.organization), &[id]).await?;
    let package = named.first().map(|policy| policy.access_package_id).ok_or_else(not_found)?;
    let package = store::access_package::lock(txn, scope.organization, package).await?;
    let package = package.ok_or_else(not_found)?;
    let policy = store::assignment_policy::lock(txn, scope.organization, id).await?;
    let policy = policy.ok_or_else(not_found)?;
    if allowed.contain(package.catalog_id) {
        return Ok(policy);
    }
    let visible = store::assignment_policy::find(txn, Access::Visible(scope), &[id]).await?;
    Err(if visible.is_empty() { not_found() } else { access_package::forbidden("id") }.into())
}

fn not_found() -> Rejection {
    Rejection::of("id", Code::NotFound, "There is no such policy, or you may not see it.")
}

fn name_taken() -> Rejection {
    Rejection::of("displayName", Code::NameTaken, "Another policy of the package has this name already.")
}
