//! Connections and transactions.

use std::future::Future;
use std::num::NonZero;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use chrono::{DateTime, Utc};
use sea_orm::sea_query::OnConflict;
use sea_orm::{
    ActiveModelTrait, ConnectOptions, ConnectionTrait, DatabaseConnection, DbBackend, EntityName as _,
    EntityTrait, IntoActiveModel, Iterable, QueryResult, QueryTrait as _, Statement,
};
use tokio::sync::{Mutex, Notify};
use uuid::Uuid;

use super::error::StoreError;
use super::kept::Kept;
use super::session::{Session, Writers};
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
    writers: Writers,
    dialect: Dialect,
    clock: Clock,
    statements: Arc<AtomicU64>,
    cannot_write: Arc<AtomicBool>,
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
        let (dialect, kept, writers) = match write.get_database_backend() {
            DbBackend::Postgres => (
                Dialect::Postgres,
                Readers::Postgres(Kept::half(read.get_postgres_connection_pool().clone())),
                Writers::Postgres(write.get_postgres_connection_pool().clone()),
            ),
            _ => (
                Dialect::Sqlite,
                Readers::Sqlite(Kept::whole(read.get_sqlite_connection_pool().clone())),
                Writers::Sqlite(write.get_sqlite_connection_pool().clone()),
            ),
        };
        Ok(Self {
            read,
            kept,
            write,
            writers,
            dialect,
            clock,
            statements,
            cannot_write: Arc::default(),
            access_epoch: Arc::default(),
            token_epoch: Arc::default(),
            committed: Arc::default(),
        })
    }

    /// Runs a transaction, and runs it again when another one was in its way. A commit whose outcome is not known is
    /// not repeated.
    pub async fn write<T: Transaction>(&self, work: &T) -> Result<T::Output, T::Error> {
        let mut tries = 0;
        loop {
            tries += 1;
            let txn = Txn {
                inner: Mutex::new(self.writers.begin().await?),
                dialect: self.dialect,
                now: self.clock.now(),
                clock: self.clock.clone(),
                statements: Arc::clone(&self.statements),
                failed: AtomicBool::new(false),
                contended: AtomicBool::new(false),
                out_of_order: AtomicBool::new(false),
                changes_access: AtomicBool::new(false),
                changes_tokens: AtomicBool::new(false),
                wrote: AtomicBool::new(false),
                quiet: AtomicBool::new(false),
            };
            let error = match work.run(&txn).await {
                // Who overlooks that a statement failed must not commit what stands: PostgreSQL keeps nothing of it and
                // says so to nobody, and SQLite may have rolled back in the middle.
                Ok(_) if txn.failed.load(Ordering::Relaxed) => {
                    StoreError::Other("a statement of the transaction failed".to_owned()).into()
                }
                Ok(output) => match self.commit(txn).await {
                    Ok(()) => return Ok(output),
                    Err(StoreError::Retry(_)) if tries < TRIES => continue,
                    Err(error) => return Err(error.into()),
                },
                Err(error) => error,
            };
            let contended = txn.contended.load(Ordering::Relaxed);
            if txn.out_of_order.load(Ordering::Relaxed) {
                self.note_writes(false);
            }
            if let Err(rollback) = txn.inner.into_inner().rollback().await {
                tracing::warn!(error = %rollback, "could not roll back: the connection is closed");
            }
            if !contended || tries >= TRIES {
                return Err(error);
            }
        }
    }

    async fn commit(&self, txn: Txn) -> Result<(), StoreError> {
        if let Err(error) = txn.inner.into_inner().commit().await {
            match &error {
                // Another transaction was in the way, or a rule of the schema: the database itself is well.
                StoreError::Retry(_) | StoreError::Taken(_) | StoreError::Referenced(_) => {
                    tracing::warn!(%error, "a transaction was not committed: its connection is closed");
                }
                StoreError::Storage(_)
                | StoreError::Unavailable(_)
                | StoreError::Uncertain(_)
                | StoreError::Other(_) => {
                    tracing::error!(%error, "a transaction was not committed: its connection is closed");
                    self.note_writes(false);
                }
            }
            return Err(error);
        }
        if txn.changes_access.into_inner() {
            self.access_epoch.fetch_add(1, Ordering::AcqRel);
        }
        if txn.changes_tokens.into_inner() {
            self.token_epoch.fetch_add(1, Ordering::AcqRel);
        }
        if txn.wrote.into_inner() {
            self.note_writes(true);
            // Who looked and found nothing to do must not wake themselves.
            if !txn.quiet.into_inner() {
                self.committed.notify_waiters();
            }
        }
        Ok(())
    }

    /// Remembers whether the last write was kept.
    fn note_writes(&self, kept: bool) {
        if self.cannot_write.swap(!kept, Ordering::AcqRel) && kept {
            tracing::info!("the database keeps writes again");
        }
    }

    /// Whether a write failed for the machine's sake, and none has succeeded since.
    #[must_use]
    pub fn cannot_write(&self) -> bool {
        self.cannot_write.load(Ordering::Acquire)
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
        let rows = self.write.query_all_raw(sql.statement()).await.map_err(StoreError::from);
        self.judge(rows, |rows| !rows.is_empty())
    }

    /// Remembers how a statement outside of transactions ended.
    fn judge<T>(&self, done: Result<T, StoreError>, wrote: impl FnOnce(&T) -> bool) -> Result<T, StoreError> {
        match &done {
            Ok(value) if self.cannot_write() && wrote(value) => self.note_writes(true),
            Err(StoreError::Storage(_)) => self.note_writes(false),
            Ok(_) | Err(_) => {}
        }
        done
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
        let done = self.write.execute_raw(sql.statement()).await.map_err(StoreError::from);
        self.judge(done.map(|done| done.rows_affected()), |rows| *rows > 0)
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
    inner: Mutex<Session>,
    dialect: Dialect,
    now: DateTime<Utc>,
    clock: Clock,
    statements: Arc<AtomicU64>,
    /// A statement failed: nothing after it may run, and nothing be committed.
    failed: AtomicBool,
    contended: AtomicBool,
    /// A statement failed for the machine's sake.
    out_of_order: AtomicBool,
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
            let insert = M::Entity::insert_many(models).build(self.backend());
            self.run(insert).await?;
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
            self.run(upsert.build(self.backend())).await?;
            self.wrote.store(true, Ordering::Release);
        }
        Ok(())
    }

    /// Remembers whether the transaction changes what tokens may do.
    fn touch(&self, changes_tokens: bool) {
        self.changes_tokens.fetch_or(changes_tokens, Ordering::AcqRel);
    }

    fn backend(&self) -> DbBackend {
        match self.dialect {
            Dialect::Postgres => DbBackend::Postgres,
            Dialect::Sqlite => DbBackend::Sqlite,
        }
    }

    /// Runs a statement and returns how many rows it changed.
    async fn run(&self, statement: Statement) -> Result<u64, StoreError> {
        let mut session = self.session().await?;
        session.execute(statement).await.map_err(|error| self.note(error))
    }

    /// The connection for the next statement.
    async fn session(&self) -> Result<tokio::sync::MutexGuard<'_, Session>, StoreError> {
        let session = self.inner.lock().await;
        if self.failed.load(Ordering::Relaxed) {
            let error = "an earlier statement of the transaction failed: nothing after it may run";
            return Err(StoreError::Other(error.to_owned()));
        }
        self.statements.fetch_add(1, Ordering::Relaxed);
        Ok(session)
    }

    /// Remembers that a statement failed, and whether the transaction can be tried again.
    fn note(&self, error: StoreError) -> StoreError {
        self.failed.store(true, Ordering::Relaxed);
        match &error {
            StoreError::Retry(_) => self.contended.store(true, Ordering::Relaxed),
            StoreError::Storage(_) => self.out_of_order.store(true, Ordering::Relaxed),
            StoreError::Taken(_)
            | StoreError::Referenced(_)
            | StoreError::Unavailable(_)
            | StoreError::Uncertain(_)
            | StoreError::Other(_) => {}
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
        let mut session = self.session().await?;
        let rows = session.all(sql.statement()).await.map_err(|error| self.note(error))?;
        self.wrote.fetch_or(writes && !rows.is_empty(), Ordering::AcqRel);
        Ok(rows)
    }

    async fn execute(&self, sql: Sql) -> Result<u64, StoreError> {
        self.touch(touched::changes_tokens(sql.text()));
        let rows = self.run(sql.statement()).await?;
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
