//! The books around a delivery say what happened: each test is named by the finding that it holds.

use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::harness::{Server, codes};

const REQUEST: &str = "query($id: ID!) { node(id: $id) { ... on AccessRequest { state completedAt
    reprocess { eligible reason } viewerCanCancel assignment { id state expiresAt } approvals { state }
    deliveries { operation state result attemptCount nextAttemptAt lastError { code } }
    history(first: 50) { nodes { action fromState toState reason actor { displayName } bulkOperation { id } } } } } }";

/// A way in which an assignment ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ending {
    Revoked,
    RevokedByIds,
    RevokedByFilter,
    GivenUp,
    Deactivated,
    Expired,
    Replaced,
}

impl Ending {
    /// The reason that the history of the request shows.
    const fn reason(self) -> &'static str {
        match self {
            Self::Revoked | Self::RevokedByIds | Self::RevokedByFilter => "The project is over.",
            Self::GivenUp => "ASSIGNMENT_ENDED",
            Self::Deactivated => "USER_DEACTIVATED",
            Self::Expired => "EXPIRED",
            Self::Replaced => "REPLACED",
        }
    }

    /// Who ends it.
    fn actor(self, holder: &str) -> Value {
        match self {
            Self::Revoked | Self::RevokedByIds | Self::RevokedByFilter | Self::Deactivated => {
                json!({ "displayName": "Alice Martin" })
            }
            Self::GivenUp => json!({ "displayName": holder }),
            Self::Expired | Self::Replaced => Value::Null,
        }
    }
}

impl Server {
    async fn book(&self, request: &Value) -> Value {
        self.ask("alice", REQUEST, json!({ "id": request })).await["node"].clone()
    }

    /// Assigns a package as Alice; gives the request.
    async fn assigns(&self, package: &Value, user: &Value, more: Value) -> Value {
        let mut input =
            json!({ "accessPackage": package, "user": user, "policy": self.policy_of(package).await });
        input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let made = self.mutation("alice", "createAssignment", "accessRequest { id }", input).await;
        assert_eq!(codes(&made), [""; 0], "{made}");
        made["accessRequest"]["id"].clone()
    }

    /// A mutation of somebody who was made by `people`.
    async fn as_person(&self, name: &str, mutation: &str, fields: &str, input: Value) -> Value {
        let kind = format!("{}{}Input", mutation[..1].to_uppercase(), &mutation[1..]);
        let query = format!(
            "mutation($input: {kind}!) {{ {mutation}(input: $input) {{ {fields} userErrors {{ code message field }} }} }}"
        );
        let token = self.token_with(name, "contoso", &[]);
        let answer = self.ask_with(&token, &query, json!({ "input": input })).await;
        assert!(answer.json["errors"].is_null(), "{name}: {}", answer.json);
        answer.json["data"][mutation].clone()
    }

    /// A catalog whose roles are in the group `frontend` of the directory, in a group that the directory does not have,
    /// and at a remote that nobody answers at: packages by the names of what they hold.
    async fn four_packages(&self) -> [Value; 4] {
        let build = async |name: &str, fields: &str, input: Value| {
            let made = self.mutation("alice", name, fields, input).await;
            assert_eq!(codes(&made), [""; 0], "{name}: {made}");
            made
        };
        let connectors = "{ connectors(first: 5) { nodes { id kind } } }";
        let connectors = self.ask("alice", connectors, json!({})).await["connectors"]["nodes"].clone();
        let directory = connectors.as_array().unwrap().iter().find(|row| row["kind"] == "DIRECTORY").unwrap()
            ["id"]
            .clone();
        let away = json!({ "kind": "SCIM", "displayName": "Away", "baseUrl": "http://127.0.0.1:9/scim/v2", "secret": "a-secret" });
        let away = build("createConnector", "connector { id }", away).await["connector"]["id"].clone();
        let catalog = build("createCatalog", "catalog { id }", json!({ "displayName": "Books" })).await["catalog"]["id"].clone();
        let mut roles = Vec::new();
        for (connector, target) in [(&directory, "frontend"), (&directory, "nowhere"), (&away, "far")] {
            let open = json!({ "connector": connector, "catalog": catalog, "targets": ["frontend", "nowhere", "far"] });
            build("openConnector", "connector { id }", open).await;
            let resource = json!({ "catalog": catalog, "connector": connector, "kind": "GROUP", "displayName": target, "originId": target });
            let made = build("createResource", "resource { roles { id } }", resource).await;
            roles.push(made["resource"]["roles"][0]["id"].clone());
        }
        let mut packages = Vec::new();
        for (name, held) in [("Near", &[0][..]), ("Partly", &[0, 1]), ("Missing", &[1]), ("Far", &[0, 2])] {
            let held: Vec<&Value> = held.iter().map(|at| &roles[*at]).collect();
            let package = json!({ "catalog": catalog, "displayName": name, "resourceRoles": held });
            let package =
                build("createAccessPackage", "accessPackage { id }", package).await["accessPackage"]["id"]
                    .clone();
            assert_eq!(codes(&self.policy_for(&package, json!({})).await), [""; 0]);
            packages.push(package);
        }
        packages.try_into().unwrap()
    }

    /// The requests for access that somebody made by `people` has, in the order they were made.
    async fn as_person_reads(&self, name: &str) -> Vec<Value> {
        let query = "{ viewer { accessRequests(filter: {type: [USER_ADD, ADMIN_ADD]}, orderBy: {field: SUBMITTED_AT, direction: ASC}) { nodes { id state } } } }";
        let answer = self.ask_with(&self.token_with(name, "contoso", &[]), query, json!({})).await;
        answer.json["data"]["viewer"]["accessRequests"]["nodes"].as_array().unwrap().clone()
    }

    /// Decides a request; it is accepted, or refused with this code.
    async fn decides_one(&self, subject: &str, request: &Value, decision: &str, outcome: &str) {
        let input = json!({ "selection": { "ids": [request] }, "decision": decision });
        let fields = "bulkOperation { items(first: 1) { nodes { outcome error { code } } } }";
        let done = self.mutation(subject, "reviewAccessRequests", fields, input).await;
        let item = &done["bulkOperation"]["items"]["nodes"][0];
        assert_eq!(
            item["error"]["code"].as_str().or(item["outcome"].as_str()),
            Some(outcome),
            "{decision}: {done}"
        );
    }

    /// How many notifications of a kind somebody has.
    async fn noticed(&self, subject: &str, kind: &str) -> usize {
        let query = "query($kind: NotificationKind!) { viewer { notifications(filter: {kind: [$kind]}, first: 100) { nodes { title } } } }";
        let found = self.ask(subject, query, json!({ "kind": kind })).await;
        found["viewer"]["notifications"]["nodes"].as_array().unwrap().len()
    }

    /// The resource roles of a package.
    async fn roles_of(&self, package: &Value) -> Vec<Value> {
        let query = "query($id: ID!) { node(id: $id) { ... on AccessPackage { resourceRoles { id resource { displayName } } } } }";
        self.ask("alice", query, json!({ "id": package })).await["node"]["resourceRoles"]
            .as_array()
            .unwrap()
            .clone()
    }

    /// Changes the resource roles of a package.
    async fn changes(&self, subject: &str, mutation: &str, package: &Value, roles: &[&Value]) {
        let roles: Vec<&Value> = roles.iter().map(|role| &role["id"]).collect();
        let input = json!({ "id": package, "resourceRoles": roles });
        let done = self.mutation(subject, mutation, "accessPackage { id }", input).await;
        assert_eq!(codes(&done), [""; 0], "{mutation}: {done}");
    }

    /// Ends the assignment of a request whose holder was made by `people`.
    async fn ends_by(&self, way: Ending, request: &Value, name: &str, user: &Value, package: &Value) {
        let assignment = self.book(request).await["assignment"]["id"].clone();
        let reason = "The project is over.";
        let done = match way {
            Ending::Revoked => {
                let input = json!({ "id": assignment, "reason": reason });
                self.mutation("alice", "revokeAssignment", "assignment { state }", input).await
            }
            Ending::RevokedByIds => {
                let input = json!({ "selection": { "ids": [assignment] }, "reason": reason });
                let done = self.on_assignments("alice", "revokeAssignments", input).await;
                assert_eq!(done["bulkOperation"]["acceptedCount"], 1, "{done}");
                done
            }
            Ending::RevokedByFilter => {
                let filter = json!({ "user": [user], "accessPackage": [package],
                    "state": ["SCHEDULED", "DELIVERING", "PARTIALLY_DELIVERED", "DELIVERED", "DELIVERY_FAILED"] });
                let input =
                    json!({ "selection": { "filter": filter }, "expectedCount": 1, "reason": reason });
                let done = self.on_assignments("alice", "revokeAssignments", input).await;
                assert_eq!(codes(&done), [""; 0], "{done}");
                self.work().await;
                done
            }
            Ending::GivenUp => {
                self.as_person(name, "giveUpAssignment", "assignment { state }", json!({ "id": assignment }))
                    .await
            }
            Ending::Deactivated => {
                self.mutation("alice", "deactivateUser", "user { state }", json!({ "id": user })).await
            }
            Ending::Expired => {
                let end = self.book(request).await["assignment"]["expiresAt"].clone();
                let end: chrono::DateTime<chrono::Utc> = end.as_str().unwrap().parse().unwrap();
                self.clock.advance(end - self.clock.now());
                self.work().await;
                json!({ "userErrors": [] })
            }
            Ending::Replaced => {
                let input = json!({ "accessPackage": package });
                self.as_person(name, "submitAccessRequest", "accessRequest { id }", input).await
            }
        };
        assert_eq!(codes(&done), [""; 0], "{way:?}: {done}");
    }

    /// A request was canceled because its assignment ended in this way, from this state.
    async fn is_canceled_by(&self, way: Ending, request: &Value, from: &str, holder: &str) {
        let seen = self.book(request).await;
        assert_eq!(seen["state"], "CANCELED", "{way:?} {from}: {seen}");
        assert!(seen["completedAt"].is_string(), "{way:?} {from}");
        assert_eq!(
            seen["reprocess"],
            json!({ "eligible": false, "reason": "NOT_REPROCESSABLE_STATE" }),
            "{way:?} {from}"
        );
        assert_eq!(seen["viewerCanCancel"], false, "{way:?} {from}");
        let last = seen["history"]["nodes"].as_array().unwrap().last().unwrap().clone();
        assert_eq!(
            (&last["action"], &last["fromState"]),
            (&json!("CANCELED"), &json!(from)),
            "{way:?}: {seen}"
        );
        assert_eq!(
            (&last["reason"], &last["actor"]),
            (&json!(way.reason()), &way.actor(holder)),
            "{way:?} {from}"
        );
        let by_bulk = matches!(way, Ending::RevokedByIds | Ending::RevokedByFilter);
        assert_eq!(last["bulkOperation"]["id"].is_string(), by_bulk, "{way:?} {from}");
        let query = "query($target: [ID!]) { auditEvents(filter: {target: $target, action: [\"access_request.canceled\"]}) { totalCount } }";
        let audited = self.ask("alice", query, json!({ "target": [request] })).await;
        assert_eq!(audited["auditEvents"]["totalCount"], 1, "{way:?} {from}");
    }
}

on_both_databases! {
    async fn d08_what_ends_before_its_start_cancels_its_request(server: Server) {
        let ways = [Ending::Revoked, Ending::RevokedByIds, Ending::RevokedByFilter, Ending::GivenUp, Ending::Deactivated];
        let people = server.people("Early", ways.len()).await;
        for (at, (way, user)) in ways.into_iter().zip(&people).enumerate() {
            let name = format!("Early {at}");
            let package = server.guarded(&format!("{way:?}"), json!({})).await;
            let starts = json!({ "startsAt": server.clock.now() + TimeDelta::days(3) });
            let request = server.assigns(&package, user, starts).await;
            assert_eq!(server.book(&request).await["state"], "SCHEDULED", "{way:?}");
            let delete = async || codes(&server.mutation("alice", "deleteAccessPackage", "accessPackage { id }", json!({ "id": package })).await).first().map(|code| (*code).to_owned());
            assert_eq!(delete().await.as_deref(), Some("IN_USE"), "{way:?}");
            server.ends_by(way, &request, &name, user, &package).await;
            server.is_canceled_by(way, &request, "SCHEDULED", &name).await;
            assert_eq!(server.book(&request).await["assignment"]["state"], "ENDED", "{way:?}");
            // The person can ask again, and take it back again; then nothing holds the package.
            if way != Ending::Deactivated {
                let again = server.as_person(&name, "submitAccessRequest", "accessRequest { id state }", json!({ "accessPackage": package,
                    "startsAt": server.clock.now() + TimeDelta::days(3) })).await;
                assert_eq!((codes(&again), &again["accessRequest"]["state"]), (vec![], &json!("SCHEDULED")), "{way:?}");
                let canceled = server.as_person(&name, "cancelAccessRequest", "accessRequest { state }", json!({ "id": again["accessRequest"]["id"] })).await;
                assert_eq!(canceled["accessRequest"]["state"], "CANCELED", "{way:?}: {canceled}");
            }
            assert_eq!(delete().await, None, "{way:?}");
        }
        server.clock.advance(TimeDelta::days(4));
        server.work().await;
        let members = server.members("frontend").await;
        assert!(!members.iter().any(|member| member.starts_with("Early")), "{members:?}");
    }
    async fn d17_what_ends_before_it_was_delivered_cancels_its_request(server: Server) {
        server.work().await;
        let ways = [Ending::Revoked, Ending::RevokedByIds, Ending::RevokedByFilter, Ending::GivenUp, Ending::Deactivated,
            Ending::Expired, Ending::Replaced];
        let [near, partly, missing, far] = server.four_packages().await;
        let failed = async || {
            let query = "{ accessRequests(filter: {state: [PARTIALLY_DELIVERED, DELIVERY_FAILED]}) { totalCount } }";
            server.ask("alice", query, json!({})).await["accessRequests"]["totalCount"].clone()
        };
        let before = failed().await;
        // How far the delivery is: not tried, tried now, one role done and the other waits, done in part, failed.
        let stands = [("DELIVERING", &near, "queued"), ("DELIVERING", &near, "tried now"), ("DELIVERING", &far, "waits"),
            ("PARTIALLY_DELIVERED", &partly, ""), ("DELIVERY_FAILED", &missing, "")];
        let people = server.people("Book", ways.len() * stands.len()).await;
        let cases = ways.into_iter().flat_map(|way| stands.map(|stand| (way, stand)));
        for (at, ((way, (state, package, how)), user)) in cases.zip(&people).enumerate() {
            // What was asked for and is not over stands against a new request.
            if way == Ending::Replaced && state == "DELIVERING" {
                continue;
            }
            let name = format!("Book {at}");
            let ends = json!({ "expiresAt": server.clock.now() + TimeDelta::days(1) });
            let request = server.assigns(package, user, ends).await;
            match how {
                "queued" => {}
                "tried now" => {
                    let claimed = guichet::store::delivery::claim(&server.app.database, server.clock.id()).await.unwrap();
                    assert!(!claimed.is_empty(), "{way:?}");
                }
                _ => server.work().await,
            }
            let seen = server.book(&request).await;
            assert_eq!(seen["state"], state, "{way:?} {how}: {seen}");
            let waits = seen["deliveries"].as_array().unwrap().iter().any(|row| row["lastError"]["code"] == "REMOTE_UNAVAILABLE");
            assert_eq!(waits, how == "waits", "{way:?} {how}: {seen}");
            server.ends_by(way, &request, &name, user, package).await;
            server.is_canceled_by(way, &request, state, &name).await;
            // The try that was under way is taken back after it.
            server.clock.advance(TimeDelta::seconds(61));
            server.work().await;
            server.is_canceled_by(way, &request, state, &name).await;
            let seen = server.book(&request).await;
            // Nobody answers at the remote, so nothing can have been given there.
            assert_eq!(seen["assignment"]["state"], "ENDED", "{way:?} {state} {how}: {seen}");
            let stays = way == Ending::Replaced && *package == partly;
            assert_eq!(server.members("frontend").await.contains(&name), stays, "{way:?} {state} {how}");
            if way == Ending::Replaced {
                // The new one is as the old one was, and stands in its place.
                let own = server.as_person_reads(&name).await;
                assert_eq!(own.len(), 2, "{own:?}");
                assert_eq!((&own[0]["state"], &own[1]["state"]), (&json!("CANCELED"), &json!(state)));
                let new = own[1]["id"].clone();
                server.ends_by(Ending::Revoked, &new, &name, user, package).await;
                server.is_canceled_by(Ending::Revoked, &new, state, &name).await;
                server.work().await;
            }
            assert_eq!(failed().await, before, "{way:?} {state} {how}");
            // Nobody answers the removals, and the next case must not wait behind them.
            server.sql("UPDATE delivery SET state = 'CANCELED', due_at = NULL WHERE due_at IS NOT NULL").await;
            server.sql("UPDATE connector SET failures_in_row = 0").await;
        }
    }

    async fn d17_a_request_that_is_tried_again_gives_way_to_the_one_that_begins(server: Server) {
        server.work().await;
        server.four_packages().await;
        let stages = json!({ "approvalStages": [{ "approvers": [{ "user": server.user("Hana").await }] }] });
        let guarded = server.guarded("Guarded", stages).await;
        // Its role is at the remote that does not answer, and the first request fails when its time is over.
        server.sql("UPDATE access_package_resource_role SET resource_role_id = (SELECT t.id FROM resource_role t JOIN resource s ON s.id = t.resource_id
            WHERE s.origin_id = 'far') WHERE access_package_id = (SELECT p.id FROM access_package p WHERE p.display_name = 'Guarded')").await;
        let decide = async |request: &Value| {
            let input = json!({ "selection": { "ids": [request] }, "decision": "APPROVE" });
            let done = server.mutation("hana", "reviewAccessRequests", "bulkOperation { acceptedCount }", input).await;
            assert_eq!(done["bulkOperation"]["acceptedCount"], 1, "{done}");
        };
        let first = server.submits("karim", &guarded, json!({})).await["accessRequest"]["id"].clone();
        decide(&first).await;
        for _ in 0..20 {
            server.work().await;
            server.clock.advance(TimeDelta::hours(1));
        }
        assert_eq!(server.book(&first).await["state"], "DELIVERY_FAILED");
        let second = server.submits("karim", &guarded, json!({})).await["accessRequest"]["id"].clone();
        let again = json!({ "selection": { "ids": [first] } });
        server.mutation("alice", "reprocessAccessRequests", "bulkOperation { acceptedCount }", again).await;
        server.work().await;
        let seen = server.book(&first).await;
        assert_eq!((&seen["state"], &seen["deliveries"][0]["state"]), (&json!("DELIVERING"), &json!("PENDING")));
        decide(&second).await;
        let seen = server.book(&first).await;
        assert_eq!((&seen["state"], &seen["assignment"]["state"], &seen["deliveries"][0]["state"]), (&json!("CANCELED"), &json!("ENDED"), &json!("CANCELED")));
        assert_eq!(seen["history"]["nodes"].as_array().unwrap().last().unwrap()["reason"], "REPLACED");
        assert_eq!(server.book(&second).await["state"], "DELIVERING");
        let again = json!({ "selection": { "ids": [first] } });
        let refused = server.mutation("alice", "reprocessAccessRequests", "bulkOperation { items(first: 1) { nodes { error { code } } } }", again).await;
        assert_eq!(refused["bulkOperation"]["items"]["nodes"][0]["error"]["code"], "NOT_REPROCESSABLE_STATE");
    }
    async fn d20_the_retry_budget_begins_with_the_first_try_of_each_round(server: Server) {
        server.work().await;
        let [_, _, _, far] = server.four_packages().await;
        let enable = async |enabled: bool| {
            server.sql(if enabled { "UPDATE connector SET enabled = TRUE, failures_in_row = 0 WHERE kind = 'SCIM'" }
                else { "UPDATE connector SET enabled = FALSE WHERE kind = 'SCIM'" }).await;
        };
        enable(false).await;
        let request = server.submits("karim", &far, json!({})).await["accessRequest"]["id"].clone();
        let far_role = async || server.book(&request).await["deliveries"].as_array().unwrap().iter()
            .find(|row| row["result"].is_null()).unwrap().clone();
        for round in 1..=2 {
            // It is queued for longer than the budget, and then fails once: it is tried again.
            server.work().await;
            server.clock.advance(TimeDelta::hours(7));
            enable(true).await;
            server.work().await;
            let delivery = far_role().await;
            assert_eq!((&delivery["state"], &delivery["lastError"]["code"]), (&json!("PENDING"), &json!("REMOTE_UNAVAILABLE")), "{round}");
            // Given up when the budget from that try is over, and not before.
            for _ in 0..5 {
                server.clock.advance(TimeDelta::hours(1));
                server.work().await;
            }
            assert_eq!(far_role().await["state"], "PENDING", "{round}");
            server.clock.advance(TimeDelta::hours(1));
            server.work().await;
            assert_eq!(far_role().await["state"], "FAILED", "{round}");
            assert_eq!(server.book(&request).await["state"], "PARTIALLY_DELIVERED", "{round}");
            enable(false).await;
            let again = json!({ "selection": { "ids": [request] } });
            let done = server.mutation("alice", "reprocessAccessRequests", "bulkOperation { acceptedCount }", again).await;
            assert_eq!(done["bulkOperation"]["acceptedCount"], 1);
        }
    }

    async fn d20_removing_is_retried_for_ever(server: Server) {
        server.work().await;
        let [_, _, _, far] = server.four_packages().await;
        let request = server.submits("karim", &far, json!({})).await["accessRequest"]["id"].clone();
        server.work().await;
        let assignment = server.book(&request).await["assignment"]["id"].clone();
        // As if the remote had answered at the time.
        server.sql("UPDATE entitlement_grant SET state = 'HELD' WHERE target = 'far'").await;
        let revoked = server.mutation("alice", "revokeAssignment", "accessRequest { id }", json!({ "id": assignment })).await;
        for _ in 0..10 {
            server.clock.advance(TimeDelta::days(10));
            server.work().await;
        }
        let removal = server.book(&revoked["accessRequest"]["id"]).await;
        let waiting = removal["deliveries"].as_array().unwrap().iter().find(|row| row["result"].is_null()).unwrap();
        assert_eq!((&removal["state"], &waiting["state"]), (&json!("DELIVERING"), &json!("PENDING")));
        assert!(waiting["attemptCount"].as_i64().unwrap() >= 10, "{waiting}");
    }
    /// Clients send the present minute, truncated.
    async fn a_start_in_the_present_minute_is_now(server: Server) {
        let package = server.guarded("Now", json!({})).await;
        let policy = server.policy_of(&package).await;
        let people = server.people("Now", 5).await;
        let now = server.clock.now();
        let starts = |back: TimeDelta| json!({ "accessPackage": package, "startsAt": now - back });
        let preview = "query($input: SubmitAccessRequestInput!) { accessRequestPreview(input: $input) { startsAt userErrors { code field } } }";
        let preview = async |back: TimeDelta| {
            let input = json!({ "input": starts(back) });
            server.ask("karim", preview, input).await["accessRequestPreview"].clone()
        };
        for (back, who) in [(TimeDelta::microseconds(1), 0), (TimeDelta::seconds(60), 1)] {
            let seen = preview(back).await;
            assert_eq!((seen["startsAt"].as_str().unwrap().parse().ok(), codes(&seen)), (Some(now), vec![]));
            let name = format!("Now {who}");
            let made = server.as_person(&name, "submitAccessRequest", "accessRequest { state assignment { startsAt } }", starts(back)).await;
            let request = &made["accessRequest"];
            assert_eq!((codes(&made), &request["state"]), (vec![], &json!("DELIVERING")), "{made}");
            assert_eq!(request["assignment"]["startsAt"].as_str().unwrap().parse().ok(), Some(now));
            let request = server.assigns(&package, &people[who + 2], json!({ "startsAt": now - back })).await;
            assert_eq!(server.book(&request).await["state"], "DELIVERING");
        }
        let many = json!({ "accessPackage": package, "policy": policy, "users": [people[4]], "startsAt": now - TimeDelta::seconds(59) });
        let many = server.on_assignments("alice", "createAssignments", many).await;
        assert_eq!(many["bulkOperation"]["acceptedCount"], 1, "{many}");
        let (late, before) = (TimeDelta::seconds(60) + TimeDelta::microseconds(1), server.contents().await);
        assert_eq!(codes(&preview(late).await), ["INVALID_SCHEDULE"]);
        assert_eq!(codes(&server.submits("karim", &package, json!({ "startsAt": now - late })).await), ["INVALID_SCHEDULE"]);
        let direct = json!({ "accessPackage": package, "policy": policy, "user": server.user("Lena").await, "startsAt": now - late });
        let direct = server.mutation("alice", "createAssignment", "accessRequest { id }", direct).await;
        assert_eq!((codes(&direct), &direct["userErrors"][0]["field"]), (vec!["INVALID_SCHEDULE"], &json!(["input", "startsAt"])));
        assert!(server.contents().await == before, "a refused call changed something");
    }
    async fn end_passed_what_nobody_decided_before_its_end_is_denied_on_time(server: Server) {
        let hana = json!([{ "user": server.user("Hana").await }]);
        let start = server.clock.now();
        let end = start + TimeDelta::days(2);
        let by = |approvers: &Value, more: Value| {
            let mut stage = json!({ "approvers": approvers, "timeout": "P14D" });
            stage.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            stage
        };
        let plain = json!({ "approvalStages": [by(&hana, json!({}))] });
        let dated = json!({ "approvalStages": [by(&hana, json!({}))], "expiration": { "onDate": end } });
        let bruno = json!([{ "user": server.user("Bruno").await }]);
        let alternates = json!({ "approvalStages": [by(&hana, json!({ "alternateApprovers": bruno, "alternatesAfter": "P1D" }))] });
        let later = json!({ "approvalStages": [by(&bruno, json!({})), by(&hana, json!({}))] });
        let asked = json!({ "expiresAt": end });
        let mut waiting = Vec::new();
        for (name, policy, more, direct) in [("Asked", &plain, &asked, false), ("Dated", &dated, &json!({}), false),
            ("Alternates", &alternates, &asked, false), ("Second", &later, &asked, false), ("Direct", &plain, &asked, true)] {
            let package = server.guarded(name, policy.clone()).await;
            let request = if direct {
                let mut input = json!({ "accessPackage": package, "user": server.user("Karim").await, "policy": server.policy_of(&package).await });
                input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
                let made = server.mutation("ivan", "createAssignment", "accessRequest { id }", input).await;
                assert_eq!(codes(&made), [""; 0]);
                made["accessRequest"]["id"].clone()
            } else {
                server.submits("karim", &package, more.clone()).await["accessRequest"]["id"].clone()
            };
            waiting.push((name, package, request));
        }
        server.decides_one("bruno", &waiting[3].2, "APPROVE", "ACCEPTED").await;
        server.clock.advance(TimeDelta::days(2) - TimeDelta::microseconds(1));
        server.work().await;
        let seen = async |request: &Value| {
            let query = "query($id: ID!) { node(id: $id) { ... on AccessRequest { state assignment { id } review { eligible reason }
                approvals { state expiresAt } history(last: 1) { nodes { action fromState toState reason actor { id } } } } } }";
            server.ask("hana", query, json!({ "id": request })).await["node"].clone()
        };
        for (name, _, request) in &waiting {
            let request = seen(request).await;
            assert_eq!((&request["state"], &request["review"]["eligible"]), (&json!("PENDING_APPROVAL"), &json!(true)), "{name}");
            let stage = request["approvals"].as_array().unwrap().last().unwrap().clone();
            assert_eq!(stage["expiresAt"].as_str().unwrap().parse().ok(), Some(end), "{name}: it can be decided until its end");
        }
        // At the instant nobody decides it any more, and nothing is changed by the try.
        server.clock.advance(TimeDelta::microseconds(1));
        for (name, _, request) in &waiting {
            let before = server.book(request).await;
            assert_eq!(seen(request).await["review"], json!({ "eligible": false, "reason": "END_PASSED" }), "{name}");
            for decision in ["APPROVE", "DENY"] {
                server.decides_one("hana", request, decision, "END_PASSED").await;
            }
            assert_eq!(server.book(request).await, before, "{name}");
        }
        server.work().await;
        for (name, package, request) in &waiting {
            let denied = seen(request).await;
            assert_eq!((&denied["state"], &denied["assignment"]), (&json!("DENIED"), &Value::Null), "{name}");
            assert_eq!(denied["history"]["nodes"], json!([{ "action": "TIMED_OUT", "fromState": "PENDING_APPROVAL", "toState": "DENIED",
                "reason": "END_PASSED", "actor": null }]), "{name}");
            assert_eq!(denied["approvals"].as_array().unwrap().last().unwrap()["state"], "TIMED_OUT", "{name}");
            let query = "query($target: [ID!]) { auditEvents(filter: {target: $target, action: [\"access_request.timed_out\"]}) { nodes { details actor { id } } } }";
            let audited = server.ask("alice", query, json!({ "target": [request] })).await["auditEvents"]["nodes"].clone();
            let details: Value = serde_json::from_str(audited[0]["details"].as_str().unwrap()).unwrap();
            assert_eq!((audited.as_array().unwrap().len(), details), (1, json!({ "because": "END_PASSED" })), "{name}");
            server.decides_one("hana", request, "APPROVE", "ALREADY_REVIEWED").await;
            // The person is free to ask again.
            if *name != "Dated" {
                assert_eq!(codes(&server.submits("karim", package, json!({})).await), [""; 0], "{name}");
            }
        }
        assert_eq!(server.noticed("karim", "ACCESS_REQUEST_DENIED").await, waiting.len());
    }

    async fn end_passed_comes_after_the_time_of_the_stage(server: Server) {
        let stages = json!([{ "approvers": [{ "user": server.user("Hana").await }], "timeout": "P1D" }]);
        let package = server.guarded("Short", json!({ "approvalStages": stages })).await;
        let ends = json!({ "expiresAt": server.clock.now() + TimeDelta::days(2) });
        let request = server.submits("karim", &package, ends).await["accessRequest"]["id"].clone();
        // No server ran until both were over: the stage was over first.
        server.clock.advance(TimeDelta::days(3));
        server.decides_one("hana", &request, "APPROVE", "TIMED_OUT").await;
        server.work().await;
        let seen = server.book(&request).await;
        assert_eq!((&seen["state"], &seen["history"]["nodes"][2]["reason"]), (&json!("DENIED"), &json!("TIMED_OUT")), "{seen}");
    }

    async fn end_passed_an_extension_is_denied_when_its_assignment_ends(server: Server) {
        let stages = json!([{ "approvers": [{ "user": server.user("Hana").await }] }]);
        let package = server.guarded("Kept", json!({ "extension": "WITH_APPROVAL", "approvalStages": stages })).await;
        let asked = server.submits("karim", &package, json!({})).await["accessRequest"]["id"].clone();
        server.decides_one("hana", &asked, "APPROVE", "ACCEPTED").await;
        server.work().await;
        let assignment = server.book(&asked).await["assignment"]["id"].clone();
        server.clock.advance(TimeDelta::days(5));
        let later = json!({ "assignment": assignment, "expiresAt": server.clock.now() + TimeDelta::days(9) });
        let extension = server.mutation("karim", "extendAssignment", "accessRequest { id state }", later).await["accessRequest"].clone();
        assert_eq!(extension["state"], "PENDING_APPROVAL");
        server.clock.advance(TimeDelta::days(5));
        server.work().await;
        let denied = server.book(&extension["id"]).await;
        let last = denied["history"]["nodes"].as_array().unwrap().last().unwrap().clone();
        assert_eq!((&denied["state"], &last["action"], &last["reason"]), (&json!("DENIED"), &json!("TIMED_OUT"), &json!("END_PASSED")));
        assert_eq!(denied["approvals"], json!([{ "state": "TIMED_OUT" }]));
        assert_eq!(denied["assignment"]["state"], "ENDED");
        assert_eq!(server.noticed("karim", "ACCESS_REQUEST_DENIED").await, 1);
        server.decides_one("hana", &extension["id"], "APPROVE", "ALREADY_REVIEWED").await;
    }

    async fn d08_what_missed_its_start_and_its_end_is_not_started(server: Server) {
        server.work().await;
        let package = server.guarded("Missed", json!({})).await;
        let (start, end) = (server.clock.now() + TimeDelta::days(1), server.clock.now() + TimeDelta::days(2));
        let request = server.submits("karim", &package, json!({ "startsAt": start, "expiresAt": end })).await["accessRequest"]["id"].clone();
        let attempts = async || server.rows("SELECT CAST(count(*) AS text) AS n FROM delivery WHERE operation = 'ADD'".to_owned()).await;
        let before = attempts().await;
        // No server ran meanwhile.
        server.clock.advance(TimeDelta::days(2));
        server.work().await;
        let seen = server.book(&request).await;
        let last = seen["history"]["nodes"].as_array().unwrap().last().unwrap().clone();
        assert_eq!((&seen["state"], &last["fromState"], &last["reason"]), (&json!("CANCELED"), &json!("SCHEDULED"), &json!("END_PASSED")));
        assert_eq!((&seen["assignment"]["state"], &seen["deliveries"]), (&json!("ENDED"), &json!([])));
        assert_eq!(attempts().await, before, "nothing was given and taken back");
        assert_eq!(server.noticed("karim", "ACCESS_REQUEST_WITHDRAWN").await, 1);
        assert_eq!(codes(&server.submits("karim", &package, json!({})).await), [""; 0]);
    }
    async fn d11_a_role_that_came_later_and_failed_is_seen_and_told(server: Server) {
        server.work().await;
        let [near, _, missing, far] = server.four_packages().await;
        let (missing, far) = (server.roles_of(&missing).await.remove(0), server.roles_of(&far).await);
        let far = far.into_iter().find(|role| role["resource"]["displayName"] == "far").unwrap();
        let mut assignments = Vec::new();
        for subject in ["karim", "lena", "hana"] {
            let request = server.submits(subject, &near, json!({})).await["accessRequest"]["id"].clone();
            server.work().await;
            assignments.push(server.book(&request).await["assignment"]["id"].clone());
        }
        let each = async |state: &str, failed: Option<&Value>| {
            for id in &assignments {
                let query = "query($id: ID!) { node(id: $id) { ... on Assignment { state repairFailedAt viewerCanReprocess request { state } } } }";
                let seen = server.ask("alice", query, json!({ "id": id })).await["node"].clone();
                assert_eq!(seen, json!({ "state": state, "repairFailedAt": failed, "viewerCanReprocess": true, "request": { "state": "DELIVERED" } }));
            }
        };
        let audited = async |action: &str| {
            let query = "query($target: [ID!], $action: [String!]) { auditEvents(filter: {target: $target, action: $action}) { totalCount } }";
            server.ask("alice", query, json!({ "target": assignments, "action": [action] })).await["auditEvents"]["totalCount"].clone()
        };
        each("DELIVERED", None).await;

        // Everybody's delivery fails for good, and whoever changed the package is told once.
        server.clock.advance(TimeDelta::hours(1));
        server.changes("bruno", "addAccessPackageResourceRoles", &near, &[&missing]).await;
        server.work().await;
        let failed_at = json!(server.clock.now().to_rfc3339());
        each("PARTIALLY_DELIVERED", Some(&failed_at)).await;
        assert_eq!(audited("assignment.role_failed").await, 3);
        assert_eq!(server.noticed("bruno", "PACKAGE_ROLE_FAILED").await, 0, "what fails within a minute is told along");
        for _ in 0..3 {
            server.clock.advance(TimeDelta::minutes(1));
            server.work().await;
        }
        let query = "{ viewer { notifications(filter: {kind: [PACKAGE_ROLE_FAILED]}) { nodes { title subjectId } } } }";
        let told = server.ask("bruno", query, json!({})).await["viewer"]["notifications"]["nodes"].clone();
        assert_eq!(told, json!([{ "title": "What you added to “Near” could not be given to everybody", "subjectId": near }]));
        let content = server.rows("SELECT CAST(content AS text) AS c FROM notification WHERE kind = 'PACKAGE_ROLE_FAILED'".to_owned()).await;
        let content: Value = serde_json::from_str(&content[0]).unwrap();
        assert_eq!((content["roles"].as_array().unwrap().len(), &content["roles"][0]), (1, &json!({ "name": "nowhere", "people": 3 })));
        for subject in ["alice", "karim"] {
            assert_eq!(server.noticed(subject, "PACKAGE_ROLE_FAILED").await, 0, "{subject} changed nothing");
        }

        // A repair that fails again changes nothing; what else is given later does not hide it.
        let repair = json!({ "selection": { "ids": assignments } });
        let repaired = async || {
            let done = server.mutation("alice", "reprocessAssignments", "bulkOperation { acceptedCount }", repair.clone()).await;
            assert_eq!(done["bulkOperation"]["acceptedCount"], 3, "{done}");
            server.work().await;
        };
        repaired().await;
        each("PARTIALLY_DELIVERED", Some(&failed_at)).await;

        // It leaves the package: nothing is missing any more. It comes back: missing again, and told again.
        server.changes("alice", "removeAccessPackageResourceRoles", &near, &[&missing]).await;
        each("DELIVERED", None).await;
        server.work().await;
        server.clock.advance(TimeDelta::hours(1));
        server.changes("alice", "addAccessPackageResourceRoles", &near, &[&missing, &far]).await;
        server.work().await;
        let failed_at = json!(server.clock.now().to_rfc3339());
        each("PARTIALLY_DELIVERED", Some(&failed_at)).await;
        for _ in 0..8 {
            server.clock.advance(TimeDelta::hours(1));
            // A connector that failed five times in a row is asked once a minute.
            server.sql("UPDATE connector SET failures_in_row = 0").await;
            server.work().await;
        }
        assert_eq!(server.noticed("alice", "PACKAGE_ROLE_FAILED").await, 1, "one change, two roles, three people");
        assert_eq!(server.noticed("bruno", "PACKAGE_ROLE_FAILED").await, 1);
        // The role whose remote does not answer was given up later, and stands in the way of the other's repair.
        let given_up = server.rows("SELECT CAST(count(*) AS text) AS n FROM delivery WHERE operation = 'ADD' AND state = 'FAILED' AND error_code = 'REMOTE_UNAVAILABLE'".to_owned()).await;
        assert_eq!(given_up, ["3"]);
        let connectors = server.ask("alice", "{ connectors(first: 9) { nodes { id kind } } }", json!({})).await["connectors"]["nodes"].clone();
        let directory = connectors.as_array().unwrap().iter().find(|row| row["kind"] == "DIRECTORY").unwrap()["id"].clone();
        let group = json!({ "connector": directory, "originId": "nowhere", "displayName": "Nowhere" });
        assert_eq!(codes(&server.mutation("alice", "createDirectoryGroup", "directoryGroup { id }", group).await), [""; 0]);
        repaired().await;
        assert_eq!(server.members("nowhere").await.len(), 3);
        each("PARTIALLY_DELIVERED", Some(&failed_at)).await;
        server.changes("alice", "removeAccessPackageResourceRoles", &near, &[&far]).await;
        each("DELIVERED", None).await;
        assert_eq!(audited("assignment.role_failed").await, 6);
        assert_eq!(audited("assignment.repaired").await, 6);
    }

    async fn d11_a_later_try_of_the_role_makes_the_assignment_whole(server: Server) {
        server.work().await;
        let [near, partly, missing, _] = server.four_packages().await;
        let missing = server.roles_of(&missing).await.remove(0);
        let request = server.submits("karim", &near, json!({})).await["accessRequest"]["id"].clone();
        server.work().await;
        server.clock.advance(TimeDelta::hours(1));
        server.changes("alice", "addAccessPackageResourceRoles", &near, &[&missing]).await;
        server.work().await;
        let state = async || server.book(&request).await["assignment"]["state"].clone();
        assert_eq!(state().await, "PARTIALLY_DELIVERED");
        // What is asked for after the change is the request's own failure, and told to nobody who changed the package.
        let partial = server.submits("lena", &partly, json!({})).await["accessRequest"]["id"].clone();
        server.work().await;
        assert_eq!(server.book(&partial).await["state"], "PARTIALLY_DELIVERED");
        server.clock.advance(TimeDelta::minutes(1));
        server.work().await;
        assert_eq!(server.noticed("alice", "PACKAGE_ROLE_FAILED").await, 1);
        // The role is taken out and put in again once its group is there: the new delivery succeeds.
        server.sql("UPDATE directory_group SET origin_id = 'nowhere' WHERE origin_id = 'ledger'").await;
        server.changes("alice", "removeAccessPackageResourceRoles", &near, &[&missing]).await;
        server.sql("UPDATE assignment SET state = 'PARTIALLY_DELIVERED', repair_failed_at = created_at WHERE user_id IN (SELECT id FROM app_user WHERE subject = 'karim') AND state = 'DELIVERED'").await;
        server.clock.advance(TimeDelta::minutes(1));
        server.changes("alice", "addAccessPackageResourceRoles", &near, &[&missing]).await;
        assert_eq!(state().await, "PARTIALLY_DELIVERED");
        server.work().await;
        assert_eq!(state().await, "DELIVERED");
        assert!(server.members("nowhere").await.contains(&"Karim Benali".to_owned()));
    }
}
