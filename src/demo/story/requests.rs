//! Requests, and how far they have come: their steps, assignments and deliveries.

use chrono::{DateTime, TimeDelta, Utc};
use entity::access_request::{self, AccessRequestState as State, AccessRequestType};
use entity::access_request_event::{self, AccessRequestAction};
use entity::assignment::{self, AssignmentState};
use entity::delivery::{self, DeliveryErrorCode, DeliveryOperation, DeliveryResult, DeliveryState};
use entity::delivery_attempt::{self, AttemptOutcome};
use entity::directory_member;
use uuid::Uuid;

use super::Story;

/// How one role of a request was delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivered {
    /// Done.
    Done,
    /// Given up.
    Failed(DeliveryErrorCode, &'static str),
    /// Failed, and waits for its next try.
    Waiting(DeliveryErrorCode, &'static str),
}

impl Story {
    /// A request that was made so many hours ago and has come this far.
    pub fn request(
        &mut self,
        subject: &str,
        package: &str,
        state: State,
        hours: i64,
        delivered: &[Delivered],
    ) {
        let name = format!("{subject} {package} {hours}");
        let (request_id, package_id) = (self.id("request", &name), self.id("package", package));
        let (user_id, submitted_at) = (self.id("user", subject), self.now - TimeDelta::hours(hours));
        let catalog_id = self.packages.iter().find(|row| row.id == package_id).map(|row| row.catalog_id);
        let policy = self.policies.iter().find(|row| row.access_package_id == package_id);
        let (policy_id, lasts) = (policy.map(|row| row.id), policy.and_then(|row| row.expiration_seconds));
        let Some(catalog_id) = catalog_id else { return };
        let completed_at = submitted_at + TimeDelta::minutes(40);
        let completed = match state {
            State::Submitted | State::PendingApproval | State::Scheduled | State::Delivering => None,
            State::Delivered
            | State::PartiallyDelivered
            | State::DeliveryFailed
            | State::Denied
            | State::Canceled => Some(completed_at),
        };
        let starts_at = if state == State::Scheduled { self.now + TimeDelta::days(7) } else { submitted_at };
        let assigned = assignment_state(state);
        let assignment_id = assigned.map(|_| self.id("assignment", &name));
        let steps = steps(state);
        self.requests.push(access_request::Model {
            id: request_id,
            signed_link_id: None,
            organization_id: self.organization_id,
            catalog_id,
            access_package_id: package_id,
            policy_id,
            policy_snapshot: policy_id.and_then(|policy| self.pinned(policy)),
            requestor_id: user_id,
            submitted_by_id: Some(user_id),
            assignment_id,
            kind: AccessRequestType::UserAdd,
            state,
            justification: Some("Needed for my work.".to_owned()),
            requested_start: (state == State::Scheduled).then_some(starts_at),
            requested_end: None,
            submitted_at,
            completed_at: completed,
            last_completed_at: completed,
            event_count: i32::try_from(steps.len()).unwrap_or_default(),
            answers: None,
        });
        if let (State::PendingApproval, Some(request)) = (state, self.requests.last().cloned()) {
            self.waits_for_manager(&request);
        }
        let mut from_state = None;
        for (place, (action, to_state)) in steps.iter().enumerate() {
            let last = place + 1 == steps.len();
            self.events.push(access_request_event::Model {
                request_id,
                seq: i32::try_from(place).unwrap_or_default() + 1,
                at: if last && completed.is_some() { completed_at } else { submitted_at },
                action: *action,
                from_state,
                to_state: *to_state,
                actor_id: matches!(action, AccessRequestAction::Submitted | AccessRequestAction::Canceled)
                    .then_some(user_id),
                reason: None,
                bulk_operation_id: None,
            });
            from_state = Some(*to_state);
        }
        if let (Some(assignment_id), Some(assigned)) = (assignment_id, assigned) {
            self.assignments.push(assignment::Model {
                id: assignment_id,
                repair_failed_at: None,
                organization_id: self.organization_id,
                catalog_id,
                access_package_id: package_id,
                policy_id,
                user_id,
                request_id,
                state: assigned,
                starts_at,
                expires_at: lasts.map(|seconds| starts_at + TimeDelta::seconds(seconds)),
                ended_at: None,
                due_at: match assigned {
                    AssignmentState::Scheduled => Some(starts_at),
                    _ => lasts.map(|seconds| starts_at + TimeDelta::seconds(seconds)),
                },
                lease: None,
                attempt_count: 0,
                created_at: submitted_at,
            });
            self.deliver(
                request_id,
                assignment_id,
                user_id,
                package_id,
                (submitted_at, completed_at),
                delivered,
            );
        }
    }

    /// The deliveries of a request: one for each role of its package.
    fn deliver(
        &mut self,
        request_id: Uuid,
        assignment_id: Uuid,
        user_id: Uuid,
        package_id: Uuid,
        (started_at, ended_at): (DateTime<Utc>, DateTime<Utc>),
        delivered: &[Delivered],
    ) {
        let contents = self.contents.iter().filter(|row| row.access_package_id == package_id);
        let roles: Vec<Uuid> = contents.map(|row| row.resource_role_id).collect();
        for (place, (role_id, outcome)) in roles.into_iter().zip(delivered).enumerate() {
            let Some(role) = self.roles.iter().find(|row| row.id == role_id) else { continue };
            let Some(resource) = self.resources.iter().find(|row| row.id == role.resource_id) else {
                continue;
            };
            let id = self.id("delivery", &format!("{request_id} {place}"));
            let (state, failure) = match *outcome {
                Delivered::Done => (DeliveryState::Succeeded, None),
                Delivered::Failed(code, words) => (DeliveryState::Failed, Some((code, words))),
                Delivered::Waiting(code, words) => (DeliveryState::Pending, Some((code, words))),
            };
            let waiting = state == DeliveryState::Pending;
            self.deliveries.push(delivery::Model {
                id,
                organization_id: self.organization_id,
                request_id,
                assignment_id,
                user_id,
                resource_role_id: role_id,
                connector_id: resource.connector_id,
                operation: DeliveryOperation::Add,
                state,
                result: failure.is_none().then_some(DeliveryResult::Changed),
                existed_before: failure.is_none().then_some(false),
                attempt_count: 1,
                attempt_in_round: 1,
                round: 1,
                retry_until: Some(started_at + TimeDelta::hours(6)),
                hold_until: None,
                due_at: waiting.then(|| self.now + TimeDelta::minutes(30)),
                lease: None,
                error_code: failure.map(|(code, _)| code),
                error_message: failure.map(|(_, words)| words.to_owned()),
                error_retryable: failure.map(|_| waiting),
                error_status: None,
                error_at: failure.map(|_| ended_at),
                created_at: started_at,
                completed_at: (!waiting).then_some(ended_at),
                bulk_operation_id: None,
                grant_id: None,
            });
            self.attempts.push(delivery_attempt::Model {
                delivery_id: id,
                number: 1,
                round: 1,
                started_at: ended_at - TimeDelta::seconds(1),
                finished_at: ended_at,
                outcome: if failure.is_none() { AttemptOutcome::Succeeded } else { AttemptOutcome::Failed },
                error_code: failure.map(|(code, _)| code),
                message: failure.map(|(_, words)| words.to_owned()),
                remote_status: None,
            });
            let group = self.groups.iter().find(|group| group.origin_id == resource.origin_id);
            if let (None, Some(group)) = (failure, group) {
                let member = directory_member::Model {
                    group_id: group.id,
                    user_id,
                    role: role.origin_id.clone(),
                    created_at: ended_at,
                };
                if !self
                    .members
                    .iter()
                    .any(|there| there.group_id == member.group_id && there.user_id == user_id)
                {
                    self.members.push(member);
                }
            }
        }
    }
}

fn assignment_state(state: State) -> Option<AssignmentState> {
    match state {
        State::Scheduled => Some(AssignmentState::Scheduled),
        State::Delivering => Some(AssignmentState::Delivering),
        State::Delivered => Some(AssignmentState::Delivered),
        State::PartiallyDelivered => Some(AssignmentState::PartiallyDelivered),
        State::DeliveryFailed => Some(AssignmentState::DeliveryFailed),
        State::Submitted | State::PendingApproval | State::Denied | State::Canceled => None,
    }
}

/// The steps by which a request comes to a state.
fn steps(state: State) -> Vec<(AccessRequestAction, State)> {
    use AccessRequestAction as Action;
    let mut steps = vec![(Action::Submitted, State::Submitted)];
    let rest: &[(Action, State)] = match state {
        State::Submitted => &[],
        State::PendingApproval => &[(Action::ApprovalRequested, State::PendingApproval)],
        State::Scheduled => &[(Action::Scheduled, State::Scheduled)],
        State::Delivering => &[(Action::DeliveryStarted, State::Delivering)],
        State::Delivered => {
            &[(Action::DeliveryStarted, State::Delivering), (Action::Delivered, State::Delivered)]
        }
        State::PartiallyDelivered => &[
            (Action::DeliveryStarted, State::Delivering),
            (Action::PartiallyDelivered, State::PartiallyDelivered),
        ],
        State::DeliveryFailed => {
            &[(Action::DeliveryStarted, State::Delivering), (Action::DeliveryFailed, State::DeliveryFailed)]
        }
        State::Denied => {
            &[(Action::ApprovalRequested, State::PendingApproval), (Action::Denied, State::Denied)]
        }
        State::Canceled => {
            &[(Action::ApprovalRequested, State::PendingApproval), (Action::Canceled, State::Canceled)]
        }
    };
    steps.extend(rest);
    steps
}
