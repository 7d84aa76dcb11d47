//! The daily digest of what waits for the owners of an organization: when it is due, for whom, and with what.

use chrono::{DateTime, TimeDelta, Utc};
use entity::organization_digest;
use entity::token_request::RepositorySelection;
use sea_orm::QueryResult;
use uuid::Uuid;

use super::database::{Connection, Database, Txn};
use super::due::{self, STEP};
use super::error::StoreError;
use super::row::{model, optional};
use super::sql::Sql;

/// The longest time from one digest to the next: a day, and an hour when the clocks change.
const LONGEST: TimeDelta = TimeDelta::hours(25);

/// Adds: the digest is due. One that is planned further ahead than a digest can be was planned before the clock was
/// set back.
fn is_due(sql: &mut Sql, now: DateTime<Utc>) {
    sql.push("d.due_at <= ").bind(now).push(" OR d.due_at > ").bind(now + LONGEST + STEP);
}

/// The organizations whose digest is due, or was never planned; not locked.
pub async fn due(
    connection: &impl Connection,
    now: DateTime<Utc>,
) -> Result<Vec<(Uuid, Option<organization_digest::Model>)>, StoreError> {
    let mut sql = connection.sql();
    sql.push("SELECT o.id AS id, ").columns::<organization_digest::Entity>("d");
    sql.push(" FROM organization o LEFT JOIN organization_digest d ON d.organization_id = o.id");
    sql.push(" WHERE d.organization_id IS NULL OR ");
    is_due(&mut sql, now);
    sql.push(" ORDER BY o.id");
    let rows = connection.all(sql).await?;
    rows.iter().map(|row| Ok((row.try_get("", "id")?, optional(row, "d_")?))).collect()
}

/// How many digests are due.
pub async fn count_due(database: &Database) -> Result<due::Waiting, StoreError> {
    due::waiting(database, "organization_digest").await
}

/// When the owners of an organization get their digest; none where it was never planned.
pub async fn get(
    connection: &impl Connection,
    organization: Uuid,
) -> Result<Option<organization_digest::Model>, StoreError> {
    let mut sql = connection.sql();
    sql.push("SELECT ").columns::<organization_digest::Entity>("d");
    sql.push(" FROM organization_digest d WHERE d.organization_id = ").bind(organization);
    let rows = connection.all(sql).await?;
    Ok(rows.first().map(|row| model::<organization_digest::Model>(row, "d_")).transpose()?)
}

/// The plan of an organization whose digest is due, locked; none when another server is at it, or it was done.
pub async fn lock_due(
    txn: &Txn,
    organization: Uuid,
    now: DateTime<Utc>,
) -> Result<Option<organization_digest::Model>, StoreError> {
    let mut sql = txn.sql();
    sql.push("SELECT ").columns::<organization_digest::Entity>("d");
    sql.push(" FROM organization_digest d WHERE d.organization_id = ").bind(organization);
    sql.push(" AND (");
    is_due(&mut sql, now);
    sql.push(")").lock_free("d");
    let rows = txn.all(sql).await?;
    Ok(rows.first().map(|row| model::<organization_digest::Model>(row, "d_")).transpose()?)
}

/// Plans the digest of an organization for the first time; leaves a plan that is there.
pub async fn begin(txn: &Txn, plan: &organization_digest::Model) -> Result<(), StoreError> {
    write(txn, plan, " ON CONFLICT (organization_id) DO NOTHING").await
}

/// Plans the digest of an organization.
pub async fn plan(txn: &Txn, plan: &organization_digest::Model) -> Result<(), StoreError> {
    let instead = " ON CONFLICT (organization_id) DO UPDATE SET hour = excluded.hour\
        , time_zone = excluded.time_zone, due_at = excluded.due_at";
    write(txn, plan, instead).await
}

async fn write(
    txn: &Txn,
    plan: &organization_digest::Model,
    instead: &'static str,
) -> Result<(), StoreError> {
    let mut sql = txn.sql();
    sql.push("INSERT INTO organization_digest (organization_id, hour, time_zone, due_at) VALUES (");
    sql.bind(plan.organization_id).push(", ").bind(plan.hour).push(", ").bind(plan.time_zone.clone());
    sql.push(", ").bind(plan.due_at).push(")").push(instead);
    txn.execute(sql).await.map(|_| ())
}

/// A token request that waits.
#[derive(Clone, Debug)]
pub struct Waiting {
    /// The request.
    pub id: Uuid,
    /// Since when.
    pub since: DateTime<Utc>,
    /// Whose token.
    pub owner: Uuid,
    /// The name of whoever that is.
    pub owner_name: String,
    /// The name of the token.
    pub token_name: String,
    /// Why they ask.
    pub justification: Option<String>,
    /// Which repositories are asked for.
    pub selection: RepositorySelection,
    /// How many are named.
    pub repositories: i64,
}

/// The token requests that wait for a decision here in an organization, the oldest first, at most so many; and how many there are.
pub async fn waiting(txn: &Txn, organization: Uuid, most: u64) -> Result<(Vec<Waiting>, i64), StoreError> {
    let mut sql = txn.sql();
    sql.push("SELECT r.id AS id, r.created_at AS since, u.id AS owner, u.display_name AS owner_name");
    sql.push(", t.name AS token_name, r.justification AS justification");
    sql.push(", r.repository_selection AS selection, (SELECT count(*) FROM token_request_repository x");
    sql.push(" WHERE x.request_id = r.id) AS repositories, count(*) OVER () AS total");
    sql.push(" FROM token_request r JOIN access_token t ON t.id = r.token_id");
    sql.push(" JOIN app_user u ON u.id = r.owner_id WHERE r.state = 'PENDING' AND r.organization_id = ");
    sql.bind(organization)
        .push(" AND r.origin = 'GUICHET'")
        .push(" AND (t.expires_at IS NULL OR t.expires_at > ")
        .bind(txn.now());
    sql.push(") ORDER BY r.created_at, r.id LIMIT ").number(most);
    let rows = txn.all(sql).await?;
    let total = rows.first().map(|row| row.try_get("", "total")).transpose()?.unwrap_or_default();
    let read = |row: &QueryResult| {
        Ok(Waiting {
            id: row.try_get("", "id")?,
            since: row.try_get("", "since")?,
            owner: row.try_get("", "owner")?,
            owner_name: row.try_get("", "owner_name")?,
            token_name: row.try_get("", "token_name")?,
            justification: row.try_get("", "justification")?,
            selection: row.try_get("", "selection")?,
            repositories: row.try_get("", "repositories")?,
        })
    };
    Ok((rows.iter().map(read).collect::<Result<_, StoreError>>()?, total))
}
