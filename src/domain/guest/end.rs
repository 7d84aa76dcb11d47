//! The end of guests who hold nothing any more: blocked first, removed later. Sets, not loops.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use entity::app_user::GuestEnd;
use entity::guest_step::{self, GuestStepKind};
use uuid::Uuid;

use super::{Due, Times, judge};
use crate::domain::{Error, approval};
use crate::id::Kind;
use crate::store::approval::Leaving;
use crate::store::audit_event::{self, Event};
use crate::store::guest::{self, Row};
use crate::store::{self, Txn};

/// The name of whoever was removed.
const REMOVED: &str = "Removed guest";

/// Blocks guests of organizations with these times who held and asked for nothing for too long, so many at most;
/// tells how many.
pub async fn end_idle(txn: &Txn, times: Times, most: u64) -> Result<usize, Error> {
    let found = guest::idle(txn, times.block_after, times.remove_after, most).await?;
    end(txn, times, &found, GuestEnd::Blocked).await
}

/// Removes guests of organizations with these times who were blocked long enough, so many at most; tells how many.
pub async fn end_blocked(txn: &Txn, times: Times, most: u64) -> Result<usize, Error> {
    let found = guest::blocked(txn, times.block_after, times.remove_after, most).await?;
    end(txn, times, &found, GuestEnd::Removed).await
}

/// Locks the guests, judges each as it is then, and ends those for whom it is due.
async fn end(txn: &Txn, times: Times, found: &[Uuid], end: GuestEnd) -> Result<usize, Error> {
    if found.is_empty() {
        return Ok(0);
    }
    guest::lock(txn, found).await?;
    let rows = guest::facts(txn, found).await?;
    let due: HashMap<Uuid, (Uuid, DateTime<Utc>)> =
        rows.iter()
            .filter_map(|Row { user, organization, facts }| match (judge(facts, times, txn.now()), end) {
                (Some(Due::Block(since)), GuestEnd::Blocked)
                | (Some(Due::Remove(since)), GuestEnd::Removed) => Some((*user, (*organization, since))),
                (Some(_) | None, _) => None,
            })
            .collect();
    let mut ids: Vec<Uuid> = due.keys().copied().collect();
    ids.sort_unstable();
    if ids.is_empty() {
        return Ok(0);
    }
    let (step, action) = match end {
        GuestEnd::Blocked => {
            guest::block(txn, &ids).await?;
            (GuestStepKind::Blocked, "user.blocked")
        }
        GuestEnd::Removed => {
            guest::remove(txn, &ids, REMOVED).await?;
            (GuestStepKind::Removed, "user.removed")
        }
    };
    txn.changes_access();
    let step_of = |(id, (organization, since)): (&Uuid, &(Uuid, DateTime<Utc>))| guest_step::Model {
        id: txn.id(),
        organization_id: *organization,
        user_id: *id,
        step,
        at: txn.now(),
        since: Some(*since),
        actor_id: None,
    };
    txn.insert_all(due.iter().map(step_of).collect()).await?;
    let event = |(id, (organization, since)): (&Uuid, &(Uuid, DateTime<Utc>))| Event {
        organization: *organization,
        actor: None,
        action,
        target: Some((Kind::User, *id)),
        call: None,
        details: Some(serde_json::json!({ "since": since })),
    };
    audit_event::record_all(txn, &due.iter().map(event).collect::<Vec<_>>()).await?;
    // What waits for their decision, a policy having named them, waits for others from now on.
    for user in store::guest::deciders(txn, &ids).await? {
        if let Some((organization, _)) = due.get(&user) {
            approval::open::leave(txn, *organization, user, Leaving::User).await?;
        }
    }
    Ok(ids.len())
}
