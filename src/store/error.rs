//! What can go wrong below the statements.

use sea_orm::{DbErr, RuntimeErr, SqlErr};

/// A failure of the database. It carries the database's own words for the log;
/// nothing that implements `From<StoreError>` may show them to a client.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A unique name or key is taken already.
    #[error("unique constraint: {0}")]
    Taken(String),
    /// Something else names the row.
    #[error("foreign key: {0}")]
    Referenced(String),
    /// No connection came free in time, or the database is away.
    #[error("unavailable: {0}")]
    Unavailable(String),
    /// Another transaction was in the way; the whole one can be tried again.
    #[error("serialization: {0}")]
    Retry(String),
    /// Anything else.
    #[error("database: {0}")]
    Other(String),
}

impl From<DbErr> for StoreError {
    fn from(error: DbErr) -> Self {
        match error.sql_err() {
            Some(SqlErr::UniqueConstraintViolation(name)) => return Self::Taken(name),
            Some(SqlErr::ForeignKeyConstraintViolation(name)) => return Self::Referenced(name),
            Some(_) | None => {}
        }
        let text = error.to_string();
        match &error {
            DbErr::ConnectionAcquire(_) | DbErr::Conn(_) => Self::Unavailable(text),
            DbErr::Exec(RuntimeErr::SqlxError(cause)) | DbErr::Query(RuntimeErr::SqlxError(cause)) => {
                match &**cause {
                    sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed | sqlx::Error::Io(_) => {
                        Self::Unavailable(text)
                    }
                    sqlx::Error::Database(database) => match database.code().as_deref() {
                        // PostgreSQL: serialization failure, deadlock. SQLite: busy, and its variants.
                        Some("40001" | "40P01" | "5" | "261" | "517") => Self::Retry(text),
                        // PostgreSQL: shutting down, too many connections, a statement that took too long.
                        Some("57P01" | "57P03" | "53300" | "57014") => Self::Unavailable(text),
                        _ => Self::Other(text),
                    },
                    _ => Self::Other(text),
                }
            }
            _ => Self::Other(text),
        }
    }
}
