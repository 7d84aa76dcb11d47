//! Values that are remembered for a short time, and not past a commit of this server.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, Hash};
use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};

/// A value is read anew by one who asks for it so long before its end, at the latest: the others go on with what is
/// remembered, and do not all read the same.
const AHEAD: TimeDelta = TimeDelta::milliseconds(250);
/// How much earlier that can be, another time for each key: what was read together is not read anew together.
const SPREAD: i64 = 750;

/// A bounded memory.
pub(super) struct Remembered<K, V> {
    known: Mutex<HashMap<K, Known<V>>>,
    most: usize,
}

struct Known<V> {
    value: V,
    /// From when on one who asks is to read it anew; none while somebody does.
    renewal: Option<DateTime<Utc>>,
    until: DateTime<Utc>,
    epoch: u64,
}

impl<V> Known<V> {
    fn is_over(&self, now: DateTime<Utc>, epoch: u64) -> bool {
        self.epoch != epoch || self.until <= now
    }
}

impl<K: Eq + Hash, V: Clone> Remembered<K, V> {
    /// Remembers so many values at most.
    pub(super) fn new(most: usize) -> Self {
        Self { known: Mutex::default(), most }
    }

    /// The value, if it was read in this epoch and its time is not over. Whoever gets none reads it, and puts it
    /// here: also one who asks shortly before its end.
    pub(super) fn get(&self, key: &K, now: DateTime<Utc>, epoch: u64) -> Option<V> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let known = known.get_mut(key).filter(|known| !known.is_over(now, epoch))?;
        if known.renewal.is_some_and(|at| at <= now) {
            known.renewal = None;
            return None;
        }
        Some(known.value.clone())
    }

    /// Remembers a value, which was read in this epoch or after it. Where there is no room, what is over makes
    /// some; else it is not remembered.
    pub(super) fn put(&self, key: K, value: V, until: DateTime<Utc>, now: DateTime<Utc>, epoch: u64) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= self.most && !known.contains_key(&key) {
            known.retain(|_, known| !known.is_over(now, epoch));
        }
        if known.len() < self.most || known.contains_key(&key) {
            let spread =
                i64::try_from(known.hasher().hash_one(&key) % SPREAD.unsigned_abs()).unwrap_or_default();
            let renewal = Some(until - AHEAD - TimeDelta::milliseconds(spread));
            known.insert(key, Known { value, renewal, until, epoch });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn before_its_end_one_reads_it_anew_and_the_others_do_not() {
        let start = DateTime::from_timestamp(1_700_000_000, 0).unwrap();
        let later = start + TimeDelta::seconds(2);
        let memory = Remembered::new(1_000);
        let mut early = 0;
        for key in 0..100 {
            memory.put(key, "old", later, start, 7);
            assert_eq!(memory.get(&key, later - TimeDelta::seconds(1), 7), Some("old"));
            let is_early = memory.get(&key, later - TimeDelta::milliseconds(600), 7).is_none();
            early += u32::from(is_early);
            let last = later - AHEAD;
            assert_eq!(memory.get(&key, last, 7).is_none(), !is_early, "one, once");
            assert_eq!(memory.get(&key, last, 7), Some("old"));
            memory.put(key, "new", later + TimeDelta::seconds(2), last, 7);
            assert_eq!(memory.get(&key, last, 7), Some("new"));
        }
        assert!((10..90).contains(&early), "not all at the same time: {early}");
    }

    #[test]
    fn nothing_is_remembered_past_its_time_or_a_commit_or_the_bound() {
        let start = DateTime::from_timestamp(1_700_000_000, 0).unwrap();
        let later = start + TimeDelta::seconds(2);
        let memory = Remembered::new(2);
        memory.put("a", 1, later, start, 7);
        assert_eq!(memory.get(&"a", start, 7), Some(1));
        assert_eq!(memory.get(&"a", later, 7), None, "at the instant of its end");
        assert_eq!(memory.get(&"a", start, 8), None, "after a commit");
        memory.put("b", 2, later, start, 7);
        memory.put("c", 3, later, start, 7);
        assert_eq!(memory.get(&"c", start, 7), None, "there is no room");
        memory.put("c", 3, later, start, 8);
        assert_eq!(memory.get(&"c", start, 8), Some(3), "what is over made room");
        memory.put("c", 4, later, start, 8);
        assert_eq!(memory.get(&"c", start, 8), Some(4));
    }
}
