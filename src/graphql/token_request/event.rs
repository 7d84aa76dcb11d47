//! The history of token requests.

use std::sync::Arc;

use async_graphql::{Context, Enum, Object};
use chrono::{DateTime, Utc};
use entity::token_request_event;

use super::TokenRequestState;
use crate::graphql::api::Api;
use crate::graphql::bulk_operation::BulkOperation;
use crate::graphql::connection::Listed;
use crate::graphql::error::ApiError;
use crate::graphql::resolve::{Now, Plain};
use crate::graphql::user::User;
use crate::store::{Key, Position};

/// One step in the history of a token request.
#[derive(Clone)]
pub struct TokenRequestEvent(pub(super) Arc<token_request_event::Model>);

impl Listed for TokenRequestEvent {
    fn position(&self, _: &str) -> Position {
        Position { key: Key::Number(self.0.seq.into()), id: self.0.request_id }
    }
}

impl Plain for TokenRequestEvent {}

/// One step in the history of a token request.
#[Object]
impl TokenRequestEvent {
    /// 1, 2, 3, … within the request.
    async fn sequence(&self) -> i32 {
        self.0.seq
    }

    /// When it happened.
    async fn at(&self) -> DateTime<Utc> {
        self.0.at
    }

    /// What happened.
    async fn action(&self) -> TokenRequestAction {
        self.0.action.into()
    }

    /// The state before; null for the first.
    async fn from_state(&self) -> Option<TokenRequestState> {
        self.0.from_state.map(Into::into)
    }

    /// The state after.
    async fn to_state(&self) -> TokenRequestState {
        self.0.to_state.into()
    }

    /// Who did it; null where Guichet did it by itself.
    async fn actor(&self, ctx: &Context<'_>) -> Result<Option<Now<User>>, ApiError> {
        let Some(actor) = self.0.actor_id else { return Ok(None) };
        Ok(Api::of(ctx).loaders.users().find(actor).await?.map(|user| Now(User(user))))
    }

    /// Why, in the actor's words or as a code; null where nothing was said.
    async fn reason(&self) -> Option<&str> {
        self.0.reason.as_deref()
    }

    /// The bulk operation through which it was done, where you may see it; null otherwise.
    async fn bulk_operation(&self, ctx: &Context<'_>) -> Result<Option<Now<BulkOperation>>, ApiError> {
        let Some(operation) = self.0.bulk_operation_id else { return Ok(None) };
        let found = Api::of(ctx).loaders.bulk_operations().find(operation).await?;
        Ok(found.map(|operation| Now(BulkOperation(operation))))
    }
}

/// What happened to a token request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "entity::token_request_event::TokenRequestAction")]
pub enum TokenRequestAction {
    /// It was made.
    Created,
    /// An owner agreed.
    Approved,
    /// Nobody had to decide.
    ApprovedAutomatically,
    /// An owner refused.
    Denied,
    /// It was withdrawn, or overtaken.
    Canceled,
    /// The token expired before anybody decided.
    Expired,
    /// What it was granted was revoked.
    GrantRevoked,
    /// What it was granted was replaced.
    GrantSuperseded,
    /// What it was granted was suspended: the token's owner was deactivated.
    GrantSuspended,
    /// What it was granted ended with the token.
    GrantEnded,
}
