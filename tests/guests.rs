//! The end of guests: blocked when they hold nothing, removed later, unblocked, and back again.

use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::harness::{Server, codes};

const STEPS: &str =
    "query($filter: GuestStepFilter) { guestSteps(filter: $filter, orderBy: {field: AT, direction: ASC}) {
    totalCount nodes { kind at since actor { displayName } user { id displayName state } } } }";
const USER: &str = "query($id: ID!) { node(id: $id) { ... on User { displayName email state issuer subject
    viewerCanUnblock viewerCanReactivate viewerCanDeactivate deactivatedAt } } }";
const VIEWER: &str = "{ viewer { user { id state } } }";

/// A guest who asked for a package that nobody has to approve.
struct Guest {
    package: Value,
    id: Value,
    request: Value,
}

impl Server {
    fn paula(&self) -> String {
        self.outside(
            "paula",
            json!({ "name": "Paula Partner", "email": "paula@adatum.example", "email_verified": true }),
        )
    }

    /// Paula asks for a package and holds it until the tenth day.
    async fn guest(&self) -> Guest {
        let package = self.partner_package("Shared", json!({ "requestorScope": "ALL_EXTERNAL_USERS" })).await;
        let made = self.knock(&self.paula(), &package).await;
        assert_eq!(codes(&made), [""; 0], "{made}");
        self.work().await;
        let id = self.visit(&self.paula(), VIEWER, json!({})).await["viewer"]["user"]["id"].clone();
        Guest { package, id, request: made["accessRequest"]["id"].clone() }
    }

    async fn days(&self, days: i64) {
        self.clock.advance(TimeDelta::days(days) + TimeDelta::seconds(1));
        self.work().await;
    }

    async fn state_of(&self, id: &Value) -> Value {
        self.ask("alice", USER, json!({ "id": id })).await["node"]["state"].clone()
    }

    async fn kinds(&self) -> Vec<String> {
        let found =
            self.ask("alice", STEPS, json!({})).await["guestSteps"]["nodes"].as_array().unwrap().clone();
        found.iter().map(|step| step["kind"].as_str().unwrap().to_owned()).collect()
    }
}

on_both_databases! {
    async fn a_guest_who_holds_nothing_is_blocked_and_removed(server: Server) {
        let guest = server.guest().await;
        let held = "query($id: ID!) { node(id: $id) { ... on AccessRequest { assignment { expiresAt } requestor { displayName } } } }";
        let ends = server.ask("alice", held, json!({ "id": guest.request })).await["node"]["assignment"]["expiresAt"].clone();
        // As long as they hold something nothing happens; it ends on the tenth day.
        server.days(9).await;
        assert_eq!(server.state_of(&guest.id).await, "ACTIVE");
        server.days(1).await;
        server.days(29).await;
        assert_eq!(server.state_of(&guest.id).await, "ACTIVE", "29 days and some seconds later");
        server.clock.advance(TimeDelta::days(1));
        server.work().await;
        let user = server.ask("alice", USER, json!({ "id": guest.id })).await["node"].clone();
        assert_eq!((&user["state"], &user["displayName"]), (&json!("BLOCKED"), &json!("Paula Partner")));
        assert_eq!((&user["viewerCanUnblock"], &user["viewerCanReactivate"]), (&json!(true), &json!(false)));
        // Refused like somebody deactivated, and told why.
        let refused = server.call(Some(&server.paula()), Some("contoso"), VIEWER, json!({})).await;
        assert_eq!((refused.status, &refused.json["errors"][0]["extensions"]["code"]), (401, &json!("UNAUTHENTICATED")));
        assert!(refused.headers["www-authenticate"].contains("the guest is blocked"), "{:?}", refused.headers);
        let policies = "query($id: ID!) { node(id: $id) { ... on AccessPackage { policies { id } } } }";
        let policy = server.ask("alice", policies, json!({ "id": guest.package })).await["node"]["policies"][0]["id"].clone();
        let input = json!({ "accessPackage": guest.package, "user": guest.id, "policy": policy });
        assert_eq!(codes(&server.mutation("alice", "createAssignment", "accessRequest { id }", input).await), ["USER_BLOCKED"]);
        assert_eq!(codes(&server.mutation("alice", "reactivateUser", "user { id }", json!({ "id": guest.id })).await), ["USER_BLOCKED"]);
        let steps = server.ask("alice", STEPS, json!({})).await["guestSteps"]["nodes"].clone();
        assert_eq!(steps.as_array().unwrap().len(), 1);
        assert_eq!((&steps[0]["kind"], &steps[0]["actor"], &steps[0]["user"]["id"]), (&json!("BLOCKED"), &Value::Null, &guest.id));
        assert!(steps[0]["since"].as_str().unwrap() >= ends.as_str().unwrap(), "{steps} {ends}");
        let blocked = server.ask("alice", "{ blocked: users(filter: {state: [BLOCKED]}) { totalCount } off: users(filter: {state: [DEACTIVATED]}) { totalCount } }", json!({})).await;
        assert_eq!(blocked, json!({ "blocked": { "totalCount": 1 }, "off": { "totalCount": 0 } }));

        server.days(29).await;
        assert_eq!(server.state_of(&guest.id).await, "BLOCKED");
        server.days(1).await;
        let user = server.ask("alice", USER, json!({ "id": guest.id })).await["node"].clone();
        assert_eq!((&user["state"], &user["displayName"], &user["email"], &user["issuer"]),
            (&json!("REMOVED"), &json!("Removed guest"), &Value::Null, &json!("")));
        assert_ne!(user["subject"], "paula");
        assert_eq!(server.kinds().await, ["BLOCKED", "REMOVED"]);
        // History and audit keep the id.
        let request = server.ask("alice", held, json!({ "id": guest.request })).await["node"].clone();
        assert_eq!(request["requestor"]["displayName"], "Removed guest");
        let audited = server.ask("alice", "query($target: [ID!]) { auditEvents(filter: {target: $target}) { nodes { action actor { id } } } }",
            json!({ "target": [guest.id] })).await["auditEvents"]["nodes"].clone();
        assert_eq!(audited, json!([{ "action": "user.removed", "actor": null }, { "action": "user.blocked", "actor": null },
            { "action": "user.first_seen", "actor": { "id": guest.id } }]));
        assert!(!server.contents().await.iter().any(|row| row.contains("Paula") || row.contains("paula@")), "erased everywhere");
        for name in ["unblockUser", "reactivateUser", "deactivateUser"] {
            assert_eq!(codes(&server.mutation("alice", name, "user { id }", json!({ "id": guest.id })).await), ["NOT_FOUND"], "{name}");
        }
        // The person comes back as somebody new.
        assert_eq!(server.visit(&server.paula(), VIEWER, json!({})).await["viewer"]["user"], Value::Null);
        assert_eq!(codes(&server.knock(&server.paula(), &guest.package).await), [""; 0]);
        let back = server.visit(&server.paula(), VIEWER, json!({})).await["viewer"]["user"]["id"].clone();
        assert_ne!(back, guest.id);
        server.days(3).await;
        assert_eq!(server.kinds().await, ["BLOCKED", "REMOVED"], "each once");
    }

    async fn something_in_time_keeps_a_guest(server: Server) {
        let guest = server.guest().await;
        server.days(10).await;
        server.days(29).await;
        // A new request in time; the clock runs anew from its end.
        assert_eq!(codes(&server.knock(&server.paula(), &guest.package).await), [""; 0]);
        server.days(5).await;
        assert_eq!(server.state_of(&guest.id).await, "ACTIVE");
        server.days(5).await;
        server.days(29).await;
        assert_eq!(server.state_of(&guest.id).await, "ACTIVE");
        server.days(1).await;
        assert_eq!(server.state_of(&guest.id).await, "BLOCKED");
        // Unblocked, they have the whole time again.
        let unblock = async |who: &str| server.mutation(who, "unblockUser", "user { state }", json!({ "id": guest.id })).await;
        let done = unblock("chloe").await;
        assert_eq!((codes(&done), &done["user"]["state"]), (vec![], &json!("ACTIVE")));
        assert_eq!(codes(&unblock("alice").await), [""; 0], "what is so stays so");
        assert_eq!(server.kinds().await, ["BLOCKED", "UNBLOCKED"]);
        let steps = server.ask("alice", STEPS, json!({ "filter": { "kind": ["UNBLOCKED"] } })).await["guestSteps"].clone();
        assert_eq!((&steps["totalCount"], &steps["nodes"][0]["actor"]["displayName"]), (&json!(1), &json!("Chloé Dubois")));
        assert_eq!(server.visit(&server.paula(), VIEWER, json!({})).await["viewer"]["user"]["id"], guest.id);
        server.days(29).await;
        assert_eq!(server.state_of(&guest.id).await, "ACTIVE");
        // A direct assignment in time keeps them, too.
        let policies = "query($id: ID!) { node(id: $id) { ... on AccessPackage { policies { id } } } }";
        let policy = server.ask("alice", policies, json!({ "id": guest.package })).await["node"]["policies"][0]["id"].clone();
        let input = json!({ "accessPackage": guest.package, "user": guest.id, "policy": policy });
        assert_eq!(codes(&server.mutation("alice", "createAssignment", "accessRequest { id }", input).await), [""; 0]);
        server.days(2).await;
        assert_eq!(server.state_of(&guest.id).await, "ACTIVE");
        // Who is deactivated is neither blocked nor removed, and is not unblocked.
        assert_eq!(codes(&server.mutation("alice", "deactivateUser", "user { id }", json!({ "id": guest.id })).await), [""; 0]);
        server.days(100).await;
        assert_eq!(server.state_of(&guest.id).await, "DEACTIVATED");
        assert_eq!(codes(&unblock("alice").await), ["USER_DEACTIVATED"]);
    }

    async fn the_times_are_the_organizations(server: Server) {
        let settings = "{ organization { version guestBlockAfter guestRemoveAfter } }";
        let before = server.ask("alice", settings, json!({})).await["organization"].clone();
        assert_eq!(before, json!({ "version": 1, "guestBlockAfter": "P30D", "guestRemoveAfter": "P30D" }));
        let update = async |input: Value| server.mutation("alice", "updateOrganization", "organization { guestBlockAfter guestRemoveAfter }", input).await;
        for (bad, field) in [("PT59M", "guestBlockAfter"), ("P3661D", "guestBlockAfter"), ("PT0S", "guestRemoveAfter")] {
            let refused = update(json!({ "version": 1, field: bad })).await;
            assert_eq!((codes(&refused), &refused["userErrors"][0]["field"]), (vec!["INVALID_INPUT"], &json!(["input", field])));
        }
        assert_eq!(server.ask("alice", settings, json!({})).await["organization"], before);
        let guest = server.guest().await;
        let set = update(json!({ "version": 1, "guestBlockAfter": "PT1H", "guestRemoveAfter": "P1D" })).await;
        assert_eq!(set["organization"], json!({ "guestBlockAfter": "PT1H", "guestRemoveAfter": "P1D" }));
        server.days(10).await;
        server.clock.advance(TimeDelta::hours(1));
        server.work().await;
        assert_eq!(server.state_of(&guest.id).await, "ACTIVE", "the last instant is part of it");
        server.clock.advance(TimeDelta::minutes(1));
        server.work().await;
        assert_eq!(server.state_of(&guest.id).await, "BLOCKED");
        server.days(1).await;
        assert_eq!(server.state_of(&guest.id).await, "REMOVED");
    }

    async fn many_guests_end_in_as_many_statements_as_few(server: Server) {
        let package = server.partner_package("Shared", json!({ "requestorScope": "ALL_EXTERNAL_USERS" })).await;
        let mut statements = Vec::new();
        for (round, guests) in [(1, 2), (2, 15)] {
            for number in 0..guests {
                let token = server.outside(&format!("g{round}-{number}"), json!({ "name": format!("Guest {round} {number}") }));
                assert_eq!(codes(&server.knock(&token, &package).await), [""; 0]);
            }
            server.days(10).await;
            server.days(1).await;
            server.clock.advance(TimeDelta::days(29) + TimeDelta::hours(1));
            let before = server.app.database.statement_count();
            guichet::worker::guests::run(&server.app.database).await.unwrap();
            statements.push(server.app.database.statement_count() - before);
            let blocked = server.ask("alice", "{ users(filter: {state: [BLOCKED]}) { totalCount } }", json!({})).await;
            assert_eq!(blocked["users"]["totalCount"], guests, "round {round}");
            server.days(31).await;
        }
        assert_eq!(statements[0], statements[1]);
    }
}
