//! The audit trail: what is in it, and how it is read.

use std::fs;
use std::path::Path;

use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::harness::Server;

impl Server {
    /// The actions that Guichet itself did, in the order in which they happened, from some moment on.
    async fn audited_by_itself(&self, since: &str) -> Vec<String> {
        let query = "query($since: DateTime) { auditEvents(first: 100, filter: {since: $since}, orderBy: {field: AT, direction: ASC}) {
            nodes { action actor { id } requestId } } }";
        let found = self.ask("alice", query, json!({ "since": since })).await;
        let nodes = found["auditEvents"]["nodes"].as_array().unwrap().clone();
        let own = nodes.into_iter().filter(|node| node["actor"].is_null() && node["requestId"].is_null());
        own.map(|node| node["action"].as_str().unwrap().to_owned()).collect()
    }

    fn audit_moment(&self) -> String {
        self.clock.now().to_rfc3339()
    }

    async fn audited_events(&self, filter: Value) -> Vec<Value> {
        let query = "query($filter: AuditEventFilter) { auditEvents(first: 100, filter: $filter) { totalCount
            nodes { id at action outcome targetId actor { id } } } }";
        let found = self.ask("alice", query, json!({ "filter": filter })).await;
        let nodes = found["auditEvents"]["nodes"].as_array().unwrap().clone();
        assert_eq!(found["auditEvents"]["totalCount"], nodes.len(), "{filter}");
        nodes
    }
}

on_both_databases! {
    /// Each condition keeps exactly what it names, and all together keep what each of them does.
    async fn events_are_found_by_actor_target_action_outcome_and_time(server: Server) {
        let change = "mutation($input: UpdateCatalogInput!) { updateCatalog(input: $input) { catalog { version } userErrors { code } } }";
        let catalogs = server.ask("alice", "{ catalogs(first: 2) { nodes { id version } } }", json!({})).await;
        for (subject, at) in [("alice", 0), ("bruno", 0), ("alice", 1)] {
            server.clock.advance(TimeDelta::minutes(1));
            let id = &catalogs["catalogs"]["nodes"][at]["id"];
            let node = server.ask("alice", "query($id: ID!) { node(id: $id) { ... on Catalog { version } } }", json!({ "id": id })).await;
            let input = json!({ "id": id, "version": node["node"]["version"], "description": server.audit_moment() });
            let done = server.ask(subject, change, json!({ "input": input })).await;
            assert_eq!(done["updateCatalog"]["userErrors"], json!([]));
        }
        server.errors("karim", "mutation { createUser(input: {issuer: \"x\", subject: \"x\", displayName: \"x\"}) { userErrors { code } } }", json!({})).await;
        let all = server.audited_events(json!({})).await;
        let (users, targets) = (["Alice", "Bruno", "Karim"], [0, 1].map(|at| catalogs["catalogs"]["nodes"][at]["id"].clone()));
        let mut people = Vec::new();
        for name in users {
            people.push(server.user(name).await);
        }
        let times: Vec<&Value> = all.iter().map(|event| &event["at"]).collect();
        let middle = times[times.len() / 2];
        let matches = |filter: &Value, event: &Value| {
            let one_of = |name: &str, value: &Value| filter[name].as_array().is_none_or(|wanted| wanted.contains(value));
            one_of("actor", &event["actor"]["id"]) && one_of("target", &event["targetId"]) && one_of("action", &event["action"])
                && one_of("outcome", &event["outcome"])
                && filter["since"].as_str().is_none_or(|since| event["at"].as_str().unwrap() >= since)
                && filter["before"].as_str().is_none_or(|before| event["at"].as_str().unwrap() < before)
        };
        for (filter, some) in [
            (json!({ "actor": [people[1]] }), true),
            (json!({ "actor": [people[0], people[2]] }), true),
            (json!({ "actor": [] }), false),
            (json!({ "target": [targets[1]] }), true),
            (json!({ "target": targets }), true),
            (json!({ "action": ["catalog.updated"] }), true),
            (json!({ "action": ["catalog.updated", "user.create"] }), true),
            (json!({ "action": ["catalog"] }), false),
            (json!({ "outcome": ["REFUSED"] }), true),
            (json!({ "since": middle }), true),
            (json!({ "before": middle }), true),
            (json!({ "since": middle, "before": middle }), false),
            (json!({ "actor": [people[0]], "target": [targets[0]], "action": ["catalog.updated"], "outcome": ["DONE"], "since": times[times.len() - 1] }), true),
            (json!({ "actor": [people[1]], "target": [targets[1]] }), false),
        ] {
            let found = server.audited_events(filter.clone()).await;
            let expected: Vec<Value> = all.iter().filter(|event| matches(&filter, event)).cloned().collect();
            assert_eq!(found, expected, "{filter}");
            assert_eq!(!found.is_empty(), some, "{filter}");
        }
    }

    /// The head of the chain is for those who see all events; sequence and hash are on the events themselves.
    async fn the_chain_is_told_to_those_who_see_all_events(server: Server) {
        const CHAIN: &str = "{ organization { auditChain { sequence hash sealedAt } } auditEvents(first: 1) { totalCount nodes { sequence hash sealedAt } } }";
        for slug in ["contoso", "fabrikam"] {
            let organization = server.organization_id_of(slug).await;
            server.note_event(organization, "step").await;
        }
        let before = server.ask("alice", CHAIN, json!({})).await;
        assert_eq!(before["organization"]["auditChain"], Value::Null, "nothing is sealed");
        assert_eq!(before["auditEvents"]["nodes"], json!([{ "sequence": null, "hash": null, "sealedAt": null }]));
        server.work().await;
        let after = server.ask("alice", CHAIN, json!({})).await;
        let (chain, newest) = (&after["organization"]["auditChain"], &after["auditEvents"]["nodes"][0]);
        assert_eq!(chain["sequence"], after["auditEvents"]["totalCount"]);
        assert_eq!(chain["hash"].as_str().unwrap().len(), 64);
        assert_eq!(chain["sealedAt"], newest["sealedAt"]);
        assert!(newest["sequence"].is_i64() && newest["hash"].as_str().unwrap().len() == 64);
        for (subject, sees) in [("bruno", true), ("farah", false), ("karim", false), ("hana", false)] {
            let answer = server.ask(subject, "{ organization { auditChain { sequence } } }", json!({})).await;
            assert_eq!(answer["organization"]["auditChain"].is_object(), sees, "{subject}");
        }
        // Another organization has a chain of its own.
        let other = server.ask("mila", CHAIN, json!({})).await;
        assert_ne!(other["organization"]["auditChain"]["hash"], chain["hash"]);
    }

    /// What Guichet does by itself is in the trail: what was delivered, what failed for good, what started and ended.
    async fn what_guichet_does_by_itself_is_audited(server: Server) {
        server.work().await;
        server.clock.advance(TimeDelta::minutes(1));
        let start = server.audit_moment();
        let package = server.package("Frontend engineer").await;
        let submit = "mutation($input: SubmitAccessRequestInput!) { submitAccessRequest(input: $input) { accessRequest { id } userErrors { code } } }";
        let submitted = server.ask("karim", submit, json!({ "input": { "accessPackage": package } })).await;
        let request = submitted["submitAccessRequest"]["accessRequest"]["id"].clone();
        server.work().await;
        assert_eq!(server.audited_by_itself(&start).await, ["access_request.delivered"]);
        let events = server.audited_events(json!({ "target": [request] })).await;
        assert_eq!(events.iter().map(|event| event["action"].as_str().unwrap()).collect::<Vec<_>>(),
            ["access_request.delivered", "access_request.submitted"]);
        // The end comes; the group is away, and the removal waits for it.
        server.clock.advance(TimeDelta::days(400));
        let end = server.audit_moment();
        server.work().await;
        let done = server.audited_by_itself(&end).await;
        assert!(done.contains(&"assignment.expired".to_owned()) && done.contains(&"access_request.delivered".to_owned()), "{done:?}");
        // A delivery that fails for good, with its request.
        server.sql("UPDATE directory_group SET origin_id = 'gone-' || origin_id WHERE origin_id = 'frontend'").await;
        server.clock.advance(TimeDelta::minutes(1));
        let fails = server.audit_moment();
        let submitted = server.ask("lena", submit, json!({ "input": { "accessPackage": package } })).await;
        let request = submitted["submitAccessRequest"]["accessRequest"]["id"].clone();
        server.work().await;
        assert_eq!(server.audited_by_itself(&fails).await, ["delivery.failed", "access_request.delivery_failed"]);
        let details = "query($id: ID!) { auditEvents(filter: {target: [$id], action: [\"access_request.delivery_failed\"]}) { nodes { details } } }";
        let details = server.ask("alice", details, json!({ "id": request })).await;
        assert!(details["auditEvents"]["nodes"][0]["details"].as_str().unwrap().contains("asg_"), "{details}");
        // A start that was asked for later, and somebody who leaves.
        server.sql("UPDATE directory_group SET origin_id = 'frontend' WHERE origin_id = 'gone-frontend'").await;
        let bruno = server.user("Bruno").await;
        let node = server.ask("alice", "query($id: ID!) { node(id: $id) { ... on AccessPackage { policies { id requestorScope approvalStages { timeout } } } } }", json!({ "id": package })).await;
        let policies = node["node"]["policies"].as_array().unwrap();
        let policy = policies.iter().find(|policy| policy["approvalStages"] == json!([])).unwrap()["id"].clone();
        let starts = (server.clock.now() + TimeDelta::hours(1)).to_rfc3339();
        let assign = "mutation($input: CreateAssignmentInput!) { createAssignment(input: $input) { accessRequest { id } userErrors { code message } } }";
        let input = json!({ "accessPackage": package, "user": bruno, "policy": policy, "startsAt": starts });
        let assigned = server.ask("alice", assign, json!({ "input": input })).await;
        assert_eq!(assigned["createAssignment"]["userErrors"], json!([]));
        server.clock.advance(TimeDelta::hours(2));
        let start = server.audit_moment();
        server.work().await;
        assert_eq!(server.audited_by_itself(&start).await, ["assignment.started", "access_request.delivered"]);
        server.clock.advance(TimeDelta::minutes(1));
        let leaves = server.audit_moment();
        let leave = "mutation($id: ID!) { deactivateUser(input: {id: $id}) { userErrors { code } } }";
        assert_eq!(server.ask("alice", leave, json!({ "id": bruno })).await["deactivateUser"]["userErrors"], json!([]));
        let mut actions: Vec<String> = server.audited_events(json!({ "since": leaves })).await.iter().map(|event| event["action"].as_str().unwrap().to_owned()).collect();
        actions.sort_unstable();
        assert!(actions.contains(&"assignment.revoked".to_owned()) && actions.contains(&"user.deactivated".to_owned()), "{actions:?}");
    }
}

/// A command that changes something and records nothing is named here, with the reason.
#[test]
fn every_command_records_what_it_does() {
    // What people have read is nobody else's concern; openings of signed links are counted, and change nothing.
    const UNRECORDED: [&str; 2] = ["notification/read.rs", "signed_link/open.rs"];
    fn look(directory: &Path, faults: &mut Vec<String>) {
        for entry in fs::read_dir(directory).unwrap().flatten() {
            let path = entry.path();
            if path.is_dir() {
                look(&path, faults);
            } else if let Ok(text) = fs::read_to_string(&path)
                && text.contains("impl Command for")
                // By itself, or by what every step of a token request, and every submission, goes through.
                && !["audit_event::record", "tell(", "give_up(", "make(", "Start<"].iter().any(|by| text.contains(by))
                && !UNRECORDED.iter().any(|known| path.ends_with(known))
            {
                faults.push(path.display().to_string());
            }
        }
    }
    let mut faults = Vec::new();
    look(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/domain"), &mut faults);
    assert!(faults.is_empty(), "{faults:#?}");
}
