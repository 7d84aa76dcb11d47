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

const OPERATION: &str = "bulkOperation { id kind state decision reason dryRun totalCount acceptedCount rejectedCount
    items(first: 1000) { nodes { index requestedId outcome error { code } target { __typename id } } } }";

impl Server {
    /// A package whose requests wait for Farah, who owns the organization, too.
    async fn decided_by_farah(&self) -> Value {
        let farah = self.user("Farah").await;
        self.staged(json!([{ "approvers": [{ "user": farah }] }])).await
    }

    /// The page of somebody's inbox with these arguments.
    async fn waiting_items(&self, subject: &str, arguments: &str) -> Value {
        let query = format!("{{ viewer {{ inbox{arguments} {{ totalCount nodes {{ {ITEM} }} pageInfo {{ endCursor }} }} }} }}");
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
        self.sql(format!("INSERT INTO approval_approver (approval_id, user_id, ground, waiting_since, waiting_until)
            SELECT c.id, p.user_id, p.ground, p.waiting_since, p.waiting_until
            FROM approval c JOIN access_request r ON r.id = c.request_id, approval_approver p
            WHERE r.justification = 'copy' AND p.approval_id = {stage}
                AND NOT EXISTS (SELECT 1 FROM approval_approver o WHERE o.approval_id = c.id)").leak()).await;
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
        assert_eq!((days(first, "dueAt"), days(second, "dueAt")), (14, 29));
        assert_eq!(subjects(&server.waiting_items("farah", "(orderBy: {field: DUE_AT, direction: DESC})").await),
            [token.clone(), later.clone(), stage.clone()]);
        // A token that never ends comes after all, and is due never.
        server.mutation("farah", "updateTokenPolicy", "", json!({ "version": 0, "fineGrainedMaximumLifetime": null })).await;
        let endless = json!({ "name": "Endless", "access": server.fine("ALL", &[], &[("REPOSITORY", "issues", "READ")]) });
        let endless = server.mutation("ivan", "createAccessToken", "accessToken { id request { id } }", endless).await;
        let endless_id = endless["accessToken"]["request"]["id"].clone();
        let by_due = server.waiting_items("farah", "(orderBy: {field: DUE_AT, direction: ASC})").await;
        assert_eq!(subjects(&by_due), [stage.clone(), later.clone(), token.clone(), endless_id.clone()], "{endless}");
        assert_eq!(by_due["nodes"][3]["dueAt"], Value::Null);
        assert_eq!(subjects(&server.waiting_items("farah", "(orderBy: {field: DUE_AT, direction: DESC}, first: 1)").await), [endless_id.clone()]);
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
        for round in 0..4 {
            let hours = hours.new_tree(&mut runner).unwrap().current();
            for (id, (since, due)) in stages.iter().chain(&tokens).zip(&hours) {
                let (kind, id) = Id::parse_any(id).unwrap();
                // In the first round everything waits since the same instant, and until the same.
                let (since, due) = if round == 0 { (0, 0) } else { (*since, *due) };
                let since = (begin - TimeDelta::hours(since)).format("%Y-%m-%dT%H:%M:%S%.6f+00:00").to_string();
                let due = (begin + TimeDelta::days(20 + due)).format("%Y-%m-%dT%H:%M:%S%.6f+00:00").to_string();
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
                for size in [1, 7, 29] {
                    let page = "nodes { subject { id } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor }";
                    let (mut forward, mut after) = (Vec::new(), Value::Null);
                    loop {
                        let query = format!("query($after: String) {{ viewer {{ inbox({order}, first: {size}, after: $after) {{ {page} }} }} }}");
                        let found = server.ask("farah", &query, json!({ "after": after })).await["viewer"]["inbox"].clone();
                        forward.extend(subjects(&found));
                        after = found["pageInfo"]["endCursor"].clone();
                        if found["pageInfo"]["hasNextPage"] == false { break }
                    }
                    assert_eq!(forward, expected, "{by} {direction} by {size}");
                    let (mut backward, mut before) = (Vec::new(), Value::Null);
                    loop {
                        let query = format!("query($before: String) {{ viewer {{ inbox({order}, last: {size}, before: $before) {{ totalCount {page} }} }} }}");
                        let found = server.ask("farah", &query, json!({ "before": before })).await["viewer"]["inbox"].clone();
                        assert_eq!(found["totalCount"], 30);
                        backward.splice(0..0, subjects(&found));
                        before = found["pageInfo"]["startCursor"].clone();
                        if found["pageInfo"]["hasPreviousPage"] == false { break }
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
        server.sql("UPDATE approval_approver SET waiting_since = (SELECT max(created_at) FROM token_request) WHERE waiting_since IS NOT NULL").await;
        let farah = server.token("farah");
        let mut taken = Vec::new();
        for first in [5, 50, 5] {
            let query = format!("{{ viewer {{ inbox(first: {first}) {{ totalCount nodes {{ {ITEM} }} pageInfo {{ endCursor }} }} }} }}");
            let before = server.app.database.statement_count();
            let answer = server.ask_with(&farah, &query, json!({})).await;
            taken.push(server.app.database.statement_count() - before);
            let page = &answer.json["data"]["viewer"]["inbox"];
            assert_eq!((page["totalCount"].as_u64(), page["nodes"].as_array().map(Vec::len)), (Some(122), Some(first)));
            let kinds: Vec<&Value> = page["nodes"].as_array().unwrap().iter().map(|item| &item["kind"]).collect();
            assert!(kinds.contains(&&json!("ACCESS_REQUEST")) && kinds.contains(&&json!("TOKEN_REQUEST")), "{kinds:?}");
        }
        assert_eq!(taken[1], taken[2], "{taken:?}");
        assert!(taken[1] <= 9, "{taken:?}");
        let before = server.app.database.statement_count();
        server.ask_with(&farah, "{ viewer { inbox(first: 50) { totalCount nodes { kind waitingSince dueAt justification requestor { displayName } } } } }", json!({})).await;
        assert_eq!(server.app.database.statement_count() - before, 2, "the list and its people");
        // Decisions, each with words of its own.
        let mut taken = Vec::new();
        for part in [0..4, 4..60] {
            let items: Vec<Value> = stages[part.clone()].iter().chain(&tokens[part]).enumerate().map(|(at, id)| {
                let decision = if id.starts_with("treq") && at % 2 == 0 { "APPROVE" } else { "DENY" };
                json!({ "id": id, "decision": decision, "justification": format!("Because {at}.") })
            }).collect();
            let before = server.app.database.statement_count();
            let done = server.mutation("farah", "submitDecisions", "bulkOperation { acceptedCount }", json!({ "selection": { "items": items } })).await;
            taken.push(server.app.database.statement_count() - before);
            assert_eq!(done["bulkOperation"]["acceptedCount"], items.len(), "{done}");
        }
        assert_eq!(taken[0], taken[1]);
        server.waiting_times_are_those_of_the_stages().await;
        let told = server.rows("SELECT CAST(count(DISTINCT e.reason) AS text) FROM access_request_event e WHERE e.action = 'DENIED' AND e.reason LIKE 'Because%'".to_owned()).await;
        assert_eq!(told, ["60"], "each its own words");
    }
}
