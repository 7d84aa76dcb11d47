//! What Guichet gave people at remote systems, and which assignments want it.

use std::sync::Arc;

use async_graphql::{Context, Enum, ID, Object};
use chrono::{DateTime, Utc};
use entity::entitlement_grant;

use super::api::Api;
use super::assignment::Assignment;
use super::connection::Listed;
use super::error::ApiError;
use super::id::{GlobalId, Kind};
use super::remote_account::RemoteAccount;
use super::remote_system::RemoteSystem;
use super::resolve::{Now, Plain, Rows};
use super::user::User;
use crate::store::{Key, Position};

/// One role of one target at a remote system that Guichet gave a user, or is to give. Packages and catalogs that lead
/// to the same role of the same target share one grant. It is visible to its user, and to those who see the requests
/// of a catalog with a resource that leads to the target.
#[derive(Clone)]
pub struct EntitlementGrant(pub Arc<entitlement_grant::Model>);

impl Listed for EntitlementGrant {
    fn position(&self, _: &str) -> Position {
        Position { key: Key::Time(self.0.created_at), id: self.0.id }
    }
}

impl Plain for EntitlementGrant {}

/// One role of one target at a remote system that Guichet gave a user, or is to give. Packages and catalogs that lead
/// to the same role of the same target share one grant. It is visible to its user, and to those who see the requests
/// of a catalog with a resource that leads to the target.
#[Object]
impl EntitlementGrant {
    /// The global id.
    pub async fn id(&self) -> ID {
        Kind::EntitlementGrant.id(self.0.id)
    }

    /// The system that holds the access; null for those who may not see connectors.
    async fn system(&self, ctx: &Context<'_>) -> Result<Option<Now<RemoteSystem>>, ApiError> {
        let found = Api::of(ctx).loaders.remote_systems().find(self.0.system_id).await?;
        Ok(found.map(|system| Now(RemoteSystem(system))))
    }

    /// The system's id of the target, for example of a group; resources name it in `originId`.
    async fn target(&self) -> &str {
        &self.0.target
    }

    /// The role at the target, for example `member`; resource roles name it in `originId`.
    async fn role(&self) -> &str {
        &self.0.role
    }

    /// Whose access it is.
    async fn user(&self, ctx: &Context<'_>) -> Result<Now<User>, ApiError> {
        Ok(Now(User(Api::of(ctx).loaders.users().get(self.0.user_id).await?)))
    }

    /// The account that has the access; null until it is known, for groups kept inside Guichet, and for those who
    /// may not see the account.
    async fn account(&self, ctx: &Context<'_>) -> Result<Option<Now<RemoteAccount>>, ApiError> {
        let Some(id) = self.0.account_id else { return Ok(None) };
        let found = Api::of(ctx).loaders.remote_accounts().find(id).await?;
        Ok(found.map(|account| Now(RemoteAccount(account))))
    }

    /// Who gave the access first. What the user had before Guichet first gave it is not taken away.
    async fn origin(&self) -> EntitlementGrantOrigin {
        self.0.origin.into()
    }

    /// Whether the access is at the system.
    async fn state(&self) -> EntitlementGrantState {
        self.0.state.into()
    }

    /// When the system last showed that `state` is true; null if it never did.
    async fn confirmed_at(&self) -> Option<DateTime<Utc>> {
        self.0.confirmed_at
    }

    /// The current assignments that want the access now and that you may see, oldest first: assignments of the user
    /// whose package holds the role. Empty if nobody wants it any more; what Guichet gave is then taken away.
    async fn assignments(&self, ctx: &Context<'_>) -> Result<Rows<Assignment>, ApiError> {
        let found = Api::of(ctx).loaders.assignments_of_grant().find(self.0.id).await?;
        Ok(Rows(found.iter().flat_map(|rows| rows.iter()).cloned().map(Assignment).collect()))
    }

    /// When the access was first wanted.
    async fn created_at(&self) -> DateTime<Utc> {
        self.0.created_at
    }

    /// When the grant last changed.
    async fn updated_at(&self) -> DateTime<Utc> {
        self.0.updated_at
    }
}

/// Who first gave what a grant is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "entitlement_grant::EntitlementGrantOrigin")]
pub enum EntitlementGrantOrigin {
    /// Guichet gave it.
    Given,
    /// The user had it before Guichet first gave it.
    Existed,
    /// The system does not show its members: nobody knows whether the user had it before.
    Unknown,
}

/// Whether what a grant is about is at the remote system.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "entitlement_grant::EntitlementGrantState")]
pub enum EntitlementGrantState {
    /// Nothing is there that Guichet gave.
    Absent,
    /// A change that gives it was sent, and may have been carried out.
    Giving,
    /// It is there.
    Held,
}

/// The states of a grant that is at the system, or may be.
pub const THERE: [EntitlementGrantState; 2] = [EntitlementGrantState::Giving, EntitlementGrantState::Held];
