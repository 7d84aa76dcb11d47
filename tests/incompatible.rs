//! Packages that exclude one another.

use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::harness::{Server, codes};

impl Server {
    async fn exclude(&self, package: &Value, against: Value) -> Value {
        let input = json!({ "accessPackage": package, "incompatibleAccessPackages": against });
        let package = "accessPackage { version incompatibleAccessPackages { displayName } }";
        self.mutation("hana", "setIncompatibleAccessPackages", package, input).await
    }

    /// Two packages, each with one stage that this person decides.
    async fn approved_by(&self, [payers, auditors]: [&str; 2]) -> (Value, Value) {
        let stages = async |who: &str| json!({ "approvalStages": [{ "approvers": [{ "user": self.user(who).await }] }] });
        (
            self.guarded("Payer", stages(payers).await).await,
            self.guarded("Auditor", stages(auditors).await).await,
        )
    }

    async fn held_beside_another(&self, package: &Value) -> Value {
        let query = "query($id: ID!) { node(id: $id) { ... on AccessPackage {
            assignments(filter: { overlapping: true }) { totalCount nodes { user { displayName } } } } } }";
        self.ask("hana", query, json!({ "id": package })).await["node"]["assignments"].clone()
    }

    async fn stands_against(&self, subject: &str, package: &Value) -> Value {
        let query = "query($id: ID!) { node(id: $id) { ... on AccessPackage { viewerCanRequest viewerCannotRequestReasons { code }
            incompatibleAccessPackages { displayName } excludedAccessPackages { displayName } } } }";
        self.ask(subject, query, json!({ "id": package })).await["node"].clone()
    }
}

on_both_databases! {
    async fn whoever_holds_a_package_cannot_get_what_it_excludes(server: Server) {
        let (payer, auditor) = (server.guarded("Payer", json!({})).await, server.guarded("Auditor", json!({})).await);
        let made = server.exclude(&auditor, json!([payer, payer])).await;
        assert_eq!(made["accessPackage"]["incompatibleAccessPackages"], json!([{ "displayName": "Payer" }]));
        for who in ["karim", "lena"] {
            assert_eq!(codes(&server.submits(who, &payer, json!({})).await), [""; 0]);
        }
        // Requested is enough, held is, too.
        assert_eq!(codes(&server.submits("karim", &auditor, json!({})).await), ["INCOMPATIBLE_PACKAGE"]);
        server.work().await;
        let before = server.contents().await;
        assert_eq!(codes(&server.submits("karim", &auditor, json!({})).await), ["INCOMPATIBLE_PACKAGE"]);
        let seen = server.stands_against("karim", &auditor).await;
        assert_eq!((&seen["viewerCanRequest"], &seen["viewerCannotRequestReasons"]), (&json!(false), &json!([{ "code": "INCOMPATIBLE_PACKAGE" }])));
        assert_eq!(seen["incompatibleAccessPackages"], json!([{ "displayName": "Payer" }]));
        assert_eq!(server.stands_against("karim", &payer).await["excludedAccessPackages"], json!([{ "displayName": "Auditor" }]));
        let policies = "query($id: ID!) { node(id: $id) { ... on AccessPackage { policies { id } } } }";
        let policy = server.ask("alice", policies, json!({ "id": auditor })).await["node"]["policies"][0]["id"].clone();
        let input = json!({ "accessPackage": auditor, "user": server.user("Karim").await, "policy": policy });
        let assigned = server.mutation("ivan", "createAssignment", "accessRequest { id }", input).await;
        assert_eq!(codes(&assigned), ["INCOMPATIBLE_PACKAGE"], "nor by an administrator");
        assert_eq!(server.contents().await, before, "nothing was made");
        // In this direction only; what overlaps by it can be found.
        assert_eq!(codes(&server.submits("judith", &auditor, json!({})).await), [""; 0]);
        server.work().await;
        assert_eq!(codes(&server.submits("judith", &payer, json!({})).await), [""; 0]);
        server.work().await;
        assert_eq!(server.held_beside_another(&auditor).await, json!({ "totalCount": 1, "nodes": [{ "user": { "displayName": "Judith Okafor" } }] }));
        assert_eq!(server.held_beside_another(&payer).await["totalCount"], 0);
        // Given up, it stands against nothing.
        let held = server.ask("karim", "{ viewer { assignments(first: 50) { nodes { id accessPackage { displayName } } } } }", json!({})).await;
        let held = held["viewer"]["assignments"]["nodes"].as_array().unwrap().clone();
        let held = held.iter().find(|held| held["accessPackage"]["displayName"] == "Payer").unwrap();
        assert_eq!(codes(&server.mutation("ivan", "revokeAssignment", "assignment { state }", json!({ "id": held["id"] })).await), [""; 0]);
        assert_eq!(codes(&server.submits("karim", &auditor, json!({})).await), ["INCOMPATIBLE_PACKAGE"], "before it is taken back");
        server.work().await;
        assert_eq!(codes(&server.submits("karim", &auditor, json!({})).await), [""; 0]);
    }

    async fn what_was_asked_before_is_checked_when_it_begins(server: Server) {
        let goran = json!([{ "approvers": [{ "manager": true }] }]);
        let (payer, auditor) = (server.guarded("Payer", json!({})).await, server.guarded("Auditor", json!({ "approvalStages": goran })).await);
        let waits = server.submits("karim", &auditor, json!({})).await["accessRequest"]["id"].clone();
        let soon = (server.clock.now() + TimeDelta::days(3)).to_rfc3339();
        let planned = server.guarded("Planned", json!({})).await;
        let scheduled = server.submits("karim", &planned, json!({ "startsAt": soon })).await["accessRequest"]["id"].clone();
        assert_eq!(codes(&server.submits("karim", &payer, json!({})).await), [""; 0]);
        for package in [&auditor, &planned] {
            assert_eq!(codes(&server.exclude(package, json!([payer])).await), [""; 0]);
        }
        server.work().await;
        // The approver is told, and can still deny.
        let decide = |decision: &str| json!({ "selection": { "ids": [waits] }, "decision": decision });
        let code = "bulkOperation { items(first: 1) { nodes { error { code } } } }";
        let refused = server.mutation("goran", "reviewAccessRequests", code, decide("APPROVE")).await;
        assert_eq!(refused["bulkOperation"]["items"]["nodes"][0]["error"]["code"], "INCOMPATIBLE_PACKAGE");
        let state = "query($id: ID!) { node(id: $id) { ... on AccessRequest { state assignment { state } history(last: 1) { nodes { action reason } } } } }";
        assert_eq!(server.ask("alice", state, json!({ "id": waits })).await["node"]["state"], "PENDING_APPROVAL");
        let denied = server.mutation("goran", "reviewAccessRequests", code, decide("DENY")).await;
        assert_eq!(denied["bulkOperation"]["items"]["nodes"][0]["error"], Value::Null);
        // Where nobody decides any more it is withdrawn at its start.
        server.clock.advance(TimeDelta::days(3));
        server.work().await;
        assert_eq!(server.ask("alice", state, json!({ "id": scheduled })).await["node"], json!({ "state": "CANCELED", "assignment": { "state": "ENDED" },
            "history": { "nodes": [{ "action": "CANCELED", "reason": "INCOMPATIBLE_PACKAGE" }] } }));
        // And told so, with what stands against it.
        let told = "{ viewer { notifications(filter: { kind: [ACCESS_REQUEST_WITHDRAWN] }) { nodes { kind title reason subjectId mailState url } } } }";
        assert_eq!(server.ask("karim", told, json!({})).await["viewer"]["notifications"]["nodes"], json!([{ "kind": "ACCESS_REQUEST_WITHDRAWN",
            "title": "Your request for “Planned” was withdrawn", "reason": "It cannot be held together with “Payer”.", "subjectId": scheduled,
            "mailState": "PENDING", "url": format!("https://access.example/@contoso.example#/access-requests/{}", scheduled.as_str().unwrap()) }]));
        server.clock.advance(TimeDelta::days(1));
        server.work().await;
        assert_eq!(server.ask("karim", told, json!({})).await["viewer"]["notifications"]["nodes"].as_array().unwrap().len(), 1, "once");
        assert_eq!(server.ask("goran", told, json!({})).await["viewer"]["notifications"]["nodes"], json!([]), "nobody else is told");
    }

    async fn of_scheduled_ones_that_exclude_each_other_the_first_asked_for_starts(server: Server) {
        let (payer, auditor, buyer) = (server.guarded("Payer", json!({})).await, server.guarded("Auditor", json!({})).await, server.guarded("Buyer", json!({})).await);
        let start = server.clock.now() + TimeDelta::days(3);
        let people = ["karim", "lena", "judith", "emil", "farah", "goran"];
        // Each asks in another order, and not for the same instant: whoever is looked at first is not whoever asked first.
        let orders = [[&payer, &auditor, &buyer], [&payer, &buyer, &auditor], [&auditor, &payer, &buyer], [&auditor, &buyer, &payer],
            [&buyer, &payer, &auditor], [&buyer, &auditor, &payer]];
        for (who, order) in people.iter().zip(orders) {
            for (place, package) in (0..).zip(order) {
                let starts = (start - TimeDelta::seconds(place)).to_rfc3339();
                assert_eq!(codes(&server.submits(who, package, json!({ "startsAt": starts })).await), [""; 0]);
                server.clock.advance(TimeDelta::milliseconds(1));
            }
        }
        // The auditor and each of the others exclude each other; these two do not.
        assert_eq!(codes(&server.exclude(&auditor, json!([payer, buyer])).await), [""; 0]);
        for package in [&payer, &buyer] {
            assert_eq!(codes(&server.exclude(package, json!([auditor])).await), [""; 0]);
        }
        server.clock.advance(TimeDelta::days(3));
        let other = server.another(None).await;
        let (one, two) = tokio::join!(server.app.worker.run_due(), other.worker.run_due());
        one.and(two).unwrap();
        server.work().await;
        let query = "{ viewer { assignments(first: 50) { nodes { state accessPackage { displayName } } } } }";
        for (who, order) in people.iter().zip(orders) {
            let held = server.ask(who, query, json!({})).await["viewer"]["assignments"]["nodes"].as_array().unwrap().clone();
            let state = |name: &str| held.iter().find(|row| row["accessPackage"]["displayName"] == name).unwrap()["state"].clone();
            let auditors = order[0] == &auditor;
            let expected = if auditors { ["DELIVERED", "ENDED", "ENDED"] } else { ["ENDED", "DELIVERED", "DELIVERED"] };
            assert_eq!([state("Auditor"), state("Payer"), state("Buyer")], expected, "{who}");
        }
        assert_eq!(server.held_beside_another(&auditor).await["totalCount"], 0);
        let told = "{ viewer { notifications(filter: { kind: [ACCESS_REQUEST_WITHDRAWN] }) { nodes { reason } } } }";
        let reasons = async |who: &str| server.ask(who, told, json!({})).await["viewer"]["notifications"]["nodes"].clone();
        assert_eq!(reasons("karim").await, json!([{ "reason": "It cannot be held together with “Payer”." }]));
        assert_eq!(reasons("lena").await, json!([{ "reason": "It cannot be held together with “Buyer” and “Payer”." }]));
    }

    async fn what_starts_later_stands_against_what_was_asked_for_after_it(server: Server) {
        let (payer, auditor) = (server.guarded("Payer", json!({})).await, server.guarded("Auditor", json!({})).await);
        let after = |days: i64| json!({ "startsAt": (server.clock.now() + TimeDelta::days(days)).to_rfc3339() });
        assert_eq!(codes(&server.submits("karim", &payer, after(9)).await), [""; 0]);
        assert_eq!(codes(&server.submits("lena", &auditor, after(2)).await), [""; 0]);
        server.clock.advance(TimeDelta::seconds(1));
        assert_eq!(codes(&server.submits("karim", &auditor, after(2)).await), [""; 0]);
        assert_eq!(codes(&server.submits("lena", &payer, after(9)).await), [""; 0]);
        for (package, other) in [(&payer, &auditor), (&auditor, &payer)] {
            assert_eq!(codes(&server.exclude(package, json!([other])).await), [""; 0]);
        }
        let query = "{ viewer { assignments(first: 50) { nodes { state accessPackage { displayName } } } } }";
        let states = async |who: &str| {
            let held = server.ask(who, query, json!({})).await["viewer"]["assignments"]["nodes"].as_array().unwrap().clone();
            ["Payer", "Auditor"].map(|name| held.iter().find(|row| row["accessPackage"]["displayName"] == name).unwrap()["state"].clone())
        };
        server.clock.advance(TimeDelta::days(3));
        server.work().await;
        assert_eq!((states("karim").await, states("lena").await), (["SCHEDULED", "ENDED"].map(Value::from), ["SCHEDULED", "DELIVERED"].map(Value::from)));
        server.clock.advance(TimeDelta::days(7));
        server.work().await;
        assert_eq!((states("karim").await, states("lena").await), (["DELIVERED", "ENDED"].map(Value::from), ["ENDED", "DELIVERED"].map(Value::from)));
    }

    async fn of_two_that_exclude_each_other_at_once_one_is_taken(server: Server) {
        let (payer, auditor) = (server.guarded("Payer", json!({})).await, server.guarded("Auditor", json!({})).await);
        for (package, other) in [(&payer, &auditor), (&auditor, &payer)] {
            assert_eq!(codes(&server.exclude(package, json!([other])).await), [""; 0]);
        }
        for who in ["karim", "lena", "judith", "emil", "farah"] {
            let (one, other) = tokio::join!(server.submits(who, &payer, json!({})), server.submits(who, &auditor, json!({})));
            let mut both = [codes(&one), codes(&other)];
            both.sort();
            assert_eq!(both, [vec![], vec!["INCOMPATIBLE_PACKAGE"]], "{who}");
        }
    }

    async fn of_two_that_are_approved_together_the_first_asked_for_is_given(server: Server) {
        let (payer, auditor) = server.approved_by(["Hana", "Hana"]).await;
        let mut asked = Vec::new();
        for (who, order) in [("karim", [&payer, &auditor]), ("lena", [&auditor, &payer])] {
            for package in order {
                asked.push(server.ask_to_be_let_in(who, package).await);
                server.clock.advance(TimeDelta::milliseconds(1));
            }
        }
        for (package, other) in [(&payer, &auditor), (&auditor, &payer)] {
            assert_eq!(codes(&server.exclude(package, json!([other])).await), [""; 0]);
        }
        let items = "bulkOperation { items(first: 9) { nodes { target { ... on AccessRequest { id } } error { code } } } }";
        let refused = async |dry_run: bool| {
            // Whatever order they are given in.
            let ids: Vec<&Value> = asked.iter().rev().collect();
            let input = json!({ "selection": { "ids": ids }, "decision": "APPROVE", "dryRun": dry_run });
            let done = server.mutation("hana", "reviewAccessRequests", items, input).await;
            let nodes = done["bulkOperation"]["items"]["nodes"].as_array().unwrap().clone();
            let refused = nodes.iter().filter(|item| !item["error"].is_null());
            let mut refused: Vec<Value> = refused.map(|item| json!([item["error"]["code"], item["target"]["id"]])).collect();
            refused.sort_by_key(|item| asked.iter().position(|id| *id == item[1]));
            refused
        };
        let losers = [json!(["INCOMPATIBLE_PACKAGE", asked[1]]), json!(["INCOMPATIBLE_PACKAGE", asked[3]])];
        assert_eq!(refused(true).await, losers, "a dry run tells it");
        let states = async || {
            let mut states = Vec::new();
            for id in &asked {
                let request = server.reviewed("alice", id).await;
                states.push((request["state"].clone(), request["assignment"].is_null()));
            }
            states
        };
        let (given, waits) = ((json!("DELIVERING"), false), (json!("PENDING_APPROVAL"), true));
        assert_eq!(states().await, vec![waits.clone(); 4], "and changes nothing");
        assert_eq!(refused(false).await, losers);
        assert_eq!(states().await, [given.clone(), waits.clone(), given, waits], "who loses waits, and holds nothing");
        // In one direction both can be given, if what stands against the other was asked for after it.
        assert_eq!(codes(&server.exclude(&payer, json!([])).await), [""; 0]);
        let mut asked = Vec::new();
        for package in [&auditor, &payer] {
            asked.push(server.ask_to_be_let_in("judith", package).await);
            server.clock.advance(TimeDelta::milliseconds(1));
        }
        let mut decisions = Vec::new();
        for id in &asked {
            decisions.push(json!({ "id": server.reviewed("alice", id).await["approvals"][0]["id"], "decision": "APPROVE" }));
        }
        let input = json!({ "selection": { "items": decisions } });
        let done = server.mutation("hana", "submitDecisions", "bulkOperation { acceptedCount }", input).await;
        assert_eq!(done["bulkOperation"]["acceptedCount"], 2, "{done}");
    }

    async fn of_two_that_are_approved_at_the_same_instant_one_is_given(server: Server) {
        let (payer, auditor) = server.approved_by(["Hana", "Ivan"]).await;
        let people = ["karim", "lena", "judith", "emil", "farah", "deniz"];
        let mut asked = Vec::new();
        for who in people {
            asked.push([server.ask_to_be_let_in(who, &payer).await, server.ask_to_be_let_in(who, &auditor).await]);
        }
        for (package, other) in [(&payer, &auditor), (&auditor, &payer)] {
            assert_eq!(codes(&server.exclude(package, json!([other])).await), [""; 0]);
        }
        for (who, ids) in people.iter().zip(&asked) {
            let code = "bulkOperation { items(first: 1) { nodes { error { code } } } }";
            let input = |id: &Value| json!({ "selection": { "ids": [id] }, "decision": "APPROVE" });
            let (one, two) = tokio::join!(server.mutation("hana", "reviewAccessRequests", code, input(&ids[0])),
                server.mutation("ivan", "reviewAccessRequests", code, input(&ids[1])));
            let code = |done: &Value| done["bulkOperation"]["items"]["nodes"][0]["error"]["code"].clone();
            let mut states = Vec::new();
            for id in ids {
                states.push(server.reviewed("alice", id).await["state"].clone());
            }
            match (code(&one), code(&two)) {
                (Value::Null, lost) => assert_eq!((lost, states), (json!("INCOMPATIBLE_PACKAGE"), vec![json!("DELIVERING"), json!("PENDING_APPROVAL")]), "{who}"),
                (lost, won) => assert_eq!((lost, won, states), (json!("INCOMPATIBLE_PACKAGE"), Value::Null, vec![json!("PENDING_APPROVAL"), json!("DELIVERING")]), "{who}"),
            }
        }
        assert_eq!(server.held_beside_another(&auditor).await["totalCount"], 0);
    }

    async fn only_packages_that_one_sees_can_exclude_another(server: Server) {
        let (payer, auditor) = (server.guarded("Payer", json!({})).await, server.guarded("Auditor", json!({})).await);
        let before = server.rows("SELECT CAST(count(*) AS text) AS n FROM access_package_incompatible".to_owned()).await;
        let many: Vec<&Value> = vec![&payer; 51];
        for (against, code) in [(json!([auditor]), "INVALID_INPUT"), (json!(["pkg_x"]), "NOT_FOUND"), (json!([server.user("Karim").await]), "NOT_FOUND"),
            (json!(many), "INVALID_INPUT")] {
            assert_eq!(codes(&server.exclude(&auditor, against).await), [code]);
        }
        let theirs = server.ask_with(&server.token_with("mila", "fabrikam", &["GLOBAL_ADMINISTRATOR"]), "{ accessPackages { nodes { id } } }", json!({})).await;
        let theirs = theirs.json["data"]["accessPackages"]["nodes"][0]["id"].clone();
        assert_eq!(codes(&server.exclude(&auditor, json!([theirs])).await), ["NOT_FOUND"]);
        let input = json!({ "accessPackage": auditor, "incompatibleAccessPackages": [payer] });
        let errors = server.errors("karim", "mutation($input: SetIncompatibleAccessPackagesInput!) { setIncompatibleAccessPackages(input: $input) { userErrors { code } } }",
            json!({ "input": input })).await;
        assert_eq!(errors, ["FORBIDDEN"]);
        assert_eq!(server.rows("SELECT CAST(count(*) AS text) AS n FROM access_package_incompatible".to_owned()).await, before);
    }

    async fn a_failed_request_is_not_reprocessed_beside_what_excludes_it(server: Server) {
        let (payer, on_call) = (server.guarded("Payer", json!({})).await, server.package("On-call").await);
        let failed = server.ask("alice", "{ accessRequests(filter: { state: [DELIVERY_FAILED, PARTIALLY_DELIVERED] }, first: 50) { nodes { id viewerCanReprocess accessPackage { id } requestor { id displayName } } } }", json!({})).await;
        let failed = failed["accessRequests"]["nodes"].as_array().unwrap().clone();
        let failed = failed.iter().find(|row| row["viewerCanReprocess"] == true).unwrap_or_else(|| panic!("{on_call}")).clone();
        assert_eq!(codes(&server.exclude(&failed["accessPackage"]["id"], json!([payer])).await), [""; 0]);
        let policies = "query($id: ID!) { node(id: $id) { ... on AccessPackage { policies { id } } } }";
        let policy = server.ask("alice", policies, json!({ "id": payer })).await["node"]["policies"][0]["id"].clone();
        let input = json!({ "accessPackage": payer, "user": failed["requestor"]["id"], "policy": policy });
        assert_eq!(codes(&server.mutation("ivan", "createAssignment", "accessRequest { id }", input).await), [""; 0]);
        server.work().await;
        let query = "query($id: ID!) { node(id: $id) { ... on AccessRequest { viewerCanReprocess reprocess { eligible reason } } } }";
        let seen = server.ask("alice", query, json!({ "id": failed["id"] })).await["node"].clone();
        assert_eq!(seen, json!({ "viewerCanReprocess": false, "reprocess": { "eligible": false, "reason": "INCOMPATIBLE_PACKAGE" } }));
        let input = json!({ "selection": { "ids": [failed["id"]] } });
        let done = server.mutation("alice", "reprocessAccessRequests", "bulkOperation { items(first: 1) { nodes { error { code } } } }", input).await;
        assert_eq!(done["bulkOperation"]["items"]["nodes"][0]["error"]["code"], "INCOMPATIBLE_PACKAGE");
    }
}
