//! Which token requests are wanted, and in which order.

use async_graphql::{Enum, ID, InputObject, MaybeUndefined};
use chrono::{DateTime, Utc};

use super::TokenRequestState;
use crate::graphql::access_token::TokenOrigin;
use crate::graphql::connection::{OrderDirection, given};
use crate::graphql::error::ApiError;
use crate::graphql::token_reach::Conditions;
use crate::store;

/// Which token requests are wanted. All given conditions hold together; a list means "one of these"; a condition
/// that is null is an error. The same type selects for bulk operations.
#[derive(Clone, Debug, Default, InputObject)]
pub struct TokenRequestFilter {
    /// Of these people.
    owner: MaybeUndefined<Vec<ID>>,
    /// Kept and decided at one of these places.
    origin: MaybeUndefined<Vec<TokenOrigin>>,
    /// Of the people with one of these names at their origin, at most 50; only imported ones.
    external_owner: MaybeUndefined<Vec<String>>,
    /// That reach one of these repositories; the selection `ALL` reaches every one.
    repository: MaybeUndefined<Vec<ID>>,
    /// With one of these permissions, for example `issues`, or at a level or a higher one, `issues_read`; at most 50.
    permission: MaybeUndefined<Vec<String>>,
    /// Of these tokens.
    token: MaybeUndefined<Vec<ID>>,
    /// In these states.
    state: MaybeUndefined<Vec<TokenRequestState>>,
    /// Made at or after this time.
    created_since: MaybeUndefined<DateTime<Utc>>,
    /// Made before this time.
    created_before: MaybeUndefined<DateTime<Utc>>,
    /// Whose token expires at or after this time, or never.
    expires_since: MaybeUndefined<DateTime<Utc>>,
    /// Whose token expires before this time.
    expires_before: MaybeUndefined<DateTime<Utc>>,
    /// Whose token was last used at or after this time.
    last_used_since: MaybeUndefined<DateTime<Utc>>,
    /// Whose token was last used before this time, or never.
    last_used_before: MaybeUndefined<DateTime<Utc>>,
}

impl TokenRequestFilter {
    /// The conditions for the store.
    pub fn condition(&self) -> Result<store::token_request::Filter, ApiError> {
        let conditions = Conditions {
            owner: &self.owner,
            origin: &self.origin,
            external_owner: &self.external_owner,
            repository: &self.repository,
            permission: &self.permission,
            token: &self.token,
            created_since: ("createdSince", &self.created_since),
            created_before: ("createdBefore", &self.created_before),
            expires_since: &self.expires_since,
            expires_before: &self.expires_before,
            last_used_since: &self.last_used_since,
            last_used_before: &self.last_used_before,
        };
        Ok(store::token_request::Filter {
            token: conditions.filter()?,
            states: given("state", &self.state)?.map(|states| states.into_iter().map(Into::into).collect()),
        })
    }
}

/// What a list of token requests is sorted by; ties are broken by id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum TokenRequestOrderField {
    /// The time they were made.
    CreatedAt,
    /// The time their token expires; never comes after every time.
    ExpiresAt,
    /// The time their token was last used; never comes before every time.
    LastUsedAt,
}

/// The order of a list of token requests.
#[derive(Clone, Copy, InputObject)]
pub struct TokenRequestOrder {
    /// What it is sorted by.
    pub field: TokenRequestOrderField,
    /// Which way.
    pub direction: OrderDirection,
}
