//! Access requests and their history.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use entity::access_request::{self, AccessRequestState, AccessRequestType};
use entity::access_request_event::AccessRequestAction;
use entity::assignment::AssignmentState;
use entity::assignment_policy::RequestorScope;
use entity::{access_package, access_request_event, app_user, assignment, assignment_policy, catalog};
use sea_orm::{ActiveEnum as _, DbErr, QueryResult};
use uuid::Uuid;

use super::assignment_policy::admits;
use super::columns::{Columns, columns};
use super::database::{Connection, Txn};
use super::error::StoreError;
use super::page::{List, Page, Parents, Window, alone};
use super::row::{Shared, model, optional, part};
use super::said::Said;
use super::sql::Sql;
use super::{Access, delivery, incompatible, names};
use crate::authz::{Catalogs, Scope};

/// A request, with what was read along with it.
#[derive(Clone, Debug)]
pub struct Row {
    /// The request.
    pub request: access_request::Model,
    /// Whose access it is about.
    pub requestor: Option<Arc<app_user::Model>>,
    /// The package.
    pub package: Option<Arc<access_package::Model>>,
    /// The package's catalog.
    pub catalog: Option<Arc<catalog::Model>>,
    /// The policy; the inner value is none for requests without one.
    pub policy: Option<Option<Arc<assignment_policy::Model>>>,
    /// The assignment; the inner value is none for requests without one.
    pub assignment: Option<Option<assignment::Model>>,
    /// Whether a package that excludes this one is held; read with the assignment.
    pub incompatible: bool,
    /// The deliveries, in the order they were queued.
    pub deliveries: Option<Vec<Arc<delivery::Row>>>,
}

/// What to read of requests, and what along with them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Include {
    /// Of the request; what lists need is always read.
    pub request: Columns,
    /// Of the requestor.
    pub requestor: Columns,
    /// Of the package.
    pub package: Columns,
    /// Of the package's catalog.
    pub catalog: Columns,
    /// Of the policy.
    pub policy: Columns,
    /// Whether the assignment.
    pub assignment: bool,
    /// The deliveries.
    pub deliveries: Option<delivery::Include>,
}

/// Whole requests, and nothing along.
impl Default for Include {
    fn default() -> Self {
        Self {
            request: Columns::ALL,
            requestor: Columns::NONE,
            package: Columns::NONE,
            catalog: Columns::NONE,
            policy: Columns::NONE,
            assignment: false,
            deliveries: None,
        }
    }
}

/// What lists of requests are sorted by, and what they are told apart by.
const LISTED: Columns = columns!(access_request: Id, AccessPackageId, SubmittedAt);

/// Which requests are wanted. All given conditions hold together.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Filter {
    /// For these packages.
    pub packages: Option<Vec<Uuid>>,
    /// In these catalogs.
    pub catalogs: Option<Vec<Uuid>>,
    /// For these people.
    pub requestors: Option<Vec<Uuid>>,
    /// Under these policies.
    pub policies: Option<Vec<Uuid>>,
    /// In these states.
    pub states: Option<Vec<AccessRequestState>>,
    /// Of these types.
    pub kinds: Option<Vec<AccessRequestType>>,
    /// With a delivery that failed in one of these ways.
    pub delivery_errors: Option<Vec<entity::delivery::DeliveryErrorCode>>,
    /// That wait where nobody is left to decide.
    pub without_approver: bool,
    /// Made at or after.
    pub submitted_from: Option<DateTime<Utc>>,
    /// Made before.
    pub submitted_until: Option<DateTime<Utc>>,
    /// First completed at or after.
    pub completed_from: Option<DateTime<Utc>>,
    /// First completed before.
    pub completed_until: Option<DateTime<Utc>>,
}

impl Filter {
    /// Whether no condition is given.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

pub(super) fn visible(sql: &mut Sql, access: Access<'_>) {
    sql.push("r.organization_id = ").bind(access.organization());
    let Access::Visible(scope) = access else { return };
    if let Catalogs::Only(ids) = &scope.requests {
        // Others see their own requests, those of their reports, and those that they decide.
        sql.push(" AND (r.requestor_id = ").bind(scope.user);
        sql.push(" OR r.submitted_by_id = ").bind(scope.user);
        sql.push(" OR r.requestor_id IN (SELECT w.id FROM app_user w WHERE w.manager_id = ").bind(scope.user);
        sql.push(") OR r.id IN (SELECT s.request_id FROM approval_approver y JOIN approval s");
        sql.push(" ON s.id = y.approval_id WHERE y.user_id = ").bind(scope.user).push(")");
        if !ids.is_empty() {
            sql.push(" OR r.catalog_id").any_id(ids);
        }
        sql.push(")");
    }
}

pub(super) fn matching(sql: &mut Sql, scope: &Scope, filter: &Filter) {
    visible(sql, Access::Visible(scope));
    let ids = [
        (" AND r.access_package_id", &filter.packages),
        (" AND r.catalog_id", &filter.catalogs),
        (" AND r.requestor_id", &filter.requestors),
        (" AND r.policy_id", &filter.policies),
    ];
    for (column, ids) in ids {
        if let Some(ids) = ids {
            sql.push(column).any_id(ids);
        }
    }
    if let Some(states) = &filter.states {
        sql.push(" AND r.state").any_text(&names(states));
    }
    if let Some(kinds) = &filter.kinds {
        sql.push(" AND r.kind").any_text(&names(kinds));
    }
    if let Some(codes) = &filter.delivery_errors {
        sql.push(
            " AND EXISTS (SELECT 1 FROM delivery f WHERE f.request_id = r.id AND f.state <> 'SUCCEEDED'",
        );
        sql.push(" AND f.operation IN ('ADD', 'REMOVE')");
        sql.push(" AND f.error_code").any_text(&names(codes)).push(")");
    }
    if filter.without_approver {
        sql.push(" AND r.state = 'PENDING_APPROVAL' AND EXISTS (SELECT 1 FROM approval s WHERE s.request_id = r.id");
        sql.push(" AND s.state = 'PENDING' AND NOT EXISTS (SELECT 1 FROM approval_approver y");
        sql.push(" WHERE y.approval_id = s.id))");
    }
    sql.within("r.submitted_at", filter.submitted_from, filter.submitted_until);
    sql.within("r.completed_at", filter.completed_from, filter.completed_until);
}

fn columns(sql: &mut Sql, include: Include) {
    sql.some_columns::<access_request::Entity>("r", include.request.and(LISTED));
    if include.requestor.any() {
        sql.push(", ").some_columns::<app_user::Entity>("q", include.requestor);
    }
    if include.package.any() {
        sql.push(", ").some_columns::<access_package::Entity>("p", include.package);
    }
    if include.catalog.any() {
        sql.push(", ").some_columns::<catalog::Entity>("c", include.catalog);
    }
    if include.policy.any() {
        sql.push(", ").some_columns::<assignment_policy::Entity>("a", include.policy);
    }
    if include.assignment {
        sql.push(", ").columns::<assignment::Entity>("g");
        excluded(sql);
    }
}

/// Adds a column: whether a package that excludes the one of `r` is held.
fn excluded(sql: &mut Sql) {
    sql.push(", ");
    incompatible::held(sql, "r.access_package_id", |sql| {
        sql.push("r.requestor_id");
    });
    sql.push(" AS excluded");
}

fn joins(sql: &mut Sql, include: Include) {
    if include.requestor.any() {
        sql.push(" JOIN app_user q ON q.id = r.requestor_id");
    }
    if include.package.any() {
        sql.push(" JOIN access_package p ON p.id = r.access_package_id");
    }
    if include.catalog.any() {
        sql.push(" JOIN catalog c ON c.id = r.catalog_id");
    }
    if include.policy.any() {
        sql.push(" LEFT JOIN assignment_policy a ON a.id = r.policy_id");
    }
    if include.assignment {
        sql.push(" LEFT JOIN assignment g ON g.id = r.assignment_id");
    }
}

/// Reads rows of requests; what many of them name is read once.
struct Rows {
    include: Include,
    requestors: Shared<app_user::Model>,
    packages: Shared<access_package::Model>,
    catalogs: Shared<catalog::Model>,
    policies: Shared<assignment_policy::Model>,
}

impl Rows {
    fn with(include: Include) -> Self {
        Self {
            include,
            requestors: Shared::of(include.requestor),
            packages: Shared::of(include.package),
            catalogs: Shared::of(include.catalog),
            policies: Shared::of(include.policy),
        }
    }

    fn read(&mut self, row: &QueryResult) -> Result<Row, DbErr> {
        let Self { include, requestors, packages, catalogs, policies } = self;
        Ok(Row {
            request: part(row, "r_", include.request.and(LISTED))?,
            requestor: requestors.are_read().then(|| requestors.model(row, "q_")).transpose()?,
            package: packages.are_read().then(|| packages.model(row, "p_")).transpose()?,
            catalog: catalogs.are_read().then(|| catalogs.model(row, "c_")).transpose()?,
            policy: policies.are_read().then(|| policies.optional(row, "a_")).transpose()?,
            assignment: include.assignment.then(|| optional(row, "g_")).transpose()?,
            incompatible: include.assignment && row.try_get("", "excluded")?,
            deliveries: None,
        })
    }
}

fn listed<'a>(scope: &'a Scope, filter: &'a Filter, include: Include) -> List<'a> {
    List {
        from: "access_request r",
        key: ("r.submitted_at", "r_submitted_at"),
        id: ("r.id", "r_id"),
        columns: Box::new(move |sql| columns(sql, include)),
        joins: Box::new(move |sql| joins(sql, include)),
        matching: Box::new(|sql| matching(sql, scope, filter)),
    }
}

/// A page of the requests that the viewer may see, by the time they were made.
pub async fn list(
    connection: &impl Connection,
    scope: &Scope,
    filter: &Filter,
    include: Include,
    window: &Window,
) -> Result<Page<Row>, StoreError> {
    let list = listed(scope, filter, include);
    let mut read = Rows::with(include);
    let mut page = list.page(connection, window, |row| read.read(row)).await?;
    with_deliveries(connection, page.rows.iter_mut().collect(), include).await?;
    Ok(page)
}

/// The same page of the requests for each of these packages.
pub async fn of_packages(
    connection: &impl Connection,
    scope: &Scope,
    packages: &[Uuid],
    filter: &Filter,
    include: Include,
    window: &Window,
) -> Result<HashMap<Uuid, Page<Row>>, StoreError> {
    let list = listed(scope, filter, include);
    let parents = Parents { column: ("r.access_package_id", "r_access_package_id"), ids: packages };
    let mut read = Rows::with(include);
    let mut pages = list.pages(connection, parents, window, |row| read.read(row)).await?;
    let rows = pages.values_mut().flat_map(|page| &mut page.rows).collect();
    with_deliveries(connection, rows, include).await?;
    Ok(pages)
}

/// Requests by id.
pub async fn find(
    connection: &impl Connection,
    access: Access<'_>,
    ids: &[Uuid],
    include: Include,
) -> Result<Vec<Row>, StoreError> {
    let mut sql = connection.sql();
    sql.push("SELECT ");
    columns(&mut sql, include);
    sql.push(" FROM access_request r");
    joins(&mut sql, include);
    sql.push(" WHERE ");
    visible(&mut sql, access);
    sql.push(" AND r.id").any_id(ids);
    let rows = connection.all(sql).await?;
    let mut read = Rows::with(include);
    let mut rows: Vec<Row> = rows.iter().map(|row| read.read(row)).collect::<Result<_, _>>()?;
    with_deliveries(connection, rows.iter_mut().collect(), include).await?;
    Ok(rows)
}

async fn with_deliveries(
    connection: &impl Connection,
    rows: Vec<&mut Row>,
    include: Include,
) -> Result<(), StoreError> {
    let Some(include) = include.deliveries.filter(|_| !rows.is_empty()) else { return Ok(()) };
    let ids: Vec<Uuid> = rows.iter().map(|row| row.request.id).collect();
    let deliveries = delivery::of_requests(connection, &ids, include).await?;
    let mut deliveries = super::grouped(deliveries, |row| row.delivery.request_id);
    for row in rows {
        row.deliveries = Some(deliveries.remove(&row.request.id).unwrap_or_default());
    }
    Ok(())
}

/// The same page of the history of each of these requests, in the order it happened.
pub async fn history(
    connection: &impl Connection,
    requests: &[Uuid],
    window: &Window,
) -> Result<HashMap<Uuid, Page<access_request_event::Model>>, StoreError> {
    let list = List {
        from: "access_request_event e",
        key: ("e.seq", "e_seq"),
        id: ("e.request_id", "e_request_id"),
        columns: Box::new(|sql| {
            sql.columns::<access_request_event::Entity>("e");
        }),
        joins: Box::new(alone),
        matching: Box::new(|sql| {
            sql.push("TRUE");
        }),
    };
    let parents = Parents { column: ("e.request_id", "e_request_id"), ids: requests };
    list.pages(connection, parents, window, |row| model::<access_request_event::Model>(row, "e_")).await
}

/// A request that moves on.
#[derive(Clone, Copy, Debug)]
pub struct Moved {
    /// The request.
    pub id: Uuid,
    /// Where it stood, as read under its lock.
    pub from: AccessRequestState,
}

/// How requests move on.
#[derive(Clone, Copy, Debug)]
pub struct Move<'a> {
    /// Where they stand afterwards.
    pub to: AccessRequestState,
    /// What happened.
    pub action: AccessRequestAction,
    /// Who did it; nobody for Guichet itself.
    pub actor: Option<Uuid>,
    /// Why.
    pub reason: Option<&'a str>,
    /// Through which bulk operation.
    pub bulk_operation: Option<Uuid>,
}

/// Moves requests on and writes their history; a request that no longer stands where it was read
/// is left out. Gives those that moved.
pub async fn advance(txn: &Txn, requests: &[Moved], step: Move<'_>) -> Result<Vec<Uuid>, StoreError> {
    advance_each(txn, requests, step, Said::All(step.reason)).await
}

/// The same with a reason for each, in the place of the step's.
pub async fn advance_each(
    txn: &Txn,
    requests: &[Moved],
    step: Move<'_>,
    reasons: Said<'_>,
) -> Result<Vec<Uuid>, StoreError> {
    if requests.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<Uuid> = requests.iter().map(|request| request.id).collect();
    let mut from: Vec<AccessRequestState> = requests.iter().map(|request| request.from).collect();
    from.sort_unstable();
    from.dedup();
    let mut sql = txn.sql();
    sql.push("UPDATE access_request SET state = ").bind(step.to.to_value());
    sql.push(", event_count = event_count + 1");
    match step.to {
        AccessRequestState::Delivered
        | AccessRequestState::PartiallyDelivered
        | AccessRequestState::DeliveryFailed
        | AccessRequestState::Denied
        | AccessRequestState::Canceled => {
            // Written once: the reprocess window counts from the first completion (R2).
            sql.push(", completed_at = COALESCE(completed_at, ").bind(txn.now());
            sql.push("), last_completed_at = ").bind(txn.now());
        }
        AccessRequestState::Delivering => {
            sql.push(", last_completed_at = NULL");
        }
        AccessRequestState::Submitted
        | AccessRequestState::PendingApproval
        | AccessRequestState::Scheduled => {}
    }
    sql.push(" WHERE id").any_id(&ids).push(" AND state").any_text(&names(&from));
    sql.push(" RETURNING id");
    let read = |row: &QueryResult| Ok(row.try_get("", "id")?);
    let moved = txn.all(sql).await?.iter().map(read).collect::<Result<Vec<Uuid>, StoreError>>()?;
    if !moved.is_empty() {
        note(txn, requests, &moved, step, reasons).await?;
    }
    Ok(moved)
}

/// Writes the step of the requests that moved into their history.
async fn note(
    txn: &Txn,
    requests: &[Moved],
    moved: &[Uuid],
    step: Move<'_>,
    reasons: Said<'_>,
) -> Result<(), StoreError> {
    let mut from: BTreeMap<AccessRequestState, Vec<Uuid>> = BTreeMap::new();
    for request in requests {
        from.entry(request.from).or_default().push(request.id);
    }
    let mut sql = txn.sql();
    sql.push("INSERT INTO access_request_event (request_id, seq, at, action, from_state, to_state, actor_id");
    sql.push(", reason, bulk_operation_id) SELECT r.id, r.event_count, ").bind(txn.now());
    sql.push(", ").bind(step.action.to_value()).push(", CASE");
    for (state, ids) in &from {
        sql.push(" WHEN r.id").any_id(ids).push(" THEN ").bind(state.to_value());
    }
    sql.push(" END, ").bind(step.to.to_value()).push(", ").bind(step.actor);
    sql.push(", ");
    reasons.value(&mut sql);
    sql.push(", ").bind(step.bulk_operation);
    reasons.add_from_with(&mut sql, moved, "access_request r");
    sql.push(" WHERE ");
    reasons.is_about(&mut sql, "r.id", moved);
    txn.execute(sql).await.map(|_| ())
}

/// Requests by id, locked in the order of their ids until the transaction ends.
pub async fn lock(txn: &Txn, ids: &[Uuid]) -> Result<Vec<access_request::Model>, StoreError> {
    let mut sql = txn.sql();
    sql.push("SELECT ").columns::<access_request::Entity>("r").push(" FROM access_request r WHERE r.id");
    sql.any_id(ids).push(" ORDER BY r.id").lock("r");
    let rows = txn.all(sql).await?;
    Ok(rows.iter().map(|row| model::<access_request::Model>(row, "r_")).collect::<Result<_, _>>()?)
}

/// Ties requests to the assignments that they made: pairs of request and assignment.
pub async fn set_assignments(txn: &Txn, pairs: &[(Uuid, Uuid)]) -> Result<(), StoreError> {
    let requests: Vec<Uuid> = pairs.iter().map(|(request, _)| *request).collect();
    let mut sql = txn.sql();
    sql.push("UPDATE access_request SET assignment_id = (SELECT g.id FROM assignment g");
    sql.push(" WHERE g.request_id = access_request.id) WHERE id").any_id(&requests);
    txn.execute(sql).await.map(|_| ())
}

/// A policy that admits a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Admitting {
    /// The policy.
    pub id: Uuid,
    /// Its scope.
    pub scope: RequestorScope,
    /// Whether a request must come by a signed link.
    pub requires_signed_link: bool,
    /// Whether the person's manager may ask under it, too.
    pub managers_may_request: bool,
}

/// Whether a person may request a package, and what stands against it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Requestability {
    /// The package.
    pub package: Uuid,
    /// The enabled policies that admit the person.
    pub policies: Vec<Admitting>,
    /// Whether the person holds the package, or will.
    pub assigned: bool,
    /// Whether a request of the person for it is open.
    pub open: bool,
    /// Whether the person holds or has requested a package that excludes it.
    pub incompatible: bool,
}

/// What stands against requests of one person for packages.
pub async fn requestability(
    connection: &impl Connection,
    scope: &Scope,
    packages: &[Uuid],
) -> Result<Vec<Requestability>, StoreError> {
    let mut sql = connection.sql();
    sql.push("SELECT p.id AS package_id, a.id AS policy_id, a.requestor_scope AS requestor_scope");
    sql.push(", a.requires_signed_link AS requires_signed_link");
    sql.push(", a.managers_may_request AS managers_may_request");
    sql.push(", EXISTS (SELECT 1 FROM assignment g WHERE g.access_package_id = p.id AND g.user_id = ");
    sql.bind(scope.user).push(" AND g.state IN ('SCHEDULED', 'DELIVERING', 'DELIVERED')) AS assigned");
    sql.push(
        ", EXISTS (SELECT 1 FROM access_request r WHERE r.access_package_id = p.id AND r.requestor_id = ",
    );
    sql.bind(scope.user).push(" AND r.kind IN ('USER_ADD', 'ADMIN_ADD')");
    sql.push(" AND r.state IN ('SUBMITTED', 'PENDING_APPROVAL', 'SCHEDULED', 'DELIVERING')) AS is_open");
    sql.push(", ");
    incompatible::exists(&mut sql, "p.id", |sql| {
        sql.bind(scope.user);
    });
    sql.push(" AS incompatible FROM access_package p JOIN catalog c ON c.id = p.catalog_id");
    sql.push(" LEFT JOIN assignment_policy a ON a.access_package_id = p.id AND a.enabled");
    sql.push(" AND a.deleted_at IS NULL AND c.enabled AND c.deleted_at IS NULL AND ");
    admits(&mut sql, scope);
    sql.push(" WHERE p.deleted_at IS NULL AND p.organization_id = ").bind(scope.organization);
    sql.push(" AND p.id").any_id(packages).push(" ORDER BY p.id, a.id");
    let mut found: Vec<Requestability> = Vec::new();
    for row in &connection.all(sql).await? {
        let package: Uuid = row.try_get("", "package_id")?;
        if found.last().is_none_or(|last| last.package != package) {
            found.push(Requestability {
                package,
                policies: Vec::new(),
                assigned: row.try_get("", "assigned")?,
                open: row.try_get("", "is_open")?,
                incompatible: row.try_get("", "incompatible")?,
            });
        }
        let policy: Option<Uuid> = row.try_get("", "policy_id")?;
        if let (Some(last), Some(policy)) = (found.last_mut(), policy) {
            last.policies.push(Admitting {
                id: policy,
                scope: row.try_get("", "requestor_scope")?,
                requires_signed_link: row.try_get("", "requires_signed_link")?,
                managers_may_request: row.try_get("", "managers_may_request")?,
            });
        }
    }
    Ok(found)
}

/// Those of these people who have an open request for a package; nobody can make a second one. To be asked with
/// the people locked.
pub async fn with_open(txn: &Txn, package: Uuid, people: &[Uuid]) -> Result<HashSet<Uuid>, StoreError> {
    let mut sql = txn.sql();
    sql.push("SELECT r.requestor_id AS id FROM access_request r WHERE r.access_package_id = ").bind(package);
    sql.push(" AND r.kind IN ('USER_ADD', 'ADMIN_ADD') AND r.completed_at IS NULL");
    sql.push(" AND r.state IN ('SUBMITTED', 'PENDING_APPROVAL', 'SCHEDULED', 'DELIVERING')");
    sql.push(" AND r.requestor_id").any_id(people);
    txn.all(sql).await?.iter().map(|row| Ok(row.try_get("", "id")?)).collect()
}

/// The requests that end when a person leaves, locked: those that nothing was delivered of yet, and those whose
/// assignments are current.
pub async fn lock_of_leaver(txn: &Txn, user: Uuid) -> Result<Vec<access_request::Model>, StoreError> {
    let mut sql = txn.sql();
    sql.push("SELECT ").columns::<access_request::Entity>("r").push(" FROM access_request r");
    sql.push(" WHERE r.requestor_id = ").bind(user);
    sql.push(" AND (r.state IN ('SUBMITTED', 'PENDING_APPROVAL', 'SCHEDULED')");
    sql.push(" OR r.id IN (SELECT g.request_id FROM assignment g WHERE g.user_id = ").bind(user);
    sql.push(" AND g.state NOT IN ('REVOKING', 'ENDED'))) ORDER BY r.id").lock("r");
    let rows = txn.all(sql).await?;
    Ok(rows.iter().map(|row| model::<access_request::Model>(row, "r_")).collect::<Result<_, _>>()?)
}

/// Locks the requests of the assignments that are not over of these people for these packages.
pub(super) async fn lock_current_of(txn: &Txn, users: &[Uuid], packages: &[Uuid]) -> Result<(), StoreError> {
    let mut sql = txn.sql();
    sql.push("SELECT r.id AS id FROM access_request r WHERE r.id IN (SELECT g.request_id FROM assignment g");
    sql.push(" WHERE g.user_id").any_id(users).push(" AND g.access_package_id").any_id(packages);
    sql.push(" AND g.state NOT IN ('REVOKING', 'ENDED')) ORDER BY r.id").lock("r");
    txn.all(sql).await.map(|_| ())
}

/// The open requests to keep these assignments longer, locked.
pub async fn lock_extensions(
    txn: &Txn,
    assignments: &[Uuid],
) -> Result<Vec<access_request::Model>, StoreError> {
    let mut sql = txn.sql();
    sql.push("SELECT ").columns::<access_request::Entity>("r").push(" FROM access_request r");
    sql.push(" WHERE r.kind = 'USER_EXTEND' AND r.state IN ('SUBMITTED', 'PENDING_APPROVAL')");
    sql.push(" AND r.assignment_id").any_id(assignments).push(" ORDER BY r.id").lock("r");
    let rows = txn.all(sql).await?;
    Ok(rows.iter().map(|row| model::<access_request::Model>(row, "r_")).collect::<Result<_, _>>()?)
}

/// A request with what its reprocessing depends on.
#[derive(Clone, Debug)]
pub struct Judged {
    /// The request.
    pub request: access_request::Model,
    /// Whether the package was deleted.
    pub package_deleted: bool,
    /// Whether the requestor may hold access.
    pub requestor_active: bool,
    /// The assignment: where it stands, and when it ends.
    pub assignment: Option<(AssignmentState, Option<DateTime<Utc>>)>,
    /// Whether a delivery failed and waits for its next automatic attempt.
    pub waits: bool,
    /// Whether a package that excludes this one is held.
    pub incompatible: bool,
}

/// Requests by id with their facts, locked in the order of their ids; what is not visible is left out.
pub async fn lock_judged(txn: &Txn, access: Access<'_>, ids: &[Uuid]) -> Result<Vec<Judged>, StoreError> {
    let mut sql = txn.sql();
    sql.push("SELECT ").columns::<access_request::Entity>("r");
    sql.push(", (p.deleted_at IS NOT NULL) AS package_deleted, (q.state = 'ACTIVE') AS requestor_active");
    sql.push(", g.state AS assignment_state, g.expires_at AS assignment_expires_at");
    sql.push(", EXISTS (SELECT 1 FROM delivery d WHERE d.request_id = r.id AND d.state = 'PENDING'");
    sql.push(" AND d.operation IN ('ADD', 'REMOVE')");
    sql.push(" AND d.attempt_in_round > 0 AND d.due_at > ").bind(txn.now()).push(") AS waits");
    excluded(&mut sql);
    sql.push(" FROM access_request r JOIN access_package p ON p.id = r.access_package_id");
    sql.push(
        " JOIN app_user q ON q.id = r.requestor_id LEFT JOIN assignment g ON g.id = r.assignment_id WHERE ",
    );
    visible(&mut sql, access);
    sql.push(" AND r.id").any_id(ids).push(" ORDER BY r.id").lock("r");
    let rows = txn.all(sql).await?;
    let read = |row: &QueryResult| {
        let state: Option<AssignmentState> = row.try_get("", "assignment_state")?;
        let expires_at = row.try_get("", "assignment_expires_at")?;
        Ok(Judged {
            request: model::<access_request::Model>(row, "r_")?,
            package_deleted: row.try_get("", "package_deleted")?,
            requestor_active: row.try_get("", "requestor_active")?,
            assignment: state.map(|state| (state, expires_at)),
            waits: row.try_get("", "waits")?,
            incompatible: row.try_get("", "excluded")?,
        })
    };
    rows.iter().map(read).collect()
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
        .push(", row_number() OVER (ORDER BY r.submitted_at DESC, r.id DESC) - 1");
    sql.push(", NULL, r.id, 'PENDING', NULL FROM access_request r WHERE ");
    matching(&mut sql, scope, filter);
    sql.push(" ORDER BY r.submitted_at DESC, r.id DESC LIMIT ").number(most);
    txn.execute(sql).await
}
