//! Lists: pages, cursors, and how many statements they take.

use serde_json::{Value, json};

const LISTS: [(&str, &str); 9] = [
    ("users", "{field: NAME, direction: ASC}"),
    ("users", "{field: CREATED_AT, direction: DESC}"),
    ("catalogs", "{field: NAME, direction: DESC}"),
    ("accessPackages", "{field: NAME, direction: ASC}"),
    ("accessPackages", "{field: CREATED_AT, direction: ASC}"),
    ("accessRequests", "{field: SUBMITTED_AT, direction: DESC}"),
    ("accessRequests", "{field: SUBMITTED_AT, direction: ASC}"),
    ("repositories", "{field: NAME, direction: ASC}"),
    ("repositories", "{field: CREATED_AT, direction: DESC}"),
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

    /// Pages that were read together are the pages that each parent has by itself.
    async fn lists_inside_of_lists_are_the_lists_themselves(server: Server) {
        const PAGE: &str = "{ totalCount nodes { id } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } }";
        server.sql("UPDATE access_request SET submitted_at = (SELECT min(submitted_at) FROM access_request)
            WHERE state IN ('DELIVERED', 'PENDING_APPROVAL')").await;
        let middle = server.ask("alice", "{ accessRequests(first: 9) { pageInfo { endCursor } } }", json!({})).await;
        let cursor = &middle["accessRequests"]["pageInfo"]["endCursor"];
        let parts = [
            "first: 2".to_owned(), "last: 2".to_owned(), "first: 0".to_owned(), "first: 100".to_owned(),
            format!("first: 2, after: {cursor}"), format!("last: 1, before: {cursor}"),
            "first: 3, orderBy: {field: SUBMITTED_AT, direction: ASC}, filter: {state: [DELIVERED, DELIVERY_FAILED]}".to_owned(),
        ];
        for part in &parts {
            let query = format!("{{ accessPackages(first: 30) {{ nodes {{ id requests({part}) {PAGE} }} }} }}");
            let together = server.ask("alice", &query, json!({})).await;
            let packages = together["accessPackages"]["nodes"].as_array().unwrap();
            assert!(packages.iter().any(|package| package["requests"]["totalCount"].as_i64() > Some(2)));
            for package in packages {
                let filter = if part.contains("filter: {") {
                    part.replace("filter: {", &format!("filter: {{accessPackage: [{}], ", package["id"]))
                } else {
                    format!("{part}, filter: {{accessPackage: [{}]}}", package["id"])
                };
                let alone = server.ask("alice", &format!("{{ accessRequests({filter}) {PAGE} }}"), json!({})).await;
                assert_eq!(package["requests"], alone["accessRequests"], "{part}");
            }
        }
        server.ask("alice", "mutation { createConnector(input: {kind: DIRECTORY, displayName: \"Empty\"}) { userErrors { code } } }", json!({})).await;
        for _ in 0..2 {
            server.ask("alice", "mutation { reprocessAccessRequests(input: {dryRun: true, selection: {ids: [\"x\", \"y\", \"z\", \"z\"]}}) {
                bulkOperation { id } userErrors { code } } }", json!({})).await;
        }
        for (list, inside) in [
            ("accessRequests", "history(first: 2) { totalCount nodes { sequence action } pageInfo { hasNextPage endCursor } }"),
            ("accessRequests", "deliveries { id attempts(last: 2) { totalCount nodes { number outcome } pageInfo { hasPreviousPage } } }"),
            ("bulkOperations", "items(first: 3) { totalCount nodes { outcome target { id } } pageInfo { hasNextPage } }"),
            ("catalogs", "resources(first: 2) { totalCount nodes { id } pageInfo { hasNextPage } }"),
            ("catalogs", "roleAssignments(last: 2) { totalCount nodes { id } pageInfo { hasPreviousPage } }"),
            ("catalogs", "accessPackages(first: 2) { totalCount nodes { id policies { id } } pageInfo { hasNextPage } }"),
            ("accessPackages", "assignments(first: 2) { totalCount nodes { id user { id } } pageInfo { hasNextPage } }"),
            ("connectors", "groups(first: 2) { totalCount nodes { id members(last: 2) { totalCount nodes { user { id } } } } pageInfo { hasNextPage } }"),
        ] {
            let together = server.ask("alice", &format!("{{ {list}(first: 40) {{ nodes {{ id {inside} }} }} }}"), json!({})).await;
            let nodes = together[list]["nodes"].as_array().unwrap();
            assert!(nodes.len() > 1, "{list}");
            let kind = match list { "accessRequests" => "AccessRequest", "bulkOperations" => "BulkOperation", "catalogs" => "Catalog",
                "accessPackages" => "AccessPackage", _ => "Connector" };
            for node in nodes {
                let query = format!("query($id: ID!) {{ node(id: $id) {{ ... on {kind} {{ id {inside} }} }} }}");
                let alone = server.ask("alice", &query, json!({ "id": node["id"] })).await;
                assert_eq!(*node, alone["node"], "{list} {inside}");
            }
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
            ("catalogs", "id resources(first: 3) { totalCount nodes { displayName } } roleAssignments(first: 2) { nodes { role } }
                accessPackages(first: 2) { nodes { id policies { displayName } requests(last: 2) { totalCount nodes { id deliveries { state } } }
                    assignments(first: 2) { nodes { user { displayName } } } } }", 10),
            ("accessRequests", "id history(first: 2) { totalCount nodes { action actor { displayName } } }
                deliveries { attempts(last: 3) { nodes { number } } }", 6),
            ("bulkOperations", "id items(first: 5) { totalCount nodes { outcome } }", 3),
            ("connectors", "id groups(first: 3) { nodes { displayName members(first: 2) { totalCount nodes { user { displayName } } } } }", 4),
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
