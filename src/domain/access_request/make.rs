//! Requests are made: written down with their policy as it is now, and routed. One kind, one policy, one person
//! or many: a fixed number of statements.

use entity::access_request::{self, AccessRequestState as State, AccessRequestType};
use entity::access_request_event::{self, AccessRequestAction as Action};
use entity::assignment_policy;
use uuid::Uuid;

use super::Step;
use super::plan::{Content, sentence};
use super::schedule::Times;
use crate::authz::Actor;
use crate::domain::approval::open::{Opening, open};
use crate::domain::assignment::begin::{Beginning, begin_all, legal};
use crate::domain::error::{Code, Error, Rejection};
use crate::id::Kind;
use crate::store::access_request::{Move, Moved, advance};
use crate::store::assignment_policy::StageRow;
use crate::store::audit_event::Event;
use crate::store::{StoreError, Txn};

/// What requests have in common; everything in it was checked.
#[derive(Clone, Debug)]
pub struct Common<'a> {
    /// Who makes them.
    pub actor: Actor,
    /// What they ask for.
    pub kind: AccessRequestType,
    /// The package's catalog.
    pub catalog: Uuid,
    /// The policy.
    pub policy: &'a assignment_policy::Model,
    /// Its stages, where they decide.
    pub stages: &'a [StageRow],
    /// Whether the stages are passed by.
    pub bypass_approval: bool,
    /// What goes into them.
    pub content: &'a Content,
    /// The start and the end that were asked for.
    pub times: Times,
    /// The assignment that they are about; none where they are to make one.
    pub assignment: Option<Uuid>,
    /// Through which bulk operation.
    pub bulk_operation: Option<Uuid>,
    /// The signed link that they come by.
    pub signed_link: Option<Uuid>,
}

/// Makes requests, given as pairs of the new request and the person, and routes them: to their approvers, to their
/// start, or to delivery.
pub async fn make(txn: &Txn, common: &Common<'_>, people: &[(Uuid, Uuid)]) -> Result<(), Error> {
    let requests = write(txn, common, people).await?;
    if !common.stages.is_empty() && !common.bypass_approval {
        return ask(txn, &requests).await;
    }
    if common.bypass_approval && !common.stages.is_empty() {
        let bypassed = Move {
            to: State::Submitted,
            action: Action::ApprovalBypassed,
            actor: Some(common.actor.user),
            reason: common.content.justification.as_deref(),
            bulk_operation: common.bulk_operation,
        };
        advance(txn, &submitted(&requests), bypassed).await?;
    }
    let Content { starts_at, expires_at, .. } = *common.content;
    let beginnings: Vec<Beginning> = requests
        .into_iter()
        .map(|request| Beginning { request, starts_at, expires_at, actor: None })
        .collect();
    begin_all(txn, &beginnings).await
}

/// Sends new requests to their approvers.
pub async fn ask(txn: &Txn, requests: &[access_request::Model]) -> Result<(), Error> {
    let step = Move {
        to: legal(State::Submitted, Step::AskApproval)?,
        action: Action::ApprovalRequested,
        actor: None,
        reason: None,
        bulk_operation: None,
    };
    advance(txn, &submitted(requests), step).await?;
    let openings: Vec<Opening<'_>> =
        requests.iter().map(|request| Opening { request, position: 0 }).collect();
    open(txn, &openings).await
}

fn submitted(requests: &[access_request::Model]) -> Vec<Moved> {
    requests.iter().map(|request| Moved { id: request.id, from: State::Submitted }).collect()
}

/// Writes new requests down.
pub async fn write(
    txn: &Txn,
    common: &Common<'_>,
    people: &[(Uuid, Uuid)],
) -> Result<Vec<access_request::Model>, Error> {
    let content = common.content;
    let answers = (!content.answers.is_empty()).then(|| serde_json::json!(content.answers));
    let pinned = snapshot(common.policy, common.stages);
    let request = |(id, requestor): &(Uuid, Uuid)| access_request::Model {
        id: *id,
        organization_id: common.actor.organization,
        catalog_id: common.catalog,
        access_package_id: common.policy.access_package_id,
        policy_id: Some(common.policy.id),
        policy_snapshot: Some(pinned.clone()),
        requestor_id: *requestor,
        submitted_by_id: Some(common.actor.user),
        assignment_id: common.assignment,
        kind: common.kind,
        state: State::Submitted,
        justification: content.justification.clone(),
        requested_start: common.times.starts_at,
        requested_end: common.times.expires_at,
        submitted_at: txn.now(),
        completed_at: None,
        last_completed_at: None,
        event_count: 1,
        answers: answers.clone(),
        signed_link_id: common.signed_link,
    };
    let requests: Vec<access_request::Model> = people.iter().map(request).collect();
    txn.insert_all(requests.clone()).await.map_err(|error| match error {
        StoreError::Taken(_) => {
            Rejection::of("accessPackage", Code::RequestOpen, sentence(Code::RequestOpen)).into()
        }
        other => Error::from(other),
    })?;
    let event = |request: &access_request::Model| access_request_event::Model {
        request_id: request.id,
        seq: 1,
        at: txn.now(),
        action: Action::Submitted,
        from_state: None,
        to_state: State::Submitted,
        actor_id: Some(common.actor.user),
        reason: None,
        bulk_operation_id: common.bulk_operation,
    };
    txn.insert_all(requests.iter().map(event).collect()).await?;
    Ok(requests)
}

/// What the audit trail says of one new request.
#[must_use]
pub fn event(actor: &Actor, id: Uuid, package: Uuid, requestor: Uuid) -> Event<'static> {
    let details = serde_json::json!({
        "accessPackage": Kind::AccessPackage.text(package),
        "requestor": Kind::User.text(requestor),
    });
    Event::by(actor, "access_request.submitted", Kind::AccessRequest, id).with(details)
}

/// The policy with its stages as it is now, kept with the request for good.
#[must_use]
pub fn snapshot(policy: &assignment_policy::Model, stages: &[StageRow]) -> serde_json::Value {
    serde_json::json!({
        "id": Kind::AssignmentPolicy.text(policy.id),
        "version": policy.version,
        "displayName": policy.display_name,
        "requestorScope": policy.requestor_scope,
        "justificationRequired": policy.justification_required,
        "requiresSignedLink": policy.requires_signed_link,
        "expiration": policy.expiration,
        "expirationSeconds": policy.expiration_seconds,
        "expirationAt": policy.expiration_at,
        "questions": policy.questions,
        "extension": policy.extension,
        "approvalStages": stages.iter().map(stage).collect::<Vec<_>>(),
    })
}

/// A stage, in the form that [`approval::Stage`](crate::domain::approval::Stage) reads.
#[must_use]
pub fn stage(row: &StageRow) -> serde_json::Value {
    let approver = |approver: &entity::policy_stage_approver::Model| {
        serde_json::json!({
            "kind": approver.kind,
            "user": approver.user_id.map(|id| Kind::User.text(id)),
            "catalogRole": approver.catalog_role,
            "part": approver.part,
            "managerLevel": approver.manager_level,
        })
    };
    serde_json::json!({
        "timeoutSeconds": row.stage.timeout_seconds,
        "justificationRequired": row.stage.justification_required,
        "alternatesAfterSeconds": row.stage.alternates_after_seconds,
        "approversVisible": row.stage.approvers_visible,
        "approvers": row.approvers.iter().map(approver).collect::<Vec<_>>(),
    })
}
