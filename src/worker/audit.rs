//! Audit events that wait for their place in the chain.

use crate::domain::audit_chain::seal;
use crate::store::{self, Database, StoreError};

/// Seals a batch of every organization that has something to seal; tells how much there was. A chain that cannot be
/// sealed does not keep the others waiting.
pub async fn run(database: &Database) -> Result<usize, StoreError> {
    let mut sealed = 0;
    let mut failed = None;
    for organization in store::audit_chain::waiting(database).await? {
        match seal::run(database, organization).await {
            Ok(count) => sealed += count,
            Err(error) => failed = Some(error),
        }
    }
    failed.map_or(Ok(sealed), Err)
}
