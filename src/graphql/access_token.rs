//! Access tokens.

pub mod mutation;

use std::sync::Arc;

use async_graphql::{Context, Enum, ID, InputObject, MaybeUndefined, Object, SimpleObject, Value};
use chrono::{DateTime, Utc};
use entity::access_token;

use super::api::Api;
use super::connection::{Connection, Listed, Paging, Selected, Sorted, given};
use super::error::ApiError;
use super::id::{GlobalId, Kind};
use super::resolve::{Now, Plain, enum_value, maybe, scalar};
use super::token_grant::TokenGrant;
use super::token_request::TokenRequest;
use super::user::User;
use crate::store::access_token::Standing;
use crate::store::columns::columns;
use crate::store::{self, Columns, Direction, Key, Position};

/// A credential that a member made for their programs. Its secret is told once, when it is made.
#[derive(Clone)]
pub struct AccessToken(pub Arc<access_token::Model>);

impl Listed for AccessToken {
    fn position(&self, _: &str) -> Position {
        Position { key: Key::Time(self.0.created_at), id: self.0.id }
    }
}

impl Plain for AccessToken {
    fn plain(&self, field: &str) -> Option<Value> {
        Some(match field {
            "id" => scalar(&Kind::AccessToken.id(self.0.id)),
            "name" => scalar(&self.0.name),
            "kind" => enum_value(TokenKind::from(self.0.kind)),
            "lastFour" => scalar(&self.0.last_four),
            "expiresAt" => maybe(self.0.expires_at.as_ref()),
            "lastUsedAt" => maybe(self.0.last_used_at.as_ref()),
            "createdAt" => scalar(&self.0.created_at),
            _ => return None,
        })
    }

    fn columns(field: &str) -> Columns {
        match field {
            "id" => Columns::KEY,
            "name" => columns!(access_token: Name),
            "kind" => columns!(access_token: Kind),
            "lastFour" => columns!(access_token: LastFour),
            "issuedAt" => columns!(access_token: IssuedAt),
            "expiresAt" => columns!(access_token: ExpiresAt),
            "lastUsedAt" => columns!(access_token: LastUsedAt),
            "createdAt" => columns!(access_token: CreatedAt),
            _ => Columns::ALL,
        }
    }
}

impl AccessToken {
    /// Whether the viewer owns it, and it stands like one of these.
    fn is_own(&self, api: &Api, standings: &[Standing]) -> bool {
        api.viewer.is_member
            && api.viewer.user == Some(self.0.owner_id)
            && standings.contains(&Standing::of(&self.0, api.now))
    }
}

/// A credential that a member made for their programs. Its secret is told once, when it is made.
#[Object]
impl AccessToken {
    /// The global id.
    pub async fn id(&self) -> ID {
        Kind::AccessToken.id(self.0.id)
    }

    /// The name that its owner gave it.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// What it says about what it may do.
    async fn kind(&self) -> TokenKind {
        self.0.kind.into()
    }

    /// Whose it is; null where it was imported, see `externalOwner`.
    async fn owner(&self, ctx: &Context<'_>) -> Result<Option<Now<User>>, ApiError> {
        if self.0.origin != access_token::TokenOrigin::Guichet {
            return Ok(None);
        }
        Ok(Some(Now(User(Api::of(ctx).loaders.users().get(self.0.owner_id).await?))))
    }

    /// Whose it is at its origin; null for Guichet's own.
    async fn external_owner(&self, ctx: &Context<'_>) -> Result<Option<ExternalOwner>, ApiError> {
        if self.0.origin == access_token::TokenOrigin::Guichet {
            return Ok(None);
        }
        Ok(Some(ExternalOwner::from(&*Api::of(ctx).loaders.users().get(self.0.owner_id).await?)))
    }

    /// Where it is kept and decided. What comes from elsewhere was imported, and is only shown.
    async fn origin(&self) -> TokenOrigin {
        self.0.origin.into()
    }

    /// What its origin calls it, the id of the token; null for Guichet's own.
    async fn external_id(&self) -> Option<&str> {
        self.0.external_id.as_deref()
    }

    /// What has become of it.
    async fn state(&self, ctx: &Context<'_>) -> AccessTokenState {
        Standing::of(&self.0, Api::of(ctx).now).into()
    }

    /// The last four characters of its secret, to tell tokens apart; empty where it was imported: its secret was never
    /// here.
    async fn last_four(&self) -> &str {
        &self.0.last_four
    }

    /// The scopes of a classic token, by name; empty for a fine-grained one.
    async fn scopes(&self, ctx: &Context<'_>) -> Result<Vec<String>, ApiError> {
        if self.0.kind != access_token::TokenKind::Classic {
            return Ok(Vec::new());
        }
        let scopes = Api::of(ctx).loaders.scopes_of_token().find(self.0.id).await?;
        Ok(scopes.map(|scopes| scopes.as_ref().clone()).unwrap_or_default())
    }

    /// When its current secret was made; its lifetime counts from here. For an imported one: the earliest that is known
    /// of it.
    async fn issued_at(&self) -> DateTime<Utc> {
        self.0.issued_at
    }

    /// When it ends by itself; null: never.
    async fn expires_at(&self) -> Option<DateTime<Utc>> {
        self.0.expires_at
    }

    /// When it was last used, to the minute; null: never.
    async fn last_used_at(&self) -> Option<DateTime<Utc>> {
        self.0.last_used_at
    }

    /// When its owner gave it up; null: it was not given up.
    async fn revoked_at(&self) -> Option<DateTime<Utc>> {
        self.0.revoked_at
    }

    /// When it was made. For an imported one: the earliest that is known of it.
    async fn created_at(&self) -> DateTime<Utc> {
        self.0.created_at
    }

    /// Raised by every change; `updateAccessToken` needs it.
    async fn version(&self) -> i32 {
        self.0.version
    }

    /// What the organization allows it now; null where it allows nothing, and for classic tokens.
    async fn grant(&self, ctx: &Context<'_>) -> Result<Option<Now<TokenGrant>>, ApiError> {
        let row = Api::of(ctx).loaders.grants_of_token().find(self.0.id).await?;
        Ok(row.map(|row| Now(TokenGrant(row))))
    }

    /// Its latest request to the organization; null for classic tokens.
    async fn request(&self, ctx: &Context<'_>) -> Result<Option<Now<TokenRequest>>, ApiError> {
        let row = Api::of(ctx).loaders.requests_of_token().find(self.0.id).await?;
        Ok(row.map(|row| Now(TokenRequest(row))))
    }

    /// Whether you can change what it is allowed by `updateAccessToken`.
    async fn viewer_can_update(&self, ctx: &Context<'_>) -> bool {
        self.is_own(Api::of(ctx), &[Standing::Valid])
    }

    /// Whether you can give it a new secret by `regenerateAccessToken`.
    async fn viewer_can_regenerate(&self, ctx: &Context<'_>) -> bool {
        self.is_own(Api::of(ctx), &[Standing::Valid, Standing::Expired])
    }

    /// Whether you can give it up by `revokeAccessToken`.
    async fn viewer_can_revoke(&self, ctx: &Context<'_>) -> bool {
        self.is_own(Api::of(ctx), &[Standing::Valid, Standing::Expired])
    }
}

/// Where a token, what it asks for and what it was granted are kept and decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "entity::access_token::TokenOrigin")]
pub enum TokenOrigin {
    /// Here.
    Guichet,
    /// At GitHub. Guichet shows what was imported; it decides nothing of it, and never lets such a token pass.
    Github,
}

/// A person elsewhere, whose tokens were imported. Never taken to be the user of the same name.
#[derive(SimpleObject)]
pub struct ExternalOwner {
    /// The name that the person has there.
    login: String,
    /// What their origin calls the account; it stays when the name changes.
    account_id: String,
}

impl Plain for ExternalOwner {
    fn columns(field: &str) -> Columns {
        match field {
            "login" => columns!(app_user: DisplayName),
            "accountId" => columns!(app_user: Subject),
            _ => Columns::ALL,
        }
    }
}

impl From<&entity::app_user::Model> for ExternalOwner {
    fn from(account: &entity::app_user::Model) -> Self {
        Self { login: account.display_name.clone(), account_id: account.subject.clone() }
    }
}

/// What an access token says about what it may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "entity::access_token::TokenKind")]
pub enum TokenKind {
    /// Repositories and permissions, which the organization grants.
    FineGrained,
    /// Scopes; no grant is needed.
    Classic,
}

/// What has become of an access token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "Standing")]
pub enum AccessTokenState {
    /// It can be used; what it may do is another question.
    Valid,
    /// Its time is over. It can be regenerated.
    Expired,
    /// Its owner gave it up, for good.
    Revoked,
}

/// Which access tokens are wanted; a condition that is null is an error.
#[derive(Clone, Debug, Default, InputObject)]
pub struct AccessTokenFilter {
    /// Of which this has become.
    state: MaybeUndefined<Vec<AccessTokenState>>,
}

/// A page of the viewer's own tokens.
pub async fn own(
    ctx: &Context<'_>,
    filter: &AccessTokenFilter,
    paging: &Paging,
) -> Result<Connection<AccessToken>, ApiError> {
    let api = Api::of(ctx);
    let sorted = Sorted { by: "CREATED_AT", direction: Direction::Descending };
    let window = paging.window(sorted, &Selected::of(ctx))?;
    let standings: Option<Vec<Standing>> =
        given("state", &filter.state)?.map(|states| states.into_iter().map(Into::into).collect());
    let page = match api.viewer.user {
        Some(user) => {
            store::access_token::of_owner(&api.database, user, standings.as_deref(), api.now, &window).await?
        }
        None => store::Page::empty(),
    };
    Ok(Connection::new(page, sorted, |token| AccessToken(Arc::new(token))))
}
