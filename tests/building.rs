//! Building what can be requested, through the API alone: what is accepted, and what is refused.

use chrono::TimeDelta;
use futures_util::future::join_all;
use guichet::demo;
use serde_json::{Value, json};

use crate::harness::{Server, codes};

const SECRET: &str = "hunter2-of-the-remote";
const USER_STATE: &str = "query($id: ID!) { node(id: $id) { ... on User { state } } }";
const VIEWER: &str = "{ viewer { user { id } } }";

/// Somebody who calls the server.
struct Caller<'a> {
    server: &'a Server,
    subject: &'static str,
    /// The roles of the token; none for those that the demo gives.
    roles: Option<&'static [&'static str]>,
}

/// A package over one group, and all that it stands on.
struct Built {
    catalog: Value,
    connector: Value,
    group: Value,
    resource: Value,
    role: Value,
    package: Value,
    policy: Value,
}

impl<'a> Caller<'a> {
    const fn of(server: &'a Server, subject: &'static str) -> Self {
        Self { server, subject, roles: None }
    }

    const fn with(server: &'a Server, subject: &'static str, roles: &'static [&'static str]) -> Self {
        Self { server, subject, roles: Some(roles) }
    }

    async fn raw(&self, query: &str, variables: Value) -> Value {
        let token = match self.roles {
            Some(roles) => self.server.token_with(self.subject, "contoso", roles),
            None => self.server.token(self.subject),
        };
        self.server.ask_with(&token, query, variables).await.json
    }

    async fn ask(&self, query: &str, variables: Value) -> Value {
        let answer = self.raw(query, variables).await;
        assert!(answer["errors"].is_null(), "{}: {query}\n{answer}", self.subject);
        answer["data"].clone()
    }

    /// The whole answer to a mutation; `fields` are those of its payload.
    async fn mutate(&self, name: &str, fields: &str, input: Value) -> Value {
        let kind = format!("{}{}Input", name[..1].to_uppercase(), &name[1..]);
        let query = format!(
            "mutation($input: {kind}!) {{ {name}(input: $input) {{ {fields} userErrors {{ code message field }} }} }}"
        );
        self.raw(&query, json!({ "input": input })).await
    }

    /// The payload of a mutation that is done.
    async fn done(&self, name: &str, fields: &str, input: Value) -> Value {
        let answer = self.mutate(name, fields, input).await;
        assert!(answer["errors"].is_null(), "{}: {name}: {answer}", self.subject);
        let payload = answer["data"][name].clone();
        assert_eq!(codes(&payload), [""; 0], "{}: {name}: {payload}", self.subject);
        payload
    }

    /// What a mutation made: the object in the payload's one field.
    async fn made(&self, name: &str, fields: &str, input: Value) -> Value {
        let field = noun(name);
        self.done(name, &format!("{field} {{ {fields} }}"), input).await[field].clone()
    }

    /// The id of what a mutation made.
    async fn id(&self, name: &str, input: Value) -> Value {
        self.made(name, "id", input).await["id"].clone()
    }

    /// The refusals of a mutation: codes, paths and messages.
    async fn refusals(&self, name: &str, input: Value) -> Vec<(String, String, String)> {
        let answer = self.mutate(name, "", input).await;
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        if let Some(errors) = answer["errors"].as_array() {
            let refusal =
                |error: &Value| (text(&error["extensions"]["code"]), String::new(), text(&error["message"]));
            return errors.iter().map(refusal).collect();
        }
        let errors = answer["data"][name]["userErrors"].as_array().unwrap();
        let path = |error: &Value| {
            let parts = error["field"].as_array().cloned().unwrap_or_default();
            parts.iter().map(|part| part.as_str().unwrap().to_owned()).collect::<Vec<_>>().join(".")
        };
        errors.iter().map(|error| (text(&error["code"]), path(error), text(&error["message"]))).collect()
    }

    /// The codes of the refusals of a mutation.
    async fn refused(&self, name: &str, input: Value) -> Vec<String> {
        self.refusals(name, input).await.into_iter().map(|(code, ..)| code).collect()
    }

    /// Asserts that it is in use, and that the message names who uses it.
    async fn in_use(&self, name: &str, id: &Value, users: &[&Value]) {
        let refusals = self.refusals(name, json!({ "id": id })).await;
        assert_eq!(refusals.len(), 1, "{name}: {refusals:?}");
        assert_eq!((refusals[0].0.as_str(), refusals[0].1.as_str()), ("IN_USE", "input.id"), "{name}");
        for user in users {
            assert!(refusals[0].2.contains(user.as_str().unwrap()), "{name}: {user}: {}", refusals[0].2);
        }
    }

    /// A resource over a new group that the connector is opened for, besides what it was opened for.
    async fn target(&self, built: (&Value, &Value), origin: &str, open: &[&str]) -> (Value, Value, Value) {
        let (catalog, connector) = built;
        let group = json!({ "connector": connector, "originId": origin, "displayName": origin });
        let group = self.id("createDirectoryGroup", group).await;
        let opening = json!({ "connector": connector, "catalog": catalog, "targets": open });
        self.done("openConnector", "connector { id }", opening).await;
        let input = json!({ "catalog": catalog, "connector": connector, "kind": "GROUP", "displayName": origin, "originId": origin });
        let resource = self.made("createResource", "id roles { id }", input).await;
        (group, resource["id"].clone(), resource["roles"][0]["id"].clone())
    }

    /// A package of these roles that every member can request at once.
    async fn package(&self, catalog: &Value, name: &str, roles: &[&Value]) -> (Value, Value) {
        let input = json!({ "catalog": catalog, "displayName": name, "resourceRoles": roles });
        let package = self.id("createAccessPackage", input).await;
        let input = json!({
            "accessPackage": package, "displayName": "Everybody", "requestorScope": "ALL_MEMBERS",
            "expiration": { "afterDuration": "P30D" },
        });
        let policy = self.id("createAssignmentPolicy", input).await;
        (package, policy)
    }

    /// All that a request needs, from nothing.
    async fn build(&self) -> Built {
        let catalog = self.id("createCatalog", json!({ "displayName": "Workshop" })).await;
        let connector = json!({ "kind": "DIRECTORY", "displayName": "Tool directory" });
        let connector = self.id("createConnector", connector).await;
        let (group, resource, role) = self.target((&catalog, &connector), "tools", &["tools"]).await;
        let (package, policy) = self.package(&catalog, "Tools", &[&role]).await;
        Built { catalog, connector, group, resource, role, package, policy }
    }

    /// Requests a package for oneself.
    async fn request(&self, package: &Value) -> Value {
        self.id("submitAccessRequest", json!({ "accessPackage": package, "justification": "Work." })).await
    }

    /// What there is to say of a request.
    async fn look(&self, request: &Value) -> Value {
        let query = "query($id: ID!) { node(id: $id) { ... on AccessRequest {
            state accessPackage { id displayName deletedAt catalog { id displayName deletedAt } }
            policy { id displayName deletedAt } assignment { id state }
            deliveries { operation state result resourceRole { displayName resource { displayName deletedAt } } } } } }";
        self.ask(query, json!({ "id": request })).await["node"].clone()
    }
}

/// The field of a mutation's payload.
fn noun(name: &str) -> String {
    if name == "createAssignment" || name == "submitAccessRequest" {
        return "accessRequest".to_owned();
    }
    let verbs = ["create", "update", "delete", "add", "assign", "unassign", "deactivate", "reactivate"];
    let rest = verbs.iter().find_map(|verb| name.strip_prefix(verb)).unwrap();
    format!("{}{}", rest[..1].to_lowercase(), &rest[1..])
}

/// A text in place of a value's, as path and value.
fn merged(mut input: Value, more: &Value) -> Value {
    for (key, value) in more.as_object().unwrap() {
        input[key] = value.clone();
    }
    input
}

on_both_databases! {
    async fn a_new_administrator_builds_a_package_from_nothing(server: Server) {
        let admin = Caller::with(&server, "somebody-new", &["GLOBAL_ADMINISTRATOR"]);
        let built = admin.build().await;
        let karim = Caller::of(&server, "karim");
        let query = "{ viewer { requestableAccessPackages(first: 100) { nodes { id displayName policies { id } } } } }";
        let listed = karim.ask(query, json!({})).await;
        let listed = listed["viewer"]["requestableAccessPackages"]["nodes"].as_array().unwrap().clone();
        let own = listed.iter().find(|package| package["id"] == built.package).unwrap();
        assert_eq!(own["displayName"], "Tools");
        assert!(server.members("tools").await.is_empty());
        let request = karim.request(&built.package).await;
        server.work().await;
        let seen = karim.look(&request).await;
        assert_eq!(seen["state"], "DELIVERED");
        assert_eq!(seen["assignment"]["state"], "DELIVERED");
        assert_eq!(server.members("tools").await, ["Karim Benali"]);
        // Members of another organization see and get nothing of it.
        assert_eq!(server.errors("tara", VIEWER, json!({})).await, [""; 0]);
        let tara = Caller::of(&server, "tara");
        assert_eq!(tara.refused("submitAccessRequest", json!({ "accessPackage": built.package })).await, ["NOT_FOUND"]);
    }

    async fn nobody_reaches_a_group_by_making_a_catalog(server: Server) {
        let (alice, emil) = (Caller::of(&server, "alice"), Caller::of(&server, "emil"));
        let found = alice.ask("{ connectors { nodes { id displayName } } }", json!({})).await;
        let connector = found["connectors"]["nodes"][0]["id"].clone();
        let catalog = emil.id("createCatalog", json!({ "displayName": "Emil's" })).await;
        let other = emil.id("createCatalog", json!({ "displayName": "Emil's other" })).await;
        let input = |catalog: &Value, target: &str| json!({
            "catalog": catalog, "connector": connector, "kind": "GROUP", "displayName": "Board", "originId": target,
        });
        let open = |targets: &[&str]| json!({ "connector": connector, "catalog": catalog, "targets": targets });
        let before = server.contents().await;
        // Emil does not even see the connector; an administrator learns why it does not work.
        assert_eq!(emil.refused("createResource", input(&catalog, "board")).await, ["NOT_FOUND"]);
        assert_eq!(alice.refused("createResource", input(&catalog, "board")).await, ["TARGET_NOT_OPENED"]);
        assert_eq!(emil.refused("openConnector", open(&["board"])).await, ["FORBIDDEN"]);
        let group = json!({ "connector": connector, "originId": "own", "displayName": "Own" });
        assert_eq!(emil.refused("createDirectoryGroup", group).await, ["FORBIDDEN"]);
        let new = json!({ "kind": "DIRECTORY", "displayName": "Own" });
        assert_eq!(emil.refused("createConnector", new).await, ["FORBIDDEN"]);
        // Nor by taking the role of another catalog's resource.
        let roles = alice.ask("{ catalogs { nodes { id displayName resources { nodes { id roles { id } } } } } }", json!({})).await;
        let finance = roles["catalogs"]["nodes"].as_array().unwrap().iter().find(|found| found["displayName"] == "Finance").unwrap().clone();
        let foreign = &finance["resources"]["nodes"][0]["roles"][0]["id"];
        for caller in [&emil, &alice] {
            let package = json!({ "catalog": catalog, "displayName": "Books", "resourceRoles": [foreign] });
            assert_eq!(caller.refused("createAccessPackage", package).await, ["NOT_FOUND"]);
        }
        assert_eq!(server.contents().await, before);
        // For one target, and one catalog.
        alice.done("openConnector", "connector { id }", open(&["frontend"])).await;
        let before = server.contents().await;
        for target in ["board", "Frontend", "frontend2", "front"] {
            assert_eq!(emil.refused("createResource", input(&catalog, target)).await, ["TARGET_NOT_OPENED"], "{target}");
        }
        assert_eq!(emil.refused("createResource", input(&catalog, "*")).await, ["INVALID_INPUT"]);
        let elsewhere = emil.refused("createResource", input(&other, "frontend")).await;
        assert!(elsewhere == ["TARGET_NOT_OPENED"] || elsewhere == ["NOT_FOUND"], "{elsewhere:?}");
        assert_eq!(server.contents().await, before);
        let resource = emil.id("createResource", input(&catalog, "frontend")).await;
        assert_eq!(emil.refused("createResource", input(&catalog, "frontend")).await, ["NAME_TAKEN"]);
        // It is not closed under a resource, and closed again after it.
        for targets in [&[][..], &["board"]] {
            let refusals = alice.refusals("openConnector", open(targets)).await;
            assert_eq!(refusals[0].0, "IN_USE");
            assert!(refusals[0].2.contains(resource.as_str().unwrap()));
        }
        emil.id("deleteResource", json!({ "id": resource })).await;
        alice.done("openConnector", "connector { id }", open(&[])).await;
        let closed = emil.refused("createResource", input(&catalog, "frontend")).await;
        assert_eq!(closed, ["NOT_FOUND"]);
        alice.done("openConnector", "connector { id }", open(&["*"])).await;
        emil.id("createResource", input(&catalog, "board")).await;
        assert_eq!(alice.refused("openConnector", open(&["*", "board"])).await, ["INVALID_INPUT"]);
    }

    async fn what_is_in_use_is_not_deleted(server: Server) {
        let (alice, karim) = (Caller::of(&server, "alice"), Caller::of(&server, "karim"));
        let built = alice.build().await;
        alice.in_use("deleteCatalog", &built.catalog, &[&built.package, &built.resource]).await;
        alice.in_use("deleteResource", &built.resource, &[&built.package]).await;
        alice.in_use("removeResourceRole", &built.role, &[&built.package]).await;
        alice.in_use("deleteConnector", &built.connector, &[&built.resource, &built.group]).await;
        let request = karim.request(&built.package).await;
        let assignment = karim.look(&request).await["assignment"]["id"].clone();
        alice.in_use("deleteAccessPackage", &built.package, &[&request, &assignment]).await;
        alice.in_use("deleteAssignmentPolicy", &built.policy, &[&request]).await;
        alice.in_use("deleteConnector", &built.connector, &[&request]).await;
        server.work().await;
        alice.in_use("deleteAccessPackage", &built.package, &[&assignment]).await;
        alice.in_use("deleteDirectoryGroup", &built.group, &[&server.user("Karim").await]).await;
        // A policy that waits for a decision.
        let input = json!({
            "accessPackage": built.package, "displayName": "Asked", "requestorScope": "ALL_MEMBERS",
            "expiration": { "never": true }, "approvalStages": [{ "approvers": [{ "manager": true }] }],
        });
        let asked = alice.id("createAssignmentPolicy", input).await;
        let lena = Caller::of(&server, "lena");
        let waits = lena.id("submitAccessRequest", json!({ "accessPackage": built.package, "policy": asked })).await;
        assert_eq!(lena.look(&waits).await["state"], "PENDING_APPROVAL");
        alice.in_use("deleteAssignmentPolicy", &asked, &[&waits]).await;
        alice.in_use("deleteAccessPackage", &built.package, &[&waits, &assignment]).await;
        lena.done("cancelAccessRequest", "accessRequest { id }", json!({ "id": waits })).await;
        alice.id("deleteAssignmentPolicy", json!({ "id": asked })).await;
        assert_eq!(alice.refused("deleteAssignmentPolicy", json!({ "id": asked })).await, ["NOT_FOUND"]);
        // An assignment goes on without its policy, and still ends on time.
        alice.id("deleteAssignmentPolicy", json!({ "id": built.policy })).await;
        assert_eq!(server.members("tools").await, ["Karim Benali"]);
        let late = lena.refused("submitAccessRequest", json!({ "accessPackage": built.package })).await;
        assert_eq!(late, ["NOT_FOUND"]);
        server.clock.advance(TimeDelta::days(30));
        server.work().await;
        assert!(server.members("tools").await.is_empty());
        // Now from the top down.
        alice.in_use("deleteCatalog", &built.catalog, &[&built.package, &built.resource]).await;
        alice.id("deleteAccessPackage", json!({ "id": built.package })).await;
        alice.in_use("deleteCatalog", &built.catalog, &[&built.resource]).await;
        alice.in_use("deleteConnector", &built.connector, &[&built.resource, &built.group]).await;
        alice.id("deleteResource", json!({ "id": built.resource })).await;
        alice.in_use("deleteConnector", &built.connector, &[&built.group]).await;
        alice.id("deleteDirectoryGroup", json!({ "id": built.group })).await;
        alice.id("deleteConnector", json!({ "id": built.connector })).await;
        alice.id("deleteCatalog", json!({ "id": built.catalog })).await;
        for (name, id) in [
            ("deleteAccessPackage", &built.package), ("deleteResource", &built.resource), ("deleteCatalog", &built.catalog),
            ("deleteConnector", &built.connector), ("deleteDirectoryGroup", &built.group),
        ] {
            assert_eq!(alice.refused(name, json!({ "id": id })).await, ["NOT_FOUND"], "{name}");
        }
        // History still shows all of it, to the administrator and to whoever asked.
        for caller in [&alice, &karim] {
            let seen = caller.look(&request).await;
            assert_eq!(seen["accessPackage"]["displayName"], "Tools", "{}: {seen}", caller.subject);
            assert!(seen["accessPackage"]["deletedAt"].is_string());
            assert_eq!(seen["accessPackage"]["catalog"]["displayName"], "Workshop");
            assert!(seen["accessPackage"]["catalog"]["deletedAt"].is_string());
            assert_eq!(seen["policy"]["displayName"], "Everybody");
            assert!(seen["policy"]["deletedAt"].is_string());
            assert_eq!(seen["deliveries"][0]["resourceRole"]["resource"]["displayName"], "tools");
            assert_eq!(seen["assignment"]["state"], "ENDED");
        }
        // And the names are free again.
        alice.build().await;
    }

    async fn of_two_changes_of_one_version_one_is_told_to_read_again(server: Server) {
        let alice = Caller::of(&server, "alice");
        let built = alice.build().await;
        let karim = server.user("Karim").await;
        let version = |id: Value| {
            let alice = &alice;
            async move {
                let query = "query($id: ID!) { node(id: $id) { ... on Catalog { version displayName } ... on AccessPackage { version displayName }
                    ... on AssignmentPolicy { version displayName } ... on Connector { version displayName }
                    ... on Resource { version displayName } ... on User { version displayName } } }";
                let node = alice.ask(query, json!({ "id": id })).await["node"].clone();
                (node["version"].as_i64().unwrap(), node["displayName"].as_str().unwrap().to_owned())
            }
        };
        for (name, id) in [
            ("updateCatalog", &built.catalog), ("updateAccessPackage", &built.package), ("updateResource", &built.resource),
            ("updateAssignmentPolicy", &built.policy), ("updateConnector", &built.connector), ("updateUser", &karim),
        ] {
            let (before, _) = version(id.clone()).await;
            let input = |text: &str| json!({ "id": id, "version": before, "displayName": text });
            let both = join_all([alice.refused(name, input("First")), alice.refused(name, input("Second"))]).await;
            let won = if both[0].is_empty() { "First" } else { "Second" };
            let mut told: Vec<String> = both.into_iter().flatten().collect();
            assert_eq!(told.len(), 1, "{name}: {told:?}");
            assert_eq!(told.pop().unwrap(), "CONFLICT", "{name}");
            assert_eq!(version(id.clone()).await, (before + 1, won.to_owned()), "{name}");
            let contents = server.contents().await;
            for old in [before, before + 2, 0, -1, i64::from(i32::MAX)] {
                let refusals = alice.refusals(name, json!({ "id": id, "version": old, "displayName": "Third" })).await;
                assert_eq!((refusals[0].0.as_str(), refusals[0].1.as_str()), ("CONFLICT", "input.version"), "{name} {old}");
            }
            assert_eq!(server.contents().await, contents, "{name}");
            let (now, _) = version(id.clone()).await;
            alice.id(name, json!({ "id": id, "version": now, "displayName": format!("Again {name}") })).await;
        }
        // Changing a package's roles counts as a change of it, too.
        let (before, _) = version(built.package.clone()).await;
        let change = json!({ "id": built.package, "resourceRoles": [built.role] });
        alice.done("removeAccessPackageResourceRoles", "", change).await;
        let stale = json!({ "id": built.package, "version": before, "hidden": true });
        assert_eq!(alice.refused("updateAccessPackage", stale).await, ["CONFLICT"]);
    }

    async fn a_name_is_taken_whatever_its_letters_and_spaces(server: Server) {
        let alice = Caller::of(&server, "alice");
        let built = alice.build().await;
        let policy = json!({ "accessPackage": built.package, "requestorScope": "NOBODY", "expiration": { "never": true } });
        let kinds = [
            ("Catalog", json!({})),
            ("Connector", json!({ "kind": "DIRECTORY" })),
            ("AccessPackage", json!({ "catalog": built.catalog })),
            ("AssignmentPolicy", policy),
        ];
        for (kind, rest) in kinds {
            let (create, update, delete) = (format!("create{kind}"), format!("update{kind}"), format!("delete{kind}"));
            let named = |name: &str| merged(json!({ "displayName": name }), &rest);
            let first = alice.made(&create, "id displayName", named("  Étoile du  Nord ")).await;
            assert_eq!(first["displayName"], "Étoile du  Nord");
            let second = alice.made(&create, "id version", named("Other")).await;
            let contents = server.contents().await;
            for name in ["Étoile du Nord", "ÉTOILE DU NORD", " étoile   du Nord", "étoile\u{a0}du nord"] {
                let refusals = alice.refusals(&create, named(name)).await;
                assert_eq!((refusals[0].0.as_str(), refusals[0].1.as_str()), ("NAME_TAKEN", "input.displayName"), "{create} {name:?}");
                let change = json!({ "id": second["id"], "version": second["version"], "displayName": name });
                assert_eq!(alice.refused(&update, change).await, ["NAME_TAKEN"], "{update} {name:?}");
            }
            assert_eq!(server.contents().await, contents, "{kind}");
            // Its own name stays its own, in other letters.
            let own = json!({ "id": second["id"], "version": second["version"], "displayName": "OTHER" });
            alice.id(&update, own).await;
            alice.id(&delete, json!({ "id": first["id"] })).await;
            // Of many who want the free name at once, one gets it.
            let tries = join_all((0..6).map(|_| alice.refused(&create, named("étoile du nord")))).await;
            assert_eq!(tries.iter().filter(|told| told.is_empty()).count(), 1, "{kind}: {tries:?}");
            assert!(tries.iter().flatten().all(|code| code == "NAME_TAKEN"), "{kind}: {tries:?}");
        }
        // Names are of their catalog, and of their organization.
        alice.id("createCatalog", json!({ "displayName": "Second" })).await;
        Caller::of(&server, "mila").id("createCatalog", json!({ "displayName": "Engineering" })).await;
        let other = alice.id("createCatalog", json!({ "displayName": "Third" })).await;
        alice.id("createAccessPackage", json!({ "catalog": other, "displayName": "Tools" })).await;
    }

    async fn texts_that_cannot_be_are_told_with_their_place(server: Server) {
        let alice = Caller::of(&server, "alice");
        let built = alice.build().await;
        let karim = server.user("Karim").await;
        let creates = [
            ("createCatalog", json!({})),
            ("createConnector", json!({ "kind": "DIRECTORY" })),
            ("createDirectoryGroup", json!({ "connector": built.connector, "originId": "new" })),
            ("createResource", json!({ "catalog": built.catalog, "connector": built.connector, "kind": "GROUP", "originId": "tools" })),
            ("addResourceRole", json!({ "resource": built.resource, "originId": "owner" })),
            ("createAccessPackage", json!({ "catalog": built.catalog })),
            ("createAssignmentPolicy", json!({ "accessPackage": built.package, "requestorScope": "NOBODY", "expiration": { "never": true } })),
            ("createUser", json!({ "issuer": demo::issuer("contoso"), "subject": "new" })),
            ("updateCatalog", json!({ "id": built.catalog, "version": 1 })),
            ("updateConnector", json!({ "id": built.connector, "version": 2 })),
            ("updateResource", json!({ "id": built.resource, "version": 1 })),
            ("updateAccessPackage", json!({ "id": built.package, "version": 1 })),
            ("updateAssignmentPolicy", json!({ "id": built.policy, "version": 1 })),
            ("updateUser", json!({ "id": karim, "version": 1 })),
            ("updateOrganization", json!({ "version": 1 })),
        ];
        let contents = server.contents().await;
        let long = ["é".repeat(201), "x".repeat(100_000)];
        let odd = ["", "   ", "\u{a0}", "a\u{0}b", "a\nb", "a\tb", "a\u{7f}b", "a\u{9b}b", "a\u{202e}b", "a\u{2028}b"];
        for (name, rest) in &creates {
            for text in odd.iter().copied().chain(long.iter().map(String::as_str)) {
                let refusals = alice.refusals(name, merged(json!({ "displayName": text }), rest)).await;
                let shown: String = text.chars().take(10).collect();
                assert_eq!(refusals.len(), 1, "{name} {shown:?}: {refusals:?}");
                let (code, path, message) = &refusals[0];
                assert_eq!((code.as_str(), path.as_str()), ("INVALID_INPUT", "input.displayName"), "{name} {shown:?}");
                assert!(message.len() < 300, "{name}");
            }
        }
        // All faults of one input are told at once.
        let wrong = "x\u{0}".to_owned();
        let many = [
            ("createCatalog", json!({ "displayName": "", "description": wrong }), vec!["displayName", "description"]),
            ("updateCatalog", json!({ "id": built.catalog, "version": 1, "displayName": "", "description": "x".repeat(2_001) }), vec!["displayName", "description"]),
            ("createAccessPackage", json!({ "catalog": built.catalog, "displayName": wrong, "description": wrong }), vec!["displayName", "description"]),
            (
                "createUser",
                json!({ "issuer": "urn:elsewhere", "subject": "", "displayName": "", "email": "nobody", "kind": "GUEST" }),
                vec!["issuer", "subject", "displayName", "email", "kind"],
            ),
            ("createConnector", json!({ "kind": "SCIM", "displayName": "", "secret": " x", "baseUrl": "ftp://x" }), vec!["displayName", "secret", "baseUrl"]),
            ("createConnector", json!({ "kind": "DIRECTORY", "displayName": "", "secret": "x", "baseUrl": "https://example.com" }), vec!["displayName", "secret", "baseUrl"]),
            (
                "createResource",
                json!({ "catalog": built.catalog, "connector": built.connector, "kind": "GROUP", "displayName": "", "originId": " ",
                    "roles": [{ "displayName": "", "originId": "a" }, { "displayName": "B", "originId": "" }] }),
                vec!["displayName", "originId", "roles.0.displayName", "roles.1.originId"],
            ),
            (
                "createAssignmentPolicy",
                json!({ "accessPackage": built.package, "displayName": "", "description": wrong, "requestorScope": "ALL_MEMBERS", "specificUsers": [karim],
                    "expiration": { "afterDuration": "PT0S" }, "approvalStages": [{ "approvers": [], "timeout": "PT1S" }] }),
                vec!["displayName", "description", "specificUsers", "expiration.afterDuration", "approvalStages.0.approvers", "approvalStages.0.timeout"],
            ),
            ("updateOrganization", json!({ "version": 1, "displayName": "", "reprocessWindow": "PT1S" }), vec!["displayName", "reprocessWindow"]),
        ];
        for (name, input, wanted) in many {
            let refusals = alice.refusals(name, input).await;
            let mut told: Vec<&str> = refusals.iter().map(|(_, path, _)| path.trim_start_matches("input.")).collect();
            let mut wanted = wanted.clone();
            told.sort_unstable();
            wanted.sort_unstable();
            assert_eq!(told, wanted, "{name}: {refusals:?}");
            assert!(refusals.iter().all(|(code, ..)| code == "INVALID_INPUT"), "{name}: {refusals:?}");
        }
        assert_eq!(server.contents().await, contents);
        // 200 characters, of whatever size, are a name.
        alice.id("createCatalog", json!({ "displayName": "é".repeat(200), "description": "a\nb\tc".repeat(400) })).await;
    }
}
