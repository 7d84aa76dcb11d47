//! `POST /sign-in/authorizations` begins a sign-in at an issuer; `POST /sign-in/authorizations/tokens` takes the code that
//! the issuer sent back with the person for a token.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde::Deserialize;
use serde_json::json;

use super::super::refusal::{Refused, bad_request};
use super::{answer, read};
use crate::app::App;
use crate::authn::code_flow::Refused as Unanswered;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Begin {
    issuer: String,
    /// Whether the issuer is to ask who it is, though somebody is signed in there: after a sign-out.
    #[serde(default)]
    again: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Finish {
    issuer: String,
    code: String,
    code_verifier: String,
}

/// Where to go, and what to keep until the issuer sends the person back to `redirect_uri`.
pub(super) async fn begin(State(app): State<Arc<App>>, headers: HeaderMap, body: Body) -> Response {
    answer(&app, async {
        let given: Begin = read(&headers, body, "`issuer`, and perhaps `again`").await?;
        let begun = app.code_flow.begin(&given.issuer, given.again).map_err(told)?;
        let told = json!({
            "authorization_url": begun.url,
            "redirect_uri": begun.back,
            "state": begun.state,
            "code_verifier": begun.verifier,
        });
        Ok((StatusCode::OK, told))
    })
    .await
}

/// The issuer's access token.
pub(super) async fn finish(State(app): State<Arc<App>>, headers: HeaderMap, body: Body) -> Response {
    answer(&app, async {
        let given: Finish = read(&headers, body, "`issuer`, `code` and `code_verifier`").await?;
        let token = app.code_flow.finish(&given.issuer, given.code, given.code_verifier).await.map_err(told)?;
        // Here it is known whose fault it is: later it would only be a bad token.
        let checked = app.authenticator.check(&token).await;
        let reason = match &checked {
            Ok(issuer) if *issuer == given.issuer => None,
            Ok(_) => Some("it is of another issuer"),
            Err(rejection) => Some(rejection.description()),
        };
        if let Some(reason) = reason {
            tracing::error!(issuer = given.issuer, reason, "an issuer gave a token that is not accepted");
            let message = format!(
                "The issuer gave a token that this server does not accept: {reason}. Ask the operator of this server."
            );
            return Err(Refused::new(StatusCode::BAD_GATEWAY, "ISSUER_UNUSABLE", message));
        }
        Ok((StatusCode::OK, json!({ "access_token": token, "token_type": "Bearer" })))
    })
    .await
}

fn told(unanswered: Unanswered) -> Refused {
    match unanswered {
        Unanswered::UnknownIssuer => bad_request(
            "Nobody signs in at this issuer here. `GET /sign-in/ways` lists those to choose from.",
        ),
        Unanswered::Malformed => bad_request(
            "`code` must be what the issuer sent, and `code_verifier` what was answered at the start.",
        ),
        Unanswered::Code => Refused::new(
            StatusCode::FORBIDDEN,
            "WRONG_CODE",
            "The issuer does not take this code: it is good once, for a short time. Sign in again.",
        ),
        Unanswered::Issuer => Refused::new(
            StatusCode::BAD_GATEWAY,
            "ISSUER_UNUSABLE",
            "The issuer did not answer as it should. Try again, or ask the operator of this server.",
        ),
        Unanswered::Busy => Refused::later(
            StatusCode::SERVICE_UNAVAILABLE,
            "UNAVAILABLE",
            "Too many people sign in at this instant. Try again in a few seconds.",
            1,
        ),
    }
}
