//! From the request to the delivered access, and back.

use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::harness::{Server, codes};

const SUBMIT: &str = "mutation($input: SubmitAccessRequestInput!) { submitAccessRequest(input: $input) {
    accessRequest { id state assignment { id state startsAt expiresAt } } userErrors { code field } } }";
const REQUEST: &str =
    "query($id: ID!) { node(id: $id) { ... on AccessRequest { state completedAt lastCompletedAt
    assignment { id state } deliveries { operation state result existedBefore attemptCount nextAttemptAt
    lastError { code retryable message } } history { nodes { sequence action fromState toState } } } } }";
const REVOKE: &str = "mutation($id: ID!) { revokeAssignment(input: {id: $id}) {
    assignment { state } accessRequest { id type state } userErrors { code } } }";

impl Server {
    async fn submit(&self, subject: &str, input: Value) -> Value {
        self.ask(subject, SUBMIT, json!({ "input": input })).await["submitAccessRequest"].clone()
    }

    async fn request(&self, id: &Value) -> Value {
        self.ask("alice", REQUEST, json!({ "id": id })).await["node"].clone()
    }
}

fn actions(request: &Value) -> Vec<&str> {
    let events = request["history"]["nodes"].as_array().unwrap();
    events.iter().map(|event| event["action"].as_str().unwrap()).collect()
}

on_both_databases! {
    async fn a_request_without_approval_is_delivered(server: Server) {
        let package = server.package("Frontend engineer").await;
        let made = server.submit("karim", json!({ "accessPackage": package })).await;
        assert_eq!(made["accessRequest"]["state"], "DELIVERING");
        assert!(!server.members("frontend").await.contains(&"Karim Benali".to_owned()));
        server.work().await;
        let request = server.request(&made["accessRequest"]["id"]).await;
        assert_eq!(request["state"], "DELIVERED");
        assert_eq!(request["assignment"]["state"], "DELIVERED");
        assert_eq!(request["deliveries"][0]["result"], "CHANGED");
        assert_eq!(request["deliveries"][0]["attemptCount"], 1);
        assert_eq!(request["completedAt"], request["lastCompletedAt"]);
        assert_eq!(actions(&request), ["SUBMITTED", "DELIVERY_STARTED", "DELIVERED"]);
        assert!(server.members("frontend").await.contains(&"Karim Benali".to_owned()));
    }

    async fn what_stands_against_a_request_is_told_by_its_code(server: Server) {
        let frontend = server.package("Frontend engineer").await;
        let first = server.submit("karim", json!({ "accessPackage": frontend })).await;
        assert_eq!(codes(&first), [""; 0]);
        let again = server.submit("karim", json!({ "accessPackage": frontend })).await;
        assert_eq!(codes(&again), ["ALREADY_ASSIGNED"]);
        let ledger = server.package("Ledger reader").await;
        let open = server.submit("karim", json!({ "accessPackage": ledger })).await;
        assert_eq!(codes(&open), ["REQUEST_OPEN", "JUSTIFICATION_REQUIRED"], "all at once");
        let silent = server.submit("goran", json!({ "accessPackage": ledger })).await;
        assert_eq!(codes(&silent), ["JUSTIFICATION_REQUIRED"]);
        let waits = server.submit("goran", json!({ "accessPackage": ledger, "justification": "Audit." })).await;
        assert_eq!(waits["accessRequest"]["state"], "PENDING_APPROVAL");
        assert_eq!(waits["accessRequest"]["assignment"], Value::Null);
        let board = server.package("Board papers").await;
        let hidden = server.submit("karim", json!({ "accessPackage": board })).await;
        assert_eq!(codes(&hidden), ["NOT_FOUND"]);
        let administrator = server.submit("alice", json!({ "accessPackage": board })).await;
        assert_eq!(codes(&administrator), ["NOT_REQUESTABLE"]);
        for garbage in ["pkg_x", "", "areq_01h455vb4pex5vsknk084sn02q"] {
            let unknown = server.submit("karim", json!({ "accessPackage": garbage })).await;
            assert_eq!(codes(&unknown), ["NOT_FOUND"], "{garbage}");
        }
        let foreign = server.submit("tara", json!({ "accessPackage": frontend })).await;
        assert_eq!(codes(&foreign), ["NOT_FOUND"]);
        let odd = server.submit("lena", json!({ "accessPackage": frontend, "justification": "a\u{0}b" })).await;
        assert_eq!(codes(&odd), ["INVALID_INPUT"]);
        let long = server.submit("lena", json!({ "accessPackage": frontend, "justification": "x".repeat(100_000) })).await;
        assert_eq!(codes(&long), ["INVALID_INPUT"]);
    }

    async fn of_many_submissions_at_once_one_is_taken(server: Server) {
        let package = server.package("Frontend engineer").await;
        let tries = (0..12).map(|_| server.submit("lena", json!({ "accessPackage": package })));
        let answers = futures_util::future::join_all(tries).await;
        let taken = answers.iter().filter(|answer| codes(answer).is_empty()).count();
        assert_eq!(taken, 1, "{answers:?}");
        for answer in answers.iter().filter(|answer| !codes(answer).is_empty()) {
            assert!(["ALREADY_ASSIGNED", "REQUEST_OPEN"].contains(&codes(answer)[0]), "{answer}");
        }
        server.work().await;
        assert_eq!(server.members("frontend").await.iter().filter(|name| *name == "Lena Fischer").count(), 1);
    }

    async fn a_scheduled_request_begins_on_time_and_its_access_ends_on_time(server: Server) {
        let package = server.package("Frontend engineer").await;
        let start = server.clock.now() + TimeDelta::days(3);
        let made = server.submit("karim", json!({ "accessPackage": package, "startsAt": start })).await;
        assert_eq!(made["accessRequest"]["state"], "SCHEDULED");
        let id = made["accessRequest"]["id"].clone();
        server.clock.advance(TimeDelta::days(3) - TimeDelta::microseconds(1));
        server.work().await;
        assert_eq!(server.request(&id).await["state"], "SCHEDULED");
        server.clock.advance(TimeDelta::microseconds(1));
        server.work().await;
        let request = server.request(&id).await;
        assert_eq!(request["state"], "DELIVERED");
        assert_eq!(actions(&request), ["SUBMITTED", "SCHEDULED", "DELIVERY_STARTED", "DELIVERED"]);
        // The policy's 180 days count from the start.
        server.clock.advance(TimeDelta::days(180) - TimeDelta::microseconds(1));
        server.work().await;
        assert!(server.members("frontend").await.contains(&"Karim Benali".to_owned()));
        server.clock.advance(TimeDelta::microseconds(1));
        server.work().await;
        assert!(!server.members("frontend").await.contains(&"Karim Benali".to_owned()));
        let request = server.request(&id).await;
        assert_eq!(request["state"], "DELIVERED");
        assert_eq!(request["assignment"]["state"], "ENDED");
        let removals = server.ask("alice", "{ accessRequests(filter: {type: [SYSTEM_REMOVE]}, first: 100) {
            nodes { state justification submittedBy { id } assignment { id } } } }", json!({})).await;
        let removals = removals["accessRequests"]["nodes"].as_array().unwrap().clone();
        let own = removals.iter().find(|removal| removal["assignment"]["id"] == request["assignment"]["id"]).unwrap();
        assert_eq!(own["state"], "DELIVERED");
        assert_eq!(own["justification"], "EXPIRED");
        assert_eq!(own["submittedBy"], Value::Null);
    }

    async fn a_schedule_that_cannot_be_is_refused(server: Server) {
        let package = server.package("Frontend engineer").await;
        let now = server.clock.now();
        for (start, end) in [
            (Some(now - TimeDelta::seconds(60) - TimeDelta::microseconds(1)), None),
            (Some(now + TimeDelta::days(2)), Some(now + TimeDelta::days(2))),
            (None, Some(now + TimeDelta::days(180) + TimeDelta::microseconds(1))),
        ] {
            let input = json!({ "accessPackage": package, "startsAt": start, "expiresAt": end });
            assert_eq!(codes(&server.submit("karim", input).await), ["INVALID_SCHEDULE"]);
        }
        let far = json!({ "input": { "accessPackage": package, "expiresAt": "+12345-01-01T00:00:00Z" } });
        assert_eq!(server.errors("karim", SUBMIT, far).await, ["BAD_USER_INPUT"]);
    }

    async fn what_the_person_had_before_is_left(server: Server) {
        server.sql("INSERT INTO directory_member (group_id, user_id, role, created_at)
            SELECT g.id, u.id, 'member', g.created_at FROM directory_group g, app_user u
            WHERE g.origin_id = 'frontend' AND u.subject = 'karim'").await;
        let package = server.package("Frontend engineer").await;
        let made = server.submit("karim", json!({ "accessPackage": package })).await;
        server.work().await;
        let request = server.request(&made["accessRequest"]["id"]).await;
        assert_eq!(request["deliveries"][0]["result"], "ALREADY_SO");
        assert_eq!(request["deliveries"][0]["existedBefore"], true);
        let revoked = server.ask("goran", REVOKE, json!({ "id": request["assignment"]["id"] })).await;
        server.work().await;
        let removal = server.request(&revoked["revokeAssignment"]["accessRequest"]["id"]).await;
        assert_eq!(removal["state"], "DELIVERED");
        assert_eq!(removal["deliveries"][0]["result"], "EXISTED_BEFORE");
        assert!(server.members("frontend").await.contains(&"Karim Benali".to_owned()));
    }

    async fn a_role_is_taken_only_when_no_other_assignment_holds_it(server: Server) {
        // Both packages give "backend"; Backend engineer is partial for Karim.
        server.sql("INSERT INTO access_package_resource_role (access_package_id, resource_role_id, created_at)
            SELECT p.id, t.id, p.created_at FROM access_package p, resource_role t JOIN resource s ON s.id = t.resource_id
            WHERE p.display_name = 'Frontend engineer' AND s.origin_id = 'backend'").await;
        let package = server.package("Frontend engineer").await;
        let made = server.submit("karim", json!({ "accessPackage": package })).await;
        server.work().await;
        let held = server.request(&made["accessRequest"]["id"]).await["assignment"]["id"].clone();
        let revoked = server.ask("goran", REVOKE, json!({ "id": held })).await;
        server.work().await;
        let removal = server.request(&revoked["revokeAssignment"]["accessRequest"]["id"]).await;
        let mut results: Vec<&str> =
            removal["deliveries"].as_array().unwrap().iter().map(|row| row["result"].as_str().unwrap()).collect();
        results.sort_unstable();
        assert_eq!(results, ["CHANGED", "STILL_NEEDED"]);
        assert!(server.members("backend").await.contains(&"Karim Benali".to_owned()));
        assert!(!server.members("frontend").await.contains(&"Karim Benali".to_owned()));
        // The last one to hold it takes it away.
        let other = server.ask("alice", "{ assignments(filter: {state: [PARTIALLY_DELIVERED]}, first: 100) {
            nodes { id user { displayName } } } }", json!({})).await;
        let other = other["assignments"]["nodes"].as_array().unwrap().iter()
            .find(|row| row["user"]["displayName"] == "Karim Benali").unwrap()["id"].clone();
        server.ask("goran", REVOKE, json!({ "id": other })).await;
        server.work().await;
        assert!(!server.members("backend").await.contains(&"Karim Benali".to_owned()));
    }

    async fn cancelling_a_partial_request_takes_back_what_it_gave(server: Server) {
        const CANCEL: &str = "mutation($id: ID!) { cancelAccessRequest(input: {id: $id}) {
            accessRequest { state } userErrors { code } } }";
        let found = server.ask("karim", "{ viewer { accessRequests(filter: {state: [PARTIALLY_DELIVERED]}) {
            nodes { id viewerCanCancel } } } }", json!({})).await;
        let partial = found["viewer"]["accessRequests"]["nodes"][0].clone();
        assert_eq!(partial["viewerCanCancel"], true);
        let stranger = server.ask("hana", CANCEL, json!({ "id": partial["id"] })).await;
        assert_eq!(stranger["cancelAccessRequest"]["accessRequest"]["state"], "CANCELED");
        server.work().await;
        let request = server.request(&partial["id"]).await;
        assert_eq!(request["state"], "CANCELED");
        assert_eq!(request["assignment"]["state"], "ENDED");
        assert!(!server.members("backend").await.contains(&"Karim Benali".to_owned()));
        let again = server.ask("karim", CANCEL, json!({ "id": partial["id"] })).await;
        assert_eq!(codes(&again["cancelAccessRequest"]), ["NOT_CANCELABLE"]);
        let invisible = server.ask("lena", CANCEL, json!({ "id": partial["id"] })).await;
        assert_eq!(codes(&invisible["cancelAccessRequest"]), ["NOT_FOUND"]);
        // And a new one can be made.
        let package = server.package("Backend engineer").await;
        assert_eq!(codes(&server.submit("karim", json!({ "accessPackage": package })).await), [""; 0]);
    }

    async fn a_new_request_replaces_a_partial_one(server: Server) {
        let before = server.ask("karim", "{ viewer { accessRequests(filter: {state: [PARTIALLY_DELIVERED]}) { nodes { id } } } }", json!({})).await;
        let before = before["viewer"]["accessRequests"]["nodes"][0]["id"].clone();
        let package = server.package("Backend engineer").await;
        let made = server.submit("karim", json!({ "accessPackage": package })).await;
        server.work().await;
        let request = server.request(&made["accessRequest"]["id"]).await;
        assert_eq!(request["state"], "PARTIALLY_DELIVERED");
        let old = server.ask("hana", "query($id: ID!) { node(id: $id) { ... on AccessRequest {
            state reprocess { eligible reason } assignment { state } } } }", json!({ "id": before })).await;
        assert_eq!(old["node"], json!({ "state": "CANCELED", "assignment": { "state": "ENDED" },
            "reprocess": { "eligible": false, "reason": "NOT_REPROCESSABLE_STATE" } }));
        assert!(server.members("backend").await.contains(&"Karim Benali".to_owned()));
    }

    async fn a_direct_assignment_is_never_for_oneself(server: Server) {
        const ASSIGN: &str = "mutation($input: CreateAssignmentInput!) { createAssignment(input: $input) {
            accessRequest { id type state } userErrors { code field } } }";
        let board = server.package("Board papers").await;
        let policy = server.ask("alice", "query($id: ID!) { node(id: $id) { ... on AccessPackage { policies { id } } } }",
            json!({ "id": board })).await["node"]["policies"][0]["id"].clone();
        let (own, lena) = (server.user("alice").await, server.user("lena").await);
        let input = |user: &Value| json!({ "input": { "accessPackage": board, "user": user, "policy": policy } });
        let refused = server.ask("alice", ASSIGN, input(&own)).await;
        assert_eq!(codes(&refused["createAssignment"]), ["SELF_ASSIGNMENT"]);
        let made = server.ask("alice", ASSIGN, input(&lena)).await;
        assert_eq!(made["createAssignment"]["accessRequest"]["type"], "ADMIN_ADD");
        server.work().await;
        assert_eq!(server.members("board").await, ["Lena Fischer"]);
        let again = server.ask("alice", ASSIGN, input(&lena)).await;
        assert_eq!(codes(&again["createAssignment"]), ["ALREADY_ASSIGNED"]);
        // Hana manages another catalog: she cannot see this package.
        let elsewhere = server.ask("hana", ASSIGN, input(&lena)).await;
        assert_eq!(codes(&elsewhere["createAssignment"]), ["NOT_FOUND"]);
        assert_eq!(server.errors("karim", ASSIGN, input(&lena)).await, ["FORBIDDEN"]);
    }

    async fn an_idempotency_key_makes_a_submission_repeatable(server: Server) {
        let package = server.package("Frontend engineer").await;
        let input = json!({ "accessPackage": package, "idempotencyKey": "one" });
        let tries = (0..8).map(|_| server.submit("karim", input.clone()));
        let answers = futures_util::future::join_all(tries).await;
        for answer in &answers {
            assert_eq!(answer["accessRequest"]["id"], answers[0]["accessRequest"]["id"]);
        }
        let other = json!({ "accessPackage": package, "idempotencyKey": "one", "justification": "x" });
        assert_eq!(codes(&server.submit("karim", other).await), ["IDEMPOTENCY_KEY_REUSED"]);
        server.clock.advance(TimeDelta::hours(24) + TimeDelta::seconds(1));
        assert_eq!(codes(&server.submit("karim", input).await), ["ALREADY_ASSIGNED"]);
    }

    async fn two_last_deliveries_that_finish_together_complete_the_request(server: Server) {
        // Three roles, three groups: all are tried at once.
        server.sql("INSERT INTO directory_group (id, organization_id, connector_id, origin_id, display_name, created_at)
            SELECT c.id, c.organization_id, c.id, 'oncall', 'On-call', c.created_at FROM connector c
            WHERE c.display_name = 'Company directory'").await;
        let package = server.package("Backend engineer").await;
        let people = ["alice", "bruno", "chloe", "deniz", "emil", "farah"];
        let mut ids = Vec::new();
        for person in people {
            ids.push(server.submit(person, json!({ "accessPackage": package })).await["accessRequest"]["id"].clone());
        }
        let (one, two) = (server.app.worker.clone(), server.app.worker.clone());
        let (one, two) = tokio::join!(one.run_due(), two.run_due());
        one.unwrap();
        two.unwrap();
        server.work().await;
        for id in ids {
            let request = server.request(&id).await;
            assert_eq!(request["state"], "DELIVERED", "{request}");
            assert_eq!(request["deliveries"].as_array().unwrap().len(), 3);
        }
        assert_eq!(server.members("oncall").await.len(), people.len());
    }

    async fn a_clock_that_was_set_back_strands_no_delivery(server: Server) {
        let waiting = server.ask("alice", "{ accessRequests(filter: {state: [DELIVERING]}) { nodes { id } } }", json!({})).await;
        let id = &waiting["accessRequests"]["nodes"][0]["id"];
        server.work().await;
        assert_eq!(server.request(id).await["state"], "DELIVERING");
        server.clock.advance(TimeDelta::hours(-3));
        server.work().await;
        assert_eq!(server.request(id).await["state"], "DELIVERED");
    }

    async fn a_failure_is_not_tried_again_before_its_pause(server: Server) {
        server.sql("UPDATE connector SET kind = 'SCIM' WHERE display_name = 'Company directory'").await;
        server.sql("UPDATE connector SET base_url = 'http://127.0.0.1:9', secret = NULL WHERE kind = 'SCIM'").await;
        let package = server.package("Frontend engineer").await;
        let made = server.submit("karim", json!({ "accessPackage": package })).await;
        server.work().await;
        server.work().await;
        let request = server.request(&made["accessRequest"]["id"]).await;
        assert_eq!(request["state"], "DELIVERY_FAILED");
        assert_eq!(request["deliveries"][0]["attemptCount"], 1);
        assert_eq!(request["deliveries"][0]["lastError"]["code"], "CONNECTOR_MISCONFIGURED");
    }

    async fn a_refusal_of_one_object_is_audited_and_changes_nothing(server: Server) {
        const CANCEL: &str = "mutation($id: ID!) { cancelAccessRequest(input: {id: $id}) {
            accessRequest { state } userErrors { code } } }";
        const REFUSED: &str = "{ auditEvents(filter: {outcome: [REFUSED]}) { totalCount nodes { action targetId actor { displayName } } } }";
        // Emil is no manager of catalogs, but Bruno's report; without his role Bruno sees, and may not cancel.
        let bruno = server.token_with("bruno", "contoso", &[]);
        let seen = server.ask_with(&bruno, "{ accessRequests(filter: {state: [SCHEDULED]}) { nodes { id viewerCanCancel } } }", json!({})).await;
        let scheduled = seen.json["data"]["accessRequests"]["nodes"][0].clone();
        assert_eq!(scheduled["viewerCanCancel"], false);
        let before = server.request(&scheduled["id"]).await;
        let answer = server.ask_with(&bruno, CANCEL, json!({ "id": scheduled["id"] })).await;
        assert_eq!(codes(&answer.json["data"]["cancelAccessRequest"]), ["FORBIDDEN"]);
        assert_eq!(server.request(&scheduled["id"]).await, before);
        let events = server.ask("alice", REFUSED, json!({})).await;
        assert_eq!(events["auditEvents"], json!({ "totalCount": 1, "nodes": [
            { "action": "access_request.cancel", "targetId": scheduled["id"], "actor": { "displayName": "Bruno Keller" } },
        ] }));
    }
}
