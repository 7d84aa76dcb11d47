//! What must hold whatever happens, walked at random.
//!
//! Two packages share a role. People get and lose them in any order, while the groups come and
//! go and time passes. In the end, when everything is well again and nothing is due, a person is
//! in a group exactly when an assignment that is current gave it, or they were in it before.

use chrono::TimeDelta;
use guichet::domain::delivery::outcome::{End, Finish};
use guichet::store;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde_json::{Value, json};

use crate::harness::Server;

#[derive(Clone, Copy, Debug)]
enum Step {
    Ask(usize),
    Revoke(usize),
    Cancel(usize),
    Break,
    Repair,
    Work,
    Wait(i64),
    Reprocess,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (0..2usize).prop_map(Step::Ask),
        2 => (0..2usize).prop_map(Step::Revoke),
        1 => (0..2usize).prop_map(Step::Cancel),
        1 => Just(Step::Break),
        1 => Just(Step::Repair),
        3 => Just(Step::Work),
        1 => prop_oneof![Just(1i64), Just(40), Just(500)].prop_map(Step::Wait),
        1 => Just(Step::Reprocess),
    ]
}

/// Walks of a fixed seed: the same on every machine.
fn walks(count: usize) -> Vec<Vec<Step>> {
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let walk = prop::collection::vec(step(), 4..18);
    (0..count).map(|_| walk.new_tree(&mut runner).unwrap().current()).collect()
}

const PACKAGES: [&str; 2] = ["Frontend engineer", "Campaign editor"];

impl Server {
    async fn mutate(&self, subject: &str, query: &str, variables: Value) {
        // A step that the rules refuse is a step that does nothing.
        let _ = self.ask_with(&self.token(subject), query, variables).await;
    }

    async fn own(&self, subject: &str) -> Value {
        self.ask(subject, "{ viewer { assignments(first: 100) { nodes { id state accessPackage { displayName } } }
            accessRequests(first: 100) { nodes { id state type accessPackage { displayName } viewerCanCancel } } } }", json!({})).await["viewer"].clone()
    }

    async fn walk(&self, subject: &str, step: Step) {
        match step {
            Step::Ask(at) => {
                let package = self.package(PACKAGES[at]).await;
                self.mutate(subject, "mutation($p: ID!) { submitAccessRequest(input: {accessPackage: $p}) { userErrors { code } } }", json!({ "p": package })).await;
            }
            Step::Revoke(at) => {
                let own = self.own(subject).await;
                for assignment in own["assignments"]["nodes"].as_array().unwrap() {
                    if assignment["accessPackage"]["displayName"] == PACKAGES[at] {
                        self.mutate("alice", "mutation($id: ID!) { revokeAssignment(input: {id: $id}) { userErrors { code } } }", json!({ "id": assignment["id"] })).await;
                    }
                }
            }
            Step::Cancel(at) => {
                let own = self.own(subject).await;
                for request in own["accessRequests"]["nodes"].as_array().unwrap() {
                    if request["accessPackage"]["displayName"] == PACKAGES[at] && request["viewerCanCancel"] == true {
                        self.mutate(subject, "mutation($id: ID!) { cancelAccessRequest(input: {id: $id}) { userErrors { code } } }", json!({ "id": request["id"] })).await;
                    }
                }
            }
            Step::Break => self.sql("UPDATE directory_group SET origin_id = 'gone-' || origin_id WHERE origin_id = 'frontend'").await,
            Step::Repair => self.sql("UPDATE directory_group SET origin_id = 'frontend' WHERE origin_id = 'gone-frontend'").await,
            Step::Work => self.work().await,
            Step::Wait(minutes) => self.clock.advance(TimeDelta::minutes(minutes)),
            Step::Reprocess => {
                let own = self.own(subject).await;
                let ids: Vec<Value> = own["accessRequests"]["nodes"].as_array().unwrap().iter().map(|row| row["id"].clone()).collect();
                self.mutate("alice", "mutation($ids: [ID!]) { reprocessAccessRequests(input: {selection: {ids: $ids}}) { userErrors { code } } }", json!({ "ids": ids })).await;
            }
        }
    }
}

on_both_databases! {
    /// A worker that finds nothing to do must not wake itself: it would never rest.
    async fn who_has_nothing_to_do_wakes_nobody(server: Server) {
        let is_told = async || {
            let told = server.app.database.committed().notified();
            server.work().await;
            tokio::time::timeout(std::time::Duration::ZERO, told).await.is_ok()
        };
        is_told().await;
        assert!(!is_told().await, "nothing was due");
        server.clock.advance(chrono::TimeDelta::days(30));
        assert!(is_told().await, "requests are denied for their time");
    }

    async fn membership_is_what_the_assignments_say(server: Server) {
        // "Campaign editor" gives the role of "Frontend engineer", too.
        server.sql("INSERT INTO access_package_resource_role (access_package_id, resource_role_id, created_at)
            SELECT p.id, t.id, p.created_at FROM access_package p, resource_role t JOIN resource s ON s.id = t.resource_id
            WHERE p.display_name = 'Campaign editor' AND s.origin_id = 'frontend'").await;
        // Bruno was in the group before anything was given.
        server.sql("INSERT INTO directory_member (group_id, user_id, role, created_at)
            SELECT g.id, u.id, 'member', g.created_at FROM directory_group g, app_user u
            WHERE g.origin_id = 'frontend' AND u.subject = 'bruno'").await;
        let people = [("bruno", "Bruno Keller"), ("farah", "Farah Haddad"), ("goran", "Göran Lindqvist"), ("karim", "Karim Benali")];
        for (at, walk) in walks(8).into_iter().enumerate() {
            let (subject, name) = people[at % people.len()];
            for step in &walk {
                server.walk(subject, *step).await;
            }
            server.walk(subject, Step::Repair).await;
            for _ in 0..4 {
                server.work().await;
                server.clock.advance(TimeDelta::hours(25));
            }
            server.work().await;
            let own = server.own(subject).await;
            let holds = |package: &[&str]| own["assignments"]["nodes"].as_array().unwrap().iter().any(|row| {
                row["state"] == "DELIVERED" && package.contains(&row["accessPackage"]["displayName"].as_str().unwrap())
            });
            for row in own["assignments"]["nodes"].as_array().unwrap() {
                assert!(row["state"] != "REVOKING" && row["state"] != "DELIVERING", "{walk:?}: {own}");
            }
            // A partial assignment may hold the role or not: only what is certain is asserted.
            let partial = own["assignments"]["nodes"].as_array().unwrap().iter().any(|row| row["state"] == "PARTIALLY_DELIVERED");
            let frontend = server.members("frontend").await;
            let listed = frontend.iter().filter(|member| *member == name).count();
            let expected = usize::from(holds(&PACKAGES) || subject == "bruno");
            if !partial {
                assert_eq!(listed, expected, "{subject} {walk:?}: {own}");
            }
            let campaigns = server.members("campaigns").await;
            if !partial {
                assert_eq!(campaigns.contains(&name.to_owned()), holds(&PACKAGES[1..]), "{subject} {walk:?}: {own}");
            }
        }
    }

    async fn what_a_dead_worker_held_is_done_by_another_and_written_once(server: Server) {
        let package = server.package("Frontend engineer").await;
        server.mutate("karim", "mutation($p: ID!) { submitAccessRequest(input: {accessPackage: $p}) { userErrors { code } } }", json!({ "p": package })).await;
        let database = &server.app.database;
        let lease = server.clock.id();
        let claimed = store::delivery::claim(database, lease).await.unwrap();
        assert_eq!(claimed.len(), 1);
        // While the lease lasts, nobody else takes it.
        server.work().await;
        assert!(!server.members("frontend").await.contains(&"Karim Benali".to_owned()));
        server.clock.advance(TimeDelta::seconds(61));
        server.work().await;
        assert!(server.members("frontend").await.contains(&"Karim Benali".to_owned()));
        // The first worker comes back: its end is not written any more.
        let late = Finish {
            delivery: claimed[0].delivery.clone(),
            lease,
            grant: claimed[0].grant.clone(),
            began_absent: claimed[0].began_absent,
            account: None,
            started_at: server.clock.now(),
            end: End::Failed {
                code: entity::delivery::DeliveryErrorCode::RejectedByRemote,
                message: "Too late.".to_owned(),
                status: None,
                retry_after: None,
                uncertain: false,
            },
            jitter: 0.5,
        };
        assert!(!database.write(&late).await.unwrap_or(true));
        let request = server.own("karim").await["accessRequests"]["nodes"][0].clone();
        assert_eq!(request["state"], "DELIVERED");
        let attempts = server.ask("alice", "query($id: ID!) { node(id: $id) { ... on AccessRequest { deliveries {
            attemptCount existedBefore attempts { totalCount nodes { number outcome } } } } } }", json!({ "id": request["id"] })).await;
        let delivery = &attempts["node"]["deliveries"][0];
        assert_eq!(delivery["attemptCount"], 2);
        assert_eq!(delivery["attempts"]["nodes"], json!([{ "number": 2, "outcome": "SUCCEEDED" }]));
    }

    async fn deliveries_of_one_person_and_role_run_in_order(server: Server) {
        // The group is away: the add waits for its group; the removal must wait for the add.
        server.sql("UPDATE connector SET enabled = FALSE WHERE display_name = 'Company directory'").await;
        server.walk("karim", Step::Ask(0)).await;
        let database = &server.app.database;
        server.sql("UPDATE connector SET enabled = TRUE WHERE display_name = 'Company directory'").await;
        let claimed = store::delivery::claim(database, server.clock.id()).await.unwrap();
        assert_eq!(claimed.len(), 1);
        // Revoked while it is being tried: the removal is queued behind it.
        server.walk("karim", Step::Revoke(0)).await;
        assert!(store::delivery::claim(database, server.clock.id()).await.unwrap().is_empty());
        server.clock.advance(TimeDelta::seconds(61));
        server.work().await;
        let own = server.own("karim").await;
        let states: Vec<&str> = own["assignments"]["nodes"].as_array().unwrap().iter()
            .filter(|row| row["accessPackage"]["displayName"] == "Frontend engineer")
            .map(|row| row["state"].as_str().unwrap()).collect();
        assert_eq!(states, ["ENDED"]);
        assert!(!server.members("frontend").await.contains(&"Karim Benali".to_owned()));
    }
}
