//! Signed links: the links to packages that carry a secret.

use std::collections::HashMap;

use entity::signed_link;
use uuid::Uuid;

use super::Access;
use super::database::{Connection, Txn};
use super::error::StoreError;
use super::page::{List, Page, Parents, Window, alone};
use super::row::model;
use super::sql::Sql;
use crate::authz::{Catalogs, Scope};

/// Adds: signed link `k` is visible: to those who manage the packages of the catalog.
fn visible(sql: &mut Sql, access: Access<'_>) {
    sql.push("k.organization_id = ").bind(access.organization());
    if let Access::Visible(scope) = access {
        sql.push(" AND EXISTS (SELECT 1 FROM access_package kp WHERE kp.id = k.access_package_id");
        sql.push(" AND kp.deleted_at IS NULL");
        if let Catalogs::Only(ids) = &scope.managed_packages {
            sql.push(" AND kp.catalog_id").any_id(ids);
        }
        sql.push(")");
    }
}

/// The same page of the signed links of each of these packages, by when they were made.
pub async fn of_packages(
    connection: &impl Connection,
    scope: &Scope,
    packages: &[Uuid],
    window: &Window,
) -> Result<HashMap<Uuid, Page<signed_link::Model>>, StoreError> {
    let list = List {
        from: "signed_link k",
        key: ("k.created_at", "k_created_at"),
        id: ("k.id", "k_id"),
        columns: Box::new(|sql| {
            sql.columns::<signed_link::Entity>("k");
        }),
        joins: Box::new(alone),
        matching: Box::new(|sql| visible(sql, Access::Visible(scope))),
    };
    let parents = Parents { column: ("k.access_package_id", "k_access_package_id"), ids: packages };
    list.pages(connection, parents, window, |row| model::<signed_link::Model>(row, "k_")).await
}

/// Signed links by id.
pub async fn find(
    connection: &impl Connection,
    access: Access<'_>,
    ids: &[Uuid],
) -> Result<Vec<signed_link::Model>, StoreError> {
    let mut sql = connection.sql();
    sql.push("SELECT ").columns::<signed_link::Entity>("k").push(" FROM signed_link k WHERE ");
    visible(&mut sql, access);
    sql.push(" AND k.id").any_id(ids);
    let rows = connection.all(sql).await?;
    Ok(rows.iter().map(|row| model::<signed_link::Model>(row, "k_")).collect::<Result<_, _>>()?)
}

/// The signed link of an organization that the public part of a secret leads to.
pub async fn presented(
    connection: &impl Connection,
    organization: Uuid,
    lookup: &str,
) -> Result<Option<signed_link::Model>, StoreError> {
    let mut sql = connection.sql();
    sql.push("SELECT ").columns::<signed_link::Entity>("k").push(" FROM signed_link k WHERE ");
    visible(&mut sql, Access::Named(organization));
    sql.push(" AND k.lookup = ").bind(lookup.to_owned());
    let rows = connection.all(sql).await?;
    Ok(rows.first().map(|row| model::<signed_link::Model>(row, "k_")).transpose()?)
}

/// How many signed links of a package were not revoked.
pub async fn count(txn: &Txn, package: Uuid) -> Result<i64, StoreError> {
    let mut sql = txn.sql();
    sql.push("SELECT count(*) AS total FROM signed_link k WHERE k.revoked_at IS NULL");
    sql.push(" AND k.access_package_id = ").bind(package);
    let rows = txn.all(sql).await?;
    Ok(rows.first().map(|row| row.try_get("", "total")).transpose()?.unwrap_or_default())
}

/// Counts a use, if the link can still be used; tells whether it could. Of two at once for the last use one can.
pub async fn use_once(txn: &Txn, id: Uuid) -> Result<bool, StoreError> {
    let mut sql = txn.sql();
    sql.push("UPDATE signed_link SET uses = uses + 1 WHERE revoked_at IS NULL");
    sql.push(" AND (expires_at IS NULL OR expires_at > ").bind(txn.now());
    sql.push(") AND (maximum_uses IS NULL OR uses < maximum_uses) AND id = ").bind(id);
    Ok(txn.execute(sql).await? == 1)
}

/// Counts that a link was looked at.
pub async fn open(txn: &Txn, id: Uuid) -> Result<(), StoreError> {
    let mut sql = txn.sql();
    sql.push("UPDATE signed_link SET openings = openings + 1 WHERE id = ").bind(id);
    txn.execute(sql).await.map(|_| ())
}

/// Revokes a link that was not revoked before; tells whether it was not.
pub async fn revoke(txn: &Txn, id: Uuid, by: Uuid) -> Result<bool, StoreError> {
    let mut sql = txn.sql();
    sql.push("UPDATE signed_link SET revoked_at = ").bind(txn.now());
    sql.push(", revoked_by_id = ").bind(by).push(" WHERE revoked_at IS NULL AND id = ").bind(id);
    Ok(txn.execute(sql).await? == 1)
}
