//! Connections for reading that are kept between statements.
//!
//! The driver's pool tests a connection whenever it is given back, which is a second
//! round trip for every statement. After a statement has ended well its connection is
//! kept here instead: all of a pool that serves nothing but reading, half of one that
//! serves writing, too. One whose statement failed or was given up goes back to the
//! pool, and is tested there.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use sea_orm::sea_query::Values;
use sea_orm::{DbErr, QueryResult, RuntimeErr};
use sea_query_sqlx::SqlxValues;
use sqlx::pool::PoolConnection;
use sqlx::{AssertSqlSafe, Executor, IntoArguments, Pool};
use tokio::sync::Semaphore;

/// How long a connection may lie idle and still be trusted.
const FRESH: Duration = Duration::from_secs(30);

/// Connections of one pool. Clones share them.
pub(super) struct Kept<DB: sqlx::Database> {
    pool: Pool<DB>,
    free: Arc<Mutex<Free<DB>>>,
    most: usize,
    turns: Arc<Semaphore>,
}

struct Free<DB: sqlx::Database>(Vec<(PoolConnection<DB>, Instant)>);

impl<DB: sqlx::Database> Clone for Kept<DB> {
    fn clone(&self) -> Self {
        Self {
            pool: self.pool.clone(),
            free: Arc::clone(&self.free),
            most: self.most,
            turns: Arc::clone(&self.turns),
        }
    }
}

/// A connection gives itself back by a task: without a runtime, at the end of the process, it is left as it is.
impl<DB: sqlx::Database> Drop for Free<DB> {
    fn drop(&mut self) {
        if tokio::runtime::Handle::try_current().is_err() {
            self.0.drain(..).for_each(std::mem::forget);
        }
    }
}

impl<DB: sqlx::Database> Kept<DB>
where
    for<'c> &'c mut DB::Connection: Executor<'c, Database = DB>,
    SqlxValues: IntoArguments<DB>,
    QueryResult: From<DB::Row>,
{
    /// Keeps up to half of the connections of a pool that others take from, too; none of a pool of one.
    pub(super) fn half(pool: Pool<DB>) -> Self {
        let most = usize::try_from(pool.options().get_max_connections() / 2).unwrap_or_default();
        Self::of(pool, most, Semaphore::MAX_PERMITS)
    }

    /// Keeps all connections of a pool that nobody else takes from. Whoever waits, waits for a turn: the pool
    /// would not hear of a connection that comes back here.
    pub(super) fn whole(pool: Pool<DB>) -> Self {
        let most = usize::try_from(pool.options().get_max_connections()).unwrap_or(1);
        Self::of(pool, most, most)
    }

    fn of(pool: Pool<DB>, most: usize, turns: usize) -> Self {
        Self {
            pool,
            free: Arc::new(Mutex::new(Free(Vec::new()))),
            most,
            turns: Arc::new(Semaphore::new(turns)),
        }
    }

    /// Runs a statement and reads its rows. A connection that turns out to have ended is replaced by another
    /// one, as often as there can be such connections: reads can be repeated.
    pub(super) async fn all(&self, text: String, values: Values) -> Result<Vec<QueryResult>, DbErr> {
        let timeout = self.pool.options().get_acquire_timeout();
        let Ok(_turn) = tokio::time::timeout(timeout, self.turns.acquire()).await else {
            return Err(broken(sqlx::Error::PoolTimedOut));
        };
        for _ in 0..self.pool.options().get_max_connections() {
            let connection = self.connection().await?;
            match self.run(connection, text.clone(), values.clone()).await {
                Err(error) if is_over(&error) => {}
                done => return done.map_err(broken),
            }
        }
        let connection = self.connection().await?;
        self.run(connection, text, values).await.map_err(broken)
    }

    async fn connection(&self) -> Result<PoolConnection<DB>, DbErr> {
        match self.take() {
            Some(connection) => Ok(connection),
            None => self.pool.acquire().await.map_err(broken),
        }
    }

    async fn run(
        &self,
        mut connection: PoolConnection<DB>,
        text: String,
        values: Values,
    ) -> Result<Vec<QueryResult>, sqlx::Error> {
        let query = sqlx::query_with(AssertSqlSafe(text), SqlxValues(values));
        let rows = query.fetch_all(&mut *connection).await?;
        self.keep(connection);
        Ok(rows.into_iter().map(QueryResult::from).collect())
    }

    /// Gives all connections back to the pool.
    pub(super) fn release(&self) {
        self.free.lock().unwrap_or_else(PoisonError::into_inner).0.clear();
    }

    fn take(&self) -> Option<PoolConnection<DB>> {
        let (connection, since) = self.free.lock().unwrap_or_else(PoisonError::into_inner).0.pop()?;
        if since.elapsed() < FRESH { Some(connection) } else { None }
    }

    fn keep(&self, connection: PoolConnection<DB>) {
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        if free.0.len() < self.most {
            free.0.push((connection, Instant::now()));
        }
    }
}

/// Whether the connection has ended: the server went away, or ended it (57P01 to 57P03).
fn is_over(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_) | sqlx::Error::Protocol(_) => true,
        sqlx::Error::Database(error) => error.code().is_some_and(|code| code.starts_with("57P")),
        _ => false,
    }
}

/// The error as the ORM would tell it.
pub(super) fn broken(error: sqlx::Error) -> DbErr {
    match error {
        sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed => {
            DbErr::Conn(RuntimeErr::SqlxError(Arc::new(error)))
        }
        error => DbErr::Query(RuntimeErr::SqlxError(Arc::new(error))),
    }
}
