//! Assignment policies, with the people they name and their approval stages.

use std::sync::Arc;

use entity::app_user::UserKind;
use entity::assignment_policy::RequestorScope;
use entity::{assignment_policy, policy_stage, policy_stage_approver, policy_user};
use sea_orm::FromQueryResult;
use uuid::Uuid;

use super::Access;
use super::database::{Connection, Txn};
use super::error::StoreError;
use super::sql::Sql;
use crate::authz::{Catalogs, Scope};

/// Adds: policy `a` admits the viewer as a requestor.
pub(super) fn admits(sql: &mut Sql, scope: &Scope) {
    let Some(user) = scope.user else {
        sql.push("1 = 0");
        return;
    };
    let everybody = if scope.is_member { "'ALL_MEMBERS', 'ALL_USERS'" } else { "'ALL_USERS'" };
    sql.push("(a.requestor_scope IN (").push(everybody).push(")");
    sql.push(" OR (a.requestor_scope = 'SPECIFIC_USERS' AND EXISTS (SELECT 1 FROM policy_user pu");
    sql.push(" WHERE pu.policy_id = a.id AND pu.user_id = ").bind(user).push(")))");
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
) -> Result<Vec<Arc<assignment_policy::Model>>, StoreError> {
    let mut sql = connection.sql();
    sql.push("SELECT ").columns::<assignment_policy::Entity>("a").push(" FROM assignment_policy a WHERE ");
    visible(&mut sql, Access::Visible(scope));
    sql.push(" AND a.access_package_id").any_id(packages).push(" ORDER BY a.access_package_id, a.id");
    let rows = connection.all(sql).await?;
    let read = |row| assignment_policy::Model::from_query_result(row, "a_").map(Arc::new);
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
    let read = |row| assignment_policy::Model::from_query_result(row, "a_").map(Arc::new);
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
        let named = policy_user::Model::from_query_result(row, "n_")?;
        Ok((named.policy_id, Arc::new(entity::app_user::Model::from_query_result(row, "u_")?)))
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
        let stage = policy_stage::Model::from_query_result(row, "g_")?;
        let approver = Option::<policy_stage_approver::Model>::from_query_result(row, "v_")?;
        match stages.last_mut() {
            Some(last) if last.stage == stage => last.approvers.extend(approver),
            _ => stages.push(StageRow { stage, approvers: approver.into_iter().collect() }),
        }
    }
    Ok(stages)
}

/// Whether a policy's scope is for this person; `NOBODY` is for everybody, by direct assignment.
pub async fn fits(
    txn: &Txn,
    policy: &assignment_policy::Model,
    user: &entity::app_user::Model,
) -> Result<bool, StoreError> {
    Ok(match policy.requestor_scope {
        RequestorScope::Nobody | RequestorScope::AllUsers => true,
        RequestorScope::AllMembers => user.kind == UserKind::Member,
        RequestorScope::SpecificUsers => {
            let mut sql = txn.sql();
            sql.push("SELECT 1 FROM policy_user n WHERE n.policy_id = ").bind(policy.id);
            sql.push(" AND n.user_id = ").bind(user.id);
            !txn.all(sql).await?.is_empty()
        }
        RequestorScope::SpecificConnectedOrganizations
        | RequestorScope::AllConnectedOrganizations
        | RequestorScope::AllExternalUsers => false,
    })
}
