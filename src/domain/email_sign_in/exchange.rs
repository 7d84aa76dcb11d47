//! Take a code.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use entity::sign_in_code;
use uuid::Uuid;

use super::ask::place;
use crate::secret::{SecretKeys, hash, is_hash_of};
use crate::store::{self, StoreError, Transaction, Txn};

/// How often a code can be tried.
pub(super) const MOST_TRIES: i32 = 5;

/// Takes the code of an address; tells whether it was the right one. A wrong one counts as a try.
pub(super) struct Exchange {
    pub organization: Uuid,
    pub address: String,
    pub code: String,
    pub keys: Arc<SecretKeys>,
}

impl Transaction for Exchange {
    type Output = bool;
    type Error = StoreError;

    async fn run(&self, txn: &Txn) -> Result<bool, StoreError> {
        let row = store::sign_in_code::lock(txn, self.organization, &self.address).await?;
        let (is_right, left) = judge(row.as_ref(), &self.code, &self.keys, txn.now());
        // Also where there is none: what is done does not tell the addresses apart.
        store::sign_in_code::set_tries(txn, self.organization, &self.address, left).await?;
        Ok(is_right)
    }
}

/// Whether the code is right, and how often it can be tried after this.
fn judge(
    row: Option<&sign_in_code::Model>,
    code: &str,
    keys: &SecretKeys,
    now: DateTime<Utc>,
) -> (bool, i32) {
    let Some(row) = row.filter(|row| row.tries_left > 0 && now < row.expires_at) else { return (false, 0) };
    // A code that was sealed by a key that is gone is none any more: another one can be asked for.
    let kept = keys.open(&row.code, place(row.id)).ok().and_then(|kept| String::from_utf8(kept).ok());
    match kept {
        Some(kept) if is_hash_of(&hash(&kept), code) => (true, 0),
        Some(_) | None => (false, row.tries_left - 1),
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_code_is_taken_once_in_its_time_and_within_its_tries(
            tries in prop::collection::vec((0i64..400, any::<bool>()), 0..12),
        ) {
            let keys = SecretKeys::parse("k1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=").unwrap();
            let start = DateTime::from_timestamp(1_790_000_000, 0).unwrap();
            let id = Uuid::from_u128(7);
            let mut row = sign_in_code::Model {
                organization_id: Uuid::nil(),
                address: "paula@adatum.example".to_owned(),
                id,
                code: keys.seal(b"01234567", place(id)).unwrap(),
                expires_at: start + super::super::LIFE,
                tries_left: MOST_TRIES,
                asked_at: start,
                ask_count: 1,
                due_at: None,
                lease: None,
                attempt_count: 0,
            };
            let (mut now, mut wrong, mut taken) = (start, 0, false);
            for (pause, knows) in tries {
                now += TimeDelta::seconds(pause);
                let (is_right, left) = judge(Some(&row), if knows { "01234567" } else { "01234568" }, &keys, now);
                let expected = knows && !taken && wrong < 5 && now < row.expires_at;
                prop_assert_eq!(is_right, expected);
                prop_assert!((0..=row.tries_left).contains(&left));
                taken |= is_right;
                wrong += i32::from(!knows);
                row.tries_left = left;
            }
            prop_assert_eq!(judge(None, "01234567", &keys, start), (false, 0));
        }
    }
}
