//! Access tokens, as their owners make, change and give them up.

use chrono::TimeDelta;
use guichet::config::Limits;
use guichet::domain::access_token::secret;
use serde_json::{Value, json};

use crate::harness::{Server, codes};

const TOKEN: &str = "accessToken { id name kind state lastFour version expiresAt scopes revokedAt
    viewerCanUpdate viewerCanRegenerate viewerCanRevoke
    grant { id state repositorySelection repositories { name } permissions { target name level } }
    request { id state automaticReason cancelReason follows { id state cancelReason }
        repositorySelection repositories { name } permissions { target name level }
        permissionChanges { kind target name from to }
        repositoryChanges { from to added { name } removed { name } } } }";

impl Server {
    /// A time so many days from now.
    pub fn in_days(&self, days: i64) -> Value {
        json!(self.clock.now() + TimeDelta::days(days))
    }

    /// What a fine-grained token asks for.
    #[allow(clippy::unused_self, reason = "it reads like the others that make something")]
    pub fn fine(&self, selection: &str, repositories: &[Value], permissions: &[(&str, &str, &str)]) -> Value {
        let permission = |(target, name, level): &(&str, &str, &str)| json!({ "target": target, "name": name, "level": level });
        let permissions: Vec<Value> = permissions.iter().map(permission).collect();
        json!({ "fineGrained": { "repositorySelection": selection, "repositories": repositories,
            "permissions": permissions, "justification": "For the nightly build." } })
    }

    /// Makes a token that asks for this; the payload.
    pub async fn make_token(&self, subject: &str, access: Value) -> Value {
        let input = json!({ "name": "Nightly", "expiresAt": self.in_days(30), "access": access });
        self.mutation(subject, "createAccessToken", &format!("secret {TOKEN}"), input).await
    }

    /// A token that waits for an owner: to read the issues of `payments-api`.
    pub async fn waiting_token(&self, subject: &str) -> Value {
        let repository = self.repository("payments-api").await["id"].clone();
        let access = self.fine("SUBSET", &[repository], &[("REPOSITORY", "issues", "READ")]);
        let made = self.make_token(subject, access).await;
        assert_eq!(codes(&made), [""; 0]);
        assert_eq!(made["accessToken"]["request"]["state"], "PENDING");
        made["accessToken"].clone()
    }

    /// The token as it is now.
    pub async fn own_token(&self, subject: &str, id: &Value) -> Value {
        let fields = TOKEN.strip_prefix("accessToken").unwrap();
        let query = format!("query($id: ID!) {{ node(id: $id) {{ ... on AccessToken {fields} }} }}");
        self.ask(subject, &query, json!({ "id": id })).await["node"].clone()
    }

    async fn change_token(&self, subject: &str, token: &Value, access: Value) -> Value {
        let version = self.own_token(subject, &token["id"]).await["version"].clone();
        let input = json!({ "id": token["id"], "version": version, "access": access });
        self.mutation(subject, "updateAccessToken", TOKEN, input).await
    }

    /// Decides one request as the organization's owner.
    pub async fn decide(&self, request: &Value, decision: &str) {
        let input = json!({ "selection": { "ids": [request] }, "decision": decision, "reason": "So be it." });
        let done =
            self.mutation("farah", "reviewTokenRequests", "bulkOperation { acceptedCount }", input).await;
        assert_eq!(done["bulkOperation"]["acceptedCount"], 1, "{done}");
    }

    /// The steps of a request.
    pub async fn steps(&self, request: &Value) -> Vec<String> {
        let query = "query($id: ID!) { node(id: $id) { ... on TokenRequest { history { nodes { sequence action toState } } } } }";
        let found = self.ask("farah", query, json!({ "id": request })).await;
        let nodes = found["node"]["history"]["nodes"].as_array().unwrap().clone();
        nodes.iter().map(|node| node["action"].as_str().unwrap().to_owned()).collect()
    }
}

on_both_databases! {
    async fn a_token_is_made_and_its_secret_told_once(server: Server) {
        let access = server.fine("ALL", &[], &[("REPOSITORY", "issues", "WRITE"), ("ORGANIZATION", "members", "READ")]);
        let input = json!({ "name": " Nightly build ", "expiresAt": server.in_days(30), "access": access, "idempotencyKey": "k" });
        let create = async |input: &Value| server.mutation("karim", "createAccessToken", &format!("secret {TOKEN}"), input.clone()).await;
        let made = create(&input).await;
        let (token, text) = (&made["accessToken"], made["secret"].as_str().unwrap());
        assert_eq!((&token["name"], &token["kind"], &token["state"]), (&json!("Nightly build"), &json!("FINE_GRAINED"), &json!("VALID")));
        assert!(secret::parse(text).is_some() && text.ends_with(token["lastFour"].as_str().unwrap()));
        let request = &token["request"];
        assert_eq!((&request["state"], &token["grant"]), (&json!("PENDING"), &Value::Null));
        assert_eq!(request["permissions"], json!([
            { "target": "ORGANIZATION", "name": "members", "level": "READ" },
            { "target": "REPOSITORY", "name": "issues", "level": "WRITE" }]));
        assert_eq!(request["permissionChanges"][1], json!({ "kind": "ADDED", "target": "REPOSITORY", "name": "issues", "from": null, "to": "WRITE" }));
        assert_eq!(server.steps(&request["id"]).await, ["CREATED"]);
        // Only its hash is kept.
        let random = text.rsplit('_').next().unwrap();
        let kept = server.contents().await;
        assert!(kept.iter().all(|row| !row.contains(random)), "the secret is in the database");
        let row = kept.iter().find(|row| row.starts_with("access_token:")).unwrap();
        assert!(row.contains(&guichet::secret::hash(text)));
        // The same call again: the token, without its secret, and nothing new.
        let again = create(&input).await;
        assert_eq!(codes(&again), ["SECRET_ALREADY_SHOWN"]);
        assert_eq!((&again["accessToken"]["id"], &again["secret"]), (&token["id"], &Value::Null));
        let mut other = input.clone();
        other["name"] = json!("Other");
        assert_eq!(codes(&create(&other).await), ["IDEMPOTENCY_KEY_REUSED"]);
        assert_eq!(server.contents().await, kept);
        // Nobody else's.
        assert_eq!(server.own_token("lena", &token["id"]).await, Value::Null);
        assert_eq!(server.own_token("farah", &token["id"]).await["id"], token["id"]);
        let own = "{ viewer { accessTokens { totalCount } } }";
        assert_eq!(server.ask("lena", own, json!({})).await["viewer"]["accessTokens"]["totalCount"], 0);
        assert_eq!(server.ask("karim", own, json!({})).await["viewer"]["accessTokens"]["totalCount"], 1);
    }

    async fn what_cannot_be_asked_for_is_refused(server: Server) {
        server.ask("karim", "{ viewer { roles } }", json!({})).await;
        let payments = server.repository("payments-api").await["id"].clone();
        let hidden = server.repository("mobile-app").await["id"].clone();
        let foreign = server.ask("mila", "{ repositories { nodes { id } } }", json!({})).await["repositories"]["nodes"][0]["id"].clone();
        let before = server.contents().await;
        let fine = |selection: &str, repositories: &[Value], permissions: &[(&str, &str, &str)]| server.fine(selection, repositories, permissions);
        let good = fine("SUBSET", std::slice::from_ref(&payments), &[]);
        let many = vec![payments.clone(); 51];
        for (name, expires, access, code) in [
            ("", 30, good.clone(), "INVALID_INPUT"),
            (&"x".repeat(41), 30, good.clone(), "INVALID_INPUT"),
            ("x", 0, good.clone(), "INVALID_SCHEDULE"),
            ("x", 367, good.clone(), "LIFETIME_TOO_LONG"),
            ("x", -1, good.clone(), "INVALID_SCHEDULE"),
            ("x", 30, fine("SUBSET", &[], &[]), "EMPTY_SELECTION"),
            ("x", 30, fine("SUBSET", &many, &[]), "SELECTION_TOO_LARGE"),
            ("x", 30, fine("ALL", std::slice::from_ref(&payments), &[]), "INVALID_INPUT"),
            ("x", 30, fine("SUBSET", &[json!("repo_x")], &[]), "NOT_FOUND"),
            ("x", 30, fine("SUBSET", &[foreign], &[]), "NOT_FOUND"),
            ("x", 30, fine("SUBSET", &[hidden], &[]), "NOT_FOUND"),
            ("x", 30, fine("ALL", &[], &[("REPOSITORY", "nonsense", "READ")]), "UNKNOWN_PERMISSION"),
            ("x", 30, fine("ALL", &[], &[("ORGANIZATION", "issues", "READ")]), "UNKNOWN_PERMISSION"),
            ("x", 30, fine("ALL", &[], &[("REPOSITORY", "metadata", "WRITE")]), "UNKNOWN_PERMISSION"),
            ("x", 30, fine("ALL", &[], &[("REPOSITORY", "issues", "READ"), ("REPOSITORY", "issues", "WRITE")]), "INVALID_INPUT"),
            ("x", 30, fine("NONE", &[], &[("REPOSITORY", "issues", "READ")]), "INVALID_INPUT"),
            ("x", 30, json!({ "classic": { "scopes": ["nonsense"] } }), "UNKNOWN_PERMISSION"),
            ("x", 30, json!({ "classic": { "scopes": ["repo", "repo"] } }), "INVALID_INPUT"),
        ] {
            let input = json!({ "name": name, "expiresAt": server.in_days(expires), "access": access });
            let refused = server.mutation("karim", "createAccessToken", "secret accessToken { id }", input.clone()).await;
            assert_eq!(codes(&refused), [code], "{input}");
            assert_eq!((&refused["secret"], &refused["accessToken"]), (&Value::Null, &Value::Null));
            assert_eq!(server.contents().await, before, "{input}");
        }
        let never = json!({ "name": "x", "access": good });
        assert_eq!(codes(&server.mutation("karim", "createAccessToken", "", never).await), ["LIFETIME_TOO_LONG"]);
        let last = json!({ "name": "x", "expiresAt": server.in_days(366), "access": good });
        assert_eq!(codes(&server.mutation("karim", "createAccessToken", "", last).await), [""; 0], "the last instant counts");
        // Restricted kinds are not made.
        server.sql("UPDATE organization SET fine_grained_tokens = 'RESTRICTED', classic_tokens = 'RESTRICTED'").await;
        for access in [good, json!({ "classic": { "scopes": ["repo"] } })] {
            assert_eq!(codes(&server.make_token("karim", access).await), ["TOKENS_RESTRICTED"]);
        }
        // Outsiders have none.
        let input = json!({ "input": { "name": "x", "access": { "classic": { "scopes": [] } } } });
        let query = "mutation($input: CreateAccessTokenInput!) { createAccessToken(input: $input) { userErrors { code } } }";
        let answer = server.call(Some(&server.token("mila")), Some("contoso"), query, input).await;
        assert_eq!(codes(&answer.json["data"]["createAccessToken"]), ["FORBIDDEN"]);
    }

    async fn what_needs_no_approval_is_granted_at_once(server: Server) {
        let all = server.fine("ALL", &[], &[("REPOSITORY", "issues", "READ")]);
        let public = server.fine("NONE", &[], &[]);
        let members = server.fine("NONE", &[], &[("ORGANIZATION", "members", "READ")]);
        for (who, access, reason) in [
            ("farah", &all, Some("OWNER")), ("karim", &public, Some("PUBLIC_ONLY")), ("karim", &members, None), ("karim", &all, None),
        ] {
            let made = server.make_token(who, access.clone()).await["accessToken"].clone();
            let expected = if reason.is_some() { (json!("APPROVED"), json!("ACTIVE")) } else { (json!("PENDING"), Value::Null) };
            assert_eq!((made["request"]["state"].clone(), made["grant"]["state"].clone()), expected, "{access}");
            assert_eq!(made["request"]["automaticReason"], json!(reason));
            if reason.is_some() {
                assert_eq!(server.steps(&made["request"]["id"]).await, ["CREATED", "APPROVED_AUTOMATICALLY"]);
            }
        }
        server.sql("UPDATE organization SET token_approval_required = FALSE").await;
        let made = server.make_token("karim", all).await["accessToken"].clone();
        assert_eq!((&made["request"]["automaticReason"], &made["grant"]["state"]), (&json!("APPROVAL_NOT_REQUIRED"), &json!("ACTIVE")));
        let classic = server.make_token("karim", json!({ "classic": { "scopes": ["repo", "read:org"] } })).await["accessToken"].clone();
        assert_eq!((&classic["scopes"], &classic["request"], &classic["grant"]), (&json!(["read:org", "repo"]), &Value::Null, &Value::Null));
    }

    async fn narrowing_holds_at_once_and_widening_asks_for_the_whole(server: Server) {
        let token = server.waiting_token("karim").await;
        let payments = server.repository("payments-api").await["id"].clone();
        let infrastructure = server.repository("infrastructure").await["id"].clone();
        // Another wish overtakes the one that waits.
        let write = server.fine("SUBSET", &[payments.clone(), infrastructure.clone()], &[("REPOSITORY", "issues", "WRITE"), ("REPOSITORY", "contents", "READ")]);
        let changed = server.change_token("karim", &token, write.clone()).await["accessToken"].clone();
        assert_eq!(changed["request"]["follows"], json!({ "id": token["request"]["id"], "state": "CANCELED", "cancelReason": "SUPERSEDED" }));
        // The same again is nothing new.
        let same = server.change_token("karim", &token, write.clone()).await["accessToken"].clone();
        assert_eq!(same["request"]["id"], changed["request"]["id"]);
        server.decide(&changed["request"]["id"], "APPROVE").await;
        let granted = server.own_token("karim", &token["id"]).await;
        assert_eq!(granted["grant"]["repositories"], json!([{ "name": "infrastructure" }, { "name": "payments-api" }]));
        // Less: at once.
        let less = server.fine("SUBSET", std::slice::from_ref(&payments), &[("REPOSITORY", "issues", "READ")]);
        let narrowed = server.change_token("karim", &token, less.clone()).await["accessToken"].clone();
        assert_eq!((&narrowed["request"]["state"], &narrowed["request"]["automaticReason"]), (&json!("APPROVED"), &json!("NARROWED")));
        assert_eq!(narrowed["grant"]["permissions"], json!([{ "target": "REPOSITORY", "name": "issues", "level": "READ" }]));
        assert_ne!(narrowed["grant"]["id"], granted["grant"]["id"]);
        assert_eq!(server.steps(&changed["request"]["id"]).await, ["CREATED", "APPROVED", "GRANT_SUPERSEDED"]);
        // More, and less of something: asked for as a whole, while what was granted stays.
        let mixed = server.fine("SUBSET", std::slice::from_ref(&infrastructure), &[("REPOSITORY", "issues", "WRITE"), ("ORGANIZATION", "members", "READ")]);
        let wide = server.change_token("karim", &token, mixed).await["accessToken"].clone();
        assert_eq!((&wide["request"]["state"], &wide["grant"]), (&json!("PENDING"), &narrowed["grant"]));
        assert_eq!(wide["request"]["permissionChanges"], json!([
            { "kind": "ADDED", "target": "ORGANIZATION", "name": "members", "from": null, "to": "READ" },
            { "kind": "UPGRADED", "target": "REPOSITORY", "name": "issues", "from": "READ", "to": "WRITE" }]));
        assert_eq!(wide["request"]["repositoryChanges"], json!({ "from": "SUBSET", "to": "SUBSET",
            "added": [{ "name": "infrastructure" }], "removed": [{ "name": "payments-api" }] }));
        // What stands is enough after all.
        let back = server.change_token("karim", &token, less).await["accessToken"].clone();
        assert_eq!((&back["request"]["state"], &back["request"]["cancelReason"]), (&json!("CANCELED"), &json!("SUPERSEDED")));
        assert_eq!(back["grant"], narrowed["grant"]);
        // Denied: the old grant stays, and it can be asked for again.
        let again = server.change_token("karim", &token, write.clone()).await["accessToken"].clone();
        server.decide(&again["request"]["id"], "DENY").await;
        assert_eq!(server.own_token("karim", &token["id"]).await["grant"], narrowed["grant"]);
        let third = server.change_token("karim", &token, write).await["accessToken"].clone();
        assert_eq!(third["request"]["follows"]["state"], "DENIED");
        let cancel = server.mutation("karim", "cancelTokenRequest", "tokenRequest { state cancelReason viewerCanCancel }", json!({ "id": third["request"]["id"] })).await;
        assert_eq!(cancel["tokenRequest"], json!({ "state": "CANCELED", "cancelReason": "REQUESTER", "viewerCanCancel": false }));
        let twice = server.mutation("karim", "cancelTokenRequest", "", json!({ "id": third["request"]["id"] })).await;
        assert_eq!(codes(&twice), ["NOT_CANCELABLE"]);
        // Others' are not there, or not theirs.
        for (who, code) in [("lena", "NOT_FOUND"), ("farah", "FORBIDDEN")] {
            assert_eq!(codes(&server.mutation(who, "cancelTokenRequest", "", json!({ "id": third["request"]["id"] })).await), [code]);
            assert_eq!(codes(&server.mutation(who, "updateAccessToken", "", json!({ "id": token["id"], "version": 9, "name": "x" })).await), ["NOT_FOUND"]);
        }
        let stale = json!({ "id": token["id"], "version": 1, "name": "x" });
        assert_eq!(codes(&server.mutation("karim", "updateAccessToken", "", stale).await), ["CONFLICT"]);
    }

    async fn a_new_secret_keeps_what_was_granted_unless_it_lasts_longer(server: Server) {
        let token = server.waiting_token("karim").await;
        server.decide(&token["request"]["id"], "APPROVE").await;
        let granted = server.own_token("karim", &token["id"]).await;
        let regenerate = async |input: Value| server.mutation("karim", "regenerateAccessToken", &format!("secret {TOKEN}"), input).await;
        let renewed = regenerate(json!({ "id": token["id"], "idempotencyKey": "k" })).await;
        assert!(secret::parse(renewed["secret"].as_str().unwrap()).is_some());
        assert_eq!(renewed["accessToken"]["grant"], granted["grant"]);
        assert_ne!(renewed["accessToken"]["lastFour"], Value::Null);
        let again = regenerate(json!({ "id": token["id"], "idempotencyKey": "k" })).await;
        assert_eq!((codes(&again), &again["secret"]), (vec!["SECRET_ALREADY_SHOWN"], &Value::Null));
        assert_eq!(codes(&regenerate(json!({ "id": token["id"], "expiresAt": server.in_days(400) })).await), ["LIFETIME_TOO_LONG"]);
        assert_eq!(codes(&regenerate(json!({ "id": token["id"], "expiresAt": null })).await), ["LIFETIME_TOO_LONG"]);
        let shorter = regenerate(json!({ "id": token["id"], "expiresAt": server.in_days(7) })).await["accessToken"].clone();
        assert_eq!(shorter["grant"], granted["grant"]);
        let longer = regenerate(json!({ "id": token["id"], "expiresAt": server.in_days(90) })).await["accessToken"].clone();
        assert_eq!((&longer["request"]["state"], &longer["grant"]), (&json!("PENDING"), &Value::Null));
        assert_eq!(longer["request"]["permissionChanges"], json!([]));
        // After its end, too.
        server.clock.advance(TimeDelta::days(91));
        assert_eq!(server.own_token("karim", &token["id"]).await["state"], "EXPIRED");
        assert_eq!(codes(&regenerate(json!({ "id": token["id"] })).await), ["INVALID_SCHEDULE"]);
        let anew = regenerate(json!({ "id": token["id"], "expiresAt": server.in_days(90) })).await["accessToken"].clone();
        assert_eq!((&anew["state"], &anew["request"]["state"]), (&json!("VALID"), &json!("PENDING")));
        assert_eq!(anew["request"]["follows"]["state"], "EXPIRED");
        assert_eq!(anew["request"]["repositories"], json!([{ "name": "payments-api" }]));
    }

    async fn what_hangs_on_a_token_ends_with_it(server: Server) {
        let ends = async |token: &Value| {
            let now = server.own_token("farah", &token["id"]).await;
            (now["request"]["state"].clone(), now["request"]["cancelReason"].clone(), now["grant"].clone())
        };
        let granted = async |who: &str| {
            let token = server.waiting_token(who).await;
            server.decide(&token["request"]["id"], "APPROVE").await;
            server.own_token(who, &token["id"]).await
        };
        // Given up.
        let (waiting, active) = (server.waiting_token("karim").await, granted("karim").await);
        for token in [&waiting, &active, &active] {
            let done = server.mutation("karim", "revokeAccessToken", TOKEN, json!({ "id": token["id"] })).await;
            assert_eq!((codes(&done), &done["accessToken"]["state"]), (vec![], &json!("REVOKED")));
            assert_eq!(done["accessToken"]["viewerCanRegenerate"], false);
        }
        assert_eq!(ends(&waiting).await, (json!("CANCELED"), json!("TOKEN_REVOKED"), Value::Null));
        assert_eq!(server.steps(&active["request"]["id"]).await, ["CREATED", "APPROVED", "GRANT_ENDED"]);
        for (name, input) in [
            ("updateAccessToken", json!({ "id": active["id"], "version": 3, "name": "x" })),
            ("regenerateAccessToken", json!({ "id": active["id"] })),
        ] {
            assert_eq!(codes(&server.mutation("karim", name, "", input).await), ["TOKEN_REVOKED"], "{name}");
        }
        // Expired: the worker ends it.
        let (waiting, active) = (server.waiting_token("karim").await, granted("karim").await);
        server.clock.advance(TimeDelta::days(30));
        server.work().await;
        assert_eq!(ends(&waiting).await, (json!("EXPIRED"), Value::Null, Value::Null));
        assert_eq!(server.steps(&active["request"]["id"]).await, ["CREATED", "APPROVED", "GRANT_ENDED"]);
        // The owner leaves.
        let (waiting, active) = (server.waiting_token("lena").await, granted("lena").await);
        let lena = server.user("lena").await;
        assert_eq!(codes(&server.mutation("alice", "deactivateUser", "", json!({ "id": lena })).await), [""; 0]);
        assert_eq!(ends(&waiting).await, (json!("CANCELED"), json!("MEMBER_LEFT"), Value::Null));
        assert_eq!(server.steps(&active["request"]["id"]).await, ["CREATED", "APPROVED", "GRANT_SUSPENDED"]);
        assert_eq!(codes(&server.mutation("alice", "reactivateUser", "", json!({ "id": lena })).await), [""; 0]);
        assert_eq!(server.own_token("lena", &active["id"]).await["grant"], Value::Null, "it comes back only by a new approval");
        let access = server.fine("SUBSET", &[server.repository("payments-api").await["id"].clone()], &[("REPOSITORY", "issues", "READ")]);
        let again = server.change_token("lena", &active, access).await["accessToken"].clone();
        assert_eq!(again["request"]["state"], "PENDING");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_member_has_so_many_tokens_and_no_more() {
    let limits = Limits { tokens_per_user: 2, ..Limits::default() };
    let Some(server) = Server::start_with(crate::harness::Kind::Sqlite, limits).await else { return };
    let public = server.fine("NONE", &[], &[]);
    let first = server.make_token("karim", public.clone()).await["accessToken"]["id"].clone();
    let (one, two) =
        tokio::join!(server.make_token("karim", public.clone()), server.make_token("karim", public.clone()));
    let mut both = [codes(&one), codes(&two)];
    both.sort_unstable();
    assert_eq!(both, [vec![], vec!["TOO_MANY_TOKENS"]]);
    server.mutation("karim", "revokeAccessToken", "", json!({ "id": first })).await;
    assert_eq!(codes(&server.make_token("karim", public).await), [""; 0]);
    let states = "query($state: [AccessTokenState!]) { viewer { accessTokens(filter: {state: $state}) { totalCount } } }";
    for (state, count) in [(json!(["VALID"]), 2), (json!(["REVOKED", "EXPIRED"]), 1), (json!([]), 0)] {
        let found = server.ask("karim", states, json!({ "state": state })).await;
        assert_eq!(found["viewer"]["accessTokens"]["totalCount"], count, "{state}");
    }
}
