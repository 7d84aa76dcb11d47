//! Bulk operations and their items.

use entity::bulk_operation_item::BulkItemOutcome;
use entity::{bulk_operation, bulk_operation_item};
use sea_orm::FromQueryResult;
use uuid::Uuid;

use super::database::Connection;
use super::error::StoreError;
use super::names;
use super::page::{List, Page, Window};
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
        select: &|sql| {
            sql.columns::<bulk_operation::Entity>("b").push(" FROM bulk_operation b");
        },
        matching: &|sql| visible(sql, scope),
    };
    list.page(connection, window, |row| bulk_operation::Model::from_query_result(row, "b_")).await
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
    Ok(rows
        .iter()
        .map(|row| bulk_operation::Model::from_query_result(row, "b_"))
        .collect::<Result<_, _>>()?)
}

/// A page of an operation's items, in the order of the selection.
pub async fn items(
    connection: &impl Connection,
    operation: Uuid,
    outcomes: Option<&[BulkItemOutcome]>,
    window: &Window,
) -> Result<Page<bulk_operation_item::Model>, StoreError> {
    let list = List {
        from: "bulk_operation_item m",
        key: ("m.position", "m_position"),
        id: ("m.operation_id", "m_operation_id"),
        select: &|sql| {
            sql.columns::<bulk_operation_item::Entity>("m").push(" FROM bulk_operation_item m");
        },
        matching: &|sql| {
            sql.push("m.operation_id = ").bind(operation);
            if let Some(outcomes) = outcomes {
                sql.push(" AND m.outcome").any_text(&names(outcomes));
            }
        },
    };
    list.page(connection, window, |row| bulk_operation_item::Model::from_query_result(row, "m_")).await
}
