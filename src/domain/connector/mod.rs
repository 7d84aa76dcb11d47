//! Connectors: what performs deliveries, and the catalogs that may use it.

pub mod address;
pub mod create;
pub mod delete;
pub mod open;
pub mod test;
pub mod update;

use entity::connector;
use uuid::Uuid;

use super::environment::Environment;
use super::error::{Code, Error, Rejection};
use crate::secret::{Place, Secret};
use crate::store::{self, StoreError, Txn};

/// In an allow-list: all targets.
pub const EVERY_TARGET: &str = "*";

/// The connector, locked. Whoever may change connectors sees all of them.
pub async fn get(
    txn: &Txn,
    organization: Uuid,
    field: &str,
    id: Option<Uuid>,
) -> Result<connector::Model, Error> {
    let id = id.ok_or_else(|| not_found(field))?;
    let found = store::connector::lock(txn, organization, id).await?;
    found.ok_or_else(|| not_found(field).into())
}

/// There is no such connector, or it is not visible.
#[must_use]
pub fn not_found(field: &str) -> Rejection {
    Rejection::of(field, Code::NotFound, "There is no such connector, or you may not see it.")
}

fn name_taken() -> Rejection {
    Rejection::of("displayName", Code::NameTaken, "Another connector has this name already.")
}

/// The secret as the row of the connector keeps it.
fn seal(environment: &Environment, id: Uuid, secret: &Secret) -> Result<String, Error> {
    let place = Place { table: "connector", column: "secret", id };
    let sealed = environment.secret_keys.seal(secret.expose().as_bytes(), place);
    Ok(sealed.map_err(|error| StoreError::Other(error.to_string()))?)
}
