//! Deciding what waits in the inbox.

use async_graphql::{Context, ID, InputObject, Object, OneofObject, SimpleObject};

use super::InboxFilter;
use crate::domain::bulk_operation::{Selection, Start};
use crate::domain::inbox::submit::{Item, Submit};
use crate::domain::{Code, Rejection};
use crate::graphql::api::{Api, repeatable};
use crate::graphql::bulk_operation::{self, BulkOperation};
use crate::graphql::error::{ApiError, UserError};
use crate::graphql::id::Kind;
use crate::graphql::token_request::mutation::ReviewDecision;
use crate::store::inbox::InboxKind;

/// One thing to decide.
#[derive(Debug, InputObject)]
pub struct DecisionInput {
    /// The id of what is decided, `subject { id }` of the item: of a stage of approval, or a token request.
    id: ID,
    /// Which way; as the `decision` of the whole where left out.
    decision: Option<ReviewDecision>,
    /// Why, at most 1,024 characters. Where left out, the `justification` of the whole goes with its `decision`; an
    /// item with a decision of its own has only a justification of its own.
    justification: Option<String>,
}

/// Which items of the inbox are decided.
#[derive(Debug, OneofObject)]
pub enum InboxSelection {
    /// These, at most 1,000: done when the mutation answers, one item for each, in this order. An id that is given
    /// twice is answered twice and acted on once; with different decisions the call is refused as a whole.
    Items(Vec<DecisionInput>),
    /// Everything that waits for you and matches, at most 200,000: fixed when the mutation is accepted, done in the
    /// background.
    Filter(Box<InboxFilter>),
}

/// What to decide, and how.
#[derive(Debug, InputObject)]
pub struct SubmitDecisionsInput {
    /// The items.
    selection: InboxSelection,
    /// Which way, for all that say no other. Needed with a filter, and where an item has none of its own.
    decision: Option<ReviewDecision>,
    /// Why, at most 1,024 characters, for all that are decided this way and say nothing of their own; some stages of
    /// approval ask for it. Those who asked see it.
    justification: Option<String>,
    /// Only say what would happen; nothing is changed. The answer is kept for 7 days.
    #[graphql(default = false)]
    dry_run: bool,
    /// How many items you expect to be selected; with another number nothing is done
    /// (`EXPECTED_COUNT_MISMATCH`). A filter without `dryRun` needs it.
    expected_count: Option<i32>,
    /// Makes the call repeatable for 24 hours: a second call with the same key and input answers with the first one's operation.
    idempotency_key: Option<String>,
}

/// The end of `submitDecisions`.
#[derive(SimpleObject)]
pub struct SubmitDecisionsPayload {
    /// The operation with one item for each decision; null when refused as a whole.
    bulk_operation: Option<BulkOperation>,
    /// Why it was refused as a whole; empty when accepted.
    user_errors: Vec<UserError>,
}

/// Decisions on what waits.
#[derive(Default)]
pub struct InboxMutation;

#[Object]
impl InboxMutation {
    /// Decides what waits in your inbox: access requests and token requests together, each its own way. The rules and
    /// the codes are those of `reviewAccessRequests` and `reviewTokenRequests`; an id is of the one stage of approval
    /// that you saw, so that what somebody else decided meanwhile is `ALREADY_REVIEWED`, whatever waits now. A token
    /// request that you see, but may not review, is `FORBIDDEN`.
    async fn submit_decisions(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The items and the decisions.")] input: SubmitDecisionsInput,
    ) -> Result<SubmitDecisionsPayload, ApiError> {
        let api = Api::of(ctx);
        if api.viewer.user.is_none() {
            let refused =
                Rejection::of("selection", Code::NotFound, "Nothing waits for you: you are no user here.");
            return Ok(SubmitDecisionsPayload { bulk_operation: None, user_errors: vec![refused.into()] });
        }
        let permit = api.permit().await?;
        let idempotency = repeatable(input.idempotency_key.clone(), &input);
        let (items, selection) = match input.selection {
            InboxSelection::Items(items) => {
                let items: Vec<Item> = items.into_iter().map(Item::from).collect();
                let ids = items.iter().map(|item| (item.given.clone(), item.target.map(|(_, id)| id)));
                let ids = Selection::Ids(ids.collect());
                (items, ids)
            }
            InboxSelection::Filter(filter) => (Vec::new(), Selection::Filter(filter.condition()?)),
        };
        let start = Start {
            permit,
            selection,
            decision: input.decision.map(Into::into),
            reason: input.justification,
            dry_run: input.dry_run,
            expected_count: input.expected_count,
            idempotency,
        };
        let (bulk_operation, user_errors) = bulk_operation::start(api, Submit { start, items }).await?;
        Ok(SubmitDecisionsPayload { bulk_operation, user_errors })
    }
}

impl From<DecisionInput> for Item {
    fn from(input: DecisionInput) -> Self {
        let stage = Kind::Approval.parse(&input.id).map(|id| (InboxKind::AccessRequest, id));
        let token = || Kind::TokenRequest.parse(&input.id).map(|id| (InboxKind::TokenRequest, id));
        Self {
            target: stage.or_else(token),
            given: input.id.0,
            decision: input.decision.map(Into::into),
            justification: input.justification,
        }
    }
}
