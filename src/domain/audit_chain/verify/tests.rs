use chrono::DateTime;
use entity::audit_event::{self, AuditOutcome};
use proptest::prelude::*;

use super::*;

/// A chain of so many events, sealed as the sealer does.
fn chain(count: i64) -> Vec<Row> {
    let mut previous: Option<String> = None;
    let at = DateTime::from_timestamp(1_790_000_000, 0).unwrap();
    let mut row = |sequence: i64| {
        let id = Uuid::from_u128(u128::try_from(1_000 + sequence).unwrap());
        let mut event = audit_event::Model {
            id,
            organization_id: Uuid::nil(),
            at,
            actor_id: None,
            action: format!("step.{sequence}"),
            outcome: AuditOutcome::Done,
            target_type: None,
            target_id: None,
            request_id: None,
            details: None,
            sequence: Some(sequence),
            sealed_at: Some(at),
            previous_hash: previous.clone(),
            hash: None,
        };
        previous = Some(seal(&mut event));
        Row { sequence, id: Some(id), event: Some(event) }
    };
    (1..=count).map(&mut row).collect()
}

/// Gives an event the hash that fits what it holds.
fn seal(event: &mut audit_event::Model) -> String {
    let place = Place {
        sequence: event.sequence.unwrap(),
        previous: event.previous_hash.as_deref(),
        sealed_at: event.sealed_at.unwrap(),
    };
    let hash = hash(event, &place);
    event.hash = Some(hash.clone());
    hash
}

fn head(rows: &[Row]) -> Option<Head> {
    let last = rows.last()?;
    Some(Head { sequence: last.sequence, hash: last.event.as_ref()?.hash.clone()? })
}

/// What is found in rows whose head is, and is expected to be, that of the whole chain.
fn found(rows: &[Row], head: Option<&Head>, expected: Option<&Head>) -> Vec<(Option<i64>, Fault)> {
    let mut walk = Walk::new(head.cloned(), expected.cloned());
    let mut findings: Vec<Finding> = rows.iter().flat_map(|row| walk.step(row)).collect();
    findings.extend(walk.end(head));
    findings.into_iter().map(|finding| (finding.sequence, finding.fault)).collect()
}

fn event(rows: &mut [Row], at: usize) -> &mut audit_event::Model {
    rows[at].event.as_mut().unwrap()
}

#[test]
fn a_whole_chain_has_no_fault() {
    for count in [0, 1, 2, 9] {
        let rows = chain(count);
        let head = head(&rows);
        assert_eq!(found(&rows, head.as_ref(), head.as_ref()), []);
    }
}

#[test]
fn each_way_to_tamper_is_named_with_its_place() {
    let whole = chain(9);
    let end = head(&whole);
    let check = |change: &dyn Fn(&mut Vec<Row>), expected: &[(i64, Fault)]| {
        let mut rows = whole.clone();
        change(&mut rows);
        let expected: Vec<_> = expected.iter().map(|(at, fault)| (Some(*at), fault.clone())).collect();
        assert_eq!(found(&rows, end.as_ref(), end.as_ref()), expected);
    };
    check(&|rows| event(rows, 3).action.push('x'), &[(4, Fault::Altered)]);
    check(&|rows| event(rows, 0).action.push('x'), &[(1, Fault::Altered)]);
    check(&|rows| event(rows, 8).action.push('x'), &[(9, Fault::Altered)]);
    check(&|rows| event(rows, 3).hash = Some("0".repeat(64)), &[(4, Fault::Altered)]);
    check(&|rows| event(rows, 3).previous_hash = None, &[(4, Fault::Altered)]);
    check(&|rows| event(rows, 3).sealed_at = None, &[(4, Fault::Altered)]);
    check(&|rows| rows[3].event = None, &[(4, Fault::Unreadable)]);
    // Sealed anew: what follows names it.
    check(
        &|rows| {
            event(rows, 3).action.push('x');
            seal(event(rows, 3));
        },
        &[(4, Fault::Replaced { by: 5 })],
    );
    check(
        &|rows| {
            event(rows, 8).action.push('x');
            seal(event(rows, 8));
        },
        &[(9, Fault::OtherHead), (9, Fault::Unexpected)],
    );
    check(&|rows| drop(rows.remove(3)), &[(4, Fault::Missing { to: 4 })]);
    check(&|rows| drop(rows.drain(0..3)), &[(1, Fault::Missing { to: 3 })]);
    check(&|rows| drop(rows.drain(6..)), &[(9, Fault::Cut { at: 6 }), (9, Fault::Unexpected)]);
    check(&|rows| rows.clear(), &[(9, Fault::Cut { at: 0 }), (9, Fault::Unexpected)]);
    // Two change places: their numbers, or their numbers and hashes.
    check(
        &|rows| {
            let (third, fourth) = (event(rows, 2).clone(), event(rows, 3).clone());
            for (at, from) in [(2, fourth), (3, third)] {
                let place = (event(rows, at).previous_hash.clone(), event(rows, at).hash.clone());
                *event(rows, at) = audit_event::Model { previous_hash: place.0, hash: place.1, ..from };
            }
        },
        &[(3, Fault::Altered), (4, Fault::Altered)],
    );
    check(
        &|rows| {
            let third = rows[2].event.clone();
            rows[2].event = rows[3].event.clone();
            rows[3].event = third;
        },
        &[(3, Fault::Altered), (4, Fault::Altered)],
    );
    for sequence in [0, -1, 4] {
        check(
            &|rows| {
                let at = rows.iter().position(|row| row.sequence > sequence).unwrap();
                let twin = Row { sequence, ..rows[at].clone() };
                rows.insert(at, twin);
            },
            &[(sequence, Fault::Inserted)],
        );
    }
    check(
        &|rows| {
            let mut next = event(rows, 8).clone();
            (next.sequence, next.previous_hash) = (Some(10), next.hash.take());
            seal(&mut next);
            rows.push(Row { sequence: 10, id: Some(next.id), event: Some(next) });
        },
        &[(10, Fault::BehindHead)],
    );
}

#[test]
fn a_chain_that_was_written_anew_shows_by_what_was_expected_only() {
    let whole = chain(9);
    let mut rows = whole.clone();
    event(&mut rows, 4).action.push('x');
    for at in 4..9 {
        let previous = event(&mut rows, at - 1).hash.clone();
        event(&mut rows, at).previous_hash = previous;
        seal(event(&mut rows, at));
    }
    let own = head(&rows);
    assert_eq!(found(&rows, own.as_ref(), None), []);
    assert_eq!(found(&rows, own.as_ref(), head(&whole).as_ref()), [(Some(9), Fault::Unexpected)]);
    // What was kept from before the change still holds.
    assert_eq!(found(&rows, own.as_ref(), head(&whole[..4]).as_ref()), []);
    // Cut, with the head that fits.
    let cut = &whole[..6];
    assert_eq!(found(cut, head(cut).as_ref(), None), []);
    assert_eq!(found(cut, head(cut).as_ref(), head(&whole).as_ref()), [(Some(9), Fault::Unexpected)]);
    // And without any head.
    assert_eq!(found(cut, None, None), [(Some(6), Fault::BehindHead)]);
}

#[test]
fn what_was_sealed_late_is_counted() {
    let mut rows = chain(3);
    event(&mut rows, 2).at -= BOUND + TimeDelta::microseconds(1);
    seal(event(&mut rows, 2));
    let mut walk = Walk::new(None, None);
    assert!(rows.iter().all(|row| walk.step(row).is_empty()));
    assert_eq!((walk.late, walk.events), (1, 3));
}

proptest! {
    /// Whatever is done to one row, removed, doubled, moved or changed: something is found.
    #[test]
    fn one_row_that_is_not_as_it_was_is_found(count in 2i64..12, at: prop::sample::Index, to: prop::sample::Index, how in 0..4) {
        let whole = chain(count);
        let end = head(&whole);
        let mut rows = whole.clone();
        let at = at.index(rows.len());
        let row = rows.remove(at);
        match how {
            0 => {}
            1 => rows.splice(at..at, [row.clone(), row]).for_each(drop),
            2 => {
                let to = to.index(rows.len() + 1);
                prop_assume!(to != at);
                rows.insert(to, row);
            }
            _ => {
                let mut row = row;
                row.event.as_mut().unwrap().target_type = Some(String::new());
                rows.insert(at, row);
            }
        }
        prop_assert!(!found(&rows, end.as_ref(), None).is_empty());
    }
}
