//! How each kind of work goes: when it last succeeded, and since when it fails.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::kind::Kind;
use crate::store::{COUNTED, StoreError, Waiting};

/// The pause after a failure; it doubles with each one that follows.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// The longest pause after a failure.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// How the kinds of work go on this server.
#[derive(Default)]
pub(super) struct Health(Mutex<[State; Kind::COUNT]>);

/// How a kind of work goes.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct State {
    /// When it last succeeded.
    pub succeeded_at: Option<DateTime<Utc>>,
    /// When the first of the failures in a row was.
    pub failing_since: Option<DateTime<Utc>>,
    failures_in_row: u32,
}

impl Health {
    fn states(&self) -> MutexGuard<'_, [State; Kind::COUNT]> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn of(&self, kind: Kind) -> State {
        self.states()[kind as usize]
    }

    /// Records a success.
    pub(super) fn succeeded(&self, kind: Kind, now: DateTime<Utc>) {
        let state = &mut self.states()[kind as usize];
        if let Some(since) = state.failing_since {
            tracing::info!(kind = kind.name(), %since, "work succeeds again");
        }
        *state = State { succeeded_at: Some(now), ..State::default() };
    }

    /// Records a failure; returns how long to wait before it is tried again.
    pub(super) fn failed(&self, kind: Kind, now: DateTime<Utc>, error: &StoreError) -> Duration {
        let state = &mut self.states()[kind as usize];
        let since = *state.failing_since.get_or_insert(now);
        let pause = FIRST_PAUSE * 2_u32.saturating_pow(state.failures_in_row.min(10));
        state.failures_in_row = state.failures_in_row.saturating_add(1);
        let last_success = state.succeeded_at.map(|at| at.to_rfc3339());
        tracing::error!(%error, kind = kind.name(), %since, last_success, "work failed; the other kinds go on");
        pause.min(LONGEST_PAUSE)
    }
}

/// What is told of a kind of work.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct KindReport {
    /// Which kind.
    pub kind: &'static str,
    /// When it last succeeded on this server; `None` if it never has.
    pub last_succeeded_at: Option<DateTime<Utc>>,
    /// Since when it fails on this server; `None` if its last run succeeded.
    pub failing_since: Option<DateTime<Utc>>,
    /// How much of it is due over all servers, up to 1,000; `None` for what has no queue.
    pub due: Option<i64>,
    /// Whether more is due than `due` says.
    pub due_is_capped: bool,
    /// Since when the oldest of it is due.
    pub oldest_due_at: Option<DateTime<Utc>>,
}

impl KindReport {
    pub(super) fn new(kind: Kind, state: State, waiting: Option<Waiting>) -> Self {
        let due = waiting.map(|waiting| waiting.due);
        Self {
            kind: kind.name(),
            last_succeeded_at: state.succeeded_at,
            failing_since: state.failing_since,
            due,
            due_is_capped: due.is_some_and(|due| u64::try_from(due).is_ok_and(|due| due >= COUNTED)),
            oldest_due_at: waiting.and_then(|waiting| waiting.oldest),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_half_a_minute_and_begin_anew_after_a_success() {
        let (health, now) = (Health::default(), DateTime::from_timestamp(1_700_000_000, 0).unwrap());
        let error = StoreError::Other("a test".to_owned());
        let fail = || health.failed(Kind::Mails, now, &error).as_secs();
        let pauses: Vec<u64> = (0..7).map(|_| fail()).collect();
        assert_eq!(pauses, [1, 2, 4, 8, 16, 30, 30]);
        assert_eq!(health.of(Kind::Mails).failing_since, Some(now));
        assert!(health.of(Kind::Deliveries).failing_since.is_none());
        health.succeeded(Kind::Mails, now);
        assert!(health.of(Kind::Mails).failing_since.is_none());
        assert_eq!(health.failed(Kind::Mails, now, &error).as_secs(), 1);
    }

    #[test]
    fn every_kind_has_its_place() {
        for (place, kind) in Kind::ALL.into_iter().enumerate() {
            assert_eq!(kind as usize, place, "{}", kind.name());
        }
    }
}
