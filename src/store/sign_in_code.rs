//! Codes to sign in with, one for each address, and the mails that carry them.

use chrono::{DateTime, TimeDelta, Utc};
use entity::sign_in_code;
use sea_orm::QueryResult;
use uuid::Uuid;

use super::database::{Connection, Database, Txn};
use super::due::{Queue, STEP, Waiting};
use super::error::StoreError;
use super::row::model;

/// The most mails that are claimed at once.
const CLAIMED: u64 = 20;

/// How many codes were asked for in an organization since, and when the first of them was.
pub async fn asked(
    txn: &Txn,
    organization: Uuid,
    since: DateTime<Utc>,
) -> Result<(i64, Option<DateTime<Utc>>), StoreError> {
    let mut sql = txn.sql();
    sql.push("SELECT COALESCE(SUM(c.ask_count), 0) AS asks, MIN(c.asked_at) AS first FROM sign_in_code c");
    sql.push(" WHERE c.organization_id = ").bind(organization).push(" AND c.asked_at > ").bind(since);
    let rows = txn.all(sql).await?;
    let row = rows.first().ok_or_else(|| StoreError::Other("a sum has no row".to_owned()))?;
    Ok((row.try_get("", "asks")?, row.try_get("", "first")?))
}

/// Writes a code in the place of an older one of its address, and counts it; tells whether it did: not where as many
/// as `most` were asked for since.
pub async fn replace(
    txn: &Txn,
    code: &sign_in_code::Model,
    since: DateTime<Utc>,
    most: i32,
) -> Result<bool, StoreError> {
    let mut sql = txn.sql();
    sql.push(
        "INSERT INTO sign_in_code AS c (organization_id, address, id, code, expires_at, tries_left, asked_at",
    );
    sql.push(", ask_count, due_at, lease, attempt_count) VALUES (").bind(code.organization_id);
    sql.push(", ").bind(code.address.clone()).push(", ").bind(code.id).push(", ").bind(code.code.clone());
    sql.push(", ").bind(code.expires_at).push(", ").bind(code.tries_left).push(", ").bind(code.asked_at);
    sql.push(", 1, ")
        .bind(code.due_at)
        .push(", NULL, 0) ON CONFLICT (organization_id, address) DO UPDATE SET");
    sql.push(" id = excluded.id, code = excluded.code, expires_at = excluded.expires_at");
    sql.push(", tries_left = excluded.tries_left, due_at = excluded.due_at, lease = NULL, attempt_count = 0");
    sql.push(", asked_at = CASE WHEN c.asked_at > ").bind(since);
    sql.push(" THEN c.asked_at ELSE excluded.asked_at END, ask_count = CASE WHEN c.asked_at > ").bind(since);
    sql.push(" THEN c.ask_count + 1 ELSE 1 END WHERE c.asked_at <= ").bind(since);
    sql.push(" OR c.ask_count < ").bind(most);
    Ok(txn.execute(sql).await? == 1)
}

/// The newest code of an address, locked.
pub async fn lock(
    txn: &Txn,
    organization: Uuid,
    address: &str,
) -> Result<Option<sign_in_code::Model>, StoreError> {
    let mut sql = txn.sql();
    sql.push("SELECT ").columns::<sign_in_code::Entity>("c");
    sql.push(" FROM sign_in_code c WHERE c.organization_id = ").bind(organization);
    sql.push(" AND c.address = ").bind(address.to_owned()).lock("c");
    let rows = txn.all(sql).await?;
    Ok(rows.first().map(|row| model::<sign_in_code::Model>(row, "c_")).transpose()?)
}

/// Writes how often the code of an address can still be tried; nothing where there is none.
pub async fn set_tries(txn: &Txn, organization: Uuid, address: &str, left: i32) -> Result<(), StoreError> {
    let mut sql = txn.sql();
    sql.push("UPDATE sign_in_code SET tries_left = ").bind(left);
    sql.push(" WHERE organization_id = ").bind(organization).push(" AND address = ").bind(address.to_owned());
    txn.execute(sql).await.map(|_| ())
}

/// A mail that is due.
pub struct Mail {
    /// The code, with this attempt counted.
    pub code: sign_in_code::Model,
    /// The name of the organization.
    pub organization: String,
}

/// How long the mail of a code may wait at most: longer than a code is good for, and than any pause between two
/// attempts.
const LONGEST: TimeDelta = TimeDelta::hours(1);

/// The mails that wait.
const QUEUE: Queue = Queue {
    table: "sign_in_code",
    claimable: "TRUE",
    also: "",
    is_stranded: |sql, now| {
        sql.push("q.attempt_count = 0 OR q.asked_at > ").bind(now + STEP);
        sql.push(" OR q.due_at > ").bind(now + LONGEST + STEP);
    },
};

/// Claims mails that are due. What a dead worker held is due again after its lease.
pub async fn claim(database: &Database, lease: Uuid) -> Result<Vec<Mail>, StoreError> {
    if !QUEUE.has_due(database).await? {
        return Ok(Vec::new());
    }
    let ids = QUEUE.claim(database, lease, |sql| QUEUE.first(sql, database, CLAIMED)).await?;
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let mut sql = database.sql();
    sql.push("SELECT ").columns::<sign_in_code::Entity>("c").push(", o.display_name AS organization");
    sql.push(" FROM sign_in_code c JOIN organization o ON o.id = c.organization_id WHERE c.lease = ");
    sql.bind(lease).push(" AND c.id").any_id(&ids).push(" ORDER BY c.id");
    let rows = database.all_writing(sql).await?;
    let read = |row: &QueryResult| {
        Ok(Mail {
            code: model::<sign_in_code::Model>(row, "c_")?,
            organization: row.try_get("", "organization")?,
        })
    };
    rows.iter().map(read).collect()
}

/// Makes due what a clock that was set back has stranded; returns how many mails.
pub async fn recover(database: &Database) -> Result<u64, StoreError> {
    QUEUE.recover(database).await
}

/// How many mails are due.
pub async fn waiting(database: &Database) -> Result<Waiting, StoreError> {
    QUEUE.waiting(database).await
}

/// Writes when the mail of a code is tried again, or that it is not; nothing where a newer code has taken its place.
pub async fn finish(
    database: &Database,
    code: Uuid,
    lease: Uuid,
    due_at: Option<DateTime<Utc>>,
) -> Result<(), StoreError> {
    let mut sql = database.sql();
    sql.push("UPDATE sign_in_code SET due_at = ").bind(due_at).push(", lease = NULL WHERE id = ").bind(code);
    sql.push(" AND lease = ").bind(lease);
    database.execute(sql).await.map(|_| ())
}

/// Deletes what was asked for before, once its code has ended.
pub async fn delete_before(
    database: &Database,
    before: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let mut sql = database.sql();
    sql.push("DELETE FROM sign_in_code WHERE asked_at <= ").bind(before);
    sql.push(" AND expires_at <= ").bind(now);
    database.execute(sql).await.map(|_| ())
}
