//! What the end of an attempt means for its delivery, its request and its assignment.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use entity::access_request::AccessRequestState as State;
use entity::access_request_event::AccessRequestAction as Action;
use entity::assignment::AssignmentState;
use entity::delivery::{self, DeliveryErrorCode, DeliveryOperation, DeliveryResult, DeliveryState};
use entity::delivery_attempt::{self, AttemptOutcome};
use entity::entitlement_grant::{self, EntitlementGrantOrigin, EntitlementGrantState};
use uuid::Uuid;

use super::queue::queue;
use super::{Failed, is_retryable, next_try, retry_until};
use crate::domain::Error;
use crate::domain::access_request::{Outcome, Step, is_removal};
use crate::domain::assignment::begin::{New, legal, queued};
use crate::domain::assignment::reprocess;
use crate::domain::entitlement_grant::{self as grant, Attempt, Found};
use crate::id::Kind;
use crate::store::access_request::{Move, Moved, advance};
use crate::store::audit_event::{self, Event};
use crate::store::{self, Transaction, Txn};

/// What the audit trail calls it when all of a request was done.
pub const DELIVERED: &str = "access_request.delivered";

/// How an attempt ended.
#[derive(Clone, Debug)]
pub enum End {
    /// The remote is as wanted, or the delivery is not needed.
    Done {
        /// What was found.
        result: DeliveryResult,
        /// Whether the account had the access before; none if the remote does not show it.
        held_before: Option<bool>,
        /// Whether the remote showed the result afterwards.
        confirmed: bool,
    },
    /// It failed.
    Failed {
        /// The kind of failure.
        code: DeliveryErrorCode,
        /// The remote's own words.
        message: String,
        /// The remote's status.
        status: Option<i32>,
        /// How long the remote asked us to wait.
        retry_after: Option<TimeDelta>,
        /// Whether the change may have been made all the same.
        uncertain: bool,
    },
}

impl End {
    /// A delivery that needed no call.
    #[must_use]
    pub const fn without_call(result: DeliveryResult) -> Self {
        Self::Done { result, held_before: None, confirmed: false }
    }

    /// What it means for the grant.
    const fn found(&self) -> Found {
        match self {
            Self::Done { result, held_before, confirmed } => {
                Found::Done { result: *result, held_before: *held_before, confirmed: *confirmed }
            }
            Self::Failed { uncertain, .. } => Found::Failed { uncertain: *uncertain },
        }
    }
}

/// Writes the end of an attempt, if the delivery is still this worker's.
pub struct Finish {
    /// The delivery, with this try counted.
    pub delivery: delivery::Model,
    /// The lease it was claimed with.
    pub lease: Uuid,
    /// What it gives or takes, as it was before.
    pub grant: entitlement_grant::Model,
    /// Whether nothing of Guichet's was there before.
    pub began_absent: bool,
    /// The account that was written, if one is known.
    pub account: Option<Uuid>,
    /// When the attempt began.
    pub started_at: DateTime<Utc>,
    /// How it ended.
    pub end: End,
    /// Spreads the next try out, from 0 to 1.
    pub jitter: f64,
}

impl Transaction for Finish {
    /// Whether the delivery was still this worker's.
    type Output = bool;
    type Error = Error;

    async fn run(&self, txn: &Txn) -> Result<bool, Error> {
        // The request is locked before its state is computed: two last deliveries that finish at
        // once must not both think that the other one is still open.
        let request = store::access_request::lock(txn, &[self.delivery.request_id]).await?;
        let grant = self.grant_after(txn.now());
        let after = self.after(&grant, txn.now());
        if !store::delivery::finish(txn, &after, self.lease).await? {
            return Ok(false);
        }
        store::entitlement_grant::update(txn, &grant).await?;
        txn.insert(self.attempt(txn.now())).await?;
        if after.state == DeliveryState::Failed {
            let organization = after.organization_id;
            let event = Event::by_itself(organization, "delivery.failed", Kind::Delivery, after.id);
            let request = Kind::AccessRequest.text(after.request_id);
            let details = serde_json::json!({ "request": request, "because": after.error_code });
            audit_event::record(txn, &event.with(details)).await?;
        }
        if after.operation == DeliveryOperation::Add && after.state == DeliveryState::Failed {
            self.give_up(txn, &grant).await?;
        }
        let is_delivering = request.iter().any(|request| request.state == State::Delivering);
        self.follow(txn, &after, is_delivering).await?;
        if after.due_at.is_none() {
            complete(txn, &[self.delivery.request_id]).await?;
            let over = store::assignment::taken_back(txn, &[self.delivery.assignment_id]).await?;
            if !over.is_empty() {
                store::assignment::set_state(txn, &over, AssignmentState::Ended, true).await?;
            }
        }
        Ok(true)
    }
}

impl Finish {
    fn grant_after(&self, now: DateTime<Utc>) -> entitlement_grant::Model {
        let attempt = Attempt {
            operation: self.delivery.operation,
            began_absent: self.began_absent,
            account: self.account,
            found: self.end.found(),
        };
        grant::after(&self.grant, &attempt, now)
    }

    /// An add that failed for good no longer wants its grant: what nobody else wants, and may be there, is taken.
    async fn give_up(&self, txn: &Txn, grant: &entitlement_grant::Model) -> Result<(), Error> {
        if grant.state == EntitlementGrantState::Absent
            || store::entitlement_grant::lock_unwanted(txn, &[grant.id]).await?.is_empty()
        {
            return Ok(());
        }
        let assignments = store::assignment::lock(txn, &[self.delivery.assignment_id]).await?;
        let new = New {
            request: self.delivery.request_id,
            operation: DeliveryOperation::Remove,
            role: self.delivery.resource_role_id,
            connector: self.delivery.connector_id,
        };
        let rows = assignments.iter().map(|assignment| queued(txn, assignment, &new)).collect();
        Ok(queue(txn, rows).await?)
    }

    /// What the end of a delivery means for its assignment, if it is no part of a request that is being delivered: a
    /// repair, or a role that came to the package later.
    async fn follow(&self, txn: &Txn, after: &delivery::Model, is_delivering: bool) -> Result<(), Error> {
        let failed = after.state == DeliveryState::Failed;
        if failed && after.operation == DeliveryOperation::Add {
            store::package_notice::note_failed(txn, &[after.id]).await?;
        }
        let action = match after.operation {
            DeliveryOperation::Repair => "assignment.repair_failed",
            DeliveryOperation::Add if !is_delivering => "assignment.role_failed",
            DeliveryOperation::Add | DeliveryOperation::Remove | DeliveryOperation::Compare => return Ok(()),
        };
        if failed {
            reprocess::role_failed(txn, after.assignment_id, action).await?;
        } else if after.state == DeliveryState::Succeeded {
            reprocess::made_whole(txn, &[after.assignment_id]).await?;
        }
        Ok(())
    }

    /// The delivery as the attempt leaves it.
    fn after(&self, grant: &entitlement_grant::Model, now: DateTime<Utc>) -> delivery::Model {
        let before = &self.delivery;
        match &self.end {
            End::Done { result, .. } => delivery::Model {
                state: DeliveryState::Succeeded,
                result: Some(*result),
                existed_before: existed_before(before.operation, *result, grant),
                due_at: None,
                completed_at: Some(now),
                ..before.clone()
            },
            End::Failed { code, message, status, retry_after, .. } => {
                let retry_until = retry_until(before, self.started_at);
                let failed = Failed {
                    operation: before.operation,
                    code: *code,
                    tries: before.attempt_in_round,
                    retry_after: *retry_after,
                    retry_until,
                    jitter: self.jitter,
                };
                let next = next_try(&failed, now);
                delivery::Model {
                    state: if next.is_some() { DeliveryState::Pending } else { DeliveryState::Failed },
                    due_at: next,
                    retry_until,
                    hold_until: retry_after.and_then(|wait| now.checked_add_signed(wait)),
                    error_code: Some(*code),
                    error_message: Some(message.clone()),
                    error_retryable: Some(is_retryable(*code)),
                    error_status: *status,
                    error_at: Some(now),
                    completed_at: next.is_none().then_some(now),
                    ..before.clone()
                }
            }
        }
    }

    fn attempt(&self, now: DateTime<Utc>) -> delivery_attempt::Model {
        let (outcome, code, message, status) = match &self.end {
            End::Done { .. } => (AttemptOutcome::Succeeded, None, None, None),
            End::Failed { code, message, status, .. } => {
                (AttemptOutcome::Failed, Some(*code), Some(message.clone()), *status)
            }
        };
        delivery_attempt::Model {
            delivery_id: self.delivery.id,
            number: self.delivery.attempt_count,
            round: self.delivery.round,
            started_at: self.started_at,
            finished_at: now,
            outcome,
            error_code: code,
            message,
            remote_status: status,
        }
    }
}

/// Completes those of these requests that are being delivered and have nothing left to wait for.
pub async fn complete(txn: &Txn, requests: &[Uuid]) -> Result<(), Error> {
    if requests.is_empty() {
        return Ok(());
    }
    let locked = store::access_request::lock(txn, requests).await?;
    let tally = store::delivery::tally(txn, requests).await?;
    let ended: HashMap<Uuid, Outcome> = tally
        .into_iter()
        .filter(|(_, _, _, unfinished)| *unfinished == 0)
        .map(|(request, succeeded, failed, _)| (request, Outcome::of(succeeded, failed)))
        .collect();
    let mut audited = Vec::new();
    for (outcome, action, state, name) in [
        (Outcome::All, Action::Delivered, AssignmentState::Delivered, DELIVERED),
        (
            Outcome::Some,
            Action::PartiallyDelivered,
            AssignmentState::PartiallyDelivered,
            "access_request.partially_delivered",
        ),
        (
            Outcome::None,
            Action::DeliveryFailed,
            AssignmentState::DeliveryFailed,
            "access_request.delivery_failed",
        ),
    ] {
        let ended = |id: &Uuid| ended.get(id) == Some(&outcome);
        let done: Vec<_> =
            locked.iter().filter(|row| row.state == State::Delivering && ended(&row.id)).collect();
        if done.is_empty() {
            continue;
        }
        let moved: Vec<Moved> = done.iter().map(|row| Moved { id: row.id, from: row.state }).collect();
        let step = Move {
            to: legal(State::Delivering, Step::Complete(outcome))?,
            action,
            actor: None,
            reason: None,
            bulk_operation: None,
        };
        advance(txn, &moved, step).await?;
        let assignments: Vec<Uuid> =
            done.iter().filter(|row| !is_removal(row.kind)).filter_map(|row| row.assignment_id).collect();
        store::assignment::set_delivered(txn, &assignments, state).await?;
        audited.extend(done.iter().map(|row| {
            let event = Event::by_itself(row.organization_id, name, Kind::AccessRequest, row.id);
            let assignment = row.assignment_id.map(|id| Kind::Assignment.text(id));
            event.with(serde_json::json!({ "type": row.kind, "assignment": assignment }))
        }));
    }
    Ok(audit_event::record_all(txn, &audited).await?)
}

/// What a success shows of whether the user had the access before Guichet first gave it.
fn existed_before(
    operation: DeliveryOperation,
    result: DeliveryResult,
    grant: &entitlement_grant::Model,
) -> Option<bool> {
    let existed = match grant.origin {
        EntitlementGrantOrigin::Existed => Some(true),
        EntitlementGrantOrigin::Given => Some(false),
        EntitlementGrantOrigin::Unknown => None,
    };
    match operation {
        DeliveryOperation::Remove | DeliveryOperation::Compare => None,
        DeliveryOperation::Repair => (result == DeliveryResult::Changed).then_some(false),
        DeliveryOperation::Add if result == DeliveryResult::NoLongerWanted => None,
        DeliveryOperation::Add => existed,
    }
}
