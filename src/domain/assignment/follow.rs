//! Assignments follow their package: what is added to it is given, what is removed is taken.

use entity::delivery::DeliveryOperation;
use uuid::Uuid;

use super::begin::{New, queued};
use crate::domain::Error;
use crate::store::{self, Txn};

/// Queues deliveries for the current assignments of a package whose roles changed.
///
/// They belong to the request that made the assignment, and leave its state as it is.
pub async fn follow_package(txn: &Txn, package: Uuid, added: &[Uuid], removed: &[Uuid]) -> Result<(), Error> {
    let held = store::assignment::lock_delivered(txn, package).await?;
    if held.is_empty() {
        return Ok(());
    }
    let connectors = store::resource::connectors_of_roles(txn, added).await?;
    let mut rows = Vec::new();
    for assignment in &held {
        for (role, connector) in &connectors {
            let new = New {
                request: assignment.request_id,
                operation: DeliveryOperation::Add,
                role: *role,
                connector: *connector,
            };
            rows.push(queued(txn, assignment, &new));
        }
    }
    let ids: Vec<Uuid> = held.iter().map(|assignment| assignment.id).collect();
    for (id, role, connector) in store::delivery::given(txn, &ids).await? {
        let assignment = held.iter().find(|assignment| assignment.id == id);
        if let Some(assignment) = assignment.filter(|_| removed.contains(&role)) {
            let new =
                New { request: assignment.request_id, operation: DeliveryOperation::Remove, role, connector };
            rows.push(queued(txn, assignment, &new));
        }
    }
    txn.insert_all(rows).await?;
    Ok(())
}
