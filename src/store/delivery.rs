//! Deliveries and their attempts.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use entity::delivery::DeliveryOperation;
use entity::{app_user, connector, delivery, delivery_attempt, entitlement_grant as grant, remote_account};
use sea_orm::{ActiveEnum as _, DbErr, QueryResult};
use uuid::Uuid;

use super::columns::{Columns, columns};
use super::database::{Connection, Database, Transaction, Txn};
use super::due::{self, Queue, STEP, Waiting};
use super::error::StoreError;
use super::page::{List, Page, Parents, Window, alone};
use super::resource::{self, RoleRow, RoleRows};
use super::row::{model, optional, part};
use super::sql::Sql;
use super::{Access, access_request, entitlement_grant, user};

/// A delivery, with the role and resource that it is about.
#[derive(Clone, Debug)]
pub struct Row {
    /// The delivery.
    pub delivery: delivery::Model,
    /// The role, with its resource.
    pub role: RoleRow,
}

impl Row {
    /// The catalog of its request, which is that of its resource: who may see the remote's words depends on it.
    #[must_use]
    pub fn catalog_id(&self) -> Uuid {
        self.role.resource.catalog_id
    }
}

/// What to read of deliveries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Include {
    /// Of the delivery.
    pub delivery: Columns,
    /// Of the role.
    pub role: Columns,
    /// Of the resource.
    pub resource: Columns,
}

impl Include {
    /// Everything.
    pub const ALL: Self = Self { delivery: Columns::ALL, role: Columns::ALL, resource: Columns::ALL };

    /// With what tells deliveries apart, and who may see them.
    fn with_keys(self) -> Self {
        Self {
            delivery: self.delivery.and(columns!(delivery: Id, RequestId)),
            role: self.role.and(Columns::KEY),
            resource: self.resource.and(columns!(resource: Id, CatalogId)),
        }
    }
}

fn select(sql: &mut Sql, include: Include) {
    sql.push("SELECT ").some_columns::<delivery::Entity>("d", include.delivery).push(", ");
    resource::some_role_columns(sql, include.role, include.resource);
    sql.push(" FROM delivery d");
    sql.push(" JOIN resource_role t ON t.id = d.resource_role_id JOIN resource s ON s.id = t.resource_id");
}

fn read(rows: &[QueryResult], include: Include) -> Result<Vec<Arc<Row>>, StoreError> {
    let mut roles = RoleRows::of(include.role, include.resource);
    let mut read =
        |row| Ok(Arc::new(Row { delivery: part(row, "d_", include.delivery)?, role: roles.read(row)? }));
    rows.iter().map(&mut read).collect()
}

/// What requests ask for, in the order it was queued; checks are no part of it.
pub async fn of_requests(
    connection: &impl Connection,
    requests: &[Uuid],
    include: Include,
) -> Result<Vec<Arc<Row>>, StoreError> {
    let include = include.with_keys();
    let mut sql = connection.sql();
    select(&mut sql, include);
    sql.push(" WHERE d.operation IN ('ADD', 'REMOVE') AND d.request_id").any_id(requests);
    sql.push(" ORDER BY d.request_id, d.id");
    read(&connection.all(sql).await?, include)
}

/// Deliveries by id: those of visible requests.
pub async fn find(
    connection: &impl Connection,
    access: Access<'_>,
    ids: &[Uuid],
) -> Result<Vec<Arc<Row>>, StoreError> {
    let mut sql = connection.sql();
    select(&mut sql, Include::ALL);
    sql.push(" JOIN access_request r ON r.id = d.request_id WHERE ");
    access_request::visible(&mut sql, access);
    sql.push(" AND d.id").any_id(ids);
    read(&connection.all(sql).await?, Include::ALL)
}

/// The same page of the attempts of each of these deliveries, in the order they were made.
pub async fn attempts(
    connection: &impl Connection,
    deliveries: &[Uuid],
    window: &Window,
) -> Result<HashMap<Uuid, Page<delivery_attempt::Model>>, StoreError> {
    let list = List {
        from: "delivery_attempt x",
        key: ("x.number", "x_number"),
        id: ("x.delivery_id", "x_delivery_id"),
        columns: Box::new(|sql| {
            sql.columns::<delivery_attempt::Entity>("x");
        }),
        joins: Box::new(alone),
        matching: Box::new(|sql| {
            sql.push("TRUE");
        }),
    };
    let parents = Parents { column: ("x.delivery_id", "x_delivery_id"), ids: deliveries };
    list.pages(connection, parents, window, |row| model::<delivery_attempt::Model>(row, "x_")).await
}

/// How long a connector rests after five network failures in a row.
const REST: TimeDelta = TimeDelta::seconds(60);

/// A delivery that a worker has claimed, with everything that its attempt needs.
#[derive(Clone, Debug)]
pub struct Claimed {
    /// The delivery, with this try counted.
    pub delivery: delivery::Model,
    /// Whose access.
    pub user: app_user::Model,
    /// The role and resource.
    pub role: RoleRow,
    /// What carries it out.
    pub connector: connector::Model,
    /// What is given or taken, as it was before this attempt.
    pub grant: grant::Model,
    /// Whether nothing of Guichet's was there before this attempt.
    pub began_absent: bool,
    /// The account that was given the access, if it is known.
    pub given_to: Option<remote_account::Model>,
    /// The account that is the user's now, or is about to be created.
    pub account: Option<remote_account::Model>,
    /// For taking: a current assignment of the user wants it now.
    pub is_wanted: bool,
    /// For giving and checking: its own assignment is not over, and its package holds the role now.
    pub is_due_to_assignment: bool,
    /// Whether the user's e-mail address may match an account: its issuer owns the directory, or may vouch for it.
    pub address_counts: bool,
}

/// The deliveries that wait.
const QUEUE: Queue = Queue {
    table: "delivery",
    claimable: "q.state IN ('PENDING', 'IN_PROGRESS')",
    also: "state = 'IN_PROGRESS', attempt_in_round = attempt_in_round + 1, ",
    is_stranded: |sql, now| {
        sql.push("q.error_at > ").bind(now + STEP);
        // Nothing is queued for later, but for the time that the remote asked for.
        sql.push(" OR (q.attempt_in_round = 0 AND (q.hold_until IS NULL OR q.due_at > q.hold_until))");
    },
};

/// Claims deliveries that are due: at most eight a connector, one a target at a remote system, and none that must wait
/// for an earlier one of the same grant. What a dead worker held is due again after its lease. Checks, of which there can
/// be very many, come after what people wait for.
pub async fn claim(database: &Database, lease: Uuid) -> Result<Vec<Claimed>, StoreError> {
    if !QUEUE.has_due(database).await? {
        return Ok(Vec::new());
    }
    let ids = QUEUE.claim(database, lease, |sql| candidates(sql, database)).await?;
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    database.write(&Begin { ids: &ids, lease }).await
}

/// Reads what was claimed, and notes before the first write what it may give.
struct Begin<'a> {
    ids: &'a [Uuid],
    lease: Uuid,
}

impl Transaction for Begin<'_> {
    type Output = Vec<Claimed>;
    type Error = StoreError;

    async fn run(&self, txn: &Txn) -> Result<Vec<Claimed>, StoreError> {
        txn.wakes_nobody();
        let began: HashSet<Uuid> =
            entitlement_grant::begin_giving(txn, self.ids).await?.into_iter().collect();
        let mut sql = txn.sql();
        sql.push("SELECT ").columns::<delivery::Entity>("d").push(", ").columns::<app_user::Entity>("u");
        sql.push(", ").columns::<connector::Entity>("k").push(", ");
        resource::role_columns(&mut sql);
        sql.push(", ").columns::<grant::Entity>("x").push(", ").columns::<remote_account::Entity>("a");
        sql.push(", ").columns::<remote_account::Entity>("b").push(", ");
        entitlement_grant::wanted(&mut sql);
        sql.push(" AS is_wanted, EXISTS (SELECT 1 FROM access_package_resource_role i");
        sql.push(
            " JOIN assignment g ON g.id = d.assignment_id WHERE i.access_package_id = g.access_package_id",
        );
        sql.push(" AND i.resource_role_id = d.resource_role_id AND g.state NOT IN ('REVOKING', 'ENDED'))");
        sql.push(" AS is_due_to_assignment, ");
        user::address_counts(&mut sql);
        sql.push(" AS address_counts FROM delivery d JOIN app_user u ON u.id = d.user_id");
        sql.push(" JOIN connector k ON k.id = d.connector_id");
        sql.push(
            " JOIN resource_role t ON t.id = d.resource_role_id JOIN resource s ON s.id = t.resource_id",
        );
        sql.push(" JOIN entitlement_grant x ON x.id = d.grant_id");
        sql.push(" LEFT JOIN remote_account a ON a.id = x.account_id");
        sql.push(" LEFT JOIN remote_account b ON b.system_id = x.system_id AND b.user_id = x.user_id");
        sql.push(" AND b.state IN ('CREATING', 'LINKED') WHERE d.lease = ").bind(self.lease);
        sql.push(" AND d.id").any_id(self.ids).push(" ORDER BY d.due_at, d.id");
        let rows = txn.all(sql).await?;
        let read = |row: &QueryResult| {
            let grant = model::<grant::Model>(row, "x_")?;
            Ok(Claimed {
                delivery: model::<delivery::Model>(row, "d_")?,
                user: model::<app_user::Model>(row, "u_")?,
                role: resource::role_row(row)?,
                connector: model::<connector::Model>(row, "k_")?,
                began_absent: began.contains(&grant.id),
                grant,
                given_to: optional::<remote_account::Model>(row, "a_")?,
                account: optional::<remote_account::Model>(row, "b_")?,
                is_wanted: row.try_get("", "is_wanted")?,
                is_due_to_assignment: row.try_get("", "is_due_to_assignment")?,
                address_counts: row.try_get("", "address_counts")?,
            })
        };
        rows.iter().map(read).collect()
    }
}

/// The operations, in the order of their place in the queue: what people wait for, then checks.
const OPERATIONS: [(&str, &str); 4] = [("0", "ADD"), ("0", "REMOVE"), ("1", "REPAIR"), ("1", "COMPARE")];

/// Adds the deliveries to claim. Each role for which something waits is looked up by one step in an index, and so is
/// the first of its deliveries that is due: neither the length of a queue nor what was delivered before counts, and
/// a long queue for one group hides no other group.
fn candidates(sql: &mut Sql, database: &Database) {
    let at = database.clock().now();
    let next_role = |sql: &mut Sql, after: &'static str| {
        sql.push("(SELECT d.resource_role_id FROM delivery d WHERE d.due_at IS NOT NULL").push(after);
        sql.push(" ORDER BY d.resource_role_id LIMIT 1)");
    };
    sql.push("RECURSIVE role (id) AS (SELECT ");
    next_role(sql, "");
    sql.push(" UNION ALL SELECT ");
    next_role(sql, " AND d.resource_role_id > r.id");
    sql.push(" FROM role r WHERE r.id IS NOT NULL), busy (system, target) AS (");
    sql.push("SELECT k.remote_system_id, s.origin_id FROM delivery o JOIN resource_role t ON t.id = o.resource_role_id");
    sql.push(" JOIN resource s ON s.id = t.resource_id JOIN connector k ON k.id = s.connector_id");
    sql.push(" WHERE o.lease IS NOT NULL AND o.due_at > ");
    due::now(sql, database).push("), ready (role, system, target, connector, most) AS (");
    sql.push("SELECT r.id, k.remote_system_id, s.origin_id, k.id, CASE WHEN k.failures_in_row >= 5 THEN 1 ELSE 8 END");
    sql.push(" FROM role r JOIN resource_role t ON t.id = r.id JOIN resource s ON s.id = t.resource_id");
    sql.push(" JOIN connector k ON k.id = s.connector_id AND k.enabled AND (k.failures_in_row < 5");
    sql.push(" OR k.health_checked_at <= ").bind(at - REST);
    // The clock was set back.
    sql.push(" OR k.health_checked_at > ").bind(at + STEP);
    sql.push(") WHERE NOT EXISTS (SELECT 1 FROM busy b WHERE b.system = k.remote_system_id");
    sql.push(" AND b.target = s.origin_id)), head (id, system, target, connector, most) AS (SELECT (SELECT h.id FROM (");
    for (number, (place, operation)) in OPERATIONS.into_iter().enumerate() {
        if number > 0 {
            sql.push(" UNION ALL ");
        }
        sql.push("SELECT * FROM (SELECT d.id, d.due_at, ").push(place).push(" AS place FROM delivery d");
        sql.push(" WHERE d.resource_role_id = y.role AND d.operation = '").push(operation);
        sql.push("' AND d.due_at <= ");
        due::now(sql, database)
            .push(" AND d.id = (SELECT e.id FROM delivery e WHERE e.grant_id = d.grant_id");
        sql.push(" AND e.due_at IS NOT NULL ORDER BY e.id LIMIT 1)");
        sql.push(" ORDER BY d.due_at, d.id LIMIT 1) x").number(number as u64);
    }
    sql.push(") h ORDER BY h.place, h.due_at, h.id LIMIT 1), y.system, y.target, y.connector, y.most FROM ready y)");
    sql.push(", one_a_target AS (SELECT d.id, d.due_at, d.operation IN ('REPAIR', 'COMPARE') AS is_check");
    sql.push(", h.connector, h.most, row_number() OVER (PARTITION BY h.system, h.target");
    sql.push(" ORDER BY d.operation IN ('REPAIR', 'COMPARE'), d.due_at, d.id) AS in_target");
    sql.push(" FROM head h JOIN delivery d ON d.id = h.id), few_a_connector AS (SELECT w.id, w.most");
    sql.push(
        ", row_number() OVER (PARTITION BY w.connector ORDER BY w.is_check, w.due_at, w.id) AS in_connector",
    );
    sql.push(" FROM one_a_target w WHERE w.in_target = 1), candidate (id) AS (");
    sql.push("SELECT f.id FROM few_a_connector f WHERE f.in_connector <= f.most)");
}

/// The database's plan for a claim, line by line.
pub async fn claim_plan(database: &Database) -> Result<Vec<String>, StoreError> {
    QUEUE.plan(database, |sql| candidates(sql, database)).await
}

/// Makes due what a clock that was set back has stranded; returns how many deliveries.
pub async fn recover(database: &Database) -> Result<u64, StoreError> {
    QUEUE.recover(database).await
}

/// How many deliveries are due.
pub async fn waiting(database: &Database) -> Result<Waiting, StoreError> {
    QUEUE.waiting(database).await
}

/// Makes the deliveries that wait for a connector due now: its address, its secret or its switch has changed. What
/// the remote asked to wait for is respected unless it is at another address.
pub async fn wake(txn: &Txn, connector: Uuid, is_elsewhere: bool) -> Result<(), StoreError> {
    let mut sql = txn.sql();
    sql.push("UPDATE delivery SET ");
    if is_elsewhere {
        sql.push("hold_until = NULL, due_at = ").bind(txn.now());
    } else {
        sql.push("due_at = CASE WHEN hold_until > ").bind(txn.now()).push(" THEN hold_until ELSE ");
        sql.bind(txn.now()).push(" END");
    }
    sql.push(" WHERE due_at > ").bind(txn.now()).push(" AND lease IS NULL AND state = 'PENDING'");
    sql.push(" AND connector_id = ").bind(connector);
    txn.execute(sql).await.map(|_| ())
}

/// Writes the end of an attempt, if the delivery is still this worker's; tells whether it was.
pub async fn finish(txn: &Txn, after: &delivery::Model, lease: Uuid) -> Result<bool, StoreError> {
    let mut sql = txn.sql();
    sql.push("UPDATE delivery SET state = ").bind(after.state.to_value());
    sql.push(", result = ").bind(after.result.map(|result| result.to_value()));
    sql.push(", existed_before = ").bind(after.existed_before);
    sql.push(", retry_until = ").bind(after.retry_until);
    sql.push(", hold_until = ").bind(after.hold_until);
    sql.push(", due_at = ").bind(after.due_at).push(", lease = NULL");
    sql.push(", error_code = ").bind(after.error_code.map(|code| code.to_value()));
    sql.push(", error_message = ").bind(after.error_message.clone());
    sql.push(", error_retryable = ").bind(after.error_retryable);
    sql.push(", error_status = ").bind(after.error_status);
    sql.push(", error_at = ").bind(after.error_at);
    sql.push(", completed_at = ").bind(after.completed_at);
    sql.push(" WHERE id = ").bind(after.id).push(" AND lease = ").bind(lease);
    Ok(txn.execute(sql).await? == 1)
}

/// How the deliveries of requests stand: (request, succeeded, failed or canceled, unfinished).
pub async fn tally(txn: &Txn, requests: &[Uuid]) -> Result<Vec<(Uuid, u64, u64, u64)>, StoreError> {
    let mut sql = txn.sql();
    sql.push("SELECT r.id AS request_id");
    sql.push(", sum(CASE WHEN d.state = 'SUCCEEDED' THEN 1 ELSE 0 END) AS succeeded");
    sql.push(", sum(CASE WHEN d.state IN ('FAILED', 'CANCELED') THEN 1 ELSE 0 END) AS failed");
    sql.push(", sum(CASE WHEN d.state IN ('PENDING', 'IN_PROGRESS') THEN 1 ELSE 0 END) AS unfinished");
    sql.push(" FROM access_request r LEFT JOIN delivery d ON d.request_id = r.id");
    // The removals of a request that was cancelled are no part of what it asked for; nor are checks.
    sql.push(" AND d.operation = CASE WHEN r.kind IN ('USER_REMOVE', 'ADMIN_REMOVE', 'SYSTEM_REMOVE')");
    sql.push(" THEN 'REMOVE' ELSE 'ADD' END");
    sql.push(" WHERE r.id").any_id(requests).push(" GROUP BY r.id");
    let rows = txn.all(sql).await?;
    let number = |row: &QueryResult, column: &str| -> Result<u64, DbErr> {
        let count: i64 = row.try_get("", column)?;
        Ok(u64::try_from(count).unwrap_or_default())
    };
    let read = |row: &QueryResult| {
        Ok((
            row.try_get("", "request_id")?,
            number(row, "succeeded")?,
            number(row, "failed")?,
            number(row, "unfinished")?,
        ))
    };
    rows.iter().map(read).collect()
}

/// Cancels the deliveries that still are to give something for these assignments, and their checks; one
/// that is being tried now is left, and taken back after it.
pub async fn cancel_open_adds(txn: &Txn, assignments: &[Uuid]) -> Result<(), StoreError> {
    let mut sql = txn.sql();
    sql.push("UPDATE delivery SET state = 'CANCELED', due_at = NULL, lease = NULL, completed_at = ");
    sql.bind(txn.now()).push(" WHERE operation <> 'REMOVE' AND state = 'PENDING' AND assignment_id");
    sql.any_id(assignments);
    txn.execute(sql).await.map(|_| ())
}

/// Queues the failed deliveries of requests again, in a new round: its first try begins a fresh retry budget.
pub async fn requeue(txn: &Txn, requests: &[Uuid]) -> Result<(), StoreError> {
    let mut sql = txn.sql();
    sql.push(
        "UPDATE delivery SET state = 'PENDING', round = round + 1, attempt_in_round = 0, completed_at = NULL",
    );
    sql.push(", due_at = CASE WHEN hold_until > ").bind(txn.now()).push(" THEN hold_until ELSE ");
    sql.bind(txn.now()).push(" END, retry_until = NULL");
    sql.push(" WHERE state = 'FAILED' AND operation IN ('ADD', 'REMOVE')");
    sql.push(" AND request_id").any_id(requests);
    txn.execute(sql).await.map(|_| ())
}

/// Makes the waiting deliveries of requests due now, or when the remote allows it.
pub async fn hurry(txn: &Txn, requests: &[Uuid]) -> Result<(), StoreError> {
    let mut sql = txn.sql();
    sql.push("UPDATE delivery SET due_at = CASE WHEN hold_until > ").bind(txn.now());
    sql.push(" THEN hold_until ELSE ").bind(txn.now()).push(" END");
    sql.push(" WHERE state = 'PENDING' AND operation IN ('ADD', 'REMOVE') AND attempt_in_round > 0");
    sql.push(" AND due_at > ").bind(txn.now()).push(" AND request_id").any_id(requests);
    txn.execute(sql).await.map(|_| ())
}

/// Checks that still waited, and no longer do: a later one takes their place. Gives their assignment and role,
/// and until when the remote asked us to wait.
pub async fn cancel_waiting_checks(
    txn: &Txn,
    assignments: &[Uuid],
    operation: DeliveryOperation,
) -> Result<Vec<(Uuid, Uuid, Option<DateTime<Utc>>)>, StoreError> {
    let mut sql = txn.sql();
    sql.push("UPDATE delivery SET state = 'CANCELED', due_at = NULL, lease = NULL, completed_at = ");
    sql.bind(txn.now()).push(" WHERE state = 'PENDING' AND operation = ").bind(operation.to_value());
    sql.push(" AND assignment_id").any_id(assignments);
    sql.push(" RETURNING assignment_id, resource_role_id, hold_until");
    let read = |row: &QueryResult| {
        let role = row.try_get("", "resource_role_id")?;
        Ok((row.try_get("", "assignment_id")?, role, row.try_get("", "hold_until")?))
    };
    txn.all(sql).await?.iter().map(read).collect()
}

/// What operations found at assignments: the checks of pairs of operation and assignment that the viewer may see.
pub async fn checks(
    connection: &impl Connection,
    access: Access<'_>,
    pairs: &[(Uuid, Uuid)],
) -> Result<Vec<Arc<Row>>, StoreError> {
    let (operations, assignments): (Vec<Uuid>, Vec<Uuid>) = pairs.iter().copied().unzip();
    let mut sql = connection.sql();
    select(&mut sql, Include::ALL);
    sql.push(" JOIN access_request r ON r.id = d.request_id WHERE ");
    access_request::visible(&mut sql, access);
    sql.push(" AND d.bulk_operation_id").any_id(&operations);
    sql.push(" AND d.assignment_id").any_id(&assignments).push(" ORDER BY d.id");
    read(&connection.all(sql).await?, Include::ALL)
}

/// The checks of assignments that were asked for last.
pub async fn last_checks(
    connection: &impl Connection,
    assignments: &[Uuid],
) -> Result<Vec<Arc<Row>>, StoreError> {
    let mut sql = connection.sql();
    select(&mut sql, Include::ALL);
    sql.push(" WHERE d.assignment_id").any_id(assignments);
    sql.push(" AND d.bulk_operation_id = (SELECT x.bulk_operation_id FROM delivery x");
    sql.push(" WHERE x.assignment_id = d.assignment_id AND x.bulk_operation_id IS NOT NULL");
    sql.push(" ORDER BY x.id DESC LIMIT 1) ORDER BY d.id");
    read(&connection.all(sql).await?, Include::ALL)
}

/// Returns deliveries of an organization by id; locked if that is asked for.
pub async fn of_organization(
    txn: &Txn,
    organization: Uuid,
    ids: &[Uuid],
    is_locked: bool,
) -> Result<Vec<delivery::Model>, StoreError> {
    let mut sql = txn.sql();
    sql.push("SELECT ").columns::<delivery::Entity>("d").push(" FROM delivery d WHERE d.organization_id = ");
    sql.bind(organization).push(" AND d.id").any_id(ids).push(" ORDER BY d.id");
    if is_locked {
        sql.lock("d");
    }
    let rows = txn.all(sql).await?;
    Ok(rows.iter().map(|row| model::<delivery::Model>(row, "d_")).collect::<Result<_, _>>()?)
}

/// Ends removals that were declared done; nothing was tried.
pub async fn resolve_manually(txn: &Txn, ids: &[Uuid]) -> Result<(), StoreError> {
    let mut sql = txn.sql();
    sql.push("UPDATE delivery SET state = 'SUCCEEDED', result = 'RESOLVED_MANUALLY', due_at = NULL");
    sql.push(", lease = NULL, completed_at = ").bind(txn.now());
    sql.push(" WHERE operation = 'REMOVE' AND state = 'PENDING' AND id").any_id(ids);
    txn.execute(sql).await.map(|_| ())
}
