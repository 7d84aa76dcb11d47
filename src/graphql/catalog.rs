//! Catalogs and the roles that are assigned in them.

use std::sync::Arc;

use async_graphql::{Context, Enum, ID, InputObject, MaybeUndefined, Object};
use chrono::{DateTime, Utc};
use entity::catalog;

use super::access_package::{AccessPackage, AccessPackageOrder, AccessPackageOrderField};
use super::api::Api;
use super::connection::{Connection, Listed, OrderDirection, Paging, Selected, Sorted, given};
use super::error::ApiError;
use super::id::{GlobalId, Kind};
use super::requires::requires;
use super::resolve::Now;
use super::resource::Resource;
use super::user::User;
use crate::authz::Permission;
use crate::store::{self, Direction, Key, Position};

/// A container of resources and access packages; the scope of delegated roles.
#[derive(Clone)]
pub struct Catalog(pub Arc<catalog::Model>);

impl Listed for Catalog {
    fn position(&self, by: &str) -> Position {
        let key = match by {
            "NAME" => Key::Text(self.0.name_key.clone()),
            _ => Key::Time(self.0.created_at),
        };
        Position { key, id: self.0.id }
    }
}

#[Object]
impl Catalog {
    /// The global id.
    pub async fn id(&self) -> ID {
        Kind::Catalog.id(self.0.id)
    }

    /// The name, unique among the organization's catalogs.
    async fn display_name(&self) -> &str {
        &self.0.display_name
    }

    /// What the catalog holds and for whom.
    async fn description(&self) -> &str {
        &self.0.description
    }

    /// Whether packages of the catalog can be requested.
    async fn enabled(&self) -> bool {
        self.0.enabled
    }

    /// Whether outsiders may request packages of the catalog.
    async fn externally_visible(&self) -> bool {
        self.0.externally_visible
    }

    /// The resources of the catalog, by name. Empty for those who may not see all of the catalog.
    #[graphql(directive = requires::apply(Permission::SeeCatalogs.into()))]
    async fn resources(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many from the start, 0 to 100; 20 when neither `first` nor `last` is given.")]
        first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 0 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
    ) -> Result<Connection<Resource>, ApiError> {
        let api = Api::of(ctx);
        let sorted = Sorted { by: "NAME", direction: Direction::Ascending };
        let window = Paging { first, after, last, before }.window(sorted, &Selected::of(ctx))?;
        let page = store::resource::list(&api.database, &api.scope, self.0.id, &window).await?;
        Ok(Connection::new(page, sorted, |resource| Resource(Arc::new(resource))))
    }

    /// The access packages of the catalog that you may see.
    async fn access_packages(
        &self,
        ctx: &Context<'_>,
        #[graphql(
            desc = "In which order.",
            default_with = "AccessPackageOrder { field: AccessPackageOrderField::Name, direction: OrderDirection::Asc }"
        )]
        order_by: AccessPackageOrder,
        #[graphql(desc = "How many from the start, 0 to 100; 20 when neither `first` nor `last` is given.")]
        first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 0 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
    ) -> Result<Connection<AccessPackage>, ApiError> {
        let filter = store::access_package::Filter {
            catalogs: Some(vec![self.0.id]),
            ..store::access_package::Filter::default()
        };
        super::access_package::list(ctx, &filter, order_by, Paging { first, after, last, before }).await
    }

    /// The roles assigned in the catalog, oldest first. Empty for those who may not see all of the catalog,
    /// but for their own.
    #[graphql(directive = requires::apply(Permission::SeeCatalogs.into()))]
    async fn role_assignments(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many from the start, 0 to 100; 20 when neither `first` nor `last` is given.")]
        first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 0 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
    ) -> Result<Connection<CatalogRoleAssignment>, ApiError> {
        let api = Api::of(ctx);
        let sorted = Sorted { by: "CREATED_AT", direction: Direction::Ascending };
        let window = Paging { first, after, last, before }.window(sorted, &Selected::of(ctx))?;
        let page = store::catalog::roles(&api.database, &api.scope, Some(self.0.id), None, &window).await?;
        Ok(Connection::new(page, sorted, |row| CatalogRoleAssignment(Arc::new(row))))
    }

    /// Whether you may edit the catalog, its role assignments and its resources.
    async fn viewer_can_edit(&self, ctx: &Context<'_>) -> bool {
        Api::of(ctx).viewer.catalogs(Permission::ManageCatalogs).contain(self.0.id)
    }

    /// Whether you may manage packages and policies of the catalog.
    async fn viewer_can_manage_packages(&self, ctx: &Context<'_>) -> bool {
        Api::of(ctx).viewer.catalogs(Permission::ManagePackages).contain(self.0.id)
    }

    /// Whether you may reprocess, assign, revoke and cancel in the catalog.
    async fn viewer_can_manage_requests(&self, ctx: &Context<'_>) -> bool {
        Api::of(ctx).viewer.catalogs(Permission::ManageRequests).contain(self.0.id)
    }

    /// Raised by every change; give it back when changing the object.
    async fn version(&self) -> i32 {
        self.0.version
    }

    /// When the catalog was made.
    async fn created_at(&self) -> DateTime<Utc> {
        self.0.created_at
    }

    /// When the catalog was deleted; null while it is there. History still shows it.
    async fn deleted_at(&self) -> Option<DateTime<Utc>> {
        self.0.deleted_at
    }
}

/// A role that is limited to catalogs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "entity::catalog_role_assignment::CatalogRole")]
pub enum CatalogRole {
    /// Everything in the catalog.
    CatalogOwner,
    /// Sees packages, resources and policies.
    CatalogReader,
    /// Manages packages, policies and requests.
    AccessPackageManager,
    /// Manages requests and assignments.
    AccessPackageAssignmentManager,
}

/// A catalog role that a user holds by assignment.
#[derive(Clone)]
pub struct CatalogRoleAssignment(pub Arc<store::catalog::RoleRow>);

impl Listed for CatalogRoleAssignment {
    fn position(&self, _: &str) -> Position {
        Position { key: Key::Time(self.0.held.created_at), id: self.0.held.id }
    }
}

#[Object]
impl CatalogRoleAssignment {
    /// The global id.
    pub async fn id(&self) -> ID {
        Kind::CatalogRoleAssignment.id(self.0.held.id)
    }

    /// Where the role holds.
    async fn catalog(&self, ctx: &Context<'_>) -> Result<Now<Catalog>, ApiError> {
        Ok(Now(Catalog(Api::of(ctx).loaders.catalogs.get(self.0.held.catalog_id).await?)))
    }

    /// Who holds it.
    async fn user(&self) -> Now<User> {
        Now(User(Arc::clone(&self.0.user)))
    }

    /// Which role.
    async fn role(&self) -> CatalogRole {
        self.0.held.role.into()
    }

    /// When it was given.
    async fn created_at(&self) -> DateTime<Utc> {
        self.0.held.created_at
    }
}

/// Which catalogs are wanted. All given conditions hold together; a condition that is null is an error.
#[derive(Clone, Default, InputObject)]
pub struct CatalogFilter {
    /// Enabled, or not.
    enabled: MaybeUndefined<bool>,
    /// Open to outsiders, or not.
    externally_visible: MaybeUndefined<bool>,
    /// With this text in the name, in any case.
    search: MaybeUndefined<String>,
}

/// What a list of catalogs is sorted by; ties are broken by id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum CatalogOrderField {
    /// The name.
    Name,
    /// The time they were made.
    CreatedAt,
}

/// The order of a list of catalogs.
#[derive(Clone, Copy, InputObject)]
pub struct CatalogOrder {
    /// What it is sorted by.
    field: CatalogOrderField,
    /// Which way.
    direction: OrderDirection,
}

/// Queries about catalogs.
#[derive(Default)]
pub struct CatalogQuery;

#[Object]
impl CatalogQuery {
    /// The organization's catalogs. Without the permission in the whole organization: those where you hold a role.
    #[graphql(directive = requires::apply(Permission::SeeCatalogs.into()))]
    async fn catalogs(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which catalogs.", default)] filter: CatalogFilter,
        #[graphql(
            desc = "In which order.",
            default_with = "CatalogOrder { field: CatalogOrderField::Name, direction: OrderDirection::Asc }"
        )]
        order_by: CatalogOrder,
        #[graphql(desc = "How many from the start, 0 to 100; 20 when neither `first` nor `last` is given.")]
        first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 0 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
    ) -> Result<Connection<Catalog>, ApiError> {
        let api = Api::of(ctx);
        let (by, order) = match order_by.field {
            CatalogOrderField::Name => ("NAME", store::catalog::Order::Name),
            CatalogOrderField::CreatedAt => ("CREATED_AT", store::catalog::Order::CreatedAt),
        };
        let sorted = Sorted { by, direction: order_by.direction.into() };
        let window = Paging { first, after, last, before }.window(sorted, &Selected::of(ctx))?;
        let filter = store::catalog::Filter {
            enabled: given("enabled", &filter.enabled)?,
            externally_visible: given("externallyVisible", &filter.externally_visible)?,
            search: super::text::condition("search", &filter.search)?,
        };
        let page = store::catalog::list(&api.database, &api.scope, &filter, order, &window).await?;
        Ok(Connection::new(page, sorted, |catalog| Catalog(Arc::new(catalog))))
    }
}
