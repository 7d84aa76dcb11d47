//! The accounts that people have at remote systems.

use std::collections::{HashMap, HashSet};

use entity::remote_account::{self, RemoteAccountState};
use sea_orm::{ActiveEnum as _, QueryResult};
use uuid::Uuid;

use super::Access;
use super::database::{Connection, Txn};
use super::error::StoreError;
use super::page::{List, Page, Parents, Window, alone};
use super::row::model;
use super::sql::Sql;
use crate::authz::Scope;

/// Returns the account of a user at a system, locked, if one is linked or being created.
pub async fn lock_of_user(
    txn: &Txn,
    system: Uuid,
    user: Uuid,
) -> Result<Option<remote_account::Model>, StoreError> {
    let mut sql = txn.sql();
    sql.push("SELECT ").columns::<remote_account::Entity>("a").push(" FROM remote_account a");
    sql.push(" WHERE a.system_id = ").bind(system).push(" AND a.user_id = ").bind(user);
    sql.push(" AND a.state IN ('CREATING', 'LINKED')").lock("a");
    let rows = txn.all(sql).await?;
    Ok(rows.first().map(|row| model(row, "a_")).transpose()?)
}

/// Whose account a remote id is.
#[derive(Clone, Debug)]
pub struct Owner {
    /// The account.
    pub account: remote_account::Model,
    /// Whether its user can neither act nor hold access any more, and nothing of theirs is left there.
    pub is_free: bool,
}

/// Returns who a remote id is linked to, locked.
pub async fn lock_owner(txn: &Txn, system: Uuid, remote_id: &str) -> Result<Option<Owner>, StoreError> {
    let mut sql = txn.sql();
    sql.push("SELECT ").columns::<remote_account::Entity>("a");
    sql.push(", (u.state <> 'ACTIVE' AND NOT EXISTS (SELECT 1 FROM entitlement_grant x");
    sql.push(
        " WHERE x.user_id = a.user_id AND x.system_id = a.system_id AND x.state <> 'ABSENT')) AS is_free",
    );
    sql.push(" FROM remote_account a JOIN app_user u ON u.id = a.user_id WHERE a.system_id = ").bind(system);
    sql.push(" AND a.remote_id = ").bind(remote_id.to_owned()).push(" AND a.state = 'LINKED'").lock("a");
    let rows = txn.all(sql).await?;
    let read = |row| Ok(Owner { account: model(row, "a_")?, is_free: row.try_get("", "is_free")? });
    rows.first().map(read).transpose()
}

/// Writes an account as it is now.
pub async fn update(txn: &Txn, after: &remote_account::Model) -> Result<(), StoreError> {
    let mut sql = txn.sql();
    sql.push("UPDATE remote_account SET state = ").bind(after.state.to_value());
    sql.push(", remote_id = ").bind(after.remote_id.clone());
    sql.push(", user_name = ").bind(after.user_name.clone());
    sql.push(", origin = ").bind(after.origin.to_value());
    sql.push(", linked_by_id = ").bind(after.linked_by_id).push(", delivery_id = ").bind(after.delivery_id);
    sql.push(", updated_at = ").bind(txn.now());
    sql.push(", version = version + 1 WHERE id = ").bind(after.id);
    txn.execute(sql).await.map(|_| ())
}

/// Deletes the announcement that an account of a user is about to be created.
pub async fn delete_announced(txn: &Txn, system: Uuid, user: Uuid) -> Result<(), StoreError> {
    let mut sql = txn.sql();
    sql.push("DELETE FROM remote_account WHERE state = 'CREATING' AND system_id = ").bind(system);
    sql.push(" AND user_id = ").bind(user);
    txn.execute(sql).await.map(|_| ())
}

/// Takes accounts out of use.
pub async fn set_state(txn: &Txn, ids: &[Uuid], state: RemoteAccountState) -> Result<(), StoreError> {
    let mut sql = txn.sql();
    sql.push("UPDATE remote_account SET state = ").bind(state.to_value());
    sql.push(", updated_at = ").bind(txn.now()).push(", version = version + 1 WHERE id").any_id(ids);
    txn.execute(sql).await.map(|_| ())
}

/// Adds the condition that the viewer may see the account `a`: they see connectors, or it is their own.
fn visible(sql: &mut Sql, access: Access<'_>) {
    sql.push("a.organization_id = ").bind(access.organization());
    if let Access::Visible(scope) = access
        && !scope.connectors
    {
        sql.push(" AND a.user_id = ").bind(scope.user);
    }
}

/// Returns accounts by id.
pub async fn find(
    connection: &impl Connection,
    access: Access<'_>,
    ids: &[Uuid],
) -> Result<Vec<remote_account::Model>, StoreError> {
    let mut sql = connection.sql();
    sql.push("SELECT ").columns::<remote_account::Entity>("a").push(" FROM remote_account a WHERE ");
    visible(&mut sql, access);
    sql.push(" AND a.id").any_id(ids);
    let rows = connection.all(sql).await?;
    Ok(rows.iter().map(|row| model::<remote_account::Model>(row, "a_")).collect::<Result<_, _>>()?)
}

/// Returns the same page of the accounts at each of these systems, by the time they were found.
pub async fn of_systems(
    connection: &impl Connection,
    scope: &Scope,
    systems: &[Uuid],
    window: &Window,
) -> Result<HashMap<Uuid, Page<remote_account::Model>>, StoreError> {
    pages(connection, scope, Parents { column: ("a.system_id", "a_system_id"), ids: systems }, window).await
}

/// Returns the same page of the accounts of each of these users, by the time they were found.
pub async fn of_users(
    connection: &impl Connection,
    scope: &Scope,
    users: &[Uuid],
    window: &Window,
) -> Result<HashMap<Uuid, Page<remote_account::Model>>, StoreError> {
    pages(connection, scope, Parents { column: ("a.user_id", "a_user_id"), ids: users }, window).await
}

async fn pages(
    connection: &impl Connection,
    scope: &Scope,
    parents: Parents<'_>,
    window: &Window,
) -> Result<HashMap<Uuid, Page<remote_account::Model>>, StoreError> {
    let list = List {
        from: "remote_account a",
        key: ("a.created_at", "a_created_at"),
        id: ("a.id", "a_id"),
        columns: Box::new(|sql| {
            sql.columns::<remote_account::Entity>("a");
        }),
        joins: Box::new(alone),
        matching: Box::new(|sql| visible(sql, Access::Visible(scope))),
    };
    list.pages(connection, parents, window, |row| model::<remote_account::Model>(row, "a_")).await
}

/// Returns the remote ids of the accounts that are linked to these users at a system.
pub async fn linked_to(
    connection: &impl Connection,
    system: Uuid,
    users: &[Uuid],
) -> Result<HashMap<Uuid, String>, StoreError> {
    let mut sql = connection.sql();
    sql.push("SELECT a.user_id AS user_id, a.remote_id AS remote_id FROM remote_account a");
    sql.push(" WHERE a.state = 'LINKED' AND a.remote_id IS NOT NULL AND a.system_id = ").bind(system);
    sql.push(" AND a.user_id").any_id(users);
    let read = |row: &QueryResult| Ok((row.try_get("", "user_id")?, row.try_get("", "remote_id")?));
    connection.all(sql).await?.iter().map(read).collect()
}

/// Returns who these remote ids are linked to.
pub async fn owners(
    connection: &impl Connection,
    system: Uuid,
    remote_ids: &[String],
) -> Result<HashMap<String, Owner>, StoreError> {
    let mut sql = connection.sql();
    select_owners(&mut sql, system, remote_ids);
    read_owners(&connection.all(sql).await?)
}

/// Returns who these remote ids are linked to, locked.
pub async fn lock_owners(
    txn: &Txn,
    system: Uuid,
    remote_ids: &[String],
) -> Result<HashMap<String, Owner>, StoreError> {
    let mut sql = txn.sql();
    select_owners(&mut sql, system, remote_ids);
    sql.push(" ORDER BY a.id").lock("a");
    read_owners(&txn.all(sql).await?)
}

fn select_owners(sql: &mut Sql, system: Uuid, remote_ids: &[String]) {
    sql.push("SELECT ").columns::<remote_account::Entity>("a");
    sql.push(", (u.state <> 'ACTIVE' AND NOT EXISTS (SELECT 1 FROM entitlement_grant x");
    sql.push(" WHERE x.user_id = a.user_id AND x.system_id = a.system_id AND x.state <> 'ABSENT'))");
    sql.push(" AS is_free FROM remote_account a JOIN app_user u ON u.id = a.user_id");
    sql.push(" WHERE a.state = 'LINKED' AND a.system_id = ").bind(system);
    sql.push(" AND a.remote_id").any_text(remote_ids);
}

fn read_owners(rows: &[QueryResult]) -> Result<HashMap<String, Owner>, StoreError> {
    let read = |row: &QueryResult| {
        let account: remote_account::Model = model(row, "a_")?;
        let remote_id = account.remote_id.clone().unwrap_or_default();
        Ok((remote_id, Owner { account, is_free: row.try_get("", "is_free")? }))
    };
    rows.iter().map(read).collect()
}

/// Returns the accounts of users at a system that are linked or being created, locked.
pub async fn lock_of_users(
    txn: &Txn,
    system: Uuid,
    users: &[Uuid],
) -> Result<Vec<remote_account::Model>, StoreError> {
    let mut sql = txn.sql();
    sql.push("SELECT ").columns::<remote_account::Entity>("a").push(" FROM remote_account a");
    sql.push(" WHERE a.state IN ('CREATING', 'LINKED') AND a.system_id = ").bind(system);
    sql.push(" AND a.user_id").any_id(users).push(" ORDER BY a.id").lock("a");
    let rows = txn.all(sql).await?;
    Ok(rows.iter().map(|row| model::<remote_account::Model>(row, "a_")).collect::<Result<_, _>>()?)
}

/// Returns accounts of an organization by id, locked.
pub async fn lock(
    txn: &Txn,
    organization: Uuid,
    ids: &[Uuid],
) -> Result<Vec<remote_account::Model>, StoreError> {
    let mut sql = txn.sql();
    sql.push("SELECT ").columns::<remote_account::Entity>("a").push(" FROM remote_account a");
    sql.push(" WHERE a.organization_id = ").bind(organization).push(" AND a.id").any_id(ids);
    sql.push(" ORDER BY a.id").lock("a");
    let rows = txn.all(sql).await?;
    Ok(rows.iter().map(|row| model::<remote_account::Model>(row, "a_")).collect::<Result<_, _>>()?)
}

/// Returns those of these users for whom something is being delivered at a system right now. What waits for them there
/// is locked, so that no worker takes it up before the transaction ends.
pub async fn lock_busy(txn: &Txn, system: Uuid, users: &[Uuid]) -> Result<HashSet<Uuid>, StoreError> {
    let mut sql = txn.sql();
    sql.push("SELECT d.user_id AS user_id, (d.state = 'IN_PROGRESS') AS is_tried FROM delivery d");
    sql.push(" JOIN entitlement_grant x ON x.id = d.grant_id WHERE d.due_at IS NOT NULL");
    sql.push(" AND x.system_id = ").bind(system).push(" AND x.user_id").any_id(users);
    sql.push(" ORDER BY d.id").lock("d");
    let read = |row: &QueryResult| Ok((row.try_get("", "user_id")?, row.try_get("", "is_tried")?));
    let rows: Vec<(Uuid, bool)> = txn.all(sql).await?.iter().map(read).collect::<Result<_, StoreError>>()?;
    Ok(rows.into_iter().filter(|(_, is_tried)| *is_tried).map(|(user, _)| user).collect())
}

/// Returns those of these accounts whose users have access at the system, or may have. Their grants are locked, so that
/// nothing begins to be given before the transaction ends.
pub async fn lock_holding(txn: &Txn, accounts: &[Uuid]) -> Result<HashSet<Uuid>, StoreError> {
    let mut sql = txn.sql();
    sql.push("SELECT a.id AS id, (x.state <> 'ABSENT') AS is_there FROM remote_account a");
    sql.push(" JOIN entitlement_grant x ON x.system_id = a.system_id AND x.user_id = a.user_id");
    sql.push(" WHERE a.id").any_id(accounts).push(" ORDER BY x.id").lock("x");
    let read = |row: &QueryResult| Ok((row.try_get("", "id")?, row.try_get("", "is_there")?));
    let rows: Vec<(Uuid, bool)> = txn.all(sql).await?.iter().map(read).collect::<Result<_, StoreError>>()?;
    Ok(rows.into_iter().filter(|(_, is_there)| *is_there).map(|(id, _)| id).collect())
}

/// Makes the grants of users at a system follow to the accounts that are linked to them now.
pub async fn move_grants(txn: &Txn, system: Uuid, users: &[Uuid]) -> Result<(), StoreError> {
    let mut sql = txn.sql();
    sql.push("UPDATE entitlement_grant SET updated_at = ").bind(txn.now());
    sql.push(
        ", account_id = (SELECT a.id FROM remote_account a WHERE a.system_id = entitlement_grant.system_id",
    );
    sql.push(" AND a.user_id = entitlement_grant.user_id AND a.state = 'LINKED')");
    sql.push(" WHERE state <> 'ABSENT' AND system_id = ").bind(system).push(" AND user_id").any_id(users);
    txn.execute(sql).await.map(|_| ())
}
