//! The connection of one transaction.
//!
//! The driver counts how deep its transactions nest, and does not count back when a commit or a rollback fails:
//! the next transaction on that connection is then a savepoint inside of one that nobody commits, and SQLite
//! keeps none of it. Here begin, commit and rollback are plain statements. A connection goes back to its pool
//! only after the database has confirmed the end of its transaction, and is closed in every other case; closing
//! rolls back. SQLite refuses `BEGIN` inside of a transaction, so none can begin in the middle of another.

use std::sync::Arc;

use sea_orm::{DbErr, ExecResult, QueryResult, RuntimeErr, Statement};
use sea_query_sqlx::SqlxValues;
use sqlx::pool::PoolConnection;
use sqlx::{AssertSqlSafe, Executor, IntoArguments, Pool};

use super::error::{StoreError, is_known_to_have_failed};
use super::kept::broken;

/// Begins a transaction on PostgreSQL.
const BEGIN: &str = "BEGIN";
/// Begins one on SQLite. A deferred transaction that reads first fails at its first write under load.
const BEGIN_IMMEDIATE: &str = "BEGIN IMMEDIATE";

/// The pools that transactions take their connections from.
#[derive(Clone)]
pub(super) enum Writers {
    Postgres(Pool<sqlx::Postgres>),
    Sqlite(Pool<sqlx::Sqlite>),
}

impl Writers {
    /// Begins a transaction.
    pub(super) async fn begin(&self) -> Result<Session, StoreError> {
        let begun = match self {
            Self::Postgres(pool) => Held::begin(pool, BEGIN).await.map(Session::Postgres),
            Self::Sqlite(pool) => Held::begin(pool, BEGIN_IMMEDIATE).await.map(Session::Sqlite),
        };
        begun.map_err(|error| broken(error).into())
    }
}

/// A connection inside of a transaction.
pub(super) enum Session {
    Postgres(Held<sqlx::Postgres>),
    Sqlite(Held<sqlx::Sqlite>),
}

impl Session {
    /// Runs a statement and reads its rows.
    pub(super) async fn all(&mut self, statement: Statement) -> Result<Vec<QueryResult>, StoreError> {
        let rows = match self {
            Self::Postgres(held) => held.all(statement).await,
            Self::Sqlite(held) => held.all(statement).await,
        };
        rows.map_err(|error| broken(error).into())
    }

    /// Runs a statement and returns how many rows it changed.
    pub(super) async fn execute(&mut self, statement: Statement) -> Result<u64, StoreError> {
        let done = match self {
            Self::Postgres(held) => held.execute(statement).await,
            Self::Sqlite(held) => held.execute(statement).await,
        };
        Ok(done.map_err(failed)?.rows_affected())
    }

    /// Commits. [`StoreError::Uncertain`] if the database did not say whether it has.
    pub(super) async fn commit(self) -> Result<(), StoreError> {
        let done = match self {
            Self::Postgres(held) => held.end("COMMIT").await,
            Self::Sqlite(held) => held.end("COMMIT").await,
        };
        done.map_err(|error| {
            let known = is_known_to_have_failed(&error);
            let error = failed(error);
            if known { error.into() } else { StoreError::Uncertain(error.to_string()) }
        })
    }

    /// Rolls back.
    pub(super) async fn rollback(self) -> Result<(), StoreError> {
        let done = match self {
            Self::Postgres(held) => held.end("ROLLBACK").await,
            Self::Sqlite(held) => held.end("ROLLBACK").await,
        };
        Ok(done.map_err(failed)?)
    }
}

fn failed(error: sqlx::Error) -> DbErr {
    DbErr::Exec(RuntimeErr::SqlxError(Arc::new(error)))
}

/// A connection of a pool, until its transaction has ended.
pub(super) struct Held<DB: sqlx::Database>(Option<PoolConnection<DB>>);

/// Whoever drops a transaction half-way, or whose end failed, does not know what it left: the connection is closed.
impl<DB: sqlx::Database> Drop for Held<DB> {
    fn drop(&mut self) {
        let Some(mut connection) = self.0.take() else { return };
        if tokio::runtime::Handle::try_current().is_ok() {
            connection.close_on_drop();
        } else {
            // A connection is closed by a task. Without a runtime the process ends, and its connections with it.
            std::mem::forget(connection);
        }
    }
}

impl<DB: sqlx::Database> Held<DB>
where
    for<'c> &'c mut DB::Connection: Executor<'c, Database = DB>,
    SqlxValues: IntoArguments<DB>,
    QueryResult: From<DB::Row>,
    ExecResult: From<DB::QueryResult>,
{
    async fn begin(pool: &Pool<DB>, statement: &'static str) -> Result<Self, sqlx::Error> {
        let mut held = Self(Some(pool.acquire().await?));
        held.connection()?.execute(statement).await?;
        Ok(held)
    }

    fn connection(&mut self) -> Result<&mut DB::Connection, sqlx::Error> {
        self.0.as_deref_mut().ok_or(sqlx::Error::WorkerCrashed)
    }

    async fn all(&mut self, statement: Statement) -> Result<Vec<QueryResult>, sqlx::Error> {
        let values = SqlxValues(statement.values.unwrap_or_else(|| sea_orm::sea_query::Values(Vec::new())));
        let query = sqlx::query_with(AssertSqlSafe(statement.sql), values);
        let rows = query.fetch_all(self.connection()?).await?;
        Ok(rows.into_iter().map(QueryResult::from).collect())
    }

    async fn execute(&mut self, statement: Statement) -> Result<ExecResult, sqlx::Error> {
        let values = SqlxValues(statement.values.unwrap_or_else(|| sea_orm::sea_query::Values(Vec::new())));
        let query = sqlx::query_with(AssertSqlSafe(statement.sql), values);
        Ok(query.execute(self.connection()?).await?.into())
    }

    /// Ends the transaction and gives the connection back; closes it if that fails.
    async fn end(mut self, statement: &'static str) -> Result<(), sqlx::Error> {
        self.connection()?.execute(statement).await?;
        drop(self.0.take());
        Ok(())
    }
}
