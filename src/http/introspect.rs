//! `POST /oauth2/introspect`: what a token may do, by RFC 7662.
//!
//! Who asks signs in as a client (RFC 6749 §2.3.1: by HTTP Basic or in the body), or shows a JWT with a role that
//! may ask. Of a token that is none, or is over, everybody is told the same.

mod form;
mod told;

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::header::{ALLOW, AUTHORIZATION, CACHE_CONTROL, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use serde_json::{Value, json};
use tokio::time::timeout;

use self::form::Form;
use super::graphql::viewer;
use crate::app::App;
use crate::authn::Refusal;
use crate::authz::Permission;
use crate::domain::introspection::{Answer, Asker, KEPT, Unanswered};
use crate::store::StoreError;

/// The largest body, in bytes.
const LARGEST: usize = 16_384;

/// A call that is not answered, by RFC 6749 §5.2.
struct Refused {
    status: StatusCode,
    error: &'static str,
    description: &'static str,
    /// How to sign in, or when to come again.
    header: Option<(axum::http::HeaderName, HeaderValue)>,
}

impl Refused {
    fn request(description: &'static str) -> Self {
        Self { status: StatusCode::BAD_REQUEST, error: "invalid_request", description, header: None }
    }

    fn client() -> Self {
        let challenge = HeaderValue::from_static("Basic realm=\"guichet\", charset=\"UTF-8\"");
        Self {
            status: StatusCode::UNAUTHORIZED,
            error: "invalid_client",
            description: "Sign in as an introspection client, or with a JWT that holds the role RESOURCE_SERVER.",
            header: Some((WWW_AUTHENTICATE, challenge)),
        }
    }

    fn bearer(error: &'static str, description: &'static str) -> Self {
        let challenge = format!("Bearer realm=\"guichet\", error=\"{error}\"");
        let header = HeaderValue::from_str(&challenge).ok().map(|value| (WWW_AUTHENTICATE, value));
        Self { status: StatusCode::UNAUTHORIZED, error, description, header }
    }

    fn unavailable() -> Self {
        Self {
            status: StatusCode::SERVICE_UNAVAILABLE,
            error: "temporarily_unavailable",
            description: "The server is too busy. Try again in a few seconds.",
            header: Some((RETRY_AFTER, HeaderValue::from_static("1"))),
        }
    }
}

impl From<StoreError> for Refused {
    fn from(error: StoreError) -> Self {
        tracing::error!(%error, "could not look a token up");
        Self::unavailable()
    }
}

impl From<Unanswered> for Refused {
    fn from(unanswered: Unanswered) -> Self {
        match unanswered {
            Unanswered::Broken(error) => error.into(),
            Unanswered::TooManyFailures(seconds) => Self {
                status: StatusCode::TOO_MANY_REQUESTS,
                error: "slow_down",
                description: "Too many tokens were asked for that do not exist.",
                header: Some((RETRY_AFTER, HeaderValue::from(seconds))),
            },
        }
    }
}

/// Every other method.
pub async fn other_method() -> Response {
    let header = Some((ALLOW, HeaderValue::from_static("POST")));
    let status = StatusCode::METHOD_NOT_ALLOWED;
    answer(status, &json!({ "error": "invalid_request", "error_description": "Ask by POST." }), header)
}

/// `POST /oauth2/introspect`.
pub async fn post(State(app): State<Arc<App>>, headers: HeaderMap, body: Body) -> Response {
    let asked = timeout(app.limits.request_timeout, take(&app, &headers, body)).await;
    match asked.unwrap_or_else(|_| Err(Refused::unavailable())) {
        Ok(told) => {
            let kept = match *told {
                Answer::Inactive => HeaderValue::from_static("no-store"),
                Answer::Active { .. } => {
                    let seconds = format!("private, max-age={}", KEPT.num_seconds());
                    HeaderValue::from_str(&seconds).unwrap_or(HeaderValue::from_static("no-store"))
                }
            };
            answer(StatusCode::OK, &told::tell(&told), Some((CACHE_CONTROL, kept)))
        }
        Err(refused) => {
            let told = json!({ "error": refused.error, "error_description": refused.description });
            let mut response = answer(refused.status, &told, refused.header);
            response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
            response
        }
    }
}

fn answer(
    status: StatusCode,
    told: &Value,
    header: Option<(axum::http::HeaderName, HeaderValue)>,
) -> Response {
    let mut response = (status, axum::Json(told)).into_response();
    if let Some((name, value)) = header {
        response.headers_mut().insert(name, value);
    }
    response
}

async fn take(app: &App, headers: &HeaderMap, body: Body) -> Result<Arc<Answer>, Refused> {
    if !form::is_form(headers) {
        return Err(Refused::request("Send the token as `application/x-www-form-urlencoded`."));
    }
    let bytes = super::operation::read(headers, body, LARGEST).await;
    let bytes = bytes.map_err(|_| Refused::request("The body did not arrive, or is too large."))?;
    let form = Form::parse(&bytes).map_err(Refused::request)?;
    let asker = asker(app, headers, &form).await?;
    let Some(token) = &form.token else {
        return Err(Refused::request("`token` is missing."));
    };
    Ok(app.introspector.ask(asker, token, form.repository.as_deref()).await?)
}

/// Who asks, by the one way that they chose to say it.
async fn asker(app: &App, headers: &HeaderMap, form: &Form) -> Result<Asker, Refused> {
    let header = headers.get(AUTHORIZATION).map(|value| value.to_str().unwrap_or_default());
    let (scheme, credentials) = header.unwrap_or_default().split_once(' ').unwrap_or_default();
    let is_in_body = form.client_id.is_some() || form.client_secret.is_some();
    if header.is_some() && form.client_secret.is_some() {
        return Err(Refused::request("Sign in in one way only."));
    }
    let client = if scheme.eq_ignore_ascii_case("bearer") {
        return bearer(app, headers).await;
    } else if scheme.eq_ignore_ascii_case("basic") {
        form::basic(credentials).ok_or_else(Refused::client)?
    } else if header.is_none() && is_in_body {
        let (id, secret) = (form.client_id.clone(), form.client_secret.clone());
        id.zip(secret).ok_or_else(Refused::client)?
    } else {
        return Err(Refused::client());
    };
    app.introspector.client(&client.0, &client.1).await?.ok_or_else(Refused::client)
}

/// The asker that a JWT names; of its own organization, or of the one that the header names.
async fn bearer(app: &App, headers: &HeaderMap) -> Result<Asker, Refused> {
    let viewer = viewer(app, headers).await.map_err(|refusal| match refusal {
        Some(Refusal::Broken(error)) => error.into(),
        Some(
            Refusal::Token(_)
            | Refusal::Deactivated
            | Refusal::Blocked
            | Refusal::NoOrganization
            | Refusal::UnknownOrganization,
        )
        | None => Refused::bearer("invalid_token", "The JWT is not accepted."),
    })?;
    match viewer.user {
        Some(id) if viewer.holds(Permission::IntrospectTokens) => {
            Ok(Asker { organization: viewer.organization, id })
        }
        _ => Err(Refused::bearer("insufficient_scope", "The JWT holds no role that may ask.")),
    }
}
