//! Assignments end: by revocation, expiry, deactivation, or because a partial request is cancelled.

use std::collections::HashMap;

use entity::access_request::{self, AccessRequestState as State, AccessRequestType};
use entity::access_request_event::{self, AccessRequestAction as Action};
use entity::assignment::{self, AssignmentState};
use entity::delivery::DeliveryOperation;
use uuid::Uuid;

use super::begin::{New, queued};
use super::cancel_requests::{Cause, ENDED, cancel_requests};
use crate::domain::Error;
use crate::domain::delivery::queue::queue;
use crate::id::Kind;
use crate::store::access_request::{Move, Moved, advance};
use crate::store::audit_event::{self, Event};
use crate::store::{self, Txn};

/// Why assignments end.
#[derive(Clone, Copy, Debug)]
pub enum Ending<'a> {
    /// A removal request is made for each.
    Request {
        /// The id of the removal request, where one assignment ends and it was promised before.
        id: Option<Uuid>,
        /// The type of the removal requests.
        kind: AccessRequestType,
        /// Who asked; nobody for Guichet itself.
        actor: Option<Uuid>,
        /// Why.
        reason: Option<&'a str>,
        /// Through which bulk operation.
        bulk_operation: Option<Uuid>,
    },
    /// The request that made it was cancelled: its own deliveries take back what it gave.
    Canceled,
}

/// Ends assignments that were read under their locks: what was not yet given is not given any
/// more, what may have been given is taken back. Gives the removal requests.
pub async fn end(
    txn: &Txn,
    assignments: &[assignment::Model],
    ending: Ending<'_>,
) -> Result<Vec<Uuid>, Error> {
    let ids: Vec<Uuid> = assignments.iter().map(|assignment| assignment.id).collect();
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    drop_extensions(txn, &ids).await?;
    if let Ending::Request { actor, reason, bulk_operation, .. } = ending {
        cancel_requests(txn, assignments, Cause { actor, reason, bulk_operation }).await?;
    }
    store::delivery::cancel_open_adds(txn, &ids).await?;
    let mut given: HashMap<Uuid, Vec<(Uuid, Uuid)>> = HashMap::new();
    for row in store::entitlement_grant::given(txn, &ids).await? {
        given.entry(row.assignment).or_default().push((row.role, row.connector));
    }
    let (mut requests, mut events, mut deliveries) = (Vec::new(), Vec::new(), Vec::new());
    let (mut revoking, mut ended) = (Vec::new(), Vec::new());
    for assignment in assignments {
        let taken = given.remove(&assignment.id).unwrap_or_default();
        let request = match ending {
            Ending::Canceled => assignment.request_id,
            Ending::Request { id, kind, actor, reason, bulk_operation } => {
                let request = access_request::Model {
                    id: id.unwrap_or_else(|| txn.id()),
                    ..removal(txn, assignment, kind, actor, reason, taken.is_empty())
                };
                events.extend(history(txn, &request, bulk_operation));
                requests.push(request.clone());
                request.id
            }
        };
        for (role, connector) in &taken {
            let new =
                New { request, operation: DeliveryOperation::Remove, role: *role, connector: *connector };
            deliveries.push(queued(txn, assignment, &new));
        }
        if taken.is_empty() { &mut ended } else { &mut revoking }.push(assignment.id);
    }
    let made = requests.iter().map(|request| request.id).collect();
    txn.insert_all(requests).await?;
    txn.insert_all(events).await?;
    queue(txn, deliveries).await?;
    if !revoking.is_empty() {
        store::assignment::set_state(txn, &revoking, AssignmentState::Revoking, false).await?;
    }
    if !ended.is_empty() {
        store::assignment::set_state(txn, &ended, AssignmentState::Ended, true).await?;
    }
    Ok(made)
}

/// What was asked for assignments that end is not wanted any more: to keep them longer.
pub(super) async fn drop_extensions(txn: &Txn, assignments: &[Uuid]) -> Result<(), Error> {
    let open = store::access_request::lock_extensions(txn, assignments).await?;
    let moved: Vec<Moved> =
        open.iter().map(|request| Moved { id: request.id, from: request.state }).collect();
    let step = Move {
        to: State::Canceled,
        action: Action::Canceled,
        actor: None,
        reason: Some(ENDED),
        bulk_operation: None,
    };
    let canceled = advance(txn, &moved, step).await?;
    store::approval::cancel(txn, &canceled).await?;
    let event = |request: &access_request::Model| {
        let (organization, id) = (request.organization_id, request.id);
        Event::by_itself(organization, "access_request.canceled", Kind::AccessRequest, id)
            .with(serde_json::json!({ "because": ENDED }))
    };
    Ok(audit_event::record_all(txn, &open.iter().map(event).collect::<Vec<_>>()).await?)
}

/// The request that takes an assignment away; done at once where there is nothing to take.
fn removal(
    txn: &Txn,
    assignment: &assignment::Model,
    kind: AccessRequestType,
    actor: Option<Uuid>,
    reason: Option<&str>,
    nothing_given: bool,
) -> access_request::Model {
    let done = nothing_given.then(|| txn.now());
    access_request::Model {
        id: txn.id(),
        organization_id: assignment.organization_id,
        catalog_id: assignment.catalog_id,
        access_package_id: assignment.access_package_id,
        policy_id: None,
        policy_snapshot: None,
        requestor_id: assignment.user_id,
        submitted_by_id: actor,
        assignment_id: Some(assignment.id),
        kind,
        state: if nothing_given { State::Delivered } else { State::Delivering },
        justification: reason.map(str::to_owned),
        requested_start: None,
        requested_end: None,
        submitted_at: txn.now(),
        completed_at: done,
        last_completed_at: done,
        event_count: if nothing_given { 3 } else { 2 },
        answers: None,
        signed_link_id: None,
    }
}

fn history(
    txn: &Txn,
    request: &access_request::Model,
    bulk_operation: Option<Uuid>,
) -> Vec<access_request_event::Model> {
    let steps = [
        (Action::Submitted, None, State::Submitted),
        (Action::DeliveryStarted, Some(State::Submitted), State::Delivering),
        (Action::Delivered, Some(State::Delivering), State::Delivered),
    ];
    let taken = usize::try_from(request.event_count).unwrap_or_default();
    let steps = (1..).zip(steps.into_iter().take(taken));
    steps
        .map(|(seq, (action, from_state, to_state))| access_request_event::Model {
            request_id: request.id,
            seq,
            at: txn.now(),
            action,
            from_state,
            to_state,
            actor_id: request.submitted_by_id.filter(|_| action == Action::Submitted),
            reason: request.justification.clone().filter(|_| action == Action::Submitted),
            bulk_operation_id: bulk_operation.filter(|_| action == Action::Submitted),
        })
        .collect()
}
