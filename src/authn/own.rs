//! Guichet as an issuer: tokens for people from outside who signed in by a code.
//!
//! The keys are made at first need and kept in the database, the private ones sealed by the operator's keys. A key signs
//! for 30 days; its tokens end within the hour after that, and the key is deleted when the next one is made. Any number
//! of servers share them.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use arc_swap::ArcSwap;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use chrono::{DateTime, TimeDelta, Utc};
use entity::signing_key;
use jsonwebtoken::jwk::{Jwk, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header};
use serde_json::{Value, json};
use uuid::Uuid;

use super::jwks::Miss;
use crate::id::Kind;
use crate::secret::{Place, SealError, SecretKeys};
use crate::store::{self, Database, StoreError, Transaction, Txn};

/// How long a token is good.
pub const TOKEN_LIFE: TimeDelta = TimeDelta::hours(1);
/// The claim that names the organization that the token is for: the id, as in the API.
pub(super) const ORGANIZATION: &str = "guichet_organization";

/// How long a key signs.
const SIGNS: TimeDelta = TimeDelta::days(30);
/// How long a key verifies, from when it was made.
const VERIFIES: TimeDelta = TimeDelta::days(31);
/// How long keys are remembered: a key that was deleted in the database is refused after this.
const REMEMBERED: TimeDelta = TimeDelta::minutes(1);
/// The shortest time from one reading for an unknown key to the next.
const PAUSE: TimeDelta = TimeDelta::seconds(1);
/// How often another server may be faster to make a key.
const TRIES: usize = 3;

/// Signs and knows our own tokens. Clones share the keys.
#[derive(Clone)]
pub struct OwnIssuer(Arc<Inner>);

struct Inner {
    name: String,
    database: Database,
    secret_keys: Arc<SecretKeys>,
    known: ArcSwap<Known>,
}

/// The public keys, as they were read.
#[derive(Default)]
struct Known {
    keys: HashMap<String, Arc<DecodingKey>>,
    set: Vec<Value>,
    read_at: Option<DateTime<Utc>>,
}

/// A key that signs.
pub struct OwnSigner {
    id: Uuid,
    key: EncodingKey,
}

/// Whom a token is for.
pub struct Bearer<'a> {
    /// The organization that it lets into.
    pub organization: Uuid,
    /// Who they are there.
    pub subject: &'a str,
    /// The address that they showed to be theirs.
    pub address: &'a str,
}

impl fmt::Debug for OwnIssuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OwnIssuer({})", self.0.name)
    }
}

impl OwnIssuer {
    /// The issuer of this public address.
    #[must_use]
    pub fn new(public_url: &str, database: Database, secret_keys: Arc<SecretKeys>) -> Self {
        super::verify::install_crypto();
        let name = public_url.trim_end_matches('/').to_owned();
        Self(Arc::new(Inner { name, database, secret_keys, known: ArcSwap::default() }))
    }

    /// The `iss` of the tokens, and their `aud`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// The key that signs now; made where there is none.
    pub async fn signer(&self) -> Result<OwnSigner, StoreError> {
        let inner = &*self.0;
        for _ in 0..TRIES {
            let since = inner.database.clock().now() - SIGNS;
            let keys = store::signing_key::since(&inner.database, since).await?;
            // Of a key that was sealed by one that is gone only the public half is of use.
            if let Some(signer) = keys.iter().find_map(|key| opened(key, &inner.secret_keys)) {
                return Ok(signer);
            }
            let number = keys.first().map(|key| key.number);
            match inner.database.write(&Make { number, secret_keys: &inner.secret_keys }).await {
                // What was read before does not hold it.
                Ok(()) | Err(StoreError::Taken(_)) => inner.known.store(Arc::default()),
                Err(error) => return Err(error),
            }
        }
        Err(StoreError::Other("no signing key can be made or opened".to_owned()))
    }

    /// A token for somebody, good for [`TOKEN_LIFE`].
    pub fn sign(&self, signer: &OwnSigner, bearer: &Bearer<'_>) -> Result<String, StoreError> {
        let header = Header {
            typ: Some("at+jwt".to_owned()),
            kid: Some(signer.id.to_string()),
            ..Header::new(Algorithm::ES256)
        };
        let clock = self.0.database.clock();
        let now = clock.now();
        let claims = json!({
            "iss": self.0.name,
            "aud": self.0.name,
            "sub": bearer.subject,
            "iat": now.timestamp(),
            "exp": (now + TOKEN_LIFE).timestamp(),
            "jti": clock.id().to_string(),
            "email": bearer.address,
            "email_verified": true,
            // A name that somebody chose for themselves could deceive whoever approves.
            "name": bearer.address,
            ORGANIZATION: Kind::Organization.text(bearer.organization),
        });
        jsonwebtoken::encode(&header, &claims, &signer.key)
            .map_err(|_| StoreError::Other("a token could not be signed".to_owned()))
    }

    /// The public keys, as a key set (RFC 7517).
    pub async fn key_set(&self) -> Result<Value, StoreError> {
        Ok(json!({ "keys": self.read(PAUSE).await?.set }))
    }

    /// The key that signed a token.
    pub(super) async fn find(&self, kid: Option<&str>) -> Result<Arc<DecodingKey>, Miss> {
        let kid = kid.ok_or(Miss::Unknown)?;
        for fresh in [REMEMBERED, PAUSE] {
            let known = self.read(fresh).await.map_err(|error| {
                tracing::warn!(%error, "our own keys cannot be read");
                Miss::Unavailable
            })?;
            if let Some(key) = known.keys.get(kid) {
                return Ok(Arc::clone(key));
            }
        }
        Err(Miss::Unknown)
    }

    /// The public keys, read again when they were read longer ago than this.
    async fn read(&self, fresh: TimeDelta) -> Result<Arc<Known>, StoreError> {
        let inner = &*self.0;
        let now = inner.database.clock().now();
        let known = inner.known.load_full();
        if known.read_at.is_some_and(|at| (now - at).abs() < fresh) {
            return Ok(known);
        }
        let rows = store::signing_key::since(&inner.database, now - VERIFIES).await?;
        let mut read = Known { read_at: Some(now), ..Known::default() };
        for row in rows {
            let key = serde_json::from_value::<Jwk>(row.public_key.clone()).ok();
            if let Some(key) = key.and_then(|jwk| DecodingKey::from_jwk(&jwk).ok()) {
                read.keys.insert(row.id.to_string(), Arc::new(key));
                read.set.push(row.public_key);
            }
        }
        let read = Arc::new(read);
        inner.known.store(Arc::clone(&read));
        Ok(read)
    }
}

fn place(id: Uuid) -> Place {
    Place { table: "signing_key", column: "private_key", id }
}

fn opened(row: &signing_key::Model, secret_keys: &SecretKeys) -> Option<OwnSigner> {
    match secret_keys.open(&row.private_key, place(row.id)) {
        Ok(der) => Some(OwnSigner { id: row.id, key: EncodingKey::from_ec_der(&der) }),
        Err(error) => {
            tracing::warn!(%error, key = %row.id, "a signing key does not open; another one is used");
            None
        }
    }
}

/// Makes a key with the next number, and deletes those whose time is over.
struct Make<'a> {
    /// The number of the newest key, where there is one that still signs.
    number: Option<i32>,
    secret_keys: &'a SecretKeys,
}

impl Transaction for Make<'_> {
    type Output = ();
    type Error = StoreError;

    async fn run(&self, txn: &Txn) -> Result<(), StoreError> {
        let keys = store::signing_key::since(txn, DateTime::UNIX_EPOCH).await?;
        let newest = keys.first();
        if newest.is_some_and(|key| key.created_at > txn.now() - SIGNS)
            && newest.map(|key| key.number) != self.number
        {
            return Ok(()); // another server was faster
        }
        let number = newest.map_or(0, |key| key.number) + 1;
        let row =
            made(txn, number, self.secret_keys).map_err(|error| StoreError::Other(error.to_string()))?;
        store::signing_key::delete_before(txn, txn.now() - VERIFIES).await?;
        txn.insert(row).await
    }
}

fn made(txn: &Txn, number: i32, secret_keys: &SecretKeys) -> Result<signing_key::Model, SealError> {
    let id = txn.id();
    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).map_err(|_| SealError::Cipher)?;
    let der = pair.to_pkcs8v1().map_err(|_| SealError::Cipher)?;
    let key = EncodingKey::from_ec_der(der.as_ref());
    let mut public = Jwk::from_encoding_key(&key, Algorithm::ES256).map_err(|_| SealError::Cipher)?;
    public.common.key_id = Some(id.to_string());
    public.common.public_key_use = Some(PublicKeyUse::Signature);
    Ok(signing_key::Model {
        id,
        number,
        private_key: secret_keys.seal(der.as_ref(), place(id))?,
        public_key: serde_json::to_value(&public).map_err(|_| SealError::Cipher)?,
        created_at: txn.now(),
    })
}
