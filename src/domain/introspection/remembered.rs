//! Values that are remembered for a short time, and not past a commit of this server.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, Utc};

/// A bounded memory.
pub(super) struct Remembered<K, V> {
    known: Mutex<HashMap<K, Known<V>>>,
    most: usize,
}

struct Known<V> {
    value: V,
    until: DateTime<Utc>,
    epoch: u64,
}

impl<K: Eq + Hash, V: Clone> Remembered<K, V> {
    /// Remembers so many values at most.
    pub(super) fn new(most: usize) -> Self {
        Self { known: Mutex::default(), most }
    }

    /// The value, if it was read in this epoch and its time is not over.
    pub(super) fn get(&self, key: &K, now: DateTime<Utc>, epoch: u64) -> Option<V> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let known = known.get(key)?;
        (known.epoch == epoch && known.until > now).then(|| known.value.clone())
    }

    /// Remembers a value, which was read in this epoch or after it. Where there is no room, what is over makes
    /// some; else it is not remembered.
    pub(super) fn put(&self, key: K, value: V, until: DateTime<Utc>, now: DateTime<Utc>, epoch: u64) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= self.most && !known.contains_key(&key) {
            known.retain(|_, known| known.epoch == epoch && known.until > now);
        }
        if known.len() < self.most || known.contains_key(&key) {
            known.insert(key, Known { value, until, epoch });
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

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
