//! Token requests and their history.

mod event;
mod filter;
pub mod mutation;

use std::sync::Arc;

use async_graphql::{Context, Enum, ID, Object, SimpleObject, Value};
use chrono::{DateTime, Utc};

pub use self::event::{TokenRequestAction, TokenRequestEvent};
pub use self::filter::{TokenRequestFilter, TokenRequestOrder, TokenRequestOrderField};
use super::access_token::{AccessToken, ExternalOwner, TokenOrigin};
use super::api::Api;
use super::connection::{Connection, Listed, OrderDirection, Paging, Selected, Sorted};
use super::error::{ApiError, UserErrorCode};
use super::id::{GlobalId, Kind};
use super::loader::Nested;
use super::repository::Repository;
use super::requires::requires;
use super::resolve::{Now, Plain, Rows, enum_value, maybe, scalar};
use super::token_grant::TokenGrant;
use super::token_reach::{
    self, RepositorySelection, TokenPermission, TokenPermissionChange, TokenRepositoryChanges,
};
use super::user::User;
use crate::authz::Permission;
use crate::domain::token_request::{Reach, cancel, review};
use crate::store::columns::columns;
use crate::store::token_filter::TokenOrder;
use crate::store::{self, Columns, Direction, Key, Position, access_token};

/// What a token asks to be allowed in the organization, as a whole. Nothing changes it: asking for something else
/// makes another request, which overtakes this one.
#[derive(Clone)]
pub struct TokenRequest(pub Arc<store::token_request::Row>);

impl Listed for TokenRequest {
    fn position(&self, by: &str) -> Position {
        let token = self.0.token.as_ref();
        let key = match by {
            "EXPIRES_AT" => token.and_then(|token| token.expires_at).unwrap_or_else(access_token::never),
            "LAST_USED_AT" => {
                token.and_then(|token| token.last_used_at).unwrap_or_else(access_token::not_yet)
            }
            _ => self.0.request.created_at,
        };
        Position { key: Key::Time(key), id: self.0.request.id }
    }
}

impl Plain for TokenRequest {
    fn plain(&self, field: &str) -> Option<Value> {
        let request = &self.0.request;
        Some(match field {
            "id" => scalar(&Kind::TokenRequest.id(request.id)),
            "state" => enum_value(TokenRequestState::from(request.state)),
            "repositorySelection" => enum_value(RepositorySelection::from(request.repository_selection)),
            "justification" => maybe(request.justification.as_ref()),
            "createdAt" => scalar(&request.created_at),
            "reviewedAt" => maybe(request.reviewed_at.as_ref()),
            "reviewReason" => maybe(request.review_reason.as_ref()),
            _ => return None,
        })
    }

    fn columns(field: &str) -> Columns {
        match field {
            "id" | "repositories" | "permissions" | "history" => Columns::KEY,
            "token" => columns!(token_request: TokenId),
            "owner" | "externalOwner" => columns!(token_request: OwnerId, Origin),
            "state" => columns!(token_request: State),
            "repositorySelection" => columns!(token_request: RepositorySelection),
            "justification" => columns!(token_request: Justification),
            "createdAt" => columns!(token_request: CreatedAt),
            "reviewedAt" => columns!(token_request: ReviewedAt),
            "reviewReason" => columns!(token_request: ReviewReason),
            _ => Columns::ALL,
        }
    }
}

impl TokenRequest {
    async fn token_row(&self, api: &Api) -> Result<Arc<entity::access_token::Model>, ApiError> {
        match &self.0.token {
            Some(token) => Ok(Arc::clone(token)),
            None => api.loaders.access_tokens().get(self.0.request.token_id).await,
        }
    }

    async fn owner_row(&self, api: &Api) -> Result<Arc<entity::app_user::Model>, ApiError> {
        match &self.0.owner {
            Some(owner) => Ok(Arc::clone(owner)),
            None => api.loaders.users().get(self.0.request.owner_id).await,
        }
    }

    /// What was granted when the request was made.
    async fn base(&self, api: &Api) -> Result<Option<Reach>, ApiError> {
        let Some(base) = self.0.request.base_id else { return Ok(None) };
        let row = api.loaders.named_token_requests().get(base).await?;
        Ok(Some(token_reach::reach(api, base, row.request.repository_selection).await?))
    }

    /// What is asked for, and what was granted when it was.
    async fn compared(&self, api: &Api) -> Result<(Reach, Option<Reach>), ApiError> {
        let request = &self.0.request;
        let own = token_reach::reach(api, request.id, request.repository_selection);
        Box::pin(futures_util::future::try_join(own, self.base(api))).await
    }

    /// Whether the viewer can review it, or why not.
    pub(super) async fn judged(&self, api: &Api) -> Result<Result<(), crate::domain::Code>, ApiError> {
        let facts = review::Facts {
            origin: self.0.request.origin,
            state: self.0.request.state,
            allowed: api.viewer.holds(Permission::ManageTokens),
            own: Some(self.0.request.owner_id) == api.viewer.user,
            expires_at: self.token_row(api).await?.expires_at,
        };
        Ok(review::judge(&facts, api.now))
    }
}

/// What a token asks to be allowed in the organization, as a whole. Nothing changes it: asking for something else
/// makes another request, which overtakes this one.
#[Object]
impl TokenRequest {
    /// The global id.
    pub async fn id(&self) -> ID {
        Kind::TokenRequest.id(self.0.request.id)
    }

    /// The token.
    async fn token(&self, ctx: &Context<'_>) -> Result<Now<AccessToken>, ApiError> {
        Ok(Now(AccessToken(self.token_row(Api::of(ctx)).await?)))
    }

    /// Whose token it is; null where it was imported, see `externalOwner`.
    async fn owner(&self, ctx: &Context<'_>) -> Result<Option<Now<User>>, ApiError> {
        let here = self.0.request.origin == entity::access_token::TokenOrigin::Guichet;
        Ok(if here { Some(Now(User(self.owner_row(Api::of(ctx)).await?))) } else { None })
    }

    /// Whose token it is at its origin; null for Guichet's own.
    async fn external_owner(&self, ctx: &Context<'_>) -> Result<Option<ExternalOwner>, ApiError> {
        let here = self.0.request.origin == entity::access_token::TokenOrigin::Guichet;
        Ok(if here { None } else { Some(ExternalOwner::from(&*self.owner_row(Api::of(ctx)).await?)) })
    }

    /// Where it is kept and decided. What comes from elsewhere was imported, and is only shown.
    async fn origin(&self) -> TokenOrigin {
        self.0.request.origin.into()
    }

    /// What its origin calls it, the id of the request for access; null for Guichet's own, and where only the grant is known.
    async fn external_id(&self) -> Option<&str> {
        self.0.request.external_id.as_deref()
    }

    /// Where it stands.
    async fn state(&self) -> TokenRequestState {
        self.0.request.state.into()
    }

    /// Why the token's owner asks; null where nothing was said.
    async fn justification(&self) -> Option<&str> {
        self.0.request.justification.as_deref()
    }

    /// Which repositories it asks for.
    async fn repository_selection(&self) -> RepositorySelection {
        self.0.request.repository_selection.into()
    }

    /// The repositories of a subset, by name, at most 50; empty for the other selections, and for what was imported.
    /// Those deleted since are left out.
    #[graphql(complexity = "child_complexity.saturating_mul(20)")]
    async fn repositories(&self, ctx: &Context<'_>) -> Result<Rows<Repository>, ApiError> {
        token_reach::repositories(ctx, self.0.request.id).await
    }

    /// The permissions that it asks for, by target and name.
    #[graphql(complexity = "child_complexity.saturating_mul(10)")]
    async fn permissions(&self, ctx: &Context<'_>) -> Result<Rows<TokenPermission>, ApiError> {
        token_reach::permissions(Api::of(ctx), self.0.request.id).await
    }

    /// The permissions that differ from what the token was granted when this was asked for; all of them where it
    /// was granted nothing.
    #[graphql(complexity = "child_complexity.saturating_mul(10)")]
    async fn permission_changes(&self, ctx: &Context<'_>) -> Result<Rows<TokenPermissionChange>, ApiError> {
        let api = Api::of(ctx);
        let (own, base) = self.compared(api).await?;
        Ok(Rows(own.permission_changes(base.as_ref()).into_iter().map(Into::into).collect()))
    }

    /// How the repositories differ from what the token was granted when this was asked for.
    async fn repository_changes(&self, ctx: &Context<'_>) -> Result<Now<TokenRepositoryChanges>, ApiError> {
        let api = Api::of(ctx);
        let (own, base) = self.compared(api).await?;
        Ok(Now(TokenRepositoryChanges(own.repository_changes(base.as_ref()))))
    }

    /// The request of the same token before this one; null for the first.
    async fn follows(&self, ctx: &Context<'_>) -> Result<Option<Now<TokenRequest>>, ApiError> {
        let Some(before) = self.0.request.follows_id else { return Ok(None) };
        let row = Api::of(ctx).loaders.named_token_requests().find(before).await?;
        Ok(row.map(|row| Now(TokenRequest(row))))
    }

    /// What it was granted; null unless it was approved.
    async fn grant(&self, ctx: &Context<'_>) -> Result<Option<Now<TokenGrant>>, ApiError> {
        if self.0.request.state != entity::token_request::TokenRequestState::Approved {
            return Ok(None);
        }
        let row = Api::of(ctx).loaders.grants_of_request().find(self.0.request.id).await?;
        Ok(row.map(|row| Now(TokenGrant(row))))
    }

    /// When it was made.
    async fn created_at(&self) -> DateTime<Utc> {
        self.0.request.created_at
    }

    /// When it stopped to wait; null while it waits.
    async fn closed_at(&self) -> Option<DateTime<Utc>> {
        self.0.request.closed_at
    }

    /// When it was approved or denied; null otherwise.
    async fn reviewed_at(&self) -> Option<DateTime<Utc>> {
        self.0.request.reviewed_at
    }

    /// Which owner of the organization decided; null where nobody did, and where it was decided elsewhere.
    async fn reviewed_by(&self, ctx: &Context<'_>) -> Result<Option<Now<User>>, ApiError> {
        let Some(user) = self.0.request.reviewed_by_id else { return Ok(None) };
        Ok(Api::of(ctx).loaders.users().find(user).await?.map(|user| Now(User(user))))
    }

    /// What the owner said about the decision; null where nothing was said.
    async fn review_reason(&self) -> Option<&str> {
        self.0.request.review_reason.as_deref()
    }

    /// Why nobody had to decide; null where somebody did, or must.
    async fn automatic_reason(&self) -> Option<TokenAutomaticReason> {
        self.0.request.automatic_reason.map(Into::into)
    }

    /// Why it was cancelled; null unless it was, and for what was imported: there it is only known to be over.
    async fn cancel_reason(&self) -> Option<TokenCancelReason> {
        self.0.request.cancel_reason.map(Into::into)
    }

    /// Every step, oldest first; what became of the grant, too. Empty for what was imported.
    async fn history(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many from the start, 0 to 100; 20 when neither `first` nor `last` is given.")]
        first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 0 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
    ) -> Result<Connection<TokenRequestEvent>, ApiError> {
        let sorted = Sorted { by: "SEQUENCE", direction: Direction::Ascending };
        let window = Paging { first, after, last, before }.window(sorted, &Selected::of(ctx))?;
        let history = Api::of(ctx).loaders.token_history();
        let page = history.get(Nested::new(self.0.request.id, window)).await?;
        Ok(Connection::nested(&page, sorted, TokenRequestEvent))
    }

    /// Whether you can approve or deny it now, and why not.
    #[graphql(directive = requires::apply(Permission::ManageTokens.into()))]
    async fn review(&self, ctx: &Context<'_>) -> Result<TokenReviewEligibility, ApiError> {
        let verdict = self.judged(Api::of(ctx)).await?;
        Ok(TokenReviewEligibility { eligible: verdict.is_ok(), reason: verdict.err().map(Into::into) })
    }

    /// Whether you can approve or deny it now: exactly then `reviewTokenRequests` accepts it.
    #[graphql(directive = requires::apply(Permission::ManageTokens.into()))]
    async fn viewer_can_review(&self, ctx: &Context<'_>) -> Result<bool, ApiError> {
        Ok(self.judged(Api::of(ctx)).await?.is_ok())
    }

    /// Whether you can withdraw it now: exactly then `cancelTokenRequest` accepts it.
    async fn viewer_can_cancel(&self, ctx: &Context<'_>) -> bool {
        let request = &self.0.request;
        cancel::judge(request.state, Some(request.owner_id) == Api::of(ctx).viewer.user).is_ok()
    }
}

/// Whether a token request can be decided.
#[derive(SimpleObject)]
pub struct TokenReviewEligibility {
    /// Whether you can decide it now.
    eligible: bool,
    /// Why not; null when eligible.
    reason: Option<UserErrorCode>,
}

/// Where a token request stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "entity::token_request::TokenRequestState")]
pub enum TokenRequestState {
    /// Waits for an owner of the organization.
    Pending,
    /// Granted.
    Approved,
    /// Refused by an owner. The token's owner can ask again.
    Denied,
    /// Withdrawn, or overtaken.
    Canceled,
    /// The token expired before anybody decided.
    Expired,
}

/// Why nobody had to decide on a token request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "entity::token_request::AutomaticReason")]
pub enum TokenAutomaticReason {
    /// The token is an owner's own.
    Owner,
    /// The organization asks for no approval.
    ApprovalNotRequired,
    /// It reaches nothing but what is public.
    PublicOnly,
    /// It asks for nothing beyond what was granted before.
    Narrowed,
}

/// Why a token request was cancelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "entity::token_request::CancelReason")]
pub enum TokenCancelReason {
    /// The token's owner withdrew it.
    Requester,
    /// The token's owner asked for something else.
    Superseded,
    /// The token was given up.
    TokenRevoked,
    /// The token's owner was deactivated.
    MemberLeft,
    /// What the token had been granted was revoked.
    GrantRevoked,
}

/// Queries about token requests.
#[derive(Default)]
pub struct TokenRequestQuery;

#[Object]
impl TokenRequestQuery {
    /// The token requests that you may see: all of the organization's with the permission, else those of your own
    /// tokens.
    #[graphql(directive = requires::apply(Permission::SeeTokens.into()))]
    async fn token_requests(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which requests.")] filter: Option<TokenRequestFilter>,
        #[graphql(
            desc = "In which order.",
            default_with = "TokenRequestOrder { field: TokenRequestOrderField::CreatedAt, direction: OrderDirection::Desc }"
        )]
        order_by: TokenRequestOrder,
        #[graphql(desc = "How many from the start, 0 to 100; 20 when neither `first` nor `last` is given.")]
        first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 0 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
    ) -> Result<Connection<TokenRequest>, ApiError> {
        let api = Api::of(ctx);
        let filter = filter.unwrap_or_default().condition()?;
        let (by, order) = match order_by.field {
            TokenRequestOrderField::CreatedAt => ("CREATED_AT", TokenOrder::Created),
            TokenRequestOrderField::ExpiresAt => ("EXPIRES_AT", TokenOrder::Expires),
            TokenRequestOrderField::LastUsedAt => ("LAST_USED_AT", TokenOrder::LastUsed),
        };
        let sorted = Sorted { by, direction: order_by.direction.into() };
        let selected = Selected::of(ctx);
        let window = Paging { first, after, last, before }.window(sorted, &selected)?;
        let judged = selected.has(&["review"]) || selected.has(&["viewerCanReview"]);
        let judged = if judged { columns!(access_token: ExpiresAt) } else { Columns::NONE };
        let include = store::token_request::Include {
            row: selected.columns::<TokenRequest>(&[]),
            token: judged.and(selected.columns::<AccessToken>(&["token"])),
            owner: selected
                .columns::<User>(&["owner"])
                .and(selected.columns::<ExternalOwner>(&["externalOwner"])),
        };
        let page =
            store::token_request::list(&api.database, &api.scope, &filter, include, order, &window).await?;
        Ok(Connection::new(page, sorted, |row| TokenRequest(Arc::new(row))))
    }
}
