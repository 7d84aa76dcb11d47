//! Many assignments at once: made directly, revoked; and given up by their holders.

use chrono::TimeDelta;
use guichet::demo;
use serde_json::{Value, json};

use crate::harness::{Server, codes};

const BULK: &str = "bulkOperation { id kind state dryRun reason totalCount acceptedCount rejectedCount
    items(first: 1000) { nodes { index requestedId outcome error { code message } target { __typename id } } } }";
const ASSIGNMENTS: &str = "{ assignments(first: 100) { nodes { id state viewerCanRevoke viewerCanGiveUp
    user { displayName } accessPackage { displayName } } } }";

impl Server {
    /// The policy of a package that has one.
    pub async fn policy_of(&self, package: &Value) -> Value {
        let query = "query($id: ID!) { node(id: $id) { ... on AccessPackage { policies { id } } } }";
        self.ask("alice", query, json!({ "id": package })).await["node"]["policies"][0]["id"].clone()
    }

    /// Makes members of Contoso; gives their ids.
    pub async fn people(&self, names: &str, count: usize) -> Vec<Value> {
        let mut people = Vec::new();
        for number in 0..count {
            let name = format!("{names} {number}");
            let input = json!({ "displayName": name, "issuer": demo::issuer("contoso"), "subject": name });
            let made = self.mutation("alice", "createUser", "user { id }", input).await;
            assert_eq!(codes(&made), [""; 0]);
            people.push(made["user"]["id"].clone());
        }
        people
    }

    /// A bulk operation on assignments.
    pub async fn on_assignments(&self, subject: &str, mutation: &str, input: Value) -> Value {
        self.mutation(subject, mutation, BULK, input).await
    }

    /// The assignments that a person sees.
    pub async fn assignments_seen_by(&self, subject: &str) -> Vec<Value> {
        let seen = self.ask(subject, ASSIGNMENTS, json!({})).await;
        seen["assignments"]["nodes"].as_array().unwrap().clone()
    }

    async fn assignment_of(&self, name: &str, package: &str) -> Value {
        let seen = self.assignments_seen_by("alice").await;
        let is_it = |row: &&Value| {
            row["user"]["displayName"] == name && row["accessPackage"]["displayName"] == package
        };
        seen.iter().find(is_it).unwrap_or_else(|| panic!("{name}, {package}"))["id"].clone()
    }

    async fn board(&self) -> Value {
        let board = self.package("Board papers").await;
        json!({ "accessPackage": board, "policy": self.policy_of(&board).await })
    }
}

/// The outcomes of an operation, each with its reason.
pub fn outcomes(payload: &Value) -> Vec<String> {
    let items = payload["bulkOperation"]["items"]["nodes"].as_array().unwrap();
    let text = |item: &Value| item["error"]["code"].as_str().or(item["outcome"].as_str()).unwrap().to_owned();
    items.iter().map(text).collect()
}

fn targets(payload: &Value) -> Vec<Value> {
    let items = payload["bulkOperation"]["items"]["nodes"].as_array().unwrap();
    items.iter().map(|item| item["target"].clone()).collect()
}

fn with(input: &Value, mut more: Value) -> Value {
    let mut input = input.as_object().unwrap().clone();
    input.append(more.as_object_mut().unwrap());
    Value::Object(input)
}

on_both_databases! {
    async fn assignments_are_revoked_one_by_one_in_the_order_given(server: Server) {
        server.work().await;
        let hana = server.assignment_of("Hana Sato", "Frontend engineer").await;
        let judith = server.assignment_of("Judith Okafor", "Frontend engineer").await;
        let chloe = server.assignment_of("Chloé Dubois", "Campaign editor").await;
        let foreign = server.ask("mila", ASSIGNMENTS, json!({})).await["assignments"]["nodes"][0]["id"].clone();
        let given = json!([hana, "asg_x", foreign, hana, chloe, judith]);
        let input = json!({ "selection": { "ids": given }, "reason": "The project is over.", "dryRun": true });
        let before = server.assignments_seen_by("alice").await;
        let dry = server.on_assignments("hana", "revokeAssignments", input.clone()).await;
        // Hana manages Engineering; what Chloé holds in Marketing does not exist for her.
        let expected = ["ACCEPTED", "NOT_FOUND", "NOT_FOUND", "ACCEPTED", "NOT_FOUND", "ACCEPTED"];
        assert_eq!(outcomes(&dry), expected);
        assert_eq!(server.assignments_seen_by("alice").await, before, "a dry run changes nothing");
        let done = server.on_assignments("hana", "revokeAssignments", with(&input, json!({ "dryRun": false }))).await;
        assert_eq!(outcomes(&done), expected);
        let operation = &done["bulkOperation"];
        assert_eq!((&operation["kind"], &operation["state"], &operation["reason"]),
            (&json!("REVOKE_ASSIGNMENTS"), &json!("COMPLETED"), &json!("The project is over.")));
        assert_eq!((&operation["acceptedCount"], &operation["rejectedCount"]), (&json!(3), &json!(3)));
        for (item, given) in operation["items"]["nodes"].as_array().unwrap().iter().zip(given.as_array().unwrap()) {
            assert_eq!(item["requestedId"], *given);
            let shown = item["outcome"] == "ACCEPTED";
            assert_eq!(item["target"]["id"], if shown { given.clone() } else { Value::Null });
        }
        server.work().await;
        let left = server.members("frontend").await;
        assert!(!left.contains(&"Hana Sato".to_owned()) && !left.contains(&"Judith Okafor".to_owned()), "{left:?}");
        assert!(left.contains(&"Ivan Petrov".to_owned()));
        // One removal each, made by Hana, through this operation, and nothing to revoke any more.
        let removals = server.ask("hana", "{ accessRequests(filter: {type: [ADMIN_REMOVE]}) { nodes { state justification submittedBy { displayName }
            history { nodes { action reason bulkOperation { id } } } } } }", json!({})).await;
        let removals = removals["accessRequests"]["nodes"].as_array().unwrap();
        assert_eq!(removals.len(), 2);
        for removal in removals {
            assert_eq!((&removal["state"], &removal["justification"], &removal["submittedBy"]["displayName"]),
                (&json!("DELIVERED"), &json!("The project is over."), &json!("Hana Sato")));
            assert_eq!(removal["history"]["nodes"][0]["bulkOperation"]["id"], operation["id"]);
        }
        let again = server.on_assignments("hana", "revokeAssignments", json!({ "selection": { "ids": [hana] } })).await;
        assert_eq!(outcomes(&again), ["NOT_ACTIVE"]);
        assert_eq!(again["bulkOperation"]["items"]["nodes"][0]["error"]["message"],
            "The assignment is over, or is being taken away already.");
        let events = server.ask("alice", "{ auditEvents(filter: {action: [\"assignment.revoked\"]}) { nodes { targetId actor { displayName } } } }", json!({})).await;
        assert_eq!(events["auditEvents"]["nodes"], json!([{ "targetId": operation["id"], "actor": { "displayName": "Hana Sato" } }]));
    }

    async fn a_filter_of_assignments_is_revoked_in_the_background(server: Server) {
        server.work().await;
        let frontend = server.package("Frontend engineer").await;
        let filter = json!({ "filter": { "accessPackage": [frontend] } });
        let empty = server.on_assignments("hana", "revokeAssignments", json!({ "selection": { "filter": {} }, "expectedCount": 4 })).await;
        assert_eq!(codes(&empty), ["EMPTY_SELECTION"]);
        let missing = server.on_assignments("hana", "revokeAssignments", json!({ "selection": filter })).await;
        assert_eq!((codes(&missing), &missing["userErrors"][0]["field"]), (vec!["INVALID_INPUT"], &json!(["input", "expectedCount"])));
        let wrong = server.on_assignments("hana", "revokeAssignments", json!({ "selection": filter, "expectedCount": 1 })).await;
        assert_eq!(codes(&wrong), ["EXPECTED_COUNT_MISMATCH"]);
        let input = json!({ "selection": filter, "expectedCount": 4, "idempotencyKey": "all of them" });
        let started = server.on_assignments("hana", "revokeAssignments", input.clone()).await;
        assert_eq!(codes(&started), [""; 0], "{started}");
        assert_eq!(started["bulkOperation"]["state"], "RUNNING");
        let replayed = server.on_assignments("hana", "revokeAssignments", input.clone()).await;
        assert_eq!(replayed["bulkOperation"]["id"], started["bulkOperation"]["id"]);
        let other = server.on_assignments("hana", "revokeAssignments", with(&input, json!({ "reason": "x" }))).await;
        assert_eq!(codes(&other), ["IDEMPOTENCY_KEY_REUSED"]);
        server.work().await;
        let query = "query($id: ID!) { node(id: $id) { ... on BulkOperation { state acceptedCount items { nodes { target { ... on Assignment { state } } } } } } }";
        let after = server.ask("hana", query, json!({ "id": started["bulkOperation"]["id"] })).await["node"].clone();
        assert_eq!((&after["state"], &after["acceptedCount"]), (&json!("COMPLETED"), &json!(4)));
        for item in after["items"]["nodes"].as_array().unwrap() {
            assert_eq!(item["target"]["state"], "ENDED");
        }
        assert!(server.members("frontend").await.is_empty());
    }

    /// Every assignment of the story, in every state, as every person.
    async fn who_may_end_an_assignment_is_told_before(server: Server) {
        server.work().await;
        let everything: Vec<Value> = server.assignments_seen_by("alice").await.iter().map(|row| row["id"].clone()).collect();
        let mut told = std::collections::BTreeSet::new();
        for person in ["alice", "bruno", "chloe", "deniz", "goran", "hana", "ivan", "judith", "karim"] {
            let rows = server.assignments_seen_by(person).await;
            let input = json!({ "input": { "selection": { "ids": everything }, "dryRun": true } });
            let query = format!("mutation($input: RevokeAssignmentsInput!) {{ revokeAssignments(input: $input) {{ {BULK} userErrors {{ code }} }} }}");
            let answer = server.ask_with(&server.token(person), &query, input).await;
            if answer.json["errors"][0]["extensions"]["code"] == "FORBIDDEN" {
                assert!(rows.iter().all(|row| row["viewerCanRevoke"] == false), "{person}");
                continue;
            }
            for (id, outcome) in everything.iter().zip(outcomes(&answer.json["data"]["revokeAssignments"])) {
                let seen = rows.iter().find(|row| row["id"] == *id);
                assert_eq!(seen.is_some_and(|row| row["viewerCanRevoke"] == true), outcome == "ACCEPTED", "{person} {seen:?} {outcome}");
                assert_eq!(seen.is_none(), outcome == "NOT_FOUND", "{person} {seen:?}");
                told.insert(outcome);
            }
        }
        assert_eq!(told.into_iter().collect::<Vec<_>>(), ["ACCEPTED", "FORBIDDEN", "NOT_FOUND"]);
        for person in ["alice", "chloe", "karim", "hana", "goran"] {
            for row in server.assignments_seen_by(person).await {
                let before = server.contents().await;
                let done = server.mutation(person, "giveUpAssignment", "assignment { state }", json!({ "id": row["id"] })).await;
                assert_eq!(row["viewerCanGiveUp"] == true, codes(&done).is_empty(), "{person} {row} {done}");
                if !codes(&done).is_empty() {
                    assert_eq!(codes(&done), ["FORBIDDEN"], "{person} {row}");
                    assert!(server.contents().await == before, "{person} {row}");
                }
            }
        }
    }

    async fn a_holder_gives_access_up(server: Server) {
        server.work().await;
        let id = server.assignment_of("Hana Sato", "Frontend engineer").await;
        for (who, code) in [("goran", "FORBIDDEN"), ("karim", "NOT_FOUND"), ("mila", "NOT_FOUND")] {
            let before = server.contents().await;
            let refused = server.mutation(who, "giveUpAssignment", "assignment { id }", json!({ "id": id })).await;
            assert_eq!((codes(&refused), &refused["assignment"]), (vec![code], &Value::Null), "{who}");
            assert!(server.contents().await == before, "{who}");
        }
        let fields = "assignment { state } accessRequest { id type state viewerCanCancel submittedBy { displayName } justification }";
        let done = server.mutation("hana", "giveUpAssignment", fields, json!({ "id": id, "reason": "I moved on." })).await;
        assert_eq!(done["assignment"]["state"], "REVOKING");
        let removal = done["accessRequest"].clone();
        assert_eq!((&removal["type"], &removal["state"], &removal["submittedBy"]["displayName"], &removal["justification"]),
            (&json!("USER_REMOVE"), &json!("DELIVERING"), &json!("Hana Sato"), &json!("I moved on.")));
        assert_eq!(removal["viewerCanCancel"], false, "removing is not called off");
        let canceled = server.mutation("hana", "cancelAccessRequest", "accessRequest { id }", json!({ "id": removal["id"] })).await;
        assert_eq!(codes(&canceled), ["NOT_CANCELABLE"]);
        let again = server.mutation("hana", "giveUpAssignment", "assignment { state }", json!({ "id": id })).await;
        assert_eq!(codes(&again), ["NOT_ACTIVE"]);
        server.work().await;
        assert!(!server.members("frontend").await.contains(&"Hana Sato".to_owned()));
        let after = server.ask("hana", "query($id: ID!) { node(id: $id) { ... on Assignment { state viewerCanGiveUp } } }", json!({ "id": id })).await;
        assert_eq!(after["node"], json!({ "state": "ENDED", "viewerCanGiveUp": false }));
        // And may ask for it again.
        let package = server.package("Frontend engineer").await;
        let asked = server.mutation("hana", "submitAccessRequest", "accessRequest { state }", json!({ "accessPackage": package })).await;
        assert_eq!(codes(&asked), [""; 0]);
    }

    async fn giving_up_can_be_repeated(server: Server) {
        server.work().await;
        let id = server.assignment_of("Hana Sato", "Frontend engineer").await;
        let give_up = async |who: &str, more: Value| {
            let fields = "assignment { state } accessRequest { id type }";
            server.mutation(who, "giveUpAssignment", fields, with(&json!({ "id": id, "idempotencyKey": "once" }), more)).await
        };
        // What was refused takes no key.
        assert_eq!(codes(&give_up("goran", json!({})).await), ["FORBIDDEN"]);
        let (one, other) = tokio::join!(give_up("hana", json!({})), give_up("hana", json!({})));
        assert_eq!((codes(&one), &one["accessRequest"]["type"]), (vec![], &json!("USER_REMOVE")), "{one}");
        assert_eq!(one["accessRequest"], other["accessRequest"]);
        let before = server.contents().await;
        assert_eq!(give_up("hana", json!({})).await["accessRequest"], one["accessRequest"]);
        assert_eq!(codes(&give_up("hana", json!({ "reason": "I moved on." })).await), ["IDEMPOTENCY_KEY_REUSED"]);
        assert_eq!(codes(&give_up("hana", json!({ "idempotencyKey": "" })).await), ["INVALID_INPUT"]);
        assert_eq!(codes(&give_up("hana", json!({ "idempotencyKey": "another" })).await), ["NOT_ACTIVE"]);
        assert!(server.contents().await == before, "nothing more was made");
    }

    async fn what_has_not_begun_is_given_up_too(server: Server) {
        let id = server.assignment_of("Emil Novák", "Frontend engineer").await;
        let done = server.mutation("emil", "giveUpAssignment", "assignment { state } accessRequest { state }", json!({ "id": id })).await;
        assert_eq!((&done["assignment"]["state"], &done["accessRequest"]["state"]), (&json!("ENDED"), &json!("DELIVERED")));
        server.clock.advance(TimeDelta::days(30));
        server.work().await;
        assert!(!server.members("frontend").await.contains(&"Emil Novák".to_owned()));
    }

    async fn a_package_is_assigned_to_many_each_with_their_own_answer(server: Server) {
        let input = server.board().await;
        let [alice, lena, karim, gone, judith, ivan] = [server.user("Alice").await, server.user("Lena").await, server.user("Karim").await,
            server.user("Farah").await, server.user("Judith").await, server.user("Ivan").await];
        let foreign = server.ask("mila", "{ viewer { user { id } } }", json!({})).await["viewer"]["user"]["id"].clone();
        server.mutation("alice", "deactivateUser", "user { state }", json!({ "id": gone })).await;
        let held = server.mutation("alice", "createAssignment", "accessRequest { id }", with(&input, json!({ "user": judith }))).await;
        assert_eq!(codes(&held), [""; 0]);
        server.work().await;
        let given = json!([lena, alice, "usr_x", karim, foreign, lena, gone, judith, ivan, input["accessPackage"]]);
        let expected = ["ACCEPTED", "SELF_ASSIGNMENT", "NOT_FOUND", "ACCEPTED", "NOT_FOUND", "ACCEPTED", "USER_DEACTIVATED", "ALREADY_ASSIGNED", "ACCEPTED", "NOT_FOUND"];
        let input = with(&input, json!({ "users": given }));
        let before = server.ask("alice", "{ accessRequests { totalCount } assignments { totalCount } }", json!({})).await;
        let dry = server.on_assignments("alice", "createAssignments", with(&input, json!({ "dryRun": true }))).await;
        assert_eq!(outcomes(&dry), expected);
        assert_eq!(targets(&dry)[0], json!({ "__typename": "User", "id": lena }));
        assert_eq!(server.ask("alice", "{ accessRequests { totalCount } assignments { totalCount } }", json!({})).await, before);
        let input = with(&input, json!({ "idempotencyKey": "board" }));
        let done = server.on_assignments("alice", "createAssignments", input.clone()).await;
        assert_eq!(outcomes(&done), expected);
        let operation = &done["bulkOperation"];
        assert_eq!((&operation["kind"], &operation["totalCount"], &operation["acceptedCount"]), (&json!("CREATE_ASSIGNMENTS"), &json!(10), &json!(4)));
        let shown = targets(&done);
        let kinds: Vec<&str> = shown.iter().map(|target| target["__typename"].as_str().unwrap_or("null")).collect();
        assert_eq!(kinds, ["AccessRequest", "User", "null", "AccessRequest", "null", "AccessRequest", "User", "User", "AccessRequest", "null"]);
        assert_eq!(shown[0], shown[5], "an id given twice is acted on once");
        let replayed = server.on_assignments("alice", "createAssignments", input).await;
        assert_eq!(replayed, done);
        server.work().await;
        assert_eq!(server.members("board").await, ["Ivan Petrov", "Judith Okafor", "Karim Benali", "Lena Fischer"]);
        let request = server.ask("alice", "query($id: ID!) { node(id: $id) { ... on AccessRequest { type state submittedBy { displayName }
            requestor { displayName } history { nodes { action bulkOperation { id } } } } } }", json!({ "id": shown[3]["id"] })).await["node"].clone();
        assert_eq!((&request["type"], &request["state"], &request["requestor"]["displayName"], &request["submittedBy"]["displayName"]),
            (&json!("ADMIN_ADD"), &json!("DELIVERED"), &json!("Karim Benali"), &json!("Alice Martin")));
        assert_eq!(request["history"]["nodes"][0], json!({ "action": "SUBMITTED", "bulkOperation": { "id": operation["id"] } }));
    }

    async fn what_is_wrong_for_all_refuses_the_whole(server: Server) {
        let input = server.board().await;
        let lena = server.user("Lena").await;
        let frontend = server.package("Frontend engineer").await;
        let late = server.clock.now() - TimeDelta::days(1);
        let many = vec![lena.clone(); 1_001];
        let before = server.contents().await;
        for (wrong, code, field) in [
            (json!({ "users": [] }), "EMPTY_SELECTION", "users"),
            (json!({ "users": many }), "SELECTION_TOO_LARGE", "users"),
            (json!({ "accessPackage": "pkg_x" }), "NOT_FOUND", "accessPackage"),
            (json!({ "policy": "pol_x" }), "NOT_FOUND", "policy"),
            (json!({ "accessPackage": frontend }), "NOT_FOUND", "policy"),
            (json!({ "startsAt": late }), "INVALID_SCHEDULE", "startsAt"),
            (json!({ "expiresAt": late }), "INVALID_SCHEDULE", "expiresAt"),
            (json!({ "justification": "x".repeat(2_001) }), "INVALID_INPUT", "justification"),
            (json!({ "bypassApproval": true }), "JUSTIFICATION_REQUIRED", "justification"),
        ] {
            let refused = server.on_assignments("alice", "createAssignments", with(&with(&input, json!({ "users": [lena] })), wrong)).await;
            assert_eq!((codes(&refused), &refused["userErrors"][0]["field"]), (vec![code], &json!(["input", field])), "{refused}");
            assert_eq!(refused["bulkOperation"], Value::Null);
        }
        assert!(server.contents().await == before, "a refused call changed something");
        server.sql("UPDATE catalog SET enabled = FALSE WHERE display_name = 'Finance'").await;
        let closed = server.on_assignments("alice", "createAssignments", with(&input, json!({ "users": [lena] }))).await;
        assert_eq!(codes(&closed), ["NOT_REQUESTABLE"]);
        let closed = server.mutation("alice", "createAssignment", "accessRequest { id }", with(&input, json!({ "user": lena }))).await;
        assert_eq!(codes(&closed), ["NOT_REQUESTABLE"]);
    }

    async fn what_excludes_the_package_is_told_for_each(server: Server) {
        server.work().await;
        let (hana, karim) = (server.user("Hana").await, server.user("Karim").await);
        let input = server.board().await;
        let frontend = server.package("Frontend engineer").await;
        let set = server.mutation("alice", "setIncompatibleAccessPackages", "__typename",
            json!({ "accessPackage": input["accessPackage"], "incompatibleAccessPackages": [frontend] })).await;
        assert_eq!(codes(&set), [""; 0]);
        let done = server.on_assignments("alice", "createAssignments", with(&input, json!({ "users": [hana, karim] }))).await;
        assert_eq!(outcomes(&done), ["INCOMPATIBLE_PACKAGE", "ACCEPTED"]);
        server.work().await;
        assert_eq!(server.members("board").await, ["Karim Benali"]);
    }

    async fn stages_are_passed_by_with_a_reason_and_not_by_assignment_managers(server: Server) {
        let judith = server.user("Judith").await;
        let package = server.staged(json!([{ "approvers": [{ "user": judith }] }])).await;
        let input = json!({ "accessPackage": package, "policy": server.policy_of(&package).await });
        let people = server.people("Newcomer", 5).await;
        // By the stages, whoever assigns.
        let waiting = server.on_assignments("ivan", "createAssignments", with(&input, json!({ "users": people[..2] }))).await;
        assert_eq!(outcomes(&waiting), ["ACCEPTED", "ACCEPTED"]);
        let state = async |id: &Value| {
            let query = "query($id: ID!) { node(id: $id) { ... on AccessRequest { state approvals { state }
                history { nodes { action actor { displayName } reason } } } } }";
            server.ask("alice", query, json!({ "id": id })).await["node"].clone()
        };
        let request = state(&targets(&waiting)[0]["id"]).await;
        assert_eq!((&request["state"], &request["approvals"]), (&json!("PENDING_APPROVAL"), &json!([{ "state": "PENDING" }])));
        let open = server.on_assignments("goran", "createAssignments", with(&input, json!({ "users": people[..1] }))).await;
        assert_eq!(outcomes(&open), ["REQUEST_OPEN"]);
        // An assignment manager passes nobody by.
        let bypass = with(&input, json!({ "bypassApproval": true, "justification": "The audit begins tomorrow." }));
        let before = server.contents().await;
        for (mutation, whom) in [("createAssignments", json!({ "users": people[2..] })), ("createAssignment", json!({ "user": people[2] }))] {
            let refused = server.mutation("ivan", mutation, "__typename", with(&bypass, whom)).await;
            assert_eq!((codes(&refused), &refused["userErrors"][0]["field"]), (vec!["FORBIDDEN"], &json!(["input", "bypassApproval"])), "{mutation}");
        }
        assert!(server.contents().await == before, "a refused call changed something");
        let refusals = server.ask("alice", "{ auditEvents(filter: {outcome: [REFUSED]}) { nodes { action actor { displayName } } } }", json!({})).await;
        let refusal = json!({ "action": "assignment.create", "actor": { "displayName": "Ivan Petrov" } });
        assert_eq!(refusals["auditEvents"]["nodes"], json!([refusal, refusal]));
        // The others do, and say why.
        let silent = server.mutation("hana", "createAssignment", "accessRequest { id }",
            with(&input, json!({ "bypassApproval": true, "user": people[2] }))).await;
        assert_eq!(codes(&silent), ["JUSTIFICATION_REQUIRED"]);
        let one = server.mutation("goran", "createAssignment", "accessRequest { id }", with(&bypass, json!({ "user": people[2] }))).await;
        let many = server.on_assignments("hana", "createAssignments", with(&bypass, json!({ "users": people[3..] }))).await;
        assert_eq!(outcomes(&many), ["ACCEPTED", "ACCEPTED"]);
        server.work().await;
        for (id, who) in [(&one["accessRequest"]["id"], "Göran Lindqvist"), (&targets(&many)[1]["id"], "Hana Sato")] {
            let request = state(id).await;
            assert_eq!((&request["state"], &request["approvals"]), (&json!("DELIVERED"), &json!([])), "{request}");
            assert_eq!(request["history"]["nodes"][1],
                json!({ "action": "APPROVAL_BYPASSED", "actor": { "displayName": who }, "reason": "The audit begins tomorrow." }));
        }
        let details = server.rows("SELECT CAST(details AS text) FROM audit_event WHERE action = 'access_request.submitted' ORDER BY id".to_owned()).await;
        let bypassed = details.iter().filter(|details| details.replace(' ', "").contains("\"bypassApproval\":true"));
        assert_eq!(bypassed.count(), 2, "{details:?}");
    }

    async fn many_people_take_as_many_statements_as_few(server: Server) {
        server.work().await;
        let judith = server.user("Judith").await;
        let staged = server.staged(json!([{ "approvers": [{ "user": judith }] }])).await;
        let people = server.people("Newcomer", 110).await;
        for package in [server.package("Frontend engineer").await, staged] {
            let input = json!({ "accessPackage": package, "policy": server.policy_of(&package).await });
            let mut taken = Vec::new();
            for users in [&people[..10], &people[10..]] {
                let before = server.app.database.statement_count();
                let done = server.mutation("alice", "createAssignments", "bulkOperation { acceptedCount }", with(&input, json!({ "users": users }))).await;
                assert_eq!(done["bulkOperation"]["acceptedCount"], users.len());
                taken.push(server.app.database.statement_count() - before);
            }
            assert_eq!(taken[0], taken[1], "assigning");
        }
        server.work().await;
        let package = server.package("Frontend engineer").await;
        let query = "query($p: [ID!], $u: [ID!]) { assignments(first: 100, filter: {accessPackage: $p, user: $u}) { nodes { id } } }";
        let mut all = Vec::new();
        for users in [&people[..10], &people[10..]] {
            let found = server.ask("alice", query, json!({ "p": [package], "u": users })).await;
            all.push(found["assignments"]["nodes"].as_array().unwrap().iter().map(|row| row["id"].clone()).collect::<Vec<_>>());
        }
        assert_eq!((all[0].len(), all[1].len()), (10, 100));
        for mutation in ["reprocessAssignments", "revokeAssignments"] {
            let mut taken = Vec::new();
            for ids in &all {
                let before = server.app.database.statement_count();
                let done = server.mutation("alice", mutation, "bulkOperation { acceptedCount }", json!({ "selection": { "ids": ids } })).await;
                assert_eq!(done["bulkOperation"]["acceptedCount"], ids.len(), "{mutation}");
                taken.push(server.app.database.statement_count() - before);
            }
            assert_eq!(taken[0], taken[1], "{mutation}");
        }
        assert_eq!(server.revocations_told().await, "110", "each of them is told");
        // What was found is read in a fixed number of statements, too.
        let query = "query($p: [ID!], $first: Int) { assignments(first: $first, filter: {accessPackage: $p}) { nodes {
            lastCheck { finishedAt roles { finding resourceRole { displayName } delivery { lastError { code } } } } viewerCanReprocess } } }";
        let mut taken = Vec::new();
        for first in [10, 100] {
            let before = server.app.database.statement_count();
            let found = server.ask("alice", query, json!({ "p": [package], "first": first })).await;
            taken.push(server.app.database.statement_count() - before);
            assert_eq!(found["assignments"]["nodes"][0]["lastCheck"]["roles"][0]["finding"], "SKIPPED");
        }
        assert_eq!(taken[0], taken[1], "reading what was found");
    }
}
