//! Resources and their roles.

pub mod mutation;

use std::sync::Arc;

use async_graphql::{Context, Enum, ID, Object, Value};
use chrono::{DateTime, Utc};
use entity::{resource, resource_role};

use super::api::Api;
use super::catalog::Catalog;
use super::connection::{Connection, Listed, Paging, Selected, Sorted};
use super::connector::Connector;
use super::entitlement_grant::{EntitlementGrant, EntitlementGrantState, THERE};
use super::error::ApiError;
use super::id::{GlobalId, Kind};
use super::loader::Nested;
use super::requires::requires;
use super::resolve::{Now, Plain, Rows, enum_value, scalar};
use crate::authz::Permission;
use crate::store::columns::columns;
use crate::store::{self, Columns, Direction, Key, Position};

/// Something that access can be given to, in a catalog.
#[derive(Clone)]
pub struct Resource(pub Arc<resource::Model>);

impl Listed for Resource {
    fn position(&self, _: &str) -> Position {
        Position { key: Key::Text(self.0.name_key.clone()), id: self.0.id }
    }
}

impl Plain for Resource {
    fn plain(&self, field: &str) -> Option<Value> {
        Some(match field {
            "id" => scalar(&Kind::Resource.id(self.0.id)),
            "displayName" => scalar(&self.0.display_name),
            "kind" => enum_value(ResourceKind::from(self.0.kind)),
            _ => return None,
        })
    }

    fn columns(field: &str) -> Columns {
        match field {
            "id" => Columns::KEY,
            "displayName" => columns!(resource: DisplayName),
            "kind" => columns!(resource: Kind),
            "originId" => columns!(resource: OriginId),
            _ => Columns::ALL,
        }
    }
}

/// Something that access can be given to, in a catalog.
#[Object]
impl Resource {
    /// The global id.
    pub async fn id(&self) -> ID {
        Kind::Resource.id(self.0.id)
    }

    /// The catalog that it belongs to.
    async fn catalog(&self, ctx: &Context<'_>) -> Result<Now<Catalog>, ApiError> {
        Ok(Now(Catalog(Api::of(ctx).loaders.catalogs().get(self.0.catalog_id).await?)))
    }

    /// What delivers it; null for those who may not see the connector.
    async fn connector(&self, ctx: &Context<'_>) -> Result<Option<Now<Connector>>, ApiError> {
        let connector = Api::of(ctx).loaders.connectors().find(self.0.connector_id).await?;
        Ok(connector.map(|connector| Now(Connector(connector))))
    }

    /// The name to show.
    async fn display_name(&self) -> &str {
        &self.0.display_name
    }

    /// What it is.
    async fn kind(&self) -> ResourceKind {
        self.0.kind.into()
    }

    /// Its id at the remote.
    async fn origin_id(&self) -> &str {
        &self.0.origin_id
    }

    /// The ways of belonging to it, oldest first.
    async fn roles(&self, ctx: &Context<'_>) -> Result<Rows<ResourceRole>, ApiError> {
        let roles = Api::of(ctx).loaders.roles_of_resource().find(self.0.id).await?;
        Ok(Rows(roles.iter().flat_map(|rows| rows.iter()).map(ResourceRole::from).collect()))
    }

    /// Who has the roles of the resource at its target, and by which assignments. Oldest first. It also shows what other
    /// catalogs gave at the same target. Without the permission: your own.
    #[graphql(directive = requires::apply(Permission::SeeRequests.into()))]
    async fn grants(
        &self,
        ctx: &Context<'_>,
        #[graphql(
            desc = "In one of these states; by default those that are at the system, or may be.",
            default_with = "THERE.to_vec()"
        )]
        state: Vec<EntitlementGrantState>,
        #[graphql(desc = "How many from the start, 0 to 100; 20 when neither `first` nor `last` is given.")]
        first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 0 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
    ) -> Result<Connection<EntitlementGrant>, ApiError> {
        let sorted = Sorted { by: "CREATED_AT", direction: Direction::Ascending };
        let window = Paging { first, after, last, before }.window(sorted, &Selected::of(ctx))?;
        let states = state.into_iter().map(Into::into).collect();
        let page =
            Api::of(ctx).loaders.grants_of_resource().get(Nested::new(self.0.id, (states, window))).await?;
        Ok(Connection::nested(&page, sorted, EntitlementGrant))
    }

    /// Whether you may rename the resource, remove it, and change its roles.
    async fn viewer_can_edit(&self, ctx: &Context<'_>) -> bool {
        self.0.deleted_at.is_none()
            && Api::of(ctx).viewer.catalogs(Permission::ManageCatalogs).contain(self.0.catalog_id)
    }

    /// Raised by every change; give it back when changing the object.
    async fn version(&self) -> i32 {
        self.0.version
    }

    /// When the resource was added.
    async fn created_at(&self) -> DateTime<Utc> {
        self.0.created_at
    }

    /// When the resource was removed; null while it is there. History still shows it.
    async fn deleted_at(&self) -> Option<DateTime<Utc>> {
        self.0.deleted_at
    }
}

/// What a resource is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "entity::resource::ResourceKind")]
pub enum ResourceKind {
    /// A group of people.
    Group,
    /// An application.
    Application,
}

/// A way of belonging to a resource.
#[derive(Clone)]
pub struct ResourceRole {
    role: Arc<resource_role::Model>,
    resource: Arc<resource::Model>,
}

impl From<&store::resource::RoleRow> for ResourceRole {
    fn from(row: &store::resource::RoleRow) -> Self {
        Self { role: Arc::clone(&row.role), resource: Arc::clone(&row.resource) }
    }
}

impl Plain for ResourceRole {
    fn plain(&self, field: &str) -> Option<Value> {
        Some(match field {
            "id" => scalar(&Kind::ResourceRole.id(self.role.id)),
            "displayName" => scalar(&self.role.display_name),
            _ => return None,
        })
    }

    fn columns(field: &str) -> Columns {
        match field {
            "id" | "resource" => Columns::KEY,
            "displayName" => columns!(resource_role: DisplayName),
            "originId" => columns!(resource_role: OriginId),
            _ => Columns::ALL,
        }
    }
}

/// A way of belonging to a resource.
#[Object]
impl ResourceRole {
    /// The global id.
    pub async fn id(&self) -> ID {
        Kind::ResourceRole.id(self.role.id)
    }

    /// The resource.
    async fn resource(&self) -> Now<Resource> {
        Now(Resource(Arc::clone(&self.resource)))
    }

    /// The name to show.
    async fn display_name(&self) -> &str {
        &self.role.display_name
    }

    /// Its name at the remote, for example `member`.
    async fn origin_id(&self) -> &str {
        &self.role.origin_id
    }
}
