//! What the owners of tokens are told: the facts of it, as sets.

use chrono::{DateTime, Utc};
use sea_orm::QueryResult;
use uuid::Uuid;

use super::database::{Connection, Txn};
use super::error::StoreError;
use super::sql::Sql;

/// A token request, or a grant, with the token that it is about.
#[derive(Clone, Debug)]
pub struct Decided {
    /// The request or grant.
    pub id: Uuid,
    /// Whose token.
    pub owner: Uuid,
    /// The token.
    pub token: Uuid,
    /// Its name.
    pub token_name: String,
}

/// The tokens of requests, with their owners.
pub async fn of_requests(txn: &Txn, requests: &[Uuid]) -> Result<Vec<Decided>, StoreError> {
    decided(txn, " FROM token_request x", requests).await
}

/// The tokens of grants, with their owners.
pub async fn of_grants(txn: &Txn, grants: &[Uuid]) -> Result<Vec<Decided>, StoreError> {
    decided(txn, " FROM token_grant x", grants).await
}

async fn decided(txn: &Txn, from: &'static str, ids: &[Uuid]) -> Result<Vec<Decided>, StoreError> {
    let mut sql: Sql = txn.sql();
    sql.push("SELECT x.id AS id, t.owner_id AS owner, t.id AS token, t.name AS token_name").push(from);
    sql.push(" JOIN access_token t ON t.id = x.token_id WHERE x.id").any_id(ids).push(" ORDER BY x.id");
    let rows = txn.all(sql).await?;
    let read = |row: &QueryResult| {
        Ok(Decided {
            id: row.try_get("", "id")?,
            owner: row.try_get("", "owner")?,
            token: row.try_get("", "token")?,
            token_name: row.try_get("", "token_name")?,
        })
    };
    rows.iter().map(read).collect()
}

/// A token that ends soon.
#[derive(Clone, Debug)]
pub struct Expiring {
    /// The token.
    pub token: Uuid,
    /// Whose it is.
    pub owner: Uuid,
    /// Its name.
    pub name: String,
    /// Since when it has its secret and its end.
    pub issued_at: DateTime<Utc>,
    /// When it ends.
    pub expires_at: DateTime<Utc>,
}

/// Adds: the owner of the token was not yet told of its end.
fn untold(sql: &mut Sql, now: DateTime<Utc>, until: DateTime<Utc>) {
    sql.push("t.origin = 'GUICHET' AND t.revoked_at IS NULL AND t.expires_order > ").bind(now);
    sql.push(" AND t.expires_order <= ").bind(until);
    sql.push(" AND NOT EXISTS (SELECT 1 FROM notification_once o WHERE o.kind = 'TOKEN_EXPIRING'");
    sql.push(" AND o.subject_id = t.id AND o.user_id = t.owner_id AND o.at = t.expires_at)");
}

/// Whether a token ends until then whose owner was not yet told.
pub async fn any_expiring(
    connection: &impl Connection,
    now: DateTime<Utc>,
    until: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let mut sql = connection.sql();
    sql.push("SELECT 1 FROM access_token t WHERE ");
    untold(&mut sql, now, until);
    sql.push(" LIMIT 1");
    Ok(!connection.all(sql).await?.is_empty())
}

/// Notes that the owners of tokens that end until then are told, each once for each end; gives those that were
/// noted now, at most so many.
pub async fn note_expiring(txn: &Txn, until: DateTime<Utc>, most: u64) -> Result<Vec<Expiring>, StoreError> {
    let mut sql = txn.sql();
    sql.push("INSERT INTO notification_once (kind, subject_id, user_id, at)");
    sql.push(" SELECT 'TOKEN_EXPIRING', t.id, t.owner_id, t.expires_at FROM access_token t WHERE ");
    untold(&mut sql, txn.now(), until);
    sql.push(" ORDER BY t.expires_order, t.id LIMIT ").number(most);
    sql.push(" ON CONFLICT DO NOTHING RETURNING subject_id");
    let rows = txn.all(sql).await?;
    let ids: Vec<Uuid> = rows.iter().map(|row| row.try_get("", "subject_id")).collect::<Result<_, _>>()?;
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let mut sql = txn.sql();
    sql.push("SELECT t.id AS token, t.owner_id AS owner, t.name AS name, t.issued_at AS issued_at");
    sql.push(", t.expires_at AS expires_at FROM access_token t WHERE t.id").any_id(&ids);
    sql.push(" ORDER BY t.expires_at, t.id");
    let rows = txn.all(sql).await?;
    let read = |row: &QueryResult| {
        Ok(Expiring {
            token: row.try_get("", "token")?,
            owner: row.try_get("", "owner")?,
            name: row.try_get("", "name")?,
            issued_at: row.try_get("", "issued_at")?,
            expires_at: row.try_get("", "expires_at")?,
        })
    };
    rows.iter().map(read).collect()
}
