//! Assignment policies, with the people they name and their approval stages.

use std::collections::HashSet;
use std::sync::Arc;

use entity::{app_user, assignment_policy, policy_stage, policy_stage_approver, policy_user};
use sea_orm::{ActiveEnum as _, QueryResult};
use uuid::Uuid;

use super::columns::{Columns, columns};
use super::database::{Connection, Txn};
use super::error::StoreError;
use super::row::{model, optional, part};
use super::sql::Sql;
use super::{Access, lock};
use crate::authz::{Catalogs, Scope};
use crate::id::Kind;

/// Adds: policy `a` admits the viewer as a requestor.
pub(super) fn admits(sql: &mut Sql, scope: &Scope) {
    if scope.is_member {
        sql.push("(a.requestor_scope IN ('ALL_MEMBERS', 'ALL_USERS')");
        named(sql, scope);
        sql.push(")");
        return;
    }
    sql.push("((a.requestor_scope = 'ALL_EXTERNAL_USERS'");
    if !scope.is_newcomer {
        // Guests are users of the organization, too.
        sql.push(" OR a.requestor_scope = 'ALL_USERS'");
        named(sql, scope);
    }
    if let Some(connected) = scope.connected {
        sql.push(" OR (a.requestor_scope = 'ALL_CONNECTED_ORGANIZATIONS' AND EXISTS");
        sql.push(" (SELECT 1 FROM connected_organization co WHERE co.state = 'CONFIGURED' AND co.id = ");
        sql.bind(connected).push(")) OR (a.requestor_scope = 'SPECIFIC_CONNECTED_ORGANIZATIONS' AND EXISTS");
        sql.push(" (SELECT 1 FROM policy_connected_organization pc WHERE pc.policy_id = a.id");
        sql.push(" AND pc.connected_organization_id = ").bind(connected).push("))");
    }
    sql.push(") AND ");
    is_open_to_outsiders(sql);
    sql.push(")");
}

fn named(sql: &mut Sql, scope: &Scope) {
    sql.push(" OR (a.requestor_scope = 'SPECIFIC_USERS' AND EXISTS (SELECT 1 FROM policy_user pu");
    sql.push(" WHERE pu.policy_id = a.id AND pu.user_id = ").bind(scope.user).push("))");
}

/// Adds: the package of policy `a` is in a catalog that outsiders may use.
fn is_open_to_outsiders(sql: &mut Sql) {
    sql.push("EXISTS (SELECT 1 FROM access_package xp JOIN catalog xc ON xc.id = xp.catalog_id");
    sql.push(" WHERE xp.id = a.access_package_id AND xp.deleted_at IS NULL AND xc.deleted_at IS NULL");
    sql.push(" AND xc.enabled AND xc.externally_visible)");
}

fn visible(sql: &mut Sql, access: Access<'_>) {
    sql.push("a.organization_id = ").bind(access.organization());
    let Access::Visible(scope) = access else { return };
    sql.push(" AND a.deleted_at IS NULL");
    if let Catalogs::Only(ids) = &scope.catalogs {
        sql.push(" AND ((SELECT ap.catalog_id FROM access_package ap WHERE ap.id = a.access_package_id)");
        sql.any_id(ids).push(" OR (a.enabled AND ");
        admits(sql, scope);
        sql.push("))");
    }
}

/// The policies of packages that the viewer may see: all for those who see the catalog,
/// else those that admit them.
pub async fn of_packages(
    connection: &impl Connection,
    scope: &Scope,
    packages: &[Uuid],
    wanted: Columns,
) -> Result<Vec<Arc<assignment_policy::Model>>, StoreError> {
    let wanted = wanted.and(columns!(assignment_policy: Id, AccessPackageId));
    let mut sql = connection.sql();
    sql.push("SELECT ").some_columns::<assignment_policy::Entity>("a", wanted);
    sql.push(" FROM assignment_policy a WHERE ");
    visible(&mut sql, Access::Visible(scope));
    sql.push(" AND a.access_package_id").any_id(packages).push(" ORDER BY a.access_package_id, a.id");
    let rows = connection.all(sql).await?;
    let read = |row| part::<assignment_policy::Model>(row, "a_", wanted).map(Arc::new);
    Ok(rows.iter().map(read).collect::<Result<_, _>>()?)
}

/// Policies by id.
pub async fn find(
    connection: &impl Connection,
    access: Access<'_>,
    ids: &[Uuid],
) -> Result<Vec<Arc<assignment_policy::Model>>, StoreError> {
    let mut sql = connection.sql();
    sql.push("SELECT ").columns::<assignment_policy::Entity>("a").push(" FROM assignment_policy a WHERE ");
    visible(&mut sql, access);
    sql.push(" AND a.id").any_id(ids);
    let rows = connection.all(sql).await?;
    let read = |row| model::<assignment_policy::Model>(row, "a_").map(Arc::new);
    Ok(rows.iter().map(read).collect::<Result<_, _>>()?)
}

/// The users that policies name, with the policy of each.
pub async fn named_users(
    connection: &impl Connection,
    policies: &[Uuid],
) -> Result<Vec<(Uuid, Arc<entity::app_user::Model>)>, StoreError> {
    let mut sql = connection.sql();
    sql.push("SELECT ").columns::<policy_user::Entity>("n").push(", ");
    sql.columns::<entity::app_user::Entity>("u");
    sql.push(" FROM policy_user n JOIN app_user u ON u.id = n.user_id WHERE n.policy_id").any_id(policies);
    sql.push(" ORDER BY n.policy_id, u.name_key, u.id");
    let rows = connection.all(sql).await?;
    let read = |row| {
        let named = model::<policy_user::Model>(row, "n_")?;
        Ok((named.policy_id, Arc::new(model::<entity::app_user::Model>(row, "u_")?)))
    };
    rows.iter().map(read).collect()
}

/// An approval stage, with who may decide it.
#[derive(Clone, Debug)]
pub struct StageRow {
    /// The stage.
    pub stage: policy_stage::Model,
    /// Who may decide it, in the order given.
    pub approvers: Vec<policy_stage_approver::Model>,
}

/// The approval stages of policies, in order.
pub async fn stages(connection: &impl Connection, policies: &[Uuid]) -> Result<Vec<StageRow>, StoreError> {
    let mut sql = connection.sql();
    sql.push("SELECT ").columns::<policy_stage::Entity>("g").push(", ");
    sql.columns::<policy_stage_approver::Entity>("v");
    sql.push(" FROM policy_stage g LEFT JOIN policy_stage_approver v");
    sql.push(" ON v.policy_id = g.policy_id AND v.position = g.position WHERE g.policy_id").any_id(policies);
    sql.push(" ORDER BY g.policy_id, g.position, v.ordinal");
    let mut stages: Vec<StageRow> = Vec::new();
    for row in &connection.all(sql).await? {
        let stage = model::<policy_stage::Model>(row, "g_")?;
        let approver = optional::<policy_stage_approver::Model>(row, "v_")?;
        match stages.last_mut() {
            Some(last) if last.stage == stage => last.approvers.extend(approver),
            _ => stages.push(StageRow { stage, approvers: approver.into_iter().collect() }),
        }
    }
    Ok(stages)
}

/// Those of these people whom a policy's scope is for; `NOBODY` is for everybody, by direct assignment.
pub async fn fitting(
    txn: &Txn,
    policy: &assignment_policy::Model,
    people: &[app_user::Model],
) -> Result<HashSet<Uuid>, StoreError> {
    let ids: Vec<Uuid> = people.iter().map(|user| user.id).collect();
    let mut sql = txn.sql();
    sql.push("SELECT u.id AS id FROM assignment_policy a CROSS JOIN app_user u WHERE a.id = ")
        .bind(policy.id);
    sql.push(" AND u.id").any_id(&ids).push(" AND ").push(FITS);
    let read = |row: &QueryResult| row.try_get("", "id");
    Ok(txn.all(sql).await?.iter().map(read).collect::<Result<_, _>>()?)
}

/// Adds: policy `a` is for user `u`. Guests can be given only what is in a catalog that outsiders may use.
pub(super) const FITS: &str = "((a.requestor_scope IN ('NOBODY', 'ALL_USERS')
    OR (a.requestor_scope = 'ALL_MEMBERS' AND u.kind = 'MEMBER')
    OR (a.requestor_scope = 'SPECIFIC_USERS' AND EXISTS (SELECT 1 FROM policy_user n
        WHERE n.policy_id = a.id AND n.user_id = u.id))
    OR (u.kind = 'GUEST' AND (a.requestor_scope = 'ALL_EXTERNAL_USERS'
        OR (a.requestor_scope = 'ALL_CONNECTED_ORGANIZATIONS' AND EXISTS (SELECT 1 FROM connected_organization co
            WHERE co.state = 'CONFIGURED' AND co.id = u.connected_organization_id))
        OR (a.requestor_scope = 'SPECIFIC_CONNECTED_ORGANIZATIONS'
            AND EXISTS (SELECT 1 FROM policy_connected_organization pc
                WHERE pc.policy_id = a.id AND pc.connected_organization_id = u.connected_organization_id)))))
    AND (u.kind = 'MEMBER' OR EXISTS (SELECT 1 FROM access_package xp JOIN catalog xc ON xc.id = xp.catalog_id
        WHERE xp.id = a.access_package_id AND xc.enabled AND xc.externally_visible)))";

/// A policy that was not deleted; locked.
pub async fn lock(
    txn: &Txn,
    organization: Uuid,
    id: Uuid,
) -> Result<Option<assignment_policy::Model>, StoreError> {
    lock::live::<assignment_policy::Entity>(txn, "assignment_policy", organization, id).await
}

/// How many policies a package has.
pub async fn count(txn: &Txn, package: Uuid) -> Result<i64, StoreError> {
    let mut sql = txn.sql();
    sql.push("SELECT count(*) AS total FROM assignment_policy a WHERE a.deleted_at IS NULL");
    sql.push(" AND a.access_package_id = ").bind(package);
    let rows = txn.all(sql).await?;
    Ok(rows.first().map(|row| row.try_get("", "total")).transpose()?.unwrap_or_default())
}

/// Changes a policy that still has this version; tells whether it had.
pub async fn update(txn: &Txn, after: &assignment_policy::Model, version: i32) -> Result<bool, StoreError> {
    let mut sql = txn.sql();
    sql.push("UPDATE assignment_policy SET display_name = ").bind(after.display_name.clone());
    sql.push(", name_key = ").bind(after.name_key.clone());
    sql.push(", description = ").bind(after.description.clone());
    sql.push(", requestor_scope = ").bind(after.requestor_scope.to_value());
    sql.push(", justification_required = ").bind(after.justification_required);
    sql.push(", enabled = ").bind(after.enabled);
    sql.push(", expiration = ").bind(after.expiration.to_value());
    sql.push(", expiration_seconds = ").bind(after.expiration_seconds);
    sql.push(", expiration_at = ").bind(after.expiration_at);
    sql.push(", approval_stage_count = ").bind(after.approval_stage_count);
    sql.push(", questions = ").bind(after.questions.clone());
    sql.push(", custom_schedule = ").bind(after.custom_schedule);
    sql.push(", managers_may_request = ").bind(after.managers_may_request);
    sql.push(", extension = ").bind(after.extension.to_value());
    sql.push(", requires_signed_link = ").bind(after.requires_signed_link);
    sql.push(", version = version + 1 WHERE deleted_at IS NULL AND id = ").bind(after.id);
    sql.push(" AND version = ").bind(version);
    Ok(txn.execute(sql).await? == 1)
}

/// Takes the users that a policy names away.
pub async fn clear_users(txn: &Txn, policy: Uuid) -> Result<(), StoreError> {
    let mut sql = txn.sql();
    sql.push("DELETE FROM policy_user WHERE policy_id = ").bind(policy);
    txn.execute(sql).await.map(|_| ())
}

/// Takes the connected organizations that a policy names away.
pub async fn clear_connected_organizations(txn: &Txn, policy: Uuid) -> Result<(), StoreError> {
    let mut sql = txn.sql();
    sql.push("DELETE FROM policy_connected_organization WHERE policy_id = ").bind(policy);
    txn.execute(sql).await.map(|_| ())
}

/// Takes the approval stages of a policy away; requests keep those that they were made under.
pub async fn clear_stages(txn: &Txn, policy: Uuid) -> Result<(), StoreError> {
    let mut sql = txn.sql();
    sql.push("DELETE FROM policy_stage_approver WHERE policy_id = ").bind(policy);
    txn.execute(sql).await?;
    let mut sql = txn.sql();
    sql.push("DELETE FROM policy_stage WHERE policy_id = ").bind(policy);
    txn.execute(sql).await.map(|_| ())
}

/// The open requests that were made under a policy; at most ten.
pub async fn open_requests(txn: &Txn, policy: Uuid) -> Result<Vec<(Kind, Uuid)>, StoreError> {
    let mut sql = txn.sql();
    sql.push("SELECT r.id FROM access_request r WHERE r.state IN ('SUBMITTED', 'PENDING_APPROVAL',");
    sql.push(" 'SCHEDULED', 'DELIVERING') AND r.policy_id = ").bind(policy).push(" ORDER BY r.id LIMIT 10");
    let rows = txn.all(sql).await?;
    rows.iter().map(|row| Ok((Kind::AccessRequest, row.try_get("", "id")?))).collect()
}

/// Deletes a policy; its name becomes free, history still shows it.
pub async fn delete(txn: &Txn, policy: Uuid) -> Result<(), StoreError> {
    let mut sql = txn.sql();
    sql.push("UPDATE assignment_policy SET deleted_at = ").bind(txn.now());
    sql.push(", version = version + 1 WHERE id = ").bind(policy);
    txn.execute(sql).await.map(|_| ())
}
