//! What begins, and what does not, of what one person asked for.

use proptest::prelude::*;

use super::*;

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000 + seconds, 0).unwrap()
}

/// A request for the package with this number, made at this time, whose access begins by this.
fn asked(package: u128, made: i64) -> InLine {
    InLine {
        made: (at(made), Uuid::from_u128(package + 200)),
        person: Uuid::nil(),
        package: Uuid::from_u128(package),
        begins: true,
    }
}

/// What stands beside a package: another one, in this state.
fn beside(package: u128, other: u128, made: i64, state: AssignmentState) -> Beside {
    Beside {
        person: Uuid::nil(),
        package: Uuid::from_u128(package),
        state: Some(state),
        made: (at(made), Uuid::from_u128(other + 200)),
        package_name: String::new(),
    }
}

fn names(excluded: &HashMap<Uuid, Vec<&Beside>>) -> Vec<u128> {
    let mut names: Vec<u128> = excluded.keys().map(|id| id.as_u128() - 200).collect();
    names.sort_unstable();
    names
}

#[test]
fn what_was_asked_for_first_starts() {
    let (one, two) = (asked(1, 10), asked(2, 20));
    let scheduled = AssignmentState::Scheduled;
    let each_other = [beside(1, 2, 20, scheduled), beside(2, 1, 10, scheduled)];
    assert_eq!(names(&excluded(&[one, two], &each_other)), [2]);
    assert_eq!(names(&excluded(&[two, one], &each_other)), [2]);
    // At the same instant the ids, which are made one after the other, tell.
    let (one, two) = (asked(1, 20), asked(2, 20));
    let each_other = [beside(1, 2, 20, scheduled), beside(2, 1, 20, scheduled)];
    assert_eq!(names(&excluded(&[two, one], &each_other)), [2]);
}

#[test]
fn what_is_held_stands_against_all_and_what_comes_later_against_what_was_asked_for_after_it() {
    let one = [asked(1, 10)];
    for state in [AssignmentState::Delivering, AssignmentState::Delivered, AssignmentState::Revoking] {
        assert_eq!(names(&excluded(&one, &[beside(1, 9, 50, state)])), [1]);
    }
    assert_eq!(names(&excluded(&one, &[beside(1, 9, 50, AssignmentState::Scheduled)])), [0; 0]);
    assert_eq!(names(&excluded(&one, &[beside(1, 9, 5, AssignmentState::Scheduled)])), [1]);
    // What stands against another package, or somebody else, does not.
    let other = Beside { person: Uuid::from_u128(7), ..beside(1, 9, 5, AssignmentState::Delivered) };
    assert_eq!(names(&excluded(&one, &[beside(3, 9, 5, AssignmentState::Delivered), other])), [0; 0]);
}

#[test]
fn what_goes_on_to_its_next_stage_stands_in_nobodys_way_and_gives_way_itself() {
    let (one, two) = (asked(1, 10), asked(2, 20));
    let asked_for = |package, other, made| Beside {
        state: None,
        ..beside(package, other, made, AssignmentState::Scheduled)
    };
    let each_other = [asked_for(1, 2, 20), asked_for(2, 1, 10)];
    assert_eq!(names(&excluded(&[one, two], &each_other)), [2]);
    assert_eq!(names(&excluded(&[InLine { begins: false, ..one }, two], &each_other)), [0; 0]);
    assert_eq!(names(&excluded(&[one, InLine { begins: false, ..two }], &each_other)), [2]);
    // In one direction it is the order that tells.
    assert_eq!(names(&excluded(&[one, two], &each_other[..1])), [0; 0]);
    assert_eq!(names(&excluded(&[one, two], &each_other[1..])), [2]);
}

proptest! {
    #[test]
    fn of_those_that_exclude_one_another_as_many_start_as_fit_in_their_line(
        made in proptest::collection::vec(0_i64..5, 2..7),
        pairs in proptest::collection::vec((0_usize..7, 0_usize..7), 0..14),
        turn in 0_usize..7,
    ) {
        let all: Vec<InLine> = (0_u128..).zip(&made).map(|(package, made)| asked(package, *made)).collect();
        let pairs: Vec<(usize, usize)> =
            pairs.into_iter().filter(|(one, other)| one != other && (*one).max(*other) < made.len()).collect();
        let beside: Vec<Beside> = pairs.iter().flat_map(|(one, other)| [(*one, *other), (*other, *one)])
            .map(|(one, other)| beside(one as u128, other as u128, made[other], AssignmentState::Scheduled)).collect();
        let refused = names(&excluded(&all, &beside));
        let mut turned = all.clone();
        turned.rotate_left(turn % all.len());
        prop_assert_eq!(&refused, &names(&excluded(&turned, &beside)), "the order does not matter");
        let starts = |package: usize| !refused.contains(&(package as u128));
        for (one, other) in &pairs {
            prop_assert!(!(starts(*one) && starts(*other)), "{one} and {other} exclude each other");
        }
        for package in (0..made.len()).filter(|package| !starts(*package)) {
            let earlier = |other: usize| (made[other], other) < (made[package], package);
            let because = pairs.iter().any(|(one, other)| {
                (*one == package && starts(*other) && earlier(*other)) || (*other == package && starts(*one) && earlier(*one))
            });
            prop_assert!(because, "{package} is refused only for one that starts and was asked for before");
        }
    }
}
