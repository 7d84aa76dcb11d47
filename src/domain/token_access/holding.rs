//! A token with all that its judgement depends on, as it was read.

use chrono::{DateTime, Utc};
use entity::app_user::{UserKind, UserState};
use entity::permission_definition::PermissionTarget;
use entity::repository_access::AccessLevel;
use entity::token_request::RepositorySelection;
use entity::{access_token, organization, repository};

use super::{GrantState, Granted, Judge, Owner, Permission, Reached, Token};
use crate::domain::permission_catalog::Catalog;
use crate::store::token_access::Row;

/// A token in an organization.
#[derive(Clone, Debug)]
pub struct Holding {
    /// The token.
    pub token: access_token::Model,
    /// The organization.
    pub organization: organization::Model,
    /// What the organization granted it.
    pub granted: Granted,
    /// The repositories that were read with it.
    pub repositories: Vec<(repository::Model, Reached)>,
    facts: Token,
    owner: Owner,
}

impl From<Row> for Holding {
    fn from(row: Row) -> Self {
        let state = GrantState::of(
            row.grant.as_ref().map(|grant| grant.state),
            row.request.as_ref().map(|request| request.state),
        );
        let selection =
            row.grant.as_ref().map_or(RepositorySelection::None, |grant| grant.repository_selection);
        let repositories = row.repositories.into_iter().map(|row| {
            let reached = Reached {
                visibility: row.repository.visibility,
                given: row.given,
                is_named: row.is_named,
                exists: true,
            };
            (row.repository, reached)
        });
        Self {
            facts: Token {
                kind: row.token.kind,
                issued_at: row.token.issued_at,
                expires_at: row.token.expires_at,
                revoked_at: row.token.revoked_at,
                scopes: row.scopes.split_whitespace().map(str::to_owned).collect(),
            },
            granted: Granted {
                state,
                selection,
                permissions: row.permissions.split(',').filter_map(permission).collect(),
            },
            owner: Owner {
                is_active: row.owner_state == UserState::Active,
                is_member: row.owner_kind == UserKind::Member,
                in_organization: row.owner_level,
            },
            repositories: repositories.collect(),
            token: row.token,
            organization: row.organization,
        }
    }
}

impl Holding {
    /// The judgement of the token at a time.
    #[must_use]
    pub fn judge<'a>(&'a self, catalog: &'a Catalog, now: DateTime<Utc>) -> Judge<'a> {
        Judge {
            token: &self.facts,
            policy: &self.organization,
            granted: &self.granted,
            owner: self.owner,
            catalog,
            now,
        }
    }

    /// The scopes of a classic token.
    #[must_use]
    pub fn scopes(&self) -> &[String] {
        &self.facts.scopes
    }
}

/// Reads `TARGET name LEVEL`.
fn permission(text: &str) -> Option<Permission> {
    let mut words = text.split(' ');
    let target = match words.next()? {
        "ORGANIZATION" => PermissionTarget::Organization,
        "REPOSITORY" => PermissionTarget::Repository,
        _ => return None,
    };
    let name = words.next()?.to_owned();
    let level = match words.next()? {
        "READ" => AccessLevel::Read,
        "WRITE" => AccessLevel::Write,
        "ADMIN" => AccessLevel::Admin,
        _ => return None,
    };
    Some(Permission { target, name, level })
}
