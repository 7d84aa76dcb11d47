//! Why a token may do something, or may not.

use async_graphql::{Context, Enum, ID, Object, SimpleObject};
use entity::permission_definition::PermissionTarget;
use uuid::Uuid;

use super::api::Api;
use super::error::ApiError;
use super::id::Kind;
use super::permission_catalog;
use super::repository::AccessLevel;
use crate::domain::permission_catalog::{Catalog, Definition};
use crate::domain::token_access::{self, Holding, Obstacle, Target};
use crate::store::{self, token_access::Repositories, token_access::Which};

/// What forbids something to a token: the first that applies, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "Obstacle")]
pub enum TokenObstacle {
    /// The token is over: it expired, or its owner revoked it. It reads nothing any more, not even what is public.
    Expiry,
    /// The token's owner may not do it: they were deactivated, are no member, or lack the access themselves.
    OwnerStanding,
    /// The organization restricts this kind of token, or the token lives longer than the policy allows.
    Policy,
    /// No owner of the organization has approved the token.
    Approval,
    /// The repository is not among those that were granted.
    Repository,
    /// The grant was revoked or suspended, or does not hold the permission at this level.
    Grant,
}

/// The decision about one use of a token, the same that a resource server is told.
#[derive(SimpleObject)]
pub struct TokenAccessDecision {
    /// Whether the token may do it now.
    allowed: bool,
    /// What forbids it; null when it is allowed.
    forbidden_by: Option<TokenObstacle>,
    /// Whether everybody may do it, also without a token.
    publicly_readable: bool,
    /// The highest level of the permission that the token has there; null for none.
    effective_level: Option<AccessLevel>,
    /// What the token's owner may do there by themselves; null for nothing. A token never has more.
    owner_level: Option<AccessLevel>,
}

/// Queries about what tokens may do.
#[derive(Default)]
pub struct TokenAccessQuery;

#[Object]
impl TokenAccessQuery {
    /// Explains whether a token may do something, and what forbids it. For the organization's owners and readers, and
    /// for the token's owner; null where there is no such token or repository, or you may not see it. Secrets never
    /// travel in a query: a token is named by its id.
    async fn token_access(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The token.")] token: ID,
        #[graphql(desc = "The repository; without it, the organization itself.")] repository: Option<ID>,
        #[graphql(
            desc = "The permission with its level, for example `issues_read`; without a level, its lowest one."
        )]
        permission: String,
    ) -> Result<Option<TokenAccessDecision>, ApiError> {
        let api = Api::of(ctx);
        let Some(token) = Kind::AccessToken.parse(&token) else { return Ok(None) };
        let visible = store::access_token::find(&api.database, api.visible(), &[token]).await?;
        if visible.is_empty() {
            return Ok(None);
        }
        let (about, repository) = match repository {
            None => (PermissionTarget::Organization, None),
            Some(id) => match visible_repository(api, &id).await? {
                Some(id) => (PermissionTarget::Repository, Some(id)),
                None => return Ok(None),
            },
        };
        let catalog = permission_catalog::read(api).await?;
        let (definition, level) = asked(&catalog, about, &permission).ok_or_else(|| {
            let message = "`permission` must be one of the permission catalogue, with or without a level that it has, \
                           for example `issues_read`; see `permissionCatalog`.";
            ApiError::BadUserInput(message.to_owned())
        })?;
        let repositories = repository.map_or(Repositories::None, Repositories::Id);
        let (database, organization) = (&api.database, api.scope.organization);
        let row = store::token_access::read(database, organization, Which::Id(token), repositories).await?;
        let Some(holding) = row.map(Holding::from) else { return Ok(None) };
        let target = match (repository, holding.repositories.first()) {
            (None, _) => Target::Organization,
            (Some(_), Some((_, reached))) => Target::Repository(*reached),
            (Some(_), None) => return Ok(None),
        };
        let judge = holding.judge(&catalog, api.now);
        let decision = judge.decide(definition, level, target);
        Ok(Some(TokenAccessDecision {
            allowed: decision.is_ok(),
            forbidden_by: decision.err().map(TokenObstacle::from),
            publicly_readable: token_access::is_public_read(definition, level, target),
            effective_level: judge.level(definition, target).map(Into::into),
            owner_level: judge.access(target).map(Into::into),
        }))
    }
}

async fn visible_repository(api: &Api, id: &ID) -> Result<Option<Uuid>, ApiError> {
    let Some(id) = Kind::Repository.parse(id) else { return Ok(None) };
    let found = store::repository::find(&api.database, api.visible(), &[id]).await?;
    Ok(found.first().map(|repository| repository.id))
}

/// The permission that a text names, with its level: `issues_read`, or `issues` for the lowest.
fn asked<'a>(
    catalog: &'a Catalog,
    about: PermissionTarget,
    text: &str,
) -> Option<(&'a Definition, entity::repository_access::AccessLevel)> {
    use entity::repository_access::AccessLevel::{Admin, Read, Write};
    for (end, level) in [("_read", Read), ("_write", Write), ("_admin", Admin)] {
        let definition = text.strip_suffix(end).and_then(|name| catalog.find(about, name));
        if let Some(definition) = definition {
            return definition.has(level).then_some((definition, level));
        }
    }
    catalog.find(about, text).map(|definition| (definition, definition.lowest))
}
