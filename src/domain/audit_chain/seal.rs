//! Sealing: what happened gets its place in the chain, in batches.

use entity::{audit_chain, audit_event};
use uuid::Uuid;

use super::form::{Place, hash};
use crate::store::audit_chain::{Seal, advance, head, seal, unsealed};
use crate::store::{Database, StoreError, Transaction, Txn};

/// How many events are sealed at once.
pub const BATCH: u64 = 500;

/// Seals the next events of an organization; tells how many. None are sealed where somebody else was faster.
///
/// What is read and hashed is read outside of the transaction, which only writes: on SQLite writers wait for each
/// other. The head is read before the events: whoever seals some of them afterwards moves it.
pub async fn run(database: &Database, organization: Uuid) -> Result<usize, StoreError> {
    let from = head(database, organization).await?;
    let events = unsealed(database, organization, BATCH).await?;
    let Some(batch) = Batch::of(from, &events, database.clock().now()) else { return Ok(0) };
    Ok(if database.write(&batch).await? { batch.seals.len() } else { 0 })
}

/// Events with their places, and the heads before and after them.
struct Batch {
    from: Option<audit_chain::Model>,
    to: audit_chain::Model,
    seals: Vec<Seal>,
}

impl Batch {
    /// The places of events that follow a head; none without events.
    fn of(
        from: Option<audit_chain::Model>,
        events: &[audit_event::Model],
        sealed_at: chrono::DateTime<chrono::Utc>,
    ) -> Option<Self> {
        let mut sequence = from.as_ref().map_or(0, |head| head.sequence);
        let mut previous = from.as_ref().map(|head| head.hash.clone());
        let mut seals = Vec::with_capacity(events.len());
        for event in events {
            sequence = sequence.checked_add(1)?;
            let hash = hash(event, &Place { sequence, previous: previous.as_deref(), sealed_at });
            seals.push(Seal { event: event.id, sequence, previous: previous.replace(hash.clone()), hash });
        }
        let organization_id = events.first()?.organization_id;
        Some(Self {
            from,
            to: audit_chain::Model { organization_id, sequence, hash: previous?, sealed_at },
            seals,
        })
    }
}

impl Transaction for Batch {
    /// Whether the head was still the one that was read.
    type Output = bool;
    type Error = StoreError;

    async fn run(&self, txn: &Txn) -> Result<bool, StoreError> {
        txn.wakes_nobody();
        if !advance(txn, self.from.as_ref(), &self.to).await? {
            return Ok(false);
        }
        let organization = self.to.organization_id;
        let sealed = seal(txn, organization, self.to.sealed_at, &self.seals).await?;
        if usize::try_from(sealed) == Ok(self.seals.len()) {
            return Ok(true);
        }
        // The head says that nobody sealed them: somebody changed or removed them by hand.
        Err(StoreError::Other(format!(
            "audit events of organization {organization} changed while they were sealed"
        )))
    }
}
