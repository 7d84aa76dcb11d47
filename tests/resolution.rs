//! What is answered for a row of a list is what its own resolvers answer.

use std::fmt::Write as _;

use serde_json::{Value, json};

/// A type of the schema with the names of its fields that are plain values and need no arguments.
async fn plain_fields(server: &crate::harness::Server, name: &str) -> Vec<String> {
    let query = "query($name: String!) { __type(name: $name) { fields { name args { name }
        type { kind ofType { kind } } } } }";
    let found = server.ask("alice", query, json!({ "name": name })).await;
    let leaf = |ty: &Value| ["SCALAR", "ENUM"].contains(&ty["kind"].as_str().unwrap_or_default());
    let fields = found["__type"]["fields"].as_array().unwrap().clone();
    let plain = fields.into_iter().filter(|field| {
        field["args"].as_array().unwrap().is_empty()
            && (leaf(&field["type"]) || leaf(&field["type"]["ofType"]))
    });
    plain.map(|field| field["name"].as_str().unwrap().to_owned()).collect()
}

on_both_databases! {
    /// The library asks the resolvers of a node, and ours takes plain columns from the rows of a list.
    async fn a_row_of_a_list_is_the_node_itself(server: Server) {
        server.ask("alice", "mutation { reprocessAccessRequests(input: {dryRun: true, selection: {ids: [\"x\"]}}) { bulkOperation { id } } }", json!({})).await;
        server.tokens_of("karim", "website").await;
        for (list, name) in [
            ("users", "User"), ("catalogs", "Catalog"), ("connectors", "Connector"), ("accessPackages", "AccessPackage"),
            ("accessRequests", "AccessRequest"), ("assignments", "Assignment"), ("bulkOperations", "BulkOperation"),
            ("repositories", "Repository"),
            ("auditEvents", "AuditEvent"), ("tokenRequests", "TokenRequest"), ("tokenGrants", "TokenGrant"),
            ("webhooks", "Webhook"),
        ] {
            let fields = plain_fields(&server, name).await.join(" ");
            let rows = server.ask("alice", &format!("{{ {list}(first: 30) {{ nodes {{ {fields} }} }} }}"), json!({})).await;
            compare(&server, name, &fields, rows[list]["nodes"].as_array().unwrap()).await;
        }
        server.tell_something("alice").await;
        let fields = plain_fields(&server, "Notification").await.join(" ");
        let rows = server.ask("alice", &format!("{{ viewer {{ notifications {{ nodes {{ {fields} }} }} }} }}"), json!({})).await;
        compare(&server, "Notification", &fields, rows["viewer"]["notifications"]["nodes"].as_array().unwrap()).await;
        // What stands in the rows themselves.
        let mut inside = String::new();
        for (path, name) in [("deliveries", "Delivery"), ("policy", "AssignmentPolicy")] {
            let _ = write!(inside, "{path} {{ {} }} ", plain_fields(&server, name).await.join(" "));
        }
        let rows = server.ask("alice", &format!("{{ accessRequests(first: 30) {{ nodes {{ {inside} }} }} }}"), json!({})).await;
        let rows = rows["accessRequests"]["nodes"].as_array().unwrap();
        let deliveries: Vec<Value> = rows.iter().flat_map(|row| row["deliveries"].as_array().unwrap().clone()).collect();
        compare(&server, "Delivery", &plain_fields(&server, "Delivery").await.join(" "), &deliveries).await;
        let policies: Vec<Value> = rows.iter().map(|row| row["policy"].clone()).filter(|policy| !policy.is_null()).collect();
        compare(&server, "AssignmentPolicy", &plain_fields(&server, "AssignmentPolicy").await.join(" "), &policies).await;
        let (resource, role) = (plain_fields(&server, "Resource").await.join(" "), plain_fields(&server, "ResourceRole").await.join(" "));
        let rows = server.ask("alice", &format!("{{ accessPackages(first: 5) {{ nodes {{ resourceRoles {{ {role} resource {{ {resource} }} }} }} }} }}"), json!({})).await;
        let rows = rows["accessPackages"]["nodes"].as_array().unwrap();
        let roles: Vec<Value> = rows.iter().flat_map(|row| row["resourceRoles"].as_array().unwrap().clone()).collect();
        let resources: Vec<Value> = roles.iter().map(|role| role["resource"].clone()).collect();
        compare(&server, "Resource", &resource, &resources).await;
        let bare: Vec<Value> = roles.into_iter().map(|mut role| { role.as_object_mut().unwrap().remove("resource"); role }).collect();
        compare(&server, "ResourceRole", &role, &bare).await;
    }
}

async fn compare(server: &crate::harness::Server, name: &str, fields: &str, rows: &[Value]) {
    assert!(!rows.is_empty(), "{name}");
    for rows in rows.chunks(30) {
        let ids: Vec<&Value> = rows.iter().map(|row| &row["id"]).collect();
        let query = format!("query($ids: [ID!]!) {{ nodes(ids: $ids) {{ ... on {name} {{ {fields} }} }} }}");
        let nodes = server.ask("alice", &query, json!({ "ids": ids })).await;
        assert_eq!(json!(rows), nodes["nodes"], "{name}");
    }
}
