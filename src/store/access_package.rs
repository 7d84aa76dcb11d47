//! Access packages.

use std::sync::Arc;

use entity::{access_package, catalog};
use sea_orm::{DbErr, FromQueryResult, QueryResult};
use uuid::Uuid;

use super::assignment_policy::{self, admits};
use super::database::Connection;
use super::error::StoreError;
use super::page::{List, Page, Window};
use super::sql::Sql;
use super::{Access, search};
use crate::authz::{Catalogs, Scope};

/// A package, with what was read along with it.
#[derive(Clone, Debug)]
pub struct Row {
    /// The package.
    pub package: Arc<access_package::Model>,
    /// Its catalog.
    pub catalog: Option<Arc<catalog::Model>>,
    /// Its policies that the viewer may see.
    pub policies: Option<Vec<Arc<entity::assignment_policy::Model>>>,
}

/// What to read along with packages.
#[derive(Clone, Copy, Debug, Default)]
pub struct Include {
    /// The catalog.
    pub catalog: bool,
    /// The policies.
    pub policies: bool,
}

/// Which packages are wanted. All given conditions hold together.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// In these catalogs.
    pub catalogs: Option<Vec<Uuid>>,
    /// Hidden, or not.
    pub hidden: Option<bool>,
    /// With this text in the name.
    pub search: Option<String>,
    /// Only those that the viewer may request: an enabled policy admits them.
    pub requestable: bool,
}

/// What a list of packages is sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Order {
    /// The name.
    Name,
    /// The time they were made.
    CreatedAt,
}

/// Adds: an enabled policy of `p` admits the viewer, and the catalog takes requests.
fn requestable(sql: &mut Sql, scope: &Scope) {
    sql.push("EXISTS (SELECT 1 FROM assignment_policy a JOIN catalog ac ON ac.id = p.catalog_id");
    sql.push(" AND ac.enabled AND ac.deleted_at IS NULL");
    if !scope.is_member {
        sql.push(" AND ac.externally_visible");
    }
    sql.push(" WHERE a.access_package_id = p.id AND a.enabled AND a.deleted_at IS NULL AND ");
    admits(sql, scope);
    sql.push(")");
}

fn visible(sql: &mut Sql, access: Access<'_>, listed: bool) {
    sql.push("p.organization_id = ").bind(access.organization());
    let Access::Visible(scope) = access else { return };
    sql.push(" AND p.deleted_at IS NULL");
    if let Catalogs::Only(ids) = &scope.catalogs {
        sql.push(" AND (p.catalog_id").any_id(ids).push(" OR (");
        if listed {
            sql.push("NOT p.hidden AND ");
        }
        requestable(sql, scope);
        sql.push("))");
    }
}

fn select(sql: &mut Sql, include: Include) {
    sql.columns::<access_package::Entity>("p");
    if include.catalog {
        sql.push(", ").columns::<catalog::Entity>("c");
    }
    sql.push(" FROM access_package p");
    if include.catalog {
        sql.push(" JOIN catalog c ON c.id = p.catalog_id");
    }
}

fn read(row: &QueryResult, include: Include) -> Result<Row, DbErr> {
    let catalog =
        include.catalog.then(|| catalog::Model::from_query_result(row, "c_").map(Arc::new)).transpose()?;
    Ok(Row {
        package: Arc::new(access_package::Model::from_query_result(row, "p_")?),
        catalog,
        policies: None,
    })
}

/// A page of the packages that the viewer may see.
pub async fn list(
    connection: &impl Connection,
    scope: &Scope,
    filter: &Filter,
    include: Include,
    order: Order,
    window: &Window,
) -> Result<Page<Row>, StoreError> {
    let list = List {
        from: "access_package p",
        key: match order {
            Order::Name => ("p.name_key", "p_name_key"),
            Order::CreatedAt => ("p.created_at", "p_created_at"),
        },
        id: ("p.id", "p_id"),
        select: &|sql| select(sql, include),
        matching: &|sql| {
            visible(sql, Access::Visible(scope), true);
            if let Some(catalogs) = &filter.catalogs {
                sql.push(" AND p.catalog_id").any_id(catalogs);
            }
            if let Some(hidden) = filter.hidden {
                sql.push(" AND p.hidden = ").bind(hidden);
            }
            if let Some(text) = &filter.search {
                sql.push(" AND p.name_key");
                search(sql, text);
            }
            if filter.requestable {
                sql.push(" AND NOT p.hidden AND ");
                requestable(sql, scope);
            }
        },
    };
    let mut page = list.page(connection, window, |row| read(row, include)).await?;
    if include.policies && !page.rows.is_empty() {
        let ids: Vec<Uuid> = page.rows.iter().map(|row| row.package.id).collect();
        let mut policies =
            super::grouped(assignment_policy::of_packages(connection, scope, &ids).await?, |policy| {
                policy.access_package_id
            });
        for row in &mut page.rows {
            row.policies = Some(policies.remove(&row.package.id).unwrap_or_default());
        }
    }
    Ok(page)
}

/// Packages by id.
pub async fn find(
    connection: &impl Connection,
    access: Access<'_>,
    ids: &[Uuid],
    include: Include,
) -> Result<Vec<Row>, StoreError> {
    let mut sql = connection.sql();
    sql.push("SELECT ");
    select(&mut sql, include);
    sql.push(" WHERE ");
    visible(&mut sql, access, false);
    sql.push(" AND p.id").any_id(ids);
    let rows = connection.all(sql).await?;
    Ok(rows.iter().map(|row| read(row, include)).collect::<Result<_, _>>()?)
}
