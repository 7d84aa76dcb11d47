//! One operation, as it comes: a JSON body, or the query of a URL.

use axum::body::Body;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use futures_util::StreamExt as _;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::refusal::{Refused, bad_request, too_complex};
use super::scan;

/// One operation, as it came.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Operation {
    /// The document.
    pub query: String,
    /// Which of its operations.
    #[serde(default)]
    pub operation_name: Option<String>,
    /// The values of its variables.
    #[serde(default)]
    pub variables: Option<serde_json::Map<String, serde_json::Value>>,
    /// What clients add for servers of their own; nothing reads it here.
    #[serde(default)]
    pub extensions: Option<serde_json::Map<String, serde_json::Value>>,
}

/// Reads the body of a `POST`, which may have so many bytes.
pub async fn from_body(headers: &HeaderMap, body: Body, limit: usize) -> Result<Operation, Refused> {
    if !is_json(headers) {
        return Err(Refused::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "BAD_USER_INPUT",
            "Send the operation as `Content-Type: application/json`.",
        ));
    }
    let bytes = read(headers, body, limit).await?;
    scan::json(&bytes).map_err(|_| nested())?;
    if bytes.trim_ascii_start().starts_with(b"[") {
        return Err(bad_request("Batches are not taken. Send each operation in a request of its own."));
    }
    serde_json::from_slice(&bytes).map_err(|_| {
        bad_request(
            "The body must be a JSON object with the string `query`, and where needed the objects `variables` and \
             `extensions` and the string `operationName`.",
        )
    })
}

/// Whether the body is said to be JSON in UTF-8.
pub(super) fn is_json(headers: &HeaderMap) -> bool {
    let media = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let mut parts = media.split(';').map(str::trim);
    let is_json = parts.next().is_some_and(|media| media.eq_ignore_ascii_case("application/json"));
    is_json
        && parts.filter_map(|part| part.split_once('=')).all(|(name, value)| {
            !name.eq_ignore_ascii_case("charset") || value.trim_matches('"').eq_ignore_ascii_case("utf-8")
        })
}

/// Reads a whole body, and no more of one that is too large.
pub(super) async fn read(headers: &HeaderMap, body: Body, limit: usize) -> Result<Vec<u8>, Refused> {
    let too_large = || {
        let message = format!("The body may have {limit} bytes. Send less at once.");
        Refused::new(StatusCode::PAYLOAD_TOO_LARGE, "BAD_USER_INPUT", message)
    };
    let length = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    if length.is_some_and(|length| length > limit) {
        return Err(too_large());
    }
    let mut bytes = Vec::with_capacity(length.unwrap_or(0).min(limit));
    let mut chunks = body.into_data_stream();
    while let Some(chunk) = chunks.next().await {
        let chunk =
            chunk.map_err(|_| bad_request("The body ended before its end. Send the request again."))?;
        if chunk.len() > limit - bytes.len() {
            return Err(too_large());
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

/// Reads the query of a `GET`'s URL.
pub fn from_url(query: &str) -> Result<Operation, Refused> {
    let mut operation =
        Operation { query: String::new(), operation_name: None, variables: None, extensions: None };
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
        match name.as_ref() {
            "query" => operation.query = value.into_owned(),
            "operationName" => {
                operation.operation_name = Some(value.into_owned()).filter(|name| !name.is_empty());
            }
            "variables" => operation.variables = object("variables", &value)?,
            "extensions" => operation.extensions = object("extensions", &value)?,
            _ => {}
        }
    }
    if operation.query.is_empty() {
        return Err(bad_request("`query` is missing: send the document in it."));
    }
    Ok(operation)
}

fn object<T: DeserializeOwned>(name: &str, text: &str) -> Result<Option<T>, Refused> {
    scan::json(text.as_bytes()).map_err(|_| nested())?;
    serde_json::from_str(text).map_err(|_| bad_request(format!("`{name}` must be a JSON object.")))
}

fn nested() -> Refused {
    too_complex(format!("Variables may be nested {} deep.", scan::DEEPEST))
}
