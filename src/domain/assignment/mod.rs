//! Assignments: how access begins, ends, and follows its package.

pub mod begin;
pub mod create;
pub mod end;
pub mod extend;
pub mod follow;
pub mod leave;
pub mod revoke;

use entity::assignment::{AssignmentState, Model};

pub use begin::begin;
pub use end::{Ending, end};
pub use follow::{catch_up, follow_package};
pub use leave::leave;

/// Whether an assignment still holds or will hold access.
#[must_use]
pub const fn is_current(assignment: &Model) -> bool {
    match assignment.state {
        AssignmentState::Scheduled
        | AssignmentState::Delivering
        | AssignmentState::PartiallyDelivered
        | AssignmentState::Delivered
        | AssignmentState::DeliveryFailed => true,
        AssignmentState::Revoking | AssignmentState::Ended => false,
    }
}

/// Whether an assignment holds all of its access, or will: it stands against another request.
#[must_use]
pub const fn holds(assignment: &Model) -> bool {
    match assignment.state {
        AssignmentState::Scheduled | AssignmentState::Delivering | AssignmentState::Delivered => true,
        AssignmentState::PartiallyDelivered
        | AssignmentState::DeliveryFailed
        | AssignmentState::Revoking
        | AssignmentState::Ended => false,
    }
}
