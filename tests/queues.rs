//! The queues of the worker: claimed once, whatever the clock does, and each on its own.

mod apart;
mod plan;
mod twice;

use chrono::TimeDelta;
use guichet::store::{self, StoreError};
use serde_json::json;

use crate::harness::{Kind, Server};

/// A queue whose rows are claimed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Queue {
    Deliveries,
    Mails,
    SignInCodes,
    Webhooks,
}

impl Queue {
    pub const ALL: [Self; 4] = [Self::Deliveries, Self::Mails, Self::SignInCodes, Self::Webhooks];

    pub fn table(self) -> &'static str {
        match self {
            Self::Deliveries => "delivery",
            Self::Mails => "notification",
            Self::SignInCodes => "sign_in_code",
            Self::Webhooks => "webhook_delivery",
        }
    }

    /// What an attempt that failed leaves, apart from its lease and when it is due.
    fn failed_at(self, at: &str) -> String {
        match self {
            Self::Deliveries => format!("state = 'PENDING', error_at = '{at}'"),
            Self::Mails => format!("error_at = '{at}'"),
            Self::SignInCodes => format!("asked_at = '{at}'"),
            Self::Webhooks => format!("attempted_at = '{at}'"),
        }
    }
}

impl Server {
    /// Runs a statement that was made while running.
    pub async fn run_sql(&self, text: String) {
        self.sql(text.leak()).await;
    }

    fn at(&self, ahead: TimeDelta) -> String {
        (self.clock.now() + ahead).to_rfc3339()
    }

    /// Adds a row to a queue that is due now, and is the only one that waits.
    pub async fn queue(&self, queue: Queue) {
        self.run_sql(format!("UPDATE {} SET due_at = NULL, lease = NULL", queue.table())).await;
        let (now, later) = (self.at(TimeDelta::zero()), self.at(TimeDelta::minutes(10)));
        let id = match self.kind {
            Kind::Sqlite => "randomblob(16)",
            Kind::Postgres => "gen_random_uuid()",
        };
        let karim = "FROM app_user u WHERE u.display_name = 'Karim Benali'";
        match queue {
            Queue::Deliveries => {
                let package = self.package("Frontend engineer").await;
                self.ask_for("karim", &package).await;
            }
            Queue::Mails => {
                self.run_sql(format!(
                    "INSERT INTO notification (id, organization_id, user_id, kind, content, created_at, mail_state, attempt_count, due_at)
                     SELECT {id}, u.organization_id, u.id, 'ASSIGNMENT_REVOKED', '{{}}', '{now}', 'PENDING', 0, '{now}' {karim}"
                ))
                .await;
            }
            Queue::SignInCodes => {
                self.run_sql(format!(
                    "INSERT INTO sign_in_code (organization_id, address, id, code, expires_at, tries_left, asked_at, ask_count, due_at, attempt_count)
                     SELECT u.organization_id, 'paula@adatum.example', {id}, 'sealed', '{later}', 5, '{now}', 1, '{now}', 0 {karim}"
                ))
                .await;
            }
            Queue::Webhooks => {
                self.run_sql(format!(
                    "INSERT INTO webhook (id, organization_id, display_name, name_key, url, secret, enabled, created_by_id, version, created_at)
                     SELECT {id}, u.organization_id, 'Chat', 'chat', 'https://chat.example', 'sealed', TRUE, u.id, 1, '{now}' {karim}"
                ))
                .await;
                self.run_sql(format!(
                    "INSERT INTO webhook_delivery (id, organization_id, webhook_id, action, request_id, body, state, attempt_count, attempt_in_round,
                         retry_until, due_at, created_at)
                     SELECT {id}, w.organization_id, w.id, 'CREATED', w.id, '{{}}', 'PENDING', 0, 0, '{later}', '{now}', '{now}' FROM webhook w"
                ))
                .await;
            }
        }
    }

    /// Claims what is due of a queue; returns how much.
    pub async fn claims(&self, queue: Queue) -> usize {
        self.try_to_claim(queue).await.unwrap()
    }

    pub async fn try_to_claim(&self, queue: Queue) -> Result<usize, StoreError> {
        let (database, lease) = (&self.app.database, self.clock.id());
        Ok(match queue {
            Queue::Deliveries => store::delivery::claim(database, lease).await?.len(),
            Queue::Mails => store::notification::claim(database, lease).await?.len(),
            Queue::SignInCodes => store::sign_in_code::claim(database, lease).await?.len(),
            Queue::Webhooks => store::webhook_delivery::claim(database, lease).await?.len(),
        })
    }

    /// How many rows are due.
    async fn is_due(&self, queue: Queue) -> i64 {
        let database = &self.app.database;
        let waiting = match queue {
            Queue::Deliveries => store::delivery::waiting(database).await,
            Queue::Mails => store::notification::waiting(database).await,
            Queue::SignInCodes => store::sign_in_code::waiting(database).await,
            Queue::Webhooks => store::webhook_delivery::waiting(database).await,
        };
        waiting.unwrap().due
    }
}

/// How far the clock is set back.
const BACK: TimeDelta = TimeDelta::days(-400);

on_both_databases! {
    async fn d24_what_a_clock_that_was_set_back_has_stranded_is_done_within_its_usual_pause(server: Server) {
        for queue in Queue::ALL {
            let table = queue.table();
            server.queue(queue).await;
            assert_eq!(server.is_due(queue).await, 1, "{table}");

            // It waited, and was never tried.
            server.clock.advance(BACK);
            assert_eq!(server.claims(queue).await, 0, "{table}");
            assert_eq!(guichet::worker::recover::run(&server.app.database).await.unwrap(), 1, "{table}");
            assert_eq!(server.claims(queue).await, 1, "{table}: never tried");

            // It was being tried by a worker that is dead by now.
            server.clock.advance(BACK);
            assert_eq!(guichet::worker::recover::run(&server.app.database).await.unwrap(), 1, "{table}");
            assert_eq!(server.claims(queue).await, 0, "{table}: its holder may be alive");
            server.clock.advance(TimeDelta::seconds(60));
            assert_eq!(server.claims(queue).await, 1, "{table}: a dead lease");

            // It has failed, and waits for its next try.
            let (failed, due) = (server.at(TimeDelta::zero()), server.at(TimeDelta::seconds(90)));
            let after = queue.failed_at(&failed);
            server.run_sql(format!("UPDATE {table} SET {after}, lease = NULL, due_at = '{due}' WHERE lease IS NOT NULL")).await;
            assert_eq!(guichet::worker::recover::run(&server.app.database).await.unwrap(), 0, "{table}: that is its back-off");
            server.clock.advance(BACK);
            assert_eq!(guichet::worker::recover::run(&server.app.database).await.unwrap(), 1, "{table}");
            assert_eq!(server.claims(queue).await, 1, "{table}: failed before the clock was set back");
            server.run_sql(format!("UPDATE {table} SET due_at = NULL, lease = NULL")).await;
        }
    }

    async fn d24_a_dead_lease_in_the_future_keeps_nobody_from_the_same_group(server: Server) {
        let package = server.package("Frontend engineer").await;
        server.ask_for("karim", &package).await;
        assert_eq!(server.claims(Queue::Deliveries).await, 1);
        server.clock.advance(BACK);
        server.ask_for("lena", &package).await;
        server.work().await;
        server.clock.advance(TimeDelta::seconds(60));
        server.work().await;
        let members = server.members("frontend").await;
        for name in ["Karim Benali", "Lena Fischer"] {
            assert!(members.contains(&name.to_owned()), "{name}: {members:?}");
        }
    }

    async fn d24_a_failing_connector_is_tried_again_after_the_clock_was_set_back(server: Server) {
        server.queue(Queue::Deliveries).await;
        let now = server.at(TimeDelta::zero());
        server.run_sql(format!("UPDATE connector SET failures_in_row = 5, health = 'FAILING', health_checked_at = '{now}'")).await;
        assert_eq!(server.claims(Queue::Deliveries).await, 0, "it rests");
        server.clock.advance(BACK);
        guichet::worker::recover::run(&server.app.database).await.unwrap();
        assert_eq!(server.claims(Queue::Deliveries).await, 1);
    }

    async fn d24_digests_and_bulk_operations_go_on_after_the_clock_was_set_back(server: Server) {
        server.work().await;
        let organizations = server.rows("SELECT CAST(count(*) AS text) FROM organization".to_owned()).await;
        server.clock.advance(BACK);
        let due = store::digest::due(&server.app.database, server.clock.now()).await.unwrap();
        assert_eq!([due.len().to_string()], organizations[..], "planned further ahead than a digest can be");
        server.work().await;
        assert!(store::digest::due(&server.app.database, server.clock.now()).await.unwrap().is_empty());

        let later = server.at(TimeDelta::days(400));
        let id = if server.kind == Kind::Sqlite { "randomblob(16)" } else { "gen_random_uuid()" };
        server.run_sql(format!(
            "INSERT INTO bulk_operation (id, organization_id, kind, state, dry_run, catalogs, total_count, accepted_count, rejected_count,
                 next_position, started_by_id, started_at, due_at, attempt_count)
             SELECT {id}, u.organization_id, 'REPROCESS_ACCESS_REQUESTS', 'RUNNING', FALSE, '[]', 0, 0, 0, 0, u.id, '{later}', '{later}', 0
             FROM app_user u WHERE u.display_name = 'Alice Martin'"
        ))
        .await;
        server.clock.advance(TimeDelta::minutes(1));
        server.work().await;
        let running = "SELECT CAST(count(*) AS text) FROM bulk_operation WHERE state = 'RUNNING'";
        assert_eq!(server.rows(running.to_owned()).await, ["0"]);
    }

    async fn d10_a_change_of_a_connector_makes_what_waits_for_it_due(server: Server) {
        server.queue(Queue::Deliveries).await;
        assert_eq!(server.claims(Queue::Deliveries).await, 1);
        let (hold, due) = (server.at(TimeDelta::hours(1)), server.at(TimeDelta::hours(24)));
        let waits = format!("UPDATE delivery SET state = 'PENDING', lease = NULL, due_at = '{due}', hold_until = ");
        let query = "{ connectors(first: 5) { nodes { id displayName version } } }";
        for (held, expected) in [("NULL".to_owned(), server.at(TimeDelta::zero())), (format!("'{hold}'"), hold.clone())] {
            server.run_sql(format!("{waits}{held} WHERE due_at IS NOT NULL")).await;
            for enabled in [false, true] {
                let found = server.ask("alice", query, json!({})).await["connectors"]["nodes"].clone();
                let connector = found.as_array().unwrap().iter().find(|row| row["displayName"] == "Company directory").unwrap().clone();
                let input = json!({ "id": connector["id"], "version": connector["version"], "enabled": enabled });
                server.mutation("alice", "updateConnector", "connector { id }", input).await;
            }
            let query = "SELECT CAST(count(*) AS text) FROM delivery WHERE due_at = '".to_owned() + &expected + "'";
            assert_eq!(server.rows(query).await, ["1"], "{held}");
        }
    }
}
