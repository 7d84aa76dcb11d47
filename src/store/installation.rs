//! What this database is: whether it holds demo data, and bringing its schema up to date.

use chrono::{DateTime, Utc};
use entity::installation;
use migration::{Migrator, MigratorTrait};

use super::database::{Connection, Database, Transaction, Txn};
use super::error::StoreError;
use super::sql::Dialect;

/// The key of the advisory lock that keeps two servers from migrating at once.
const MIGRATION_LOCK: i64 = 0x6775_6963_6865_7400;

/// Brings the schema up to date; servers that start together do it one after the other.
pub async fn migrate(database: &Database) -> Result<(), StoreError> {
    let writer = database.writer();
    let lock = |name: &'static str| {
        let mut sql = database.sql();
        sql.push("SELECT ").push(name).push("(").bind(MIGRATION_LOCK).push(")");
        sql
    };
    if database.dialect() == Dialect::Sqlite {
        return Ok(Migrator::up(writer, None).await?);
    }
    // The lock belongs to a session, so it is taken in a transaction of its own on one connection.
    let holder = sea_orm::DatabaseConnection::clone(writer);
    #[expect(clippy::disallowed_methods, reason = "holds the migration lock while other connections migrate")]
    let guard = sea_orm::TransactionTrait::begin(&holder).await?;
    sea_orm::ConnectionTrait::execute_raw(&guard, lock("pg_advisory_xact_lock").statement()).await?;
    Migrator::up(writer, None).await?;
    Ok(guard.commit().await?)
}

/// How many changes the schema still needs; a schema that is newer needs none.
pub async fn pending_migrations(database: &Database) -> Result<usize, StoreError> {
    Ok(Migrator::get_pending_migrations(database.writer()).await?.len())
}

/// Reads a fact about this database.
pub async fn fact(connection: &impl Connection, key: &str) -> Result<Option<String>, StoreError> {
    let mut sql = connection.sql();
    sql.push("SELECT value FROM installation WHERE key = ").bind(key);
    let rows = connection.all(sql).await?;
    Ok(rows.first().map(|row| row.try_get("", "value")).transpose()?)
}

/// Notes a fact about this database.
pub async fn note(txn: &Txn, key: &str, value: &str) -> Result<(), StoreError> {
    txn.insert(installation::Model { key: key.to_owned(), value: value.to_owned() }).await
}

/// The key under which [`try_to_write`] writes.
const WRITTEN: &str = "written";

/// Writes something and commits it: whether the database keeps what is written.
pub async fn try_to_write(database: &Database) -> Result<(), StoreError> {
    struct Try;

    impl Transaction for Try {
        type Output = ();
        type Error = StoreError;

        async fn run(&self, txn: &Txn) -> Result<(), StoreError> {
            txn.wakes_nobody();
            let fact = installation::Model { key: WRITTEN.to_owned(), value: txn.now().to_rfc3339() };
            txn.upsert_all(vec![fact], installation::Column::Key, &[installation::Column::Value]).await
        }
    }
    database.write(&Try).await
}

/// What the keys begin with under which the worker notes what succeeded.
const WORK: &str = "work.";

/// Notes when kinds of work last succeeded.
pub async fn note_successes(
    database: &Database,
    successes: Vec<(&'static str, DateTime<Utc>)>,
) -> Result<(), StoreError> {
    struct Note(Vec<(&'static str, DateTime<Utc>)>);

    impl Transaction for Note {
        type Output = ();
        type Error = StoreError;

        async fn run(&self, txn: &Txn) -> Result<(), StoreError> {
            txn.wakes_nobody();
            let fact = |(kind, at): &(&str, DateTime<Utc>)| installation::Model {
                key: format!("{WORK}{kind}"),
                value: at.to_rfc3339(),
            };
            let facts = self.0.iter().map(fact).collect();
            txn.upsert_all(facts, installation::Column::Key, &[installation::Column::Value]).await
        }
    }
    if successes.is_empty() {
        return Ok(());
    }
    database.write(&Note(successes)).await
}

/// When a kind of work last succeeded on any server, as far as that was noted.
pub async fn last_success(
    connection: &impl Connection,
    kind: &str,
) -> Result<Option<DateTime<Utc>>, StoreError> {
    let noted = fact(connection, &format!("{WORK}{kind}")).await?;
    Ok(noted.and_then(|text| DateTime::parse_from_rfc3339(&text).ok()).map(|at| at.to_utc()))
}

/// Whether the database answers.
pub async fn ping(database: &Database) -> Result<(), StoreError> {
    let mut sql = database.sql();
    sql.push("SELECT 1");
    database.all(sql).await.map(|_| ())
}

/// The time that the database tells.
pub async fn time(database: &Database) -> Result<DateTime<Utc>, StoreError> {
    let mut sql = database.sql();
    match database.dialect() {
        Dialect::Postgres => sql.push("SELECT clock_timestamp() AS time"),
        Dialect::Sqlite => sql.push("SELECT strftime('%Y-%m-%dT%H:%M:%f', 'now') || '+00:00' AS time"),
    };
    let rows = database.all(sql).await?;
    let time = rows.first().map(|row| row.try_get("", "time")).transpose()?;
    time.ok_or_else(|| StoreError::Other("the database tells no time".to_owned()))
}
