//! The grants that a viewer may see: who has what at remote systems, and why.

use std::collections::HashMap;

use entity::entitlement_grant::{self, EntitlementGrantState};
use uuid::Uuid;

use super::database::Connection;
use super::error::StoreError;
use super::page::{List, Page, Parents, Window, alone};
use super::row::model;
use super::sql::Sql;
use super::{Access, names};
use crate::authz::{Catalogs, Scope};

/// Adds the condition that the viewer may see the grant `x`: it is their own, or a resource of a catalog whose requests
/// they see leads to its target.
fn visible(sql: &mut Sql, access: Access<'_>) {
    sql.push("x.organization_id = ").bind(access.organization());
    let Access::Visible(scope) = access else { return };
    if let Catalogs::Only(catalogs) = &scope.requests {
        sql.push(" AND (x.user_id = ").bind(scope.user);
        if !catalogs.is_empty() {
            sql.push(
                " OR (x.system_id, x.target) IN (SELECT vk.remote_system_id, v.origin_id FROM resource v",
            );
            sql.push(" JOIN connector vk ON vk.id = v.connector_id WHERE v.deleted_at IS NULL");
            sql.push(" AND v.catalog_id").any_id(catalogs).push(")");
        }
        sql.push(")");
    }
}

/// Adds the condition that the viewer may see the grant `x`, and that it is in one of these states.
fn matching(sql: &mut Sql, scope: &Scope, states: &[EntitlementGrantState]) {
    visible(sql, Access::Visible(scope));
    sql.push(" AND x.state").any_text(&names(states));
}

/// Returns grants by id.
pub async fn find(
    connection: &impl Connection,
    access: Access<'_>,
    ids: &[Uuid],
) -> Result<Vec<entitlement_grant::Model>, StoreError> {
    let mut sql = connection.sql();
    sql.push("SELECT ").columns::<entitlement_grant::Entity>("x").push(" FROM entitlement_grant x WHERE ");
    visible(&mut sql, access);
    sql.push(" AND x.id").any_id(ids);
    let rows = connection.all(sql).await?;
    Ok(rows.iter().map(|row| model::<entitlement_grant::Model>(row, "x_")).collect::<Result<_, _>>()?)
}

/// Returns the same page of the grants of each of these users, by the time they were first wanted.
pub async fn of_users(
    connection: &impl Connection,
    scope: &Scope,
    users: &[Uuid],
    states: &[EntitlementGrantState],
    window: &Window,
) -> Result<HashMap<Uuid, Page<entitlement_grant::Model>>, StoreError> {
    let list = List {
        from: "entitlement_grant x",
        key: ("x.created_at", "x_created_at"),
        id: ("x.id", "x_id"),
        columns: Box::new(|sql| {
            sql.columns::<entitlement_grant::Entity>("x");
        }),
        joins: Box::new(alone),
        matching: Box::new(|sql| matching(sql, scope, states)),
    };
    let parents = Parents { column: ("x.user_id", "x_user_id"), ids: users };
    list.pages(connection, parents, window, |row| model::<entitlement_grant::Model>(row, "x_")).await
}

/// Returns the same page of the grants at the target of each of these resources, by the time they were first wanted.
/// Resources of several catalogs that lead to one target have the same grants.
pub async fn of_resources(
    connection: &impl Connection,
    scope: &Scope,
    resources: &[Uuid],
    states: &[EntitlementGrantState],
    window: &Window,
) -> Result<HashMap<Uuid, Page<entitlement_grant::Model>>, StoreError> {
    let list = List {
        from: "resource o JOIN connector ok ON ok.id = o.connector_id JOIN entitlement_grant x \
               ON x.system_id = ok.remote_system_id AND x.target = o.origin_id",
        key: ("x.created_at", "x_created_at"),
        id: ("x.id", "x_id"),
        columns: Box::new(|sql| {
            sql.columns::<entitlement_grant::Entity>("x").push(", o.id AS o_id");
        }),
        joins: Box::new(alone),
        matching: Box::new(|sql| matching(sql, scope, states)),
    };
    let parents = Parents { column: ("o.id", "o_id"), ids: resources };
    list.pages(connection, parents, window, |row| model::<entitlement_grant::Model>(row, "x_")).await
}
