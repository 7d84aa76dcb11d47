//! Guests: how somebody from outside becomes one, and what becomes of those who hold nothing any more.
//!
//! ```text
//!  newcomer ─ first accepted request ─► guest ─ holds and asks for nothing ─► blocked ─► removed
//!                                         ▲                                     │
//!                                         └──────────────── unblocked ──────────┘
//! ```
//!
//! Blocking and removal are two clocks of the organization's settings: the first runs from when a guest last held or
//! asked for something, or was unblocked; the second from when they were blocked.

mod end;
mod first_request;

use chrono::{DateTime, TimeDelta, Utc};
use entity::app_user::{GuestEnd, UserState};

pub use self::end::{end_blocked, end_idle};
pub use self::first_request::FirstRequest;
pub use crate::store::guest::Facts;

/// The organization's times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Times {
    /// A guest who is not needed is blocked after this.
    pub block_after: TimeDelta,
    /// A guest who is blocked is removed after this.
    pub remove_after: TimeDelta,
}

/// What is due for a guest, and since when its clock ran.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// They are blocked.
    Block(DateTime<Utc>),
    /// They are removed.
    Remove(DateTime<Utc>),
}

/// Judges what is due for a guest now. The last instant of a time is part of it.
#[must_use]
pub fn judge(facts: &Facts, times: Times, now: DateTime<Utc>) -> Option<Due> {
    let is_over = |since: DateTime<Utc>, after: TimeDelta| {
        since.checked_add_signed(after).is_some_and(|until| until < now)
    };
    match (facts.state, facts.end) {
        (UserState::Active, None) if !facts.needed && is_over(facts.last, times.block_after) => {
            Some(Due::Block(facts.last))
        }
        (UserState::Deactivated, Some(GuestEnd::Blocked)) if !facts.needed => {
            facts.end_at.filter(|since| is_over(*since, times.remove_after)).map(Due::Remove)
        }
        (UserState::Active | UserState::Deactivated, _) => None,
    }
}

#[cfg(test)]
mod tests;
