//! Deliveries: what an attempt's end means, and when to try again.

pub mod finding;
pub mod outcome;
pub mod queue;
pub mod resolve_manually;

use chrono::{DateTime, TimeDelta, Utc};
use entity::delivery::{self, DeliveryErrorCode as Code, DeliveryOperation};

use super::back_off;

/// How often a removal is tried that waiting alone does not help.
const DAILY: TimeDelta = TimeDelta::hours(24);
/// The first pause before a remote that does not know a new account yet is tried again.
const NOT_READY: TimeDelta = TimeDelta::seconds(3);
/// How long adding is retried by itself, from the first try of each round on.
const BUDGET: TimeDelta = TimeDelta::hours(6);

/// Whether waiting can help.
#[must_use]
pub const fn is_retryable(code: Code) -> bool {
    match code {
        Code::RemoteThrottled
        | Code::RemoteTimeout
        | Code::RemoteUnavailable
        | Code::Conflict
        | Code::AccountNotReady
        | Code::ChangeNotMade
        | Code::Internal => true,
        Code::RemoteAuthFailed
        | Code::PrincipalNotFound
        | Code::ResourceNotFound
        | Code::RoleNotFound
        | Code::RejectedByRemote
        | Code::NotSupported
        | Code::ConnectorMisconfigured
        | Code::AccountNotFound
        | Code::AccountAlreadyLinked
        | Code::AccountInactive => false,
    }
}

/// Returns the end of a delivery's retry budget after a try that began at this time; `None` for one that is never
/// given up. The first try of a round begins the budget, however long the delivery was queued before.
#[must_use]
pub fn retry_until(tried: &delivery::Model, started_at: DateTime<Utc>) -> Option<DateTime<Utc>> {
    match tried.operation {
        DeliveryOperation::Remove => None,
        DeliveryOperation::Add | DeliveryOperation::Repair | DeliveryOperation::Compare => {
            let is_first = tried.attempt_in_round <= 1;
            tried.retry_until.filter(|_| !is_first).or(Some(started_at + BUDGET))
        }
    }
}

/// A failed try.
#[derive(Clone, Copy, Debug)]
pub struct Failed {
    /// What it does.
    pub operation: DeliveryOperation,
    /// The kind of failure.
    pub code: Code,
    /// How often it was tried since the last reprocess, this one included.
    pub tries: i32,
    /// How long the remote asked us to wait.
    pub retry_after: Option<TimeDelta>,
    /// The end of the budget; none: never given up.
    pub retry_until: Option<DateTime<Utc>>,
    /// A number from 0 to 1, different each time, that spreads tries out.
    pub jitter: f64,
}

/// When to try again; none: given up until reprocessed. Removing never gives up.
#[must_use]
pub fn next_try(failed: &Failed, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let pause = match failed.code {
        Code::AccountNotReady if failed.tries < 5 => NOT_READY * failed.tries,
        _ => back_off::pause(failed.tries, failed.jitter),
    };
    let pause = pause.max(failed.retry_after.unwrap_or_default());
    match failed.operation {
        DeliveryOperation::Remove if is_retryable(failed.code) => Some(now + pause),
        DeliveryOperation::Remove => Some(now + DAILY),
        DeliveryOperation::Add | DeliveryOperation::Repair | DeliveryOperation::Compare => Some(now + pause)
            .filter(|next| is_retryable(failed.code) && failed.retry_until.is_none_or(|end| *next <= end)),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const CODES: [Code; 17] = [
        Code::RemoteThrottled,
        Code::RemoteTimeout,
        Code::RemoteUnavailable,
        Code::RemoteAuthFailed,
        Code::PrincipalNotFound,
        Code::ResourceNotFound,
        Code::RoleNotFound,
        Code::Conflict,
        Code::RejectedByRemote,
        Code::NotSupported,
        Code::ConnectorMisconfigured,
        Code::AccountNotFound,
        Code::AccountNotReady,
        Code::AccountAlreadyLinked,
        Code::AccountInactive,
        Code::ChangeNotMade,
        Code::Internal,
    ];

    fn now() -> DateTime<Utc> {
        DateTime::from_timestamp(1_700_000_000, 0).unwrap()
    }

    fn failed(operation: DeliveryOperation, code: Code, tries: i32) -> Failed {
        Failed { operation, code, tries, retry_after: None, retry_until: None, jitter: 1.0 }
    }

    #[test]
    fn pauses_double_from_half_a_minute_to_an_hour() {
        let pauses: Vec<i64> = (1..=9)
            .map(|tries| {
                let failed = failed(DeliveryOperation::Add, Code::RemoteUnavailable, tries);
                (next_try(&failed, now()).unwrap() - now()).num_seconds()
            })
            .collect();
        assert_eq!(pauses, [30, 60, 120, 240, 480, 960, 1_920, 3_600, 3_600]);
    }

    #[test]
    fn adding_is_given_up_when_the_next_try_would_come_after_the_budget() {
        let mut failed = failed(DeliveryOperation::Add, Code::RemoteUnavailable, 1);
        failed.retry_until = Some(now() + TimeDelta::seconds(30));
        assert_eq!(next_try(&failed, now()), Some(now() + TimeDelta::seconds(30)));
        assert_eq!(next_try(&failed, now() + TimeDelta::microseconds(1)), None);
    }

    #[test]
    fn d20_the_budget_begins_with_the_first_try_of_each_round() {
        let now = now();
        let earlier = now - TimeDelta::hours(100);
        let tried = |operation, attempt_in_round, retry_until| delivery::Model {
            id: uuid::Uuid::nil(),
            organization_id: uuid::Uuid::nil(),
            request_id: uuid::Uuid::nil(),
            assignment_id: uuid::Uuid::nil(),
            user_id: uuid::Uuid::nil(),
            resource_role_id: uuid::Uuid::nil(),
            connector_id: uuid::Uuid::nil(),
            operation,
            state: delivery::DeliveryState::InProgress,
            result: None,
            existed_before: None,
            attempt_count: 9,
            attempt_in_round,
            round: 2,
            retry_until,
            hold_until: None,
            due_at: Some(now),
            lease: None,
            error_code: None,
            error_message: None,
            error_retryable: None,
            error_status: None,
            error_at: None,
            created_at: earlier,
            completed_at: None,
            bulk_operation_id: None,
            grant_id: None,
        };
        for operation in [DeliveryOperation::Add, DeliveryOperation::Repair, DeliveryOperation::Compare] {
            let until = |attempts, before| retry_until(&tried(operation, attempts, before), now);
            assert_eq!(until(1, None), Some(now + BUDGET), "{operation:?}");
            assert_eq!(
                until(1, Some(earlier)),
                Some(now + BUDGET),
                "an earlier release set it when it was queued"
            );
            assert_eq!(until(2, Some(now)), Some(now), "{operation:?}");
            assert_eq!(until(2, None), Some(now + BUDGET), "the first try was never finished");
        }
        assert_eq!(retry_until(&tried(DeliveryOperation::Remove, 1, None), now), None);
    }

    proptest! {
        #[test]
        fn removing_never_gives_up(at in 0..CODES.len(), tries in 1..i32::MAX, jitter in 0.0..1.0) {
            let mut failed = failed(DeliveryOperation::Remove, CODES[at], tries);
            failed.jitter = jitter;
            failed.retry_until = Some(now() - TimeDelta::days(1));
            let next = next_try(&failed, now());
            prop_assert!(next.is_some_and(|next| next > now() && next <= now() + DAILY));
        }

        #[test]
        fn what_a_remote_asks_for_is_respected(asked in 0i64..86_400, tries in 1..50, jitter in 0.0..1.0) {
            let mut failed = failed(DeliveryOperation::Add, Code::RemoteThrottled, tries);
            failed.jitter = jitter;
            failed.retry_after = Some(TimeDelta::seconds(asked));
            let next = next_try(&failed, now()).unwrap();
            prop_assert!(next >= now() + TimeDelta::seconds(asked));
            prop_assert!(next <= now() + TimeDelta::seconds(asked.max(3_600)));
        }

        #[test]
        fn adding_is_never_tried_again_when_waiting_cannot_help(at in 0..CODES.len(), tries in 1..50) {
            let failed = failed(DeliveryOperation::Add, CODES[at], tries);
            prop_assert_eq!(next_try(&failed, now()).is_some(), is_retryable(CODES[at]));
        }
    }
}
