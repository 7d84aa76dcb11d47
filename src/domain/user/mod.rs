//! Users, as administrators make and change them. Roles come from tokens and catalogs, never from here.

pub mod create;
pub mod state;
pub mod unblock;
pub mod update;

use entity::app_user::{self, GuestEnd, UserState};
use uuid::Uuid;

use super::error::{Code, Error, Rejection};
use crate::store::{self, Txn};

/// The user, locked, if they are active.
pub async fn find_active(
    txn: &Txn,
    organization: Uuid,
    field: &str,
    id: Option<Uuid>,
) -> Result<app_user::Model, Error> {
    let id = id.ok_or_else(|| not_found(field))?;
    let found = store::user::lock(txn, organization, &[id]).await?.into_iter().next();
    let user = found.ok_or_else(|| not_found(field))?;
    match user.state {
        UserState::Active => Ok(user),
        UserState::Deactivated => Err(inactive(field, user.guest_end).into()),
    }
}

/// The user may not act: deactivated, or a guest who was blocked; one who was removed is nobody any more.
#[must_use]
pub fn inactive(field: &str, end: Option<GuestEnd>) -> Rejection {
    match end {
        None => deactivated(field),
        Some(GuestEnd::Blocked) => {
            let message = "The guest was blocked for holding nothing. Unblock them first.";
            Rejection::of(field, Code::UserBlocked, message)
        }
        Some(GuestEnd::Removed) => not_found(field),
    }
}

/// The manager that is wanted for `user`: somebody active who does not report to them.
///
/// Locks the organization, so that no two changes can close a circle together.
async fn new_manager(txn: &Txn, organization: Uuid, user: Uuid, manager: Uuid) -> Result<Uuid, Error> {
    store::organization::lock(txn, organization).await?;
    let manager = find_active(txn, organization, "manager", Some(manager)).await?;
    if store::user::reports_to(txn, manager.id, user).await? {
        let message = "The manager reports to this user already, or is this user. Nobody manages themselves.";
        return Err(Rejection::of("manager", Code::InvalidInput, message).into());
    }
    Ok(manager.id)
}

/// There is no such user, or they are not visible.
#[must_use]
pub fn not_found(field: &str) -> Rejection {
    Rejection::of(field, Code::NotFound, "There is no such user, or you may not see them.")
}

/// The user is deactivated.
#[must_use]
pub fn deactivated(field: &str) -> Rejection {
    Rejection::of(field, Code::UserDeactivated, "The user is deactivated.")
}
