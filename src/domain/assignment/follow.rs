//! Assignments follow their package: what is added to it is given, what is removed is taken.

use entity::assignment;
use entity::delivery::{self, DeliveryOperation};
use uuid::Uuid;

use super::begin::{New, queued};
use super::reprocess::made_whole;
use crate::domain::Error;
use crate::domain::delivery::queue::queue;
use crate::store::entitlement_grant::Given;
use crate::store::{self, Txn};

/// Queues deliveries for the current assignments of a package whose roles changed.
///
/// They belong to the request that made the assignment, and leave its state as it is. So does the assignment's, unless
/// one fails for good.
pub async fn follow_package(txn: &Txn, package: Uuid, added: &[Uuid], removed: &[Uuid]) -> Result<(), Error> {
    let held = store::assignment::lock_delivered(txn, package).await?;
    if held.is_empty() {
        return Ok(());
    }
    let connectors = store::resource::connectors_of_roles(txn, added).await?;
    let mut rows = Vec::new();
    for assignment in &held {
        rows.extend(connectors.iter().map(|(role, connector)| adding(txn, assignment, *role, *connector)));
    }
    let ids: Vec<Uuid> = held.iter().map(|assignment| assignment.id).collect();
    for Given { assignment, role, connector, .. } in store::entitlement_grant::given(txn, &ids).await? {
        let assignment = held.iter().find(|held| held.id == assignment);
        if let Some(assignment) = assignment.filter(|_| removed.contains(&role)) {
            let new =
                New { request: assignment.request_id, operation: DeliveryOperation::Remove, role, connector };
            rows.push(queued(txn, assignment, &new));
        }
    }
    queue(txn, rows).await?;
    // What failed may be what left the package.
    let partial = held.iter().filter(|assignment| assignment.repair_failed_at.is_some());
    let partial: Vec<Uuid> = partial.map(|assignment| assignment.id).collect();
    if !removed.is_empty() && !partial.is_empty() {
        made_whole(txn, &partial).await?;
    }
    Ok(())
}

/// Queues what came to the packages of failed requests meanwhile: they are about to be delivered again.
pub async fn catch_up(txn: &Txn, requests: &[Uuid]) -> Result<(), Error> {
    let lacking = store::assignment::lacking(txn, requests).await?;
    let add = |(assignment, role, connector): &(assignment::Model, Uuid, Uuid)| {
        adding(txn, assignment, *role, *connector)
    };
    Ok(queue(txn, lacking.iter().map(add).collect()).await?)
}

fn adding(txn: &Txn, assignment: &assignment::Model, role: Uuid, connector: Uuid) -> delivery::Model {
    let operation = DeliveryOperation::Add;
    queued(txn, assignment, &New { request: assignment.request_id, operation, role, connector })
}
