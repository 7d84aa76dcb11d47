//! Making, changing and deleting repositories, and saying who may use them.

use std::sync::Arc;

use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object, SimpleObject};
use uuid::Uuid;

use super::{AccessLevel, BaseAccessLevel, Repository, RepositoryAccess, RepositoryVisibility};
use crate::authz::Action as _;
use crate::authz::permission::action::EditRepository;
use crate::domain::repository::{access, create, delete, organization_access, update};
use crate::graphql::api::{Api, change, repeatable};
use crate::graphql::error::{ApiError, UserError};
use crate::graphql::id::Kind;
use crate::graphql::organization::{Organization, current};
use crate::graphql::requires::requires;
use crate::graphql::user::User;
use crate::store;

/// A new repository.
#[derive(Debug, InputObject)]
pub struct CreateRepositoryInput {
    /// The name: 1 to 100 of letters A to Z, digits, `-`, `_` and `.`, unique among the organization's repositories
    /// in any case.
    name: String,
    /// What it holds, at most 2,000 characters.
    #[graphql(default)]
    description: String,
    /// Who may read it without any access of their own.
    visibility: RepositoryVisibility,
    /// Its id at the resource server, 1 to 500 characters, unique in the organization.
    origin_id: Option<String>,
    /// Makes the call repeatable for 24 hours: a second call with the same key and input answers with the first
    /// one's repository.
    idempotency_key: Option<String>,
}

/// The end of `createRepository`.
#[derive(SimpleObject)]
pub struct CreateRepositoryPayload {
    /// The new repository; null when refused.
    repository: Option<Repository>,
    /// Why it was refused; empty when done.
    user_errors: Vec<UserError>,
}

/// What to change of a repository; what is left out stays.
#[derive(Debug, InputObject)]
pub struct UpdateRepositoryInput {
    /// The repository.
    id: ID,
    /// The version that the change is based on; `CONFLICT` when it is no longer that.
    version: i32,
    /// The name: 1 to 100 of letters A to Z, digits, `-`, `_` and `.`, unique among the organization's repositories
    /// in any case.
    name: Option<String>,
    /// What it holds, at most 2,000 characters.
    description: Option<String>,
    /// Who may read it without any access of their own. It holds for all tokens at once.
    visibility: Option<RepositoryVisibility>,
    /// Its id at the resource server, 1 to 500 characters, unique in the organization; null takes it away.
    origin_id: MaybeUndefined<String>,
}

/// The end of `updateRepository`.
#[derive(SimpleObject)]
pub struct UpdateRepositoryPayload {
    /// The repository as it is now; null when refused.
    repository: Option<Repository>,
    /// Why it was refused; empty when done.
    user_errors: Vec<UserError>,
}

/// Which repository to delete.
#[derive(Debug, InputObject)]
pub struct DeleteRepositoryInput {
    /// The repository.
    id: ID,
}

/// The end of `deleteRepository`.
#[derive(SimpleObject)]
pub struct DeleteRepositoryPayload {
    /// The repository that was deleted; null when refused.
    repository: Option<Repository>,
    /// Why it was refused; empty when done.
    user_errors: Vec<UserError>,
}

/// What a member may do with a repository.
#[derive(Debug, InputObject)]
pub struct SetRepositoryAccessInput {
    /// The repository.
    repository: ID,
    /// The user: an active member of the organization.
    user: ID,
    /// How much they may do; null takes their own access away. What visibility and base level give stays.
    level: Option<AccessLevel>,
}

/// The end of `setRepositoryAccess`.
#[derive(SimpleObject)]
pub struct SetRepositoryAccessPayload {
    /// The repository; null when refused.
    repository: Option<Repository>,
    /// The access as it is now; null when it was taken away, and when refused.
    repository_access: Option<RepositoryAccess>,
    /// Why it was refused; empty when done.
    user_errors: Vec<UserError>,
}

/// What every member may do with every repository.
#[derive(Debug, InputObject)]
pub struct SetBaseAccessLevelInput {
    /// The version of the organization that the change is based on; `CONFLICT` when it is no longer that.
    version: i32,
    /// How much.
    level: BaseAccessLevel,
}

/// The end of `setBaseAccessLevel`.
#[derive(SimpleObject)]
pub struct SetBaseAccessLevelPayload {
    /// The organization as it is now; null when refused.
    organization: Option<Organization>,
    /// Why it was refused; empty when done.
    user_errors: Vec<UserError>,
}

/// What a member may do in the organization itself.
#[derive(Debug, InputObject)]
pub struct SetOrganizationAccessInput {
    /// The user: an active member of the organization.
    user: ID,
    /// How much they may do; `ADMIN` is everything, in every repository, too. Null leaves what every member may.
    level: Option<AccessLevel>,
}

/// The end of `setOrganizationAccess`.
#[derive(SimpleObject)]
pub struct SetOrganizationAccessPayload {
    /// The user; null when refused.
    user: Option<User>,
    /// Why it was refused; empty when done.
    user_errors: Vec<UserError>,
}

/// The repository that a command has made or changed.
async fn changed(api: &Api, id: Option<Uuid>) -> Result<Option<Repository>, ApiError> {
    let Some(id) = id else { return Ok(None) };
    let found = store::repository::find(&api.database, api.named(), &[id]).await?;
    Ok(found.into_iter().next().map(|row| Repository(Arc::new(row))))
}

/// Changes of repositories, and of who may use them.
#[derive(Default)]
pub struct RepositoryMutation;

#[Object]
impl RepositoryMutation {
    /// Makes a repository: what is known of it here, for tokens; nothing is made at the resource server.
    #[graphql(directive = requires::apply(EditRepository::PERMISSION.into()))]
    async fn create_repository(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The repository.")] input: CreateRepositoryInput,
    ) -> Result<CreateRepositoryPayload, ApiError> {
        let api = Api::of(ctx);
        let permit = api.permit::<EditRepository>().await?;
        let idempotency = repeatable(input.idempotency_key.clone(), &input);
        let (id, user_errors) = api
            .run(create::Create {
                permit,
                name: input.name,
                description: input.description,
                visibility: input.visibility.into(),
                origin_id: input.origin_id,
                idempotency,
            })
            .await?;
        Ok(CreateRepositoryPayload { repository: changed(api, id).await?, user_errors })
    }

    /// Changes a repository.
    #[graphql(directive = requires::apply(EditRepository::PERMISSION.into()))]
    async fn update_repository(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The change.")] input: UpdateRepositoryInput,
    ) -> Result<UpdateRepositoryPayload, ApiError> {
        let api = Api::of(ctx);
        let permit = api.permit::<EditRepository>().await?;
        let (id, user_errors) = api
            .run(update::Update {
                permit,
                id: Kind::Repository.parse(&input.id),
                version: input.version,
                name: input.name,
                description: input.description,
                visibility: input.visibility.map(Into::into),
                origin_id: change(input.origin_id),
            })
            .await?;
        Ok(UpdateRepositoryPayload { repository: changed(api, id).await?, user_errors })
    }

    /// Deletes a repository. Tokens that were granted it no longer reach it; the rest of their grants stays.
    #[graphql(directive = requires::apply(EditRepository::PERMISSION.into()))]
    async fn delete_repository(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The repository.")] input: DeleteRepositoryInput,
    ) -> Result<DeleteRepositoryPayload, ApiError> {
        let api = Api::of(ctx);
        let permit = api.permit::<EditRepository>().await?;
        let command = delete::Delete { permit, id: Kind::Repository.parse(&input.id) };
        let (id, user_errors) = api.run(command).await?;
        Ok(DeleteRepositoryPayload { repository: changed(api, id).await?, user_errors })
    }

    /// Says what a member may do with a repository. It holds for their tokens at once: a token never has more than
    /// its owner.
    #[graphql(directive = requires::apply(EditRepository::PERMISSION.into()))]
    async fn set_repository_access(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What a member may do with a repository.")] input: SetRepositoryAccessInput,
    ) -> Result<SetRepositoryAccessPayload, ApiError> {
        let api = Api::of(ctx);
        let permit = api.permit::<EditRepository>().await?;
        let (done, user_errors) = api
            .run(access::SetAccess {
                permit,
                repository: Kind::Repository.parse(&input.repository),
                user: Kind::User.parse(&input.user),
                level: input.level.map(Into::into),
            })
            .await?;
        let (id, access) = done.map_or((None, None), |(id, access)| (Some(id), access));
        let mut found = Vec::new();
        if let Some(access) = access {
            found = store::repository::find_access(&api.database, api.named(), &[access]).await?;
        }
        let repository_access = found.into_iter().next().map(|row| RepositoryAccess(Arc::new(row)));
        Ok(SetRepositoryAccessPayload { repository: changed(api, id).await?, repository_access, user_errors })
    }

    /// Says what every member may do with every repository.
    #[graphql(directive = requires::apply(EditRepository::PERMISSION.into()))]
    async fn set_base_access_level(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What every member may do.")] input: SetBaseAccessLevelInput,
    ) -> Result<SetBaseAccessLevelPayload, ApiError> {
        let api = Api::of(ctx);
        let permit = api.permit::<EditRepository>().await?;
        let command =
            organization_access::SetBaseLevel { permit, version: input.version, level: input.level.into() };
        let (id, user_errors) = api.run(command).await?;
        let organization = if id.is_some() { Some(current(ctx).await?) } else { None };
        Ok(SetBaseAccessLevelPayload { organization, user_errors })
    }

    /// Says what a member may do in the organization itself, by their tokens. The roles of a sign-in do not count
    /// there: they are not known when a token is used.
    #[graphql(directive = requires::apply(EditRepository::PERMISSION.into()))]
    async fn set_organization_access(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What a member may do.")] input: SetOrganizationAccessInput,
    ) -> Result<SetOrganizationAccessPayload, ApiError> {
        let api = Api::of(ctx);
        let permit = api.permit::<EditRepository>().await?;
        let (id, user_errors) = api
            .run(organization_access::SetOrganizationAccess {
                permit,
                user: Kind::User.parse(&input.user),
                level: input.level.map(Into::into),
            })
            .await?;
        let mut found = Vec::new();
        if let Some(id) = id {
            found = store::user::find(&api.database, api.named(), &[id]).await?;
        }
        let user = found.into_iter().next().map(|row| User(Arc::new(row)));
        Ok(SetOrganizationAccessPayload { user, user_errors })
    }
}
