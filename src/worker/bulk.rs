//! Bulk operations by filter: batch by batch, each a transaction, so that a restart goes on where it was.

use entity::bulk_operation::BulkOperationKind;
use uuid::Uuid;

use crate::domain::Error;
use crate::domain::access_request::reprocess::Reprocess;
use crate::domain::approval::review::Review as ReviewRequests;
use crate::domain::assignment::reprocess::ReprocessAssignments;
use crate::domain::assignment::revoke::RevokeAssignments;
use crate::domain::bulk_operation::batch;
use crate::domain::inbox::submit::Decide;
use crate::domain::token_grant::revoke::RevokeGrants;
use crate::domain::token_request::review::Review;
use crate::store::{self, Database, StoreError, Transaction, Txn};

/// Does one batch of every operation that is due; tells how many were moved.
pub async fn run(database: &Database) -> Result<usize, StoreError> {
    let mut moved = 0;
    for id in store::bulk_operation::due(database, database.clock().now()).await? {
        match database.write(&Batch(id)).await {
            Ok(worked) => moved += usize::from(worked),
            Err(Error::Broken(error)) => return Err(error),
            Err(Error::Rejected(_)) => {
                return Err(StoreError::Other(format!("a batch of the bulk operation {id} was refused")));
            }
        }
    }
    Ok(moved)
}

struct Batch(Uuid);

impl Transaction for Batch {
    /// Whether there was something to do.
    type Output = bool;
    type Error = Error;

    async fn run(&self, txn: &Txn) -> Result<bool, Error> {
        let Some(operation) = store::bulk_operation::lock_running(txn, self.0).await? else {
            return Ok(false);
        };
        if !store::user::is_active(txn, operation.started_by_id).await? {
            batch::stop(txn, operation).await?;
            return Ok(true);
        }
        match operation.kind {
            BulkOperationKind::ReprocessAccessRequests => batch::run::<Reprocess>(txn, operation).await?,
            BulkOperationKind::ReviewAccessRequests => batch::run::<ReviewRequests>(txn, operation).await?,
            BulkOperationKind::ReviewTokenRequests => batch::run::<Review>(txn, operation).await?,
            BulkOperationKind::RevokeTokenGrants => batch::run::<RevokeGrants>(txn, operation).await?,
            BulkOperationKind::SubmitDecisions => batch::run::<Decide>(txn, operation).await?,
            BulkOperationKind::RevokeAssignments => batch::run::<RevokeAssignments>(txn, operation).await?,
            BulkOperationKind::ReprocessAssignments => {
                batch::run::<ReprocessAssignments>(txn, operation).await?;
            }
            // Done when the call was answered: none of it goes on.
            BulkOperationKind::CreateAssignments => batch::stop(txn, operation).await?,
        }
        Ok(true)
    }
}
