//! Due rows: the queue is the table itself.
//!
//! A row with a `due_at` waits. To claim it is to move `due_at` to the end of a lease
//! and to write the lease's name; an outcome is written only while the lease is still
//! one's own. What a dead worker held is due again after its lease.

use chrono::TimeDelta;
use uuid::Uuid;

use super::database::{Connection as _, Database};
use super::error::StoreError;
use super::sql::Sql;

/// How long a claimed row belongs to its worker.
pub(super) const LEASE: TimeDelta = TimeDelta::seconds(60);
/// How far a failure must lie in the future for the clock to have been set back: servers' clocks
/// differ a little, and another one may have failed since this one looked at its clock.
pub(super) const STEP: TimeDelta = TimeDelta::seconds(60);

/// Claims rows of a table, and counts the attempt. `picked` adds the common table expressions, of
/// which the last is `picked` with the ids; `also` is changed in the same update (`state = 'X', `).
pub(super) async fn claim(
    database: &Database,
    table: &'static str,
    also: &'static str,
    lease: Uuid,
    picked: impl FnOnce(&mut Sql),
) -> Result<Vec<Uuid>, StoreError> {
    let mut sql = database.sql();
    sql.push("WITH ");
    picked(&mut sql);
    sql.push(" UPDATE ").push(table).push(" SET ").push(also).push("due_at = ");
    sql.bind(database.clock().now() + LEASE).push(", lease = ").bind(lease);
    sql.push(", attempt_count = attempt_count + 1 WHERE id IN (SELECT id FROM picked) RETURNING id");
    let rows = database.all_writing(sql).await?;
    rows.iter().map(|row| Ok(row.try_get("", "id")?)).collect()
}
