//! Export: what was sealed, as lines of JSON that anybody can verify.

use serde_json::Value;
use uuid::Uuid;

use super::form::{Place, canonical, object};
use crate::store::audit_chain::{Row, START, Span, left, page, within};
use crate::store::{Database, StoreError};

/// How many events are read at once.
const PAGE: u64 = 1_000;

/// Why an export ended early.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The database failed.
    #[error("the database: {0}")]
    Database(#[from] StoreError),
    /// What stands in a row is no event.
    #[error("number {0} of the chain cannot be read: run `guichet audit verify`")]
    Unreadable(i64),
    /// Nobody takes the lines any more.
    #[error("the output: {0}")]
    Output(#[from] std::io::Error),
}

/// Gives the sealed events of an organization to `take`, a line each, in their order; tells how many events of the
/// span are not sealed yet.
pub async fn run(
    database: &Database,
    organization: Uuid,
    span: Span,
    take: &mut (impl FnMut(&str) -> std::io::Result<()> + Send),
) -> Result<i64, ExportError> {
    let mut place = START;
    if span.from.is_some() {
        let within = within(database, organization, span).await?;
        let Some(first) = within.first else { return Ok(within.waiting) };
        place = (first, Uuid::nil());
    }
    loop {
        let rows = page(database, organization, place, span, PAGE).await?;
        for row in &rows {
            take(&line(row).ok_or(ExportError::Unreadable(row.sequence))?)?;
        }
        if let Some(last) = rows.last() {
            place = last.place();
        } else if let Some(waiting) = left(database, organization, place, span).await? {
            return Ok(waiting);
        }
    }
}

/// The canonical form with the hash as one more member.
fn line(row: &Row) -> Option<String> {
    let event = row.event.as_ref()?;
    let previous = event.previous_hash.as_deref();
    let place = Place { sequence: row.sequence, previous, sealed_at: event.sealed_at? };
    let mut object = object(event, &place);
    object.insert("hash".to_owned(), event.hash.clone()?.into());
    let mut line = canonical(&Value::Object(object));
    line.push('\n');
    Some(line)
}
