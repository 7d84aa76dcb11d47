//! All that a judgement of an access token depends on, in one statement.

use entity::app_user::{UserKind, UserState};
use entity::repository_access::AccessLevel;
use entity::{access_token, organization, repository, token_grant, token_request};
use sea_orm::QueryResult;
use uuid::Uuid;

use super::database::Connection;
use super::error::StoreError;
use super::row::{model, optional};
use super::sql::Sql;

/// Which token.
#[derive(Clone, Copy, Debug)]
pub enum Which<'a> {
    /// The one that this public part of a secret names.
    Lookup(&'a str),
    /// The one of this id.
    Id(Uuid),
}

/// Which repositories.
#[derive(Clone, Copy, Debug)]
pub enum Repositories<'a> {
    /// None.
    None,
    /// The one of this id.
    Id(Uuid),
    /// The one of this name, in the form that must be unique.
    Name(&'a str),
    /// The one of this id at the resource server.
    Origin(&'a str),
    /// At most so many of those that the token can reach, by name.
    Reached(u64),
}

/// A token in an organization, with whose it is and what it was granted there.
#[derive(Clone, Debug)]
pub struct Row {
    /// The token.
    pub token: access_token::Model,
    /// The organization.
    pub organization: organization::Model,
    /// Whether the owner is a member or a guest there.
    pub owner_kind: UserKind,
    /// Whether the owner may act.
    pub owner_state: UserState,
    /// What the owner was given in the organization itself.
    pub owner_level: Option<AccessLevel>,
    /// The grant in force, else the latest.
    pub grant: Option<token_grant::Model>,
    /// The latest request.
    pub request: Option<token_request::Model>,
    /// The permissions of the grant: each `TARGET name LEVEL`, with commas between.
    pub permissions: String,
    /// The scopes of a classic token, with blanks between.
    pub scopes: String,
    /// The repositories.
    pub repositories: Vec<RepositoryRow>,
}

/// A repository, as a token and its owner stand to it.
#[derive(Clone, Debug)]
pub struct RepositoryRow {
    /// The repository.
    pub repository: repository::Model,
    /// What the owner was given of it.
    pub given: Option<AccessLevel>,
    /// Whether the grant names it.
    pub is_named: bool,
}

/// Reads a token as it stands in an organization; none where there is none, or it has nothing to do with it.
pub async fn read(
    connection: &impl Connection,
    organization: Uuid,
    which: Which<'_>,
    repositories: Repositories<'_>,
) -> Result<Option<Row>, StoreError> {
    let mut sql = connection.sql();
    held(&mut sql, organization, which);
    if let Repositories::Reached(most) = repositories {
        reached(&mut sql, most);
    }
    sql.push(" SELECT held.*, ").columns::<repository::Entity>("p");
    sql.push(", a.level AS given, n.request_id IS NOT NULL AS is_named FROM held");
    let named = " LEFT JOIN repository p ON p.organization_id = held.o_id AND p.deleted_at IS NULL";
    match repositories {
        Repositories::None => sql.push(named).push(" AND 1 = 0"),
        Repositories::Id(id) => sql.push(named).push(" AND p.id = ").bind(id),
        Repositories::Name(key) => sql.push(named).push(" AND p.name_key = ").bind(key),
        Repositories::Origin(origin) => sql.push(named).push(" AND p.origin_id = ").bind(origin),
        Repositories::Reached(_) => sql.push(" LEFT JOIN reached p ON TRUE"),
    };
    sql.push(" LEFT JOIN token_request_repository n");
    sql.push(" ON n.request_id = held.g_request_id AND n.repository_id = p.id");
    sql.push(" LEFT JOIN repository_access a ON a.repository_id = p.id AND a.user_id = held.t_owner_id");
    let most = if let Repositories::Reached(most) = repositories { most } else { 1 };
    sql.push(" ORDER BY p.name_key, p.id LIMIT ").number(most);
    let rows = connection.all(sql).await?;
    let Some(first) = rows.first() else { return Ok(None) };
    let mut repositories = Vec::with_capacity(rows.len());
    for row in &rows {
        if let Some(repository) = optional::<repository::Model>(row, "p_")? {
            let (given, is_named) = (row.try_get("", "given")?, row.try_get("", "is_named")?);
            repositories.push(RepositoryRow { repository, given, is_named });
        }
    }
    Ok(Some(of(first, repositories)?))
}

/// Adds the token, as one row: `WITH held AS (…)`.
fn held(sql: &mut Sql, organization: Uuid, which: Which<'_>) {
    sql.push("WITH held AS MATERIALIZED (SELECT ").columns::<access_token::Entity>("t").push(", ");
    sql.columns::<organization::Entity>("o").push(", ").columns::<token_grant::Entity>("g").push(", ");
    sql.columns::<token_request::Entity>("r");
    sql.push(", u.kind AS owner_kind, u.state AS owner_state, w.level AS owner_level");
    sql.push(", (SELECT string_agg(m.target || ' ' || m.name || ' ' || m.level, ',')");
    sql.push(" FROM token_request_permission m WHERE m.request_id = g.request_id) AS permissions");
    sql.push(
        ", (SELECT string_agg(s.scope, ' ') FROM access_token_scope s WHERE s.token_id = t.id) AS scopes",
    );
    sql.push(" FROM access_token t JOIN organization o ON o.id = t.organization_id");
    sql.push(" JOIN app_user u ON u.id = t.owner_id LEFT JOIN organization_access w");
    sql.push(" ON w.organization_id = o.id AND w.user_id = t.owner_id");
    sql.push(" LEFT JOIN token_grant g ON g.id = (SELECT x.id FROM token_grant x WHERE x.token_id = t.id");
    sql.push(" AND x.organization_id = o.id ORDER BY (CASE x.state WHEN 'ACTIVE' THEN 0 ELSE 1 END),");
    sql.push(" x.granted_at DESC, x.id DESC LIMIT 1)");
    sql.push(
        " LEFT JOIN token_request r ON r.id = (SELECT x.id FROM token_request x WHERE x.token_id = t.id",
    );
    sql.push(" AND x.organization_id = o.id ORDER BY x.created_at DESC, x.id DESC LIMIT 1)");
    // What is kept elsewhere is judged there.
    sql.push(" WHERE t.origin = 'GUICHET' AND o.id = ").bind(organization);
    match which {
        Which::Lookup(lookup) => sql.push(" AND t.lookup = ").bind(lookup),
        Which::Id(id) => sql.push(" AND t.id = ").bind(id),
    };
    sql.push(")");
}

/// Adds the repositories that the token was granted and its owner may read: `, reached AS (…)`. Those of a subset
/// are found by its names, never by looking through all that there are.
fn reached(sql: &mut Sql, most: u64) {
    sql.push(", named AS (SELECT p.* FROM held");
    sql.push(" JOIN token_request_repository n ON n.request_id = held.g_request_id");
    sql.push(" JOIN repository p ON p.id = n.repository_id AND p.organization_id = held.o_id");
    sql.push(" WHERE held.t_kind <> 'CLASSIC' AND held.g_state = 'ACTIVE'");
    sql.push(" AND held.g_repository_selection = 'SUBSET')");
    sql.push(", every AS (SELECT p.* FROM held");
    sql.push(" JOIN repository p ON p.organization_id = held.o_id WHERE held.t_kind = 'CLASSIC'");
    sql.push(" OR (held.g_state = 'ACTIVE' AND held.g_repository_selection = 'ALL'))");
    sql.push(", reached AS (SELECT p.* FROM held JOIN (");
    sql.push("SELECT * FROM named UNION ALL SELECT * FROM every) p ON p.deleted_at IS NULL");
    sql.push(" AND (p.visibility <> 'PRIVATE' OR held.o_base_level <> 'NONE' OR held.owner_level = 'ADMIN'");
    sql.push(" OR EXISTS (SELECT 1 FROM repository_access e WHERE e.repository_id = p.id");
    sql.push(" AND e.user_id = held.t_owner_id)) ORDER BY p.name_key, p.id LIMIT ").number(most).push(")");
}

fn of(row: &QueryResult, repositories: Vec<RepositoryRow>) -> Result<Row, StoreError> {
    Ok(Row {
        token: model::<access_token::Model>(row, "t_")?,
        organization: model::<organization::Model>(row, "o_")?,
        owner_kind: row.try_get("", "owner_kind")?,
        owner_state: row.try_get("", "owner_state")?,
        owner_level: row.try_get("", "owner_level")?,
        grant: optional::<token_grant::Model>(row, "g_")?,
        request: optional::<token_request::Model>(row, "r_")?,
        permissions: row.try_get::<Option<String>>("", "permissions")?.unwrap_or_default(),
        scopes: row.try_get::<Option<String>>("", "scopes")?.unwrap_or_default(),
        repositories,
    })
}

/// Notes that these tokens were used, those of them that were not noted within the minute before.
pub async fn note_uses(
    connection: &impl Connection,
    tokens: &[Uuid],
    now: chrono::DateTime<chrono::Utc>,
) -> Result<(), StoreError> {
    let mut sql = connection.sql();
    sql.push("UPDATE access_token SET last_used_at = ").bind(now).push(" WHERE id").any_id(tokens);
    sql.push(" AND (last_used_at IS NULL OR last_used_at <= ");
    sql.bind(now - chrono::TimeDelta::minutes(1)).push(")");
    connection.execute(sql).await.map(|_| ())
}
