//! Tokens of other systems: what they ask for and were granted there, imported to be seen, never to be decided.
//!
//! An item is known by what its origin calls it, so an import can be repeated. People are known by their account
//! at the origin, and are nobody's user here: a name that is the same says nothing.

pub mod github;
pub mod import;

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use entity::permission_definition::PermissionTarget;
use entity::repository_access::AccessLevel;
use entity::token_request::RepositorySelection;

/// What was read of one file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Contents {
    /// The requests, by id.
    pub requests: BTreeMap<String, Item>,
    /// The grants, by id.
    pub grants: BTreeMap<String, Item>,
    /// How many permissions were left out: they are about people's own accounts, not about the organization.
    pub left_out: usize,
}

/// A request, or a grant: in either case what a token may do or is to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// Whose token.
    pub account: Account,
    /// The token.
    pub token: Token,
    /// Which repositories.
    pub selection: RepositorySelection,
    /// Which permissions.
    pub permissions: BTreeMap<(PermissionTarget, String), AccessLevel>,
    /// When it was asked for, or granted.
    pub at: DateTime<Utc>,
    /// Why it is asked for.
    pub justification: Option<String>,
}

/// A person at the origin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// The id, which stays.
    pub id: String,
    /// The name, which can change.
    pub login: String,
}

/// A token at the origin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// The id.
    pub id: String,
    /// The name.
    pub name: String,
    /// When it ends by itself; none: never.
    pub expires_at: Option<DateTime<Utc>>,
    /// When it was last used; none: never.
    pub last_used_at: Option<DateTime<Utc>>,
}
