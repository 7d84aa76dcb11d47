//! Connected organizations: what they are known by, and who stands for them.

use std::collections::HashMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use entity::connected_organization::{self, ConnectedOrganizationState};
use entity::{app_user, identity_source, policy_connected_organization};
use sea_orm::{ActiveEnum as _, QueryResult};
use uuid::Uuid;

use super::database::{Connection, Txn};
use super::error::StoreError;
use super::page::{List, Page, Window, alone};
use super::row::{Shared, model};
use super::sql::Sql;
use super::{Access, lock, names, search};
use crate::id::Kind;

/// Which connected organizations are wanted. All given conditions hold together.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// In these states.
    pub states: Option<Vec<ConnectedOrganizationState>>,
    /// Known by one of these domains, in their canonical form.
    pub domains: Option<Vec<String>>,
    /// Known by one of these issuers, as a whole, by a tenant, or as one that may vouch for a domain.
    pub issuers: Option<Vec<String>>,
    /// With one of these sponsors.
    pub sponsors: Option<Vec<Uuid>>,
    /// With this text in the name.
    pub search: Option<String>,
}

/// What a list of connected organizations is sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Order {
    /// The name.
    Name,
    /// The time they were made.
    CreatedAt,
}

fn visible(sql: &mut Sql, access: Access<'_>) {
    sql.push("o.organization_id = ").bind(access.organization());
    if let Access::Visible(scope) = access {
        sql.push(if scope.connected_organizations { " AND o.deleted_at IS NULL" } else { " AND 1 = 0" });
    }
}

fn known_by_issuer(sql: &mut Sql, issuers: &[String]) {
    sql.push(" AND EXISTS (SELECT 1 FROM identity_source s WHERE s.connected_organization_id = o.id AND (");
    sql.push("s.issuer").any_text(issuers);
    for issuer in issuers {
        sql.push(" OR (s.kind = 'DOMAIN' AND ").holds("s.vouchers", issuer).push(")");
    }
    sql.push("))");
}

/// A page of the connected organizations that the viewer may see.
pub async fn list(
    connection: &impl Connection,
    access: Access<'_>,
    filter: &Filter,
    order: Order,
    window: &Window,
) -> Result<Page<connected_organization::Model>, StoreError> {
    let list = List {
        from: "connected_organization o",
        key: match order {
            Order::Name => ("o.name_key", "o_name_key"),
            Order::CreatedAt => ("o.created_at", "o_created_at"),
        },
        id: ("o.id", "o_id"),
        columns: Box::new(|sql| {
            sql.columns::<connected_organization::Entity>("o");
        }),
        joins: Box::new(alone),
        matching: Box::new(|sql| {
            visible(sql, access);
            if let Some(states) = &filter.states {
                sql.push(" AND o.state").any_text(&names(states));
            }
            if let Some(domains) = &filter.domains {
                sql.push(" AND EXISTS (SELECT 1 FROM identity_source s WHERE s.kind = 'DOMAIN'");
                sql.push(" AND s.connected_organization_id = o.id AND s.value").any_text(domains).push(")");
            }
            if let Some(issuers) = &filter.issuers {
                known_by_issuer(sql, issuers);
            }
            if let Some(sponsors) = &filter.sponsors {
                sql.push(" AND EXISTS (SELECT 1 FROM connected_organization_sponsor n");
                sql.push(" WHERE n.connected_organization_id = o.id AND n.user_id")
                    .any_id(sponsors)
                    .push(")");
            }
            if let Some(text) = &filter.search {
                sql.push(" AND o.name_key");
                search(sql, text);
            }
        }),
    };
    list.page(connection, window, |row| model::<connected_organization::Model>(row, "o_")).await
}

/// Connected organizations by id.
pub async fn find(
    connection: &impl Connection,
    access: Access<'_>,
    ids: &[Uuid],
) -> Result<Vec<connected_organization::Model>, StoreError> {
    let mut sql = connection.sql();
    sql.push("SELECT ").columns::<connected_organization::Entity>("o");
    sql.push(" FROM connected_organization o WHERE ");
    visible(&mut sql, access);
    sql.push(" AND o.id").any_id(ids);
    let rows = connection.all(sql).await?;
    Ok(rows.iter().map(|row| model::<connected_organization::Model>(row, "o_")).collect::<Result<_, _>>()?)
}

/// What connected organizations are known by, in the order given.
pub async fn sources_of(
    connection: &impl Connection,
    organizations: &[Uuid],
) -> Result<Vec<identity_source::Model>, StoreError> {
    let mut sql = connection.sql();
    sql.push("SELECT ").columns::<identity_source::Entity>("s").push(" FROM identity_source s");
    sql.push(" WHERE s.connected_organization_id").any_id(organizations);
    sql.push(" ORDER BY s.connected_organization_id, s.position");
    let rows = connection.all(sql).await?;
    Ok(rows.iter().map(|row| model::<identity_source::Model>(row, "s_")).collect::<Result<_, _>>()?)
}

/// The sources of an organization in which an issuer or a domain stands.
pub async fn sources(
    connection: &impl Connection,
    organization: Uuid,
    issuer: &str,
    domain: Option<&str>,
) -> Result<Vec<identity_source::Model>, StoreError> {
    let mut sql = connection.sql();
    sql.push("SELECT ").columns::<identity_source::Entity>("s").push(" FROM identity_source s");
    sql.push(" WHERE s.organization_id = ").bind(organization).push(" AND ((s.kind IN ('ISSUER', 'TENANT')");
    sql.push(" AND s.issuer = ").bind(issuer).push(") OR (s.kind = 'DOMAIN' AND s.value = ");
    sql.bind(domain.map(str::to_owned)).push(")) ORDER BY s.connected_organization_id, s.position");
    let rows = connection.all(sql).await?;
    Ok(rows.iter().map(|row| model::<identity_source::Model>(row, "s_")).collect::<Result<_, _>>()?)
}

/// The sponsors of connected organizations, by name. A guest is one only for where they come from.
pub async fn sponsors(
    connection: &impl Connection,
    organizations: &[Uuid],
) -> Result<HashMap<Uuid, Vec<Arc<app_user::Model>>>, StoreError> {
    let mut sql = connection.sql();
    sql.push("SELECT n.connected_organization_id AS organization, ").columns::<app_user::Entity>("u");
    sql.push(" FROM connected_organization_sponsor n JOIN app_user u ON u.id = n.user_id");
    sql.push(" AND (u.kind = 'MEMBER' OR u.connected_organization_id = n.connected_organization_id)");
    sql.push(" WHERE n.connected_organization_id").any_id(organizations);
    sql.push(" ORDER BY n.connected_organization_id, u.name_key, u.id");
    let mut users = Shared::default();
    let mut found: HashMap<Uuid, Vec<Arc<app_user::Model>>> = HashMap::new();
    for row in connection.all(sql).await? {
        found.entry(row.try_get("", "organization")?).or_default().push(users.model(&row, "u_")?);
    }
    Ok(found)
}

/// The connected organizations that policies name, by name, with the policy of each.
pub async fn of_policies(
    connection: &impl Connection,
    policies: &[Uuid],
) -> Result<Vec<(Uuid, Arc<connected_organization::Model>)>, StoreError> {
    let mut sql = connection.sql();
    sql.push("SELECT ").columns::<policy_connected_organization::Entity>("n").push(", ");
    sql.columns::<connected_organization::Entity>("o");
    sql.push(" FROM policy_connected_organization n JOIN connected_organization o");
    sql.push(" ON o.id = n.connected_organization_id WHERE n.policy_id").any_id(policies);
    sql.push(" ORDER BY n.policy_id, o.name_key, o.id");
    let mut organizations = Shared::default();
    let read = |row: &QueryResult| {
        let named = model::<policy_connected_organization::Model>(row, "n_")?;
        Ok((named.policy_id, organizations.model(row, "o_")?))
    };
    connection.all(sql).await?.iter().map(read).collect()
}

/// A connected organization that was not deleted; locked.
pub async fn lock(
    txn: &Txn,
    organization: Uuid,
    id: Uuid,
) -> Result<Option<connected_organization::Model>, StoreError> {
    lock::live::<connected_organization::Entity>(txn, "connected_organization", organization, id).await
}

/// Which of these connected organizations are there; they stay until the transaction ends.
pub async fn hold(txn: &Txn, organization: Uuid, ids: &[Uuid]) -> Result<Vec<Uuid>, StoreError> {
    let mut sql = txn.sql();
    sql.push("SELECT o.id AS id FROM connected_organization o WHERE o.deleted_at IS NULL");
    sql.push(" AND o.organization_id = ").bind(organization).push(" AND o.id").any_id(ids);
    sql.push(" ORDER BY o.id").hold("o");
    txn.all(sql).await?.iter().map(|row| Ok(row.try_get("", "id")?)).collect()
}

/// Which of these sources are those of other connected organizations, each by its place in the list.
pub async fn claimed(
    connection: &impl Connection,
    organization: Uuid,
    own: Uuid,
    sources: &[identity_source::Model],
) -> Result<Vec<(i32, Uuid)>, StoreError> {
    let wanted = sources.iter().map(|source| {
        serde_json::json!({
            "place": source.position.to_string(), "kind": source.kind,
            "issuer": source.issuer, "claim": source.claim, "value": source.value,
        })
    });
    let mut sql = connection.sql();
    sql.push("SELECT ").text_of("w", "place").push(" AS place, s.connected_organization_id AS id");
    sql.push(" FROM identity_source s JOIN ").objects(wanted.collect(), "w").push(" ON s.kind = ");
    sql.text_of("w", "kind").push(" AND s.issuer = ").text_of("w", "issuer");
    sql.push(" AND s.claim = ").text_of("w", "claim").push(" AND s.value = ").text_of("w", "value");
    sql.push(" WHERE s.organization_id = ").bind(organization);
    sql.push(" AND s.connected_organization_id <> ").bind(own).push(" ORDER BY place");
    let read = |row: &QueryResult| {
        let place: String = row.try_get("", "place")?;
        Ok((place.parse().unwrap_or_default(), row.try_get("", "id")?))
    };
    connection.all(sql).await?.iter().map(read).collect()
}

/// Whether a connected organization of this name is there.
pub async fn is_named(txn: &Txn, organization: Uuid, name_key: &str) -> Result<bool, StoreError> {
    let mut sql = txn.sql();
    sql.push("SELECT 1 FROM connected_organization o WHERE o.deleted_at IS NULL AND o.organization_id = ");
    sql.bind(organization).push(" AND o.name_key = ").bind(name_key.to_owned());
    Ok(!txn.all(sql).await?.is_empty())
}

/// How many connected organizations were proposed since then, also those that were deleted.
pub async fn count_proposed(
    connection: &impl Connection,
    organization: Uuid,
    since: DateTime<Utc>,
) -> Result<i64, StoreError> {
    let mut sql = connection.sql();
    sql.push("SELECT count(*) AS total FROM connected_organization o WHERE o.proposed_at > ").bind(since);
    sql.push(" AND o.organization_id = ").bind(organization);
    let rows = connection.all(sql).await?;
    Ok(rows.first().map(|row| row.try_get("", "total")).transpose()?.unwrap_or_default())
}

/// Changes a connected organization that still has this version; tells whether it had.
pub async fn update(
    txn: &Txn,
    after: &connected_organization::Model,
    version: i32,
) -> Result<bool, StoreError> {
    let mut sql = txn.sql();
    sql.push("UPDATE connected_organization SET display_name = ").bind(after.display_name.clone());
    sql.push(", name_key = ").bind(after.name_key.clone());
    sql.push(", description = ").bind(after.description.clone());
    sql.push(", state = ").bind(after.state.to_value());
    sql.push(", version = version + 1 WHERE deleted_at IS NULL AND id = ").bind(after.id);
    sql.push(" AND version = ").bind(version);
    Ok(txn.execute(sql).await? == 1)
}

/// Takes away what a connected organization is known by.
pub async fn clear_sources(txn: &Txn, organization: Uuid) -> Result<(), StoreError> {
    let mut sql = txn.sql();
    sql.push("DELETE FROM identity_source WHERE connected_organization_id = ").bind(organization);
    txn.execute(sql).await.map(|_| ())
}

/// Takes the sponsors of one kind away: those from inside, or those from there.
pub async fn clear_sponsors(txn: &Txn, organization: Uuid, internal: bool) -> Result<(), StoreError> {
    let mut sql = txn.sql();
    sql.push("DELETE FROM connected_organization_sponsor WHERE connected_organization_id = ")
        .bind(organization);
    sql.push(" AND user_id IN (SELECT u.id FROM app_user u WHERE u.kind = ");
    sql.push(if internal { "'MEMBER')" } else { "'GUEST')" });
    txn.execute(sql).await.map(|_| ())
}

/// The policies that name a connected organization; at most ten.
pub async fn policies_with(txn: &Txn, organization: Uuid) -> Result<Vec<(Kind, Uuid)>, StoreError> {
    let mut sql = txn.sql();
    sql.push("SELECT a.id AS id FROM policy_connected_organization n JOIN assignment_policy a ON a.id = n.policy_id");
    sql.push(" AND a.deleted_at IS NULL WHERE n.connected_organization_id = ").bind(organization);
    sql.push(" ORDER BY a.id LIMIT 10");
    txn.all(sql).await?.iter().map(|row| Ok((Kind::AssignmentPolicy, row.try_get("", "id")?))).collect()
}

/// Deletes a connected organization: its name and what it was known by become free, and its guests come from nowhere.
pub async fn delete(txn: &Txn, id: Uuid) -> Result<(), StoreError> {
    clear_sources(txn, id).await?;
    for internal in [true, false] {
        clear_sponsors(txn, id, internal).await?;
    }
    let mut sql = txn.sql();
    sql.push("UPDATE app_user SET connected_organization_id = NULL WHERE connected_organization_id = ")
        .bind(id);
    txn.execute(sql).await?;
    let mut sql = txn.sql();
    sql.push("UPDATE connected_organization SET deleted_at = ").bind(txn.now());
    sql.push(", version = version + 1 WHERE id = ").bind(id);
    txn.execute(sql).await.map(|_| ())
}

/// Those who stand for where these people come from.
pub async fn sponsors_of_guests(
    connection: &impl Connection,
    guests: &[Uuid],
) -> Result<HashMap<Uuid, Vec<Uuid>>, StoreError> {
    let mut sql = connection.sql();
    sql.push("SELECT g.id AS guest, u.id AS sponsor FROM app_user g JOIN connected_organization_sponsor n");
    sql.push(
        " ON n.connected_organization_id = g.connected_organization_id JOIN app_user u ON u.id = n.user_id",
    );
    sql.push(" AND (u.kind = 'MEMBER' OR u.connected_organization_id = n.connected_organization_id)");
    sql.push(" WHERE g.id").any_id(guests).push(" ORDER BY g.id, u.id");
    let mut found: HashMap<Uuid, Vec<Uuid>> = HashMap::new();
    for row in connection.all(sql).await? {
        found.entry(row.try_get("", "guest")?).or_default().push(row.try_get("", "sponsor")?);
    }
    Ok(found)
}
