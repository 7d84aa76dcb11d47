//! Repositories, and who may use them.

pub mod mutation;

use std::sync::Arc;

use async_graphql::{Context, Enum, ID, InputObject, MaybeUndefined, Object, Value};
use chrono::{DateTime, Utc};
use entity::repository;

use super::api::Api;
use super::connection::{Connection, Listed, OrderDirection, Paging, Selected, Sorted, given};
use super::error::ApiError;
use super::id::{GlobalId, Kind};
use super::loader::Nested;
use super::requires::requires;
use super::resolve::{Now, Plain, enum_value, maybe, scalar};
use super::text;
use super::user::User;
use crate::authz::Permission;
use crate::domain;
use crate::store::columns::columns;
use crate::store::{self, Columns, Direction, Key, Position};

/// A protected resource of the organization, which access tokens reach.
#[derive(Clone)]
pub struct Repository(pub Arc<repository::Model>);

impl Listed for Repository {
    fn position(&self, by: &str) -> Position {
        let key = match by {
            "NAME" => Key::Text(self.0.name_key.clone()),
            _ => Key::Time(self.0.created_at),
        };
        Position { key, id: self.0.id }
    }
}

impl Plain for Repository {
    fn plain(&self, field: &str) -> Option<Value> {
        Some(match field {
            "id" => scalar(&Kind::Repository.id(self.0.id)),
            "name" => scalar(&self.0.name),
            "description" => scalar(&self.0.description),
            "visibility" => enum_value(RepositoryVisibility::from(self.0.visibility)),
            "originId" => maybe(self.0.origin_id.as_ref()),
            _ => return None,
        })
    }

    fn columns(field: &str) -> Columns {
        match field {
            "id" | "access" => Columns::KEY,
            "name" => columns!(repository: Name),
            "description" => columns!(repository: Description),
            "visibility" => columns!(repository: Visibility),
            "originId" => columns!(repository: OriginId),
            _ => Columns::ALL,
        }
    }
}

/// A protected resource of the organization, which access tokens reach.
#[Object]
impl Repository {
    /// The global id.
    pub async fn id(&self) -> ID {
        Kind::Repository.id(self.0.id)
    }

    /// The name, unique among the organization's repositories in any case.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// What the repository holds.
    async fn description(&self) -> &str {
        &self.0.description
    }

    /// Who may read the repository without any access of their own.
    async fn visibility(&self) -> RepositoryVisibility {
        self.0.visibility.into()
    }

    /// The repository's id at the resource server; null where none was given.
    async fn origin_id(&self) -> Option<&str> {
        self.0.origin_id.as_deref()
    }

    /// Who was given access, oldest first. Without the permission: your own alone.
    #[graphql(directive = requires::apply(Permission::SeeTokens.into()))]
    async fn access(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many from the start, 0 to 100; 20 when neither `first` nor `last` is given.")]
        first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 0 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
    ) -> Result<Connection<RepositoryAccess>, ApiError> {
        let api = Api::of(ctx);
        let sorted = Sorted { by: "CREATED_AT", direction: Direction::Ascending };
        let window = Paging { first, after, last, before }.window(sorted, &Selected::of(ctx))?;
        let page = api.loaders.access_to_repository().get(Nested::new(self.0.id, window)).await?;
        Ok(Connection::nested(&page, sorted, RepositoryAccess))
    }

    /// How much you may do with the repository yourself: the most of what its visibility, the base level and your
    /// own access give. Null for nothing. Your tokens never have more.
    async fn viewer_level(&self, ctx: &Context<'_>) -> Result<Option<AccessLevel>, ApiError> {
        let api = Api::of(ctx);
        let organization = api.loaders.organizations().get(api.scope.organization).await?;
        let own = match api.scope.user {
            Some(_) => api.loaders.own_access().find(self.0.id).await?,
            None => None,
        };
        let level = domain::repository::access(
            api.scope.is_member,
            self.0.visibility,
            organization.base_level,
            own.as_ref().and_then(|own| own.repository),
            own.as_ref().and_then(|own| own.organization),
        );
        Ok(level.filter(|_| self.0.deleted_at.is_none()).map(AccessLevel::from))
    }

    /// Whether you may change the repository, and who may use it.
    async fn viewer_can_edit(&self, ctx: &Context<'_>) -> bool {
        self.0.deleted_at.is_none() && Api::of(ctx).viewer.holds(Permission::ManageTokens)
    }

    /// Raised by every change; give it back when changing the object.
    async fn version(&self) -> i32 {
        self.0.version
    }

    /// When the repository was made.
    async fn created_at(&self) -> DateTime<Utc> {
        self.0.created_at
    }

    /// When the repository was deleted; null while it is there. History still shows it.
    async fn deleted_at(&self) -> Option<DateTime<Utc>> {
        self.0.deleted_at
    }
}

/// Who may read a repository without any access of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "entity::repository::Visibility")]
pub enum RepositoryVisibility {
    /// Everybody, also without a token.
    Public,
    /// Every member of the organization.
    Internal,
    /// Nobody but those who were given access.
    Private,
}

/// How much somebody may do; each level holds those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "entity::repository_access::AccessLevel")]
pub enum AccessLevel {
    /// Read.
    Read,
    /// Read and change.
    Write,
    /// Read, change and administer.
    Admin,
}

/// What every member may do with every repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "entity::organization::BaseLevel")]
pub enum BaseAccessLevel {
    /// Nothing beyond what the visibility of a repository allows.
    None,
    /// Read.
    Read,
    /// Read and change.
    Write,
    /// Read, change and administer.
    Admin,
}

/// What a member was given of a repository.
#[derive(Clone)]
pub struct RepositoryAccess(pub Arc<store::repository::AccessRow>);

impl Listed for RepositoryAccess {
    fn position(&self, _: &str) -> Position {
        Position { key: Key::Time(self.0.access.created_at), id: self.0.access.id }
    }
}

impl Plain for RepositoryAccess {}

/// What a member was given of a repository.
#[Object]
impl RepositoryAccess {
    /// The global id.
    pub async fn id(&self) -> ID {
        Kind::RepositoryAccess.id(self.0.access.id)
    }

    /// The repository.
    async fn repository(&self, ctx: &Context<'_>) -> Result<Now<Repository>, ApiError> {
        let found = Api::of(ctx).loaders.repositories().get(self.0.access.repository_id).await?;
        Ok(Now(Repository(found)))
    }

    /// Who it was given to.
    async fn user(&self) -> Now<User> {
        Now(User(Arc::clone(&self.0.user)))
    }

    /// How much they may do.
    async fn level(&self) -> AccessLevel {
        self.0.access.level.into()
    }

    /// When it was first given.
    async fn created_at(&self) -> DateTime<Utc> {
        self.0.access.created_at
    }
}

/// Which repositories are wanted. All given conditions hold together; a condition that is null is an error.
#[derive(Clone, Default, InputObject)]
pub struct RepositoryFilter {
    /// With one of these visibilities.
    visibility: MaybeUndefined<Vec<RepositoryVisibility>>,
    /// With one of these ids at the resource server.
    origin_id: MaybeUndefined<Vec<String>>,
    /// That one of these users was given access to; of others than yourself only for those who see all access.
    user: MaybeUndefined<Vec<ID>>,
    /// With this text in the name, in any case.
    search: MaybeUndefined<String>,
}

impl RepositoryFilter {
    fn read(&self) -> Result<store::repository::Filter, ApiError> {
        let users = given("user", &self.user)?;
        let visibilities = given("visibility", &self.visibility)?;
        Ok(store::repository::Filter {
            visibilities: visibilities.map(|all| all.into_iter().map(Into::into).collect()),
            origins: text::conditions("originId", &self.origin_id)?,
            users: users.map(|ids| Kind::User.parse_all(&ids)),
            search: text::condition("search", &self.search)?,
        })
    }
}

/// What a list of repositories is sorted by; ties are broken by id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum RepositoryOrderField {
    /// The name.
    Name,
    /// The time they were made.
    CreatedAt,
}

/// The order of a list of repositories.
#[derive(Clone, Copy, InputObject)]
pub struct RepositoryOrder {
    /// What it is sorted by.
    field: RepositoryOrderField,
    /// Which way.
    direction: OrderDirection,
}

/// Queries about repositories.
#[derive(Default)]
pub struct RepositoryQuery;

#[Object]
impl RepositoryQuery {
    /// The organization's repositories. Without the permission: those that are public, and for members those that
    /// are internal or that they may read.
    #[graphql(directive = requires::apply(Permission::SeeTokens.into()))]
    async fn repositories(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which repositories.")] filter: Option<RepositoryFilter>,
        #[graphql(
            desc = "In which order.",
            default_with = "RepositoryOrder { field: RepositoryOrderField::Name, direction: OrderDirection::Asc }"
        )]
        order_by: RepositoryOrder,
        #[graphql(desc = "How many from the start, 0 to 100; 20 when neither `first` nor `last` is given.")]
        first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 0 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
    ) -> Result<Connection<Repository>, ApiError> {
        let api = Api::of(ctx);
        let (order, by) = match order_by.field {
            RepositoryOrderField::Name => (store::repository::Order::Name, "NAME"),
            RepositoryOrderField::CreatedAt => (store::repository::Order::CreatedAt, "CREATED_AT"),
        };
        let sorted = Sorted { by, direction: order_by.direction.into() };
        let window = Paging { first, after, last, before }.window(sorted, &Selected::of(ctx))?;
        let filter = filter.unwrap_or_default().read()?;
        let page = store::repository::list(&api.database, &api.scope, &filter, order, &window).await?;
        Ok(Connection::new(page, sorted, |row| Repository(Arc::new(row))))
    }
}
