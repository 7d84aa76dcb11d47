//! Submitting, cancelling and reprocessing access requests.

use std::sync::Arc;

use async_graphql::{Context, ID, InputObject, Object, OneofObject, SimpleObject};
use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{AccessRequest, AccessRequestFilter};
use crate::authz::permission::action;
use crate::authz::{Action as _, Actor};
use crate::domain::access_request::plan::{Asked, Wish};
use crate::domain::access_request::schedule::Times;
use crate::domain::access_request::{cancel, reprocess, submit};
use crate::domain::bulk_operation::{Selection, Start};
use crate::domain::guest::FirstRequest;
use crate::domain::link::ShareLink;
use crate::domain::{Code, Rejection};
use crate::graphql::api::{Api, repeatable};
use crate::graphql::assignment_policy::question::QuestionAnswerInput;
use crate::graphql::bulk_operation::{self, BulkOperation};
use crate::graphql::error::{ApiError, UserError};
use crate::graphql::id::Kind;
use crate::graphql::requires::requires;
use crate::graphql::scalar::Url;
use crate::graphql::text;
use crate::store;

/// A request for a package: for yourself, or for somebody who reports to you.
#[derive(Debug, InputObject)]
pub struct SubmitAccessRequestInput {
    /// The package.
    access_package: ID,
    /// Who is to get it: you, where left out, or somebody whose manager you are where the policy lets managers
    /// request.
    requestor: Option<ID>,
    /// The policy to request it under; needed only where several admit the requestor (`POLICY_REQUIRED`).
    policy: Option<ID>,
    /// Why it is needed, at most 2,000 characters; some policies ask for it.
    justification: Option<String>,
    /// The whole share link that it comes by: needed where the policy requires a signed one (`SIGNED_LINK_REQUIRED`).
    /// An accepted request is a use of a signed link. A link that is given must be good, needed or not.
    share_link: Option<Url>,
    /// The answers to the policy's questions.
    #[graphql(default)]
    answers: Vec<QuestionAnswerInput>,
    /// The start; if left out, at once. A start up to 60 seconds in the past counts as now, so that clients can send
    /// the present minute; an earlier one is refused (`INVALID_SCHEDULE`).
    starts_at: Option<DateTime<Utc>>,
    /// The end; as the policy says where left out, and never later than that.
    expires_at: Option<DateTime<Utc>>,
    /// Makes the call repeatable for 24 hours: a second call with the same key and input answers with the first one's request.
    idempotency_key: Option<String>,
}

impl SubmitAccessRequestInput {
    /// What is wanted, and by whom. A newcomer becomes a guest by their first request: until then they are nobody.
    pub fn wish(self, api: &Api) -> (Actor, Wish) {
        let actor = api.viewer.actor(api.request_id).unwrap_or(Actor {
            organization: api.viewer.organization,
            user: Uuid::nil(),
            call: api.request_id,
        });
        let wish = Wish {
            user: actor.user,
            requestor: self.requestor.as_ref().map(|id| Kind::User.parse(id)),
            package: Kind::AccessPackage.parse(&self.access_package),
            policy: self.policy.as_ref().map(|id| Kind::AssignmentPolicy.parse(id)),
            share_link: self.share_link.map(|url| ShareLink::parse(&api.environment.public_url, &url.0)),
            asked: Asked {
                justification: self.justification,
                answers: self.answers.into_iter().map(Into::into).collect(),
                times: Times { starts_at: self.starts_at, expires_at: self.expires_at },
            },
        };
        (actor, wish)
    }

    /// Refuses times that no database can hold.
    pub fn check(&self) -> Result<(), ApiError> {
        times([("startsAt", self.starts_at), ("expiresAt", self.expires_at)])
    }
}

/// The end of `submitAccessRequest`.
#[derive(SimpleObject)]
pub struct SubmitAccessRequestPayload {
    /// The new request; null when refused.
    access_request: Option<AccessRequest>,
    /// Why it was refused; empty when done.
    user_errors: Vec<UserError>,
}

/// Which request to cancel.
#[derive(Debug, InputObject)]
pub struct CancelAccessRequestInput {
    /// The request.
    id: ID,
    /// Why, at most 2,000 characters; shown in the history.
    reason: Option<String>,
}

/// The end of `cancelAccessRequest`.
#[derive(SimpleObject)]
pub struct CancelAccessRequestPayload {
    /// The request as it is now; null when refused.
    access_request: Option<AccessRequest>,
    /// Why it was refused; empty when done.
    user_errors: Vec<UserError>,
}

/// Which requests a bulk operation is for.
#[derive(Debug, OneofObject)]
pub enum AccessRequestSelection {
    /// These, at most 1,000: done when the mutation answers, one item for each, in this order.
    Ids(Vec<ID>),
    /// Everything that matches and that you may see, at most 200,000: fixed when the mutation is accepted, done in
    /// the background.
    Filter(Box<AccessRequestFilter>),
}

impl AccessRequestSelection {
    /// The selection, as bulk operations take it.
    pub fn condition(&self) -> Result<Selection<store::access_request::Filter>, ApiError> {
        Ok(match self {
            Self::Ids(ids) => {
                Selection::Ids(ids.iter().map(|id| (id.to_string(), Kind::AccessRequest.parse(id))).collect())
            }
            Self::Filter(filter) => Selection::Filter(filter.condition()?),
        })
    }
}

/// Which requests to reprocess.
#[derive(Debug, InputObject)]
pub struct ReprocessAccessRequestsInput {
    /// The requests.
    selection: AccessRequestSelection,
    /// Only say what would happen; nothing is changed. The answer is kept for 7 days.
    #[graphql(default = false)]
    dry_run: bool,
    /// How many requests you expect to be selected; with another number nothing is done
    /// (`EXPECTED_COUNT_MISMATCH`). A filter without `dryRun` needs it.
    expected_count: Option<i32>,
    /// Makes the call repeatable for 24 hours: a second call with the same key and input answers with the first one's operation.
    idempotency_key: Option<String>,
}

/// The end of `reprocessAccessRequests`.
#[derive(SimpleObject)]
pub struct ReprocessAccessRequestsPayload {
    /// The operation with one item for each request; null when refused as a whole.
    bulk_operation: Option<BulkOperation>,
    /// Why it was refused as a whole; empty when accepted.
    user_errors: Vec<UserError>,
}

/// The request that a command has made or changed.
pub async fn changed(api: &Api, id: Option<Uuid>) -> Result<Option<AccessRequest>, ApiError> {
    let Some(id) = id else { return Ok(None) };
    let include = store::access_request::Include::default();
    let found = store::access_request::find(&api.database, api.named(), &[id], include).await?;
    Ok(found.into_iter().next().map(|row| AccessRequest(Arc::new(row))))
}

/// Refuses times that no database can hold.
pub fn times(pairs: [(&str, Option<DateTime<Utc>>); 2]) -> Result<(), ApiError> {
    for (name, time) in pairs {
        if time.is_some_and(|time| !text::is_storable(time)) {
            return Err(ApiError::BadUserInput(format!("`{name}` must lie in the years 1 to 9999.")));
        }
    }
    Ok(())
}

/// Changes of access requests.
#[derive(Default)]
pub struct AccessRequestMutation;

#[Object]
impl AccessRequestMutation {
    /// Tries the failed deliveries of requests again: of those delivered in part or not at all, within the
    /// organization's `reprocessWindow` after their first completion. Approvals stay. A request whose failed
    /// deliveries wait for their next automatic attempt is tried now. Each request is accepted or rejected by itself.
    #[graphql(directive = requires::apply(action::Reprocess::PERMISSION.into()))]
    async fn reprocess_access_requests(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The requests.")] input: ReprocessAccessRequestsInput,
    ) -> Result<ReprocessAccessRequestsPayload, ApiError> {
        let api = Api::of(ctx);
        let permit = api.permit().await?;
        let selection = input.selection.condition()?;
        let command = Start::<reprocess::Reprocess> {
            permit,
            selection,
            decision: None,
            reason: None,
            dry_run: input.dry_run,
            expected_count: input.expected_count,
            idempotency: repeatable(input.idempotency_key.clone(), &input),
        };
        let (bulk_operation, user_errors) = bulk_operation::start(api, command).await?;
        Ok(ReprocessAccessRequestsPayload { bulk_operation, user_errors })
    }

    /// Requests a package for yourself, or for somebody who reports to you. Without approval the access is delivered at once; otherwise it goes to
    /// the approvers of the policy.
    async fn submit_access_request(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The request.")] input: SubmitAccessRequestInput,
    ) -> Result<SubmitAccessRequestPayload, ApiError> {
        let api = Api::of(ctx);
        input.check()?;
        let idempotency = repeatable(input.idempotency_key.clone(), &input);
        let newcomer = api.viewer.outsider.clone().filter(|_| api.viewer.user.is_none());
        let (actor, wish) = input.wish(api);
        let submit = submit::Submit { actor, scope: api.scope.as_ref().clone(), wish, idempotency };
        let (id, user_errors) = match newcomer {
            Some(newcomer) => api.run(FirstRequest { newcomer, submit }).await?,
            None => api.run(submit).await?,
        };
        Ok(SubmitAccessRequestPayload { access_request: changed(api, id).await?, user_errors })
    }

    /// Cancels a request: your own, or any but Guichet's own removals in the catalogs where you manage requests.
    /// A partial one takes back what it gave.
    async fn cancel_access_request(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The request.")] input: CancelAccessRequestInput,
    ) -> Result<CancelAccessRequestPayload, ApiError> {
        let api = Api::of(ctx);
        let Some(actor) = api.viewer.actor(api.request_id) else {
            let refused =
                Rejection::of("id", Code::NotFound, "There is no such request, or you may not see it.");
            return Ok(CancelAccessRequestPayload {
                access_request: None,
                user_errors: vec![refused.into()],
            });
        };
        let command = cancel::Cancel {
            actor,
            viewer: api.viewer.as_ref().clone(),
            id: Kind::AccessRequest.parse(&input.id),
            reason: input.reason,
        };
        let (id, user_errors) = api.run(command).await?;
        Ok(CancelAccessRequestPayload { access_request: changed(api, id).await?, user_errors })
    }
}
