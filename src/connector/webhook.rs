//! Events for webhooks: signed as the Standard Webhooks specification says, and sent once.
//!
//! The call keeps the rules of every outgoing call: see [`super::outgoing`].

use std::time::Duration;

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use entity::delivery::DeliveryErrorCode;
use reqwest::header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use reqwest::{Client, Response, StatusCode};
use url::Url;
use uuid::Uuid;

use super::Failure;
use super::outgoing::redact::Redactor;
use super::outgoing::{self, Refusal, TimeLimits, Unanswered};
use super::scim::retry_after;
use crate::clock::Clock;
use crate::secret::{Place, Secret};

/// How the secrets of webhooks begin.
pub const SECRET_PREFIX: &str = "whsec_";
/// How many bytes of a refusal are read.
const READ: usize = 4 * 1024;
/// How long the parts of a call may take: endpoints are given time to do their work.
const LIMITS: TimeLimits = TimeLimits {
    connect: Duration::from_secs(5),
    request: Duration::from_secs(20),
    call: Duration::from_secs(25),
};

/// Where a webhook's secret is kept.
#[must_use]
pub fn place(webhook: Uuid) -> Place {
    Place { table: "webhook", column: "secret", id: webhook }
}

/// The `webhook-signature` of a body; none where the secret is not of its form.
#[must_use]
pub fn signature(secret: &Secret, id: &str, at: DateTime<Utc>, body: &str) -> Option<String> {
    let key = STANDARD.decode(secret.expose().strip_prefix(SECRET_PREFIX)?).ok()?;
    let content = format!("{id}.{}.{body}", at.timestamp());
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &key), content.as_bytes());
    Some(format!("v1,{}", STANDARD.encode(tag.as_ref())))
}

/// Sends events to one endpoint.
pub struct Sender {
    client: Client,
    url: Url,
    secret: Secret,
    redactor: Redactor,
    clock: Clock,
}

impl Sender {
    /// A sender for this endpoint.
    pub fn new(
        url: &str,
        secret: &Secret,
        allow_private_addresses: bool,
        clock: Clock,
    ) -> Result<Self, Failure> {
        let url = Url::parse(url).map_err(|_| Refusal::NotAUrl)?;
        let client = outgoing::client(&url, allow_private_addresses, LIMITS)?;
        Ok(Self { client, url, secret: secret.clone(), redactor: Redactor::new(secret), clock })
    }

    /// Sends an event once; the status of the endpoint that has taken it.
    pub async fn send(&self, id: &str, body: &str) -> Result<u16, Failure> {
        let call = tokio::time::timeout(LIMITS.call, self.call(id, body));
        call.await.unwrap_or_else(|_| {
            let message = "The endpoint did not answer in time.";
            Err(failure(DeliveryErrorCode::RemoteTimeout, message))
        })
    }

    async fn call(&self, id: &str, body: &str) -> Result<u16, Failure> {
        let now = self.clock.now();
        let signature = signature(&self.secret, id, now, body).ok_or_else(|| {
            failure(DeliveryErrorCode::ConnectorMisconfigured, "The secret is not of its form.")
        })?;
        let sent = self
            .client
            .post(self.url.clone())
            .header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
            .header("webhook-id", id)
            .header("webhook-timestamp", now.timestamp())
            .header("webhook-signature", signature)
            .body(body.to_owned())
            .send()
            .await;
        let answer = sent.map_err(|error| Unanswered::from(&error).failure)?;
        let status = answer.status();
        if status.is_success() {
            return Ok(status.as_u16());
        }
        let header = answer.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
        let retry_after = header.and_then(|value| retry_after::parse(value, now));
        let words = self.redactor.clean(&words(answer).await);
        let message = if words.is_empty() { format!("The endpoint answered {status}.") } else { words };
        let remote_status = Some(status.as_u16());
        Err(Failure { remote_status, retry_after, ..Failure::new(code(status), &message) })
    }
}

/// What a status that is no success means.
fn code(status: StatusCode) -> DeliveryErrorCode {
    match status {
        StatusCode::TOO_MANY_REQUESTS => DeliveryErrorCode::RemoteThrottled,
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => DeliveryErrorCode::RemoteAuthFailed,
        status if status.is_server_error() => DeliveryErrorCode::RemoteUnavailable,
        _ => DeliveryErrorCode::RejectedByRemote,
    }
}

/// The begin of what an endpoint says; what cannot be read is nothing.
async fn words(mut answer: Response) -> String {
    let mut read = Vec::new();
    while read.len() < READ
        && let Ok(Some(chunk)) = answer.chunk().await
    {
        read.extend_from_slice(&chunk[..chunk.len().min(READ - read.len())]);
    }
    String::from_utf8_lossy(&read).into_owned()
}

fn failure(code: DeliveryErrorCode, message: &str) -> Failure {
    Failure::new(code, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(seconds, 0).unwrap()
    }

    #[test]
    fn the_signature_is_that_of_the_published_vector() {
        // The example that the specification's libraries test themselves with.
        let secret = Secret::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
        let made =
            signature(&secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", at(1_614_265_330), r#"{"test": 2432232314}"#);
        assert_eq!(made.as_deref(), Some("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="));
    }

    #[test]
    fn each_part_is_signed() {
        let secret = Secret::new(format!("whsec_{}", STANDARD.encode([7; 32])));
        let made = |id: &str, seconds, body: &str| signature(&secret, id, at(seconds), body).unwrap();
        let one = made("whd_1", 100, "{}");
        assert_eq!(one, made("whd_1", 100, "{}"));
        for other in [made("whd_2", 100, "{}"), made("whd_1", 101, "{}"), made("whd_1", 100, "{} ")] {
            assert_ne!(one, other);
        }
        for bad in ["", "whsec_", "whsec_!", "AAAA"] {
            let made = signature(&Secret::new(bad), "whd_1", at(0), "{}");
            assert_eq!(made.is_some(), bad == "whsec_", "{bad}");
        }
    }

    #[test]
    fn what_a_status_means() {
        for (status, expected) in [
            (429, DeliveryErrorCode::RemoteThrottled),
            (401, DeliveryErrorCode::RemoteAuthFailed),
            (500, DeliveryErrorCode::RemoteUnavailable),
            (302, DeliveryErrorCode::RejectedByRemote),
            (410, DeliveryErrorCode::RejectedByRemote),
        ] {
            assert_eq!(code(StatusCode::from_u16(status).unwrap()), expected);
        }
    }
}
