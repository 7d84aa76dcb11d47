//! Nothing crosses organizations: what belongs to another one is as if it did not exist.

use std::collections::{BTreeMap, BTreeSet};

use async_graphql::parser::types::TypeKind;
use guichet::id;
use serde_json::{Value, json};

use crate::harness::odd_scim::{Account, OddScim};
use crate::harness::{Server, codes};
use crate::role_matrix::{node_types, samples, types};

type Ids = BTreeMap<String, Vec<String>>;

/// More samples of mutations, for ids that the first ones leave out.
fn more_samples() -> Vec<(&'static str, Value)> {
    vec![
        ("updateUser", json!({ "id": "usr_x", "version": 1, "manager": "usr_x" })),
        (
            "createShareLink",
            json!({ "accessPackage": "pkg_x", "label": "Sample", "connectedOrganization": "corg_x" }),
        ),
        (
            "createAccessPackage",
            json!({ "catalog": "cat_x", "displayName": "Sample", "resourceRoles": ["rrole_x"] }),
        ),
        ("submitAccessRequest", json!({ "accessPackage": "pkg_x", "policy": "pol_x" })),
        (
            "createAssignmentPolicy",
            json!({ "accessPackage": "pkg_x", "displayName": "Sample", "expiration": { "never": true },
                "requestorScope": "SPECIFIC_CONNECTED_ORGANIZATIONS", "specificConnectedOrganizations": ["corg_x"] }),
        ),
        (
            "updateConnectedOrganization",
            json!({ "id": "corg_x", "version": 1, "internalSponsors": ["usr_x"], "externalSponsors": ["usr_x"] }),
        ),
    ]
}

/// The mutation with everything that a refusal tells.
fn refusal_of(name: &str) -> String {
    let input = format!("{}{}Input", name[..1].to_uppercase(), &name[1..]);
    format!(
        "mutation($input: {input}!) {{ {name}(input: $input) {{ userErrors {{ code field message }} }} }}"
    )
}

/// Where the ids of a sample are.
fn places(value: &Value, at: &str, found: &mut Vec<String>) {
    match value {
        Value::String(text) if text.ends_with("_x") => found.push(at.to_owned()),
        Value::Array(items) => {
            for (position, item) in items.iter().enumerate() {
                places(item, &format!("{at}/{position}"), found);
            }
        }
        Value::Object(fields) => {
            for (name, field) in fields {
                places(field, &format!("{at}/{name}"), found);
            }
        }
        _ => {}
    }
}

/// The first id of each prefix.
fn by_prefix(ids: &Ids) -> BTreeMap<String, String> {
    ids.values().map(|ids| (prefix(&ids[0]).to_owned(), ids[0].clone())).collect()
}

fn prefix(id: &str) -> &str {
    id.split_once('_').unwrap().0
}

/// Paths of lists with a filter, and the type of the filter.
const FILTERED: [(&str, &str); 13] = [
    ("accessPackages", "AccessPackageFilter"),
    ("accessRequests", "AccessRequestFilter"),
    ("assignments", "AssignmentFilter"),
    ("auditEvents", "AuditEventFilter"),
    ("catalogs", "CatalogFilter"),
    ("connectedOrganizations", "ConnectedOrganizationFilter"),
    ("repositories", "RepositoryFilter"),
    ("tokenGrants", "TokenGrantFilter"),
    ("tokenRequests", "TokenRequestFilter"),
    ("users", "UserFilter"),
    ("viewer.accessRequests", "AccessRequestFilter"),
    ("viewer.assignments", "AssignmentFilter"),
    ("viewer.inbox", "InboxFilter"),
];

/// The conditions of a filter that take ids.
fn id_conditions(filter: &str) -> Vec<String> {
    let TypeKind::InputObject(input) = types().remove(filter).unwrap().kind else {
        panic!("{filter} is an input")
    };
    let fields = input.fields.into_iter().map(|field| field.node);
    fields
        .filter(|field| field.ty.node.to_string() == "[ID!]")
        .map(|field| field.name.node.to_string())
        .collect()
}

impl Server {
    /// How many a filtered list holds.
    async fn filtered(&self, subject: &str, path: &str, condition: &str, ids: &[&String]) -> u64 {
        let row = if path == "viewer.inbox" { "subject { id }" } else { "id" };
        let list =
            |name: &str| format!("{name}(filter: {{{condition}: $ids}}) {{ totalCount nodes {{ {row} }} }}");
        let query = match path.split_once('.') {
            Some((outer, name)) => format!("query($ids: [ID!]) {{ {outer} {{ {} }} }}", list(name)),
            None => format!("query($ids: [ID!]) {{ {} }}", list(path)),
        };
        let data = self.ask(subject, &query, json!({ "ids": ids })).await;
        let found = data.pointer(&format!("/{}", path.replace('.', "/"))).unwrap();
        let count = found["totalCount"].as_u64().unwrap();
        assert!(count > 0 || found["nodes"] == json!([]), "{path} {condition}: {found}");
        count
    }
}

on_both_databases! {
    async fn an_object_of_another_organization_does_not_exist(server: Server) {
        const NODE: &str = "query($id: ID!) { node(id: $id) { id } }";
        const NODES: &str = "query($ids: [ID!]!) { nodes(ids: $ids) { id } }";
        server.dry_run("mila").await;
        server.dry_run("alice").await;
        server.tokens_of("nils", "fabrikam", "catalogue").await;
        server.tokens_of("karim", "contoso", "website").await;
        let (foreign, own) = (server.everything("mila").await, server.everything("alice").await);
        for ids in [&foreign, &own] {
            assert_eq!(ids.keys().cloned().collect::<Vec<_>>(), node_types(), "an object of every type");
        }
        let seen_by_both: BTreeSet<&String> = foreign.values().flatten().collect();
        assert_eq!(own.values().flatten().filter(|id| seen_by_both.contains(id)).count(), 0);

        for id in foreign.values().flatten() {
            assert_eq!(server.ask("mila", NODE, json!({ "id": id })).await["node"]["id"], json!(id));
            assert_eq!(server.ask("alice", NODE, json!({ "id": id })).await["node"], Value::Null, "{id}");
        }
        let all: Vec<&String> = foreign.values().flatten().collect();
        for ids in all.chunks(100) {
            let nodes = server.ask("alice", NODES, json!({ "ids": ids })).await["nodes"].clone();
            assert_eq!(nodes, json!(vec![Value::Null; ids.len()]));
        }
        // One's own stay where they are between the others.
        let (mine, other) = (&own["Catalog"][0], &foreign["Catalog"][0]);
        let nodes = server.ask("alice", NODES, json!({ "ids": [other, mine, "", mine] })).await;
        assert_eq!(nodes["nodes"], json!([null, { "id": mine }, null, { "id": mine }]));
    }

    async fn what_is_no_id_names_nothing(server: Server) {
        const NODE: &str = "query($id: ID!) { node(id: $id) { id } }";
        server.dry_run("alice").await;
        let own = by_prefix(&server.everything("alice").await);
        for (prefix, id) in &own {
            let digits = id.split_once('_').unwrap().1;
            let mut odd = vec![
                digits.to_owned(),
                format!("{prefix}_"),
                format!("{prefix}_{}", digits.to_uppercase()),
                format!("{prefix}-{digits}"),
                format!(" {id}"),
                format!("{id} "),
                format!("{id}0"),
                format!("{prefix}_8{}", &digits[1..]),
                id[..id.len() - 1].to_owned(),
            ];
            // The same number as another type.
            odd.extend(id::Kind::ALL.iter().map(|kind| kind.prefix()).filter(|other| other != prefix)
                .map(|other| format!("{other}_{digits}")));
            for id in odd {
                assert_eq!(server.ask("alice", NODE, json!({ "id": id })).await["node"], Value::Null, "{id}");
            }
        }
        for id in ["", "_", "x", "node", "cat", "\u{0}", "cat_ñ1h455vb4pex5vsknk084sn02q", "Katze_🐈", &"0".repeat(10_000)] {
            assert_eq!(server.ask("alice", NODE, json!({ "id": id })).await["node"], Value::Null, "{id}");
        }
    }

    async fn a_filter_by_ids_of_another_organization_matches_nothing(server: Server) {
        server.sql("UPDATE app_user SET connected_organization_id = (SELECT c.id FROM connected_organization c
            WHERE c.organization_id = app_user.organization_id) WHERE subject = 'karim'").await;
        server.dry_run("mila").await;
        server.dry_run("alice").await;
        server.tokens_of("nils", "fabrikam", "catalogue").await;
        server.tokens_of("karim", "contoso", "website").await;
        let (foreign, own) = (server.everything("mila").await, server.everything("alice").await);
        let one_each = |ids: &Ids| -> Vec<String> {
            ids.values().flat_map(|ids| ids.iter().take(60).cloned()).collect()
        };
        let (foreign, own) = (one_each(&foreign), one_each(&own));
        let foreign: Vec<&String> = foreign.iter().collect();
        let own: Vec<&String> = own.iter().collect();
        let mut asked = 0;
        for (path, filter) in FILTERED {
            for condition in id_conditions(filter) {
                let matches = server.filtered("alice", path, &condition, &own).await;
                assert!(matches > 0 || path.starts_with("viewer") || path == "auditEvents", "{path} {condition}");
                assert_eq!(server.filtered("alice", path, &condition, &foreign).await, 0, "{path} {condition}");
                assert_eq!(server.filtered("alice", path, &condition, &[]).await, 0, "{path} {condition}");
                let garbage = [String::new(), "x".to_owned(), format!("{}0", own[0])];
                let garbage: Vec<&String> = garbage.iter().collect();
                assert_eq!(server.filtered("alice", path, &condition, &garbage).await, 0, "{path} {condition}");
                // And beside one's own they change nothing.
                let both: Vec<&String> = own.iter().chain(&foreign).copied().collect();
                assert_eq!(server.filtered("alice", path, &condition, &both).await, matches, "{path} {condition}");
                asked += 1;
            }
        }
        assert!(asked >= 16, "{asked}");
    }

    async fn a_mutation_with_an_id_of_another_organization_does_nothing(server: Server) {
        server.dry_run("mila").await;
        server.dry_run("alice").await;
        server.tokens_of("nils", "fabrikam", "catalogue").await;
        server.tokens_of("karim", "contoso", "website").await;
        let foreign = by_prefix(&server.everything("mila").await);
        let mut own = by_prefix(&server.everything("alice").await);
        // Objects that fit together, so that the foreign one is all that is wrong.
        let board = server.package("Board papers").await;
        let around = server.ask("alice", "query($id: ID!) { node(id: $id) { ... on AccessPackage {
            catalog { id resources { nodes { id displayName roles { id } } } } policies { id } } } }",
            json!({ "id": board })).await["node"].clone();
        let resources = around["catalog"]["resources"]["nodes"].as_array().unwrap();
        let ledger = resources.iter().find(|resource| resource["displayName"] == "Ledger readers").unwrap();
        for id in [&board, &around["catalog"]["id"], &around["policies"][0]["id"], &ledger["id"],
            &ledger["roles"][0]["id"], &server.user("emil").await] {
            let id = id.as_str().unwrap();
            own.insert(prefix(id).to_owned(), id.to_owned());
        }
        let frontend = server.package("Frontend engineer").await.as_str().unwrap().to_owned();
        let before = server.contents().await;
        let mut tried = 0;
        for (name, sample) in samples().into_iter().chain(more_samples()) {
            let mut at = Vec::new();
            places(&sample, "", &mut at);
            if name == "submitAccessRequest" {
                own.insert("pkg".to_owned(), frontend.clone());
            }
            let query = refusal_of(name);
            // Both roles together may everything.
            let token = server.token_with("alice", "contoso", &["GLOBAL_ADMINISTRATOR", "ORGANIZATION_OWNER"]);
            let ask = async |input: &Value| {
                let answer = server.ask_with(&token, &query, json!({ "input": input })).await.json;
                assert!(answer["errors"].is_null(), "{name}: {answer}");
                answer["data"][name]["userErrors"].clone()
            };
            // All ids are foreign.
            let mut input = sample.clone();
            for place in &at {
                let id = input.pointer_mut(place).unwrap();
                *id = json!(foreign[prefix(id.as_str().unwrap())]);
            }
            let unknown = ask(&sample).await;
            assert_eq!(ask(&input).await, unknown, "{name} {input}");
            // One id is foreign, the others are one's own.
            // Of what is named in lists, each item says it: below.
            let of_items = ["/users/0", "/links/0/user", "/deliveries/0"];
            for place in at.iter().filter(|place| !of_items.contains(&place.as_str())) {
                let mut input = sample.clone();
                for other in at.iter().filter(|other| *other != place) {
                    let id = input.pointer_mut(other).unwrap();
                    *id = json!(own[prefix(id.as_str().unwrap())]);
                }
                let unknown = ask(&input).await;
                let id = input.pointer_mut(place).unwrap();
                *id = json!(foreign[prefix(id.as_str().unwrap())]);
                let refused = ask(&input).await;
                assert_eq!(refused, unknown, "{name} {input}");
                if ["reprocessAccessRequests", "reprocessAssignments", "reviewAccessRequests", "reviewTokenRequests",
                    "revokeAssignments", "revokeTokenGrants", "submitDecisions"].contains(&name) {
                    assert_eq!(refused[0]["code"], "EXPECTED_COUNT_MISMATCH", "{input}");
                } else {
                    assert_eq!(refused[0]["code"], "NOT_FOUND", "{name} {input}: {refused}");
                }
                tried += 1;
            }
        }
        assert!(tried > 30, "{tried}");
        assert!(server.contents().await == before, "something was changed");

        let bulk = server.ask("alice", "mutation($ids: [ID!]!) { reprocessAccessRequests(input: {selection: {ids: $ids}}) {
            bulkOperation { acceptedCount rejectedCount items { nodes { requestedId target { id } error { code } } } }
            userErrors { code } } }", json!({ "ids": [foreign["areq"]] })).await["reprocessAccessRequests"].clone();
        assert_eq!(bulk["bulkOperation"], json!({ "acceptedCount": 0, "rejectedCount": 1, "items": { "nodes": [
            { "requestedId": foreign["areq"], "target": null, "error": { "code": "NOT_FOUND" } }] } }));

        let items = "bulkOperation { acceptedCount rejectedCount items { nodes { requestedId target { id } checks { finding } error { code } } } }";
        for (name, id, input) in [
            ("revokeAssignments", &foreign["asg"], json!({ "selection": { "ids": [foreign["asg"]] } })),
            ("reprocessAssignments", &foreign["asg"], json!({ "selection": { "ids": [foreign["asg"]] } })),
            ("createAssignments", &foreign["usr"], json!({ "accessPackage": board, "policy": own["pol"], "users": [foreign["usr"]] })),
        ] {
            let bulk = server.mutation("alice", name, items, input).await;
            assert_eq!(bulk["bulkOperation"], json!({ "acceptedCount": 0, "rejectedCount": 1, "items": { "nodes": [
                { "requestedId": id, "target": null, "checks": [], "error": { "code": "NOT_FOUND" } }] } }), "{name} {bulk}");
        }

        let before = server.contents().await;
        let odd = OddScim::start(&[]).await;
        let remote_id = odd.put_user(Account::named("somebody@contoso.example"));
        let connector = server.scim_connector("Cloud", &odd.base_url()).await;
        let with_connector = server.contents().await;
        for (name, input) in [
            ("linkAccount", json!({ "connector": connector, "mode": "CORRECT",
                "links": [{ "user": foreign["usr"], "remoteId": remote_id }] })),
            ("previewCorrelation", json!({ "connector": connector, "users": [foreign["usr"]] })),
            ("resolveManually", json!({ "deliveries": [foreign["dlv"]], "reason": "Gone." })),
            ("unlinkAccount", json!({ "accounts": [foreign["acct"]] })),
        ] {
            let done = server.mutation("alice", name, "items { error { code } }", input).await;
            assert_eq!(done["items"], json!([{ "error": { "code": "NOT_FOUND" } }]), "{name} {done}");
        }
        assert!(server.contents().await == with_connector && with_connector != before, "something was changed");
    }

    async fn an_outsider_sees_the_name_of_the_organization_and_no_more(server: Server) {
        const LISTS: &str = "{ accessPackages { totalCount } accessRequests { totalCount } assignments { totalCount }
            auditEvents { totalCount } bulkOperations { totalCount } catalogs { totalCount }
            connectors { totalCount } users { totalCount } }";
        const OWN: &str = "{ organization { slug displayName domains viewerCanEdit }
            viewer { user { id } roles catalogRoles { totalCount } accessRequests { totalCount }
            assignments { totalCount } requestableAccessPackages { totalCount } } }";
        let before = server.contents().await;
        let token = server.token_with("mila", "fabrikam", &["GLOBAL_ADMINISTRATOR", "CATALOG_OWNER"]);
        for name in ["contoso", "contoso.example"] {
            let lists = server.call(Some(&token), Some(name), LISTS, json!({})).await.json;
            assert!(lists["errors"].is_null(), "{lists}");
            for (list, found) in lists["data"].as_object().unwrap() {
                assert_eq!(found["totalCount"], 0, "{list}");
            }
            let own = server.call(Some(&token), Some(name), OWN, json!({})).await.json;
            let none = json!({ "totalCount": 0 });
            assert_eq!(own["data"], json!({
                "organization": { "slug": "contoso", "displayName": "Contoso", "domains": [], "viewerCanEdit": false },
                "viewer": { "user": null, "roles": [], "catalogRoles": none, "accessRequests": none,
                    "assignments": none, "requestableAccessPackages": none } }), "{own}");
        }
        // Nothing that Contoso has can be asked for, and asking makes nobody a guest.
        let submit = refusal_of("submitAccessRequest");
        let garbage = server.call(Some(&token), Some("contoso"), &submit, json!({ "input": { "accessPackage": "pkg_x" } })).await;
        for package in ["Campaign editor", "Frontend engineer", "Board papers"] {
            let input = json!({ "input": { "accessPackage": server.package(package).await } });
            let answer = server.call(Some(&token), Some("contoso"), &submit, input).await;
            assert_eq!(answer.json, garbage.json, "{package}");
        }
        assert_eq!(codes(&garbage.json["data"]["submitAccessRequest"]).len(), 1);
        // Those at home are where they were.
        let home = server.call(Some(&token), Some("fabrikam"), OWN, json!({})).await.json;
        assert_eq!(home["data"]["organization"]["slug"], "fabrikam");
        assert_eq!(home["data"]["viewer"]["roles"], json!(["GLOBAL_ADMINISTRATOR", "CATALOG_OWNER"]));
        assert!(server.contents().await == before);
    }

    async fn an_unknown_organization_is_a_bad_request(server: Server) {
        for name in ["fabricam", "contoso ", "CONTOSO/", "*", "example", "%"] {
            let answer = server.call(Some(&server.token("alice")), Some(name), "{ organization { slug } }", json!({})).await;
            let trimmed = name.trim() == "contoso";
            assert_eq!(answer.status, if trimmed { 200 } else { 400 }, "{name}: {}", answer.json);
            if !trimmed {
                assert_eq!(answer.json["errors"][0]["extensions"]["code"], "BAD_USER_INPUT");
                assert!(answer.json["data"].is_null());
            }
            // Without a token nothing is told about organizations.
            let answer = server.call(None, Some(name), "{ organization { slug } }", json!({})).await;
            assert_eq!(answer.status, 401);
        }
    }
}
