//! Token grants: what an organization allows a token, and every way that it ends.
//!
//! ```text
//! ACTIVE ─► REVOKED | SUPERSEDED | SUSPENDED | ENDED
//! ```
//!
//! A grant is what its request asked for. It never comes back: a new approval makes a new one.

pub mod revoke;

use entity::token_grant::TokenGrantState as State;

/// Something that ends a grant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// An owner of the organization takes it back.
    Revoke,
    /// A later grant takes its place.
    Supersede,
    /// The token's owner is deactivated.
    Suspend,
    /// The token expires, or is given up.
    End,
}

/// A step that a grant cannot take from where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a token grant that is {from:?} cannot take the step {step:?}")]
pub struct IllegalStep {
    /// Where it stands.
    pub from: State,
    /// What was tried.
    pub step: Step,
}

/// The state after a step: the one function that decides every transition.
pub const fn next(from: State, step: Step) -> Result<State, IllegalStep> {
    match from {
        State::Active => Ok(match step {
            Step::Revoke => State::Revoked,
            Step::Supersede => State::Superseded,
            Step::Suspend => State::Suspended,
            Step::End => State::Ended,
        }),
        State::Revoked | State::Superseded | State::Suspended | State::Ended => {
            Err(IllegalStep { from, step })
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![Just(Step::Revoke), Just(Step::Supersede), Just(Step::Suspend), Just(Step::End)]
    }

    proptest! {
        #[test]
        fn a_grant_ends_once_and_stays_so(steps in prop::collection::vec(step(), 1..12)) {
            let mut state = State::Active;
            for (place, step) in steps.iter().enumerate() {
                match next(state, *step) {
                    Ok(after) => {
                        prop_assert_eq!(place, 0, "only the first step is taken");
                        prop_assert_ne!(after, State::Active);
                        state = after;
                    }
                    Err(error) => prop_assert_eq!(error, IllegalStep { from: state, step: *step }),
                }
            }
        }
    }
}
