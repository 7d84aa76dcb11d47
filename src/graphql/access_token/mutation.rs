//! Making, changing, renewing and giving up access tokens.

use std::sync::Arc;

use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object, OneofObject, SimpleObject};
use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::AccessToken;
use crate::authz::Actor;
use crate::domain::access_token::Wanted;
use crate::domain::access_token::create::{Allowed, Create, Issued};
use crate::domain::access_token::regenerate::Regenerate;
use crate::domain::access_token::revoke::Revoke;
use crate::domain::access_token::update::Update;
use crate::domain::{Code, Rejection};
use crate::graphql::api::{Api, change, repeatable};
use crate::graphql::error::{ApiError, UserError};
use crate::graphql::id::Kind;
use crate::graphql::permission_catalog::PermissionTarget;
use crate::graphql::repository::AccessLevel;
use crate::graphql::text::is_storable;
use crate::graphql::token_reach::RepositorySelection;
use crate::store;

/// A permission that a token is to have.
#[derive(Clone, Debug, InputObject)]
pub struct TokenPermissionInput {
    /// What it is about.
    target: PermissionTarget,
    /// Its name in the permission catalogue, for example `issues`.
    name: String,
    /// How much; one of the levels that the catalogue has for it.
    level: AccessLevel,
}

/// What a fine-grained token is to be allowed, as a whole.
#[derive(Clone, Debug, InputObject)]
pub struct FineGrainedAccessInput {
    /// Which repositories.
    repository_selection: RepositorySelection,
    /// The repositories of a subset, 1 to 50; none for the other selections.
    #[graphql(default)]
    repositories: Vec<ID>,
    /// The permissions, each once. A token without repositories has none for them.
    #[graphql(default)]
    permissions: Vec<TokenPermissionInput>,
    /// Why you need it, at most 2,000 characters; shown to the owners who decide.
    justification: Option<String>,
}

/// What a classic token is to be allowed.
#[derive(Clone, Debug, InputObject)]
pub struct ClassicAccessInput {
    /// The scopes, each once; see the permission catalogue.
    scopes: Vec<String>,
}

/// What a token is to be allowed; it says of which kind the token is.
#[derive(Clone, Debug, OneofObject)]
pub enum AccessTokenAccessInput {
    /// Repositories and permissions, which the organization grants.
    FineGrained(FineGrainedAccessInput),
    /// Scopes.
    Classic(ClassicAccessInput),
}

impl From<&AccessTokenAccessInput> for Allowed {
    fn from(input: &AccessTokenAccessInput) -> Self {
        match input {
            AccessTokenAccessInput::FineGrained(access) => {
                let permission = |wanted: &TokenPermissionInput| {
                    (wanted.target.into(), wanted.name.clone(), wanted.level.into())
                };
                let wanted = Wanted {
                    selection: access.repository_selection.into(),
                    repositories: access.repositories.iter().map(|id| Kind::Repository.parse(id)).collect(),
                    permissions: access.permissions.iter().map(permission).collect(),
                };
                Self::FineGrained(wanted, access.justification.clone())
            }
            AccessTokenAccessInput::Classic(access) => Self::Classic(access.scopes.clone()),
        }
    }
}

/// A new token, for yourself.
#[derive(Debug, InputObject)]
pub struct CreateAccessTokenInput {
    /// A name to know it by, at most 40 characters.
    name: String,
    /// When it ends by itself; never where left out, which most token policies refuse.
    expires_at: Option<DateTime<Utc>>,
    /// What it is to be allowed.
    access: AccessTokenAccessInput,
    /// Makes the call repeatable for 24 hours: a second call with the same key and input answers with the first
    /// one's token, and `SECRET_ALREADY_SHOWN` in place of its secret.
    idempotency_key: Option<String>,
}

/// What to change of a token.
#[derive(Debug, InputObject)]
pub struct UpdateAccessTokenInput {
    /// The token.
    id: ID,
    /// The version that the change is based on.
    version: i32,
    /// Its new name, at most 40 characters; as it is where left out.
    name: Option<String>,
    /// What it is to be allowed, as a whole; as it is where left out. The kind of the token stays.
    access: Option<AccessTokenAccessInput>,
}

/// Which token to give a new secret.
#[derive(Debug, InputObject)]
pub struct RegenerateAccessTokenInput {
    /// The token.
    id: ID,
    /// When it ends by itself: as it is where left out, null for never.
    expires_at: MaybeUndefined<DateTime<Utc>>,
    /// Makes the call repeatable for 24 hours: a second call with the same key and input answers with the token,
    /// and `SECRET_ALREADY_SHOWN` in place of its secret.
    idempotency_key: Option<String>,
}

/// Which token to give up.
#[derive(Debug, InputObject)]
pub struct RevokeAccessTokenInput {
    /// The token.
    id: ID,
}

/// The end of a mutation that makes a secret.
macro_rules! issued {
    ($name:ident, $doc:literal) => {
        #[doc = $doc]
        #[derive(SimpleObject)]
        pub struct $name {
            /// The token; null when refused.
            access_token: Option<AccessToken>,
            /// Its secret, told this once: it is not kept. Null when refused, and for a repeated call.
            secret: Option<String>,
            /// Why it was refused; empty when done.
            user_errors: Vec<UserError>,
        }

        impl $name {
            async fn of(
                api: &Api,
                issued: Option<Issued>,
                mut user_errors: Vec<UserError>,
            ) -> Result<Self, ApiError> {
                let Some(Issued { token, secret }) = issued else {
                    return Ok(Self { access_token: None, secret: None, user_errors });
                };
                if secret.is_none() {
                    user_errors.push(already_shown().into());
                }
                let secret = secret.map(|secret| secret.expose().to_owned());
                Ok(Self { access_token: read(api, token).await?, secret, user_errors })
            }
        }
    };
}

issued!(CreateAccessTokenPayload, "The end of `createAccessToken`.");
issued!(RegenerateAccessTokenPayload, "The end of `regenerateAccessToken`.");

/// The end of `updateAccessToken`.
#[derive(SimpleObject)]
pub struct UpdateAccessTokenPayload {
    /// The token as it is now; null when refused.
    access_token: Option<AccessToken>,
    /// Why it was refused; empty when done.
    user_errors: Vec<UserError>,
}

/// The end of `revokeAccessToken`.
#[derive(SimpleObject)]
pub struct RevokeAccessTokenPayload {
    /// The token as it is now; null when refused.
    access_token: Option<AccessToken>,
    /// Why it was refused; empty when done.
    user_errors: Vec<UserError>,
}

fn already_shown() -> Rejection {
    let message = "The secret was shown by the first call. Regenerate the token if it was lost.";
    Rejection::new(Code::SecretAlreadyShown, message)
}

/// A token that a command has made or changed.
async fn read(api: &Api, id: Uuid) -> Result<Option<AccessToken>, ApiError> {
    let found = store::access_token::find(&api.database, api.named(), &[id]).await?;
    Ok(found.into_iter().next().map(|token| AccessToken(Arc::new(token))))
}

/// Who has tokens: members alone. An outsider who is no user yet is none.
fn actor(api: &Api) -> Result<Actor, UserError> {
    let refused = || Rejection::new(Code::Forbidden, "Only members make and keep access tokens.").into();
    api.viewer.actor(api.request_id).ok_or_else(refused)
}

fn storable(time: Option<DateTime<Utc>>) -> Result<(), ApiError> {
    if time.is_none_or(is_storable) {
        return Ok(());
    }
    Err(ApiError::BadUserInput("`expiresAt` must lie in the years 1 to 9999.".to_owned()))
}

/// Changes of access tokens.
#[derive(Default)]
pub struct AccessTokenMutation;

#[Object]
impl AccessTokenMutation {
    /// Makes a token for yourself. Its secret is told once. A fine-grained token asks the organization for what it
    /// is to be allowed, and reads what is public until an owner approves; an owner's own token, one without
    /// repositories and organization permissions, and any where no approval is required, are approved at once.
    async fn create_access_token(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The token.")] input: CreateAccessTokenInput,
    ) -> Result<CreateAccessTokenPayload, ApiError> {
        let api = Api::of(ctx);
        storable(input.expires_at)?;
        let actor = match actor(api) {
            Ok(actor) => actor,
            Err(refused) => return CreateAccessTokenPayload::of(api, None, vec![refused]).await,
        };
        let command = Create {
            actor,
            viewer: api.viewer.as_ref().clone(),
            allowed: (&input.access).into(),
            most: api.environment.tokens_per_user,
            idempotency: repeatable(input.idempotency_key.clone(), &input),
            name: input.name,
            expires_at: input.expires_at,
        };
        let (issued, user_errors) = api.run(command).await?;
        CreateAccessTokenPayload::of(api, issued, user_errors).await
    }

    /// Changes one of your own tokens. To be allowed less holds at once. To be allowed more, wholly or in part,
    /// makes a request for the whole; until it is decided, what was granted before stays in force. A request that
    /// waits is overtaken.
    async fn update_access_token(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The change.")] input: UpdateAccessTokenInput,
    ) -> Result<UpdateAccessTokenPayload, ApiError> {
        let api = Api::of(ctx);
        let actor = match actor(api) {
            Ok(actor) => actor,
            Err(refused) => {
                return Ok(UpdateAccessTokenPayload { access_token: None, user_errors: vec![refused] });
            }
        };
        let command = Update {
            actor,
            viewer: api.viewer.as_ref().clone(),
            id: Kind::AccessToken.parse(&input.id),
            version: input.version,
            allowed: input.access.as_ref().map(Into::into),
            name: input.name,
        };
        let (id, user_errors) = api.run(command).await?;
        let access_token = match id {
            Some(id) => read(api, id).await?,
            None => None,
        };
        Ok(UpdateAccessTokenPayload { access_token, user_errors })
    }

    /// Gives one of your own tokens a new secret, told once; the old one is refused from then on. What the token
    /// was granted stays, unless it is to end later than before: that is asked for again.
    async fn regenerate_access_token(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The token.")] input: RegenerateAccessTokenInput,
    ) -> Result<RegenerateAccessTokenPayload, ApiError> {
        let api = Api::of(ctx);
        storable(input.expires_at.value().copied())?;
        let actor = match actor(api) {
            Ok(actor) => actor,
            Err(refused) => return RegenerateAccessTokenPayload::of(api, None, vec![refused]).await,
        };
        let command = Regenerate {
            actor,
            viewer: api.viewer.as_ref().clone(),
            id: Kind::AccessToken.parse(&input.id),
            idempotency: repeatable(input.idempotency_key.clone(), &input),
            expires_at: change(input.expires_at),
        };
        let (issued, user_errors) = api.run(command).await?;
        RegenerateAccessTokenPayload::of(api, issued, user_errors).await
    }

    /// Gives one of your own tokens up, for good: what it asks for is cancelled, what it was granted ends.
    async fn revoke_access_token(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The token.")] input: RevokeAccessTokenInput,
    ) -> Result<RevokeAccessTokenPayload, ApiError> {
        let api = Api::of(ctx);
        let actor = match actor(api) {
            Ok(actor) => actor,
            Err(refused) => {
                return Ok(RevokeAccessTokenPayload { access_token: None, user_errors: vec![refused] });
            }
        };
        let id = Kind::AccessToken.parse(&input.id);
        let (id, user_errors) = api.run(Revoke { actor, id }).await?;
        let access_token = match id {
            Some(id) => read(api, id).await?,
            None => None,
        };
        Ok(RevokeAccessTokenPayload { access_token, user_errors })
    }
}
