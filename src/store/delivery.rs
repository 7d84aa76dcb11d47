//! Deliveries and their attempts.

use std::sync::Arc;

use entity::{delivery, delivery_attempt};
use sea_orm::{DbErr, FromQueryResult, QueryResult};
use uuid::Uuid;

use super::database::Connection;
use super::error::StoreError;
use super::page::{List, Page, Window};
use super::resource::{self, RoleRow};
use super::sql::Sql;
use super::{Access, access_request};

/// A delivery, with the role and resource that it is about.
#[derive(Clone, Debug)]
pub struct Row {
    /// The delivery.
    pub delivery: delivery::Model,
    /// The role, with its resource.
    pub role: RoleRow,
    /// The catalog of its request: who may see the remote's words depends on it.
    pub catalog_id: Uuid,
}

fn select(sql: &mut Sql) {
    sql.push("SELECT ").columns::<delivery::Entity>("d").push(", r.catalog_id AS r_catalog_id, ");
    resource::role_columns(sql);
    sql.push(" FROM delivery d JOIN access_request r ON r.id = d.request_id");
    sql.push(" JOIN resource_role t ON t.id = d.resource_role_id JOIN resource s ON s.id = t.resource_id");
}

fn read(row: &QueryResult) -> Result<Arc<Row>, DbErr> {
    Ok(Arc::new(Row {
        delivery: delivery::Model::from_query_result(row, "d_")?,
        role: resource::role_row(row)?,
        catalog_id: row.try_get("", "r_catalog_id")?,
    }))
}

/// The deliveries of requests, in the order they were queued.
pub async fn of_requests(
    connection: &impl Connection,
    requests: &[Uuid],
) -> Result<Vec<Arc<Row>>, StoreError> {
    let mut sql = connection.sql();
    select(&mut sql);
    sql.push(" WHERE d.request_id").any_id(requests).push(" ORDER BY d.request_id, d.id");
    let rows = connection.all(sql).await?;
    Ok(rows.iter().map(read).collect::<Result<_, _>>()?)
}

/// Deliveries by id: those of visible requests.
pub async fn find(
    connection: &impl Connection,
    access: Access<'_>,
    ids: &[Uuid],
) -> Result<Vec<Arc<Row>>, StoreError> {
    let mut sql = connection.sql();
    select(&mut sql);
    sql.push(" WHERE ");
    access_request::visible(&mut sql, access);
    sql.push(" AND d.id").any_id(ids);
    let rows = connection.all(sql).await?;
    Ok(rows.iter().map(read).collect::<Result<_, _>>()?)
}

/// A page of a delivery's attempts, in the order they were made.
pub async fn attempts(
    connection: &impl Connection,
    delivery: Uuid,
    window: &Window,
) -> Result<Page<delivery_attempt::Model>, StoreError> {
    let list = List {
        from: "delivery_attempt x",
        key: ("x.number", "x_number"),
        id: ("x.delivery_id", "x_delivery_id"),
        select: &|sql| {
            sql.columns::<delivery_attempt::Entity>("x").push(" FROM delivery_attempt x");
        },
        matching: &|sql| {
            sql.push("x.delivery_id = ").bind(delivery);
        },
    };
    list.page(connection, window, |row| delivery_attempt::Model::from_query_result(row, "x_")).await
}
