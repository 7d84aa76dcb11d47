//! For tests: keys of every type, and an issuer's server that can be told what to answer.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{self, EcdsaKeyPair, Ed25519KeyPair};
use axum::Router;
use axum::http::{HeaderMap, StatusCode, header};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use url::Url;

/// Made once: RSA keys are slow to make.
static RSA: LazyLock<EncodingKey> = LazyLock::new(|| {
    let pair = aws_lc_rs::rsa::KeyPair::generate(aws_lc_rs::rsa::KeySize::Rsa2048).unwrap();
    let der: Pkcs8V1Der = pair.as_der().unwrap();
    let pem = format!(
        "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n",
        STANDARD.encode(der.as_ref())
    );
    EncodingKey::from_rsa_pem(pem.as_bytes()).unwrap()
});

/// A pair of keys with an id.
pub struct TestKey {
    pub kid: String,
    pub algorithm: Algorithm,
    pub private: EncodingKey,
}

impl TestKey {
    /// A new pair; all RSA keys of a test run are the same.
    pub fn new(kid: &str, algorithm: Algorithm) -> Self {
        let random = SystemRandom::new();
        let ec = |curve| EcdsaKeyPair::generate_pkcs8(curve, &random).unwrap();
        let private = match algorithm {
            Algorithm::ES256 => {
                EncodingKey::from_ec_der(ec(&signature::ECDSA_P256_SHA256_FIXED_SIGNING).as_ref())
            }
            Algorithm::ES384 => {
                EncodingKey::from_ec_der(ec(&signature::ECDSA_P384_SHA384_FIXED_SIGNING).as_ref())
            }
            Algorithm::EdDSA => {
                EncodingKey::from_ed_der(Ed25519KeyPair::generate_pkcs8v1(&random).unwrap().as_ref())
            }
            _ => RSA.clone(),
        };
        Self { kid: kid.to_owned(), algorithm, private }
    }

    /// The public half, with `kid`, `alg` and `use`.
    pub fn public(&self) -> Value {
        let mut jwk =
            serde_json::to_value(Jwk::from_encoding_key(&self.private, self.algorithm).unwrap()).unwrap();
        jwk["kid"] = json!(self.kid);
        jwk["use"] = json!("sig");
        jwk
    }
}

/// The public halves as a key set.
pub fn set(keys: &[&TestKey]) -> String {
    json!({ "keys": keys.iter().map(|key| key.public()).collect::<Vec<_>>() }).to_string()
}

/// A moment to start at.
pub fn start() -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000, 0).unwrap()
}

/// An issuer's server on the loopback interface.
pub struct Server {
    pub url: Url,
    state: Arc<ServerState>,
}

struct ServerState {
    answer: Mutex<(StatusCode, String)>,
    hits: AtomicUsize,
    agents: Mutex<Vec<String>>,
    /// Each answer takes one.
    permits: Semaphore,
}

impl Server {
    /// A server that answers every path with `body`; `/moved` redirects to another path.
    pub async fn start(body: String) -> Self {
        let state = Arc::new(ServerState {
            answer: Mutex::new((StatusCode::OK, body)),
            hits: AtomicUsize::new(0),
            agents: Mutex::default(),
            permits: Semaphore::new(1_000),
        });
        let shared = Arc::clone(&state);
        let keys = move |headers: HeaderMap| {
            let state = Arc::clone(&shared);
            async move {
                state.hits.fetch_add(1, Ordering::SeqCst);
                let agent = headers.get(header::USER_AGENT).map(|agent| agent.to_str().unwrap().to_owned());
                state.agents.lock().unwrap().extend(agent);
                state.permits.acquire().await.unwrap().forget();
                state.answer.lock().unwrap().clone()
            }
        };
        let moved = || async { (StatusCode::FOUND, [(header::LOCATION, "/keys")]) };
        let router = Router::new().route("/moved", axum::routing::get(moved)).fallback(keys);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = Url::parse(&format!("http://{}/keys", listener.local_addr().unwrap())).unwrap();
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, state }
    }

    /// Answers with `body` from now on.
    pub fn publish(&self, body: String) {
        *self.state.answer.lock().unwrap() = (StatusCode::OK, body);
    }

    /// Answers with `status` and `body` from now on.
    pub fn answer(&self, status: StatusCode, body: String) {
        *self.state.answer.lock().unwrap() = (status, body);
    }

    /// How many requests came.
    pub fn hits(&self) -> usize {
        self.state.hits.load(Ordering::SeqCst)
    }

    /// The user agents of the requests.
    pub fn agents(&self) -> Vec<String> {
        self.state.agents.lock().unwrap().clone()
    }

    /// Holds every answer back until [`Server::resume`].
    pub fn hold(&self) {
        self.state.permits.forget_permits(usize::MAX);
    }

    /// Gives the answers that were held back, and all later ones.
    pub fn resume(&self) {
        self.state.permits.add_permits(1_000);
    }

    /// Waits until `count` requests came; panics after 10 s.
    pub async fn wait_for_hits(&self, count: usize) {
        let came = async {
            while self.hits() < count {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(10), came).await.unwrap();
    }
}
