//! The inbox: what waits for somebody, access requests and token requests together, and deciding a mixed selection.

use chrono::{DateTime, TimeDelta, Utc};
use guichet::id::Kind as Id;
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::harness::{Kind, Server, codes};

const ITEM: &str = "kind waitingSince dueAt justification justificationRequired viewerCanDecide decision { eligible reason }
    requestor { displayName } subject { id ... on Approval { stage accessRequest { id accessPackage { displayName } } }
        ... on TokenRequest { token { name } } }";

const OPERATION: &str =
    "bulkOperation { id kind state decision reason dryRun totalCount acceptedCount rejectedCount
    items(first: 1000) { nodes { index requestedId outcome error { code } target { __typename id } } } }";

impl Server {
    /// A package whose requests wait for Farah, who owns the organization, too.
    async fn decided_by_farah(&self) -> Value {
        let farah = self.user("Farah").await;
        self.staged(json!([{ "approvers": [{ "user": farah }] }])).await
    }

    /// The page of somebody's inbox with these arguments.
    async fn waiting_items(&self, subject: &str, arguments: &str) -> Value {
        let query = format!(
            "{{ viewer {{ inbox{arguments} {{ totalCount nodes {{ {ITEM} }} pageInfo {{ endCursor }} }} }} }}"
        );
        self.ask(subject, &query, json!({})).await["viewer"]["inbox"].clone()
    }

    /// The id of the stage at which a request waits.
    async fn stage_of(&self, request: &Value) -> Value {
        let found = self.reviewed("alice", request).await;
        let stages = found["approvals"].as_array().unwrap();
        stages.iter().find(|stage| stage["state"] == "PENDING").unwrap()["id"].clone()
    }

    async fn submit_decisions(&self, subject: &str, input: Value) -> Value {
        self.mutation(subject, "submitDecisions", OPERATION, input).await
    }

    /// Copies a request that waits at a stage so many times; the ids of the stages.
    async fn copies_of_stage(&self, stage: &Value, many: usize) -> Vec<String> {
        let (id, text) = match self.kind {
            Kind::Sqlite => ("randomblob(16)", "lower(hex(id))"),
            Kind::Postgres => ("gen_random_uuid()", "replace(id::text, '-', '')"),
        };
        let stage = self.literal(Id::Approval.parse(stage.as_str().unwrap()).unwrap());
        // An extension: several of them can be open.
        self.sql(format!("INSERT INTO access_request (id, organization_id, catalog_id, access_package_id, policy_id, policy_snapshot,
                requestor_id, submitted_by_id, kind, state, justification, submitted_at, event_count)
            WITH RECURSIVE many(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM many WHERE n < {many})
            SELECT {id}, r.organization_id, r.catalog_id, r.access_package_id, r.policy_id, r.policy_snapshot, r.requestor_id,
                r.submitted_by_id, 'USER_EXTEND', r.state, 'copy', r.submitted_at, 0
            FROM many, access_request r JOIN approval a ON a.request_id = r.id WHERE a.id = {stage}").leak()).await;
        self.sql(format!("INSERT INTO approval (id, organization_id, request_id, position, state, justification_required, opened_at, expires_at)
            SELECT {id}, a.organization_id, r.id, a.position, a.state, a.justification_required, a.opened_at, a.expires_at
            FROM access_request r, approval a WHERE r.justification = 'copy' AND a.id = {stage}
                AND NOT EXISTS (SELECT 1 FROM approval o WHERE o.request_id = r.id)").leak()).await;
        self.sql(
            format!(
                "INSERT INTO approval_approver (approval_id, user_id, ground, waiting_since, waiting_until)
            SELECT c.id, p.user_id, p.ground, p.waiting_since, p.waiting_until
            FROM approval c JOIN access_request r ON r.id = c.request_id, approval_approver p
            WHERE r.justification = 'copy' AND p.approval_id = {stage}
                AND NOT EXISTS (SELECT 1 FROM approval_approver o WHERE o.approval_id = c.id)"
            )
            .leak(),
        )
        .await;
        let ids = self
            .rows(format!("SELECT {text} FROM approval WHERE request_id IN (SELECT id FROM access_request WHERE justification = 'copy') ORDER BY id"))
            .await;
        ids.iter().map(|id| Id::Approval.text(Uuid::parse_str(id).unwrap())).collect()
    }

    fn literal(&self, id: Uuid) -> String {
        match self.kind {
            Kind::Sqlite => format!("x'{}'", id.simple()),
            Kind::Postgres => format!("'{id}'::uuid"),
        }
    }

    /// That approvers have the times of their stage exactly while it waits.
    async fn waiting_times_are_those_of_the_stages(&self) {
        let wrong = "SELECT CAST(count(*) AS text) FROM approval_approver p JOIN approval a ON a.id = p.approval_id
            WHERE CASE WHEN a.state = 'PENDING' THEN p.waiting_since IS NULL OR p.waiting_since <> a.opened_at
                OR p.waiting_until <> a.expires_at ELSE p.waiting_since IS NOT NULL OR p.waiting_until IS NOT NULL END";
        assert_eq!(self.rows(wrong.to_owned()).await, ["0"]);
    }
}

fn outcomes(payload: &Value) -> Vec<String> {
    let items = payload["bulkOperation"]["items"]["nodes"].as_array().unwrap();
    let text = |item: &Value| item["error"]["code"].as_str().or(item["outcome"].as_str()).unwrap().to_owned();
    items.iter().map(text).collect()
}

fn subjects(page: &Value) -> Vec<Value> {
    page["nodes"].as_array().unwrap().iter().map(|item| item["subject"]["id"].clone()).collect()
}

/// The place of an item in an order: its time, and its id as the database sorts it.
fn place(item: &Value, by: &str) -> (DateTime<Utc>, Uuid) {
    let id = item["subject"]["id"].as_str().unwrap();
    let id = Id::parse_any(id).unwrap().1;
    let time = item[if by == "DUE_AT" { "dueAt" } else { "waitingSince" }].as_str();
    (time.map_or(DateTime::<Utc>::MAX_UTC, |time| time.parse().unwrap()), id)
}

on_both_databases! {
    async fn what_waits_stands_in_one_list(server: Server) {
        let package = server.decided_by_farah().await;
        let request = server.ask_to_be_let_in("karim", &package).await;
        let stage = server.stage_of(&request).await;
        server.clock.advance(TimeDelta::hours(1));
        let token = server.waiting_token("lena").await["request"]["id"].clone();
        server.clock.advance(TimeDelta::hours(1));
        let later = server.stage_of(&server.ask_to_be_let_in("lena", &package).await).await;
        // Her own token needs nobody's decision; that of another owner waits for her.
        server.make_token("farah", server.fine("ALL", &[], &[])).await;
        let all = server.waiting_items("farah", "").await;
        assert_eq!(all["totalCount"], 3);
        assert_eq!(subjects(&all), [stage.clone(), token.clone(), later.clone()], "oldest first");
        let (first, second) = (&all["nodes"][0], &all["nodes"][1]);
        assert_eq!((&first["kind"], &first["requestor"]["displayName"], &first["justification"]),
            (&json!("ACCESS_REQUEST"), &json!("Karim Benali"), &json!("I need it.")));
        assert_eq!(first["subject"]["accessRequest"]["id"], request);
        assert_eq!(first["decision"], json!({ "eligible": true, "reason": null }));
        assert_eq!((&second["kind"], &second["requestor"]["displayName"], &second["justification"], &second["viewerCanDecide"]),
            (&json!("TOKEN_REQUEST"), &json!("Lena Fischer"), &json!("For the nightly build."), &json!(true)));
        // Due: a stage after 14 days, a token's request with the token.
        let days = |item: &Value, field: &str| {
            let at = |field: &str| item[field].as_str().unwrap().parse::<DateTime<Utc>>().unwrap();
            (at(field) - at("waitingSince")).num_days()
        };
        assert_eq!((days(first, "dueAt"), days(second, "dueAt")), (14, 30));
        assert_eq!(subjects(&server.waiting_items("farah", "(orderBy: {field: DUE_AT, direction: DESC})").await),
            [token.clone(), later.clone(), stage.clone()]);
        // A token that never ends comes after all, and is due never.
        server.mutation("farah", "updateTokenPolicy", "", json!({ "version": 1, "fineGrainedMaximumLifetime": null })).await;
        let endless = json!({ "name": "Endless", "access": server.fine("ALL", &[], &[("REPOSITORY", "issues", "READ")]) });
        let endless = server.mutation("ivan", "createAccessToken", "accessToken { id request { id } }", endless).await;
        let endless_id = endless["accessToken"]["request"]["id"].clone();
        let by_due = server.waiting_items("farah", "(orderBy: {field: DUE_AT, direction: ASC})").await;
        assert_eq!(subjects(&by_due), [stage.clone(), later.clone(), token.clone(), endless_id.clone()], "{endless}");
        assert_eq!(by_due["nodes"][3]["dueAt"], Value::Null);
        assert_eq!(subjects(&server.waiting_items("farah", "(orderBy: {field: DUE_AT, direction: DESC}, first: 1)").await), std::slice::from_ref(&endless_id));
        // A shorter life of the token is an earlier end.
        let tomorrow = server.in_days(1);
        let made = server.mutation("ivan", "regenerateAccessToken", "accessToken { request { id } }",
            json!({ "id": endless["accessToken"]["id"], "expiresAt": tomorrow })).await;
        assert_eq!(codes(&made), [""; 0]);
        let by_due = server.waiting_items("farah", "(orderBy: {field: DUE_AT, direction: ASC}, first: 1)").await;
        assert_eq!(subjects(&by_due), [made["accessToken"]["request"]["id"].clone()]);
        assert_eq!(made["accessToken"]["request"]["id"], endless_id, "what waited goes on to wait");
        // Filters.
        let (karim, lena) = (server.user("Karim").await, server.user("Lena").await);
        for (filter, expected) in [
            ("kind: [TOKEN_REQUEST]".to_owned(), vec![&token, &endless_id]),
            ("kind: [ACCESS_REQUEST]".to_owned(), vec![&stage, &later]),
            ("kind: []".to_owned(), vec![]),
            (format!("accessPackage: [{package}]"), vec![&stage, &later]),
            (format!("accessPackage: [{package}], kind: [TOKEN_REQUEST]"), vec![]),
            (format!("requestor: [{lena}]"), vec![&token, &later]),
            (format!("requestor: [{karim}, {lena}], kind: [ACCESS_REQUEST]"), vec![&stage, &later]),
            (format!("waitingBefore: {}", first["waitingSince"]), vec![]),
            (format!("waitingBefore: {}", second["waitingSince"]), vec![&stage]),
            (format!("waitingSince: {}, kind: [ACCESS_REQUEST]", second["waitingSince"]), vec![&later]),
            (format!("dueBefore: {}", second["dueAt"]), vec![&stage, &later, &endless_id]),
            (format!("dueSince: {}", second["dueAt"]), vec![&token]),
        ] {
            let found = server.waiting_items("farah", &format!("(filter: {{{filter}}})")).await;
            assert_eq!(subjects(&found).iter().collect::<Vec<_>>(), expected, "{filter}");
            assert_eq!(found["totalCount"], expected.len(), "{filter}");
        }
        for filter in ["{kind: null}", "{dueBefore: null}", "{dueSince: \"+10000-01-01T00:00:00Z\"}"] {
            let query = format!("{{ viewer {{ inbox(filter: {filter}) {{ totalCount }} }} }}");
            assert_eq!(server.errors("farah", &query, json!({})).await, ["BAD_USER_INPUT"], "{filter}");
        }
        // Nobody else has anything of it, whatever they see.
        for who in ["karim", "lena", "alice", "bruno", "deniz", "hana", "goran", "build-server"] {
            let seen = subjects(&server.waiting_items(who, "").await);
            assert!(![&stage, &later, &token, &endless_id].iter().any(|id| seen.contains(id)), "{who}");
        }
        // Another owner: her tokens, not his own, and none of her approvals.
        let own = server.make_token("bruno", server.fine("ALL", &[], &[])).await["accessToken"]["request"]["id"].clone();
        let query = format!("{{ viewer {{ inbox {{ totalCount nodes {{ {ITEM} }} }} }} }}");
        let bruno = server.token_with("bruno", "contoso", &["ORGANIZATION_OWNER"]);
        let seen = server.ask_with(&bruno, &query, json!({})).await.json["data"]["viewer"]["inbox"].clone();
        assert_eq!(subjects(&seen), [token.clone(), endless_id.clone()]);
        assert!(subjects(&server.waiting_items("farah", "").await).contains(&own));
        // Somebody from elsewhere, whatever they claim.
        let outsider = server.token_with("mila", "fabrikam", &["ORGANIZATION_OWNER"]);
        let seen = server.call(Some(&outsider), Some("contoso"), &query, json!({})).await.json;
        assert_eq!(seen["data"]["viewer"]["inbox"], json!({ "totalCount": 0, "nodes": [] }), "{seen}");
    }

    async fn what_is_over_leaves_the_inbox(server: Server) {
        let package = server.decided_by_farah().await;
        server.waiting_times_are_those_of_the_stages().await;
        let (karim, lena, ivan) = (server.ask_to_be_let_in("karim", &package).await, server.ask_to_be_let_in("lena", &package).await,
            server.ask_to_be_let_in("ivan", &package).await);
        let token = server.waiting_token("karim").await;
        let withdrawn = server.waiting_token("lena").await;
        assert_eq!(server.waiting_items("farah", "").await["totalCount"], 5);
        server.mutation("karim", "cancelAccessRequest", "", json!({ "id": karim })).await;
        server.mutation("lena", "cancelTokenRequest", "", json!({ "id": withdrawn["request"]["id"] })).await;
        assert_eq!(server.waiting_items("farah", "").await["totalCount"], 3);
        let done = server.mutation("farah", "reviewAccessRequests", "bulkOperation { acceptedCount }",
            json!({ "selection": { "ids": [lena] }, "decision": "APPROVE" })).await;
        assert_eq!(done["bulkOperation"]["acceptedCount"], 1);
        server.waiting_times_are_those_of_the_stages().await;
        let left = [server.stage_of(&ivan).await, token["request"]["id"].clone()];
        assert_eq!(subjects(&server.waiting_items("farah", "").await), left);
        // At its end it cannot be decided any more, and the worker takes it away.
        server.clock.advance(TimeDelta::days(14));
        let over = server.waiting_items("farah", "").await;
        assert_eq!(over["nodes"][0]["decision"], json!({ "eligible": false, "reason": "TIMED_OUT" }));
        assert_eq!(outcomes(&server.submit_decisions("farah", json!({ "selection": { "items": [{ "id": left[0] }] }, "decision": "DENY" })).await), ["TIMED_OUT"]);
        server.work().await;
        assert_eq!(subjects(&server.waiting_items("farah", "").await), left[1..]);
        server.clock.advance(TimeDelta::days(16));
        assert_eq!(server.waiting_items("farah", "").await["nodes"][0]["decision"]["reason"], "TOKEN_EXPIRED");
        server.work().await;
        assert_eq!(server.waiting_items("farah", "").await["totalCount"], 0);
        // Who may not decide any more has nothing, and who takes the place has it.
        let last = server.ask_to_be_let_in("judith", &package).await;
        let farah = server.user("Farah").await;
        server.mutation("alice", "deactivateUser", "", json!({ "id": farah })).await;
        server.waiting_times_are_those_of_the_stages().await;
        let stage = server.stage_of(&last).await;
        assert!(subjects(&server.waiting_items("goran", "").await).contains(&stage), "the owner of the catalog");
    }

    async fn every_item_comes_once_in_order_whatever_the_times(server: Server) {
        let package = server.decided_by_farah().await;
        let stage = server.stage_of(&server.ask_to_be_let_in("karim", &package).await).await;
        let token = server.waiting_token("karim").await;
        let stages = server.copies_of_stage(&stage, 14).await;
        let tokens = server.multiply(&token, 14).await;
        let mut runner = TestRunner::new_with_rng(Config::default(), TestRng::from_seed(RngAlgorithm::ChaCha, &[31; 32]));
        let hours = proptest::collection::vec((0i64..4, 0i64..4), stages.len() + tokens.len());
        let begin = server.clock.now();
        for round in 0..3 {
            let hours = hours.new_tree(&mut runner).unwrap().current();
            for (id, (since, due)) in stages.iter().chain(&tokens).zip(&hours) {
                let (kind, id) = Id::parse_any(id).unwrap();
                // In the first round everything waits since the same instant, and until the same.
                let (since, due) = if round == 0 { (0, 0) } else { (*since, *due) };
                // As both databases write it: on SQLite times are compared as text.
                let since = (begin - TimeDelta::hours(since)).to_rfc3339();
                let due = (begin + TimeDelta::days(20 + due)).to_rfc3339();
                let id = server.literal(id);
                server.sql(match kind {
                    Id::Approval => format!("UPDATE approval_approver SET waiting_since = '{since}', waiting_until = '{due}' WHERE approval_id = {id}"),
                    _ => format!("UPDATE token_request SET created_at = '{since}', expires_at = '{due}' WHERE id = {id}"),
                }.leak()).await;
            }
            for (by, direction) in [("WAITING_SINCE", "ASC"), ("WAITING_SINCE", "DESC"), ("DUE_AT", "ASC"), ("DUE_AT", "DESC")] {
                let order = format!("orderBy: {{field: {by}, direction: {direction}}}");
                let all = server.waiting_items("farah", &format!("(first: 100, {order})")).await;
                let expected = subjects(&all);
                assert_eq!((all["totalCount"].as_u64(), expected.len()), (Some(30), 30));
                let mut sorted: Vec<_> = all["nodes"].as_array().unwrap().iter().map(|item| place(item, by)).collect();
                let found = sorted.clone();
                sorted.sort_unstable();
                if direction == "DESC" { sorted.reverse() }
                assert_eq!(found, sorted, "{by} {direction}");
                for size in [3, 7, 29] {
                    let page = "nodes { subject { id } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor }";
                    let (mut forward, mut after) = (Vec::new(), Value::Null);
                    loop {
                        let query = format!("query($after: String) {{ viewer {{ inbox({order}, first: {size}, after: $after) {{ {page} }} }} }}");
                        let found = server.ask("farah", &query, json!({ "after": after })).await["viewer"]["inbox"].clone();
                        forward.extend(subjects(&found));
                        after = found["pageInfo"]["endCursor"].clone();
                        if found["pageInfo"]["hasNextPage"] == false || forward.len() > 30 { break }
                    }
                    assert_eq!(forward, expected, "{by} {direction} by {size}");
                    let (mut backward, mut before) = (Vec::new(), Value::Null);
                    loop {
                        let query = format!("query($before: String) {{ viewer {{ inbox({order}, last: {size}, before: $before) {{ totalCount {page} }} }} }}");
                        let found = server.ask("farah", &query, json!({ "before": before })).await["viewer"]["inbox"].clone();
                        assert_eq!(found["totalCount"], 30);
                        backward.splice(0..0, subjects(&found));
                        before = found["pageInfo"]["startCursor"].clone();
                        if found["pageInfo"]["hasPreviousPage"] == false || backward.len() > 30 { break }
                    }
                    assert_eq!(backward, expected, "{by} {direction} backward by {size}");
                }
            }
        }
        // A cursor belongs to its order.
        let cursor = server.waiting_items("farah", "(first: 1)").await["pageInfo"]["endCursor"].clone();
        for order in ["{field: WAITING_SINCE, direction: DESC}", "{field: DUE_AT, direction: ASC}"] {
            let query = format!("query($c: String) {{ viewer {{ inbox(orderBy: {order}, after: $c) {{ totalCount }} }} }}");
            assert_eq!(server.errors("farah", &query, json!({ "c": cursor })).await, ["INVALID_CURSOR"], "{order}");
        }
    }

    async fn fifty_take_as_many_statements_as_five(server: Server) {
        let package = server.decided_by_farah().await;
        let stage = server.stage_of(&server.ask_to_be_let_in("karim", &package).await).await;
        let token = server.waiting_token("lena").await;
        let stages = server.copies_of_stage(&stage, 60).await;
        let tokens = server.multiply(&token, 60).await;
        // Mixed, also on the first page.
        server.sql("UPDATE token_request SET created_at = (SELECT max(waiting_since) FROM approval_approver) WHERE state = 'PENDING'").await;
        let farah = server.token("farah");
        let mut counts = Vec::new();
        for first in [5, 50, 5] {
            let query = format!("{{ viewer {{ inbox(first: {first}) {{ totalCount nodes {{ {ITEM} }} pageInfo {{ endCursor }} }} }} }}");
            let before = server.app.database.statement_count();
            let answer = server.ask_with(&farah, &query, json!({})).await;
            counts.push(server.app.database.statement_count() - before);
            let page = &answer.json["data"]["viewer"]["inbox"];
            assert_eq!((page["totalCount"].as_u64(), page["nodes"].as_array().map(Vec::len)), (Some(122), Some(first)));
            let kinds: Vec<&Value> = page["nodes"].as_array().unwrap().iter().map(|item| &item["kind"]).collect();
            assert!(kinds.contains(&&json!("ACCESS_REQUEST")) && kinds.contains(&&json!("TOKEN_REQUEST")), "{kinds:?}");
        }
        // People are named at several levels: who comes back first decides how many look-ups they share.
        assert!(counts.iter().all(|taken| *taken <= 12), "{counts:?}");
        let before = server.app.database.statement_count();
        server.ask_with(&farah, "{ viewer { inbox(first: 50) { totalCount nodes { kind waitingSince dueAt justification requestor { displayName } } } } }", json!({})).await;
        assert_eq!(server.app.database.statement_count() - before, 2, "the list and its people");
        // Decisions, each with words of its own.
        let mut counts = Vec::new();
        for part in [0..4, 4..60] {
            let items: Vec<Value> = stages[part.clone()].iter().chain(&tokens[part]).enumerate().map(|(at, id)| {
                let decision = if id.starts_with("treq") && at % 2 == 0 { "APPROVE" } else { "DENY" };
                json!({ "id": id, "decision": decision, "justification": format!("Because {id}.") })
            }).collect();
            let before = server.app.database.statement_count();
            let done = server.mutation("farah", "submitDecisions", "bulkOperation { acceptedCount }", json!({ "selection": { "items": items } })).await;
            counts.push(server.app.database.statement_count() - before);
            assert_eq!(done["bulkOperation"]["acceptedCount"], items.len(), "{done}");
        }
        assert_eq!(counts[0], counts[1]);
        server.waiting_times_are_those_of_the_stages().await;
        let told = server.rows("SELECT CAST(count(DISTINCT e.reason) AS text) FROM access_request_event e WHERE e.action = 'DENIED' AND e.reason LIKE 'Because%'".to_owned()).await;
        assert_eq!(told, ["60"], "each its own words");
    }

    async fn a_mixed_selection_is_decided_item_by_item(server: Server) {
        let farah = server.user("Farah").await;
        let package = server.staged(json!([{ "approvers": [{ "user": farah }] }, { "approvers": [{ "manager": true }] }])).await;
        let mut requests = Vec::new();
        for who in ["karim", "lena", "ivan", "judith"] {
            requests.push(server.ask_to_be_let_in(who, &package).await);
        }
        let mut stages = Vec::new();
        for request in &requests {
            stages.push(server.stage_of(request).await);
        }
        server.mutation("judith", "cancelAccessRequest", "", json!({ "id": requests[3] })).await;
        let (one, two, gone) = (server.waiting_token("karim").await["request"]["id"].clone(), server.waiting_token("lena").await["request"]["id"].clone(),
            server.waiting_token("karim").await["request"]["id"].clone());
        server.decide(&gone, "DENY").await;
        let foreign_token = server.make_token("nils", server.fine("ALL", &[], &[])).await["accessToken"]["request"]["id"].clone();
        // Her own: of a policy that names her beside the manager she decides nothing that she asked for.
        let own = server.stage_of(&server.ask_to_be_let_in("farah", &package).await).await;
        let goran = server.waiting_items("goran", "").await["nodes"][0]["subject"]["id"].clone();
        let digits = |id: &Value| id.as_str().unwrap().split_once('_').unwrap().1.to_owned();
        let items = json!([
            { "id": stages[0], "justification": "Welcome." },
            { "id": one },
            { "id": stages[1], "decision": "DENY", "justification": "Not you." },
            { "id": two, "decision": "DENY" },
            { "id": stages[0], "justification": " Welcome. " },
            { "id": one, "decision": "APPROVE", "justification": "All of you." },
            { "id": stages[2] },
            { "id": stages[3] },
            { "id": gone },
            { "id": foreign_token },
            { "id": own },
            { "id": goran },
            { "id": requests[0] },
            { "id": "x" },
            { "id": format!("treq_{}", digits(&stages[0])) },
            { "id": format!("apr_{}", digits(&one)) },
        ]);
        let expected = ["ACCEPTED", "ACCEPTED", "ACCEPTED", "ACCEPTED", "ACCEPTED", "ACCEPTED", "ACCEPTED", "REQUEST_CANCELED",
            "ALREADY_REVIEWED", "NOT_FOUND", "SELF_REVIEW", "NOT_FOUND", "NOT_FOUND", "NOT_FOUND", "NOT_FOUND", "NOT_FOUND"];
        let input = json!({ "selection": { "items": items }, "decision": "APPROVE", "justification": "All of you." });
        let before = server.contents().await;
        let mut dry = input.clone();
        dry["dryRun"] = json!(true);
        let dry = server.submit_decisions("farah", dry).await;
        assert_eq!(outcomes(&dry), expected);
        let changed: Vec<String> = server.contents().await.into_iter().filter(|row| !before.contains(row)).collect();
        assert!(changed.iter().all(|row| row.starts_with("bulk_operation")), "{changed:?}");
        let done = server.submit_decisions("farah", input.clone()).await;
        assert_eq!(outcomes(&done), expected);
        let operation = &done["bulkOperation"];
        assert_eq!((&operation["kind"], &operation["state"], &operation["decision"], &operation["acceptedCount"], &operation["rejectedCount"]),
            (&json!("SUBMIT_DECISIONS"), &json!("COMPLETED"), &json!("APPROVE"), &json!(7), &json!(9)));
        let nodes = operation["items"]["nodes"].as_array().unwrap();
        for (at, item) in nodes.iter().enumerate() {
            assert_eq!((&item["index"], &item["requestedId"]), (&json!(at), &items[at]["id"]));
        }
        assert_eq!(nodes[0]["target"], json!({ "__typename": "Approval", "id": stages[0] }));
        assert_eq!(nodes[1]["target"], json!({ "__typename": "TokenRequest", "id": one }));
        assert_eq!((&nodes[9]["target"], &nodes[14]["target"]), (&Value::Null, &Value::Null));
        // Each with its own words, and only with them where the decision is its own.
        for (request, state, said) in [(0, "PENDING_APPROVAL", json!("Welcome.")), (1, "DENIED", json!("Not you.")), (2, "PENDING_APPROVAL", json!("All of you."))] {
            let found = server.reviewed("alice", &requests[request]).await;
            assert_eq!((&found["state"], &found["approvals"][0]["justification"]), (&json!(state), &said));
            assert_eq!(found["history"]["nodes"][2]["reason"], said);
        }
        let token = "query($id: ID!) { node(id: $id) { ... on TokenRequest { state reviewReason history { nodes { action reason } } } } }";
        let seen = server.ask("karim", token, json!({ "id": one })).await["node"].clone();
        assert_eq!((&seen["state"], &seen["reviewReason"], &seen["history"]["nodes"][1]["reason"]), (&json!("APPROVED"), &json!("All of you."), &json!("All of you.")));
        let seen = server.ask("lena", token, json!({ "id": two })).await["node"].clone();
        assert_eq!((&seen["state"], &seen["reviewReason"], &seen["history"]["nodes"][1]["reason"]), (&json!("DENIED"), &Value::Null, &Value::Null));
        // Each is told their own.
        let told = "{ viewer { notifications { nodes { kind reason } } } }";
        let lena = server.ask("lena", told, json!({})).await["viewer"]["notifications"]["nodes"].clone();
        assert!(lena.as_array().unwrap().contains(&json!({ "kind": "ACCESS_REQUEST_DENIED", "reason": "Not you." })), "{lena}");
        assert!(lena.as_array().unwrap().contains(&json!({ "kind": "TOKEN_REQUEST_DENIED", "reason": null })), "{lena}");
        // What was approved waits for the next stage now, and is none of hers: the same ids are over.
        let again = server.submit_decisions("farah", input).await;
        assert_eq!(outcomes(&again)[..7], ["ALREADY_REVIEWED"; 7]);
        assert_eq!(server.waiting_items("farah", "").await["totalCount"], 0);
        let waits = server.stage_of(&requests[0]).await;
        assert!(subjects(&server.waiting_items("goran", "").await).contains(&waits));
        server.waiting_times_are_those_of_the_stages().await;
    }

    async fn an_id_means_the_stage_that_was_seen(server: Server) {
        let (farah, hana) = (server.user("Farah").await, server.user("Hana").await);
        let package = server.staged(json!([
            { "approvers": [{ "user": farah }, { "user": hana }] }, { "approvers": [{ "user": hana }, { "user": farah }], "justificationRequired": true },
        ])).await;
        let request = server.ask_to_be_let_in("karim", &package).await;
        let seen = server.stage_of(&request).await;
        let input = |id: &Value, why: Option<&str>| json!({ "selection": { "items": [{ "id": id, "justification": why }] }, "decision": "APPROVE" });
        assert_eq!(outcomes(&server.submit_decisions("hana", input(&seen, None)).await), ["ACCEPTED"]);
        let next = server.stage_of(&request).await;
        assert_eq!(outcomes(&server.submit_decisions("farah", input(&seen, Some("Yes."))).await), ["ALREADY_REVIEWED"], "not the next one");
        assert_eq!(server.stage_of(&request).await, next);
        let item = server.waiting_items("farah", "").await["nodes"][0].clone();
        assert_eq!((&item["subject"]["id"], &item["subject"]["stage"], &item["justificationRequired"]), (&next, &json!(2), &json!(true)));
        assert_eq!(outcomes(&server.submit_decisions("farah", input(&next, Some("  "))).await), ["JUSTIFICATION_REQUIRED"]);
        assert_eq!(outcomes(&server.submit_decisions("hana", input(&next, Some("Yes."))).await), ["ALREADY_REVIEWED"], "one decides one stage");
        assert_eq!(outcomes(&server.submit_decisions("karim", input(&next, Some("Yes."))).await), ["SELF_REVIEW"]);
        assert_eq!(outcomes(&server.submit_decisions("goran", input(&next, Some("Yes."))).await), ["NOT_APPROVER"]);
        // Both in one call: of a request that waits at the second, the first is over.
        let both = json!({ "selection": { "items": [{ "id": seen }, { "id": next }, { "id": seen }] }, "decision": "APPROVE", "justification": "Yes." });
        assert_eq!(outcomes(&server.submit_decisions("farah", both).await), ["ALREADY_REVIEWED", "ACCEPTED", "ALREADY_REVIEWED"]);
        assert_eq!(server.reviewed("alice", &request).await["state"], "DELIVERING");
    }

    async fn who_may_not_is_answered_as_by_the_reviews(server: Server) {
        let package = server.decided_by_farah().await;
        let stage = server.stage_of(&server.ask_to_be_let_in("karim", &package).await).await;
        let token = server.waiting_token("karim").await["request"]["id"].clone();
        let input = json!({ "selection": { "items": [{ "id": stage }, { "id": token }] }, "decision": "APPROVE" });
        let before = server.contents().await;
        for (who, expected) in [
            ("karim", ["SELF_REVIEW", "FORBIDDEN"]), ("alice", ["NOT_APPROVER", "FORBIDDEN"]), ("deniz", ["NOT_APPROVER", "FORBIDDEN"]),
            ("hana", ["NOT_APPROVER", "NOT_FOUND"]), ("lena", ["NOT_FOUND", "NOT_FOUND"]), ("emil", ["NOT_FOUND", "NOT_FOUND"]), ("mila", ["NOT_FOUND", "NOT_FOUND"]),
        ] {
            assert_eq!(outcomes(&server.submit_decisions(who, input.clone()).await), expected, "{who}");
        }
        let changed: Vec<String> = server.contents().await.into_iter().filter(|row| !before.contains(row)).collect();
        assert!(changed.iter().all(|row| row.starts_with("bulk_operation")), "{changed:?}");
        // Another owner decides the token, and not what waits for Farah; nobody their own.
        let query = format!("mutation($input: SubmitDecisionsInput!) {{ submitDecisions(input: $input) {{ {OPERATION} userErrors {{ code }} }} }}");
        let karim = server.token_with("karim", "contoso", &["ORGANIZATION_OWNER"]);
        let done = server.ask_with(&karim, &query, json!({ "input": input })).await.json["data"]["submitDecisions"].clone();
        assert_eq!(outcomes(&done), ["SELF_REVIEW", "SELF_REVIEW"]);
        let bruno = server.token_with("bruno", "contoso", &["ORGANIZATION_OWNER"]);
        let done = server.ask_with(&bruno, &query, json!({ "input": input })).await.json["data"]["submitDecisions"].clone();
        assert_eq!(outcomes(&done), ["NOT_FOUND", "ACCEPTED"]);
        // Somebody from elsewhere is told nothing.
        let outsider = server.token_with("mila", "fabrikam", &["ORGANIZATION_OWNER"]);
        let refused = server.call(Some(&outsider), Some("contoso"), &query, json!({ "input": input })).await.json;
        assert_eq!(refused["data"]["submitDecisions"], json!({ "bulkOperation": null, "userErrors": [{ "code": "NOT_FOUND" }] }));
    }

    async fn of_two_at_once_each_item_is_one_ones(server: Server) {
        let (farah, bruno) = (server.user("Farah").await, server.user("Bruno").await);
        let package = server.staged(json!([{ "approvers": [{ "user": farah }, { "user": bruno }] }])).await;
        let stage = server.stage_of(&server.ask_to_be_let_in("karim", &package).await).await;
        let token = server.waiting_token("karim").await;
        let mut ids = server.copies_of_stage(&stage, 15).await;
        ids.extend(server.multiply(&token, 15).await);
        let forward: Vec<Value> = ids.iter().map(|id| json!({ "id": id })).collect();
        let backward: Vec<Value> = ids.iter().rev().map(|id| json!({ "id": id, "decision": "DENY" })).collect();
        let query = format!("mutation($input: SubmitDecisionsInput!) {{ submitDecisions(input: $input) {{ {OPERATION} userErrors {{ code }} }} }}");
        let other = server.token_with("bruno", "contoso", &["ORGANIZATION_OWNER"]);
        let (one, two) = tokio::join!(
            server.submit_decisions("farah", json!({ "selection": { "items": forward }, "decision": "DENY", "justification": "One." })),
            server.ask_with(&other, &query, json!({ "input": { "selection": { "items": backward } } })),
        );
        let two = outcomes(&two.json["data"]["submitDecisions"]);
        for (one, two) in outcomes(&one).iter().zip(two.iter().rev()) {
            let mut both = [one.as_str(), two.as_str()];
            both.sort_unstable();
            assert_eq!(both, ["ACCEPTED", "ALREADY_REVIEWED"]);
        }
        let steps = server.rows("SELECT CAST(count(*) AS text) FROM access_request_event e JOIN access_request r ON r.id = e.request_id WHERE r.justification = 'copy'".to_owned()).await;
        assert_eq!(steps, ["15"]);
    }

    async fn a_call_is_refused_as_a_whole_for_what_it_says(server: Server) {
        let package = server.decided_by_farah().await;
        let stage = server.stage_of(&server.ask_to_be_let_in("karim", &package).await).await;
        let token = server.waiting_token("karim").await["request"]["id"].clone();
        let before = server.contents().await;
        let many: Vec<Value> = (0..1_001).map(|_| json!({ "id": stage })).collect();
        for (input, code, field) in [
            (json!({ "selection": { "items": [] }, "decision": "DENY" }), "EMPTY_SELECTION", json!(["input", "selection", "items"])),
            (json!({ "selection": { "items": many }, "decision": "DENY" }), "SELECTION_TOO_LARGE", json!(["input", "selection", "items"])),
            (json!({ "selection": { "items": [{ "id": stage }, { "id": token }] }, "decision": "DENY", "expectedCount": 1 }), "EXPECTED_COUNT_MISMATCH", json!(["input", "expectedCount"])),
            (json!({ "selection": { "items": [{ "id": stage, "decision": "DENY" }, { "id": token }] } }), "INVALID_INPUT", json!(["input", "selection", "items", "1", "decision"])),
            (json!({ "selection": { "items": [{ "id": stage }, { "id": token }, { "id": stage, "decision": "APPROVE" }] }, "decision": "DENY" }), "INVALID_INPUT", json!(["input", "selection", "items", "2", "id"])),
            (json!({ "selection": { "items": [{ "id": stage }, { "id": stage, "justification": "Other." }] }, "decision": "DENY" }), "INVALID_INPUT", json!(["input", "selection", "items", "1", "id"])),
            (json!({ "selection": { "items": [{ "id": stage, "justification": "x".repeat(1_025) }] }, "decision": "DENY" }), "INVALID_INPUT", json!(["input", "selection", "items", "0", "justification"])),
            (json!({ "selection": { "items": [{ "id": stage }] }, "decision": "DENY", "justification": "x".repeat(1_025) }), "INVALID_INPUT", json!(["input", "justification"])),
            (json!({ "selection": { "filter": {} }, "decision": "DENY", "dryRun": true }), "EMPTY_SELECTION", json!(["input", "selection", "filter"])),
            (json!({ "selection": { "filter": { "kind": ["ACCESS_REQUEST"] } }, "expectedCount": 1 }), "INVALID_INPUT", json!(["input", "decision"])),
            (json!({ "selection": { "filter": { "kind": ["ACCESS_REQUEST"] } }, "decision": "DENY" }), "INVALID_INPUT", json!(["input", "expectedCount"])),
            (json!({ "selection": { "filter": { "kind": ["ACCESS_REQUEST"] } }, "decision": "DENY", "expectedCount": 2 }), "EXPECTED_COUNT_MISMATCH", json!(["input", "expectedCount"])),
        ] {
            let refused = server.mutation("farah", "submitDecisions", "bulkOperation { id }", input).await;
            assert_eq!(codes(&refused), [code], "{refused}");
            let query = &refused["userErrors"][0];
            assert!(query["field"].is_null() || query["field"] == field, "{refused}");
        }
        assert_eq!(server.contents().await, before);
        for selection in ["{items: [{id: \"x\"}], filter: {kind: [TOKEN_REQUEST]}}", "{}", "{filter: {kind: null}}", "{items: null}"] {
            let query = format!("mutation {{ submitDecisions(input: {{selection: {selection}, decision: DENY}}) {{ userErrors {{ code }} }} }}");
            let errors = server.errors("farah", &query, json!({})).await;
            assert!(errors == ["GRAPHQL_VALIDATION_FAILED"] || errors == ["BAD_USER_INPUT"], "{selection}: {errors:?}");
        }
        // A key makes it repeatable.
        let input = |decision: &str| json!({ "selection": { "items": [{ "id": stage }, { "id": token }] }, "decision": decision, "idempotencyKey": "once" });
        let first = server.submit_decisions("farah", input("APPROVE")).await;
        assert_eq!(outcomes(&first), ["ACCEPTED", "ACCEPTED"]);
        let after = server.contents().await;
        assert_eq!(server.submit_decisions("farah", input("APPROVE")).await, first, "the first answer");
        assert_eq!(codes(&server.submit_decisions("farah", input("DENY")).await), ["IDEMPOTENCY_KEY_REUSED"]);
        assert_eq!(server.contents().await, after);
    }

    async fn a_filter_decides_what_waits_for_its_starter(server: Server) {
        let package = server.decided_by_farah().await;
        let stage = server.stage_of(&server.ask_to_be_let_in("karim", &package).await).await;
        let token = server.waiting_token("karim").await;
        server.copies_of_stage(&stage, 600).await;
        server.multiply(&token, 600).await;
        let lena = server.stage_of(&server.ask_to_be_let_in("lena", &package).await).await;
        let karim = server.user("Karim").await;
        let selection = json!({ "filter": { "requestor": [karim] } });
        // Göran sees those requests, and decides none of them: only what waits for him is selected.
        let none = server.submit_decisions("goran", json!({ "selection": { "filter": { "accessPackage": [package] } }, "decision": "DENY", "dryRun": true })).await;
        assert_eq!(none["bulkOperation"]["totalCount"], 0);
        let dry = server.submit_decisions("farah", json!({ "selection": selection, "decision": "DENY", "dryRun": true })).await;
        assert_eq!((&dry["bulkOperation"]["totalCount"], &dry["bulkOperation"]["state"]), (&json!(1_202), &json!("RUNNING")));
        let started = server.submit_decisions("farah", json!({ "selection": selection, "decision": "DENY", "justification": "Enough.", "expectedCount": 1_202 })).await;
        assert_eq!(codes(&started), [""; 0]);
        server.work().await;
        let query = "query($id: ID!) { node(id: $id) { ... on BulkOperation { state acceptedCount rejectedCount items(first: 1) { nodes { target { id } } } } } }";
        let after = server.ask("farah", query, json!({ "id": started["bulkOperation"]["id"] })).await["node"].clone();
        assert_eq!((&after["state"], &after["acceptedCount"], &after["rejectedCount"]), (&json!("COMPLETED"), &json!(1_202), &json!(0)));
        let dry = server.ask("farah", query, json!({ "id": dry["bulkOperation"]["id"] })).await["node"].clone();
        assert_eq!((&dry["state"], &dry["acceptedCount"]), (&json!("COMPLETED"), &json!(1_202)));
        assert_eq!(subjects(&server.waiting_items("farah", "").await), [lena]);
        server.waiting_times_are_those_of_the_stages().await;
    }
}
