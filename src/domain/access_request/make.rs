//! Make requests of one kind for many people, under one policy: a fixed number of statements, however many there are.

use chrono::{DateTime, Utc};
use entity::access_request::{self, AccessRequestState as State, AccessRequestType};
use entity::access_request_event::{self, AccessRequestAction as Action};
use entity::assignment_policy;
use uuid::Uuid;

use super::Step;
use super::submit::{sentence, snapshot};
use crate::authz::Actor;
use crate::domain::approval::open::{Opening, open};
use crate::domain::assignment::begin::{Beginning, begin_all, legal};
use crate::domain::error::{Code, Error, Rejection};
use crate::store::access_request::{Move, Moved, advance};
use crate::store::assignment_policy::StageRow;
use crate::store::{StoreError, Txn};

/// What the requests have in common; everything in it was checked.
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
    /// Its stages.
    pub stages: &'a [StageRow],
    /// Whether the stages are passed by.
    pub bypass_approval: bool,
    /// Why.
    pub justification: Option<&'a str>,
    /// The start and the end that were asked for.
    pub asked: (Option<DateTime<Utc>>, Option<DateTime<Utc>>),
    /// The start and the end if nobody has to decide.
    pub schedule: (DateTime<Utc>, Option<DateTime<Utc>>),
    /// Through which bulk operation.
    pub bulk_operation: Option<Uuid>,
}

/// Makes requests, given as pairs of the new request and the person, and routes them: to their approvers, to their
/// start, or to delivery.
pub async fn make_all(txn: &Txn, common: &Common<'_>, people: &[(Uuid, Uuid)]) -> Result<(), Error> {
    if people.is_empty() {
        return Ok(());
    }
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
        assignment_id: None,
        kind: common.kind,
        state: State::Submitted,
        justification: common.justification.map(str::to_owned),
        requested_start: common.asked.0,
        requested_end: common.asked.1,
        submitted_at: txn.now(),
        completed_at: None,
        last_completed_at: None,
        event_count: 1,
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
    let step = |to, action| Move { to, action, actor: None, reason: None, bulk_operation: None };
    let moved: Vec<Moved> =
        requests.iter().map(|request| Moved { id: request.id, from: State::Submitted }).collect();
    if !common.stages.is_empty() && !common.bypass_approval {
        let to = legal(State::Submitted, Step::AskApproval)?;
        advance(txn, &moved, step(to, Action::ApprovalRequested)).await?;
        let openings: Vec<Opening<'_>> =
            requests.iter().map(|request| Opening { request, position: 0 }).collect();
        return open(txn, &openings).await;
    }
    if common.bypass_approval && !common.stages.is_empty() {
        let bypassed = Move {
            actor: Some(common.actor.user),
            reason: common.justification,
            bulk_operation: common.bulk_operation,
            ..step(State::Submitted, Action::ApprovalBypassed)
        };
        advance(txn, &moved, bypassed).await?;
    }
    let (starts_at, expires_at) = common.schedule;
    let beginnings: Vec<Beginning> = requests
        .into_iter()
        .map(|request| Beginning { request, starts_at, expires_at, actor: None })
        .collect();
    begin_all(txn, &beginnings).await
}
