//! What tokens may do: the parts that requests and grants have in common.

use std::sync::Arc;

use async_graphql::{Context, Enum, ID, MaybeUndefined, Object, SimpleObject, Value};
use chrono::{DateTime, Utc};
use entity::{repository_access, token_request_permission};

use super::access_token::TokenOrigin;
use super::api::Api;
use super::connection::{Selected, given};
use super::error::ApiError;
use super::id::{GlobalId, Kind};
use super::loader::Nested;
use super::permission_catalog::PermissionTarget;
use super::repository::{AccessLevel, Repository};
use super::resolve::{Plain, Rows, enum_value, scalar};
use super::text::time;
use crate::domain::token_request::Reach;
use crate::domain::token_request::reach;
use crate::store::token_filter::{PermissionCondition, TokenFilter};
use uuid::Uuid;

/// The most permissions of a condition.
const MOST_PERMISSIONS: usize = 50;

/// The most names of people elsewhere in a condition, and the longest of them in characters.
const MOST_LOGINS: usize = 50;
const LONGEST_LOGIN: usize = 200;

/// Which repositories a token reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "entity::token_request::RepositorySelection")]
pub enum RepositorySelection {
    /// Public ones only, to read.
    None,
    /// Every one of the organization, later ones too.
    All,
    /// Those that it names, and public ones to read.
    Subset,
}

/// A permission of a token.
#[derive(Clone, Debug, SimpleObject)]
pub struct TokenPermission {
    /// What it is about.
    target: PermissionTarget,
    /// Its name in the permission catalogue, for example `issues`.
    name: String,
    /// How much; each level holds those before it.
    level: AccessLevel,
}

impl Plain for TokenPermission {
    fn plain(&self, field: &str) -> Option<Value> {
        Some(match field {
            "target" => enum_value(self.target),
            "name" => scalar(&self.name),
            "level" => enum_value(self.level),
            _ => return None,
        })
    }
}

impl From<&token_request_permission::Model> for TokenPermission {
    fn from(row: &token_request_permission::Model) -> Self {
        Self { target: row.target.into(), name: row.name.clone(), level: row.level.into() }
    }
}

/// How a permission differs from what was granted before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum TokenPermissionChangeKind {
    /// It was not granted before.
    Added,
    /// It was granted at a lower level.
    Upgraded,
    /// It was granted at a higher level.
    Downgraded,
    /// It was granted, and is not asked for any more.
    Removed,
}

/// A permission that differs from what was granted before.
#[derive(Clone, Debug, SimpleObject)]
pub struct TokenPermissionChange {
    /// In which way.
    kind: TokenPermissionChangeKind,
    /// What the permission is about.
    target: PermissionTarget,
    /// Its name in the permission catalogue.
    name: String,
    /// How much was granted; null where nothing was.
    from: Option<AccessLevel>,
    /// How much is asked for; null where nothing is.
    to: Option<AccessLevel>,
}

impl Plain for TokenPermissionChange {}

impl From<reach::PermissionChange> for TokenPermissionChange {
    fn from(change: reach::PermissionChange) -> Self {
        let kind = match (change.from, change.to) {
            (None, _) => TokenPermissionChangeKind::Added,
            (Some(_), None) => TokenPermissionChangeKind::Removed,
            (Some(from), Some(to)) if to > from => TokenPermissionChangeKind::Upgraded,
            (Some(_), Some(_)) => TokenPermissionChangeKind::Downgraded,
        };
        Self {
            kind,
            target: change.target.into(),
            name: change.name,
            from: change.from.map(Into::into),
            to: change.to.map(Into::into),
        }
    }
}

/// How the repositories of a request differ from what was granted before.
pub struct TokenRepositoryChanges(pub reach::RepositoryChanges);

impl Plain for TokenRepositoryChanges {}

/// How the repositories of a request differ from what was granted before.
#[Object]
impl TokenRepositoryChanges {
    /// The selection that was granted; null where nothing was.
    async fn from(&self) -> Option<RepositorySelection> {
        self.0.from.map(Into::into)
    }

    /// The selection that is asked for.
    async fn to(&self) -> RepositorySelection {
        self.0.to.into()
    }

    /// The repositories that are named now and were not, at most 50.
    #[graphql(complexity = "child_complexity.saturating_mul(20)")]
    async fn added(&self, ctx: &async_graphql::Context<'_>) -> Result<Rows<Repository>, ApiError> {
        named(Api::of(ctx), &self.0.added).await
    }

    /// The repositories that were named and are not now, at most 50.
    #[graphql(complexity = "child_complexity.saturating_mul(20)")]
    async fn removed(&self, ctx: &async_graphql::Context<'_>) -> Result<Rows<Repository>, ApiError> {
        named(Api::of(ctx), &self.0.removed).await
    }
}

/// Repositories by id, those deleted since left out.
async fn named(api: &Api, ids: &[Uuid]) -> Result<Rows<Repository>, ApiError> {
    let found = ids.iter().map(|id| api.loaders.repositories().find(*id));
    let found = futures_util::future::try_join_all(found).await?;
    let mut rows: Vec<Repository> =
        found.into_iter().flatten().filter(|row| row.deleted_at.is_none()).map(Repository).collect();
    rows.sort_by(|one, other| one.0.name_key.cmp(&other.0.name_key));
    Ok(Rows(rows))
}

/// The repositories that a request names, by name; those deleted since are left out.
pub async fn repositories(ctx: &Context<'_>, request: Uuid) -> Result<Rows<Repository>, ApiError> {
    let columns = Selected::of_one(ctx).columns::<Repository>(&[]);
    let rows = Api::of(ctx).loaders.named_repositories().find(Nested::new(request, columns)).await?;
    Ok(Rows(rows.iter().flat_map(|rows| rows.iter()).map(Arc::clone).map(Repository).collect()))
}

/// The permissions that a request asks for, by target and name.
pub async fn permissions(api: &Api, request: Uuid) -> Result<Rows<TokenPermission>, ApiError> {
    let rows = api.loaders.permissions_of_request().find(request).await?;
    Ok(Rows(rows.iter().flat_map(|rows| rows.iter()).map(TokenPermission::from).collect()))
}

/// What a request asks for, as a whole.
pub async fn reach(
    api: &Api,
    request: Uuid,
    selection: entity::token_request::RepositorySelection,
) -> Result<Reach, ApiError> {
    let (repositories, permissions) = futures_util::future::try_join(
        api.loaders.repositories_of_request().find(request),
        api.loaders.permissions_of_request().find(request),
    )
    .await?;
    let (repositories, permissions): (Arc<Vec<_>>, Arc<Vec<_>>) =
        (repositories.unwrap_or_default(), permissions.unwrap_or_default());
    Ok(Reach::from_rows(selection, repositories.iter(), permissions.iter()))
}

/// The conditions of a filter that token requests and grants have in common, as they came.
pub(super) struct Conditions<'a> {
    pub(super) owner: &'a MaybeUndefined<Vec<ID>>,
    pub(super) origin: &'a MaybeUndefined<Vec<TokenOrigin>>,
    pub(super) external_owner: &'a MaybeUndefined<Vec<String>>,
    pub(super) repository: &'a MaybeUndefined<Vec<ID>>,
    pub(super) permission: &'a MaybeUndefined<Vec<String>>,
    pub(super) token: &'a MaybeUndefined<Vec<ID>>,
    pub(super) created_since: (&'static str, &'a MaybeUndefined<DateTime<Utc>>),
    pub(super) created_before: (&'static str, &'a MaybeUndefined<DateTime<Utc>>),
    pub(super) expires_since: &'a MaybeUndefined<DateTime<Utc>>,
    pub(super) expires_before: &'a MaybeUndefined<DateTime<Utc>>,
    pub(super) last_used_since: &'a MaybeUndefined<DateTime<Utc>>,
    pub(super) last_used_before: &'a MaybeUndefined<DateTime<Utc>>,
}

impl Conditions<'_> {
    /// The conditions for the store.
    pub(super) fn filter(&self) -> Result<TokenFilter, ApiError> {
        Ok(TokenFilter {
            owners: given("owner", self.owner)?.map(|ids| Kind::User.parse_all(&ids)),
            origins: given("origin", self.origin)?
                .map(|origins| origins.into_iter().map(Into::into).collect()),
            logins: given("externalOwner", self.external_owner)?.map(logins).transpose()?,
            repositories: given("repository", self.repository)?.map(|ids| Kind::Repository.parse_all(&ids)),
            permissions: given("permission", self.permission)?.map(|texts| wanted(&texts)).transpose()?,
            tokens: given("token", self.token)?.map(|ids| Kind::AccessToken.parse_all(&ids)),
            created_from: time(self.created_since.0, self.created_since.1)?,
            created_until: time(self.created_before.0, self.created_before.1)?,
            expires_from: time("expiresSince", self.expires_since)?,
            expires_until: time("expiresBefore", self.expires_before)?,
            used_from: time("lastUsedSince", self.last_used_since)?,
            used_until: time("lastUsedBefore", self.last_used_before)?,
        })
    }
}

/// Names of people elsewhere, as conditions hold them.
fn logins(texts: Vec<String>) -> Result<Vec<String>, ApiError> {
    if texts.len() > MOST_LOGINS || texts.iter().any(|text| text.chars().count() > LONGEST_LOGIN) {
        return Err(ApiError::BadUserInput(format!(
            "`externalOwner` must hold at most {MOST_LOGINS} names of at most {LONGEST_LOGIN} characters."
        )));
    }
    Ok(texts)
}

/// Permissions as they are written in conditions: `issues`, or with a level `issues_read`. A name that ends
/// like a level is both.
fn wanted(texts: &[String]) -> Result<Vec<PermissionCondition>, ApiError> {
    use repository_access::AccessLevel::{Admin, Read, Write};
    let is_name = |text: &String| {
        text.len() <= 80 && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    };
    if texts.len() > MOST_PERMISSIONS || !texts.iter().all(is_name) {
        return Err(ApiError::BadUserInput(format!(
            "`permission` must hold at most {MOST_PERMISSIONS} names such as `issues` or `issues_read`."
        )));
    }
    let mut conditions = Vec::with_capacity(texts.len());
    for text in texts {
        conditions.push(PermissionCondition { name: text.clone(), levels: None });
        for (ending, levels) in
            [("_read", vec![Read, Write, Admin]), ("_write", vec![Write, Admin]), ("_admin", vec![Admin])]
        {
            if let Some(name) = text.strip_suffix(ending) {
                conditions.push(PermissionCondition { name: name.to_owned(), levels: Some(levels) });
            }
        }
    }
    Ok(conditions)
}
