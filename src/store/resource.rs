//! Resources and their roles.

use std::sync::Arc;

use entity::{access_package_resource_role, resource, resource_role};
use sea_orm::{DbErr, FromQueryResult, QueryResult};
use uuid::Uuid;

use super::Access;
use super::database::Connection;
use super::error::StoreError;
use super::page::{List, Page, Window};
use super::sql::Sql;
use crate::authz::{Catalogs, Scope};

fn visible(sql: &mut Sql, access: Access<'_>) {
    sql.push("s.organization_id = ").bind(access.organization());
    if let Access::Visible(scope) = access {
        sql.push(" AND s.deleted_at IS NULL");
        if let Catalogs::Only(ids) = &scope.catalogs {
            sql.push(" AND s.catalog_id").any_id(ids);
        }
    }
}

/// A page of the resources of one catalog that the viewer may see, by name.
pub async fn list(
    connection: &impl Connection,
    scope: &Scope,
    catalog: Uuid,
    window: &Window,
) -> Result<Page<resource::Model>, StoreError> {
    let list = List {
        from: "resource s",
        key: ("s.name_key", "s_name_key"),
        id: ("s.id", "s_id"),
        select: &|sql| {
            sql.columns::<resource::Entity>("s").push(" FROM resource s");
        },
        matching: &|sql| {
            visible(sql, Access::Visible(scope));
            sql.push(" AND s.catalog_id = ").bind(catalog);
        },
    };
    list.page(connection, window, |row| resource::Model::from_query_result(row, "s_")).await
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
    Ok(rows.iter().map(|row| resource::Model::from_query_result(row, "s_")).collect::<Result<_, _>>()?)
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
    Ok(RoleRow {
        role: Arc::new(resource_role::Model::from_query_result(row, "t_")?),
        resource: Arc::new(resource::Model::from_query_result(row, "s_")?),
    })
}

pub(super) fn role_columns(sql: &mut Sql) {
    sql.columns::<resource_role::Entity>("t").push(", ").columns::<resource::Entity>("s");
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
    let read = |row| Ok((row_id(row, "i_access_package_id")?, role_row(row)?));
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
