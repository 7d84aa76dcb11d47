//! Webhooks: endpoints that are told of token requests, with GitHub's names for what they are told.

pub mod create;
pub mod delete;
pub mod event;
pub mod outcome;
pub mod queue;
pub mod send_again;
pub mod update;

use chrono::TimeDelta;
use entity::webhook;
use url::Url;
use uuid::Uuid;

use super::connector::address;
use super::environment::Environment;
use super::error::{Code, Error, Rejection};
use crate::connector::outgoing;
use crate::connector::webhook::place;
use crate::secret::Secret;
use crate::store::{self, StoreError, Txn};

/// The most webhooks of an organization.
pub const MOST: i64 = 20;
/// How long an event is retried, from the first try of each round on.
pub const LIFE: TimeDelta = TimeDelta::days(3);

/// The webhook, locked.
pub async fn get(
    txn: &Txn,
    organization: Uuid,
    field: &str,
    id: Option<Uuid>,
) -> Result<webhook::Model, Error> {
    let id = id.ok_or_else(|| not_found(field))?;
    store::webhook::lock(txn, organization, id).await?.ok_or_else(|| not_found(field).into())
}

fn not_found(field: &str) -> Rejection {
    Rejection::of(field, Code::NotFound, "There is no such webhook, or you may not see it.")
}

fn name_taken() -> Rejection {
    Rejection::of("displayName", Code::NameTaken, "Another webhook has this name already.")
}

/// Where an endpoint listens; an address that events could never be sent to is refused at once.
fn checked_url(environment: &Environment, text: &str) -> Result<String, Rejection> {
    let refuse = |message: &str| Rejection::of("url", Code::InvalidInput, message);
    let parsed = Url::parse(text);
    if parsed.is_ok_and(|url| !url.username().is_empty() || url.password().is_some()) {
        return Err(refuse("`url` must not hold a user name or password: events are signed."));
    }
    let url = address::base_url("url", text, environment.allow_private_addresses)?;
    Url::parse(&url)
        .map_err(|_| outgoing::Refusal::NotAUrl)
        .and_then(|parsed| outgoing::check(&parsed, environment.allow_private_addresses))
        .map_err(|refusal| refuse(&refusal.to_string()))?;
    Ok(url)
}

/// The secret as the row of the webhook keeps it.
fn seal(environment: &Environment, id: Uuid, secret: &Secret) -> Result<String, Error> {
    let sealed = environment.secret_keys.seal(secret.expose().as_bytes(), place(id));
    Ok(sealed.map_err(|error| StoreError::Other(error.to_string()))?)
}
