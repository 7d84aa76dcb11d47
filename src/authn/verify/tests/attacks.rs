//! Tests of tokens that were made to deceive.

use std::sync::LazyLock;

use proptest::prelude::*;
use tokio::runtime::Runtime;

use super::*;

#[tokio::test]
async fn an_unsigned_token_is_malformed() {
    let fixture = fixture();
    let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
    for alg in ["none", "None", "NONE", "nOnE", ""] {
        for issuer in [DEMO, CORPORATE] {
            let message = format!("{}.{}", part(json!({ "alg": alg, "typ": "JWT" })), part(claims(issuer)));
            for token in [format!("{message}."), message.clone(), format!("{message}.AAAA")] {
                assert_eq!(fixture.verifier.verify(&token).await, Err(Rejection::Malformed), "{token}");
            }
        }
    }
    let message = format!("{}.{}.", part(json!({ "alg": "RS256", "kid": "rsa" })), part(claims(CORPORATE)));
    assert_eq!(fixture.verifier.verify(&message).await, Err(Rejection::BadSignature), "empty signature");
}

#[tokio::test]
async fn a_public_key_is_never_a_shared_secret() {
    let fixture = fixture();
    for key in &fixture.keys {
        let jwk = serde_json::from_value(key.public()).unwrap();
        let mut guesses = vec![key.public().to_string().into_bytes()];
        let decoding = DecodingKey::from_jwk(&jwk).unwrap();
        guesses.extend(decoding.try_get_as_bytes().map(<[u8]>::to_vec));
        guesses.extend(key.public()["n"].as_str().map(|n| n.as_bytes().to_vec()));
        guesses.extend(key.public()["n"].as_str().map(|n| URL_SAFE_NO_PAD.decode(n).unwrap()));
        for guess in guesses {
            let header = json!({ "alg": "HS256", "kid": key.kid });
            let secret = EncodingKey::from_secret(&guess);
            let token = raw_token(&header, &claims(CORPORATE), &secret, Algorithm::HS256);
            assert_eq!(fixture.verifier.verify(&token).await, Err(Rejection::BadSignature), "{}", key.kid);
        }
    }
}

#[tokio::test]
async fn an_oct_key_in_the_set_verifies_nothing() {
    let good = TestKey::new("ec", Algorithm::ES256);
    let oct = json!({ "kty": "oct", "kid": "oct", "k": URL_SAFE_NO_PAD.encode(SECRET), "alg": "HS256", "use": "sig" });
    let server = Server::start(json!({ "keys": [oct, good.public()] }).to_string()).await;
    let settings = json!([{
        "issuer": CORPORATE, "audience": "guichet", "organization": "contoso", "keys": { "jwksUrl": server.url },
    }]);
    let verifier =
        Verifier::new(Issuers::parse(&settings.to_string(), true).unwrap(), Clock::manual(start()));
    assert!(verifier.verify(&corporate_token(&good, &claims(CORPORATE))).await.is_ok());
    for header in [json!({ "alg": "HS256", "kid": "oct" }), json!({ "alg": "HS256" })] {
        let verdict = verifier.verify(&demo_token(&header, &claims(CORPORATE))).await;
        assert_eq!(verdict, Err(Rejection::BadSignature));
    }
    assert_eq!(server.hits(), 1);
}

#[tokio::test]
async fn the_algorithm_is_one_of_the_settings_and_of_the_key() {
    let fixture = fixture_with(&json!({}));
    let rsa = fixture.key("rsa");
    for (algorithm, expected) in [
        (Algorithm::RS384, Rejection::BadSignature),
        (Algorithm::RS512, Rejection::BadSignature),
        (Algorithm::PS256, Rejection::BadSignature),
    ] {
        let header = json!({ "alg": format!("{algorithm:?}"), "kid": "rsa" });
        let token = raw_token(&header, &claims(CORPORATE), &rsa.private, algorithm);
        assert_eq!(fixture.verifier.verify(&token).await, Err(expected), "{algorithm:?}");
    }
    // The header names one family, the key is of another.
    for (alg, kid) in [("RS256", "ec"), ("ES256", "rsa"), ("EdDSA", "ec"), ("ES256", "ed")] {
        let header = json!({ "alg": alg, "kid": kid });
        let key = fixture.key(kid);
        let token = raw_token(&header, &claims(CORPORATE), &key.private, key.algorithm);
        assert_eq!(fixture.verifier.verify(&token).await, Err(Rejection::UnknownKey), "{alg} {kid}");
    }
    for algorithm in [Algorithm::HS384, Algorithm::HS512] {
        let header = json!({ "alg": format!("{algorithm:?}") });
        let secret = EncodingKey::from_secret(SECRET.as_bytes());
        let token = raw_token(&header, &claims(DEMO), &secret, algorithm);
        assert_eq!(fixture.verifier.verify(&token).await, Err(Rejection::BadSignature), "{algorithm:?}");
    }
}

#[tokio::test]
async fn a_key_of_one_issuer_does_not_sign_for_another() {
    let fixture = fixture();
    let ec = fixture.key("ec");
    assert_eq!(
        fixture.verifier.verify(&corporate_token(ec, &claims(DEMO))).await,
        Err(Rejection::BadSignature)
    );
    let token = demo_token(&json!({ "alg": "HS256", "kid": "ec" }), &claims(CORPORATE));
    assert_eq!(fixture.verifier.verify(&token).await, Err(Rejection::BadSignature));
    let impostor = TestKey::new("ec", Algorithm::ES256);
    let token = corporate_token(&impostor, &claims(CORPORATE));
    assert_eq!(fixture.verifier.verify(&token).await, Err(Rejection::BadSignature));
}

#[tokio::test]
async fn keys_and_addresses_in_the_header_are_not_looked_at() {
    let fixture = fixture();
    let impostor = TestKey::new("mine", Algorithm::ES256);
    let server = Server::start(set(&[&impostor])).await;
    let claims = claims(CORPORATE);
    for header in [
        json!({ "alg": "ES256", "kid": "mine", "jwk": impostor.public() }),
        json!({ "alg": "ES256", "kid": "mine", "jku": server.url, "x5u": server.url }),
    ] {
        let token = raw_token(&header, &claims, &impostor.private, Algorithm::ES256);
        assert_eq!(fixture.verifier.verify(&token).await, Err(Rejection::UnknownKey));
    }
    let header = json!({ "alg": "ES256", "jwk": impostor.public() });
    let token = raw_token(&header, &claims, &impostor.private, Algorithm::ES256);
    assert_eq!(
        fixture.verifier.verify(&token).await,
        Err(Rejection::BadSignature),
        "the only ES256 key is tried"
    );
    assert_eq!(server.hits(), 0);
}

#[tokio::test]
async fn any_critical_header_is_refused() {
    let fixture = fixture();
    for crit in [json!(["exp"]), json!(["b64"]), json!([]), json!(null), json!("exp"), json!(7)] {
        let token = demo_token(&json!({ "alg": "HS256", "crit": crit, "b64": true }), &claims(DEMO));
        assert_eq!(fixture.verifier.verify(&token).await, Err(Rejection::Malformed), "{crit}");
    }
}

#[tokio::test]
async fn only_access_tokens_and_plain_jwts_are_accepted() {
    let fixture = fixture();
    let verify = async |typ: &str, changes: &Value| {
        let header = json!({ "alg": "HS256", "typ": typ });
        fixture.verifier.verify(&demo_token(&header, &changed(claims(DEMO), changes))).await
    };
    for typ in ["JWT", "jwt", "at+jwt", "AT+JWT", "application/at+jwt", "Application/at+JWT"] {
        assert!(verify(typ, &json!({})).await.is_ok(), "{typ}");
    }
    for typ in ["", "id+jwt", "logout+jwt", "secevent+jwt", "dpop+jwt", "JWE", "at+jwt ", "application/jwt"] {
        assert_eq!(verify(typ, &json!({})).await, Err(Rejection::WrongType), "{typ}");
    }
    for sign in ["nonce", "at_hash", "c_hash"] {
        let changes = json!({ sign: "x" });
        assert_eq!(verify("JWT", &changes).await, Err(Rejection::WrongType), "{sign}");
        assert_eq!(fixture.judge_with(&changes).await, Err(Rejection::WrongType), "{sign} without typ");
        assert!(verify("at+jwt", &changes).await.is_ok(), "{sign} in a typed access token");
    }
}

#[tokio::test]
async fn a_claim_that_is_given_twice_is_not_read_in_two_ways() {
    let fixture = fixture();
    let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
    let now = start().timestamp();
    let rest = format!(r#""aud":"guichet","sub":"a","exp":{}"#, now + 60);
    for claims in [
        format!(r#"{{"iss":"{CORPORATE}","iss":"{DEMO}",{rest}}}"#),
        format!(r#"{{"iss":"{DEMO}",{rest},"aud":"other"}}"#),
        format!(r#"{{"iss":"{DEMO}",{rest},"exp":{}}}"#, now + 600),
        format!(r#"{{"iss":"{DEMO}",{rest},"sub":"b"}}"#),
    ] {
        let message = format!("{}.{}", part(r#"{"alg":"HS256"}"#), part(&claims));
        let key = EncodingKey::from_secret(SECRET.as_bytes());
        let signature = sign(message.as_bytes(), &key, Algorithm::HS256).unwrap();
        let verdict = fixture.verifier.verify(&format!("{message}.{signature}")).await;
        assert_eq!(verdict, Err(Rejection::Malformed), "{claims}");
    }
}

#[tokio::test]
async fn a_token_is_at_most_8_kib() {
    let fixture = fixture();
    let token = |padding: usize| {
        let padded = changed(claims(DEMO), &json!({ "pad": "x".repeat(padding) }));
        demo_token(&json!({ "alg": "HS256" }), &padded)
    };
    let (mut longest, mut next) = (token(5_000), token(5_001));
    for padding in 5_002.. {
        if next.len() > LONGEST_TOKEN {
            break;
        }
        longest = std::mem::replace(&mut next, token(padding));
    }
    assert!(next.len() <= LONGEST_TOKEN + 2, "one more byte is one or two more letters");
    assert!(fixture.verifier.verify(&longest).await.is_ok());
    assert_eq!(fixture.verifier.verify(&next).await, Err(Rejection::Malformed));
}

#[tokio::test]
async fn other_formats_are_malformed() {
    let fixture = fixture();
    let good = demo_token(&json!({ "alg": "HS256" }), &claims(DEMO));
    assert!(fixture.verifier.verify(&good).await.is_ok());
    for token in ["", ".", "..", "...", "a.b.c", "github_pat_abc", &format!("{good}.x"), &format!("{good}=")]
    {
        assert_eq!(fixture.verifier.verify(token).await, Err(Rejection::Malformed), "{token}");
    }
    for token in [format!(" {good}"), format!("{good}\n"), good.replace('.', "..")] {
        assert_eq!(fixture.verifier.verify(&token).await, Err(Rejection::Malformed));
    }
    for claims in [json!([]), json!("text"), json!(7), json!(null)] {
        assert!(fixture.judge(&claims).await.is_err(), "{claims}");
    }
}

#[tokio::test]
async fn without_keys_the_answer_says_so_and_recovers() {
    let key = TestKey::new("a", Algorithm::ES256);
    let server = Server::start("down".to_owned()).await;
    let settings = json!([{
        "issuer": CORPORATE, "audience": "guichet", "organization": "contoso", "keys": { "jwksUrl": server.url },
    }]);
    let clock = Clock::manual(start());
    let verifier = Verifier::new(Issuers::parse(&settings.to_string(), false).unwrap(), clock.clone());
    let token = corporate_token(&key, &claims(CORPORATE));
    assert_eq!(verifier.verify(&token).await, Err(Rejection::KeysUnavailable));
    server.publish(set(&[&key]));
    clock.advance(TimeDelta::seconds(30));
    assert!(verifier.verify(&token).await.is_ok());
    let other = corporate_token(&TestKey::new("b", Algorithm::ES256), &claims(CORPORATE));
    assert_eq!(verifier.verify(&other).await, Err(Rejection::UnknownKey));
}

#[test]
fn a_description_fits_a_header_and_shows_nothing_of_the_token() {
    let all = [
        Rejection::Malformed,
        Rejection::UntrustedIssuer,
        Rejection::UnknownKey,
        Rejection::BadSignature,
        Rejection::Expired,
        Rejection::NotYetValid,
        Rejection::WrongAudience,
        Rejection::MissingClaim,
        Rejection::WrongType,
        Rejection::KeysUnavailable,
    ];
    let texts: std::collections::BTreeSet<_> = all.iter().map(Rejection::description).collect();
    assert_eq!(texts.len(), all.len());
    for text in texts {
        assert!(
            text.bytes().all(|byte| (byte.is_ascii_graphic() || byte == b' ') && !b"\"\\".contains(&byte))
        );
    }
}

static SHARED: LazyLock<(Runtime, Fixture)> = LazyLock::new(|| (Runtime::new().unwrap(), fixture()));

fn verdict(token: &str) -> Result<Verified, Rejection> {
    let (runtime, fixture) = &*SHARED;
    runtime.block_on(fixture.verifier.verify(token))
}

/// Good tokens, one of each algorithm.
static GOOD: LazyLock<Vec<String>> = LazyLock::new(|| {
    let fixture = &SHARED.1;
    let corporate = fixture.keys.iter().map(|key| corporate_token(key, &claims(CORPORATE)));
    let tokens: Vec<String> =
        corporate.chain([demo_token(&json!({ "alg": "HS256" }), &claims(DEMO))]).collect();
    assert!(tokens.iter().all(|token| verdict(token).is_ok()));
    tokens
});

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
        "[a-z_]{1,8}:?[a-z0-9_]{0,8}@?".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::hash_map("[a-z.]{0,6}", inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn arbitrary_text_never_verifies(text in any::<String>(), bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(verdict(&text).is_err());
        prop_assert!(verdict(&String::from_utf8_lossy(&bytes)).is_err());
        let parts: Vec<String> = bytes.chunks(100).map(|part| URL_SAFE_NO_PAD.encode(part)).collect();
        prop_assert!(verdict(&parts.join(".")).is_err());
    }

    #[test]
    fn a_mutated_token_never_verifies(
        which in 0..4_usize,
        edits in prop::collection::vec((any::<prop::sample::Index>(), "[A-Za-z0-9_.=-]{0,2}", 0..3_usize), 1..4),
    ) {
        let good = &GOOD[which];
        let mut token = good.clone();
        for (at, text, removed) in edits {
            let at = at.index(token.len() + 1);
            let end = (at + removed).min(token.len());
            token.replace_range(at..end, &text);
        }
        prop_assert!(token == *good || verdict(&token).is_err(), "{token}");
    }

    #[test]
    fn arbitrary_signed_headers_and_claims_never_panic(
        header in prop::collection::hash_map("typ|kid|crit|cty|jwk|x", any_json(), 0..3),
        changes in prop::collection::hash_map("iss|aud|sub|exp|nbf|iat|roles|name|email|tid|nonce|x", any_json(), 0..5),
    ) {
        let mut header = Value::Object(header.into_iter().collect());
        header["alg"] = json!("HS256");
        let changes = Value::Object(changes.into_iter().collect());
        let token = demo_token(&header, &changed(claims(DEMO), &changes));
        if let Ok(verified) = verdict(&token) {
            prop_assert_eq!(verified.issuer, DEMO);
            prop_assert!(header.get("crit").is_none() && changes.get("iss").is_none_or(Value::is_null));
        }
    }
}
