//! GraphiQL, the IDE of the API, at `/graphiql`.

use std::sync::Arc;

use axum::extract::State;
use axum::http::header::CACHE_CONTROL;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde::Serialize;

use super::{Page, protected};

const PAGE: Page = Page {
    title: "Guichet · GraphiQL",
    up: "",
    script: "graphiql.script",
    style: "graphiql.style",
    without_script: "GraphiQL is a program in JavaScript, which this browser does not run.",
    // Monaco, the editor, sets styles from its script and has its icons as `data:` fonts and images.
    policy: "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; font-src 'self' data:; \
             img-src 'self' data:; connect-src 'self'; worker-src 'self'; form-action 'none'; \
             frame-ancestors 'none'; base-uri 'none'",
};

/// A prepared operation.
#[derive(Debug, Clone, Serialize)]
pub struct Tab {
    /// What the menu calls it; no two tabs share a title. The tab itself shows the operation's name.
    pub title: String,
    /// The GraphQL document.
    pub query: String,
    /// Its variables, as JSON.
    pub variables: Option<String>,
}

/// Serves the page with these prepared operations: tabs on the first visit, and always in the menu "Operations".
pub fn router(tabs: Vec<Tab>) -> Router {
    Router::new()
        .route("/graphiql", get(async || PAGE.answer()))
        .route("/graphiql/config.json", get(config))
        .with_state(Arc::new(tabs))
}

/// What the page is told: everything in it can be read by whoever reaches the server.
#[derive(Serialize)]
struct Config<'a> {
    tabs: &'a [Tab],
}

async fn config(State(tabs): State<Arc<Vec<Tab>>>) -> Response {
    let told = Json(Config { tabs: &tabs });
    protected(([(CACHE_CONTROL, "no-store")], told).into_response(), "default-src 'none'")
}
