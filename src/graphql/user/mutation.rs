//! Making, changing, deactivating, reactivating and unblocking users.

use std::sync::Arc;

use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object, SimpleObject};
use uuid::Uuid;

use super::{User, UserKind};
use crate::authz::Action as _;
use crate::authz::permission::action::EditUser;
use crate::domain::user::{create, state, unblock, update};
use crate::graphql::api::{Api, change, repeatable};
use crate::graphql::error::{ApiError, UserError};
use crate::graphql::id::{GlobalId as _, Kind};
use crate::graphql::requires::requires;
use crate::store;

/// A new user.
#[derive(Debug, InputObject)]
pub struct CreateUserInput {
    /// The `iss` of their tokens: one of the issuers that the operator has bound to this organization.
    issuer: String,
    /// The `sub` of their tokens, 1 to 500 characters; `NAME_TAKEN` when the issuer's subject is a user already.
    subject: String,
    /// The name to show, 1 to 200 characters.
    display_name: String,
    /// The e-mail address, at most 254 bytes.
    email: Option<String>,
    /// Only `MEMBER`: a guest is made by their own first request.
    #[graphql(default_with = "UserKind::Member")]
    kind: UserKind,
    /// Who they report to: an active user.
    manager: Option<ID>,
    /// Makes the call repeatable for 24 hours: a second call with the same key and input answers with the first one's user.
    idempotency_key: Option<String>,
}

/// The end of `createUser`.
#[derive(SimpleObject)]
pub struct CreateUserPayload {
    /// The new user; null when refused.
    user: Option<User>,
    /// Why it was refused; empty when done.
    user_errors: Vec<UserError>,
}

/// What to change of a user; what is left out stays.
#[derive(Debug, InputObject)]
pub struct UpdateUserInput {
    /// The user.
    id: ID,
    /// The version that the change is based on; `CONFLICT` when it is no longer that.
    version: i32,
    /// The name to show, 1 to 200 characters.
    display_name: Option<String>,
    /// The e-mail address, at most 254 bytes; null takes it away.
    email: MaybeUndefined<String>,
    /// Who they report to: an active user who does not report to them; null for nobody.
    manager: MaybeUndefined<ID>,
}

/// The end of `updateUser`.
#[derive(SimpleObject)]
pub struct UpdateUserPayload {
    /// The user as they are now; null when refused.
    user: Option<User>,
    /// Why it was refused; empty when done.
    user_errors: Vec<UserError>,
}

/// Whom to deactivate.
#[derive(Debug, InputObject)]
pub struct DeactivateUserInput {
    /// The user; not yourself.
    id: ID,
}

/// The end of `deactivateUser`.
#[derive(SimpleObject)]
pub struct DeactivateUserPayload {
    /// The user as they are now; null when refused.
    user: Option<User>,
    /// Why it was refused; empty when done.
    user_errors: Vec<UserError>,
}

/// Whom to make active again.
#[derive(Debug, InputObject)]
pub struct ReactivateUserInput {
    /// The user.
    id: ID,
}

/// The end of `reactivateUser`.
#[derive(SimpleObject)]
pub struct ReactivateUserPayload {
    /// The user as they are now; null when refused.
    user: Option<User>,
    /// Why it was refused; empty when done.
    user_errors: Vec<UserError>,
}

/// Whom to unblock.
#[derive(Debug, InputObject)]
pub struct UnblockUserInput {
    /// The guest.
    id: ID,
}

/// The end of `unblockUser`.
#[derive(SimpleObject)]
pub struct UnblockUserPayload {
    /// The guest as they are now; null when refused.
    user: Option<User>,
    /// Why it was refused; empty when done.
    user_errors: Vec<UserError>,
}

/// The user that a command has made or changed.
async fn changed(api: &Api, id: Option<Uuid>) -> Result<Option<User>, ApiError> {
    let Some(id) = id else { return Ok(None) };
    let found = store::user::find(&api.database, api.named(), &[id]).await?;
    Ok(found.into_iter().next().map(|user| User(Arc::new(user))))
}

/// Changes of users.
#[derive(Default)]
pub struct UserMutation;

#[Object]
impl UserMutation {
    /// Makes a user before their first sign-in, so that access can be given to them. Roles come from their token and
    /// from catalogs, not from here.
    #[graphql(directive = requires::apply(EditUser::PERMISSION.into()))]
    async fn create_user(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The user.")] input: CreateUserInput,
    ) -> Result<CreateUserPayload, ApiError> {
        let api = Api::of(ctx);
        let permit = api.permit::<EditUser>().await?;
        let idempotency = repeatable(input.idempotency_key.clone(), &input);
        let (id, user_errors) = api
            .run(create::Create {
                permit,
                environment: api.environment.clone(),
                issuer: input.issuer,
                subject: input.subject,
                display_name: input.display_name,
                email: input.email,
                kind: input.kind.into(),
                manager: input.manager.map(|id| Kind::User.named(&id)),
                idempotency,
            })
            .await?;
        Ok(CreateUserPayload { user: changed(api, id).await?, user_errors })
    }

    /// Changes what is kept of a user. Issuer and subject stay: they are who the user is.
    #[graphql(directive = requires::apply(EditUser::PERMISSION.into()))]
    async fn update_user(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The change.")] input: UpdateUserInput,
    ) -> Result<UpdateUserPayload, ApiError> {
        let api = Api::of(ctx);
        let permit = api.permit::<EditUser>().await?;
        let (id, user_errors) = api
            .run(update::Update {
                permit,
                id: Kind::User.parse(&input.id),
                version: input.version,
                display_name: input.display_name,
                email: change(input.email),
                manager: change(input.manager.map_value(|id| Kind::User.named(&id))),
            })
            .await?;
        Ok(UpdateUserPayload { user: changed(api, id).await?, user_errors })
    }

    /// Deactivates a user: their tokens are refused, their open requests cancelled, their assignments ended. Nobody
    /// deactivates themselves.
    #[graphql(directive = requires::apply(EditUser::PERMISSION.into()))]
    async fn deactivate_user(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The user.")] input: DeactivateUserInput,
    ) -> Result<DeactivateUserPayload, ApiError> {
        let api = Api::of(ctx);
        let (user, user_errors) = set_state(api, &input.id, entity::app_user::UserState::Deactivated).await?;
        Ok(DeactivateUserPayload { user, user_errors })
    }

    /// Makes a user active again. What they held before stays ended; their catalog roles hold again.
    #[graphql(directive = requires::apply(EditUser::PERMISSION.into()))]
    async fn reactivate_user(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The user.")] input: ReactivateUserInput,
    ) -> Result<ReactivateUserPayload, ApiError> {
        let api = Api::of(ctx);
        let (user, user_errors) = set_state(api, &input.id, entity::app_user::UserState::Active).await?;
        Ok(ReactivateUserPayload { user, user_errors })
    }

    /// Lets a guest act again who was blocked for holding nothing; `guestBlockAfter` runs anew from now. One who was
    /// removed comes back by a new request of their own, as somebody new.
    #[graphql(directive = requires::apply(EditUser::PERMISSION.into()))]
    async fn unblock_user(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The guest.")] input: UnblockUserInput,
    ) -> Result<UnblockUserPayload, ApiError> {
        let api = Api::of(ctx);
        let permit = api.permit::<EditUser>().await?;
        let (id, user_errors) = api.run(unblock::Unblock { permit, id: Kind::User.parse(&input.id) }).await?;
        Ok(UnblockUserPayload { user: changed(api, id).await?, user_errors })
    }
}

async fn set_state(
    api: &Api,
    id: &ID,
    state: entity::app_user::UserState,
) -> Result<(Option<User>, Vec<UserError>), ApiError> {
    let permit = api.permit::<EditUser>().await?;
    let (id, user_errors) = api.run(state::SetState { permit, id: Kind::User.parse(id), state }).await?;
    Ok((changed(api, id).await?, user_errors))
}
