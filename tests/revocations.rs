//! Who loses access to somebody else is told so.

use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::harness::{Server, codes};

impl Server {
    /// What somebody was told of access that was taken away: title and reason.
    async fn told_of_revocations(&self, subject: &str) -> Value {
        let query = "{ viewer { notifications(filter: {kind: [ASSIGNMENT_REVOKED]}, first: 50) { nodes { title reason } } } }";
        self.ask(subject, query, json!({})).await["viewer"]["notifications"]["nodes"].clone()
    }

    /// How often anybody was told so.
    pub async fn revocations_told(&self) -> String {
        let count = "SELECT CAST(count(*) AS text) AS n FROM notification WHERE kind = 'ASSIGNMENT_REVOKED'";
        self.rows(count.to_owned()).await.join(" ")
    }

    /// The assignment that somebody gets at once.
    async fn holds_now(&self, subject: &str, package: &Value) -> Value {
        let made = self.submits(subject, package, json!({})).await;
        assert_eq!(codes(&made), [""; 0]);
        made["accessRequest"]["assignment"]["id"].clone()
    }
}

on_both_databases! {
    async fn who_loses_access_to_somebody_else_is_told_why(server: Server) {
        let package = server.guarded("Night shift", json!({})).await;
        let held = server.holds_now("karim", &package).await;
        server.work().await;
        let revoke = async |id: &Value, reason: Value| {
            let input = json!({ "id": id, "reason": reason });
            assert_eq!(codes(&server.mutation("ivan", "revokeAssignment", "assignment { id }", input).await), [""; 0]);
        };
        revoke(&held, json!("The shift is over.\nThank you.")).await;
        let query = "{ viewer { notifications(filter: {kind: [ASSIGNMENT_REVOKED]}) { nodes { title reason subjectId url mailState } } } }";
        let told = server.ask("karim", query, json!({})).await["viewer"]["notifications"]["nodes"].clone();
        assert_eq!(told, json!([{ "title": "Your access to “Night shift” was revoked", "reason": "The shift is over.\nThank you.", "subjectId": held,
            "mailState": "PENDING",
            "url": format!("https://access.example/@contoso.example#/assignments/{}", held.as_str().unwrap()) }]));
        assert_eq!(server.told_of_revocations("ivan").await, json!([]), "nobody else is told");
        // Without a reason, and before it started.
        let later = server.guarded("Later", json!({ "customSchedule": true })).await;
        let start = (server.clock.now() + TimeDelta::days(3)).to_rfc3339();
        let made = server.submits("judith", &later, json!({ "startsAt": start })).await;
        revoke(&made["accessRequest"]["assignment"]["id"], json!("")).await;
        assert_eq!(server.told_of_revocations("judith").await, json!([{ "title": "Your access to “Later” was revoked", "reason": null }]));
        // It cannot be turned off.
        let off = json!({ "preferences": [{ "kind": "ASSIGNMENT_REVOKED", "enabled": false }] });
        assert_eq!(codes(&server.mutation("karim", "updateNotificationPreferences", "preferences { kind }", off).await), ["INVALID_INPUT"]);
        assert_eq!(server.revocations_told().await, "2");
    }

    async fn what_ends_otherwise_is_not_told_as_revoked(server: Server) {
        let package = server.guarded("Night shift", json!({})).await;
        server.work().await;
        // Given up, and revoked by oneself.
        let held = server.holds_now("lena", &package).await;
        assert_eq!(codes(&server.mutation("lena", "giveUpAssignment", "assignment { id }", json!({ "id": held })).await), [""; 0]);
        let held = server.holds_now("ivan", &package).await;
        assert_eq!(codes(&server.mutation("ivan", "revokeAssignment", "assignment { id }", json!({ "id": held })).await), [""; 0]);
        // Whoever is deactivated reads nothing any more.
        server.holds_now("karim", &package).await;
        let gone = json!({ "id": server.user("Karim").await });
        assert_eq!(codes(&server.mutation("alice", "deactivateUser", "user { state }", gone).await), [""; 0]);
        // The end was known.
        server.holds_now("judith", &package).await;
        server.work().await;
        server.clock.advance(TimeDelta::days(11));
        server.work().await;
        assert_eq!(server.revocations_told().await, "0");
    }

    async fn a_manager_who_cancels_a_partial_request_takes_access_away(server: Server) {
        let query = "{ accessRequests(filter: { state: [PARTIALLY_DELIVERED] }, first: 50) { nodes { id type assignment { id } requestor { displayName } accessPackage { displayName } } } }";
        let partial = server.ask("alice", query, json!({})).await["accessRequests"]["nodes"].as_array().unwrap().clone();
        let partial: Vec<&Value> = partial.iter().filter(|row| row["type"] == "USER_ADD" && row["requestor"]["displayName"] != "Alice Martin").collect();
        assert_eq!(server.revocations_told().await, "0");
        let cancel = json!({ "id": partial[0]["id"], "reason": "It never worked." });
        assert_eq!(codes(&server.mutation("alice", "cancelAccessRequest", "accessRequest { state }", cancel).await), [""; 0]);
        let told = format!("SELECT {} AS n FROM notification WHERE kind = 'ASSIGNMENT_REVOKED'", "CAST(content AS text)");
        let told = server.rows(told).await;
        assert!(told.len() == 1 && told[0].contains("It never worked.") && told[0].contains(partial[0]["accessPackage"]["displayName"].as_str().unwrap()), "{told:?}");
    }

    async fn many_who_lose_access_are_told_by_ids_and_by_filter(server: Server) {
        let (one, other) = (server.guarded("One", json!({})).await, server.guarded("Other", json!({})).await);
        let people = ["karim", "lena", "hana"];
        let mut ids = Vec::new();
        for who in people {
            ids.push(server.holds_now(who, &one).await);
            server.holds_now(who, &other).await;
        }
        server.work().await;
        let input = |dry_run: bool| json!({ "selection": { "ids": ids }, "reason": "One is over.", "dryRun": dry_run });
        let counts = "bulkOperation { acceptedCount }";
        assert_eq!(server.mutation("hana", "revokeAssignments", counts, input(true)).await["bulkOperation"]["acceptedCount"], 3);
        assert_eq!(server.revocations_told().await, "0", "a dry run tells nobody");
        assert_eq!(server.mutation("hana", "revokeAssignments", counts, input(false)).await["bulkOperation"]["acceptedCount"], 3);
        assert_eq!(server.mutation("hana", "revokeAssignments", counts, input(false)).await["bulkOperation"]["acceptedCount"], 0);
        let filter = json!({ "selection": { "filter": { "accessPackage": [other] } }, "expectedCount": 3, "reason": "Other, too." });
        assert_eq!(codes(&server.mutation("hana", "revokeAssignments", counts, filter).await), [""; 0]);
        server.work().await;
        for who in ["karim", "lena"] {
            let mut told = server.told_of_revocations(who).await.as_array().unwrap().clone();
            told.sort_by_key(ToString::to_string);
            assert_eq!(told, [json!({ "title": "Your access to “One” was revoked", "reason": "One is over." }),
                json!({ "title": "Your access to “Other” was revoked", "reason": "Other, too." })], "{who}");
        }
        assert_eq!(server.told_of_revocations("hana").await, json!([]), "she did it herself");
    }
}
