//! What people were told, in the API: their own, unread, marked as read; and without a mail server.

use chrono::TimeDelta;
use entity::bulk_operation::ReviewDecision;
use serde_json::{Value, json};

use crate::harness::tokens::Decide;
use crate::harness::{Server, codes};

const MARK: &str =
    "mutation($selection: NotificationSelection!) { markNotificationsRead(input: {selection: $selection}) {
    markedCount unreadCount userErrors { code field } } }";

impl Server {
    /// Tells somebody that so many requests of tokens of theirs were approved, one a second; gives their ids, the
    /// newest first.
    async fn approve(&self, subject: &str, count: usize) -> Vec<Value> {
        for _ in 0..count {
            self.clock.advance(TimeDelta::seconds(1));
            let made = self.made(subject, "ci", TimeDelta::days(30)).await;
            let ids = vec![made.request.id];
            self.insert(&[made]).await;
            self.tell_decided(Decide { decision: Some(ReviewDecision::Approve), ids, reason: None }).await;
        }
        let query = "{ viewer { notifications(first: 100) { nodes { id } } } }";
        let found = self.ask(subject, query, json!({})).await;
        let nodes = found["viewer"]["notifications"]["nodes"].as_array().unwrap().clone();
        nodes.into_iter().map(|row| row["id"].clone()).collect()
    }

    async fn mark(&self, subject: &str, selection: Value) -> Value {
        self.ask(subject, MARK, json!({ "selection": selection })).await["markNotificationsRead"].clone()
    }

    async fn unread(&self, subject: &str) -> Vec<Value> {
        let query = "{ viewer { notifications(filter: {unread: true}, first: 100) { unreadCount totalCount nodes { id readAt } } } }";
        let found = self.ask(subject, query, json!({})).await["viewer"]["notifications"].clone();
        let nodes = found["nodes"].as_array().unwrap().clone();
        assert!(nodes.iter().all(|row| row["readAt"].is_null()));
        assert_eq!((&found["unreadCount"], &found["totalCount"]), (&json!(nodes.len()), &json!(nodes.len())));
        nodes.into_iter().map(|row| row["id"].clone()).collect()
    }
}

on_both_databases! {
    async fn notifications_are_marked_as_read_by_their_receiver_alone(server: Server) {
        let own = server.approve("karim", 4).await;
        let others = server.approve("ivan", 1).await;
        assert_eq!(server.unread("karim").await, own, "the newest first");
        let marked = server.mark("karim", json!({ "ids": [own[1], own[1]] })).await;
        assert_eq!(marked, json!({ "markedCount": 1, "unreadCount": 3, "userErrors": [] }));
        let again = server.mark("karim", json!({ "ids": [own[1]] })).await;
        assert_eq!((&again["markedCount"], &again["unreadCount"]), (&json!(0), &json!(3)));
        let read = server.ask("karim", "query($id: ID!) { node(id: $id) { ... on Notification { readAt } } }", json!({ "id": own[1] })).await;
        assert!(read["node"]["readAt"].is_string());

        let before = server.contents().await;
        for (selection, code) in [
            (json!({ "ids": [own[0], others[0]] }), "NOT_FOUND"),
            (json!({ "ids": [own[0], "ntf_x"] }), "NOT_FOUND"),
            (json!({ "ids": [] }), "EMPTY_SELECTION"),
            (json!({ "ids": vec![own[0].clone(); 1_001] }), "SELECTION_TOO_LARGE"),
        ] {
            let refused = server.mark("karim", selection).await;
            assert_eq!((codes(&refused), &refused["markedCount"]), (vec![code], &Value::Null));
            assert_eq!(refused["userErrors"][0]["field"], json!(["input", "selection", "ids"]));
        }
        assert!(server.contents().await == before, "a refused call marked something");

        // Marking all that was there leaves what came since.
        let seen = server.clock.now();
        let newer = server.approve("karim", 1).await;
        let marked = server.mark("karim", json!({ "createdUntil": seen })).await;
        assert_eq!((&marked["markedCount"], &marked["unreadCount"]), (&json!(3), &json!(1)));
        assert_eq!(server.unread("karim").await, newer[..1]);
        assert_eq!(server.unread("ivan").await.len(), 1);
    }

    async fn telling_many_takes_as_many_statements_as_telling_one(server: Server) {
        let one = server.made("karim", "ci", TimeDelta::days(30)).await;
        let many: Vec<_> = (0..300)
            .map(|_| server.made_of(one.token.organization_id, one.token.owner_id, "ci", TimeDelta::days(30)))
            .collect();
        server.insert(&many).await;
        server.insert(std::slice::from_ref(&one)).await;
        let mut taken = Vec::new();
        for ids in [vec![one.request.id], many.iter().map(|made| made.request.id).collect()] {
            let before = server.app.database.statement_count();
            server.tell_decided(Decide { decision: Some(ReviewDecision::Approve), ids, reason: Some("Fine.") }).await;
            taken.push(server.app.database.statement_count() - before);
        }
        assert_eq!(taken, [2, 2]);
        let count = server.ask("karim", "{ viewer { notifications(first: 0) { totalCount } } }", json!({})).await;
        assert_eq!(count["viewer"]["notifications"]["totalCount"], 301);
    }

    async fn a_list_of_notifications_takes_a_fixed_number_of_statements(server: Server) {
        let query = "{ viewer { notifications(first: 50) { totalCount unreadCount nodes { id title url reason mailState } } } }";
        let mut taken = Vec::new();
        for count in [1, 9] {
            server.approve("karim", count).await;
            server.ask("karim", query, json!({})).await;
            let before = server.app.database.statement_count();
            server.ask("karim", query, json!({})).await;
            taken.push(server.app.database.statement_count() - before);
        }
        assert_eq!(taken[0], taken[1]);
        assert!(taken[0] <= 3, "{taken:?}");
    }

    async fn without_a_mail_server_what_was_told_is_readable(server: Server) {
        server.approve("karim", 1).await;
        let query = "{ viewer { notifications { nodes { title mailState mailError } } } }";
        let state = async || {
            server.work().await;
            let found = server.ask("karim", query, json!({})).await;
            found["viewer"]["notifications"]["nodes"][0]["mailState"].clone()
        };
        assert_eq!(state().await, "PENDING", "a mail server may be set up yet");
        server.clock.advance(TimeDelta::days(3) + TimeDelta::seconds(1));
        assert_eq!(state().await, "NONE");
        let found = server.ask("karim", query, json!({})).await;
        let told = &found["viewer"]["notifications"]["nodes"][0];
        assert_eq!((&told["title"], &told["mailError"]), (&json!("The request of your access token “ci” was approved"), &Value::Null));
    }

    async fn preferences_are_ones_own_and_recorded(server: Server) {
        let query = "{ viewer { notificationPreferences { kind enabled canDisable } } }";
        let before = server.ask("karim", query, json!({})).await;
        let all = before["viewer"]["notificationPreferences"].as_array().unwrap().clone();
        assert!(all.iter().all(|row| row["enabled"] == true));
        let prefer = "mutation($p: [NotificationPreferenceInput!]!) { updateNotificationPreferences(input: {preferences: $p}) {
            preferences { kind enabled } userErrors { code } } }";
        let wanted = json!([{ "kind": "TOKEN_EXPIRING", "enabled": true }, { "kind": "TOKEN_EXPIRING", "enabled": false }]);
        let set = server.ask("karim", prefer, json!({ "p": wanted })).await["updateNotificationPreferences"].clone();
        assert_eq!(codes(&set), [""; 0]);
        assert_eq!(set["preferences"][3]["enabled"], false, "the last one holds");
        // One part that is refused refuses all.
        let mixed = json!([{ "kind": "TOKEN_REQUEST_DIGEST", "enabled": false }, { "kind": "TOKEN_REQUEST_DENIED", "enabled": false }]);
        let refused = server.ask("karim", prefer, json!({ "p": mixed })).await["updateNotificationPreferences"].clone();
        assert_eq!(codes(&refused), ["INVALID_INPUT"]);
        assert_eq!(refused["preferences"][4], json!({ "kind": "TOKEN_REQUEST_DIGEST", "enabled": true }));
        let events = server.ask("alice", "{ auditEvents(filter: {action: [\"notification_preferences.updated\"]}) { nodes { actor { displayName } details } } }", json!({})).await;
        let events = events["auditEvents"]["nodes"].as_array().unwrap().clone();
        assert_eq!(events.len(), 1);
        assert_eq!((&events[0]["actor"]["displayName"], &events[0]["details"]), (&json!("Karim Benali"), &json!("[{\"enabled\":false,\"kind\":\"TOKEN_EXPIRING\"}]")));
        let ivan = server.ask("ivan", query, json!({})).await;
        assert_eq!(ivan["viewer"]["notificationPreferences"], json!(all));
    }

    async fn a_condition_that_is_null_is_an_error(server: Server) {
        for query in [
            "{ viewer { notifications(filter: {unread: null}) { totalCount } } }",
            "{ viewer { notifications(filter: {kind: null}) { totalCount } } }",
            "{ failedMails(filter: {state: null}) { totalCount } }",
            "{ failedMails(filter: {errorCode: null}) { totalCount } }",
        ] {
            assert_eq!(server.errors("alice", query, json!({})).await, ["BAD_USER_INPUT"], "{query}");
        }
        server.tell_something("alice").await;
        let query = "{ viewer { a: notifications(filter: {kind: [TOKEN_EXPIRING], unread: true}) { totalCount }
            b: notifications(filter: {kind: [TOKEN_REQUEST_DIGEST]}) { totalCount } }
            c: failedMails(filter: {state: [FAILED], errorCode: [REJECTED, EXPIRED]}) { totalCount }
            d: failedMails(filter: {state: [PENDING]}) { totalCount } }";
        let found = server.ask("alice", query, json!({})).await;
        let count = |at: &str| found.pointer(at).unwrap()["totalCount"].clone();
        assert_eq!([count("/viewer/a"), count("/viewer/b"), count("/c"), count("/d")], [json!(5), json!(0), json!(5), json!(0)]);
    }

    async fn the_hour_and_zone_of_the_digest_are_checked(server: Server) {
        let read = "{ organization { digestHour digestTimeZone version } }";
        let usual = server.ask("karim", read, json!({})).await["organization"].clone();
        assert_eq!((&usual["digestHour"], &usual["digestTimeZone"]), (&json!(8), &json!("UTC")));
        let update = "mutation($input: UpdateOrganizationInput!) { updateOrganization(input: $input) {
            organization { digestHour digestTimeZone version } userErrors { code field } } }";
        let set = async |change: Value| {
            let mut input = change;
            input["version"] = usual["version"].clone();
            server.ask("alice", update, json!({ "input": input })).await["updateOrganization"].clone()
        };
        for (change, field) in [
            (json!({ "digestHour": 24 }), "digestHour"),
            (json!({ "digestHour": -1 }), "digestHour"),
            (json!({ "digestTimeZone": "Europe/Nowhere" }), "digestTimeZone"),
            (json!({ "digestTimeZone": "" }), "digestTimeZone"),
            (json!({ "digestTimeZone": "+02:00" }), "digestTimeZone"),
        ] {
            let refused = set(change).await;
            assert_eq!(refused["userErrors"], json!([{ "code": "INVALID_INPUT", "field": ["input", field] }]));
        }
        assert_eq!(server.ask("karim", read, json!({})).await["organization"], usual);
        let done = set(json!({ "digestHour": 17, "digestTimeZone": "Pacific/Auckland" })).await;
        assert_eq!(done["organization"]["digestTimeZone"], "Pacific/Auckland");
        let outside = server.call(Some(&server.token("mila")), Some("contoso"), "{ organization { digestHour digestTimeZone } }", json!({})).await;
        assert_eq!(outside.json["data"]["organization"], json!({ "digestHour": null, "digestTimeZone": null }));
    }
}
