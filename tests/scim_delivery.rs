//! The main job, end to end, to a SCIM server that nobody here wrote.
//!
//! An administrator builds a catalog through the API; members request the package; the server is
//! taken away, fails and throttles; a manager reprocesses in bulk; in the end the server's own
//! membership is exactly what Guichet says, with nobody listed twice.

use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::harness::fault_proxy::{FaultProxy, Mode};
pub use crate::harness::scim_world::TOKEN;
use crate::harness::{Server, codes, npm};

const PEOPLE: [&str; 6] = ["goran", "hana", "ivan", "judith", "karim", "lena"];

impl Server {
    /// A package over the group `team` of a SCIM server, built through the API alone.
    pub async fn scim_package(&self, base_url: &str) -> (Value, Value) {
        let connector = self
            .build(
                "createConnector",
                "connector { id kind hasSecret version }",
                json!({
                    "kind": "SCIM", "displayName": "Cloud", "baseUrl": base_url, "secret": TOKEN,
                }),
            )
            .await["connector"]
            .clone();
        assert_eq!(connector["hasSecret"], true);
        let tested = self
            .build("testConnector", "failure { code } connector { health }", json!({ "id": connector["id"] }))
            .await;
        assert_eq!((&tested["failure"], &tested["connector"]["health"]), (&Value::Null, &json!("HEALTHY")));
        let catalog = self.build("createCatalog", "catalog { id }", json!({ "displayName": "Cloud" })).await
            ["catalog"]["id"]
            .clone();
        let closed = json!({ "input": { "catalog": catalog, "connector": connector["id"], "kind": "GROUP", "displayName": "Team", "originId": "team" } });
        let query = "mutation($input: CreateResourceInput!) { createResource(input: $input) { resource { id roles { id } } userErrors { code } } }";
        let refused = self.ask("alice", query, closed.clone()).await;
        assert_eq!(codes(&refused["createResource"]), ["TARGET_NOT_OPENED"]);
        self.build(
            "openConnector",
            "connector { openings { targets } }",
            json!({ "connector": connector["id"], "catalog": catalog, "targets": ["team"] }),
        )
        .await;
        let resource = self.ask("alice", query, closed).await["createResource"]["resource"].clone();
        let package = self
            .build("createAccessPackage", "accessPackage { id }", json!({
                "catalog": catalog, "displayName": "Team access", "resourceRoles": [resource["roles"][0]["id"]],
            }))
            .await["accessPackage"]["id"]
            .clone();
        self.build(
            "createAssignmentPolicy",
            "assignmentPolicy { id }",
            json!({
                "accessPackage": package, "displayName": "Everybody", "requestorScope": "ALL_MEMBERS",
                "expiration": { "afterDuration": "P30D" },
            }),
        )
        .await;
        (connector["id"].clone(), package)
    }

    /// The requests of a package: state and the one delivery's error, attempts and next try.
    async fn requests_for(&self, package: &Value) -> Vec<Value> {
        let query = "query($p: [ID!]) { accessRequests(filter: {accessPackage: $p, type: [USER_ADD]}, first: 100) { nodes {
            id state requestor { displayName } assignment { id state } deliveries { operation state attemptCount nextAttemptAt lastError { code message remoteStatus } } } } }";
        self.ask("alice", query, json!({ "p": [package] })).await["accessRequests"]["nodes"]
            .as_array()
            .unwrap()
            .clone()
    }

    async fn states_of(&self, package: &Value) -> Vec<String> {
        let mut states: Vec<String> = self
            .requests_for(package)
            .await
            .iter()
            .map(|row| row["state"].as_str().unwrap().to_owned())
            .collect();
        states.sort();
        states.dedup();
        states
    }

    async fn reprocess_all(&self, ids: &[Value]) -> Value {
        let query = "mutation($ids: [ID!]!) { reprocessAccessRequests(input: {selection: {ids: $ids}}) {
            bulkOperation { acceptedCount rejectedCount } userErrors { code } } }";
        self.ask("alice", query, json!({ "ids": ids })).await["reprocessAccessRequests"]["bulkOperation"]
            .clone()
    }
}

/// The names of the members that the SCIM server lists, as often as it lists them.
pub async fn listed(origin: &str) -> Vec<String> {
    let client = reqwest::Client::new();
    let get = |path: &str| client.get(format!("{origin}/{path}")).send();
    let users: Vec<Value> = get("__users").await.unwrap().json().await.unwrap();
    let groups: Vec<Value> = get("__groups").await.unwrap().json().await.unwrap();
    let team = groups.iter().find(|group| group["id"] == "team").unwrap();
    let members = team["members"].as_array().cloned().unwrap_or_default();
    let name = |member: &Value| {
        let user = users.iter().find(|user| user["id"] == member["value"]).unwrap();
        user["displayName"].as_str().unwrap().to_owned()
    };
    let mut names: Vec<String> = members.iter().map(name).collect();
    names.sort();
    names
}

on_both_databases! {
    async fn a_delivery_survives_everything_that_happens_to_a_remote(server: Server) {
        let Some(peer) = npm::Script::start("scim", "server.mjs", &[TOKEN]) else { return };
        let line: Value = serde_json::from_str(&peer.first_line).unwrap();
        let origin = format!("http://127.0.0.1:{}", line["port"]);
        reqwest::Client::new().post(format!("{origin}/__groups")).json(&json!({ "id": "team", "displayName": "Team" })).send().await.unwrap();
        let proxy = FaultProxy::start(&origin).await;
        let (connector, package) = server.scim_package(&format!("{}/scim/v2", proxy.origin())).await;

        // All is well for the first.
        server.ask_for(PEOPLE[0], &package).await;
        server.work().await;
        assert_eq!(listed(&origin).await, ["Göran Lindqvist"]);

        // The server is taken away: the delivery waits, with a pause that grows.
        proxy.set(Mode::Down);
        let waiting = server.ask_for(PEOPLE[1], &package).await;
        server.work().await;
        let row = server.requests_for(&package).await.into_iter().find(|row| row["id"] == waiting).unwrap();
        assert_eq!(row["state"], "DELIVERING");
        assert_eq!(row["deliveries"][0]["lastError"]["code"], "REMOTE_UNAVAILABLE");
        assert_ne!(row["deliveries"][0]["nextAttemptAt"], Value::Null);

        // It comes back throttled: what it asks for is respected, even by "retry now".
        proxy.set(Mode::Throttle("7200".to_owned()));
        server.clock.advance(TimeDelta::seconds(31));
        server.work().await;
        let row = server.requests_for(&package).await.into_iter().find(|row| row["id"] == waiting).unwrap();
        assert_eq!(row["deliveries"][0]["lastError"]["code"], "REMOTE_THROTTLED");
        assert_eq!(row["deliveries"][0]["lastError"]["remoteStatus"], 429);
        proxy.set(Mode::Pass);
        assert_eq!(server.reprocess_all(std::slice::from_ref(&waiting)).await["acceptedCount"], 1);
        server.work().await;
        assert_eq!(listed(&origin).await.len(), 1, "two hours were asked for");
        server.clock.advance(TimeDelta::hours(2));
        server.work().await;
        assert_eq!(listed(&origin).await, ["Göran Lindqvist", "Hana Sato"]);

        // It answers 500 for longer than the budget: given up.
        proxy.set(Mode::Status(500));
        let mut failed = Vec::new();
        for person in &PEOPLE[2..] {
            failed.push(server.ask_for(person, &package).await);
        }
        for _ in 0..20 {
            server.work().await;
            server.clock.advance(TimeDelta::minutes(61));
        }
        server.work().await;
        assert_eq!(server.states_of(&package).await, ["DELIVERED", "DELIVERY_FAILED"]);
        let rows = server.requests_for(&package).await;
        let row = rows.iter().find(|row| row["id"] == failed[0]).unwrap();
        assert_eq!(row["deliveries"][0]["lastError"]["remoteStatus"], 500);
        assert!(row["deliveries"][0]["attemptCount"].as_i64().unwrap() > 5);
        assert!(!row.to_string().contains(TOKEN));

        // It is back, but loses answers: reprocess in bulk, and again what failed.
        proxy.set(Mode::SwallowAnswer(axum::http::Method::PATCH));
        assert_eq!(server.reprocess_all(&failed).await["acceptedCount"], failed.len());
        server.work().await;
        proxy.set(Mode::Pass);
        for _ in 0..6 {
            server.clock.advance(TimeDelta::minutes(10));
            server.work().await;
        }
        assert_eq!(server.states_of(&package).await, ["DELIVERED"]);

        // The server's own membership is what Guichet says: equal, and nobody twice.
        let mut held: Vec<String> = server.requests_for(&package).await.iter()
            .map(|row| row["requestor"]["displayName"].as_str().unwrap().to_owned()).collect();
        held.sort();
        assert_eq!(held.len(), PEOPLE.len());
        assert_eq!(listed(&origin).await, held);

        // Revoked while the server is away: removing never gives up.
        proxy.set(Mode::Down);
        let assignment = server.requests_for(&package).await[0]["assignment"]["id"].clone();
        let revoked = server.ask("alice", "mutation($id: ID!) { revokeAssignment(input: {id: $id}) {
            assignment { state user { displayName } } userErrors { code } } }", json!({ "id": assignment })).await;
        assert_eq!(revoked["revokeAssignment"]["assignment"]["state"], "REVOKING");
        for _ in 0..30 {
            server.work().await;
            server.clock.advance(TimeDelta::hours(2));
        }
        proxy.set(Mode::Pass);
        server.work().await;
        let gone = revoked["revokeAssignment"]["assignment"]["user"]["displayName"].as_str().unwrap();
        held.retain(|name| name != gone);
        assert_eq!(listed(&origin).await, held);

        // And on its day, everybody's access ends.
        server.clock.advance(TimeDelta::days(40));
        server.work().await;
        assert!(listed(&origin).await.is_empty());
        let health = server.ask("alice", "query($id: ID!) { node(id: $id) { ... on Connector { health } } }", json!({ "id": connector })).await;
        assert_eq!(health["node"]["health"], "HEALTHY");
    }
}
