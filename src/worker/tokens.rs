//! Access tokens whose time is over: what they ask for expires, what they were granted ends.

use crate::domain::access_token::end::expire;
use crate::domain::{Error, Rejection};
use crate::store::{self, Database, StoreError, Transaction, Txn};

/// How many tokens one transaction ends.
const BATCH: u64 = 200;

/// Ends what hangs on tokens that expired; tells how many there were.
pub async fn run(database: &Database) -> Result<usize, StoreError> {
    match database.write(&Expire).await {
        Ok(ended) => Ok(ended),
        Err(Error::Broken(error)) => Err(error),
        Err(Error::Rejected(rejections)) => {
            let codes: Vec<_> = rejections.iter().map(|Rejection { code, .. }| code).collect();
            Err(StoreError::Other(format!("the end of tokens was refused: {codes:?}")))
        }
    }
}

struct Expire;

impl Transaction for Expire {
    type Output = usize;
    type Error = Error;

    async fn run(&self, txn: &Txn) -> Result<usize, Error> {
        let due = store::access_token::lock_due(txn, txn.now(), BATCH).await?;
        if !due.is_empty() {
            expire(txn, &due).await?;
        }
        Ok(due.len())
    }
}
