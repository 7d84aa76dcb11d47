//! Extensions: keeping a package longer than its assignment says.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use crate::harness::{Server, codes};

impl Server {
    /// The assignment that somebody gets of a package, delivered.
    async fn gets(&self, subject: &str, package: &Value, more: Value) -> Value {
        let made = self.submits(subject, package, more).await;
        assert_eq!(codes(&made), [""; 0]);
        self.work().await;
        made["accessRequest"]["assignment"]["id"].clone()
    }

    async fn extends(&self, subject: &str, assignment: &Value, more: Value) -> Value {
        let mut input = json!({ "assignment": assignment });
        input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let request = "accessRequest { id type state completedAt assignment { id } history(first: 9) { nodes { action } } }";
        self.mutation(subject, "extendAssignment", request, input).await
    }

    async fn held(&self, subject: &str, assignment: &Value) -> Value {
        let query = "query($id: ID!) { node(id: $id) { ... on Assignment { state expiresAt viewerCanExtend extension { reason } } } }";
        self.ask(subject, query, json!({ "id": assignment })).await["node"].clone()
    }

    async fn ends(&self, assignment: &Value) -> DateTime<Utc> {
        self.held("alice", assignment).await["expiresAt"].as_str().unwrap().parse().unwrap()
    }
}

on_both_databases! {
    async fn an_assignment_ends_no_later_than_one_that_would_begin_now(server: Server) {
        let package = server.guarded("Longer", json!({ "extension": "WITHOUT_APPROVAL" })).await;
        let assignment = server.gets("karim", &package, json!({})).await;
        let first = server.ends(&assignment).await;
        server.clock.advance(TimeDelta::days(6));
        let now = server.clock.now();
        let day = |days: i64| json!({ "expiresAt": (now + TimeDelta::days(days)).to_rfc3339() });
        let before = server.contents().await;
        for (asked, code) in [(day(11), "INVALID_SCHEDULE"), (day(4), "INVALID_SCHEDULE"), (day(-1), "INVALID_SCHEDULE")] {
            assert_eq!(codes(&server.extends("karim", &assignment, asked).await), [code]);
        }
        assert_eq!(server.contents().await, before);
        let done = server.extends("karim", &assignment, day(7)).await;
        assert_eq!(codes(&done), [""; 0]);
        let request = &done["accessRequest"];
        assert_eq!((&request["type"], &request["state"], &request["assignment"]["id"]), (&json!("USER_EXTEND"), &json!("DELIVERED"), &assignment));
        assert_eq!(request["history"]["nodes"], json!([{ "action": "SUBMITTED" }, { "action": "DELIVERY_STARTED" }, { "action": "DELIVERED" }]));
        assert!(!request["completedAt"].is_null());
        assert_eq!((server.ends(&assignment).await - (now + TimeDelta::days(7))).num_seconds(), 0);
        assert_eq!(codes(&server.extends("karim", &assignment, json!({})).await), [""; 0]);
        assert_eq!((server.ends(&assignment).await - (now + TimeDelta::days(10))).num_seconds(), 0, "as late as allowed");
        let again = server.extends("karim", &assignment, json!({})).await;
        assert_eq!(codes(&again), ["INVALID_SCHEDULE"], "not for ever: it cannot be saved up");
        server.clock.advance(first - now + TimeDelta::seconds(1));
        server.work().await;
        assert_eq!(server.held("karim", &assignment).await["state"], "DELIVERED");
        server.clock.advance(TimeDelta::days(6));
        server.work().await;
        assert_eq!(server.held("karim", &assignment).await["state"], "ENDED");
        assert_eq!(server.held("karim", &assignment).await["extension"]["reason"], "NOT_ACTIVE");
        assert_eq!(codes(&server.extends("karim", &assignment, json!({})).await), ["NOT_ACTIVE"]);
    }

    async fn the_policy_says_whether_its_stages_decide(server: Server) {
        let stages = json!([{ "approvers": [{ "manager": true }], "timeout": "P3D" }]);
        let package = server.guarded("Decided", json!({ "extension": "WITH_APPROVAL", "approvalStages": stages })).await;
        let asked = server.submits("karim", &package, json!({})).await["accessRequest"]["id"].clone();
        let decide = |request: &Value, decision: &str| json!({ "selection": { "ids": [request] }, "decision": decision });
        let code = "bulkOperation { items(first: 1) { nodes { error { code } } } }";
        server.mutation("goran", "reviewAccessRequests", code, decide(&asked, "APPROVE")).await;
        server.work().await;
        let made = server.ask("karim", "query($id: ID!) { node(id: $id) { ... on AccessRequest { assignment { id } } } }", json!({ "id": asked })).await;
        let assignment = made["node"]["assignment"]["id"].clone();
        let before = server.ends(&assignment).await;
        server.clock.advance(TimeDelta::days(4));
        let waits = server.extends("karim", &assignment, json!({})).await["accessRequest"].clone();
        assert_eq!(waits["state"], "PENDING_APPROVAL");
        assert_eq!(server.ends(&assignment).await, before, "nothing before the decision");
        assert_eq!(codes(&server.extends("karim", &assignment, json!({})).await), ["REQUEST_OPEN"]);
        assert_eq!(server.held("karim", &assignment).await["extension"]["reason"], "REQUEST_OPEN");
        let denied = server.mutation("goran", "reviewAccessRequests", code, decide(&waits["id"], "DENY")).await;
        assert_eq!(denied["bulkOperation"]["items"]["nodes"][0]["error"], Value::Null);
        assert_eq!((server.ends(&assignment).await, server.held("karim", &assignment).await["state"].clone()), (before, json!("DELIVERED")));
        let waits = server.extends("karim", &assignment, json!({})).await["accessRequest"].clone();
        server.clock.advance(TimeDelta::days(1));
        let approved = server.mutation("goran", "reviewAccessRequests", code, decide(&waits["id"], "APPROVE")).await;
        assert_eq!(approved["bulkOperation"]["items"]["nodes"][0]["error"], Value::Null);
        assert_eq!((server.ends(&assignment).await - (server.clock.now() + TimeDelta::days(10))).num_seconds(), 0, "from the decision on");
        // Withdrawn, it leaves the assignment as it is.
        server.clock.advance(TimeDelta::days(2));
        let waits = server.extends("karim", &assignment, json!({})).await["accessRequest"].clone();
        let canceled = server.mutation("karim", "cancelAccessRequest", "accessRequest { state }", json!({ "id": waits["id"] })).await;
        assert_eq!(canceled["accessRequest"]["state"], "CANCELED");
        assert_eq!(server.held("karim", &assignment).await["state"], "DELIVERED");
        // What nobody decided before the end is over with it.
        let waits = server.extends("karim", &assignment, json!({})).await["accessRequest"].clone();
        let revoked = server.mutation("ivan", "revokeAssignment", "assignment { id }", json!({ "id": assignment })).await;
        assert_eq!(codes(&revoked), [""; 0]);
        let seen = server.ask("karim", "query($id: ID!) { node(id: $id) { ... on AccessRequest { state approvals { state } history(last: 1) { nodes { reason } } } } }", json!({ "id": waits["id"] })).await;
        assert_eq!(seen["node"], json!({ "state": "CANCELED", "approvals": [{ "state": "CANCELED" }], "history": { "nodes": [{ "reason": "ASSIGNMENT_ENDED" }] } }));
        let late = server.mutation("goran", "reviewAccessRequests", code, decide(&waits["id"], "APPROVE")).await;
        assert_eq!(late["bulkOperation"]["items"]["nodes"][0]["error"]["code"], "REQUEST_CANCELED");
    }

    async fn what_has_ended_is_not_extended_before_it_is_taken_away(server: Server) {
        let hana = server.user("Hana").await;
        let free = server.guarded("Free", json!({ "extension": "WITHOUT_APPROVAL" })).await;
        let decided = server.guarded("Decided", json!({ "extension": "WITH_APPROVAL", "approvalStages": [{ "approvers": [{ "user": hana }] }] })).await;
        let of_free = server.gets("karim", &free, json!({})).await;
        let asked = server.submits("karim", &decided, json!({})).await["accessRequest"]["id"].clone();
        let decide = |request: &Value| json!({ "selection": { "ids": [request] }, "decision": "APPROVE" });
        let code = "bulkOperation { items(first: 1) { nodes { error { code } } } }";
        server.mutation("hana", "reviewAccessRequests", code, decide(&asked)).await;
        server.work().await;
        let made = server.ask("karim", "query($id: ID!) { node(id: $id) { ... on AccessRequest { assignment { id } } } }", json!({ "id": asked })).await;
        let of_decided = made["node"]["assignment"]["id"].clone();
        server.clock.advance(TimeDelta::days(1));
        let waits = server.extends("karim", &of_decided, json!({})).await["accessRequest"]["id"].clone();
        // The end comes, and the worker has not.
        server.clock.advance(TimeDelta::days(9));
        let before = (server.ends(&of_free).await, server.ends(&of_decided).await);
        assert_eq!(codes(&server.extends("karim", &of_free, json!({})).await), ["NOT_ACTIVE"]);
        assert_eq!(server.held("karim", &of_free).await["extension"]["reason"], "NOT_ACTIVE");
        let late = server.mutation("hana", "reviewAccessRequests", code, decide(&waits)).await;
        assert_eq!(late["bulkOperation"]["items"]["nodes"][0]["error"]["code"], "ASSIGNMENT_ENDED");
        assert_eq!((server.ends(&of_free).await, server.ends(&of_decided).await), before);
    }

    async fn who_may_not_extend_is_told_why(server: Server) {
        let strict = server.guarded("Strict", json!({})).await;
        let endless = server.guarded("Endless", json!({ "extension": "WITHOUT_APPROVAL", "expiration": { "never": true } })).await;
        let named = server.guarded("Named", json!({ "extension": "WITHOUT_APPROVAL", "requestorScope": "SPECIFIC_USERS", "specificUsers": [server.user("Karim").await] })).await;
        let (of_strict, of_endless, of_named) = (server.gets("karim", &strict, json!({})).await, server.gets("karim", &endless, json!({})).await, server.gets("karim", &named, json!({})).await);
        server.clock.advance(TimeDelta::days(2));
        let before = server.contents().await;
        for (who, assignment, code) in [("karim", &of_strict, "EXTENSION_NOT_ALLOWED"), ("karim", &of_endless, "EXTENSION_NOT_ALLOWED"),
            ("lena", &of_named, "NOT_FOUND"), ("goran", &of_strict, "EXTENSION_NOT_ALLOWED"), ("karim", &json!("asg_x"), "NOT_FOUND")] {
            assert_eq!(codes(&server.extends(who, assignment, json!({})).await), [code], "{who}");
            let seen = server.held(who, assignment).await;
            assert!(seen.is_null() || seen["extension"]["reason"] == code, "{who}: {seen}");
        }
        // A manager sees what those who report to them hold, and extends nothing.
        let manager = server.ask("alice", "query($id: ID!) { node(id: $id) { ... on Assignment { user { manager { displayName } } } } }", json!({ "id": of_named })).await;
        assert_eq!(manager["node"]["user"]["manager"]["displayName"], "Göran Lindqvist");
        assert_eq!(server.contents().await, before);
        assert_eq!(server.held("ivan", &of_named).await["viewerCanExtend"], true, "the assignment manager may");
        assert_eq!(codes(&server.extends("ivan", &of_named, json!({})).await), [""; 0]);
        // Whom the policy no longer admits requests anew.
        server.clock.advance(TimeDelta::days(1));
        let policies = server.ask("alice", "query($id: ID!) { node(id: $id) { ... on AccessPackage { policies { id version } } } }", json!({ "id": named })).await;
        let policy = &policies["node"]["policies"][0];
        let input = json!({ "id": policy["id"], "version": policy["version"], "specificUsers": [server.user("Lena").await] });
        assert_eq!(codes(&server.mutation("alice", "updateAssignmentPolicy", "assignmentPolicy { id }", input).await), [""; 0]);
        assert_eq!(codes(&server.extends("karim", &of_named, json!({})).await), ["NOT_REQUESTABLE"]);
        assert_eq!(server.held("karim", &of_named).await["extension"]["reason"], "NOT_REQUESTABLE");
    }

    async fn of_two_extensions_at_once_one_is_made(server: Server) {
        let stages = json!([{ "approvers": [{ "user": server.user("Hana").await }] }]);
        let package = server.guarded("Twice", json!({ "extension": "WITH_APPROVAL", "approvalStages": stages })).await;
        let asked = server.submits("karim", &package, json!({})).await["accessRequest"]["id"].clone();
        let input = json!({ "selection": { "ids": [asked] }, "decision": "APPROVE" });
        server.mutation("hana", "reviewAccessRequests", "bulkOperation { acceptedCount }", input).await;
        server.work().await;
        let made = server.ask("karim", "query($id: ID!) { node(id: $id) { ... on AccessRequest { assignment { id } } } }", json!({ "id": asked })).await;
        let assignment = made["node"]["assignment"]["id"].clone();
        server.clock.advance(TimeDelta::days(1));
        let (one, other) = tokio::join!(server.extends("karim", &assignment, json!({})), server.extends("ivan", &assignment, json!({})));
        let mut both = [codes(&one), codes(&other)];
        both.sort();
        assert_eq!(both, [vec![], vec!["REQUEST_OPEN"]]);
    }
}
