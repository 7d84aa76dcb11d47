//! What people are told: in the transaction of what it tells, once, and where they want it.

pub mod approval;
pub mod assignment;
pub mod content;
pub mod digest;
pub mod expiring;
pub mod mail;
pub mod package;
pub mod preferences;
pub mod read;
pub mod schedule;
pub mod tell;
pub mod token;

use entity::notification::NotificationKind as Kind;

pub use content::Content;

/// Every kind, in the order in which preferences are shown.
pub const KINDS: [Kind; 12] = [
    Kind::TokenRequestApproved,
    Kind::TokenRequestDenied,
    Kind::TokenGrantRevoked,
    Kind::TokenExpiring,
    Kind::TokenRequestDigest,
    Kind::ApprovalPending,
    Kind::AccessRequestApproved,
    Kind::AccessRequestDenied,
    Kind::AccessRequestWithdrawn,
    Kind::AssignmentExpiring,
    Kind::AssignmentRevoked,
    Kind::PackageRoleFailed,
];

/// Whether its receiver can turn it off: everybody hears what was decided about them.
#[must_use]
pub const fn is_optional(kind: Kind) -> bool {
    match kind {
        Kind::TokenRequestApproved
        | Kind::TokenRequestDenied
        | Kind::TokenGrantRevoked
        | Kind::AccessRequestApproved
        | Kind::AccessRequestDenied
        | Kind::AccessRequestWithdrawn
        | Kind::AssignmentRevoked => false,
        Kind::TokenExpiring
        | Kind::TokenRequestDigest
        | Kind::ApprovalPending
        | Kind::AssignmentExpiring
        | Kind::PackageRoleFailed => true,
    }
}
