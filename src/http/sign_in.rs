//! Sign-in of people from outside by a one-time code: `POST /sign-in/codes` mails a code, `POST /sign-in/tokens` takes it
//! for a token, and `GET /.well-known/jwks.json` holds the keys that such tokens are signed with.
//!
//! Only `application/json` is taken, and no other site is answered (no CORS), so that no form of another site can act.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::header::CACHE_CONTROL;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::time::timeout;
use tracing::Instrument as _;

use super::accept::Media;
use super::graphql::{ORGANIZATION, REQUEST_ID};
use super::refusal::{Refused, bad_request};
use super::{operation, scan};
use crate::app::App;
use crate::authn::own::{Bearer, TOKEN_LIFE};
use crate::domain::email_sign_in::{Address, DIGITS, LIFE, Refused as Unanswered};
use crate::store::StoreError;

/// The largest body, in bytes.
const LARGEST: usize = 4_096;
/// For how long others may keep the keys, in seconds.
const KEYS_KEPT: &str = "public, max-age=300";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Ask {
    address: String,
    organization: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Exchange {
    address: String,
    code: String,
    organization: Option<String>,
}

/// `POST /sign-in/codes`: mails a code to the address; says so for any address.
pub async fn ask(State(app): State<Arc<App>>, headers: HeaderMap, body: Body) -> Response {
    answer(&app, async {
        let asked: Ask = read(&headers, body, "`address`").await?;
        let organization = named(&headers, asked.organization)?;
        let address = address(&asked.address)?;
        let own = Arc::clone(&app);
        // To its end, even when the caller hangs up.
        let work = async move { own.email_sign_in.ask(&organization, &address).await };
        tokio::spawn(work.in_current_span()).await.map_err(broken)?.map_err(told)?;
        Ok((StatusCode::ACCEPTED, json!({ "expires_in": LIFE.num_seconds() })))
    })
    .await
}

/// `POST /sign-in/tokens`: takes a code for a token.
pub async fn exchange(State(app): State<Arc<App>>, headers: HeaderMap, body: Body) -> Response {
    answer(&app, async {
        let given: Exchange = read(&headers, body, "`address` and `code`").await?;
        let organization = named(&headers, given.organization)?;
        let address = address(&given.address)?;
        let code: String = given.code.chars().filter(|letter| !letter.is_whitespace()).collect();
        if code.len() != DIGITS || !code.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(bad_request("`code` must be the 8 digits of the mail."));
        }
        let own = Arc::clone(&app);
        let work = async move {
            // Before the code is taken: what cannot be signed must not cost it.
            let signer = own.own_issuer.signer().await?;
            let confirmed = own.email_sign_in.exchange(&organization, &address, &code).await?;
            let bearer = Bearer {
                organization: confirmed.organization,
                subject: &confirmed.subject,
                address: &confirmed.address,
            };
            Ok::<_, Unanswered>(own.own_issuer.sign(&signer, &bearer)?)
        };
        let token = tokio::spawn(work.in_current_span()).await.map_err(broken)?.map_err(told)?;
        let life = TOKEN_LIFE.num_seconds();
        Ok((StatusCode::OK, json!({ "access_token": token, "token_type": "Bearer", "expires_in": life })))
    })
    .await
}

/// `GET /.well-known/jwks.json`: the public keys of our own tokens (RFC 7517).
pub async fn key_set(State(app): State<Arc<App>>) -> Response {
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
pub async fn other_method() -> Response {
    Refused::method("POST", "Send this by POST.").answer(Media::Json)
}

/// Answers in the time that a request may take, with the id of the request, and nothing that may be kept.
async fn answer(app: &App, work: impl Future<Output = Result<(StatusCode, Value), Refused>>) -> Response {
    let id = app.database.clock().id();
    let limit = app.limits.request_timeout;
    let span = tracing::info_span!("sign_in", request_id = %id);
    let done = timeout(limit, work.instrument(span)).await;
    let mut response = match done {
        Ok(Ok((status, told))) => (status, axum::Json(told)).into_response(),
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
    let wrong = || {
        bad_request(format!(
            "The body must be a JSON object with {fields}, and where no header names it `organization`."
        ))
    };
    scan::json(&bytes).map_err(|_| wrong())?;
    serde_json::from_slice(&bytes).map_err(|_| wrong())
}

/// The organization, as the body or the header names it.
fn named(headers: &HeaderMap, given: Option<String>) -> Result<String, Refused> {
    let header = headers.get(ORGANIZATION).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let named = given.or(header).filter(|name| !name.is_empty() && !name.contains('\0'));
    named.ok_or_else(|| {
        bad_request("Name the organization: in `organization`, or by the header `Guichet-Organization`.")
    })
}

fn address(text: &str) -> Result<Address, Refused> {
    Address::parse(text)
        .ok_or_else(|| bad_request("`address` must be an e-mail address, such as paula@adatum.example."))
}

/// Why somebody is not signed in. Nothing of it depends on whether an address is known.
fn told(unanswered: Unanswered) -> Refused {
    match unanswered {
        Unanswered::NotAllowed => Refused::new(
            StatusCode::FORBIDDEN,
            "EMAIL_SIGN_IN_NOT_ALLOWED",
            "There is no such organization, or it does not let people sign in by e-mail.",
        ),
        Unanswered::NoMail => Refused::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "MAIL_NOT_CONFIGURED",
            "This server has no mail server. Ask its operator to set one.",
        ),
        Unanswered::TooMuch(seconds) => Refused::later(
            StatusCode::TOO_MANY_REQUESTS,
            "RATE_LIMITED",
            format!("Too many codes were asked for or tried. Try again in {seconds} seconds."),
            seconds,
        ),
        Unanswered::WrongCode => Refused::new(
            StatusCode::FORBIDDEN,
            "WRONG_CODE",
            "This is not the newest code of the address, or it has ended. Ask for another one.",
        ),
        Unanswered::Broken(error) => unavailable(error),
    }
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
