//! Resources and their roles.

use std::collections::HashMap;
use std::sync::Arc;

use entity::{access_package_resource_role, resource, resource_role};
use sea_orm::{DbErr, QueryResult};
use uuid::Uuid;

use super::columns::Columns;
use super::database::{Connection, Txn};
use super::error::StoreError;
use super::page::{List, Page, Parents, Window, alone};
use super::row::{Shared, model};
use super::sql::Sql;
use super::{Access, lock};
use crate::authz::{Catalogs, Scope};
use crate::id::Kind;

fn visible(sql: &mut Sql, access: Access<'_>) {
    sql.push("s.organization_id = ").bind(access.organization());
    if let Access::Visible(scope) = access {
        sql.push(" AND s.deleted_at IS NULL");
        if let Catalogs::Only(ids) = &scope.catalogs {
            sql.push(" AND s.catalog_id").any_id(ids);
        }
    }
}

/// The same page of the resources of each of these catalogs that the viewer may see, by name.
pub async fn in_catalogs(
    connection: &impl Connection,
    scope: &Scope,
    catalogs: &[Uuid],
    window: &Window,
) -> Result<HashMap<Uuid, Page<resource::Model>>, StoreError> {
    let list = List {
        from: "resource s",
        key: ("s.name_key", "s_name_key"),
        id: ("s.id", "s_id"),
        columns: Box::new(|sql| {
            sql.columns::<resource::Entity>("s");
        }),
        joins: Box::new(alone),
        matching: Box::new(|sql| {
            visible(sql, Access::Visible(scope));
        }),
    };
    let parents = Parents { column: ("s.catalog_id", "s_catalog_id"), ids: catalogs };
    list.pages(connection, parents, window, |row| model::<resource::Model>(row, "s_")).await
}

/// Resources by id.
pub async fn find(
    connection: &impl Connection,
    access: Access<'_>,
    ids: &[Uuid],
) -> Result<Vec<resource::Model>, StoreError> {
    let mut sql = connection.sql();
    sql.push("SELECT ").columns::<resource::Entity>("s").push(" FROM resource s WHERE ");
    visible(&mut sql, access);
    sql.push(" AND s.id").any_id(ids);
    let rows = connection.all(sql).await?;
    Ok(rows.iter().map(|row| model::<resource::Model>(row, "s_")).collect::<Result<_, _>>()?)
}

/// A role, with the resource that it is of.
#[derive(Clone, Debug)]
pub struct RoleRow {
    /// The role.
    pub role: Arc<resource_role::Model>,
    /// The resource.
    pub resource: Arc<resource::Model>,
}

pub(super) fn role_row(row: &QueryResult) -> Result<RoleRow, DbErr> {
    RoleRows::of(Columns::ALL, Columns::ALL).read(row)
}

/// Reads roles and resources that many rows name.
pub(super) struct RoleRows {
    roles: Shared<resource_role::Model>,
    resources: Shared<resource::Model>,
}

impl RoleRows {
    pub(super) fn of(role: Columns, resource: Columns) -> Self {
        Self { roles: Shared::of(role), resources: Shared::of(resource) }
    }

    pub(super) fn read(&mut self, row: &QueryResult) -> Result<RoleRow, DbErr> {
        Ok(RoleRow { role: self.roles.model(row, "t_")?, resource: self.resources.model(row, "s_")? })
    }
}

pub(super) fn role_columns(sql: &mut Sql) {
    some_role_columns(sql, Columns::ALL, Columns::ALL);
}

pub(super) fn some_role_columns(sql: &mut Sql, role: Columns, resource: Columns) {
    sql.some_columns::<resource_role::Entity>("t", role).push(", ");
    sql.some_columns::<resource::Entity>("s", resource);
}

/// Roles by id.
pub async fn find_roles(
    connection: &impl Connection,
    access: Access<'_>,
    ids: &[Uuid],
) -> Result<Vec<RoleRow>, StoreError> {
    let mut sql = connection.sql();
    sql.push("SELECT ");
    role_columns(&mut sql);
    sql.push(" FROM resource_role t JOIN resource s ON s.id = t.resource_id WHERE ");
    visible(&mut sql, access);
    if matches!(access, Access::Visible(_)) {
        sql.push(" AND t.deleted_at IS NULL");
    }
    sql.push(" AND t.id").any_id(ids);
    let rows = connection.all(sql).await?;
    Ok(rows.iter().map(role_row).collect::<Result<_, _>>()?)
}

/// The roles of resources, oldest first.
pub async fn roles_of(connection: &impl Connection, resources: &[Uuid]) -> Result<Vec<RoleRow>, StoreError> {
    let mut sql = connection.sql();
    sql.push("SELECT ");
    role_columns(&mut sql);
    sql.push(" FROM resource_role t JOIN resource s ON s.id = t.resource_id");
    sql.push(" WHERE t.deleted_at IS NULL AND t.resource_id").any_id(resources).push(" ORDER BY t.id");
    let rows = connection.all(sql).await?;
    Ok(rows.iter().map(role_row).collect::<Result<_, _>>()?)
}

/// The roles that packages give, with the package of each, in the order they were added.
pub async fn roles_in_packages(
    connection: &impl Connection,
    packages: &[Uuid],
) -> Result<Vec<(Uuid, RoleRow)>, StoreError> {
    let mut sql = connection.sql();
    sql.push("SELECT ").columns::<access_package_resource_role::Entity>("i").push(", ");
    role_columns(&mut sql);
    sql.push(" FROM access_package_resource_role i JOIN resource_role t ON t.id = i.resource_role_id");
    sql.push(" JOIN resource s ON s.id = t.resource_id WHERE i.access_package_id").any_id(packages);
    sql.push(" ORDER BY i.access_package_id, i.created_at, t.id");
    let rows = connection.all(sql).await?;
    let mut roles = RoleRows::of(Columns::ALL, Columns::ALL);
    let read = |row| Ok((row_id(row, "i_access_package_id")?, roles.read(row)?));
    rows.iter().map(read).collect()
}

fn row_id(row: &QueryResult, column: &str) -> Result<Uuid, DbErr> {
    row.try_get("", column)
}

/// What delivers each of these roles: pairs of role and connector.
pub async fn connectors_of_roles(
    connection: &impl Connection,
    roles: &[Uuid],
) -> Result<Vec<(Uuid, Uuid)>, StoreError> {
    let mut sql = connection.sql();
    sql.push("SELECT t.id AS role_id, s.connector_id AS connector_id FROM resource_role t");
    sql.push(" JOIN resource s ON s.id = t.resource_id WHERE t.id").any_id(roles).push(" ORDER BY t.id");
    let rows = connection.all(sql).await?;
    rows.iter().map(|row| Ok((row.try_get("", "role_id")?, row.try_get("", "connector_id")?))).collect()
}

/// A resource that was not deleted; locked.
pub async fn lock(txn: &Txn, organization: Uuid, id: Uuid) -> Result<Option<resource::Model>, StoreError> {
    lock::live::<resource::Entity>(txn, "resource", organization, id).await
}

/// Roles that are not deleted, of resources that are not, with the resources locked: nobody deletes
/// them until the transaction ends.
pub async fn lock_roles(txn: &Txn, organization: Uuid, roles: &[Uuid]) -> Result<Vec<RoleRow>, StoreError> {
    let mut sql = txn.sql();
    sql.push("SELECT ");
    role_columns(&mut sql);
    sql.push(" FROM resource_role t JOIN resource s ON s.id = t.resource_id");
    sql.push(" WHERE s.organization_id = ").bind(organization);
    sql.push(" AND s.deleted_at IS NULL AND t.deleted_at IS NULL AND t.id").any_id(roles);
    sql.push(" ORDER BY s.id, t.id").lock("s");
    let locked = txn.all(sql).await?;
    // A row that another transaction had locked is shown as it was left there, but the row joined to
    // it as it was when the statement began: the roles are read again.
    let locked: Vec<RoleRow> = locked.iter().map(role_row).collect::<Result<_, _>>()?;
    let ids: Vec<Uuid> = locked.iter().map(|row| row.role.id).collect();
    let mut sql = txn.sql();
    sql.push("SELECT t.id FROM resource_role t WHERE t.deleted_at IS NULL AND t.id").any_id(&ids);
    let live = txn.all(sql).await?;
    let live: Vec<Uuid> = live.iter().map(|row| row_id(row, "id")).collect::<Result<_, _>>()?;
    Ok(locked.into_iter().filter(|row| live.contains(&row.role.id)).collect())
}

/// Renames a resource that still has this version; tells whether it had.
pub async fn update(txn: &Txn, after: &resource::Model, version: i32) -> Result<bool, StoreError> {
    let mut sql = txn.sql();
    sql.push("UPDATE resource SET display_name = ").bind(after.display_name.clone());
    sql.push(", name_key = ").bind(after.name_key.clone());
    sql.push(", version = version + 1 WHERE deleted_at IS NULL AND id = ").bind(after.id);
    sql.push(" AND version = ").bind(version);
    Ok(txn.execute(sql).await? == 1)
}

/// The packages that hold a role of a resource, or this one; at most ten.
pub async fn packages_with(
    txn: &Txn,
    resource: Uuid,
    role: Option<Uuid>,
) -> Result<Vec<(Kind, Uuid)>, StoreError> {
    let mut sql = txn.sql();
    sql.push("SELECT DISTINCT p.id FROM access_package p JOIN access_package_resource_role i");
    sql.push(" ON i.access_package_id = p.id JOIN resource_role t ON t.id = i.resource_role_id");
    sql.push(" WHERE p.deleted_at IS NULL AND t.resource_id = ").bind(resource);
    if let Some(role) = role {
        sql.push(" AND t.id = ").bind(role);
    }
    sql.push(" ORDER BY p.id LIMIT 10");
    let rows = txn.all(sql).await?;
    rows.iter().map(|row| Ok((Kind::AccessPackage, row_id(row, "id")?))).collect()
}

/// Deletes a resource; its target becomes free, history still shows it.
pub async fn delete(txn: &Txn, resource: Uuid) -> Result<(), StoreError> {
    let mut sql = txn.sql();
    sql.push("UPDATE resource SET deleted_at = ").bind(txn.now());
    sql.push(", version = version + 1 WHERE id = ").bind(resource);
    txn.execute(sql).await.map(|_| ())
}

/// Deletes a role of a resource; history still shows it.
pub async fn delete_role(txn: &Txn, role: Uuid) -> Result<(), StoreError> {
    let mut sql = txn.sql();
    sql.push("UPDATE resource_role SET deleted_at = ").bind(txn.now()).push(" WHERE id = ").bind(role);
    txn.execute(sql).await.map(|_| ())
}

/// Notes that the roles of a resource changed.
pub async fn touch(txn: &Txn, resource: Uuid) -> Result<(), StoreError> {
    let mut sql = txn.sql();
    sql.push("UPDATE resource SET version = version + 1 WHERE id = ").bind(resource);
    txn.execute(sql).await.map(|_| ())
}
