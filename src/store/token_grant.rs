//! What organizations allow tokens.

use std::sync::Arc;

use entity::token_grant::{self, TokenGrantState};
use entity::{access_token, app_user};
use sea_orm::ActiveEnum as _;
use uuid::Uuid;

use super::columns::{Columns, columns};
use super::database::{Connection, Txn};
use super::error::StoreError;
use super::page::{Page, Window};
use super::row::model;
use super::sql::Sql;
use super::token_filter::{self, Table, TokenFilter, TokenOrder};
pub use super::token_list::Include;
use super::token_list::{self, Wanted};
use super::{Access, names};
use crate::authz::Scope;

/// A grant, with what was read along with it.
#[derive(Clone, Debug)]
pub struct Row {
    /// The grant.
    pub grant: token_grant::Model,
    /// The token.
    pub token: Option<Arc<access_token::Model>>,
    /// Whose token it is.
    pub owner: Option<Arc<app_user::Model>>,
}

/// Which grants are wanted. All given conditions hold together.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Filter {
    /// What requests and grants share.
    pub token: TokenFilter,
    /// In these states.
    pub states: Option<Vec<TokenGrantState>>,
}

const TABLE: Table = Table {
    alias: "g",
    alone: "token_grant g",
    with_token: "access_token t JOIN token_grant g ON g.token_id = t.id",
    prefix: "g_",
    id: ("g.id", "g_id"),
    organization: "g.organization_id",
    owner: "g.owner_id",
    token: "g.token_id",
    request: "g.request_id",
    selection: "g.repository_selection",
    created: ("g.granted_at", "g_granted_at"),
    origin: "g.origin",
};

/// What lists are sorted by, and what their rows are told apart by.
const LISTED: Columns = columns!(token_grant: Id, GrantedAt);

fn row(
    grant: token_grant::Model,
    token: Option<Arc<access_token::Model>>,
    owner: Option<Arc<app_user::Model>>,
) -> Row {
    Row { grant, token, owner }
}

fn matching(sql: &mut Sql, scope: &Scope, filter: &Filter) {
    token_filter::matching(sql, &TABLE, scope, &filter.token);
    if let Some(states) = &filter.states {
        sql.push(" AND g.state").any_text(&names(states));
    }
}

/// A page of the grants that the viewer may see.
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
    token_list::page::<token_grant::Entity, _>(connection, wanted, window, row).await
}

/// Grants by id.
pub async fn find(
    connection: &impl Connection,
    access: Access<'_>,
    ids: &[Uuid],
    include: Include,
) -> Result<Vec<Row>, StoreError> {
    let wanted = |sql: &mut Sql| {
        token_filter::visible(sql, &TABLE, access);
        sql.push(" AND g.id").any_id(ids);
    };
    token_list::find::<token_grant::Entity, _>(connection, &TABLE, include, wanted, row).await
}

/// The grants in force of these tokens in an organization.
pub async fn active(
    connection: &impl Connection,
    organization: Uuid,
    tokens: &[Uuid],
) -> Result<Vec<token_grant::Model>, StoreError> {
    let mut sql = connection.sql();
    sql.push("SELECT ").columns::<token_grant::Entity>("g").push(" FROM token_grant g");
    sql.push(" WHERE g.state = 'ACTIVE' AND g.organization_id = ").bind(organization);
    sql.push(" AND g.token_id").any_id(tokens);
    let rows = connection.all(sql).await?;
    Ok(rows.iter().map(|row| model::<token_grant::Model>(row, "g_")).collect::<Result<_, _>>()?)
}

/// The grants of these requests.
pub async fn of_requests(
    connection: &impl Connection,
    requests: &[Uuid],
) -> Result<Vec<token_grant::Model>, StoreError> {
    let mut sql = connection.sql();
    sql.push("SELECT ").columns::<token_grant::Entity>("g").push(" FROM token_grant g");
    sql.push(" WHERE g.request_id").any_id(requests);
    let rows = connection.all(sql).await?;
    Ok(rows.iter().map(|row| model::<token_grant::Model>(row, "g_")).collect::<Result<_, _>>()?)
}

/// The tokens of these grants, locked in the order of their ids; of grants that can be found.
pub async fn lock_tokens(txn: &Txn, access: Access<'_>, grants: &[Uuid]) -> Result<Vec<Uuid>, StoreError> {
    let mut sql = txn.sql();
    sql.push(
        "SELECT t.id AS id FROM access_token t WHERE t.id IN (SELECT g.token_id FROM token_grant g WHERE ",
    );
    token_filter::visible(&mut sql, &TABLE, access);
    sql.push(" AND g.id").any_id(grants).push(") ORDER BY t.id").lock("t");
    txn.all(sql).await?.iter().map(|row| Ok(row.try_get("", "id")?)).collect()
}

/// Grants by id, locked in the order of their ids; what is not visible is left out.
pub async fn lock(
    txn: &Txn,
    access: Access<'_>,
    ids: &[Uuid],
) -> Result<Vec<token_grant::Model>, StoreError> {
    let mut sql = txn.sql();
    sql.push("SELECT ").columns::<token_grant::Entity>("g").push(" FROM token_grant g WHERE ");
    token_filter::visible(&mut sql, &TABLE, access);
    sql.push(" AND g.id").any_id(ids).push(" ORDER BY g.id").lock("g");
    let rows = txn.all(sql).await?;
    Ok(rows.iter().map(|row| model::<token_grant::Model>(row, "g_")).collect::<Result<_, _>>()?)
}

/// Which grants in force end.
#[derive(Clone, Copy, Debug)]
pub enum Which<'a> {
    /// These.
    Ids(&'a [Uuid]),
    /// Those of these tokens in one organization.
    OfTokensIn(&'a [Uuid], Uuid),
    /// Those of these tokens, in every organization.
    OfTokens(&'a [Uuid]),
    /// Those of one person's tokens.
    OfOwner(Uuid),
}

/// How grants end.
#[derive(Clone, Copy, Debug)]
pub struct Ending<'a> {
    /// Where they stand afterwards.
    pub to: TokenGrantState,
    /// Who did it; nobody for Guichet itself.
    pub actor: Option<Uuid>,
    /// What an owner said about it.
    pub reason: Option<&'a str>,
}

/// Ends grants that are in force. Gives those that ended, as they are now.
pub async fn end(
    txn: &Txn,
    which: Which<'_>,
    ending: Ending<'_>,
) -> Result<Vec<token_grant::Model>, StoreError> {
    if let Which::Ids([]) | Which::OfTokens([]) | Which::OfTokensIn([], _) = which {
        return Ok(Vec::new());
    }
    let mut sql = txn.sql();
    sql.push("UPDATE token_grant SET state = ").bind(ending.to.to_value());
    sql.push(", ended_at = ").bind(txn.now()).push(", ended_by_id = ").bind(ending.actor);
    sql.push(", end_reason = ").bind(ending.reason.map(str::to_owned));
    sql.push(" WHERE state = 'ACTIVE' AND ");
    match which {
        Which::Ids(ids) => sql.push("id").any_id(ids),
        Which::OfTokens(tokens) => sql.push("token_id").any_id(tokens),
        Which::OfTokensIn(tokens, organization) => {
            sql.push("token_id").any_id(tokens).push(" AND organization_id = ").bind(organization)
        }
        Which::OfOwner(owner) => sql.push("owner_id = ").bind(owner),
    };
    sql.push(" RETURNING id AS g_id, organization_id AS g_organization_id, token_id AS g_token_id");
    sql.push(", owner_id AS g_owner_id, request_id AS g_request_id, state AS g_state");
    sql.push(", repository_selection AS g_repository_selection, granted_at AS g_granted_at");
    sql.push(", granted_by_id AS g_granted_by_id, ended_at AS g_ended_at, ended_by_id AS g_ended_by_id");
    sql.push(", end_reason AS g_end_reason, origin AS g_origin, external_id AS g_external_id");
    let rows = txn.all(sql).await?;
    Ok(rows.iter().map(|row| model::<token_grant::Model>(row, "g_")).collect::<Result<_, _>>()?)
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
    sql.push(", row_number() OVER (ORDER BY g.granted_at DESC, g.id DESC) - 1, NULL, g.id, 'PENDING', NULL");
    sql.push(" FROM ").push(token_list::tables(&TABLE, &filter.token, TokenOrder::Created)).push(" WHERE ");
    matching(&mut sql, scope, filter);
    sql.push(" ORDER BY g.granted_at DESC, g.id DESC LIMIT ").number(most);
    txn.execute(sql).await
}
