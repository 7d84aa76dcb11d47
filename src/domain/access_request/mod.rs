//! Access requests: the states and every way between them.
//!
//! ```text
//! SUBMITTED ─► PENDING_APPROVAL ─► (SCHEDULED) ─► DELIVERING ─► DELIVERED
//!     │               │                               ├──────► PARTIALLY_DELIVERED ─┐
//!     └─(no approval)─┼─► SCHEDULED or DELIVERING     │                             ├─ reprocess ─► DELIVERING
//!                     ├─► DENIED                      └──────► DELIVERY_FAILED ─────┘
//!                     └─► CANCELED (also from SCHEDULED on, until DELIVERED, when the assignment ends)
//! ```

pub mod answers;
pub mod cancel;
pub mod facts;
pub mod make;
pub mod plan;
pub mod reprocess;
pub mod schedule;
pub mod submit;

use entity::access_request::{AccessRequestState as State, AccessRequestType as Type};

/// Something that moves a request on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// It goes to its approvers.
    AskApproval,
    /// Nobody has to decide, or the last stage agreed; it starts later.
    Schedule,
    /// Nobody has to decide, or the last stage agreed, or its start has come.
    Deliver,
    /// An approver refused, or nobody decided in time.
    Deny,
    /// It is withdrawn.
    Cancel,
    /// The assignment that it made ends before it was delivered.
    EndAssignment,
    /// Its last delivery ended; some succeeded, some failed for good.
    Complete(Outcome),
    /// Its failed deliveries are tried again.
    Reprocess,
}

/// How the deliveries of a request ended, all together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// All succeeded.
    All,
    /// Some succeeded.
    Some,
    /// None succeeded.
    None,
}

impl Outcome {
    /// The outcome of so many successes and failures; nothing to deliver is a success.
    #[must_use]
    pub const fn of(succeeded: u64, failed: u64) -> Self {
        match (succeeded, failed) {
            (_, 0) => Self::All,
            (0, _) => Self::None,
            _ => Self::Some,
        }
    }
}

/// A step that a request cannot take from where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a request that is {from:?} cannot take the step {step:?}")]
pub struct IllegalStep {
    /// Where it stands.
    pub from: State,
    /// What was tried.
    pub step: Step,
}

/// The state after a step: the one function that decides every transition.
pub const fn next(from: State, step: Step) -> Result<State, IllegalStep> {
    let illegal = Err(IllegalStep { from, step });
    match step {
        Step::AskApproval => match from {
            State::Submitted => Ok(State::PendingApproval),
            _ => illegal,
        },
        Step::Schedule => match from {
            State::Submitted | State::PendingApproval => Ok(State::Scheduled),
            _ => illegal,
        },
        Step::Deliver => match from {
            State::Submitted | State::PendingApproval | State::Scheduled => Ok(State::Delivering),
            _ => illegal,
        },
        Step::Deny => match from {
            State::PendingApproval => Ok(State::Denied),
            _ => illegal,
        },
        Step::Cancel => match from {
            State::Submitted
            | State::PendingApproval
            | State::Scheduled
            | State::PartiallyDelivered
            | State::DeliveryFailed => Ok(State::Canceled),
            State::Delivering | State::Delivered | State::Denied | State::Canceled => illegal,
        },
        Step::EndAssignment => match from {
            State::Scheduled | State::Delivering | State::PartiallyDelivered | State::DeliveryFailed => {
                Ok(State::Canceled)
            }
            _ => illegal,
        },
        Step::Complete(outcome) => match (from, outcome) {
            (State::Delivering, Outcome::All) => Ok(State::Delivered),
            (State::Delivering, Outcome::Some) => Ok(State::PartiallyDelivered),
            (State::Delivering, Outcome::None) => Ok(State::DeliveryFailed),
            _ => illegal,
        },
        Step::Reprocess => match from {
            State::PartiallyDelivered | State::DeliveryFailed => Ok(State::Delivering),
            _ => illegal,
        },
    }
}

/// Whether a request in this state is over, until it is reprocessed.
#[must_use]
pub const fn is_completed(state: State) -> bool {
    match state {
        State::Delivered
        | State::PartiallyDelivered
        | State::DeliveryFailed
        | State::Denied
        | State::Canceled => true,
        State::Submitted | State::PendingApproval | State::Scheduled | State::Delivering => false,
    }
}

/// Whether a request of this type takes access away.
#[must_use]
pub const fn is_removal(kind: Type) -> bool {
    match kind {
        Type::UserRemove | Type::AdminRemove | Type::SystemRemove => true,
        Type::UserAdd | Type::UserExtend | Type::AdminAdd => false,
    }
}

/// Whether a request of this type makes an assignment.
#[must_use]
pub const fn is_addition(kind: Type) -> bool {
    match kind {
        Type::UserAdd | Type::AdminAdd => true,
        Type::UserExtend | Type::UserRemove | Type::AdminRemove | Type::SystemRemove => false,
    }
}

/// Whether the requestor made the request themselves, and may withdraw it.
#[must_use]
pub const fn is_own(kind: Type) -> bool {
    match kind {
        Type::UserAdd | Type::UserExtend | Type::UserRemove => true,
        Type::AdminAdd | Type::AdminRemove | Type::SystemRemove => false,
    }
}

#[cfg(test)]
mod tests;
