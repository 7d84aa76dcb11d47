//! What no client can do: end the server, hang it, or make it fail at an odd value.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use async_graphql::Value as Literal;
use async_graphql::parser::parse_query;
use async_graphql::parser::types::{InputObjectType, Selection, Type, TypeKind};
use guichet::http::scan;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::harness::{Answer, Server};
use crate::role_matrix::{mutation, samples, types};

/// The longest that any refusal of a document may take, on a machine that does other things, too.
const SOON: Duration = Duration::from_secs(5);

/// What a server can say to a bad call; all else would be its own failure.
const ANSWERS: [&str; 6] = [
    "BAD_USER_INPUT",
    "FORBIDDEN",
    "GRAPHQL_PARSE_FAILED",
    "GRAPHQL_VALIDATION_FAILED",
    "INVALID_CURSOR",
    "QUERY_TOO_COMPLEX",
];

impl Server {
    async fn quick(&self, token: &str, query: &str) -> Answer {
        let begin = Instant::now();
        let answer = tokio::time::timeout(SOON * 4, self.ask_with(token, query, json!({}))).await;
        let answer = answer.unwrap_or_else(|_| panic!("no answer: {query:.200}"));
        assert!(begin.elapsed() < SOON, "{:?}: {:.200}", begin.elapsed(), query);
        answer
    }
}

/// Fails unless the answer is data, or one of the refusals that a client can cause.
fn is_an_answer(answer: &Answer, what: impl Fn() -> String) {
    assert!(matches!(answer.status, 200 | 400 | 413), "{}: {}", what(), answer.json);
    for error in answer.json["errors"].as_array().map(Vec::as_slice).unwrap_or_default() {
        let code = error["extensions"]["code"].as_str().unwrap_or("none");
        assert!(ANSWERS.contains(&code), "{}: {error}", what());
    }
}

/// The deepest list or object literal of a document's first arguments.
fn deepest(text: &str) -> usize {
    fn depth(value: &Literal) -> usize {
        match value {
            Literal::List(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
            Literal::Object(fields) => 1 + fields.values().map(depth).max().unwrap_or(0),
            _ => 0,
        }
    }
    let Ok(document) = parse_query(text) else { return 0 };
    let mut most = 0;
    for (_, operation) in document.operations.iter() {
        for selection in &operation.node.selection_set.node.items {
            let Selection::Field(field) = &selection.node else { continue };
            for (_, value) in &field.node.arguments {
                let value = value.node.clone().into_const_with::<()>(|_| Ok(Literal::Null)).unwrap();
                most = most.max(depth(&value));
            }
        }
    }
    most
}

#[test]
fn what_the_parser_would_nest_the_scan_has_counted() {
    // An unclosed block string is read by the parser as an empty string and the begin of another one.
    let deep = format!("{{ a(x: [\"\"\"b\" {}{}]) }}", "[".repeat(80), "]".repeat(80));
    assert!(deepest(&deep) > scan::DEEPEST, "the parser reads what is no document");
    assert!(scan::document(&deep, 2_000).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    /// Whatever stands around deep brackets: where the parser goes down, the scan has said no before.
    #[test]
    fn nothing_hides_brackets_from_the_scan(
        before in prop::collection::vec(prop::sample::select(vec![
            "\"\"\"", "\"\"", "\"", "\\\"", "\\\"\"\"", "\\\\", "\\", "#", "\n", "\r", " ", ",", "a", "1", "-", ".5", "é",
            "\u{feff}", "[]", "{a:1}", "\\u0041", "$a", "true",
        ]), 0..8),
        after in prop::collection::vec(prop::sample::select(vec!["\"\"\"", "\"", "\n", " ", "#", "a", "\\\"\"\""]), 0..4),
    ) {
        let (open, close) = ("[".repeat(66), "]".repeat(66));
        let text = format!("{{ a(x: [{}{open}{close}{}\n]) }}", before.concat(), after.concat());
        if deepest(&text) > scan::DEEPEST {
            prop_assert!(scan::document(&text, 2_000).is_err(), "{:?}", text);
        }
    }
}

on_both_databases! {
    async fn a_string_without_an_end_does_not_end_the_server(server: Server) {
        let token = server.token("alice");
        for depth in [100, 1_500, 2_000, 5_000, 10_000, 20_000] {
            let (open, close) = ("[".repeat(depth), "]".repeat(depth));
            for begin in ["\"\"\"a\"", "\"\"\"\\\"\"\" \"", "\"\"\"\"\"\"\"\"", "\"\" \"\"\"a\"", "#\"\"\"\n\"\"\"a\""] {
                let answer = server.quick(&token, &format!("{{ node(id: [{begin} {open}{close}]) {{ id }} }}")).await;
                is_an_answer(&answer, || format!("{begin} {depth}"));
                assert!(!answer.json["errors"].is_null(), "{begin} {depth}: {}", answer.json);
            }
        }
        assert_eq!(server.quick(&token, "{ viewer { roles } }").await.status, 200);
    }

    /// Also where no operation uses them: the checks of a document must not follow them either.
    async fn documents_that_multiply_are_answered_soon(server: Server) {
        let token = server.token("alice");
        let chain = |length: usize, times: usize, end: &str| {
            let mut text = String::new();
            for at in 0..length {
                text += &format!("fragment f{at} on Query {{ {} }} ", format!("...f{} ", at + 1).repeat(times));
            }
            format!("{text} fragment f{length} on Query {{ {end} }}")
        };
        let mut documents = vec![
            format!("{{ viewer {{ roles }} }} {}", chain(31, 3, "__typename")),
            format!("query A {{ viewer {{ roles }} }} query B {{ ...f0 }} {}", chain(31, 3, "__typename")),
            format!("{{ ...f0 }} {}", chain(60, 1, "__typename")),
            format!("{{ {} }}", "viewer { roles } ".repeat(390)),
            format!("{{ {} }}", (0..600).map(|at| format!("a{at}: __typename ")).collect::<String>()),
            format!("{{ viewer {{ roles {} }} }}", "@include(if: true) ".repeat(240)),
            format!("query({}) {{ viewer {{ roles }} }}", (0..450).map(|at| format!("$a{at}: Int ")).collect::<String>()),
            (0..250).map(|at| format!("query q{at} {{ viewer {{ roles }} }} ")).collect(),
            format!("{{ {} }}", "... on Query { ".repeat(60) + "__typename" + &" }".repeat(60)),
            format!("{{ {} }}", (0..300).map(|at| format!("viewer {{ a{at}: roles }} ")).collect::<String>()),
            "fragment f on Query { __typename }".to_owned(),
            "{ ...f } fragment f on Query { ...g } fragment g on Query { ...f }".to_owned(),
            "{ viewer { roles } } fragment f on Query { ...g } fragment g on Query { ...f }".to_owned(),
            "{ ...f } fragment f on Query { viewer { roles } ...f }".to_owned(),
        ];
        let around = "{ ".repeat(62);
        documents.push(format!("query {around}"));
        for document in documents {
            let answer = server.quick(&token, &document).await;
            is_an_answer(&answer, || format!("{document:.120}"));
        }
        assert_eq!(server.quick(&token, "{ viewer { roles } }").await.status, 200);
    }

    async fn odd_values_in_changes_are_refused_and_never_break_the_server(server: Server) {
        let mut own = BTreeMap::new();
        server.dry_run("alice").await;
        for ids in server.everything("alice").await.values() {
            own.insert(ids[0].split_once('_').unwrap().0.to_owned(), ids[0].clone());
        }
        let token = server.token("alice");
        let types = types();
        let input_of = |name: &str| match types.get(name).map(|definition| &definition.kind) {
            Some(TypeKind::InputObject(input)) => Some(input.clone()),
            _ => None,
        };
        let mut sent = 0;
        for (name, mut sample) in samples() {
            fill(&mut sample, &own);
            let input = input_of(&format!("{}{}Input", name[..1].to_uppercase(), &name[1..])).unwrap();
            let mut leaves = Vec::new();
            collect(&input, &input_of, &mut Vec::new(), &mut leaves);
            for (path, ty) in leaves {
                for odd in odd_values(&ty) {
                    let mut changed = sample.clone();
                    put(&mut changed, &path, odd.clone());
                    let answer = server.ask_with(&token, &mutation(name), json!({ "input": changed })).await;
                    is_an_answer(&answer, || format!("{name} {path:?} = {:.80}", odd.to_string()));
                    sent += 1;
                }
            }
        }
        assert!(sent > 500, "{sent}");
        server.work().await;
        // Whatever was taken can be read.
        server.everything("alice").await;
    }

    async fn odd_values_in_conditions_are_refused_and_never_break_the_server(server: Server) {
        let token = server.token("alice");
        let types = types();
        let mut sent = 0;
        for (list, filter) in [("accessPackages", "AccessPackageFilter"), ("accessRequests", "AccessRequestFilter"),
            ("assignments", "AssignmentFilter"), ("auditEvents", "AuditEventFilter"), ("catalogs", "CatalogFilter"),
            ("users", "UserFilter")] {
            let TypeKind::InputObject(input) = &types[filter].kind else { panic!("{filter} is an input") };
            for field in &input.fields {
                let (name, ty) = (&field.node.name.node, &field.node.ty.node);
                let query = format!("query($filter: {filter}) {{ {list}(filter: $filter, first: 1) {{ totalCount nodes {{ id }} }} }}");
                for odd in odd_values(ty) {
                    let variables = json!({ "filter": { name.as_str(): odd } });
                    let answer = server.ask_with(&token, &query, variables).await;
                    is_an_answer(&answer, || format!("{list} {name} = {:.80}", odd.to_string()));
                    sent += 1;
                }
                // An explicit null is an error, as a literal and in a variable.
                for (query, variables) in [
                    (query.clone(), json!({ "filter": { name.as_str(): null } })),
                    (format!("{{ {list}(filter: {{{name}: null}}) {{ totalCount }} }}"), json!({})),
                    (format!("query($x: {ty}) {{ {list}(filter: {{{name}: $x}}) {{ totalCount }} }}"), json!({ "x": null })),
                ] {
                    let answer = server.ask_with(&token, &query, variables).await;
                    assert_eq!(answer.json["errors"][0]["extensions"]["code"], "BAD_USER_INPUT", "{query}: {}", answer.json);
                }
            }
        }
        assert!(sent > 100, "{sent}");
        for query in ["query($x: [ID!]!) { nodes(ids: $x) { id } }", "query($x: [ID!]) { accessRequests(filter: {requestor: $x}) { totalCount } }"] {
            for ids in [vec![""; 101], vec!["usr_01h455vb4pex5vsknk084sn02q"; 5_000]] {
                let answer = server.ask_with(&token, query, json!({ "x": ids })).await;
                is_an_answer(&answer, || query.to_owned());
                assert_eq!(answer.json["errors"].is_null(), !query.contains("nodes("), "{}", answer.json);
            }
        }
    }
}

/// Puts real ids in the places of a sample.
fn fill(value: &mut Value, own: &BTreeMap<String, String>) {
    match value {
        Value::String(text) if text.ends_with("_x") => {
            if let Some(id) = own.get(text.trim_end_matches("_x")) {
                text.clone_from(id);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| fill(item, own)),
        Value::Object(fields) => fields.values_mut().for_each(|field| fill(field, own)),
        _ => {}
    }
}

/// The leaves of an input, each with its path and type.
fn collect(
    input: &InputObjectType,
    input_of: &impl Fn(&str) -> Option<InputObjectType>,
    path: &mut Vec<String>,
    leaves: &mut Vec<(Vec<String>, Type)>,
) {
    for field in &input.fields {
        path.push(field.node.name.node.to_string());
        let ty = &field.node.ty.node;
        match input_of(ty.to_string().trim_end_matches('!')) {
            Some(inner) => collect(&inner, input_of, path, leaves),
            None => leaves.push((path.clone(), ty.clone())),
        }
        path.pop();
    }
}

/// Puts a value at a path. A choice (`@oneOf`) keeps this one alone.
fn put(value: &mut Value, path: &[String], new: Value) {
    let Some((first, rest)) = path.split_first() else {
        *value = new;
        return;
    };
    if !value.is_object() {
        *value = json!({});
    }
    let choice = ["selection", "expiration"].contains(&first.as_str());
    let field = &mut value[first.as_str()];
    if choice && rest.first().is_some_and(|chosen| field.get(chosen).is_none()) {
        *field = json!({});
    }
    put(field, rest, new);
}

/// Values of the type that nobody thought of, and some of other types.
fn odd_values(ty: &Type) -> Vec<Value> {
    let text = ty.to_string();
    let name = text.trim_end_matches('!');
    let one = |name: &str| match name {
        "String" => vec![
            json!(""),
            json!("   "),
            json!("\u{0}"),
            json!("a\u{0}b"),
            json!("\u{feff}\u{202e}\u{2028}"),
            json!("%_\\'\"; DROP TABLE app_user; --"),
            json!("é".repeat(2_001)),
            json!("x".repeat(60_000)),
            json!(1),
        ],
        "ID" => {
            vec![json!(""), json!("\u{0}"), json!("x".repeat(60_000)), json!(0), json!(-1), json!(i64::MAX)]
        }
        "Int" => vec![
            json!(0),
            json!(-1),
            json!(i32::MAX),
            json!(i32::MIN),
            json!(i64::MAX),
            json!(1.5),
            json!("1"),
        ],
        "Boolean" => vec![json!("true"), json!(0)],
        "DateTime" => vec![
            json!("0000-01-01T00:00:00Z"),
            json!("-9999-01-01T00:00:00Z"),
            json!("0001-01-01T00:00:00Z"),
            json!("9999-12-31T23:59:59.999999999Z"),
            json!("+262142-12-31T23:59:59Z"),
            json!("+300000-01-01T00:00:00Z"),
            json!("2026-02-30T00:00:00Z"),
            json!("2016-12-31T23:59:60Z"),
            json!("2026-01-01"),
            json!(0),
        ],
        "Duration" => vec![
            json!("P0D"),
            json!("PT1S"),
            json!("P365249D"),
            json!("P999999999999D"),
            json!("P1Y"),
            json!("-P1D"),
            json!("P14D\u{0}"),
        ],
        _ => vec![json!(""), json!("NOTHING"), json!(1), json!({})],
    };
    match name.strip_prefix('[').and_then(|inner| inner.strip_suffix(']')) {
        Some(inner) => {
            let mut values: Vec<Value> =
                one(inner.trim_end_matches('!')).into_iter().map(|value| json!([value])).collect();
            values.extend([json!([]), json!([null]), json!({}), json!([[]])]);
            values
        }
        None => one(name),
    }
}
