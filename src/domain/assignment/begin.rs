//! The access of requests that nobody has to decide any more begins.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use entity::access_request::{self, AccessRequestState as State};
use entity::access_request_event::AccessRequestAction as Action;
use entity::assignment::{self, AssignmentState};
use entity::delivery::{self, DeliveryOperation, DeliveryState};
use uuid::Uuid;

use super::cancel_requests::{Cause, cancel_requests};
use super::end::drop_extensions;
use crate::domain::Error;
use crate::domain::access_request::{Outcome, Step, next};
use crate::domain::delivery::{outcome::DELIVERED, queue::queue};
use crate::id::Kind;
use crate::store::access_request::{Move, Moved, advance};
use crate::store::audit_event::{self, Event};
use crate::store::{self, StoreError, Txn};

/// The reason that the history of a replaced request shows.
const REPLACED: &str = "REPLACED";

/// A request with the times of the assignment that it makes.
#[derive(Clone, Debug)]
pub struct Beginning {
    /// The request, as read under its lock.
    pub request: access_request::Model,
    /// When the assignment starts.
    pub starts_at: DateTime<Utc>,
    /// When it ends; none: never.
    pub expires_at: Option<DateTime<Utc>>,
    /// Who decided; nobody where nobody had to.
    pub actor: Option<Uuid>,
}

/// Makes the assignment of a request, which is then delivered at once, or scheduled.
pub async fn begin(txn: &Txn, beginning: &Beginning) -> Result<(), Error> {
    begin_all(txn, std::slice::from_ref(beginning)).await
}

/// The same for many requests, in a fixed number of statements; one person decided all of them, or nobody.
pub async fn begin_all(txn: &Txn, beginnings: &[Beginning]) -> Result<(), Error> {
    let Some(first) = beginnings.first() else { return Ok(()) };
    replace(txn, beginnings).await?;
    let assignments: Vec<assignment::Model> =
        beginnings.iter().map(|beginning| assignment_of(txn, beginning)).collect();
    txn.insert_all(assignments.clone()).await?;
    let pairs: Vec<(Uuid, Uuid)> =
        assignments.iter().map(|assignment| (assignment.request_id, assignment.id)).collect();
    store::access_request::set_assignments(txn, &pairs).await?;
    let moved = beginnings.iter().map(|beginning| {
        let request = &beginning.request;
        Moved { id: request.id, from: request.state }
    });
    let (later, now): (Vec<_>, Vec<_>) =
        moved.zip(assignments).partition(|(_, assignment)| assignment.state == AssignmentState::Scheduled);
    for (request, _) in &later {
        legal(request.from, Step::Schedule)?;
    }
    let step = Move {
        to: State::Scheduled,
        action: Action::Scheduled,
        actor: first.actor,
        reason: None,
        bulk_operation: None,
    };
    let later: Vec<Moved> = later.into_iter().map(|(moved, _)| moved).collect();
    advance(txn, &later, step).await?;
    if now.is_empty() { Ok(()) } else { deliver(txn, &now, first.actor).await }
}

fn assignment_of(txn: &Txn, beginning: &Beginning) -> assignment::Model {
    let request = &beginning.request;
    let later = beginning.starts_at > txn.now();
    assignment::Model {
        id: txn.id(),
        organization_id: request.organization_id,
        catalog_id: request.catalog_id,
        access_package_id: request.access_package_id,
        policy_id: request.policy_id,
        user_id: request.requestor_id,
        request_id: request.id,
        state: if later { AssignmentState::Scheduled } else { AssignmentState::Delivering },
        starts_at: beginning.starts_at,
        expires_at: beginning.expires_at,
        ended_at: None,
        due_at: if later { Some(beginning.starts_at) } else { beginning.expires_at },
        lease: None,
        attempt_count: 0,
        created_at: txn.now(),
        repair_failed_at: None,
    }
}

/// A new request replaces what an earlier one of the same person for the same package left
/// undone: that assignment ends with its request, what it delivered is the new one's.
async fn replace(txn: &Txn, beginnings: &[Beginning]) -> Result<(), Error> {
    let held: Vec<(Uuid, Uuid)> = beginnings
        .iter()
        .map(|beginning| (beginning.request.requestor_id, beginning.request.access_package_id))
        .collect();
    let current = store::assignment::lock_current_of(txn, &held).await?;
    let ids: Vec<Uuid> = current.iter().map(|assignment| assignment.id).collect();
    if ids.is_empty() {
        return Ok(());
    }
    let replaced = |row: &assignment::Model| {
        Event::by_itself(row.organization_id, "assignment.replaced", Kind::Assignment, row.id)
    };
    audit_event::record_all(txn, &current.iter().map(replaced).collect::<Vec<_>>()).await?;
    drop_extensions(txn, &ids).await?;
    cancel_requests(txn, &current, Cause { actor: None, reason: Some(REPLACED), bulk_operation: None })
        .await?;
    store::delivery::cancel_open_adds(txn, &ids).await?;
    Ok(store::assignment::set_state(txn, &ids, AssignmentState::Ended, true).await?)
}

/// Queues the deliveries of assignments that start now: one for each role of the package.
pub async fn deliver(
    txn: &Txn,
    starting: &[(Moved, assignment::Model)],
    actor: Option<Uuid>,
) -> Result<(), Error> {
    let packages: Vec<Uuid> = starting.iter().map(|(_, assignment)| assignment.access_package_id).collect();
    let mut roles: HashMap<Uuid, Vec<(Uuid, Uuid)>> = HashMap::new();
    for (package, row) in store::resource::roles_in_packages(txn, &packages).await? {
        roles.entry(package).or_default().push((row.role.id, row.resource.connector_id));
    }
    let mut rows = Vec::new();
    let mut empty = Vec::new();
    for (moved, assignment) in starting {
        let contents = roles.get(&assignment.access_package_id).map(Vec::as_slice).unwrap_or_default();
        if contents.is_empty() {
            empty.push((moved.id, assignment));
        }
        for (role, connector) in contents {
            let new = New {
                request: moved.id,
                operation: DeliveryOperation::Add,
                role: *role,
                connector: *connector,
            };
            rows.push(queued(txn, assignment, &new));
        }
    }
    queue(txn, rows).await?;
    let moved: Vec<Moved> = starting.iter().map(|(moved, _)| *moved).collect();
    let step = Move {
        to: State::Delivering,
        action: Action::DeliveryStarted,
        actor,
        reason: None,
        bulk_operation: None,
    };
    for request in &moved {
        legal(request.from, Step::Deliver)?;
    }
    advance(txn, &moved, step).await?;
    let ids: Vec<Uuid> = starting.iter().map(|(_, assignment)| assignment.id).collect();
    store::assignment::set_state(txn, &ids, AssignmentState::Delivering, false).await?;
    // A package without roles is delivered as soon as it is started.
    if !empty.is_empty() {
        let done: Vec<Moved> =
            empty.iter().map(|(id, _)| Moved { id: *id, from: State::Delivering }).collect();
        let step = Move {
            to: legal(State::Delivering, Step::Complete(Outcome::All))?,
            action: Action::Delivered,
            actor: None,
            reason: None,
            bulk_operation: None,
        };
        advance(txn, &done, step).await?;
        let delivered = |(request, assignment): &(Uuid, &assignment::Model)| {
            Event::by_itself(assignment.organization_id, DELIVERED, Kind::AccessRequest, *request)
        };
        audit_event::record_all(txn, &empty.iter().map(delivered).collect::<Vec<_>>()).await?;
        let ids: Vec<Uuid> = empty.iter().map(|(_, assignment)| assignment.id).collect();
        store::assignment::set_state(txn, &ids, AssignmentState::Delivered, false).await?;
    }
    Ok(())
}

/// A delivery to queue.
pub(crate) struct New {
    pub request: Uuid,
    pub operation: DeliveryOperation,
    pub role: Uuid,
    pub connector: Uuid,
}

/// A delivery that is due now; it gets its grant when it is queued.
pub(crate) fn queued(txn: &Txn, assignment: &assignment::Model, new: &New) -> delivery::Model {
    delivery::Model {
        id: txn.id(),
        organization_id: assignment.organization_id,
        request_id: new.request,
        assignment_id: assignment.id,
        user_id: assignment.user_id,
        resource_role_id: new.role,
        connector_id: new.connector,
        operation: new.operation,
        state: DeliveryState::Pending,
        result: None,
        existed_before: None,
        attempt_count: 0,
        attempt_in_round: 0,
        round: 1,
        retry_until: None,
        hold_until: None,
        due_at: Some(txn.now()),
        lease: None,
        error_code: None,
        error_message: None,
        error_retryable: None,
        error_status: None,
        error_at: None,
        created_at: txn.now(),
        completed_at: None,
        bulk_operation_id: None,
        grant_id: None,
    }
}

/// The state after a step that the rows under their locks allow; anything else is our own fault.
pub(crate) fn legal(from: State, step: Step) -> Result<State, Error> {
    next(from, step).map_err(|illegal| StoreError::Other(illegal.to_string()).into())
}
