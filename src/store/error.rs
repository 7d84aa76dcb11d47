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
    /// The machine below the database: no space, no memory, or a disk that fails.
    #[error("storage: {0}")]
    Storage(String),
    /// Another transaction was in the way; the whole one can be tried again.
    #[error("serialization: {0}")]
    Retry(String),
    /// The database did not say whether it kept the transaction: it must not be repeated as if it had failed.
    #[error("uncertain: {0}")]
    Uncertain(String),
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
                        Some(code) if is_of_the_machine(code) => Self::Storage(text),
                        _ => Self::Other(text),
                    },
                    _ => Self::Other(text),
                }
            }
            _ => Self::Other(text),
        }
    }
}

/// Whether a code of either database speaks of the machine below it: no space, no memory, a disk or a file that
/// fails.
fn is_of_the_machine(code: &str) -> bool {
    match code.parse::<u32>() {
        // SQLite: the lowest byte is the kind (no memory, input or output, full, cannot open).
        Ok(code) if code < 10_000 => matches!(code & 0xff, 7 | 10 | 13 | 14),
        // PostgreSQL: insufficient resources, system errors.
        Ok(_) | Err(_) => code != "53300" && (code.starts_with("53") || code.starts_with("58")),
    }
}

/// Whether a commit that ended so has surely kept nothing. An input or output error, or a connection that ends before
/// the answer, says nothing.
pub(super) fn is_known_to_have_failed(error: &sqlx::Error) -> bool {
    let sqlx::Error::Database(error) = error else { return false };
    match error.code().as_deref() {
        // PostgreSQL: connection exceptions, shutting down, an outcome that it does not know itself.
        Some(code) if code.len() == 5 => {
            !(code.starts_with("08") || code.starts_with("57P") || code.starts_with("58") || code == "40003")
        }
        Some(code) => code.parse::<u32>().is_ok_and(|code| code & 0xff != 10),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_machine_lacks_is_told_apart_from_what_a_statement_gets_wrong() {
        for (code, expected) in [
            ("13", true),     // SQLite: full
            ("10", true),     // an input or output error,
            ("778", true),    // writing,
            ("1034", true),   // and syncing
            ("7", true),      // no memory
            ("3082", true),   // no memory while reading
            ("14", true),     // cannot open
            ("5", false),     // busy
            ("2067", false),  // a unique name
            ("787", false),   // a foreign key
            ("53100", true),  // PostgreSQL: full
            ("53200", true),  // no memory
            ("58030", true),  // an input or output error
            ("23505", false), // a unique name
            ("42P01", false), // no such table
        ] {
            assert_eq!(is_of_the_machine(code), expected, "{code}");
        }
    }
}
