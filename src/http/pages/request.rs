//! The request page, to which share links and the links in mails lead: `/@<hint>`.
//!
//! What it is about stands behind the `#` of its address, which no browser sends. So it is the same document for every
//! organization, also for those that do not exist; the page asks the API, as the viewer.

use axum::Router;
use axum::http::HeaderValue;
use axum::http::header::CACHE_CONTROL;
use axum::response::Response;
use axum::routing::get;

use super::Page;

/// Nothing from elsewhere, and nothing inline.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
    connect-src 'self'; form-action 'none'; frame-ancestors 'none'; base-uri 'none'";

const REQUEST: Page = Page {
    title: "Guichet",
    up: "",
    script: "request.script",
    style: "request.style",
    without_script: "This page is a program in JavaScript, which this browser does not run.",
    policy: POLICY,
};

const SIGN_IN: Page =
    Page { title: "Signing in · Guichet", up: "../../", script: "sign-in.script", ..REQUEST };

/// Serves the request page, and `/sign-in/from/<id>`, to which issuers send people back.
pub fn router() -> Router {
    Router::new().route("/@{hint}", get(async || REQUEST.answer())).route("/sign-in/from/{id}", get(returned))
}

/// Its address holds a code, which is good once and for the one who asked for it.
async fn returned() -> Response {
    let mut response = SIGN_IN.answer();
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
