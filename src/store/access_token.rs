//! Access tokens. Their secrets are not here: only what tells one when it is shown.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use entity::{access_token, access_token_scope};
use sea_orm::QueryResult;
use uuid::Uuid;

use super::Access;
use super::database::{Connection, Database, Txn};
use super::due::{self, Waiting};
use super::error::StoreError;
use super::page::{List, Page, Window, alone};
use super::row::model;
use super::sql::Sql;
use crate::authz::Scope;

/// The time that a token without an end is sorted by; the column `expires_order` has it.
#[must_use]
pub fn never() -> DateTime<Utc> {
    DateTime::from_timestamp(253_402_214_400, 0).unwrap_or(DateTime::<Utc>::MAX_UTC)
}

/// The time that a token without a use is sorted by; the column `last_used_order` has it.
#[must_use]
pub fn not_yet() -> DateTime<Utc> {
    DateTime::<Utc>::UNIX_EPOCH
}

/// Adds: the token is of the organization, and the viewer's own or theirs to see.
fn visible(sql: &mut Sql, access: Access<'_>) {
    sql.push("t.organization_id = ").bind(access.organization());
    if let Access::Visible(Scope { tokens: false, user, .. }) = access {
        sql.push(" AND t.owner_id = ").bind(*user);
    }
}

/// What has become of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Standing {
    /// It can be used.
    Valid,
    /// Its time is over.
    Expired,
    /// Its owner gave it up.
    Revoked,
}

impl Standing {
    /// How a token stands at a time: one function for the schema, the rules and enforcement.
    #[must_use]
    pub fn of(token: &access_token::Model, now: DateTime<Utc>) -> Self {
        if token.revoked_at.is_some() {
            Self::Revoked
        } else if token.expires_at.is_some_and(|expires| expires <= now) {
            Self::Expired
        } else {
            Self::Valid
        }
    }
}

/// A page of the tokens of one person, by the time they were made.
pub async fn of_owner(
    connection: &impl Connection,
    owner: Uuid,
    standings: Option<&[Standing]>,
    now: DateTime<Utc>,
    window: &Window,
) -> Result<Page<access_token::Model>, StoreError> {
    let list = List {
        from: "access_token t",
        key: ("t.created_at", "t_created_at"),
        id: ("t.id", "t_id"),
        columns: Box::new(|sql| {
            sql.columns::<access_token::Entity>("t");
        }),
        joins: Box::new(alone),
        matching: Box::new(|sql| {
            sql.push("t.owner_id = ").bind(owner);
            let Some(standings) = standings else { return };
            sql.push(" AND (FALSE");
            for standing in standings {
                match standing {
                    Standing::Valid => sql.push(" OR (t.revoked_at IS NULL AND t.expires_order > ").bind(now),
                    Standing::Expired => {
                        sql.push(" OR (t.revoked_at IS NULL AND t.expires_order <= ").bind(now)
                    }
                    Standing::Revoked => sql.push(" OR (t.revoked_at IS NOT NULL"),
                };
                sql.push(")");
            }
            sql.push(")");
        }),
    };
    list.page(connection, window, |row| model::<access_token::Model>(row, "t_")).await
}

/// Tokens by id.
pub async fn find(
    connection: &impl Connection,
    access: Access<'_>,
    ids: &[Uuid],
) -> Result<Vec<access_token::Model>, StoreError> {
    let mut sql = connection.sql();
    sql.push("SELECT ").columns::<access_token::Entity>("t").push(" FROM access_token t WHERE ");
    visible(&mut sql, access);
    sql.push(" AND t.id").any_id(ids);
    read_all(&connection.all(sql).await?)
}

fn read_all(rows: &[QueryResult]) -> Result<Vec<access_token::Model>, StoreError> {
    Ok(rows.iter().map(|row| model::<access_token::Model>(row, "t_")).collect::<Result<_, _>>()?)
}

/// The scopes of classic tokens, by name.
pub async fn scopes(
    connection: &impl Connection,
    tokens: &[Uuid],
) -> Result<HashMap<Uuid, Vec<String>>, StoreError> {
    let mut sql = connection.sql();
    sql.push("SELECT ").columns::<access_token_scope::Entity>("s").push(" FROM access_token_scope s");
    sql.push(" WHERE s.token_id").any_id(tokens).push(" ORDER BY s.token_id, s.scope");
    let mut found: HashMap<Uuid, Vec<String>> = HashMap::new();
    for row in &connection.all(sql).await? {
        let scope = model::<access_token_scope::Model>(row, "s_")?;
        found.entry(scope.token_id).or_default().push(scope.scope);
    }
    Ok(found)
}

/// Replaces the scopes of a token.
pub async fn set_scopes(txn: &Txn, token: Uuid, scopes: Vec<String>) -> Result<(), StoreError> {
    let mut sql = txn.sql();
    sql.push("DELETE FROM access_token_scope WHERE token_id = ").bind(token);
    txn.execute(sql).await?;
    let scope = |scope| access_token_scope::Model { token_id: token, scope };
    txn.insert_all(scopes.into_iter().map(scope).collect()).await
}

/// A token of one person, locked.
pub async fn lock_own(txn: &Txn, owner: Uuid, id: Uuid) -> Result<Option<access_token::Model>, StoreError> {
    let mut sql = txn.sql();
    sql.push("SELECT ").columns::<access_token::Entity>("t").push(" FROM access_token t WHERE t.owner_id = ");
    sql.bind(owner).push(" AND t.id = ").bind(id).lock("t");
    Ok(read_all(&txn.all(sql).await?)?.into_iter().next())
}

/// How many tokens a person has that they did not give up.
pub async fn count_of(txn: &Txn, owner: Uuid) -> Result<i64, StoreError> {
    let mut sql = txn.sql();
    sql.push("SELECT count(*) AS total FROM access_token t WHERE t.revoked_at IS NULL AND t.owner_id = ");
    sql.bind(owner);
    let rows = txn.all(sql).await?;
    Ok(rows.first().map(|row| row.try_get("", "total")).transpose()?.unwrap_or_default())
}

/// Changes what a token's owner and the worker can change of it; the caller holds it locked.
pub async fn update(txn: &Txn, after: &access_token::Model) -> Result<(), StoreError> {
    let mut sql = txn.sql();
    sql.push("UPDATE access_token SET name = ").bind(after.name.clone());
    sql.push(", lookup = ").bind(after.lookup.clone());
    sql.push(", secret_hash = ").bind(after.secret_hash.clone());
    sql.push(", last_four = ").bind(after.last_four.clone());
    sql.push(", issued_at = ").bind(after.issued_at).push(", expires_at = ").bind(after.expires_at);
    sql.push(", revoked_at = ").bind(after.revoked_at).push(", due_at = ").bind(after.due_at);
    sql.push(", version = version + 1 WHERE id = ").bind(after.id);
    txn.execute(sql).await.map(|_| ())
}

/// The tokens whose time is over and that something still hangs on; locked.
pub async fn lock_due(txn: &Txn, now: DateTime<Utc>, most: u64) -> Result<Vec<Uuid>, StoreError> {
    let mut sql = txn.sql();
    sql.push("SELECT t.id AS id FROM access_token t WHERE t.due_at <= ").bind(now);
    sql.push(" ORDER BY t.due_at, t.id LIMIT ").number(most).lock_free("t");
    txn.all(sql).await?.iter().map(|row| Ok(row.try_get("", "id")?)).collect()
}

/// How many tokens are due.
pub async fn waiting(database: &Database) -> Result<Waiting, StoreError> {
    due::waiting(database, "access_token").await
}

/// Notes that nothing hangs on these tokens any more.
pub async fn settle(txn: &Txn, tokens: &[Uuid]) -> Result<(), StoreError> {
    let mut sql = txn.sql();
    sql.push("UPDATE access_token SET due_at = NULL WHERE id").any_id(tokens);
    txn.execute(sql).await.map(|_| ())
}
