//! Repositories, and who may use them.

use std::collections::HashMap;
use std::sync::Arc;

use entity::organization::BaseLevel;
use entity::repository::Visibility;
use entity::repository_access::AccessLevel;
use entity::{app_user, organization_access, repository, repository_access};
use sea_orm::ActiveEnum as _;
use uuid::Uuid;

use super::database::{Connection, Txn};
use super::error::StoreError;
use super::page::{List, Page, Parents, Window, alone};
use super::row::model;
use super::sql::Sql;
use super::{Access, lock, names, search};
use crate::authz::Scope;

/// Which repositories are wanted. All given conditions hold together.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// With one of these visibilities.
    pub visibilities: Option<Vec<Visibility>>,
    /// With one of these ids at the resource server.
    pub origins: Option<Vec<String>>,
    /// That these users were given access to themselves.
    pub users: Option<Vec<Uuid>>,
    /// With this text in the name.
    pub search: Option<String>,
}

/// What a list of repositories is sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Order {
    /// The name.
    Name,
    /// The time they were made.
    CreatedAt,
}

/// Adds the condition that the viewer may see a repository `p`.
pub(super) fn visible(sql: &mut Sql, access: Access<'_>) {
    sql.push("p.organization_id = ").bind(access.organization());
    let Access::Visible(scope) = access else { return };
    sql.push(" AND p.deleted_at IS NULL");
    if scope.tokens {
        return;
    }
    sql.push(" AND (p.visibility = 'PUBLIC'");
    if let (true, Some(user)) = (scope.is_member, scope.user) {
        sql.push(" OR p.visibility = 'INTERNAL' OR EXISTS (SELECT 1 FROM repository_access a");
        sql.push(" WHERE a.repository_id = p.id AND a.user_id = ").bind(user);
        sql.push(") OR EXISTS (SELECT 1 FROM organization o WHERE o.id = ").bind(scope.organization);
        sql.push(" AND o.base_level <> 'NONE') OR EXISTS (SELECT 1 FROM organization_access w");
        sql.push(" WHERE w.organization_id = ").bind(scope.organization);
        sql.push(" AND w.level = 'ADMIN' AND w.user_id = ").bind(user).push(")");
    }
    sql.push(")");
}

/// A page of the repositories that the viewer may see.
pub async fn list(
    connection: &impl Connection,
    scope: &Scope,
    filter: &Filter,
    order: Order,
    window: &Window,
) -> Result<Page<repository::Model>, StoreError> {
    let list = List {
        from: "repository p",
        key: match order {
            Order::Name => ("p.name_key", "p_name_key"),
            Order::CreatedAt => ("p.created_at", "p_created_at"),
        },
        id: ("p.id", "p_id"),
        columns: Box::new(|sql| {
            sql.columns::<repository::Entity>("p");
        }),
        joins: Box::new(alone),
        matching: Box::new(|sql| {
            visible(sql, Access::Visible(scope));
            if let Some(visibilities) = &filter.visibilities {
                sql.push(" AND p.visibility").any_text(&names(visibilities));
            }
            if let Some(origins) = &filter.origins {
                sql.push(" AND p.origin_id").any_text(origins);
            }
            if let Some(users) = &filter.users {
                sql.push(" AND EXISTS (SELECT 1 FROM repository_access f WHERE f.repository_id = p.id");
                if !scope.tokens {
                    // Who else has access is not for everybody to find out.
                    sql.push(" AND f.user_id = ").bind(scope.user);
                }
                sql.push(" AND f.user_id").any_id(users).push(")");
            }
            if let Some(text) = &filter.search {
                sql.push(" AND p.name_key");
                search(sql, text);
            }
        }),
    };
    list.page(connection, window, |row| model::<repository::Model>(row, "p_")).await
}

/// Repositories by id.
pub async fn find(
    connection: &impl Connection,
    access: Access<'_>,
    ids: &[Uuid],
) -> Result<Vec<repository::Model>, StoreError> {
    let mut sql = connection.sql();
    sql.push("SELECT ").columns::<repository::Entity>("p").push(" FROM repository p WHERE ");
    visible(&mut sql, access);
    sql.push(" AND p.id").any_id(ids);
    let rows = connection.all(sql).await?;
    Ok(rows.iter().map(|row| model::<repository::Model>(row, "p_")).collect::<Result<_, _>>()?)
}

/// A repository that was not deleted; locked.
pub async fn lock(txn: &Txn, organization: Uuid, id: Uuid) -> Result<Option<repository::Model>, StoreError> {
    lock::live::<repository::Entity>(txn, "repository", organization, id).await
}

/// Changes a repository that still has this version; tells whether it had.
pub async fn update(txn: &Txn, after: &repository::Model, version: i32) -> Result<bool, StoreError> {
    let mut sql = txn.sql();
    sql.push("UPDATE repository SET name = ").bind(after.name.clone());
    sql.push(", name_key = ").bind(after.name_key.clone());
    sql.push(", description = ").bind(after.description.clone());
    sql.push(", visibility = ").bind(after.visibility.to_value());
    sql.push(", origin_id = ").bind(after.origin_id.clone());
    sql.push(", version = version + 1 WHERE deleted_at IS NULL AND id = ").bind(after.id);
    sql.push(" AND version = ").bind(version);
    Ok(txn.execute(sql).await? == 1)
}

/// Deletes a repository; its name becomes free, history still shows it.
pub async fn delete(txn: &Txn, id: Uuid) -> Result<(), StoreError> {
    let mut sql = txn.sql();
    sql.push("UPDATE repository SET deleted_at = ").bind(txn.now());
    sql.push(", version = version + 1 WHERE id = ").bind(id);
    txn.execute(sql).await.map(|_| ())
}

/// What a user may do with a repository, with who it is.
#[derive(Clone, Debug)]
pub struct AccessRow {
    /// The access.
    pub access: repository_access::Model,
    /// The user.
    pub user: Arc<app_user::Model>,
}

fn access_row(row: &sea_orm::QueryResult) -> Result<AccessRow, sea_orm::DbErr> {
    Ok(AccessRow {
        access: model::<repository_access::Model>(row, "a_")?,
        user: Arc::new(model::<app_user::Model>(row, "u_")?),
    })
}

fn access_columns(sql: &mut Sql) {
    sql.columns::<repository_access::Entity>("a").push(", ").columns::<app_user::Entity>("u");
}

fn access_visible(sql: &mut Sql, access: Access<'_>) {
    sql.push("a.organization_id = ").bind(access.organization());
    if let Access::Visible(Scope { tokens: false, user, .. }) = access {
        sql.push(" AND a.user_id = ").bind(*user);
    }
}

/// Pages of who was given access to repositories, oldest first; of those that the viewer may see.
pub async fn access_to(
    connection: &impl Connection,
    scope: &Scope,
    repositories: &[Uuid],
    window: &Window,
) -> Result<HashMap<Uuid, Page<AccessRow>>, StoreError> {
    let list = List {
        from: "repository_access a",
        key: ("a.created_at", "a_created_at"),
        id: ("a.id", "a_id"),
        columns: Box::new(access_columns),
        joins: Box::new(|sql| {
            sql.push(" JOIN app_user u ON u.id = a.user_id");
        }),
        matching: Box::new(|sql| access_visible(sql, Access::Visible(scope))),
    };
    let parents = Parents { column: ("a.repository_id", "a_repository_id"), ids: repositories };
    list.pages(connection, parents, window, access_row).await
}

/// Access by id.
pub async fn find_access(
    connection: &impl Connection,
    access: Access<'_>,
    ids: &[Uuid],
) -> Result<Vec<AccessRow>, StoreError> {
    let mut sql = connection.sql();
    sql.push("SELECT ");
    access_columns(&mut sql);
    sql.push(" FROM repository_access a JOIN app_user u ON u.id = a.user_id WHERE ");
    access_visible(&mut sql, access);
    sql.push(" AND a.id").any_id(ids);
    let rows = connection.all(sql).await?;
    Ok(rows.iter().map(access_row).collect::<Result<_, _>>()?)
}

/// What somebody was given that matters to a repository.
#[derive(Clone, Copy, Debug)]
pub struct Given {
    /// The repository.
    pub id: Uuid,
    /// What they were given of it.
    pub repository: Option<AccessLevel>,
    /// What they were given in the organization itself.
    pub organization: Option<AccessLevel>,
}

/// What a user was given that matters to each of these repositories.
pub async fn given(
    connection: &impl Connection,
    organization: Uuid,
    user: Uuid,
    repositories: &[Uuid],
) -> Result<Vec<Given>, StoreError> {
    let mut sql = connection.sql();
    sql.push("SELECT p.id AS id, a.level AS repository, w.level AS organization FROM repository p");
    sql.push(" LEFT JOIN repository_access a ON a.repository_id = p.id AND a.user_id = ").bind(user);
    sql.push(" LEFT JOIN organization_access w ON w.organization_id = p.organization_id AND w.user_id = ");
    sql.bind(user).push(" WHERE p.organization_id = ").bind(organization);
    sql.push(" AND p.id").any_id(repositories);
    let rows = connection.all(sql).await?;
    let read = |row: &sea_orm::QueryResult| {
        Ok(Given {
            id: row.try_get("", "id")?,
            repository: row.try_get("", "repository")?,
            organization: row.try_get("", "organization")?,
        })
    };
    rows.iter().map(read).collect()
}

/// What a user was given of a repository.
pub async fn access_of(
    txn: &Txn,
    repository: Uuid,
    user: Uuid,
) -> Result<Option<repository_access::Model>, StoreError> {
    let mut sql = txn.sql();
    sql.push("SELECT ").columns::<repository_access::Entity>("a").push(" FROM repository_access a");
    sql.push(" WHERE a.repository_id = ").bind(repository).push(" AND a.user_id = ").bind(user);
    let rows = txn.all(sql).await?;
    Ok(rows.first().map(|row| model::<repository_access::Model>(row, "a_")).transpose()?)
}

/// Changes how much a user may do with a repository.
pub async fn set_level(txn: &Txn, access: Uuid, level: AccessLevel) -> Result<(), StoreError> {
    let mut sql = txn.sql();
    sql.push("UPDATE repository_access SET level = ").bind(level.to_value());
    sql.push(" WHERE id = ").bind(access);
    txn.execute(sql).await.map(|_| ())
}

/// Takes a user's access to a repository away.
pub async fn delete_access(txn: &Txn, access: Uuid) -> Result<(), StoreError> {
    let mut sql = txn.sql();
    sql.push("DELETE FROM repository_access WHERE id = ").bind(access);
    txn.execute(sql).await.map(|_| ())
}

/// What users were given in the organization itself.
pub async fn organization_access(
    connection: &impl Connection,
    organization: Uuid,
    users: &[Uuid],
) -> Result<Vec<organization_access::Model>, StoreError> {
    let mut sql = connection.sql();
    sql.push("SELECT ").columns::<organization_access::Entity>("w").push(" FROM organization_access w");
    sql.push(" WHERE w.organization_id = ").bind(organization).push(" AND w.user_id").any_id(users);
    let rows = connection.all(sql).await?;
    Ok(rows.iter().map(|row| model::<organization_access::Model>(row, "w_")).collect::<Result<_, _>>()?)
}

/// Says what a user may do in the organization itself; nothing beyond what every member may without a level.
pub async fn set_organization_access(
    txn: &Txn,
    organization: Uuid,
    user: Uuid,
    level: Option<AccessLevel>,
) -> Result<(), StoreError> {
    let mut sql = txn.sql();
    if let Some(level) = level {
        sql.push("INSERT INTO organization_access (organization_id, user_id, level, updated_at) VALUES (");
        sql.bind(organization).push(", ").bind(user).push(", ").bind(level.to_value()).push(", ");
        sql.bind(txn.now()).push(") ON CONFLICT (organization_id, user_id) DO UPDATE SET");
        sql.push(" level = excluded.level, updated_at = excluded.updated_at");
    } else {
        sql.push("DELETE FROM organization_access WHERE organization_id = ").bind(organization);
        sql.push(" AND user_id = ").bind(user);
    }
    txn.execute(sql).await.map(|_| ())
}

/// Says what every member may do with every repository of an organization that still has this version; tells
/// whether it had.
pub async fn set_base_level(
    txn: &Txn,
    organization: Uuid,
    level: BaseLevel,
    version: i32,
) -> Result<bool, StoreError> {
    let mut sql = txn.sql();
    sql.push("UPDATE organization SET base_level = ").bind(level.to_value());
    sql.push(", version = version + 1 WHERE id = ").bind(organization);
    sql.push(" AND version = ").bind(version);
    Ok(txn.execute(sql).await? == 1)
}
