//! The kinds of work, each of which runs on its own.

use crate::store::{self, Database, StoreError, Waiting};

/// A kind of work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Makes due again what a clock that was set back has stranded.
    Recovery,
    /// Starts and ends assignments.
    Assignments,
    /// Ends stages of approval that nobody decided.
    Approvals,
    /// Goes on with bulk operations.
    BulkOperations,
    /// Ends tokens.
    Tokens,
    /// Delivers access.
    Deliveries,
    /// Writes digests.
    Digests,
    /// Deletes what is kept for a time only.
    Purge,
    /// Blocks and removes guests.
    Guests,
    /// Tells of what ends soon.
    Notices,
    /// Sends mails.
    Mails,
    /// Sends mails with codes to sign in with.
    SignInCodes,
    /// Sends events to webhooks.
    Webhooks,
    /// Seals audit events.
    Sealing,
}

impl Kind {
    /// How many there are.
    pub const COUNT: usize = 14;

    /// All, in the order of a round.
    pub const ALL: [Self; Self::COUNT] = [
        Self::Recovery,
        Self::Assignments,
        Self::Approvals,
        Self::BulkOperations,
        Self::Tokens,
        Self::Deliveries,
        Self::Digests,
        Self::Purge,
        Self::Guests,
        Self::Notices,
        Self::Mails,
        Self::SignInCodes,
        Self::Webhooks,
        Self::Sealing,
    ];

    /// Its name in logs, in the body of `/readyz` and in the database.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Recovery => "recovery",
            Self::Assignments => "assignments",
            Self::Approvals => "approvals",
            Self::BulkOperations => "bulkOperations",
            Self::Tokens => "tokens",
            Self::Deliveries => "deliveries",
            Self::Digests => "digests",
            Self::Purge => "purge",
            Self::Guests => "guests",
            Self::Notices => "notices",
            Self::Mails => "mails",
            Self::SignInCodes => "signInCodes",
            Self::Webhooks => "webhooks",
            Self::Sealing => "sealing",
        }
    }

    /// Whether a commit can make it due at once. What only the time makes due is looked for from time to time.
    #[must_use]
    pub const fn is_woken_by_commits(self) -> bool {
        match self {
            Self::BulkOperations
            | Self::Deliveries
            | Self::Mails
            | Self::SignInCodes
            | Self::Webhooks
            | Self::Sealing => true,
            Self::Recovery
            | Self::Assignments
            | Self::Approvals
            | Self::Tokens
            | Self::Digests
            | Self::Purge
            | Self::Guests
            | Self::Notices => false,
        }
    }

    /// How much of it is due; `None` for what has no queue.
    pub async fn waiting(self, database: &Database) -> Result<Option<Waiting>, StoreError> {
        let waiting = match self {
            Self::Assignments => store::assignment::waiting(database).await?,
            Self::Approvals => store::approval::waiting(database).await?,
            Self::BulkOperations => store::bulk_operation::waiting(database).await?,
            Self::Tokens => store::access_token::waiting(database).await?,
            Self::Deliveries => store::delivery::waiting(database).await?,
            Self::Digests => store::digest::count_due(database).await?,
            Self::Mails => store::notification::waiting(database).await?,
            Self::SignInCodes => store::sign_in_code::waiting(database).await?,
            Self::Webhooks => store::webhook_delivery::waiting(database).await?,
            Self::Sealing => store::audit_chain::count_unsealed(database).await?,
            Self::Recovery | Self::Purge | Self::Guests | Self::Notices => return Ok(None),
        };
        Ok(Some(waiting))
    }
}
