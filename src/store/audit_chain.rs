//! The hash chain of each organization's audit trail.
//!
//! Writers insert their events without a place in the chain, and wait for nothing. Whoever seals reads the
//! head and what is unsealed, and then moves both on, in one transaction, if the head is still the one that was
//! read: of two at once one is too late, and nothing is sealed twice. An event whose transaction ended late is
//! unsealed when it becomes visible, whatever was sealed meanwhile, and so is found by the index of the unsealed.

use chrono::{DateTime, Utc};
use entity::{audit_chain, audit_event};
use uuid::Uuid;

use super::database::{Connection, Txn};
use super::due::{COUNTED, Waiting};
use super::error::StoreError;
use super::row::model;
use super::sql::Sql;

/// Adds the organizations that have events for which a condition holds, as `waiting`: one look into an index for
/// each, however many events there are.
fn organizations(sql: &mut Sql, condition: &'static str) {
    let first = |sql: &mut Sql, after: &'static str| {
        sql.push("(SELECT e.organization_id FROM audit_event e WHERE ").push(condition).push(after);
        sql.push(" ORDER BY e.organization_id LIMIT 1)");
    };
    sql.push("WITH RECURSIVE waiting (id) AS (SELECT ");
    first(sql, "");
    sql.push(" UNION ALL SELECT ");
    first(sql, " AND e.organization_id > w.id");
    sql.push(" FROM waiting w WHERE w.id IS NOT NULL) ");
}

/// The organizations that have events to seal.
pub async fn waiting(connection: &impl Connection) -> Result<Vec<Uuid>, StoreError> {
    let mut sql = connection.sql();
    organizations(&mut sql, "e.sequence IS NULL");
    sql.push("SELECT id FROM waiting WHERE id IS NOT NULL");
    let rows = connection.all(sql).await?;
    rows.iter().map(|row| Ok(row.try_get("", "id")?)).collect()
}

/// How many events wait to be sealed, over all organizations.
pub async fn count_unsealed(connection: &impl Connection) -> Result<Waiting, StoreError> {
    let mut sql = connection.sql();
    sql.push("SELECT count(*) AS due FROM (SELECT 1 FROM audit_event e WHERE e.sequence IS NULL LIMIT ");
    sql.number(COUNTED).push(") x");
    let rows = connection.all(sql).await?;
    let due = rows.first().map(|row| row.try_get("", "due")).transpose()?.unwrap_or_default();
    Ok(Waiting { due, oldest: None })
}

/// The organizations that events name and that do not exist.
pub async fn strays(connection: &impl Connection) -> Result<Vec<Uuid>, StoreError> {
    let mut sql = connection.sql();
    organizations(&mut sql, "1 = 1");
    sql.push("SELECT id FROM waiting WHERE id IS NOT NULL");
    sql.push(" AND NOT EXISTS (SELECT 1 FROM organization o WHERE o.id = waiting.id)");
    let rows = connection.all(sql).await?;
    rows.iter().map(|row| Ok(row.try_get("", "id")?)).collect()
}

/// Where a chain stands; none before its first event was sealed.
pub async fn head(
    connection: &impl Connection,
    organization: Uuid,
) -> Result<Option<audit_chain::Model>, StoreError> {
    let mut sql = connection.sql();
    sql.push("SELECT ").columns::<audit_chain::Entity>("c").push(" FROM audit_chain c");
    sql.push(" WHERE c.organization_id = ").bind(organization);
    let rows = connection.all(sql).await?;
    Ok(rows.first().map(|row| model::<audit_chain::Model>(row, "c_")).transpose()?)
}

/// Events without a place in the chain, so many at most, in the order in which they were made.
pub async fn unsealed(
    connection: &impl Connection,
    organization: Uuid,
    most: u64,
) -> Result<Vec<audit_event::Model>, StoreError> {
    let mut sql = connection.sql();
    sql.push("SELECT ").columns::<audit_event::Entity>("e").push(" FROM audit_event e");
    sql.push(" WHERE e.organization_id = ").bind(organization);
    sql.push(" AND e.sequence IS NULL ORDER BY e.id LIMIT ").number(most);
    let rows = connection.all(sql).await?;
    Ok(rows.iter().map(|row| model::<audit_event::Model>(row, "e_")).collect::<Result<_, _>>()?)
}

/// Moves the head of a chain on, if it is still the one that was read; tells whether it was.
pub async fn advance(
    txn: &Txn,
    from: Option<&audit_chain::Model>,
    to: &audit_chain::Model,
) -> Result<bool, StoreError> {
    let mut sql = txn.sql();
    match from {
        None => {
            sql.push("INSERT INTO audit_chain (organization_id, sequence, hash, sealed_at) VALUES (");
            sql.bind(to.organization_id).push(", ").bind(to.sequence).push(", ").bind(to.hash.clone());
            sql.push(", ").bind(to.sealed_at).push(") ON CONFLICT (organization_id) DO NOTHING");
        }
        Some(from) => {
            sql.push("UPDATE audit_chain SET sequence = ").bind(to.sequence);
            sql.push(", hash = ").bind(to.hash.clone()).push(", sealed_at = ").bind(to.sealed_at);
            sql.push(" WHERE organization_id = ").bind(to.organization_id);
            sql.push(" AND sequence = ").bind(from.sequence).push(" AND hash = ").bind(from.hash.clone());
        }
    }
    Ok(txn.execute(sql).await? == 1)
}

/// The place of an event in its chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seal {
    /// The event.
    pub event: Uuid,
    /// Its number.
    pub sequence: i64,
    /// The hash of the one before it; none of the first.
    pub previous: Option<String>,
    /// Its hash.
    pub hash: String,
}

/// Gives events their places, in one statement; those that have one keep it. Tells how many got one.
pub async fn seal(
    txn: &Txn,
    organization: Uuid,
    at: DateTime<Utc>,
    seals: &[Seal],
) -> Result<u64, StoreError> {
    let object = |seal: &Seal| {
        serde_json::json!({
            "id": seal.event.simple().to_string(), "sequence": seal.sequence, "previous": seal.previous, "hash": seal.hash,
        })
    };
    let mut sql = txn.sql();
    sql.push("UPDATE audit_event SET sequence = ").number_of("s", "sequence");
    sql.push(", previous_hash = ").text_of("s", "previous").push(", hash = ").text_of("s", "hash");
    sql.push(", sealed_at = ").bind(at).push(" FROM ");
    sql.objects(seals.iter().map(object).collect(), "s");
    sql.push(" WHERE audit_event.id = ").id_of("s", "id");
    sql.push(" AND audit_event.organization_id = ").bind(organization);
    sql.push(" AND audit_event.sequence IS NULL");
    txn.execute(sql).await
}

/// Where a page of a chain begins: after the row with this number and id.
pub type Place = (i64, Uuid);

/// Before everything.
pub const START: Place = (i64::MIN, Uuid::nil());

/// One row of a chain, as far as it can be read.
#[derive(Clone, Debug)]
pub struct Row {
    /// Its number.
    pub sequence: i64,
    /// The event's id; none where what stands there is no id.
    pub id: Option<Uuid>,
    /// The event; none where what stands there is no event.
    pub event: Option<audit_event::Model>,
}

impl Row {
    /// Where the next page begins.
    #[must_use]
    pub fn place(&self) -> Place {
        (self.sequence, self.id.unwrap_or(Uuid::max()))
    }
}

/// Which part of a chain is wanted, by the time of the events.
#[derive(Clone, Copy, Debug, Default)]
pub struct Span {
    /// At or after.
    pub from: Option<DateTime<Utc>>,
    /// Before.
    pub until: Option<DateTime<Utc>>,
}

/// The next rows of a chain, so many at most, in its order.
pub async fn page(
    connection: &impl Connection,
    organization: Uuid,
    (sequence, id): Place,
    span: Span,
    most: u64,
) -> Result<Vec<Row>, StoreError> {
    let mut sql = connection.sql();
    sql.push("SELECT ").columns::<audit_event::Entity>("e").push(" FROM audit_event e");
    sql.push(" WHERE e.organization_id = ").bind(organization);
    sql.push(" AND e.sequence >= ").bind(sequence);
    sql.push(" AND (e.sequence, e.id) > (").bind(sequence).push(", ").bind(id).push(")");
    sql.within("e.at", span.from, span.until);
    sql.push(" ORDER BY e.sequence, e.id LIMIT ").number(most);
    let rows = connection.all(sql).await?;
    let read = |row: &sea_orm::QueryResult| {
        Ok(Row {
            sequence: row.try_get("", "e_sequence")?,
            id: row.try_get("", "e_id").ok(),
            event: model::<audit_event::Model>(row, "e_").ok(),
        })
    };
    rows.iter().map(read).collect()
}

/// Where what happened within a span begins in its chain, and how much of it is not sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Within {
    /// The first number; none where nothing of it is sealed.
    pub first: Option<i64>,
    /// How many events wait to be sealed.
    pub waiting: i64,
}

/// Where a span begins. It is looked for among the events of that time, and not from the start of the chain on: the sum
/// keeps the index on the numbers out of it. One statement tells both: no event is sealed between the two.
pub async fn within(
    connection: &impl Connection,
    organization: Uuid,
    span: Span,
) -> Result<Within, StoreError> {
    let mut sql = connection.sql();
    sql.push(
        "SELECT min(e.sequence + 0) AS first, count(*) - count(e.sequence) AS waiting FROM audit_event e",
    );
    sql.push(" WHERE e.organization_id = ").bind(organization).within("e.at", span.from, span.until);
    let rows = connection.all(sql).await?;
    let row = rows.first().ok_or_else(|| StoreError::Other("a sum without a row".to_owned()))?;
    Ok(Within { first: row.try_get("", "first")?, waiting: row.try_get("", "waiting")? })
}

/// How many events within a span wait to be sealed, where the chain was read up to a place; none where it goes on there:
/// something was sealed since. One statement tells both, so that nothing is neither read nor counted.
pub async fn left(
    connection: &impl Connection,
    organization: Uuid,
    (sequence, id): Place,
    span: Span,
) -> Result<Option<i64>, StoreError> {
    let mut sql = connection.sql();
    sql.push("SELECT (SELECT count(*) FROM audit_event e WHERE e.organization_id = ").bind(organization);
    sql.push(" AND e.sequence IS NULL").within("e.at", span.from, span.until);
    sql.push(") AS waiting, EXISTS (SELECT 1 FROM audit_event e WHERE e.organization_id = ");
    sql.bind(organization).push(" AND e.sequence >= ").bind(sequence);
    sql.push(" AND (e.sequence, e.id) > (").bind(sequence).push(", ").bind(id).push(")");
    sql.within("e.at", span.from, span.until).push(") AS goes_on");
    let rows = connection.all(sql).await?;
    let row = rows.first().ok_or_else(|| StoreError::Other("a count without a row".to_owned()))?;
    let goes_on: bool = row.try_get("", "goes_on")?;
    Ok(if goes_on { None } else { Some(row.try_get("", "waiting")?) })
}

/// The first events of before a time, or of any, that wait to be sealed, so many at most; none for what is no id.
pub async fn overdue(
    connection: &impl Connection,
    organization: Uuid,
    before: Option<DateTime<Utc>>,
    most: u64,
) -> Result<Vec<Option<Uuid>>, StoreError> {
    let mut sql = connection.sql();
    sql.push("SELECT e.id AS id FROM audit_event e WHERE e.organization_id = ").bind(organization);
    sql.push(" AND e.sequence IS NULL").within("e.at", None, before);
    sql.push(" ORDER BY e.id LIMIT ").number(most);
    let rows = connection.all(sql).await?;
    Ok(rows.iter().map(|row| row.try_get("", "id").ok()).collect())
}
