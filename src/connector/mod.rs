//! Connectors carry access to the systems that hold it.
//!
//! A connector does not decide what is wanted; it makes one change true at the remote and says what it saw. It never
//! takes the remote's word for a change that can be looked at: [`Change::confirmed`] is true only if the remote showed
//! the result afterwards. A removal is always sent, whatever a reading shows, because some remotes hide members. It is
//! called outside of any transaction and ends by a deadline. One file a kind.

pub mod directory;
pub mod outgoing;
pub mod registry;
pub mod scim;
pub mod webhook;

use std::time::Duration;

use async_trait::async_trait;
use entity::delivery::DeliveryErrorCode;

/// How long one call of a connector may take.
pub const CALL_DEADLINE: Duration = Duration::from_secs(30);

/// The longest text of a remote that is kept, in characters.
pub const REMOTE_TEXT_LIMIT: usize = 1_000;

/// A person as accounts are looked for and created.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// Guichet's own id of the user, as text: stable, never reused.
    pub id: String,
    /// The login name that the person has at the remote, or gets there.
    pub user_name: String,
    /// The name to show, if the remote wants one.
    pub display_name: String,
    /// The e-mail address, if one is known.
    pub email: Option<String>,
    /// Whether an account may be matched by the login name: `false` if it is an address that nobody vouches for.
    pub match_by_user_name: bool,
    /// Whether an account may be matched by one of its e-mail addresses.
    pub match_by_email: bool,
}

/// What access is given or taken: one role of one resource, in the remote's own words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// The id of the resource at the remote, for example of a group.
    pub resource: String,
    /// The role at the remote, for example `member`.
    pub role: String,
}

/// An account at a remote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// The remote's own id of it.
    pub id: String,
    /// The login name, if the remote shows it.
    pub user_name: Option<String>,
    /// Whether it is switched on. A remote that does not say counts as on.
    pub active: bool,
}

/// What an account was found by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MatchedBy {
    /// Guichet's own id of the user, which the remote keeps.
    ExternalId,
    /// The login name.
    UserName,
    /// One of its e-mail addresses.
    Email,
}

/// What a call that succeeded did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Done {
    /// The remote was changed.
    Changed,
    /// It was already as wanted.
    AlreadySo,
    /// The remote no longer has the target, so there is nothing to take.
    TargetGone,
}

/// What became of a change, as far as the remote shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    /// What was done.
    pub done: Done,
    /// Whether the account had the access before; `None` if the remote does not show it.
    pub held_before: Option<bool>,
    /// Whether the remote showed the result afterwards.
    pub confirmed: bool,
}

/// Why a call failed, in a form that is safe to keep and show to managers.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{code:?}: {message}")]
pub struct Failure {
    /// The kind of failure.
    pub code: DeliveryErrorCode,
    /// The remote's own words, secrets removed, at most [`REMOTE_TEXT_LIMIT`] characters.
    pub message: String,
    /// The remote's status, for HTTP its status code.
    pub remote_status: Option<u16>,
    /// How long the remote asked us to wait.
    pub retry_after: Option<Duration>,
    /// Whether the change may have been made all the same.
    pub uncertain: bool,
}

impl Failure {
    /// A failure in our own words, of a change that was certainly not made.
    #[must_use]
    pub fn new(code: DeliveryErrorCode, message: &str) -> Self {
        Self { code, message: message.to_owned(), remote_status: None, retry_after: None, uncertain: false }
    }

    /// The same failure of a change that may have been made.
    #[must_use]
    pub fn uncertain(self) -> Self {
        Self { uncertain: true, ..self }
    }
}

/// A system that holds access.
#[async_trait]
pub trait Connector: Send + Sync {
    /// Whether people have accounts of their own there. If not, an account is named by the user's Guichet id.
    fn has_accounts(&self) -> bool;

    /// Looks for the account of a person; changes nothing.
    async fn find_account(&self, person: &Person) -> Result<Option<(Account, MatchedBy)>, Failure>;

    /// Creates the account of a person. If the remote says that it has it already, it is found instead.
    async fn create_account(&self, person: &Person) -> Result<(Account, Option<MatchedBy>), Failure>;

    /// Looks at an account by its id. Returns `None` only if the remote says in its own protocol that it has none.
    async fn account(&self, id: &str) -> Result<Option<Account>, Failure>;

    /// Switches an account on.
    async fn activate_account(&self, id: &str) -> Result<(), Failure>;

    /// Looks whether the target is there; changes nothing. Nobody gets an account for a target that is not.
    async fn find_target(&self, target: &Target) -> Result<(), Failure>;

    /// Gives an account the access.
    async fn add(&self, account: &str, target: &Target) -> Result<Change, Failure>;

    /// Takes the access from an account; the removal is always sent.
    async fn remove(&self, account: &str, target: &Target) -> Result<Change, Failure>;

    /// Looks whether an account has the access; changes nothing. Returns `None` if the remote does not show it.
    async fn holds(&self, account: &str, target: &Target) -> Result<Option<bool>, Failure>;

    /// Looks whether the remote answers and lets us in.
    async fn check(&self) -> Result<(), Failure>;
}
