//! Guests at their end, and the record of each step.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use entity::app_user::{GuestEnd, UserState};
use entity::guest_step::{self, GuestStepKind};
use sea_orm::QueryResult;
use uuid::Uuid;

use super::database::{Connection, Txn};
use super::error::StoreError;
use super::names;
use super::page::{List, Page, Window, alone};
use super::row::model;
use super::sql::{Dialect, Sql};
use crate::authz::Scope;

/// What the end of a guest depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Facts {
    /// Whether they may act.
    pub state: UserState,
    /// Whether they were blocked or removed.
    pub end: Option<GuestEnd>,
    /// When they were blocked or removed.
    pub end_at: Option<DateTime<Utc>>,
    /// Whether they hold an assignment or have asked for one, or stand for something: as a sponsor, or by a role.
    pub needed: bool,
    /// When they last held or asked for something, were made, or were unblocked.
    pub last: DateTime<Utc>,
}

/// A guest, with what their end depends on.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// The guest.
    pub user: Uuid,
    /// The organization.
    pub organization: Uuid,
    /// Where they stand.
    pub facts: Facts,
}

/// The different times of organizations with guests who have not ended: when these are blocked, and then removed.
pub async fn times(connection: &impl Connection) -> Result<Vec<(TimeDelta, TimeDelta)>, StoreError> {
    let mut sql = connection.sql();
    sql.push("SELECT DISTINCT o.guest_block_after_seconds AS block, o.guest_remove_after_seconds AS remove");
    sql.push(" FROM organization o WHERE EXISTS (SELECT 1 FROM app_user u WHERE u.organization_id = o.id");
    sql.push(" AND u.kind = 'GUEST' AND u.state = 'ACTIVE') OR EXISTS (SELECT 1 FROM app_user u");
    sql.push(" WHERE u.organization_id = o.id AND u.guest_end = 'BLOCKED')");
    let read = |row: &QueryResult| {
        let seconds =
            |name| Ok::<_, StoreError>(TimeDelta::try_seconds(row.try_get("", name)?).unwrap_or_default());
        Ok((seconds("block")?, seconds("remove")?))
    };
    connection.all(sql).await?.iter().map(read).collect()
}

fn with_times(sql: &mut Sql, block_after: TimeDelta, remove_after: TimeDelta) {
    sql.push(" FROM app_user u JOIN organization o ON o.id = u.organization_id");
    sql.push(" AND o.guest_block_after_seconds = ").bind(block_after.num_seconds());
    sql.push(" AND o.guest_remove_after_seconds = ").bind(remove_after.num_seconds());
}

fn ids(rows: &[QueryResult]) -> Result<Vec<Uuid>, StoreError> {
    rows.iter().map(|row| Ok(row.try_get("", "id")?)).collect()
}

/// Adds: guest `u` holds something or has asked for it, or stands for something. What was asked for and failed for
/// good is not held.
const NEEDED: &str = "(EXISTS (SELECT 1 FROM assignment g WHERE g.user_id = u.id
        AND g.state NOT IN ('ENDED', 'DELIVERY_FAILED'))
    OR EXISTS (SELECT 1 FROM access_request r WHERE r.requestor_id = u.id
        AND r.state IN ('SUBMITTED', 'PENDING_APPROVAL', 'SCHEDULED', 'DELIVERING'))
    OR EXISTS (SELECT 1 FROM connected_organization_sponsor n WHERE n.user_id = u.id
        AND n.connected_organization_id = u.connected_organization_id)
    OR EXISTS (SELECT 1 FROM catalog_role_assignment h WHERE h.user_id = u.id))";

/// Guests of organizations with these times who may be due to be blocked; not locked.
pub async fn idle(
    txn: &Txn,
    block_after: TimeDelta,
    remove_after: TimeDelta,
    most: u64,
) -> Result<Vec<Uuid>, StoreError> {
    let until = txn.now() - block_after;
    let mut sql = txn.sql();
    sql.push("SELECT u.id AS id");
    with_times(&mut sql, block_after, remove_after);
    sql.push(" WHERE u.kind = 'GUEST' AND u.state = 'ACTIVE' AND u.origin = 'GUICHET' AND u.created_at < ");
    sql.bind(until).push(" AND (u.unblocked_at IS NULL OR u.unblocked_at < ").bind(until).push(") AND NOT ");
    sql.push(NEEDED)
        .push(" AND NOT EXISTS (SELECT 1 FROM assignment g WHERE g.user_id = u.id AND g.ended_at >= ");
    sql.bind(until).push(") AND NOT EXISTS (SELECT 1 FROM access_request r WHERE r.requestor_id = u.id");
    sql.push(" AND r.last_completed_at >= ").bind(until).push(") ORDER BY u.id LIMIT ").number(most);
    ids(&txn.all(sql).await?)
}

/// Guests of organizations with these times who may be due to be removed; not locked.
pub async fn blocked(
    txn: &Txn,
    block_after: TimeDelta,
    remove_after: TimeDelta,
    most: u64,
) -> Result<Vec<Uuid>, StoreError> {
    let mut sql = txn.sql();
    sql.push("SELECT u.id AS id");
    with_times(&mut sql, block_after, remove_after);
    sql.push(" WHERE u.guest_end = 'BLOCKED' AND u.guest_end_at < ").bind(txn.now() - remove_after);
    sql.push(" AND NOT ").push(NEEDED).push(" ORDER BY u.id LIMIT ").number(most);
    ids(&txn.all(sql).await?)
}

/// Locks guests in the order of their ids: who asks for something meanwhile waits, or was first.
pub async fn lock(txn: &Txn, guests: &[Uuid]) -> Result<(), StoreError> {
    let mut sql = txn.sql();
    sql.push("SELECT u.id AS id FROM app_user u WHERE u.id").any_id(guests).push(" ORDER BY u.id").lock("u");
    txn.all(sql).await.map(|_| ())
}

/// What the end of these guests depends on, as it is now.
pub async fn facts(txn: &Txn, guests: &[Uuid]) -> Result<Vec<Row>, StoreError> {
    let mut sql = txn.sql();
    sql.push(
        "SELECT u.id AS id, u.organization_id AS organization, u.state AS state, u.guest_end AS guest_end",
    );
    sql.push(", u.guest_end_at AS guest_end_at, u.created_at AS created_at, u.unblocked_at AS unblocked_at");
    sql.push(", (SELECT max(g.ended_at) FROM assignment g WHERE g.user_id = u.id) AS ended_at");
    sql.push(", (SELECT max(r.last_completed_at) FROM access_request r WHERE r.requestor_id = u.id) AS completed_at");
    sql.push(", ").push(NEEDED).push(" AS needed FROM app_user u WHERE u.id").any_id(guests);
    sql.push(" ORDER BY u.id");
    let read = |row: &QueryResult| {
        let created: DateTime<Utc> = row.try_get("", "created_at")?;
        let others: [Option<DateTime<Utc>>; 3] = [
            row.try_get("", "unblocked_at")?,
            row.try_get("", "ended_at")?,
            row.try_get("", "completed_at")?,
        ];
        let facts = Facts {
            state: row.try_get("", "state")?,
            end: row.try_get("", "guest_end")?,
            end_at: row.try_get("", "guest_end_at")?,
            needed: row.try_get("", "needed")?,
            last: others.into_iter().flatten().fold(created, DateTime::max),
        };
        Ok(Row { user: row.try_get("", "id")?, organization: row.try_get("", "organization")?, facts })
    };
    txn.all(sql).await?.iter().map(read).collect()
}

/// Blocks guests.
pub async fn block(txn: &Txn, guests: &[Uuid]) -> Result<(), StoreError> {
    let mut sql = txn.sql();
    sql.push("UPDATE app_user SET state = 'DEACTIVATED', guest_end = 'BLOCKED', guest_end_at = ")
        .bind(txn.now());
    sql.push(", deactivated_at = ").bind(txn.now()).push(", version = version + 1");
    sql.push(" WHERE kind = 'GUEST' AND state = 'ACTIVE' AND id").any_id(guests);
    txn.execute(sql).await.map(|_| ())
}

/// Lets a guest who was blocked act again.
pub async fn unblock(txn: &Txn, guest: Uuid) -> Result<(), StoreError> {
    let mut sql = txn.sql();
    sql.push(
        "UPDATE app_user SET state = 'ACTIVE', guest_end = NULL, guest_end_at = NULL, deactivated_at = NULL",
    );
    sql.push(", unblocked_at = ").bind(txn.now()).push(", version = version + 1");
    sql.push(" WHERE guest_end = 'BLOCKED' AND id = ").bind(guest);
    txn.execute(sql).await.map(|_| ())
}

/// Erases who guests were: name, address and identity at their issuer, what they were told, and their name in what
/// others were told. The rows stay for what names them.
pub async fn remove(txn: &Txn, guests: &[Uuid], name: &str) -> Result<(), StoreError> {
    let mut sql = txn.sql();
    sql.push("UPDATE app_user SET guest_end = 'REMOVED', guest_end_at = ").bind(txn.now());
    sql.push(", display_name = ").bind(name.to_owned()).push(", name_key = ").bind(name.to_lowercase());
    sql.push(", email = NULL, manager_id = NULL, claimed_roles = NULL, claimed_at = NULL");
    sql.push(", issuer = '', subject = ").push(match sql_dialect(txn) {
        Dialect::Postgres => "id::text",
        Dialect::Sqlite => "lower(hex(id))",
    });
    sql.push(", version = version + 1 WHERE guest_end = 'BLOCKED' AND id").any_id(guests);
    txn.execute(sql).await?;
    let mut sql = txn.sql();
    sql.push("DELETE FROM notification WHERE user_id").any_id(guests);
    txn.execute(sql).await?;
    let mut sql = txn.sql();
    sql.push("UPDATE notification SET content = ").push(match sql_dialect(txn) {
        Dialect::Postgres => "jsonb_set(content, '{requestorName}', to_jsonb(",
        Dialect::Sqlite => "json_set(content, '$.requestorName', (",
    });
    sql.bind(name.to_owned());
    if sql_dialect(txn) == Dialect::Postgres {
        sql.push("::text");
    }
    sql.push(")) WHERE kind = 'APPROVAL_PENDING' AND subject_id IN (SELECT r.id FROM access_request r");
    sql.push(" WHERE r.requestor_id").any_id(guests).push(")");
    txn.execute(sql).await.map(|_| ())
}

fn sql_dialect(txn: &Txn) -> Dialect {
    txn.sql().dialect()
}

/// Those of these people for whose decision something waits.
pub async fn deciders(txn: &Txn, users: &[Uuid]) -> Result<BTreeSet<Uuid>, StoreError> {
    let mut sql = txn.sql();
    sql.push(
        "SELECT DISTINCT p.user_id AS id FROM approval_approver p JOIN approval a ON a.id = p.approval_id",
    );
    sql.push(" AND a.state = 'PENDING' WHERE p.user_id").any_id(users);
    Ok(ids(&txn.all(sql).await?)?.into_iter().collect())
}

/// Which steps are wanted. All given conditions hold together.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Of these guests.
    pub users: Option<Vec<Uuid>>,
    /// Of these kinds.
    pub steps: Option<Vec<GuestStepKind>>,
    /// At or after.
    pub from: Option<DateTime<Utc>>,
    /// Before.
    pub until: Option<DateTime<Utc>>,
}

/// A page of the steps at the end of guests, by time.
pub async fn steps(
    connection: &impl Connection,
    scope: &Scope,
    filter: &Filter,
    window: &Window,
) -> Result<Page<guest_step::Model>, StoreError> {
    let list = List {
        from: "guest_step t",
        key: ("t.at", "t_at"),
        id: ("t.id", "t_id"),
        columns: Box::new(|sql| {
            sql.columns::<guest_step::Entity>("t");
        }),
        joins: Box::new(alone),
        matching: Box::new(|sql| {
            sql.push("t.organization_id = ").bind(scope.organization);
            if !scope.users {
                sql.push(" AND t.user_id = ").bind(scope.user);
            }
            if let Some(users) = &filter.users {
                sql.push(" AND t.user_id").any_id(users);
            }
            if let Some(steps) = &filter.steps {
                sql.push(" AND t.step").any_text(&names(steps));
            }
            sql.within("t.at", filter.from, filter.until);
        }),
    };
    list.page(connection, window, |row| model::<guest_step::Model>(row, "t_")).await
}
