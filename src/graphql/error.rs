//! The errors that leave: every one has a code from a closed list.
//!
//! [`ApiError`] implements neither `Display` nor `Error`, so `?` can never hand the
//! database's words to a client. Business refusals are not errors but data:
//! `userErrors`, see [`UserError`].

use async_graphql::{Enum, ErrorExtensionValues, SimpleObject};

use crate::authz::{Denied, Role};
use crate::domain::{self, Code, Rejection};
use crate::store::StoreError;

/// Why a field could not be answered.
#[derive(Clone, Debug)]
pub enum ApiError {
    /// The viewer holds the permission nowhere in the organization.
    Forbidden(Denied),
    /// An argument is not of the form that it must have.
    BadUserInput(String),
    /// The cursor is not one of this list in this order.
    InvalidCursor,
    /// The database is too busy or away; trying again later can help.
    Unavailable,
    /// The connection to the database ended before it said whether it kept the change.
    Uncertain,
    /// A surprise; its cause is in the log.
    Internal,
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable(_) | StoreError::Retry(_) => {
                tracing::warn!(%error, "the database did not answer in time");
                Self::Unavailable
            }
            StoreError::Storage(_) => {
                tracing::error!(%error, "the database has no space or no memory, or its disk fails");
                Self::Unavailable
            }
            StoreError::Uncertain(_) => {
                tracing::error!(%error, "it is not known whether a change was kept");
                Self::Uncertain
            }
            StoreError::Taken(_) | StoreError::Referenced(_) | StoreError::Other(_) => {
                tracing::error!(%error, "a statement failed");
                Self::Internal
            }
        }
    }
}

impl From<Denied> for ApiError {
    fn from(denied: Denied) -> Self {
        Self::Forbidden(denied)
    }
}

impl From<ApiError> for async_graphql::Error {
    fn from(error: ApiError) -> Self {
        let mut extensions = ErrorExtensionValues::default();
        let (code, message) = match error {
            ApiError::Forbidden(denied) => {
                let roles =
                    Role::granting(denied.permission).into_iter().map(super::super::authz::role::Role::name);
                let roles = roles.map(async_graphql::Value::from).collect();
                extensions.set("requiredRoles", async_graphql::Value::List(roles));
                ("FORBIDDEN", "You hold no role that allows this.".to_owned())
            }
            ApiError::BadUserInput(message) => ("BAD_USER_INPUT", message),
            ApiError::InvalidCursor => (
                "INVALID_CURSOR",
                "The cursor does not belong to this list in this order. Start again without a cursor."
                    .to_owned(),
            ),
            ApiError::Unavailable => {
                ("UNAVAILABLE", "The server is too busy. Try again in a few seconds.".to_owned())
            }
            ApiError::Uncertain => (
                "UNAVAILABLE",
                "The database did not say whether the change was made. Look before you repeat it.".to_owned(),
            ),
            ApiError::Internal => ("INTERNAL", INTERNAL.to_owned()),
        };
        extensions.set("code", code);
        Self { message, source: None, extensions: Some(extensions) }
    }
}

/// The one sentence that clients see of a surprise.
pub const INTERNAL: &str = "Something failed in the server. Quote the request id to its operator.";

/// One reason why a mutation was refused. Nothing was changed.
#[derive(Clone, Debug, SimpleObject)]
pub struct UserError {
    /// The reason, for programs.
    code: UserErrorCode,
    /// The reason and what to do about it, for people. Its wording can change; use `code`.
    message: String,
    /// The path of the input that it is about, for example `["input", "displayName"]`; null for the whole input.
    field: Option<Vec<String>>,
}

impl From<Rejection> for UserError {
    fn from(rejection: Rejection) -> Self {
        let path = std::iter::once("input".to_owned()).chain(rejection.field.iter().cloned());
        Self {
            code: rejection.code.into(),
            message: rejection.message,
            field: (!rejection.field.is_empty()).then(|| path.collect()),
        }
    }
}

/// Splits the end of a command into what it made and why it was refused.
pub fn answer<T>(result: Result<T, domain::Error>) -> Result<(Option<T>, Vec<UserError>), ApiError> {
    match result {
        Ok(value) => Ok((Some(value), Vec::new())),
        Err(domain::Error::Rejected(rejections)) => {
            Ok((None, rejections.into_iter().map(UserError::from).collect()))
        }
        Err(domain::Error::Broken(error)) => Err(error.into()),
    }
}

/// Why something that was asked for is refused. One list for the whole API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "Code")]
pub enum UserErrorCode {
    /// There is no such object, or you may not see it.
    NotFound,
    /// You may see the object, but not do this with it.
    Forbidden,
    /// A value is missing, too long, or not of the form that it must have.
    InvalidInput,
    /// Another object has this name already.
    NameTaken,
    /// The object was changed meanwhile: read it again and repeat the change on what it is now.
    Conflict,
    /// Other objects use it; the message names them.
    InUse,
    /// Another connected organization is known by it already; the message names that.
    IdentitySourceTaken,
    /// Too many unknown organizations asked for access within an hour: try again later.
    TooManyNewOrganizations,
    /// The connector is not opened to the catalog for this target.
    TargetNotOpened,
    /// The text is not a whole share link of this server.
    InvalidLink,
    /// The link leads to nothing that you may use, whatever the reason.
    NotAvailable,
    /// The policy takes requests by a signed link only.
    SignedLinkRequired,
    /// There is no signed link with this secret to this package.
    UnknownLink,
    /// The signed link has ended.
    LinkExpired,
    /// The signed link was used as often as it can be.
    LinkUsedUp,
    /// The signed link was revoked.
    LinkRevoked,
    /// The signed link is for the people of another organization.
    LinkForOthers,
    /// The package cannot be requested: it is not visible, or no enabled policy admits the person.
    NotRequestable,
    /// Several policies admit the person: choose one with `policy`.
    PolicyRequired,
    /// The person holds the package already.
    AlreadyAssigned,
    /// A request of the person for this package is open already.
    RequestOpen,
    /// The policy asks for a justification.
    JustificationRequired,
    /// A question of the policy is not answered.
    QuestionUnanswered,
    /// An answer does not fit its question: it is too long, not of its form, or not among its choices.
    InvalidAnswer,
    /// The policy does not let holders keep the package longer, or the assignment has no end.
    ExtensionNotAllowed,
    /// Nobody assigns a package to themselves, or links and unlinks accounts of their own.
    SelfAssignment,
    /// The time is in the past, or the end is before the start.
    InvalidSchedule,
    /// The request cannot be cancelled in its state.
    NotCancelable,
    /// It is being delivered, tried or created right now, and nothing waits for later.
    AlreadyInProgress,
    /// The request is in a state that cannot be reprocessed.
    NotReprocessableState,
    /// The time to reprocess is over: cancel, and make a new request.
    ReprocessWindowExpired,
    /// The package was deleted.
    PackageDeleted,
    /// The requestor may not hold access.
    RequestorBlocked,
    /// The assignment was revoked, expired or replaced.
    AssignmentEnded,
    /// A package that excludes this one is held or requested.
    IncompatiblePackage,
    /// The assignment or grant is over, or is being taken away.
    NotActive,
    /// Nothing was selected.
    EmptySelection,
    /// More was selected than one operation may do.
    SelectionTooLarge,
    /// The selection has another size than the one expected; nothing was done.
    ExpectedCountMismatch,
    /// The idempotency key was used for another input.
    IdempotencyKeyReused,
    /// The user is deactivated.
    UserDeactivated,
    /// The guest was blocked for holding nothing: unblock them first.
    UserBlocked,
    /// The secret was shown by the first call under this idempotency key, and cannot be shown again.
    SecretAlreadyShown,
    /// The request was approved or denied before.
    AlreadyReviewed,
    /// The request was withdrawn, or overtaken by another.
    RequestCanceled,
    /// Nobody decides on their own token or request.
    SelfReview,
    /// The stage that waits is for others to decide.
    NotApprover,
    /// Nobody decided in time.
    TimedOut,
    /// The end that the request asks for has passed: it cannot be decided any more, and is denied.
    EndPassed,
    /// The token has expired.
    TokenExpired,
    /// The token was revoked by its owner.
    TokenRevoked,
    /// It was revoked before.
    AlreadyRevoked,
    /// The organization allows tokens of this kind a shorter lifetime only.
    LifetimeTooLong,
    /// The member has as many tokens as they may have.
    TooManyTokens,
    /// The organization restricts tokens of this kind.
    TokensRestricted,
    /// The permission catalogue has no such permission or scope, or not at this level.
    UnknownPermission,
    /// Token requests wait: say by `waitingRequests` what becomes of them.
    TokenRequestsWaiting,
    /// It was imported and is only shown here: decide where it comes from.
    ExternalReadOnly,
    /// The account is linked to another user: unlink it there first.
    AccountAlreadyLinked,
    /// The target system could not be asked, or did not answer as it should; the message holds its words.
    RemoteFailed,
    /// It needs mail, and this server has no mail server: its operator sets one.
    MailNotConfigured,
}
