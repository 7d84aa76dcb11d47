//! Assignments: the access that people hold through packages.

use uuid::Uuid;

use super::Error;
use crate::authz::Actor;
use crate::store::Txn;

/// Makes the current assignments of a package follow a change of its roles: queues a delivery for
/// each role that was added, and a removal for each that was taken out.
///
/// The caller has locked the package and changed its roles in this transaction.
#[expect(clippy::unused_async, reason = "filled by the delivery work before the release")]
pub async fn follow_package(txn: &Txn, package: Uuid, added: &[Uuid], removed: &[Uuid]) -> Result<(), Error> {
    let _ = (txn, package, added, removed);
    Ok(())
}

/// Lets a user who was deactivated go: cancels their open requests and ends their assignments.
///
/// The caller has locked the user and deactivated them in this transaction.
#[expect(clippy::unused_async, reason = "filled by the delivery work before the release")]
pub async fn leave(txn: &Txn, actor: &Actor, user: Uuid) -> Result<(), Error> {
    let _ = (txn, actor, user);
    Ok(())
}
