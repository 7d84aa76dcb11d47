//! Connectors.

pub mod mutation;

use std::sync::Arc;

use async_graphql::{Context, Enum, ID, Object, SimpleObject};
use chrono::{DateTime, Utc};
use entity::connector;

use super::api::Api;
use super::catalog::Catalog;
use super::connection::{Connection, Listed, Paging, Selected, Sorted};
use super::directory_group::DirectoryGroup;
use super::error::ApiError;
use super::id::{GlobalId, Kind};
use super::loader::Nested;
use super::remote_account::RemoteAccount;
use super::remote_system::RemoteSystem;
use super::requires::requires;
use super::resolve::{Now, Plain};
use crate::authz::Permission;
use crate::store::{self, Direction, Key, Position};

/// What performs deliveries at a target system. Its secret can be set, never read.
#[derive(Clone)]
pub struct Connector(pub Arc<connector::Model>);

impl Listed for Connector {
    fn position(&self, _: &str) -> Position {
        Position { key: Key::Text(self.0.name_key.clone()), id: self.0.id }
    }
}

impl Plain for Connector {}

/// What performs deliveries at a target system. Its secret can be set, never read.
#[Object]
impl Connector {
    /// The global id.
    pub async fn id(&self) -> ID {
        Kind::Connector.id(self.0.id)
    }

    /// Which protocol it speaks.
    async fn kind(&self) -> ConnectorKind {
        self.0.kind.into()
    }

    /// The name, unique among the organization's connectors.
    async fn display_name(&self) -> &str {
        &self.0.display_name
    }

    /// Where the remote answers; null for kinds without a remote.
    async fn base_url(&self) -> Option<&str> {
        self.0.base_url.as_deref()
    }

    /// Whether a secret is stored.
    async fn has_secret(&self) -> bool {
        self.0.secret.is_some()
    }

    /// Whether deliveries go out; while false they wait.
    async fn enabled(&self) -> bool {
        self.0.enabled
    }

    /// What a user's login name (`userName`) at the target system is. Means nothing for `DIRECTORY`.
    async fn account_name(&self) -> AccountName {
        self.0.account_name.into()
    }

    /// Whether an account is also looked for by its e-mail addresses, if none has the login name.
    async fn match_by_email(&self) -> bool {
        self.0.match_by_email
    }

    /// What was last seen of the remote.
    async fn health(&self) -> ConnectorHealth {
        self.0.health.into()
    }

    /// The remote's own words when it last failed; null while it answers.
    async fn health_message(&self) -> Option<&str> {
        self.0.health_message.as_deref()
    }

    /// When the remote was last tried; null before the first time.
    async fn health_checked_at(&self) -> Option<DateTime<Utc>> {
        self.0.health_checked_at
    }

    /// The catalogs that may take resources from it, with the targets that each may take.
    async fn openings(&self, ctx: &Context<'_>) -> Result<Vec<ConnectorOpening>, ApiError> {
        let api = Api::of(ctx);
        let mut openings: Vec<ConnectorOpening> = Vec::new();
        for opening in api.loaders.openings().find(self.0.id).await?.iter().flat_map(|rows| rows.iter()) {
            if openings.last().is_none_or(|last| last.catalog_id != opening.catalog_id) {
                openings.push(ConnectorOpening { catalog_id: opening.catalog_id, targets: Vec::new() });
            }
            if let Some(last) = openings.last_mut() {
                last.targets.push(opening.target.clone());
            }
        }
        openings
            .retain(|opening| api.scope.connectors || api.scope.managed_catalogs.contain(opening.catalog_id));
        Ok(openings)
    }

    /// The groups that Guichet keeps for it, oldest first; empty for other kinds than `DIRECTORY`.
    #[graphql(directive = requires::apply(Permission::SeeConnectors.into()))]
    async fn groups(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many from the start, 0 to 100; 20 when neither `first` nor `last` is given.")]
        first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 0 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
    ) -> Result<Connection<DirectoryGroup>, ApiError> {
        let api = Api::of(ctx);
        let sorted = Sorted { by: "CREATED_AT", direction: Direction::Ascending };
        let window = Paging { first, after, last, before }.window(sorted, &Selected::of(ctx))?;
        let page = api.loaders.groups_of_connector().get(Nested::new(self.0.id, window)).await?;
        Ok(Connection::nested(&page, sorted, DirectoryGroup))
    }

    /// The system that the connector leads to; null for those who may not see connectors, and for a few moments after
    /// an older server has made the connector.
    async fn system(&self, ctx: &Context<'_>) -> Result<Option<Now<RemoteSystem>>, ApiError> {
        let Some(id) = self.0.remote_system_id else { return Ok(None) };
        let found = Api::of(ctx).loaders.remote_systems().find(id).await?;
        Ok(found.map(|system| Now(RemoteSystem(system))))
    }

    /// The accounts that people have at the connector's system, in every state, oldest first: also those that other
    /// connectors to the system have found. Without the permission: your own. Empty for `DIRECTORY`.
    #[graphql(directive = requires::apply(Permission::SeeConnectors.into()))]
    async fn accounts(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many from the start, 0 to 100; 20 when neither `first` nor `last` is given.")]
        first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 0 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
    ) -> Result<Connection<RemoteAccount>, ApiError> {
        let sorted = Sorted { by: "CREATED_AT", direction: Direction::Ascending };
        let window = Paging { first, after, last, before }.window(sorted, &Selected::of(ctx))?;
        // A connector that leads to no system yet has no accounts: no system has the nil id.
        let system = self.0.remote_system_id.unwrap_or_default();
        let page = Api::of(ctx).loaders.accounts_of_system().get(Nested::new(system, window)).await?;
        Ok(Connection::nested(&page, sorted, RemoteAccount))
    }

    /// Whether you may change the connector, open it to catalogs, and keep its groups.
    async fn viewer_can_edit(&self, ctx: &Context<'_>) -> bool {
        self.0.deleted_at.is_none() && Api::of(ctx).viewer.holds(Permission::ManageConnectors)
    }

    /// Raised by every change; give it back when changing the object.
    async fn version(&self) -> i32 {
        self.0.version
    }

    /// When the connector was made.
    async fn created_at(&self) -> DateTime<Utc> {
        self.0.created_at
    }

    /// When the connector was deleted; null while it is there. History still shows it.
    async fn deleted_at(&self) -> Option<DateTime<Utc>> {
        self.0.deleted_at
    }
}

/// A catalog that may take resources from a connector.
#[derive(SimpleObject)]
#[graphql(complex)]
pub struct ConnectorOpening {
    #[graphql(skip)]
    catalog_id: uuid::Uuid,
    /// The ids of the targets at the remote that the catalog may take; `*` stands for all of them.
    targets: Vec<String>,
}

#[async_graphql::ComplexObject]
impl ConnectorOpening {
    /// The catalog.
    async fn catalog(&self, ctx: &Context<'_>) -> Result<Now<Catalog>, ApiError> {
        Ok(Now(Catalog(Api::of(ctx).loaders.catalogs().get(self.catalog_id).await?)))
    }
}

/// A protocol for deliveries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "entity::connector::ConnectorKind")]
pub enum ConnectorKind {
    /// Groups kept inside Guichet.
    Directory,
    /// SCIM 2.0 (RFC 7644).
    Scim,
}

/// What a user's login name at a target system is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "entity::connector::AccountName")]
pub enum AccountName {
    /// The e-mail address; the `sub` of a user who has none.
    Email,
    /// The e-mail address before its `@`.
    EmailLocalPart,
    /// The `sub` of the user at their issuer.
    Subject,
    /// The user's Guichet id, a UUID.
    UserId,
}

/// What was last seen of a remote.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "entity::connector::ConnectorHealth")]
pub enum ConnectorHealth {
    /// Not tried yet.
    Unknown,
    /// The last call got an answer.
    Healthy,
    /// The last call got none, or was refused.
    Failing,
}

/// Queries about connectors.
#[derive(Default)]
pub struct ConnectorQuery;

#[Object]
impl ConnectorQuery {
    /// The connectors, by name. Without the permission: those opened to catalogs that you may edit.
    #[graphql(directive = requires::apply(Permission::SeeConnectors.into()))]
    async fn connectors(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many from the start, 0 to 100; 20 when neither `first` nor `last` is given.")]
        first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 0 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
    ) -> Result<Connection<Connector>, ApiError> {
        let api = Api::of(ctx);
        let sorted = Sorted { by: "NAME", direction: Direction::Ascending };
        let window = Paging { first, after, last, before }.window(sorted, &Selected::of(ctx))?;
        let page = store::connector::list(&api.database, &api.scope, &window).await?;
        Ok(Connection::new(page, sorted, |connector| Connector(Arc::new(connector))))
    }
}
