//! Organizations and their domains.

use entity::{organization, organization_domain};
use sea_orm::ActiveEnum as _;
use uuid::Uuid;

use super::database::{Connection, Txn};
use super::error::StoreError;
use super::row::model;

/// Finds an organization by its id.
pub async fn get(connection: &impl Connection, id: Uuid) -> Result<Option<organization::Model>, StoreError> {
    let mut sql = connection.sql();
    sql.push("SELECT ")
        .columns::<organization::Entity>("o")
        .push(" FROM organization o WHERE o.id = ")
        .bind(id);
    let rows = connection.all(sql).await?;
    Ok(rows.first().map(|row| model::<organization::Model>(row, "o_")).transpose()?)
}

/// The organization with this slug, locked.
pub async fn lock_by_slug(txn: &Txn, slug: &str) -> Result<Option<organization::Model>, StoreError> {
    let mut sql = txn.sql();
    sql.push("SELECT ").columns::<organization::Entity>("o").push(" FROM organization o WHERE o.slug = ");
    sql.bind(slug).lock("o");
    let rows = txn.all(sql).await?;
    Ok(rows.first().map(|row| model::<organization::Model>(row, "o_")).transpose()?)
}

/// An organization, locked.
pub async fn lock(txn: &Txn, id: Uuid) -> Result<Option<organization::Model>, StoreError> {
    let mut sql = txn.sql();
    sql.push("SELECT ").columns::<organization::Entity>("o").push(" FROM organization o WHERE o.id = ");
    sql.bind(id).lock("o");
    let rows = txn.all(sql).await?;
    Ok(rows.first().map(|row| model::<organization::Model>(row, "o_")).transpose()?)
}

/// An organization whose settings stay as they are until the transaction ends.
pub async fn hold(txn: &Txn, id: Uuid) -> Result<Option<organization::Model>, StoreError> {
    let mut sql = txn.sql();
    sql.push("SELECT ").columns::<organization::Entity>("o").push(" FROM organization o WHERE o.id = ");
    sql.bind(id).hold("o");
    let rows = txn.all(sql).await?;
    Ok(rows.first().map(|row| model::<organization::Model>(row, "o_")).transpose()?)
}

/// Changes an organization that still has this version; tells whether it had.
pub async fn update(txn: &Txn, after: &organization::Model, version: i32) -> Result<bool, StoreError> {
    let mut sql = txn.sql();
    sql.push("UPDATE organization SET display_name = ").bind(after.display_name.clone());
    sql.push(", reprocess_window_seconds = ").bind(after.reprocess_window_seconds);
    sql.push(", guest_block_after_seconds = ").bind(after.guest_block_after_seconds);
    sql.push(", guest_remove_after_seconds = ").bind(after.guest_remove_after_seconds);
    sql.push(", email_sign_in = ").bind(after.email_sign_in);
    sql.push(", version = version + 1 WHERE id = ").bind(after.id);
    sql.push(" AND version = ").bind(version);
    Ok(txn.execute(sql).await? == 1)
}

/// Changes the token policy of an organization that still has this version; tells whether it had.
pub async fn update_token_policy(
    txn: &Txn,
    after: &organization::Model,
    version: i32,
) -> Result<bool, StoreError> {
    let mut sql = txn.sql();
    sql.push("UPDATE organization SET fine_grained_tokens = ").bind(after.fine_grained_tokens.to_value());
    sql.push(", classic_tokens = ").bind(after.classic_tokens.to_value());
    sql.push(", token_approval_required = ").bind(after.token_approval_required);
    sql.push(", fine_grained_lifetime_seconds = ").bind(after.fine_grained_lifetime_seconds);
    sql.push(", classic_lifetime_seconds = ").bind(after.classic_lifetime_seconds);
    sql.push(", token_policy_version = token_policy_version + 1 WHERE id = ").bind(after.id);
    sql.push(" AND token_policy_version = ").bind(version);
    Ok(txn.execute(sql).await? == 1)
}

/// Finds an organization by its slug or by one of its domains.
pub async fn named(
    connection: &impl Connection,
    name: &str,
) -> Result<Option<organization::Model>, StoreError> {
    let name = name.to_lowercase();
    let mut sql = connection.sql();
    sql.push("SELECT ").columns::<organization::Entity>("o");
    sql.push(" FROM organization o WHERE o.slug = ").bind(name.clone());
    sql.push(" OR o.id IN (SELECT d.organization_id FROM organization_domain d WHERE d.domain = ");
    sql.bind(name).push(") ORDER BY o.id");
    let rows = connection.all(sql).await?;
    Ok(rows.first().map(|row| model::<organization::Model>(row, "o_")).transpose()?)
}

/// The domains of an organization, the one for share links first.
pub async fn domains(connection: &impl Connection, organization: Uuid) -> Result<Vec<String>, StoreError> {
    let mut sql = connection.sql();
    sql.push("SELECT ").columns::<organization_domain::Entity>("d");
    sql.push(" FROM organization_domain d WHERE d.organization_id = ").bind(organization);
    sql.push(" ORDER BY d.position, d.domain");
    let rows = connection.all(sql).await?;
    let read = |row| model::<organization_domain::Model>(row, "d_").map(|domain| domain.domain);
    Ok(rows.iter().map(read).collect::<Result<_, _>>()?)
}

/// What an organization is called in links: its first domain, else its slug.
pub async fn hint(connection: &impl Connection, organization: Uuid) -> Result<Option<String>, StoreError> {
    let mut sql = connection.sql();
    sql.push("SELECT COALESCE((SELECT d.domain FROM organization_domain d WHERE d.organization_id = o.id");
    sql.push(" ORDER BY d.position, d.domain LIMIT 1), o.slug) AS hint FROM organization o WHERE o.id = ");
    sql.bind(organization);
    let rows = connection.all(sql).await?;
    Ok(rows.first().map(|row| row.try_get("", "hint")).transpose()?)
}

/// All organizations, by slug: for the operator's commands.
pub async fn all(connection: &impl Connection) -> Result<Vec<organization::Model>, StoreError> {
    let mut sql = connection.sql();
    sql.push("SELECT ").columns::<organization::Entity>("o").push(" FROM organization o ORDER BY o.slug");
    let rows = connection.all(sql).await?;
    let read = |row| model::<organization::Model>(row, "o_");
    Ok(rows.iter().map(read).collect::<Result<_, _>>()?)
}
