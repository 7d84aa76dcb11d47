//! Which tokens were used and are still to be noted: each at most once a minute.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

/// How long one note of a use holds.
const MINUTE: TimeDelta = TimeDelta::minutes(1);
/// The most tokens that are remembered as noted; one that is forgotten is noted again, which the statement
/// that writes it leaves undone.
const MOST: usize = 100_000;

/// The uses of tokens.
#[derive(Default)]
pub(super) struct Uses(Mutex<Noted>);

#[derive(Default)]
struct Noted {
    /// When a use was noted last.
    at: HashMap<Uuid, DateTime<Utc>>,
    waiting: Vec<Uuid>,
}

impl Uses {
    /// Notes a use, unless one was noted within the minute; tells whether it is the first that waits to be written.
    pub(super) fn note(&self, token: Uuid, now: DateTime<Utc>) -> bool {
        let mut noted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if noted.at.get(&token).is_some_and(|at| now - *at < MINUTE) {
            return false;
        }
        if noted.at.len() >= MOST {
            noted.at.retain(|_, at| now - *at < MINUTE);
        }
        if noted.at.len() < MOST {
            noted.at.insert(token, now);
        }
        noted.waiting.push(token);
        noted.waiting.len() == 1
    }

    /// Forgets that these were noted: they could not be written.
    pub(super) fn forget(&self, tokens: &[Uuid]) {
        let mut noted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for token in tokens {
            noted.at.remove(token);
        }
    }

    /// The tokens whose use is to be written now.
    pub(super) fn take(&self) -> Vec<Uuid> {
        let mut noted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut noted.waiting)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_use_is_noted_once_a_minute() {
        let start = DateTime::from_timestamp(1_700_000_000, 0).unwrap();
        let (one, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let uses = Uses::default();
        assert!(uses.note(one, start));
        assert!(!uses.note(one, start));
        assert!(!uses.note(other, start), "somebody waits already for both");
        assert_eq!(uses.take(), [one, other]);
        assert!(!uses.note(one, start + TimeDelta::seconds(59)));
        assert!(uses.take().is_empty());
        uses.forget(&[other]);
        assert!(uses.note(other, start), "it could not be written");
        assert_eq!(uses.take(), [other]);
        assert!(uses.note(one, start + MINUTE));
        assert_eq!(uses.take(), [one]);
    }
}
