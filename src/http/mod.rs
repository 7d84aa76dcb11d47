//! HTTP: the router, the GraphQL handler, sign-in, the pages, health.

pub mod absent;
pub mod accept;
pub mod complexity;
pub mod connections;
pub mod document;
pub mod documents;
pub mod graphql;
pub mod introspect;
pub mod nulls;
pub mod operation;
pub mod order;
pub mod pages;
pub mod refusal;
pub mod scan;
pub mod shape;
pub mod sign_in;

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};

use crate::app::App;
use crate::store;

/// All routes of the server.
pub fn router(app: &Arc<App>) -> Router {
    let router = Router::new()
        .route("/graphql", get(graphql::get).post(graphql::post).fallback(graphql::other_method))
        .route("/oauth2/introspect", post(introspect::post).fallback(introspect::other_method))
        .route("/healthz", get(|| async { "ok" }))
        .route("/readyz", get(ready))
        .merge(sign_in::router())
        .with_state(Arc::clone(app))
        .merge(pages::assets())
        .merge(pages::request::router());
    match &app.pages.graphiql {
        Some(tabs) => router.merge(pages::graphiql::router(tabs.clone())),
        None => router,
    }
}

/// Whether the server can do its work: the database answers, its schema is new enough, and it keeps what is written
/// (after a write that it did not keep it must keep one first). The body says how each kind of work goes.
async fn ready(State(app): State<Arc<App>>) -> (StatusCode, Json<Value>) {
    let not_ready = |because: &str| {
        (StatusCode::SERVICE_UNAVAILABLE, Json(json!({ "status": "not ready", "because": because })))
    };
    match store::installation::pending_migrations(&app.database).await {
        Ok(0) => {}
        Ok(_) => return not_ready("the database schema is older than this server"),
        Err(_) => return not_ready("the database does not answer"),
    }
    if app.database.cannot_write() && store::installation::try_to_write(&app.database).await.is_err() {
        return not_ready("the database does not keep what is written");
    }
    match app.worker.report().await {
        Ok(work) => (StatusCode::OK, Json(json!({ "status": "ready", "work": work }))),
        Err(_) => not_ready("the database does not answer"),
    }
}
