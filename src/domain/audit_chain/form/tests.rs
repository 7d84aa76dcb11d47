use proptest::prelude::*;
use serde_json::json;

use super::*;

fn event() -> audit_event::Model {
    audit_event::Model {
        id: Uuid::from_u128(1),
        organization_id: Uuid::from_u128(2),
        at: DateTime::from_timestamp(1_790_000_000, 250_000).unwrap(),
        actor_id: Some(Uuid::from_u128(3)),
        action: "catalog.updated".to_owned(),
        outcome: AuditOutcome::Done,
        target_type: Some("cat".to_owned()),
        target_id: Some(Uuid::from_u128(4)),
        request_id: Some(Uuid::from_u128(5)),
        details: Some(json!({ "after": { "b": [1, "ü\n\u{1f}\"/"], "a": null }, "Before": {} })),
        sequence: None,
        sealed_at: None,
        previous_hash: None,
        hash: None,
    }
}

fn place(previous: Option<&str>) -> Place<'_> {
    Place { sequence: 7, previous, sealed_at: DateTime::from_timestamp(1_790_000_001, 0).unwrap() }
}

/// The form of version 1, to the byte: it never changes.
#[test]
fn the_form_is_what_the_documentation_says() {
    let form = canonical(&Value::Object(object(&event(), &place(Some("ab")))));
    assert_eq!(
        form,
        concat!(
            r#"{"action":"catalog.updated","actorId":"usr_00000000000000000000000003","at":"2026-09-21T14:13:20.000250Z","#,
            r#""details":{"Before":{},"after":{"a":null,"b":[1,"ü\n\u001f\"/"]}},"form":"guichet-audit-1","#,
            r#""id":"evt_00000000000000000000000001","organizationId":"org_00000000000000000000000002","outcome":"DONE","#,
            r#""previousHash":"ab","requestId":"00000000-0000-0000-0000-000000000005","sealedAt":"2026-09-21T14:13:21.000000Z","#,
            r#""sequence":7,"targetId":"cat_00000000000000000000000004"}"#,
        )
    );
    assert_eq!(
        hash(&event(), &place(Some("ab"))),
        "f50804193b18bbbd9767dacfedabb9c0f4fdef55b8c1e1d92794c9d05bde153b"
    );
    let bare = audit_event::Model {
        actor_id: None,
        target_type: None,
        target_id: None,
        request_id: None,
        details: None,
        ..event()
    };
    let form = canonical(&Value::Object(object(&bare, &place(None))));
    for name in ["actorId", "targetId", "requestId", "details", "previousHash"] {
        assert!(!form.contains(name), "{name}: {form}");
    }
    assert!(include_str!("../../../../docs/audit.md").contains(VERSION));
}

/// Few values, so that two events that differ in one of them come often.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        Just(String::new()),
        Just("\"".to_owned()),
        Just("cat".to_owned()),
        "[a-z\":{}\\[\\],\\\\\u{0}ü]{0,6}"
    ]
}

fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        prop_oneof![-2i64..3, any::<i64>()].prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        text().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::btree_map(text(), inner, 0..3)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

prop_compose! {
    fn any_event()(
        ids in (0u128..2, 0u128..2), optional in (prop::option::of(0u128..2), prop::option::of(0u128..2), prop::option::of(0u128..2)),
        at in 0i64..3, action in text(), done: bool, target_type in prop::option::of(text()), details in prop::option::of(json()),
        sequence in 1i64..3, previous in prop::option::of(text()), sealed_at in 0i64..3,
    ) -> audit_event::Model {
        let time = |nanos| DateTime::from_timestamp_nanos(nanos * 500);
        audit_event::Model {
            id: Uuid::from_u128(ids.0),
            organization_id: Uuid::from_u128(ids.1),
            at: time(at),
            actor_id: optional.0.map(Uuid::from_u128),
            action,
            outcome: if done { AuditOutcome::Done } else { AuditOutcome::Refused },
            target_type,
            target_id: optional.1.map(Uuid::from_u128),
            request_id: optional.2.map(Uuid::from_u128),
            details,
            sequence: Some(sequence),
            sealed_at: Some(time(sealed_at)),
            previous_hash: previous,
            hash: None,
        }
    }
}

fn form(event: &audit_event::Model) -> String {
    let place = Place {
        sequence: event.sequence.unwrap(),
        previous: event.previous_hash.as_deref(),
        sealed_at: event.sealed_at.unwrap(),
    };
    canonical(&Value::Object(object(event, &place)))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn different_events_never_have_the_same_form(one in any_event(), other in any_event()) {
        prop_assert_eq!(form(&one) == form(&other), one == other, "{} {}", form(&one), form(&other));
    }

    /// The same for two that differ in one column alone.
    #[test]
    fn every_column_is_part_of_the_form(one in any_event(), other in any_event()) {
        let changed = [
            audit_event::Model { id: other.id, ..one.clone() },
            audit_event::Model { organization_id: other.organization_id, ..one.clone() },
            audit_event::Model { at: other.at, ..one.clone() },
            audit_event::Model { actor_id: other.actor_id, ..one.clone() },
            audit_event::Model { action: other.action, ..one.clone() },
            audit_event::Model { outcome: other.outcome, ..one.clone() },
            audit_event::Model { target_type: other.target_type, ..one.clone() },
            audit_event::Model { target_id: other.target_id, ..one.clone() },
            audit_event::Model { request_id: other.request_id, ..one.clone() },
            audit_event::Model { details: other.details, ..one.clone() },
            audit_event::Model { sequence: other.sequence, ..one.clone() },
            audit_event::Model { sealed_at: other.sealed_at, ..one.clone() },
            audit_event::Model { previous_hash: other.previous_hash, ..one.clone() },
        ];
        for changed in changed {
            prop_assert_eq!(form(&one) == form(&changed), one == changed);
        }
    }

    /// Whatever text of the same JSON a database keeps.
    #[test]
    fn the_form_of_a_value_is_that_of_every_text_of_it(value in json()) {
        let text = canonical(&value);
        let compact: Value = serde_json::from_str(&text).unwrap();
        let pretty: Value = serde_json::from_str(&serde_json::to_string_pretty(&value).unwrap()).unwrap();
        prop_assert_eq!(canonical(&compact), &text[..]);
        prop_assert_eq!(canonical(&pretty), text);
    }
}
