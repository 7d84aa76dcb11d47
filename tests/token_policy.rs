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
}
