//! What a clock that was set back has stranded: due times that lie further ahead than they can.

use crate::store::{self, Database, StoreError};

/// Makes due again what is stranded; returns how much. A queue that fails does not keep the others waiting.
pub async fn run(database: &Database) -> Result<usize, StoreError> {
    let mut recovered = 0;
    let mut failed = None;
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
