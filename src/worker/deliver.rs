//! Deliveries: claim what is due, call the connector outside of any transaction, write the end.

mod account;

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use entity::connector::ConnectorHealth;
use entity::delivery::{self, DeliveryErrorCode, DeliveryOperation, DeliveryResult};
use entity::entitlement_grant::{EntitlementGrantOrigin, EntitlementGrantState};
use entity::remote_account::RemoteAccountState;
use uuid::Uuid;

use self::account::Resolver;
use crate::connector::outgoing::is_network_failure;
use crate::connector::registry::Registry;
use crate::connector::{CALL_DEADLINE, Change, Connector, Done, Failure, Target};
use crate::domain::Error;
use crate::domain::delivery::outcome::{End, Finish};
use crate::domain::delivery::{Failed, is_retryable, next_try};
use crate::domain::remote_account::Gone;
use crate::id::Kind;
use crate::store::delivery::Claimed;
use crate::store::{self, Database, StoreError};

/// A delivery that is this worker's for a minute.
pub struct Claim {
    claimed: Claimed,
    lease: Uuid,
}

/// Claims what is due.
pub async fn claim(database: &Database) -> Result<Vec<Claim>, StoreError> {
    let lease = database.clock().id();
    let claimed = store::delivery::claim(database, lease).await?;
    Ok(claimed.into_iter().map(|claimed| Claim { claimed, lease }).collect())
}

/// Tries a delivery once and writes how it ended.
pub async fn attempt(database: &Database, connectors: &Registry, claim: Claim) {
    let Claim { claimed, lease } = claim;
    let started_at = database.clock().now();
    let (end, account) = if let Some(result) = without_remote(&claimed) {
        (End::without_call(result), None)
    } else {
        let mut call = Call { database, claimed: &claimed, account: None };
        let called = call.make(connectors).await;
        if let Err(error) = note_health(database, &claimed, called.as_ref().err()).await {
            tracing::warn!(%error, "could not note the health of a connector");
        }
        (ended(called), call.account)
    };
    let Claimed { delivery, grant, began_absent, .. } = claimed;
    let id = delivery.id;
    // Random bits of the lease spread the next tries out.
    let jitter = f64::from(lease.as_bytes()[15]) / 255.0;
    let finish = Finish { delivery, lease, grant, began_absent, account, started_at, end, jitter };
    match database.write(&finish).await {
        Ok(true) => tell(&finish.delivery, &finish.end, jitter, database.clock().now()),
        Ok(false) => {
            tracing::warn!(delivery = %id, "another worker has taken over the lease of a delivery; this result is not written");
        }
        Err(Error::Broken(error)) => {
            tracing::error!(%error, delivery = %id, "could not write the end of an attempt");
        }
        Err(Error::Rejected(_)) => tracing::error!(delivery = %id, "the end of an attempt was refused"),
    }
}

/// What needs no call: a role that others still need, that was there before, or that is no longer wanted.
fn without_remote(claimed: &Claimed) -> Option<DeliveryResult> {
    let grant = &claimed.grant;
    match claimed.delivery.operation {
        DeliveryOperation::Add | DeliveryOperation::Repair | DeliveryOperation::Compare => {
            (!claimed.is_due_to_assignment).then_some(DeliveryResult::NoLongerWanted)
        }
        DeliveryOperation::Remove if claimed.is_wanted => Some(DeliveryResult::StillNeeded),
        DeliveryOperation::Remove if grant.state == EntitlementGrantState::Absent => {
            Some(DeliveryResult::AlreadySo)
        }
        DeliveryOperation::Remove
            if grant.origin == EntitlementGrantOrigin::Existed
                && grant.state == EntitlementGrantState::Held =>
        {
            Some(DeliveryResult::ExistedBefore)
        }
        DeliveryOperation::Remove => None,
    }
}

/// One attempt at a remote.
struct Call<'a> {
    database: &'a Database,
    claimed: &'a Claimed,
    /// The account that is written, once it is known.
    account: Option<Uuid>,
}

/// What a call that succeeded found.
type Outcome = (DeliveryResult, Option<Change>);

impl Call<'_> {
    async fn make(&mut self, connectors: &Registry) -> Result<Outcome, Failure> {
        let connector = connectors.get(&self.claimed.connector)?;
        let resource = self.claimed.role.resource.origin_id.clone();
        let target = Target { resource, role: self.claimed.role.role.origin_id.clone() };
        let work = async {
            match self.claimed.delivery.operation {
                DeliveryOperation::Add | DeliveryOperation::Repair => self.give(&connector, &target).await,
                DeliveryOperation::Remove => self.take(&connector, &target).await,
                DeliveryOperation::Compare => self.compare(&connector, &target).await,
            }
        };
        tokio::time::timeout(CALL_DEADLINE, work).await.unwrap_or_else(|_| {
            let message = "The target system did not answer in time.";
            Err(Failure::new(DeliveryErrorCode::RemoteTimeout, message).uncertain())
        })
    }

    fn resolver<'a>(&'a self, connector: &'a Arc<dyn Connector>) -> Resolver<'a> {
        Resolver { database: self.database, connector, claimed: self.claimed }
    }

    async fn give(&mut self, connector: &Arc<dyn Connector>, target: &Target) -> Result<Outcome, Failure> {
        let account = self.resolver(connector).to_give(target).await?;
        self.account = account.row;
        let change = connector.add(&account.id, target).await;
        let change = match change {
            Ok(change) => change,
            // The remote has the account, but where access is given it is not known yet.
            Err(failure) if account.is_new && is_about_the_person(&failure) => {
                return Err(Failure { code: DeliveryErrorCode::AccountNotReady, ..failure });
            }
            Err(failure) => return Err(failure),
        };
        Ok((result(change.done), Some(change)))
    }

    async fn take(&mut self, connector: &Arc<dyn Connector>, target: &Target) -> Result<Outcome, Failure> {
        let known = self.claimed.given_to.as_ref().or(self.claimed.account.as_ref());
        if let Some(account) = known.filter(|account| account.state == RemoteAccountState::Gone) {
            self.account = Some(account.id);
            return Ok((DeliveryResult::AccountGone, None));
        }
        let account = self.resolver(connector).to_take().await?;
        self.account = account.row;
        match connector.remove(&account.id, target).await {
            Ok(change) => Ok((result(change.done), Some(change))),
            Err(failure) if connector.has_accounts() && is_about_the_person(&failure) => {
                // Whoever has no account any more is in no group either.
                if connector.account(&account.id).await?.is_some() {
                    return Err(failure);
                }
                if let Some(account) = account.row {
                    self.database.write(&Gone { account }).await.map_err(|error| broken(&error))?;
                }
                Ok((DeliveryResult::AccountGone, None))
            }
            Err(failure) => Err(failure),
        }
    }

    async fn compare(&self, connector: &Arc<dyn Connector>, target: &Target) -> Result<Outcome, Failure> {
        let Some(account) = self.resolver(connector).known().await? else {
            return Ok((DeliveryResult::Missing, None));
        };
        match connector.holds(&account, target).await? {
            Some(true) => Ok((DeliveryResult::AlreadySo, None)),
            Some(false) => Ok((DeliveryResult::Missing, None)),
            None => {
                let message = "The remote does not show who has this access.";
                Err(Failure::new(DeliveryErrorCode::NotSupported, message))
            }
        }
    }
}

/// Whether a failure may mean that the remote does not know the person.
fn is_about_the_person(failure: &Failure) -> bool {
    match failure.code {
        DeliveryErrorCode::PrincipalNotFound => true,
        DeliveryErrorCode::RejectedByRemote => matches!(failure.remote_status, Some(400 | 404 | 422)),
        _ => false,
    }
}

/// The database failed: its words go to the log.
fn broken(error: &StoreError) -> Failure {
    tracing::error!(%error, "what is known of an account could not be read or written");
    Failure::new(DeliveryErrorCode::Internal, "Guichet could not keep what it found of the account.")
}

const fn result(done: Done) -> DeliveryResult {
    match done {
        Done::Changed => DeliveryResult::Changed,
        Done::AlreadySo => DeliveryResult::AlreadySo,
        Done::TargetGone => DeliveryResult::TargetGone,
    }
}

fn ended(called: Result<Outcome, Failure>) -> End {
    match called {
        Ok((result, change)) => End::Done {
            result,
            held_before: change.and_then(|change| change.held_before),
            confirmed: change.is_some_and(|change| change.confirmed),
        },
        Err(failure) => End::Failed {
            code: failure.code,
            message: failure.message,
            status: failure.remote_status.map(i32::from),
            retry_after: failure.retry_after.and_then(|wait| TimeDelta::from_std(wait).ok()),
            uncertain: failure.uncertain,
        },
    }
}

/// Notes how the remote answers: five network failures in a row let the connector rest, a refused credential shows,
/// and anything that only a remote that works can answer ends both.
async fn note_health(
    database: &Database,
    claimed: &Claimed,
    failure: Option<&Failure>,
) -> Result<(), StoreError> {
    let connector = &claimed.connector;
    let id = connector.id;
    let was_failing = connector.health == ConnectorHealth::Failing;
    let fails = |failure: &Failure| {
        if !was_failing {
            let (code, status) = (failure.code, failure.remote_status);
            tracing::warn!(connector = %Kind::Connector.text(id), ?code, status, "a connector fails");
        }
    };
    match failure {
        Some(failure) if is_network_failure(failure) => {
            fails(failure);
            store::connector::note_failure(database, id, &failure.message).await
        }
        Some(failure) if failure.code == DeliveryErrorCode::RemoteAuthFailed => {
            fails(failure);
            store::connector::note_auth_failure(database, id, &failure.message).await
        }
        // Says nothing of the credential: some servers throttle or break before they look at it.
        Some(Failure {
            code:
                DeliveryErrorCode::RemoteThrottled
                | DeliveryErrorCode::RemoteUnavailable
                | DeliveryErrorCode::ConnectorMisconfigured
                | DeliveryErrorCode::Internal,
            ..
        }) if connector.failures_in_row == 0 => Ok(()),
        _ if connector.failures_in_row == 0 && connector.health == ConnectorHealth::Healthy => Ok(()),
        _ => {
            if was_failing {
                tracing::info!(connector = %Kind::Connector.text(id), "a connector has recovered");
            }
            store::connector::note_answer(database, id).await
        }
    }
}

/// Logs what somebody should look at: a delivery that is given up, and a removal that waiting does not help.
fn tell(delivery: &delivery::Model, end: &End, jitter: f64, now: DateTime<Utc>) {
    let End::Failed { code, status, retry_after, .. } = end else { return };
    let failed = Failed {
        operation: delivery.operation,
        code: *code,
        tries: delivery.attempt_in_round,
        retry_after: *retry_after,
        retry_until: delivery.retry_until,
        jitter,
    };
    let id = Kind::Delivery.text(delivery.id);
    if next_try(&failed, now).is_none() {
        tracing::warn!(delivery = %id, ?code, status, "a delivery has failed for good");
    } else if delivery.operation == DeliveryOperation::Remove && !is_retryable(*code) {
        tracing::warn!(delivery = %id, ?code, status, "a removal was refused; it is tried again in a day");
    }
}
