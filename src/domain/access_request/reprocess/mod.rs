//! Reprocess: try the failed deliveries of requests again (R1 to R5).
//!
//! [`judge`] is the one rule: for the mutation, the dry run and the affordance. [`batch`] is what is
//! done to up to a thousand requests at once.

pub mod batch;

use chrono::{DateTime, TimeDelta, Utc};
use entity::access_request::{AccessRequestState as State, AccessRequestType as Type};
use entity::assignment::AssignmentState;

pub use batch::Reprocess;

use super::is_removal;
use crate::domain::error::Code;

/// Everything that the verdict depends on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// Where the request stands.
    pub state: State,
    /// What it asks for.
    pub kind: Type,
    /// Its first completion.
    pub completed_at: Option<DateTime<Utc>>,
    /// How long after that it can be reprocessed.
    pub window: TimeDelta,
    /// Whether the viewer may reprocess in the package's catalog.
    pub allowed: bool,
    /// Whether a delivery failed and waits for its next automatic attempt, later than now.
    pub waits: bool,
    /// Whether the package was deleted.
    pub package_deleted: bool,
    /// Whether the requestor may hold access.
    pub requestor_active: bool,
    /// The assignment: where it stands, and when it ends.
    pub assignment: Option<(AssignmentState, Option<DateTime<Utc>>)>,
    /// Whether a package that excludes this one is held.
    pub incompatible: bool,
}

/// What reprocessing would do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The failed deliveries are queued again.
    Reprocess,
    /// The waiting deliveries are made due now.
    RetryNow,
    /// Nothing, for this reason.
    Refused(Code),
}

/// Judges one request: the same for the mutation, the dry run and the affordance.
#[must_use]
pub fn judge(facts: &Facts, now: DateTime<Utc>) -> Verdict {
    if !facts.allowed {
        return Verdict::Refused(Code::Forbidden);
    }
    match facts.state {
        State::Delivering if facts.waits => return Verdict::RetryNow,
        State::Delivering => return Verdict::Refused(Code::AlreadyInProgress),
        State::PartiallyDelivered | State::DeliveryFailed => {}
        State::Submitted
        | State::PendingApproval
        | State::Scheduled
        | State::Delivered
        | State::Denied
        | State::Canceled => return Verdict::Refused(Code::NotReprocessableState),
    }
    if is_removal(facts.kind) {
        // Taking access away is never too late.
        return Verdict::Reprocess;
    }
    if until(facts.completed_at, facts.window).is_none_or(|until| now > until) {
        return Verdict::Refused(Code::ReprocessWindowExpired);
    }
    if facts.package_deleted {
        return Verdict::Refused(Code::PackageDeleted);
    }
    if !facts.requestor_active {
        return Verdict::Refused(Code::RequestorBlocked);
    }
    match facts.assignment {
        Some((AssignmentState::Revoking | AssignmentState::Ended, _)) | None => {
            Verdict::Refused(Code::AssignmentEnded)
        }
        Some((_, Some(end))) if end <= now => Verdict::Refused(Code::AssignmentEnded),
        Some(_) if facts.incompatible => Verdict::Refused(Code::IncompatiblePackage),
        Some(_) => Verdict::Reprocess,
    }
}

/// The last instant at which this request can be reprocessed; none where no time applies.
#[must_use]
pub fn deadline(facts: &Facts) -> Option<DateTime<Utc>> {
    match facts.state {
        State::PartiallyDelivered | State::DeliveryFailed if !is_removal(facts.kind) => {
            until(facts.completed_at, facts.window)
        }
        _ => None,
    }
}

/// The last instant at which a request can be reprocessed (R2).
#[must_use]
pub fn until(completed_at: Option<DateTime<Utc>>, window: TimeDelta) -> Option<DateTime<Utc>> {
    completed_at?.checked_add_signed(window)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(completed_at: DateTime<Utc>) -> Facts {
        Facts {
            state: State::DeliveryFailed,
            kind: Type::UserAdd,
            completed_at: Some(completed_at),
            window: TimeDelta::days(14),
            allowed: true,
            waits: false,
            package_deleted: false,
            requestor_active: true,
            assignment: Some((AssignmentState::DeliveryFailed, None)),
            incompatible: false,
        }
    }

    fn at(micros: i64) -> DateTime<Utc> {
        DateTime::from_timestamp_micros(1_700_000_000_000_000 + micros).unwrap()
    }

    #[test]
    fn the_last_instant_of_the_window_counts_and_the_next_microsecond_does_not() {
        let facts = failed(at(0));
        let last = at(0) + TimeDelta::days(14);
        assert_eq!(judge(&facts, last), Verdict::Reprocess);
        let late = judge(&facts, last + TimeDelta::microseconds(1));
        assert_eq!(late, Verdict::Refused(Code::ReprocessWindowExpired));
    }

    #[test]
    fn the_first_reason_that_applies_is_given() {
        let mut facts = failed(at(0));
        let now = at(1);
        facts.incompatible = true;
        assert_eq!(judge(&facts, now), Verdict::Refused(Code::IncompatiblePackage));
        facts.assignment = Some((AssignmentState::Ended, None));
        assert_eq!(judge(&facts, now), Verdict::Refused(Code::AssignmentEnded));
        facts.requestor_active = false;
        assert_eq!(judge(&facts, now), Verdict::Refused(Code::RequestorBlocked));
        facts.package_deleted = true;
        assert_eq!(judge(&facts, now), Verdict::Refused(Code::PackageDeleted));
        facts.window = TimeDelta::microseconds(0);
        assert_eq!(judge(&facts, now), Verdict::Refused(Code::ReprocessWindowExpired));
        facts.state = State::Denied;
        assert_eq!(judge(&facts, now), Verdict::Refused(Code::NotReprocessableState));
        facts.state = State::Delivering;
        assert_eq!(judge(&facts, now), Verdict::Refused(Code::AlreadyInProgress));
        facts.allowed = false;
        assert_eq!(judge(&facts, now), Verdict::Refused(Code::Forbidden));
    }

    #[test]
    fn waiting_deliveries_are_retried_now_without_a_window() {
        let facts =
            Facts { state: State::Delivering, waits: true, window: TimeDelta::zero(), ..failed(at(0)) };
        assert_eq!(judge(&facts, at(1)), Verdict::RetryNow);
    }

    #[test]
    fn a_removal_can_be_reprocessed_at_any_time() {
        let removal = Facts {
            kind: Type::AdminRemove,
            assignment: Some((AssignmentState::Revoking, None)),
            ..failed(at(0))
        };
        assert_eq!(judge(&removal, at(0) + TimeDelta::days(400)), Verdict::Reprocess);
    }

    #[test]
    fn an_assignment_whose_end_has_come_is_over() {
        let mut facts = failed(at(0));
        facts.assignment = Some((AssignmentState::PartiallyDelivered, Some(at(5))));
        assert_eq!(judge(&facts, at(4)), Verdict::Reprocess);
        assert_eq!(judge(&facts, at(5)), Verdict::Refused(Code::AssignmentEnded));
    }
}
