//! Deliveries: claim what is due, call the connector outside of any transaction, write the end.

use chrono::{DateTime, TimeDelta, Utc};
use entity::connector::ConnectorHealth;
use entity::delivery::{self, DeliveryErrorCode, DeliveryOperation, DeliveryResult};
use uuid::Uuid;

use crate::connector::outgoing::is_network_failure;
use crate::connector::registry::Registry;
use crate::connector::{CALL_DEADLINE, Done, Failure, Person, Target};
use crate::domain::Error;
use crate::domain::delivery::outcome::{End, Finish, existed_before};
use crate::domain::delivery::{Failed, is_retryable, next_try};
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
    let end = if let Some(result) = without_remote(&claimed) {
        End::Done { result, existed_before: None }
    } else {
        let called = call(connectors, &claimed).await;
        if let Err(error) = note_health(database, &claimed, called.as_ref().err()).await {
            tracing::warn!(%error, "could not note the health of a connector");
        }
        ended(&claimed, called)
    };
    let delivery = claimed.delivery;
    let id = delivery.id;
    // Random bits of the lease spread the next tries out.
    let jitter = f64::from(lease.as_bytes()[15]) / 255.0;
    let finish = Finish { delivery, lease, started_at, end, jitter };
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
    match claimed.delivery.operation {
        DeliveryOperation::Add | DeliveryOperation::Repair | DeliveryOperation::Compare => {
            (!claimed.still_wanted).then_some(DeliveryResult::NoLongerWanted)
        }
        DeliveryOperation::Remove if claimed.still_needed => Some(DeliveryResult::StillNeeded),
        DeliveryOperation::Remove if claimed.known_before == Some(true) => {
            Some(DeliveryResult::ExistedBefore)
        }
        DeliveryOperation::Remove => None,
    }
}

async fn call(connectors: &Registry, claimed: &Claimed) -> Result<DeliveryResult, Failure> {
    let connector = connectors.get(&claimed.connector)?;
    let person = Person {
        id: claimed.user.id.to_string(),
        subject: claimed.user.subject.clone(),
        display_name: claimed.user.display_name.clone(),
        email: claimed.user.email.clone(),
    };
    let target = Target {
        resource: claimed.role.resource.origin_id.clone(),
        role: claimed.role.role.origin_id.clone(),
    };
    let work = async {
        match claimed.delivery.operation {
            DeliveryOperation::Add | DeliveryOperation::Repair => {
                connector.add(&person, &target).await.map(DeliveryResult::from)
            }
            DeliveryOperation::Remove => connector.remove(&person, &target).await.map(DeliveryResult::from),
            DeliveryOperation::Compare => {
                let found = |there| if there { DeliveryResult::AlreadySo } else { DeliveryResult::Missing };
                connector.holds(&person, &target).await.map(found)
            }
        }
    };
    tokio::time::timeout(CALL_DEADLINE, work).await.unwrap_or_else(|_| {
        Err(Failure {
            code: DeliveryErrorCode::RemoteTimeout,
            message: "The target system did not answer in time.".to_owned(),
            remote_status: None,
            retry_after: None,
        })
    })
}

impl From<Done> for DeliveryResult {
    fn from(done: Done) -> Self {
        match done {
            Done::Changed => Self::Changed,
            Done::AlreadySo => Self::AlreadySo,
        }
    }
}

fn ended(claimed: &Claimed, called: Result<DeliveryResult, Failure>) -> End {
    match called {
        Ok(result) => {
            let already_so = result == DeliveryResult::AlreadySo;
            let existed_before = existed_before(&claimed.delivery, claimed.known_before, already_so);
            End::Done { result, existed_before }
        }
        Err(failure) => End::Failed {
            code: failure.code,
            message: failure.message,
            status: failure.remote_status.map(i32::from),
            retry_after: failure.retry_after.and_then(|wait| TimeDelta::from_std(wait).ok()),
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
