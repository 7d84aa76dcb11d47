//! Catalogs and the roles that are assigned in them.

pub mod role;

use std::sync::Arc;

use async_graphql::{Context, Enum, ID, InputObject, MaybeUndefined, Object, SimpleObject, Value};
use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::access_package::{AccessPackage, AccessPackageOrder, AccessPackageOrderField};
use super::api::{Api, repeatable};
use super::connection::{Connection, Listed, OrderDirection, Paging, Selected, Sorted, given};
use super::error::{ApiError, UserError};
use super::id::{GlobalId, Kind};
use super::loader::Nested;
use super::requires::requires;
use super::resolve::{Now, Plain, scalar};
use super::resource::Resource;
use super::user::User;
use crate::authz::permission::action::{CreateCatalog, EditCatalog};
use crate::authz::{Action as _, Permission};
use crate::domain::catalog;
use crate::store::columns::columns;
use crate::store::{self, Columns, Direction, Key, Position};

/// A container of resources and access packages; the scope of delegated roles.
#[derive(Clone)]
pub struct Catalog(pub Arc<entity::catalog::Model>);

impl Listed for Catalog {
    fn position(&self, by: &str) -> Position {
        let key = match by {
            "NAME" => Key::Text(self.0.name_key.clone()),
            _ => Key::Time(self.0.created_at),
        };
        Position { key, id: self.0.id }
    }
}

impl Plain for Catalog {
    fn plain(&self, field: &str) -> Option<Value> {
        Some(match field {
            "id" => scalar(&Kind::Catalog.id(self.0.id)),
            "displayName" => scalar(&self.0.display_name),
            "description" => scalar(&self.0.description),
            "enabled" => scalar(&self.0.enabled),
            _ => return None,
        })
    }

    fn columns(field: &str) -> Columns {
        match field {
            "id" => Columns::KEY,
            "displayName" => columns!(catalog: DisplayName),
            "description" => columns!(catalog: Description),
            "enabled" => columns!(catalog: Enabled),
            "externallyVisible" => columns!(catalog: ExternallyVisible),
            _ => Columns::ALL,
        }
    }
}

/// A container of resources and access packages; the scope of delegated roles.
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
        let page = api.loaders.resources_of_catalog().get(Nested::new(self.0.id, window)).await?;
        Ok(Connection::nested(&page, sorted, Resource))
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
        let paging = Paging { first, after, last, before };
        super::access_package::in_catalog(ctx, self.0.id, order_by, &paging).await
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
        let page = api.loaders.roles_of_catalog().get(Nested::new(self.0.id, window)).await?;
        Ok(Connection::nested(&page, sorted, CatalogRoleAssignment))
    }

    /// Whether you may edit the catalog, its role assignments and its resources.
    async fn viewer_can_edit(&self, ctx: &Context<'_>) -> bool {
        self.0.deleted_at.is_none()
            && Api::of(ctx).viewer.catalogs(Permission::ManageCatalogs).contain(self.0.id)
    }

    /// Whether you may manage packages and policies of the catalog.
    async fn viewer_can_manage_packages(&self, ctx: &Context<'_>) -> bool {
        self.0.deleted_at.is_none()
            && Api::of(ctx).viewer.catalogs(Permission::ManagePackages).contain(self.0.id)
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

impl Plain for CatalogRoleAssignment {}

/// A catalog role that a user holds by assignment.
#[Object]
impl CatalogRoleAssignment {
    /// The global id.
    pub async fn id(&self) -> ID {
        Kind::CatalogRoleAssignment.id(self.0.held.id)
    }

    /// Where the role holds.
    async fn catalog(&self, ctx: &Context<'_>) -> Result<Now<Catalog>, ApiError> {
        Ok(Now(Catalog(Api::of(ctx).loaders.catalogs().get(self.0.held.catalog_id).await?)))
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
        #[graphql(desc = "Which catalogs.")] filter: Option<CatalogFilter>,
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
        let filter = filter.unwrap_or_default();
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

/// A new catalog.
#[derive(Debug, InputObject)]
pub struct CreateCatalogInput {
    /// The name, 1 to 200 characters, unique among the organization's catalogs.
    display_name: String,
    /// What it holds and for whom, at most 2,000 characters.
    #[graphql(default)]
    description: String,
    /// Whether its packages can be requested.
    #[graphql(default = true)]
    enabled: bool,
    /// Whether outsiders may request its packages.
    #[graphql(default = false)]
    externally_visible: bool,
    /// Makes the call repeatable for 24 hours: a second call with the same key and input answers with the first one's catalog.
    idempotency_key: Option<String>,
}

/// The end of `createCatalog`.
#[derive(SimpleObject)]
pub struct CreateCatalogPayload {
    /// The new catalog; null when refused.
    catalog: Option<Catalog>,
    /// Why it was refused; empty when done.
    user_errors: Vec<UserError>,
}

/// What to change of a catalog; what is left out stays.
#[derive(Debug, InputObject)]
pub struct UpdateCatalogInput {
    /// The catalog.
    id: ID,
    /// The version that the change is based on; `CONFLICT` when it is no longer that.
    version: i32,
    /// The name, 1 to 200 characters, unique among the organization's catalogs.
    display_name: Option<String>,
    /// What it holds and for whom, at most 2,000 characters.
    description: Option<String>,
    /// Whether its packages can be requested.
    enabled: Option<bool>,
    /// Whether outsiders may request its packages.
    externally_visible: Option<bool>,
}

/// The end of `updateCatalog`.
#[derive(SimpleObject)]
pub struct UpdateCatalogPayload {
    /// The catalog as it is now; null when refused.
    catalog: Option<Catalog>,
    /// Why it was refused; empty when done.
    user_errors: Vec<UserError>,
}

/// Which catalog to delete.
#[derive(Debug, InputObject)]
pub struct DeleteCatalogInput {
    /// The catalog.
    id: ID,
}

/// The end of `deleteCatalog`.
#[derive(SimpleObject)]
pub struct DeleteCatalogPayload {
    /// The catalog that was deleted; null when refused.
    catalog: Option<Catalog>,
    /// Why it was refused; empty when done.
    user_errors: Vec<UserError>,
}

/// The catalog that a command has made or changed.
async fn changed(api: &Api, id: Option<Uuid>) -> Result<Option<Catalog>, ApiError> {
    let Some(id) = id else { return Ok(None) };
    let found = store::catalog::find(&api.database, api.named(), &[id]).await?;
    Ok(found.into_iter().next().map(|catalog| Catalog(Arc::new(catalog))))
}

/// Changes of catalogs.
#[derive(Default)]
pub struct CatalogMutation;

#[Object]
impl CatalogMutation {
    /// Makes a catalog. You become its owner.
    #[graphql(directive = requires::apply(CreateCatalog::PERMISSION.into()))]
    async fn create_catalog(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The catalog.")] input: CreateCatalogInput,
    ) -> Result<CreateCatalogPayload, ApiError> {
        let api = Api::of(ctx);
        let permit = api.permit::<CreateCatalog>().await?;
        let idempotency = repeatable(input.idempotency_key.clone(), &input);
        let (id, user_errors) = api
            .run(catalog::create::Create {
                permit,
                display_name: input.display_name,
                description: input.description,
                enabled: input.enabled,
                externally_visible: input.externally_visible,
                idempotency,
            })
            .await?;
        Ok(CreateCatalogPayload { catalog: changed(api, id).await?, user_errors })
    }

    /// Changes a catalog.
    #[graphql(directive = requires::apply(EditCatalog::PERMISSION.into()))]
    async fn update_catalog(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The change.")] input: UpdateCatalogInput,
    ) -> Result<UpdateCatalogPayload, ApiError> {
        let api = Api::of(ctx);
        let permit = api.permit::<EditCatalog>().await?;
        let (id, user_errors) = api
            .run(catalog::update::Update {
                permit,
                id: Kind::Catalog.parse(&input.id),
                version: input.version,
                display_name: input.display_name,
                description: input.description,
                enabled: input.enabled,
                externally_visible: input.externally_visible,
            })
            .await?;
        Ok(UpdateCatalogPayload { catalog: changed(api, id).await?, user_errors })
    }

    /// Deletes a catalog that holds no packages and no resources any more; `IN_USE` names what it holds.
    #[graphql(directive = requires::apply(EditCatalog::PERMISSION.into()))]
    async fn delete_catalog(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The catalog.")] input: DeleteCatalogInput,
    ) -> Result<DeleteCatalogPayload, ApiError> {
        let api = Api::of(ctx);
        let permit = api.permit::<EditCatalog>().await?;
        let command = catalog::delete::Delete { permit, id: Kind::Catalog.parse(&input.id) };
        let (id, user_errors) = api.run(command).await?;
        Ok(DeleteCatalogPayload { catalog: changed(api, id).await?, user_errors })
    }
}
