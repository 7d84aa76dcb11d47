//! What the holders of assignments are told: the facts of it, as sets.

use chrono::{DateTime, Utc};
use sea_orm::QueryResult;
use uuid::Uuid;

use super::database::{Connection, Txn};
use super::error::StoreError;
use super::sql::Sql;

/// An assignment that ends soon.
#[derive(Clone, Debug)]
pub struct Expiring {
    /// The assignment.
    pub assignment: Uuid,
    /// Who holds it.
    pub user: Uuid,
    /// The name of its package.
    pub package_name: String,
    /// When it started.
    pub starts_at: DateTime<Utc>,
    /// When it ends.
    pub expires_at: DateTime<Utc>,
}

/// Adds: the assignment holds access, ends until then, and its holder has not had this notice of this end. The index
/// on what is due finds it: while an assignment is held, that is its end.
fn untold(sql: &mut Sql, notice: &'static str, now: DateTime<Utc>, until: DateTime<Utc>) {
    sql.push("g.state IN ('DELIVERING', 'PARTIALLY_DELIVERED', 'DELIVERED') AND g.due_at = g.expires_at");
    sql.push(" AND g.due_at > ").bind(now).push(" AND g.due_at <= ").bind(until);
    sql.push(" AND NOT EXISTS (SELECT 1 FROM notification_once o WHERE o.kind = ").bind(notice);
    sql.push(" AND o.subject_id = g.id AND o.user_id = g.user_id AND o.at = g.expires_at)");
}

/// Whether an assignment ends until then whose holder has not had this notice.
pub async fn any_expiring(
    connection: &impl Connection,
    notice: &'static str,
    now: DateTime<Utc>,
    until: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let mut sql = connection.sql();
    sql.push("SELECT 1 FROM assignment g WHERE ");
    untold(&mut sql, notice, now, until);
    sql.push(" LIMIT 1");
    Ok(!connection.all(sql).await?.is_empty())
}

/// Notes that the holders of assignments that end until then have this notice, each once for each end; gives those
/// that were noted now, at most so many.
pub async fn note_expiring(
    txn: &Txn,
    notice: &'static str,
    until: DateTime<Utc>,
    most: u64,
) -> Result<Vec<Expiring>, StoreError> {
    let mut sql = txn.sql();
    sql.push("INSERT INTO notification_once (kind, subject_id, user_id, at) SELECT ").bind(notice);
    sql.push(", g.id, g.user_id, g.expires_at FROM assignment g WHERE ");
    untold(&mut sql, notice, txn.now(), until);
    sql.push(" ORDER BY g.due_at, g.id LIMIT ").number(most);
    sql.push(" ON CONFLICT DO NOTHING RETURNING subject_id");
    let rows = txn.all(sql).await?;
    let ids: Vec<Uuid> = rows.iter().map(|row| row.try_get("", "subject_id")).collect::<Result<_, _>>()?;
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let mut sql = txn.sql();
    sql.push("SELECT g.id AS assignment, g.user_id AS holder, g.starts_at AS starts_at");
    sql.push(", g.expires_at AS expires_at, p.display_name AS package_name FROM assignment g");
    sql.push(" JOIN access_package p ON p.id = g.access_package_id WHERE g.id").any_id(&ids);
    sql.push(" ORDER BY g.expires_at, g.id");
    let rows = txn.all(sql).await?;
    let read = |row: &QueryResult| {
        Ok(Expiring {
            assignment: row.try_get("", "assignment")?,
            user: row.try_get("", "holder")?,
            package_name: row.try_get("", "package_name")?,
            starts_at: row.try_get("", "starts_at")?,
            expires_at: row.try_get("", "expires_at")?,
        })
    };
    rows.iter().map(read).collect()
}

/// An assignment that was taken away.
#[derive(Clone, Debug)]
pub struct Lost {
    /// The assignment.
    pub assignment: Uuid,
    /// Who held it.
    pub user: Uuid,
    /// The name of its package.
    pub package_name: String,
}

/// Those of these assignments that somebody took away from somebody else: from people who are active.
pub async fn lost(txn: &Txn, assignments: &[Uuid], actor: Uuid) -> Result<Vec<Lost>, StoreError> {
    let mut sql = txn.sql();
    sql.push("SELECT g.id AS assignment, u.id AS holder, p.display_name AS package_name FROM assignment g");
    sql.push(" JOIN app_user u ON u.id = g.user_id JOIN access_package p ON p.id = g.access_package_id");
    sql.push(" WHERE u.state = 'ACTIVE' AND u.id <> ").bind(actor).push(" AND g.id").any_id(assignments);
    sql.push(" ORDER BY g.id");
    let read = |row: &QueryResult| {
        Ok(Lost {
            assignment: row.try_get("", "assignment")?,
            user: row.try_get("", "holder")?,
            package_name: row.try_get("", "package_name")?,
        })
    };
    txn.all(sql).await?.iter().map(read).collect()
}
