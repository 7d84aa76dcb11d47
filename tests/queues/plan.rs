//! A claim costs the same whatever waits and whatever was delivered before.

use guichet::store;
use sea_orm::{ConnectOptions, ConnectionTrait as _};

use super::Queue;
use crate::harness::Kind;

/// How many deliveries wait for one group.
const WAITING: u32 = 20_000;
/// How many were delivered before.
const DELIVERED: u32 = 100_000;

/// Copies the one delivery that there is, for people who need not exist.
fn copies(kind: Kind, count: u32, changes: &[(&str, &str)]) -> String {
    let columns = [
        "id",
        "organization_id",
        "request_id",
        "assignment_id",
        "user_id",
        "resource_role_id",
        "connector_id",
        "operation",
        "state",
        "attempt_count",
        "attempt_in_round",
        "round",
        "due_at",
        "created_at",
    ];
    let (id, series) = match kind {
        Kind::Sqlite => (
            "CAST(X'FF' || randomblob(15) AS blob)",
            format!("WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < {count})"),
        ),
        Kind::Postgres => (
            "overlay(gen_random_uuid()::text placing 'ff' from 1)::uuid",
            format!("WITH n AS (SELECT * FROM generate_series(1, {count}) AS n)"),
        ),
    };
    let value = |column: &&str| match changes.iter().find(|(name, _)| name == column) {
        Some((_, value)) => (*value).to_owned(),
        None if matches!(*column, "id" | "user_id") => id.to_owned(),
        None => format!("d.{column}"),
    };
    let values: Vec<String> = columns.iter().map(value).collect();
    // The two databases want the common table at different places.
    let insert = format!("INSERT INTO delivery ({})", columns.join(", "));
    let select = format!(
        "SELECT {} FROM (SELECT * FROM delivery WHERE due_at IS NOT NULL ORDER BY id LIMIT 1) d CROSS JOIN n",
        values.join(", ")
    );
    format!("{insert} {series} {select}")
}

on_both_databases! {
    async fn d09_a_claim_reads_small_indexes_only(server: Server) {
        let mut options = ConnectOptions::new(server.database_settings().url);
        options.max_connections(1);
        let direct = sea_orm::Database::connect(options).await.unwrap();
        // Statistics from before: of a table with next to nothing in it. SQLite has none unless somebody makes them.
        let prepare: &[&str] = match server.kind {
            Kind::Sqlite => &["PRAGMA foreign_keys = OFF"],
            Kind::Postgres => &[
                "ALTER TABLE delivery SET (autovacuum_enabled = false)",
                "VACUUM ANALYZE delivery",
                "SET session_replication_role = replica",
            ],
        };
        for text in prepare {
            direct.execute_unprepared(text).await.unwrap();
        }
        server.queue(Queue::Deliveries).await;
        let is_one_of = |plan: &[String], names: &[&str]| {
            plan.iter().any(|line| names.iter().any(|name| line.contains(name)))
        };
        for (what, count, changes) in [
            ("a history", DELIVERED, vec![("state", "'SUCCEEDED'"), ("due_at", "NULL")]),
            ("a queue for one group", WAITING, vec![]),
            ("a queue for later", WAITING, vec![("due_at", "'2027-01-01T00:00:00+00:00'"), ("attempt_in_round", "1")]),
        ] {
            direct.execute_unprepared(&copies(server.kind, count, &changes)).await.unwrap();
            let plan = store::delivery::claim_plan(&server.app.database).await.unwrap();
            let whole = match server.kind {
                Kind::Sqlite => plan.iter().any(|line| {
                    ["SCAN d", "SCAN e", "SCAN o", "SCAN q", "SCAN delivery"].iter().any(|scan| {
                        line.trim_start() == *scan || line.starts_with(&format!("{scan} "))
                    }) && !line.contains("delivery_queue") && !line.contains("delivery_leased")
                }),
                Kind::Postgres => is_one_of(&plan, &["Seq Scan on delivery"]),
            };
            assert!(!whole, "{what}: {plan:#?}");
            // What one person was ever given of one role is little.
            let history = ["delivery_role", "delivery_request", "delivery_assignment"];
            assert!(!is_one_of(&plan, &history), "{what}: {plan:#?}");
        }
        // The one with a user is the oldest of them; the others wait for the same group.
        store::delivery::claim_plan(&server.app.database).await.unwrap();
        let begun = std::time::Instant::now();
        let claimed = store::delivery::claim(&server.app.database, server.clock.id()).await.unwrap();
        eprintln!("{:?}: a claim beside {WAITING} for one group took {:?}", server.kind, begun.elapsed());
        assert_eq!(claimed.len(), 1);
    }

    async fn d09_a_long_queue_for_one_group_hides_no_other(server: Server) {
        let mut options = ConnectOptions::new(server.database_settings().url);
        options.max_connections(1);
        let direct = sea_orm::Database::connect(options).await.unwrap();
        let off = match server.kind {
            Kind::Sqlite => "PRAGMA foreign_keys = OFF",
            Kind::Postgres => "SET session_replication_role = replica",
        };
        direct.execute_unprepared(off).await.unwrap();
        server.queue(Queue::Deliveries).await;
        direct.execute_unprepared(&copies(server.kind, 2_000, &[])).await.unwrap();
        let package = server.package("Board papers").await;
        let policy = server.policy_of(&package).await;
        let people = server.people("Person", 1).await;
        let input = serde_json::json!({ "accessPackage": package, "policy": policy, "user": people[0] });
        server.mutation("alice", "createAssignment", "accessRequest { id }", input).await;
        let claimed = store::delivery::claim(&server.app.database, server.clock.id()).await.unwrap();
        let names: Vec<&str> = claimed.iter().map(|claimed| claimed.user.display_name.as_str()).collect();
        assert!(names.contains(&"Karim Benali") && names.contains(&"Person 0"), "{names:?}");
        assert!(claimed.len() <= 8);
    }
}
