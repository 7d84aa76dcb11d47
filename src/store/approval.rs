//! Stages of approval, and who may decide them.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use entity::approval::{self, ApprovalState};
use entity::catalog_role_assignment::CatalogRole;
use entity::{app_user, approval_approver, catalog_role_assignment};
use sea_orm::{ActiveEnum as _, QueryResult};
use uuid::Uuid;

use super::access_request;
use super::database::{Connection, Database, Txn};
use super::due::{self, Waiting};
use super::error::StoreError;
use super::page::{List, Page, Window, alone};
use super::row::{Shared, model};
use super::said::Said;
use super::sql::Sql;
use super::{Access, names};
use crate::authz::Scope;

/// The stages of these requests, in their order.
pub async fn of_requests(
    connection: &impl Connection,
    requests: &[Uuid],
) -> Result<Vec<approval::Model>, StoreError> {
    let mut sql = connection.sql();
    sql.push("SELECT ").columns::<approval::Entity>("a").push(" FROM approval a WHERE a.request_id");
    sql.any_id(requests).push(" ORDER BY a.request_id, a.position");
    let rows = connection.all(sql).await?;
    Ok(rows.iter().map(|row| model::<approval::Model>(row, "a_")).collect::<Result<_, _>>()?)
}

/// Stages by id, of requests that may be seen.
pub async fn find(
    connection: &impl Connection,
    access: Access<'_>,
    ids: &[Uuid],
) -> Result<Vec<approval::Model>, StoreError> {
    let mut sql = connection.sql();
    sql.push("SELECT ").columns::<approval::Entity>("a").push(" FROM approval a");
    sql.push(" JOIN access_request r ON r.id = a.request_id WHERE ");
    access_request::visible(&mut sql, access);
    sql.push(" AND a.id").any_id(ids);
    let rows = connection.all(sql).await?;
    Ok(rows.iter().map(|row| model::<approval::Model>(row, "a_")).collect::<Result<_, _>>()?)
}

/// A page of the stages that wait for the viewer, by the time when their turn came.
pub async fn waiting_for(
    connection: &impl Connection,
    scope: &Scope,
    window: &Window,
) -> Result<Page<approval::Model>, StoreError> {
    let list = List {
        from: "approval a",
        key: ("a.opened_at", "a_opened_at"),
        id: ("a.id", "a_id"),
        columns: Box::new(|sql| {
            sql.columns::<approval::Entity>("a");
        }),
        joins: Box::new(alone),
        matching: Box::new(|sql| {
            sql.push("a.state = 'PENDING' AND a.organization_id = ").bind(scope.organization);
            sql.push(" AND a.id IN (SELECT p.approval_id FROM approval_approver p WHERE p.user_id = ");
            sql.bind(scope.user).push(")");
        }),
    };
    list.page(connection, window, |row| model::<approval::Model>(row, "a_")).await
}

/// The approvers of stages, by name.
pub async fn approvers(
    connection: &impl Connection,
    approvals: &[Uuid],
) -> Result<HashMap<Uuid, Vec<Arc<app_user::Model>>>, StoreError> {
    let mut sql = connection.sql();
    sql.push("SELECT p.approval_id AS approval_id, ").columns::<app_user::Entity>("u");
    sql.push(" FROM approval_approver p JOIN app_user u ON u.id = p.user_id WHERE p.approval_id");
    sql.any_id(approvals).push(" ORDER BY p.approval_id, u.name_key, u.id");
    let mut users = Shared::default();
    let mut found: HashMap<Uuid, Vec<Arc<app_user::Model>>> = HashMap::new();
    for row in connection.all(sql).await? {
        let approval = row.try_get("", "approval_id")?;
        found.entry(approval).or_default().push(users.model(&row, "u_")?);
    }
    Ok(found)
}

/// How somebody stands to the approval of a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// The stage that waits.
    pub stage: Option<approval::Model>,
    /// Whether they may decide it.
    pub is_approver: bool,
    /// Whether they decided an earlier one.
    pub decided: bool,
    /// Whether the package was deleted.
    pub package_deleted: bool,
}

/// How somebody stands to the approval of each of these requests.
pub async fn standings(
    connection: &impl Connection,
    user: Option<Uuid>,
    requests: &[Uuid],
) -> Result<HashMap<Uuid, Standing>, StoreError> {
    let mut sql = connection.sql();
    sql.push("SELECT r.id AS request_id, ").columns::<approval::Entity>("a");
    sql.push(", EXISTS (SELECT 1 FROM approval_approver p WHERE p.approval_id = a.id AND p.user_id = ");
    sql.bind(user).push(") AS is_approver");
    sql.push(", EXISTS (SELECT 1 FROM approval d WHERE d.request_id = r.id AND d.decided_by_id = ");
    sql.bind(user).push(") AS decided, (k.deleted_at IS NOT NULL) AS package_deleted");
    sql.push(" FROM access_request r JOIN access_package k ON k.id = r.access_package_id");
    sql.push(" LEFT JOIN approval a ON a.request_id = r.id AND a.state = 'PENDING' WHERE r.id");
    sql.any_id(requests);
    let read = |row: &QueryResult| {
        let standing = Standing {
            stage: super::row::optional::<approval::Model>(row, "a_")?,
            is_approver: row.try_get("", "is_approver")?,
            decided: row.try_get("", "decided")?,
            package_deleted: row.try_get("", "package_deleted")?,
        };
        Ok((row.try_get("", "request_id")?, standing))
    };
    connection.all(sql).await?.iter().map(read).collect()
}

/// Ends stages that wait, with the same said about all; what no longer waits is left out.
pub async fn close(
    txn: &Txn,
    ids: &[Uuid],
    to: ApprovalState,
    actor: Option<Uuid>,
    justification: Option<&str>,
) -> Result<(), StoreError> {
    close_each(txn, ids, to, actor, Said::All(justification)).await
}

/// Ends stages that wait; what no longer waits is left out.
pub async fn close_each(
    txn: &Txn,
    ids: &[Uuid],
    to: ApprovalState,
    actor: Option<Uuid>,
    said: Said<'_>,
) -> Result<(), StoreError> {
    if ids.is_empty() {
        return Ok(());
    }
    let mut sql = txn.sql();
    sql.push("UPDATE approval SET state = ").bind(to.to_value()).push(", due_at = NULL, closed_at = ");
    sql.bind(txn.now()).push(", decided_by_id = ").bind(actor).push(", justification = ");
    said.value(&mut sql);
    said.add_from(&mut sql, ids);
    sql.push(" WHERE approval.state = 'PENDING' AND ");
    said.is_about(&mut sql, "approval.id", ids);
    txn.execute(sql).await?;
    let mut sql = txn.sql();
    sql.push("UPDATE approval_approver SET waiting_since = NULL, waiting_until = NULL WHERE approval_id");
    sql.any_id(ids);
    txn.execute(sql).await.map(|_| ())
}

/// Ends the stages of requests that were withdrawn.
pub async fn cancel(txn: &Txn, requests: &[Uuid]) -> Result<(), StoreError> {
    if requests.is_empty() {
        return Ok(());
    }
    let mut sql = txn.sql();
    sql.push("UPDATE approval SET state = 'CANCELED', due_at = NULL, closed_at = ").bind(txn.now());
    sql.push(" WHERE state = 'PENDING' AND request_id").any_id(requests);
    if txn.execute(sql).await? == 0 {
        return Ok(());
    }
    let mut sql = txn.sql();
    sql.push(
        "UPDATE approval_approver SET waiting_since = NULL, waiting_until = NULL WHERE approval_id IN (",
    );
    sql.push("SELECT a.id FROM approval a WHERE a.state <> 'PENDING' AND a.request_id")
        .any_id(requests)
        .push(")");
    txn.execute(sql).await.map(|_| ())
}

/// Adds people to those who may decide stages, which are there already: from now on the stages wait for them.
///
/// The only way in: the times of the stage, which the inbox finds its items by, are written along.
pub async fn add_approvers(txn: &Txn, approvers: &[approval_approver::Model]) -> Result<(), StoreError> {
    if approvers.is_empty() {
        return Ok(());
    }
    let row = |approver: &approval_approver::Model| {
        serde_json::json!({
            "stage": approver.approval_id.simple().to_string(),
            "person": approver.user_id.simple().to_string(),
            "ground": approver.ground.to_value(),
            "role": approver.catalog_role.map(|role| role.to_value()),
        })
    };
    let mut sql = txn.sql();
    sql.push("INSERT INTO approval_approver (approval_id, user_id, ground, catalog_role, waiting_since");
    sql.push(", waiting_until) SELECT a.id, ").id_of("v", "person").push(", ").text_of("v", "ground");
    sql.push(", ").text_of("v", "role").push(", a.opened_at, a.expires_at FROM ");
    sql.objects(approvers.iter().map(row).collect(), "v").push(" CROSS JOIN approval a WHERE a.id = ");
    sql.id_of("v", "stage");
    txn.execute(sql).await.map(|_| ())
}

/// How many stages of approval are due.
pub async fn waiting(database: &Database) -> Result<Waiting, StoreError> {
    due::waiting(database, "approval").await
}

/// Stages whose time has come, locked, and their requests.
pub async fn lock_due(
    txn: &Txn,
    most: u64,
) -> Result<Vec<(approval::Model, entity::access_request::Model)>, StoreError> {
    let mut sql = txn.sql();
    sql.push("SELECT a.request_id AS request_id FROM approval a WHERE a.due_at <= ").bind(txn.now());
    sql.push(" ORDER BY a.due_at, a.id LIMIT ").number(most);
    let due: Vec<Uuid> =
        txn.all(sql).await?.iter().map(|row| row.try_get("", "request_id")).collect::<Result<_, _>>()?;
    if due.is_empty() {
        return Ok(Vec::new());
    }
    // The requests first, as everybody locks them; what was decided meanwhile is no longer due.
    let requests = access_request::lock(txn, &due).await?;
    let mut requests: HashMap<Uuid, _> = requests.into_iter().map(|request| (request.id, request)).collect();
    let stages = of_requests(txn, &due).await?;
    let due = stages.into_iter().filter(|stage| stage.due_at.is_some_and(|due| due <= txn.now()));
    let with_request = |stage: approval::Model| {
        let request = requests.remove(&stage.request_id)?;
        Some((stage, request))
    };
    Ok(due.filter_map(with_request).collect())
}

/// Who may decide these stages.
pub async fn who_may(txn: &Txn, approvals: &[Uuid]) -> Result<HashSet<(Uuid, Uuid)>, StoreError> {
    let mut sql = txn.sql();
    sql.push("SELECT p.approval_id AS approval, p.user_id AS person FROM approval_approver p");
    sql.push(" WHERE p.approval_id").any_id(approvals);
    let read = |row: &QueryResult| Ok((row.try_get("", "approval")?, row.try_get("", "person")?));
    txn.all(sql).await?.iter().map(read).collect()
}

/// The alternates of these stages were asked: next they are looked at when they are over.
pub async fn forwarded(txn: &Txn, approvals: &[Uuid]) -> Result<(), StoreError> {
    let mut sql = txn.sql();
    sql.push("UPDATE approval SET alternates_at = NULL, due_at = expires_at WHERE state = 'PENDING' AND id");
    sql.any_id(approvals);
    txn.execute(sql).await.map(|_| ())
}

/// Those of these people who may act.
pub async fn active(
    connection: &impl Connection,
    organization: Uuid,
    users: &[Uuid],
) -> Result<HashSet<Uuid>, StoreError> {
    let mut sql = connection.sql();
    sql.push("SELECT u.id AS id FROM app_user u WHERE u.state = 'ACTIVE' AND u.origin = 'GUICHET'");
    sql.push(" AND u.organization_id = ").bind(organization).push(" AND u.id").any_id(users);
    connection.all(sql).await?.iter().map(|row| Ok(row.try_get("", "id")?)).collect()
}

/// The managers of these people, theirs, and so on up to this level: each by the person and the level, from 1.
pub async fn managers(
    connection: &impl Connection,
    users: &[Uuid],
    highest: i32,
) -> Result<HashMap<(Uuid, i32), Uuid>, StoreError> {
    let mut sql = connection.sql();
    sql.push("WITH RECURSIVE line (person, level, manager) AS (SELECT u.id, 1, u.manager_id FROM app_user u");
    sql.push(" WHERE u.manager_id IS NOT NULL AND u.id").any_id(users);
    sql.push(" UNION ALL SELECT l.person, l.level + 1, m.manager_id FROM line l");
    sql.push(" JOIN app_user m ON m.id = l.manager WHERE m.manager_id IS NOT NULL AND l.level < ");
    sql.bind(highest).push(") SELECT person, level, manager FROM line");
    let read = |row: &QueryResult| {
        let (person, level) = (row.try_get("", "person")?, row.try_get("", "level")?);
        Ok(((person, level), row.try_get("", "manager")?))
    };
    connection.all(sql).await?.iter().map(read).collect()
}

/// Who decided stages of these requests.
pub async fn deciders(
    connection: &impl Connection,
    requests: &[Uuid],
) -> Result<HashSet<(Uuid, Uuid)>, StoreError> {
    let mut sql = connection.sql();
    sql.push("SELECT a.request_id AS request, a.decided_by_id AS decider FROM approval a");
    sql.push(" WHERE a.decided_by_id IS NOT NULL AND a.request_id").any_id(requests);
    let read = |row: &QueryResult| Ok((row.try_get("", "request")?, row.try_get("", "decider")?));
    connection.all(sql).await?.iter().map(read).collect()
}

/// Who holds catalog roles: by assignment, each with the catalog.
pub async fn assigned(
    connection: &impl Connection,
    catalogs: &[Uuid],
    roles: &BTreeSet<CatalogRole>,
) -> Result<Vec<(CatalogRole, Uuid, Uuid)>, StoreError> {
    let roles: Vec<CatalogRole> = roles.iter().copied().collect();
    let mut sql = connection.sql();
    sql.push("SELECT ").columns::<catalog_role_assignment::Entity>("h");
    sql.push(" FROM catalog_role_assignment h JOIN app_user u ON u.id = h.user_id AND u.state = 'ACTIVE'");
    sql.push(" WHERE h.catalog_id").any_id(catalogs).push(" AND h.role").any_text(&names(&roles));
    let read = |row: &QueryResult| {
        let held = model::<catalog_role_assignment::Model>(row, "h_")?;
        Ok((held.role, held.catalog_id, held.user_id))
    };
    connection.all(sql).await?.iter().map(read).collect()
}

/// Why somebody is no approver any more.
#[derive(Clone, Copy, Debug)]
pub enum Leaving {
    /// They may not act any more.
    User,
    /// They lost this role in this catalog.
    Role(CatalogRole, Uuid),
}

/// Takes somebody from the approvers of what waits; gives the stages that are left without one, with their requests.
pub async fn leave(txn: &Txn, user: Uuid, why: Leaving) -> Result<Vec<(Uuid, Uuid)>, StoreError> {
    let mut sql = txn.sql();
    sql.push("DELETE FROM approval_approver WHERE user_id = ").bind(user);
    sql.push(" AND approval_id IN (SELECT a.id FROM approval a JOIN access_request r");
    sql.push(" ON r.id = a.request_id WHERE a.state = 'PENDING'");
    if let Leaving::Role(_, catalog) = why {
        sql.push(" AND r.catalog_id = ").bind(catalog);
    }
    sql.push(")");
    if let Leaving::Role(role, _) = why {
        sql.push(" AND ground = 'CATALOG_ROLE' AND catalog_role = ").bind(role.to_value());
    }
    sql.push(" RETURNING approval_id");
    let left: Vec<Uuid> =
        txn.all(sql).await?.iter().map(|row| row.try_get("", "approval_id")).collect::<Result<_, _>>()?;
    if left.is_empty() {
        return Ok(Vec::new());
    }
    let mut sql: Sql = txn.sql();
    sql.push("SELECT a.id AS id, a.request_id AS request FROM approval a WHERE a.id").any_id(&left);
    sql.push(" AND NOT EXISTS (SELECT 1 FROM approval_approver p WHERE p.approval_id = a.id)");
    let read = |row: &QueryResult| Ok((row.try_get("", "id")?, row.try_get("", "request")?));
    txn.all(sql).await?.iter().map(read).collect()
}

/// Who asks for what.
#[derive(Clone, Debug)]
pub struct Asked {
    /// The request.
    pub request: Uuid,
    /// Whose access it is about.
    pub requestor: Uuid,
    /// The name of whoever that is.
    pub requestor_name: String,
    /// The name of the package.
    pub package_name: String,
    /// Why.
    pub justification: Option<String>,
}

/// Who asks for what in these requests.
pub async fn asked(txn: &Txn, requests: &[Uuid]) -> Result<Vec<Asked>, StoreError> {
    let mut sql = txn.sql();
    sql.push("SELECT r.id AS request, u.id AS requestor, u.display_name AS requestor_name");
    sql.push(", k.display_name AS package_name, r.justification AS justification FROM access_request r");
    sql.push(" JOIN app_user u ON u.id = r.requestor_id JOIN access_package k ON k.id = r.access_package_id");
    sql.push(" WHERE r.id").any_id(requests);
    let read = |row: &QueryResult| {
        Ok(Asked {
            request: row.try_get("", "request")?,
            requestor: row.try_get("", "requestor")?,
            requestor_name: row.try_get("", "requestor_name")?,
            package_name: row.try_get("", "package_name")?,
            justification: row.try_get("", "justification")?,
        })
    };
    txn.all(sql).await?.iter().map(read).collect()
}

/// When a stage that is opened now can be decided until.
#[must_use]
pub fn until(now: DateTime<Utc>, seconds: i64) -> DateTime<Utc> {
    TimeDelta::try_seconds(seconds).and_then(|lasts| now.checked_add_signed(lasts)).unwrap_or(now)
}

/// The row of an approver.
#[must_use]
pub fn approver(
    approval_id: Uuid,
    user_id: Uuid,
    ground: approval_approver::ApproverGround,
    catalog_role: Option<CatalogRole>,
) -> approval_approver::Model {
    approval_approver::Model { approval_id, user_id, ground, catalog_role }
}
