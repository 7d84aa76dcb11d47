//! Events on their way to webhooks.

use std::collections::HashMap;

use entity::webhook_delivery::{self, WebhookDeliveryState};
use entity::{webhook, webhook_attempt};
use sea_orm::{ActiveEnum as _, QueryResult};
use uuid::Uuid;

use super::database::{Connection, Database, Txn};
use super::due::{self, Queue, STEP, Waiting};
use super::error::StoreError;
use super::page::{List, Page, Parents, Window, alone};
use super::row::model;
use super::sql::Sql;
use super::{Access, names};

/// The most events that one webhook is sent at once, over all servers.
const AT_ONCE: u64 = 8;

/// The same page of what goes to each of these webhooks, by time.
pub async fn of_webhooks(
    connection: &impl Connection,
    webhooks: &[Uuid],
    states: Option<&[WebhookDeliveryState]>,
    window: &Window,
) -> Result<HashMap<Uuid, Page<webhook_delivery::Model>>, StoreError> {
    let list = List {
        from: "webhook_delivery d",
        key: ("d.created_at", "d_created_at"),
        id: ("d.id", "d_id"),
        columns: Box::new(|sql| {
            sql.columns::<webhook_delivery::Entity>("d");
        }),
        joins: Box::new(alone),
        matching: Box::new(|sql| {
            sql.push("TRUE");
            if let Some(states) = states {
                sql.push(" AND d.state").any_text(&names(states));
            }
        }),
    };
    let parents = Parents { column: ("d.webhook_id", "d_webhook_id"), ids: webhooks };
    list.pages(connection, parents, window, |row| model::<webhook_delivery::Model>(row, "d_")).await
}

/// Events by id: those for webhooks that can be seen.
pub async fn find(
    connection: &impl Connection,
    access: Access<'_>,
    ids: &[Uuid],
) -> Result<Vec<webhook_delivery::Model>, StoreError> {
    let mut sql = connection.sql();
    sql.push("SELECT ").columns::<webhook_delivery::Entity>("d").push(" FROM webhook_delivery d WHERE ");
    sql.push("d.organization_id = ").bind(access.organization());
    if let Access::Visible(scope) = access
        && !scope.tokens
    {
        sql.push(" AND 1 = 0");
    }
    sql.push(" AND d.id").any_id(ids);
    let rows = connection.all(sql).await?;
    Ok(rows.iter().map(|row| model::<webhook_delivery::Model>(row, "d_")).collect::<Result<_, _>>()?)
}

/// The same page of the attempts of each of these events, in the order they were made.
pub async fn attempts(
    connection: &impl Connection,
    deliveries: &[Uuid],
    window: &Window,
) -> Result<HashMap<Uuid, Page<webhook_attempt::Model>>, StoreError> {
    let list = List {
        from: "webhook_attempt x",
        key: ("x.number", "x_number"),
        id: ("x.delivery_id", "x_delivery_id"),
        columns: Box::new(|sql| {
            sql.columns::<webhook_attempt::Entity>("x");
        }),
        joins: Box::new(alone),
        matching: Box::new(|sql| {
            sql.push("TRUE");
        }),
    };
    let parents = Parents { column: ("x.delivery_id", "x_delivery_id"), ids: deliveries };
    list.pages(connection, parents, window, |row| model::<webhook_attempt::Model>(row, "x_")).await
}

/// An event that a worker has claimed.
#[derive(Clone, Debug)]
pub struct Claimed {
    /// The event, with this try counted.
    pub delivery: webhook_delivery::Model,
    /// Where it goes.
    pub webhook: webhook::Model,
}

/// The events that wait.
const QUEUE: Queue = Queue {
    table: "webhook_delivery",
    claimable: "q.state = 'PENDING'",
    also: "attempt_in_round = attempt_in_round + 1, ",
    is_stranded: |sql, now| {
        sql.push("q.attempted_at > ").bind(now + STEP).push(" OR q.attempt_in_round = 0");
    },
};

/// Claims events that are due, so many a webhook. What a dead worker held is due again after its lease.
pub async fn claim(database: &Database, lease: Uuid) -> Result<Vec<Claimed>, StoreError> {
    if !QUEUE.has_due(database).await? {
        return Ok(Vec::new());
    }
    let ids = QUEUE.claim(database, lease, |sql| candidates(sql, database)).await?;
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let mut sql = database.sql();
    sql.push("SELECT ").columns::<webhook_delivery::Entity>("d").push(", ").columns::<webhook::Entity>("k");
    sql.push(" FROM webhook_delivery d JOIN webhook k ON k.id = d.webhook_id WHERE d.lease = ").bind(lease);
    sql.push(" AND d.id").any_id(&ids).push(" ORDER BY d.created_at, d.id");
    let rows = database.all_writing(sql).await?;
    let read = |row: &QueryResult| {
        Ok(Claimed {
            delivery: model::<webhook_delivery::Model>(row, "d_")?,
            webhook: model::<webhook::Model>(row, "k_")?,
        })
    };
    rows.iter().map(read).collect()
}

/// Adds the events to claim: of each webhook the first, as many as are not on their way already.
fn candidates(sql: &mut Sql, database: &Database) {
    sql.push(
        "candidate (id) AS (SELECT p.id FROM (SELECT d.id, row_number() OVER (PARTITION BY d.webhook_id",
    );
    sql.push(" ORDER BY d.due_at, d.id) + (SELECT count(*) FROM webhook_delivery o");
    sql.push(" WHERE o.webhook_id = d.webhook_id AND o.lease IS NOT NULL AND o.due_at > ");
    due::now(sql, database).push(") AS place FROM webhook_delivery d WHERE d.due_at <= ");
    due::now(sql, database).push(") p WHERE p.place <= ").number(AT_ONCE).push(")");
}

/// Makes due what a clock that was set back has stranded; returns how many events.
pub async fn recover(database: &Database) -> Result<u64, StoreError> {
    QUEUE.recover(database).await
}

/// How many events are due.
pub async fn waiting(database: &Database) -> Result<Waiting, StoreError> {
    QUEUE.waiting(database).await
}

/// Writes the end of an attempt, if the event is still this worker's; tells whether it was.
pub async fn finish(txn: &Txn, after: &webhook_delivery::Model, lease: Uuid) -> Result<bool, StoreError> {
    let mut sql = txn.sql();
    sql.push("UPDATE webhook_delivery SET lease = NULL");
    write(&mut sql, after);
    sql.push(" WHERE id = ").bind(after.id).push(" AND lease = ").bind(lease);
    Ok(txn.execute(sql).await? == 1)
}

/// Queues an event once more, if it has ended; tells whether it had.
pub async fn again(txn: &Txn, after: &webhook_delivery::Model) -> Result<bool, StoreError> {
    let mut sql = txn.sql();
    sql.push("UPDATE webhook_delivery SET attempt_in_round = 0");
    write(&mut sql, after);
    sql.push(" WHERE id = ").bind(after.id).push(" AND state <> 'PENDING'");
    Ok(txn.execute(sql).await? == 1)
}

fn write(sql: &mut Sql, after: &webhook_delivery::Model) {
    sql.push(", state = ").bind(after.state.to_value());
    sql.push(", retry_until = ").bind(after.retry_until).push(", due_at = ").bind(after.due_at);
    sql.push(", error_code = ").bind(after.error_code.map(|code| code.to_value()));
    sql.push(", error_message = ").bind(after.error_message.clone());
    sql.push(", response_status = ").bind(after.response_status);
    sql.push(", attempted_at = ").bind(after.attempted_at);
    sql.push(", completed_at = ").bind(after.completed_at);
}

/// Gives up what waits for a webhook; what is being sent just now is not waited for.
pub async fn give_up(txn: &Txn, webhook: Uuid) -> Result<(), StoreError> {
    let mut sql = txn.sql();
    sql.push("UPDATE webhook_delivery SET state = 'CANCELED', due_at = NULL, lease = NULL, completed_at = ");
    sql.bind(txn.now()).push(" WHERE state = 'PENDING' AND webhook_id = ").bind(webhook);
    txn.execute(sql).await.map(|_| ())
}
