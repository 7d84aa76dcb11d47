//! The limits of a call at their edges, over HTTP: who is told what, and what passes.

use guichet::config::{Introspection, Limits};
use serde_json::{Value, json};

use crate::harness::{Answer, Kind, Server};

const NEWER: &str = "application/graphql-response+json";

/// What GraphiQL and other tools ask for at their start.
const INTROSPECTION: &str = "query IntrospectionQuery { __schema {
    description queryType { name kind } mutationType { name kind } subscriptionType { name kind }
    types { ...FullType } directives { name description isRepeatable locations args(includeDeprecated: true) { ...InputValue } } } }
  fragment FullType on __Type { kind name description specifiedByURL isOneOf
    fields(includeDeprecated: true) { name description args(includeDeprecated: true) { ...InputValue } type { ...TypeRef } isDeprecated deprecationReason }
    inputFields(includeDeprecated: true) { ...InputValue } interfaces { ...TypeRef }
    enumValues(includeDeprecated: true) { name description isDeprecated deprecationReason } possibleTypes { ...TypeRef } }
  fragment InputValue on __InputValue { name description type { ...TypeRef } defaultValue isDeprecated deprecationReason }
  fragment TypeRef on __Type { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name
    ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name } } } } } } } } } }";

impl Server {
    /// Asks as a person, with a choice of what is accepted.
    async fn accepting(&self, subject: &str, accept: &str, query: &str, variables: Value) -> Answer {
        let authorization = format!("Bearer {}", self.token(subject));
        let headers = [
            ("content-type", "application/json"),
            ("authorization", authorization.as_str()),
            ("accept", accept),
        ];
        self.send(&headers, json!({ "query": query, "variables": variables }).to_string()).await
    }

    /// The status, the code and the message of a document's first error.
    async fn refused(&self, query: &str, variables: Value) -> (u16, String, String) {
        let answer = self.accepting("alice", NEWER, query, variables).await;
        let error = &answer.json["errors"][0];
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        (answer.status, text(&error["extensions"]["code"]), text(&error["message"]))
    }
}

fn aliases(count: usize) -> String {
    format!("{{ {} }}", (0..count).map(|at| format!("a{at}: __typename ")).collect::<String>())
}

fn directives(count: usize) -> String {
    format!("{{ {} }}", "__typename @include(if: true) ".repeat(count))
}

fn tokens(count: usize) -> String {
    format!("{{ {} }}", "__typename ".repeat(count - 2))
}

/// An operation of so many selections: spreads of a fragment of 99 fields, and fields.
fn selections(count: usize) -> String {
    let (spreads, fields) = (count / 100, count % 100);
    let fragment = format!("fragment f on Query {{ {} }}", "__typename ".repeat(99));
    format!("{{ {} {} }} {fragment}", "...f ".repeat(spreads), "__typename ".repeat(fields))
}

/// A field at a depth: `manager` is a user, whose manager is a user.
fn depth(fields: usize) -> String {
    let inside = fields - 3;
    format!("{{ viewer {{ user {{ {} id {} }} }} }}", "manager { ".repeat(inside), "} ".repeat(inside))
}

/// A list of the users whose complexity is 1 + 2 × rows.
const USERS: &str = "query($first: Int) { users(first: $first) { nodes { id } } }";

on_both_databases! {
    async fn each_limit_holds_at_its_edge(server: Server) {
        let too_complex = |message: &str| (400, "QUERY_TOO_COMPLEX".to_owned(), message.to_owned());
        for (within, beyond, message) in [
            (aliases(30), aliases(31), "A document may have 30 aliases."),
            (directives(20), directives(21), "A document may have 20 directives."),
            (tokens(2_000), tokens(2_001), "A document may have 2000 tokens."),
            (selections(10_000), selections(10_001), "An operation may stand for 10000 selections, fragments opened."),
            (depth(20), depth(21), "Fields may be nested 20 deep."),
        ] {
            assert_eq!(server.refused(&within, json!({})).await, (200, String::new(), String::new()), "{message}");
            assert_eq!(server.refused(&beyond, json!({})).await, too_complex(message));
        }
    }

    async fn the_schema_is_told_to_tools(server: Server) {
        let answer = server.accepting("karim", NEWER, INTROSPECTION, json!({})).await;
        assert_eq!((answer.status, &answer.json["errors"]), (200, &Value::Null));
        assert!(answer.json["data"]["__schema"]["types"].as_array().unwrap().len() > 100);
        let (_, _, message) = server.refused("{ viewer { rols } }", json!({})).await;
        assert!(message.ends_with("Did you mean \"roles\"?"), "{message}");
    }

    /// The screen of the requests, and all items of the largest selection by ids.
    async fn the_large_screens_pass(server: Server) {
        let screen = include_str!("../src/demo/operations/1_failed_requests.graphql");
        server.ask("hana", &screen.replace("first: 50", "first: 100"), json!({})).await;
        let bulk = "mutation($ids: [ID!]!) { reprocessAccessRequests(input: {selection: {ids: $ids}, dryRun: true}) {
            userErrors { code message field } bulkOperation { id state totalCount acceptedCount rejectedCount
            items(first: 1000) { pageInfo { hasNextPage } nodes { index requestedId outcome error { code message }
                target { ... on AccessRequest { id state requestor { displayName } accessPackage { displayName }
                deliveries { state attemptCount } } } } } } } }";
        let ids: Vec<String> = (0..1_000).map(|at| format!("areq_{at}")).collect();
        let done = server.ask("alice", bulk, json!({ "ids": ids })).await;
        assert_eq!(done["reprocessAccessRequests"]["bulkOperation"]["items"]["nodes"].as_array().unwrap().len(), 1_000);
    }

    async fn root_fields_come_in_the_order_of_the_document(server: Server) {
        let query = "{ viewer { roles } z: users(first: 5) { totalCount nodes { id } } b: organization { displayName id }
            a: catalogs(first: 1) { nodes { id } totalCount } __typename }";
        let authorization = format!("Bearer {}", server.token("alice"));
        let client = reqwest::Client::new();
        let request = client.post(format!("{}/graphql", server.base)).header("authorization", &authorization);
        let answer = request.json(&json!({ "query": query })).send().await.unwrap().text().await.unwrap();
        let at = |name: &str| answer.find(&format!("\"{name}\":")).unwrap();
        assert!([at("viewer"), at("z"), at("b"), at("displayName"), at("a"), at("__typename")].is_sorted(), "{answer}");
        assert!(answer.starts_with("{\"data\":{\"viewer\":"), "{answer}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn complexity_is_that_of_the_rows_asked_for() {
    let limits = Limits { query_complexity: 101, ..Limits::default() };
    let Some(server) = Server::start_with(Kind::Sqlite, limits).await else { return };
    assert_eq!(server.refused(USERS, json!({ "first": 50 })).await.0, 200);
    let (status, code, message) = server.refused(USERS, json!({ "first": 51 })).await;
    assert_eq!((status, code.as_str()), (400, "QUERY_TOO_COMPLEX"));
    assert!(message.starts_with("The operation has a complexity of 103; it may have 101."), "{message}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_limit_is_a_setting() {
    let limits = Limits {
        body_limit: 1_000,
        query_tokens: 50,
        query_depth: 4,
        query_aliases: 1,
        query_directives: 1,
        query_selections: 10,
        ..Limits::default()
    };
    let Some(server) = Server::start_with(Kind::Sqlite, limits).await else { return };
    for (within, beyond, message) in [
        (aliases(1), aliases(2), "A document may have 1 aliases."),
        (directives(1), directives(2), "A document may have 1 directives."),
        (depth(4), depth(5), "Fields may be nested 4 deep."),
        (tokens(12), tokens(51), "A document may have 50 tokens."),
        (tokens(12), tokens(13), "An operation may stand for 10 selections, fragments opened."),
    ] {
        assert_eq!(server.refused(&within, json!({})).await.0, 200, "{message}");
        assert_eq!(server.refused(&beyond, json!({})).await.2, message);
    }
    let (status, _, message) =
        server.refused(&format!("{{ __typename }} #{}", "x".repeat(1_000)), json!({})).await;
    assert_eq!((status, message.as_str()), (413, "The body may have 1000 bytes. Send less at once."));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_schema_is_told_to_whom_the_setting_says() {
    let unknown = [
        "{ viewer { rols } }",
        "{ users(frst: 1) { totalCount } }",
        "{ viewer @include(iff: true) { roles } }",
    ];
    for (introspection, told, untold) in [
        (Introspection::Administrators, vec!["alice", "bruno"], vec!["hana", "karim"]),
        (Introspection::Nobody, vec![], vec!["alice", "karim"]),
    ] {
        let limits = Limits { introspection, ..Limits::default() };
        let Some(server) = Server::start_with(Kind::Sqlite, limits).await else { return };
        for subject in told {
            server.ask(subject, INTROSPECTION, json!({})).await;
            let answer = server.accepting(subject, NEWER, unknown[0], json!({})).await;
            assert!(answer.json.to_string().contains("Did you mean"), "{subject}: {}", answer.json);
        }
        for subject in untold {
            for query in [INTROSPECTION, "{ ...f } fragment f on Query { __type(name: \"User\") { name } }"] {
                let answer = server.accepting(subject, NEWER, query, json!({})).await;
                let code = &answer.json["errors"][0]["extensions"]["code"];
                assert_eq!((answer.status, code), (403, &json!("FORBIDDEN")), "{subject}");
                assert!(answer.json.get("data").is_none());
            }
            for query in unknown {
                let answer = server.accepting(subject, NEWER, query, json!({})).await;
                assert_eq!(answer.status, 400);
                assert!(!answer.json.to_string().contains("Did you mean"), "{subject}: {}", answer.json);
            }
            let data = server.ask(subject, "{ __typename viewer { __typename } }", json!({})).await;
            assert_eq!(data["__typename"], "Query");
        }
    }
}
