//! Access packages.

pub mod mutation;

use std::sync::Arc;

use async_graphql::{Context, Enum, ID, InputObject, MaybeUndefined, Object, SimpleObject, Value};
use chrono::{DateTime, Utc};
use entity::{access_package, assignment_policy, catalog};

use super::access_request::{
    AccessRequest, AccessRequestFilter, AccessRequestOrder, AccessRequestOrderField,
};
use super::api::Api;
use super::assignment::{Assignment, AssignmentFilter};
use super::assignment_policy::AssignmentPolicy;
use super::catalog::Catalog;
use super::connection::{Connection, Listed, OrderDirection, Paging, Selected, Sorted, given};
use super::error::{ApiError, UserErrorCode};
use super::id::{GlobalId, Kind};
use super::loader::Nested;
use super::requires::requires;
use super::resolve::{Now, Plain, Rows, scalar};
use super::resource::ResourceRole;
use super::share_link::ShareLink;
use super::signed_link::SignedLink;
use crate::authz::Permission;
use crate::domain::Code;
use crate::domain::access_request::plan;
use crate::store::columns::columns;
use crate::store::{self, Columns, Key, Position, Window};
use uuid::Uuid;

/// A named bundle of resource roles, requestable as one.
#[derive(Clone)]
pub struct AccessPackage {
    package: Arc<access_package::Model>,
    catalog: Option<Arc<catalog::Model>>,
    policies: Option<Vec<Arc<assignment_policy::Model>>>,
}

impl AccessPackage {
    /// A package that something else names, with its catalog where that was read, too.
    #[must_use]
    pub fn named(package: Arc<access_package::Model>, catalog: Option<Arc<catalog::Model>>) -> Self {
        Self { package, catalog, policies: None }
    }
}

impl AccessPackage {
    /// Whether the package is there and the viewer manages the packages of its catalog.
    fn is_managed(&self, api: &Api) -> bool {
        self.package.deleted_at.is_none()
            && api.viewer.catalogs(Permission::ManagePackages).contain(self.package.catalog_id)
    }

    /// What stands against a request of the viewer.
    async fn blockers(&self, ctx: &Context<'_>) -> Result<Vec<Code>, ApiError> {
        let api = Api::of(ctx);
        let facts = api.loaders.requestability().find(self.package.id).await?;
        Ok(facts.map_or_else(|| vec![Code::PackageDeleted], |facts| plan::blockers(&facts)))
    }
}

/// What stands against requesting a package.
#[derive(SimpleObject)]
pub struct RequestBlocker {
    /// The reason, for programs.
    code: UserErrorCode,
    /// The reason, for people. Its wording can change; use `code`.
    message: &'static str,
}

impl From<Code> for RequestBlocker {
    fn from(code: Code) -> Self {
        Self { code: code.into(), message: plan::sentence(code) }
    }
}

impl From<store::access_package::Row> for AccessPackage {
    fn from(row: store::access_package::Row) -> Self {
        Self { package: row.package, catalog: row.catalog, policies: row.policies }
    }
}

impl Listed for AccessPackage {
    fn position(&self, by: &str) -> Position {
        let key = match by {
            "NAME" => Key::Text(self.package.name_key.clone()),
            _ => Key::Time(self.package.created_at),
        };
        Position { key, id: self.package.id }
    }
}

impl Plain for AccessPackage {
    fn plain(&self, field: &str) -> Option<Value> {
        Some(match field {
            "id" => scalar(&Kind::AccessPackage.id(self.package.id)),
            "displayName" => scalar(&self.package.display_name),
            "description" => scalar(&self.package.description),
            "hidden" => scalar(&self.package.hidden),
            _ => return None,
        })
    }

    fn columns(field: &str) -> Columns {
        match field {
            "id" | "policies" | "resourceRoles" | "signedLinks" => Columns::KEY,
            "displayName" => columns!(access_package: DisplayName),
            "description" => columns!(access_package: Description),
            "hidden" => columns!(access_package: Hidden),
            "catalog" => columns!(access_package: CatalogId),
            "shareLink" => columns!(access_package: CatalogId, DeletedAt),
            "createdAt" => columns!(access_package: CreatedAt),
            "version" => columns!(access_package: Version),
            _ => Columns::ALL,
        }
    }
}

/// A named bundle of resource roles, requestable as one.
#[Object]
impl AccessPackage {
    /// The global id.
    pub async fn id(&self) -> ID {
        Kind::AccessPackage.id(self.package.id)
    }

    /// The catalog that it belongs to.
    async fn catalog(&self, ctx: &Context<'_>) -> Result<Now<Catalog>, ApiError> {
        let catalog = match &self.catalog {
            Some(catalog) => Arc::clone(catalog),
            None => Api::of(ctx).loaders.catalogs().get(self.package.catalog_id).await?,
        };
        Ok(Now(Catalog(catalog)))
    }

    /// The name, unique in its catalog.
    async fn display_name(&self) -> &str {
        &self.package.display_name
    }

    /// What it gives and for whom.
    async fn description(&self) -> &str {
        &self.package.description
    }

    /// Whether it is left out of the lists of requestors; its id still opens it for those whom a policy admits.
    async fn hidden(&self) -> bool {
        self.package.hidden
    }

    /// The resource roles that it gives, in the order they were added.
    async fn resource_roles(&self, ctx: &Context<'_>) -> Result<Rows<ResourceRole>, ApiError> {
        let roles = Api::of(ctx).loaders.roles_of_package().find(self.package.id).await?;
        Ok(Rows(roles.iter().flat_map(|rows| rows.iter()).map(ResourceRole::from).collect()))
    }

    /// Its assignment policies; for those who may not see all of the catalog, the ones that admit them.
    async fn policies(&self, ctx: &Context<'_>) -> Result<Rows<AssignmentPolicy>, ApiError> {
        let policies = if let Some(policies) = &self.policies {
            policies.clone()
        } else {
            let found = Api::of(ctx).loaders.policies_of_package().find(self.package.id).await?;
            found.map(|policies| policies.as_ref().clone()).unwrap_or_default()
        };
        Ok(Rows(policies.into_iter().map(AssignmentPolicy).collect()))
    }

    /// The requests for it that you may see.
    async fn requests(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which requests.")] filter: Option<AccessRequestFilter>,
        #[graphql(
            desc = "In which order.",
            default_with = "AccessRequestOrder { field: AccessRequestOrderField::SubmittedAt, direction: OrderDirection::Desc }"
        )]
        order_by: AccessRequestOrder,
        #[graphql(desc = "How many from the start, 0 to 100; 20 when neither `first` nor `last` is given.")]
        first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 0 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
    ) -> Result<Connection<AccessRequest>, ApiError> {
        let filter = filter.unwrap_or_default();
        let paging = Paging { first, after, last, before };
        super::access_request::of_package(ctx, self.package.id, filter.condition()?, order_by, &paging).await
    }

    /// The assignments of it that you may see, newest first.
    async fn assignments(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which assignments.")] filter: Option<AssignmentFilter>,
        #[graphql(desc = "How many from the start, 0 to 100; 20 when neither `first` nor `last` is given.")]
        first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 0 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
    ) -> Result<Connection<Assignment>, ApiError> {
        let filter = filter.unwrap_or_default();
        let paging = Paging { first, after, last, before };
        super::assignment::of_package(ctx, self.package.id, filter.condition()?, &paging).await
    }

    /// The packages that exclude it, of those that you may see, by name: whoever holds or has requested one of them
    /// cannot request it (`INCOMPATIBLE_PACKAGE`). In this direction only.
    async fn incompatible_access_packages(&self, ctx: &Context<'_>) -> Result<Rows<AccessPackage>, ApiError> {
        let found = Api::of(ctx).loaders.incompatible().find(self.package.id).await?;
        let found = found.iter().flat_map(|packages| packages.iter());
        Ok(Rows(found.map(|package| Self::named(Arc::clone(package), None)).collect()))
    }

    /// The packages that it excludes, of those that you may see, by name.
    async fn excluded_access_packages(&self, ctx: &Context<'_>) -> Result<Rows<AccessPackage>, ApiError> {
        let found = Api::of(ctx).loaders.excluding().find(self.package.id).await?;
        let found = found.iter().flat_map(|packages| packages.iter());
        Ok(Rows(found.map(|package| Self::named(Arc::clone(package), None)).collect()))
    }

    /// Whether you can request it for yourself now.
    async fn viewer_can_request(&self, ctx: &Context<'_>) -> Result<bool, ApiError> {
        Ok(self.blockers(ctx).await?.iter().all(|code| *code == Code::PolicyRequired))
    }

    /// Why you cannot request it for yourself, all reasons; `POLICY_REQUIRED` only says that a policy must be chosen.
    async fn viewer_cannot_request_reasons(
        &self,
        ctx: &Context<'_>,
    ) -> Result<Vec<RequestBlocker>, ApiError> {
        Ok(self.blockers(ctx).await?.into_iter().map(RequestBlocker::from).collect())
    }

    /// Its share link; null for those who may not copy it.
    #[graphql(directive = requires::apply(Permission::ManagePackages.into()))]
    async fn share_link(&self, ctx: &Context<'_>) -> Result<Option<ShareLink>, ApiError> {
        if !self.is_managed(Api::of(ctx)) {
            return Ok(None);
        }
        super::share_link::of_package(ctx, self.package.id).await.map(Some)
    }

    /// Its signed links, newest first, those that ended or were revoked, too; none for those who may not manage the
    /// package.
    #[graphql(directive = requires::apply(Permission::ManagePackages.into()))]
    async fn signed_links(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many from the start, 0 to 100; 20 when neither `first` nor `last` is given.")]
        first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 0 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
    ) -> Result<Connection<SignedLink>, ApiError> {
        let paging = Paging { first, after, last, before };
        super::signed_link::of_package(ctx, self.package.id, paging).await
    }

    /// Whether you may edit the package and its policies.
    async fn viewer_can_edit(&self, ctx: &Context<'_>) -> bool {
        self.is_managed(Api::of(ctx))
    }

    /// Raised by every change; give it back when changing the object.
    async fn version(&self) -> i32 {
        self.package.version
    }

    /// When the package was made.
    async fn created_at(&self) -> DateTime<Utc> {
        self.package.created_at
    }

    /// When the package was deleted; null while it is there. History still shows it.
    async fn deleted_at(&self) -> Option<DateTime<Utc>> {
        self.package.deleted_at
    }
}

/// Which packages are wanted. All given conditions hold together; a condition that is null is an error.
#[derive(Clone, Default, InputObject)]
pub struct AccessPackageFilter {
    /// In these catalogs.
    catalog: MaybeUndefined<Vec<ID>>,
    /// Hidden, or not.
    hidden: MaybeUndefined<bool>,
    /// With this text in the name, in any case.
    search: MaybeUndefined<String>,
}

/// What a list of packages is sorted by; ties are broken by id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum AccessPackageOrderField {
    /// The name.
    Name,
    /// The time they were made.
    CreatedAt,
}

/// The order of a list of packages.
#[derive(Clone, Copy, InputObject)]
pub struct AccessPackageOrder {
    /// What it is sorted by.
    pub field: AccessPackageOrderField,
    /// Which way.
    pub direction: OrderDirection,
}

/// The order, what to read along, and which part: as the query asks for a list of packages.
fn asked(
    ctx: &Context<'_>,
    order_by: AccessPackageOrder,
    paging: &Paging,
) -> Result<(Sorted, store::access_package::Include, store::access_package::Order, Window), ApiError> {
    let (by, order) = match order_by.field {
        AccessPackageOrderField::Name => ("NAME", store::access_package::Order::Name),
        AccessPackageOrderField::CreatedAt => ("CREATED_AT", store::access_package::Order::CreatedAt),
    };
    let sorted = Sorted { by, direction: order_by.direction.into() };
    let selected = Selected::of(ctx);
    let window = paging.window(sorted, &selected)?;
    Ok((sorted, include(&selected), order, window))
}

/// What to read: as the query selects of packages.
#[must_use]
pub fn include(selected: &Selected<'_>) -> store::access_package::Include {
    store::access_package::Include {
        package: selected.columns::<AccessPackage>(&[]),
        catalog: selected.columns::<Catalog>(&["catalog"]),
        policies: selected.columns::<AssignmentPolicy>(&["policies"]),
    }
}

/// A page of packages.
pub async fn list(
    ctx: &Context<'_>,
    filter: &store::access_package::Filter,
    order_by: AccessPackageOrder,
    paging: &Paging,
) -> Result<Connection<AccessPackage>, ApiError> {
    let api = Api::of(ctx);
    let (sorted, include, order, window) = asked(ctx, order_by, paging)?;
    let page =
        store::access_package::list(&api.database, &api.scope, filter, include, order, &window).await?;
    Ok(Connection::new(page, sorted, AccessPackage::from))
}

/// A page of the packages of a catalog.
pub async fn in_catalog(
    ctx: &Context<'_>,
    catalog: Uuid,
    order_by: AccessPackageOrder,
    paging: &Paging,
) -> Result<Connection<AccessPackage>, ApiError> {
    let (sorted, include, order, window) = asked(ctx, order_by, paging)?;
    let packages = Api::of(ctx).loaders.packages_of_catalog();
    let page = packages.get(Nested::new(catalog, (include, order, window))).await?;
    Ok(Connection::nested(&page, sorted, |row| AccessPackage::from(row.as_ref().clone())))
}

/// Queries about access packages.
#[derive(Default)]
pub struct AccessPackageQuery;

#[Object]
impl AccessPackageQuery {
    /// The access packages that you may see: all of the catalogs where you hold a role, and those that a policy
    /// lets you request.
    async fn access_packages(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which packages.")] filter: Option<AccessPackageFilter>,
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
        let filter = filter.unwrap_or_default();
        let filter = store::access_package::Filter {
            catalogs: given("catalog", &filter.catalog)?.map(|ids| Kind::Catalog.parse_all(&ids)),
            hidden: given("hidden", &filter.hidden)?,
            search: super::text::condition("search", &filter.search)?,
            requestable: false,
        };
        list(ctx, &filter, order_by, &Paging { first, after, last, before }).await
    }
}
