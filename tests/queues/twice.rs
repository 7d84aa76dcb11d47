//! Two servers on one PostgreSQL, one of which commits its claim between the other's snapshot and its locks.

use chrono::TimeDelta;
use sea_orm::{ConnectOptions, ConnectionTrait as _, DatabaseConnection, DbBackend, Statement};

use super::Queue;
use crate::harness::{Kind, Server};

/// Waits in every claim that reads a row of the table, until nobody holds the lock.
const PAUSE: &str = "CREATE OR REPLACE FUNCTION pause() RETURNS boolean LANGUAGE plpgsql VOLATILE AS $$ BEGIN
    IF current_query() LIKE 'WITH%UPDATE%' THEN
        PERFORM pg_advisory_xact_lock_shared(7);
    END IF;
    RETURN TRUE; END $$";

async fn direct(server: &Server) -> DatabaseConnection {
    let mut options = ConnectOptions::new(server.database_settings().url);
    options.max_connections(1);
    sea_orm::Database::connect(options).await.unwrap()
}

/// Waits until somebody waits for the lock.
async fn is_paused(connection: &DatabaseConnection) {
    let waiting = "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND objid = 7 AND NOT granted
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
    loop {
        let waiting = Statement::from_string(DbBackend::Postgres, waiting);
        if !connection.query_all_raw(waiting).await.unwrap().is_empty() {
            return;
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn d22_what_another_server_claims_between_snapshot_and_lock_is_not_claimed_twice() {
    for queue in Queue::ALL {
        let Some(server) = Server::start(Kind::Postgres).await else { return };
        let table = queue.table();
        server.queue(queue).await;
        let other = direct(&server).await;
        for text in [
            format!("ALTER TABLE {table} RENAME TO {table}_real"),
            PAUSE.to_owned(),
            format!("CREATE VIEW {table} AS SELECT * FROM {table}_real WHERE pause()"),
            "SELECT pg_advisory_lock(7)".to_owned(),
        ] {
            other.execute_unprepared(&text).await.unwrap();
        }
        // The claim has its snapshot and reads its candidates; then another one is committed.
        let state = if queue == Queue::Deliveries { ", state = 'IN_PROGRESS'" } else { "" };
        let claim = format!(
            "UPDATE {table}_real SET lease = gen_random_uuid(), attempt_count = attempt_count + 1,
                due_at = due_at + interval '60 seconds'{state} WHERE due_at IS NOT NULL"
        );
        let beside = async {
            is_paused(&other).await;
            let done = other.execute_unprepared(&claim).await.unwrap();
            assert_eq!(done.rows_affected(), 1, "{table}");
            other.execute_unprepared("SELECT pg_advisory_unlock(7)").await.unwrap();
        };
        let (claimed, ()) = tokio::join!(server.try_to_claim(queue), beside);
        assert_eq!(claimed.unwrap(), 0, "{table}: it belongs to the other server");
        let tries = format!("SELECT CAST(attempt_count AS text) FROM {table}_real WHERE due_at IS NOT NULL");
        assert_eq!(server.rows(tries).await, ["1"], "{table}");
        // Once the lease of the other one is over, it is there for anybody.
        server.clock.advance(TimeDelta::seconds(61));
        assert_eq!(server.claims(queue).await, 1, "{table}");
    }
}
