//! One request to a SCIM server, and what its answer means.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use entity::delivery::DeliveryErrorCode;
use reqwest::header::{
    ACCEPT, AUTHORIZATION, CONTENT_TYPE, ETAG, HeaderMap, HeaderValue, IF_MATCH, RETRY_AFTER,
};
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode};
use serde_json::{Map, Value};
use url::Url;

use super::{ScimSettings, failure, retry_after, text};
use crate::clock::Clock;
use crate::connector::Failure;
use crate::connector::outgoing::redact::{Redactor, percent_encode};
use crate::connector::outgoing::{self, Refusal, Unanswered};
use crate::secret::Secret;

/// The media type of SCIM (RFC 7644 §8.1).
const SCIM_JSON: &str = "application/scim+json";
/// What servers take that refuse the other one with 415.
const PLAIN_JSON: &str = "application/json";

/// One request.
pub(super) struct Call<'a> {
    pub method: Method,
    /// The path below the base URL, one unencoded segment each.
    pub path: &'a [&'a str],
    /// The query, unencoded.
    pub query: &'a [(&'a str, &'a str)],
    /// The version that the resource must still have (RFC 7644 §3.14).
    pub if_match: Option<&'a str>,
    pub body: Option<&'a Value>,
}

impl<'a> Call<'a> {
    /// A request of only a path.
    pub fn new(method: Method, path: &'a [&'a str]) -> Self {
        Self { method, path, query: &[], if_match: None, body: None }
    }
}

/// An answer that was read to its end.
pub(super) struct Answer {
    pub status: StatusCode,
    /// The `ETag` header.
    pub etag: Option<String>,
    retry_after: Option<Duration>,
    /// None: it is longer than what is read.
    body: Option<Vec<u8>>,
}

/// A SCIM server.
pub(super) struct Remote {
    client: Client,
    /// The base URL without a slash at its end.
    base: String,
    authorization: HeaderValue,
    redactor: Redactor,
    clock: Clock,
    /// Whether the server has refused SCIM's own media type.
    plain_json: AtomicBool,
    /// Whether the server has refused conditional requests.
    unconditional: AtomicBool,
}

impl Remote {
    pub fn new(settings: &ScimSettings, clock: Clock) -> Result<Self, Failure> {
        let url = Url::parse(&settings.base_url).map_err(|_| Refusal::NotAUrl)?;
        if url.query().is_some() || url.fragment().is_some() {
            return Err(failure(
                DeliveryErrorCode::ConnectorMisconfigured,
                "The base URL must end with its path, without query and fragment.",
            ));
        }
        let client = outgoing::client(&url, settings.allow_private_addresses, settings.limits)?;
        Ok(Self {
            client,
            base: url.as_str().trim_end_matches('/').to_owned(),
            authorization: authorization(&settings.token)?,
            redactor: Redactor::new(&settings.token),
            clock,
            plain_json: AtomicBool::new(false),
            unconditional: AtomicBool::new(false),
        })
    }

    /// Sends a request whose loss changes nothing, and reads the answer.
    pub async fn answer(&self, call: Call<'_>) -> Result<Answer, Failure> {
        self.send(call).await.map_err(|unanswered| unanswered.failure)
    }

    /// Sends a request and reads the answer, whatever its status. A server that takes no `application/scim+json` (415)
    /// or no `If-Match` (501) is asked again without, then and from then on.
    pub async fn send(&self, call: Call<'_>) -> Result<Answer, Unanswered> {
        let answer = self.send_once(&call).await?;
        let flag = match answer.status.as_u16() {
            415 if call.body.is_some() => &self.plain_json,
            501 if call.if_match.is_some() => &self.unconditional,
            _ => return Ok(answer),
        };
        if flag.swap(true, Ordering::Relaxed) {
            return Ok(answer);
        }
        self.send_once(&call).await
    }

    async fn send_once(&self, call: &Call<'_>) -> Result<Answer, Unanswered> {
        let request =
            self.request(call).map_err(|failure| Unanswered { failure, may_have_arrived: false })?;
        let response = request.send().await.map_err(|error| Unanswered::from(&error))?;
        self.read(response).await
    }

    fn request(&self, call: &Call<'_>) -> Result<RequestBuilder, Failure> {
        let mut request = self
            .client
            .request(call.method.clone(), self.url(call)?)
            .header(ACCEPT, HeaderValue::from_static("application/scim+json, application/json"))
            .header(AUTHORIZATION, self.authorization.clone());
        if let Some(version) = call.if_match.filter(|_| !self.unconditional.load(Ordering::Relaxed)) {
            request = request.header(IF_MATCH, version);
        }
        if let Some(body) = call.body {
            let plain = self.plain_json.load(Ordering::Relaxed);
            let content_type = HeaderValue::from_static(if plain { PLAIN_JSON } else { SCIM_JSON });
            request = request.header(CONTENT_TYPE, content_type).body(body.to_string());
        }
        Ok(request)
    }

    fn url(&self, call: &Call<'_>) -> Result<Url, Failure> {
        let mut url = self.base.clone();
        for segment in call.path {
            url.push('/');
            url.push_str(&percent_encode(segment));
        }
        for (position, (name, value)) in call.query.iter().enumerate() {
            url.push(if position == 0 { '?' } else { '&' });
            url.push_str(name);
            url.push('=');
            url.push_str(&percent_encode(value));
        }
        Url::parse(&url).map_err(|_| Refusal::NotAUrl.into())
    }

    async fn read(&self, response: Response) -> Result<Answer, Unanswered> {
        let status = response.status();
        let etag = header(response.headers(), ETAG.as_str());
        let retry_after = header(response.headers(), RETRY_AFTER.as_str())
            .and_then(|value| retry_after::parse(&value, self.clock.now()));
        let body = match outgoing::read_body(response).await {
            Ok(body) => body,
            Err(error) => return Err(Unanswered { may_have_arrived: true, ..Unanswered::from(&error) }),
        };
        Ok(Answer { status, etag, retry_after, body })
    }

    /// The object of an answer that succeeded; the failure otherwise.
    pub fn scim_object(&self, answer: &Answer) -> Result<Map<String, Value>, Failure> {
        if !answer.status.is_success() {
            return Err(self.failure(answer));
        }
        answer.object().filter(is_scim).ok_or_else(|| self.not_scim(answer))
    }

    /// What an answer that is no success means, where its request gives it no meaning of its own.
    pub fn failure(&self, answer: &Answer) -> Failure {
        let status = answer.status.as_u16();
        // A refusal that says when to come back is a throttle, whatever its status: some say 400 or 403.
        let (code, sentence) = match answer.retry_after {
            Some(_) if matches!(status, 400 | 403) => meaning(429),
            Some(_) | None => meaning(status),
        };
        let retry_after = answer.retry_after.filter(|_| matches!(status, 400 | 403 | 429 | 503));
        Failure {
            code,
            message: self.detail(answer).unwrap_or_else(|| sentence.to_owned()),
            remote_status: Some(status),
            retry_after,
            uncertain: false,
        }
    }

    /// The failure of an answer, with the meaning that its request gives it.
    pub fn failure_as(&self, code: DeliveryErrorCode, answer: &Answer) -> Failure {
        Failure { code, ..self.failure(answer) }
    }

    /// The failure of an answer that says success but is no SCIM.
    pub fn not_scim(&self, answer: &Answer) -> Failure {
        self.rejected(answer.status, "The remote did not answer in SCIM.")
    }

    #[expect(clippy::unused_self, reason = "reads like its siblings, which need the redactor")]
    fn rejected(&self, status: StatusCode, message: &str) -> Failure {
        let failure = failure(DeliveryErrorCode::RejectedByRemote, message);
        Failure { remote_status: Some(status.as_u16()), ..failure }
    }

    /// The `detail` of a SCIM error (RFC 7644 §3.12), cleaned.
    fn detail(&self, answer: &Answer) -> Option<String> {
        let object = answer.object()?;
        Some(self.redactor.clean(&text(&object, "detail")?)).filter(|detail| !detail.is_empty())
    }
}

impl Answer {
    /// The body as a JSON object.
    pub fn object(&self) -> Option<Map<String, Value>> {
        serde_json::from_slice(self.body.as_deref()?).ok()
    }

    /// Whether the body is longer than what is read.
    pub fn is_too_long(&self) -> bool {
        self.body.is_none()
    }

    /// Whether it is an error in the form of SCIM (RFC 7644 §3.12), and not one of a gateway or of another site.
    pub fn is_scim_error(&self) -> bool {
        let is_error = |schema: &Value| schema.as_str().is_some_and(|name| name.ends_with(":Error"));
        self.object().is_some_and(|object| {
            let schemas = object.get("schemas").and_then(Value::as_array);
            schemas.is_some_and(|schemas| schemas.iter().any(is_error))
                || (object.contains_key("detail") && object.contains_key("status"))
        })
    }

    /// Whether the refusal asks to come back later.
    pub fn is_throttle(&self) -> bool {
        self.status.as_u16() == 429 || self.retry_after.is_some()
    }
}

/// SCIM objects name their schemas (RFC 7643 §3); a server that forgets them still gives an id or a list.
fn is_scim(object: &Map<String, Value>) -> bool {
    object.get("schemas").is_some_and(Value::is_array)
        || text(object, "id").is_some()
        || object.contains_key("Resources")
        || object.contains_key("totalResults")
}

/// The `Authorization` header, kept out of debug prints and of the HTTP/2 header table.
fn authorization(token: &Secret) -> Result<HeaderValue, Failure> {
    let misconfigured =
        || failure(DeliveryErrorCode::ConnectorMisconfigured, "The token cannot be sent in a header.");
    if token.expose().trim().is_empty() {
        return Err(misconfigured());
    }
    let mut value =
        HeaderValue::from_str(&format!("Bearer {}", token.expose())).map_err(|_| misconfigured())?;
    value.set_sensitive(true);
    Ok(value)
}

fn header(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
}

/// What a status means by itself, and how to say so where the remote gives no words.
fn meaning(status: u16) -> (DeliveryErrorCode, &'static str) {
    match status {
        401 | 403 => (DeliveryErrorCode::RemoteAuthFailed, "The remote refused the credential."),
        429 => (DeliveryErrorCode::RemoteThrottled, "The remote asked to slow down."),
        405 | 501 => (DeliveryErrorCode::NotSupported, "The remote does not support this request."),
        500.. => (DeliveryErrorCode::RemoteUnavailable, "The remote failed."),
        300..=399 => (
            DeliveryErrorCode::RejectedByRemote,
            "The remote answered with a redirect, which is not followed.",
        ),
        _ => (DeliveryErrorCode::RejectedByRemote, "The remote refused the request."),
    }
}
