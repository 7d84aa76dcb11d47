//! Calls to issuers. Private addresses are allowed: the operator wrote the addresses, no caller can change them.

use std::time::Duration;

use reqwest::redirect::Policy;
use reqwest::{Client, Response};

/// The largest answer, in bytes.
const LARGEST: usize = 256 * 1024;
/// How long connecting may take.
const CONNECT_LIMIT: Duration = Duration::from_secs(5);
/// How long the whole answer may take.
const ANSWER_LIMIT: Duration = Duration::from_secs(10);

/// Why an issuer's answer is of no use.
#[derive(Debug, thiserror::Error)]
pub(super) enum FetchError {
    #[error("{0}")]
    Http(#[from] reqwest::Error),
    #[error("is larger than 256 kB")]
    TooLarge,
}

/// A new client each time: it is needed seldom, keeps no connection, and one
/// that cannot be built counts as an issuer that is down.
pub(super) fn client() -> Result<Client, reqwest::Error> {
    Client::builder()
        .redirect(Policy::none())
        .connect_timeout(CONNECT_LIMIT)
        .timeout(ANSWER_LIMIT)
        .no_proxy()
        .user_agent("guichet")
        .build()
}

/// The body, if it is not too large.
pub(super) async fn body(mut response: Response) -> Result<Vec<u8>, FetchError> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        if body.len() + chunk.len() > LARGEST {
            return Err(FetchError::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}
