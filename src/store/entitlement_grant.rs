//! What Guichet gave people at remote systems: one row for each (system, target, role, user).
//!
//! A grant is what "still needed", "was there before" and "must be taken" are judged by. Resources of several catalogs
//! and packages that lead to one role of one target at one system share one grant.

use std::collections::HashMap;

use entity::entitlement_grant;
use sea_orm::{ActiveEnum as _, QueryResult};
use serde_json::json;
use uuid::Uuid;

use super::database::{Connection, Txn};
use super::error::StoreError;
use super::sql::Sql;

/// A user and a resource role.
pub type Pair = (Uuid, Uuid);

/// Returns the grants of pairs of user and resource role. Those that are missing are added, with nothing given yet.
/// A pair has none only while its connector's system is unknown: an older server has just made it.
pub async fn ensure(txn: &Txn, pairs: &[Pair]) -> Result<HashMap<Pair, Uuid>, StoreError> {
    if pairs.is_empty() {
        return Ok(HashMap::new());
    }
    let objects = |with_id: bool| -> Vec<serde_json::Value> {
        pairs
            .iter()
            .map(|(user, role)| {
                let id = with_id.then(|| txn.id().simple().to_string());
                json!({ "id": id, "user": user.simple().to_string(), "role": role.simple().to_string() })
            })
            .collect()
    };
    let mut sql = txn.sql();
    sql.push("INSERT INTO entitlement_grant (id, organization_id, system_id, target, role, user_id, origin, state,");
    sql.push(" created_at, updated_at) SELECT ").id_of("o", "id");
    sql.push(", s.organization_id, k.remote_system_id, s.origin_id, t.origin_id, ").id_of("o", "user");
    sql.push(", 'GIVEN', 'ABSENT', ").bind(txn.now()).push(", ").bind(txn.now()).push(" FROM ");
    sql.objects(objects(true), "o").push(" JOIN resource_role t ON t.id = ").id_of("o", "role");
    sql.push(" JOIN resource s ON s.id = t.resource_id JOIN connector k ON k.id = s.connector_id");
    sql.push(" WHERE k.remote_system_id IS NOT NULL ORDER BY 3, 4, 5, 6");
    sql.push(" ON CONFLICT (system_id, target, role, user_id) DO NOTHING");
    txn.execute(sql).await?;
    let mut sql = txn.sql();
    sql.push("SELECT x.user_id AS user_id, t.id AS role_id, x.id AS id FROM ");
    sql.objects(objects(false), "o").push(" JOIN resource_role t ON t.id = ").id_of("o", "role");
    sql.push(" JOIN resource s ON s.id = t.resource_id JOIN connector k ON k.id = s.connector_id");
    sql.push(" JOIN entitlement_grant x ON x.system_id = k.remote_system_id AND x.target = s.origin_id");
    sql.push(" AND x.role = t.origin_id AND x.user_id = ").id_of("o", "user");
    let read = |row: &QueryResult| {
        Ok(((row.try_get("", "user_id")?, row.try_get("", "role_id")?), row.try_get("", "id")?))
    };
    txn.all(sql).await?.iter().map(read).collect()
}

/// Something that may be at a remote because of an assignment.
#[derive(Clone, Copy, Debug)]
pub struct Given {
    /// The assignment.
    pub assignment: Uuid,
    /// The resource role that it was queued for.
    pub role: Uuid,
    /// What delivers it.
    pub connector: Uuid,
    /// The grant.
    pub grant: Uuid,
}

/// Returns what may be at remotes of what these assignments were to give, one row for each grant, except what is being
/// taken for the same assignment already. What has just been claimed counts before its grant says so.
pub async fn given(txn: &Txn, assignments: &[Uuid]) -> Result<Vec<Given>, StoreError> {
    let mut sql = txn.sql();
    sql.push("SELECT DISTINCT d.assignment_id AS assignment_id, d.resource_role_id AS role_id");
    sql.push(", d.connector_id AS connector_id, d.grant_id AS grant_id");
    sql.push(" FROM delivery d JOIN entitlement_grant x ON x.id = d.grant_id");
    sql.push(" WHERE d.operation IN ('ADD', 'REPAIR') AND (x.state <> 'ABSENT' OR d.state = 'IN_PROGRESS')");
    sql.push(" AND d.assignment_id");
    sql.any_id(assignments);
    sql.push(" AND NOT EXISTS (SELECT 1 FROM delivery w WHERE w.assignment_id = d.assignment_id");
    sql.push(
        " AND w.grant_id = d.grant_id AND w.operation = 'REMOVE' AND w.state IN ('PENDING', 'IN_PROGRESS'))",
    );
    sql.push(" ORDER BY 1, 2");
    let read = |row: &QueryResult| {
        Ok(Given {
            assignment: row.try_get("", "assignment_id")?,
            role: row.try_get("", "role_id")?,
            connector: row.try_get("", "connector_id")?,
            grant: row.try_get("", "grant_id")?,
        })
    };
    let rows: Vec<Given> = txn.all(sql).await?.iter().map(read).collect::<Result<_, StoreError>>()?;
    let mut seen = std::collections::HashSet::new();
    Ok(rows.into_iter().filter(|row| seen.insert((row.assignment, row.grant))).collect())
}

/// Adds the condition that somebody wants the grant `x` now: a current assignment of its user is of a package that
/// holds its role now, and its own delivery of it did not fail for good.
pub(super) fn wanted(sql: &mut Sql) {
    sql.push("EXISTS (");
    wanting(sql);
    sql.push(")");
}

/// Adds the condition that the assignment `g` wants the grant `x` now.
pub(super) fn wanted_by(sql: &mut Sql) {
    sql.push("EXISTS (");
    wanting(sql);
    sql.push(" AND w.id = g.id)");
}

/// Adds the query of the assignments `w` that want the grant `x` now.
fn wanting(sql: &mut Sql) {
    sql.push("SELECT 1 FROM assignment w");
    sql.push(" JOIN access_package_resource_role wi ON wi.access_package_id = w.access_package_id");
    sql.push(" JOIN resource_role wt ON wt.id = wi.resource_role_id AND wt.origin_id = x.role");
    sql.push(" JOIN resource ws ON ws.id = wt.resource_id AND ws.origin_id = x.target");
    sql.push(" JOIN connector wk ON wk.id = ws.connector_id AND wk.remote_system_id = x.system_id");
    sql.push(
        " WHERE w.user_id = x.user_id AND w.state IN ('DELIVERING', 'PARTIALLY_DELIVERED', 'DELIVERED')",
    );
    sql.push(
        " AND COALESCE((SELECT f.state FROM delivery f WHERE f.grant_id = x.id AND f.assignment_id = w.id",
    );
    sql.push(" AND f.operation = 'ADD' ORDER BY f.id DESC LIMIT 1), 'PENDING') <> 'FAILED'");
}

/// Returns those of these grants that nobody wants now, locked.
pub async fn lock_unwanted(txn: &Txn, grants: &[Uuid]) -> Result<Vec<entitlement_grant::Model>, StoreError> {
    let mut sql = txn.sql();
    sql.push("SELECT ")
        .columns::<entitlement_grant::Entity>("x")
        .push(" FROM entitlement_grant x WHERE x.id");
    sql.any_id(grants).push(" AND NOT ");
    wanted(&mut sql);
    sql.push(" ORDER BY x.id").lock("x");
    let rows = txn.all(sql).await?;
    Ok(rows.iter().map(|row| super::row::model(row, "x_")).collect::<Result<_, _>>()?)
}

/// Notes that what these deliveries give may be at the remote from now on, before the first write is sent. Returns the
/// grants of which nothing was there.
pub async fn begin_giving(txn: &Txn, deliveries: &[Uuid]) -> Result<Vec<Uuid>, StoreError> {
    let mut sql = txn.sql();
    sql.push("UPDATE entitlement_grant SET state = 'GIVING', updated_at = ").bind(txn.now());
    sql.push(" WHERE state = 'ABSENT' AND id IN (SELECT d.grant_id FROM delivery d");
    sql.push(" WHERE d.operation IN ('ADD', 'REPAIR') AND d.id").any_id(deliveries).push(") RETURNING id");
    txn.all(sql).await?.iter().map(|row| Ok(row.try_get("", "id")?)).collect()
}

/// Writes what an attempt found of a grant.
pub async fn update(txn: &Txn, after: &entitlement_grant::Model) -> Result<(), StoreError> {
    let mut sql = txn.sql();
    sql.push("UPDATE entitlement_grant SET state = ").bind(after.state.to_value());
    sql.push(", origin = ").bind(after.origin.to_value()).push(", account_id = ").bind(after.account_id);
    sql.push(", confirmed_at = ").bind(after.confirmed_at).push(", updated_at = ").bind(txn.now());
    sql.push(" WHERE id = ").bind(after.id);
    txn.execute(sql).await.map(|_| ())
}

/// Closes grants of which nothing is at the remote any more.
pub async fn close(txn: &Txn, ids: &[Uuid]) -> Result<(), StoreError> {
    let mut sql = txn.sql();
    sql.push("UPDATE entitlement_grant SET state = 'ABSENT', updated_at = ").bind(txn.now());
    sql.push(" WHERE state <> 'ABSENT' AND id").any_id(ids);
    txn.execute(sql).await.map(|_| ())
}

/// Closes the grants of an account that the remote no longer has.
pub async fn close_of_account(txn: &Txn, account: Uuid) -> Result<(), StoreError> {
    let mut sql = txn.sql();
    sql.push("UPDATE entitlement_grant SET state = 'ABSENT', confirmed_at = ").bind(txn.now());
    sql.push(", updated_at = ").bind(txn.now());
    sql.push(" WHERE state <> 'ABSENT' AND account_id = ").bind(account);
    txn.execute(sql).await.map(|_| ())
}

/// Links what waits for a connector to grants of the system that it leads to now.
pub async fn regrant_open(txn: &Txn, connector: Uuid) -> Result<(), StoreError> {
    let mut sql = txn.sql();
    sql.push("UPDATE delivery SET grant_id = NULL WHERE state IN ('PENDING', 'FAILED') AND connector_id = ");
    sql.bind(connector).push(" RETURNING user_id, resource_role_id");
    let pair = |row: &QueryResult| Ok((row.try_get("", "user_id")?, row.try_get("", "resource_role_id")?));
    let mut pairs: Vec<Pair> = txn.all(sql).await?.iter().map(pair).collect::<Result<_, StoreError>>()?;
    pairs.sort_unstable();
    pairs.dedup();
    ensure(txn, &pairs).await?;
    link(txn).await.map(|_| ())
}

/// Whether there are deliveries that know no grant.
pub async fn any_unlinked(connection: &impl Connection) -> Result<bool, StoreError> {
    let mut sql = connection.sql();
    sql.push("SELECT 1 FROM delivery d WHERE d.grant_id IS NULL LIMIT 1");
    Ok(!connection.all(sql).await?.is_empty())
}

/// Links deliveries that know no grant to one, which is made of what they say: those that an older server queued, or
/// that came from elsewhere. Returns how many deliveries there were.
pub async fn adopt(txn: &Txn) -> Result<u64, StoreError> {
    adopt_systems(txn).await?;
    let mut sql = txn.sql();
    sql.push("INSERT INTO entitlement_grant (id, organization_id, system_id, target, role, user_id, origin, state,");
    sql.push(" created_at, updated_at) SELECT ")
        .new_id()
        .push(", f.organization_id, f.system_id, f.target, f.role, f.user_id");
    sql.push(
        ", CASE WHEN f.given_at IS NOT NULL AND f.existed_at = f.given_at THEN 'EXISTED' ELSE 'GIVEN' END",
    );
    sql.push(
        ", CASE WHEN f.given_at IS NOT NULL AND (f.taken_at IS NULL OR f.taken_at < f.given_at) THEN 'HELD'",
    );
    sql.push(
        " WHEN f.tried_at IS NOT NULL AND (f.taken_at IS NULL OR f.taken_at < f.tried_at) THEN 'GIVING'",
    );
    sql.push(" ELSE 'ABSENT' END, f.created_at, ").bind(txn.now());
    sql.push(" FROM (SELECT s.organization_id AS organization_id, k.remote_system_id AS system_id");
    sql.push(
        ", s.origin_id AS target, t.origin_id AS role, d.user_id AS user_id, min(d.created_at) AS created_at",
    );
    sql.push(", max(CASE WHEN d.operation IN ('ADD', 'REPAIR') AND d.state = 'SUCCEEDED'");
    sql.push(" AND d.result IN ('CHANGED', 'ALREADY_SO') THEN d.completed_at END) AS given_at");
    sql.push(", max(CASE WHEN d.operation = 'ADD' AND d.state = 'SUCCEEDED' AND d.existed_before");
    sql.push(" THEN d.completed_at END) AS existed_at");
    sql.push(", max(CASE WHEN d.operation = 'REMOVE' AND d.state = 'SUCCEEDED'");
    sql.push(
        " AND d.result IN ('CHANGED', 'ALREADY_SO', 'EXISTED_BEFORE') THEN d.completed_at END) AS taken_at",
    );
    sql.push(", max(CASE WHEN d.operation IN ('ADD', 'REPAIR') AND d.attempt_count > 0");
    sql.push(
        " AND (d.state IN ('IN_PROGRESS', 'CANCELED') OR (d.state <> 'SUCCEEDED' AND d.error_retryable))",
    );
    sql.push(" THEN COALESCE(d.error_at, d.created_at) END) AS tried_at");
    sql.push(" FROM delivery d JOIN resource_role t ON t.id = d.resource_role_id");
    sql.push(" JOIN resource s ON s.id = t.resource_id JOIN connector k ON k.id = d.connector_id");
    sql.push(" WHERE d.grant_id IS NULL GROUP BY 1, 2, 3, 4, 5) f WHERE TRUE");
    sql.push(" ON CONFLICT (system_id, target, role, user_id) DO NOTHING");
    txn.execute(sql).await?;
    link(txn).await
}

/// Links deliveries that know no grant to the one that there is; returns how many there were.
async fn link(txn: &Txn) -> Result<u64, StoreError> {
    let mut sql = txn.sql();
    sql.push("UPDATE delivery SET grant_id = (SELECT x.id FROM resource_role t JOIN resource s ON s.id = t.resource_id");
    sql.push(" JOIN connector k ON k.id = s.connector_id JOIN entitlement_grant x ON x.system_id = k.remote_system_id");
    sql.push(" AND x.target = s.origin_id AND x.role = t.origin_id AND x.user_id = delivery.user_id");
    sql.push(" WHERE t.id = delivery.resource_role_id) WHERE grant_id IS NULL");
    txn.execute(sql).await
}

/// Gives connectors that lead to no system yet one.
async fn adopt_systems(txn: &Txn) -> Result<(), StoreError> {
    let mut sql = txn.sql();
    sql.push("SELECT ").columns::<entity::connector::Entity>("k");
    sql.push(" FROM connector k WHERE k.remote_system_id IS NULL");
    for row in txn.all(sql).await? {
        let connector: entity::connector::Model = super::row::model(&row, "k_")?;
        let address =
            super::remote_system::address(connector.id, connector.kind, connector.base_url.as_deref());
        let system = super::remote_system::ensure(txn, connector.organization_id, &address, "").await?;
        let mut sql = txn.sql();
        sql.push("UPDATE connector SET remote_system_id = ")
            .bind(system)
            .push(" WHERE id = ")
            .bind(connector.id);
        txn.execute(sql).await?;
    }
    Ok(())
}
