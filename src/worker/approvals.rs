//! Stages of approval whose time is over.

use crate::domain::approval::timeout::deny;
use crate::domain::{Error, Rejection};
use crate::store::{Database, StoreError, Transaction, Txn};

/// How many requests one transaction denies.
const BATCH: u64 = 200;

/// Denies what nobody decided in time; tells how much there was.
pub async fn run(database: &Database) -> Result<usize, StoreError> {
    match database.write(&Deny).await {
        Ok(denied) => Ok(denied),
        Err(Error::Broken(error)) => Err(error),
        Err(Error::Rejected(rejections)) => {
            let codes: Vec<_> = rejections.iter().map(|Rejection { code, .. }| code).collect();
            Err(StoreError::Other(format!("a denial for the time was refused: {codes:?}")))
        }
    }
}

struct Deny;

impl Transaction for Deny {
    type Output = usize;
    type Error = Error;

    async fn run(&self, txn: &Txn) -> Result<usize, Error> {
        deny(txn, BATCH).await
    }
}
