//! Connections and transactions.

use std::future::Future;
use std::num::NonZero;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use chrono::{DateTime, Utc};
use sea_orm::sea_query::OnConflict;
use sea_orm::{
    ActiveModelTrait, ConnectOptions, ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend,
    EntityName as _, EntityTrait, IntoActiveModel, Iterable, QueryResult, SqliteTransactionMode,
    TransactionOptions, TransactionTrait,
};
use tokio::sync::Notify;
use uuid::Uuid;

use super::error::StoreError;
use super::kept::Kept;
use super::sql::{Dialect, Sql};
use super::touched;
use crate::clock::Clock;

/// How long a call waits for a connection before it answers `UNAVAILABLE`.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);
/// How often a transaction is begun again when another was in its way.
const TRIES: usize = 3;
/// The largest number of parameters that both databases take in one statement.
const PARAMETERS: usize = 32_000;

/// Where the database is, and how many connections to keep to it.
#[derive(Clone, Debug)]
pub struct DatabaseSettings {
    /// `postgres://…` or `sqlite://path`.
    pub url: String,
    /// The most connections for reading (SQLite), or for everything (PostgreSQL).
    pub connections: u32,
    /// The longest a statement may run, on PostgreSQL.
    pub statement_timeout: Duration,
}

/// The database. Clones share the connections.
#[derive(Clone)]
pub struct Database {
    read: DatabaseConnection,
    kept: Readers,
    write: DatabaseConnection,
    dialect: Dialect,
    clock: Clock,
    statements: Arc<AtomicU64>,
    access_epoch: Arc<AtomicU64>,
    token_epoch: Arc<AtomicU64>,
    committed: Arc<Notify>,
}

#[derive(Clone)]
enum Readers {
    Postgres(Kept<sqlx::Postgres>),
    Sqlite(Kept<sqlx::Sqlite>),
}

/// Runs statements: on any connection, or inside of a transaction.
pub trait Connection: Sync {
    /// An empty statement for this database.
    fn sql(&self) -> Sql;
    /// Runs a statement and reads its rows.
    fn all(&self, sql: Sql) -> impl Future<Output = Result<Vec<QueryResult>, StoreError>> + Send;
    /// Runs a statement and tells how many rows it changed.
    fn execute(&self, sql: Sql) -> impl Future<Output = Result<u64, StoreError>> + Send;
}

impl Database {
    /// Connects. SQLite files are made when they are not there.
    pub async fn connect(settings: &DatabaseSettings, clock: Clock) -> Result<Self, StoreError> {
        let statements = Arc::new(AtomicU64::new(0));
        let sqlite = settings.url.starts_with("sqlite:");
        let write = if sqlite {
            connect(settings, 1, &statements).await?
        } else {
            connect(settings, settings.connections, &statements).await?
        };
        let read = if sqlite {
            connect(settings, settings.connections.min(sqlite_readers()), &statements).await?
        } else {
            write.clone()
        };
        let (dialect, kept) = match write.get_database_backend() {
            DbBackend::Postgres => (
                Dialect::Postgres,
                Readers::Postgres(Kept::half(read.get_postgres_connection_pool().clone())),
            ),
            _ => (Dialect::Sqlite, Readers::Sqlite(Kept::whole(read.get_sqlite_connection_pool().clone()))),
        };
        Ok(Self {
            read,
            kept,
            write,
            dialect,
            clock,
            statements,
            access_epoch: Arc::default(),
            token_epoch: Arc::default(),
            committed: Arc::default(),
        })
    }

    /// Runs a transaction, and runs it again when another one was in its way.
    #[expect(clippy::disallowed_methods, reason = "the one place where transactions begin")]
    pub async fn write<T: Transaction>(&self, work: &T) -> Result<T::Output, T::Error> {
        let mut tries = 0;
        loop {
            tries += 1;
            let options = TransactionOptions {
                // A deferred transaction that reads first fails at its first write under load.
                sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
                ..TransactionOptions::default()
            };
            let inner = self.write.begin_with_options(options).await.map_err(StoreError::from)?;
            let txn = Txn {
                inner,
                dialect: self.dialect,
                now: self.clock.now(),
                clock: self.clock.clone(),
                contended: AtomicBool::new(false),
                changes_access: AtomicBool::new(false),
                changes_tokens: AtomicBool::new(false),
                wrote: AtomicBool::new(false),
                quiet: AtomicBool::new(false),
            };
            let error = match work.run(&txn).await {
                Ok(output) => match txn.inner.commit().await.map_err(StoreError::from) {
                    Ok(()) => {
                        if txn.changes_access.into_inner() {
                            self.access_epoch.fetch_add(1, Ordering::AcqRel);
                        }
                        if txn.changes_tokens.into_inner() {
                            self.token_epoch.fetch_add(1, Ordering::AcqRel);
                        }
                        // Who looked and found nothing to do must not wake themselves.
                        if txn.wrote.into_inner() && !txn.quiet.into_inner() {
                            self.committed.notify_waiters();
                        }
                        return Ok(output);
                    }
                    Err(StoreError::Retry(_)) if tries < TRIES => continue,
                    Err(error) => return Err(error.into()),
                },
                Err(error) => error,
            };
            let contended = txn.contended.load(Ordering::Relaxed);
            if let Err(rollback) = txn.inner.rollback().await {
                tracing::warn!(error = %rollback, "could not roll back");
            }
            if !contended || tries >= TRIES {
                return Err(error);
            }
        }
    }

    /// The clock that transactions take their time from.
    #[must_use]
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// How many statements have run so far, over all connections; begin and commit are not counted.
    #[must_use]
    pub fn statement_count(&self) -> u64 {
        self.statements.load(Ordering::Relaxed)
    }

    /// Told of every commit of this server that wrote something that may be work.
    #[must_use]
    pub fn committed(&self) -> &Notify {
        &self.committed
    }

    /// Raised by every transaction of this server that changes who may do what: what was
    /// remembered of viewers before is out of date.
    #[must_use]
    pub fn access_epoch(&self) -> u64 {
        self.access_epoch.load(Ordering::Acquire)
    }

    /// Raised by every transaction of this server that changes what access tokens may do: what was remembered of
    /// them before is out of date.
    #[must_use]
    pub fn token_epoch(&self) -> u64 {
        self.token_epoch.load(Ordering::Acquire)
    }

    /// Which database it is.
    #[must_use]
    pub fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// Closes all connections.
    pub async fn close(self) {
        match &self.kept {
            Readers::Postgres(kept) => kept.release(),
            Readers::Sqlite(kept) => kept.release(),
        }
        let _ = self.read.close().await;
        let _ = self.write.close().await;
    }

    /// Runs one statement that writes, and reads the rows that it gives back.
    pub(super) async fn all_writing(&self, sql: Sql) -> Result<Vec<QueryResult>, StoreError> {
        Ok(self.write.query_all_raw(sql.statement()).await?)
    }

    pub(super) fn writer(&self) -> &DatabaseConnection {
        &self.write
    }
}

impl Connection for Database {
    fn sql(&self) -> Sql {
        Sql::new(self.dialect)
    }

    async fn all(&self, sql: Sql) -> Result<Vec<QueryResult>, StoreError> {
        self.statements.fetch_add(1, Ordering::Relaxed);
        let (text, values) = sql.parts();
        Ok(match &self.kept {
            Readers::Postgres(kept) => kept.all(text, values).await?,
            Readers::Sqlite(kept) => kept.all(text, values).await?,
        })
    }

    async fn execute(&self, sql: Sql) -> Result<u64, StoreError> {
        Ok(self.write.execute_raw(sql.statement()).await?.rows_affected())
    }
}

/// A unit of work: all of it happens, or nothing.
pub trait Transaction: Send + Sync {
    /// What it gives back.
    type Output: Send;
    /// How it fails; a failure rolls back.
    type Error: From<StoreError> + Send;

    /// Does the work. It can run more than once and must not touch anything but `txn`.
    fn run(&self, txn: &Txn) -> impl Future<Output = Result<Self::Output, Self::Error>> + Send;
}

/// A transaction that is open.
pub struct Txn {
    inner: DatabaseTransaction,
    dialect: Dialect,
    now: DateTime<Utc>,
    clock: Clock,
    contended: AtomicBool,
    changes_access: AtomicBool,
    changes_tokens: AtomicBool,
    wrote: AtomicBool,
    quiet: AtomicBool,
}

impl Txn {
    /// The time of this transaction: one instant for all of its rows.
    #[must_use]
    pub fn now(&self) -> DateTime<Utc> {
        self.now
    }

    /// A new id.
    #[must_use]
    pub fn id(&self) -> Uuid {
        self.clock.id()
    }

    /// Says that this transaction changes users or roles: remembered viewers are forgotten.
    pub fn changes_access(&self) {
        self.changes_access.store(true, Ordering::Release);
    }

    /// Says that what this transaction writes is work for nobody: nobody is told of its commit.
    pub fn wakes_nobody(&self) {
        self.quiet.store(true, Ordering::Release);
    }

    /// Adds a row.
    pub async fn insert<M>(&self, row: M) -> Result<(), StoreError>
    where
        M: IntoActiveModel<<M::Entity as EntityTrait>::ActiveModel> + sea_orm::ModelTrait + Send,
        <M::Entity as EntityTrait>::ActiveModel: ActiveModelTrait<Entity = M::Entity> + Send,
    {
        self.insert_all(vec![row]).await
    }

    /// Adds rows, in as few statements as the limit on parameters allows.
    pub async fn insert_all<M>(&self, rows: Vec<M>) -> Result<(), StoreError>
    where
        M: IntoActiveModel<<M::Entity as EntityTrait>::ActiveModel> + sea_orm::ModelTrait + Send,
        <M::Entity as EntityTrait>::ActiveModel: ActiveModelTrait<Entity = M::Entity> + Send,
    {
        self.touch(touched::concerns_tokens(M::Entity::default().table_name()));
        let columns = <M::Entity as EntityTrait>::Column::iter().count();
        let chunk = (PARAMETERS / columns.max(1)).max(1);
        let mut rows = rows.into_iter().map(IntoActiveModel::into_active_model).peekable();
        while rows.peek().is_some() {
            let models: Vec<_> = rows.by_ref().take(chunk).collect();
            let insert = M::Entity::insert_many(models).exec_without_returning(&self.inner).await;
            insert.map_err(|error| self.note(error.into()))?;
            self.wrote.store(true, Ordering::Release);
        }
        Ok(())
    }

    /// Adds rows, and writes these columns of those whose id is there already.
    pub async fn upsert_all<M>(
        &self,
        rows: Vec<M>,
        id: <M::Entity as EntityTrait>::Column,
        columns: &[<M::Entity as EntityTrait>::Column],
    ) -> Result<(), StoreError>
    where
        M: IntoActiveModel<<M::Entity as EntityTrait>::ActiveModel> + sea_orm::ModelTrait + Send,
        <M::Entity as EntityTrait>::ActiveModel: ActiveModelTrait<Entity = M::Entity> + Send,
    {
        self.touch(touched::concerns_tokens(M::Entity::default().table_name()));
        let width = <M::Entity as EntityTrait>::Column::iter().count();
        let chunk = (PARAMETERS / width.max(1)).max(1);
        let mut rows = rows.into_iter().map(IntoActiveModel::into_active_model).peekable();
        while rows.peek().is_some() {
            let models: Vec<_> = rows.by_ref().take(chunk).collect();
            let instead = OnConflict::column(id).update_columns(columns.iter().copied()).to_owned();
            let upsert = M::Entity::insert_many(models).on_conflict(instead);
            let upsert = upsert.exec_without_returning(&self.inner).await;
            upsert.map_err(|error| self.note(error.into()))?;
            self.wrote.store(true, Ordering::Release);
        }
        Ok(())
    }

    /// Remembers whether the transaction changes what tokens may do.
    fn touch(&self, changes_tokens: bool) {
        self.changes_tokens.fetch_or(changes_tokens, Ordering::AcqRel);
    }

    /// Remembers that the transaction can be tried again.
    fn note(&self, error: StoreError) -> StoreError {
        if matches!(error, StoreError::Retry(_)) {
            self.contended.store(true, Ordering::Relaxed);
        }
        error
    }
}

impl Connection for Txn {
    fn sql(&self) -> Sql {
        Sql::new(self.dialect)
    }

    async fn all(&self, sql: Sql) -> Result<Vec<QueryResult>, StoreError> {
        self.touch(touched::changes_tokens(sql.text()));
        let writes = sql.text().contains(" RETURNING ");
        let rows = self.inner.query_all_raw(sql.statement()).await;
        let rows = rows.map_err(|error| self.note(error.into()))?;
        self.wrote.fetch_or(writes && !rows.is_empty(), Ordering::AcqRel);
        Ok(rows)
    }

    async fn execute(&self, sql: Sql) -> Result<u64, StoreError> {
        self.touch(touched::changes_tokens(sql.text()));
        let done = self.inner.execute_raw(sql.statement()).await;
        let rows = done.map_err(|error| self.note(error.into()))?.rows_affected();
        self.wrote.fetch_or(rows > 0, Ordering::AcqRel);
        Ok(rows)
    }
}

/// How many rows of a result a connection of SQLite reads ahead of who asked.
const ROW_BUFFER: usize = 256;
/// How much of a file of SQLite is mapped instead of copied, in bytes.
const MAPPED: &str = "268435456";

/// How many connections read a file of SQLite: each is a thread, and more than the cores can run only wait.
fn sqlite_readers() -> u32 {
    let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
    u32::try_from(2 * cores).unwrap_or(u32::MAX)
}

async fn connect(
    settings: &DatabaseSettings,
    connections: u32,
    statements: &Arc<AtomicU64>,
) -> Result<DatabaseConnection, StoreError> {
    let mut options = ConnectOptions::new(&settings.url);
    options
        .max_connections(connections.max(1))
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .connect_timeout(ACQUIRE_TIMEOUT)
        .test_before_acquire_if_idle_for(Duration::from_secs(30))
        .sqlx_logging(false);
    if settings.url.starts_with("sqlite:") {
        options.map_sqlx_sqlite_opts(|options| {
            options
                .create_if_missing(true)
                .journal_mode(sqlx::sqlite::SqliteJournalMode::Wal)
                .synchronous(sqlx::sqlite::SqliteSynchronous::Normal)
                .foreign_keys(true)
                .busy_timeout(ACQUIRE_TIMEOUT)
                .statement_cache_capacity(256)
                // A page of a list crosses from the connection's thread at once.
                .row_buffer_size(ROW_BUFFER)
                .pragma("mmap_size", MAPPED)
                .pragma("temp_store", "memory")
        });
    } else {
        let timeout = settings.statement_timeout.as_millis().to_string();
        options.map_sqlx_postgres_opts(move |options| {
            options.statement_cache_capacity(256).application_name("guichet").options([
                ("statement_timeout", timeout.as_str()),
                ("idle_in_transaction_session_timeout", "60000"),
                ("timezone", "UTC"),
                // Statements are made for their filter, so that one plan fits all values; PostgreSQL would plan
                // those with a list of states anew each time, which takes longer than to run them.
                ("plan_cache_mode", "force_generic_plan"),
            ])
        });
    }
    let mut connection = sea_orm::Database::connect(options).await?;
    let statements = Arc::clone(statements);
    connection.set_metric_callback(move |_| {
        statements.fetch_add(1, Ordering::Relaxed);
    });
    Ok(connection)
}
