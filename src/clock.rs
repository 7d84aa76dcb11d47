//! Time and new ids: the one place where the clock is read.
//!
//! Times have microsecond precision, so that a value in memory equals the value
//! read back from either database. Ids are `UUIDv7` (RFC 9562) and sort by the
//! moment they were made. Tests set the time instead of waiting for it.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use uuid::{ContextV7, Timestamp, Uuid};

/// Tells the time and makes ids. Clones share one clock.
#[derive(Clone)]
pub struct Clock(Arc<Inner>);

struct Inner {
    /// Microseconds since the epoch of a clock set by hand; `None` follows the system.
    manual: Option<AtomicI64>,
    ids: Mutex<ContextV7>,
}

impl Clock {
    /// The machine's own clock.
    #[must_use]
    pub fn system() -> Self {
        Self::new(None)
    }

    /// A clock that stands still at `start` until it is moved.
    #[must_use]
    pub fn manual(start: DateTime<Utc>) -> Self {
        Self::new(Some(AtomicI64::new(start.timestamp_micros())))
    }

    fn new(manual: Option<AtomicI64>) -> Self {
        Self(Arc::new(Inner { manual, ids: Mutex::new(ContextV7::new()) }))
    }

    /// Whether it follows the machine's own clock.
    #[must_use]
    pub fn is_system(&self) -> bool {
        self.0.manual.is_none()
    }

    /// The current time, in whole microseconds, UTC.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "the one place where the clock is read")]
    pub fn now(&self) -> DateTime<Utc> {
        match &self.0.manual {
            Some(micros) => at_micros(micros.load(Ordering::SeqCst)),
            None => Utc::now().trunc_subsecs(6),
        }
    }

    /// A new id that sorts after every id made before it by this clock.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "the one place where ids are made")]
    pub fn id(&self) -> Uuid {
        let now = self.now();
        let context = self.0.ids.lock().unwrap_or_else(PoisonError::into_inner);
        let seconds = u64::try_from(now.timestamp()).unwrap_or_default();
        Uuid::new_v7(Timestamp::from_unix(&*context, seconds, now.timestamp_subsec_nanos()))
    }

    /// Moves a clock that was set by hand; the system's own clock stays as it is.
    pub fn advance(&self, by: TimeDelta) {
        if let Some(micros) = &self.0.manual {
            micros.fetch_add(by.num_microseconds().unwrap_or_default(), Ordering::SeqCst);
        }
    }
}

/// The time that many microseconds after the epoch; the epoch itself where it is out of range.
fn at_micros(micros: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_micros(micros).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manual_clock_moves_only_by_hand() {
        let clock = Clock::manual(at_micros(1_000_000));
        assert_eq!(clock.now(), at_micros(1_000_000));
        clock.advance(TimeDelta::microseconds(1));
        assert_eq!(clock.now(), at_micros(1_000_001));
    }

    #[test]
    fn ids_sort_by_the_order_they_were_made_in_even_while_time_stands_still() {
        let clock = Clock::manual(at_micros(1_700_000_000_000_000));
        let ids: Vec<Uuid> = (0..1_000).map(|_| clock.id()).collect();
        assert!(ids.is_sorted_by(|a, b| a < b));
    }
}
