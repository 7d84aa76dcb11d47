//! Resource roles that came to a package and could not be given to those who held it: the facts of what is told, as
//! sets.

use chrono::{DateTime, Utc};
use sea_orm::QueryResult;
use uuid::Uuid;

use super::database::{Connection, Txn};
use super::error::StoreError;
use super::sql::Sql;

/// A resource role that one change added to a package, and that could not be given to everybody.
#[derive(Clone, Debug)]
pub struct FailedRole {
    /// The package.
    pub package: Uuid,
    /// The name of the package.
    pub package_name: String,
    /// Who added the role.
    pub added_by: Uuid,
    /// When, which tells changes apart.
    pub added_at: DateTime<Utc>,
    /// The name of the resource.
    pub resource_name: String,
    /// How many people did not get it: those who held the package before.
    pub people: i64,
}

/// Notes the roles of these failed deliveries that came to their packages after the assignments were made.
pub async fn note_failed(txn: &Txn, deliveries: &[Uuid]) -> Result<(), StoreError> {
    let mut sql = txn.sql();
    sql.push("UPDATE access_package_resource_role SET delivery_failed_at = ").bind(txn.now());
    sql.push(" WHERE delivery_failed_at IS NULL AND added_by_id IS NOT NULL");
    sql.push(" AND (access_package_id, resource_role_id) IN (SELECT g.access_package_id, d.resource_role_id");
    sql.push(" FROM delivery d JOIN assignment g ON g.id = d.assignment_id");
    sql.push(" WHERE g.created_at < access_package_resource_role.created_at AND d.id").any_id(deliveries);
    sql.push(")");
    txn.execute(sql).await.map(|_| ())
}

/// Adds: the role failed until then, and whoever added it was not told of the change that it came by.
fn untold(sql: &mut Sql, notice: &'static str, until: DateTime<Utc>) {
    sql.push("i.delivery_failed_at <= ").bind(until).push(" AND i.added_by_id IS NOT NULL");
    sql.push(" AND NOT EXISTS (SELECT 1 FROM notification_once o WHERE o.kind = ").bind(notice);
    sql.push(
        " AND o.subject_id = i.access_package_id AND o.user_id = i.added_by_id AND o.at = i.created_at)",
    );
}

/// Whether a role failed until then that nobody was told of.
pub async fn any_failed(
    connection: &impl Connection,
    notice: &'static str,
    until: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let mut sql = connection.sql();
    sql.push("SELECT 1 FROM access_package_resource_role i WHERE ");
    untold(&mut sql, notice, until);
    sql.push(" LIMIT 1");
    Ok(!connection.all(sql).await?.is_empty())
}

/// Notes that those who added roles that failed until then have this notice, once for each change of a package; returns
/// the roles that failed of the changes that were noted now, of at most so many.
pub async fn note_told(
    txn: &Txn,
    notice: &'static str,
    until: DateTime<Utc>,
    most: u64,
) -> Result<Vec<FailedRole>, StoreError> {
    let mut sql = txn.sql();
    sql.push("INSERT INTO notification_once (kind, subject_id, user_id, at) SELECT DISTINCT ").bind(notice);
    sql.push(", i.access_package_id, i.added_by_id, i.created_at FROM access_package_resource_role i WHERE ");
    untold(&mut sql, notice, until);
    sql.push(" LIMIT ").number(most).push(" ON CONFLICT DO NOTHING RETURNING subject_id, user_id, at");
    let read = |row: &QueryResult| -> Result<(Uuid, Uuid, DateTime<Utc>), StoreError> {
        Ok((row.try_get("", "subject_id")?, row.try_get("", "user_id")?, row.try_get("", "at")?))
    };
    let told: Vec<_> = txn.all(sql).await?.iter().map(read).collect::<Result<_, _>>()?;
    if told.is_empty() {
        return Ok(Vec::new());
    }
    let packages: Vec<Uuid> = told.iter().map(|(package, ..)| *package).collect();
    let mut sql = txn.sql();
    sql.push("SELECT i.access_package_id AS package, p.display_name AS package_name");
    sql.push(", i.added_by_id AS added_by, i.created_at AS added_at, s.display_name AS resource_name");
    sql.push(
        ", (SELECT count(DISTINCT g.user_id) FROM assignment g JOIN delivery d ON d.assignment_id = g.id",
    );
    sql.push(" WHERE g.access_package_id = i.access_package_id AND g.created_at < i.created_at");
    sql.push(" AND d.resource_role_id = i.resource_role_id AND d.operation = 'ADD' AND d.state = 'FAILED'");
    sql.push(") AS people FROM access_package_resource_role i");
    sql.push(" JOIN access_package p ON p.id = i.access_package_id JOIN app_user u ON u.id = i.added_by_id");
    sql.push(" JOIN resource_role t ON t.id = i.resource_role_id JOIN resource s ON s.id = t.resource_id");
    sql.push(" WHERE u.state = 'ACTIVE' AND p.deleted_at IS NULL AND i.delivery_failed_at IS NOT NULL");
    sql.push(" AND i.access_package_id").any_id(&packages);
    sql.push(" ORDER BY i.access_package_id, i.created_at, i.added_by_id, s.display_name, t.id");
    let read = |row: &QueryResult| -> Result<FailedRole, StoreError> {
        Ok(FailedRole {
            package: row.try_get("", "package")?,
            package_name: row.try_get("", "package_name")?,
            added_by: row.try_get("", "added_by")?,
            added_at: row.try_get("", "added_at")?,
            resource_name: row.try_get("", "resource_name")?,
            people: row.try_get("", "people")?,
        })
    };
    let failed: Vec<FailedRole> = txn.all(sql).await?.iter().map(read).collect::<Result<_, _>>()?;
    let is_told = |row: &FailedRole| told.contains(&(row.package, row.added_by, row.added_at));
    Ok(failed.into_iter().filter(is_told).collect())
}
