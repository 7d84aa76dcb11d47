//! The database: connections, transactions, and every statement, by noun.
//!
//! Only this module names the ORM. Reads take a [`crate::authz::Scope`], which
//! goes into the SQL; writes happen inside a [`Transaction`], begun by
//! [`Database::write`] and by nothing else.

pub mod access_package;
pub mod access_request;
pub mod access_token;
pub mod approval;
pub mod assignment;
pub mod assignment_notice;
pub mod assignment_policy;
pub mod audit_chain;
pub mod audit_event;
pub mod bulk_operation;
pub mod catalog;
mod cell;
pub mod columns;
pub mod connected_organization;
pub mod connector;
pub mod database;
pub mod delivery;
pub mod digest;
pub mod directory;
mod due;
pub mod entitlement_grant;
pub mod error;
pub mod external_token;
pub mod grant_list;
pub mod guest;
pub mod idempotency;
pub mod inbox;
pub mod incompatible;
pub mod installation;
pub mod introspection_client;
mod kept;
mod lock;
pub mod notification;
pub mod organization;
pub mod package_notice;
pub mod page;
pub mod permission_definition;
pub mod remote_account;
pub mod remote_system;
pub mod repository;
pub mod resource;
mod row;
pub mod said;
mod session;
pub mod share_link;
pub mod sign_in_code;
pub mod signed_link;
pub mod signing_key;
pub mod sql;
pub mod token_access;
pub mod token_filter;
pub mod token_grant;
pub mod token_list;
pub mod token_notice;
pub mod token_request;
mod touched;
pub mod user;
pub mod webhook;
pub mod webhook_delivery;

pub use columns::Columns;
pub use database::{Database, DatabaseSettings, Transaction, Txn};
pub use due::{COUNTED, Waiting};
pub use error::StoreError;
pub use page::{Direction, Key, Page, Position, Window};
pub use said::{Said, Words};

use std::collections::HashMap;

use sea_orm::ActiveEnum;
use uuid::Uuid;

use crate::authz::Scope;
use sql::Sql;

/// Which rows a look-up by id may find.
#[derive(Clone, Copy, Debug)]
pub enum Access<'a> {
    /// What the viewer may see by itself: for ids that come from a client.
    Visible(&'a Scope),
    /// Anything in the organization: for what a row that is visible names.
    Named(Uuid),
}

impl Access<'_> {
    /// The organization; nothing crosses it.
    #[must_use]
    pub fn organization(&self) -> Uuid {
        match self {
            Self::Visible(scope) => scope.organization,
            Self::Named(organization) => *organization,
        }
    }
}

/// The texts that the database has for values of an enumeration.
fn names<E: ActiveEnum<Value = String>>(values: &[E]) -> Vec<String> {
    values.iter().map(ActiveEnum::to_value).collect()
}

/// Adds ` LIKE` for text anywhere in a lower-case column.
fn search<'a>(sql: &'a mut Sql, text: &str) -> &'a mut Sql {
    let mut pattern = String::with_capacity(text.len() + 2);
    pattern.push('%');
    for character in text.to_lowercase().chars() {
        if matches!(character, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(character);
    }
    pattern.push('%');
    sql.push(" LIKE ").bind(pattern).push(" ESCAPE '\\'")
}

/// Rows by the id of what they belong to, keeping their order.
pub(crate) fn grouped<T>(
    rows: impl IntoIterator<Item = T>,
    owner: impl Fn(&T) -> Uuid,
) -> HashMap<Uuid, Vec<T>> {
    let mut groups: HashMap<Uuid, Vec<T>> = HashMap::new();
    for row in rows {
        groups.entry(owner(&row)).or_default().push(row);
    }
    groups
}
