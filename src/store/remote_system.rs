//! Remote systems: where connectors lead to.

use entity::connector::{self, ConnectorKind};
use entity::remote_system;
use uuid::Uuid;

use super::database::{Connection, Txn};
use super::error::StoreError;
use super::row::model;
use super::{Access, sql::Sql};

/// Returns the address by which a connector's system is known: its base URL without a slash at the end, so that two
/// connectors to one server share what is known of it. Each `DIRECTORY` connector is a system of its own.
#[must_use]
pub fn address(connector: Uuid, kind: ConnectorKind, base_url: Option<&str>) -> String {
    match (kind, base_url) {
        (ConnectorKind::Scim, Some(url)) => url.trim_end_matches('/').to_owned(),
        (ConnectorKind::Scim, None) | (ConnectorKind::Directory, _) => {
            format!("directory:{}", connector.simple())
        }
    }
}

/// Returns the id of the system of an address, which is added if it is new.
pub async fn ensure(txn: &Txn, organization: Uuid, address: &str, tenant: &str) -> Result<Uuid, StoreError> {
    let mut sql = txn.sql();
    sql.push("INSERT INTO remote_system (id, organization_id, address, tenant, created_at) VALUES (");
    sql.bind(txn.id()).push(", ").bind(organization).push(", ").bind(address.to_owned()).push(", ");
    sql.bind(tenant.to_owned()).push(", ").bind(txn.now());
    sql.push(") ON CONFLICT (organization_id, address, tenant) DO NOTHING");
    txn.execute(sql).await?;
    let mut sql = txn.sql();
    sql.push("SELECT y.id AS id FROM remote_system y WHERE y.organization_id = ").bind(organization);
    sql.push(" AND y.address = ").bind(address.to_owned()).push(" AND y.tenant = ").bind(tenant.to_owned());
    let rows = txn.all(sql).await?;
    let row = rows.first().ok_or_else(|| StoreError::Other("a remote system is missing".to_owned()))?;
    Ok(row.try_get("", "id")?)
}

/// Moves a system to another address; returns `false` if another connector leads to it, or the address is taken.
pub async fn move_to(txn: &Txn, system: Uuid, connector: Uuid, address: &str) -> Result<bool, StoreError> {
    let mut sql = txn.sql();
    sql.push("UPDATE remote_system SET address = ")
        .bind(address.to_owned())
        .push(" WHERE id = ")
        .bind(system);
    sql.push(" AND NOT EXISTS (SELECT 1 FROM connector k WHERE k.remote_system_id = ").bind(system);
    sql.push(" AND k.deleted_at IS NULL AND k.id <> ").bind(connector);
    sql.push(") AND NOT EXISTS (SELECT 1 FROM remote_system o WHERE o.organization_id = remote_system.organization_id");
    sql.push(" AND o.tenant = remote_system.tenant AND o.id <> remote_system.id AND o.address = ");
    sql.bind(address.to_owned()).push(")");
    Ok(txn.execute(sql).await? == 1)
}

/// Adds the condition that the viewer may see the system `y`: it belongs to a connector that they may see.
pub(super) fn visible(sql: &mut Sql, access: Access<'_>) {
    sql.push("y.organization_id = ").bind(access.organization());
    if let Access::Visible(scope) = access {
        sql.push(if scope.connectors { " AND TRUE" } else { " AND FALSE" });
    }
}

/// Systems by id. Only those who see every connector see them.
pub async fn find(
    connection: &impl Connection,
    access: Access<'_>,
    ids: &[Uuid],
) -> Result<Vec<remote_system::Model>, StoreError> {
    let mut sql = connection.sql();
    sql.push("SELECT ").columns::<remote_system::Entity>("y").push(" FROM remote_system y WHERE ");
    visible(&mut sql, access);
    sql.push(" AND y.id").any_id(ids);
    let rows = connection.all(sql).await?;
    Ok(rows.iter().map(|row| model::<remote_system::Model>(row, "y_")).collect::<Result<_, _>>()?)
}

/// The connectors that lead to these systems and were not deleted, by name.
pub async fn connectors(
    connection: &impl Connection,
    systems: &[Uuid],
) -> Result<Vec<connector::Model>, StoreError> {
    let mut sql = connection.sql();
    sql.push("SELECT ")
        .columns::<connector::Entity>("k")
        .push(" FROM connector k WHERE k.deleted_at IS NULL");
    sql.push(" AND k.remote_system_id").any_id(systems).push(" ORDER BY k.name_key, k.id");
    let rows = connection.all(sql).await?;
    Ok(rows.iter().map(|row| model::<connector::Model>(row, "k_")).collect::<Result<_, _>>()?)
}
