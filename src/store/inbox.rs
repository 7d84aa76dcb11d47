//! What waits for somebody's decision: stages of approval and token requests, as one list.
//!
//! Each half is found by an index in the order of the list, `approval_approver_…` and `token_request_…`, so that a
//! page costs the same however much waits, and whatever was decided before.

use chrono::{DateTime, Utc};
use sea_orm::{DbErr, QueryResult};
use uuid::Uuid;

use super::access_token::never;
use super::database::{Connection, Txn};
use super::error::StoreError;
use super::page::{List, Page, Window, alone, page_of_all};
use super::sql::Sql;
use crate::authz::Scope;

/// What kind of thing waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum InboxKind {
    /// A stage of the approval of an access request.
    AccessRequest,
    /// What a token asks for.
    TokenRequest,
}

/// What a list of what waits is sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Order {
    /// Since when it waits.
    WaitingSince,
    /// Until when it can be decided; what can be decided for ever comes last.
    DueAt,
}

/// Which of what waits is wanted. All given conditions hold together.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Filter {
    /// Of these kinds.
    pub kinds: Option<Vec<InboxKind>>,
    /// Requests for these packages.
    pub packages: Option<Vec<Uuid>>,
    /// Requests in these catalogs.
    pub catalogs: Option<Vec<Uuid>>,
    /// About the access, or the tokens, of these people.
    pub requestors: Option<Vec<Uuid>>,
    /// Waiting since then or later.
    pub waiting_from: Option<DateTime<Utc>>,
    /// Waiting since before.
    pub waiting_until: Option<DateTime<Utc>>,
    /// Due then or later.
    pub due_from: Option<DateTime<Utc>>,
    /// Due before.
    pub due_until: Option<DateTime<Utc>>,
}

/// Something that waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// The stage of approval, or the token request.
    pub id: Uuid,
    /// Which of the two.
    pub kind: InboxKind,
    /// Since when it waits.
    pub waiting_since: DateTime<Utc>,
    /// Until when it can be decided; none: for ever.
    pub due_at: Option<DateTime<Utc>>,
    /// Whose access, or whose token.
    pub requestor: Uuid,
    /// Why it is asked for.
    pub justification: Option<String>,
    /// Whether the decision must say why.
    pub justification_required: bool,
}

impl Filter {
    /// Whether things of a kind can match.
    fn admits(&self, kind: InboxKind) -> bool {
        self.kinds.as_ref().is_none_or(|kinds| kinds.contains(&kind))
    }
}

/// The stages of approval that wait for somebody.
fn approvals<'a>(scope: &'a Scope, filter: &'a Filter, order: Order) -> List<'a> {
    List {
        from: "approval_approver p JOIN approval a ON a.id = p.approval_id JOIN access_request r ON r.id = a.request_id",
        key: match order {
            Order::WaitingSince => ("p.waiting_since", "since"),
            Order::DueAt => ("p.waiting_until", "due"),
        },
        id: ("p.approval_id", "item"),
        columns: Box::new(|sql| {
            sql.push("'ACCESS_REQUEST' AS kind, p.approval_id AS item, p.waiting_since AS since");
            sql.push(", p.waiting_until AS due, r.requestor_id AS person, r.justification AS why");
            sql.push(", a.justification_required AS must_say_why");
        }),
        joins: Box::new(alone),
        matching: Box::new(|sql| {
            sql.push("p.waiting_since IS NOT NULL AND p.user_id = ").bind(scope.user);
            sql.push(" AND a.organization_id = ").bind(scope.organization);
            for (column, ids) in [
                (" AND r.access_package_id", &filter.packages),
                (" AND r.catalog_id", &filter.catalogs),
                (" AND r.requestor_id", &filter.requestors),
            ] {
                if let Some(ids) = ids {
                    sql.push(column).any_id(ids);
                }
            }
            sql.within("p.waiting_since", filter.waiting_from, filter.waiting_until);
            sql.within("p.waiting_until", filter.due_from, filter.due_until);
        }),
    }
}

/// The token requests of others that wait for an owner of the organization.
fn token_requests<'a>(scope: &'a Scope, filter: &'a Filter, order: Order) -> List<'a> {
    List {
        from: "token_request q",
        key: match order {
            Order::WaitingSince => ("q.created_at", "since"),
            Order::DueAt => ("q.due_order", "due"),
        },
        id: ("q.id", "item"),
        columns: Box::new(|sql| {
            sql.push("'TOKEN_REQUEST' AS kind, q.id AS item, q.created_at AS since, q.due_order AS due");
            sql.push(", q.owner_id AS person, q.justification AS why, FALSE AS must_say_why");
        }),
        joins: Box::new(alone),
        matching: Box::new(|sql| {
            sql.push("q.state = 'PENDING' AND q.origin = 'GUICHET' AND q.organization_id = ");
            sql.bind(scope.organization).push(" AND q.owner_id <> ").bind(scope.user);
            if let Some(requestors) = &filter.requestors {
                sql.push(" AND q.owner_id").any_id(requestors);
            }
            sql.within("q.created_at", filter.waiting_from, filter.waiting_until);
            sql.within("q.due_order", filter.due_from, filter.due_until);
        }),
    }
}

/// What waits for the viewer: the lists that have something that can match.
fn halves<'a>(scope: &'a Scope, filter: &'a Filter, order: Order) -> Vec<List<'a>> {
    let mut halves = Vec::with_capacity(2);
    if scope.user.is_some() && filter.admits(InboxKind::AccessRequest) {
        halves.push(approvals(scope, filter, order));
    }
    // What is asked of packages and catalogs is asked of access requests.
    let any = filter.packages.is_none() && filter.catalogs.is_none();
    if scope.user.is_some() && scope.decides_tokens && any && filter.admits(InboxKind::TokenRequest) {
        halves.push(token_requests(scope, filter, order));
    }
    halves
}

fn read(row: &QueryResult) -> Result<Item, DbErr> {
    let kind: String = row.try_get("", "kind")?;
    let due: DateTime<Utc> = row.try_get("", "due")?;
    Ok(Item {
        id: row.try_get("", "item")?,
        kind: if kind == "TOKEN_REQUEST" { InboxKind::TokenRequest } else { InboxKind::AccessRequest },
        waiting_since: row.try_get("", "since")?,
        due_at: (due != never()).then_some(due),
        requestor: row.try_get("", "person")?,
        justification: row.try_get("", "why")?,
        justification_required: row.try_get("", "must_say_why")?,
    })
}

/// A page of what waits for the viewer.
pub async fn list(
    connection: &impl Connection,
    scope: &Scope,
    filter: &Filter,
    order: Order,
    window: &Window,
) -> Result<Page<Item>, StoreError> {
    page_of_all(connection, &halves(scope, filter, order), window, read).await
}

/// Fixes the set of a bulk operation: everything that waits for the viewer and matches, oldest first. Gives its size.
pub async fn select_for(
    txn: &Txn,
    operation: Uuid,
    scope: &Scope,
    filter: &Filter,
    most: u64,
) -> Result<u64, StoreError> {
    let halves = halves(scope, filter, Order::WaitingSince);
    if halves.is_empty() {
        return Ok(0);
    }
    let mut sql: Sql = txn.sql();
    sql.push("INSERT INTO bulk_operation_item (operation_id, position, requested_id, target_id, outcome, error_code)");
    sql.push(" SELECT ").bind(operation).push(", row_number() OVER (ORDER BY i.since, i.item) - 1");
    sql.push(", NULL, i.item, 'PENDING', NULL FROM (");
    for (place, list) in halves.iter().enumerate() {
        sql.push(if place > 0 { " UNION ALL SELECT " } else { "SELECT " });
        sql.push(list.key.0).push(" AS since, ").push(list.id.0).push(" AS item FROM ").push(list.from);
        sql.push(" WHERE ");
        (list.matching)(&mut sql);
    }
    sql.push(") i ORDER BY i.since, i.item LIMIT ").number(most);
    txn.execute(sql).await
}
