//! The GraphQL handler.
//!
//! The caller is known before a document is looked at, and a document is checked
//! before it is executed. Only `application/json` is taken, so that no form of
//! another site can act; queries alone may come by `GET`.

use std::sync::Arc;

use async_graphql::parser::{self, types::OperationType};
use async_graphql::{ErrorExtensionValues, Request, Response, ServerError, Value, Variables};
use async_graphql_axum::GraphQLResponse;
use axum::body::{Body, to_bytes};
use axum::extract::{RawQuery, State};
use axum::http::header::{ACCEPT, ALLOW, AUTHORIZATION, CONTENT_TYPE, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::IntoResponse;
use serde::Deserialize;
use tracing::Instrument;
use uuid::Uuid;

use super::document::{self, Fault};
use super::nulls;
use super::scan::{self, Excess};
use crate::app::App;
use crate::authn::Refusal;
use crate::authz::Viewer;
use crate::graphql::api::Api;
use crate::graphql::error::INTERNAL;

type HttpResponse = axum::response::Response;

const ORGANIZATION: HeaderName = HeaderName::from_static("guichet-organization");
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const JSON: &str = "application/json";
const GRAPHQL_JSON: &str = "application/graphql-response+json";

/// One operation, as it came.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(clippy::struct_field_names, reason = "the names are the form's")]
struct Operation {
    query: String,
    #[serde(default)]
    operation_name: Option<String>,
    #[serde(default)]
    variables: Option<serde_json::Map<String, serde_json::Value>>,
    #[serde(default)]
    #[expect(dead_code, reason = "part of the form; nothing reads it")]
    extensions: Option<serde_json::Map<String, serde_json::Value>>,
}

/// A call that is not answered by executing it.
struct Refused {
    status: StatusCode,
    code: &'static str,
    message: String,
}

impl Refused {
    fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into() }
    }
}

/// `POST /graphql`.
pub async fn post(State(app): State<Arc<App>>, headers: HeaderMap, body: Body) -> HttpResponse {
    answer(app, headers, Source::Body(body)).await
}

/// `GET /graphql`, for queries.
pub async fn get(State(app): State<Arc<App>>, RawQuery(query): RawQuery, headers: HeaderMap) -> HttpResponse {
    answer(app, headers, Source::Url(query.unwrap_or_default())).await
}

/// Every other method.
pub async fn other_method() -> HttpResponse {
    let refused = Refused::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "BAD_USER_INPUT",
        "Send operations by POST, or queries by GET.",
    );
    let mut response = refuse(&refused, JSON);
    response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, POST"));
    response
}

enum Source {
    Body(Body),
    Url(String),
}

async fn answer(app: Arc<App>, headers: HeaderMap, source: Source) -> HttpResponse {
    let call = app.database.clock().id();
    let span = tracing::info_span!("call", request_id = %call);
    let media = media_type(&headers);
    let mut response = async {
        let viewer = match authenticate(&app, &headers).await {
            Ok(viewer) => viewer,
            Err(refusal) => return kept_out(refusal.as_ref(), media),
        };
        match operate(&app, viewer, call, &headers, source).await {
            Ok(response) => executed(response, media),
            Err(refused) => {
                let mut response = refuse(&refused, media);
                if refused.status == StatusCode::METHOD_NOT_ALLOWED {
                    response.headers_mut().insert(ALLOW, HeaderValue::from_static("POST"));
                }
                response
            }
        }
    }
    .instrument(span)
    .await;
    if let Ok(value) = HeaderValue::from_str(&call.to_string()) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    response
}

/// The media type that the client prefers of the two.
fn media_type(headers: &HeaderMap) -> &'static str {
    let accepts = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    if accepts.into_iter().any(|value| value.contains(GRAPHQL_JSON)) { GRAPHQL_JSON } else { JSON }
}

async fn authenticate(app: &App, headers: &HeaderMap) -> Result<Arc<Viewer>, Option<Refusal>> {
    let header = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let token = match header.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => token.trim(),
        _ => return Err(None),
    };
    let organization = headers.get(ORGANIZATION).and_then(|value| value.to_str().ok());
    app.authenticator.viewer(token, organization.filter(|name| !name.is_empty())).await.map_err(Some)
}

/// 401 with the kind of fault and no more; or what else kept the caller out.
fn kept_out(refusal: Option<&Refusal>, media: &str) -> HttpResponse {
    let unauthenticated = |description: &str, challenge: String| {
        let message = format!("{description} Send a valid token as `Authorization: Bearer …`.");
        let refused = Refused::new(StatusCode::UNAUTHORIZED, "UNAUTHENTICATED", message);
        let mut response = refuse(&refused, media);
        if let Ok(value) = HeaderValue::from_str(&challenge) {
            response.headers_mut().insert(WWW_AUTHENTICATE, value);
        }
        response
    };
    let invalid = |description: &str| {
        let challenge =
            format!("Bearer realm=\"guichet\", error=\"invalid_token\", error_description=\"{description}\"");
        unauthenticated("The token is not accepted.", challenge)
    };
    match refusal {
        None => unauthenticated("There is no token.", "Bearer realm=\"guichet\"".to_owned()),
        Some(Refusal::Token(rejection)) => invalid(rejection.description()),
        Some(Refusal::Deactivated) => invalid("the user is deactivated"),
        Some(Refusal::UnknownOrganization) => {
            let message = "There is no such organization. Check the header Guichet-Organization.";
            refuse(&Refused::new(StatusCode::BAD_REQUEST, "BAD_USER_INPUT", message), media)
        }
        Some(Refusal::Broken(error)) => {
            tracing::error!(%error, "could not look the caller up");
            let message = "The server is too busy. Try again in a few seconds.";
            refuse(&Refused::new(StatusCode::SERVICE_UNAVAILABLE, "UNAVAILABLE", message), media)
        }
    }
}

/// Where and why a document cannot be read. The parser's own message repeats the line, in which there
/// can be a secret.
fn misparsed(error: &parser::Error) -> String {
    let parser::Error::Syntax { message, start, .. } = error else { return error.to_string() };
    let reason = message.lines().last().unwrap_or_default().trim_start_matches([' ', '=']);
    format!("Line {}, column {}: {reason}.", start.line, start.column)
}

/// Reads, checks and executes one operation.
async fn operate(
    app: &App,
    viewer: Arc<Viewer>,
    call: Uuid,
    headers: &HeaderMap,
    source: Source,
) -> Result<Response, Refused> {
    let by_get = matches!(source, Source::Url(_));
    let body = match source {
        Source::Body(body) => from_body(app, headers, body).await?,
        Source::Url(query) => from_url(&query)?,
    };
    scan::document(&body.query).map_err(|excess| match excess {
        Excess::Nesting => too_complex(format!("Brackets may be nested {} deep.", scan::DEEPEST)),
        Excess::Tokens => too_complex(format!("A document may have {} tokens.", scan::MOST_TOKENS)),
        Excess::Unclosed => {
            Refused::new(StatusCode::BAD_REQUEST, "GRAPHQL_PARSE_FAILED", "A block string is not closed.")
        }
    })?;
    let parsed = parser::parse_query(&body.query)
        .map_err(|error| Refused::new(StatusCode::BAD_REQUEST, "GRAPHQL_PARSE_FAILED", misparsed(&error)))?;
    document::check(&parsed).map_err(|fault| match fault {
        Fault::Cycle => invalid("A fragment contains itself."),
        Fault::RepeatedMutation => invalid("A mutation is named twice under one response key. Use aliases."),
        Fault::Size => {
            too_complex(format!("An operation may stand for {} selections.", document::MOST_SELECTIONS))
        }
    })?;
    let Some(operation) = document::chosen(&parsed, body.operation_name.as_deref()) else {
        return Err(invalid("`operationName` must name one of the document's operations."));
    };
    if by_get && operation.ty != OperationType::Query {
        return Err(Refused::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "BAD_USER_INPUT",
            "Only queries can be sent by GET.",
        ));
    }
    let variables = serde_json::Value::Object(body.variables.unwrap_or_default());
    let api = Api::new(app.database.clone(), app.environment.clone(), viewer, call);
    let mut request = Request::new(body.query).variables(Variables::from_json(variables)).data(api);
    request.operation_name = body.operation_name.clone();
    request.set_parsed_query(parsed.clone());
    let mut response = app.schema.execute(request).await;
    for error in &mut response.errors {
        code(error, call);
    }
    if !response.errors.is_empty() {
        nulls::mend(&app.types, &parsed, operation, &mut response);
    }
    Ok(response)
}

async fn from_body(app: &App, headers: &HeaderMap, body: Body) -> Result<Operation, Refused> {
    let media = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let mut parts = media.split(';').map(str::trim);
    let is_json = parts.next().is_some_and(|media| media.eq_ignore_ascii_case(JSON));
    let is_utf8 = parts.filter_map(|part| part.split_once('=')).all(|(name, value)| {
        !name.eq_ignore_ascii_case("charset") || value.trim_matches('"').eq_ignore_ascii_case("utf-8")
    });
    if !(is_json && is_utf8) {
        return Err(Refused::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "BAD_USER_INPUT",
            "Send the operation as `Content-Type: application/json`.",
        ));
    }
    let limit = app.body_limit;
    let bytes = to_bytes(body, limit).await.map_err(|_| {
        let message = format!("The body may have {limit} bytes.");
        Refused::new(StatusCode::PAYLOAD_TOO_LARGE, "BAD_USER_INPUT", message)
    })?;
    scan::json(&bytes)
        .map_err(|_| too_complex(format!("Variables may be nested {} deep.", scan::DEEPEST)))?;
    serde_json::from_slice(&bytes).map_err(|_| {
        bad_request(
            "The body must be a JSON object with `query`, and where needed `variables` and `operationName`.",
        )
    })
}

fn from_url(query: &str) -> Result<Operation, Refused> {
    let mut body =
        Operation { query: String::new(), operation_name: None, variables: None, extensions: None };
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
        match name.as_ref() {
            "query" => body.query = value.into_owned(),
            "operationName" => body.operation_name = Some(value.into_owned()),
            "variables" => {
                scan::json(value.as_bytes())
                    .map_err(|_| too_complex(format!("Variables may be nested {} deep.", scan::DEEPEST)))?;
                body.variables = serde_json::from_str(&value)
                    .map_err(|_| bad_request("`variables` must be a JSON object."))?;
            }
            _ => {}
        }
    }
    if body.query.is_empty() {
        return Err(bad_request("`query` is missing."));
    }
    Ok(body)
}

fn bad_request(message: &str) -> Refused {
    Refused::new(StatusCode::BAD_REQUEST, "BAD_USER_INPUT", message)
}

fn invalid(message: &str) -> Refused {
    Refused::new(StatusCode::BAD_REQUEST, "GRAPHQL_VALIDATION_FAILED", message)
}

fn too_complex(message: String) -> Refused {
    Refused::new(StatusCode::BAD_REQUEST, "QUERY_TOO_COMPLEX", message)
}

/// Gives an error that has no code its code.
fn code(error: &mut ServerError, call: Uuid) {
    let set = error.extensions.as_ref().and_then(|extensions| extensions.get("code"));
    let known = match set {
        Some(Value::String(code)) => Some(code.clone()),
        _ => None,
    };
    let code = known.unwrap_or_else(|| {
        if error.path.is_empty() {
            "GRAPHQL_VALIDATION_FAILED".to_owned()
        } else if is_about_input(&error.message) {
            "BAD_USER_INPUT".to_owned()
        } else {
            tracing::error!(message = %error.message, "an error without a code");
            INTERNAL.clone_into(&mut error.message);
            "INTERNAL".to_owned()
        }
    });
    let extensions = error.extensions.get_or_insert_with(ErrorExtensionValues::default);
    if code == "INTERNAL" {
        extensions.set("requestId", call.to_string());
    }
    extensions.set("code", code);
    error.source = None;
}

/// Whether the library says that an argument does not have its type.
fn is_about_input(message: &str) -> bool {
    ["Failed to parse \"", "Expected input type \"", "Invalid value for "]
        .iter()
        .any(|start| message.starts_with(start))
}

fn executed(response: Response, media: &'static str) -> HttpResponse {
    // A call that was never executed has no data; the newer media type says so by its status.
    let failed = response.data == Value::Null && response.errors.iter().any(|error| error.path.is_empty());
    let mut http = GraphQLResponse::from(response).into_response();
    if failed && media == GRAPHQL_JSON {
        *http.status_mut() = StatusCode::BAD_REQUEST;
    }
    set_media(&mut http, media);
    http
}

fn refuse(refused: &Refused, media: &str) -> HttpResponse {
    let mut extensions = ErrorExtensionValues::default();
    extensions.set("code", refused.code);
    let mut error = ServerError::new(refused.message.clone(), None);
    error.extensions = Some(extensions);
    let body = serde_json::json!({ "errors": [error] });
    let mut http = (refused.status, body.to_string()).into_response();
    set_media(&mut http, media);
    http
}

fn set_media(http: &mut HttpResponse, media: &str) {
    if let Ok(value) = HeaderValue::from_str(&format!("{media}; charset=utf-8")) {
        http.headers_mut().insert(CONTENT_TYPE, value);
    }
}
