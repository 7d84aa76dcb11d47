//! Connectors, and the catalogs that they are opened to.

use entity::{connector, connector_opening};
use sea_orm::ActiveEnum as _;
use uuid::Uuid;

use super::database::{Connection, Database, Txn};
use super::error::StoreError;
use super::page::{List, Page, Window, alone};
use super::row::model;
use super::sql::Sql;
use super::{Access, lock};
use crate::authz::{Catalogs, Scope};
use crate::id::Kind;

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
        columns: Box::new(|sql| {
            sql.columns::<connector::Entity>("k");
        }),
        joins: Box::new(alone),
        matching: Box::new(|sql| visible(sql, Access::Visible(scope))),
    };
    list.page(connection, window, |row| model::<connector::Model>(row, "k_")).await
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
    Ok(rows.iter().map(|row| model::<connector::Model>(row, "k_")).collect::<Result<_, _>>()?)
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
    let read = |row| model::<connector_opening::Model>(row, "o_");
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

/// Notes that the remote answered, and refused the credential.
pub async fn note_auth_failure(database: &Database, connector: Uuid, words: &str) -> Result<(), StoreError> {
    let mut sql = database.sql();
    sql.push("UPDATE connector SET failures_in_row = 0, health = 'FAILING', health_message = ").bind(words);
    sql.push(", health_checked_at = ").bind(database.clock().now()).push(" WHERE id = ").bind(connector);
    database.execute(sql).await.map(|_| ())
}

/// Notes that a trial of the remote failed; the breaker counts deliveries alone.
pub async fn note_refusal(database: &Database, connector: Uuid, words: &str) -> Result<(), StoreError> {
    let mut sql = database.sql();
    sql.push("UPDATE connector SET health = 'FAILING', health_message = ").bind(words);
    sql.push(", health_checked_at = ").bind(database.clock().now()).push(" WHERE id = ").bind(connector);
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

/// A connector that was not deleted; locked.
pub async fn lock(txn: &Txn, organization: Uuid, id: Uuid) -> Result<Option<connector::Model>, StoreError> {
    lock::live::<connector::Entity>(txn, "connector", organization, id).await
}

/// Changes a connector that still has this version; tells whether it had.
pub async fn update(txn: &Txn, after: &connector::Model, version: i32) -> Result<bool, StoreError> {
    let mut sql = txn.sql();
    sql.push("UPDATE connector SET display_name = ").bind(after.display_name.clone());
    sql.push(", name_key = ").bind(after.name_key.clone());
    sql.push(", base_url = ").bind(after.base_url.clone());
    sql.push(", secret = ").bind(after.secret.clone());
    sql.push(", enabled = ").bind(after.enabled);
    sql.push(", health = ").bind(after.health.to_value());
    sql.push(", health_message = ").bind(after.health_message.clone());
    sql.push(", failures_in_row = ").bind(after.failures_in_row);
    sql.push(", remote_system_id = ").bind(after.remote_system_id);
    sql.push(", account_name = ").bind(after.account_name.to_value());
    sql.push(", match_by_email = ").bind(after.match_by_email);
    sql.push(", version = version + 1 WHERE deleted_at IS NULL AND id = ").bind(after.id);
    sql.push(" AND version = ").bind(version);
    Ok(txn.execute(sql).await? == 1)
}

/// What still needs a connector: resources, groups kept for it, and requests with deliveries that
/// are not over; at most ten of them.
pub async fn users_of(txn: &Txn, connector: Uuid) -> Result<Vec<(Kind, Uuid)>, StoreError> {
    let mut sql = txn.sql();
    sql.push("SELECT id, 'res' AS kind FROM resource WHERE deleted_at IS NULL AND connector_id = ");
    sql.bind(connector).push(" UNION ALL SELECT id, 'dgrp' AS kind FROM directory_group");
    sql.push(" WHERE connector_id = ").bind(connector);
    sql.push(" UNION ALL SELECT DISTINCT request_id AS id, 'areq' AS kind FROM delivery");
    sql.push(" WHERE due_at IS NOT NULL AND connector_id = ").bind(connector).push(" LIMIT 10");
    let rows = txn.all(sql).await?;
    let read = |row: &sea_orm::QueryResult| {
        let kind: String = row.try_get("", "kind")?;
        let kind = match kind.as_str() {
            "res" => Kind::Resource,
            "dgrp" => Kind::DirectoryGroup,
            _ => Kind::AccessRequest,
        };
        Ok((kind, row.try_get("", "id")?))
    };
    rows.iter().map(read).collect()
}

/// Deletes a connector; its name becomes free, its secret is gone, history still shows it.
pub async fn delete(txn: &Txn, connector: Uuid) -> Result<(), StoreError> {
    let mut sql = txn.sql();
    sql.push("UPDATE connector SET secret = NULL, enabled = ").bind(false);
    sql.push(", deleted_at = ").bind(txn.now());
    sql.push(", version = version + 1 WHERE id = ").bind(connector);
    txn.execute(sql).await.map(|_| ())
}

/// The targets of a connector that a catalog may take, in a fixed order.
pub async fn targets(txn: &Txn, connector: Uuid, catalog: Uuid) -> Result<Vec<String>, StoreError> {
    let mut sql = txn.sql();
    sql.push("SELECT o.target FROM connector_opening o WHERE o.connector_id = ").bind(connector);
    sql.push(" AND o.catalog_id = ").bind(catalog).push(" ORDER BY o.target");
    let rows = txn.all(sql).await?;
    Ok(rows.iter().map(|row| row.try_get("", "target")).collect::<Result<_, _>>()?)
}

/// The resources of a catalog from a connector whose targets are not among these; at most ten.
pub async fn taken_besides(
    txn: &Txn,
    connector: Uuid,
    catalog: Uuid,
    targets: &[String],
) -> Result<Vec<(Kind, Uuid)>, StoreError> {
    let mut sql = txn.sql();
    sql.push("SELECT s.id FROM resource s WHERE s.deleted_at IS NULL AND s.connector_id = ").bind(connector);
    sql.push(" AND s.catalog_id = ").bind(catalog).push(" AND NOT (s.origin_id").any_text(targets);
    sql.push(") ORDER BY s.id LIMIT 10");
    let rows = txn.all(sql).await?;
    rows.iter().map(|row| Ok((Kind::Resource, row.try_get("", "id")?))).collect()
}

/// Closes a connector to a catalog for these targets.
pub async fn close(txn: &Txn, connector: Uuid, catalog: Uuid, targets: &[String]) -> Result<(), StoreError> {
    let mut sql = txn.sql();
    sql.push("DELETE FROM connector_opening WHERE connector_id = ").bind(connector);
    sql.push(" AND catalog_id = ").bind(catalog).push(" AND target").any_text(targets);
    txn.execute(sql).await.map(|_| ())
}

/// Notes that something of a connector changed that is not in its row.
pub async fn touch(txn: &Txn, connector: Uuid) -> Result<(), StoreError> {
    let mut sql = txn.sql();
    sql.push("UPDATE connector SET version = version + 1 WHERE id = ").bind(connector);
    txn.execute(sql).await.map(|_| ())
}

/// All connectors that were not deleted, of every organization: for the operator's commands.
pub async fn all(connection: &impl Connection) -> Result<Vec<connector::Model>, StoreError> {
    let mut sql = connection.sql();
    sql.push("SELECT ")
        .columns::<connector::Entity>("k")
        .push(" FROM connector k WHERE k.deleted_at IS NULL");
    sql.push(" ORDER BY k.organization_id, k.name_key");
    let rows = connection.all(sql).await?;
    Ok(rows.iter().map(|row| model::<connector::Model>(row, "k_")).collect::<Result<_, _>>()?)
}
