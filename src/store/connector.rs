//! Connectors, and the catalogs that they are opened to.

use entity::{connector, connector_opening};
use sea_orm::FromQueryResult;
use uuid::Uuid;

use super::Access;
use super::database::{Connection, Database};
use super::error::StoreError;
use super::page::{List, Page, Window};
use super::sql::Sql;
use crate::authz::{Catalogs, Scope};

fn visible(sql: &mut Sql, access: Access<'_>) {
    sql.push("k.organization_id = ").bind(access.organization());
    if let Access::Visible(scope) = access {
        sql.push(" AND k.deleted_at IS NULL");
        if !scope.connectors {
            sql.push(" AND k.id IN (SELECT o.connector_id FROM connector_opening o WHERE o.catalog_id");
            match &scope.managed_catalogs {
                Catalogs::All => sql.push(" IS NOT NULL)"),
                Catalogs::Only(ids) => sql.any_id(ids).push(")"),
            };
        }
    }
}

/// A page of the connectors that the viewer may see, by name.
pub async fn list(
    connection: &impl Connection,
    scope: &Scope,
    window: &Window,
) -> Result<Page<connector::Model>, StoreError> {
    let list = List {
        from: "connector k",
        key: ("k.name_key", "k_name_key"),
        id: ("k.id", "k_id"),
        select: &|sql| {
            sql.columns::<connector::Entity>("k").push(" FROM connector k");
        },
        matching: &|sql| visible(sql, Access::Visible(scope)),
    };
    list.page(connection, window, |row| connector::Model::from_query_result(row, "k_")).await
}

/// Connectors by id.
pub async fn find(
    connection: &impl Connection,
    access: Access<'_>,
    ids: &[Uuid],
) -> Result<Vec<connector::Model>, StoreError> {
    let mut sql = connection.sql();
    sql.push("SELECT ").columns::<connector::Entity>("k").push(" FROM connector k WHERE ");
    visible(&mut sql, access);
    sql.push(" AND k.id").any_id(ids);
    let rows = connection.all(sql).await?;
    Ok(rows.iter().map(|row| connector::Model::from_query_result(row, "k_")).collect::<Result<_, _>>()?)
}

/// What connectors are opened to, in a fixed order.
pub async fn openings(
    connection: &impl Connection,
    connectors: &[Uuid],
) -> Result<Vec<connector_opening::Model>, StoreError> {
    let mut sql = connection.sql();
    sql.push("SELECT ").columns::<connector_opening::Entity>("o");
    sql.push(" FROM connector_opening o WHERE o.connector_id").any_id(connectors);
    sql.push(" ORDER BY o.connector_id, o.catalog_id, o.target");
    let rows = connection.all(sql).await?;
    let read = |row| connector_opening::Model::from_query_result(row, "o_");
    Ok(rows.iter().map(read).collect::<Result<_, _>>()?)
}

/// Notes that the remote did not answer.
pub async fn note_failure(database: &Database, connector: Uuid, words: &str) -> Result<(), StoreError> {
    let mut sql = database.sql();
    sql.push("UPDATE connector SET failures_in_row = failures_in_row + 1, health = 'FAILING'");
    sql.push(", health_message = ").bind(words).push(", health_checked_at = ").bind(database.clock().now());
    sql.push(" WHERE id = ").bind(connector);
    database.execute(sql).await.map(|_| ())
}

/// Notes that the remote answered.
pub async fn note_answer(database: &Database, connector: Uuid) -> Result<(), StoreError> {
    let mut sql = database.sql();
    sql.push("UPDATE connector SET failures_in_row = 0, health = 'HEALTHY', health_message = NULL");
    sql.push(", health_checked_at = ").bind(database.clock().now());
    sql.push(" WHERE id = ").bind(connector);
    database.execute(sql).await.map(|_| ())
}
