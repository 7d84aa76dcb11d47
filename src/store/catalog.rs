//! Catalogs, and the roles that are assigned in them.

use std::collections::HashMap;
use std::sync::Arc;

use entity::catalog_role_assignment::CatalogRole;
use entity::{app_user, catalog, catalog_role_assignment};
use sea_orm::ActiveEnum as _;
use uuid::Uuid;

use super::database::{Connection, Txn};
use super::error::StoreError;
use super::page::{List, Page, Parents, Window, alone};
use super::row::model;
use super::sql::Sql;
use super::{Access, lock, search};
use crate::authz::{Catalogs, Scope};
use crate::id::Kind;

/// Which catalogs are wanted. All given conditions hold together.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Enabled, or not.
    pub enabled: Option<bool>,
    /// Open to outsiders, or not.
    pub externally_visible: Option<bool>,
    /// With this text in the name.
    pub search: Option<String>,
}

/// What a list of catalogs is sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Order {
    /// The name.
    Name,
    /// The time they were made.
    CreatedAt,
}

fn visible(sql: &mut Sql, access: Access<'_>) {
    sql.push("c.organization_id = ").bind(access.organization());
    if let Access::Visible(scope) = access {
        sql.push(" AND c.deleted_at IS NULL");
        if let Catalogs::Only(ids) = &scope.catalogs {
            sql.push(" AND c.id").any_id(ids);
        }
    }
}

/// A page of the catalogs that the viewer may see.
pub async fn list(
    connection: &impl Connection,
    scope: &Scope,
    filter: &Filter,
    order: Order,
    window: &Window,
) -> Result<Page<catalog::Model>, StoreError> {
    let list = List {
        from: "catalog c",
        key: match order {
            Order::Name => ("c.name_key", "c_name_key"),
            Order::CreatedAt => ("c.created_at", "c_created_at"),
        },
        id: ("c.id", "c_id"),
        columns: Box::new(|sql| {
            sql.columns::<catalog::Entity>("c");
        }),
        joins: Box::new(alone),
        matching: Box::new(|sql| {
            visible(sql, Access::Visible(scope));
            if let Some(enabled) = filter.enabled {
                sql.push(" AND c.enabled = ").bind(enabled);
            }
            if let Some(externally_visible) = filter.externally_visible {
                sql.push(" AND c.externally_visible = ").bind(externally_visible);
            }
            if let Some(text) = &filter.search {
                sql.push(" AND c.name_key");
                search(sql, text);
            }
        }),
    };
    list.page(connection, window, |row| model::<catalog::Model>(row, "c_")).await
}

/// Catalogs by id.
pub async fn find(
    connection: &impl Connection,
    access: Access<'_>,
    ids: &[Uuid],
) -> Result<Vec<catalog::Model>, StoreError> {
    let mut sql = connection.sql();
    sql.push("SELECT ").columns::<catalog::Entity>("c").push(" FROM catalog c WHERE ");
    visible(&mut sql, access);
    sql.push(" AND c.id").any_id(ids);
    let rows = connection.all(sql).await?;
    Ok(rows.iter().map(|row| model::<catalog::Model>(row, "c_")).collect::<Result<_, _>>()?)
}

/// A catalog that was not deleted; locked.
pub async fn lock(txn: &Txn, organization: Uuid, id: Uuid) -> Result<Option<catalog::Model>, StoreError> {
    lock::live::<catalog::Entity>(txn, "catalog", organization, id).await
}

/// A role in a catalog, with who holds it.
#[derive(Clone, Debug)]
pub struct RoleRow {
    /// The assignment.
    pub held: catalog_role_assignment::Model,
    /// The holder.
    pub user: Arc<app_user::Model>,
}

fn role_columns(sql: &mut Sql) {
    sql.columns::<catalog_role_assignment::Entity>("h").push(", ").columns::<app_user::Entity>("u");
}

fn role_holder(sql: &mut Sql) {
    sql.push(" JOIN app_user u ON u.id = h.user_id");
}

fn role_row(row: &sea_orm::QueryResult) -> Result<RoleRow, sea_orm::DbErr> {
    Ok(RoleRow {
        held: model::<catalog_role_assignment::Model>(row, "h_")?,
        user: Arc::new(model::<app_user::Model>(row, "u_")?),
    })
}

fn role_visible(sql: &mut Sql, scope: &Scope) {
    sql.push("h.organization_id = ").bind(scope.organization);
    if let Catalogs::Only(ids) = &scope.catalogs {
        sql.push(" AND (h.user_id = ").bind(scope.user).push(" OR h.catalog_id").any_id(ids).push(")");
    }
}

fn roles(scope: &Scope) -> List<'_> {
    List {
        from: "catalog_role_assignment h",
        key: ("h.created_at", "h_created_at"),
        id: ("h.id", "h_id"),
        columns: Box::new(role_columns),
        joins: Box::new(role_holder),
        matching: Box::new(|sql| role_visible(sql, scope)),
    }
}

/// The same page of the roles assigned in each of these catalogs.
pub async fn roles_in(
    connection: &impl Connection,
    scope: &Scope,
    catalogs: &[Uuid],
    window: &Window,
) -> Result<HashMap<Uuid, Page<RoleRow>>, StoreError> {
    let parents = Parents { column: ("h.catalog_id", "h_catalog_id"), ids: catalogs };
    roles(scope).pages(connection, parents, window, role_row).await
}

/// The same page of the roles that each of these users holds.
pub async fn roles_of(
    connection: &impl Connection,
    scope: &Scope,
    users: &[Uuid],
    window: &Window,
) -> Result<HashMap<Uuid, Page<RoleRow>>, StoreError> {
    let parents = Parents { column: ("h.user_id", "h_user_id"), ids: users };
    roles(scope).pages(connection, parents, window, role_row).await
}

/// Role assignments by id.
pub async fn find_roles(
    connection: &impl Connection,
    scope: &Scope,
    ids: &[Uuid],
) -> Result<Vec<RoleRow>, StoreError> {
    let mut sql = connection.sql();
    sql.push("SELECT ");
    role_columns(&mut sql);
    sql.push(" FROM catalog_role_assignment h");
    role_holder(&mut sql);
    sql.push(" WHERE ");
    role_visible(&mut sql, scope);
    sql.push(" AND h.id").any_id(ids);
    let rows = connection.all(sql).await?;
    Ok(rows.iter().map(role_row).collect::<Result<_, _>>()?)
}

/// The assignment of a role in a catalog to a user, if there is one.
pub async fn find_role(
    txn: &Txn,
    catalog: Uuid,
    user: Uuid,
    role: CatalogRole,
) -> Result<Option<Uuid>, StoreError> {
    let mut sql = txn.sql();
    sql.push("SELECT h.id FROM catalog_role_assignment h WHERE h.catalog_id = ").bind(catalog);
    sql.push(" AND h.user_id = ").bind(user).push(" AND h.role = ").bind(role.to_value());
    let rows = txn.all(sql).await?;
    Ok(rows.first().map(|row| row.try_get("", "id")).transpose()?)
}

/// Role assignments of an organization by id, whoever may see them.
pub async fn named_roles(
    connection: &impl Connection,
    organization: Uuid,
    ids: &[Uuid],
) -> Result<Vec<RoleRow>, StoreError> {
    let mut sql = connection.sql();
    sql.push("SELECT ");
    role_columns(&mut sql);
    sql.push(" FROM catalog_role_assignment h");
    role_holder(&mut sql);
    sql.push(" WHERE h.organization_id = ").bind(organization).push(" AND h.id").any_id(ids);
    let rows = connection.all(sql).await?;
    Ok(rows.iter().map(role_row).collect::<Result<_, _>>()?)
}

/// Takes a role assignment away; tells whether it was there.
pub async fn delete_role(txn: &Txn, id: Uuid) -> Result<bool, StoreError> {
    let mut sql = txn.sql();
    sql.push("DELETE FROM catalog_role_assignment WHERE id = ").bind(id);
    Ok(txn.execute(sql).await? == 1)
}

/// Changes a catalog that still has this version; tells whether it had.
pub async fn update(txn: &Txn, after: &catalog::Model, version: i32) -> Result<bool, StoreError> {
    let mut sql = txn.sql();
    sql.push("UPDATE catalog SET display_name = ").bind(after.display_name.clone());
    sql.push(", name_key = ").bind(after.name_key.clone());
    sql.push(", description = ").bind(after.description.clone());
    sql.push(", enabled = ").bind(after.enabled);
    sql.push(", externally_visible = ").bind(after.externally_visible);
    sql.push(", version = version + 1 WHERE deleted_at IS NULL AND id = ").bind(after.id);
    sql.push(" AND version = ").bind(version);
    Ok(txn.execute(sql).await? == 1)
}

/// What a catalog still holds: resources and packages; at most ten of them.
pub async fn users_of(txn: &Txn, catalog: Uuid) -> Result<Vec<(Kind, Uuid)>, StoreError> {
    let mut sql = txn.sql();
    sql.push("SELECT id, 'pkg' AS kind FROM access_package WHERE deleted_at IS NULL AND catalog_id = ");
    sql.bind(catalog).push(" UNION ALL SELECT id, 'res' AS kind FROM resource");
    sql.push(" WHERE deleted_at IS NULL AND catalog_id = ").bind(catalog).push(" LIMIT 10");
    let rows = txn.all(sql).await?;
    let read = |row: &sea_orm::QueryResult| {
        let kind: String = row.try_get("", "kind")?;
        let kind = if kind == "pkg" { Kind::AccessPackage } else { Kind::Resource };
        Ok((kind, row.try_get("", "id")?))
    };
    rows.iter().map(read).collect()
}

/// Deletes a catalog; its name becomes free, history still shows it.
pub async fn delete(txn: &Txn, catalog: Uuid) -> Result<(), StoreError> {
    let mut sql = txn.sql();
    sql.push("UPDATE catalog SET deleted_at = ").bind(txn.now());
    sql.push(", version = version + 1 WHERE id = ").bind(catalog);
    txn.execute(sql).await.map(|_| ())
}
