//! Assignments.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use entity::assignment::{self, AssignmentState};
use entity::assignment_policy::Extension;
use entity::{access_package, app_user};
use sea_orm::{ActiveEnum as _, DbErr, QueryResult};
use uuid::Uuid;

use super::assignment_policy::FITS;
use super::columns::{Columns, columns};
use super::database::{Connection, Database, Txn};
use super::due::{self, Waiting};
use super::error::StoreError;
use super::page::{List, Page, Parents, Window};
use super::row::{Shared, model, part};
use super::sql::Sql;
use super::{Access, access_request, entitlement_grant, incompatible, names};
use crate::authz::{Catalogs, Scope};

/// An assignment, with what was read along with it.
#[derive(Clone, Debug)]
pub struct Row {
    /// The assignment.
    pub assignment: assignment::Model,
    /// The package.
    pub package: Option<Arc<access_package::Model>>,
    /// Who holds it.
    pub user: Option<Arc<app_user::Model>>,
}

/// What to read of assignments, and what along with them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Include {
    /// Of the assignment; what lists need is always read.
    pub assignment: Columns,
    /// Of the package.
    pub package: Columns,
    /// Of the holder.
    pub user: Columns,
}

/// Whole assignments, and nothing along.
impl Default for Include {
    fn default() -> Self {
        Self { assignment: Columns::ALL, package: Columns::NONE, user: Columns::NONE }
    }
}

/// What lists of assignments are sorted by, and what they are told apart by.
const LISTED: Columns = columns!(assignment: Id, AccessPackageId, CreatedAt);

/// Which assignments are wanted. All given conditions hold together.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Filter {
    /// Of these packages.
    pub packages: Option<Vec<Uuid>>,
    /// In these catalogs.
    pub catalogs: Option<Vec<Uuid>>,
    /// Of these people.
    pub users: Option<Vec<Uuid>>,
    /// In these states.
    pub states: Option<Vec<AssignmentState>>,
    /// Held beside a package that excludes theirs, or not.
    pub overlapping: Option<bool>,
    /// Ending before.
    pub expires_until: Option<DateTime<Utc>>,
}

fn visible(sql: &mut Sql, access: Access<'_>) {
    sql.push("g.organization_id = ").bind(access.organization());
    let Access::Visible(scope) = access else { return };
    if let Catalogs::Only(ids) = &scope.requests {
        sql.push(" AND (g.user_id = ").bind(scope.user);
        sql.push(" OR g.user_id IN (SELECT w.id FROM app_user w WHERE w.manager_id = ").bind(scope.user);
        sql.push(") OR g.catalog_id").any_id(ids).push(")");
    }
}

fn columns(sql: &mut Sql, include: Include) {
    sql.some_columns::<assignment::Entity>("g", include.assignment.and(LISTED));
    if include.package.any() {
        sql.push(", ").some_columns::<access_package::Entity>("p", include.package);
    }
    if include.user.any() {
        sql.push(", ").some_columns::<app_user::Entity>("u", include.user);
    }
}

fn joins(sql: &mut Sql, include: Include) {
    if include.package.any() {
        sql.push(" JOIN access_package p ON p.id = g.access_package_id");
    }
    if include.user.any() {
        sql.push(" JOIN app_user u ON u.id = g.user_id");
    }
}

/// Reads rows of assignments; what many of them name is read once.
struct Rows {
    assignment: Columns,
    packages: Shared<access_package::Model>,
    users: Shared<app_user::Model>,
}

impl Rows {
    fn with(include: Include) -> Self {
        Self {
            assignment: include.assignment.and(LISTED),
            packages: Shared::of(include.package),
            users: Shared::of(include.user),
        }
    }

    fn read(&mut self, row: &QueryResult) -> Result<Row, DbErr> {
        let Self { assignment, packages, users } = self;
        Ok(Row {
            assignment: part(row, "g_", *assignment)?,
            package: packages.are_read().then(|| packages.model(row, "p_")).transpose()?,
            user: users.are_read().then(|| users.model(row, "u_")).transpose()?,
        })
    }
}

fn listed<'a>(scope: &'a Scope, filter: &'a Filter, include: Include) -> List<'a> {
    List {
        from: "assignment g",
        key: ("g.created_at", "g_created_at"),
        id: ("g.id", "g_id"),
        columns: Box::new(move |sql| columns(sql, include)),
        joins: Box::new(move |sql| joins(sql, include)),
        matching: Box::new(|sql| matching(sql, scope, filter)),
    }
}

fn matching(sql: &mut Sql, scope: &Scope, filter: &Filter) {
    visible(sql, Access::Visible(scope));
    let ids = [
        (" AND g.access_package_id", &filter.packages),
        (" AND g.catalog_id", &filter.catalogs),
        (" AND g.user_id", &filter.users),
    ];
    for (column, ids) in ids {
        if let Some(ids) = ids {
            sql.push(column).any_id(ids);
        }
    }
    if let Some(states) = &filter.states {
        sql.push(" AND g.state").any_text(&names(states));
    }
    if let Some(overlapping) = filter.overlapping {
        sql.push(if overlapping { " AND (" } else { " AND NOT (" }).push("g.state <> 'ENDED' AND ");
        incompatible::held(sql, "g.access_package_id", |sql| {
            sql.push("g.user_id");
        });
        sql.push(")");
    }
    sql.within("g.expires_at", None, filter.expires_until);
}

/// Fixes the set of a bulk operation: everything that matches and is visible, newest first. Gives its size.
pub async fn select_for(
    txn: &Txn,
    operation: Uuid,
    scope: &Scope,
    filter: &Filter,
    most: u64,
) -> Result<u64, StoreError> {
    let mut sql = txn.sql();
    sql.push("INSERT INTO bulk_operation_item (operation_id, position, requested_id, target_id, outcome, error_code)");
    sql.push(" SELECT ")
        .bind(operation)
        .push(", row_number() OVER (ORDER BY g.created_at DESC, g.id DESC) - 1");
    sql.push(", NULL, g.id, 'PENDING', NULL FROM assignment g WHERE ");
    matching(&mut sql, scope, filter);
    sql.push(" ORDER BY g.created_at DESC, g.id DESC LIMIT ").number(most);
    txn.execute(sql).await
}

/// A page of the assignments that the viewer may see, by the time they were made.
pub async fn list(
    connection: &impl Connection,
    scope: &Scope,
    filter: &Filter,
    include: Include,
    window: &Window,
) -> Result<Page<Row>, StoreError> {
    let mut read = Rows::with(include);
    listed(scope, filter, include).page(connection, window, |row| read.read(row)).await
}

/// The same page of the assignments of each of these packages.
pub async fn of_packages(
    connection: &impl Connection,
    scope: &Scope,
    packages: &[Uuid],
    filter: &Filter,
    include: Include,
    window: &Window,
) -> Result<HashMap<Uuid, Page<Row>>, StoreError> {
    let parents = Parents { column: ("g.access_package_id", "g_access_package_id"), ids: packages };
    let mut read = Rows::with(include);
    listed(scope, filter, include).pages(connection, parents, window, |row| read.read(row)).await
}

/// Assignments by id.
pub async fn find(
    connection: &impl Connection,
    access: Access<'_>,
    ids: &[Uuid],
    include: Include,
) -> Result<Vec<Row>, StoreError> {
    let mut sql = connection.sql();
    sql.push("SELECT ");
    columns(&mut sql, include);
    sql.push(" FROM assignment g");
    joins(&mut sql, include);
    sql.push(" WHERE ");
    visible(&mut sql, access);
    sql.push(" AND g.id").any_id(ids);
    let rows = connection.all(sql).await?;
    let mut read = Rows::with(include);
    Ok(rows.iter().map(|row| read.read(row)).collect::<Result<_, _>>()?)
}

/// Returns the assignments that want grants now, each with its grant, oldest first.
pub async fn wanting(
    connection: &impl Connection,
    access: Access<'_>,
    grants: &[Uuid],
) -> Result<Vec<(Uuid, Row)>, StoreError> {
    let include = Include::default();
    let mut sql = connection.sql();
    sql.push("SELECT x.id AS grant_id, ");
    columns(&mut sql, include);
    sql.push(" FROM entitlement_grant x JOIN assignment g ON g.user_id = x.user_id WHERE ");
    visible(&mut sql, access);
    sql.push(" AND x.id").any_id(grants).push(" AND ");
    entitlement_grant::wanted_by(&mut sql);
    sql.push(" ORDER BY x.id, g.created_at, g.id");
    let rows = connection.all(sql).await?;
    let mut read = Rows::with(include);
    Ok(rows
        .iter()
        .map(|row| Ok((row.try_get("", "grant_id")?, read.read(row)?)))
        .collect::<Result<_, DbErr>>()?)
}

/// Assignments by id, locked in the order of their ids until the transaction ends.
pub async fn lock(txn: &Txn, ids: &[Uuid]) -> Result<Vec<assignment::Model>, StoreError> {
    let mut sql = txn.sql();
    sql.push("SELECT ").columns::<assignment::Entity>("g").push(" FROM assignment g WHERE g.id");
    sql.any_id(ids).push(" ORDER BY g.id").lock("g");
    let rows = txn.all(sql).await?;
    Ok(rows.iter().map(|row| model::<assignment::Model>(row, "g_")).collect::<Result<_, _>>()?)
}

/// The assignments of a person that are not over, locked; of one package, where that is given.
pub async fn lock_current(
    txn: &Txn,
    user: Uuid,
    package: Option<Uuid>,
) -> Result<Vec<assignment::Model>, StoreError> {
    let mut sql = txn.sql();
    sql.push("SELECT ").columns::<assignment::Entity>("g").push(" FROM assignment g WHERE g.user_id = ");
    sql.bind(user).push(" AND g.state NOT IN ('REVOKING', 'ENDED')");
    if let Some(package) = package {
        sql.push(" AND g.access_package_id = ").bind(package);
    }
    sql.push(" ORDER BY g.id").lock("g");
    let rows = txn.all(sql).await?;
    Ok(rows.iter().map(|row| model::<assignment::Model>(row, "g_")).collect::<Result<_, _>>()?)
}

/// The assignments that are not over of these people for these packages, locked; their requests are locked before
/// them, as everywhere.
pub async fn lock_current_of(txn: &Txn, held: &[(Uuid, Uuid)]) -> Result<Vec<assignment::Model>, StoreError> {
    let (users, packages): (Vec<Uuid>, Vec<Uuid>) = held.iter().copied().unzip();
    access_request::lock_current_of(txn, &users, &packages).await?;
    let mut sql = txn.sql();
    sql.push("SELECT ").columns::<assignment::Entity>("g").push(" FROM assignment g WHERE g.user_id");
    sql.any_id(&users).push(" AND g.access_package_id").any_id(&packages);
    sql.push(" AND g.state NOT IN ('REVOKING', 'ENDED') ORDER BY g.id").lock("g");
    let rows = txn.all(sql).await?;
    let found: Vec<assignment::Model> =
        rows.iter().map(|row| model::<assignment::Model>(row, "g_")).collect::<Result<_, _>>()?;
    let held: HashSet<(Uuid, Uuid)> = held.iter().copied().collect();
    let is_one = |row: &assignment::Model| held.contains(&(row.user_id, row.access_package_id));
    Ok(found.into_iter().filter(is_one).collect())
}

/// Where assignments stand from now on, and when they are looked at next.
pub async fn set_state(
    txn: &Txn,
    ids: &[Uuid],
    state: AssignmentState,
    ended: bool,
) -> Result<(), StoreError> {
    let mut sql = txn.sql();
    sql.push("UPDATE assignment SET state = ").bind(state.to_value());
    match state {
        AssignmentState::Scheduled => sql.push(", due_at = starts_at"),
        AssignmentState::Revoking | AssignmentState::Ended => sql.push(", due_at = NULL"),
        AssignmentState::Delivering
        | AssignmentState::PartiallyDelivered
        | AssignmentState::Delivered
        | AssignmentState::DeliveryFailed => sql.push(", due_at = expires_at"),
    };
    if ended {
        sql.push(", ended_at = ").bind(txn.now());
    }
    sql.push(" WHERE id").any_id(ids);
    txn.execute(sql).await.map(|_| ())
}

/// What the extension of an assignment depends on.
#[derive(Clone, Debug)]
pub struct Extensible {
    /// Where it stands.
    pub state: AssignmentState,
    /// When it ends.
    pub expires_at: Option<DateTime<Utc>>,
    /// What its policy says of extensions now.
    pub extension: Extension,
    /// Whether the policy takes requests, and is still for the holder.
    pub admitted: bool,
    /// Whether an extension is asked for already.
    pub open: bool,
}

/// What the extension of each of these assignments depends on.
pub async fn extensible(
    connection: &impl Connection,
    ids: &[Uuid],
) -> Result<HashMap<Uuid, Extensible>, StoreError> {
    let mut sql = connection.sql();
    sql.push("SELECT g.id AS id, g.state AS state, g.expires_at AS expires_at, a.extension AS extension");
    sql.push(
        ", EXISTS (SELECT 1 FROM access_request r WHERE r.assignment_id = g.id AND r.kind = 'USER_EXTEND'",
    );
    sql.push(" AND r.state IN ('SUBMITTED', 'PENDING_APPROVAL')) AS is_open");
    sql.push(", (a.enabled AND a.deleted_at IS NULL AND u.state = 'ACTIVE' AND ").push(FITS);
    sql.push(") AS admitted FROM assignment g JOIN assignment_policy a ON a.id = g.policy_id");
    sql.push(" JOIN app_user u ON u.id = g.user_id WHERE g.id").any_id(ids);
    let read = |row: &QueryResult| {
        let facts = Extensible {
            state: row.try_get("", "state")?,
            expires_at: row.try_get("", "expires_at")?,
            extension: row.try_get("", "extension")?,
            admitted: row.try_get("", "admitted")?,
            open: row.try_get("", "is_open")?,
        };
        Ok((row.try_get("", "id")?, facts))
    };
    connection.all(sql).await?.iter().map(read).collect()
}

/// When assignments end from now on.
pub async fn set_ends(txn: &Txn, ends: &[(Uuid, Option<DateTime<Utc>>)]) -> Result<(), StoreError> {
    let ids: Vec<Uuid> = ends.iter().map(|(id, _)| *id).collect();
    let mut sql = txn.sql();
    sql.push("UPDATE assignment SET expires_at = CASE id");
    for (id, end) in ends {
        sql.push(" WHEN ").bind(*id).push(" THEN ").bind(*end);
    }
    sql.push(" END WHERE id").any_id(&ids);
    txn.execute(sql).await?;
    let mut sql = txn.sql();
    sql.push("UPDATE assignment SET due_at = expires_at WHERE state <> 'SCHEDULED' AND id").any_id(&ids);
    txn.execute(sql).await.map(|_| ())
}

/// An assignment whose start or end has come; not locked.
#[derive(Clone, Copy, Debug)]
pub struct Due {
    /// The assignment.
    pub assignment: Uuid,
    /// The request that made it.
    pub request: Uuid,
    /// Who holds it, or will.
    pub user: Uuid,
    /// Whether it is to start.
    pub starts: bool,
}

impl Due {
    const SELECT: &str = "SELECT g.id AS id, g.request_id AS request, g.user_id AS person, (g.state = 'SCHEDULED') AS starts FROM assignment g WHERE ";

    fn read(row: &QueryResult) -> Result<Self, StoreError> {
        Ok(Self {
            assignment: row.try_get("", "id")?,
            request: row.try_get("", "request")?,
            user: row.try_get("", "person")?,
            starts: row.try_get("", "starts")?,
        })
    }
}

/// Assignments whose start or end has come.
pub async fn due(
    connection: &impl Connection,
    now: DateTime<Utc>,
    most: u64,
) -> Result<Vec<Due>, StoreError> {
    let mut sql = connection.sql();
    sql.push(Due::SELECT).push("g.due_at <= ").bind(now);
    sql.push(" ORDER BY g.due_at, g.id LIMIT ").number(most);
    connection.all(sql).await?.iter().map(Due::read).collect()
}

/// How many assignments are due.
pub async fn waiting(database: &Database) -> Result<Waiting, StoreError> {
    due::waiting(database, "assignment").await
}

/// All that is to start now of these people.
pub async fn starting_of(txn: &Txn, users: &[Uuid], now: DateTime<Utc>) -> Result<Vec<Due>, StoreError> {
    if users.is_empty() {
        return Ok(Vec::new());
    }
    let mut sql = txn.sql();
    sql.push(Due::SELECT).push("g.state = 'SCHEDULED' AND g.due_at <= ").bind(now);
    sql.push(" AND g.user_id").any_id(users);
    txn.all(sql).await?.iter().map(Due::read).collect()
}

/// The assignments among these whose removals all succeeded.
pub async fn taken_back(txn: &Txn, ids: &[Uuid]) -> Result<Vec<Uuid>, StoreError> {
    let mut sql = txn.sql();
    sql.push("SELECT g.id AS id FROM assignment g WHERE g.state = 'REVOKING' AND g.id").any_id(ids);
    sql.push(" AND NOT EXISTS (SELECT 1 FROM delivery d WHERE d.assignment_id = g.id");
    sql.push(" AND d.state IN ('PENDING', 'IN_PROGRESS'))");
    let rows = txn.all(sql).await?;
    rows.iter().map(|row| Ok(row.try_get("", "id")?)).collect()
}

/// What a completed request means for assignments that are being delivered; one that is being
/// taken away stays so.
pub async fn set_delivered(txn: &Txn, ids: &[Uuid], state: AssignmentState) -> Result<(), StoreError> {
    let mut sql = txn.sql();
    sql.push("UPDATE assignment SET state = ").bind(state.to_value());
    sql.push(" WHERE state = 'DELIVERING' AND id").any_id(ids);
    txn.execute(sql).await.map(|_| ())
}

/// Notes that a role of a delivered assignment failed for good; gives the organization if that is news.
pub async fn role_failed(txn: &Txn, id: Uuid) -> Result<Option<Uuid>, StoreError> {
    let mut sql = txn.sql();
    sql.push("UPDATE assignment SET state = 'PARTIALLY_DELIVERED', repair_failed_at = ").bind(txn.now());
    sql.push(" WHERE state = 'DELIVERED' AND id = ").bind(id).push(" RETURNING organization_id");
    let rows = txn.all(sql).await?;
    Ok(rows.first().map(|row| row.try_get("", "organization_id")).transpose()?)
}

/// Notes that assignments of which a role had failed hold what they should again, if of every role that their packages
/// have now the last delivery that was to give it succeeded; gives each of these with its organization.
pub async fn made_whole(txn: &Txn, ids: &[Uuid]) -> Result<Vec<(Uuid, Uuid)>, StoreError> {
    let mut sql = txn.sql();
    sql.push("UPDATE assignment SET state = 'DELIVERED', repair_failed_at = NULL");
    sql.push(" WHERE state = 'PARTIALLY_DELIVERED' AND repair_failed_at IS NOT NULL AND id").any_id(ids);
    sql.push(" AND NOT EXISTS (SELECT 1 FROM access_package_resource_role i");
    sql.push(" WHERE i.access_package_id = assignment.access_package_id AND 'SUCCEEDED' <> COALESCE((");
    sql.push("SELECT d.state FROM delivery d WHERE d.assignment_id = assignment.id");
    sql.push(" AND d.resource_role_id = i.resource_role_id AND d.operation IN ('ADD', 'REPAIR')");
    sql.push(" AND d.state <> 'CANCELED' ORDER BY d.id DESC LIMIT 1), 'PENDING'))");
    sql.push(" RETURNING id, organization_id");
    let read = |row: &QueryResult| Ok((row.try_get("", "id")?, row.try_get("", "organization_id")?));
    txn.all(sql).await?.iter().map(read).collect()
}

/// The assignments of a package whose deliveries have begun, locked.
pub async fn lock_delivered(txn: &Txn, package: Uuid) -> Result<Vec<assignment::Model>, StoreError> {
    let mut sql = txn.sql();
    sql.push("SELECT ").columns::<assignment::Entity>("g").push(" FROM assignment g");
    sql.push(
        " WHERE g.state IN ('DELIVERING', 'PARTIALLY_DELIVERED', 'DELIVERED') AND g.access_package_id = ",
    );
    sql.bind(package).push(" ORDER BY g.id").lock("g");
    let rows = txn.all(sql).await?;
    Ok(rows.iter().map(|row| model::<assignment::Model>(row, "g_")).collect::<Result<_, _>>()?)
}

/// The roles, with their connectors, that came to the packages of failed assignments since those were queued:
/// assignments that failed do not follow their package until they are delivered again.
pub async fn lacking(
    txn: &Txn,
    requests: &[Uuid],
) -> Result<Vec<(assignment::Model, Uuid, Uuid)>, StoreError> {
    let mut sql = txn.sql();
    sql.push("SELECT ").columns::<assignment::Entity>("g");
    sql.push(", t.id AS role_id, s.connector_id AS connector_id FROM assignment g");
    sql.push(" JOIN access_package_resource_role i ON i.access_package_id = g.access_package_id");
    sql.push(" JOIN resource_role t ON t.id = i.resource_role_id JOIN resource s ON s.id = t.resource_id");
    sql.push(" WHERE g.state = 'DELIVERY_FAILED' AND g.request_id").any_id(requests);
    sql.push(" AND NOT EXISTS (SELECT 1 FROM delivery d WHERE d.assignment_id = g.id");
    sql.push(" AND d.resource_role_id = t.id AND d.operation = 'ADD'");
    sql.push(" AND (d.result IS NULL OR d.result <> 'NO_LONGER_WANTED')) ORDER BY g.id, t.id");
    let read = |row: &QueryResult| {
        let assignment = model::<assignment::Model>(row, "g_")?;
        Ok((assignment, row.try_get("", "role_id")?, row.try_get("", "connector_id")?))
    };
    txn.all(sql).await?.iter().map(read).collect()
}

/// The assignments of requests that are delivered again.
pub async fn redeliver(txn: &Txn, requests: &[Uuid]) -> Result<(), StoreError> {
    let mut sql = txn.sql();
    sql.push("UPDATE assignment SET state = 'DELIVERING' WHERE state IN ('PARTIALLY_DELIVERED', 'DELIVERY_FAILED')");
    sql.push(" AND request_id").any_id(requests);
    txn.execute(sql).await.map(|_| ())
}
