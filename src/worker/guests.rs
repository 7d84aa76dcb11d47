//! Guests who hold and ask for nothing: blocked after the organization's time, removed after the next.

use crate::domain::guest::{Times, end_blocked, end_idle};
use crate::domain::{Error, Rejection};
use crate::store::{self, Database, StoreError, Transaction, Txn};

/// How many guests one transaction ends.
const BATCH: u64 = 200;

/// Ends the guests whose time is over; tells how many there were.
pub async fn run(database: &Database) -> Result<usize, StoreError> {
    let mut ended = 0;
    for (block_after, remove_after) in store::guest::times(database).await? {
        let times = Times { block_after, remove_after };
        // A batch that ends nobody is the last: whoever was found in it asked for something meanwhile.
        while let Some(more) = some(database.write(&End(times)).await)? {
            ended += more;
        }
    }
    Ok(ended)
}

struct End(Times);

impl Transaction for End {
    type Output = usize;
    type Error = Error;

    async fn run(&self, txn: &Txn) -> Result<usize, Error> {
        // The removals first: who is blocked now is removed later.
        Ok(end_blocked(txn, self.0, BATCH).await? + end_idle(txn, self.0, BATCH).await?)
    }
}

fn some(done: Result<usize, Error>) -> Result<Option<usize>, StoreError> {
    match done {
        Ok(0) => Ok(None),
        Ok(ended) => Ok(Some(ended)),
        Err(Error::Broken(error)) => Err(error),
        Err(Error::Rejected(rejections)) => {
            let codes: Vec<_> = rejections.iter().map(|Rejection { code, .. }| code).collect();
            Err(StoreError::Other(format!("the end of guests was refused: {codes:?}")))
        }
    }
}
