//! Access requests and their history.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use entity::access_request::{self, AccessRequestState, AccessRequestType};
use entity::{access_package, access_request_event, app_user, assignment, assignment_policy, catalog};
use sea_orm::{DbErr, FromQueryResult, QueryResult};
use uuid::Uuid;

use super::database::Connection;
use super::error::StoreError;
use super::page::{List, Page, Window};
use super::sql::Sql;
use super::{Access, delivery, names};
use crate::authz::{Catalogs, Scope};

/// A request, with what was read along with it.
#[derive(Clone, Debug)]
pub struct Row {
    /// The request.
    pub request: access_request::Model,
    /// Whose access it is about.
    pub requestor: Option<Arc<app_user::Model>>,
    /// The package.
    pub package: Option<Arc<access_package::Model>>,
    /// The package's catalog.
    pub catalog: Option<Arc<catalog::Model>>,
    /// The policy; the inner value is none for requests without one.
    pub policy: Option<Option<Arc<assignment_policy::Model>>>,
    /// The assignment; the inner value is none for requests without one.
    pub assignment: Option<Option<assignment::Model>>,
    /// The deliveries, in the order they were queued.
    pub deliveries: Option<Vec<Arc<delivery::Row>>>,
}

/// What to read along with requests.
#[derive(Clone, Copy, Debug, Default)]
pub struct Include {
    /// The requestor.
    pub requestor: bool,
    /// The package.
    pub package: bool,
    /// The package's catalog.
    pub catalog: bool,
    /// The policy.
    pub policy: bool,
    /// The assignment.
    pub assignment: bool,
    /// The deliveries, with the resource role and resource of each.
    pub deliveries: bool,
}

/// Which requests are wanted. All given conditions hold together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// For these packages.
    pub packages: Option<Vec<Uuid>>,
    /// In these catalogs.
    pub catalogs: Option<Vec<Uuid>>,
    /// For these people.
    pub requestors: Option<Vec<Uuid>>,
    /// Under these policies.
    pub policies: Option<Vec<Uuid>>,
    /// In these states.
    pub states: Option<Vec<AccessRequestState>>,
    /// Of these types.
    pub kinds: Option<Vec<AccessRequestType>>,
    /// With a delivery that failed in one of these ways.
    pub delivery_errors: Option<Vec<entity::delivery::DeliveryErrorCode>>,
    /// Made at or after.
    pub submitted_from: Option<DateTime<Utc>>,
    /// Made before.
    pub submitted_until: Option<DateTime<Utc>>,
    /// First completed at or after.
    pub completed_from: Option<DateTime<Utc>>,
    /// First completed before.
    pub completed_until: Option<DateTime<Utc>>,
}

impl Filter {
    /// Whether no condition is given.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

pub(super) fn visible(sql: &mut Sql, access: Access<'_>) {
    sql.push("r.organization_id = ").bind(access.organization());
    let Access::Visible(scope) = access else { return };
    if let Catalogs::Only(ids) = &scope.requests {
        // Others see their own requests and those of their reports.
        sql.push(" AND (r.requestor_id = ").bind(scope.user);
        sql.push(" OR r.submitted_by_id = ").bind(scope.user);
        sql.push(" OR r.requestor_id IN (SELECT w.id FROM app_user w WHERE w.manager_id = ").bind(scope.user);
        sql.push(")");
        if !ids.is_empty() {
            sql.push(" OR r.catalog_id").any_id(ids);
        }
        sql.push(")");
    }
}

pub(super) fn matching(sql: &mut Sql, scope: &Scope, filter: &Filter) {
    visible(sql, Access::Visible(scope));
    let ids = [
        (" AND r.access_package_id", &filter.packages),
        (" AND r.catalog_id", &filter.catalogs),
        (" AND r.requestor_id", &filter.requestors),
        (" AND r.policy_id", &filter.policies),
    ];
    for (column, ids) in ids {
        if let Some(ids) = ids {
            sql.push(column).any_id(ids);
        }
    }
    if let Some(states) = &filter.states {
        sql.push(" AND r.state").any_text(&names(states));
    }
    if let Some(kinds) = &filter.kinds {
        sql.push(" AND r.kind").any_text(&names(kinds));
    }
    if let Some(codes) = &filter.delivery_errors {
        sql.push(
            " AND EXISTS (SELECT 1 FROM delivery f WHERE f.request_id = r.id AND f.state <> 'SUCCEEDED'",
        );
        sql.push(" AND f.error_code").any_text(&names(codes)).push(")");
    }
    sql.within("r.submitted_at", filter.submitted_from, filter.submitted_until);
    sql.within("r.completed_at", filter.completed_from, filter.completed_until);
}

fn select(sql: &mut Sql, include: Include) {
    sql.columns::<access_request::Entity>("r");
    if include.requestor {
        sql.push(", ").columns::<app_user::Entity>("q");
    }
    if include.package {
        sql.push(", ").columns::<access_package::Entity>("p");
    }
    if include.catalog {
        sql.push(", ").columns::<catalog::Entity>("c");
    }
    if include.policy {
        sql.push(", ").columns::<assignment_policy::Entity>("a");
    }
    if include.assignment {
        sql.push(", ").columns::<assignment::Entity>("g");
    }
    sql.push(" FROM access_request r");
    if include.requestor {
        sql.push(" JOIN app_user q ON q.id = r.requestor_id");
    }
    if include.package {
        sql.push(" JOIN access_package p ON p.id = r.access_package_id");
    }
    if include.catalog {
        sql.push(" JOIN catalog c ON c.id = r.catalog_id");
    }
    if include.policy {
        sql.push(" LEFT JOIN assignment_policy a ON a.id = r.policy_id");
    }
    if include.assignment {
        sql.push(" LEFT JOIN assignment g ON g.id = r.assignment_id");
    }
}

fn read(row: &QueryResult, include: Include) -> Result<Row, DbErr> {
    fn joined<M: FromQueryResult>(row: &QueryResult, wanted: bool, prefix: &str) -> Result<Option<M>, DbErr> {
        wanted.then(|| M::from_query_result(row, prefix)).transpose()
    }
    Ok(Row {
        request: access_request::Model::from_query_result(row, "r_")?,
        requestor: joined(row, include.requestor, "q_")?.map(Arc::new),
        package: joined(row, include.package, "p_")?.map(Arc::new),
        catalog: joined(row, include.catalog, "c_")?.map(Arc::new),
        policy: joined::<Option<_>>(row, include.policy, "a_")?.map(|policy| policy.map(Arc::new)),
        assignment: joined(row, include.assignment, "g_")?,
        deliveries: None,
    })
}

/// A page of the requests that the viewer may see, by the time they were made.
pub async fn list(
    connection: &impl Connection,
    scope: &Scope,
    filter: &Filter,
    include: Include,
    window: &Window,
) -> Result<Page<Row>, StoreError> {
    let list = List {
        from: "access_request r",
        key: ("r.submitted_at", "r_submitted_at"),
        id: ("r.id", "r_id"),
        select: &|sql| select(sql, include),
        matching: &|sql| matching(sql, scope, filter),
    };
    let mut page = list.page(connection, window, |row| read(row, include)).await?;
    with_deliveries(connection, &mut page.rows, include).await?;
    Ok(page)
}

/// Requests by id.
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
    visible(&mut sql, access);
    sql.push(" AND r.id").any_id(ids);
    let rows = connection.all(sql).await?;
    let mut rows: Vec<Row> = rows.iter().map(|row| read(row, include)).collect::<Result<_, _>>()?;
    with_deliveries(connection, &mut rows, include).await?;
    Ok(rows)
}

async fn with_deliveries(
    connection: &impl Connection,
    rows: &mut [Row],
    include: Include,
) -> Result<(), StoreError> {
    if !include.deliveries || rows.is_empty() {
        return Ok(());
    }
    let ids: Vec<Uuid> = rows.iter().map(|row| row.request.id).collect();
    let mut deliveries =
        super::grouped(delivery::of_requests(connection, &ids).await?, |row| row.delivery.request_id);
    for row in rows {
        row.deliveries = Some(deliveries.remove(&row.request.id).unwrap_or_default());
    }
    Ok(())
}

/// A page of a request's history, in the order it happened.
pub async fn history(
    connection: &impl Connection,
    request: Uuid,
    window: &Window,
) -> Result<Page<access_request_event::Model>, StoreError> {
    let list = List {
        from: "access_request_event e",
        key: ("e.seq", "e_seq"),
        id: ("e.request_id", "e_request_id"),
        select: &|sql| {
            sql.columns::<access_request_event::Entity>("e").push(" FROM access_request_event e");
        },
        matching: &|sql| {
            sql.push("e.request_id = ").bind(request);
        },
    };
    list.page(connection, window, |row| access_request_event::Model::from_query_result(row, "e_")).await
}
