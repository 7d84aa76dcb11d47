//! How faults are told: each with a code, and with what to do.

use std::time::Duration;

use async_graphql::{ErrorExtensionValues, Response, ServerError, Value};
use async_graphql_axum::GraphQLResponse;
use axum::http::header::{ALLOW, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response as HttpResponse};
use uuid::Uuid;

use super::accept::Media;
use super::document::Fault;
use crate::authn::Refusal;
use crate::graphql::error::INTERNAL;

/// A call that is not answered by executing it.
#[derive(Debug)]
pub struct Refused {
    status: StatusCode,
    code: &'static str,
    message: String,
    header: Option<Box<(HeaderName, HeaderValue)>>,
    /// The id of the call, for a surprise.
    call: Option<Uuid>,
}

impl Refused {
    /// With the status for the newer media type.
    pub fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), header: None, call: None }
    }

    /// 405, with the methods that would do.
    #[must_use]
    pub fn method(allowed: &'static str, message: &str) -> Self {
        let header = Some(Box::new((ALLOW, HeaderValue::from_static(allowed))));
        Self { header, ..Self::new(StatusCode::METHOD_NOT_ALLOWED, "BAD_USER_INPUT", message) }
    }

    /// To be asked again after so many seconds.
    #[must_use]
    pub fn later(status: StatusCode, code: &'static str, message: impl Into<String>, seconds: u64) -> Self {
        let header = Some(Box::new((RETRY_AFTER, HeaderValue::from(seconds))));
        Self { header, ..Self::new(status, code, message) }
    }

    /// The call took too long: its body did not arrive, or its answer was not ready.
    #[must_use]
    pub fn late(status: StatusCode, limit: Duration) -> Self {
        let message = match status {
            StatusCode::REQUEST_TIMEOUT => {
                format!("The request did not arrive within {} seconds. Send it again.", limit.as_secs_f32())
            }
            _ => late(limit),
        };
        Self::new(status, "TIMEOUT", message)
    }

    /// A surprise; its cause is in the log.
    #[must_use]
    pub fn internal(call: Uuid) -> Self {
        Self { call: Some(call), ..Self::new(StatusCode::INTERNAL_SERVER_ERROR, "INTERNAL", INTERNAL) }
    }

    /// The answer.
    #[must_use]
    pub fn answer(self, media: Media) -> HttpResponse {
        // A document that is none is told with 200 where only JSON is accepted.
        let is_about_document = matches!(self.code, "GRAPHQL_PARSE_FAILED" | "GRAPHQL_VALIDATION_FAILED");
        let status = if is_about_document && media == Media::Json { StatusCode::OK } else { self.status };
        let mut extensions = ErrorExtensionValues::default();
        extensions.set("code", self.code);
        if let Some(call) = self.call {
            extensions.set("requestId", call.to_string());
        }
        let mut error = ServerError::new(self.message, None);
        error.extensions = Some(extensions);
        let mut http = write(status, media, &[error]);
        if let Some((name, value)) = self.header.map(|header| *header) {
            http.headers_mut().insert(name, value);
        }
        http
    }
}

impl From<Fault> for Refused {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Syntax(message) => Self::new(StatusCode::BAD_REQUEST, "GRAPHQL_PARSE_FAILED", message),
            Fault::Cycle => invalid("A fragment contains itself. Take the spread out of it."),
            Fault::RepeatedMutation => {
                invalid("A mutation is named twice under one response key. Give one of them an alias.")
            }
            Fault::Limit(message) => too_complex(message),
        }
    }
}

/// 401 with the kind of fault and no more; or what else kept the caller out.
impl From<Option<Refusal>> for Refused {
    fn from(refusal: Option<Refusal>) -> Self {
        let unauthenticated = |description: &str, challenge: String| {
            let message = format!("{description} Send a valid token as `Authorization: Bearer …`.");
            let header =
                HeaderValue::from_str(&challenge).ok().map(|value| Box::new((WWW_AUTHENTICATE, value)));
            Self { header, ..Self::new(StatusCode::UNAUTHORIZED, "UNAUTHENTICATED", message) }
        };
        let invalid = |description: &str| {
            let challenge = format!(
                "Bearer realm=\"guichet\", error=\"invalid_token\", error_description=\"{description}\""
            );
            unauthenticated("The token is not accepted.", challenge)
        };
        match refusal {
            None => unauthenticated("There is no token.", "Bearer realm=\"guichet\"".to_owned()),
            Some(Refusal::Token(rejection)) => invalid(rejection.description()),
            Some(Refusal::Deactivated) => invalid("the user is deactivated"),
            Some(Refusal::Blocked) => invalid("the guest is blocked"),
            Some(Refusal::NoOrganization) => bad_request(
                "The issuer of the token speaks for no organization. Name one by the header Guichet-Organization.",
            ),
            Some(Refusal::UnknownOrganization) => {
                bad_request("There is no such organization. Check the header Guichet-Organization.")
            }
            Some(Refusal::Broken(error)) => {
                tracing::error!(%error, "could not look the caller up");
                let message = "The server is too busy. Try again in a few seconds.";
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "UNAVAILABLE", message)
            }
        }
    }
}

/// A request that is not of the form.
pub fn bad_request(message: impl Into<String>) -> Refused {
    Refused::new(StatusCode::BAD_REQUEST, "BAD_USER_INPUT", message)
}

/// A document that cannot be executed.
#[must_use]
pub fn invalid(message: &str) -> Refused {
    Refused::new(StatusCode::BAD_REQUEST, "GRAPHQL_VALIDATION_FAILED", message)
}

/// A document above a limit.
#[must_use]
pub fn too_complex(message: String) -> Refused {
    Refused::new(StatusCode::BAD_REQUEST, "QUERY_TOO_COMPLEX", message)
}

/// What is said when the time is over.
fn late(limit: Duration) -> String {
    format!(
        "The call took longer than {} seconds and was given up. Ask for less at once; before you repeat a change, \
         see whether it was made, or repeat it with its `idempotencyKey`.",
        limit.as_secs_f32()
    )
}

/// The answer of an operation that was executed, or that the library found invalid.
#[must_use]
pub fn executed(response: Response, media: Media) -> HttpResponse {
    let errors = &response.errors;
    let has_code = |error: &ServerError, name: &str| {
        let extensions = error.extensions.as_ref();
        matches!(extensions.and_then(|all| all.get("code")), Some(Value::String(code)) if code == name)
    };
    let nothing = response.data == Value::Null;
    // What was never executed has no path and no data.
    let refused = nothing && errors.iter().any(|error| error.path.is_empty());
    let status = if nothing && errors.iter().any(|error| has_code(error, "TIMEOUT")) {
        StatusCode::SERVICE_UNAVAILABLE
    } else if refused && media == Media::GraphqlResponse {
        StatusCode::BAD_REQUEST
    } else {
        StatusCode::OK
    };
    if refused {
        return write(status, media, errors);
    }
    let mut http = GraphQLResponse::from(response).into_response();
    *http.status_mut() = status;
    http.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(media.content_type()));
    http
}

/// An answer without `data`, which the library cannot write: it always has the member.
fn write(status: StatusCode, media: Media, errors: &[ServerError]) -> HttpResponse {
    let body = serde_json::json!({ "errors": errors }).to_string();
    (status, [(CONTENT_TYPE, HeaderValue::from_static(media.content_type()))], body).into_response()
}

/// What the errors of an answer depend on besides themselves.
pub struct Circumstances {
    /// The id of the call.
    pub call: Uuid,
    /// Whether names of the schema may be told.
    pub tells_names: bool,
    /// The limit that the call has passed; none where it was in time.
    pub passed: Option<Duration>,
}

/// Puts an error right before it leaves: a code for one that has none, no names of the schema for
/// whom they are not, and why a change was given up.
pub fn polish(error: &mut ServerError, circumstances: &Circumstances) {
    let set = error.extensions.as_ref().and_then(|extensions| extensions.get("code"));
    let mut code = match set {
        Some(Value::String(code)) => code.clone(),
        _ if error.path.is_empty() => {
            if !circumstances.tells_names
                && let Some(at) = error.message.find(" Did you mean")
            {
                error.message.truncate(at);
            }
            "GRAPHQL_VALIDATION_FAILED".to_owned()
        }
        _ if is_about_input(&error.message) => "BAD_USER_INPUT".to_owned(),
        _ => {
            tracing::error!(message = %error.message, "an error without a code");
            INTERNAL.clone_into(&mut error.message);
            "INTERNAL".to_owned()
        }
    };
    if let (Some(limit), "UNAVAILABLE") = (circumstances.passed, code.as_str()) {
        error.message = late(limit);
        "TIMEOUT".clone_into(&mut code);
    }
    let extensions = error.extensions.get_or_insert_with(ErrorExtensionValues::default);
    if code == "INTERNAL" {
        extensions.set("requestId", circumstances.call.to_string());
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
