//! Lists: pages, cursors, and how many statements they take.

use serde_json::{Value, json};

const LISTS: [(&str, &str); 7] = [
    ("users", "{field: NAME, direction: ASC}"),
    ("users", "{field: CREATED_AT, direction: DESC}"),
    ("catalogs", "{field: NAME, direction: DESC}"),
    ("accessPackages", "{field: NAME, direction: ASC}"),
    ("accessPackages", "{field: CREATED_AT, direction: ASC}"),
    ("accessRequests", "{field: SUBMITTED_AT, direction: DESC}"),
    ("accessRequests", "{field: SUBMITTED_AT, direction: ASC}"),
];

fn ids(list: &Value) -> Vec<Value> {
    list["nodes"].as_array().unwrap().iter().map(|node| node["id"].clone()).collect()
}

on_both_databases! {
    async fn every_row_comes_once_in_order_forward_and_backward(server: Server) {
        // Equal sort keys: ties are broken by id.
        server.sql("UPDATE access_request SET submitted_at = (SELECT min(submitted_at) FROM access_request)
            WHERE state IN ('DELIVERED', 'PENDING_APPROVAL')").await;
        for (list, order) in LISTS {
            let all = server.ask("alice", &format!("{{ {list}(orderBy: {order}, first: 100) {{ totalCount nodes {{ id }} edges {{ cursor node {{ id }} }} }} }}"), json!({})).await;
            let expected = ids(&all[list]);
            assert_eq!(all[list]["totalCount"], expected.len());
            for size in [1, 2, 7] {
                let (mut forward, mut after) = (Vec::new(), Value::Null);
                loop {
                    let query = format!("query($after: String) {{ {list}(orderBy: {order}, first: {size}, after: $after) {{ totalCount nodes {{ id }} pageInfo {{ hasNextPage hasPreviousPage endCursor }} }} }}");
                    let page = server.ask("alice", &query, json!({ "after": after })).await[list].clone();
                    assert_eq!(page["totalCount"], expected.len());
                    forward.extend(ids(&page));
                    if page["pageInfo"]["hasNextPage"] == false {
                        break;
                    }
                    after = page["pageInfo"]["endCursor"].clone();
                }
                assert_eq!(forward, expected, "{list} {order} by {size}");
                let (mut backward, mut before) = (Vec::new(), Value::Null);
                loop {
                    let query = format!("query($before: String) {{ {list}(orderBy: {order}, last: {size}, before: $before) {{ nodes {{ id }} pageInfo {{ hasPreviousPage startCursor }} }} }}");
                    let page = server.ask("alice", &query, json!({ "before": before })).await[list].clone();
                    backward.splice(0..0, ids(&page));
                    if page["pageInfo"]["hasPreviousPage"] == false {
                        break;
                    }
                    before = page["pageInfo"]["startCursor"].clone();
                }
                assert_eq!(backward, expected, "{list} {order} backward by {size}");
            }
            let cursor = &all[list]["edges"][1]["cursor"];
            let query = format!("query($after: String) {{ {list}(orderBy: {order}, first: 1, after: $after) {{ nodes {{ id }} }} }}");
            let third = server.ask("alice", &query, json!({ "after": cursor })).await;
            assert_eq!(ids(&third[list]), expected[2..3]);
        }
    }

    async fn a_cursor_belongs_to_its_order(server: Server) {
        let page = server.ask("alice", "{ users(first: 1) { pageInfo { endCursor } } accessRequests(first: 1) { pageInfo { endCursor } } }", json!({})).await;
        let (user, request) = (&page["users"]["pageInfo"]["endCursor"], &page["accessRequests"]["pageInfo"]["endCursor"]);
        for (query, cursor) in [
            ("query($c: String) { users(after: $c, orderBy: {field: CREATED_AT, direction: ASC}) { totalCount } }", user),
            ("query($c: String) { users(after: $c, orderBy: {field: NAME, direction: DESC}) { totalCount } }", user),
            ("query($c: String) { users(before: $c) { totalCount } }", request),
            ("query($c: String) { accessRequests(before: $c) { totalCount } }", user),
        ] {
            assert_eq!(server.errors("alice", query, json!({ "c": cursor })).await, ["INVALID_CURSOR"], "{query}");
        }
    }

    async fn a_garbage_id_in_a_filter_matches_nothing(server: Server) {
        for filter in ["{accessPackage: [\"x\"]}", "{requestor: []}", "{catalog: [\"pkg_01h455vb4pex5vsknk084sn02q\"]}"] {
            let found = server.ask("alice", &format!("{{ accessRequests(filter: {filter}) {{ totalCount nodes {{ id }} }} }}"), json!({})).await;
            assert_eq!(found["accessRequests"], json!({ "totalCount": 0, "nodes": [] }), "{filter}");
        }
    }

    /// The Requests screen takes two statements, whatever its size, and none for the viewer.
    async fn the_requests_screen_takes_two_statements(server: Server) {
        const SCREEN: &str = "query($package: [ID!], $first: Int) { accessRequests(
            filter: {accessPackage: $package, state: [PARTIALLY_DELIVERED, DELIVERY_FAILED]}, first: $first) {
            totalCount nodes { id state submittedAt requestor { displayName email }
                deliveries { state lastError { code message } resourceRole { displayName resource { displayName } } } }
            pageInfo { hasNextPage endCursor } } }";
        let package = server.package("On-call").await;
        let token = server.token("hana");
        for first in [50, 1, 2, 50] {
            let variables = json!({ "package": [package], "first": first });
            server.ask_with(&token, SCREEN, variables.clone()).await;
            let before = server.app.database.statement_count();
            let answer = server.ask_with(&token, SCREEN, variables).await;
            assert_eq!(server.app.database.statement_count() - before, 2, "{first}");
            assert_eq!(answer.json["data"]["accessRequests"]["totalCount"], 7);
            assert_eq!(answer.json["data"]["accessRequests"]["nodes"].as_array().unwrap().len(), first.min(7));
        }
    }

    /// A list takes as many statements for two rows as for all of them.
    async fn lists_take_a_fixed_number_of_statements(server: Server) {
        let token = server.token("alice");
        for (list, fields, most) in [
            ("users", "id displayName manager { displayName manager { displayName } }", 3),
            ("catalogs", "id displayName viewerCanEdit", 1),
            ("connectors", "id openings { targets catalog { displayName } }", 3),
            ("accessPackages", "id catalog { displayName } policies { displayName specificUsers { id } approvalStages { timeout } }
                resourceRoles { displayName resource { displayName connector { displayName } } } viewerCanRequest", 8),
            ("accessRequests", "id requestor { displayName manager { displayName } } submittedBy { displayName }
                accessPackage { displayName catalog { displayName } } policy { displayName } assignment { state }
                deliveries { connector { displayName } resourceRole { resource { displayName } } }
                reprocess { eligible until reason } viewerCanReprocess viewerCanCancel", 7),
            ("assignments", "id accessPackage { displayName catalog { displayName } } user { displayName } request { state } policy { displayName }", 4),
            ("bulkOperations", "id startedBy { displayName }", 2),
            ("auditEvents", "id action actor { displayName }", 2),
        ] {
            let mut counts = Vec::new();
            for first in [2, 100] {
                let query = format!("{{ {list}(first: {first}) {{ totalCount nodes {{ {fields} }} pageInfo {{ endCursor }} }} }}");
                server.ask_with(&token, "{ viewer { roles } }", json!({})).await;
                let before = server.app.database.statement_count();
                let answer = server.ask_with(&token, &query, json!({})).await;
                assert!(answer.json["errors"].is_null(), "{}", answer.json["errors"]);
                counts.push(server.app.database.statement_count() - before);
            }
            assert!(counts[0] <= counts[1] && counts[1] <= most, "{list}: {counts:?}, at most {most}");
        }
    }
}
