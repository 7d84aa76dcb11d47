//! Remote systems: where connectors lead.

use std::sync::Arc;

use async_graphql::{Context, ID, Object};
use chrono::{DateTime, Utc};
use entity::remote_system;

use super::api::Api;
use super::connector::Connector;
use super::error::ApiError;
use super::id::{GlobalId, Kind};
use super::resolve::{Plain, Rows};

/// A system at which people have accounts and access, for example one tenant of a SCIM server. Connectors with the
/// same base URL lead to one system and share what is known of it. It is visible to those who see connectors.
#[derive(Clone)]
pub struct RemoteSystem(pub Arc<remote_system::Model>);

impl Plain for RemoteSystem {}

/// A system at which people have accounts and access, for example one tenant of a SCIM server. Connectors with the
/// same base URL lead to one system and share what is known of it. It is visible to those who see connectors.
#[Object]
impl RemoteSystem {
    /// The global id.
    pub async fn id(&self) -> ID {
        Kind::RemoteSystem.id(self.0.id)
    }

    /// The base URL of the system, without a slash at its end; null for groups kept inside Guichet.
    async fn base_url(&self) -> Option<&str> {
        Some(self.0.address.as_str()).filter(|address| !address.starts_with("directory:"))
    }

    /// What keeps tenants apart that share one base URL; null if nothing was set.
    async fn tenant(&self) -> Option<&str> {
        Some(self.0.tenant.as_str()).filter(|tenant| !tenant.is_empty())
    }

    /// The connectors that lead to the system and were not deleted, by name.
    async fn connectors(&self, ctx: &Context<'_>) -> Result<Rows<Connector>, ApiError> {
        let found = Api::of(ctx).loaders.connectors_of_system().find(self.0.id).await?;
        Ok(Rows(found.iter().flat_map(|rows| rows.iter()).cloned().map(Connector).collect()))
    }

    /// When the system was first seen.
    async fn created_at(&self) -> DateTime<Utc> {
        self.0.created_at
    }
}
