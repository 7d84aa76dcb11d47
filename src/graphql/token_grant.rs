//! Token grants.

pub mod mutation;

use std::sync::Arc;

use async_graphql::{Context, Enum, ID, InputObject, MaybeUndefined, Object, SimpleObject, Value};
use chrono::{DateTime, Utc};

use super::access_token::{AccessToken, ExternalOwner, TokenOrigin};
use super::api::Api;
use super::connection::{Connection, Listed, OrderDirection, Paging, Selected, Sorted, given};
use super::error::{ApiError, UserErrorCode};
use super::id::{GlobalId, Kind};
use super::repository::Repository;
use super::requires::requires;
use super::resolve::{Now, Plain, Rows, enum_value, maybe, scalar};
use super::token_reach::{self, Conditions, RepositorySelection, TokenPermission};
use super::token_request::TokenRequest;
use super::user::User;
use crate::authz::Permission;
use crate::domain::token_grant::revoke;
use crate::store::columns::columns;
use crate::store::token_filter::TokenOrder;
use crate::store::{self, Columns, Key, Position, access_token};

/// What the organization allows a token: what its request asked for.
#[derive(Clone)]
pub struct TokenGrant(pub Arc<store::token_grant::Row>);

impl Listed for TokenGrant {
    fn position(&self, by: &str) -> Position {
        let token = self.0.token.as_ref();
        let key = match by {
            "EXPIRES_AT" => token.and_then(|token| token.expires_at).unwrap_or_else(access_token::never),
            "LAST_USED_AT" => {
                token.and_then(|token| token.last_used_at).unwrap_or_else(access_token::not_yet)
            }
            _ => self.0.grant.granted_at,
        };
        Position { key: Key::Time(key), id: self.0.grant.id }
    }
}

impl Plain for TokenGrant {
    fn plain(&self, field: &str) -> Option<Value> {
        let grant = &self.0.grant;
        Some(match field {
            "id" => scalar(&Kind::TokenGrant.id(grant.id)),
            "state" => enum_value(TokenGrantState::from(grant.state)),
            "repositorySelection" => enum_value(RepositorySelection::from(grant.repository_selection)),
            "grantedAt" => scalar(&grant.granted_at),
            "endedAt" => maybe(grant.ended_at.as_ref()),
            "endReason" => maybe(grant.end_reason.as_ref()),
            _ => return None,
        })
    }

    fn columns(field: &str) -> Columns {
        match field {
            "id" => Columns::KEY,
            "token" => columns!(token_grant: TokenId),
            "owner" | "externalOwner" => columns!(token_grant: OwnerId, Origin),
            "request" | "repositories" | "permissions" => columns!(token_grant: RequestId),
            "state" => columns!(token_grant: State),
            "repositorySelection" => columns!(token_grant: RepositorySelection),
            "grantedAt" => columns!(token_grant: GrantedAt),
            "endedAt" => columns!(token_grant: EndedAt),
            "endReason" => columns!(token_grant: EndReason),
            _ => Columns::ALL,
        }
    }
}

impl TokenGrant {
    async fn owner_row(&self, api: &Api) -> Result<Arc<entity::app_user::Model>, ApiError> {
        match &self.0.owner {
            Some(owner) => Ok(Arc::clone(owner)),
            None => api.loaders.users().get(self.0.grant.owner_id).await,
        }
    }

    /// Whether the viewer can revoke it, or why not.
    fn judged(&self, api: &Api) -> Result<(), crate::domain::Code> {
        let grant = &self.0.grant;
        revoke::judge(grant.origin, grant.state, api.viewer.holds(Permission::ManageTokens))
    }
}

/// What the organization allows a token: what its request asked for.
#[Object]
impl TokenGrant {
    /// The global id.
    pub async fn id(&self) -> ID {
        Kind::TokenGrant.id(self.0.grant.id)
    }

    /// The token.
    async fn token(&self, ctx: &Context<'_>) -> Result<Now<AccessToken>, ApiError> {
        let token = match &self.0.token {
            Some(token) => Arc::clone(token),
            None => Api::of(ctx).loaders.access_tokens().get(self.0.grant.token_id).await?,
        };
        Ok(Now(AccessToken(token)))
    }

    /// Whose token it is; null where it was imported, see `externalOwner`.
    async fn owner(&self, ctx: &Context<'_>) -> Result<Option<Now<User>>, ApiError> {
        let here = self.0.grant.origin == entity::access_token::TokenOrigin::Guichet;
        Ok(if here { Some(Now(User(self.owner_row(Api::of(ctx)).await?))) } else { None })
    }

    /// Whose token it is at its origin; null for Guichet's own.
    async fn external_owner(&self, ctx: &Context<'_>) -> Result<Option<ExternalOwner>, ApiError> {
        let here = self.0.grant.origin == entity::access_token::TokenOrigin::Guichet;
        Ok(if here { None } else { Some(ExternalOwner::from(&*self.owner_row(Api::of(ctx)).await?)) })
    }

    /// Where it is kept and decided. What comes from elsewhere was imported, and is only shown.
    async fn origin(&self) -> TokenOrigin {
        self.0.grant.origin.into()
    }

    /// What its origin calls it, the id of the grant; null for Guichet's own.
    async fn external_id(&self) -> Option<&str> {
        self.0.grant.external_id.as_deref()
    }

    /// The request that was granted.
    async fn request(&self, ctx: &Context<'_>) -> Result<Now<TokenRequest>, ApiError> {
        let row = Api::of(ctx).loaders.named_token_requests().get(self.0.grant.request_id).await?;
        Ok(Now(TokenRequest(row)))
    }

    /// Where it stands. One in force can still be masked by the organization's token policy.
    async fn state(&self) -> TokenGrantState {
        self.0.grant.state.into()
    }

    /// Which repositories it reaches.
    async fn repository_selection(&self) -> RepositorySelection {
        self.0.grant.repository_selection.into()
    }

    /// The repositories of a subset, by name, at most 50; empty for the other selections, and for what was imported.
    /// Those deleted since are left out.
    #[graphql(complexity = "child_complexity.saturating_mul(20)")]
    async fn repositories(&self, ctx: &Context<'_>) -> Result<Rows<Repository>, ApiError> {
        token_reach::repositories(ctx, self.0.grant.request_id).await
    }

    /// The permissions, by target and name.
    #[graphql(complexity = "child_complexity.saturating_mul(10)")]
    async fn permissions(&self, ctx: &Context<'_>) -> Result<Rows<TokenPermission>, ApiError> {
        token_reach::permissions(Api::of(ctx), self.0.grant.request_id).await
    }

    /// Since when it is, or was, in force.
    async fn granted_at(&self) -> DateTime<Utc> {
        self.0.grant.granted_at
    }

    /// Which owner of the organization granted it; null where nobody had to decide, and where it was decided
    /// elsewhere.
    async fn granted_by(&self, ctx: &Context<'_>) -> Result<Option<Now<User>>, ApiError> {
        let Some(user) = self.0.grant.granted_by_id else { return Ok(None) };
        Ok(Api::of(ctx).loaders.users().find(user).await?.map(|user| Now(User(user))))
    }

    /// When it stopped to be in force; null while it is.
    async fn ended_at(&self) -> Option<DateTime<Utc>> {
        self.0.grant.ended_at
    }

    /// Who ended it; null while it is in force, and where Guichet did it by itself.
    async fn ended_by(&self, ctx: &Context<'_>) -> Result<Option<Now<User>>, ApiError> {
        let Some(user) = self.0.grant.ended_by_id else { return Ok(None) };
        Ok(Api::of(ctx).loaders.users().find(user).await?.map(|user| Now(User(user))))
    }

    /// What an owner said when revoking it; null where nothing was said.
    async fn end_reason(&self) -> Option<&str> {
        self.0.grant.end_reason.as_deref()
    }

    /// Whether you can revoke it now, and why not.
    #[graphql(directive = requires::apply(Permission::ManageTokens.into()))]
    async fn revocation(&self, ctx: &Context<'_>) -> TokenRevocationEligibility {
        let verdict = self.judged(Api::of(ctx));
        TokenRevocationEligibility { eligible: verdict.is_ok(), reason: verdict.err().map(Into::into) }
    }

    /// Whether you can revoke it now: exactly then `revokeTokenGrants` accepts it.
    #[graphql(directive = requires::apply(Permission::ManageTokens.into()))]
    async fn viewer_can_revoke(&self, ctx: &Context<'_>) -> bool {
        self.judged(Api::of(ctx)).is_ok()
    }
}

/// Whether a token grant can be revoked.
#[derive(SimpleObject)]
pub struct TokenRevocationEligibility {
    /// Whether you can revoke it now.
    eligible: bool,
    /// Why not; null when eligible.
    reason: Option<UserErrorCode>,
}

/// Where a token grant stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "entity::token_grant::TokenGrantState")]
pub enum TokenGrantState {
    /// In force.
    Active,
    /// Taken back by an owner of the organization.
    Revoked,
    /// Replaced by a later one, or asked for again.
    Superseded,
    /// The token's owner was deactivated; only a new approval brings it back.
    Suspended,
    /// The token expired or was given up.
    Ended,
}

/// Which token grants are wanted. All given conditions hold together; a list means "one of these"; a condition
/// that is null is an error. The same type selects for bulk operations.
#[derive(Clone, Debug, Default, InputObject)]
pub struct TokenGrantFilter {
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
    state: MaybeUndefined<Vec<TokenGrantState>>,
    /// Granted at or after this time.
    granted_since: MaybeUndefined<DateTime<Utc>>,
    /// Granted before this time.
    granted_before: MaybeUndefined<DateTime<Utc>>,
    /// Whose token expires at or after this time, or never.
    expires_since: MaybeUndefined<DateTime<Utc>>,
    /// Whose token expires before this time.
    expires_before: MaybeUndefined<DateTime<Utc>>,
    /// Whose token was last used at or after this time.
    last_used_since: MaybeUndefined<DateTime<Utc>>,
    /// Whose token was last used before this time, or never.
    last_used_before: MaybeUndefined<DateTime<Utc>>,
}

impl TokenGrantFilter {
    /// The conditions for the store.
    pub fn condition(&self) -> Result<store::token_grant::Filter, ApiError> {
        let conditions = Conditions {
            owner: &self.owner,
            origin: &self.origin,
            external_owner: &self.external_owner,
            repository: &self.repository,
            permission: &self.permission,
            token: &self.token,
            created_since: ("grantedSince", &self.granted_since),
            created_before: ("grantedBefore", &self.granted_before),
            expires_since: &self.expires_since,
            expires_before: &self.expires_before,
            last_used_since: &self.last_used_since,
            last_used_before: &self.last_used_before,
        };
        Ok(store::token_grant::Filter {
            token: conditions.filter()?,
            states: given("state", &self.state)?.map(|states| states.into_iter().map(Into::into).collect()),
        })
    }
}

/// What a list of token grants is sorted by; ties are broken by id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum TokenGrantOrderField {
    /// The time they were granted.
    GrantedAt,
    /// The time their token expires; never comes after every time.
    ExpiresAt,
    /// The time their token was last used; never comes before every time.
    LastUsedAt,
}

/// The order of a list of token grants.
#[derive(Clone, Copy, InputObject)]
pub struct TokenGrantOrder {
    /// What it is sorted by.
    pub field: TokenGrantOrderField,
    /// Which way.
    pub direction: OrderDirection,
}

/// Queries about token grants.
#[derive(Default)]
pub struct TokenGrantQuery;

#[Object]
impl TokenGrantQuery {
    /// The token grants that you may see: all of the organization's with the permission, else those of your own
    /// tokens.
    #[graphql(directive = requires::apply(Permission::SeeTokens.into()))]
    async fn token_grants(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which grants.")] filter: Option<TokenGrantFilter>,
        #[graphql(
            desc = "In which order.",
            default_with = "TokenGrantOrder { field: TokenGrantOrderField::GrantedAt, direction: OrderDirection::Desc }"
        )]
        order_by: TokenGrantOrder,
        #[graphql(desc = "How many from the start, 0 to 100; 20 when neither `first` nor `last` is given.")]
        first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 0 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
    ) -> Result<Connection<TokenGrant>, ApiError> {
        let api = Api::of(ctx);
        let filter = filter.unwrap_or_default().condition()?;
        let (by, order) = match order_by.field {
            TokenGrantOrderField::GrantedAt => ("GRANTED_AT", TokenOrder::Created),
            TokenGrantOrderField::ExpiresAt => ("EXPIRES_AT", TokenOrder::Expires),
            TokenGrantOrderField::LastUsedAt => ("LAST_USED_AT", TokenOrder::LastUsed),
        };
        let sorted = Sorted { by, direction: order_by.direction.into() };
        let selected = Selected::of(ctx);
        let window = Paging { first, after, last, before }.window(sorted, &selected)?;
        let include = store::token_grant::Include {
            row: selected.columns::<TokenGrant>(&[]),
            token: selected.columns::<AccessToken>(&["token"]),
            owner: selected
                .columns::<User>(&["owner"])
                .and(selected.columns::<ExternalOwner>(&["externalOwner"])),
        };
        let page =
            store::token_grant::list(&api.database, &api.scope, &filter, include, order, &window).await?;
        Ok(Connection::new(page, sorted, |row| TokenGrant(Arc::new(row))))
    }
}
