use proptest::prelude::*;

use super::*;

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000 + seconds, 0).unwrap()
}

fn facts() -> impl Strategy<Value = Facts> {
    let end = prop_oneof![Just(None), Just(Some(GuestEnd::Blocked)), Just(Some(GuestEnd::Removed))];
    (any::<bool>(), end, 0..1_000_i64, any::<bool>(), 0..1_000_i64).prop_map(
        |(active, end, end_at, needed, last)| Facts {
            state: if active { UserState::Active } else { UserState::Deactivated },
            end,
            end_at: end.map(|_| at(end_at)),
            needed,
            last: at(last),
        },
    )
}

fn times() -> impl Strategy<Value = Times> {
    (1..500_i64, 1..500_i64).prop_map(|(block, remove)| Times {
        block_after: TimeDelta::seconds(block),
        remove_after: TimeDelta::seconds(remove),
    })
}

/// A guest as the worker leaves them.
fn step(mut facts: Facts, times: Times, now: DateTime<Utc>) -> (Facts, Option<Due>) {
    let due = judge(&facts, times, now);
    match due {
        Some(Due::Block(_)) => {
            facts.state = UserState::Deactivated;
            (facts.end, facts.end_at) = (Some(GuestEnd::Blocked), Some(now));
        }
        Some(Due::Remove(_)) => (facts.end, facts.end_at) = (Some(GuestEnd::Removed), Some(now)),
        None => {}
    }
    (facts, due)
}

proptest! {
    #[test]
    fn nobody_who_is_needed_ends(facts in facts(), times in times(), now in 0..5_000_i64) {
        let needed = Facts { needed: true, ..facts };
        prop_assert_eq!(judge(&needed, times, at(now)), None);
    }

    #[test]
    fn only_the_active_are_blocked_and_only_the_blocked_are_removed(
        facts in facts(), times in times(), now in 0..5_000_i64,
    ) {
        match judge(&facts, times, at(now)) {
            Some(Due::Block(since)) => {
                prop_assert_eq!((facts.state, facts.end), (UserState::Active, None));
                prop_assert!(since == facts.last && at(now) > since + times.block_after);
            }
            Some(Due::Remove(since)) => {
                prop_assert_eq!((facts.state, facts.end), (UserState::Deactivated, Some(GuestEnd::Blocked)));
                prop_assert!(Some(since) == facts.end_at && at(now) > since + times.remove_after);
            }
            None => {}
        }
    }

    #[test]
    fn what_is_due_stays_due_as_time_goes_on(facts in facts(), times in times(), now in 0..5_000_i64, later in 0..5_000_i64) {
        if let Some(due) = judge(&facts, times, at(now)) {
            prop_assert_eq!(judge(&facts, times, at(now + later)), Some(due));
        }
    }

    /// Whenever the worker looks, a guest is blocked after the first time and removed after the second, each once.
    #[test]
    fn the_two_times_follow_one_another(times in times(), last in 0..1_000_i64, mut looks in prop::collection::vec(0..5_000_i64, 1..40)) {
        looks.sort_unstable();
        let mut facts = Facts { state: UserState::Active, end: None, end_at: None, needed: false, last: at(last) };
        let mut steps = Vec::new();
        for now in looks {
            let (after, due) = step(facts, times, at(now));
            steps.extend(due.map(|due| (due, at(now))));
            facts = after;
        }
        prop_assert!(steps.len() <= 2);
        if let Some((Due::Block(since), blocked)) = steps.first() {
            prop_assert!(*since == at(last) && *blocked > at(last) + times.block_after);
        }
        if let Some((Due::Remove(since), removed)) = steps.get(1) {
            prop_assert!(*since == steps[0].1 && *removed > *since + times.remove_after);
        }
        prop_assert!(steps.iter().enumerate().all(|(place, (due, _))| matches!((place, due), (0, Due::Block(_)) | (1, Due::Remove(_)))));
    }

    /// Something asked for or held in time starts the clock anew.
    #[test]
    fn something_in_time_keeps_a_guest(times in times(), last in 0..1_000_i64) {
        let mut facts = Facts { state: UserState::Active, end: None, end_at: None, needed: false, last: at(last) };
        let end = at(last) + times.block_after;
        prop_assert_eq!(judge(&facts, times, end), None, "the last instant is part of it");
        let after = end + TimeDelta::microseconds(1);
        prop_assert_eq!(judge(&facts, times, after), Some(Due::Block(at(last))));
        facts.last = end;
        prop_assert_eq!(judge(&facts, times, after), None);
    }
}
