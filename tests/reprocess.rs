//! Reprocess, in bulk (R1 to R5).

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use guichet::worker;
use serde_json::{Value, json};

use crate::harness::{Kind, Server, codes};

const REPROCESS: &str =
    "mutation($input: ReprocessAccessRequestsInput!) { reprocessAccessRequests(input: $input) {
    bulkOperation { id state dryRun totalCount acceptedCount rejectedCount finishedAt
        items(first: 1000) { nodes { index requestedId outcome error { code } target { id } } } }
    userErrors { code field message } } }";
const FAILED: &str = "{ accessRequests(filter: {state: [PARTIALLY_DELIVERED, DELIVERY_FAILED]}, first: 100) {
    totalCount nodes { id state completedAt reprocess { eligible until reason } viewerCanReprocess } } }";
const ALL: &str =
    "{ accessRequests(first: 100) { nodes { id state viewerCanReprocess reprocess { eligible reason } } } }";

impl Server {
    async fn reprocess(&self, subject: &str, input: Value) -> Value {
        self.ask(subject, REPROCESS, json!({ "input": input })).await["reprocessAccessRequests"].clone()
    }

    async fn failed(&self) -> Vec<Value> {
        self.ask("hana", FAILED, json!({})).await["accessRequests"]["nodes"].as_array().unwrap().clone()
    }

    /// The repair of the story: the missing group.
    async fn repair(&self) {
        self.sql("INSERT INTO directory_group (id, organization_id, connector_id, origin_id, display_name, created_at)
            SELECT c.id, c.organization_id, c.id, 'oncall', 'On-call', c.created_at FROM connector c
            WHERE c.display_name = 'Company directory'").await;
    }

    async fn states(&self, ids: &[Value]) -> Vec<String> {
        let query = "query($ids: [ID!]!) { nodes(ids: $ids) { ... on AccessRequest { state } } }";
        let found = self.ask("alice", query, json!({ "ids": ids })).await;
        found["nodes"]
            .as_array()
            .unwrap()
            .iter()
            .map(|node| node["state"].as_str().unwrap().to_owned())
            .collect()
    }
}

fn ids(rows: &[Value]) -> Vec<Value> {
    rows.iter().map(|row| row["id"].clone()).collect()
}

/// The outcomes of an operation, each with its reason.
fn outcomes(payload: &Value) -> Vec<String> {
    let items = payload["bulkOperation"]["items"]["nodes"].as_array().unwrap();
    let text = |item: &Value| item["error"]["code"].as_str().or(item["outcome"].as_str()).unwrap().to_owned();
    items.iter().map(text).collect()
}

on_both_databases! {
    async fn the_walk_through_of_the_readme(server: Server) {
        let failed = server.failed().await;
        assert_eq!(failed.len(), 10);
        let dry = server.reprocess("hana", json!({ "selection": { "ids": ids(&failed) }, "dryRun": true })).await;
        assert_eq!(dry["bulkOperation"]["acceptedCount"], 7);
        assert_eq!(dry["bulkOperation"]["rejectedCount"], 3);
        assert_eq!(server.failed().await, failed, "a dry run changes nothing");
        server.repair().await;
        let done = server.reprocess("hana", json!({ "selection": { "ids": ids(&failed) } })).await;
        assert_eq!(outcomes(&dry), outcomes(&done));
        server.work().await;
        let states = server.states(&ids(&failed)).await;
        assert_eq!(states.iter().filter(|state| *state == "DELIVERED").count(), 7);
        assert_eq!(server.members("oncall").await.len(), 5);
        let one = server.ask("hana", "query($id: ID!) { node(id: $id) { ... on AccessRequest { completedAt lastCompletedAt
            deliveries { attemptCount attempts { nodes { number round outcome } } }
            history { nodes { action actor { displayName } bulkOperation { id } } } } } }", json!({ "id": failed[0]["id"] })).await;
        let one = &one["node"];
        assert_eq!(one["completedAt"], failed[0]["completedAt"], "the window counts from the first completion");
        assert_ne!(one["lastCompletedAt"], one["completedAt"]);
        assert_eq!(one["deliveries"][0]["attemptCount"], 2);
        assert_eq!(one["deliveries"][0]["attempts"]["nodes"][1], json!({ "number": 2, "round": 2, "outcome": "SUCCEEDED" }));
        let event = &one["history"]["nodes"][3];
        assert_eq!(event["action"], "REPROCESSED");
        assert_eq!(event["actor"]["displayName"], "Hana Sato");
        assert_eq!(event["bulkOperation"]["id"], done["bulkOperation"]["id"]);
    }

    async fn each_id_is_answered_in_its_place(server: Server) {
        let failed = ids(&server.failed().await);
        let foreign = server.ask("mila", FAILED, json!({})).await["accessRequests"]["nodes"][0]["id"].clone();
        let selection = vec![failed[0].clone(), json!("garbage"), foreign, failed[9].clone(), failed[0].clone()];
        let done = server.reprocess("hana", json!({ "selection": { "ids": selection } })).await;
        assert_eq!(outcomes(&done), ["ACCEPTED", "NOT_FOUND", "NOT_FOUND", "REPROCESS_WINDOW_EXPIRED", "ACCEPTED"]);
        let items = done["bulkOperation"]["items"]["nodes"].as_array().unwrap();
        for (place, item) in items.iter().enumerate() {
            assert_eq!(item["index"], place);
            assert_eq!(item["requestedId"], selection[place]);
        }
        assert_eq!(items[2]["target"], Value::Null, "nothing of the other organization is shown");
        let history = server.ask("hana", "query($id: ID!) { node(id: $id) { ... on AccessRequest {
            history { nodes { action } } } } }", json!({ "id": failed[0] })).await;
        let again = history["node"]["history"]["nodes"].as_array().unwrap().iter()
            .filter(|event| event["action"] == "REPROCESSED").count();
        assert_eq!(again, 1, "an id given twice is acted on once");
    }

    async fn the_window_is_exact_to_the_microsecond(server: Server) {
        let failed = server.failed().await;
        let first: DateTime<Utc> = failed[0]["completedAt"].as_str().unwrap().parse().unwrap();
        let last = first + TimeDelta::days(14);
        assert_eq!(failed[0]["reprocess"]["until"].as_str().unwrap().parse::<DateTime<Utc>>().unwrap(), last);
        server.clock.advance(last - server.clock.now());
        let dry = json!({ "selection": { "ids": [failed[0]["id"]] }, "dryRun": true });
        assert_eq!(outcomes(&server.reprocess("hana", dry.clone()).await), ["ACCEPTED"]);
        assert_eq!(server.failed().await[0]["viewerCanReprocess"], true);
        server.clock.advance(TimeDelta::microseconds(1));
        assert_eq!(outcomes(&server.reprocess("hana", dry).await), ["REPROCESS_WINDOW_EXPIRED"]);
        assert_eq!(server.failed().await[0]["viewerCanReprocess"], false);
    }

    /// Every request of the story, in every state, as every person, at every age.
    async fn the_affordance_agrees_with_the_mutation(server: Server) {
        let everything = ids(server.ask("alice", ALL, json!({})).await["accessRequests"]["nodes"].as_array().unwrap());
        for days in [0, 12, 20] {
            server.clock.advance(TimeDelta::days(days));
            for person in ["alice", "bruno", "chloe", "deniz", "goran", "hana", "ivan", "judith", "karim"] {
                let rows = server.ask(person, ALL, json!({})).await["accessRequests"]["nodes"].as_array().unwrap().clone();
                let dry = json!({ "input": { "selection": { "ids": everything }, "dryRun": true } });
                let answer = server.ask_with(&server.token(person), REPROCESS, dry).await;
                if answer.json["errors"][0]["extensions"]["code"] == "FORBIDDEN" {
                    assert!(rows.iter().all(|row| row["viewerCanReprocess"] == false), "{person}");
                    assert!(rows.iter().all(|row| row["reprocess"]["reason"] == "FORBIDDEN"), "{person}");
                    continue;
                }
                let payload = &answer.json["data"]["reprocessAccessRequests"];
                let told = outcomes(payload);
                for (id, told) in everything.iter().zip(told) {
                    match rows.iter().find(|row| row["id"] == *id) {
                        None => assert_eq!(told, "NOT_FOUND", "{person}"),
                        Some(row) if row["viewerCanReprocess"] == true => assert_eq!(told, "ACCEPTED", "{person} {row}"),
                        Some(row) => assert_eq!(row["reprocess"]["reason"], told.as_str(), "{person} {row}"),
                    }
                }
            }
        }
    }

    async fn a_filter_is_done_in_the_background(server: Server) {
        server.repair().await;
        let filter = json!({ "filter": { "state": ["PARTIALLY_DELIVERED", "DELIVERY_FAILED"] } });
        let missing = server.reprocess("hana", json!({ "selection": filter })).await;
        assert_eq!(codes(&missing), ["INVALID_INPUT"]);
        assert_eq!(missing["userErrors"][0]["field"], json!(["input", "expectedCount"]));
        let wrong = server.reprocess("hana", json!({ "selection": filter, "expectedCount": 9 })).await;
        assert_eq!(codes(&wrong), ["EXPECTED_COUNT_MISMATCH"]);
        assert_eq!(wrong["bulkOperation"], Value::Null);
        let started = server.reprocess("hana", json!({ "selection": filter, "expectedCount": 10 })).await;
        assert_eq!(started["bulkOperation"]["state"], "RUNNING");
        // The window is judged as it was at acceptance, however late the worker comes.
        server.clock.advance(TimeDelta::days(16));
        server.work().await;
        let query = "query($id: ID!) { node(id: $id) { ... on BulkOperation { state totalCount acceptedCount rejectedCount
            items(filter: {outcome: [REJECTED]}) { totalCount nodes { error { code } } } } } }";
        let after = server.ask("hana", query, json!({ "id": started["bulkOperation"]["id"] })).await["node"].clone();
        assert_eq!(after["state"], "COMPLETED");
        assert_eq!((&after["acceptedCount"], &after["rejectedCount"]), (&json!(7), &json!(3)));
        // Their window was over at acceptance; since then their assignments ended, and canceled them.
        assert_eq!(after["items"]["nodes"][0]["error"]["code"], "NOT_REPROCESSABLE_STATE");
        let elsewhere = server.ask("karim", query, json!({ "id": started["bulkOperation"]["id"] })).await;
        assert_eq!(elsewhere["node"], Value::Null, "only its starter, administrators and readers see it");
        assert_ne!(server.ask("deniz", query, json!({ "id": started["bulkOperation"]["id"] })).await["node"], Value::Null);
    }

    async fn a_stop_between_and_within_batches_loses_nothing(server: Server) {
        const REQUESTS: i64 = 2_300;
        let id = match server.kind { Kind::Sqlite => "randomblob(16)", Kind::Postgres => "gen_random_uuid()" };
        server.sql(format!("WITH RECURSIVE many(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM many WHERE n < {REQUESTS})
            INSERT INTO access_request (id, organization_id, catalog_id, access_package_id, policy_id, requestor_id, submitted_by_id, assignment_id,
                kind, state, justification, submitted_at, completed_at, last_completed_at, event_count)
            SELECT {id}, r.organization_id, r.catalog_id, r.access_package_id, r.policy_id, r.requestor_id, r.submitted_by_id, r.assignment_id,
                r.kind, r.state, 'many', r.submitted_at, r.completed_at, r.last_completed_at, 0
            FROM many, (SELECT * FROM access_request r WHERE r.state = 'PARTIALLY_DELIVERED' ORDER BY r.completed_at DESC, r.id LIMIT 1) r").leak()).await;
        server.sql(format!("INSERT INTO delivery (id, organization_id, request_id, assignment_id, user_id, resource_role_id, connector_id,
                operation, state, attempt_count, attempt_in_round, round, created_at, completed_at)
            SELECT {id}, d.organization_id, r.id, d.assignment_id, d.user_id, d.resource_role_id, d.connector_id,
                d.operation, d.state, d.attempt_count, d.attempt_in_round, 1, d.created_at, d.completed_at
            FROM access_request r, (SELECT * FROM delivery WHERE state = 'FAILED' LIMIT 1) d WHERE r.justification = 'many'").leak()).await;
        let count = async |condition: &str| -> i64 {
            let text = format!("SELECT CAST(count(*) AS text) FROM access_request WHERE justification = 'many' AND {condition}");
            server.rows(text).await[0].parse().unwrap()
        };
        let filter = json!({ "filter": { "state": ["PARTIALLY_DELIVERED"] } });
        let failed = server.ask("hana", "query($filter: AccessRequestFilter) { accessRequests(filter: $filter) { totalCount } }", filter.clone()).await;
        let total = failed["accessRequests"]["totalCount"].as_i64().unwrap();
        assert!(total >= REQUESTS);
        let started = server.reprocess("hana", json!({ "selection": filter, "expectedCount": total })).await;
        let operation = started["bulkOperation"]["id"].clone();
        let progress = async || {
            let query = "query($id: ID!) { node(id: $id) { ... on BulkOperation { state totalCount acceptedCount rejectedCount
                items(filter: {outcome: [ACCEPTED, REJECTED]}) { totalCount } } } }";
            let seen = server.ask("hana", query, json!({ "id": operation })).await["node"].clone();
            let done = seen["acceptedCount"].as_i64().unwrap() + seen["rejectedCount"].as_i64().unwrap();
            assert_eq!(seen["items"]["totalCount"], done, "what is counted is what was decided");
            (seen["state"].as_str().unwrap().to_owned(), done)
        };
        // The server stops after the first batch, ...
        worker::bulk::run(&server.app.database).await.unwrap();
        assert_eq!(progress().await, ("RUNNING".to_owned(), 1_000));
        // ... and in the middle of the second one, wherever that is.
        for limit in [0, 1, 3, 9, 20] {
            let batch = worker::bulk::run(&server.app.database);
            let stopped = tokio::time::timeout(Duration::from_millis(limit), batch).await.is_err();
            let (state, done) = progress().await;
            assert!(done % 1_000 == 0 || state == "COMPLETED", "whole batches: {done}");
            assert!(count("state <> 'PARTIALLY_DELIVERED'").await <= done);
            if !stopped {
                break;
            }
        }
        // What was broken off may hold its rows for a moment yet.
        while progress().await.0 == "RUNNING" {
            worker::bulk::run(&server.app.database).await.unwrap();
        }
        assert_eq!(progress().await, ("COMPLETED".to_owned(), total));
        let states = server.rows("SELECT state || ' ' || event_count || ' ' || count(*) FROM access_request WHERE justification = 'many'
            GROUP BY state, event_count".to_owned()).await;
        assert_eq!(states, [format!("DELIVERING 1 {REQUESTS}")], "each is reprocessed once");
        let queued = "EXISTS (SELECT 1 FROM delivery d WHERE d.request_id = access_request.id AND d.state = 'PENDING' AND d.round = 2)";
        assert_eq!(count(queued).await, REQUESTS, "each delivery is queued again once");
    }

    async fn an_operation_whose_starter_was_deactivated_stops(server: Server) {
        let filter = json!({ "filter": { "state": ["PARTIALLY_DELIVERED", "DELIVERY_FAILED"] } });
        let started = server.reprocess("hana", json!({ "selection": filter, "expectedCount": 10 })).await;
        server.sql("UPDATE app_user SET state = 'DEACTIVATED' WHERE subject = 'hana'").await;
        let before = server.ask("alice", FAILED, json!({})).await;
        server.work().await;
        let query = "query($id: ID!) { node(id: $id) { ... on BulkOperation { state acceptedCount } } }";
        let after = server.ask("alice", query, json!({ "id": started["bulkOperation"]["id"] })).await;
        assert_eq!(after["node"], json!({ "state": "STOPPED", "acceptedCount": 0 }));
        assert_eq!(server.ask("alice", FAILED, json!({})).await, before);
    }

    async fn selections_that_cannot_be_are_refused_whole(server: Server) {
        let empty = server.reprocess("hana", json!({ "selection": { "ids": [] } })).await;
        assert_eq!(codes(&empty), ["EMPTY_SELECTION"]);
        let open = server.reprocess("hana", json!({ "selection": { "filter": {} }, "dryRun": true })).await;
        assert_eq!(codes(&open), ["EMPTY_SELECTION"]);
        let many = server.reprocess("hana", json!({ "selection": { "ids": vec!["areq_x"; 1_001] } })).await;
        assert_eq!(codes(&many), ["SELECTION_TOO_LARGE"]);
        let most = server.reprocess("hana", json!({ "selection": { "ids": vec!["areq_x"; 1_000] } })).await;
        assert_eq!(most["bulkOperation"]["rejectedCount"], 1_000);
        let none = json!({ "selection": { "filter": { "requestor": ["usr_nobody"] } }, "expectedCount": 0 });
        let none = server.reprocess("hana", none).await;
        assert_eq!((&none["bulkOperation"]["state"], &none["bulkOperation"]["totalCount"]), (&json!("COMPLETED"), &json!(0)));
        let null = json!({ "input": { "selection": { "filter": { "state": null } }, "dryRun": true } });
        assert_eq!(server.errors("hana", REPROCESS, null).await, ["BAD_USER_INPUT"]);
        for person in ["karim", "judith", "deniz", "emil", "farah"] {
            let input = json!({ "input": { "selection": { "ids": ["areq_x"] } } });
            assert_eq!(server.errors(person, REPROCESS, input).await, ["FORBIDDEN"], "{person}");
        }
    }

    async fn of_two_managers_at_once_each_request_is_one_ones(server: Server) {
        let failed = ids(&server.failed().await);
        let input = json!({ "selection": { "ids": failed[..7] } });
        let (one, two) = tokio::join!(server.reprocess("hana", input.clone()), server.reprocess("ivan", input));
        for (one, two) in outcomes(&one).iter().zip(outcomes(&two)) {
            let mut both = [one.as_str(), two.as_str()];
            both.sort_unstable();
            assert_eq!(both, ["ACCEPTED", "ALREADY_IN_PROGRESS"]);
        }
    }

    async fn a_waiting_delivery_is_retried_now(server: Server) {
        let waiting = server.ask("alice", "{ accessRequests(filter: {state: [DELIVERING]}) { nodes { id viewerCanReprocess
            deliveries { nextAttemptAt } } } }", json!({})).await["accessRequests"]["nodes"][0].clone();
        assert_eq!(waiting["viewerCanReprocess"], true);
        server.work().await;
        assert_eq!(server.states(&[waiting["id"].clone()]).await, ["DELIVERING"]);
        let done = server.reprocess("alice", json!({ "selection": { "ids": [waiting["id"]] } })).await;
        assert_eq!(outcomes(&done), ["ACCEPTED"]);
        server.work().await;
        assert_eq!(server.states(&[waiting["id"].clone()]).await, ["DELIVERED"]);
    }

    async fn what_the_remote_asked_for_is_respected_by_a_retry(server: Server) {
        server.sql("UPDATE delivery SET hold_until = due_at WHERE state = 'PENDING'").await;
        let waiting = server.ask("alice", "{ accessRequests(filter: {state: [DELIVERING]}) { nodes { id } } }", json!({})).await;
        let id = waiting["accessRequests"]["nodes"][0]["id"].clone();
        server.reprocess("alice", json!({ "selection": { "ids": [id] } })).await;
        server.work().await;
        assert_eq!(server.states(std::slice::from_ref(&id)).await, ["DELIVERING"]);
        server.clock.advance(TimeDelta::minutes(30));
        server.work().await;
        assert_eq!(server.states(&[id]).await, ["DELIVERED"]);
    }

    async fn one_statement_a_step_however_many(server: Server) {
        let failed = ids(&server.failed().await);
        let mut counts = Vec::new();
        for selection in [&failed[..1], &failed[1..7]] {
            server.reprocess("hana", json!({ "selection": { "ids": ["areq_x"] }, "dryRun": true })).await;
            let before = server.app.database.statement_count();
            let done = server.reprocess("hana", json!({ "selection": { "ids": selection } })).await;
            assert_eq!(done["bulkOperation"]["acceptedCount"], selection.len());
            counts.push(server.app.database.statement_count() - before);
        }
        assert_eq!(counts[0], counts[1], "{counts:?}");
    }

    async fn an_idempotency_key_gives_the_first_operation_again(server: Server) {
        let failed = ids(&server.failed().await);
        let input = json!({ "selection": { "ids": failed[..2] }, "idempotencyKey": "k" });
        let first = server.reprocess("hana", input.clone()).await;
        assert_eq!(server.reprocess("hana", input).await["bulkOperation"]["id"], first["bulkOperation"]["id"]);
        let other = json!({ "selection": { "ids": failed[..3] }, "idempotencyKey": "k" });
        assert_eq!(codes(&server.reprocess("hana", other.clone()).await), ["IDEMPOTENCY_KEY_REUSED"]);
        // Another person's key is another key.
        assert_eq!(outcomes(&server.reprocess("ivan", other).await), ["ALREADY_IN_PROGRESS", "ALREADY_IN_PROGRESS", "ACCEPTED"]);
    }
}
