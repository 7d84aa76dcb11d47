//! The key set of an issuer (RFC 7517): read when first needed, then kept fresh.
//!
//! A key that is not known causes a new reading, at most one every 30 s, so that
//! a caller with invented key ids cannot make us flood the issuer. Readers that
//! come meanwhile wait for the one that is under way. While an issuer is down, or
//! answers nonsense, its old keys stay.

use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use arc_swap::ArcSwap;
use chrono::{DateTime, TimeDelta, Utc};
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, KeyOperations, PublicKeyUse};
use jsonwebtoken::{Algorithm, AlgorithmFamily, DecodingKey};
use serde::Deserialize;
use serde_json::Value;
use tokio::sync::Mutex;
use url::Url;

use super::fetch::{self, FetchError};
use super::issuer::SetSource;
use crate::clock::Clock;

/// The shortest time from one reading to the next.
const PAUSE: TimeDelta = TimeDelta::seconds(30);

/// The age at which a set is read again while it goes on serving.
const FRESH: TimeDelta = TimeDelta::minutes(10);

/// The largest file, in bytes.
const LARGEST_SET: usize = 256 * 1024;

/// The keys of one issuer.
pub struct KeySet {
    issuer: String,
    source: SetSource,
    algorithms: Vec<Algorithm>,
    clock: Clock,
    /// Replaced as a whole by every reading, so that finding a key takes no lock.
    state: ArcSwap<State>,
    /// Held while the set is read.
    reading: Arc<Mutex<()>>,
}

/// Why no key was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Miss {
    /// The set has no such key, or several of which the token does not name one.
    Unknown,
    /// The set could not be read yet.
    Unavailable,
}

#[derive(Clone, Default)]
struct State {
    keys: Arc<Vec<Key>>,
    /// When the keys were read; `None` before the first success.
    read_at: Option<DateTime<Utc>>,
    /// How often reading was tried, and when last.
    attempts: u64,
    attempted_at: Option<DateTime<Utc>>,
}

/// A public key that verifies signatures.
struct Key {
    id: Option<String>,
    /// The algorithms that fit the key, its own `alg` if it has one, and the settings.
    algorithms: Vec<Algorithm>,
    decoding: Arc<DecodingKey>,
}

/// Why a set could not be read, for the log.
#[derive(Debug, thiserror::Error)]
enum ReadError {
    #[error("{0}")]
    Http(#[from] reqwest::Error),
    #[error("{0}")]
    Fetch(#[from] FetchError),
    #[error("answered with status {0}")]
    Status(u16),
    #[error("{0}")]
    File(#[from] std::io::Error),
    #[error("is larger than 256 kB")]
    TooLarge,
    #[error("is no key set: {0}")]
    Syntax(#[from] serde_json::Error),
    #[error("holds no key that can be used")]
    NoKey,
    #[error("reading was stopped")]
    Stopped(#[from] tokio::task::JoinError),
}

impl KeySet {
    /// A set that is read from `source` when first needed; `algorithms` are those
    /// that its keys may be used with.
    #[must_use]
    pub fn new(issuer: String, source: SetSource, algorithms: Vec<Algorithm>, clock: Clock) -> Arc<Self> {
        let state = ArcSwap::from_pointee(State::default());
        Arc::new(Self { issuer, source, algorithms, clock, state, reading: Arc::default() })
    }

    /// The key with the id `kid` for `algorithm`; without a `kid` the only key that fits.
    ///
    /// Waits for a reading, at most 10 s and one that is under way, if the key is
    /// not known. A set older than 10 minutes is read again without a wait.
    pub async fn find(
        self: &Arc<Self>,
        kid: Option<&str>,
        algorithm: Algorithm,
    ) -> Result<Arc<DecodingKey>, Miss> {
        let seen = self.state.load_full();
        if let Some(key) = seen.find(kid, algorithm) {
            self.freshen(&seen);
            return Ok(key);
        }
        let state = self.read_again(&seen).await;
        state.find(kid, algorithm).ok_or(match state.read_at {
            Some(_) => Miss::Unknown,
            None => Miss::Unavailable,
        })
    }

    /// Reads the set unless somebody did since `seen`, or it is too early to try again.
    async fn read_again(self: &Arc<Self>, seen: &State) -> Arc<State> {
        let turn = Arc::clone(&self.reading).lock_owned().await;
        let state = self.state.load_full();
        if state.attempts != seen.attempts || !state.may_read(self.clock.now()) {
            return state;
        }
        let set = Arc::clone(self);
        // A task of its own: the callers who wait must not lose it when the first hangs up.
        let task = tokio::spawn(async move {
            set.read().await;
            drop(turn);
        });
        if let Err(error) = task.await {
            tracing::error!(issuer = %self.issuer, %error, "reading the keys of an issuer was stopped");
        }
        self.state.load_full()
    }

    /// Starts to read the set again if it is old and nobody reads it.
    fn freshen(self: &Arc<Self>, seen: &State) {
        let now = self.clock.now();
        if seen.read_at.is_some_and(|at| apart(now, at) < FRESH) || !seen.may_read(now) {
            return;
        }
        let Ok(turn) = Arc::clone(&self.reading).try_lock_owned() else { return };
        if self.state.load().attempts != seen.attempts {
            return;
        }
        let set = Arc::clone(self);
        tokio::spawn(async move {
            set.read().await;
            drop(turn);
        });
    }

    async fn read(&self) {
        let result = self.fetch().await.and_then(|body| usable_keys(&body, &self.algorithms));
        let now = self.clock.now();
        let mut state = State::clone(&self.state.load());
        state.attempts += 1;
        state.attempted_at = Some(now);
        match result {
            Ok(keys) => {
                tracing::debug!(issuer = %self.issuer, keys = keys.len(), "read the keys of an issuer");
                state.keys = Arc::new(keys);
                state.read_at = Some(now);
            }
            Err(error) => {
                let kept = state.keys.len();
                tracing::warn!(issuer = %self.issuer, %error, kept, "the keys of an issuer cannot be read");
            }
        }
        self.state.store(Arc::new(state));
    }

    async fn fetch(&self) -> Result<Vec<u8>, ReadError> {
        match &self.source {
            SetSource::Url(url) => fetch_url(url).await,
            SetSource::File(path) => {
                let path = path.clone();
                tokio::task::spawn_blocking(move || read_file(&path)).await?
            }
        }
    }
}

impl State {
    fn find(&self, kid: Option<&str>, algorithm: Algorithm) -> Option<Arc<DecodingKey>> {
        let mut fitting = self.keys.iter().filter(|key| {
            key.algorithms.contains(&algorithm) && kid.is_none_or(|kid| key.id.as_deref() == Some(kid))
        });
        let first = fitting.next()?;
        fitting.next().is_none().then(|| Arc::clone(&first.decoding))
    }

    fn may_read(&self, now: DateTime<Utc>) -> bool {
        self.attempted_at.is_none_or(|at| apart(now, at) >= PAUSE)
    }
}

/// In either direction, so that a clock that was set back does not stop the readings.
fn apart(one: DateTime<Utc>, other: DateTime<Utc>) -> TimeDelta {
    (one - other).abs()
}

async fn fetch_url(url: &Url) -> Result<Vec<u8>, ReadError> {
    let response = fetch::client()?.get(url.clone()).send().await?;
    if response.status() != reqwest::StatusCode::OK {
        return Err(ReadError::Status(response.status().as_u16()));
    }
    Ok(fetch::body(response).await?)
}

fn read_file(path: &Path) -> Result<Vec<u8>, ReadError> {
    let mut body = Vec::new();
    let limit = u64::try_from(LARGEST_SET).unwrap_or(u64::MAX).saturating_add(1);
    std::fs::File::open(path)?.take(limit).read_to_end(&mut body)?;
    if body.len() > LARGEST_SET { Err(ReadError::TooLarge) } else { Ok(body) }
}

/// The keys that may verify tokens. One that we do not understand is passed over
/// (RFC 7517 §5); a set without any other is an error, so that the old keys stay.
fn usable_keys(body: &[u8], allowed: &[Algorithm]) -> Result<Vec<Key>, ReadError> {
    #[derive(Deserialize)]
    struct Set {
        keys: Vec<Value>,
    }
    let set: Set = serde_json::from_slice(body)?;
    let mut keys: Vec<Key> = Vec::new();
    for value in set.keys {
        let Some(key) = serde_json::from_value(value).ok().and_then(|jwk| usable_key(&jwk, allowed)) else {
            continue;
        };
        // One id may name keys of different types (RFC 7517 §4.5). Of two that a
        // token cannot tell apart the first stays: dropping both would lock everyone out.
        let same = |other: &Key| {
            key.id.is_some()
                && other.id == key.id
                && other.algorithms.iter().any(|algorithm| key.algorithms.contains(algorithm))
        };
        if !keys.iter().any(same) {
            keys.push(key);
        }
    }
    if keys.is_empty() { Err(ReadError::NoKey) } else { Ok(keys) }
}

fn usable_key(jwk: &Jwk, allowed: &[Algorithm]) -> Option<Key> {
    let purpose = jwk.common.public_key_use.as_ref();
    let operations = jwk.common.key_operations.as_ref();
    if purpose.is_some_and(|purpose| *purpose != PublicKeyUse::Signature)
        || operations.is_some_and(|operations| !operations.contains(&KeyOperations::Verify))
    {
        return None;
    }
    // The library's `is_supported` is false for a key without `alg`, which large
    // issuers publish (RFC 7517 §4.4: optional), so the type and the curve decide.
    let fitting: &[Algorithm] = match &jwk.algorithm {
        AlgorithmParameters::RSA(_) => AlgorithmFamily::Rsa.algorithms(),
        AlgorithmParameters::EllipticCurve(key) => match key.curve {
            EllipticCurve::P256 => &[Algorithm::ES256],
            EllipticCurve::P384 => &[Algorithm::ES384],
            _ => &[],
        },
        AlgorithmParameters::OctetKeyPair(key) if key.curve == EllipticCurve::Ed25519 => &[Algorithm::EdDSA],
        // `oct` above all: a public set must never make a shared secret.
        _ => &[],
    };
    let own = jwk.common.key_algorithm;
    let fits = |algorithm: Algorithm| {
        allowed.contains(&algorithm) && own.is_none_or(|own| own == KeyAlgorithm::from(algorithm))
    };
    let algorithms: Vec<Algorithm> = fitting.iter().copied().filter(|algorithm| fits(*algorithm)).collect();
    if algorithms.is_empty() {
        return None;
    }
    let decoding = Arc::new(DecodingKey::from_jwk(jwk).ok()?);
    Some(Key { id: jwk.common.key_id.clone(), algorithms, decoding })
}

#[cfg(test)]
pub(super) mod testing;
#[cfg(test)]
mod tests;
