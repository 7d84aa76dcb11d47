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

    async fn holders_follow_the_roles_of_their_package(server: Server) {
        let alice = Caller::of(&server, "alice");
        let built = alice.build().await;
        let places = (&built.catalog, &built.connector);
        let (_, _, second) = alice.target(places, "second", &["tools", "second"]).await;
        let (other, _) = alice.package(&built.catalog, "Other", &[&second]).await;
        let members = |origin: &'static str| async {
            let mut members = server.members(origin).await;
            members.sort();
            members
        };
        // Judith was in the second group before, Lena holds it by another package.
        server.sql("INSERT INTO directory_member (group_id, user_id, role, created_at)
            SELECT g.id, u.id, 'member', g.created_at FROM directory_group g, app_user u
            WHERE g.origin_id = 'second' AND u.subject = 'judith'").await;
        for person in ["karim", "lena", "judith"] {
            Caller::of(&server, person).request(&built.package).await;
        }
        Caller::of(&server, "lena").request(&other).await;
        server.work().await;
        // Hana is not served yet when the role comes.
        let waiting = Caller::of(&server, "hana").request(&built.package).await;
        let change = json!({ "id": built.package, "resourceRoles": [second, second] });
        alice.done("addAccessPackageResourceRoles", "", change.clone()).await;
        assert_eq!(members("second").await, ["Judith Okafor", "Lena Fischer"], "not before the work is done");
        server.work().await;
        let all = ["Hana Sato", "Judith Okafor", "Karim Benali", "Lena Fischer"];
        assert_eq!(members("tools").await, all);
        assert_eq!(members("second").await, all);
        let seen = alice.look(&waiting).await;
        assert_eq!(seen["state"], "DELIVERED");
        assert_eq!(seen["deliveries"].as_array().unwrap().len(), 2);
        // Adding what is there changes nothing.
        let contents = server.contents().await;
        alice.done("addAccessPackageResourceRoles", "", change.clone()).await;
        assert_eq!(server.contents().await, contents);
        // Ivan asks when there are two roles.
        Caller::of(&server, "ivan").request(&built.package).await;
        server.work().await;
        assert!(members("second").await.contains(&"Ivan Petrov".to_owned()));
        alice.done("removeAccessPackageResourceRoles", "", change.clone()).await;
        server.work().await;
        assert_eq!(members("second").await, ["Judith Okafor", "Lena Fischer"]);
        assert_eq!(members("tools").await.len(), 5);
        // Out and in again before any of it is done, and in and out again.
        alice.done("addAccessPackageResourceRoles", "", change.clone()).await;
        server.work().await;
        alice.done("removeAccessPackageResourceRoles", "", change.clone()).await;
        alice.done("addAccessPackageResourceRoles", "", change.clone()).await;
        server.work().await;
        assert_eq!(members("second").await.len(), 5);
        alice.done("removeAccessPackageResourceRoles", "", change.clone()).await;
        server.work().await;
        alice.done("addAccessPackageResourceRoles", "", change.clone()).await;
        alice.done("removeAccessPackageResourceRoles", "", change).await;
        server.work().await;
        assert_eq!(members("second").await, ["Judith Okafor", "Lena Fischer"]);
        // Whoever loses everything at the end loses the other package's, too.
        server.clock.advance(TimeDelta::days(30));
        server.work().await;
        assert!(members("tools").await.is_empty());
        assert_eq!(members("second").await, ["Judith Okafor"], "she had it before");
    }

    async fn a_failed_assignment_catches_up_with_its_package_when_it_is_delivered_again(server: Server) {
        let alice = Caller::of(&server, "alice");
        let built = alice.build().await;
        let (_, _, second) = alice.target((&built.catalog, &built.connector), "second", &["tools", "second"]).await;
        let (_, _, third) = alice.target((&built.catalog, &built.connector), "third", &["tools", "second", "third"]).await;
        server.sql("DELETE FROM directory_group WHERE origin_id = 'tools'").await;
        let request = Caller::of(&server, "karim").request(&built.package).await;
        server.work().await;
        assert_eq!(alice.look(&request).await["state"], "DELIVERY_FAILED");
        for roles in [[&second], [&third]] {
            alice.done("addAccessPackageResourceRoles", "", json!({ "id": built.package, "resourceRoles": roles })).await;
        }
        alice.done("removeAccessPackageResourceRoles", "", json!({ "id": built.package, "resourceRoles": [third] })).await;
        server.work().await;
        assert!(server.members("second").await.is_empty(), "what failed gets nothing by itself");
        let reprocess = async || {
            let query = "mutation($ids: [ID!]!) { reprocessAccessRequests(input: {selection: {ids: $ids}}) { userErrors { code } } }";
            server.ask("alice", query, json!({ "ids": [request] })).await;
            server.work().await;
            alice.look(&request).await
        };
        let seen = reprocess().await;
        assert_eq!((&seen["state"], seen["deliveries"].as_array().unwrap().len()), (&json!("PARTIALLY_DELIVERED"), 2));
        alice.id("createDirectoryGroup", json!({ "connector": built.connector, "originId": "tools", "displayName": "Tools" })).await;
        let seen = reprocess().await;
        assert_eq!((&seen["state"], seen["deliveries"].as_array().unwrap().len()), (&json!("DELIVERED"), 2));
        for (group, members) in [("tools", vec!["Karim Benali"]), ("second", vec!["Karim Benali"]), ("third", vec![])] {
            assert_eq!(server.members(group).await, members, "{group}");
        }
    }

    async fn users_are_made_and_changed(server: Server) {
        let (alice, chloe) = (Caller::of(&server, "alice"), Caller::of(&server, "chloe"));
        let (goran, hana, ivan) = (server.user("Göran").await, server.user("Hana").await, server.user("Ivan").await);
        let new = |issuer: &str, subject: &str| json!({ "issuer": issuer, "subject": subject, "displayName": "New Person", "manager": goran });
        let contents = server.contents().await;
        for issuer in ["", "urn:elsewhere", "urn:guichet:demo:fabrikam", "URN:guichet:demo:contoso", "urn:guichet:demo:contoso "] {
            let refusals = chloe.refusals("createUser", new(issuer, "new")).await;
            assert_eq!((refusals[0].0.as_str(), refusals[0].1.as_str()), ("INVALID_INPUT", "input.issuer"), "{issuer}");
        }
        let issuer = demo::issuer("contoso");
        assert_eq!(chloe.refused("createUser", new(&issuer, "karim")).await, ["NAME_TAKEN"]);
        let foreign = Caller::of(&server, "mila").ask("{ viewer { user { id } } }", json!({})).await["viewer"]["user"]["id"].clone();
        let input = merged(new(&issuer, "new"), &json!({ "manager": foreign }));
        assert_eq!(chloe.refused("createUser", input).await, ["NOT_FOUND"]);
        assert_eq!(server.contents().await, contents);
        let made = chloe.id("createUser", new(&issuer, "new-person")).await;
        // Their first token is of the same person, whose access may be there already.
        let me = Caller::with(&server, "new-person", &[]).ask(VIEWER, json!({})).await;
        assert_eq!(me["viewer"]["user"]["id"], made);
        // Nobody manages themselves, however far around.
        let update = |id: &Value, manager: &Value| json!({ "id": id, "version": 1, "manager": manager });
        let (bruno, alice_id) = (server.user("Bruno").await, server.user("Alice").await);
        let contents = server.contents().await;
        for (user, manager) in [(&goran, &goran), (&goran, &made), (&bruno, &hana), (&alice_id, &made), (&alice_id, &bruno)] {
            let refusals = chloe.refusals("updateUser", update(user, manager)).await;
            assert_eq!((refusals[0].0.as_str(), refusals[0].1.as_str()), ("INVALID_INPUT", "input.manager"));
        }
        assert_eq!(chloe.refused("updateUser", update(&made, &foreign)).await, ["NOT_FOUND"]);
        assert_eq!(chloe.refused("updateUser", update(&foreign, &made)).await, ["NOT_FOUND"]);
        assert_eq!(server.contents().await, contents);
        // Of two changes that close a circle together, one is too late.
        let both = join_all([chloe.refused("updateUser", update(&hana, &ivan)), alice.refused("updateUser", update(&ivan, &hana))]).await;
        assert_eq!(both.iter().filter(|told| told.is_empty()).count(), 1, "{both:?}");
        // Of two administrators who deactivate each other, one is too late.
        let chloe_id = server.user("Chlo").await;
        join_all([
            alice.refused("deactivateUser", json!({ "id": chloe_id })),
            chloe.refused("deactivateUser", json!({ "id": alice_id })),
        ]).await;
        let states = server.rows("SELECT state FROM app_user WHERE subject IN ('alice', 'chloe') ORDER BY state".to_owned()).await;
        assert_eq!(states, ["ACTIVE", "DEACTIVATED"]);
    }

    async fn whoever_is_deactivated_is_out_at_once(server: Server) {
        let (alice, chloe) = (Caller::of(&server, "alice"), Caller::of(&server, "chloe"));
        let karim = Caller::of(&server, "karim");
        let id = server.user("Karim").await;
        let frontend = karim.request(&server.package("Frontend engineer").await).await;
        server.work().await;
        assert!(server.members("frontend").await.contains(&"Karim Benali".to_owned()));
        let campaign = karim.request(&server.package("Campaign editor").await).await;
        // A bulk operation of somebody who leaves while it runs.
        let failed = alice.ask("query($u: [ID!]) { accessRequests(filter: {requestor: $u, state: [PARTIALLY_DELIVERED, DELIVERY_FAILED]}) { nodes { id } } }", json!({ "u": [server.user("Lena").await] })).await;
        let failed: Vec<Value> = failed["accessRequests"]["nodes"].as_array().unwrap().iter().map(|node| node["id"].clone()).collect();
        let bulk = Caller::of(&server, "ivan").done("reprocessAccessRequests", "bulkOperation { id }", json!({ "selection": { "ids": failed } })).await["bulkOperation"]["id"].clone();
        let query = "query($id: ID!) { node(id: $id) { ... on BulkOperation { state acceptedCount rejectedCount startedBy { displayName } } } }";
        let before = alice.ask(query, json!({ "id": bulk })).await;
        alice.id("deactivateUser", json!({ "id": server.user("Ivan").await })).await;
        server.work().await;
        let after = alice.ask(query, json!({ "id": bulk })).await;
        assert_eq!(after, before);
        assert!(after["node"]["acceptedCount"].as_i64().unwrap() > 0);

        let token = server.token("karim");
        assert_eq!(server.ask_with(&token, VIEWER, json!({})).await.status, 200);
        let gone = chloe.made("deactivateUser", "state deactivatedAt viewerCanReactivate", json!({ "id": id })).await;
        assert_eq!((&gone["state"], &gone["viewerCanReactivate"]), (&json!("DEACTIVATED"), &json!(true)));
        let contents = server.contents().await;
        assert_eq!(server.ask_with(&token, VIEWER, json!({})).await.status, 401);
        assert_eq!(server.ask_with(&server.token_with("karim", "contoso", &["GLOBAL_ADMINISTRATOR"]), VIEWER, json!({})).await.status, 401);
        // Twice is once.
        chloe.id("deactivateUser", json!({ "id": id })).await;
        assert_eq!(server.contents().await, contents);
        server.work().await;
        for group in ["frontend", "backend", "prod-readers", "campaigns"] {
            assert!(!server.members(group).await.contains(&"Karim Benali".to_owned()), "{group}");
        }
        let query = "query($u: [ID!]) { accessRequests(filter: {requestor: $u}, first: 100) { nodes { type state accessPackage { displayName } } }
            assignments(filter: {user: $u}, first: 100) { nodes { state } } }";
        let left = alice.ask(query, json!({ "u": [id] })).await;
        for request in left["accessRequests"]["nodes"].as_array().unwrap() {
            let open = ["SUBMITTED", "PENDING_APPROVAL", "SCHEDULED", "DELIVERING"];
            assert!(!open.contains(&request["state"].as_str().unwrap()), "{request}");
            if request["accessPackage"]["displayName"] == "Ledger reader" {
                assert_eq!(request["state"], "CANCELED");
            }
        }
        for assignment in left["assignments"]["nodes"].as_array().unwrap() {
            assert_eq!(assignment["state"], "ENDED");
        }
        assert_eq!(alice.look(&frontend).await["assignment"]["state"], "ENDED");
        assert_eq!(alice.look(&campaign).await["assignment"]["state"], "ENDED");
        // Nothing is given to them, and they manage nobody new.
        let policy = alice.ask("query($id: ID!) { node(id: $id) { ... on AccessPackage { policies { id } } } }", json!({ "id": server.package("Board papers").await })).await["node"]["policies"][0]["id"].clone();
        let give = json!({ "accessPackage": server.package("Board papers").await, "policy": policy, "user": id });
        assert_eq!(alice.refused("createAssignment", give).await, ["USER_DEACTIVATED"]);
        let manage = json!({ "id": server.user("Lena").await, "version": 1, "manager": id });
        assert_eq!(alice.refused("updateUser", manage).await, ["USER_DEACTIVATED"]);

        // Back again: let in, with nothing of what they had.
        chloe.id("reactivateUser", json!({ "id": id })).await;
        server.work().await;
        assert_eq!(server.ask_with(&token, VIEWER, json!({})).await.status, 200);
        for group in ["frontend", "backend", "prod-readers", "campaigns"] {
            assert!(!server.members(group).await.contains(&"Karim Benali".to_owned()), "{group}");
        }
        assert_eq!(karim.look(&frontend).await["assignment"]["state"], "ENDED");
        karim.request(&server.package("Frontend engineer").await).await;
        server.work().await;
        assert!(server.members("frontend").await.contains(&"Karim Benali".to_owned()));
        // Nobody deactivates themselves.
        for (caller, name) in [(&alice, "Alice"), (&chloe, "Chlo")] {
            let own = server.user(name).await;
            assert_eq!(caller.refused("deactivateUser", json!({ "id": own })).await, ["INVALID_INPUT"]);
            assert_eq!(alice.ask(USER_STATE, json!({ "id": own })).await["node"]["state"], "ACTIVE");
        }
        assert_eq!(karim.refused("deactivateUser", json!({ "id": server.user("Lena").await })).await, ["FORBIDDEN"]);
    }

    async fn a_catalog_role_holds_at_once_and_ends_at_once(server: Server) {
        let (alice, goran, lena) = (Caller::of(&server, "alice"), Caller::of(&server, "goran"), Caller::of(&server, "lena"));
        let found = alice.ask("{ catalogs { nodes { id displayName } } }", json!({})).await;
        let catalog = |name: &str| found["catalogs"]["nodes"].as_array().unwrap().iter().find(|node| node["displayName"] == name).unwrap()["id"].clone();
        let (engineering, finance) = (catalog("Engineering"), catalog("Finance"));
        let id = server.user("Lena").await;
        let role = |catalog: &Value, user: &Value, role: &str| json!({ "catalog": catalog, "user": user, "role": role });
        let package = |catalog: &Value, name: &str| json!({ "catalog": catalog, "displayName": name });
        let refused = |told: Vec<String>| told.len() == 1 && ["NOT_FOUND", "FORBIDDEN"].contains(&told[0].as_str());
        let mine = package(&engineering, "Lena's");
        let query = "query($id: ID!) { node(id: $id) { ... on Catalog { displayName viewerCanManagePackages } } viewer { catalogRoles { nodes { role } } } }";
        assert!(refused(lena.refused("createAccessPackage", mine.clone()).await));
        let contents = server.contents().await;
        // Only owners give roles, only in their own catalog, and only to their own people.
        for subject in ["hana", "ivan", "judith", "lena", "emil", "chloe"] {
            let caller = Caller::of(&server, subject);
            let own = server.user("Lena").await;
            assert!(refused(caller.refused("assignCatalogRole", role(&engineering, &own, "CATALOG_OWNER")).await), "{subject}");
        }
        for name in ["CATALOG_READER", "CATALOG_OWNER"] {
            assert!(refused(goran.refused("assignCatalogRole", role(&finance, &id, name)).await));
        }
        let mila = Caller::of(&server, "mila").ask(VIEWER, json!({})).await["viewer"]["user"]["id"].clone();
        assert_eq!(goran.refused("assignCatalogRole", role(&engineering, &mila, "CATALOG_READER")).await, ["NOT_FOUND"]);
        assert_eq!(server.contents().await, contents);

        let held = goran.done("assignCatalogRole", "catalogRoleAssignment { id }", role(&engineering, &id, "ACCESS_PACKAGE_MANAGER")).await["catalogRoleAssignment"]["id"].clone();
        let again = goran.done("assignCatalogRole", "catalogRoleAssignment { id }", role(&engineering, &id, "ACCESS_PACKAGE_MANAGER")).await["catalogRoleAssignment"]["id"].clone();
        assert_eq!(held, again);
        let seen = lena.ask(query, json!({ "id": engineering })).await;
        assert_eq!(seen["node"]["viewerCanManagePackages"], true);
        assert_eq!(seen["viewer"]["catalogRoles"]["nodes"][0]["role"], "ACCESS_PACKAGE_MANAGER");
        let made = lena.id("createAccessPackage", mine).await;
        assert!(refused(lena.refused("createAccessPackage", package(&finance, "Lena's")).await));
        assert!(refused(lena.refused("assignCatalogRole", role(&engineering, &id, "CATALOG_OWNER")).await));
        assert!(refused(lena.refused("updateCatalog", json!({ "id": engineering, "version": 1, "displayName": "Mine" })).await));
        assert!(refused(Caller::of(&server, "hana").refused("unassignCatalogRole", json!({ "id": held })).await));

        goran.done("unassignCatalogRole", "", json!({ "id": held })).await;
        assert!(refused(lena.refused("createAccessPackage", package(&engineering, "Another")).await));
        assert!(refused(lena.refused("deleteAccessPackage", json!({ "id": made })).await));
        let seen = lena.ask(query, json!({ "id": engineering })).await;
        assert_ne!(seen["node"]["viewerCanManagePackages"], true);
        assert_eq!(seen["viewer"]["catalogRoles"]["nodes"], json!([]));
        assert_eq!(goran.refused("unassignCatalogRole", json!({ "id": held })).await, ["NOT_FOUND"]);
        // A role in another catalog is not his to take.
        let foreign = alice.done("assignCatalogRole", "catalogRoleAssignment { id }", role(&finance, &id, "CATALOG_READER")).await["catalogRoleAssignment"]["id"].clone();
        assert!(refused(goran.refused("unassignCatalogRole", json!({ "id": foreign })).await));
        // An owner may go; then it is over for them, too.
        let query = "query($id: ID!) { node(id: $id) { ... on Catalog { roleAssignments(first: 100) { nodes { id role user { id } } } } } }";
        let roles = alice.ask(query, json!({ "id": engineering })).await;
        let own = roles["node"]["roleAssignments"]["nodes"].as_array().unwrap().iter().find(|node| node["role"] == "CATALOG_OWNER").unwrap()["id"].clone();
        goran.done("unassignCatalogRole", "", json!({ "id": own })).await;
        assert!(refused(goran.refused("assignCatalogRole", role(&engineering, &id, "CATALOG_READER")).await));
    }

    async fn the_secret_of_a_connector_is_never_told(server: Server) {
        let alice = Caller::of(&server, "alice");
        let all = "id displayName baseUrl hasSecret health healthMessage version kind enabled";
        let connector = format!("connector {{ {all} }}");
        let mut answers = Vec::new();
        let base = json!({ "kind": "SCIM", "displayName": "Cloud", "baseUrl": "http://127.0.0.1:9/scim", "secret": SECRET, "idempotencyKey": "once" });
        let made = alice.made("createConnector", all, base.clone()).await;
        assert_eq!(made["hasSecret"], true);
        let id = made["id"].clone();
        answers.push(made);
        let with_password = format!("https://user:{SECRET}@example.com/");
        for wrong in [
            json!({ "displayName": "" }),
            json!({ "displayName": "Cloud", "idempotencyKey": null }),
            json!({ "secret": format!("{SECRET}\n") }),
            json!({ "secret": { "text": SECRET } }),
            json!({ "secret": [SECRET, SECRET] }),
            json!({ "idempotencyKey": "once", "displayName": "Another" }),
            json!({ "baseUrl": with_password }),
            json!({ "baseUrl": format!("https://example.com/?{SECRET}") }),
            json!({ "kind": "DIRECTORY" }),
            json!({ "unknown": SECRET }),
        ] {
            let answer = alice.mutate("createConnector", &connector, merged(base.clone(), &wrong)).await;
            let told = answer["errors"].is_array() || !codes(&answer["data"]["createConnector"]).is_empty();
            assert!(told, "{answer}");
            answers.push(answer);
        }
        // In the text of the operation, where no variable protects it.
        for text in [
            format!("mutation {{ createConnector(input: {{kind: SCIM, displayName: \"A\", baseUrl: \"ftp://x\", secret: \"{SECRET}\"}}) {{ userErrors {{ message }} }} }}"),
            format!("mutation {{ createConnector(input: {{kind: NONE, displayName: \"A\", secret: \"{SECRET}\"}}) {{ userErrors {{ message }} }} }}"),
            format!("mutation {{ createConnector(input: {{kind: SCIM, displayName: 7, secret: \"{SECRET}\"}}) {{ userErrors {{ message }} }} }}"),
            format!("mutation {{ createConnector(input: {{kind: SCIM, secret: [\"{SECRET}\"]}}) {{ userErrors {{ message }} }} }}"),
            format!("mutation {{ createConnector(input: {{kind: SCIM, secret: \"{SECRET}\" displayName: }}) {{ userErrors {{ message }} }} }}"),
            format!("mutation {{ createConnector(input: {{secret: \"{SECRET}"),
        ] {
            answers.push(alice.raw(&text, json!({})).await);
        }
        answers.push(alice.mutate("testConnector", &format!("{connector} failure {{ code message }}"), json!({ "id": id })).await);
        let version = async || alice.ask("query($id: ID!) { node(id: $id) { ... on Connector { version } } }", json!({ "id": id })).await["node"]["version"].clone();
        // Another address without the secret again would send it there.
        let contents = server.contents().await;
        for address in ["http://127.0.0.1:9/other", "http://127.0.0.1:10/scim", "http://localhost:9/scim", "https://127.0.0.1:9/scim"] {
            let input = json!({ "id": id, "version": version().await, "baseUrl": address, "accounts": "FORGET" });
            let refusals = alice.refusals("updateConnector", input.clone()).await;
            assert_eq!((refusals[0].0.as_str(), refusals[0].1.as_str()), ("INVALID_INPUT", "input.secret"), "{address}");
            answers.push(alice.mutate("updateConnector", &connector, input).await);
        }
        assert_eq!(server.contents().await, contents);
        let input = json!({ "id": id, "version": version().await, "baseUrl": "http://127.0.0.1:9/scim", "displayName": "Same place" });
        answers.push(alice.made("updateConnector", all, input).await);
        let input = json!({ "id": id, "version": version().await, "baseUrl": "http://127.0.0.1:9/other", "secret": SECRET, "accounts": "KEEP" });
        let moved = alice.made("updateConnector", all, input).await;
        assert_eq!((&moved["hasSecret"], &moved["baseUrl"]), (&json!(true), &json!("http://127.0.0.1:9/other")));
        answers.push(moved);
        let input = json!({ "id": id, "version": version().await, "baseUrl": "http://127.0.0.1:9/third", "secret": null, "accounts": "FORGET" });
        assert_eq!(alice.made("updateConnector", all, input).await["hasSecret"], false);
        let input = json!({ "id": id, "version": version().await, "secret": SECRET });
        assert_eq!(alice.made("updateConnector", all, input).await["hasSecret"], true);
        answers.push(alice.raw(&format!("{{ connectors(first: 100) {{ nodes {{ {all} }} }} }}"), json!({})).await);
        let field = alice.raw("{ connectors { nodes { secret } } }", json!({})).await;
        assert!(field["errors"].is_array());
        answers.push(field);
        let events = alice.ask("{ auditEvents(first: 100) { totalCount nodes { action outcome details targetId } } }", json!({})).await;
        assert!(events["auditEvents"]["totalCount"].as_i64().unwrap() <= 100);
        assert!(events.to_string().contains("connector.updated"));
        answers.push(events);
        for answer in answers {
            assert!(!answer.to_string().contains(SECRET), "{answer}");
        }
        assert!(!server.contents().await.iter().any(|row| row.contains(SECRET)), "at rest it is sealed");
        let kept = server.rows("SELECT COALESCE(secret, '') FROM connector WHERE display_name = 'Same place'".to_owned()).await;
        assert!(!kept[0].is_empty() && !kept[0].contains(SECRET));
        alice.id("deleteConnector", json!({ "id": id })).await;
        let kept = server.rows("SELECT COALESCE(secret, '') FROM connector WHERE display_name = 'Same place'".to_owned()).await;
        assert_eq!(kept, [""], "it goes with the connector");
    }

    async fn a_key_makes_one_object(server: Server) {
        let alice = Caller::of(&server, "alice");
        let built = alice.build().await;
        let places = (&built.catalog, &built.connector);
        alice.target(places, "second", &["tools", "second", "third"]).await;
        let creates = [
            ("createCatalog", "displayName", json!({ "displayName": "New" })),
            ("createConnector", "displayName", json!({ "kind": "SCIM", "displayName": "New", "baseUrl": "https://example.com", "secret": SECRET })),
            ("createDirectoryGroup", "displayName", json!({ "connector": built.connector, "originId": "third", "displayName": "New" })),
            ("createResource", "displayName", json!({ "catalog": built.catalog, "connector": built.connector, "kind": "GROUP", "originId": "third", "displayName": "New" })),
            ("addResourceRole", "displayName", json!({ "resource": built.resource, "originId": "owner", "displayName": "New" })),
            ("createAccessPackage", "displayName", json!({ "catalog": built.catalog, "displayName": "New", "resourceRoles": [built.role] })),
            ("createAssignmentPolicy", "displayName", json!({ "accessPackage": built.package, "displayName": "New", "requestorScope": "NOBODY", "expiration": { "never": true } })),
            ("createUser", "displayName", json!({ "issuer": demo::issuer("contoso"), "subject": "new", "displayName": "New" })),
            ("createAssignment", "justification", json!({ "accessPackage": built.package, "policy": built.policy, "user": server.user("Lena").await, "justification": "New" })),
            ("submitAccessRequest", "justification", json!({ "accessPackage": built.package, "justification": "New" })),
        ];
        for (name, text, input) in creates {
            let keyed = merged(input.clone(), &json!({ "idempotencyKey": format!("key of {name}") }));
            let all = join_all((0..8).map(|_| alice.id(name, keyed.clone()))).await;
            assert!(all.iter().all(|id| *id == all[0]), "{name}: {all:?}");
            let contents = server.contents().await;
            assert_eq!(alice.id(name, keyed.clone()).await, all[0], "{name}");
            let other = merged(keyed.clone(), &json!({ text: "Something else" }));
            assert_eq!(alice.refused(name, other).await, ["IDEMPOTENCY_KEY_REUSED"], "{name}");
            for key in ["", "x\u{0}", &"k".repeat(201)] {
                let refusals = alice.refusals(name, merged(input.clone(), &json!({ "idempotencyKey": key }))).await;
                assert_eq!((refusals[0].0.as_str(), refusals[0].1.as_str()), ("INVALID_INPUT", "input.idempotencyKey"), "{name}");
            }
            assert_eq!(server.contents().await, contents, "{name}");
        }
        // A refusal keeps no key, and everybody has keys of their own.
        let keyed = |name: &str| json!({ "displayName": name, "idempotencyKey": "mine" });
        assert_eq!(alice.refused("createCatalog", keyed("Engineering")).await, ["NAME_TAKEN"]);
        let first = alice.id("createCatalog", keyed("Engineering 2")).await;
        let second = Caller::of(&server, "emil").id("createCatalog", keyed("Engineering 3")).await;
        assert_ne!(first, second);
        assert_eq!(alice.id("createCatalog", keyed("Engineering 2")).await, first);
        // What was made with a key and is no more is not made again.
        let group = json!({ "connector": built.connector, "originId": "fourth", "displayName": "New", "idempotencyKey": "gone" });
        let id = alice.id("createDirectoryGroup", group.clone()).await;
        alice.done("deleteDirectoryGroup", "", json!({ "id": id })).await;
        assert_eq!(alice.refused("createDirectoryGroup", group).await, ["NOT_FOUND"]);
    }
}
