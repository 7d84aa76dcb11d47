//! The state machine, walked at random.

use proptest::prelude::*;

use super::*;

const STATES: [State; 9] = [
    State::Submitted,
    State::PendingApproval,
    State::Scheduled,
    State::Delivering,
    State::Delivered,
    State::PartiallyDelivered,
    State::DeliveryFailed,
    State::Denied,
    State::Canceled,
];
const STEPS: [Step; 10] = [
    Step::AskApproval,
    Step::Schedule,
    Step::Deliver,
    Step::Deny,
    Step::Cancel,
    Step::EndAssignment,
    Step::Complete(Outcome::All),
    Step::Complete(Outcome::Some),
    Step::Complete(Outcome::None),
    Step::Reprocess,
];

#[test]
fn every_way_between_two_states_is_one_of_these() {
    let mut ways: Vec<String> = Vec::new();
    for from in STATES {
        for step in STEPS {
            if let Ok(to) = next(from, step) {
                ways.push(format!("{from:?} {step:?} {to:?}"));
            }
        }
    }
    let expected = [
        "Submitted AskApproval PendingApproval",
        "Submitted Schedule Scheduled",
        "Submitted Deliver Delivering",
        "Submitted Cancel Canceled",
        "PendingApproval Schedule Scheduled",
        "PendingApproval Deliver Delivering",
        "PendingApproval Deny Denied",
        "PendingApproval Cancel Canceled",
        "Scheduled Deliver Delivering",
        "Scheduled Cancel Canceled",
        "Scheduled EndAssignment Canceled",
        "Delivering EndAssignment Canceled",
        "Delivering Complete(All) Delivered",
        "Delivering Complete(Some) PartiallyDelivered",
        "Delivering Complete(None) DeliveryFailed",
        "PartiallyDelivered Cancel Canceled",
        "PartiallyDelivered EndAssignment Canceled",
        "PartiallyDelivered Reprocess Delivering",
        "DeliveryFailed Cancel Canceled",
        "DeliveryFailed EndAssignment Canceled",
        "DeliveryFailed Reprocess Delivering",
    ];
    assert_eq!(ways, expected);
}

proptest! {
    /// Delivered, denied and canceled are the end; nothing is delivered that was not started.
    #[test]
    fn no_walk_leaves_an_end_or_skips_the_delivery(steps in prop::collection::vec(0..STEPS.len(), 0..60)) {
        let mut state = State::Submitted;
        let mut started = false;
        for step in steps {
            let Ok(after) = next(state, STEPS[step]) else { continue };
            prop_assert!(!matches!(state, State::Delivered | State::Denied | State::Canceled));
            started |= after == State::Delivering;
            if matches!(after, State::Delivered | State::PartiallyDelivered | State::DeliveryFailed) {
                prop_assert!(started);
                prop_assert!(is_completed(after));
            }
            state = after;
        }
    }

    /// An assignment that was made and not delivered takes its request with it, wherever that stands.
    #[test]
    fn the_end_of_an_assignment_cancels_what_was_not_delivered(steps in prop::collection::vec(0..STEPS.len(), 0..60)) {
        let (mut state, mut assigned) = (State::Submitted, false);
        for step in steps {
            let Ok(after) = next(state, STEPS[step]) else { continue };
            assigned |= matches!(after, State::Scheduled | State::Delivering);
            state = after;
            let ended = next(state, Step::EndAssignment).ok();
            let over = matches!(state, State::Delivered | State::Denied | State::Canceled);
            prop_assert_eq!(ended, (assigned && !over).then_some(State::Canceled), "{:?}", state);
        }
    }

    #[test]
    fn the_outcome_is_all_exactly_when_nothing_failed(succeeded in 0u64..5, failed in 0u64..5) {
        let outcome = Outcome::of(succeeded, failed);
        prop_assert_eq!(outcome == Outcome::All, failed == 0);
        prop_assert_eq!(outcome == Outcome::None, failed > 0 && succeeded == 0);
    }
}
