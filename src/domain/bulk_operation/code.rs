//! The reasons that bulk items are stored and shown with.

use entity::bulk_operation::BulkOperationKind;

use crate::domain::error::Code;

/// Every reason for which an item can be rejected: the text that it is stored as, and what it says.
const REASONS: [(Code, &str, &str); 29] = [
    (Code::NotFound, "NOT_FOUND", "There is no such object, or you may not see it."),
    (Code::Forbidden, "FORBIDDEN", "You may see it, but not do this with it."),
    (
        Code::AlreadyInProgress,
        "ALREADY_IN_PROGRESS",
        "The request is being delivered; nothing waits for later.",
    ),
    (
        Code::NotReprocessableState,
        "NOT_REPROCESSABLE_STATE",
        "Only requests that were delivered in part or not at all can be reprocessed.",
    ),
    (
        Code::ReprocessWindowExpired,
        "REPROCESS_WINDOW_EXPIRED",
        "The time to reprocess is over: cancel the request, and make a new one.",
    ),
    (Code::PackageDeleted, "PACKAGE_DELETED", "The access package was deleted."),
    (Code::RequestorBlocked, "REQUESTOR_BLOCKED", "The requestor is deactivated and may not hold access."),
    (Code::AssignmentEnded, "ASSIGNMENT_ENDED", "The assignment was revoked, replaced, or has expired."),
    (
        Code::IncompatiblePackage,
        "INCOMPATIBLE_PACKAGE",
        "The requestor holds a package that excludes this one.",
    ),
    (Code::AlreadyReviewed, "ALREADY_REVIEWED", "The request was approved or denied before."),
    (Code::RequestCanceled, "REQUEST_CANCELED", "The request was withdrawn, or overtaken by another."),
    (Code::SelfReview, "SELF_REVIEW", "Nobody decides on their own request: ask somebody else who may."),
    (Code::NotApprover, "NOT_APPROVER", "The stage that waits is for others to decide."),
    (Code::TimedOut, "TIMED_OUT", "Nobody decided in time: the request is denied."),
    (Code::EndPassed, "END_PASSED", "The end that the request asks for has passed: it is denied."),
    (Code::JustificationRequired, "JUSTIFICATION_REQUIRED", "The stage asks for a justification."),
    (
        Code::InvalidSchedule,
        "INVALID_SCHEDULE",
        "The end that was asked for has passed, or the policy's: it can only be denied.",
    ),
    (Code::TokenExpired, "TOKEN_EXPIRED", "The token has expired."),
    (Code::AlreadyRevoked, "ALREADY_REVOKED", "The grant was revoked before."),
    (Code::NotActive, "NOT_ACTIVE", "The grant is no longer in force."),
    (Code::SelfAssignment, "SELF_ASSIGNMENT", "Nobody assigns a package to themselves. Request it instead."),
    (Code::UserDeactivated, "USER_DEACTIVATED", "This user is deactivated."),
    (Code::UserBlocked, "USER_BLOCKED", "The guest was blocked for holding nothing. Unblock them first."),
    (
        Code::ExtensionNotAllowed,
        "EXTENSION_NOT_ALLOWED",
        "The assignment has no end any more: there is nothing to extend.",
    ),
    (Code::NotRequestable, "NOT_REQUESTABLE", "The policy is not for this person."),
    (Code::AlreadyAssigned, "ALREADY_ASSIGNED", "The person holds the package already."),
    (Code::RequestOpen, "REQUEST_OPEN", "A request of the person for the package is open already."),
    (
        Code::ExternalReadOnly,
        "EXTERNAL_READ_ONLY",
        "It was imported and is only shown here: decide where it comes from.",
    ),
    (Code::Conflict, "CONFLICT", "It was changed meanwhile."),
];

/// What some reasons say of assignments.
const OF_ASSIGNMENTS: [(Code, &str); 3] = [
    (Code::NotActive, "The assignment is over, or is being taken away already."),
    (Code::AlreadyInProgress, "The assignment is being delivered for the first time."),
    (
        Code::NotReprocessableState,
        "Only a delivered assignment is compared: reprocess its request, or make a new one.",
    ),
];

/// The text that a reason is stored as.
#[must_use]
pub fn name(code: Code) -> &'static str {
    REASONS.iter().find(|(reason, ..)| *reason == code).map_or("CONFLICT", |(_, name, _)| name)
}

/// The reason that a text stands for.
#[must_use]
pub fn parse(text: &str) -> Option<Code> {
    REASONS.iter().find(|(_, name, _)| *name == text).map(|(reason, ..)| *reason)
}

/// The reason in words, with what to do.
#[must_use]
pub fn sentence(kind: BulkOperationKind, code: Code) -> &'static str {
    let of_assignments = match kind {
        BulkOperationKind::RevokeAssignments | BulkOperationKind::ReprocessAssignments => {
            OF_ASSIGNMENTS.iter().find(|(reason, _)| *reason == code)
        }
        BulkOperationKind::ReprocessAccessRequests
        | BulkOperationKind::ReviewAccessRequests
        | BulkOperationKind::ReviewTokenRequests
        | BulkOperationKind::RevokeTokenGrants
        | BulkOperationKind::SubmitDecisions
        | BulkOperationKind::CreateAssignments => None,
    };
    let of_all = || REASONS.iter().find(|(reason, ..)| *reason == code).map(|(_, _, sentence)| *sentence);
    of_assignments.map(|(_, sentence)| *sentence).or_else(of_all).unwrap_or("It was changed meanwhile.")
}
