//! Connected organizations: whose people come from outside, what these are known by, and who stands for them.
//!
//! Who is of one is read from the verified token at each call ([`crate::authn`]): by a tenant of an issuer, by the
//! issuer as a whole, or by the domain of a verified address, never by what only looks alike.

pub mod create;
pub mod delete;
pub mod propose;
pub mod sources;
pub mod sponsors;
pub mod update;

use entity::connected_organization;
use uuid::Uuid;

use super::error::{Code, Error, Rejection};
use crate::store::{self, Txn};

/// The connected organization, locked together with the organization: names and sources are claimed one at a time.
async fn lock(
    txn: &Txn,
    organization: Uuid,
    id: Option<Uuid>,
) -> Result<connected_organization::Model, Error> {
    let id = id.ok_or_else(|| not_found("id"))?;
    store::organization::lock(txn, organization).await?;
    let found = store::connected_organization::lock(txn, organization, id).await?;
    found.ok_or_else(|| not_found("id").into())
}

/// There is no such connected organization, or it is not visible.
#[must_use]
pub fn not_found(field: &str) -> Rejection {
    Rejection::of(field, Code::NotFound, "There is no such connected organization, or you may not see it.")
}

fn name_taken() -> Rejection {
    let message = "Another connected organization has this name already.";
    Rejection::of("displayName", Code::NameTaken, message)
}
