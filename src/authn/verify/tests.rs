//! Tests of verification: what is believed, and each reason not to.

mod attacks;
mod content;

use chrono::TimeDelta;
use jsonwebtoken::EncodingKey;
use jsonwebtoken::crypto::sign;
use serde_json::json;
use tempfile::TempDir;

use super::*;
use crate::authn::jwks::testing::{Server, TestKey, set, start};
use crate::authn::sign::{SignError, Signer, TokenClaims};

const SECRET: &str = "a-secret-of-thirty-two-bytes-or-more";
const DEMO: &str = "https://demo.example/";
const CORPORATE: &str = "https://login.contoso.example/";

/// A verifier of two issuers: one with a shared secret, one with a key set of all types.
struct Fixture {
    verifier: Verifier,
    clock: Clock,
    keys: Vec<TestKey>,
    _directory: TempDir,
}

fn fixture() -> Fixture {
    fixture_with(&json!({}))
}

/// As [`fixture`], with more settings for both issuers.
fn fixture_with(settings: &Value) -> Fixture {
    let keys = vec![
        TestKey::new("rsa", Algorithm::RS256),
        TestKey::new("ec", Algorithm::ES256),
        TestKey::new("ed", Algorithm::EdDSA),
    ];
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("keys.json");
    std::fs::write(&path, set(&keys.iter().collect::<Vec<_>>())).unwrap();
    let issuer = |name: &str, organization: &str, keys: Value| {
        let mut issuer = json!({ "issuer": name, "audience": ["guichet", "api://guichet"], "organization": organization, "keys": keys });
        issuer.as_object_mut().unwrap().extend(settings.as_object().unwrap().clone());
        issuer
    };
    let text = json!([
        issuer(DEMO, "demo", json!({ "hs256Secret": SECRET })),
        issuer(CORPORATE, "contoso", json!({ "jwksFile": path })),
    ]);
    let clock = Clock::manual(start());
    let verifier = Verifier::new(Issuers::parse(&text.to_string(), true).unwrap(), clock.clone());
    Fixture { verifier, clock, keys, _directory: directory }
}

impl Fixture {
    fn key(&self, kid: &str) -> &TestKey {
        self.keys.iter().find(|key| key.kid == kid).unwrap()
    }

    /// The verdict on `claims` signed by the demo issuer.
    async fn judge(&self, claims: &Value) -> Result<Verified, Rejection> {
        self.verifier.verify(&demo_token(&json!({ "alg": "HS256" }), claims)).await
    }

    /// The verdict on the usual claims of the demo issuer with `changes`; null removes a claim.
    async fn judge_with(&self, changes: &Value) -> Result<Verified, Rejection> {
        self.judge(&changed(claims(DEMO), changes)).await
    }
}

fn claims(issuer: &str) -> Value {
    let now = start().timestamp();
    json!({ "iss": issuer, "aud": "guichet", "sub": "alice", "exp": now + 600, "nbf": now, "iat": now })
}

fn changed(mut claims: Value, changes: &Value) -> Value {
    for (name, value) in changes.as_object().unwrap() {
        if value.is_null() {
            claims.as_object_mut().unwrap().remove(name);
        } else {
            claims[name] = value.clone();
        }
    }
    claims
}

/// A token made by hand, so that it can say what the library would not write.
fn raw_token(header: &Value, claims: &Value, key: &EncodingKey, algorithm: Algorithm) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let message = format!("{}.{}", part(header), part(claims));
    let signature = sign(message.as_bytes(), key, algorithm).unwrap();
    format!("{message}.{signature}")
}

fn demo_token(header: &Value, claims: &Value) -> String {
    raw_token(header, claims, &EncodingKey::from_secret(SECRET.as_bytes()), Algorithm::HS256)
}

fn corporate_token(key: &TestKey, claims: &Value) -> String {
    let header = json!({ "alg": format!("{:?}", key.algorithm), "kid": key.kid, "typ": "JWT" });
    raw_token(&header, claims, &key.private, key.algorithm)
}

#[tokio::test]
async fn a_token_of_each_algorithm_is_believed_and_one_changed_bit_is_not() {
    let fixture = fixture();
    for key in &fixture.keys {
        let token = corporate_token(key, &claims(CORPORATE));
        let verified = fixture.verifier.verify(&token).await.unwrap();
        assert_eq!(verified.issuer, CORPORATE);
        assert_eq!(verified.organization.as_deref(), Some("contoso"));
        assert_eq!(verified.subject, "alice");
        assert_eq!(verified.expires_at, start() + TimeDelta::seconds(600));

        let (message, signature) = token.rsplit_once('.').unwrap();
        let mut signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
        signature[10] ^= 1;
        let forged = format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature));
        assert_eq!(fixture.verifier.verify(&forged).await, Err(Rejection::BadSignature), "{}", key.kid);
    }
    let verified = fixture.judge(&claims(DEMO)).await.unwrap();
    assert_eq!((verified.issuer.as_str(), verified.organization.as_deref()), (DEMO, Some("demo")));
}

#[tokio::test]
async fn the_signer_makes_tokens_that_are_believed() {
    let fixture = fixture();
    let signer = Signer::new(SECRET).unwrap();
    let token = signer.sign(&TokenClaims {
        iss: DEMO.to_owned(),
        aud: "guichet".to_owned(),
        sub: "alice".to_owned(),
        exp: start() + TimeDelta::hours(1),
        iat: start(),
        name: Some("Alice".to_owned()),
        email: Some("alice@contoso.example".to_owned()),
        roles: vec!["GLOBAL_ADMINISTRATOR".to_owned(), "catalog_owner:cat_1".to_owned()],
    });
    let role = |role: &str, scope: Option<&str>| RoleClaim {
        role: role.to_owned(),
        scope: scope.map(str::to_owned),
    };
    let expected = Verified {
        issuer: DEMO.to_owned(),
        organization: Some("demo".to_owned()),
        subject: "alice".to_owned(),
        expires_at: start() + TimeDelta::hours(1),
        roles: vec![role("GLOBAL_ADMINISTRATOR", None), role("CATALOG_OWNER", Some("cat_1"))],
        email: Some("alice@contoso.example".to_owned()),
        email_verified: false,
        name: Some("Alice".to_owned()),
        tenant: None,
        tenant_claim: "tid".to_owned(),
        bound: None,
    };
    assert_eq!(fixture.verifier.verify(&token.unwrap()).await, Ok(expected));
    assert_eq!(Signer::new(&"x".repeat(31)).err(), Some(SignError::ShortSecret));
}

#[tokio::test]
async fn each_required_claim_is_required() {
    let fixture = fixture();
    for name in ["iss", "aud", "exp", "sub"] {
        assert_eq!(fixture.judge_with(&json!({ name: null })).await, Err(Rejection::MissingClaim), "{name}");
        let mut null = claims(DEMO);
        null[name] = Value::Null;
        assert!(fixture.judge(&null).await.is_err(), "{name}");
    }
    for name in ["nbf", "iat"] {
        assert!(fixture.judge_with(&json!({ name: null })).await.is_ok(), "{name}");
    }
}

#[tokio::test]
async fn the_audience_has_to_name_us() {
    let fixture = fixture();
    for aud in [json!("guichet"), json!("api://guichet"), json!(["other", "guichet"]), json!(["guichet"])] {
        assert!(fixture.judge_with(&json!({ "aud": aud })).await.is_ok(), "{aud}");
    }
    for aud in [json!("other"), json!(""), json!("Guichet"), json!("guichet "), json!(["other"]), json!([])] {
        assert_eq!(fixture.judge_with(&json!({ "aud": aud })).await, Err(Rejection::WrongAudience), "{aud}");
    }
    for aud in [json!(7), json!({ "guichet": true }), json!([["guichet"]]), json!(["guichet", 7])] {
        assert_eq!(fixture.judge_with(&json!({ "aud": aud })).await, Err(Rejection::MissingClaim), "{aud}");
    }
}

#[tokio::test]
async fn the_issuer_is_compared_byte_by_byte_and_is_one_text() {
    let fixture = fixture();
    for iss in ["https://demo.example", "HTTPS://demo.example/", "https://demo.example//", ""] {
        assert_eq!(
            fixture.judge_with(&json!({ "iss": iss })).await,
            Err(Rejection::UntrustedIssuer),
            "{iss}"
        );
    }
    assert_eq!(fixture.judge_with(&json!({ "iss": [DEMO] })).await, Err(Rejection::Malformed));
}

#[tokio::test]
async fn exp_holds_to_the_second_with_leeway() {
    for leeway in [0, 30, 300] {
        let fixture = fixture_with(&json!({ "leewaySeconds": leeway }));
        let token = claims(DEMO);
        fixture.clock.advance(TimeDelta::seconds(600 + leeway) - TimeDelta::microseconds(1));
        assert!(fixture.judge(&token).await.is_ok(), "{leeway}");
        fixture.clock.advance(TimeDelta::microseconds(1));
        assert_eq!(fixture.judge(&token).await, Err(Rejection::Expired), "{leeway}");
    }
}

#[tokio::test]
async fn nbf_and_iat_hold_to_the_second_with_leeway() {
    let fixture = fixture();
    let now = start().timestamp();
    for name in ["nbf", "iat"] {
        assert!(fixture.judge_with(&json!({ name: now + 30 })).await.is_ok(), "{name}");
        let early = fixture.judge_with(&json!({ name: now + 31 })).await;
        assert_eq!(early, Err(Rejection::NotYetValid), "{name}");
        assert!(fixture.judge_with(&json!({ name: 0 })).await.is_ok(), "{name}");
    }
    fixture.clock.advance(TimeDelta::seconds(1));
    assert!(fixture.judge_with(&json!({ "nbf": now + 31, "iat": now + 31 })).await.is_ok());
}

#[tokio::test]
async fn times_are_whole_or_fractional_seconds_up_to_the_year_9999() {
    let fixture = fixture();
    let exp = |verified: Result<Verified, Rejection>| verified.map(|verified| verified.expires_at);
    let half = exp(fixture.judge_with(&json!({ "exp": 1_800_000_600.5 })).await);
    assert_eq!(half, Ok(start() + TimeDelta::milliseconds(600_500)));
    let last = exp(fixture.judge_with(&json!({ "exp": 253_402_300_799_i64 })).await);
    assert_eq!(last.unwrap().to_rfc3339(), "9999-12-31T23:59:59+00:00");
    let wrong = [
        json!("1800000600"),
        json!(-1),
        json!(-1.5),
        json!(1e300),
        json!(u64::MAX),
        json!(253_402_300_800_i64),
    ];
    for value in wrong.into_iter().chain([json!(true), json!([1_800_000_600]), json!({})]) {
        for name in ["exp", "nbf", "iat"] {
            let verdict = fixture.judge_with(&json!({ name: value })).await;
            assert_eq!(verdict, Err(Rejection::Malformed), "{name} {value}");
        }
    }
}
