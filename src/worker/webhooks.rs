//! Events for webhooks: claim what is due, send it outside of any transaction, write the end.

use uuid::Uuid;

use crate::connector::registry::Registry;
use crate::domain::Error;
use crate::domain::webhook::outcome::{End, Finish};
use crate::id::Kind;
use crate::store::webhook_delivery::Claimed;
use crate::store::{self, Database, StoreError};

/// An event that is this worker's for a minute.
pub struct Claim {
    claimed: Claimed,
    lease: Uuid,
}

/// Claims what is due.
pub async fn claim(database: &Database) -> Result<Vec<Claim>, StoreError> {
    let lease = database.clock().id();
    let claimed = store::webhook_delivery::claim(database, lease).await?;
    Ok(claimed.into_iter().map(|claimed| Claim { claimed, lease }).collect())
}

/// Tries to send an event once and writes how that ended.
pub async fn attempt(database: &Database, connectors: &Registry, claim: Claim) {
    let Claim { claimed: Claimed { delivery, webhook }, lease } = claim;
    let started_at = database.clock().now();
    let id = Kind::WebhookDelivery.text(delivery.id);
    let sent = match connectors.sender(&webhook) {
        Ok(sender) => sender.send(&id, &delivery.body).await,
        Err(failure) => Err(failure),
    };
    let end = sent.map_or_else(End::Failed, End::Taken);
    // Random bits of the lease spread the next tries out.
    let jitter = f64::from(lease.as_bytes()[15]) / 255.0;
    match database.write(&Finish { delivery, webhook, lease, started_at, end, jitter }).await {
        Ok(true) => {}
        Ok(false) => {
            tracing::warn!(delivery = %id, "another worker has taken over the lease of an event; this result is not written");
        }
        Err(Error::Broken(error)) => {
            tracing::error!(%error, delivery = %id, "could not write the end of sending an event");
        }
        Err(Error::Rejected(_)) => tracing::error!(delivery = %id, "the end of sending an event was refused"),
    }
}
