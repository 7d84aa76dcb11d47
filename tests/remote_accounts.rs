//! Remote systems, accounts and grants in the API: who has what and why, and what administrators set right by hand.

use chrono::TimeDelta;
use guichet::id::Kind as IdKind;
use serde_json::{Value, json};

use crate::harness::odd_scim::{Account, OddScim, Oddity};
use crate::harness::scim_world::ScimPackage;
use crate::harness::{Server, codes};

const GROUP: &str = "team";
const ADA: &str = "ada@contoso.example";
const RESOURCES: &str =
    "query($id: ID!, $state: [EntitlementGrantState!]! = [GIVING, HELD]) { node(id: $id) {
    ... on Catalog { resources { nodes { grants(state: $state) { totalCount nodes {
        id target role state origin confirmedAt createdAt updatedAt user { id } system { baseUrl tenant }
        account { remoteId userName } assignments { id } } } } } } } }";
const ACCOUNTS: &str = "query($id: ID!) { node(id: $id) { ... on Connector {
    system { id baseUrl connectors { id } } accounts { totalCount nodes { id remoteId userName state origin
        viewerCanUnlink user { id } system { id } linkedBy { id } } } } } }";
const PREVIEW: &str = "items { requestedId user { id } correlation account { remoteId userName active }
    linkedTo { id } failure { code message } error { code } }";
const LINKED: &str =
    "items { requestedId error { code } account { id remoteId state origin user { id } linkedBy { id } } }";
const RESOLVED: &str = "items { requestedId error { code } delivery { state result } }";
const DELIVERIES: &str =
    "query($p: ID!) { accessRequests(filter: { accessPackage: [$p] }, first: 100) { nodes { state type
    deliveries { id operation state result attemptCount nextAttemptAt attempts { totalCount } } } } }";

/// A SCIM server with one group, and a package of it.
struct World<'a> {
    server: &'a Server,
    odd: OddScim,
    connector: Value,
    package: ScimPackage,
}

impl<'a> World<'a> {
    async fn build(server: &'a Server) -> Self {
        let odd = OddScim::start(&[]).await;
        odd.put_group(GROUP);
        let connector = server.scim_connector("Cloud", &odd.base_url()).await;
        let package = server.scim_package_of(&connector, "Cloud", GROUP).await;
        Self { server, odd, connector, package }
    }

    /// Gives the package, which must arrive.
    async fn give(&self, user: &Value) -> Value {
        self.server.clock.advance(TimeDelta::seconds(1));
        let assignment = self.server.give(&self.package, user).await;
        let books = self.server.rest(&[&self.package]).await;
        assert_eq!(books.state_of(&assignment), "DELIVERED");
        assignment
    }

    /// The grants at the group, in these states.
    async fn grants(&self, states: &[&str]) -> Vec<Value> {
        let variables = json!({ "id": self.package.catalog, "state": states });
        let found = self.server.ask("alice", RESOURCES, variables).await;
        found["node"]["resources"]["nodes"][0]["grants"]["nodes"].as_array().unwrap().clone()
    }

    /// The accounts at the system, oldest first.
    async fn accounts(&self) -> Vec<Value> {
        let found = self.server.ask("alice", ACCOUNTS, json!({ "id": self.connector })).await;
        found["node"]["accounts"]["nodes"].as_array().unwrap().clone()
    }

    async fn preview(&self, users: &[Value]) -> Vec<Value> {
        let input = json!({ "connector": self.connector, "users": users });
        let payload = self.server.build("previewCorrelation", PREVIEW, input).await;
        payload["items"].as_array().unwrap().clone()
    }

    /// Links accounts; gives the items.
    async fn link(&self, links: Value, dry_run: bool) -> Vec<Value> {
        self.server.clock.advance(TimeDelta::seconds(1));
        let input =
            json!({ "connector": self.connector, "links": links, "mode": "CORRECT", "dryRun": dry_run });
        self.server.build("linkAccount", LINKED, input).await["items"].as_array().unwrap().clone()
    }

    async fn unlink(&self, accounts: &[&Value], dry_run: bool) -> Vec<Value> {
        let input = json!({ "accounts": accounts, "dryRun": dry_run });
        self.server.build("unlinkAccount", LINKED, input).await["items"].as_array().unwrap().clone()
    }

    async fn resolve(&self, deliveries: &[&Value]) -> Vec<Value> {
        let input = json!({ "deliveries": deliveries, "reason": "The tenant was closed." });
        self.server.build("resolveManually", RESOLVED, input).await["items"].as_array().unwrap().clone()
    }

    /// The deliveries of an operation.
    async fn deliveries(&self, operation: &str) -> Vec<Value> {
        let found = self.server.ask("alice", DELIVERIES, json!({ "p": self.package.package })).await;
        let requests = found["accessRequests"]["nodes"].as_array().unwrap().iter();
        let all = requests.flat_map(|request| request["deliveries"].as_array().unwrap().clone());
        all.filter(|delivery| delivery["operation"] == operation).collect()
    }

    /// The details of the events of an action.
    async fn events(&self, action: &str) -> Vec<String> {
        let query =
            "query($a: [String!]) { auditEvents(filter: { action: $a }, first: 100) { nodes { details } } }";
        let found = self.server.ask("alice", query, json!({ "a": [action] })).await;
        let events = found["auditEvents"]["nodes"].as_array().unwrap().iter();
        events.map(|event| event["details"].as_str().unwrap().to_owned()).collect()
    }
}

/// The code of the error of each item; empty for what was done.
fn item_codes(items: &[Value]) -> Vec<&str> {
    items.iter().map(|item| item["error"]["code"].as_str().unwrap_or_default()).collect()
}

on_both_databases! {
    async fn who_has_what_and_why_is_shown_from_every_side(server: Server) {
        let world = World::build(&server).await;
        let (ada, bob) = (server.colleague("Ada", ADA).await, server.colleague("Bob", "bob@contoso.example").await);
        let first = world.give(&ada).await;
        world.give(&bob).await;
        // Another catalog gives the same role of the same group.
        let other = server.scim_package_of(&world.connector, "Other", GROUP).await;
        server.clock.advance(TimeDelta::seconds(1));
        let second = server.give(&other, &ada).await;
        server.rest(&[&world.package, &other]).await;

        let grants = world.grants(&["GIVING", "HELD"]).await;
        assert_eq!(grants.iter().map(|grant| &grant["user"]["id"]).collect::<Vec<_>>(), [&ada, &bob]);
        let of_ada = &grants[0];
        assert_eq!(of_ada["assignments"], json!([{ "id": first }, { "id": second }]));
        assert_eq!(
            json!([of_ada["target"], of_ada["role"], of_ada["state"], of_ada["origin"], of_ada["account"]["userName"]]),
            json!([GROUP, "member", "HELD", "GIVEN", ADA])
        );
        assert_eq!(of_ada["system"], json!({ "baseUrl": world.odd.base_url(), "tenant": null }));
        assert!(of_ada["confirmedAt"].is_string());
        let query = "query($id: ID!) { node(id: $id) { ... on User { grants { totalCount nodes { id assignments { id } } }
            remoteAccounts { nodes { id state origin } } } } }";
        let from_user = server.ask("alice", query, json!({ "id": ada })).await["node"].clone();
        assert_eq!(from_user["grants"], json!({ "totalCount": 1, "nodes": [{ "id": of_ada["id"], "assignments": of_ada["assignments"] }] }));
        let accounts = world.accounts().await;
        assert_eq!(from_user["remoteAccounts"]["nodes"], json!([{ "id": accounts[0]["id"], "state": "LINKED", "origin": "CREATED" }]));
        let connector = server.ask("alice", ACCOUNTS, json!({ "id": world.connector })).await["node"].clone();
        assert_eq!(connector["system"]["connectors"], json!([{ "id": world.connector }]));
        for id in [&of_ada["id"], &accounts[0]["id"], &connector["system"]["id"]] {
            let found = server.ask("alice", "query($id: ID!) { node(id: $id) { id } }", json!({ "id": id })).await;
            assert_eq!(&found["node"]["id"], id);
        }

        server.take(&first).await;
        let state = server.rest(&[&world.package, &other]).await.state_of(&first).to_owned();
        assert_eq!(state, "ENDED");
        assert_eq!(world.grants(&["GIVING", "HELD"]).await[0]["assignments"], json!([{ "id": second }]));
        server.take(&second).await;
        server.rest(&[&world.package, &other]).await;
        assert_eq!(world.grants(&["GIVING", "HELD"]).await.len(), 1, "of Bob");
        let absent = world.grants(&["ABSENT"]).await;
        assert_eq!((&absent[0]["user"]["id"], &absent[0]["assignments"]), (&ada, &json!([])));
        assert!(world.grants(&[]).await.is_empty());
    }

    async fn accounts_and_grants_are_shown_to_those_who_may_see_them(server: Server) {
        let world = World::build(&server).await;
        let (karim, judith) = (server.user("Karim").await, server.user("Judith").await);
        world.give(&karim).await;
        let role = json!({ "catalog": world.package.catalog, "role": "ACCESS_PACKAGE_ASSIGNMENT_MANAGER", "user": judith });
        server.build("assignCatalogRole", "catalogRoleAssignment { id }", role).await;
        let grant = world.grants(&["HELD"]).await[0]["id"].clone();
        let account = world.accounts().await[0]["id"].clone();
        let system = server.ask("alice", ACCOUNTS, json!({ "id": world.connector })).await["node"]["system"]["id"].clone();
        let query = "query($ids: [ID!]!) { nodes(ids: $ids) { id
            ... on EntitlementGrant { system { id } account { id } user { id } assignments { id } } } }";
        let ids = json!({ "ids": [grant, account, system] });
        // Grant, account and system; and of the grant: system, account, and how many assignments.
        for (person, seen) in [
            ("alice", json!([true, true, true, true, true, 1])),
            ("deniz", json!([true, true, true, true, true, 1])),
            ("karim", json!([true, true, false, false, true, 1])),
            ("judith", json!([true, false, false, false, false, 1])),
            ("lena", json!([false, false, false, false, false, 0])),
            ("hana", json!([false, false, false, false, false, 0])),
        ] {
            let nodes = server.ask(person, query, ids.clone()).await["nodes"].clone();
            let assignments = nodes[0]["assignments"].as_array().map_or(0, Vec::len);
            let found = json!([nodes[0].is_object(), nodes[1].is_object(), nodes[2].is_object(),
                nodes[0]["system"].is_object(), nodes[0]["account"].is_object(), assignments]);
            assert_eq!(found, seen, "{person}");
        }
        // A list holds what one may see of it, and no more.
        let own = "query($id: ID!) { node(id: $id) { ... on User { grants(first: 100) { nodes { target } } remoteAccounts { totalCount } } } }";
        for (person, grants, accounts) in [("alice", 1, 1), ("karim", 1, 1), ("judith", 1, 0), ("lena", 0, 0)] {
            let roles: &[&str] = if person == "alice" { &["GLOBAL_ADMINISTRATOR"] } else { &[] };
            let token = server.token_with(person, "contoso", roles);
            let found = server.ask_with(&token, own, json!({ "id": karim })).await.json["data"]["node"].clone();
            if found.is_null() {
                assert_eq!((grants, accounts), (0, 0), "{person} does not see the user");
                continue;
            }
            // The demo gave the user other things before.
            let nodes = found["grants"]["nodes"].as_array().unwrap().iter();
            let here = nodes.filter(|grant| grant["target"] == GROUP).count();
            assert_eq!((here, &found["remoteAccounts"]["totalCount"]), (grants, &json!(accounts)), "{person}");
        }
    }

    async fn many_accounts_and_grants_take_as_many_statements_as_few(server: Server) {
        let world = World::build(&server).await;
        for name in ["P1", "P2", "P3", "P4", "P5"] {
            let user = server.colleague(name, &format!("{name}@contoso.example")).await;
            server.give(&world.package, &user).await;
        }
        server.rest(&[&world.package]).await;
        let query = "query($id: ID!, $first: Int) { connectors { nodes { system { id } accounts(first: $first) { totalCount nodes {
                system { id connectors { id } } user { id } linkedBy { id } } } } }
            node(id: $id) { ... on Catalog { resources { nodes { grants(first: $first) { totalCount nodes {
                system { id } user { id remoteAccounts { totalCount nodes { id } } grants { totalCount nodes { id } } }
                account { id } assignments { id } } } } } } } }";
        let mut taken = Vec::new();
        for first in [2, 5] {
            let before = server.app.database.statement_count();
            let found = server.ask("alice", query, json!({ "id": world.package.catalog, "first": first })).await;
            taken.push(server.app.database.statement_count() - before);
            let grants = found["node"]["resources"]["nodes"][0]["grants"]["nodes"].as_array().unwrap();
            assert_eq!(grants.len(), first);
            assert!(grants.iter().all(|grant| grant["assignments"].as_array().unwrap().len() == 1));
            assert!(grants.iter().all(|grant| grant["user"]["grants"]["totalCount"] == 1));
        }
        assert_eq!(taken[0], taken[1]);
    }

    async fn a_preview_says_which_account_and_why_and_changes_nothing(server: Server) {
        let world = World::build(&server).await;
        let ada = server.colleague("Ada", ADA).await;
        world.give(&ada).await;
        let same_name = server.colleague("Ada too", ADA).await;
        let by_id = server.colleague("Cleo", "cleo@contoso.example").await;
        let external_id = IdKind::User.parse(by_id.as_str().unwrap()).unwrap().to_string();
        world.odd.put_user(Account { external_id: Some(external_id), ..Account::named("c.leo") });
        let by_name = server.colleague("Dora", "dora@contoso.example").await;
        world.odd.put_user(Account { inactive: true, emails: Vec::new(), ..Account::named("DORA@contoso.example") });
        let by_email = server.colleague("Egon", "egon@contoso.example").await;
        world.odd.put_user(Account { user_name: "egon".to_owned(), ..Account::named("egon@contoso.example") });
        let nobody = server.colleague("Fay", "fay@contoso.example").await;
        let unknown = json!("usr_x");
        let users = [ada.clone(), same_name, by_id, by_name, by_email, nobody, unknown];
        let (before, writes) = (server.contents().await, world.odd.count("POST", "/Users"));
        let items = world.preview(&users).await;
        let shown: Vec<Value> = items.iter().map(|item| json!([item["correlation"], item["account"]["userName"]])).collect();
        assert_eq!(json!(shown), json!([
            ["LINKED", ADA], ["ALREADY_LINKED", ADA], ["EXTERNAL_ID", "c.leo"], ["USER_NAME", "DORA@contoso.example"],
            ["EMAIL", "egon"], ["WOULD_CREATE", null], [null, null],
        ]));
        assert_eq!(items[1]["linkedTo"]["id"], ada);
        assert_eq!(items[3]["account"]["active"], false);
        assert_eq!(item_codes(&items), ["", "", "", "", "", "", "NOT_FOUND"]);
        assert_eq!(json!(items.iter().map(|item| item["requestedId"].clone()).collect::<Vec<_>>()), json!(users));
        world.odd.set(Oddity::TokenExpired);
        let failed = world.preview(&users[..2]).await;
        for item in &failed {
            assert_eq!((&item["correlation"], &item["failure"]["code"]), (&json!("FAILED"), &json!("REMOTE_AUTH_FAILED")));
        }
        assert!(server.contents().await == before, "a preview changed something");
        assert_eq!(world.odd.count("POST", "/Users"), writes);
        let events = world.events("connector.correlation_previewed").await;
        assert_eq!(events.len(), 2);
        assert!(events.iter().all(|event| event.contains(ada.as_str().unwrap())), "{events:?}");

        let directory = "{ connectors { nodes { id kind } } }";
        let directory = server.ask("alice", directory, json!({})).await["connectors"]["nodes"].as_array().unwrap().clone();
        let directory = directory.into_iter().find(|connector| connector["kind"] == "DIRECTORY").unwrap()["id"].clone();
        for (connector, users, code) in [
            (&world.connector, json!([]), "EMPTY_SELECTION"),
            (&world.connector, json!(vec![&ada; 101]), "SELECTION_TOO_LARGE"),
            (&directory, json!([ada]), "INVALID_INPUT"),
            (&json!("conn_x"), json!([ada]), "NOT_FOUND"),
        ] {
            let input = json!({ "connector": connector, "users": users });
            let refused = server.mutation("alice", "previewCorrelation", PREVIEW, input).await;
            assert_eq!((codes(&refused), &refused["items"]), (vec![code], &json!([])));
        }
    }

    async fn a_link_by_hand_corrects_the_books_and_access_is_taken_there(server: Server) {
        let world = World::build(&server).await;
        let ada = server.colleague("Ada", ADA).await;
        let held = world.give(&ada).await;
        let wrong = world.accounts().await[0].clone();
        // The one that Ada really uses is in the group, too.
        let right = world.odd.put_user(Account::named("a.lovelace@contoso.example"));
        world.odd.put_in(GROUP, "a.lovelace@contoso.example");
        let links = json!([{ "user": ada, "remoteId": right }]);
        let before = server.contents().await;
        let dry = world.link(links.clone(), true).await;
        assert_eq!((item_codes(&dry), &dry[0]["account"]), (vec![""], &json!(null)));
        assert!(server.contents().await == before, "a dry run changed something");
        assert!(world.events("remote_account.linked").await.is_empty());

        let done = world.link(links.clone(), false).await;
        let alice = server.user("Alice").await;
        assert_eq!(done[0]["account"], json!({ "id": done[0]["account"]["id"], "remoteId": right, "state": "LINKED",
            "origin": "LINKED", "user": { "id": ada }, "linkedBy": { "id": alice } }));
        let accounts = world.accounts().await;
        assert_eq!((&accounts[0]["id"], &accounts[0]["state"]), (&wrong["id"], &json!("UNLINKED")));
        let grants = world.grants(&["HELD"]).await;
        assert_eq!((grants.len(), &grants[0]["account"]["remoteId"]), (1, &json!(right)));
        let events = world.events("remote_account.linked").await;
        assert_eq!(events.len(), 1);
        assert!(events[0].contains(wrong["id"].as_str().unwrap()) && events[0].contains(ada.as_str().unwrap()), "{events:?}");
        // Again it is so already.
        let again = world.link(links, false).await;
        assert_eq!((item_codes(&again), &again[0]["account"]["id"]), (vec![""], &done[0]["account"]["id"]));
        assert_eq!(world.events("remote_account.linked").await.len(), 1);

        server.take(&held).await;
        assert_eq!(server.rest(&[&world.package]).await.state_of(&held), "ENDED");
        assert_eq!(world.odd.truth(GROUP), [ADA], "it was taken from the right one");
    }

    async fn a_link_that_is_wrong_is_refused_and_changes_nothing(server: Server) {
        let world = World::build(&server).await;
        let (ada, bob) = (server.colleague("Ada", ADA).await, server.colleague("Bob", "bob@contoso.example").await);
        let held = world.give(&ada).await;
        let of_ada = world.accounts().await[0]["remoteId"].clone();
        let free = json!(world.odd.put_user(Account::named("free@contoso.example")));
        let alice = server.user("Alice").await;
        let before = server.contents().await;
        for (user, remote_id, code) in [
            (&alice, &free, "SELF_ASSIGNMENT"),
            (&bob, &of_ada, "ACCOUNT_ALREADY_LINKED"),
            (&bob, &json!("no-such-account"), "NOT_FOUND"),
            (&bob, &json!(""), "INVALID_INPUT"),
            (&json!("usr_x"), &free, "NOT_FOUND"),
        ] {
            for dry_run in [true, false] {
                let items = world.link(json!([{ "user": user, "remoteId": remote_id }]), dry_run).await;
                assert_eq!(item_codes(&items), [code], "{remote_id}");
            }
        }
        world.odd.set(Oddity::Unavailable);
        let items = world.link(json!([{ "user": bob, "remoteId": free }]), false).await;
        assert_eq!(item_codes(&items), ["REMOTE_FAILED"]);
        world.odd.unset(Oddity::Unavailable);
        assert!(server.contents().await == before, "a refusal changed something");
        for (links, code) in [(json!([]), "EMPTY_SELECTION"),
            (json!(vec![json!({ "user": bob, "remoteId": free }); 101]), "SELECTION_TOO_LARGE")] {
            let input = json!({ "connector": world.connector, "links": links, "mode": "CORRECT" });
            assert_eq!(codes(&server.mutation("alice", "linkAccount", LINKED, input).await), [code]);
        }
        // While something is delivered to an account, it stays whose it is.
        server.take(&held).await;
        world.odd.hold_next_answer();
        let meanwhile = async {
            world.odd.arrived().await;
            let items = world.link(json!([{ "user": ada, "remoteId": free }]), false).await;
            world.odd.release();
            items
        };
        let ((), items) = tokio::join!(server.work(), meanwhile);
        assert_eq!(item_codes(&items), ["ALREADY_IN_PROGRESS"]);
        // What is good is done beside what is not; nobody is named twice.
        let links = json!([{ "user": bob, "remoteId": free }, { "user": bob, "remoteId": of_ada }, { "user": ada, "remoteId": free }]);
        assert_eq!(item_codes(&world.link(links, false).await), ["", "ACCOUNT_ALREADY_LINKED", "INVALID_INPUT"]);
        // Who has left and has nothing there leaves the account to others.
        server.build("deactivateUser", "user { id }", json!({ "id": ada })).await;
        assert_eq!(item_codes(&world.link(json!([{ "user": bob, "remoteId": of_ada }]), false).await), [""]);
        let events = world.events("remote_account.linked").await;
        assert!(events.iter().any(|event| event.contains("userBefore") && event.contains(ada.as_str().unwrap())), "{events:?}");
    }

    async fn an_account_is_unlinked_when_nothing_is_held_there(server: Server) {
        let world = World::build(&server).await;
        let ada = server.colleague("Ada", ADA).await;
        let held = world.give(&ada).await;
        let account = world.accounts().await[0]["id"].clone();
        let unknown = json!("acct_x");
        let before = server.contents().await;
        for dry_run in [true, false] {
            assert_eq!(item_codes(&world.unlink(&[&account, &unknown], dry_run).await), ["IN_USE", "NOT_FOUND"]);
        }
        assert!(server.contents().await == before, "a refusal changed something");
        server.take(&held).await;
        server.rest(&[&world.package]).await;
        let before = server.contents().await;
        assert_eq!(item_codes(&world.unlink(&[&account], true).await), [""]);
        assert!(server.contents().await == before, "a dry run changed something");
        let done = world.unlink(&[&account], false).await;
        assert_eq!((item_codes(&done), &done[0]["account"]["state"]), (vec![""], &json!("UNLINKED")));
        assert_eq!(world.events("remote_account.unlinked").await.len(), 1);
        assert_eq!(item_codes(&world.unlink(&[&account], false).await), ["NOT_ACTIVE"]);
        // The next delivery finds the person anew.
        world.give(&ada).await;
        let accounts = world.accounts().await;
        let states: Vec<(&Value, &Value)> = accounts.iter().map(|account| (&account["state"], &account["origin"])).collect();
        assert_eq!(states, [(&json!("UNLINKED"), &json!("CREATED")), (&json!("LINKED"), &json!("EXTERNAL_ID"))]);
        // Nobody unlinks their own.
        server.ask_for("alice", &world.package.package).await;
        server.rest(&[&world.package]).await;
        let alice = server.user("Alice").await;
        let accounts = world.accounts().await;
        let own = accounts.iter().find(|account| account["user"]["id"] == alice).unwrap();
        assert_eq!(own["viewerCanUnlink"], false);
        assert_eq!(item_codes(&world.unlink(&[&own["id"]], false).await), ["SELF_ASSIGNMENT"]);
    }

    async fn a_removal_that_never_will_be_is_resolved_by_hand(server: Server) {
        let world = World::build(&server).await;
        let ada = server.colleague("Ada", ADA).await;
        let held = world.give(&ada).await;
        let delete = async || {
            server.mutation("alice", "deleteAccessPackage", "accessPackage { id }", json!({ "id": world.package.package })).await
        };
        world.odd.set(Oddity::Unavailable);
        server.take(&held).await;
        server.work().await;
        let removal = world.deliveries("REMOVE").await[0].clone();
        assert_eq!(removal["state"], "PENDING");
        assert_eq!(codes(&delete().await), ["IN_USE"]);
        let add = world.deliveries("ADD").await[0]["id"].clone();
        let before = server.contents().await;
        for (input, code) in [
            (json!({ "deliveries": [removal["id"]], "reason": " " }), "INVALID_INPUT"),
            (json!({ "deliveries": [], "reason": "Gone." }), "EMPTY_SELECTION"),
            (json!({ "deliveries": vec![&removal["id"]; 1_001], "reason": "Gone." }), "SELECTION_TOO_LARGE"),
        ] {
            assert_eq!(codes(&server.mutation("alice", "resolveManually", RESOLVED, input).await), [code]);
        }
        let refused = world.resolve(&[&add, &json!("dlv_x")]).await;
        assert_eq!(item_codes(&refused), ["INVALID_INPUT", "NOT_FOUND"]);
        assert!(server.contents().await == before, "a refusal changed something");

        let calls = world.odd.calls().len();
        let done = world.resolve(&[&removal["id"], &add]).await;
        assert_eq!(item_codes(&done), ["", "INVALID_INPUT"]);
        assert_eq!(done[0]["delivery"], json!({ "state": "SUCCEEDED", "result": "RESOLVED_MANUALLY" }));
        let after = world.deliveries("REMOVE").await[0].clone();
        assert_eq!((&after["attemptCount"], &after["attempts"]), (&removal["attemptCount"], &removal["attempts"]), "no attempt is invented");
        assert!(after["nextAttemptAt"].is_null());
        let books = server.books(&[&world.package]).await;
        assert_eq!(books.state_of(&held), "ENDED");
        let requests = server.ask("alice", DELIVERIES, json!({ "p": world.package.package })).await;
        let requests = requests["accessRequests"]["nodes"].as_array().unwrap();
        assert!(requests.iter().all(|request| request["state"] == "DELIVERED"), "{requests:?}");
        assert_eq!(world.grants(&["ABSENT"]).await.len(), 1);
        assert_eq!(world.odd.calls().len(), calls, "no call is made");
        let events = world.events("delivery.resolved_manually").await;
        assert!(events.len() == 1 && events[0].contains("The tenant was closed."), "{events:?}");
        assert_eq!(item_codes(&world.resolve(&[&removal["id"]]).await), ["NOT_ACTIVE"]);
        assert_eq!(codes(&delete().await), [""; 0]);
        assert_eq!(world.odd.truth(GROUP), [ADA], "what is at the remote stays there");
    }

    async fn a_removal_that_is_being_tried_is_not_resolved(server: Server) {
        let world = World::build(&server).await;
        let ada = server.colleague("Ada", ADA).await;
        let held = world.give(&ada).await;
        server.take(&held).await;
        world.odd.hold_next_answer();
        let meanwhile = async {
            world.odd.arrived().await;
            let removal = world.deliveries("REMOVE").await[0]["id"].clone();
            let items = world.resolve(&[&removal]).await;
            world.odd.release();
            items
        };
        let ((), items) = tokio::join!(server.work(), meanwhile);
        assert_eq!(item_codes(&items), ["ALREADY_IN_PROGRESS"]);
        assert_eq!(server.rest(&[&world.package]).await.state_of(&held), "ENDED");
        assert!(world.odd.truth(GROUP).is_empty());
    }

    async fn what_waits_behind_a_resolved_removal_goes_on(server: Server) {
        let world = World::build(&server).await;
        let ada = server.colleague("Ada", ADA).await;
        let held = world.give(&ada).await;
        world.odd.set(Oddity::Unavailable);
        server.take(&held).await;
        server.work().await;
        let again = server.give(&world.package, &ada).await;
        let removal = world.deliveries("REMOVE").await[0]["id"].clone();
        world.odd.unset(Oddity::Unavailable);
        // Ada wants it again: it is still there, and stays in the books.
        assert_eq!(item_codes(&world.resolve(&[&removal]).await), [""]);
        assert_eq!(world.grants(&["HELD"]).await.len(), 1);
        let books = server.rest(&[&world.package]).await;
        assert_eq!((books.state_of(&held), books.state_of(&again)), ("ENDED", "DELIVERED"));
        assert_eq!(world.odd.truth(GROUP), [ADA]);
    }
}
