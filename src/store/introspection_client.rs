//! The clients that may ask about tokens.

use entity::introspection_client;
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

/// A page of the clients that the viewer may see, by name.
pub async fn list(
    connection: &impl Connection,
    scope: &Scope,
    window: &Window,
) -> Result<Page<introspection_client::Model>, StoreError> {
    let list = List {
        from: "introspection_client k",
        key: ("k.name_key", "k_name_key"),
        id: ("k.id", "k_id"),
        columns: Box::new(|sql| {
            sql.columns::<introspection_client::Entity>("k");
        }),
        joins: Box::new(alone),
        matching: Box::new(|sql| visible(sql, Access::Visible(scope))),
    };
    list.page(connection, window, |row| model::<introspection_client::Model>(row, "k_")).await
}

/// Clients by id.
pub async fn find(
    connection: &impl Connection,
    access: Access<'_>,
    ids: &[Uuid],
) -> Result<Vec<introspection_client::Model>, StoreError> {
    let mut sql = connection.sql();
    sql.push("SELECT ").columns::<introspection_client::Entity>("k");
    sql.push(" FROM introspection_client k WHERE ");
    visible(&mut sql, access);
    sql.push(" AND k.id").any_id(ids);
    let rows = connection.all(sql).await?;
    Ok(rows.iter().map(|row| model::<introspection_client::Model>(row, "k_")).collect::<Result<_, _>>()?)
}

/// The client of an id, in whichever organization, unless it was deleted: for the endpoint where it signs in.
pub async fn signing_in(
    connection: &impl Connection,
    id: Uuid,
) -> Result<Option<introspection_client::Model>, StoreError> {
    let mut sql = connection.sql();
    sql.push("SELECT ").columns::<introspection_client::Entity>("k");
    sql.push(" FROM introspection_client k WHERE k.deleted_at IS NULL AND k.id = ").bind(id);
    let rows = connection.all(sql).await?;
    Ok(rows.first().map(|row| model::<introspection_client::Model>(row, "k_")).transpose()?)
}

/// A client that was not deleted; locked.
pub async fn lock(
    txn: &Txn,
    organization: Uuid,
    id: Uuid,
) -> Result<Option<introspection_client::Model>, StoreError> {
    lock::live::<introspection_client::Entity>(txn, "introspection_client", organization, id).await
}

/// Deletes a client; its name becomes free, history still shows it.
pub async fn delete(txn: &Txn, id: Uuid) -> Result<(), StoreError> {
    let mut sql = txn.sql();
    sql.push("UPDATE introspection_client SET deleted_at = ").bind(txn.now());
    sql.push(" WHERE id = ").bind(id);
    txn.execute(sql).await.map(|_| ())
}
