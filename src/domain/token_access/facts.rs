//! What the judgement knows of a token.

use chrono::{DateTime, Utc};
use entity::access_token::TokenKind;
use entity::permission_definition::PermissionTarget;
use entity::repository_access::AccessLevel;
use entity::token_grant::TokenGrantState;
use entity::token_request::{RepositorySelection, TokenRequestState};

/// A token, as far as it matters here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// What it says about what it may do.
    pub kind: TokenKind,
    /// When its secret was made.
    pub issued_at: DateTime<Utc>,
    /// When it ends by itself.
    pub expires_at: Option<DateTime<Utc>>,
    /// When its owner gave it up.
    pub revoked_at: Option<DateTime<Utc>>,
    /// The scopes of a classic token.
    pub scopes: Vec<String>,
}

/// Whose token it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Owner {
    /// Whether they may act at all.
    pub is_active: bool,
    /// Whether they are a member of the organization.
    pub is_member: bool,
    /// What they were given in the organization itself.
    pub in_organization: Option<AccessLevel>,
}

/// A permission at a level.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Permission {
    /// What it is about.
    pub target: PermissionTarget,
    /// Its name.
    pub name: String,
    /// How much.
    pub level: AccessLevel,
}

/// How a fine-grained token stands to an organization.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum GrantState {
    /// It has nothing there, and waits for nothing.
    None,
    /// It waits for an owner, and was granted nothing yet.
    Pending,
    /// An owner refused it.
    Denied,
    /// It was granted something.
    Active,
    /// An owner took it back.
    Revoked,
    /// The token's owner was deactivated meanwhile.
    Suspended,
}

impl GrantState {
    /// How a token stands by its latest grant and its latest request. What was granted holds while more is
    /// asked for.
    #[must_use]
    pub fn of(grant: Option<TokenGrantState>, request: Option<TokenRequestState>) -> Self {
        match (grant, request) {
            (Some(TokenGrantState::Active), _) => Self::Active,
            (_, Some(TokenRequestState::Pending)) => Self::Pending,
            (_, Some(TokenRequestState::Denied)) => Self::Denied,
            (Some(TokenGrantState::Revoked), _) => Self::Revoked,
            (Some(TokenGrantState::Suspended), _) => Self::Suspended,
            (Some(TokenGrantState::Superseded | TokenGrantState::Ended) | None, _) => Self::None,
        }
    }
}

/// What an organization granted a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Granted {
    /// How the token stands there.
    pub state: GrantState,
    /// Which repositories; only those that the grant names where it is a part.
    pub selection: RepositorySelection,
    /// Which permissions.
    pub permissions: Vec<Permission>,
}
