//! Which token requests and grants are wanted: one filter for both, since a grant is what its request asked for.

use chrono::{DateTime, Utc};
use entity::access_token::TokenOrigin;
use entity::repository_access::AccessLevel;
use uuid::Uuid;

use super::Access;
use super::names;
use super::sql::Sql;
use crate::authz::Scope;

/// A permission that is wanted: by its name, at a level or a higher one, or at any.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PermissionCondition {
    /// The name in the permission catalogue.
    pub name: String,
    /// The levels that will do; none: all.
    pub levels: Option<Vec<AccessLevel>>,
}

/// Which token requests or grants are wanted. All given conditions hold together.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct TokenFilter {
    /// Of these people.
    pub owners: Option<Vec<Uuid>>,
    /// Kept and decided at one of these places.
    pub origins: Option<Vec<TokenOrigin>>,
    /// Of the accounts with one of these names, elsewhere.
    pub logins: Option<Vec<String>>,
    /// That reach one of these repositories.
    pub repositories: Option<Vec<Uuid>>,
    /// With one of these permissions.
    pub permissions: Option<Vec<PermissionCondition>>,
    /// Of these tokens.
    pub tokens: Option<Vec<Uuid>>,
    /// Made at or after.
    pub created_from: Option<DateTime<Utc>>,
    /// Made before.
    pub created_until: Option<DateTime<Utc>>,
    /// Whose token expires at or after.
    pub expires_from: Option<DateTime<Utc>>,
    /// Whose token expires before.
    pub expires_until: Option<DateTime<Utc>>,
    /// Whose token was last used at or after.
    pub used_from: Option<DateTime<Utc>>,
    /// Whose token was last used before, or never.
    pub used_until: Option<DateTime<Utc>>,
}

impl TokenFilter {
    /// Whether a condition is about the token, `t`.
    pub(super) fn names_token(&self) -> bool {
        self.expires_from.is_some()
            || self.expires_until.is_some()
            || self.used_from.is_some()
            || self.used_until.is_some()
    }
}

/// What a list of token requests or grants is sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TokenOrder {
    /// The time they were made.
    Created,
    /// The time their token expires; what never does comes last.
    Expires,
    /// The time their token was last used; what never was comes first.
    LastUsed,
}

/// The table of token requests, or that of grants: where it has what both have.
pub(super) struct Table {
    pub alias: &'static str,
    /// The table by itself, and joined to the tokens, `t`.
    pub alone: &'static str,
    pub with_token: &'static str,
    /// What its columns begin with in a result.
    pub prefix: &'static str,
    pub id: (&'static str, &'static str),
    pub organization: &'static str,
    pub owner: &'static str,
    pub token: &'static str,
    /// The request that names the repositories and permissions.
    pub request: &'static str,
    pub selection: &'static str,
    pub created: (&'static str, &'static str),
    pub origin: &'static str,
}

/// Adds: the organization, and what the viewer may see in it.
pub(super) fn visible(sql: &mut Sql, table: &Table, access: Access<'_>) {
    sql.push(table.organization).push(" = ").bind(access.organization());
    if let Access::Visible(Scope { tokens: false, user, .. }) = access {
        // Others see those of their own tokens.
        sql.push(" AND ").push(table.owner).push(" = ").bind(*user);
    }
}

/// Adds the conditions.
pub(super) fn matching(sql: &mut Sql, table: &Table, scope: &Scope, filter: &TokenFilter) {
    visible(sql, table, Access::Visible(scope));
    for (column, ids) in [(table.owner, &filter.owners), (table.token, &filter.tokens)] {
        if let Some(ids) = ids {
            sql.push(" AND ").push(column).any_id(ids);
        }
    }
    if let Some(origins) = &filter.origins {
        sql.push(" AND ").push(table.origin).any_text(&names(origins));
    }
    if let Some(logins) = &filter.logins {
        let keys: Vec<String> = logins.iter().map(|login| login.to_lowercase()).collect();
        sql.push(" AND ").push(table.owner).push(" IN (SELECT fe.id FROM app_user fe WHERE");
        sql.push(" fe.origin <> 'GUICHET' AND fe.organization_id = ").bind(scope.organization);
        sql.push(" AND fe.name_key").any_text(&keys).push(")");
    }
    if let Some(repositories) = &filter.repositories {
        sql.push(" AND (EXISTS (SELECT 1 FROM token_request_repository fr WHERE fr.request_id = ");
        sql.push(table.request).push(" AND fr.repository_id").any_id(repositories);
        // One that may use all of them reaches each that there is.
        sql.push(") OR ").push(table.selection).push(" = 'ALL' AND EXISTS (SELECT 1 FROM repository fa");
        sql.push(" WHERE fa.deleted_at IS NULL AND fa.organization_id = ").bind(scope.organization);
        sql.push(" AND fa.id").any_id(repositories).push("))");
    }
    if let Some(permissions) = &filter.permissions {
        sql.push(" AND EXISTS (SELECT 1 FROM token_request_permission fp WHERE fp.request_id = ");
        sql.push(table.request).push(" AND (FALSE");
        for PermissionCondition { name, levels } in permissions {
            sql.push(" OR (fp.name = ").bind(name.clone());
            if let Some(levels) = levels {
                sql.push(" AND fp.level").any_text(&names(levels));
            }
            sql.push(")");
        }
        sql.push("))");
    }
    sql.within(table.created.0, filter.created_from, filter.created_until);
    sql.within("t.expires_order", filter.expires_from, filter.expires_until);
    sql.within("t.last_used_order", filter.used_from, filter.used_until);
}
