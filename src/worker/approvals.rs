//! Stages of approval whose time has come.

use crate::domain::approval::timeout;
use crate::domain::{Error, Rejection};
use crate::store::{Database, StoreError, Transaction, Txn};

/// How many stages one transaction looks at.
const BATCH: u64 = 200;

/// Denies what nobody decided in time, and asks alternates; tells how much there was.
pub async fn run(database: &Database) -> Result<usize, StoreError> {
    match database.write(&Look).await {
        Ok(denied) => Ok(denied),
        Err(Error::Broken(error)) => Err(error),
        Err(Error::Rejected(rejections)) => {
            let codes: Vec<_> = rejections.iter().map(|Rejection { code, .. }| code).collect();
            Err(StoreError::Other(format!("a denial for the time was refused: {codes:?}")))
        }
    }
}

struct Look;

impl Transaction for Look {
    type Output = usize;
    type Error = Error;

    async fn run(&self, txn: &Txn) -> Result<usize, Error> {
        timeout::run(txn, BATCH).await
    }
}
