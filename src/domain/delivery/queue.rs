//! Queues deliveries, each with the grant that it gives or takes.

use entity::delivery;
use uuid::Uuid;

use crate::store::{self, StoreError, Txn};

/// Queues deliveries in a fixed number of statements.
pub async fn queue(txn: &Txn, rows: Vec<delivery::Model>) -> Result<(), StoreError> {
    let pair = |row: &delivery::Model| (row.user_id, row.resource_role_id);
    let mut pairs: Vec<(Uuid, Uuid)> = rows.iter().map(pair).collect();
    pairs.sort_unstable();
    pairs.dedup();
    let grants = store::entitlement_grant::ensure(txn, &pairs).await?;
    let linked = |row: delivery::Model| {
        let grant_id = grants.get(&pair(&row)).copied();
        delivery::Model { grant_id, ..row }
    };
    txn.insert_all(rows.into_iter().map(linked).collect()).await
}
