//! Reviewing and withdrawing token requests.

use std::sync::Arc;

use async_graphql::{Context, Enum, ID, InputObject, Object, OneofObject, SimpleObject};

use super::{TokenRequest, TokenRequestFilter};
use crate::authz::Action as _;
use crate::authz::permission::action::ReviewTokenRequest;
use crate::domain::bulk_operation::{Selection, Start};
use crate::domain::token_request::{cancel, review};
use crate::domain::{Code, Rejection};
use crate::graphql::api::{Api, repeatable};
use crate::graphql::bulk_operation::{self, BulkOperation};
use crate::graphql::error::{ApiError, UserError};
use crate::graphql::id::Kind;
use crate::graphql::requires::requires;
use crate::store;

/// Which way a review goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "entity::bulk_operation::ReviewDecision")]
pub enum ReviewDecision {
    /// Grant what is asked for.
    Approve,
    /// Refuse it.
    Deny,
}

/// Which token requests a bulk operation is for.
#[derive(Debug, OneofObject)]
pub enum TokenRequestSelection {
    /// These, at most 1,000: done when the mutation answers, one item for each, in this order.
    Ids(Vec<ID>),
    /// Everything that matches and that you may see, at most 200,000: fixed when the mutation is accepted, done in
    /// the background.
    Filter(Box<TokenRequestFilter>),
}

/// Which token requests to decide, and how.
#[derive(Debug, InputObject)]
pub struct ReviewTokenRequestsInput {
    /// The requests.
    selection: TokenRequestSelection,
    /// Which way.
    decision: ReviewDecision,
    /// Why, at most 1,024 characters; told to the tokens' owners.
    reason: Option<String>,
    /// Only say what would happen; nothing is changed. The answer is kept for 7 days.
    #[graphql(default = false)]
    dry_run: bool,
    /// How many requests you expect to be selected; with another number nothing is done
    /// (`EXPECTED_COUNT_MISMATCH`). A filter without `dryRun` needs it.
    expected_count: Option<i32>,
    /// Makes the call repeatable for 24 hours: a second call with the same key and input answers with the first one's operation.
    idempotency_key: Option<String>,
}

/// The end of `reviewTokenRequests`.
#[derive(SimpleObject)]
pub struct ReviewTokenRequestsPayload {
    /// The operation with one item for each request; null when refused as a whole.
    bulk_operation: Option<BulkOperation>,
    /// Why it was refused as a whole; empty when accepted.
    user_errors: Vec<UserError>,
}

/// Which token request to withdraw.
#[derive(Debug, InputObject)]
pub struct CancelTokenRequestInput {
    /// The request.
    id: ID,
}

/// The end of `cancelTokenRequest`.
#[derive(SimpleObject)]
pub struct CancelTokenRequestPayload {
    /// The request as it is now; null when refused.
    token_request: Option<TokenRequest>,
    /// Why it was refused; empty when done.
    user_errors: Vec<UserError>,
}

/// Changes of token requests.
#[derive(Default)]
pub struct TokenRequestMutation;

#[Object]
impl TokenRequestMutation {
    /// Approves or denies what tokens ask for. An approval replaces what the token was granted before by the whole
    /// of the request. Each request is accepted or rejected by itself: one that was decided before is
    /// `ALREADY_REVIEWED`, one of your own tokens `SELF_REVIEW`, one of an expired token `TOKEN_EXPIRED`, one that
    /// was withdrawn or overtaken `REQUEST_CANCELED`.
    #[graphql(directive = requires::apply(ReviewTokenRequest::PERMISSION.into()))]
    async fn review_token_requests(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The requests and the decision.")] input: ReviewTokenRequestsInput,
    ) -> Result<ReviewTokenRequestsPayload, ApiError> {
        let api = Api::of(ctx);
        let permit = api.permit().await?;
        let selection = match &input.selection {
            TokenRequestSelection::Ids(ids) => {
                Selection::Ids(ids.iter().map(|id| (id.to_string(), Kind::TokenRequest.parse(id))).collect())
            }
            TokenRequestSelection::Filter(filter) => Selection::Filter(filter.condition()?),
        };
        let idempotency = repeatable(input.idempotency_key.clone(), &input);
        let command = Start::<review::Review> {
            permit,
            selection,
            decision: Some(input.decision.into()),
            reason: input.reason,
            dry_run: input.dry_run,
            expected_count: input.expected_count,
            idempotency,
        };
        let (bulk_operation, user_errors) = bulk_operation::start(api, command).await?;
        Ok(ReviewTokenRequestsPayload { bulk_operation, user_errors })
    }

    /// Withdraws what one of your own tokens asks for, while it waits. What it was granted before stays.
    async fn cancel_token_request(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The request.")] input: CancelTokenRequestInput,
    ) -> Result<CancelTokenRequestPayload, ApiError> {
        let api = Api::of(ctx);
        let Some(actor) = api.viewer.actor(api.request_id) else {
            let refused =
                Rejection::of("id", Code::NotFound, "There is no such request, or you may not see it.");
            return Ok(CancelTokenRequestPayload { token_request: None, user_errors: vec![refused.into()] });
        };
        let id = Kind::TokenRequest.parse(&input.id);
        let (id, user_errors) =
            api.run(cancel::Cancel { actor, scope: api.scope.as_ref().clone(), id }).await?;
        let token_request = match id {
            Some(id) => {
                let include = store::token_request::Include::default();
                let found = store::token_request::find(&api.database, api.named(), &[id], include).await?;
                found.into_iter().next().map(|row| TokenRequest(Arc::new(row)))
            }
            None => None,
        };
        Ok(CancelTokenRequestPayload { token_request, user_errors })
    }
}
