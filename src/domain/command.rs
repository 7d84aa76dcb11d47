//! How commands run: as one transaction each, to the end, with what they refuse in the audit trail.

use std::future::Future;

use tokio::time::{Instant, timeout_at};
use tracing::Instrument as _;
use uuid::Uuid;

use super::error::{Code, Error, Rejection};
use crate::authz::{Action, Actor, Catalogs, Permit};
use crate::id::Kind;
use crate::store::audit_event::{self, Event};
use crate::store::idempotency::{self, Claim, Key};
use crate::store::{self, Database, StoreError, Transaction, Txn};

/// A change that a user asks for.
pub trait Command: Send + Sync + 'static {
    /// What it gives back; usually the id of what it made.
    type Output: Send + 'static;

    /// Who tries what, for the audit trail when it is refused.
    fn attempt(&self) -> Attempt;

    /// Does it. Everything that it reads and writes goes through `txn`; it can run more than once.
    fn run(&self, txn: &Txn) -> impl Future<Output = Result<Self::Output, Error>> + Send;
}

/// Who tries what.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// The organization.
    pub organization: Uuid,
    /// Who; nobody for an outsider who is no user yet.
    pub actor: Option<Uuid>,
    /// The call to the server.
    pub call: Uuid,
    /// What.
    pub action: &'static str,
    /// On what.
    pub target: Option<(Kind, Uuid)>,
}

impl Attempt {
    /// The attempt of whoever holds the permit, on this object.
    #[must_use]
    pub fn with<A: Action>(permit: &Permit<A>, target: Option<(Kind, Uuid)>) -> Self {
        let actor = permit.actor();
        Self {
            organization: actor.organization,
            actor: Some(actor.user),
            call: actor.call,
            action: A::NAME,
            target,
        }
    }
}

/// Runs a command to its end, even when the caller hangs up meanwhile: a transaction that is
/// dropped half-way would return its connection to the pool with it. What is not ready to commit
/// `until` then is rolled back.
pub async fn run<C: Command>(database: &Database, command: C, until: Instant) -> Result<C::Output, Error> {
    let own = database.clone();
    let work = async move {
        let work = Work { command, until };
        let done = own.write(&work).await;
        if let Err(Error::Rejected(rejections)) = &done
            && rejections.iter().any(|rejection| rejection.code == Code::Forbidden)
        {
            refused(&own, work.command.attempt()).await?;
        }
        done
    };
    match tokio::spawn(work.in_current_span()).await {
        Ok(done) => done,
        Err(error) => Err(StoreError::Other(error.to_string()).into()),
    }
}

struct Work<C> {
    command: C,
    until: Instant,
}

impl<C: Command> Transaction for Work<C> {
    type Output = C::Output;
    type Error = Error;

    async fn run(&self, txn: &Txn) -> Result<C::Output, Error> {
        let late = || StoreError::Unavailable("the time of the call is over".to_owned()).into();
        // A time-out polls once even when it is over: what waited too long for its turn must not begin.
        if Instant::now() >= self.until {
            return Err(late());
        }
        timeout_at(self.until, self.command.run(txn)).await.unwrap_or_else(|_| Err(late()))
    }
}

/// Records a refused attempt in the audit trail.
pub async fn refused(database: &Database, attempt: Attempt) -> Result<(), StoreError> {
    struct Refused(Attempt);
    impl Transaction for Refused {
        type Output = ();
        type Error = StoreError;

        async fn run(&self, txn: &Txn) -> Result<(), StoreError> {
            let event = Event {
                organization: self.0.organization,
                actor: self.0.actor,
                action: self.0.action,
                target: self.0.target,
                call: Some(self.0.call),
                details: None,
            };
            audit_event::record_refused(txn, &event).await
        }
    }
    database.write(&Refused(attempt)).await
}

/// In which catalogs the holder of a permit may act, by the roles as they are in this transaction.
pub async fn confirm<A: Action>(txn: &Txn, permit: &Permit<A>) -> Result<Catalogs, Error> {
    let actor = permit.actor();
    if !store::user::is_active(txn, actor.user).await? {
        return Err(Rejection::new(Code::Forbidden, "You were deactivated.").into());
    }
    Ok(permit.catalogs(store::user::catalog_roles(txn, actor.user).await?))
}

/// Makes sure that the holder of a permit may act in the whole organization.
pub async fn confirm_everywhere<A: Action>(txn: &Txn, permit: &Permit<A>) -> Result<(), Error> {
    match confirm(txn, permit).await? {
        Catalogs::All => Ok(()),
        Catalogs::Only(_) => {
            Err(Rejection::new(Code::Forbidden, "You may do this in some catalogs only.").into())
        }
    }
}

/// Takes an idempotency key for a call that will make `result`; the first result when it is a repetition.
pub async fn repeated(
    txn: &Txn,
    actor: &Actor,
    operation: &'static str,
    key: Option<&Key>,
    result: Uuid,
) -> Result<Option<Uuid>, Error> {
    let refuse = |code, message: &str| Err(Rejection::of("idempotencyKey", code, message).into());
    match idempotency::claim(txn, actor, operation, key, result).await? {
        Claim::Fresh => Ok(None),
        Claim::Replay(first) => Ok(Some(first)),
        Claim::Reused => refuse(
            Code::IdempotencyKeyReused,
            "This key was used for another input within 24 hours. Choose a new one.",
        ),
        Claim::Malformed => refuse(
            Code::InvalidInput,
            "`idempotencyKey` must have 1 to 200 characters, without control characters.",
        ),
    }
}
