//! What a resource server is told of a token.

use chrono::{DateTime, Utc};
use entity::access_token::TokenKind;
use entity::repository::Visibility;
use entity::repository_access::AccessLevel;
use entity::token_request::RepositorySelection;
use uuid::Uuid;

use super::MOST_REPOSITORIES;
use crate::domain::permission_catalog::Catalog;
use crate::domain::token_access::{GrantState, Holding, Obstacle, Target};

/// What is told of a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It is no token, or one that is over; why is not told.
    Inactive,
    /// It is valid.
    Active {
        /// The token.
        token: Uuid,
        /// What it says about what it may do.
        kind: TokenKind,
        /// Whose it is.
        owner: Uuid,
        /// When its secret was made.
        issued_at: DateTime<Utc>,
        /// When it ends.
        expires_at: Option<DateTime<Utc>>,
        /// The scopes of a classic token that is in force.
        scopes: Vec<String>,
        /// What it may do in the organization.
        grant: Box<Grant>,
    },
}

/// How a token stands to an organization.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// As its grant does.
    Grant(GrantState),
    /// Masked by the organization's policy.
    Restricted,
    /// Its owner is no member.
    OwnerLeft,
}

/// What a token may do in an organization: nothing beyond public reads unless it is in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// The organization.
    pub organization: Uuid,
    /// Its short name.
    pub slug: String,
    /// How the token stands there.
    pub standing: Standing,
    /// Which repositories were granted.
    pub selection: RepositorySelection,
    /// What it may do with the organization itself.
    pub permissions: Vec<(String, AccessLevel)>,
    /// What it may do with repositories.
    pub repositories: Vec<Reach>,
    /// Whether there are no more repositories than these.
    pub is_complete: bool,
}

/// What a token may do with a repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reach {
    /// The repository.
    pub id: Uuid,
    /// Its name.
    pub name: String,
    /// Its id at the resource server.
    pub origin_id: Option<String>,
    /// Who may read it without any access of their own.
    pub visibility: Visibility,
    /// The permissions with their levels.
    pub permissions: Vec<(String, AccessLevel)>,
}

impl Answer {
    /// What is told of a token whose secret was shown; of one repository, or of all that it reaches.
    pub(super) fn of(holding: &Holding, catalog: &Catalog, now: DateTime<Utc>, of_one: bool) -> Self {
        let judge = holding.judge(catalog, now);
        if judge.is_live().is_err() {
            return Self::Inactive;
        }
        let in_force = judge.is_in_force();
        let owned = |rights: Vec<(&str, AccessLevel)>| -> Vec<(String, AccessLevel)> {
            rights.into_iter().map(|(name, level)| (name.to_owned(), level)).collect()
        };
        // What is read publicly is told of the one repository that is asked for; a list holds what was granted.
        let listed = holding.repositories.iter().filter(|_| of_one || in_force.is_ok());
        let most = usize::try_from(MOST_REPOSITORIES).unwrap_or(usize::MAX);
        let reach = listed.take(most).map(|(repository, reached)| Reach {
            id: repository.id,
            name: repository.name.clone(),
            origin_id: repository.origin_id.clone(),
            visibility: repository.visibility,
            permissions: owned(judge.rights(Target::Repository(*reached))),
        });
        let is_classic = holding.token.kind == TokenKind::Classic;
        let state = if is_classic { GrantState::Active } else { holding.granted.state };
        let standing = match in_force {
            Err(Obstacle::Policy) => Standing::Restricted,
            Err(Obstacle::OwnerStanding) => Standing::OwnerLeft,
            Ok(()) | Err(_) => Standing::Grant(state),
        };
        let scopes = if in_force.is_ok() { holding.scopes().to_vec() } else { Vec::new() };
        let selection = if is_classic { RepositorySelection::All } else { holding.granted.selection };
        Self::Active {
            token: holding.token.id,
            kind: holding.token.kind,
            owner: holding.token.owner_id,
            issued_at: holding.token.issued_at,
            expires_at: holding.token.expires_at,
            scopes,
            grant: Box::new(Grant {
                organization: holding.organization.id,
                slug: holding.organization.slug.clone(),
                standing,
                selection,
                permissions: owned(judge.rights(Target::Organization)),
                repositories: reach.filter(|reach| !reach.permissions.is_empty()).collect(),
                is_complete: of_one || in_force.is_err() || holding.repositories.len() <= most,
            }),
        }
    }
}
