//! The GraphQL handler, by the specification GraphQL over HTTP.
//!
//! The caller is known before a document is looked at, and a document is checked
//! before it is executed. Only `application/json` is taken, with a bearer token, so
//! that no form of another site can act; queries alone may come by `GET`. A call has
//! a limited time, whichever part of it takes long.

use std::sync::Arc;
use std::time::Duration;

use async_graphql::parser::types::OperationType;
use async_graphql::{Request, Response, Variables};
use axum::body::Body;
use axum::extract::{RawQuery, State};
use axum::http::header::{AUTHORIZATION, VARY};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::Response as HttpResponse;
use tokio::time::{Instant, timeout_at};
use tracing::Instrument as _;
use uuid::Uuid;

use super::accept::{self, Media};
use super::document::{self, Checked};
use super::operation::{self, Operation};
use super::refusal::{Circumstances, Refused, executed, invalid, polish, too_complex};
use super::{absent, complexity, nulls, order};
use crate::app::App;
use crate::authn::Refusal;
use crate::authz::Viewer;
use crate::authz::permission::Permission;
use crate::config::Introspection;
use crate::graphql::api::Api;

pub(super) const ORGANIZATION: HeaderName = HeaderName::from_static("guichet-organization");
pub(super) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// How long after its time a change may still say how it ended: what began to commit in time is
/// waited for, and all else is rolled back.
const LAST_WORD: Duration = Duration::from_secs(2);

/// `POST /graphql`.
pub async fn post(State(app): State<Arc<App>>, headers: HeaderMap, body: Body) -> HttpResponse {
    answer(app, headers, Source::Body(body)).await
}

/// `GET /graphql`, for queries.
pub async fn get(State(app): State<Arc<App>>, RawQuery(query): RawQuery, headers: HeaderMap) -> HttpResponse {
    answer(app, headers, Source::Url(query.unwrap_or_default())).await
}

/// Every other method.
pub async fn other_method(headers: HeaderMap) -> HttpResponse {
    let refused = Refused::method("GET, HEAD, POST", "Send operations by POST, or queries by GET.");
    refused.answer(accept::negotiate(&headers).unwrap_or(Media::Json))
}

enum Source {
    Body(Body),
    Url(String),
}

async fn answer(app: Arc<App>, headers: HeaderMap, source: Source) -> HttpResponse {
    let id = app.database.clock().id();
    let until = Instant::now() + app.limits.request_timeout;
    let media = accept::negotiate(&headers);
    let call = Call { app, id, until };
    let span = tracing::info_span!("call", request_id = %id);
    let answered = call.take(&headers, media, source).instrument(span).await;
    let media = media.unwrap_or(Media::Json);
    let mut response = match answered {
        Ok(response) => executed(response, media),
        Err(refused) => refused.answer(media),
    };
    response.headers_mut().insert(VARY, HeaderValue::from_static("accept"));
    if let Ok(value) = HeaderValue::from_str(&id.to_string()) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    response
}

/// One call.
struct Call {
    app: Arc<App>,
    id: Uuid,
    /// When its time is over.
    until: Instant,
}

impl Call {
    /// Authenticates, reads, checks and executes one operation.
    async fn take(
        &self,
        headers: &HeaderMap,
        media: Option<Media>,
        source: Source,
    ) -> Result<Response, Refused> {
        let app = &*self.app;
        let viewer = timeout_at(self.until, viewer(app, headers)).await.map_err(|_| self.late())??;
        if media.is_none() {
            return Err(Refused::new(
                StatusCode::NOT_ACCEPTABLE,
                "BAD_USER_INPUT",
                "Accept `application/graphql-response+json` or `application/json`.",
            ));
        }
        let by_get = matches!(source, Source::Url(_));
        let operation = match source {
            Source::Url(query) => operation::from_url(&query)?,
            Source::Body(body) => {
                let read = operation::from_body(headers, body, app.limits.body_limit);
                let late = |_| Refused::late(StatusCode::REQUEST_TIMEOUT, app.limits.request_timeout);
                timeout_at(self.until, read).await.map_err(late)??
            }
        };
        self.operate(viewer, operation, by_get).await
    }

    /// Checks and executes one operation.
    async fn operate(&self, viewer: Arc<Viewer>, call: Operation, by_get: bool) -> Result<Response, Refused> {
        let app = &*self.app;
        // What depends on the text alone.
        let checked = app.documents.read(&call.query)?;
        let Checked { document, introspects } = checked.as_ref();
        // What depends on the caller and the variables.
        let Some(operation) = document::chosen(document, call.operation_name.as_deref()) else {
            return Err(invalid("`operationName` must name one of the document's operations."));
        };
        if by_get && operation.ty != OperationType::Query {
            return Err(Refused::method("POST", "Only queries can be sent by GET. Send this by POST."));
        }
        let tells_names = match app.limits.introspection {
            Introspection::Everyone => true,
            Introspection::Administrators => viewer.holds(Permission::ManageOrganization),
            Introspection::Nobody => false,
        };
        if *introspects && !tells_names {
            return Err(Refused::new(
                StatusCode::FORBIDDEN,
                "FORBIDDEN",
                "This server does not tell you its schema. Ask its operator for what `guichet schema` prints.",
            ));
        }
        let variables = Variables::from_json(call.variables.unwrap_or_default().into());
        let most = app.limits.query_complexity;
        let complexity = complexity::of(&app.shape, document, operation, &variables);
        if complexity > most {
            return Err(too_complex(format!(
                "The operation has a complexity of {complexity}; it may have {most}. Ask for fewer rows (`first`) or \
                 fields at once."
            )));
        }
        let is_change = operation.ty == OperationType::Mutation;
        let api = Api::new(app.database.clone(), app.environment.clone(), viewer, self.id, self.until);
        let mut executed = document.clone();
        absent::leave_out(&mut executed, call.operation_name.as_deref(), &variables);
        let mut request = Request::new(call.query).variables(variables).data(api);
        request.operation_name = call.operation_name;
        request.set_parsed_query(executed);
        let mut response = self.execute(request, is_change).await?;
        if !response.errors.is_empty() {
            let limit = app.limits.request_timeout;
            let passed = (Instant::now() >= self.until).then_some(limit);
            let circumstances = Circumstances { call: self.id, tells_names, passed };
            for error in &mut response.errors {
                polish(error, &circumstances);
            }
            nulls::mend(&app.shape, document, operation, &mut response);
        }
        order::arrange(document, &operation.selection_set.node, &mut response.data);
        Ok(response)
    }

    /// Executes. A query is dropped with its caller or its time; a change goes on to its end, which is
    /// a rollback where its time is over.
    async fn execute(&self, request: Request, is_change: bool) -> Result<Response, Refused> {
        let schema = self.app.schema.clone();
        if !is_change {
            return timeout_at(self.until, schema.execute(request)).await.map_err(|_| self.late());
        }
        let change = tokio::spawn(async move { schema.execute(request).await }.in_current_span());
        match timeout_at(self.until + LAST_WORD, change).await {
            Ok(Ok(response)) => Ok(response),
            Ok(Err(error)) => {
                tracing::error!(%error, "a change panicked");
                Err(Refused::internal(self.id))
            }
            Err(_) => Err(self.late()),
        }
    }

    fn late(&self) -> Refused {
        Refused::late(StatusCode::SERVICE_UNAVAILABLE, self.app.limits.request_timeout)
    }
}

/// Who calls, by the bearer token and the organization of the headers.
pub(super) async fn viewer(app: &App, headers: &HeaderMap) -> Result<Arc<Viewer>, Option<Refusal>> {
    let header = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let token = match header.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => token.trim(),
        _ => return Err(None),
    };
    let organization = headers.get(ORGANIZATION).and_then(|value| value.to_str().ok());
    app.authenticator.viewer(token, organization.filter(|name| !name.is_empty())).await.map_err(Some)
}
