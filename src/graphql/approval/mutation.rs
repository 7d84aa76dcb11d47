//! Reviewing access requests.

use async_graphql::{Context, InputObject, Object, SimpleObject};

use crate::domain::approval::review::Review;
use crate::domain::bulk_operation::Start;
use crate::domain::{Code, Rejection};
use crate::graphql::access_request::mutation::AccessRequestSelection;
use crate::graphql::api::{Api, repeatable};
use crate::graphql::bulk_operation::{self, BulkOperation};
use crate::graphql::error::{ApiError, UserError};
use crate::graphql::token_request::mutation::ReviewDecision;

/// Which access requests to decide, and how.
#[derive(Debug, InputObject)]
pub struct ReviewAccessRequestsInput {
    /// The requests.
    selection: AccessRequestSelection,
    /// Which way.
    decision: ReviewDecision,
    /// Why, at most 1,024 characters; some stages ask for it. The requestors see it.
    justification: Option<String>,
    /// Only say what would happen; nothing is changed. The answer is kept for 7 days.
    #[graphql(default = false)]
    dry_run: bool,
    /// How many requests you expect to be selected; with another number nothing is done
    /// (`EXPECTED_COUNT_MISMATCH`). A filter without `dryRun` needs it.
    expected_count: Option<i32>,
    /// Makes the call repeatable for 24 hours: a second call with the same key and input answers with the first one's operation.
    idempotency_key: Option<String>,
}

/// The end of `reviewAccessRequests`.
#[derive(SimpleObject)]
pub struct ReviewAccessRequestsPayload {
    /// The operation with one item for each request; null when refused as a whole.
    bulk_operation: Option<BulkOperation>,
    /// Why it was refused as a whole; empty when accepted.
    user_errors: Vec<UserError>,
}

/// Decisions on access requests.
#[derive(Default)]
pub struct ApprovalMutation;

#[Object]
impl ApprovalMutation {
    /// Approves or denies the stage at which requests wait. An approval of the last stage begins the access; the first
    /// denial ends the request. Each request is accepted or rejected by itself: one that waits for others is
    /// `NOT_APPROVER`, one of your own or that you made for somebody `SELF_REVIEW`, one that was decided, or of which
    /// you decided an earlier stage, `ALREADY_REVIEWED`, one whose stage asks why `JUSTIFICATION_REQUIRED`.
    async fn review_access_requests(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The requests and the decision.")] input: ReviewAccessRequestsInput,
    ) -> Result<ReviewAccessRequestsPayload, ApiError> {
        let api = Api::of(ctx);
        if api.viewer.user.is_none() {
            let refused = Rejection::of(
                "selection",
                Code::NotFound,
                "There is no such request, or you may not see it.",
            );
            return Ok(ReviewAccessRequestsPayload {
                bulk_operation: None,
                user_errors: vec![refused.into()],
            });
        }
        let permit = api.permit().await?;
        let selection = input.selection.condition()?;
        let idempotency = repeatable(input.idempotency_key.clone(), &input);
        let command = Start::<Review> {
            permit,
            selection,
            decision: Some(input.decision.into()),
            reason: input.justification,
            dry_run: input.dry_run,
            expected_count: input.expected_count,
            idempotency,
        };
        let (bulk_operation, user_errors) = bulk_operation::start(api, command).await?;
        Ok(ReviewAccessRequestsPayload { bulk_operation, user_errors })
    }
}
