//! Access packages.

use std::collections::HashMap;
use std::sync::Arc;

use entity::{access_package, catalog};
use sea_orm::{DbErr, QueryResult};
use uuid::Uuid;

use super::assignment_policy::{self, admits};
use super::columns::{Columns, columns};
use super::database::{Connection, Txn};
use super::error::StoreError;
use super::page::{List, Page, Parents, Window};
use super::row::{Shared, part};
use super::sql::Sql;
use super::{Access, lock, search};
use crate::authz::{Catalogs, Scope};
use crate::id::Kind;

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

/// What to read of packages, and what along with them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Include {
    /// Of the package; what lists need is always read.
    pub package: Columns,
    /// Of the catalog.
    pub catalog: Columns,
    /// Of the policies.
    pub policies: Columns,
}

/// Whole packages, and nothing along.
impl Default for Include {
    fn default() -> Self {
        Self { package: Columns::ALL, catalog: Columns::NONE, policies: Columns::NONE }
    }
}

/// What lists of packages are sorted by, and what they are told apart by.
const LISTED: Columns = columns!(access_package: Id, CatalogId, NameKey, CreatedAt);

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

pub(super) fn visible(sql: &mut Sql, access: Access<'_>, listed: bool) {
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

fn columns(sql: &mut Sql, include: Include) {
    sql.some_columns::<access_package::Entity>("p", include.package.and(LISTED));
    if include.catalog.any() {
        sql.push(", ").some_columns::<catalog::Entity>("c", include.catalog);
    }
}

fn joins(sql: &mut Sql, include: Include) {
    if include.catalog.any() {
        sql.push(" JOIN catalog c ON c.id = p.catalog_id");
    }
}

/// Reads rows of packages; the catalogs that many of them name are read once.
struct Rows {
    package: Columns,
    catalogs: Shared<catalog::Model>,
}

impl Rows {
    fn with(include: Include) -> Self {
        Self { package: include.package.and(LISTED), catalogs: Shared::of(include.catalog) }
    }

    fn read(&mut self, row: &QueryResult) -> Result<Row, DbErr> {
        let package = Arc::new(part::<access_package::Model>(row, "p_", self.package)?);
        let catalog = self.catalogs.are_read().then(|| self.catalogs.model(row, "c_")).transpose()?;
        Ok(Row { package, catalog, policies: None })
    }
}

fn listed<'a>(scope: &'a Scope, filter: &'a Filter, include: Include, order: Order) -> List<'a> {
    List {
        from: "access_package p",
        key: match order {
            Order::Name => ("p.name_key", "p_name_key"),
            Order::CreatedAt => ("p.created_at", "p_created_at"),
        },
        id: ("p.id", "p_id"),
        columns: Box::new(move |sql| columns(sql, include)),
        joins: Box::new(move |sql| joins(sql, include)),
        matching: Box::new(|sql| {
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
        }),
    }
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
    let list = listed(scope, filter, include, order);
    let mut read = Rows::with(include);
    let mut page = list.page(connection, window, |row| read.read(row)).await?;
    with_policies(connection, scope, page.rows.iter_mut().collect(), include).await?;
    Ok(page)
}

/// The same page of the packages of each of these catalogs.
pub async fn in_catalogs(
    connection: &impl Connection,
    scope: &Scope,
    catalogs: &[Uuid],
    include: Include,
    order: Order,
    window: &Window,
) -> Result<HashMap<Uuid, Page<Row>>, StoreError> {
    let all = Filter::default();
    let list = listed(scope, &all, include, order);
    let parents = Parents { column: ("p.catalog_id", "p_catalog_id"), ids: catalogs };
    let mut read = Rows::with(include);
    let mut pages = list.pages(connection, parents, window, |row| read.read(row)).await?;
    let rows = pages.values_mut().flat_map(|page| &mut page.rows).collect();
    with_policies(connection, scope, rows, include).await?;
    Ok(pages)
}

async fn with_policies(
    connection: &impl Connection,
    scope: &Scope,
    rows: Vec<&mut Row>,
    include: Include,
) -> Result<(), StoreError> {
    if !include.policies.any() || rows.is_empty() {
        return Ok(());
    }
    let ids: Vec<Uuid> = rows.iter().map(|row| row.package.id).collect();
    let policies = assignment_policy::of_packages(connection, scope, &ids, include.policies).await?;
    let mut policies = super::grouped(policies, |policy| policy.access_package_id);
    for row in rows {
        row.policies = Some(policies.remove(&row.package.id).unwrap_or_default());
    }
    Ok(())
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
    columns(&mut sql, include);
    sql.push(" FROM access_package p");
    joins(&mut sql, include);
    sql.push(" WHERE ");
    visible(&mut sql, access, false);
    sql.push(" AND p.id").any_id(ids);
    let rows = connection.all(sql).await?;
    let mut read = Rows::with(include);
    Ok(rows.iter().map(|row| read.read(row)).collect::<Result<_, _>>()?)
}

/// A package that was not deleted; locked.
pub async fn lock(
    txn: &Txn,
    organization: Uuid,
    id: Uuid,
) -> Result<Option<access_package::Model>, StoreError> {
    lock::live::<access_package::Entity>(txn, "access_package", organization, id).await
}

/// Changes a package that still has this version; tells whether it had.
pub async fn update(txn: &Txn, after: &access_package::Model, version: i32) -> Result<bool, StoreError> {
    let mut sql = txn.sql();
    sql.push("UPDATE access_package SET display_name = ").bind(after.display_name.clone());
    sql.push(", name_key = ").bind(after.name_key.clone());
    sql.push(", description = ").bind(after.description.clone());
    sql.push(", hidden = ").bind(after.hidden);
    sql.push(", version = version + 1 WHERE deleted_at IS NULL AND id = ").bind(after.id);
    sql.push(" AND version = ").bind(version);
    Ok(txn.execute(sql).await? == 1)
}

/// What still needs a package: assignments that have not ended, and open requests; at most ten.
pub async fn users_of(txn: &Txn, package: Uuid) -> Result<Vec<(Kind, Uuid)>, StoreError> {
    let mut sql = txn.sql();
    sql.push("SELECT id, 'asg' AS kind FROM assignment WHERE state <> 'ENDED' AND access_package_id = ");
    sql.bind(package).push(" UNION ALL SELECT id, 'areq' AS kind FROM access_request WHERE state IN (");
    sql.push("'SUBMITTED', 'PENDING_APPROVAL', 'SCHEDULED', 'DELIVERING') AND access_package_id = ");
    sql.bind(package).push(" LIMIT 10");
    let rows = txn.all(sql).await?;
    let read = |row: &QueryResult| {
        let kind: String = row.try_get("", "kind")?;
        let kind = if kind == "asg" { Kind::Assignment } else { Kind::AccessRequest };
        Ok((kind, row.try_get("", "id")?))
    };
    rows.iter().map(read).collect()
}

/// Deletes a package with its policies; its name becomes free, history still shows all of them.
pub async fn delete(txn: &Txn, package: Uuid) -> Result<(), StoreError> {
    let mut sql = txn.sql();
    sql.push("UPDATE assignment_policy SET deleted_at = ").bind(txn.now());
    sql.push(", version = version + 1 WHERE deleted_at IS NULL AND access_package_id = ").bind(package);
    txn.execute(sql).await?;
    let mut sql = txn.sql();
    sql.push("UPDATE access_package SET deleted_at = ").bind(txn.now());
    sql.push(", version = version + 1 WHERE id = ").bind(package);
    txn.execute(sql).await.map(|_| ())
}

/// The resource roles that a package gives, in the order of their ids.
pub async fn role_ids(txn: &Txn, package: Uuid) -> Result<Vec<Uuid>, StoreError> {
    let mut sql = txn.sql();
    sql.push("SELECT i.resource_role_id FROM access_package_resource_role i WHERE i.access_package_id = ");
    sql.bind(package).push(" ORDER BY i.resource_role_id");
    let rows = txn.all(sql).await?;
    Ok(rows.iter().map(|row| row.try_get("", "resource_role_id")).collect::<Result<_, _>>()?)
}

/// Takes resource roles out of a package.
pub async fn remove_roles(txn: &Txn, package: Uuid, roles: &[Uuid]) -> Result<(), StoreError> {
    let mut sql = txn.sql();
    sql.push("DELETE FROM access_package_resource_role WHERE access_package_id = ").bind(package);
    sql.push(" AND resource_role_id").any_id(roles);
    txn.execute(sql).await.map(|_| ())
}

/// Notes that the resource roles of a package changed.
pub async fn touch(txn: &Txn, package: Uuid) -> Result<(), StoreError> {
    let mut sql = txn.sql();
    sql.push("UPDATE access_package SET version = version + 1 WHERE id = ").bind(package);
    txn.execute(sql).await.map(|_| ())
}

/// Keeps a package and its policies as they are until the transaction ends; tells whether the
/// package is there. Any number of transactions can hold it.
pub async fn hold(txn: &Txn, package: Uuid) -> Result<bool, StoreError> {
    let mut sql = txn.sql();
    sql.push("SELECT p.id FROM access_package p WHERE p.deleted_at IS NULL AND p.id = ").bind(package);
    sql.hold("p");
    let there = !txn.all(sql).await?.is_empty();
    let mut sql = txn.sql();
    sql.push("SELECT a.id FROM assignment_policy a WHERE a.deleted_at IS NULL AND a.access_package_id = ");
    sql.bind(package).push(" ORDER BY a.id").hold("a");
    txn.all(sql).await?;
    Ok(there)
}
