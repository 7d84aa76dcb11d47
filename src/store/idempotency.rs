//! Keys that make calls repeatable: the first answer under a key is the answer.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use uuid::Uuid;

use super::database::{Connection, Txn};
use super::error::StoreError;
use super::row::model;
use crate::authz::Actor;

/// The longest key, in characters.
const LONGEST_KEY: usize = 200;

/// A key that a client chose, with the input that came under it.
#[derive(Clone, Debug)]
pub struct Key {
    key: String,
    input_hash: String,
}

impl Key {
    /// A key, with a text that is the same for the same input.
    #[must_use]
    pub fn new(key: String, input: &str) -> Self {
        let hash = digest(&SHA256, input.as_bytes());
        let input_hash = STANDARD_NO_PAD.encode(hash.as_ref());
        Self { key, input_hash }
    }
}

/// What a key is found to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claim {
    /// Not used before, or there is no key: go on.
    Fresh,
    /// Used before for the same input, which made this.
    Replay(Uuid),
    /// Used before for another input.
    Reused,
    /// Not of the form of a key.
    Malformed,
}

/// Takes a key for a call that will make `result`; a second call with it waits for the first.
pub async fn claim(
    txn: &Txn,
    actor: &Actor,
    operation: &'static str,
    key: Option<&Key>,
    result: Uuid,
) -> Result<Claim, StoreError> {
    let Some(Key { key, input_hash }) = key else { return Ok(Claim::Fresh) };
    if key.is_empty() || key.chars().count() > LONGEST_KEY || key.chars().any(char::is_control) {
        return Ok(Claim::Malformed);
    }
    let mut old = txn.sql();
    old.push("DELETE FROM idempotency_key WHERE organization_id = ").bind(actor.organization);
    old.push(" AND user_id = ").bind(actor.user).push(" AND created_at < ");
    old.bind(txn.now() - chrono::TimeDelta::hours(24));
    txn.execute(old).await?;
    let mut sql = txn.sql();
    sql.push("INSERT INTO idempotency_key (organization_id, user_id, operation, key, input_hash, result_id, created_at) VALUES (");
    sql.bind(actor.organization).push(", ").bind(actor.user).push(", ").bind(operation).push(", ");
    sql.bind(key.clone()).push(", ").bind(input_hash.clone()).push(", ").bind(result).push(", ");
    sql.bind(txn.now()).push(") ON CONFLICT DO NOTHING");
    if txn.execute(sql).await? == 1 {
        return Ok(Claim::Fresh);
    }
    let mut sql = txn.sql();
    sql.push("SELECT ").columns::<entity::idempotency_key::Entity>("k").push(" FROM idempotency_key k");
    sql.push(" WHERE k.organization_id = ")
        .bind(actor.organization)
        .push(" AND k.user_id = ")
        .bind(actor.user);
    sql.push(" AND k.operation = ").bind(operation).push(" AND k.key = ").bind(key.clone());
    let rows = txn.all(sql).await?;
    let found = rows.first().map(|row| model::<entity::idempotency_key::Model>(row, "k_")).transpose()?;
    match found {
        Some(found) if found.input_hash == *input_hash => Ok(Claim::Replay(found.result_id)),
        Some(_) => Ok(Claim::Reused),
        None => Err(StoreError::Retry("an idempotency key came and went".to_owned())),
    }
}
