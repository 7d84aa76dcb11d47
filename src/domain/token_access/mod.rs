//! What a token may do: one pure judgement, the same for introspection and for its explanation.
//!
//! A token has what its owner may do, as far as it was granted and the organization's policy lets it; and
//! what everybody may read anyway: a token that is valid never gets less than an anonymous caller.

mod facts;
#[cfg(test)]
mod tests;

use chrono::{DateTime, TimeDelta, Utc};
use entity::access_token::TokenKind;
use entity::organization::{self, TokenAccess};
use entity::permission_definition::PermissionTarget;
use entity::repository::Visibility;
use entity::repository_access::AccessLevel;
use entity::token_request::RepositorySelection;

use super::permission_catalog::{Catalog, Definition};
use super::repository;

pub use facts::{GrantState, Granted, Owner, Permission, Token};

/// Every token that reaches a repository may read this of it.
const METADATA: &str = "metadata";

/// What forbids something to a token: the first in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Obstacle {
    /// The token is over: it expired, or its owner gave it up.
    Expiry,
    /// The token's owner may not do it: they were deactivated, are no member, or lack the access.
    OwnerStanding,
    /// The organization restricts this kind of token, or its lifetime is longer than allowed.
    Policy,
    /// No owner of the organization has approved it.
    Approval,
    /// The repository is not among those that were granted, or was deleted.
    Repository,
    /// It was revoked or suspended, or the permission is not among those that were granted.
    Grant,
}

/// A repository, as the owner of a token stands to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reached {
    /// Who may read it without any access of their own.
    pub visibility: Visibility,
    /// What the token's owner was given of it.
    pub given: Option<AccessLevel>,
    /// Whether the grant names it.
    pub is_named: bool,
    /// Whether it is still there.
    pub exists: bool,
}

/// What a permission is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// The organization itself.
    Organization,
    /// One of its repositories.
    Repository(Reached),
}

impl Target {
    fn is_public(self) -> bool {
        match self {
            Self::Organization => false,
            Self::Repository(reached) => reached.exists && reached.visibility == Visibility::Public,
        }
    }
}

/// All that the judgement depends on.
#[derive(Clone, Copy, Debug)]
pub struct Judge<'a> {
    /// The token.
    pub token: &'a Token,
    /// The organization, with its policy.
    pub policy: &'a organization::Model,
    /// What the organization granted the token.
    pub granted: &'a Granted,
    /// Whose token it is.
    pub owner: Owner,
    /// The organization's permissions.
    pub catalog: &'a Catalog,
    /// When.
    pub now: DateTime<Utc>,
}

impl Judge<'_> {
    /// Whether the token is valid at all; without that it has not even public reads.
    pub fn is_live(&self) -> Result<(), Obstacle> {
        if self.token.revoked_at.is_some() || self.token.expires_at.is_some_and(|end| end <= self.now) {
            return Err(Obstacle::Expiry);
        }
        if self.owner.is_active { Ok(()) } else { Err(Obstacle::OwnerStanding) }
    }

    /// Whether the token has anything in the organization beyond public reads; else what masks it.
    pub fn is_in_force(&self) -> Result<(), Obstacle> {
        self.is_live()?;
        if !self.owner.is_member {
            return Err(Obstacle::OwnerStanding);
        }
        if self.is_restricted() || self.is_too_long() {
            return Err(Obstacle::Policy);
        }
        match (self.token.kind, self.granted.state) {
            (TokenKind::Classic, _) | (TokenKind::FineGrained, GrantState::Active) => Ok(()),
            (TokenKind::FineGrained, GrantState::Pending | GrantState::Denied) => Err(Obstacle::Approval),
            (TokenKind::FineGrained, GrantState::None) if self.policy.token_approval_required => {
                Err(Obstacle::Approval)
            }
            (TokenKind::FineGrained, GrantState::None | GrantState::Revoked | GrantState::Suspended) => {
                Err(Obstacle::Grant)
            }
        }
    }

    /// Whether the organization restricts this kind of token.
    #[must_use]
    pub fn is_restricted(&self) -> bool {
        let allowed = match self.token.kind {
            TokenKind::FineGrained => self.policy.fine_grained_tokens,
            TokenKind::Classic => self.policy.classic_tokens,
        };
        allowed == TokenAccess::Restricted
    }

    /// Whether the token's secret lives longer than the organization allows.
    #[must_use]
    pub fn is_too_long(&self) -> bool {
        let longest = match self.token.kind {
            TokenKind::FineGrained => self.policy.fine_grained_lifetime_seconds,
            TokenKind::Classic => self.policy.classic_lifetime_seconds,
        };
        is_longer(self.token.issued_at, self.token.expires_at, longest)
    }

    /// Whether the token may do this; else what forbids it.
    pub fn decide(
        &self,
        definition: &Definition,
        level: AccessLevel,
        target: Target,
    ) -> Result<(), Obstacle> {
        self.is_live()?;
        if is_public_read(definition, level, target) {
            return Ok(());
        }
        self.is_in_force()?;
        let granted = match self.token.kind {
            TokenKind::Classic => self.catalog.held(&self.token.scopes, definition, target.is_public()),
            TokenKind::FineGrained => self.granted(definition, target)?,
        };
        if let Target::Repository(Reached { exists: false, .. }) = target {
            return Err(Obstacle::Repository);
        }
        if granted.is_none_or(|granted| granted < level) || !definition.has(level) {
            return Err(Obstacle::Grant);
        }
        let own = definition.within(self.access(target));
        if own.is_some_and(|own| own >= level) { Ok(()) } else { Err(Obstacle::OwnerStanding) }
    }

    /// The highest level of a permission that the token has.
    #[must_use]
    pub fn level(&self, definition: &Definition, target: Target) -> Option<AccessLevel> {
        let levels = definition.levels().into_iter().rev();
        levels.into_iter().find(|level| self.decide(definition, *level, target).is_ok())
    }

    /// Everything that the token may do with a target, by the names of the permissions.
    #[must_use]
    pub fn rights(&self, target: Target) -> Vec<(&str, AccessLevel)> {
        let about = match target {
            Target::Organization => PermissionTarget::Organization,
            Target::Repository(_) => PermissionTarget::Repository,
        };
        let held = |definition: &'_ Definition| self.level(definition, target);
        let all = self.catalog.all().filter(|definition| definition.target == about);
        all.filter_map(|definition| Some((&*definition.name, held(definition)?))).collect()
    }

    /// What the token's owner may do with a target by themselves.
    #[must_use]
    pub fn access(&self, target: Target) -> Option<AccessLevel> {
        match target {
            Target::Organization if self.owner.is_member => {
                Some(self.owner.in_organization.unwrap_or(AccessLevel::Read))
            }
            Target::Organization => None,
            Target::Repository(reached) => repository::access(
                self.owner.is_member,
                reached.visibility,
                self.policy.base_level,
                reached.given,
                self.owner.in_organization,
            ),
        }
    }

    /// What a fine-grained token was granted of a permission there.
    fn granted(&self, definition: &Definition, target: Target) -> Result<Option<AccessLevel>, Obstacle> {
        if let Target::Repository(reached) = target {
            let is_reached = match self.granted.selection {
                RepositorySelection::None => false,
                RepositorySelection::All => true,
                RepositorySelection::Subset => reached.is_named,
            };
            if !is_reached {
                return Err(Obstacle::Repository);
            }
        }
        let named =
            self.granted.permissions.iter().find(|permission| {
                permission.target == definition.target && permission.name == definition.name
            });
        let implied = definition.target == PermissionTarget::Repository && definition.name == METADATA;
        Ok(named.map(|permission| permission.level).max(implied.then_some(AccessLevel::Read)))
    }
}

/// Whether everybody may do it, also without a token.
#[must_use]
pub fn is_public_read(definition: &Definition, level: AccessLevel, target: Target) -> bool {
    level == AccessLevel::Read && definition.has(level) && !definition.administrative && target.is_public()
}

/// Whether a secret from `issued_at` to `expires_at` lives longer than so many seconds.
#[must_use]
pub fn is_longer(issued_at: DateTime<Utc>, expires_at: Option<DateTime<Utc>>, longest: Option<i64>) -> bool {
    let Some(longest) = longest.and_then(TimeDelta::try_seconds) else { return false };
    expires_at.is_none_or(|end| end - issued_at > longest)
}
