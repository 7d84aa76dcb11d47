//! Ask for a code.

use std::sync::Arc;

use aws_lc_rs::rand;
use chrono::TimeDelta;
use entity::sign_in_code;
use uuid::Uuid;

use super::DIGITS;
use super::exchange::MOST_TRIES;
use crate::secret::{Place, SealError, Secret, SecretKeys};
use crate::store::{self, StoreError, Transaction, Txn};

/// How long a code is good.
pub const LIFE: TimeDelta = TimeDelta::minutes(10);
/// The time in which codes that are asked for are counted together.
pub const SPAN: TimeDelta = TimeDelta::hours(1);
/// The most codes of an address within that time.
const MOST_OF_ADDRESS: i32 = 5;
/// The most codes of an organization within that time.
const MOST_OF_ORGANIZATION: i64 = 500;

/// Makes a code; tells how long to wait where too many were asked for. Nobody needs a permit for it: the address is who
/// is asked.
pub(super) struct Ask {
    pub organization: Uuid,
    pub address: String,
    /// Whether the code is mailed. One that is not cannot be used, and is written all the same: what is done does not
    /// tell the addresses apart.
    pub is_mailed: bool,
    pub keys: Arc<SecretKeys>,
}

/// Where a code is sealed for.
#[must_use]
pub fn place(id: Uuid) -> Place {
    Place { table: "sign_in_code", column: "code", id }
}

impl Transaction for Ask {
    type Output = Option<TimeDelta>;
    type Error = StoreError;

    async fn run(&self, txn: &Txn) -> Result<Option<TimeDelta>, StoreError> {
        let (now, since) = (txn.now(), txn.now() - SPAN);
        let (asks, first) = store::sign_in_code::asked(txn, self.organization, since).await?;
        if asks >= MOST_OF_ORGANIZATION {
            return Ok(Some(first.unwrap_or(now) + SPAN - now));
        }
        let id = txn.id();
        let sealed = code().and_then(|code| self.keys.seal(code.expose().as_bytes(), place(id)));
        let row = sign_in_code::Model {
            organization_id: self.organization,
            address: self.address.clone(),
            id,
            code: sealed.map_err(|error| StoreError::Other(error.to_string()))?,
            expires_at: now + LIFE,
            tries_left: if self.is_mailed { MOST_TRIES } else { 0 },
            asked_at: now,
            ask_count: 1,
            due_at: self.is_mailed.then_some(now),
            lease: None,
            attempt_count: 0,
        };
        if store::sign_in_code::replace(txn, &row, since, MOST_OF_ADDRESS).await? {
            return Ok(None);
        }
        let before = store::sign_in_code::lock(txn, self.organization, &self.address).await?;
        Ok(Some(before.map_or(now, |before| before.asked_at) + SPAN - now))
    }
}

/// A new code. Of 64 random bits the remainder is as good as even.
fn code() -> Result<Secret, SealError> {
    let mut bytes = [0; 8];
    rand::fill(&mut bytes).map_err(|_| SealError::Cipher)?;
    Ok(Secret::new(format!("{:0DIGITS$}", u64::from_le_bytes(bytes) % 100_000_000)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_has_eight_digits_and_is_another_one_each_time() {
        let codes: Vec<String> = (0..50).map(|_| code().unwrap().expose().to_owned()).collect();
        assert!(
            codes.iter().all(|code| code.len() == DIGITS && code.bytes().all(|byte| byte.is_ascii_digit()))
        );
        assert!(codes.iter().collect::<std::collections::HashSet<_>>().len() > 45);
    }
}
