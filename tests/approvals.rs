//! Stages of approval: who decides, in which order, what comes of it, and what time does.

use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::harness::{Server, codes};

const REQUEST: &str = "id state review { eligible reason } viewerCanReview completedAt assignment { startsAt expiresAt }
    approvals { id stage state justification justificationRequired openedAt expiresAt closedAt decidedBy { displayName }
        approvers { displayName } }
    history(first: 20) { nodes { action fromState toState actor { displayName } reason } }";

impl Server {
    /// A package of its own in Engineering, under a policy with these stages, which admits all members.
    pub async fn staged(&self, stages: Value) -> Value {
        self.guarded("Guarded", json!({ "approvalStages": stages })).await
    }

    pub async fn ask_to_be_let_in(&self, subject: &str, package: &Value) -> Value {
        let made = self
            .mutation(
                subject,
                "submitAccessRequest",
                "accessRequest { id state }",
                json!({ "accessPackage": package, "justification": "I need it." }),
            )
            .await;
        assert_eq!(codes(&made), [""; 0]);
        assert_eq!(made["accessRequest"]["state"], "PENDING_APPROVAL");
        made["accessRequest"]["id"].clone()
    }

    pub async fn reviewed(&self, subject: &str, id: &Value) -> Value {
        let query = format!("query($id: ID!) {{ node(id: $id) {{ ... on AccessRequest {{ {REQUEST} }} }} }}");
        self.ask(subject, &query, json!({ "id": id })).await["node"].clone()
    }

    async fn decide_requests(&self, subject: &str, input: Value) -> Value {
        self.mutation(
            subject,
            "reviewAccessRequests",
            "bulkOperation { kind decision acceptedCount rejectedCount
            items(first: 100) { nodes { outcome error { code } target { ... on AccessRequest { id } } } } }",
            input,
        )
        .await
    }

    /// What became of a decision on one request: nothing, or the code.
    async fn decides(&self, subject: &str, id: &Value, decision: &str, justification: Option<&str>) -> Value {
        let input =
            json!({ "selection": { "ids": [id] }, "decision": decision, "justification": justification });
        let done = self.decide_requests(subject, input).await;
        assert_eq!(codes(&done), [""; 0]);
        done["bulkOperation"]["items"]["nodes"][0]["error"]["code"].clone()
    }

    /// The names of those for whom it waits.
    async fn waits_for(&self, id: &Value) -> Value {
        let request = self.reviewed("alice", id).await;
        let stages = request["approvals"].as_array().unwrap();
        let stage = stages.iter().find(|stage| stage["state"] == "PENDING").unwrap();
        stage["approvers"].as_array().unwrap().iter().map(|user| user["displayName"].clone()).collect()
    }

    async fn inbox(&self, subject: &str) -> Vec<Value> {
        let found = self.ask(subject, "{ viewer { pendingApprovals { totalCount nodes { stage accessRequest { id requestor { displayName } } } } } }",
            json!({})).await["viewer"]["pendingApprovals"].clone();
        assert_eq!(found["totalCount"], found["nodes"].as_array().unwrap().len());
        found["nodes"].as_array().unwrap().clone()
    }
}

fn two_stages() -> Value {
    json!([
        { "approvers": [{ "manager": true }], "timeout": "P2D" },
        { "approvers": [{ "catalogRole": "ACCESS_PACKAGE_MANAGER" }], "justificationRequired": true },
    ])
}

on_both_databases! {
    async fn a_request_goes_through_its_stages_in_order(server: Server) {
        let package = server.staged(two_stages()).await;
        let id = server.ask_to_be_let_in("karim", &package).await;
        assert_eq!(server.waits_for(&id).await, json!(["Göran Lindqvist"]), "the manager");
        assert_eq!(server.inbox("goran").await.last().unwrap()["accessRequest"]["id"], id);
        assert!(server.inbox("hana").await.iter().all(|waits| waits["accessRequest"]["id"] != id), "not yet her turn");
        assert_eq!(server.reviewed("goran", &id).await["review"], json!({ "eligible": true, "reason": null }));
        for (who, code) in [("karim", "SELF_REVIEW"), ("alice", "NOT_APPROVER"), ("hana", "NOT_APPROVER"), ("emil", "NOT_FOUND"), ("mila", "NOT_FOUND")] {
            let before = server.rows("SELECT state FROM approval ORDER BY id".to_owned()).await;
            assert_eq!(server.decides(who, &id, "APPROVE", None).await, code, "{who}");
            assert_eq!(server.rows("SELECT state FROM approval ORDER BY id".to_owned()).await, before, "{who}");
            let seen = server.reviewed(who, &id).await;
            assert!(seen.is_null() || seen["review"] == json!({ "eligible": false, "reason": code }), "{who}: {seen}");
        }
        assert_eq!(server.decides("goran", &id, "APPROVE", None).await, Value::Null);
        assert_eq!(server.reviewed("alice", &id).await["state"], "PENDING_APPROVAL");
        assert_eq!(server.waits_for(&id).await, json!(["Hana Sato"]));
        assert_eq!(server.decides("goran", &id, "APPROVE", None).await, "ALREADY_REVIEWED", "one decides at most one stage");
        assert_eq!(server.decides("hana", &id, "APPROVE", None).await, "JUSTIFICATION_REQUIRED");
        server.clock.advance(TimeDelta::days(3));
        server.work().await;
        assert_eq!(server.decides("hana", &id, "APPROVE", Some("Good.")).await, Value::Null);
        let request = server.reviewed("alice", &id).await;
        assert_eq!(request["state"], "DELIVERING");
        let start = server.clock.now().to_rfc3339();
        assert_eq!(request["assignment"]["startsAt"].as_str().unwrap()[..19], start[..19], "from the approval on");
        server.work().await;
        let request = server.reviewed("alice", &id).await;
        assert_eq!(request["state"], "DELIVERED");
        assert!(server.members("frontend").await.contains(&"Karim Benali".to_owned()));
        let steps = request["history"]["nodes"].as_array().unwrap();
        let steps: Vec<_> = steps.iter().map(|step| (step["action"].as_str().unwrap(), step["actor"]["displayName"].as_str())).collect();
        assert_eq!(steps, [("SUBMITTED", Some("Karim Benali")), ("APPROVAL_REQUESTED", None), ("APPROVED", Some("Göran Lindqvist")),
            ("APPROVAL_REQUESTED", None), ("APPROVED", Some("Hana Sato")), ("DELIVERY_STARTED", None), ("DELIVERED", None)]);
        // The requestor sees what was said, and not by whom.
        let own = server.reviewed("karim", &id).await;
        assert_eq!((&own["approvals"][1]["state"], &own["approvals"][1]["justification"]), (&json!("APPROVED"), &json!("Good.")));
        assert_eq!((&own["approvals"][1]["decidedBy"], &own["approvals"][1]["approvers"]), (&Value::Null, &json!([])));
        assert_eq!(own["history"]["nodes"][4]["actor"], Value::Null);
        assert_eq!(server.decides("hana", &id, "DENY", Some("No.")).await, "ALREADY_REVIEWED");
    }

    async fn the_first_denial_ends_the_request(server: Server) {
        let package = server.staged(two_stages()).await;
        let id = server.ask_to_be_let_in("karim", &package).await;
        assert_eq!(server.decides("goran", &id, "DENY", Some("Not for you.")).await, Value::Null);
        let request = server.reviewed("karim", &id).await;
        assert_eq!((&request["state"], &request["assignment"]), (&json!("DENIED"), &Value::Null));
        assert!(!request["completedAt"].is_null());
        assert_eq!(request["approvals"].as_array().unwrap().len(), 1);
        assert_eq!(request["approvals"][0]["justification"], "Not for you.");
        server.work().await;
        assert!(!server.members("frontend").await.contains(&"Karim Benali".to_owned()));
        assert!(server.inbox("goran").await.iter().all(|waits| waits["accessRequest"]["id"] != id));
        // A new one can be made, and withdrawn.
        let again = server.ask_to_be_let_in("karim", &package).await;
        let canceled = server.mutation("karim", "cancelAccessRequest", "accessRequest { state approvals { state } }", json!({ "id": again })).await;
        assert_eq!(canceled["accessRequest"], json!({ "state": "CANCELED", "approvals": [{ "state": "CANCELED" }] }));
        assert_eq!(server.decides("goran", &again, "APPROVE", None).await, "REQUEST_CANCELED");
    }

    async fn what_nobody_decides_in_time_is_denied(server: Server) {
        let package = server.staged(two_stages()).await;
        let id = server.ask_to_be_let_in("karim", &package).await;
        server.clock.advance(TimeDelta::days(2) - TimeDelta::seconds(1));
        server.work().await;
        assert_eq!(server.reviewed("alice", &id).await["state"], "PENDING_APPROVAL", "a second before");
        server.clock.advance(TimeDelta::seconds(1));
        assert_eq!(server.decides("goran", &id, "APPROVE", None).await, "TIMED_OUT", "at the instant");
        server.work().await;
        let request = server.reviewed("alice", &id).await;
        assert_eq!((&request["state"], &request["approvals"][0]["state"]), (&json!("DENIED"), &json!("TIMED_OUT")));
        let last = request["history"]["nodes"].as_array().unwrap().last().unwrap().clone();
        assert_eq!((&last["action"], &last["reason"], &last["actor"]), (&json!("TIMED_OUT"), &json!("TIMED_OUT"), &Value::Null));
        let before = server.contents().await;
        server.work().await;
        assert_eq!(server.contents().await, before, "once");
        assert_eq!(server.decides("goran", &id, "APPROVE", None).await, "ALREADY_REVIEWED");
    }

    async fn where_nobody_is_left_others_take_the_place(server: Server) {
        // Nobody has remembered claims before they have been here.
        for (who, roles) in [("alice", ["GLOBAL_ADMINISTRATOR"]), ("bruno", ["IDENTITY_GOVERNANCE_ADMINISTRATOR"])] {
            server.ask_with(&server.token_with(who, "contoso", &roles), "{ viewer { roles } }", json!({})).await;
        }
        let package = server.staged(json!([{ "approvers": [{ "manager": true }] }])).await;
        // Göran's own manager is Bruno; Alice has none, so it falls to the owner of the catalog.
        let of_alice = server.ask_to_be_let_in("alice", &package).await;
        assert_eq!(server.waits_for(&of_alice).await, json!(["Göran Lindqvist"]));
        let of_goran = server.ask_to_be_let_in("goran", &package).await;
        assert_eq!(server.waits_for(&of_goran).await, json!(["Bruno Keller"]));
        let of_karim = server.ask_to_be_let_in("karim", &package).await;
        assert_eq!(server.waits_for(&of_karim).await, json!(["Göran Lindqvist"]));
        // Göran leaves: his own request is withdrawn, and what waited for him goes to governance administrators.
        let goran = server.user("Göran").await;
        let left = server.mutation("alice", "deactivateUser", "user { state }", json!({ "id": goran })).await;
        assert_eq!(codes(&left), [""; 0]);
        assert_eq!(server.reviewed("alice", &of_goran).await["approvals"][0]["state"], "CANCELED");
        assert_eq!(server.waits_for(&of_karim).await, json!(["Bruno Keller"]));
        assert_eq!(server.waits_for(&of_alice).await, json!(["Bruno Keller"]));
        // Bruno leaves, too: Alice is the last one, and decides nothing of her own.
        let bruno = server.user("Bruno").await;
        server.mutation("alice", "deactivateUser", "user { state }", json!({ "id": bruno })).await;
        assert_eq!(server.waits_for(&of_karim).await, json!(["Alice Martin"]));
        assert_eq!(server.waits_for(&of_alice).await, json!([]));
        let without = server.ask("alice", "{ requestsWithoutApprover { totalCount nodes { id } } }", json!({})).await;
        let without = &without["requestsWithoutApprover"];
        assert_eq!((&without["totalCount"], &without["nodes"][1]["id"]), (&json!(2), &of_alice), "and the story's own");
        assert_eq!(server.decides("alice", &of_karim, "APPROVE", None).await, Value::Null);
    }

    async fn who_loses_the_role_decides_no_more(server: Server) {
        let package = server.staged(json!([{ "approvers": [{ "catalogRole": "ACCESS_PACKAGE_ASSIGNMENT_MANAGER" }] }])).await;
        let id = server.ask_to_be_let_in("karim", &package).await;
        assert_eq!(server.waits_for(&id).await, json!(["Ivan Petrov"]));
        let roles = server.ask("goran", "{ catalogs { nodes { roleAssignments(first: 50) { nodes { id role user { displayName } } } } } }", json!({})).await;
        let roles = roles["catalogs"]["nodes"][0]["roleAssignments"]["nodes"].as_array().unwrap().clone();
        let held = roles.iter().find(|held| held["role"] == "ACCESS_PACKAGE_ASSIGNMENT_MANAGER").unwrap();
        let taken = server.mutation("goran", "unassignCatalogRole", "catalogRoleAssignment { id }", json!({ "id": held["id"] })).await;
        assert_eq!(codes(&taken), [""; 0]);
        assert_eq!(server.waits_for(&id).await, json!(["Göran Lindqvist"]), "the catalog's owner takes the place");
        assert_eq!(server.decides("ivan", &id, "APPROVE", None).await, "NOT_FOUND");
        assert_eq!(server.decides("goran", &id, "APPROVE", None).await, Value::Null);
    }

    async fn a_selection_is_decided_request_by_request(server: Server) {
        let package = server.staged(two_stages()).await;
        let mut ids = Vec::new();
        for who in ["karim", "lena", "judith", "ivan", "emil"] {
            ids.push(server.ask_to_be_let_in(who, &package).await);
        }
        server.mutation("lena", "cancelAccessRequest", "accessRequest { state }", json!({ "id": ids[1] })).await;
        let selection = json!([ids[0], ids[1], ids[0], "areq_x", ids[4], ids[2]]);
        let input = |dry_run: bool| json!({ "selection": { "ids": selection }, "decision": "APPROVE", "dryRun": dry_run });
        let expected = json!([null, "REQUEST_CANCELED", null, "NOT_FOUND", "NOT_APPROVER", null]);
        let before = server.rows("SELECT state FROM approval ORDER BY id".to_owned()).await;
        let outcomes = |done: &Value| -> Value {
            let items = done["bulkOperation"]["items"]["nodes"].as_array().unwrap();
            items.iter().map(|item| item["error"]["code"].clone()).collect()
        };
        let dry = server.decide_requests("goran", input(true)).await;
        assert_eq!(outcomes(&dry), expected);
        assert_eq!(server.rows("SELECT state FROM approval ORDER BY id".to_owned()).await, before);
        let done = server.decide_requests("goran", input(false)).await;
        assert_eq!(outcomes(&done), expected);
        assert_eq!(done["bulkOperation"]["kind"], "REVIEW_ACCESS_REQUESTS");
        assert_eq!(server.waits_for(&ids[0]).await, json!(["Hana Sato"]));
        // The rest by a filter, in the background.
        let input = json!({ "selection": { "filter": { "accessPackage": [package], "state": ["PENDING_APPROVAL"] } }, "decision": "DENY",
            "expectedCount": 4, "justification": "No." });
        let started = server.decide_requests("goran", input).await;
        assert_eq!(codes(&started), [""; 0], "{started}");
        server.work().await;
        let states: Vec<Value> = {
            let mut states = Vec::new();
            for id in &ids {
                states.push(server.reviewed("alice", id).await["state"].clone());
            }
            states
        };
        assert_eq!(states, ["PENDING_APPROVAL", "CANCELED", "PENDING_APPROVAL", "DENIED", "PENDING_APPROVAL"]);
        let long = json!({ "selection": { "ids": [ids[0]] }, "decision": "DENY", "justification": "x".repeat(1_025) });
        let refused = server.decide_requests("hana", long).await;
        assert_eq!((codes(&refused), &refused["userErrors"][0]["field"]), (vec!["INVALID_INPUT"], &json!(["input", "justification"])));
    }

    async fn configured_fallbacks_come_before_owners_and_administrators(server: Server) {
        let (hana, judith) = (server.user("Hana").await, server.user("Judith").await);
        let package = server.staged(json!([{ "approvers": [{ "user": hana }], "fallbackApprovers": [{ "user": judith }] }])).await;
        let of_karim = server.ask_to_be_let_in("karim", &package).await;
        assert_eq!(server.waits_for(&of_karim).await, json!(["Hana Sato"]), "not beside those who are there");
        let of_hana = server.ask_to_be_let_in("hana", &package).await;
        assert_eq!(server.waits_for(&of_hana).await, json!(["Judith Okafor"]), "she decides nothing of her own");
        let left = server.mutation("alice", "deactivateUser", "user { state }", json!({ "id": hana })).await;
        assert_eq!(codes(&left), [""; 0]);
        assert_eq!(server.waits_for(&of_karim).await, json!(["Judith Okafor"]), "and where the last one leaves");
        let of_judith = server.ask_to_be_let_in("judith", &package).await;
        assert_eq!(server.waits_for(&of_judith).await, json!(["Göran Lindqvist"]), "then the owner of the catalog");
        assert_eq!(server.decides("judith", &of_karim, "APPROVE", None).await, Value::Null);
    }

    async fn alternates_may_decide_after_their_time(server: Server) {
        let (hana, judith, lena) = (server.user("Hana").await, server.user("Judith").await, server.user("Lena").await);
        let package = server.staged(json!([{ "approvers": [{ "user": hana }, { "user": judith }], "timeout": "P10D",
            "alternateApprovers": [{ "user": lena }, { "user": hana }, { "manager": true }], "alternatesAfter": "P4D" }])).await;
        let id = server.ask_to_be_let_in("karim", &package).await;
        server.clock.advance(TimeDelta::days(4) - TimeDelta::seconds(1));
        server.work().await;
        assert_eq!(server.waits_for(&id).await, json!(["Hana Sato", "Judith Okafor"]), "a second before");
        assert_eq!(server.decides("lena", &id, "APPROVE", None).await, "NOT_FOUND");
        server.clock.advance(TimeDelta::seconds(1));
        server.work().await;
        assert_eq!(server.waits_for(&id).await, json!(["Göran Lindqvist", "Hana Sato", "Judith Okafor", "Lena Fischer"]));
        let told = server.ask("lena", "{ viewer { notifications(first: 100) { nodes { kind subjectId } } } }", json!({})).await;
        let told = told["viewer"]["notifications"]["nodes"].as_array().unwrap().clone();
        assert_eq!(told.iter().filter(|told| told["subjectId"] == id && told["kind"] == "APPROVAL_PENDING").count(), 1, "{told:?}");
        let before = server.contents().await;
        server.work().await;
        assert_eq!(server.contents().await, before, "once");
        // Those who were asked first may still decide; the time that the stage ends is as it was.
        server.clock.advance(TimeDelta::days(6) - TimeDelta::seconds(1));
        server.work().await;
        assert_eq!(server.reviewed("alice", &id).await["state"], "PENDING_APPROVAL");
        assert_eq!(server.decides("judith", &id, "APPROVE", None).await, Value::Null);
        let late = server.ask_to_be_let_in("ivan", &package).await;
        server.clock.advance(TimeDelta::days(10));
        server.work().await;
        assert_eq!(server.reviewed("alice", &late).await["state"], "DENIED", "and is over at once where both times have passed");
    }

    async fn requestors_see_the_approvers_where_the_policy_says_so(server: Server) {
        let package = server.staged(json!([{ "approvers": [{ "manager": true }], "approversVisible": true },
            { "approvers": [{ "catalogRole": "ACCESS_PACKAGE_MANAGER" }] }])).await;
        let id = server.ask_to_be_let_in("karim", &package).await;
        let query = "query($id: ID!) { node(id: $id) { ... on AccessRequest { pendingApprovers { displayName } approvals { approvers { displayName } decidedBy { displayName } } } } }";
        let seen = server.ask("karim", query, json!({ "id": id })).await["node"].clone();
        assert_eq!(seen["pendingApprovers"], json!([{ "displayName": "Göran Lindqvist" }]));
        assert_eq!(server.decides("goran", &id, "APPROVE", None).await, Value::Null);
        let seen = server.ask("karim", query, json!({ "id": id })).await["node"].clone();
        assert_eq!(seen["pendingApprovers"], json!([]), "this stage does not show them");
        assert_eq!(seen["approvals"][0]["decidedBy"]["displayName"], "Göran Lindqvist");
        assert_eq!(seen["approvals"][1]["approvers"], json!([]));
        let seen = server.ask("alice", query, json!({ "id": id })).await["node"].clone();
        assert_eq!(seen["pendingApprovers"], json!([{ "displayName": "Hana Sato" }]));
    }

    async fn of_two_approvers_at_once_one_decides(server: Server) {
        let (hana, karim) = (server.user("Hana").await, server.user("Karim").await);
        let package = server.staged(json!([{ "approvers": [{ "user": hana }, { "user": karim }] }])).await;
        for round in 0..5 {
            let id = server.ask_to_be_let_in(["lena", "judith", "ivan", "emil", "farah"][round], &package).await;
            let (one, other) = tokio::join!(server.decides("hana", &id, "APPROVE", None), server.decides("karim", &id, "DENY", None));
            let codes = [&one, &other];
            assert!(codes.contains(&&Value::Null) && codes.contains(&&json!("ALREADY_REVIEWED")), "{codes:?}");
            let state = server.reviewed("alice", &id).await["state"].clone();
            assert_eq!(state == "DENIED", other.is_null(), "{state}");
        }
    }

    async fn many_decisions_take_as_many_statements_as_few(server: Server) {
        let hana = server.user("Hana").await;
        let package = server.staged(json!([{ "approvers": [{ "user": hana }] }, { "approvers": [{ "manager": true }] }])).await;
        server.inbox("hana").await;
        let mut taken = Vec::new();
        let people = ["karim", "lena", "judith", "ivan", "emil", "farah", "deniz"];
        for (who, stage) in [(&people[..1], 1), (&people[1..], 2)] {
            let mut ids = Vec::new();
            for who in who {
                ids.push(server.ask_to_be_let_in(who, &package).await);
            }
            let before = server.app.database.statement_count();
            let done = server.decide_requests("hana", json!({ "selection": { "ids": ids }, "decision": "APPROVE" })).await;
            assert_eq!(done["bulkOperation"]["acceptedCount"], ids.len(), "{stage}: {done}");
            taken.push(server.app.database.statement_count() - before);
        }
        assert_eq!(taken[0], taken[1]);
        // And the list of what waits.
        let mut taken = Vec::new();
        server.inbox("goran").await;
        for first in [1, 5] {
            let query = format!("{{ viewer {{ pendingApprovals(first: {first}) {{ totalCount nodes {{ approvers {{ displayName }} decidedBy {{ id }}
                accessRequest {{ requestor {{ displayName }} accessPackage {{ displayName }} viewerCanReview }} }} }} }} }}");
            let before = server.app.database.statement_count();
            server.ask("goran", &query, json!({})).await;
            taken.push(server.app.database.statement_count() - before);
        }
        assert_eq!(taken[0], taken[1], "a fixed number of statements");
    }

    async fn a_manager_further_up_decides(server: Server) {
        // Karim reports to Göran, he to Bruno, he to Alice, she to nobody.
        let hana = server.user("Hana").await;
        let stage = |approvers: Value| json!([{ "approvers": approvers, "fallbackApprovers": [{ "user": hana }], "approversVisible": true }]);
        let preview = "query($input: SubmitAccessRequestInput!) { accessRequestPreview(input: $input) { stages { approvers { displayName } } } }";
        let asks = async |who: &str, package: &Value| {
            let before = server.app.database.statement_count();
            let seen = server.ask(who, preview, json!({ "input": { "accessPackage": package } })).await;
            let statements = server.app.database.statement_count() - before;
            let names = |users: &Value| users.as_array().unwrap().iter().map(|user| user["displayName"].clone()).collect::<Value>();
            let seen = names(&seen["accessRequestPreview"]["stages"][0]["approvers"]);
            let id = server.ask_to_be_let_in(who, package).await;
            assert_eq!(server.waits_for(&id).await, seen, "{who}: as the preview says");
            (id, seen, statements)
        };
        server.ask("karim", "{ viewer { roles } }", json!({})).await;
        let mut statements = Vec::new();
        let mut second = Value::Null;
        for (level, name) in [(1, "Göran Lindqvist"), (2, "Bruno Keller"), (3, "Alice Martin"), (4, "Hana Sato")] {
            let package = server.guarded(&format!("Level {level}"), json!({ "approvalStages": stage(json!([{ "managerLevel": level }])) })).await;
            let (id, seen, count) = asks("karim", &package).await;
            assert_eq!(seen, json!([name]), "level {level}");
            statements.push(count);
            if level == 2 {
                assert_eq!(server.decides("goran", &id, "APPROVE", None).await, "NOT_APPROVER");
                assert_eq!(server.decides("bruno", &id, "APPROVE", None).await, Value::Null);
                assert_eq!(server.reviewed("alice", &id).await["state"], "DELIVERING");
                second = package;
            }
        }
        assert_eq!(statements[0], statements[2], "however far up");
        // One's own manager is the first of the line, by either name; once is enough.
        let both = server.staged(stage(json!([{ "manager": true }, { "managerLevel": 1 }, { "managerLevel": 2 }]))).await;
        let shown = "query($id: ID!) { node(id: $id) { ... on AccessPackage { policies { approvalStages { approvers { kind managerLevel } fallbackApprovers { kind managerLevel } } } } } }";
        let shown = server.ask("alice", shown, json!({ "id": both })).await["node"]["policies"][0]["approvalStages"][0].clone();
        assert_eq!(shown, json!({ "approvers": [{ "kind": "MANAGER", "managerLevel": 1 }, { "kind": "MANAGER", "managerLevel": 2 }],
            "fallbackApprovers": [{ "kind": "USER", "managerLevel": null }] }));
        assert_eq!(asks("lena", &both).await.1, json!(["Bruno Keller", "Göran Lindqvist"]));
        // Whoever asks for a report does not decide it, however far up: Bruno for Göran, whose manager he is.
        let reports = server.guarded("Reports", json!({ "managersMayRequest": true, "approvalStages": stage(json!([{ "managerLevel": 1 }])) })).await;
        let input = json!({ "accessPackage": reports, "requestor": server.user("Göran").await });
        let made = server.mutation("bruno", "submitAccessRequest", "accessRequest { id }", input).await;
        assert_eq!(codes(&made), [""; 0]);
        assert_eq!(server.waits_for(&made["accessRequest"]["id"]).await, json!(["Hana Sato"]));
        // Somebody who may not act is no approver, and still stands in the line.
        assert_eq!(codes(&server.mutation("alice", "deactivateUser", "user { state }", json!({ "id": server.user("Bruno").await })).await), [""; 0]);
        assert_eq!(asks("judith", &second).await.1, json!(["Hana Sato"]));
        let third = server.package("Level 3").await;
        assert_eq!(asks("judith", &third).await.1, json!(["Alice Martin"]));
        // What was written before there were levels means one's own manager.
        server.sql("UPDATE policy_stage_approver SET manager_level = NULL").await;
        assert_eq!(asks("judith", &both).await.1, json!(["Göran Lindqvist"]));
        let before = server.contents().await;
        for level in [0, 5, -1, i32::MAX] {
            let refused = server.policy_for(&second, json!({ "displayName": "Other", "approvalStages": stage(json!([{ "user": hana }, { "managerLevel": level }])) })).await;
            assert_eq!((codes(&refused), &refused["userErrors"][0]["field"]),
                (vec!["INVALID_INPUT"], &json!(["input", "approvalStages", "0", "approvers", "1", "managerLevel"])), "{level}");
        }
        assert!(server.contents().await == before);
    }
}
