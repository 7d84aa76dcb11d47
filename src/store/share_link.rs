//! What the share links of packages are good for.

use uuid::Uuid;

use super::database::Connection;
use super::error::StoreError;
use super::sql::Sql;

/// What the use of a package's share link by people from outside depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Facts {
    /// The package.
    pub package: Uuid,
    /// Whether the catalog takes requests.
    pub catalog_enabled: bool,
    /// Whether people from outside may use the catalog.
    pub externally_visible: bool,
    /// Whether an enabled policy is for people from outside.
    pub policy: bool,
    /// Whether one of these policies means anybody: not only all configured organizations where none is configured.
    pub configured: bool,
    /// Whether one of those whom they mean can sign in.
    pub sign_in: bool,
}

/// Adds: an enabled policy `a` of package `p` is for people from outside, and more that is added by `and`.
fn policy(sql: &mut Sql, and: impl FnOnce(&mut Sql)) {
    sql.push("EXISTS (SELECT 1 FROM assignment_policy a WHERE a.access_package_id = p.id AND a.enabled");
    sql.push(" AND a.deleted_at IS NULL AND a.requestor_scope IN ('SPECIFIC_CONNECTED_ORGANIZATIONS',");
    sql.push(" 'ALL_CONNECTED_ORGANIZATIONS', 'ALL_EXTERNAL_USERS')");
    and(sql);
    sql.push(")");
}

/// Adds: policy `a` means connected organization `o`.
const MEANT: &str = "o.organization_id = p.organization_id AND o.deleted_at IS NULL
    AND ((a.requestor_scope = 'ALL_CONNECTED_ORGANIZATIONS' AND o.state = 'CONFIGURED')
        OR (a.requestor_scope = 'SPECIFIC_CONNECTED_ORGANIZATIONS' AND EXISTS (SELECT 1
            FROM policy_connected_organization pc
            WHERE pc.policy_id = a.id AND pc.connected_organization_id = o.id)))";

/// What the share links of packages are good for, where people from outside sign in by these issuers.
pub async fn facts(
    connection: &impl Connection,
    organization: Uuid,
    packages: &[Uuid],
    issuers: &[String],
) -> Result<Vec<Facts>, StoreError> {
    let mut sql = connection.sql();
    sql.push("SELECT p.id AS package_id, c.enabled AS enabled, c.externally_visible AS visible, ");
    policy(&mut sql, |_| {});
    sql.push(" AS has_policy, ");
    policy(&mut sql, |sql| {
        sql.push(" AND (a.requestor_scope = 'ALL_EXTERNAL_USERS' OR EXISTS");
        sql.push(" (SELECT 1 FROM connected_organization o WHERE ").push(MEANT).push("))");
    });
    sql.push(" AS configured, ");
    policy(&mut sql, |sql| {
        sql.push(" AND (");
        if !issuers.is_empty() {
            sql.push("a.requestor_scope = 'ALL_EXTERNAL_USERS' OR ");
        }
        sql.push("EXISTS (SELECT 1 FROM identity_source s");
        sql.push(" JOIN connected_organization o ON o.id = s.connected_organization_id WHERE ");
        sql.push(MEANT).push(" AND (s.issuer").any_text(issuers);
        for issuer in issuers {
            sql.push(" OR (s.kind = 'DOMAIN' AND ").holds("s.vouchers", issuer).push(")");
        }
        sql.push(")))");
    });
    sql.push(" AS sign_in FROM access_package p JOIN catalog c ON c.id = p.catalog_id");
    sql.push(" WHERE p.organization_id = ").bind(organization).push(" AND p.id").any_id(packages);
    let rows = connection.all(sql).await?;
    let read = |row: &sea_orm::QueryResult| {
        Ok(Facts {
            package: row.try_get("", "package_id")?,
            catalog_enabled: row.try_get("", "enabled")?,
            externally_visible: row.try_get("", "visible")?,
            policy: row.try_get("", "has_policy")?,
            configured: row.try_get("", "configured")?,
            sign_in: row.try_get("", "sign_in")?,
        })
    };
    rows.iter().map(read).collect()
}
