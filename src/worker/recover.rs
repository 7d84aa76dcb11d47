//! What nothing else would take up: due times that lie further ahead than they can, because a clock was set back, and
//! deliveries that an older server queued without the grant that they are about.

use crate::store::{self, Database, StoreError, Transaction, Txn};

/// Makes due again what is stranded; returns how much. A queue that fails does not keep the others waiting.
pub async fn run(database: &Database) -> Result<usize, StoreError> {
    let mut recovered = 0;
    let mut failed = None;
    match adopt(database).await {
        Ok(count) => recovered += count,
        Err(error) => failed = Some(error),
    }
    for (queue, done) in [
        ("deliveries", store::delivery::recover(database).await),
        ("mails", store::notification::recover(database).await),
        ("signInCodes", store::sign_in_code::recover(database).await),
        ("webhooks", store::webhook_delivery::recover(database).await),
        ("bulkOperations", store::bulk_operation::recover(database).await),
    ] {
        match done {
            Ok(0) => {}
            Ok(count) => {
                tracing::warn!(queue, count, "the clock was set back: what it stranded is due again");
                recovered += usize::try_from(count).unwrap_or(usize::MAX);
            }
            Err(error) => failed = Some(error),
        }
    }
    failed.map_or(Ok(recovered), Err)
}

/// Links deliveries that know no grant to theirs.
async fn adopt(database: &Database) -> Result<usize, StoreError> {
    if !store::entitlement_grant::any_unlinked(database).await? {
        return Ok(0);
    }
    let count = database.write(&Adopt).await?;
    tracing::info!(count, "deliveries of an older server were linked to their grants");
    Ok(usize::try_from(count).unwrap_or(usize::MAX))
}

struct Adopt;

impl Transaction for Adopt {
    type Output = u64;
    type Error = StoreError;

    async fn run(&self, txn: &Txn) -> Result<u64, StoreError> {
        store::entitlement_grant::adopt(txn).await
    }
}
