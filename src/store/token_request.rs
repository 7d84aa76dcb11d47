//! Token requests: what they ask for, and their history.

use std::collections::HashMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use entity::token_request::{self, AutomaticReason, CancelReason, TokenRequestState};
use entity::token_request_event::{self, TokenRequestAction};
use entity::{access_token, app_user, repository, token_request_permission, token_request_repository};
use sea_orm::{ActiveEnum as _, QueryResult};
use uuid::Uuid;

use super::columns::{Columns, columns};
use super::database::{Connection, Txn};
use super::error::StoreError;
use super::page::{List, Page, Parents, Window, alone};
use super::row::{Shared, model};
use super::said::Said;
use super::sql::Sql;
use super::token_filter::{self, Table, TokenFilter, TokenOrder};
pub use super::token_list::Include;
use super::token_list::{self, Wanted};
use super::{Access, names};
use crate::authz::Scope;

/// A request, with what was read along with it.
#[derive(Clone, Debug)]
pub struct Row {
    /// The request.
    pub request: token_request::Model,
    /// The token.
    pub token: Option<Arc<access_token::Model>>,
    /// Whose token it is.
    pub owner: Option<Arc<app_user::Model>>,
}

/// Which requests are wanted. All given conditions hold together.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Filter {
    /// What requests and grants share.
    pub token: TokenFilter,
    /// In these states.
    pub states: Option<Vec<TokenRequestState>>,
}

const TABLE: Table = Table {
    alias: "r",
    alone: "token_request r",
    with_token: "access_token t JOIN token_request r ON r.token_id = t.id",
    prefix: "r_",
    id: ("r.id", "r_id"),
    organization: "r.organization_id",
    owner: "r.owner_id",
    token: "r.token_id",
    request: "r.id",
    selection: "r.repository_selection",
    created: ("r.created_at", "r_created_at"),
    origin: "r.origin",
};

/// What lists are sorted by, and what their rows are told apart by.
const LISTED: Columns = columns!(token_request: Id, CreatedAt);

fn row(
    request: token_request::Model,
    token: Option<Arc<access_token::Model>>,
    owner: Option<Arc<app_user::Model>>,
) -> Row {
    Row { request, token, owner }
}

fn matching(sql: &mut Sql, scope: &Scope, filter: &Filter) {
    token_filter::matching(sql, &TABLE, scope, &filter.token);
    match filter.states.as_deref() {
        None => {}
        // As text: only then the index of those that wait is seen.
        Some([TokenRequestState::Pending]) => {
            sql.push(" AND r.state = 'PENDING'");
        }
        Some(states) => {
            sql.push(" AND r.state").any_text(&names(states));
        }
    }
}

/// A page of the requests that the viewer may see.
pub async fn list(
    connection: &impl Connection,
    scope: &Scope,
    filter: &Filter,
    include: Include,
    order: TokenOrder,
    window: &Window,
) -> Result<Page<Row>, StoreError> {
    let wanted = Wanted {
        table: &TABLE,
        filter: &filter.token,
        matching: Box::new(|sql| matching(sql, scope, filter)),
        include: include.with(LISTED),
        order,
    };
    token_list::page::<token_request::Entity, _>(connection, wanted, window, row).await
}

/// Requests by id.
pub async fn find(
    connection: &impl Connection,
    access: Access<'_>,
    ids: &[Uuid],
    include: Include,
) -> Result<Vec<Row>, StoreError> {
    let wanted = |sql: &mut Sql| {
        token_filter::visible(sql, &TABLE, access);
        sql.push(" AND r.id").any_id(ids);
    };
    token_list::find::<token_request::Entity, _>(connection, &TABLE, include, wanted, row).await
}

/// The latest request of each of these tokens in an organization.
pub async fn latest(
    connection: &impl Connection,
    organization: Uuid,
    tokens: &[Uuid],
) -> Result<Vec<token_request::Model>, StoreError> {
    let mut sql = connection.sql();
    sql.push("SELECT ").columns::<token_request::Entity>("r").push(" FROM access_token t");
    sql.push(" JOIN token_request r ON r.id = (SELECT n.id FROM token_request n WHERE n.token_id = t.id");
    sql.push(" AND n.organization_id = ").bind(organization);
    sql.push(" ORDER BY n.created_at DESC, n.id DESC LIMIT 1) WHERE t.id").any_id(tokens);
    let rows = connection.all(sql).await?;
    Ok(rows.iter().map(|row| model::<token_request::Model>(row, "r_")).collect::<Result<_, _>>()?)
}

/// The permissions that requests ask for, by target and name.
pub async fn permissions(
    connection: &impl Connection,
    requests: &[Uuid],
) -> Result<Vec<token_request_permission::Model>, StoreError> {
    let mut sql = connection.sql();
    sql.push("SELECT ").columns::<token_request_permission::Entity>("p");
    sql.push(" FROM token_request_permission p WHERE p.request_id").any_id(requests);
    sql.push(" ORDER BY p.request_id, p.target, p.name");
    let rows = connection.all(sql).await?;
    let read = |row| model::<token_request_permission::Model>(row, "p_");
    Ok(rows.iter().map(read).collect::<Result<_, _>>()?)
}

/// The repositories that requests name, those deleted since, too.
pub async fn repositories(
    connection: &impl Connection,
    requests: &[Uuid],
) -> Result<Vec<token_request_repository::Model>, StoreError> {
    let mut sql = connection.sql();
    sql.push("SELECT ").columns::<token_request_repository::Entity>("n");
    sql.push(" FROM token_request_repository n WHERE n.request_id").any_id(requests);
    sql.push(" ORDER BY n.request_id, n.repository_id");
    let rows = connection.all(sql).await?;
    let read = |row| model::<token_request_repository::Model>(row, "n_");
    Ok(rows.iter().map(read).collect::<Result<_, _>>()?)
}

/// The repositories that requests name, by name, those deleted since left out; these columns of each.
pub async fn named_repositories(
    connection: &impl Connection,
    requests: &[Uuid],
    columns: Columns,
) -> Result<HashMap<Uuid, Vec<Arc<repository::Model>>>, StoreError> {
    let mut sql = connection.sql();
    sql.push("SELECT n.request_id, ").some_columns::<repository::Entity>("p", columns);
    sql.push(" FROM token_request_repository n JOIN repository p ON p.id = n.repository_id");
    sql.push(" WHERE p.deleted_at IS NULL AND n.request_id").any_id(requests);
    sql.push(" ORDER BY n.request_id, p.name_key, p.id");
    let mut shared = Shared::of(columns);
    let mut named: HashMap<Uuid, Vec<Arc<repository::Model>>> = HashMap::new();
    for row in connection.all(sql).await? {
        let request = row.try_get("", "request_id")?;
        named.entry(request).or_default().push(shared.model(&row, "p_")?);
    }
    Ok(named)
}

/// The same page of the history of each of these requests, in the order it happened.
pub async fn history(
    connection: &impl Connection,
    requests: &[Uuid],
    window: &Window,
) -> Result<HashMap<Uuid, Page<token_request_event::Model>>, StoreError> {
    let list = List {
        from: "token_request_event e",
        key: ("e.seq", "e_seq"),
        id: ("e.request_id", "e_request_id"),
        columns: Box::new(|sql| {
            sql.columns::<token_request_event::Entity>("e");
        }),
        joins: Box::new(alone),
        matching: Box::new(|sql| {
            sql.push("TRUE");
        }),
    };
    let parents = Parents { column: ("e.request_id", "e_request_id"), ids: requests };
    list.pages(connection, parents, window, |row| model::<token_request_event::Model>(row, "e_")).await
}

/// A request with what its review depends on.
#[derive(Clone, Debug)]
pub struct Judged {
    /// The request.
    pub request: token_request::Model,
    /// When its token expires.
    pub expires_at: Option<DateTime<Utc>>,
}

/// Requests by id, locked in the order of their ids; what is not visible is left out.
pub async fn lock_judged(txn: &Txn, access: Access<'_>, ids: &[Uuid]) -> Result<Vec<Judged>, StoreError> {
    let mut sql = txn.sql();
    sql.push("SELECT ").columns::<token_request::Entity>("r").push(", t.expires_at AS token_expires_at");
    sql.push(" FROM token_request r JOIN access_token t ON t.id = r.token_id WHERE ");
    token_filter::visible(&mut sql, &TABLE, access);
    sql.push(" AND r.id").any_id(ids).push(" ORDER BY r.id").lock("r");
    let read = |row: &QueryResult| {
        Ok(Judged {
            request: model::<token_request::Model>(row, "r_")?,
            expires_at: row.try_get("", "token_expires_at")?,
        })
    };
    txn.all(sql).await?.iter().map(read).collect()
}

/// How many requests of an organization wait for an owner.
pub async fn count_waiting(txn: &Txn, organization: Uuid) -> Result<i64, StoreError> {
    let mut sql = txn.sql();
    sql.push("SELECT count(*) AS total FROM token_request r WHERE r.state = 'PENDING'");
    sql.push(" AND r.origin = 'GUICHET'");
    sql.push(" AND r.organization_id = ").bind(organization);
    let rows = txn.all(sql).await?;
    Ok(rows.first().map(|row| row.try_get("", "total")).transpose()?.unwrap_or_default())
}

/// Which waiting requests to lock.
#[derive(Clone, Copy, Debug)]
pub enum Waiting<'a> {
    /// Of these tokens, in every organization.
    OfTokens(&'a [Uuid]),
    /// Of the tokens of this person.
    OfOwner(Uuid),
    /// In this organization.
    In(Uuid),
}

/// The requests that wait for a decision here, locked in the order of their ids.
pub async fn lock_waiting(txn: &Txn, which: Waiting<'_>) -> Result<Vec<token_request::Model>, StoreError> {
    let mut sql = txn.sql();
    sql.push("SELECT ").columns::<token_request::Entity>("r").push(" FROM token_request r");
    sql.push(" WHERE r.state = 'PENDING' AND r.origin = 'GUICHET' AND ");
    match which {
        Waiting::OfTokens(tokens) => sql.push("r.token_id").any_id(tokens),
        Waiting::OfOwner(owner) => sql.push("r.owner_id = ").bind(owner),
        Waiting::In(organization) => sql.push("r.organization_id = ").bind(organization),
    };
    sql.push(" ORDER BY r.id").lock("r");
    let rows = txn.all(sql).await?;
    Ok(rows.iter().map(|row| model::<token_request::Model>(row, "r_")).collect::<Result<_, _>>()?)
}

/// How waiting requests end.
#[derive(Clone, Copy, Debug)]
pub struct Closing<'a> {
    /// Where they stand afterwards.
    pub to: TokenRequestState,
    /// What the history says.
    pub action: TokenRequestAction,
    /// Who did it; nobody for Guichet itself.
    pub actor: Option<Uuid>,
    /// What an owner said about each.
    pub said: Said<'a>,
    /// Why they were cancelled.
    pub cancel_reason: Option<CancelReason>,
    /// Why nobody had to decide.
    pub automatic_reason: Option<AutomaticReason>,
    /// Through which bulk operation.
    pub bulk_operation: Option<Uuid>,
}

/// Ends waiting requests and writes their history; what no longer waits is left out. Gives those that ended.
pub async fn close(txn: &Txn, ids: &[Uuid], step: Closing<'_>) -> Result<Vec<Uuid>, StoreError> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let mut sql = txn.sql();
    sql.push("UPDATE token_request SET state = ").bind(step.to.to_value());
    sql.push(", event_count = event_count + 1, closed_at = ").bind(txn.now());
    if matches!(step.to, TokenRequestState::Approved | TokenRequestState::Denied) {
        sql.push(", reviewed_at = ").bind(txn.now()).push(", reviewed_by_id = ").bind(step.actor);
        sql.push(", review_reason = ");
        step.said.value(&mut sql);
        sql.push(", automatic_reason = ").bind(step.automatic_reason.map(|reason| reason.to_value()));
    }
    sql.push(", cancel_reason = ").bind(step.cancel_reason.map(|reason| reason.to_value()));
    step.said.add_from(&mut sql, ids);
    sql.push(" WHERE token_request.state = 'PENDING' AND ");
    step.said.is_about(&mut sql, "token_request.id", ids);
    sql.push(" RETURNING token_request.id AS id");
    let read = |row: &QueryResult| Ok(row.try_get("", "id")?);
    let closed = txn.all(sql).await?.iter().map(read).collect::<Result<Vec<Uuid>, StoreError>>()?;
    let code = step.cancel_reason.map(|reason| reason.to_value());
    let event = Event {
        action: step.action,
        from: Some(TokenRequestState::Pending),
        to: step.to,
        actor: step.actor,
        said: code.as_deref().map_or(step.said, |code| Said::All(Some(code))),
        bulk_operation: step.bulk_operation,
    };
    write(txn, &closed, event).await?;
    Ok(closed)
}

#[derive(Clone, Copy)]
struct Event<'a> {
    action: TokenRequestAction,
    from: Option<TokenRequestState>,
    to: TokenRequestState,
    actor: Option<Uuid>,
    said: Said<'a>,
    bulk_operation: Option<Uuid>,
}

/// Writes an event of these requests under the number that they have reached.
async fn write(txn: &Txn, requests: &[Uuid], event: Event<'_>) -> Result<(), StoreError> {
    if requests.is_empty() {
        return Ok(());
    }
    let mut sql = txn.sql();
    sql.push("INSERT INTO token_request_event (request_id, seq, at, action, from_state, to_state, actor_id");
    sql.push(", reason, bulk_operation_id) SELECT r.id, r.event_count, ").bind(txn.now());
    sql.push(", ").bind(event.action.to_value());
    sql.push(", ").bind(event.from.map(|state| state.to_value()));
    sql.push(", ").bind(event.to.to_value()).push(", ").bind(event.actor);
    sql.push(", ");
    event.said.value(&mut sql);
    sql.push(", ").bind(event.bulk_operation);
    event.said.add_from_with(&mut sql, requests, "token_request r");
    sql.push(" WHERE ");
    event.said.is_about(&mut sql, "r.id", requests);
    txn.execute(sql).await.map(|_| ())
}

/// Writes what became of the grants of approved requests into the requests' history.
pub async fn note_grants(
    txn: &Txn,
    requests: &[Uuid],
    action: TokenRequestAction,
    actor: Option<Uuid>,
    reason: Option<&str>,
    bulk_operation: Option<Uuid>,
) -> Result<(), StoreError> {
    if requests.is_empty() {
        return Ok(());
    }
    let mut sql = txn.sql();
    sql.push("UPDATE token_request SET event_count = event_count + 1 WHERE id").any_id(requests);
    txn.execute(sql).await?;
    let (from, to) = (Some(TokenRequestState::Approved), TokenRequestState::Approved);
    write(txn, requests, Event { action, from, to, actor, said: Said::All(reason), bulk_operation }).await
}

/// The end of a token has changed: what waits for it is due then.
pub async fn set_expiry(txn: &Txn, token: Uuid, expires_at: Option<DateTime<Utc>>) -> Result<(), StoreError> {
    let mut sql = txn.sql();
    sql.push("UPDATE token_request SET expires_at = ").bind(expires_at);
    sql.push(" WHERE state = 'PENDING' AND token_id = ").bind(token);
    txn.execute(sql).await.map(|_| ())
}

/// Adds a request with what it asks for.
pub async fn insert(
    txn: &Txn,
    request: token_request::Model,
    repositories: Vec<token_request_repository::Model>,
    permissions: Vec<token_request_permission::Model>,
) -> Result<(), StoreError> {
    let event = token_request_event::Model {
        request_id: request.id,
        seq: 1,
        at: request.created_at,
        action: TokenRequestAction::Created,
        from_state: None,
        to_state: TokenRequestState::Pending,
        actor_id: Some(request.owner_id),
        reason: None,
        bulk_operation_id: None,
    };
    txn.insert(request).await?;
    txn.insert_all(repositories).await?;
    txn.insert_all(permissions).await?;
    txn.insert(event).await
}

/// Fixes the set of a bulk operation: everything that matches and is visible, newest first. Gives its size.
pub async fn select_for(
    txn: &Txn,
    operation: Uuid,
    scope: &Scope,
    filter: &Filter,
    most: u64,
) -> Result<u64, StoreError> {
    let mut sql = txn.sql();
    sql.push("INSERT INTO bulk_operation_item (operation_id, position, requested_id, target_id, outcome, error_code)");
    sql.push(" SELECT ").bind(operation);
    sql.push(", row_number() OVER (ORDER BY r.created_at DESC, r.id DESC) - 1, NULL, r.id, 'PENDING', NULL");
    sql.push(" FROM ").push(token_list::tables(&TABLE, &filter.token, TokenOrder::Created)).push(" WHERE ");
    matching(&mut sql, scope, filter);
    sql.push(" ORDER BY r.created_at DESC, r.id DESC LIMIT ").number(most);
    txn.execute(sql).await
}
