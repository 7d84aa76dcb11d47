//! Lists of token requests and of grants: each row names a token and whose it is, which can be read along.

use std::sync::Arc;

use entity::{access_token, app_user};
use sea_orm::{DbErr, EntityTrait, QueryResult};

use super::columns::{Columns, columns};
use super::database::Connection;
use super::error::StoreError;
use super::page::{List, Page, Part, Window};
use super::row::{Shared, Stored, part};
use super::sql::Sql;
use super::token_filter::{Table, TokenFilter, TokenOrder};

/// What to read of requests or grants, and what along with them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Include {
    /// Of the row itself; what lists need is always read.
    pub row: Columns,
    /// Of the token.
    pub token: Columns,
    /// Of whose token it is.
    pub owner: Columns,
}

/// Whole rows, and nothing along.
impl Default for Include {
    fn default() -> Self {
        Self { row: Columns::ALL, token: Columns::NONE, owner: Columns::NONE }
    }
}

impl Include {
    /// Everything.
    pub const ALL: Self = Self { row: Columns::ALL, token: Columns::ALL, owner: Columns::ALL };

    /// These columns of the row, too.
    pub(super) const fn with(self, columns: Columns) -> Self {
        Self { row: self.row.and(columns), ..self }
    }
}

/// A row of the table, with what is read along, as its caller keeps it.
type Of<M, R> = fn(M, Option<Arc<access_token::Model>>, Option<Arc<app_user::Model>>) -> R;

/// Reads rows; what many of them name is read once.
struct Rows<M, R> {
    prefix: &'static str,
    row: Columns,
    tokens: Shared<access_token::Model>,
    owners: Shared<app_user::Model>,
    of: Of<M, R>,
}

impl<M: Stored, R> Rows<M, R> {
    fn new(table: &Table, include: Include, of: Of<M, R>) -> Self {
        let (tokens, owners) = (Shared::of(include.token), Shared::of(include.owner));
        Self { prefix: table.prefix, row: include.row, tokens, owners, of }
    }

    fn read(&mut self, row: &QueryResult) -> Result<R, DbErr> {
        let (tokens, owners) = (&mut self.tokens, &mut self.owners);
        let token = tokens.are_read().then(|| tokens.model(row, "t_")).transpose()?;
        let owner = owners.are_read().then(|| owners.model(row, "o_")).transpose()?;
        Ok((self.of)(part(row, self.prefix, self.row)?, token, owner))
    }
}

/// Which page of a table is wanted.
pub(super) struct Wanted<'a> {
    /// The table.
    pub table: &'static Table,
    /// Its conditions, as `matching` writes them.
    pub filter: &'a TokenFilter,
    /// Adds the conditions after `WHERE`.
    pub matching: Part<'a>,
    /// What to read.
    pub include: Include,
    /// What it is sorted by.
    pub order: TokenOrder,
}

fn columns<E: EntityTrait>(sql: &mut Sql, table: &Table, include: Include) {
    sql.some_columns::<E>(table.alias, include.row);
    if include.token.any() {
        sql.push(", ").some_columns::<access_token::Entity>("t", include.token);
    }
    if include.owner.any() {
        sql.push(", ").some_columns::<app_user::Entity>("o", include.owner);
    }
}

fn join_token(sql: &mut Sql, table: &Table, include: Include) {
    if include.token.any() {
        sql.push(" JOIN access_token t ON t.id = ").push(table.token);
    }
}

fn join_owner(sql: &mut Sql, table: &Table, include: Include) {
    if include.owner.any() {
        sql.push(" JOIN app_user o ON o.id = ").push(table.owner);
    }
}

/// The tables that the conditions and the order are about.
pub(super) fn tables(table: &Table, filter: &TokenFilter, order: TokenOrder) -> &'static str {
    let about_token = filter.names_token() || order != TokenOrder::Created;
    if about_token { table.with_token } else { table.alone }
}

/// A page of the rows that match.
pub(super) async fn page<E, R>(
    connection: &impl Connection,
    wanted: Wanted<'_>,
    window: &Window,
    of: Of<E::Model, R>,
) -> Result<Page<R>, StoreError>
where
    E: EntityTrait,
    E::Model: Stored,
{
    let Wanted { table, filter, matching, mut include, order } = wanted;
    let from = tables(table, filter, order);
    // The key of a row's place is the token's.
    let (key, ordered) = match order {
        TokenOrder::Created => (table.created, None),
        TokenOrder::Expires => {
            (("t.expires_order", "t_expires_order"), Some(columns!(access_token: ExpiresAt)))
        }
        TokenOrder::LastUsed => {
            (("t.last_used_order", "t_last_used_order"), Some(columns!(access_token: LastUsedAt)))
        }
    };
    include.token = include.token.and(ordered.unwrap_or_default());
    let list = List {
        from,
        key,
        id: table.id,
        columns: Box::new(move |sql| {
            columns::<E>(sql, table, include);
            if ordered.is_some() {
                sql.push(", ").push(key.0).push(" AS ").push(key.1);
            }
        }),
        joins: Box::new(move |sql| {
            if from == table.alone {
                join_token(sql, table, include);
            }
            join_owner(sql, table, include);
        }),
        matching,
    };
    let mut read = Rows::new(table, include, of);
    list.page(connection, window, |row| read.read(row)).await
}

/// The rows with these conditions.
pub(super) async fn find<E, R>(
    connection: &impl Connection,
    table: &'static Table,
    include: Include,
    matching: impl FnOnce(&mut Sql),
    of: Of<E::Model, R>,
) -> Result<Vec<R>, StoreError>
where
    E: EntityTrait,
    E::Model: Stored,
{
    let mut sql = connection.sql();
    sql.push("SELECT ");
    columns::<E>(&mut sql, table, include);
    sql.push(" FROM ").push(table.alone);
    join_token(&mut sql, table, include);
    join_owner(&mut sql, table, include);
    sql.push(" WHERE ");
    matching(&mut sql);
    let rows = connection.all(sql).await?;
    let mut read = Rows::new(table, include, of);
    Ok(rows.iter().map(|row| read.read(row)).collect::<Result<_, _>>()?)
}
