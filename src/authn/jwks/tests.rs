//! Tests of the key set: what is a key, when it is read, what stays when it cannot be.

use std::time::{Duration, Instant};

use axum::http::StatusCode;
use serde_json::json;

use super::testing::{Server, TestKey, set, start};
use super::*;

const ALL: [Algorithm; 4] = [Algorithm::RS256, Algorithm::ES256, Algorithm::ES384, Algorithm::EdDSA];

fn key(kid: &str) -> TestKey {
    TestKey::new(kid, Algorithm::ES256)
}

fn keys_at(source: SetSource) -> (Arc<KeySet>, Clock) {
    let clock = Clock::manual(start());
    (KeySet::new("https://issuer.example/".to_owned(), source, ALL.to_vec(), clock.clone()), clock)
}

fn keys_of(server: &Server) -> (Arc<KeySet>, Clock) {
    keys_at(SetSource::Url(server.url.clone()))
}

async fn found(keys: &Arc<KeySet>, kid: &str) -> Result<(), Miss> {
    keys.find(Some(kid), Algorithm::ES256).await.map(drop)
}

/// The ids and algorithms of the keys in a set that holds `keys`.
fn usable(keys: &[Value]) -> Vec<(Option<String>, Vec<Algorithm>)> {
    let body = json!({ "keys": keys }).to_string();
    let usable = usable_keys(body.as_bytes(), &ALL).unwrap_or_default();
    usable.into_iter().map(|key| (key.id, key.algorithms)).collect()
}

fn with(mut jwk: Value, field: &str, value: Value) -> Value {
    jwk[field] = value;
    jwk
}

fn without(mut jwk: Value, field: &str) -> Value {
    jwk.as_object_mut().unwrap().remove(field);
    jwk
}

#[test]
fn each_type_of_key_is_usable_with_its_own_algorithm_even_without_alg_and_use() {
    for algorithm in ALL {
        let jwk = TestKey::new("k", algorithm).public();
        let one = vec![(Some("k".to_owned()), vec![algorithm])];
        assert_eq!(usable(std::slice::from_ref(&jwk)), one, "{algorithm:?}");
        assert_eq!(usable(&[without(without(jwk, "alg"), "use")]), one, "{algorithm:?} without alg");
    }
}

#[test]
fn keys_for_anything_but_verifying_are_passed_over_and_do_not_spoil_the_set() {
    let ec = || key("bad").public();
    let rsa = || TestKey::new("bad", Algorithm::RS256).public();
    let bad = [
        with(ec(), "use", json!("enc")),
        with(rsa(), "use", json!("enc")),
        with(rsa(), "use", json!("tls")),
        with(ec(), "use", json!(7)),
        with(ec(), "key_ops", json!(["sign"])),
        json!({ "kty": "oct", "kid": "bad", "k": "c2VjcmV0", "alg": "HS256", "use": "sig" }),
        json!({ "kty": "oct", "kid": "bad", "k": "c2VjcmV0" }),
        json!({ "kty": "oct", "kid": "bad", "k": "c2VjcmV0", "alg": "RS256" }),
        json!({ "kty": "AKP", "kid": "bad", "alg": "ML-DSA-44", "pub": "AAAA" }),
        json!({ "kty": "OKP", "kid": "bad", "crv": "X25519", "x": "AAAA" }),
        with(ec(), "crv", json!("secp256k1")),
        with(rsa(), "alg", json!("RSA-OAEP")),
        with(rsa(), "alg", json!("RS384")),
        with(rsa(), "alg", json!("ES256")),
        with(rsa(), "alg", json!("HS256")),
        with(rsa(), "n", json!("not base64!")),
        json!("nonsense"),
        json!({}),
    ];
    for jwk in &bad {
        assert_eq!(usable(std::slice::from_ref(jwk)), [], "{jwk}");
    }
    let mut all = bad.to_vec();
    all.push(key("good").public());
    assert_eq!(usable(&all), [(Some("good".to_owned()), vec![Algorithm::ES256])]);
}

#[test]
fn of_two_keys_with_one_id_and_algorithm_the_first_stays() {
    let (first, second) = (key("same"), key("same"));
    let other_type = TestKey::new("same", Algorithm::EdDSA);
    let body = set(&[&first, &second, &other_type]);
    let keys = usable_keys(body.as_bytes(), &ALL).unwrap();
    let algorithms: Vec<_> = keys.iter().map(|key| key.algorithms.clone()).collect();
    assert_eq!(algorithms, [[Algorithm::ES256], [Algorithm::EdDSA]]);
    let expected = DecodingKey::from_jwk(&serde_json::from_value(first.public()).unwrap()).unwrap();
    assert_eq!(keys[0].decoding.try_get_as_bytes().unwrap(), expected.try_get_as_bytes().unwrap());
}

#[tokio::test]
async fn the_set_is_read_once_when_first_needed() {
    let server = Server::start(set(&[&key("a")])).await;
    let (keys, _clock) = keys_of(&server);
    assert_eq!(server.hits(), 0);
    for _ in 0..20 {
        assert_eq!(found(&keys, "a").await, Ok(()));
    }
    assert_eq!(server.hits(), 1);
    assert_eq!(server.agents(), ["guichet"]);
}

#[tokio::test]
async fn a_key_without_an_id_in_the_token_is_found_only_if_it_is_the_only_one_that_fits() {
    let server = Server::start(set(&[&key("a"), &TestKey::new("b", Algorithm::EdDSA)])).await;
    let (keys, clock) = keys_of(&server);
    assert!(keys.find(None, Algorithm::ES256).await.is_ok());
    assert!(keys.find(None, Algorithm::EdDSA).await.is_ok());
    assert_eq!(keys.find(None, Algorithm::RS256).await.err(), Some(Miss::Unknown));
    assert_eq!(keys.find(Some("b"), Algorithm::ES256).await.err(), Some(Miss::Unknown));
    server.publish(set(&[&key("a"), &key("c")]));
    clock.advance(PAUSE);
    assert_eq!(found(&keys, "c").await, Ok(()));
    assert_eq!(keys.find(None, Algorithm::ES256).await.err(), Some(Miss::Unknown));
}

#[tokio::test]
async fn an_unknown_key_causes_one_reading_in_30_seconds_and_brings_the_rotation() {
    let (old, new) = (key("old"), key("new"));
    let server = Server::start(set(&[&old])).await;
    let (keys, clock) = keys_of(&server);
    assert_eq!(found(&keys, "old").await, Ok(()));
    server.publish(set(&[&new]));
    clock.advance(PAUSE - TimeDelta::microseconds(1));
    for n in 0..20 {
        assert_eq!(found(&keys, &format!("invented-{n}")).await, Err(Miss::Unknown));
    }
    assert_eq!(found(&keys, "new").await, Err(Miss::Unknown));
    assert_eq!(server.hits(), 1, "too early to read again");
    clock.advance(TimeDelta::microseconds(1));
    assert_eq!(found(&keys, "new").await, Ok(()));
    assert_eq!(server.hits(), 2);
    assert_eq!(found(&keys, "old").await, Err(Miss::Unknown), "a key that is gone verifies nothing");
    assert_eq!(server.hits(), 2);
}

#[tokio::test]
async fn old_keys_stay_while_the_issuer_is_down_or_answers_nonsense() {
    let a = key("a");
    let server = Server::start(set(&[&a])).await;
    let (keys, clock) = keys_of(&server);
    assert_eq!(found(&keys, "a").await, Ok(()));
    let padding = " ".repeat(LARGEST_SET);
    let answers = [
        (StatusCode::SERVICE_UNAVAILABLE, set(&[&key("b")])),
        (StatusCode::NO_CONTENT, String::new()),
        (StatusCode::OK, "<html>".to_owned()),
        (StatusCode::OK, "[]".to_owned()),
        (StatusCode::OK, "{}".to_owned()),
        (StatusCode::OK, json!({ "keys": [] }).to_string()),
        (StatusCode::OK, json!({ "keys": [with(a.public(), "use", json!("enc"))] }).to_string()),
        (StatusCode::OK, set(&[&key("b")]) + &padding),
    ];
    for (n, (status, body)) in answers.into_iter().enumerate() {
        server.answer(status, body);
        clock.advance(PAUSE);
        assert_eq!(found(&keys, "b").await, Err(Miss::Unknown), "answer {n}");
        assert_eq!(found(&keys, "a").await, Ok(()), "answer {n}");
        assert_eq!(server.hits(), n + 2);
    }
    let body = set(&[&key("b")]);
    let exact = " ".repeat(LARGEST_SET - body.len());
    server.publish(body + &exact);
    clock.advance(PAUSE);
    assert_eq!(found(&keys, "b").await, Ok(()), "the limit itself is allowed");
}

#[tokio::test]
async fn without_any_keys_yet_the_answer_is_unavailable_and_30_seconds_pass_before_the_next_try() {
    let server = Server::start(String::new()).await;
    let (keys, clock) = keys_of(&server);
    for _ in 0..20 {
        assert_eq!(found(&keys, "a").await, Err(Miss::Unavailable));
    }
    assert_eq!(server.hits(), 1);
    server.publish(set(&[&key("a")]));
    clock.advance(PAUSE);
    assert_eq!(found(&keys, "a").await, Ok(()));
}

#[tokio::test]
async fn a_redirect_and_a_closed_port_are_failures() {
    let server = Server::start(set(&[&key("a")])).await;
    let (keys, _clock) = keys_at(SetSource::Url(server.url.join("/moved").unwrap()));
    assert_eq!(found(&keys, "a").await, Err(Miss::Unavailable));
    assert_eq!(server.hits(), 0, "the redirect is not followed");

    let closed = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let (keys, _clock) = keys_at(SetSource::Url(Url::parse(&format!("http://{closed}/")).unwrap()));
    assert_eq!(found(&keys, "a").await, Err(Miss::Unavailable));
}

#[tokio::test]
async fn concurrent_callers_share_one_reading() {
    let server = Server::start(set(&[&key("a")])).await;
    server.hold();
    let (keys, clock) = keys_of(&server);
    let calls: Vec<_> = (0..50)
        .map(|n| {
            let keys = Arc::clone(&keys);
            tokio::spawn(async move { found(&keys, if n % 2 == 0 { "a" } else { "invented" }).await })
        })
        .collect();
    server.wait_for_hits(1).await;
    // Those who wait go by the reading that was under way, even if it took long.
    clock.advance(PAUSE);
    server.resume();
    for (n, call) in calls.into_iter().enumerate() {
        let expected = if n % 2 == 0 { Ok(()) } else { Err(Miss::Unknown) };
        assert_eq!(call.await.unwrap(), expected);
    }
    assert_eq!(server.hits(), 1);
}

#[tokio::test]
async fn a_caller_who_waited_long_goes_by_the_reading_of_another() {
    let server = Server::start(set(&[&key("a")])).await;
    let (keys, clock) = keys_of(&server);
    let seen = keys.state.load_full();
    assert_eq!(found(&keys, "a").await, Ok(()));
    clock.advance(PAUSE);
    assert!(keys.read_again(&seen).await.find(Some("a"), Algorithm::ES256).is_some());
    assert_eq!(server.hits(), 1);
}

#[tokio::test]
async fn a_caller_who_hangs_up_does_not_stop_the_reading_for_the_others() {
    let server = Server::start(set(&[&key("a")])).await;
    server.hold();
    let (keys, _clock) = keys_of(&server);
    let spawn = |keys: Arc<KeySet>| tokio::spawn(async move { found(&keys, "a").await });
    let first = spawn(Arc::clone(&keys));
    server.wait_for_hits(1).await;
    let second = spawn(Arc::clone(&keys));
    first.abort();
    assert!(first.await.unwrap_err().is_cancelled());
    server.resume();
    assert_eq!(second.await.unwrap(), Ok(()));
    assert_eq!(server.hits(), 1);
}

#[tokio::test]
async fn an_old_set_serves_while_it_is_read_again_in_the_background() {
    let server = Server::start(set(&[&key("a")])).await;
    let (keys, clock) = keys_of(&server);
    assert_eq!(found(&keys, "a").await, Ok(()));
    clock.advance(FRESH - TimeDelta::microseconds(1));
    assert_eq!(found(&keys, "a").await, Ok(()));
    assert_eq!(server.hits(), 1, "still fresh");

    server.hold();
    server.publish(set(&[&key("b")]));
    clock.advance(TimeDelta::microseconds(1));
    for _ in 0..20 {
        assert_eq!(found(&keys, "a").await, Ok(()), "nobody waits");
    }
    server.wait_for_hits(2).await;
    server.resume();
    let deadline = Instant::now() + Duration::from_secs(10);
    while found(&keys, "a").await.is_ok() {
        assert!(Instant::now() < deadline, "the removed key still verifies");
        tokio::task::yield_now().await;
    }
    assert_eq!(found(&keys, "b").await, Ok(()));
    assert_eq!(server.hits(), 2);
}

#[tokio::test]
async fn an_old_set_is_tried_every_30_seconds_while_the_issuer_is_down() {
    let server = Server::start(set(&[&key("a")])).await;
    let (keys, clock) = keys_of(&server);
    assert_eq!(found(&keys, "a").await, Ok(()));
    server.answer(StatusCode::BAD_GATEWAY, String::new());
    clock.advance(FRESH);
    for round in 1..=3 {
        assert_eq!(found(&keys, "a").await, Ok(()));
        server.wait_for_hits(1 + round).await;
        // The background reading has ended when its turn can be taken.
        drop(keys.reading.lock().await);
        for _ in 0..20 {
            assert_eq!(found(&keys, "a").await, Ok(()));
        }
        drop(keys.reading.lock().await);
        assert_eq!(server.hits(), 1 + round);
        clock.advance(PAUSE);
    }
}

#[tokio::test]
async fn a_clock_that_is_set_back_does_not_stop_the_readings() {
    let server = Server::start(set(&[&key("a")])).await;
    let (keys, clock) = keys_of(&server);
    assert_eq!(found(&keys, "a").await, Ok(()));
    clock.advance(TimeDelta::days(-1));
    server.publish(set(&[&key("b")]));
    assert_eq!(found(&keys, "b").await, Ok(()));
}

#[tokio::test]
async fn a_file_is_read_like_an_address() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("keys.json");
    let (keys, clock) = keys_at(SetSource::File(path.clone()));
    assert_eq!(found(&keys, "a").await, Err(Miss::Unavailable));
    std::fs::write(&path, set(&[&key("a")])).unwrap();
    clock.advance(PAUSE);
    assert_eq!(found(&keys, "a").await, Ok(()));
    std::fs::write(&path, set(&[&key("b")]) + &" ".repeat(LARGEST_SET)).unwrap();
    clock.advance(PAUSE);
    assert_eq!(found(&keys, "b").await, Err(Miss::Unknown), "too large");
    std::fs::write(&path, set(&[&key("b")])).unwrap();
    clock.advance(PAUSE);
    assert_eq!(found(&keys, "b").await, Ok(()));
    assert_eq!(found(&keys, "a").await, Err(Miss::Unknown));
}
