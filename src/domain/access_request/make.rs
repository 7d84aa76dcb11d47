//! A request is made: written down with its policy as it is now, and routed.

use entity::access_request::{self, AccessRequestState as State, AccessRequestType};
use entity::access_request_event::{self, AccessRequestAction as Action};
use entity::assignment_policy;
use uuid::Uuid;

use super::Step;
use super::plan::{Asked, Content, content, sentence};
use crate::authz::Actor;
use crate::domain::approval::open::{Opening, open};
use crate::domain::assignment::begin::{Beginning, begin, legal};
use crate::domain::error::{Code, Error, Rejection};
use crate::id::Kind;
use crate::store::access_request::{Move, Moved, advance};
use crate::store::assignment_policy::StageRow;
use crate::store::audit_event::{self, Event};
use crate::store::{self, StoreError, Txn};

/// A request to make.
#[derive(Clone, Copy, Debug)]
pub struct NewRequest {
    /// Its id.
    pub id: Uuid,
    /// Who makes it.
    pub actor: Actor,
    /// What it asks for.
    pub kind: AccessRequestType,
    /// Whose access it is about.
    pub requestor: Uuid,
    /// The package's catalog.
    pub catalog: Uuid,
    /// The package.
    pub package: Uuid,
    /// The assignment that it is about; none where it is to make one.
    pub assignment: Option<Uuid>,
    /// Whether somebody has to decide.
    pub approval: bool,
}

/// Makes a request under a policy, if what it asks for is in order, and routes it: to its approvers, to
/// its start, or to delivery.
pub async fn make(
    txn: &Txn,
    new: &NewRequest,
    policy: &assignment_policy::Model,
    asked: &Asked,
) -> Result<(), Error> {
    let content = content(policy, asked, txn.now())?;
    let stages =
        if new.approval { store::assignment_policy::stages(txn, &[policy.id]).await? } else { Vec::new() };
    let request = write(txn, new, policy, &stages, &content, asked).await?;
    route(txn, new, request, &content).await
}

/// Sends a new request to its approvers, to its start, or to delivery.
pub async fn route(
    txn: &Txn,
    new: &NewRequest,
    request: access_request::Model,
    content: &Content,
) -> Result<(), Error> {
    if new.approval {
        return ask(txn, &request).await;
    }
    let (starts_at, expires_at) = (content.starts_at, content.expires_at);
    begin(txn, &Beginning { request, starts_at, expires_at, actor: None }).await
}

/// Sends a new request to its approvers.
pub async fn ask(txn: &Txn, request: &access_request::Model) -> Result<(), Error> {
    let step = Move {
        to: legal(State::Submitted, Step::AskApproval)?,
        action: Action::ApprovalRequested,
        actor: None,
        reason: None,
        bulk_operation: None,
    };
    advance(txn, &[Moved { id: request.id, from: State::Submitted }], step).await?;
    open(txn, &[Opening { request, position: 0 }]).await
}

/// Writes a new request down.
pub async fn write(
    txn: &Txn,
    new: &NewRequest,
    policy: &assignment_policy::Model,
    stages: &[StageRow],
    content: &Content,
    asked: &Asked,
) -> Result<access_request::Model, Error> {
    let now = txn.now();
    let answers = (!content.answers.is_empty()).then(|| serde_json::json!(content.answers));
    let request = access_request::Model {
        id: new.id,
        organization_id: new.actor.organization,
        catalog_id: new.catalog,
        access_package_id: new.package,
        policy_id: Some(policy.id),
        policy_snapshot: Some(snapshot(policy, stages)),
        requestor_id: new.requestor,
        submitted_by_id: Some(new.actor.user),
        assignment_id: new.assignment,
        kind: new.kind,
        state: State::Submitted,
        justification: content.justification.clone(),
        requested_start: asked.times.starts_at,
        requested_end: asked.times.expires_at,
        submitted_at: now,
        completed_at: None,
        last_completed_at: None,
        event_count: 1,
        answers,
    };
    txn.insert(request.clone()).await.map_err(|error| match error {
        StoreError::Taken(_) => {
            Rejection::of("accessPackage", Code::RequestOpen, sentence(Code::RequestOpen)).into()
        }
        other => Error::from(other),
    })?;
    txn.insert(access_request_event::Model {
        request_id: new.id,
        seq: 1,
        at: now,
        action: Action::Submitted,
        from_state: None,
        to_state: State::Submitted,
        actor_id: Some(new.actor.user),
        reason: None,
        bulk_operation_id: None,
    })
    .await?;
    let details = serde_json::json!({
        "accessPackage": Kind::AccessPackage.text(new.package),
        "requestor": Kind::User.text(new.requestor),
    });
    let event = Event::by(&new.actor, "access_request.submitted", Kind::AccessRequest, new.id).with(details);
    audit_event::record(txn, &event).await?;
    Ok(request)
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
