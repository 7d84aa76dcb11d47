//! How commands fail: coded answers for people, and surprises for the log.

use crate::store::StoreError;

/// Why something that was asked for is refused. One list for the whole API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Code {
    /// There is no such object, or the viewer may not see it.
    NotFound,
    /// The viewer may see the object, but not do this with it.
    Forbidden,
    /// A value is missing, too long, or not of the form that it must have.
    InvalidInput,
    /// Another object has this name already.
    NameTaken,
    /// The object was changed meanwhile; read it again.
    Conflict,
    /// Other objects use it; the message names them.
    InUse,
    /// Another connected organization is known by it already; the message names that.
    IdentitySourceTaken,
    /// Too many unknown organizations asked for access within an hour.
    TooManyNewOrganizations,
    /// The connector is not opened to the catalog for this target.
    TargetNotOpened,
    /// The text is not a whole share link of this server.
    InvalidLink,
    /// The link leads to nothing that the person may use; nobody is told why.
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
    /// Several policies admit the person; one must be chosen.
    PolicyRequired,
    /// The person holds the package already.
    AlreadyAssigned,
    /// A request of the person for this package is open already.
    RequestOpen,
    /// The policy asks for a justification.
    JustificationRequired,
    /// A question of the policy is not answered.
    QuestionUnanswered,
    /// An answer does not fit its question.
    InvalidAnswer,
    /// The policy does not let holders keep the package longer, or the assignment has no end.
    ExtensionNotAllowed,
    /// Nobody assigns a package to themselves, or links and unlinks accounts of their own.
    SelfAssignment,
    /// The time is in the past, or the end is before the start.
    InvalidSchedule,
    /// The request cannot be cancelled in its state.
    NotCancelable,
    /// The request is being delivered, and nothing waits for later.
    AlreadyInProgress,
    /// The request is in a state that cannot be reprocessed.
    NotReprocessableState,
    /// The time to reprocess is over: cancel, and make a new request (R2).
    ReprocessWindowExpired,
    /// The package was deleted.
    PackageDeleted,
    /// The requestor may not hold access.
    RequestorBlocked,
    /// The assignment was revoked, expired or replaced.
    AssignmentEnded,
    /// A package that excludes this one is held.
    IncompatiblePackage,
    /// The assignment or grant is over, or is being taken away.
    NotActive,
    /// Nothing was selected.
    EmptySelection,
    /// More was selected than one operation may do.
    SelectionTooLarge,
    /// The selection has another size than the one expected; nothing was done.
    ExpectedCountMismatch,
    /// The key was used for another input.
    IdempotencyKeyReused,
    /// The user is deactivated.
    UserDeactivated,
    /// The guest was blocked for holding nothing.
    UserBlocked,
    /// The secret was shown by the first call under this key, and cannot be shown again.
    SecretAlreadyShown,
    /// The request was approved or denied before.
    AlreadyReviewed,
    /// The request was withdrawn, or overtaken by another.
    RequestCanceled,
    /// Nobody decides on their own token or request.
    SelfReview,
    /// The viewer is no approver of the stage that waits.
    NotApprover,
    /// Nobody decided in time.
    TimedOut,
    /// The end that the request asks for has passed.
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
    /// Token requests wait: say what becomes of them.
    TokenRequestsWaiting,
    /// It was imported: it is decided where it comes from.
    ExternalReadOnly,
    /// The account is linked to another user.
    AccountAlreadyLinked,
    /// The target system did not answer as it should.
    RemoteFailed,
    /// The server has no mail server.
    MailNotConfigured,
}

/// A refusal, with the place in the input that it is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    /// The code.
    pub code: Code,
    /// What is wrong and what to do, for people.
    pub message: String,
    /// The path in the input; empty for the whole.
    pub field: Vec<String>,
}

impl Rejection {
    /// A refusal of the whole.
    #[must_use]
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), field: Vec::new() }
    }

    /// A refusal of one part of the input.
    #[must_use]
    pub fn of(field: &str, code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), field: field.split('.').map(str::to_owned).collect() }
    }
}

/// How a command fails.
#[derive(Debug)]
pub enum Error {
    /// It is refused; nothing was done.
    Rejected(Vec<Rejection>),
    /// It broke; nothing was done.
    Broken(StoreError),
}

impl From<Rejection> for Error {
    fn from(rejection: Rejection) -> Self {
        Self::Rejected(vec![rejection])
    }
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        Self::Broken(error)
    }
}
