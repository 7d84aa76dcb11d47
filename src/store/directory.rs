//! The groups that Guichet keeps itself, and who is in them.

use std::collections::HashMap;
use std::sync::Arc;

use entity::{app_user, directory_group, directory_member};
use uuid::Uuid;

use super::database::{Connection, Database, Txn};
use super::error::StoreError;
use super::page::{List, Page, Parents, Window, alone};
use super::row::model;
use super::sql::Sql;
use crate::authz::Scope;
use crate::id::Kind;

fn visible(sql: &mut Sql, scope: &Scope) {
    sql.push("y.organization_id = ").bind(scope.organization);
    if !scope.connectors {
        sql.push(" AND 1 = 0");
    }
}

/// The same page of the groups of each of these connectors that the viewer may see, oldest first.
pub async fn groups(
    connection: &impl Connection,
    scope: &Scope,
    connectors: &[Uuid],
    window: &Window,
) -> Result<HashMap<Uuid, Page<directory_group::Model>>, StoreError> {
    let list = List {
        from: "directory_group y",
        key: ("y.created_at", "y_created_at"),
        id: ("y.id", "y_id"),
        columns: Box::new(|sql| {
            sql.columns::<directory_group::Entity>("y");
        }),
        joins: Box::new(alone),
        matching: Box::new(|sql| {
            visible(sql, scope);
        }),
    };
    let parents = Parents { column: ("y.connector_id", "y_connector_id"), ids: connectors };
    list.pages(connection, parents, window, |row| model::<directory_group::Model>(row, "y_")).await
}

/// Groups by id.
pub async fn find(
    connection: &impl Connection,
    scope: &Scope,
    ids: &[Uuid],
) -> Result<Vec<directory_group::Model>, StoreError> {
    let mut sql = connection.sql();
    sql.push("SELECT ").columns::<directory_group::Entity>("y").push(" FROM directory_group y WHERE ");
    visible(&mut sql, scope);
    sql.push(" AND y.id").any_id(ids);
    let rows = connection.all(sql).await?;
    Ok(rows.iter().map(|row| model::<directory_group::Model>(row, "y_")).collect::<Result<_, _>>()?)
}

/// A role in a group, with who holds it.
#[derive(Clone, Debug)]
pub struct MemberRow {
    /// The role.
    pub member: directory_member::Model,
    /// Who holds it.
    pub user: Arc<app_user::Model>,
}

/// The same page of the members of each of these groups, by name.
pub async fn members(
    connection: &impl Connection,
    groups: &[Uuid],
    window: &Window,
) -> Result<HashMap<Uuid, Page<MemberRow>>, StoreError> {
    let list = List {
        from: "directory_member m JOIN app_user u ON u.id = m.user_id",
        key: ("u.name_key", "u_name_key"),
        id: ("u.id", "u_id"),
        columns: Box::new(|sql| {
            sql.columns::<directory_member::Entity>("m").push(", ").columns::<app_user::Entity>("u");
        }),
        joins: Box::new(alone),
        matching: Box::new(|sql| {
            sql.push("TRUE");
        }),
    };
    let parents = Parents { column: ("m.group_id", "m_group_id"), ids: groups };
    list.pages(connection, parents, window, |row| {
        Ok(MemberRow {
            member: model::<directory_member::Model>(row, "m_")?,
            user: Arc::new(model::<app_user::Model>(row, "u_")?),
        })
    })
    .await
}

/// The group of a connector that has this id of its own.
pub async fn named(
    connection: &impl Connection,
    connector: Uuid,
    origin: &str,
) -> Result<Option<Uuid>, StoreError> {
    let mut sql = connection.sql();
    sql.push("SELECT y.id AS id FROM directory_group y WHERE y.connector_id = ").bind(connector);
    sql.push(" AND y.origin_id = ").bind(origin);
    let rows = connection.all(sql).await?;
    Ok(rows.first().map(|row| row.try_get("", "id")).transpose()?)
}

/// Puts a user into a group; tells whether they were not in it before.
pub async fn add_member(
    database: &Database,
    group: Uuid,
    user: Uuid,
    role: &str,
) -> Result<bool, StoreError> {
    let mut sql = database.sql();
    sql.push("INSERT INTO directory_member (group_id, user_id, role, created_at) VALUES (");
    sql.bind(group).push(", ").bind(user).push(", ").bind(role).push(", ").bind(database.clock().now());
    sql.push(") ON CONFLICT DO NOTHING");
    Ok(database.execute(sql).await? == 1)
}

/// Whether a user is in a group.
pub async fn is_member(
    connection: &impl Connection,
    group: Uuid,
    user: Uuid,
    role: &str,
) -> Result<bool, StoreError> {
    let mut sql = connection.sql();
    sql.push("SELECT 1 FROM directory_member m WHERE m.group_id = ").bind(group);
    sql.push(" AND m.user_id = ").bind(user).push(" AND m.role = ").bind(role);
    Ok(!connection.all(sql).await?.is_empty())
}

/// Takes a user out of a group; tells whether they were in it.
pub async fn remove_member(
    database: &Database,
    group: Uuid,
    user: Uuid,
    role: &str,
) -> Result<bool, StoreError> {
    let mut sql = database.sql();
    sql.push("DELETE FROM directory_member WHERE group_id = ").bind(group);
    sql.push(" AND user_id = ").bind(user).push(" AND role = ").bind(role);
    Ok(database.execute(sql).await? == 1)
}

/// A group of an organization; locked.
pub async fn lock(
    txn: &Txn,
    organization: Uuid,
    id: Uuid,
) -> Result<Option<directory_group::Model>, StoreError> {
    let mut sql = txn.sql();
    sql.push("SELECT ").columns::<directory_group::Entity>("y").push(" FROM directory_group y");
    sql.push(" WHERE y.organization_id = ").bind(organization).push(" AND y.id = ").bind(id).lock("y");
    let rows = txn.all(sql).await?;
    Ok(rows.first().map(|row| model::<directory_group::Model>(row, "y_")).transpose()?)
}

/// Who is in a group; at most ten of them.
pub async fn some_members(txn: &Txn, group: Uuid) -> Result<Vec<(Kind, Uuid)>, StoreError> {
    let mut sql = txn.sql();
    sql.push("SELECT DISTINCT m.user_id FROM directory_member m WHERE m.group_id = ").bind(group);
    sql.push(" ORDER BY m.user_id LIMIT 10");
    let rows = txn.all(sql).await?;
    rows.iter().map(|row| Ok((Kind::User, row.try_get("", "user_id")?))).collect()
}

/// Deletes a group that has no members.
pub async fn delete(txn: &Txn, group: Uuid) -> Result<(), StoreError> {
    let mut sql = txn.sql();
    sql.push("DELETE FROM directory_group WHERE id = ").bind(group);
    txn.execute(sql).await.map(|_| ())
}
