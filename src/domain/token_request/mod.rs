//! Token requests: what a token asks of an organization, and every way that such a request ends.
//!
//! ```text
//! PENDING ─► APPROVED | DENIED | CANCELED | EXPIRED
//! ```
//!
//! A request is the whole of what the token may do when it is granted; it is never changed. Asking for
//! something else makes another request, which overtakes the one that waits.

pub mod cancel;
pub mod file;
pub mod reach;
pub mod review;
pub mod told;

use entity::token_request::TokenRequestState as State;

pub use reach::Reach;

/// Something that ends a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// An owner agrees, or nobody has to.
    Approve,
    /// An owner refuses.
    Deny,
    /// It is withdrawn, or overtaken.
    Cancel,
    /// The token expired.
    Expire,
}

/// A step that a request cannot take from where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a token request that is {from:?} cannot take the step {step:?}")]
pub struct IllegalStep {
    /// Where it stands.
    pub from: State,
    /// What was tried.
    pub step: Step,
}

/// The state after a step: the one function that decides every transition.
pub const fn next(from: State, step: Step) -> Result<State, IllegalStep> {
    match from {
        State::Pending => Ok(match step {
            Step::Approve => State::Approved,
            Step::Deny => State::Denied,
            Step::Cancel => State::Canceled,
            Step::Expire => State::Expired,
        }),
        State::Approved | State::Denied | State::Canceled | State::Expired => Err(IllegalStep { from, step }),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![Just(Step::Approve), Just(Step::Deny), Just(Step::Cancel), Just(Step::Expire)]
    }

    proptest! {
        #[test]
        fn a_request_ends_once_and_as_its_first_step_says(steps in prop::collection::vec(step(), 1..12)) {
            let mut state = State::Pending;
            for (place, step) in steps.iter().enumerate() {
                match next(state, *step) {
                    Ok(after) => {
                        prop_assert_eq!(place, 0, "only the first step is taken");
                        prop_assert_ne!(after, State::Pending);
                        state = after;
                    }
                    Err(error) => prop_assert_eq!(error, IllegalStep { from: state, step: *step }),
                }
            }
            let expected = match steps[0] {
                Step::Approve => State::Approved,
                Step::Deny => State::Denied,
                Step::Cancel => State::Canceled,
                Step::Expire => State::Expired,
            };
            prop_assert_eq!(state, expected);
        }
    }
}
