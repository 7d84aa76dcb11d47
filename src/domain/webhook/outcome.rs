//! What the end of an attempt means, and when the event is tried again.

use chrono::{DateTime, TimeDelta, Utc};
use entity::delivery::DeliveryErrorCode as Code;
use entity::webhook_delivery::WebhookDeliveryState as State;
use entity::{webhook, webhook_attempt, webhook_delivery};
use uuid::Uuid;

use super::LIFE;
use crate::connector::Failure;
use crate::domain::{Error, back_off};
use crate::id::Kind;
use crate::store::audit_event::{self, Event};
use crate::store::{self, Transaction, Txn};

/// An endpoint that answers so wants nothing any more.
const GONE: u16 = 410;

/// How an attempt ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// The endpoint has taken the event, with this status.
    Taken(u16),
    /// It failed.
    Failed(Failure),
}

/// The event after an attempt.
#[must_use]
pub fn after(
    before: &webhook_delivery::Model,
    end: &End,
    now: DateTime<Utc>,
    jitter: f64,
) -> webhook_delivery::Model {
    let ended = webhook_delivery::Model { attempted_at: Some(now), due_at: None, ..before.clone() };
    match end {
        End::Taken(status) => webhook_delivery::Model {
            state: State::Succeeded,
            error_code: None,
            error_message: None,
            response_status: Some(i32::from(*status)),
            completed_at: Some(now),
            ..ended
        },
        End::Failed(failure) => {
            let asked = failure.retry_after.and_then(|wait| TimeDelta::from_std(wait).ok());
            let pause = back_off::pause(before.attempt_in_round, jitter).max(asked.unwrap_or_default());
            // An address that may not be called, and whoever is gone, stay so.
            let hopeless =
                failure.code == Code::ConnectorMisconfigured || failure.remote_status == Some(GONE);
            // The first try of a round begins the time in which the event is retried, however long it waited before.
            let retry_until = if before.attempt_in_round <= 1 { now + LIFE } else { before.retry_until };
            let due_at = Some(now + pause).filter(|next| !hopeless && *next <= retry_until);
            webhook_delivery::Model {
                retry_until,
                state: if due_at.is_some() { State::Pending } else { State::Failed },
                due_at,
                error_code: Some(failure.code),
                error_message: Some(failure.message.clone()),
                response_status: failure.remote_status.map(i32::from),
                completed_at: if due_at.is_some() { None } else { Some(now) },
                ..ended
            }
        }
    }
}

/// Write the end of an attempt.
pub struct Finish {
    /// The event as it was claimed.
    pub delivery: webhook_delivery::Model,
    /// Where it went.
    pub webhook: webhook::Model,
    /// Whose it was.
    pub lease: Uuid,
    /// When the attempt began.
    pub started_at: DateTime<Utc>,
    /// How it ended.
    pub end: End,
    /// A number from 0 to 1 that spreads the next tries out.
    pub jitter: f64,
}

impl Transaction for Finish {
    type Output = bool;
    type Error = Error;

    async fn run(&self, txn: &Txn) -> Result<bool, Error> {
        let after = after(&self.delivery, &self.end, txn.now(), self.jitter);
        if !store::webhook_delivery::finish(txn, &after, self.lease).await? {
            return Ok(false);
        }
        let attempt = webhook_attempt::Model {
            delivery_id: after.id,
            number: after.attempt_count,
            started_at: self.started_at,
            finished_at: txn.now(),
            error_code: after.error_code,
            error_message: after.error_message,
            response_status: after.response_status,
        };
        txn.insert(attempt).await?;
        if after.state == State::Failed {
            let organization = after.organization_id;
            let event =
                Event::by_itself(organization, "webhook.event_failed", Kind::WebhookDelivery, after.id);
            let webhook = Kind::Webhook.text(after.webhook_id);
            let details = serde_json::json!({ "webhook": webhook, "because": after.error_code });
            audit_event::record(txn, &event.with(details)).await?;
        }
        if matches!(&self.end, End::Failed(failure) if failure.remote_status == Some(GONE)) {
            self.switch_off(txn).await?;
        }
        Ok(true)
    }
}

impl Finish {
    /// Switches the webhook off, unless somebody changed it meanwhile.
    async fn switch_off(&self, txn: &Txn) -> Result<(), Error> {
        let off = webhook::Model { enabled: false, ..self.webhook.clone() };
        if !store::webhook::update(txn, &off, self.webhook.version).await? {
            return Ok(());
        }
        store::webhook_delivery::give_up(txn, off.id).await?;
        let event = Event::by_itself(off.organization_id, "webhook.switched_off", Kind::Webhook, off.id);
        let details = serde_json::json!({ "because": "The endpoint answered 410 Gone." });
        Ok(audit_event::record(txn, &event.with(details)).await?)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use entity::webhook_delivery::WebhookAction;
    use proptest::prelude::*;

    use super::*;

    fn event(attempts: i32) -> webhook_delivery::Model {
        let created_at = DateTime::from_timestamp(1_700_000_000, 0).unwrap();
        webhook_delivery::Model {
            id: Uuid::nil(),
            organization_id: Uuid::nil(),
            webhook_id: Uuid::nil(),
            action: WebhookAction::Created,
            request_id: Uuid::nil(),
            body: String::new(),
            state: State::Pending,
            attempt_count: attempts,
            attempt_in_round: attempts,
            retry_until: created_at + LIFE,
            due_at: Some(created_at),
            lease: Some(Uuid::max()),
            error_code: None,
            error_message: None,
            response_status: None,
            attempted_at: None,
            created_at,
            completed_at: None,
        }
    }

    fn failed(code: Code, remote_status: Option<u16>, retry_after: Option<u64>) -> End {
        let retry_after = retry_after.map(Duration::from_secs);
        End::Failed(Failure { remote_status, retry_after, ..Failure::new(code, "away") })
    }

    proptest! {
        #[test]
        fn an_event_waits_or_has_ended(
            status in prop::option::of(100_u16..600), attempts in 1..10_000, age in 0_i64..400_000,
            asked in prop::option::of(0_u64..100_000), jitter in 0.0..1.0,
        ) {
            let before = event(attempts);
            let now = before.created_at + TimeDelta::seconds(age);
            let end = failed(Code::RejectedByRemote, status, asked);
            let after = after(&before, &end, now, jitter);
            prop_assert_eq!(after.due_at.is_some(), after.state == State::Pending);
            prop_assert_eq!(after.completed_at.is_none(), after.state == State::Pending);
            if let Some(due) = after.due_at {
                let until = if attempts == 1 { now + LIFE } else { before.retry_until };
                prop_assert!(due > now && due <= until && status != Some(GONE));
                prop_assert_eq!(after.retry_until, until);
                prop_assert!(due >= now + TimeDelta::seconds(i64::try_from(asked.unwrap_or(0)).unwrap()));
            }
        }
    }

    #[test]
    fn an_event_that_waited_for_long_is_retried_from_its_first_try_on() {
        let (first, now) = (event(1), event(1).created_at + LIFE * 2);
        let retried = after(&first, &failed(Code::RemoteUnavailable, None, None), now, 0.5);
        assert_eq!((retried.state, retried.retry_until), (State::Pending, now + LIFE));
        let second = webhook_delivery::Model { attempt_in_round: 2, ..retried };
        let failed = failed(Code::RemoteUnavailable, None, None);
        assert_eq!(after(&second, &failed, now + LIFE, 0.5).state, State::Failed);
    }

    #[test]
    fn what_cannot_get_better_is_not_tried_again() {
        let before = event(1);
        let now = before.created_at;
        for end in [
            failed(Code::ConnectorMisconfigured, None, None),
            failed(Code::RejectedByRemote, Some(GONE), None),
        ] {
            assert_eq!(after(&before, &end, now, 0.5).state, State::Failed);
        }
        let retried = after(&before, &failed(Code::RejectedByRemote, Some(404), None), now, 0.5);
        assert_eq!((retried.state, retried.response_status), (State::Pending, Some(404)));
        let sent = after(&retried, &End::Taken(204), now, 0.5);
        assert_eq!((sent.state, sent.error_code, sent.response_status), (State::Succeeded, None, Some(204)));
    }
}
