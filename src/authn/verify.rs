//! Verifies bearer tokens: JWTs (RFC 7519) of the trusted issuers.
//!
//! What decides comes from the settings and from the issuer's keys, never from
//! the token: its `alg` and `kid` only choose among what they allow, and keys or
//! addresses in its header (`jwk`, `jku`, `x5u`) are not looked at (RFC 8725 §3).
//! Times are compared with our own clock, so that tests can set it.

mod person;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Datelike, SubsecRound, TimeDelta, Utc};
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, DecodingKey, Header, Validation, crypto};
use serde::Deserialize;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::issuer::{Issuer, Issuers, Keys, RoleClaim};
use super::jwks::{KeySet, Miss};
use super::own::{self, OwnIssuer};
use crate::clock::Clock;
use crate::id::Kind;

/// The longest token, in bytes.
pub const LONGEST_TOKEN: usize = 8 * 1024;

/// The longest `sub`, in characters (OpenID Connect Core §2).
const LONGEST_SUBJECT: usize = 255;

/// Verifies the tokens of all trusted issuers.
pub struct Verifier {
    issuers: HashMap<String, Trusted>,
    clock: Clock,
}

/// What a good token says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// The `iss`.
    pub issuer: String,
    /// The slug of the organization that the issuer speaks for, if it speaks for one.
    pub organization: Option<String>,
    /// The `sub`: 1 to 255 characters, no control characters.
    pub subject: String,
    /// The `exp`, without leeway: it may have passed by up to the issuer's leeway.
    pub expires_at: DateTime<Utc>,
    /// The roles that the issuer may assert and did, each once.
    pub roles: Vec<RoleClaim>,
    /// The e-mail address: at most 254 bytes, with an `@`, without white space.
    pub email: Option<String>,
    /// Whether the issuer says that the address is the person's; false without an address.
    pub email_verified: bool,
    /// The name to show: at most 200 characters, on one line.
    pub name: Option<String>,
    /// The tenant at the issuer: at most 255 bytes.
    pub tenant: Option<String>,
    /// The claim that the tenant stands in.
    pub tenant_claim: String,
    /// The only organization that it lets into; none for the tokens of others.
    pub bound: Option<Uuid>,
}

/// Why a token is refused: the kind only, because whoever holds a bad token shall learn no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rejection {
    /// It is no JWT that we understand: too long, another format, a critical
    /// header, a subject or a time that cannot be used.
    Malformed,
    /// No trusted issuer has this name.
    UntrustedIssuer,
    /// The issuer has no such key.
    UnknownKey,
    /// The signature does not fit, or its algorithm is not allowed for the issuer.
    BadSignature,
    /// `exp` has passed.
    Expired,
    /// `nbf` or `iat` has not come.
    NotYetValid,
    /// `aud` does not name us.
    WrongAudience,
    /// One of `iss`, `aud`, `exp`, `sub` is missing.
    MissingClaim,
    /// It is another kind of token, for example an ID token.
    WrongType,
    /// The keys of the issuer could not be read yet; a later try can succeed.
    KeysUnavailable,
}

impl Rejection {
    /// For `error_description` of `WWW-Authenticate` (RFC 6750 §3): ASCII without quotes or backslashes.
    #[must_use]
    pub fn description(&self) -> &'static str {
        match self {
            Self::Malformed => "the token is malformed",
            Self::UntrustedIssuer => "the issuer of the token is not trusted",
            Self::UnknownKey => "the key of the token is not known",
            Self::BadSignature => "the signature of the token is not valid",
            Self::Expired => "the token has expired",
            Self::NotYetValid => "the token is not valid yet",
            Self::WrongAudience => "the token is for another audience",
            Self::MissingClaim => "the token lacks a required claim",
            Self::WrongType => "the token is no access token",
            Self::KeysUnavailable => "the token cannot be verified now",
        }
    }
}

/// A trusted issuer, ready to verify.
struct Trusted {
    issuer: Issuer,
    keys: Keyring,
    /// What the library checks; the algorithm is filled in for each token.
    validation: Validation,
}

enum Keyring {
    Own(OwnIssuer),
    Set(Arc<KeySet>),
    Shared(Arc<DecodingKey>),
}

/// Chooses the cryptography. The library would choose by its features, and panic
/// at the first token if another dependency switched a second one on.
pub(super) fn install_crypto() {
    // An error says that it has been chosen before.
    crypto::aws_lc::DEFAULT_PROVIDER.install_default().ok();
}

impl Verifier {
    /// A verifier for `issuers`. Keys are read when first needed, inside a Tokio runtime.
    #[must_use]
    pub fn new(issuers: Issuers, clock: Clock) -> Self {
        install_crypto();
        let trusted = |issuer: Issuer| (issuer.name.clone(), Trusted::new(issuer, &clock));
        Self { issuers: issuers.into_iter().map(trusted).collect(), clock }
    }

    /// Takes our own tokens, too.
    #[must_use]
    pub fn with_own(mut self, own: OwnIssuer) -> Self {
        let issuer = Issuer::own(own);
        self.issuers.insert(issuer.name.clone(), Trusted::new(issuer, &self.clock));
        self
    }

    /// What `token` says, if one of the issuers signed it for us and its time is now.
    pub async fn verify(&self, token: &str) -> Result<Verified, Rejection> {
        if token.len() > LONGEST_TOKEN {
            return Err(Rejection::Malformed);
        }
        let header = read_header(token)?;
        let is_access_token = is_access_token(&header)?;
        let issuer = self.issuers.get(&claimed_issuer(token)?).ok_or(Rejection::UntrustedIssuer)?;
        let claims = issuer.decode(token, &header).await?;
        // An ID token tells a client who signed in; it is not a right to call anyone
        // (RFC 9068 §5, RFC 8725 §3.11), and its `aud` may be the same as an access
        // token's. Many issuers type neither, so the claims that only an ID token has
        // by OpenID Connect give it away, unless the token is typed as an access token.
        if !is_access_token && ["nonce", "at_hash", "c_hash"].iter().any(|name| claims.contains_key(*name)) {
            return Err(Rejection::WrongType);
        }
        let expires_at = check_times(&claims, issuer.issuer.leeway, self.clock.now())?;
        issuer.verified(&claims, expires_at)
    }
}

impl Trusted {
    fn new(issuer: Issuer, clock: &Clock) -> Self {
        let keys = match &issuer.keys {
            Keys::Set(source) => Keyring::Set(KeySet::new(
                issuer.name.clone(),
                source.clone(),
                issuer.algorithms.clone(),
                clock.clone(),
            )),
            Keys::Own(own) => Keyring::Own(own.clone()),
            Keys::Shared(secret) => {
                Keyring::Shared(Arc::new(DecodingKey::from_secret(secret.expose().as_bytes())))
            }
        };
        let mut validation = Validation::default();
        validation.algorithms.clear();
        validation.set_issuer(&[&issuer.name]);
        validation.set_audience(&issuer.audiences);
        // Without this list the library accepts a token that has no `iss` or `aud`.
        validation.set_required_spec_claims(&["iss", "aud", "sub"]);
        validation.validate_exp = false;
        validation.validate_nbf = false;
        Self { issuer, keys, validation }
    }

    /// The claims, once the signature, `iss` and `aud` are right and `sub` is there.
    async fn decode(&self, token: &str, header: &Header) -> Result<Map<String, Value>, Rejection> {
        let algorithm = header.alg;
        if !self.issuer.algorithms.contains(&algorithm) {
            return Err(Rejection::BadSignature);
        }
        let key = self.key(header.kid.as_deref(), algorithm).await?;
        // One algorithm for each try: the library refuses a list of several families.
        let validation = Validation { algorithms: vec![algorithm], ..self.validation.clone() };
        jsonwebtoken::decode(token, &key, &validation)
            .map(|data| data.claims)
            .map_err(|error| rejection(error.kind()))
    }

    async fn key(&self, kid: Option<&str>, algorithm: Algorithm) -> Result<Arc<DecodingKey>, Rejection> {
        let found = match &self.keys {
            Keyring::Shared(key) => Ok(Arc::clone(key)),
            Keyring::Set(set) => set.find(kid, algorithm).await,
            Keyring::Own(own) => own.find(kid).await,
        };
        found.map_err(|miss| match miss {
            Miss::Unknown => Rejection::UnknownKey,
            Miss::Unavailable => Rejection::KeysUnavailable,
        })
    }

    fn verified(
        &self,
        claims: &Map<String, Value>,
        expires_at: DateTime<Utc>,
    ) -> Result<Verified, Rejection> {
        let subject = claims.get("sub").and_then(Value::as_str).ok_or(Rejection::MissingClaim)?;
        if subject.is_empty()
            || subject.chars().count() > LONGEST_SUBJECT
            || subject.contains(char::is_control)
        {
            return Err(Rejection::Malformed);
        }
        let bound = match self.keys {
            Keyring::Own(_) => Some(bound(claims)?),
            Keyring::Set(_) | Keyring::Shared(_) => None,
        };
        let names = &self.issuer.claims;
        let email = person::email(claims, &names.email);
        Ok(Verified {
            issuer: self.issuer.name.clone(),
            organization: self.issuer.organization.clone(),
            subject: subject.to_owned(),
            expires_at,
            roles: self.issuer.roles.read(claims),
            email_verified: email.is_some() && person::says_yes(claims, &names.email_verified),
            email,
            name: person::name(claims, &names.name),
            tenant: person::tenant(claims, &names.tenant),
            tenant_claim: names.tenant.clone(),
            bound,
        })
    }
}

/// The organization that a token of our own is for.
fn bound(claims: &Map<String, Value>) -> Result<Uuid, Rejection> {
    let id = claims.get(own::ORGANIZATION).and_then(Value::as_str).ok_or(Rejection::MissingClaim)?;
    Kind::Organization.parse(id).ok_or(Rejection::Malformed)
}

/// The header, without a `crit`: we understand no extension, so every critical one
/// is a reason to refuse (RFC 7515 §4.1.11). The library passes over all of them.
fn read_header(token: &str) -> Result<Header, Rejection> {
    let header = jsonwebtoken::decode_header(token).map_err(|_| Rejection::Malformed)?;
    let raw: Map<String, Value> = read_part(token.split('.').next())?;
    if raw.contains_key("crit") { Err(Rejection::Malformed) } else { Ok(header) }
}

/// Whether the header types the token as an access token (RFC 9068 §2.1); false
/// if it is a JWT of no special kind, an error if it is of another kind.
fn is_access_token(header: &Header) -> Result<bool, Rejection> {
    match header.typ.as_deref().map(str::to_ascii_lowercase).as_deref() {
        Some("at+jwt" | "application/at+jwt") => Ok(true),
        None | Some("jwt") => Ok(false),
        Some(_) => Err(Rejection::WrongType),
    }
}

/// The issuer that the token claims, only to choose whose keys to try.
fn claimed_issuer(token: &str) -> Result<String, Rejection> {
    #[derive(Deserialize)]
    struct Claimed {
        iss: Option<Value>,
    }
    let claimed: Claimed = read_part(token.split('.').nth(1))?;
    match claimed.iss {
        Some(Value::String(name)) => Ok(name),
        None => Err(Rejection::MissingClaim),
        Some(_) => Err(Rejection::Malformed),
    }
}

fn read_part<T: for<'de> Deserialize<'de>>(part: Option<&str>) -> Result<T, Rejection> {
    let bytes = URL_SAFE_NO_PAD.decode(part.unwrap_or_default()).map_err(|_| Rejection::Malformed)?;
    serde_json::from_slice(&bytes).map_err(|_| Rejection::Malformed)
}

/// The `exp`, if the token's time is now. A token ends at `exp`, not after it (RFC 7519 §4.1.4).
fn check_times(
    claims: &Map<String, Value>,
    leeway: TimeDelta,
    now: DateTime<Utc>,
) -> Result<DateTime<Utc>, Rejection> {
    let expires_at = instant(claims, "exp")?.ok_or(Rejection::MissingClaim)?;
    if now >= expires_at + leeway {
        return Err(Rejection::Expired);
    }
    for name in ["nbf", "iat"] {
        if instant(claims, name)?.is_some_and(|from| now + leeway < from) {
            return Err(Rejection::NotYetValid);
        }
    }
    Ok(expires_at)
}

/// A `NumericDate` (RFC 7519 §2): seconds, whole or not, from 1970 to the year 9999,
/// the last that both databases keep; anything else is malformed.
fn instant(claims: &Map<String, Value>, name: &str) -> Result<Option<DateTime<Utc>>, Rejection> {
    let Some(value) = claims.get(name) else { return Ok(None) };
    let seconds = value.as_f64().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    let at = seconds
        .and_then(|seconds| TimeDelta::from_std(seconds).ok())
        .and_then(|since| DateTime::UNIX_EPOCH.checked_add_signed(since))
        .filter(|at| at.year() <= 9999);
    at.map(|at| Some(at.trunc_subsecs(6))).ok_or(Rejection::Malformed)
}

fn rejection(error: &ErrorKind) -> Rejection {
    match error {
        ErrorKind::MissingRequiredClaim(_) => Rejection::MissingClaim,
        ErrorKind::InvalidAudience => Rejection::WrongAudience,
        ErrorKind::InvalidIssuer => Rejection::UntrustedIssuer,
        ErrorKind::InvalidToken | ErrorKind::Base64(_) | ErrorKind::Json(_) | ErrorKind::Utf8(_) => {
            Rejection::Malformed
        }
        _ => Rejection::BadSignature,
    }
}

#[cfg(test)]
mod tests;
