//! Entitlement grants: what an attempt means for what Guichet gave.

use chrono::{DateTime, Utc};
use entity::delivery::{DeliveryOperation, DeliveryResult};
use entity::entitlement_grant::{EntitlementGrantOrigin as Origin, EntitlementGrantState as State, Model};
use uuid::Uuid;

/// What an attempt found, as far as it concerns the grant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// It succeeded.
    Done {
        /// What was found.
        result: DeliveryResult,
        /// Whether the account had the access before; none if the remote does not show it.
        held_before: Option<bool>,
        /// Whether the remote showed the result afterwards.
        confirmed: bool,
    },
    /// It failed, and the change may have been made all the same, or certainly was not.
    Failed {
        /// Whether it may have been made.
        uncertain: bool,
    },
}

/// What is known when an attempt ends.
#[derive(Clone, Copy, Debug)]
pub struct Attempt {
    /// What was tried.
    pub operation: DeliveryOperation,
    /// Whether nothing of Guichet's was there when it began.
    pub began_absent: bool,
    /// The account that was written, if one is known.
    pub account: Option<Uuid>,
    /// What was found.
    pub found: Found,
}

/// Returns the grant as an attempt leaves it.
#[must_use]
pub fn after(before: &Model, attempt: &Attempt, now: DateTime<Utc>) -> Model {
    let account_id = attempt.account.or(before.account_id);
    let unchanged = Model { account_id, ..before.clone() };
    let seen = |confirmed: bool| if confirmed { Some(now) } else { before.confirmed_at };
    match (attempt.operation, attempt.found) {
        (
            DeliveryOperation::Add | DeliveryOperation::Repair,
            Found::Done {
                result: result @ (DeliveryResult::Changed | DeliveryResult::AlreadySo),
                held_before,
                confirmed,
            },
        ) => Model {
            state: State::Held,
            origin: origin(before.origin, attempt, result, held_before),
            confirmed_at: seen(confirmed),
            ..unchanged
        },
        // Nothing was sent, or certainly nothing was made: as it was before this attempt.
        (
            DeliveryOperation::Add | DeliveryOperation::Repair,
            Found::Done { .. } | Found::Failed { uncertain: false },
        ) if attempt.began_absent => Model { state: State::Absent, ..unchanged },
        (
            DeliveryOperation::Remove,
            Found::Done {
                result:
                    DeliveryResult::Changed
                    | DeliveryResult::AlreadySo
                    | DeliveryResult::ExistedBefore
                    | DeliveryResult::AccountGone
                    | DeliveryResult::TargetGone
                    | DeliveryResult::ResolvedManually,
                confirmed,
                ..
            },
        ) => Model { state: State::Absent, confirmed_at: seen(confirmed), ..unchanged },
        (DeliveryOperation::Compare, Found::Done { result: DeliveryResult::AlreadySo, .. })
            if before.state == State::Held =>
        {
            Model { confirmed_at: Some(now), ..unchanged }
        }
        _ => unchanged,
    }
}

/// Who gave the access first, once it is known to be there.
fn origin(before: Origin, attempt: &Attempt, result: DeliveryResult, held_before: Option<bool>) -> Origin {
    match (attempt.began_absent, held_before) {
        (true, Some(true)) => Origin::Existed,
        (true, Some(false)) => Origin::Given,
        (true, None) => Origin::Unknown,
        // What was missing and was given again is Guichet's, whoever gave it first.
        (false, _) if result == DeliveryResult::Changed && attempt.operation == DeliveryOperation::Repair => {
            Origin::Given
        }
        (false, Some(false)) if result == DeliveryResult::Changed => Origin::Given,
        (false, _) => before,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn grant(state: State, origin: Origin) -> Model {
        let at = DateTime::from_timestamp(1_700_000_000, 0).unwrap();
        Model {
            id: Uuid::nil(),
            organization_id: Uuid::nil(),
            system_id: Uuid::nil(),
            target: "team".to_owned(),
            role: "member".to_owned(),
            user_id: Uuid::nil(),
            account_id: None,
            origin,
            state,
            confirmed_at: None,
            created_at: at,
            updated_at: at,
        }
    }

    fn attempt(operation: DeliveryOperation, began_absent: bool, found: Found) -> Attempt {
        Attempt { operation, began_absent, account: None, found }
    }

    fn done(result: DeliveryResult, held_before: Option<bool>) -> Found {
        Found::Done { result, held_before, confirmed: held_before.is_some() }
    }

    #[test]
    fn the_first_success_tells_who_gave_the_access() {
        for (held_before, result, origin) in [
            (Some(true), DeliveryResult::AlreadySo, Origin::Existed),
            (Some(false), DeliveryResult::Changed, Origin::Given),
            (None, DeliveryResult::Changed, Origin::Unknown),
        ] {
            let found = done(result, held_before);
            let before = grant(State::Giving, Origin::Given);
            let after = after(&before, &attempt(DeliveryOperation::Add, true, found), before.created_at);
            assert_eq!((after.state, after.origin), (State::Held, origin), "{held_before:?}");
        }
        // An earlier try may have made what this one finds.
        let found = done(DeliveryResult::AlreadySo, Some(true));
        let before = grant(State::Giving, Origin::Given);
        let after = after(&before, &attempt(DeliveryOperation::Add, false, found), before.created_at);
        assert_eq!((after.state, after.origin), (State::Held, Origin::Given));
    }

    #[test]
    fn a_repair_that_changes_something_gives() {
        let before = grant(State::Held, Origin::Existed);
        for (result, origin) in
            [(DeliveryResult::Changed, Origin::Given), (DeliveryResult::AlreadySo, Origin::Existed)]
        {
            let found = done(result, Some(result == DeliveryResult::AlreadySo));
            let after = after(&before, &attempt(DeliveryOperation::Repair, false, found), before.created_at);
            assert_eq!(after.origin, origin);
        }
    }

    proptest! {
        #[test]
        fn what_may_have_been_given_is_never_forgotten(began_absent: bool, uncertain: bool, held: bool) {
            let state = if held && !began_absent { State::Held } else { State::Giving };
            let before = grant(state, Origin::Given);
            let found = Found::Failed { uncertain };
            let after = after(&before, &attempt(DeliveryOperation::Add, began_absent, found), before.created_at);
            prop_assert_eq!(after.state == State::Absent, began_absent && !uncertain);
            let removal = attempt(DeliveryOperation::Remove, false, Found::Failed { uncertain });
            prop_assert_eq!(super::after(&before, &removal, before.created_at).state, state);
        }
    }
}
