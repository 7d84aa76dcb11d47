//! Bulk operations and their items.

use std::collections::HashMap;
use std::ops::Range;

use chrono::{DateTime, TimeDelta, Utc};
use entity::bulk_operation_item::BulkItemOutcome;
use entity::{bulk_operation, bulk_operation_item};
use sea_orm::ActiveEnum as _;
use uuid::Uuid;

use super::database::{Connection, Database, Txn};
use super::due::{self, STEP, Waiting};
use super::error::StoreError;
use super::names;
use super::page::{List, Page, Parents, Window, alone};
use super::row::model;
use super::sql::Sql;
use crate::authz::Scope;

/// Adds: the viewer started it, or is one of those who see the audit events
/// (global and governance administrators, readers).
fn visible(sql: &mut Sql, scope: &Scope) {
    sql.push("b.organization_id = ").bind(scope.organization);
    if !scope.audit {
        sql.push(" AND b.started_by_id = ").bind(scope.user);
    }
}

/// A page of the bulk operations that the viewer may see, by the time they were started.
pub async fn list(
    connection: &impl Connection,
    scope: &Scope,
    window: &Window,
) -> Result<Page<bulk_operation::Model>, StoreError> {
    let list = List {
        from: "bulk_operation b",
        key: ("b.started_at", "b_started_at"),
        id: ("b.id", "b_id"),
        columns: Box::new(|sql| {
            sql.columns::<bulk_operation::Entity>("b");
        }),
        joins: Box::new(alone),
        matching: Box::new(|sql| visible(sql, scope)),
    };
    list.page(connection, window, |row| model::<bulk_operation::Model>(row, "b_")).await
}

/// Bulk operations by id.
pub async fn find(
    connection: &impl Connection,
    scope: &Scope,
    ids: &[Uuid],
) -> Result<Vec<bulk_operation::Model>, StoreError> {
    let mut sql = connection.sql();
    sql.push("SELECT ").columns::<bulk_operation::Entity>("b").push(" FROM bulk_operation b WHERE ");
    visible(&mut sql, scope);
    sql.push(" AND b.id").any_id(ids);
    let rows = connection.all(sql).await?;
    Ok(rows.iter().map(|row| model::<bulk_operation::Model>(row, "b_")).collect::<Result<_, _>>()?)
}

/// The same page of the items of each of these operations, in the order of the selection.
pub async fn items(
    connection: &impl Connection,
    operations: &[Uuid],
    outcomes: Option<&[BulkItemOutcome]>,
    window: &Window,
) -> Result<HashMap<Uuid, Page<bulk_operation_item::Model>>, StoreError> {
    let list = List {
        from: "bulk_operation_item m",
        key: ("m.position", "m_position"),
        id: ("m.operation_id", "m_operation_id"),
        columns: Box::new(|sql| {
            sql.columns::<bulk_operation_item::Entity>("m");
        }),
        joins: Box::new(alone),
        matching: Box::new(|sql| {
            sql.push("TRUE");
            if let Some(outcomes) = outcomes {
                sql.push(" AND m.outcome").any_text(&names(outcomes));
            }
        }),
    };
    let parents = Parents { column: ("m.operation_id", "m_operation_id"), ids: operations };
    list.pages(connection, parents, window, |row| model::<bulk_operation_item::Model>(row, "m_")).await
}

/// The bulk operations that go on in the background and are due; not locked.
pub async fn due(connection: &impl Connection, now: DateTime<Utc>) -> Result<Vec<Uuid>, StoreError> {
    let mut sql = connection.sql();
    sql.push("SELECT b.id AS id FROM bulk_operation b WHERE b.due_at <= ").bind(now);
    sql.push(" ORDER BY b.due_at, b.id LIMIT 8");
    let rows = connection.all(sql).await?;
    rows.iter().map(|row| Ok(row.try_get("", "id")?)).collect()
}

/// Makes due what a clock that was set back has stranded; returns how many operations.
pub async fn recover(database: &Database) -> Result<u64, StoreError> {
    let now = database.clock().now();
    let condition = |sql: &mut Sql| {
        sql.push(" WHERE state = 'RUNNING' AND due_at > ").bind(now + STEP);
    };
    let mut sql = database.sql();
    sql.push("SELECT 1 FROM bulk_operation");
    condition(&mut sql);
    sql.push(" LIMIT 1");
    if database.all(sql).await?.is_empty() {
        return Ok(0);
    }
    let mut sql = database.sql();
    sql.push("UPDATE bulk_operation SET due_at = ").bind(now);
    condition(&mut sql);
    database.execute(sql).await
}

/// How many bulk operations are due.
pub async fn waiting(database: &Database) -> Result<Waiting, StoreError> {
    due::waiting(database, "bulk_operation").await
}

/// A running operation that is due, locked; none when another server is at it, or it is done.
pub async fn lock_running(txn: &Txn, id: Uuid) -> Result<Option<bulk_operation::Model>, StoreError> {
    let mut sql = txn.sql();
    sql.push("SELECT ").columns::<bulk_operation::Entity>("b").push(" FROM bulk_operation b");
    sql.push(" WHERE b.state = 'RUNNING' AND b.due_at <= ").bind(txn.now());
    sql.push(" AND b.id = ").bind(id).lock_free("b");
    let rows = txn.all(sql).await?;
    Ok(rows.first().map(|row| model::<bulk_operation::Model>(row, "b_")).transpose()?)
}

/// The targets of the items from a position on, at most so many.
pub async fn targets(txn: &Txn, operation: Uuid, from: i32, most: u64) -> Result<Vec<Uuid>, StoreError> {
    let mut sql = txn.sql();
    sql.push("SELECT m.target_id AS id FROM bulk_operation_item m WHERE m.operation_id = ").bind(operation);
    sql.push(" AND m.position >= ").bind(from).push(" ORDER BY m.position LIMIT ").number(most);
    let rows = txn.all(sql).await?;
    rows.iter().map(|row| Ok(row.try_get("", "id")?)).collect()
}

/// Writes the outcome of items at these positions by their targets.
pub async fn decide(
    txn: &Txn,
    operation: Uuid,
    positions: Range<i32>,
    targets: &[Uuid],
    outcome: BulkItemOutcome,
    error_code: Option<&str>,
) -> Result<(), StoreError> {
    let mut sql = txn.sql();
    sql.push("UPDATE bulk_operation_item SET outcome = ").bind(outcome.to_value());
    sql.push(", error_code = ").bind(error_code.map(str::to_owned)).push(" WHERE operation_id = ");
    sql.bind(operation).push(" AND position >= ").bind(positions.start);
    sql.push(" AND position < ").bind(positions.end).push(" AND target_id").any_id(targets);
    txn.execute(sql).await.map(|_| ())
}

/// Notes how far an operation has come.
pub async fn progress(txn: &Txn, after: &bulk_operation::Model) -> Result<(), StoreError> {
    let mut sql = txn.sql();
    sql.push("UPDATE bulk_operation SET state = ").bind(after.state.to_value());
    sql.push(", accepted_count = ").bind(after.accepted_count);
    sql.push(", rejected_count = ").bind(after.rejected_count);
    sql.push(", next_position = ").bind(after.next_position);
    sql.push(", finished_at = ").bind(after.finished_at).push(", due_at = ").bind(after.due_at);
    sql.push(" WHERE id = ").bind(after.id);
    txn.execute(sql).await.map(|_| ())
}

/// Forgets old operations: their items after 90 days, dry runs after 7; idempotency keys after a day.
pub async fn forget_old(database: &Database) -> Result<(), StoreError> {
    let now = database.clock().now();
    let mut sql = database.sql();
    sql.push("DELETE FROM bulk_operation_item WHERE operation_id IN (SELECT b.id FROM bulk_operation b");
    sql.push(" WHERE b.finished_at < ").bind(now - TimeDelta::days(90));
    sql.push(" OR (b.dry_run AND b.finished_at < ").bind(now - TimeDelta::days(7)).push("))");
    database.execute(sql).await?;
    // What a dry run compared goes with it.
    for table in [
        "DELETE FROM delivery_attempt WHERE delivery_id IN (SELECT d.id",
        "DELETE FROM delivery WHERE id IN (SELECT d.id",
    ] {
        let mut sql = database.sql();
        sql.push(table).push(" FROM delivery d JOIN bulk_operation b ON b.id = d.bulk_operation_id");
        sql.push(" WHERE d.operation = 'COMPARE' AND d.due_at IS NULL AND b.dry_run AND b.finished_at < ");
        sql.bind(now - TimeDelta::days(7)).push(")");
        database.execute(sql).await?;
    }
    let mut sql = database.sql();
    sql.push("DELETE FROM bulk_operation WHERE dry_run AND finished_at < ").bind(now - TimeDelta::days(7));
    database.execute(sql).await?;
    let mut sql = database.sql();
    sql.push("DELETE FROM idempotency_key WHERE created_at < ").bind(now - TimeDelta::hours(24));
    database.execute(sql).await.map(|_| ())
}
