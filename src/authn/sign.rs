//! Signs tokens with a shared secret: for the demo, `guichet token` and tests.
//!
//! A server outside the demo refuses such tokens, because whoever can check
//! them can also make them.

use chrono::{DateTime, Utc};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde::Serialize;

use super::issuer::SHORTEST_SECRET;

/// Signs tokens with HS256.
pub struct Signer(EncodingKey);

/// What a token says. `None` leaves the claim out.
#[derive(Clone, Debug, Serialize)]
pub struct TokenClaims {
    /// The issuer, as in its settings.
    pub iss: String,
    /// The audience, one of those in the issuer's settings.
    pub aud: String,
    /// The person's id at the issuer: 1 to 255 characters.
    pub sub: String,
    /// When the token ends, in whole seconds.
    #[serde(with = "chrono::serde::ts_seconds")]
    pub exp: DateTime<Utc>,
    /// When the token was made, in whole seconds.
    #[serde(with = "chrono::serde::ts_seconds")]
    pub iat: DateTime<Utc>,
    /// The name to show.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The e-mail address; it counts as not verified.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// The roles, each with `:<catalog id>` after it where it is limited to a catalog.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<String>,
}

/// Why a token was not signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignError {
    /// The secret is shorter than [`SHORTEST_SECRET`].
    #[error("the secret must be at least 32 bytes")]
    ShortSecret,
    /// The library could not sign.
    #[error("the token could not be signed")]
    Failed,
}

impl Signer {
    /// A signer with `secret`, at least [`SHORTEST_SECRET`] bytes.
    pub fn new(secret: &str) -> Result<Self, SignError> {
        super::verify::install_crypto();
        if secret.len() < SHORTEST_SECRET {
            return Err(SignError::ShortSecret);
        }
        Ok(Self(EncodingKey::from_secret(secret.as_bytes())))
    }

    /// A signed access token of these claims, mostly [`TokenClaims`], with `typ` `at+jwt` (RFC 9068 §2.1).
    pub fn sign(&self, claims: &impl Serialize) -> Result<String, SignError> {
        let header = Header { typ: Some("at+jwt".to_owned()), ..Header::new(Algorithm::HS256) };
        jsonwebtoken::encode(&header, claims, &self.0).map_err(|_| SignError::Failed)
    }
}
