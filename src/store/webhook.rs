//! Webhooks.

use entity::webhook;
use uuid::Uuid;

use super::database::{Connection, Txn};
use super::error::StoreError;
use super::page::{List, Page, Window, alone};
use super::row::model;
use super::sql::Sql;
use super::{Access, lock};
use crate::authz::Scope;

fn visible(sql: &mut Sql, access: Access<'_>) {
    sql.push("k.organization_id = ").bind(access.organization());
    if let Access::Visible(scope) = access {
        sql.push(" AND k.deleted_at IS NULL");
        if !scope.tokens {
            sql.push(" AND 1 = 0");
        }
    }
}

/// A page of the webhooks that the viewer may see, by name.
pub async fn list(
    connection: &impl Connection,
    scope: &Scope,
    window: &Window,
) -> Result<Page<webhook::Model>, StoreError> {
    let list = List {
        from: "webhook k",
        key: ("k.name_key", "k_name_key"),
        id: ("k.id", "k_id"),
        columns: Box::new(|sql| {
            sql.columns::<webhook::Entity>("k");
        }),
        joins: Box::new(alone),
        matching: Box::new(|sql| visible(sql, Access::Visible(scope))),
    };
    list.page(connection, window, |row| model::<webhook::Model>(row, "k_")).await
}

/// Webhooks by id.
pub async fn find(
    connection: &impl Connection,
    access: Access<'_>,
    ids: &[Uuid],
) -> Result<Vec<webhook::Model>, StoreError> {
    let mut sql = connection.sql();
    sql.push("SELECT ").columns::<webhook::Entity>("k").push(" FROM webhook k WHERE ");
    visible(&mut sql, access);
    sql.push(" AND k.id").any_id(ids);
    let rows = connection.all(sql).await?;
    Ok(rows.iter().map(|row| model::<webhook::Model>(row, "k_")).collect::<Result<_, _>>()?)
}

/// The webhooks of an organization that are told of what happens.
pub async fn listening(txn: &Txn, organization: Uuid) -> Result<Vec<Uuid>, StoreError> {
    let mut sql = txn.sql();
    sql.push("SELECT k.id AS id FROM webhook k WHERE k.enabled AND k.deleted_at IS NULL");
    sql.push(" AND k.organization_id = ").bind(organization).push(" ORDER BY k.id");
    txn.all(sql).await?.iter().map(|row| Ok(row.try_get("", "id")?)).collect()
}

/// How many webhooks an organization has.
pub async fn count(txn: &Txn, organization: Uuid) -> Result<i64, StoreError> {
    let mut sql = txn.sql();
    sql.push("SELECT count(*) AS total FROM webhook k WHERE k.deleted_at IS NULL");
    sql.push(" AND k.organization_id = ").bind(organization);
    let rows = txn.all(sql).await?;
    Ok(rows.first().map(|row| row.try_get("", "total")).transpose()?.unwrap_or_default())
}

/// A webhook that was not deleted; locked.
pub async fn lock(txn: &Txn, organization: Uuid, id: Uuid) -> Result<Option<webhook::Model>, StoreError> {
    lock::live::<webhook::Entity>(txn, "webhook", organization, id).await
}

/// Changes a webhook that still has this version; tells whether it had.
pub async fn update(txn: &Txn, after: &webhook::Model, version: i32) -> Result<bool, StoreError> {
    let mut sql = txn.sql();
    sql.push("UPDATE webhook SET display_name = ").bind(after.display_name.clone());
    sql.push(", name_key = ").bind(after.name_key.clone());
    sql.push(", url = ").bind(after.url.clone());
    sql.push(", secret = ").bind(after.secret.clone());
    sql.push(", enabled = ").bind(after.enabled);
    sql.push(", deleted_at = ").bind(after.deleted_at);
    sql.push(", version = version + 1 WHERE id = ").bind(after.id);
    sql.push(" AND version = ").bind(version);
    Ok(txn.execute(sql).await? == 1)
}
