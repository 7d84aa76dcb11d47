//! Connectors carry access to the systems that hold it.
//!
//! A connector is idempotent: giving what is already there, or taking what is
//! not there, succeeds. It reads before it writes, because some remotes list a
//! member twice when told twice. It is called outside of any transaction and
//! ends by a deadline. One file a kind.

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

/// Who gets or loses access.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// Guichet's own id of the user, as text: stable, never reused.
    pub id: String,
    /// The `sub` of the person at their issuer.
    pub subject: String,
    /// The name to show, where the remote wants one.
    pub display_name: String,
    /// The e-mail address, where known.
    pub email: Option<String>,
}

/// What access is given or taken: one role of one resource, in the remote's own words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// The id of the resource at the remote, for example of a group.
    pub resource: String,
    /// The role at the remote, for example `member`.
    pub role: String,
}

/// What a call that succeeded found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Done {
    /// The remote was changed.
    Changed,
    /// It was already as wanted.
    AlreadySo,
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
}

/// A system that holds access.
#[async_trait]
pub trait Connector: Send + Sync {
    /// Gives `person` the role; finding it there already is [`Done::AlreadySo`].
    async fn add(&self, person: &Person, target: &Target) -> Result<Done, Failure>;

    /// Takes the role from `person`; finding it gone already is [`Done::AlreadySo`].
    async fn remove(&self, person: &Person, target: &Target) -> Result<Done, Failure>;

    /// Looks whether `person` has the role; changes nothing.
    async fn holds(&self, person: &Person, target: &Target) -> Result<bool, Failure>;

    /// Looks whether the remote answers and lets us in.
    async fn check(&self) -> Result<(), Failure>;
}
