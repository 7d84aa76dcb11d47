//! Reprocess assignments: compare what should be with what is at the target systems, and repair it.
//!
//! This is the second meaning of the word (R1): of requests, what failed is tried again; of assignments, what was
//! delivered is looked at, because somebody may have changed it at the target system. It has no window. [`judge`] is
//! the one rule: for the mutation, the dry run and the affordance. A check is a delivery of its own for each resource
//! role that the package has now: the request that made the assignment stays as it is. So does the assignment, unless a
//! repair fails for good, or the delivery of a role that came to the package later: then it is delivered in part until
//! a later one succeeds.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use entity::assignment::{self, AssignmentState};
use entity::bulk_operation::{self, BulkOperationKind};
use entity::delivery::{self, DeliveryOperation};
use uuid::Uuid;

use super::begin::{New, queued};
use super::lock_visible;
use crate::authz::Scope;
use crate::authz::permission::action;
use crate::domain::bulk_operation::{Bulk, Verdicts, record};
use crate::domain::delivery::queue::queue as queue_deliveries;
use crate::domain::error::{Code, Error};
use crate::id::Kind;
use crate::store::assignment::{Filter, select_for};
use crate::store::audit_event::{self, Event};
use crate::store::{self, Access, StoreError, Txn};

/// Judges whether an assignment can be compared and repaired by somebody who may, or may not, do so here.
///
/// What excludes its package is not asked: the access is held, beside the other package or not, and a repair gives
/// nothing beyond it. Who holds both is found by a filter, and one of them revoked.
pub fn judge(assignment: &assignment::Model, allowed: bool, now: DateTime<Utc>) -> Result<(), Code> {
    if !allowed {
        return Err(Code::Forbidden);
    }
    let is_over = assignment.expires_at.is_some_and(|end| end <= now);
    match assignment.state {
        AssignmentState::Delivered if is_over => Err(Code::AssignmentEnded),
        AssignmentState::Delivered => Ok(()),
        // It was delivered, and an earlier repair failed: the way back.
        AssignmentState::PartiallyDelivered if assignment.repair_failed_at.is_some() => {
            if is_over {
                Err(Code::AssignmentEnded)
            } else {
                Ok(())
            }
        }
        AssignmentState::Delivering => Err(Code::AlreadyInProgress),
        // What failed is its request's to try again, as long as that is allowed.
        AssignmentState::Scheduled
        | AssignmentState::PartiallyDelivered
        | AssignmentState::DeliveryFailed => Err(Code::NotReprocessableState),
        AssignmentState::Revoking | AssignmentState::Ended => Err(Code::AssignmentEnded),
    }
}

/// Reprocess assignments, as a bulk operation. A dry run compares, and repairs nothing.
pub struct ReprocessAssignments;

impl Bulk for ReprocessAssignments {
    type Action = action::ReprocessAssignment;
    type Filter = Filter;

    const KIND: BulkOperationKind = BulkOperationKind::ReprocessAssignments;
    const MUTATION: &'static str = "reprocessAssignments";

    async fn select(
        txn: &Txn,
        operation: Uuid,
        scope: &Scope,
        filter: &Filter,
        most: u64,
    ) -> Result<u64, StoreError> {
        select_for(txn, operation, scope, filter, most).await
    }

    async fn decide(
        txn: &Txn,
        operation: &bulk_operation::Model,
        access: Access<'_>,
        targets: &[Uuid],
    ) -> Result<Verdicts, Error> {
        let allowed = record::allowed(operation);
        let mut verdicts = HashMap::with_capacity(targets.len());
        let mut accepted = Vec::new();
        for assignment in lock_visible(txn, access, targets).await? {
            let verdict = judge(&assignment, allowed.contain(assignment.catalog_id), txn.now());
            verdicts.insert(assignment.id, verdict);
            if verdict.is_ok() {
                accepted.push(assignment);
            }
        }
        if !accepted.is_empty() {
            queue(txn, operation, &accepted).await?;
            if !operation.dry_run {
                super::note(txn, operation, "assignment.reprocessed", &accepted).await?;
            }
        }
        Ok(verdicts)
    }
}

/// Queues a check of each role that the packages of assignments have now. What still waits of an earlier operation of
/// the same kind is overtaken; a remote that asked us to wait is not asked before.
async fn queue(
    txn: &Txn,
    operation: &bulk_operation::Model,
    assignments: &[assignment::Model],
) -> Result<(), StoreError> {
    let check = if operation.dry_run { DeliveryOperation::Compare } else { DeliveryOperation::Repair };
    let ids: Vec<Uuid> = assignments.iter().map(|assignment| assignment.id).collect();
    let overtaken = store::delivery::cancel_waiting_checks(txn, &ids, check).await?;
    let holds: HashMap<(Uuid, Uuid), DateTime<Utc>> = overtaken
        .into_iter()
        .filter_map(|(assignment, role, hold)| Some(((assignment, role), hold?)))
        .collect();
    let mut packages: Vec<Uuid> = assignments.iter().map(|assignment| assignment.access_package_id).collect();
    packages.sort_unstable();
    packages.dedup();
    let roles = store::resource::roles_in_packages(txn, &packages).await?;
    let roles = store::grouped(roles, |(package, _)| *package);
    let mut rows = Vec::new();
    for assignment in assignments {
        for (_, row) in roles.get(&assignment.access_package_id).into_iter().flatten() {
            let new = New {
                request: assignment.request_id,
                operation: check,
                role: row.role.id,
                connector: row.resource.connector_id,
            };
            let hold_until = holds.get(&(assignment.id, row.role.id)).copied();
            rows.push(delivery::Model {
                bulk_operation_id: Some(operation.id),
                due_at: Some(hold_until.map_or(txn.now(), |hold| hold.max(txn.now()))),
                hold_until,
                ..queued(txn, assignment, &new)
            });
        }
    }
    queue_deliveries(txn, rows).await?;
    // A package that has no roles any more leaves nothing to repair.
    if check == DeliveryOperation::Repair { made_whole(txn, &ids).await } else { Ok(()) }
}

/// A repair of an assignment, or a role that came to its package later, failed for good: it does not hold what it
/// should, or nobody knows whether it does. The action is what the audit trail says.
pub async fn role_failed(txn: &Txn, assignment: Uuid, action: &'static str) -> Result<(), StoreError> {
    let Some(organization) = store::assignment::role_failed(txn, assignment).await? else { return Ok(()) };
    let event = Event::by_itself(organization, action, Kind::Assignment, assignment);
    audit_event::record(txn, &event).await
}

/// A role was given, or left a package: assignments of which a role had failed hold what they should again, if nothing
/// that their packages have now has failed or is left to do.
pub async fn made_whole(txn: &Txn, assignments: &[Uuid]) -> Result<(), StoreError> {
    let repaired = store::assignment::made_whole(txn, assignments).await?;
    let event = |(assignment, organization): &(Uuid, Uuid)| {
        Event::by_itself(*organization, "assignment.repaired", Kind::Assignment, *assignment)
    };
    audit_event::record_all(txn, &repaired.iter().map(event).collect::<Vec<_>>()).await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn delivered() -> assignment::Model {
        let at = DateTime::from_timestamp(1_700_000_000, 0).unwrap();
        assignment::Model {
            id: Uuid::nil(),
            organization_id: Uuid::nil(),
            catalog_id: Uuid::nil(),
            access_package_id: Uuid::nil(),
            policy_id: None,
            user_id: Uuid::nil(),
            request_id: Uuid::nil(),
            state: AssignmentState::Delivered,
            starts_at: at,
            expires_at: None,
            ended_at: None,
            due_at: None,
            lease: None,
            attempt_count: 0,
            created_at: at,
            repair_failed_at: None,
        }
    }

    #[test]
    fn only_what_is_delivered_and_not_over_is_compared() {
        let (assignment, now) = (delivered(), delivered().starts_at);
        assert_eq!(judge(&assignment, true, now), Ok(()));
        assert_eq!(judge(&assignment, false, now), Err(Code::Forbidden));
        let ending = assignment::Model { expires_at: Some(now), ..assignment.clone() };
        assert_eq!(judge(&ending, true, now), Err(Code::AssignmentEnded));
        assert_eq!(judge(&ending, true, now - chrono::TimeDelta::microseconds(1)), Ok(()));
        // A repair that failed can be repeated, as long as it is not over.
        let broken = assignment::Model {
            state: AssignmentState::PartiallyDelivered,
            repair_failed_at: Some(now),
            ..ending.clone()
        };
        assert_eq!(judge(&broken, true, now), Err(Code::AssignmentEnded));
        assert_eq!(judge(&broken, true, now - chrono::TimeDelta::microseconds(1)), Ok(()));
        for (state, code) in [
            (AssignmentState::Scheduled, Code::NotReprocessableState),
            (AssignmentState::Delivering, Code::AlreadyInProgress),
            (AssignmentState::PartiallyDelivered, Code::NotReprocessableState),
            (AssignmentState::DeliveryFailed, Code::NotReprocessableState),
            (AssignmentState::Revoking, Code::AssignmentEnded),
            (AssignmentState::Ended, Code::AssignmentEnded),
        ] {
            let other = assignment::Model { state, ..assignment.clone() };
            assert_eq!(judge(&other, true, now), Err(code), "{state:?}");
        }
    }
}
