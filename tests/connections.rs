//! Every connection of the schema, found by reading it: pages, limits, and cursors that were tampered with.

use std::collections::BTreeMap;

use async_graphql::parser::types::{FieldDefinition, TypeKind};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};

use crate::role_matrix::{node_types, types};

/// A list: where it hangs, and how a query comes there.
struct List {
    /// `Query`, `Viewer`, or a type with ids.
    parent: String,
    name: String,
    /// The largest page.
    most: i32,
    /// The orders that it takes; one that is empty where it takes none.
    orders: Vec<String>,
    /// What tells its rows apart.
    row: String,
}

impl List {
    /// The query for a page of it, with `$id` of the parent and cursors in `$after` and `$before`.
    fn page(&self, arguments: &str, order: &str) -> String {
        let Self { name, row, parent, .. } = self;
        let list = format!(
            "list: {name}({arguments}{order}) {{ totalCount edges {{ cursor node {{ {row} }} }}
                pageInfo {{ hasNextPage hasPreviousPage startCursor endCursor }} }}"
        );
        let variables = "query($id: ID!, $after: String, $before: String)";
        let rest = "unused: node(id: $id) { __typename }";
        let cursors = "after: $after, before: $before";
        assert!(arguments.contains(cursors), "{arguments}");
        match parent.as_str() {
            "Query" => format!("{variables} {{ {list} {rest} }}"),
            "Viewer" => format!("{variables} {{ at: viewer {{ {list} }} {rest} }}"),
            other => format!("{variables} {{ at: node(id: $id) {{ ... on {other} {{ {list} }} }} }}"),
        }
    }
}

fn of<'a>(data: &'a Value, list: &List) -> &'a Value {
    if list.parent == "Query" { &data["list"] } else { &data["at"]["list"] }
}

fn nodes(page: &Value) -> Vec<Value> {
    page["edges"].as_array().unwrap().iter().map(|edge| edge["node"].clone()).collect()
}

/// The plain fields of a type, and the ids of what it names.
fn row(name: &str) -> String {
    let types = types();
    let with_ids = node_types();
    let TypeKind::Object(object) = &types[name].kind else { panic!("{name} is an object") };
    let mut fields = Vec::new();
    for field in &object.fields {
        let (field, ty) = (&field.node, field.node.ty.node.to_string());
        let named = ty.trim_matches(['[', ']', '!']);
        let plain = match types.get(named).map(|definition| &definition.kind) {
            None | Some(TypeKind::Scalar | TypeKind::Enum(_)) => true,
            Some(_) => false,
        };
        if !field.arguments.is_empty() {
            continue;
        }
        if plain {
            fields.push(field.name.node.to_string());
        } else if with_ids.iter().any(|node| node == named) && !ty.starts_with('[') {
            fields.push(format!("{} {{ id }}", field.name.node));
        }
    }
    fields.join(" ")
}

/// All connections of the schema.
fn lists() -> Vec<List> {
    let types = types();
    let read = |parent: &str, field: &FieldDefinition| {
        let ty = field.ty.node.to_string();
        let row_type = ty.strip_suffix("Connection!")?;
        let describes = |name: &str| {
            let argument = field.arguments.iter().find(|argument| argument.node.name.node == name)?;
            Some(argument.node.description.as_ref()?.node.replace(',', ""))
        };
        let most = describes("first").and_then(|text| {
            text.split_whitespace()
                .filter_map(|word| word.trim_matches(';').parse().ok())
                .find(|most: &i32| *most > 20)
        });
        let by = field.arguments.iter().find(|argument| argument.node.name.node == "orderBy");
        let orders = by.map_or_else(
            || vec![String::new()],
            |by| {
                let order = by.node.ty.node.to_string();
                let fields = format!("{}Field", order.trim_end_matches('!'));
                let TypeKind::Enum(fields) = &types[fields.as_str()].kind else {
                    panic!("{fields} is an enum")
                };
                let fields = fields.values.iter().map(|value| value.node.value.node.to_string());
                fields
                    .flat_map(|field| {
                        ["ASC", "DESC"]
                            .map(|direction| format!(" orderBy: {{field: {field}, direction: {direction}}}"))
                    })
                    .collect()
            },
        );
        Some(List {
            parent: parent.to_owned(),
            name: field.name.node.to_string(),
            most: most
                .unwrap_or_else(|| panic!("{parent}.{} does not tell its largest page", field.name.node)),
            orders,
            row: row(row_type),
        })
    };
    let mut found = Vec::new();
    for (name, definition) in &types {
        let TypeKind::Object(object) = &definition.kind else { continue };
        found.extend(object.fields.iter().filter_map(|field| read(name, &field.node)));
    }
    assert!(found.len() >= 22, "{}", found.len());
    found
}

/// Objects of each type: those that have the most to list are among the first and the last.
fn parents(list: &List, objects: &BTreeMap<String, Vec<String>>) -> Vec<String> {
    match objects.get(&list.parent) {
        None => vec![objects["Organization"][0].clone()],
        Some(ids) if ids.len() <= 3 => ids.clone(),
        Some(ids) => vec![ids[0].clone(), ids[ids.len() / 2].clone(), ids[ids.len() - 1].clone()],
    }
}

/// What a client could make of a cursor.
fn tampered() -> impl Strategy<Value = String> {
    let text = prop_oneof![
        Just("NAME".to_owned()),
        Just("CREATED_AT".to_owned()),
        Just("SUBMITTED_AT".to_owned()),
        Just("AT".to_owned()),
        Just("\u{0}".to_owned()),
        "\\PC{0,6}",
    ];
    let kind = prop_oneof![Just("t"), Just("s"), Just("n"), Just("x")];
    let key = prop_oneof![
        any::<i64>().prop_map(|number| json!(number)),
        prop::sample::select(vec![
            i64::MIN,
            i64::MAX,
            0,
            -1,
            -62_135_596_800_000_001,
            253_402_300_800_000_000,
            8_210_298_412_799_999_999
        ])
        .prop_map(|number| json!(number)),
        any::<f64>().prop_map(|number| json!(number)),
        "\\PC{0,8}".prop_map(|text| json!(text)),
        prop::sample::select(vec!["\u{0}", "", "a\u{0}b", "2026-01-01T00:00:00Z", "'; --", "\u{10ffff}"])
            .prop_map(|text| json!(text)),
        Just(Value::Null),
        Just(json!([])),
        Just(json!(true)),
    ];
    let id = prop_oneof![
        any::<u128>().prop_map(|bits| json!(format!("{bits:032x}"))),
        Just(json!("00000000000000000000000000000000")),
        Just(json!("x")),
        Just(json!(1)),
    ];
    (0u8..3, text, any::<bool>(), kind, key, id).prop_map(|(version, by, descending, kind, key, id)| {
        URL_SAFE_NO_PAD.encode(json!([version.min(1), by, descending, kind, key, id]).to_string())
    })
}

on_both_databases! {
    async fn every_connection_gives_every_row_once_forward_and_backward(server: Server) {
        server.dry_run("alice").await;
        server.tell_something("hana").await;
        server.guest_ended().await;
        server.tokens_of("hana", "contoso", "website").await;
        server.tokens_of("karim", "contoso", "website").await;
        // The webhook that is told of it answers nothing: an attempt of each event.
        server.work().await;
        // The demo has no remote system with accounts of its own.
        server.sql("INSERT INTO remote_account (id, organization_id, system_id, user_id, remote_id, state, origin, version, created_at, updated_at)
            SELECT u.id, u.organization_id, y.id, u.id, u.issuer || u.subject, 'LINKED', 'USER_NAME', 1, u.created_at, u.created_at
            FROM app_user u JOIN remote_system y ON y.organization_id = u.organization_id
            WHERE u.subject IN ('goran', 'hana', 'karim', 'lena')").await;
        let objects = server.everything("alice").await;
        let token = server.token("hana");
        server.ask_with(&token, "{ viewer { roles } }", json!({})).await;
        let mut longest: BTreeMap<String, usize> = BTreeMap::new();
        for list in lists() {
            // The viewer's own lists are seen by somebody who has something to list.
            let who = match (list.parent.as_str(), list.name.as_str()) {
                ("Viewer", "pendingApprovals" | "inbox") => "goran",
                ("Viewer", _) => "hana",
                _ => "alice",
            };
            for id in parents(&list, &objects) {
                for order in &list.orders {
                    let place = format!("{}.{}{order} of {id}", list.parent, list.name);
                    let whole = list.page(&format!("first: {}, after: $after, before: $before", list.most), order);
                    let all = server.ask(who, &whole, json!({ "id": id })).await;
                    let (all, rows) = (of(&all, &list).clone(), nodes(of(&all, &list)));
                    assert_eq!(all["totalCount"], rows.len(), "{place}");
                    assert_eq!(all["pageInfo"]["hasNextPage"], false, "{place}");
                    let named = longest.entry(format!("{}.{}", list.parent, list.name)).or_default();
                    *named = rows.len().max(*named);
                    for size in [1, 2, 7] {
                        let (mut forward, mut after) = (Vec::new(), Value::Null);
                        loop {
                            let query = list.page(&format!("first: {size}, after: $after, before: $before"), order);
                            let data = server.ask(who, &query, json!({ "id": id, "after": after })).await;
                            let page = of(&data, &list);
                            assert_eq!(page["totalCount"], rows.len(), "{place}");
                            assert_eq!(page["pageInfo"]["hasPreviousPage"], !after.is_null(), "{place}");
                            forward.extend(nodes(page));
                            after = page["pageInfo"]["endCursor"].clone();
                            assert_eq!(after, page["edges"].as_array().unwrap().last().map_or(Value::Null, |edge| edge["cursor"].clone()));
                            if page["pageInfo"]["hasNextPage"] == false || forward.len() > rows.len() {
                                break;
                            }
                        }
                        assert_eq!(forward, rows, "{place} by {size}");
                        let (mut backward, mut before) = (Vec::new(), Value::Null);
                        loop {
                            let query = list.page(&format!("last: {size}, after: $after, before: $before"), order);
                            let data = server.ask(who, &query, json!({ "id": id, "before": before })).await;
                            let page = of(&data, &list);
                            backward.splice(0..0, nodes(page));
                            before = page["pageInfo"]["startCursor"].clone();
                            if page["pageInfo"]["hasPreviousPage"] == false || backward.len() > rows.len() {
                                break;
                            }
                        }
                        assert_eq!(backward, rows, "{place} backward by {size}");
                    }
                    // Between two cursors, from either end.
                    if rows.len() >= 4 {
                        let cursor = |at: usize| all["edges"][at]["cursor"].clone();
                        let ends = json!({ "id": id, "after": cursor(0), "before": cursor(rows.len() - 1) });
                        for (size, expected) in [("first: 1", &rows[1..2]), ("last: 1", &rows[rows.len() - 2..rows.len() - 1]), ("first: 20", &rows[1..rows.len() - 1])] {
                            if size == "first: 20" && rows.len() > 22 {
                                continue;
                            }
                            let query = list.page(&format!("{size}, after: $after, before: $before"), order);
                            let data = server.ask(who, &query, ends.clone()).await;
                            assert_eq!(nodes(of(&data, &list)), expected, "{place} {size}");
                        }
                    }
                }
            }
        }
        let short: Vec<&String> = longest.iter().filter(|(_, rows)| **rows == 0).map(|(name, _)| name).collect();
        assert!(short.is_empty(), "nothing was listed in {short:?}: give the story something");
    }

    async fn every_connection_keeps_its_limits(server: Server) {
        server.dry_run("alice").await;
        server.tokens_of("karim", "contoso", "website").await;
        let objects = server.everything("alice").await;
        for list in lists() {
            let id = &parents(&list, &objects)[0];
            let order = &list.orders[0];
            let place = format!("{}.{}", list.parent, list.name);
            let (most, over) = (list.most, list.most + 1);
            for (size, fails) in [
                (format!("first: {most}"), false),
                (format!("last: {most}"), false),
                ("first: 0".to_owned(), false),
                ("last: 0".to_owned(), false),
                (String::new(), false),
                (format!("first: {over}"), true),
                (format!("last: {over}"), true),
                ("first: -1".to_owned(), true),
                ("last: -1".to_owned(), true),
                ("first: -2147483648".to_owned(), true),
                ("first: 2147483647".to_owned(), true),
                ("first: 1, last: 1".to_owned(), true),
            ] {
                let query = list.page(&format!("{size} after: $after, before: $before"), order);
                let expected = if fails { vec!["BAD_USER_INPUT"] } else { Vec::new() };
                assert_eq!(server.errors("alice", &query, json!({ "id": id })).await, expected, "{place} {size}");
            }
            for cursor in ["", "x", "W10", "bnVsbA", "é", "====", &"A".repeat(50_000)] {
                for end in ["after", "before"] {
                    let query = list.page("first: 1, after: $after, before: $before", order);
                    let found = server.errors("alice", &query, json!({ "id": id, end: cursor })).await;
                    assert_eq!(found, ["INVALID_CURSOR"], "{place} {end}: {cursor:.20}");
                }
            }
        }
    }

    async fn a_cursor_that_was_tampered_with_is_invalid_or_a_place(server: Server) {
        let mut runner = TestRunner::deterministic();
        let token = server.token("alice");
        let lists: Vec<List> = lists().into_iter().filter(|list| list.parent == "Query").collect();
        let (mut invalid, mut places) = (0, 0);
        for list in &lists {
            for order in &list.orders {
                let query = list.page("first: 1, after: $after, before: $before", order);
                let id = json!("org_01h455vb4pex5vsknk084sn02q");
                // One that is right, and each letter of it changed.
                let data = server.ask("alice", &query, json!({ "id": id })).await;
                let good = of(&data, list)["pageInfo"]["endCursor"].as_str().unwrap_or("AAAA").to_owned();
                let mut cursors: Vec<String> = (0..good.len())
                    .step_by(3)
                    .map(|at| {
                        let mut letters: Vec<char> = good.chars().collect();
                        letters[at] = if letters[at] == 'A' { 'B' } else { 'A' };
                        letters.into_iter().collect()
                    })
                    .collect();
                // The kind of its key, its order and its direction in its own form.
                if let Ok(Ok(Value::Array(parts))) = URL_SAFE_NO_PAD.decode(&good).map(|bytes| serde_json::from_slice(&bytes)) {
                    for (kind, key) in [("t", json!(0)), ("t", json!(i64::MIN)), ("t", json!(i64::MAX)), ("t", json!(8_210_266_876_799_999_999_i64)),
                        ("t", json!(-8_334_601_228_800_000_000_i64)), ("s", json!("")), ("s", json!("a")), ("n", json!(1)), ("n", json!(i64::MIN))] {
                        let mut parts = parts.clone();
                        (parts[3], parts[4]) = (json!(kind), key);
                        cursors.push(URL_SAFE_NO_PAD.encode(Value::Array(parts).to_string()));
                    }
                }
                cursors.extend((0..24).map(|_| tampered().new_tree(&mut runner).unwrap().current()));
                for cursor in cursors {
                    let answer = server.ask_with(&token, &query, json!({ "id": id, "after": cursor })).await;
                    let errors = answer.json["errors"].as_array().cloned().unwrap_or_default();
                    let codes: Vec<&Value> = errors.iter().map(|error| &error["extensions"]["code"]).collect();
                    let read = || URL_SAFE_NO_PAD.decode(&cursor).map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
                    assert!(codes.is_empty() || codes == ["INVALID_CURSOR"], "{}{order}: {codes:?} for {:?}", list.name, read());
                    if codes.is_empty() { places += 1 } else { invalid += 1 }
                }
            }
        }
        assert!(invalid > 100 && places > 0, "{invalid} invalid, {places} places");
    }
}
