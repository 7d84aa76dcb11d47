//! What every resolver needs: who asks, when, and where to read.

use std::sync::Arc;

use async_graphql::{Context, MaybeUndefined};
use chrono::{DateTime, TimeDelta, Utc};
use tokio::time::Instant;
use uuid::Uuid;

use super::error::{ApiError, UserError, answer};
use super::loader::Loaders;
use crate::authz::{Action, Permit, Scope, Viewer};
use crate::domain::input::Change;
use crate::domain::{self, Attempt, Command, Environment};
use crate::store::idempotency::Key;
use crate::store::{Access, Database};

/// The context of one operation.
pub struct Api {
    /// The database.
    pub database: Database,
    /// What commands need of the settings.
    pub environment: Environment,
    /// Who asks.
    pub viewer: Arc<Viewer>,
    /// What they may see.
    pub scope: Arc<Scope>,
    /// When the operation began: one instant for all of its answers.
    pub now: DateTime<Utc>,
    /// The id of the call, for the audit trail and the log.
    pub request_id: Uuid,
    /// When the time of the call is over: a change that is not done by then is rolled back.
    pub until: Instant,
    /// Reads of what did not come with a page.
    pub loaders: Loaders,
}

impl Api {
    /// The context of an operation that begins now.
    #[must_use]
    pub fn new(
        database: Database,
        environment: Environment,
        viewer: Arc<Viewer>,
        request_id: Uuid,
        until: Instant,
    ) -> Self {
        let scope = Arc::new(viewer.scope());
        let now = database.clock().now();
        let loaders = Loaders::new(database.clone(), Arc::clone(&scope));
        Self { database, environment, viewer, scope, now, request_id, until, loaders }
    }

    /// The context of the operation that a resolver belongs to.
    #[must_use]
    pub fn of<'a>(ctx: &Context<'a>) -> &'a Self {
        ctx.data_unchecked::<Self>()
    }

    /// Rows that the viewer may see by themselves.
    #[must_use]
    pub fn visible(&self) -> Access<'_> {
        Access::Visible(&self.scope)
    }

    /// Rows that visible rows name.
    #[must_use]
    pub fn named(&self) -> Access<'_> {
        Access::Named(self.scope.organization)
    }

    /// How long after its first completion a request can be reprocessed here.
    pub async fn reprocess_window(&self) -> Result<TimeDelta, ApiError> {
        let organization = self.loaders.organizations().get(self.scope.organization).await?;
        Ok(TimeDelta::try_seconds(organization.reprocess_window_seconds).unwrap_or_default())
    }

    /// The permit for an action, or `FORBIDDEN`; the refused attempt is audited.
    pub async fn permit<A: Action>(&self) -> Result<Permit<A>, ApiError> {
        match self.viewer.permit::<A>(self.request_id) {
            Ok(permit) => Ok(permit),
            Err(denied) => {
                let attempt = Attempt {
                    organization: self.viewer.organization,
                    actor: self.viewer.user,
                    call: self.request_id,
                    action: A::NAME,
                    target: None,
                };
                domain::refused(&self.database, attempt).await?;
                Err(denied.into())
            }
        }
    }

    /// Runs a command, and splits its end into what it made and why it was refused.
    pub async fn run<C: Command>(&self, command: C) -> Result<(Option<C::Output>, Vec<UserError>), ApiError> {
        answer(domain::run(&self.database, command, self.until).await)
    }
}

/// The idempotency key of a mutation, with its input in a form that is the same for the same input.
#[must_use]
pub fn repeatable(key: Option<String>, input: &impl std::fmt::Debug) -> Option<Key> {
    key.map(|key| Key::new(key, &format!("{input:?}")))
}

/// What to do with a value that can be without one: absent keeps it, null takes it away.
#[must_use]
pub fn change<T>(value: MaybeUndefined<T>) -> Change<T> {
    match value {
        MaybeUndefined::Undefined => Change::Keep,
        MaybeUndefined::Null => Change::Clear,
        MaybeUndefined::Value(value) => Change::Set(value),
    }
}
