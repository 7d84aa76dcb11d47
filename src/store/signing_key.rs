//! The keys that Guichet signs its own tokens with.

use chrono::{DateTime, Utc};
use entity::signing_key;

use super::database::{Connection, Txn};
use super::error::StoreError;
use super::row::model;

/// The keys that were made since, the newest first.
pub async fn since(
    connection: &impl Connection,
    since: DateTime<Utc>,
) -> Result<Vec<signing_key::Model>, StoreError> {
    let mut sql = connection.sql();
    sql.push("SELECT ").columns::<signing_key::Entity>("k");
    sql.push(" FROM signing_key k WHERE k.created_at > ").bind(since).push(" ORDER BY k.number DESC");
    let rows = connection.all(sql).await?;
    Ok(rows.iter().map(|row| model::<signing_key::Model>(row, "k_")).collect::<Result<_, _>>()?)
}

/// Deletes the keys that were made before.
pub async fn delete_before(txn: &Txn, before: DateTime<Utc>) -> Result<(), StoreError> {
    let mut sql = txn.sql();
    sql.push("DELETE FROM signing_key WHERE created_at <= ").bind(before);
    txn.execute(sql).await.map(|_| ())
}
