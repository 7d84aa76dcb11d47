//! Assignments: those that start now are delivered, those whose end has come are taken away.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use entity::access_request::{AccessRequestState, AccessRequestType};
use entity::assignment::{self, AssignmentState};
use uuid::Uuid;

use crate::domain::approval::timeout::deny_extensions;
use crate::domain::assignment::start::{Starting, start};
use crate::domain::assignment::{Ending, end, is_current};
use crate::domain::{Error, Rejection};
use crate::id::Kind;
use crate::store::audit_event::{self, Event};
use crate::store::{self, Database, StoreError, Transaction, Txn};

/// How many assignments one transaction moves.
const BATCH: u64 = 50;

/// Moves the assignments whose start or end has come; tells how many.
pub async fn run(database: &Database) -> Result<usize, StoreError> {
    match database.write(&Move { now: database.clock().now() }).await {
        Ok(moved) => Ok(moved),
        Err(Error::Broken(error)) => Err(error),
        Err(Error::Rejected(rejections)) => {
            let codes: Vec<_> = rejections.iter().map(|Rejection { code, .. }| code).collect();
            Err(StoreError::Other(format!("due assignments were refused: {codes:?}")))
        }
    }
}

/// Records what the time did to each of these.
async fn audit<'a>(
    txn: &Txn,
    action: &'static str,
    rows: impl Iterator<Item = &'a assignment::Model>,
) -> Result<(), StoreError> {
    let event =
        |row: &assignment::Model| Event::by_itself(row.organization_id, action, Kind::Assignment, row.id);
    audit_event::record_all(txn, &rows.map(event).collect::<Vec<_>>()).await
}

struct Move {
    now: DateTime<Utc>,
}

impl Transaction for Move {
    type Output = usize;
    type Error = Error;

    async fn run(&self, txn: &Txn) -> Result<usize, Error> {
        let due = store::assignment::due(txn, self.now, BATCH).await?;
        if due.is_empty() {
            return Ok(0);
        }
        // People are locked before requests, and requests before assignments, as everywhere. What excludes one another
        // is judged together: all that starts now of each of them.
        let people: BTreeSet<Uuid> = due.iter().filter(|due| due.starts).map(|due| due.user).collect();
        let people: Vec<Uuid> = people.into_iter().collect();
        store::user::hold(txn, &people).await?;
        let beside = store::assignment::starting_of(txn, &people, self.now).await?;
        let due = due.iter().chain(&beside);
        let (ids, requests): (BTreeSet<Uuid>, BTreeSet<Uuid>) =
            due.map(|due| (due.assignment, due.request)).unzip();
        let requests: Vec<Uuid> = requests.into_iter().collect();
        let requests = store::access_request::lock(txn, &requests).await?;
        let ids: Vec<Uuid> = ids.into_iter().collect();
        let mut extensions = store::access_request::lock_extensions(txn, &ids).await?;
        let held = store::assignment::lock(txn, &ids).await?;
        let held =
            held.into_iter().filter(|row| is_current(row) && row.due_at.is_some_and(|due| due <= self.now));
        let (starting, ending): (Vec<_>, Vec<_>) =
            held.partition(|row| row.state == AssignmentState::Scheduled);
        let moved = starting.len() + ending.len();
        let starting: Vec<Starting> = starting
            .into_iter()
            .filter_map(|assignment| {
                let request = requests.iter().find(|request| request.id == assignment.request_id)?;
                (request.state == AccessRequestState::Scheduled)
                    .then(|| Starting { request: request.clone(), assignment })
            })
            .collect();
        start(txn, &starting).await?;
        audit(txn, "assignment.expired", ending.iter()).await?;
        // Nobody decided to keep them longer before they end.
        let ended: BTreeSet<Uuid> = ending.iter().map(|row| row.id).collect();
        extensions.retain(|request| request.assignment_id.is_some_and(|id| ended.contains(&id)));
        deny_extensions(txn, &extensions).await?;
        let ending_as = Ending::Request {
            id: None,
            kind: AccessRequestType::SystemRemove,
            actor: None,
            reason: Some("EXPIRED"),
            bulk_operation: None,
        };
        end(txn, &ending, ending_as).await?;
        Ok(moved)
    }
}
