//! Each kind of work runs on its own, and tells how it goes.

use std::time::Duration;

use chrono::TimeDelta;
use serde_json::{Value, json};
use tokio::sync::oneshot;

use super::Queue;
use crate::harness::{Kind, Server};

/// Nothing can be claimed any more.
fn fault(kind: Kind) -> Vec<&'static str> {
    match kind {
        Kind::Sqlite => {
            vec![
                "CREATE TRIGGER fault BEFORE UPDATE ON delivery WHEN NEW.lease IS NOT NULL BEGIN SELECT RAISE(ABORT, 'a fault'); END",
            ]
        }
        Kind::Postgres => vec![
            "CREATE FUNCTION fault() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''a fault''; END'",
            "CREATE TRIGGER fault BEFORE UPDATE ON delivery FOR EACH ROW WHEN (NEW.lease IS NOT NULL) EXECUTE FUNCTION fault()",
        ],
    }
}

fn repair(kind: Kind) -> &'static str {
    match kind {
        Kind::Sqlite => "DROP TRIGGER fault",
        Kind::Postgres => "DROP TRIGGER fault ON delivery",
    }
}

impl Server {
    /// What `/readyz` says of a kind of work.
    async fn told_of(&self, kind: &str) -> Value {
        let (status, body) = self.ready().await;
        assert_eq!(status, 200, "{body}");
        let body: Value = serde_json::from_str(&body).unwrap();
        assert_eq!(body["status"], "ready");
        body["work"].as_array().unwrap().iter().find(|work| work["kind"] == kind).unwrap().clone()
    }

    /// Asks `/readyz` until it says so of a kind of work.
    async fn tells(&self, kind: &str, what: impl Fn(&Value) -> bool) -> Value {
        let asked = async {
            loop {
                let told = self.told_of(kind).await;
                if what(&told) {
                    return told;
                }
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(60), asked).await.unwrap_or_else(|_| panic!("{kind}"))
    }
}

on_both_databases! {
    async fn d27_a_kind_of_work_that_fails_does_not_keep_the_others_waiting(server: Server) {
        server.queue(Queue::Deliveries).await;
        server.queue(Queue::Mails).await;
        for text in fault(server.kind) {
            server.sql(text).await;
        }
        server.clock.advance(TimeDelta::days(4));
        assert!(server.app.worker.run_due().await.is_err(), "the error is told at the end");
        // A round does these after the deliveries.
        let unsent = "SELECT CAST(count(*) AS text) FROM notification WHERE mail_state = 'PENDING' AND created_at < '2026-09-22'";
        assert_eq!(server.rows(unsent.to_owned()).await, ["0"], "mails without a mail server wait no more");
        let unsealed = "SELECT CAST(count(*) AS text) FROM audit_event WHERE sequence IS NULL";
        assert_eq!(server.rows(unsealed.to_owned()).await, ["0"], "what happened is sealed");
        server.sql(repair(server.kind)).await;
        server.work().await;
        assert!(server.members("frontend").await.contains(&"Karim Benali".to_owned()));
    }

    async fn d27_the_health_check_says_how_each_kind_of_work_goes(server: Server) {
        for text in fault(server.kind) {
            server.sql(text).await;
        }
        let (stop, stopped) = oneshot::channel::<()>();
        let worker = server.app.worker.clone();
        let running = tokio::spawn(async move { worker.run(async { drop(stopped.await) }).await });
        let well = server.tells("deliveries", |told| told["lastSucceededAt"].is_string()).await;
        assert_eq!((&well["failingSince"], &well["due"], &well["oldestDueAt"]), (&Value::Null, &json!(0), &Value::Null));
        server.queue(Queue::Deliveries).await;
        let failing = server.tells("deliveries", |told| told["failingSince"].is_string()).await;
        assert_eq!((&failing["due"], &failing["dueIsCapped"]), (&json!(1), &json!(false)));
        assert!(failing["oldestDueAt"].is_string(), "{failing}");
        for kind in ["recovery", "assignments", "approvals", "bulkOperations", "tokens", "digests", "purge", "guests", "notices",
            "mails", "signInCodes", "webhooks", "sealing"] {
            let told = server.tells(kind, |told| told["lastSucceededAt"].is_string()).await;
            assert_eq!(told["failingSince"], Value::Null, "{kind}");
        }
        server.sql(repair(server.kind)).await;
        server.tells("deliveries", |told| told["failingSince"].is_null() && told["due"] == 0).await;
        drop(stop);
        running.await.unwrap();
        assert!(server.members("frontend").await.contains(&"Karim Benali".to_owned()));
        // For `guichet doctor`, which is another process.
        let noted = "SELECT CAST(count(*) AS text) FROM installation WHERE key LIKE 'work.%'";
        assert_ne!(server.rows(noted.to_owned()).await, ["0"]);
    }
}
