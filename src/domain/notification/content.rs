//! What a notification tells, as it was when it was written.

use chrono::{DateTime, NaiveDate, Utc};
use entity::notification::{self, NotificationKind};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// What a notification tells. A new kind is a variant here, its title, its link, and its two templates.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Content {
    /// A token's request was approved.
    TokenRequestApproved(TokenDecision),
    /// A token's request was denied.
    TokenRequestDenied(TokenDecision),
    /// What a token had been granted was taken back.
    TokenGrantRevoked(TokenDecision),
    /// A token ends soon.
    TokenExpiring(TokenEnd),
    /// Token requests wait.
    TokenRequestDigest(Digest),
    /// An access request waits for the receiver's decision.
    ApprovalPending(AccessAsked),
    /// An access request was approved.
    AccessRequestApproved(AccessDecision),
    /// An access request was denied.
    AccessRequestDenied(AccessDecision),
    /// An access request was withdrawn by Guichet.
    AccessRequestWithdrawn(AccessDecision),
    /// An assignment ends soon.
    AssignmentExpiring(AssignmentEnd),
    /// An assignment was taken away.
    AssignmentRevoked(AssignmentLoss),
    /// Resource roles that the receiver added to a package could not be given to people who held it.
    PackageRoleFailed(RoleFailure),
}

/// Who asks for which package.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AccessAsked {
    /// The request.
    pub request: Uuid,
    /// The name of the package.
    pub package_name: String,
    /// Who asks.
    pub requestor_name: String,
    /// Why.
    pub justification: Option<String>,
    /// Until when it can be decided.
    pub expires_at: DateTime<Utc>,
}

/// What was decided about an access request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AccessDecision {
    /// The request.
    pub request: Uuid,
    /// The name of the package.
    pub package_name: String,
    /// What whoever decided said about it, or why it was withdrawn.
    pub reason: Option<String>,
    /// Whether nobody decided in time.
    pub timed_out: bool,
    /// Whether its end came before it was decided, or before it was started.
    #[serde(default)]
    pub end_passed: bool,
}

/// When an assignment ends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AssignmentEnd {
    /// The assignment.
    pub assignment: Uuid,
    /// The name of its package.
    pub package_name: String,
    /// When it ends.
    pub expires_at: DateTime<Utc>,
}

/// That an assignment was taken away.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AssignmentLoss {
    /// The assignment.
    pub assignment: Uuid,
    /// The name of its package.
    pub package_name: String,
    /// What whoever took it away said about it.
    pub reason: Option<String>,
}

/// The resource roles of one change of a package that could not be given to people who held it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RoleFailure {
    /// The package.
    pub package: Uuid,
    /// The name of the package.
    pub package_name: String,
    /// The roles.
    pub roles: Vec<FailedRole>,
}

/// A resource role that could not be given to people who held its package.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FailedRole {
    /// The name of its resource.
    pub name: String,
    /// How many did not get it until this was written.
    pub people: u64,
}

/// What was decided about a token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TokenDecision {
    /// The token.
    pub token: Uuid,
    /// Its name.
    pub token_name: String,
    /// What whoever decided said about it.
    pub reason: Option<String>,
}

/// When a token ends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TokenEnd {
    /// The token.
    pub token: Uuid,
    /// Its name.
    pub token_name: String,
    /// When it ends.
    pub expires_at: DateTime<Utc>,
}

/// The token requests that wait.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Digest {
    /// The day, there.
    pub day: NaiveDate,
    /// How many wait, also those that are not named.
    pub total: u64,
    /// The oldest of them, by whose token it is.
    pub owners: Vec<WaitingOwner>,
}

/// The requests of one token owner.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WaitingOwner {
    /// The name of the token owner.
    pub name: String,
    /// What waits, the oldest first.
    pub requests: Vec<WaitingRequest>,
}

/// A request that waits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WaitingRequest {
    /// The request.
    pub id: Uuid,
    /// The name of the token.
    pub token_name: String,
    /// Since when it waits.
    pub since: DateTime<Utc>,
    /// Which repositories it asks for, in words.
    pub repositories: String,
    /// Why, shortened.
    pub justification: Option<String>,
}

impl Content {
    /// What a notification tells; none where a later version wrote it.
    #[must_use]
    pub fn of(notification: &notification::Model) -> Option<Self> {
        Self::deserialize(&notification.content).ok()
    }

    /// The kind.
    #[must_use]
    pub const fn kind(&self) -> NotificationKind {
        match self {
            Self::TokenRequestApproved(_) => NotificationKind::TokenRequestApproved,
            Self::TokenRequestDenied(_) => NotificationKind::TokenRequestDenied,
            Self::TokenGrantRevoked(_) => NotificationKind::TokenGrantRevoked,
            Self::TokenExpiring(_) => NotificationKind::TokenExpiring,
            Self::TokenRequestDigest(_) => NotificationKind::TokenRequestDigest,
            Self::ApprovalPending(_) => NotificationKind::ApprovalPending,
            Self::AccessRequestApproved(_) => NotificationKind::AccessRequestApproved,
            Self::AccessRequestDenied(_) => NotificationKind::AccessRequestDenied,
            Self::AccessRequestWithdrawn(_) => NotificationKind::AccessRequestWithdrawn,
            Self::AssignmentExpiring(_) => NotificationKind::AssignmentExpiring,
            Self::AssignmentRevoked(_) => NotificationKind::AssignmentRevoked,
            Self::PackageRoleFailed(_) => NotificationKind::PackageRoleFailed,
        }
    }

    /// What it tells, in one line: the subject of its mail.
    #[must_use]
    pub fn title(&self) -> String {
        match self {
            Self::TokenRequestApproved(told) => {
                format!("The request of your access token “{}” was approved", told.token_name)
            }
            Self::TokenRequestDenied(told) => {
                format!("The request of your access token “{}” was denied", told.token_name)
            }
            Self::TokenGrantRevoked(told) => {
                format!("The access of your token “{}” was revoked", told.token_name)
            }
            Self::TokenExpiring(told) => {
                let day = told.expires_at.format("%-d %B %Y");
                format!("Your access token “{}” expires on {day}", told.token_name)
            }
            Self::TokenRequestDigest(digest) if digest.total == 1 => {
                "1 token request waits for review".to_owned()
            }
            Self::TokenRequestDigest(digest) => format!("{} token requests wait for review", digest.total),
            Self::ApprovalPending(told) => {
                format!("{} asks for “{}”", told.requestor_name, told.package_name)
            }
            Self::AccessRequestApproved(told) => {
                format!("Your request for “{}” was approved", told.package_name)
            }
            Self::AccessRequestDenied(told) => format!("Your request for “{}” was denied", told.package_name),
            Self::AccessRequestWithdrawn(told) => {
                format!("Your request for “{}” was withdrawn", told.package_name)
            }
            Self::AssignmentExpiring(told) => {
                let day = told.expires_at.format("%-d %B %Y");
                format!("Your access to “{}” ends on {day}", told.package_name)
            }
            Self::AssignmentRevoked(told) => format!("Your access to “{}” was revoked", told.package_name),
            Self::PackageRoleFailed(told) => {
                format!("What you added to “{}” could not be given to everybody", told.package_name)
            }
        }
    }

    /// What whoever decided said about it, or why it was withdrawn.
    #[must_use]
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::TokenRequestApproved(told)
            | Self::TokenRequestDenied(told)
            | Self::TokenGrantRevoked(told) => told.reason.as_deref(),
            Self::AccessRequestApproved(told)
            | Self::AccessRequestDenied(told)
            | Self::AccessRequestWithdrawn(told) => told.reason.as_deref(),
            Self::AssignmentRevoked(told) => told.reason.as_deref(),
            Self::TokenExpiring(_)
            | Self::TokenRequestDigest(_)
            | Self::ApprovalPending(_)
            | Self::AssignmentExpiring(_)
            | Self::PackageRoleFailed(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read_back() {
        let told = TokenDecision { token: Uuid::nil(), token_name: "ci".to_owned(), reason: None };
        let content = Content::TokenRequestDenied(told);
        let text = serde_json::to_string(&content).unwrap();
        assert!(text.contains("\"kind\":\"TOKEN_REQUEST_DENIED\""), "{text}");
        assert_eq!(serde_json::from_str::<Content>(&text).unwrap(), content);
    }
}
