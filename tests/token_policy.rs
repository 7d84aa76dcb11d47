//! The token policy: who reads and changes it, and what each change says.

use serde_json::{Value, json};

use crate::harness::codes;

const POLICY: &str = "tokenPolicy { fineGrained classic approvalRequired fineGrainedMaximumLifetime
    classicMaximumLifetime viewerCanEdit version }";

on_both_databases! {
    async fn owners_change_the_policy_and_members_read_it(server: Server) {
        let read = async |who: &str| server.ask(who, &format!("{{ organization {{ {POLICY} }} }}"), json!({})).await
            ["organization"]["tokenPolicy"].clone();
        let usual = json!({ "fineGrained": "ALLOWED", "classic": "ALLOWED", "approvalRequired": true,
            "fineGrainedMaximumLifetime": "P366D", "classicMaximumLifetime": null, "viewerCanEdit": false, "version": 1 });
        assert_eq!(read("karim").await, usual);
        let outside = format!("{{ organization {{ {POLICY} }} }}");
        let outside = server.call(Some(&server.token("mila")), Some("contoso"), &outside, json!({})).await;
        assert_eq!(outside.json["data"]["organization"]["tokenPolicy"], Value::Null);
        let update = async |input: Value| server.mutation("farah", "updateTokenPolicy", POLICY, input).await;
        let changed = update(json!({ "version": 1, "classic": "RESTRICTED", "classicMaximumLifetime": "P30D",
            "fineGrainedMaximumLifetime": null })).await;
        assert_eq!(changed["tokenPolicy"], json!({ "fineGrained": "ALLOWED", "classic": "RESTRICTED", "approvalRequired": true,
            "fineGrainedMaximumLifetime": null, "classicMaximumLifetime": "P30D", "viewerCanEdit": true, "version": 2 }));
        for (bad, code) in [
            (json!({ "version": 1, "classic": "ALLOWED" }), "CONFLICT"),
            (json!({ "version": 2, "classicMaximumLifetime": "PT59M" }), "INVALID_INPUT"),
            (json!({ "version": 2, "fineGrainedMaximumLifetime": "P3661D" }), "INVALID_INPUT"),
            (json!({ "version": 2, "waitingRequests": "KEEP" }), "INVALID_INPUT"),
            (json!({ "version": 2, "approvalRequired": true, "waitingRequests": "KEEP" }), "INVALID_INPUT"),
            (json!({ "version": 2, "approvalRequired": false, "reason": "So be it." }), "INVALID_INPUT"),
            (json!({ "version": 2, "approvalRequired": false, "waitingRequests": "DENY", "reason": "x".repeat(1025) }), "INVALID_INPUT"),
        ] {
            let before = server.contents().await;
            assert_eq!(codes(&update(bad.clone()).await), [code], "{bad}");
            assert_eq!(server.contents().await, before, "{bad}");
        }
        let off = update(json!({ "version": 2, "approvalRequired": false })).await;
        assert_eq!(off["tokenPolicy"]["approvalRequired"], false, "nothing waits, nothing is asked");
        let events = server.ask("alice", "{ auditEvents(first: 5) { nodes { action details } } }", json!({})).await;
        let events = events["auditEvents"]["nodes"].as_array().unwrap();
        let mut actions: Vec<&str> = events[..4].iter().map(|event| event["action"].as_str().unwrap()).collect();
        actions.sort_unstable();
        assert_eq!(actions, [
            "personal_access_token.access_restriction_enabled",
            "personal_access_token.auto_approve_grant_requests_enabled",
            "personal_access_token.expiration_limit_set",
            "personal_access_token.expiration_limit_unset",
        ]);
        // A change of the settings is another thing: the versions are apart.
        let version = server.ask("alice", "{ organization { version } }", json!({})).await["organization"]["version"].clone();
        let renamed = server.mutation("alice", "updateOrganization", "organization { version }",
            json!({ "version": version, "displayName": "Contoso" })).await;
        assert_eq!(codes(&renamed), [""; 0]);
        assert_eq!(read("karim").await["version"], 3);
    }

    async fn what_waits_is_decided_when_approval_is_switched_off(server: Server) {
        let read = async |who: &str| server.ask(who, "{ viewer { accessTokens(first: 10) { nodes { request { state automaticReason }
            grant { state } } } } }", json!({})).await["viewer"]["accessTokens"]["nodes"].clone();
        let off = async |version: u32, waiting: Option<&str>| server.mutation("farah", "updateTokenPolicy", POLICY,
            json!({ "version": version, "approvalRequired": false, "waitingRequests": waiting })).await;
        let on = async |version: u32| server.mutation("farah", "updateTokenPolicy", POLICY,
            json!({ "version": version, "approvalRequired": true })).await;
        let file = async |who: &str| {
            let input = json!({ "name": "Robot", "expiresAt": server.clock.now() + chrono::TimeDelta::days(9), "access": {
                "fineGrained": { "repositorySelection": "ALL", "permissions": [
                    { "target": "REPOSITORY", "name": "contents", "level": "READ" }] } } });
            assert_eq!(codes(&server.mutation(who, "createAccessToken", "accessToken { id }", input).await), [""; 0]);
        };
        let waiting = server.rows("SELECT CAST(count(*) AS text) FROM token_request WHERE state = 'PENDING'".to_owned()).await;
        assert_eq!(waiting, ["0"]);
        file("karim").await;
        file("lena").await;
        let before = server.contents().await;
        let refused = off(1, None).await;
        assert_eq!(codes(&refused), ["TOKEN_REQUESTS_WAITING"]);
        assert!(refused["userErrors"][0]["message"].as_str().unwrap().starts_with("2 token requests wait"), "{refused}");
        assert_eq!(refused["userErrors"][0]["field"], json!(["input", "waitingRequests"]));
        assert_eq!(server.contents().await, before, "nothing was done");
        assert_eq!(codes(&off(1, Some("KEEP")).await), [""; 0]);
        assert_eq!(read("karim").await[0]["request"]["state"], "PENDING");
        on(2).await;
        let told = async |who: &str| server.ask(who, "{ viewer { notifications { nodes { kind reason } } } }", json!({})).await
            ["viewer"]["notifications"]["nodes"].clone();
        let denied = server.mutation("farah", "updateTokenPolicy", POLICY, json!({ "version": 3, "approvalRequired": false,
            "waitingRequests": "DENY", "reason": "We begin anew." })).await;
        assert_eq!(codes(&denied), [""; 0]);
        assert_eq!(read("karim").await[0], json!({ "request": { "state": "DENIED", "automaticReason": null }, "grant": null }));
        assert_eq!(told("karim").await, json!([{ "kind": "TOKEN_REQUEST_DENIED", "reason": "We begin anew." }]));
        on(4).await;
        file("karim").await;
        file("emil").await;
        assert_eq!(codes(&off(5, Some("APPROVE")).await), [""; 0]);
        let approved = json!({ "request": { "state": "APPROVED", "automaticReason": "APPROVAL_NOT_REQUIRED" }, "grant": { "state": "ACTIVE" } });
        for who in ["karim", "emil"] {
            let tokens = read(who).await;
            assert!(tokens.as_array().unwrap().contains(&approved), "{who}: {tokens}");
            assert_eq!(told(who).await[0], json!({ "kind": "TOKEN_REQUEST_APPROVED", "reason": null }), "whoever waited is told");
        }
        file("judith").await;
        assert_eq!(told("judith").await, json!([]), "what never waited is not told");
    }
}
