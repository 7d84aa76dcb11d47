//! Rows that a command holds until its transaction ends.
//!
//! Whoever checks what hangs on a row and then writes locks the row first, and whoever adds
//! something to it does so, too: of "delete it" and "add to it" at once only one succeeds.
//! The order is organization, user, catalog, connector, package, resource, policy.

use sea_orm::{EntityTrait, FromQueryResult};
use uuid::Uuid;

use super::database::{Connection, Txn};
use super::error::StoreError;

/// The row of an id in an organization, unless it was deleted; locked.
pub(super) async fn live<E>(
    txn: &Txn,
    table: &'static str,
    organization: Uuid,
    id: Uuid,
) -> Result<Option<E::Model>, StoreError>
where
    E: EntityTrait,
    E::Model: FromQueryResult,
{
    let mut sql = txn.sql();
    sql.push("SELECT ").columns::<E>("x").push(" FROM ").push(table).push(" x WHERE x.organization_id = ");
    sql.bind(organization).push(" AND x.deleted_at IS NULL AND x.id = ").bind(id).lock("x");
    let rows = txn.all(sql).await?;
    Ok(rows.first().map(|row| E::Model::from_query_result(row, "x_")).transpose()?)
}
