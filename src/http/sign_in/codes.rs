//! `POST /sign-in/codes` mails a code to somebody from outside; `POST /sign-in/tokens` takes it for a token.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde::Deserialize;
use serde_json::json;
use tracing::Instrument as _;

use super::super::graphql::ORGANIZATION;
use super::super::refusal::{Refused, bad_request};
use super::{answer, broken, read, unavailable};
use crate::app::App;
use crate::authn::own::{Bearer, TOKEN_LIFE};
use crate::domain::email_sign_in::{Address, DIGITS, LIFE, Refused as Unanswered};

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
        let asked: Ask =
            read(&headers, body, "`address`, and where no header names it `organization`").await?;
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
        let given: Exchange =
            read(&headers, body, "`address`, `code`, and where no header names it `organization`").await?;
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
