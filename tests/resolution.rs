//! What is answered for a row of a list is what its own resolvers answer.

use std::collections::HashMap;
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
        server.tokens_of("karim", "contoso", "website").await;
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

/// The fields of each object type that need no argument, with the object type that each holds, if it holds one.
type Fields = HashMap<String, Vec<(String, Option<String>)>>;

async fn all_fields(server: &crate::harness::Server) -> Fields {
    let query = "{ __schema { types { kind name fields { name args { name }
        type { kind name ofType { kind name ofType { kind name ofType { kind name } } } } } } } }";
    let found = server.ask("alice", query, json!({})).await;
    let objects = found["__schema"]["types"].as_array().unwrap().iter().filter(|ty| ty["kind"] == "OBJECT");
    let field = |field: &Value| {
        let mut ty = &field["type"];
        while !ty["ofType"].is_null() {
            ty = &ty["ofType"];
        }
        let inner = match ty["kind"].as_str().unwrap() {
            "SCALAR" | "ENUM" => None,
            "OBJECT" => Some(ty["name"].as_str().unwrap().to_owned()),
            _ => return None,
        };
        field["args"]
            .as_array()
            .unwrap()
            .is_empty()
            .then(|| (field["name"].as_str().unwrap().to_owned(), inner))
    };
    let fields = |ty: &Value| ty["fields"].as_array().unwrap().iter().filter_map(field).collect();
    objects.map(|ty| (ty["name"].as_str().unwrap().to_owned(), fields(ty))).collect()
}

/// Every path to a plain value under a type, so many objects deep.
fn paths(fields: &Fields, name: &str, deep: usize) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    for (field, inner) in &fields[name] {
        match inner {
            None => found.push(vec![field.clone()]),
            Some(inner) if deep > 0 => {
                let below = paths(fields, inner, deep - 1);
                found.extend(below.into_iter().map(|path| [vec![field.clone()], path].concat()));
            }
            Some(_) => {}
        }
    }
    found
}

/// A selection of everything under a type, so many objects deep.
fn everything(fields: &Fields, name: &str, deep: usize) -> String {
    let mut text = String::new();
    for (field, inner) in &fields[name] {
        match inner {
            None => text.push_str(field),
            Some(inner) if deep > 0 => {
                let _ = write!(text, "{field} {{ {} }}", everything(fields, inner, deep - 1));
            }
            Some(_) => {}
        }
        text.push(' ');
    }
    text
}

/// What stands at the end of a path: of a list, all of them.
fn at(value: &Value, path: &[String]) -> Value {
    match (value, path) {
        (Value::Array(values), _) => values.iter().map(|value| at(value, path)).collect(),
        (value, []) | (value @ Value::Null, _) => value.clone(),
        (value, [first, rest @ ..]) => at(&value[first], rest),
    }
}

on_both_databases! {
    /// Columns that nobody asked for are not read: a field alone is what it is among all others.
    async fn a_field_alone_is_what_it_is_among_all(server: Server) {
        let fields = all_fields(&server).await;
        let node = server.ask("alice", "{ accessRequests(first: 1) { nodes { id } } }", json!({})).await;
        let node = node["accessRequests"]["nodes"][0]["id"].as_str().unwrap().to_owned();
        let lists = [
            ("alice", "accessPackages(first: 30)", "AccessPackage", 2),
            ("alice", "accessRequests(first: 30)", "AccessRequest", 3),
            ("alice", "assignments(first: 30)", "Assignment", 2),
            ("farah", "tokenRequests(first: 60)", "TokenRequest", 2),
            ("farah", "tokenRequests(orderBy: { field: EXPIRES_AT, direction: ASC }, first: 60)", "TokenRequest", 1),
            ("farah", "tokenGrants(first: 30)", "TokenGrant", 2),
        ];
        server.with_tokens().await;
        for (person, list, name, deep) in lists {
            let rows = async |selection: String| {
                let found = server.ask(person, &format!("{{ list: {list} {{ nodes {{ {selection} }} }} }}"), json!({})).await;
                found["list"]["nodes"].clone()
            };
            // The library's own limits hold here, too: one branch at a time, with all of the row.
            for (field, inner) in &fields[name] {
                let Some(inner) = inner else { continue };
                let among = rows(format!("{} {field} {{ {} }}", everything(&fields, name, 0), everything(&fields, inner, deep - 1))).await;
                for path in paths(&fields, inner, deep - 1) {
                    let path = [vec![field.clone()], path].concat();
                    let alone = rows(format!("{}{}", path.join(" { "), " }".repeat(path.len() - 1))).await;
                    assert_eq!(at(&alone, &path), at(&among, &path), "{name}: {path:?}");
                }
            }
            let among = rows(everything(&fields, name, 0)).await;
            for path in paths(&fields, name, 0) {
                assert_eq!(at(&rows(path[0].clone()).await, &path), at(&among, &path), "{name}: {path:?}");
            }
        }
        let one = async |selection: String| {
            let query = format!("query($id: ID!) {{ node(id: $id) {{ ... on AccessRequest {{ {selection} }} }} }}");
            server.ask("alice", &query, json!({ "id": node })).await["node"].clone()
        };
        let among = one(everything(&fields, "AccessRequest", 1)).await;
        for path in paths(&fields, "AccessRequest", 1) {
            let alone = one(format!("{}{}", path.join(" { "), " }".repeat(path.len() - 1))).await;
            assert_eq!(at(&alone, &path), at(&among, &path), "node: {path:?}");
        }
    }
}
