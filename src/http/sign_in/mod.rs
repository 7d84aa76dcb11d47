//! Sign-in on our pages, and for other frontends: at an issuer, or by a code that is mailed to people from outside.
//!
//! Only `application/json` is taken, and no other site is answered (no CORS), so that no form of another site can act.

mod authorizations;
mod codes;
mod ways;

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::header::CACHE_CONTROL;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::time::timeout;
use tracing::Instrument as _;

use super::accept::Media;
use super::graphql::REQUEST_ID;
use super::refusal::{Refused, bad_request};
use super::{operation, scan};
use crate::app::App;
use crate::store::StoreError;

/// The largest body, in bytes.
const LARGEST: usize = 8_192;
/// For how long others may keep the keys, in seconds.
const KEYS_KEPT: &str = "public, max-age=300";

/// All ways to sign in.
pub fn router() -> Router<Arc<App>> {
    Router::new()
        .route("/sign-in/ways", get(ways::list))
        .route("/sign-in/codes", post(codes::ask).fallback(other_method))
        .route("/sign-in/tokens", post(codes::exchange).fallback(other_method))
        .route("/sign-in/authorizations", post(authorizations::begin).fallback(other_method))
        .route("/sign-in/authorizations/tokens", post(authorizations::finish).fallback(other_method))
        .route("/.well-known/jwks.json", get(key_set))
}

/// `GET /.well-known/jwks.json`: the public keys of our own tokens (RFC 7517).
async fn key_set(State(app): State<Arc<App>>) -> Response {
    let mut response = answer(&app, async {
        let set = app.own_issuer.key_set().await.map_err(unavailable)?;
        Ok((StatusCode::OK, set))
    })
    .await;
    if response.status() == StatusCode::OK {
        response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static(KEYS_KEPT));
    }
    response
}

/// Every other method.
async fn other_method() -> Response {
    Refused::method("POST", "Send this by POST.").answer(Media::Json)
}

/// Answers in the time that a request may take, with the id of the request, and nothing that may be kept.
async fn answer(app: &App, work: impl Future<Output = Result<(StatusCode, Value), Refused>>) -> Response {
    let id = app.database.clock().id();
    let limit = app.limits.request_timeout;
    let span = tracing::info_span!("sign_in", request_id = %id);
    let done = timeout(limit, work.instrument(span)).await;
    let mut response = match done {
        Ok(Ok((status, told))) => (status, Json(told)).into_response(),
        Ok(Err(refused)) => refused.answer(Media::Json),
        Err(_) => Refused::late(StatusCode::SERVICE_UNAVAILABLE, limit).answer(Media::Json),
    };
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Ok(value) = HeaderValue::from_str(&id.to_string()) {
        headers.insert(REQUEST_ID, value);
    }
    response
}

async fn read<T: DeserializeOwned>(headers: &HeaderMap, body: Body, fields: &str) -> Result<T, Refused> {
    if !operation::is_json(headers) {
        let message = "Send it as `Content-Type: application/json`.";
        return Err(Refused::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "BAD_USER_INPUT", message));
    }
    let bytes = operation::read(headers, body, LARGEST).await?;
    let wrong = || bad_request(format!("The body must be a JSON object with {fields}."));
    scan::json(&bytes).map_err(|_| wrong())?;
    serde_json::from_slice(&bytes).map_err(|_| wrong())
}

#[expect(clippy::needless_pass_by_value, reason = "a step of a chain of results")]
fn unavailable(error: StoreError) -> Refused {
    tracing::error!(%error, "could not sign somebody in");
    Refused::later(
        StatusCode::SERVICE_UNAVAILABLE,
        "UNAVAILABLE",
        "The server is too busy. Try again in a few seconds.",
        1,
    )
}

#[expect(clippy::needless_pass_by_value, reason = "a step of a chain of results")]
fn broken(error: tokio::task::JoinError) -> Refused {
    unavailable(StoreError::Other(error.to_string()))
}
