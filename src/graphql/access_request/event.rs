//! The history of access requests.

use std::sync::Arc;

use async_graphql::{Context, Enum, Object};
use chrono::{DateTime, Utc};
use entity::access_request_event;

use super::AccessRequestState;
use crate::graphql::api::Api;
use crate::graphql::approval;
use crate::graphql::bulk_operation::BulkOperation;
use crate::graphql::connection::Listed;
use crate::graphql::error::ApiError;
use crate::graphql::resolve::{Now, Plain};
use crate::graphql::user::User;
use crate::store::{Key, Position};

/// One step in the history of a request.
#[derive(Clone)]
pub struct AccessRequestEvent(pub(super) Arc<access_request_event::Model>);

impl Listed for AccessRequestEvent {
    fn position(&self, _: &str) -> Position {
        Position { key: Key::Number(self.0.seq.into()), id: self.0.request_id }
    }
}

impl Plain for AccessRequestEvent {}

/// One step in the history of a request.
#[Object]
impl AccessRequestEvent {
    /// 1, 2, 3, … within the request.
    async fn sequence(&self) -> i32 {
        self.0.seq
    }

    /// When it happened.
    async fn at(&self) -> DateTime<Utc> {
        self.0.at
    }

    /// What happened.
    async fn action(&self) -> AccessRequestAction {
        self.0.action.into()
    }

    /// The state before; null for the first.
    async fn from_state(&self) -> Option<AccessRequestState> {
        self.0.from_state.map(Into::into)
    }

    /// The state after.
    async fn to_state(&self) -> AccessRequestState {
        self.0.to_state.into()
    }

    /// Who did it; null where Guichet did it by itself. Who approved or denied is shown to those who see all of the
    /// catalog, and to those who decide the request.
    async fn actor(&self, ctx: &Context<'_>) -> Result<Option<Now<User>>, ApiError> {
        let Some(actor) = self.0.actor_id else { return Ok(None) };
        let decision = matches!(
            self.0.action,
            access_request_event::AccessRequestAction::Approved
                | access_request_event::AccessRequestAction::Denied
        );
        if decision && !approval::shows_people(Api::of(ctx), self.0.request_id).await? {
            return Ok(None);
        }
        Ok(Api::of(ctx).loaders.users().find(actor).await?.map(|user| Now(User(user))))
    }

    /// Why, in the actor's words or as a code; null where nothing was said.
    async fn reason(&self) -> Option<&str> {
        self.0.reason.as_deref()
    }

    /// The bulk operation through which it was done, where you may see it.
    async fn bulk_operation(&self, ctx: &Context<'_>) -> Result<Option<BulkOperation>, ApiError> {
        let Some(operation) = self.0.bulk_operation_id else { return Ok(None) };
        let operation = Api::of(ctx).loaders.bulk_operations().find(operation).await?;
        Ok(operation.map(BulkOperation))
    }
}

/// What happened to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "entity::access_request_event::AccessRequestAction")]
pub enum AccessRequestAction {
    /// It was made.
    Submitted,
    /// It went to its approvers.
    ApprovalRequested,
    /// An approver agreed.
    Approved,
    /// An approver refused.
    Denied,
    /// Nobody decided in time (reason `TIMED_OUT`), or before the end that it asks for (`END_PASSED`).
    TimedOut,
    /// Whoever assigned it passed the approvers by; the reason says why.
    ApprovalBypassed,
    /// It waits for its start.
    Scheduled,
    /// Its deliveries were queued.
    DeliveryStarted,
    /// Everything was carried out.
    Delivered,
    /// Some deliveries failed for good.
    PartiallyDelivered,
    /// All deliveries failed for good.
    DeliveryFailed,
    /// Its failed deliveries were queued again.
    Reprocessed,
    /// Its waiting deliveries were made due at once.
    RetriedNow,
    /// It was withdrawn, or its assignment ended before everything was delivered; the reason says why.
    Canceled,
}
