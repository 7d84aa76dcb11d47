//! The accounts that people have at remote systems.

pub mod mutation;

use std::sync::Arc;

use async_graphql::{Context, Enum, ID, Object};
use chrono::{DateTime, Utc};
use entity::remote_account;

use super::api::Api;
use super::connection::Listed;
use super::error::ApiError;
use super::id::{GlobalId, Kind};
use super::remote_system::RemoteSystem;
use super::resolve::{Now, Plain};
use super::user::User;
use crate::authz::Permission;
use crate::store::{Key, Position};

/// The account that a user has at a remote system. It is visible to those who see connectors, and to its user.
#[derive(Clone)]
pub struct RemoteAccount(pub Arc<remote_account::Model>);

impl Listed for RemoteAccount {
    fn position(&self, _: &str) -> Position {
        Position { key: Key::Time(self.0.created_at), id: self.0.id }
    }
}

impl Plain for RemoteAccount {}

/// The account that a user has at a remote system. It is visible to those who see connectors, and to its user.
#[Object]
impl RemoteAccount {
    /// The global id.
    pub async fn id(&self) -> ID {
        Kind::RemoteAccount.id(self.0.id)
    }

    /// The system that has the account; null for those who may not see connectors.
    async fn system(&self, ctx: &Context<'_>) -> Result<Option<Now<RemoteSystem>>, ApiError> {
        let found = Api::of(ctx).loaders.remote_systems().find(self.0.system_id).await?;
        Ok(found.map(|system| Now(RemoteSystem(system))))
    }

    /// Whose account it is.
    async fn user(&self, ctx: &Context<'_>) -> Result<Now<User>, ApiError> {
        Ok(Now(User(Api::of(ctx).loaders.users().get(self.0.user_id).await?)))
    }

    /// The system's own id of the account; null while the account is being created.
    async fn remote_id(&self) -> Option<&str> {
        self.0.remote_id.as_deref()
    }

    /// The login name of the account, as Guichet last saw or sent it; null if the system did not show it.
    async fn user_name(&self) -> Option<&str> {
        self.0.user_name.as_deref()
    }

    /// Whether the account is in use.
    async fn state(&self) -> RemoteAccountState {
        self.0.state.into()
    }

    /// How the account was found.
    async fn origin(&self) -> RemoteAccountOrigin {
        self.0.origin.into()
    }

    /// The administrator who linked the account by hand; null if Guichet found or created it.
    async fn linked_by(&self, ctx: &Context<'_>) -> Result<Option<Now<User>>, ApiError> {
        let Some(id) = self.0.linked_by_id else { return Ok(None) };
        Ok(Api::of(ctx).loaders.users().find(id).await?.map(|user| Now(User(user))))
    }

    /// Whether you may take the account from its user: nobody does so with their own.
    async fn viewer_can_unlink(&self, ctx: &Context<'_>) -> bool {
        let viewer = &Api::of(ctx).viewer;
        self.0.state == remote_account::RemoteAccountState::Linked
            && viewer.holds(Permission::ManageConnectors)
            && viewer.user != Some(self.0.user_id)
    }

    /// When the account was found, or its creation began.
    async fn created_at(&self) -> DateTime<Utc> {
        self.0.created_at
    }

    /// When Guichet last changed what it keeps of the account.
    async fn updated_at(&self) -> DateTime<Utc> {
        self.0.updated_at
    }
}

/// Whether an account at a remote system is in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "remote_account::RemoteAccountState")]
pub enum RemoteAccountState {
    /// Guichet is about to create it; the system may already have done so.
    Creating,
    /// It is the user's.
    Linked,
    /// The system no longer has it.
    Gone,
    /// It was taken from the user: by an administrator, or for another user after this one had left.
    Unlinked,
}

/// How an account at a remote system was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "remote_account::RemoteAccountOrigin")]
pub enum RemoteAccountOrigin {
    /// Guichet created it.
    Created,
    /// Its `externalId` is the user's Guichet id.
    ExternalId,
    /// Its login name is the user's.
    UserName,
    /// One of its e-mail addresses is the user's.
    Email,
    /// An administrator linked it.
    Linked,
}
