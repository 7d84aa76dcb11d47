//! Due rows: the queue is the table itself.
//!
//! A row with a `due_at` waits. To claim it is to move `due_at` to the end of a lease and to write the lease's
//! name; an outcome is written only while the lease is still one's own. What a dead worker held is due again after
//! its lease.
//!
//! Every queue is claimed by [`Queue::claim`]: what makes a row claimable is judged once more on the row that is
//! locked. Another server may have committed its claim after this statement took its snapshot; the lock then gets the
//! newer row, and only the conditions on the locked row itself are judged again.
//!
//! On PostgreSQL leases are timed by the database's clock, which is one for all servers. A clock that was set back
//! strands what was due by the old one: [`Queue::recover`] makes it due again.

use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::QueryResult;
use uuid::Uuid;

use super::database::{Connection, Database};
use super::error::StoreError;
use super::sql::{Dialect, Sql};

/// How long a claimed row belongs to its worker.
const LEASE: TimeDelta = TimeDelta::seconds(60);
/// How far a time must lie in the future for the clock to have been set back: servers' clocks differ a little, and
/// another one may have written since this one looked at its clock.
pub(super) const STEP: TimeDelta = TimeDelta::seconds(60);

/// The most rows that [`Queue::waiting`] counts.
pub const COUNTED: u64 = 1_000;

/// A queue.
pub(super) struct Queue {
    /// Its table, with `id`, `due_at`, `lease` and `attempt_count`.
    pub table: &'static str,
    /// What a row `q` must be beside due.
    pub claimable: &'static str,
    /// What a claim changes beside the lease (`state = 'X', `).
    pub also: &'static str,
    /// Adds: a row `q` that nobody holds, due more than [`STEP`] after the time given, was queued or has failed
    /// after that time.
    pub is_stranded: fn(&mut Sql, DateTime<Utc>),
}

/// What time it is for a queue.
#[derive(Clone, Copy, Debug)]
enum Now {
    /// As the database says.
    Database,
    /// As this server says.
    Server(DateTime<Utc>),
}

impl Now {
    fn of(database: &Database) -> Self {
        if database.dialect() == Dialect::Postgres && database.clock().is_system() {
            Self::Database
        } else {
            Self::Server(database.clock().now())
        }
    }

    fn push(self, sql: &mut Sql) -> &mut Sql {
        match self {
            Self::Database => sql.push("statement_timestamp()"),
            Self::Server(now) => sql.bind(now),
        }
    }

    /// Adds the time after a lease.
    fn push_end_of_lease(self, sql: &mut Sql) -> &mut Sql {
        match self {
            Self::Database => sql.push("statement_timestamp() + interval '60 seconds'"),
            Self::Server(now) => sql.bind(now + LEASE),
        }
    }
}

/// Adds now, for the conditions of candidates.
pub(super) fn now<'a>(sql: &'a mut Sql, database: &Database) -> &'a mut Sql {
    Now::of(database).push(sql)
}

/// How much of a queue is due.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Waiting {
    /// How many rows are due; [`COUNTED`] stands for that many or more.
    pub due: i64,
    /// Since when the oldest of them is due.
    pub oldest: Option<DateTime<Utc>>,
}

impl Queue {
    /// Claims rows, and counts the attempt. `candidates` adds common table expressions, of which the last is
    /// `candidate (id)`.
    pub(super) async fn claim(
        &self,
        database: &Database,
        lease: Uuid,
        candidates: impl FnOnce(&mut Sql),
    ) -> Result<Vec<Uuid>, StoreError> {
        let mut sql = database.sql();
        self.push_claim(&mut sql, database, lease, candidates);
        let rows = database.all_writing(sql).await?;
        rows.iter().map(|row| Ok(row.try_get("", "id")?)).collect()
    }

    /// The database's plan for a claim, line by line.
    pub(super) async fn plan(
        &self,
        database: &Database,
        candidates: impl FnOnce(&mut Sql),
    ) -> Result<Vec<String>, StoreError> {
        let mut sql = database.sql();
        let column = match database.dialect() {
            Dialect::Postgres => "QUERY PLAN",
            Dialect::Sqlite => "detail",
        };
        sql.push(match database.dialect() {
            Dialect::Postgres => "EXPLAIN ",
            Dialect::Sqlite => "EXPLAIN QUERY PLAN ",
        });
        self.push_claim(&mut sql, database, Uuid::nil(), candidates);
        let rows = database.all_writing(sql).await?;
        rows.iter().map(|row| Ok(row.try_get("", column)?)).collect()
    }

    fn push_claim(&self, sql: &mut Sql, database: &Database, lease: Uuid, candidates: impl FnOnce(&mut Sql)) {
        let now = Now::of(database);
        sql.push("WITH ");
        candidates(sql);
        // SQLite joins crosswise in the order that is written: the few candidates come first, and not all that is due.
        sql.push(", picked AS (SELECT q.id FROM candidate c CROSS JOIN ").push(self.table);
        sql.push(" q WHERE q.id = c.id AND ");
        self.is_due(sql, now);
        sql.lock_free("q").push(") UPDATE ").push(self.table).push(" SET ").push(self.also);
        sql.push("due_at = ");
        now.push_end_of_lease(sql).push(", lease = ").bind(lease);
        sql.push(", attempt_count = attempt_count + 1 WHERE id IN (SELECT p.id FROM picked p) RETURNING id");
    }

    /// Adds: the row `q` can be claimed.
    fn is_due(&self, sql: &mut Sql, now: Now) {
        sql.push("q.due_at <= ");
        now.push(sql).push(" AND ").push(self.claimable);
    }

    /// Adds the rows that are due first, so many at most, as `candidate`.
    pub(super) fn first(&self, sql: &mut Sql, database: &Database, most: u64) {
        sql.push("candidate (id) AS (SELECT q.id FROM ").push(self.table).push(" q WHERE ");
        self.is_due(sql, Now::of(database));
        sql.push(" ORDER BY q.due_at, q.id LIMIT ").number(most).push(")");
    }

    /// Whether anything is due, without a write.
    pub(super) async fn has_due(&self, database: &Database) -> Result<bool, StoreError> {
        let mut sql = database.sql();
        sql.push("SELECT 1 FROM ").push(self.table).push(" q WHERE ");
        self.is_due(&mut sql, Now::of(database));
        sql.push(" LIMIT 1");
        Ok(!database.all(sql).await?.is_empty())
    }

    /// Makes due what a clock that was set back has stranded; returns how many rows. A lease that lies further ahead
    /// than leases last is cut to one from now on: its holder may be alive still.
    pub(super) async fn recover(&self, database: &Database) -> Result<u64, StoreError> {
        let at = database.clock().now();
        let mut recovered = 0;
        for held in [true, false] {
            let mut sql = database.sql();
            sql.push("SELECT 1 FROM ").push(self.table).push(" q WHERE q.due_at > ");
            self.is_ahead(&mut sql, at, held);
            sql.push(" LIMIT 1");
            if database.all(sql).await?.is_empty() {
                continue;
            }
            let mut sql = database.sql();
            sql.push("UPDATE ").push(self.table).push(" AS q SET due_at = ");
            sql.bind(if held { at + LEASE } else { at }).push(" WHERE q.due_at > ");
            self.is_ahead(&mut sql, at, held);
            recovered += database.execute(sql).await?;
        }
        Ok(recovered)
    }

    /// Adds the rest of the condition that a row is due too late, after `q.due_at > `.
    fn is_ahead(&self, sql: &mut Sql, now: DateTime<Utc>, held: bool) {
        if held {
            sql.bind(now + LEASE + STEP).push(" AND q.lease IS NOT NULL AND ").push(self.claimable);
        } else {
            sql.bind(now + STEP).push(" AND q.lease IS NULL AND ").push(self.claimable).push(" AND (");
            (self.is_stranded)(sql, now);
            sql.push(")");
        }
    }

    /// How much is due.
    pub(super) async fn waiting(&self, database: &Database) -> Result<Waiting, StoreError> {
        waiting(database, self.table).await
    }
}

/// How much of a table with a `due_at` is due.
pub(super) async fn waiting(database: &Database, table: &'static str) -> Result<Waiting, StoreError> {
    let now = Now::of(database);
    let mut sql = database.sql();
    sql.push("SELECT (SELECT count(*) FROM (SELECT 1 FROM ").push(table).push(" q WHERE q.due_at <= ");
    now.push(&mut sql).push(" LIMIT ").number(COUNTED).push(") x) AS due, (SELECT min(q.due_at) FROM ");
    sql.push(table).push(" q WHERE q.due_at <= ");
    now.push(&mut sql).push(") AS oldest");
    let rows = database.all(sql).await?;
    let read = |row: &QueryResult| -> Result<Waiting, StoreError> {
        Ok(Waiting { due: row.try_get("", "due")?, oldest: row.try_get("", "oldest")? })
    };
    Ok(rows.first().map(read).transpose()?.unwrap_or_default())
}
