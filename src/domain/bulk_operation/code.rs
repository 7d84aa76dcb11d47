//! The reasons that bulk items are stored and shown with.

use crate::domain::error::Code;

/// Every reason for which an item can be rejected.
const REASONS: [Code; 9] = [
    Code::NotFound,
    Code::Forbidden,
    Code::AlreadyInProgress,
    Code::NotReprocessableState,
    Code::ReprocessWindowExpired,
    Code::PackageDeleted,
    Code::RequestorBlocked,
    Code::AssignmentEnded,
    Code::IncompatiblePackage,
];

/// The text that a reason is stored as.
#[must_use]
pub fn name(code: Code) -> &'static str {
    match code {
        Code::NotFound => "NOT_FOUND",
        Code::Forbidden => "FORBIDDEN",
        Code::AlreadyInProgress => "ALREADY_IN_PROGRESS",
        Code::NotReprocessableState => "NOT_REPROCESSABLE_STATE",
        Code::ReprocessWindowExpired => "REPROCESS_WINDOW_EXPIRED",
        Code::PackageDeleted => "PACKAGE_DELETED",
        Code::RequestorBlocked => "REQUESTOR_BLOCKED",
        Code::AssignmentEnded => "ASSIGNMENT_ENDED",
        Code::IncompatiblePackage => "INCOMPATIBLE_PACKAGE",
        _ => "CONFLICT",
    }
}

/// The reason that a text stands for.
#[must_use]
pub fn parse(text: &str) -> Option<Code> {
    REASONS.into_iter().find(|code| name(*code) == text)
}

/// The reason in words, with what to do.
#[must_use]
pub fn sentence(code: Code) -> &'static str {
    match code {
        Code::NotFound => "There is no such request, or you may not see it.",
        Code::Forbidden => "You may see the request, but not reprocess it.",
        Code::AlreadyInProgress => "The request is being delivered; nothing waits for later.",
        Code::NotReprocessableState => {
            "Only requests that were delivered in part or not at all can be reprocessed."
        }
        Code::ReprocessWindowExpired => {
            "The time to reprocess is over: cancel the request, and make a new one."
        }
        Code::PackageDeleted => "The access package was deleted.",
        Code::RequestorBlocked => "The requestor is deactivated and may not hold access.",
        Code::AssignmentEnded => "The assignment was revoked, replaced, or has expired.",
        Code::IncompatiblePackage => "The requestor holds a package that excludes this one.",
        _ => "The request was changed meanwhile.",
    }
}
