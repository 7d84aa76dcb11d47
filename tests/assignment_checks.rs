//! What is at the target systems, compared with what should be, and repaired.

use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::assignments::outcomes;
use crate::harness::fault_proxy::{FaultProxy, Mode};
use crate::harness::{Server, codes, npm};
use crate::scim_delivery::{TOKEN, listed};

const CHECKED: &str = "bulkOperation { id kind dryRun state acceptedCount
    items(first: 1000) { nodes { outcome error { code message } target { id }
        checks { finding resourceRole { resource { displayName } } delivery { id operation state lastError { code } } } } } }";
const ASSIGNMENT: &str = "query($id: ID!) { node(id: $id) { ... on Assignment { state viewerCanReprocess
    repairFailedAt lastCheck { dryRun startedAt finishedAt bulkOperation { id } roles { finding resourceRole { displayName resource { displayName } }
        delivery { operation result attemptCount nextAttemptAt lastError { code message } } } }
    request { state completedAt lastCompletedAt deliveries { operation state result } history { nodes { action } } } } } }";

impl Server {
    async fn compare(&self, subject: &str, ids: &[Value], dry_run: bool) -> Value {
        let input = json!({ "selection": { "ids": ids }, "dryRun": dry_run });
        let payload = self.mutation(subject, "reprocessAssignments", CHECKED, input).await;
        assert_eq!(codes(&payload), [""; 0]);
        payload
    }

    async fn checked(&self, id: &Value) -> Value {
        self.ask("alice", ASSIGNMENT, json!({ "id": id })).await["node"].clone()
    }

    /// What was found at an assignment, for each role.
    async fn findings(&self, id: &Value) -> Vec<String> {
        let roles = self.checked(id).await["lastCheck"]["roles"].as_array().unwrap().clone();
        roles.iter().map(|role| role["finding"].as_str().unwrap().to_owned()).collect()
    }

    /// What an operation found at its objects, for each role.
    async fn found_by(&self, operation: &Value) -> Vec<Vec<String>> {
        let query = "query($id: ID!) { node(id: $id) { ... on BulkOperation { items(first: 100) { nodes { checks { finding } } } } } }";
        let found = self.ask("alice", query, json!({ "id": operation["bulkOperation"]["id"] })).await;
        let items = found["node"]["items"]["nodes"].as_array().unwrap().clone();
        let finding = |check: &Value| check["finding"].as_str().unwrap().to_owned();
        items.iter().map(|item| item["checks"].as_array().unwrap().iter().map(finding).collect()).collect()
    }

    /// Asks for a package, and gives the assignment when it was delivered.
    async fn hold(&self, subject: &str, package: &str) -> Value {
        let package = self.package(package).await;
        let made = self
            .mutation(
                subject,
                "submitAccessRequest",
                "accessRequest { assignment { id } }",
                json!({ "accessPackage": package }),
            )
            .await;
        assert_eq!(codes(&made), [""; 0]);
        self.work().await;
        made["accessRequest"]["assignment"]["id"].clone()
    }
}

on_both_databases! {
    async fn what_was_taken_behind_our_back_is_found_and_given_again(server: Server) {
        let Some(peer) = npm::Script::start("scim", "server.mjs", &[TOKEN]) else { return };
        let line: Value = serde_json::from_str(&peer.first_line).unwrap();
        let origin = format!("http://127.0.0.1:{}", line["port"]);
        let client = reqwest::Client::new();
        client.post(format!("{origin}/__groups")).json(&json!({ "id": "team", "displayName": "Team" })).send().await.unwrap();
        let proxy = FaultProxy::start(&origin).await;
        let (_, package) = server.scim_package(&format!("{}/scim/v2", proxy.origin())).await;
        let mut ids = Vec::new();
        for person in ["goran", "hana"] {
            let request = server.ask_for(person, &package).await;
            server.work().await;
            let query = "query($id: ID!) { node(id: $id) { ... on AccessRequest { assignment { id } } } }";
            ids.push(server.ask("alice", query, json!({ "id": request })).await["node"]["assignment"]["id"].clone());
        }
        assert_eq!(listed(&origin).await, ["Göran Lindqvist", "Hana Sato"]);
        server.clock.advance(TimeDelta::days(20));
        let before = server.checked(&ids[0]).await;
        assert_eq!((&before["lastCheck"], &before["viewerCanReprocess"]), (&Value::Null, &json!(true)));

        // Somebody takes Göran out at the server itself.
        let users: Vec<Value> = client.get(format!("{origin}/__users")).send().await.unwrap().json().await.unwrap();
        let goran = users.iter().find(|user| user["displayName"] == "Göran Lindqvist").unwrap()["id"].as_str().unwrap();
        let patch = json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
            "Operations": [{ "op": "remove", "path": format!("members[value eq \"{goran}\"]") }] });
        let taken = client.patch(format!("{origin}/scim/v2/Groups/team")).bearer_auth(TOKEN)
            .header("content-type", "application/scim+json").body(patch.to_string()).send().await.unwrap();
        assert!(taken.status().is_success(), "{taken:?}");
        assert_eq!(listed(&origin).await, ["Hana Sato"]);

        // A dry run finds it, and changes nothing.
        let dry = server.compare("alice", &ids, true).await;
        assert_eq!(outcomes(&dry), ["ACCEPTED", "ACCEPTED"]);
        assert_eq!(dry["bulkOperation"]["items"]["nodes"][0]["checks"][0]["finding"], "PENDING");
        assert_eq!(server.checked(&ids[0]).await["lastCheck"]["finishedAt"], Value::Null);
        server.work().await;
        assert_eq!(server.found_by(&dry).await, [["MISSING"], ["PRESENT"]]);
        assert_eq!(listed(&origin).await, ["Hana Sato"]);
        let seen = server.checked(&ids[0]).await;
        let check = &seen["lastCheck"];
        assert_eq!((&check["dryRun"], &check["bulkOperation"]["id"]), (&json!(true), &dry["bulkOperation"]["id"]));
        assert!(check["finishedAt"].is_string());
        assert_eq!((&check["roles"][0]["delivery"]["operation"], &check["roles"][0]["delivery"]["result"]), (&json!("COMPARE"), &json!("MISSING")));
        assert_eq!((&seen["state"], &seen["request"]), (&before["state"], &before["request"]), "the request stays as it is");

        // The server is away: the repair waits, and says why.
        proxy.set(Mode::Down);
        let operation = server.compare("alice", &ids, false).await;
        server.work().await;
        assert_eq!(server.found_by(&operation).await, [["PENDING"], ["PENDING"]]);
        let delivery = server.checked(&ids[0]).await["lastCheck"]["roles"][0]["delivery"].clone();
        assert_eq!((&delivery["lastError"]["code"], &delivery["operation"]), (&json!("REMOTE_UNAVAILABLE"), &json!("REPAIR")));
        assert!(delivery["nextAttemptAt"].is_string());
        proxy.set(Mode::Pass);
        server.clock.advance(TimeDelta::minutes(2));
        server.work().await;
        assert_eq!(server.found_by(&operation).await, [["REPAIRED"], ["PRESENT"]]);
        assert_eq!(listed(&origin).await, ["Göran Lindqvist", "Hana Sato"], "each once");
        let after = server.checked(&ids[0]).await;
        assert_eq!((&after["state"], &after["request"]), (&before["state"], &before["request"]));

        // A refusal for good is told by its code; a reprocess after it finds everything in place.
        proxy.set(Mode::Status(403));
        let refused = server.compare("alice", &ids[..1], false).await;
        server.work().await;
        assert_eq!(server.found_by(&refused).await, [["FAILED"]]);
        let error = server.checked(&ids[0]).await["lastCheck"]["roles"][0]["delivery"]["lastError"].clone();
        assert_eq!(error["code"], "REMOTE_AUTH_FAILED", "{error}");
        assert!(!error.to_string().contains(TOKEN));
        // The assignment does not pass for whole any more; its request was carried out, and stays so.
        let broken = server.checked(&ids[0]).await;
        assert_eq!((&broken["state"], &broken["request"]), (&json!("PARTIALLY_DELIVERED"), &before["request"]));
        assert_eq!((&broken["repairFailedAt"], &broken["viewerCanReprocess"]), (&json!(server.clock.now().to_rfc3339()), &json!(true)));
        let again = server.compare("alice", &ids, false).await;
        assert_eq!(outcomes(&again), ["ACCEPTED", "ACCEPTED"]);
        server.work().await;
        assert_eq!(server.found_by(&again).await, [["FAILED"], ["FAILED"]]);
        assert_eq!(server.checked(&ids[0]).await["repairFailedAt"], broken["repairFailedAt"], "since the first");
        // Looking heals nothing; a repair that succeeds does.
        proxy.set(Mode::Pass);
        let dry = server.compare("alice", &ids[..1], true).await;
        server.work().await;
        assert_eq!(server.found_by(&dry).await, [["PRESENT"]]);
        assert_eq!(server.checked(&ids[0]).await["state"], "PARTIALLY_DELIVERED");
        server.compare("alice", &ids[..1], false).await;
        server.work().await;
        assert_eq!(server.findings(&ids[0]).await, ["PRESENT"]);
        let healed = server.checked(&ids[0]).await;
        assert_eq!((&healed["state"], &healed["repairFailedAt"], &healed["request"]), (&json!("DELIVERED"), &Value::Null, &before["request"]));
        assert_eq!(server.checked(&ids[1]).await["state"], "PARTIALLY_DELIVERED", "the other was not repaired");
        let audited = server.ask("alice", "query($target: [ID!]) { auditEvents(filter: {target: $target}) { nodes { action actor { id } } } }",
            json!({ "target": [ids[0]] })).await["auditEvents"]["nodes"].clone();
        assert_eq!(audited, json!([{ "action": "assignment.repaired", "actor": null }, { "action": "assignment.repair_failed", "actor": null }]));

        // What was repaired goes with the assignment.
        let revoked = server.mutation("alice", "revokeAssignments", "bulkOperation { acceptedCount }", json!({ "selection": { "ids": ids } })).await;
        assert_eq!(revoked["bulkOperation"]["acceptedCount"], 2);
        server.work().await;
        assert!(listed(&origin).await.is_empty());
        let late = server.compare("alice", &ids, false).await;
        assert_eq!(outcomes(&late), ["ASSIGNMENT_ENDED", "ASSIGNMENT_ENDED"]);
    }

    async fn every_role_that_the_package_has_now_is_compared(server: Server) {
        let id = server.hold("emil", "Campaign editor").await;
        assert_eq!(server.checked(&id).await["state"], "DELIVERED");
        // A role comes to the package whose group is not there: its delivery fails for good.
        let package = server.package("Campaign editor").await;
        let marketing = server.ask("alice", "query($id: ID!) { node(id: $id) { ... on AccessPackage { catalog { id resources { nodes { connector { id } } } } } } }",
            json!({ "id": package })).await["node"]["catalog"].clone();
        let made = server.mutation("alice", "createResource", "resource { roles { id } }", json!({ "catalog": marketing["id"],
            "connector": marketing["resources"]["nodes"][0]["connector"]["id"], "kind": "GROUP", "displayName": "Newsletter", "originId": "newsletter" })).await;
        assert_eq!(codes(&made), [""; 0], "{made}");
        let role = made["resource"]["roles"][0]["id"].clone();
        let added = server.mutation("alice", "addAccessPackageResourceRoles", "accessPackage { id }", json!({ "id": package, "resourceRoles": [role] })).await;
        assert_eq!(codes(&added), [""; 0]);
        server.work().await;
        server.compare("alice", std::slice::from_ref(&id), false).await;
        server.work().await;
        assert_eq!(server.findings(&id).await, ["PRESENT", "FAILED"]);
        let seen = server.checked(&id).await;
        assert_eq!(seen["lastCheck"]["roles"][1]["delivery"]["lastError"]["code"], "RESOURCE_NOT_FOUND");
        assert_eq!((&seen["state"], &seen["request"]["state"]), (&json!("PARTIALLY_DELIVERED"), &json!("DELIVERED")));
        // The group is made: now it is repaired, and goes with the assignment.
        let group = server.mutation("alice", "createDirectoryGroup", "directoryGroup { id }", json!({ "connector": marketing["resources"]["nodes"][0]["connector"]["id"],
            "originId": "newsletter", "displayName": "Newsletter" })).await;
        assert_eq!(codes(&group), [""; 0]);
        server.compare("alice", std::slice::from_ref(&id), false).await;
        server.work().await;
        assert_eq!(server.findings(&id).await, ["PRESENT", "REPAIRED"]);
        assert_eq!(server.checked(&id).await["state"], "DELIVERED");
        assert_eq!(server.members("newsletter").await, ["Emil Novák"]);
        // What succeeds after a failure of the same operation does not hide it.
        server.sql("UPDATE directory_group SET origin_id = 'elsewhere' WHERE origin_id = 'campaigns'").await;
        server.compare("alice", std::slice::from_ref(&id), false).await;
        server.work().await;
        assert_eq!(server.findings(&id).await, ["FAILED", "PRESENT"]);
        assert_eq!(server.checked(&id).await["state"], "PARTIALLY_DELIVERED");
        server.sql("UPDATE directory_group SET origin_id = 'campaigns' WHERE origin_id = 'elsewhere'").await;
        server.compare("alice", std::slice::from_ref(&id), false).await;
        server.work().await;
        assert_eq!(server.checked(&id).await["state"], "DELIVERED");
        server.mutation("alice", "revokeAssignment", "assignment { state }", json!({ "id": id })).await;
        server.work().await;
        assert!(server.members("newsletter").await.is_empty());
        assert!(!server.members("campaigns").await.contains(&"Emil Novák".to_owned()));
        assert_eq!(server.checked(&id).await["state"], "ENDED");
    }

    async fn what_was_repaired_is_ours_even_if_it_was_there_before(server: Server) {
        // Emil was in the group before Guichet gave it: that would be left at the end.
        server.sql("INSERT INTO directory_member (group_id, user_id, role, created_at) SELECT y.id, u.id, 'member', u.created_at
            FROM directory_group y, app_user u WHERE y.origin_id = 'campaigns' AND u.subject = 'emil'").await;
        let id = server.hold("emil", "Campaign editor").await;
        server.sql("DELETE FROM directory_member WHERE user_id IN (SELECT id FROM app_user WHERE subject = 'emil')").await;
        server.compare("alice", std::slice::from_ref(&id), false).await;
        server.work().await;
        assert_eq!(server.findings(&id).await, ["REPAIRED"]);
        server.mutation("alice", "revokeAssignment", "assignment { state }", json!({ "id": id })).await;
        server.work().await;
        assert!(!server.members("campaigns").await.contains(&"Emil Novák".to_owned()));
    }

    async fn a_later_check_or_the_end_overtakes_one_that_waits(server: Server) {
        let id = server.hold("emil", "Campaign editor").await;
        let gone = async || server.sql("DELETE FROM directory_member WHERE user_id IN (SELECT id FROM app_user WHERE subject = 'emil')").await;
        gone().await;
        let ids = std::slice::from_ref(&id);
        let first = server.compare("alice", ids, false).await;
        let dry = server.compare("alice", ids, true).await;
        let second = server.compare("alice", ids, false).await;
        assert_eq!(server.found_by(&first).await, [["SKIPPED"]]);
        server.work().await;
        assert_eq!(server.found_by(&dry).await, [["MISSING"]], "a dry run overtakes no repair, and is looked at in its turn");
        assert_eq!(server.found_by(&second).await, [["REPAIRED"]]);
        // The end comes first.
        gone().await;
        let late = server.compare("alice", ids, false).await;
        server.mutation("alice", "revokeAssignment", "assignment { state }", json!({ "id": id })).await;
        server.work().await;
        assert_eq!(server.found_by(&late).await, [["SKIPPED"]]);
        assert!(!server.members("campaigns").await.contains(&"Emil Novák".to_owned()));
        assert_eq!(server.checked(&id).await["state"], "ENDED");
    }

    async fn a_role_that_left_the_package_is_not_given_again(server: Server) {
        let id = server.hold("emil", "Campaign editor").await;
        server.sql("DELETE FROM directory_member WHERE user_id IN (SELECT id FROM app_user WHERE subject = 'emil')").await;
        let operation = server.compare("alice", std::slice::from_ref(&id), false).await;
        let package = server.package("Campaign editor").await;
        let roles = server.ask("alice", "query($id: ID!) { node(id: $id) { ... on AccessPackage { resourceRoles { id } } } }", json!({ "id": package })).await;
        let removed = server.mutation("alice", "removeAccessPackageResourceRoles", "accessPackage { id }",
            json!({ "id": package, "resourceRoles": [roles["node"]["resourceRoles"][0]["id"]] })).await;
        assert_eq!(codes(&removed), [""; 0]);
        server.work().await;
        assert_eq!(server.found_by(&operation).await, [["SKIPPED"]]);
        assert!(!server.members("campaigns").await.contains(&"Emil Novák".to_owned()));
        // A package without roles has nothing to compare.
        let empty = server.compare("alice", std::slice::from_ref(&id), false).await;
        assert_eq!((outcomes(&empty), server.found_by(&empty).await), (vec!["ACCEPTED".to_owned()], vec![Vec::<String>::new()]));
    }

    async fn checks_come_after_what_people_wait_for(server: Server) {
        server.work().await;
        let found = server.ask("alice", "{ assignments(filter: {state: [DELIVERED]}, first: 100) { nodes { id accessPackage { displayName } } } }", json!({})).await;
        let ids: Vec<Value> = found["assignments"]["nodes"].as_array().unwrap().iter()
            .filter(|row| row["accessPackage"]["displayName"] == "Frontend engineer").map(|row| row["id"].clone()).collect();
        assert!(ids.len() >= 3);
        server.compare("alice", &ids, false).await;
        server.clock.advance(TimeDelta::seconds(5));
        let package = server.package("Frontend engineer").await;
        server.mutation("karim", "submitAccessRequest", "accessRequest { id }", json!({ "accessPackage": package })).await;
        // One at a time for a group: the delivery that was queued last is the first.
        let claimed = guichet::store::delivery::claim(&server.app.database, server.app.database.clock().id()).await.unwrap();
        let operations: Vec<_> = claimed.iter().map(|claimed| (claimed.delivery.operation, claimed.user.subject.as_str())).collect();
        assert_eq!(operations, [(entity::delivery::DeliveryOperation::Add, "karim")]);
    }

    async fn only_what_is_delivered_is_compared_and_that_is_told_before(server: Server) {
        server.work().await;
        let query = "{ assignments(first: 100) { nodes { id state viewerCanReprocess } } }";
        let seen = async |person: &str| server.ask(person, query, json!({})).await["assignments"]["nodes"].as_array().unwrap().clone();
        let everything = seen("alice").await;
        let ids: Vec<Value> = everything.iter().map(|row| row["id"].clone()).collect();
        let mut told = std::collections::BTreeSet::new();
        for person in ["alice", "bruno", "chloe", "deniz", "goran", "hana", "ivan", "judith", "karim"] {
            let rows = seen(person).await;
            let input = json!({ "input": { "selection": { "ids": ids }, "dryRun": true } });
            let query = format!("mutation($input: ReprocessAssignmentsInput!) {{ reprocessAssignments(input: $input) {{ {CHECKED} userErrors {{ code }} }} }}");
            let answer = server.ask_with(&server.token(person), &query, input).await;
            if answer.json["errors"][0]["extensions"]["code"] == "FORBIDDEN" {
                assert!(rows.iter().all(|row| row["viewerCanReprocess"] == false), "{person}");
                continue;
            }
            for (id, outcome) in ids.iter().zip(outcomes(&answer.json["data"]["reprocessAssignments"])) {
                let row = rows.iter().find(|row| row["id"] == *id);
                assert_eq!(row.is_some_and(|row| row["viewerCanReprocess"] == true), outcome == "ACCEPTED", "{person} {row:?} {outcome}");
                told.insert(outcome);
            }
        }
        assert_eq!(told.into_iter().collect::<Vec<_>>(), ["ACCEPTED", "ALREADY_IN_PROGRESS", "FORBIDDEN", "NOT_FOUND", "NOT_REPROCESSABLE_STATE"]);
        let failed = everything.iter().find(|row| row["state"] == "DELIVERY_FAILED").unwrap();
        let refused = server.compare("alice", &[failed["id"].clone(), json!("asg_x")], false).await;
        assert_eq!(outcomes(&refused), ["NOT_REPROCESSABLE_STATE", "NOT_FOUND"]);
        assert_eq!(refused["bulkOperation"]["items"]["nodes"][0]["error"]["message"],
            "Only a delivered assignment is compared: reprocess its request, or make a new one.");
        assert_eq!(refused["bulkOperation"]["items"]["nodes"][0]["checks"], json!([]));
    }

    async fn what_overlaps_is_compared_as_it_is_told(server: Server) {
        let (payer, auditor) = (server.guarded("Payer", json!({})).await, server.guarded("Auditor", json!({})).await);
        let mut ids = Vec::new();
        for package in [&payer, &auditor] {
            ids.push(server.submits("karim", package, json!({})).await["accessRequest"]["assignment"]["id"].clone());
        }
        server.work().await;
        let input = json!({ "accessPackage": auditor, "incompatibleAccessPackages": [payer] });
        assert_eq!(codes(&server.mutation("hana", "setIncompatibleAccessPackages", "accessPackage { id }", input).await), [""; 0]);
        let overlapping = "{ assignments(filter: { overlapping: true }) { nodes { id viewerCanReprocess } } }";
        let found = server.ask("alice", overlapping, json!({})).await["assignments"]["nodes"].clone();
        assert_eq!(found, json!([{ "id": ids[1], "viewerCanReprocess": true }]));
        for dry_run in [true, false] {
            assert_eq!(outcomes(&server.compare("alice", &ids, dry_run).await), ["ACCEPTED", "ACCEPTED"]);
        }
        server.work().await;
        assert_eq!(server.findings(&ids[1]).await, ["PRESENT"]);
    }

    async fn what_a_repair_left_broken_is_requested_again_or_ends(server: Server) {
        let (emil, karim) = (server.hold("emil", "Campaign editor").await, server.hold("karim", "Campaign editor").await);
        let away = "UPDATE directory_group SET origin_id = 'elsewhere' WHERE origin_id = 'campaigns'";
        server.sql(away).await;
        server.compare("alice", &[emil.clone(), karim.clone()], false).await;
        server.work().await;
        for id in [&emil, &karim] {
            let broken = server.checked(id).await;
            assert_eq!((&broken["state"], &broken["request"]["state"]), (&json!("PARTIALLY_DELIVERED"), &json!("DELIVERED")));
        }
        server.sql("UPDATE directory_group SET origin_id = 'campaigns' WHERE origin_id = 'elsewhere'").await;
        // Its holder asks again, as for what was delivered in part.
        let package = server.package("Campaign editor").await;
        let made = server.mutation("emil", "submitAccessRequest", "accessRequest { assignment { id } }", json!({ "accessPackage": package })).await;
        assert_eq!(codes(&made), [""; 0]);
        server.work().await;
        assert_eq!(server.checked(&emil).await["state"], "ENDED");
        assert_eq!(server.checked(&made["accessRequest"]["assignment"]["id"]).await["state"], "DELIVERED");
        // Without any role left in the package there is nothing to repair.
        let roles = server.ask("alice", "query($id: ID!) { node(id: $id) { ... on AccessPackage { resourceRoles { id } } } }", json!({ "id": package })).await;
        let removed = server.mutation("alice", "removeAccessPackageResourceRoles", "accessPackage { id }",
            json!({ "id": package, "resourceRoles": [roles["node"]["resourceRoles"][0]["id"]] })).await;
        assert_eq!(codes(&removed), [""; 0]);
        server.work().await;
        assert!(!server.members("campaigns").await.contains(&"Karim Benali".to_owned()), "what is broken follows its package");
        server.compare("alice", std::slice::from_ref(&karim), false).await;
        assert_eq!(server.checked(&karim).await["state"], "DELIVERED");
        assert_eq!(codes(&server.mutation("alice", "revokeAssignment", "assignment { state }", json!({ "id": karim })).await), [""; 0]);
        server.work().await;
        assert_eq!(server.checked(&karim).await["state"], "ENDED");
    }

    async fn a_filter_is_compared_in_the_background_and_dry_runs_are_forgotten(server: Server) {
        server.work().await;
        let input = json!({ "selection": { "filter": { "state": ["DELIVERED"] } }, "dryRun": true });
        let started = server.mutation("alice", "reprocessAssignments", CHECKED, input).await;
        assert_eq!((codes(&started), &started["bulkOperation"]["state"]), (vec![], &json!("RUNNING")));
        server.work().await;
        let found = server.found_by(&started).await;
        assert!(found.len() >= 5 && found.iter().all(|checks| checks == &["PRESENT"]), "{found:?}");
        let repaired = server.mutation("alice", "reprocessAssignments", CHECKED,
            json!({ "selection": { "filter": { "state": ["DELIVERED"] } }, "expectedCount": found.len() })).await;
        assert_eq!(codes(&repaired), [""; 0]);
        server.work().await;
        server.clock.advance(TimeDelta::days(7) + TimeDelta::seconds(1));
        server.work().await;
        let kept = server.rows("SELECT DISTINCT operation FROM delivery ORDER BY operation".to_owned()).await;
        assert_eq!(kept, ["ADD", "REPAIR"]);
        let loose = server.rows("SELECT CAST(delivery_id AS text) FROM delivery_attempt WHERE delivery_id NOT IN (SELECT id FROM delivery)".to_owned()).await;
        assert!(loose.is_empty());
    }
}
