//! The permissions that organizations added to the catalogue.

use entity::repository_access::AccessLevel;
use entity::{permission_definition, permission_definition_scope};
use uuid::Uuid;

use super::database::{Connection, Txn};
use super::error::StoreError;
use super::row::{model, optional};

/// A permission, with the classic scopes that hold it.
#[derive(Clone, Debug)]
pub struct Row {
    /// The permission.
    pub definition: permission_definition::Model,
    /// The scopes, each with the level that it holds.
    pub scopes: Vec<(String, AccessLevel)>,
}

/// All permissions of an organization's own, by target and name.
pub async fn of(connection: &impl Connection, organization: Uuid) -> Result<Vec<Row>, StoreError> {
    let mut sql = connection.sql();
    sql.push("SELECT ").columns::<permission_definition::Entity>("d").push(", ");
    sql.columns::<permission_definition_scope::Entity>("s").push(" FROM permission_definition d");
    sql.push(" LEFT JOIN permission_definition_scope s ON s.definition_id = d.id");
    sql.push(" WHERE d.organization_id = ").bind(organization);
    sql.push(" ORDER BY d.target, d.name, s.scope");
    let mut found: Vec<Row> = Vec::new();
    for row in &connection.all(sql).await? {
        let definition = model::<permission_definition::Model>(row, "d_")?;
        if found.last().is_none_or(|last| last.definition.id != definition.id) {
            found.push(Row { definition, scopes: Vec::new() });
        }
        let scope = optional::<permission_definition_scope::Model>(row, "s_")?;
        if let (Some(last), Some(scope)) = (found.last_mut(), scope) {
            last.scopes.push((scope.scope, scope.level));
        }
    }
    Ok(found)
}

/// Takes a permission away, with its scopes.
pub async fn delete(txn: &Txn, id: Uuid) -> Result<(), StoreError> {
    let mut sql = txn.sql();
    sql.push("DELETE FROM permission_definition_scope WHERE definition_id = ").bind(id);
    txn.execute(sql).await?;
    let mut sql = txn.sql();
    sql.push("DELETE FROM permission_definition WHERE id = ").bind(id);
    txn.execute(sql).await.map(|_| ())
}
