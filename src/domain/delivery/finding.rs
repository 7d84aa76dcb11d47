//! What a check found: whether the target system holds what it should.

use entity::delivery::{DeliveryResult, DeliveryState, Model};

/// What was found for one resource role of an assignment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finding {
    /// Nobody has looked yet, or the last look failed and is tried again.
    Pending,
    /// The role is there.
    Present,
    /// It is not; nothing was changed.
    Missing,
    /// It was not, and was given again.
    Repaired,
    /// It could not be looked at or given.
    Failed,
    /// It was not looked at: it is no longer wanted, or a later check came first.
    Skipped,
}

/// What a check found.
#[must_use]
pub const fn finding(check: &Model) -> Finding {
    match (check.state, check.result) {
        (DeliveryState::Pending | DeliveryState::InProgress, _) => Finding::Pending,
        (DeliveryState::Failed, _) => Finding::Failed,
        (DeliveryState::Succeeded, Some(DeliveryResult::AlreadySo)) => Finding::Present,
        (DeliveryState::Succeeded, Some(DeliveryResult::Changed)) => Finding::Repaired,
        (DeliveryState::Succeeded, Some(DeliveryResult::Missing)) => Finding::Missing,
        (
            DeliveryState::Succeeded,
            None
            | Some(
                DeliveryResult::NoLongerWanted
                | DeliveryResult::StillNeeded
                | DeliveryResult::ExistedBefore
                | DeliveryResult::AccountGone
                | DeliveryResult::TargetGone
                | DeliveryResult::ResolvedManually,
            ),
        )
        | (DeliveryState::Canceled, _) => Finding::Skipped,
    }
}
