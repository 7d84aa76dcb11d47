//! How often askers showed tokens that are not there: who guesses has to wait.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

/// The most failed look-ups of one asker within [`WINDOW`]. Secrets are too long to be guessed: this protects the
/// database, and must not let a stranger who sends nonsense to a resource server stop it soon.
pub(in crate::domain) const MOST: u32 = 600;
/// How long failures are counted together.
const WINDOW: TimeDelta = TimeDelta::minutes(1);
/// The most askers that are counted.
const MOST_ASKERS: usize = 10_000;

/// Failed look-ups by asker, who has signed in before it is counted.
#[derive(Default)]
pub(in crate::domain) struct Failures(Mutex<HashMap<Uuid, (DateTime<Utc>, u32)>>);

impl Failures {
    /// For how many seconds the asker has to wait; none when they may ask.
    pub(in crate::domain) fn wait(&self, asker: Uuid, now: DateTime<Utc>) -> Option<u64> {
        let counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (since, count) = counts.get(&asker)?;
        let left = *since + WINDOW - now;
        (*count >= MOST && left > TimeDelta::zero())
            .then(|| u64::try_from(left.num_milliseconds()).unwrap_or_default().div_ceil(1_000))
    }

    /// Counts a failure.
    pub(in crate::domain) fn note(&self, asker: Uuid, now: DateTime<Utc>) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if counts.len() >= MOST_ASKERS {
            counts.retain(|_, (since, _)| now - *since < WINDOW);
        }
        let (since, count) = counts.entry(asker).or_insert((now, 0));
        if now - *since >= WINDOW {
            (*since, *count) = (now, 0);
        }
        *count = count.saturating_add(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_guesses_waits_for_the_rest_of_the_minute() {
        let start = DateTime::from_timestamp(1_700_000_000, 0).unwrap();
        let (guesser, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let failures = Failures::default();
        for _ in 0..MOST {
            assert_eq!(failures.wait(guesser, start), None);
            failures.note(guesser, start);
        }
        assert_eq!(failures.wait(guesser, start + TimeDelta::seconds(20)), Some(40));
        assert_eq!(failures.wait(other, start), None);
        assert_eq!(failures.wait(guesser, start + WINDOW), None);
        failures.note(guesser, start + WINDOW);
        assert_eq!(failures.wait(guesser, start + WINDOW), None, "the count begins anew");
    }
}
