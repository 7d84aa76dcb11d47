//! Reviewing token requests and revoking grants, one and many.

use chrono::TimeDelta;
use guichet::id::Kind as Id;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::harness::{Kind, Server, codes};

const OPERATION: &str = "bulkOperation { id state kind decision reason totalCount acceptedCount rejectedCount
    items(first: 1000) { nodes { index requestedId outcome error { code } target { id } } } }";

impl Server {
    async fn review(&self, subject: &str, input: Value) -> Value {
        self.mutation(subject, "reviewTokenRequests", OPERATION, input).await
    }

    async fn revoke(&self, subject: &str, input: Value) -> Value {
        self.mutation(subject, "revokeTokenGrants", OPERATION, input).await
    }

    /// Asks as an owner of the organization who is somebody else than Farah.
    async fn second_owner(&self, name: &str, input: Value) -> Value {
        let kind = format!("{}{}Input", name[..1].to_uppercase(), &name[1..]);
        let query = format!(
            "mutation($input: {kind}!) {{ {name}(input: $input) {{ {OPERATION} userErrors {{ code }} }} }}"
        );
        let token = self.token_with("bruno", "contoso", &["ORGANIZATION_OWNER"]);
        let answer = self.ask_with(&token, &query, json!({ "input": input })).await;
        assert!(answer.json["errors"].is_null(), "{}", answer.json);
        answer.json["data"][name].clone()
    }

    /// Copies the waiting request of a token so many times, each with a token of its own; the requests' ids.
    pub async fn multiply(&self, token: &Value, many: usize) -> Vec<String> {
        let (id, text) = match self.kind {
            Kind::Sqlite => ("randomblob(16)", "lower(hex(c.id))"),
            Kind::Postgres => ("gen_random_uuid()", "replace(c.id::text, '-', '')"),
        };
        let like = token["lastFour"].as_str().unwrap();
        self.sql(format!("INSERT INTO access_token (id, organization_id, owner_id, kind, name, lookup, secret_hash, last_four,
                issued_at, expires_at, due_at, version, created_at)
            WITH RECURSIVE many(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM many WHERE n < {many})
            SELECT {id}, t.organization_id, t.owner_id, t.kind, 'copy', 'copy' || n, t.secret_hash, 'copy', t.issued_at,
                t.expires_at, t.due_at, 1, t.created_at FROM many, access_token t WHERE t.last_four = '{like}'").leak()).await;
        self.sql(format!("INSERT INTO token_request (id, organization_id, token_id, owner_id, state, justification,
                repository_selection, created_at, event_count, expires_at)
            SELECT {id}, r.organization_id, c.id, r.owner_id, 'PENDING', 'copy', r.repository_selection, r.created_at, 0, r.expires_at
            FROM access_token c, token_request r JOIN access_token t ON t.id = r.token_id
            WHERE c.name = 'copy' AND t.last_four = '{like}'").leak()).await;
        let text = text.replace("c.id", "id");
        let ids = self
            .rows(format!("SELECT {text} FROM token_request WHERE justification = 'copy' ORDER BY id"))
            .await;
        ids.iter().map(|id| Id::TokenRequest.text(Uuid::parse_str(id).unwrap())).collect()
    }
}

fn outcomes(payload: &Value) -> Vec<String> {
    let items = payload["bulkOperation"]["items"]["nodes"].as_array().unwrap();
    let text = |item: &Value| item["error"]["code"].as_str().or(item["outcome"].as_str()).unwrap().to_owned();
    items.iter().map(text).collect()
}

on_both_databases! {
    async fn a_thousand_ids_of_every_kind_are_each_answered(server: Server) {
        let waiting = server.waiting_token("karim").await;
        let copies = server.multiply(&waiting, 989).await;
        let denied = server.waiting_token("lena").await;
        server.decide(&denied["request"]["id"], "DENY").await;
        let granted = server.waiting_token("lena").await;
        server.decide(&granted["request"]["id"], "APPROVE").await;
        let canceled = server.waiting_token("lena").await;
        server.mutation("lena", "cancelTokenRequest", "", json!({ "id": canceled["request"]["id"] })).await;
        let own = server.make_token("bruno", server.fine("ALL", &[], &[])).await["accessToken"]["request"]["id"].clone();
        let foreign = server.make_token("nils", server.fine("ALL", &[], &[])).await["accessToken"]["request"]["id"].clone();
        let mut ids: Vec<Value> = copies.iter().map(|id| json!(id)).collect();
        let mut expected = vec!["ACCEPTED"; 989];
        for (id, outcome) in [
            (&denied["request"]["id"], "ALREADY_REVIEWED"), (&granted["request"]["id"], "ALREADY_REVIEWED"),
            (&canceled["request"]["id"], "REQUEST_CANCELED"), (&own, "SELF_REVIEW"), (&foreign, "NOT_FOUND"),
            (&json!("treq_x"), "NOT_FOUND"), (&json!(""), "NOT_FOUND"), (&waiting["id"], "NOT_FOUND"),
            (&json!(Id::TokenRequest.text(Uuid::max())), "NOT_FOUND"),
            (&waiting["request"]["id"], "ACCEPTED"), (&waiting["request"]["id"], "ACCEPTED"),
        ] {
            ids.push(id.clone());
            expected.push(outcome);
        }
        assert_eq!(ids.len(), 1_000);
        let input = json!({ "selection": { "ids": ids }, "decision": "DENY", "reason": "Not now." });
        let before = server.contents().await;
        let mut dry = input.clone();
        dry["dryRun"] = json!(true);
        let dry = server.second_owner("reviewTokenRequests", dry).await;
        assert_eq!(outcomes(&dry), expected);
        let done = server.second_owner("reviewTokenRequests", input.clone()).await;
        let changed: Vec<String> = server.contents().await.into_iter().filter(|row| !before.contains(row)).collect();
        assert_eq!(outcomes(&done), expected);
        let operation = &done["bulkOperation"];
        assert_eq!((&operation["kind"], &operation["decision"], &operation["reason"]), (&json!("REVIEW_TOKEN_REQUESTS"), &json!("DENY"), &json!("Not now.")));
        assert_eq!((&operation["acceptedCount"], &operation["rejectedCount"]), (&json!(991), &json!(9)));
        assert_eq!(changed.iter().filter(|row| row.starts_with("token_request:")).count(), 990, "each once, and no other");
        assert_eq!(changed.iter().filter(|row| row.starts_with("token_request_event:")).count(), 990);
        assert_eq!(changed.iter().filter(|row| row.starts_with("token_grant:")).count(), 0);
        let items = operation["items"]["nodes"].as_array().unwrap();
        assert_eq!(items[993]["target"], Value::Null, "nothing of the other organization is shown");
        for (place, item) in items.iter().enumerate() {
            assert_eq!((&item["index"], &item["requestedId"]), (&json!(place), &ids[place]));
        }
        let read = "query($id: ID!) { node(id: $id) { ... on TokenRequest { state reviewReason reviewedAt reviewedBy { displayName }
            history { nodes { action reason actor { displayName } bulkOperation { id } } } } } }";
        let read = server.ask("karim", read, json!({ "id": waiting["request"]["id"] })).await["node"].clone();
        assert_eq!((&read["state"], &read["reviewReason"]), (&json!("DENIED"), &json!("Not now.")));
        assert_eq!(read["history"]["nodes"][1]["action"], "DENIED");
        // Told in the audit trail, once for the set.
        let events = server.ask("alice", "{ auditEvents(filter: {action: [\"personal_access_token.request_denied\"]}) { nodes { details targetId } } }", json!({})).await;
        let event = &events["auditEvents"]["nodes"][0];
        let details: Value = serde_json::from_str(event["details"].as_str().unwrap()).unwrap();
        assert_eq!(details["requests"].as_array().map(Vec::len), Some(990), "{details}");
        assert_eq!(event["targetId"], operation["id"]);
        // Again: nothing is left to do.
        let again = server.second_owner("reviewTokenRequests", input).await;
        assert_eq!(again["bulkOperation"]["acceptedCount"], 0);
    }

    async fn an_approval_grants_the_whole_and_the_affordance_agrees(server: Server) {
        let token = server.waiting_token("karim").await;
        let request = token["request"]["id"].clone();
        let look = "query($id: ID!) { node(id: $id) { ... on TokenRequest { viewerCanReview review { eligible reason } grant { id state viewerCanRevoke revocation { reason } } } } }";
        for (who, can, reason) in [("farah", true, Value::Null), ("karim", false, json!("FORBIDDEN")), ("alice", false, json!("FORBIDDEN"))] {
            let seen = server.ask(who, look, json!({ "id": request })).await["node"].clone();
            assert_eq!((&seen["viewerCanReview"], &seen["review"]["reason"]), (&json!(can), &reason), "{who}");
        }
        for who in ["karim", "alice", "bruno", "deniz", "hana"] {
            let input = json!({ "input": { "selection": { "ids": [request] }, "decision": "APPROVE" } });
            let query = "mutation($input: ReviewTokenRequestsInput!) { reviewTokenRequests(input: $input) { userErrors { code } } }";
            assert_eq!(server.errors(who, query, input).await, ["FORBIDDEN"], "{who}");
        }
        let long = json!({ "selection": { "ids": [request] }, "decision": "DENY", "reason": "x".repeat(1_025) });
        let before = server.contents().await;
        assert_eq!(codes(&server.review("farah", long).await), ["INVALID_INPUT"]);
        assert_eq!(server.contents().await, before);
        let last = json!({ "selection": { "ids": [request] }, "decision": "APPROVE", "reason": "é".repeat(1_024) });
        assert_eq!(outcomes(&server.review("farah", last).await), ["ACCEPTED"]);
        let seen = server.ask("farah", look, json!({ "id": request })).await["node"].clone();
        assert_eq!((&seen["viewerCanReview"], &seen["review"]["reason"]), (&json!(false), &json!("ALREADY_REVIEWED")));
        assert_eq!((&seen["grant"]["state"], &seen["grant"]["viewerCanRevoke"]), (&json!("ACTIVE"), &json!(true)));
        let now = server.own_token("karim", &token["id"]).await;
        assert_eq!(now["grant"]["permissions"], token["request"]["permissions"]);
        // One's own, and one whose token is over.
        let late = server.waiting_token("lena").await["request"]["id"].clone();
        let own = server.make_token("bruno", server.fine("ALL", &[], &[])).await["accessToken"]["request"]["id"].clone();
        let own_review = server.second_owner("reviewTokenRequests", json!({ "selection": { "ids": [own] }, "decision": "APPROVE" })).await;
        assert_eq!(outcomes(&own_review), ["SELF_REVIEW"]);
        server.clock.advance(TimeDelta::days(30));
        let over = json!({ "selection": { "ids": [late] }, "decision": "APPROVE" });
        assert_eq!(outcomes(&server.review("farah", over.clone()).await), ["TOKEN_EXPIRED"], "before the worker came");
        server.work().await;
        assert_eq!(outcomes(&server.review("farah", over).await), ["TOKEN_EXPIRED"], "and after");
    }

    async fn of_two_owners_at_once_each_request_is_one_ones(server: Server) {
        let token = server.waiting_token("karim").await;
        let ids = server.multiply(&token, 40).await;
        let input = |decision: &str| json!({ "selection": { "ids": ids }, "decision": decision });
        let (one, two) = tokio::join!(server.review("farah", input("APPROVE")), server.second_owner("reviewTokenRequests", input("DENY")));
        for (one, two) in outcomes(&one).iter().zip(outcomes(&two)) {
            let mut both = [one.as_str(), two.as_str()];
            both.sort_unstable();
            assert_eq!(both, ["ACCEPTED", "ALREADY_REVIEWED"]);
        }
        let steps = server.rows("SELECT CAST(count(*) AS text) FROM token_request_event e JOIN token_request r ON r.id = e.request_id WHERE r.justification = 'copy'".to_owned()).await;
        assert_eq!(steps, ["40"]);
    }

    async fn a_filter_is_done_in_the_background(server: Server) {
        let token = server.waiting_token("karim").await;
        server.multiply(&token, 1_200).await;
        let other = server.waiting_token("lena").await;
        let karim = server.user("karim").await;
        let selection = json!({ "filter": { "owner": [karim], "state": ["PENDING"] } });
        assert_eq!(codes(&server.review("farah", json!({ "selection": selection, "decision": "DENY" })).await), ["INVALID_INPUT"]);
        assert_eq!(codes(&server.review("farah", json!({ "selection": { "filter": {} }, "decision": "DENY", "dryRun": true })).await), ["EMPTY_SELECTION"]);
        let wrong = json!({ "selection": selection, "decision": "DENY", "expectedCount": 7 });
        assert_eq!(codes(&server.review("farah", wrong).await), ["EXPECTED_COUNT_MISMATCH"]);
        let started = server.review("farah", json!({ "selection": selection, "decision": "DENY", "reason": "Too many.", "expectedCount": 1_201 })).await;
        assert_eq!(started["bulkOperation"]["state"], "RUNNING");
        server.work().await;
        let query = "query($id: ID!) { node(id: $id) { ... on BulkOperation { state acceptedCount rejectedCount } } }";
        let after = server.ask("farah", query, json!({ "id": started["bulkOperation"]["id"] })).await["node"].clone();
        assert_eq!(after, json!({ "state": "COMPLETED", "acceptedCount": 1_201, "rejectedCount": 0 }));
        let left = server.ask("farah", "{ tokenRequests(filter: {state: [PENDING]}) { totalCount nodes { id } } }", json!({})).await;
        assert_eq!(left["tokenRequests"], json!({ "totalCount": 1, "nodes": [{ "id": other["request"]["id"] }] }));
        let denied = server.ask("farah", "{ tokenRequests(filter: {state: [DENIED]}, first: 1) { totalCount nodes { reviewReason } } }", json!({})).await;
        assert_eq!(denied["tokenRequests"], json!({ "totalCount": 1_201, "nodes": [{ "reviewReason": "Too many." }] }));
        // Revoking goes the same way.
        let many = server.review("farah", json!({ "selection": { "filter": { "token": [other["id"]] } }, "decision": "APPROVE", "expectedCount": 1 })).await;
        server.work().await;
        assert_eq!(codes(&many), [""; 0]);
        let revoked = server.revoke("farah", json!({ "selection": { "filter": { "state": ["ACTIVE"] } }, "expectedCount": 1 })).await;
        assert_eq!(revoked["bulkOperation"]["kind"], "REVOKE_TOKEN_GRANTS");
        server.work().await;
        assert_eq!(server.own_token("lena", &other["id"]).await["grant"], Value::Null);
    }

    async fn revoking_a_grant_cancels_what_waits_beyond_it(server: Server) {
        let token = server.waiting_token("karim").await;
        server.decide(&token["request"]["id"], "APPROVE").await;
        let granted = server.own_token("karim", &token["id"]).await;
        let wide = json!({ "id": token["id"], "version": granted["version"], "access": server.fine("ALL", &[], &[("REPOSITORY", "issues", "WRITE")]) });
        server.mutation("karim", "updateAccessToken", "", wide).await;
        let waiting = server.own_token("karim", &token["id"]).await["request"]["id"].clone();
        let untouched = server.waiting_token("karim").await;
        let grant = granted["grant"]["id"].clone();
        let foreign = server.make_token("nils", server.fine("NONE", &[], &[])).await["accessToken"]["grant"]["id"].clone();
        let ids = json!([grant, foreign, "tgr_x", grant]);
        let before = server.contents().await;
        let long = json!({ "selection": { "ids": ids }, "reason": "x".repeat(1_025) });
        assert_eq!(codes(&server.revoke("farah", long).await), ["INVALID_INPUT"]);
        assert_eq!(server.contents().await, before);
        let dry = server.revoke("farah", json!({ "selection": { "ids": ids }, "dryRun": true })).await;
        let expected = ["ACCEPTED", "NOT_FOUND", "NOT_FOUND", "ACCEPTED"];
        assert_eq!(outcomes(&dry), expected);
        assert_eq!(server.own_token("karim", &token["id"]).await["grant"]["state"], "ACTIVE");
        let done = server.revoke("farah", json!({ "selection": { "ids": ids }, "reason": "It leaked." })).await;
        assert_eq!(outcomes(&done), expected);
        let read = "query($id: ID!) { node(id: $id) { ... on TokenGrant { state endReason endedAt endedBy { displayName } viewerCanRevoke revocation { reason } } } }";
        let now = server.ask("farah", read, json!({ "id": grant })).await["node"].clone();
        assert_eq!((&now["state"], &now["endReason"], &now["endedBy"]["displayName"]), (&json!("REVOKED"), &json!("It leaked."), &json!("Farah Haddad")));
        assert_eq!((&now["viewerCanRevoke"], &now["revocation"]["reason"]), (&json!(false), &json!("ALREADY_REVOKED")));
        let token_now = server.own_token("karim", &token["id"]).await;
        assert_eq!((&token_now["request"]["id"], &token_now["request"]["cancelReason"], &token_now["grant"]), (&waiting, &json!("GRANT_REVOKED"), &Value::Null));
        assert_eq!(server.own_token("karim", &untouched["id"]).await["request"]["state"], "PENDING");
        assert_eq!(outcomes(&server.revoke("farah", json!({ "selection": { "ids": [grant] } })).await), ["ALREADY_REVOKED"]);
        for who in ["karim", "alice", "deniz"] {
            let input = json!({ "input": { "selection": { "ids": [grant] } } });
            let query = "mutation($input: RevokeTokenGrantsInput!) { revokeTokenGrants(input: $input) { userErrors { code } } }";
            assert_eq!(server.errors(who, query, input).await, ["FORBIDDEN"], "{who}");
        }
    }

    async fn one_statement_a_step_however_many(server: Server) {
        let token = server.waiting_token("karim").await;
        let ids = server.multiply(&token, 400).await;
        let (mut reviews, mut revocations) = (Vec::new(), Vec::new());
        for selection in [&ids[..1], &ids[1..401 - 1]] {
            server.review("farah", json!({ "selection": { "ids": ["treq_x"] }, "decision": "DENY", "dryRun": true })).await;
            let payload = "bulkOperation { acceptedCount }";
            let before = server.app.database.statement_count();
            let done = server.mutation("farah", "reviewTokenRequests", payload, json!({ "selection": { "ids": selection }, "decision": "APPROVE" })).await;
            reviews.push(server.app.database.statement_count() - before);
            assert_eq!(done["bulkOperation"]["acceptedCount"], selection.len());
        }
        let grants = server.ask("farah", "{ tokenGrants(filter: {state: [ACTIVE]}, first: 100) { nodes { id } } }", json!({})).await;
        let grants: Vec<Value> = grants["tokenGrants"]["nodes"].as_array().unwrap().iter().map(|node| node["id"].clone()).collect();
        for selection in [&grants[..1], &grants[1..]] {
            let payload = "bulkOperation { acceptedCount }";
            let before = server.app.database.statement_count();
            let done = server.mutation("farah", "revokeTokenGrants", payload, json!({ "selection": { "ids": selection } })).await;
            revocations.push(server.app.database.statement_count() - before);
            assert_eq!(done["bulkOperation"]["acceptedCount"], selection.len());
        }
        assert_eq!((reviews[0], revocations[0]), (reviews[1], revocations[1]), "{reviews:?} {revocations:?}");
        assert!(reviews[0] <= 15 && revocations[0] <= 16, "{reviews:?} {revocations:?}");
        // A list with everything that stands around each row, whether it is short or long.
        let mut lists = Vec::new();
        for first in [2, 60] {
            let query = format!("{{ tokenRequests(first: {first}) {{ totalCount nodes {{ state viewerCanReview owner {{ displayName }} token {{ name lastUsedAt grant {{ state }} }}
                repositories {{ name }} permissions {{ name }} permissionChanges {{ name }} repositoryChanges {{ added {{ name }} }} reviewedBy {{ displayName }} grant {{ state }} }} }} }}");
            let before = server.app.database.statement_count();
            server.ask("farah", &query, json!({})).await;
            lists.push(server.app.database.statement_count() - before);
        }
        assert_eq!(lists[0], lists[1], "{lists:?}");
    }

    async fn every_condition_and_order_of_the_lists(server: Server) {
        let payments = server.repository("payments-api").await["id"].clone();
        let infrastructure = server.repository("infrastructure").await["id"].clone();
        let (karim, goran) = (server.user("karim").await, server.user("göran").await);
        let made = async |who: &str, days: i64, access: Value| {
            let input = json!({ "name": "Listed", "expiresAt": server.in_days(days), "access": access });
            let made = server.mutation(who, "createAccessToken", "accessToken { id request { id } }", input).await;
            server.clock.advance(TimeDelta::hours(1));
            made["accessToken"].clone()
        };
        let start = server.clock.now();
        let one = made("karim", 30, server.fine("SUBSET", std::slice::from_ref(&payments), &[("REPOSITORY", "issues", "READ")])).await;
        let two = made("goran", 10, server.fine("ALL", &[], &[("REPOSITORY", "issues", "WRITE")])).await;
        let three = made("karim", 20, server.fine("SUBSET", std::slice::from_ref(&infrastructure), &[("ORGANIZATION", "members", "READ")])).await;
        for (token, hours) in [(&three, 5), (&one, 7)] {
            let at = json!(server.clock.now() + TimeDelta::hours(hours)).as_str().unwrap().replace('Z', "+00:00");
            let name = format!("used {hours}");
            let version = server.own_token("karim", &token["id"]).await["version"].clone();
            server.mutation("karim", "updateAccessToken", "", json!({ "id": token["id"], "version": version, "name": name })).await;
            server.sql(format!("UPDATE access_token SET last_used_at = '{at}' WHERE name = '{name}'").leak()).await;
        }
        let names = json!({ "1": one["request"]["id"], "2": two["request"]["id"], "3": three["request"]["id"] });
        let list = async |filter: Value, order: Value| -> String {
            let query = "query($filter: TokenRequestFilter, $orderBy: TokenRequestOrder!) { tokenRequests(filter: $filter, orderBy: $orderBy) { totalCount nodes { id } } }";
            let found = server.ask("farah", query, json!({ "filter": filter, "orderBy": order })).await["tokenRequests"].clone();
            let nodes = found["nodes"].as_array().unwrap().clone();
            assert_eq!(found["totalCount"], nodes.len(), "{filter}");
            let name = |node: &Value| names.as_object().unwrap().iter().find(|(_, id)| **id == node["id"]).unwrap().0.clone();
            nodes.iter().map(name).collect()
        };
        let created = json!({ "field": "CREATED_AT", "direction": "ASC" });
        let used = json!(server.clock.now() + TimeDelta::hours(6));
        for (filter, expected) in [
            (json!({}), "123"),
            (json!({ "owner": [karim] }), "13"),
            (json!({ "owner": [karim, goran] }), "123"),
            (json!({ "repository": [payments] }), "12"),
            (json!({ "repository": [payments, infrastructure] }), "123"),
            (json!({ "repository": ["repo_x"] }), ""),
            (json!({ "permission": ["issues"] }), "12"),
            (json!({ "permission": ["issues_read"] }), "12"),
            (json!({ "permission": ["issues_write"] }), "2"),
            (json!({ "permission": ["issues_write", "members"] }), "23"),
            (json!({ "permission": ["nonsense"] }), ""),
            (json!({ "permission": [] }), ""),
            (json!({ "token": [two["id"]] }), "2"),
            (json!({ "state": ["PENDING"] }), "123"),
            (json!({ "state": ["APPROVED", "DENIED"] }), ""),
            (json!({ "createdSince": start + TimeDelta::hours(1) }), "23"),
            (json!({ "createdBefore": start + TimeDelta::hours(1) }), "1"),
            (json!({ "expiresSince": start + TimeDelta::days(15) }), "13"),
            (json!({ "expiresBefore": start + TimeDelta::days(15) }), "2"),
            (json!({ "lastUsedSince": used }), "1"),
            (json!({ "lastUsedBefore": used }), "23"),
            (json!({ "owner": [karim], "permission": ["issues_read"], "repository": [payments], "lastUsedSince": used, "state": ["PENDING"] }), "1"),
        ] {
            assert_eq!(list(filter.clone(), created.clone()).await, expected, "{filter}");
        }
        for (field, direction, expected) in [
            ("CREATED_AT", "DESC", "321"), ("EXPIRES_AT", "ASC", "231"), ("EXPIRES_AT", "DESC", "132"),
            ("LAST_USED_AT", "ASC", "231"), ("LAST_USED_AT", "DESC", "132"),
        ] {
            assert_eq!(list(json!({}), json!({ "field": field, "direction": direction })).await, expected, "{field} {direction}");
            // Page by page it is the same.
            let query = "query($after: String, $orderBy: TokenRequestOrder!) { tokenRequests(first: 1, after: $after, orderBy: $orderBy) { totalCount nodes { id } pageInfo { endCursor hasNextPage } } }";
            let (mut after, mut seen) = (Value::Null, String::new());
            loop {
                let page = server.ask("farah", query, json!({ "after": after, "orderBy": { "field": field, "direction": direction } })).await["tokenRequests"].clone();
                assert_eq!(page["totalCount"], 3);
                let id = &page["nodes"][0]["id"];
                seen.push_str(names.as_object().unwrap().iter().find(|(_, other)| *other == id).unwrap().0);
                if page["pageInfo"]["hasNextPage"] == false {
                    break;
                }
                after = page["pageInfo"]["endCursor"].clone();
            }
            assert_eq!(seen, expected, "{field} {direction} page by page");
        }
        // Grants have the same conditions.
        for request in [&one, &two, &three] {
            server.decide(&request["request"]["id"], "APPROVE").await;
        }
        for (filter, count) in [
            (json!({ "repository": [payments], "state": ["ACTIVE"] }), 2), (json!({ "permission": ["issues_write"] }), 1),
            (json!({ "owner": [karim], "lastUsedSince": used }), 1), (json!({ "state": ["REVOKED"] }), 0),
            (json!({ "grantedBefore": start }), 0), (json!({ "expiresBefore": start + TimeDelta::days(25) }), 2),
        ] {
            for field in ["GRANTED_AT", "EXPIRES_AT", "LAST_USED_AT"] {
                let query = "query($filter: TokenGrantFilter, $orderBy: TokenGrantOrder!) { tokenGrants(filter: $filter, orderBy: $orderBy) { totalCount nodes { id token { name } owner { displayName } request { id } } } }";
                let found = server.ask("farah", query, json!({ "filter": filter, "orderBy": { "field": field, "direction": "DESC" } })).await;
                assert_eq!(found["tokenGrants"]["totalCount"], count, "{filter}");
            }
        }
        let null = "{ tokenRequests(filter: {owner: null}) { totalCount } }";
        assert_eq!(server.errors("farah", null, json!({})).await, ["BAD_USER_INPUT"]);
        // Members see their own alone.
        let own = server.ask("karim", "{ tokenRequests { totalCount } tokenGrants { totalCount } }", json!({})).await;
        assert_eq!(own, json!({ "tokenRequests": { "totalCount": 2 }, "tokenGrants": { "totalCount": 2 } }));
    }
}
