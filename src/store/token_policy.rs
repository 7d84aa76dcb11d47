//! What hangs on the token policy.

use uuid::Uuid;

use super::database::{Connection, Txn};
use super::error::StoreError;

/// How many token requests of an organization wait for an owner's decision here.
pub async fn waiting(txn: &Txn, organization: Uuid) -> Result<i64, StoreError> {
    let mut sql = txn.sql();
    sql.push("SELECT count(*) AS total FROM token_request r WHERE r.state = 'PENDING'");
    sql.push(" AND r.origin = 'GUICHET'");
    sql.push(" AND r.organization_id = ").bind(organization);
    let rows = txn.all(sql).await?;
    Ok(rows.first().map(|row| row.try_get("", "total")).transpose()?.unwrap_or_default())
}
