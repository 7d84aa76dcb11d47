//! The refusals that many commands share, in the same words everywhere.

use uuid::Uuid;

use super::error::{Code, Error, Rejection};
use crate::id::Kind;
use crate::store::StoreError;

/// The object no longer has the version that the change is based on.
#[must_use]
pub fn conflict(noun: &str) -> Rejection {
    Rejection::of("version", Code::Conflict, format!("The {noun} was changed meanwhile. Read it again."))
}

/// Others still use the object: `reason` says how, and these are (some of) them.
#[must_use]
pub fn in_use(field: &str, reason: &str, users: &[(Kind, Uuid)]) -> Rejection {
    let users: Vec<String> = users.iter().map(|(kind, id)| kind.text(*id)).collect();
    Rejection::of(field, Code::InUse, format!("{reason}: {}.", users.join(", ")))
}

/// Turns "a unique name is taken" into a refusal; other failures stay what they are.
pub fn taken(rejection: impl FnOnce() -> Rejection) -> impl FnOnce(StoreError) -> Error {
    move |error| match error {
        StoreError::Taken(_) => rejection().into(),
        other => other.into(),
    }
}
