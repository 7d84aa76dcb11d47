//! Cancel: withdraw a request.

use entity::access_request::{AccessRequestState as State, AccessRequestType as Type};

use super::{Step, is_own, next};
use crate::domain::error::Code;

/// Judges whether a request can be withdrawn by somebody whose own it is, or who manages its catalog.
pub fn judge(kind: Type, state: State, own: bool, manages: bool) -> Result<State, Code> {
    let may = match kind {
        Type::SystemRemove => false,
        _ => manages || (own && is_own(kind)),
    };
    if !may {
        return Err(Code::Forbidden);
    }
    next(state, Step::Cancel).map_err(|_| Code::NotCancelable)
}
