//! Users, and the catalog roles that they hold.
//!
//! Among the rows there are accounts of people elsewhere, whose tokens were imported: they own these, and are no
//! users. No list has them, no command finds them, and no sign-in is theirs; only what names them reads them.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use entity::app_user::{self, UserKind, UserState};
use entity::catalog_role_assignment;
use sea_orm::{ActiveEnum as _, QueryResult};
use uuid::Uuid;

use super::database::{Connection, Txn};
use super::error::StoreError;
use super::page::{List, Page, Window, alone};
use super::row::model;
use super::sql::Sql;
use super::{Access, names, search};
use crate::authz::{Role, Scope};

/// Which users are wanted. All given conditions hold together.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Of these kinds.
    pub kinds: Option<Vec<UserKind>>,
    /// In these states, by the names that the API has for them: a guest who was blocked or removed is that.
    pub states: Option<Vec<&'static str>>,
    /// Coming from one of these connected organizations.
    pub connected_organizations: Option<Vec<Uuid>>,
    /// Reporting to one of these users.
    pub managers: Option<Vec<Uuid>>,
    /// With this text in the name or address.
    pub search: Option<String>,
}

/// What a list of users is sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Order {
    /// The name.
    Name,
    /// The time they were first seen.
    CreatedAt,
}

fn visible(sql: &mut Sql, access: Access<'_>) {
    sql.push("u.organization_id = ").bind(access.organization());
    if let Access::Visible(_) = access {
        sql.push(" AND u.origin = 'GUICHET'");
    }
    if let Access::Visible(Scope { users: false, user, .. }) = access {
        // Others see themselves and their reports.
        sql.push(" AND (u.id = ").bind(*user).push(" OR u.manager_id = ").bind(*user).push(")");
    }
}

/// A page of the users that the viewer may see.
pub async fn list(
    connection: &impl Connection,
    scope: &Scope,
    filter: &Filter,
    order: Order,
    window: &Window,
) -> Result<Page<app_user::Model>, StoreError> {
    let list = List {
        from: "app_user u",
        key: match order {
            Order::Name => ("u.name_key", "u_name_key"),
            Order::CreatedAt => ("u.created_at", "u_created_at"),
        },
        id: ("u.id", "u_id"),
        columns: Box::new(|sql| {
            sql.columns::<app_user::Entity>("u");
        }),
        joins: Box::new(alone),
        matching: Box::new(|sql| {
            visible(sql, Access::Visible(scope));
            if let Some(kinds) = &filter.kinds {
                sql.push(" AND u.kind").any_text(&names(kinds));
            }
            if let Some(states) = &filter.states {
                sql.push(" AND COALESCE(u.guest_end, u.state)").any_text(states);
            }
            if let Some(organizations) = &filter.connected_organizations {
                sql.push(" AND u.connected_organization_id").any_id(organizations);
            }
            if let Some(managers) = &filter.managers {
                sql.push(" AND u.manager_id").any_id(managers);
            }
            if let Some(text) = &filter.search {
                sql.push(" AND (u.name_key");
                search(sql, text).push(" OR lower(u.email)");
                search(sql, text).push(")");
            }
        }),
    };
    list.page(connection, window, |row| model::<app_user::Model>(row, "u_")).await
}

/// Users by id.
pub async fn find(
    connection: &impl Connection,
    access: Access<'_>,
    ids: &[Uuid],
) -> Result<Vec<app_user::Model>, StoreError> {
    let mut sql = connection.sql();
    sql.push("SELECT ").columns::<app_user::Entity>("u").push(" FROM app_user u WHERE ");
    visible(&mut sql, access);
    sql.push(" AND u.id").any_id(ids);
    let rows = connection.all(sql).await?;
    Ok(rows.iter().map(|row| model::<app_user::Model>(row, "u_")).collect::<Result<_, _>>()?)
}

/// Returns users by id, each with whether their e-mail address may match an account at a remote.
pub async fn correlated(
    connection: &impl Connection,
    access: Access<'_>,
    ids: &[Uuid],
) -> Result<Vec<(app_user::Model, bool)>, StoreError> {
    let mut sql = connection.sql();
    sql.push("SELECT ").columns::<app_user::Entity>("u").push(", ");
    address_counts(&mut sql);
    sql.push(" AS address_counts FROM app_user u WHERE ");
    visible(&mut sql, access);
    sql.push(" AND u.id").any_id(ids).push(" ORDER BY u.id");
    let rows = connection.all(sql).await?;
    let read =
        |row: &QueryResult| Ok((model::<app_user::Model>(row, "u_")?, row.try_get("", "address_counts")?));
    rows.iter().map(read).collect()
}

/// The user that an issuer knows by this subject.
pub async fn known(
    connection: &impl Connection,
    organization: Uuid,
    issuer: &str,
    subject: &str,
) -> Result<Option<app_user::Model>, StoreError> {
    let mut sql = connection.sql();
    sql.push("SELECT ").columns::<app_user::Entity>("u").push(" FROM app_user u WHERE u.organization_id = ");
    sql.bind(organization).push(" AND u.issuer = ").bind(issuer).push(" AND u.subject = ").bind(subject);
    sql.push(" AND u.origin = 'GUICHET'");
    let rows = connection.all(sql).await?;
    Ok(rows.first().map(|row| model::<app_user::Model>(row, "u_")).transpose()?)
}

/// The catalog roles that a user holds by assignment.
pub async fn catalog_roles(
    connection: &impl Connection,
    user: Uuid,
) -> Result<BTreeSet<(Role, Uuid)>, StoreError> {
    let mut sql = connection.sql();
    sql.push("SELECT ").columns::<catalog_role_assignment::Entity>("h");
    sql.push(
        " FROM catalog_role_assignment h JOIN catalog c ON c.id = h.catalog_id AND c.deleted_at IS NULL",
    );
    sql.push(" WHERE h.user_id = ").bind(user);
    let rows = connection.all(sql).await?;
    let read = |row| {
        let held = model::<catalog_role_assignment::Model>(row, "h_")?;
        Ok((Role::from(held.role), held.catalog_id))
    };
    rows.iter().map(read).collect()
}

/// Users of an organization by id, locked, in the order of their ids.
pub async fn lock(txn: &Txn, organization: Uuid, ids: &[Uuid]) -> Result<Vec<app_user::Model>, StoreError> {
    let mut sql = txn.sql();
    sql.push("SELECT ").columns::<app_user::Entity>("u").push(" FROM app_user u WHERE u.organization_id = ");
    sql.bind(organization).push(" AND u.origin = 'GUICHET' AND u.id").any_id(ids);
    sql.push(" ORDER BY u.id").lock("u");
    let rows = txn.all(sql).await?;
    Ok(rows.iter().map(|row| model::<app_user::Model>(row, "u_")).collect::<Result<_, _>>()?)
}

/// Locks people until the transaction ends: what they hold and ask for is judged by one at a time.
pub async fn hold(txn: &Txn, ids: &[Uuid]) -> Result<(), StoreError> {
    if ids.is_empty() {
        return Ok(());
    }
    let mut sql = txn.sql();
    sql.push("SELECT u.id AS id FROM app_user u WHERE u.id")
        .any_id(ids)
        .push(" ORDER BY u.id")
        .lock_but_for_references("u");
    txn.all(sql).await.map(|_| ())
}

/// Locks those whom these requests are about, in the order of their ids.
pub async fn hold_requestors(txn: &Txn, requests: &[Uuid]) -> Result<(), StoreError> {
    let mut sql = txn.sql();
    sql.push("SELECT u.id AS id FROM app_user u WHERE u.id IN (SELECT r.requestor_id FROM access_request r");
    sql.push(" WHERE r.id").any_id(requests).push(") ORDER BY u.id").lock_but_for_references("u");
    txn.all(sql).await.map(|_| ())
}

/// Whether somebody reports to a user, over any number of steps; or is that user.
pub async fn reports_to(txn: &Txn, somebody: Uuid, user: Uuid) -> Result<bool, StoreError> {
    let mut sql = txn.sql();
    sql.push("WITH RECURSIVE line (id) AS (SELECT u.id FROM app_user u WHERE u.id = ").bind(somebody);
    sql.push(" UNION SELECT m.manager_id FROM app_user m JOIN line ON m.id = line.id");
    sql.push(" WHERE m.manager_id IS NOT NULL) SELECT 1 FROM line WHERE id = ").bind(user);
    Ok(!txn.all(sql).await?.is_empty())
}

/// Changes what is kept of a user who still has this version; tells whether they had.
pub async fn update(txn: &Txn, after: &app_user::Model, version: i32) -> Result<bool, StoreError> {
    let mut sql = txn.sql();
    sql.push("UPDATE app_user SET display_name = ").bind(after.display_name.clone());
    sql.push(", name_key = ").bind(after.name_key.clone());
    sql.push(", email = ").bind(after.email.clone());
    sql.push(", manager_id = ").bind(after.manager_id);
    sql.push(", version = version + 1 WHERE id = ").bind(after.id);
    sql.push(" AND version = ").bind(version);
    Ok(txn.execute(sql).await? == 1)
}

/// Deactivates a user, or makes them active again.
pub async fn set_state(txn: &Txn, user: Uuid, state: UserState) -> Result<(), StoreError> {
    let deactivated_at = match state {
        UserState::Active => None,
        UserState::Deactivated => Some(txn.now()),
    };
    let mut sql = txn.sql();
    sql.push("UPDATE app_user SET state = ").bind(state.to_value());
    sql.push(", deactivated_at = ").bind(deactivated_at).push(", guest_end = NULL, guest_end_at = NULL");
    sql.push(", version = version + 1 WHERE id = ").bind(user);
    txn.execute(sql).await.map(|_| ())
}

/// Notes from which connected organization a guest comes.
pub async fn set_connected_organization(
    connection: &impl Connection,
    user: Uuid,
    organization: Option<Uuid>,
) -> Result<(), StoreError> {
    let mut sql = connection.sql();
    sql.push("UPDATE app_user SET connected_organization_id = ").bind(organization);
    sql.push(" WHERE kind = 'GUEST' AND id = ").bind(user);
    connection.execute(sql).await.map(|_| ())
}

/// For how long a role that was claimed at a sign-in tells whom to ask and whom to mail; it never lets anybody in.
const REMEMBERED: TimeDelta = TimeDelta::days(30);

/// The active people who claimed a role for the whole organization at a sign-in of the last 30 days.
pub async fn claimed(
    connection: &impl Connection,
    organization: Uuid,
    role: Role,
    now: DateTime<Utc>,
) -> Result<Vec<Uuid>, StoreError> {
    let mut sql = connection.sql();
    sql.push("SELECT u.id AS id FROM app_user u WHERE u.state = 'ACTIVE' AND u.organization_id = ");
    sql.bind(organization).push(" AND u.claimed_at >= ").bind(now - REMEMBERED).push(" AND ");
    sql.holds("u.claimed_roles", role.name()).push(" ORDER BY u.id");
    connection.all(sql).await?.iter().map(|row| Ok(row.try_get("", "id")?)).collect()
}

/// Notes the roles that a user's token claimed last.
pub async fn note_claimed_roles(
    connection: &impl Connection,
    user: Uuid,
    roles: serde_json::Value,
    now: chrono::DateTime<chrono::Utc>,
) -> Result<(), StoreError> {
    let mut sql = connection.sql();
    sql.push("UPDATE app_user SET claimed_roles = ").bind(roles).push(", claimed_at = ").bind(now);
    sql.push(" WHERE id = ").bind(user);
    connection.execute(sql).await.map(|_| ())
}

/// Whether a user may act.
pub async fn is_active(connection: &impl Connection, user: Uuid) -> Result<bool, StoreError> {
    let mut sql = connection.sql();
    sql.push("SELECT 1 FROM app_user u WHERE u.state = 'ACTIVE' AND u.id = ").bind(user);
    Ok(!connection.all(sql).await?.is_empty())
}

/// Locks a user until the transaction ends; tells whether they may act.
pub async fn lock_active(txn: &Txn, user: Uuid) -> Result<bool, StoreError> {
    let mut sql = txn.sql();
    sql.push("SELECT u.state AS state FROM app_user u WHERE u.id = ").bind(user).lock("u");
    let rows = txn.all(sql).await?;
    let state: Option<UserState> = rows.first().map(|row| row.try_get("", "state")).transpose()?;
    Ok(state == Some(UserState::Active))
}

/// Adds the condition that the e-mail address of the user `u` may match an account at a remote: the user is a member,
/// whose issuer owns the directory, or a guest whose issuer may vouch for the domain. An address of one of the
/// organization's own domains never counts for a guest.
pub(super) fn address_counts(sql: &mut Sql) {
    sql.push(
        "(u.kind = 'MEMBER' OR (u.email IS NOT NULL AND NOT EXISTS (SELECT 1 FROM organization_domain o",
    );
    sql.push(" WHERE o.organization_id = u.organization_id AND o.domain = ").domain_of("u.email");
    sql.push(") AND EXISTS (SELECT 1 FROM identity_source v WHERE v.organization_id = u.organization_id");
    sql.push(
        " AND v.connected_organization_id = u.connected_organization_id AND v.kind = 'DOMAIN' AND v.value = ",
    );
    sql.domain_of("u.email").push(" AND ").holds_column("v.vouchers", "u.issuer").push(")))");
}
