//! Assignments: those that start now are delivered, those whose end has come are taken away.

use chrono::{DateTime, Utc};
use entity::access_request::{AccessRequestState, AccessRequestType};
use entity::assignment::{self, AssignmentState};
use uuid::Uuid;

use crate::domain::assignment::{Ending, begin, end, is_current};
use crate::domain::{Error, Rejection};
use crate::store::access_request::Moved;
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
        // Requests are locked before assignments, as everywhere.
        let requests: Vec<Uuid> = due.iter().map(|(_, request)| *request).collect();
        let requests = store::access_request::lock(txn, &requests).await?;
        let ids: Vec<Uuid> = due.iter().map(|(assignment, _)| *assignment).collect();
        let held = store::assignment::lock(txn, &ids).await?;
        let held =
            held.into_iter().filter(|row| is_current(row) && row.due_at.is_some_and(|due| due <= self.now));
        let (starting, ending): (Vec<_>, Vec<_>) =
            held.partition(|row| row.state == AssignmentState::Scheduled);
        let moved = starting.len() + ending.len();
        let starting: Vec<(Moved, assignment::Model)> = starting
            .into_iter()
            .filter_map(|row| {
                let request = requests.iter().find(|request| request.id == row.request_id)?;
                (request.state == AccessRequestState::Scheduled)
                    .then_some((Moved { id: request.id, from: request.state }, row))
            })
            .collect();
        let starting = begin::refuse_incompatible(txn, starting).await?;
        if !starting.is_empty() {
            begin::deliver(txn, &starting, None).await?;
        }
        let ending_as =
            Ending::Request { kind: AccessRequestType::SystemRemove, actor: None, reason: Some("EXPIRED") };
        end(txn, &ending, ending_as).await?;
        Ok(moved)
    }
}
