//! What becomes of the requests that wait when no approval is asked for any more.

use crate::authz::Permit;
use crate::authz::permission::action::EditTokenPolicy;
use crate::domain::{Code, Error, Rejection};
use crate::store::{self, Txn};

/// What becomes of the requests that wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waiting {
    /// They go on waiting for an owner.
    Keep,
}

/// Does with the waiting requests what was decided; where some wait, it must be.
pub(super) async fn settle(
    txn: &Txn,
    permit: &Permit<EditTokenPolicy>,
    decision: Option<Waiting>,
) -> Result<(), Error> {
    let count = store::token_policy::waiting(txn, permit.actor().organization).await?;
    match decision {
        _ if count == 0 => Ok(()),
        Some(Waiting::Keep) => Ok(()),
        None => {
            let noun = if count == 1 { "request waits" } else { "requests wait" };
            let message = format!(
                "{count} token {noun} for approval. Say with `waitingRequests` what becomes of them."
            );
            Err(Rejection::of("waitingRequests", Code::TokenRequestsWaiting, message).into())
        }
    }
}
