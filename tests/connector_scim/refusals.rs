//! What the connector does not do: follow, reach inside, read without end, repeat a secret.

use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use entity::delivery::DeliveryErrorCode as Code;
use futures_util::stream;
use guichet::connector::outgoing::TimeLimits;
use guichet::connector::scim::ScimSettings;
use guichet::connector::{Connector as _, Failure, REMOTE_TEXT_LIMIT, Target};
use guichet::secret::Secret;

use super::{Fake, Gives as _, TOKEN, connect, error, group, list, member_of, person, settings, try_connect};

async fn add_to(base_url: &str) -> Failure {
    connect(base_url).give(&person("ada"), &member_of("g")).await.expect_err("a refusal")
}

#[tokio::test]
async fn a_secret_that_the_server_repeats_is_removed() {
    let fake = Fake::start(|seen| {
        let sent = seen.authorization.clone().unwrap_or_default();
        let encoded = STANDARD.encode(&sent);
        let url: String = url::form_urlencoded::byte_serialize(TOKEN.as_bytes()).collect();
        error(400, &format!("a {TOKEN} b {encoded} c {url} d {sent} e Authorization: {sent}\u{7} {TOKEN}"))
    })
    .await;
    let failure = add_to(&fake.origin).await;
    assert_eq!(fake.seen()[0].authorization, Some(format!("Bearer {TOKEN}")));
    assert_eq!((failure.code, failure.remote_status), (Code::RejectedByRemote, Some(400)));
    assert!(failure.message.starts_with("a [removed] b "), "{failure}");
    assert!(failure.message.contains(" c [removed] d "), "{failure}");
    for part in ["scim-token", "odd", "letters", &STANDARD.encode("im-token/w"), "\u{7}"] {
        assert!(!format!("{failure} {failure:?}").contains(part), "{failure}");
    }
    assert!(!format!("{:?}", settings(&fake.origin)).contains(TOKEN));
}

#[tokio::test]
async fn long_words_of_the_server_are_cut() {
    let fake = Fake::start(|_| error(400, &"ö".repeat(5_000))).await;
    assert_eq!(add_to(&fake.origin).await.message, "ö".repeat(REMOTE_TEXT_LIMIT));
}

/// An answer in pieces, whose length is not told before; `pieces` of 64 KiB.
fn flood(status: StatusCode, pieces: usize) -> Response {
    let piece = Bytes::from(vec![b' '; 64 * 1024]);
    let pieces = stream::iter((0..pieces).map(move |_| Ok::<_, std::io::Error>(piece.clone())));
    (status, [(header::CONTENT_TYPE, "application/scim+json")], Body::from_stream(pieces)).into_response()
}

#[tokio::test]
async fn an_answer_over_the_limit_is_not_read() {
    let fake = Fake::start(|_| flood(StatusCode::OK, usize::MAX)).await;
    let failure = add_to(&fake.origin).await;
    assert_eq!((failure.code, failure.remote_status), (Code::RejectedByRemote, Some(200)));
    let fake = Fake::start(|_| flood(StatusCode::SERVICE_UNAVAILABLE, usize::MAX)).await;
    let failure = add_to(&fake.origin).await;
    assert_eq!((failure.code, failure.remote_status), (Code::RemoteUnavailable, Some(503)));
}

#[tokio::test]
async fn a_success_that_is_no_scim_is_refused() {
    for body in
        ["", "OK", "<html></html>", "[]", "null", "{}", r#"{"ok": true}"#, r#"{"id": "g", "members": 1}"#]
    {
        let fake = Fake::start(move |_| body.into_response()).await;
        let failure = add_to(&fake.origin).await;
        assert_eq!((failure.code, failure.remote_status), (Code::RejectedByRemote, Some(200)), "{body}");
        assert_eq!(failure.message, "The remote did not answer in SCIM.");
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    for status in [301, 302, 303, 307, 308] {
        let elsewhere = Fake::start(|_| group(&[])).await;
        let to = format!("{}/stolen", elsewhere.origin);
        let status_code = StatusCode::from_u16(status).expect("a status");
        let fake =
            Fake::start(move |_| (status_code, [(header::LOCATION, to.clone())]).into_response()).await;
        let failure = add_to(&fake.origin).await;
        assert_eq!((failure.code, failure.remote_status), (Code::RejectedByRemote, Some(status)));
        assert!(elsewhere.seen().is_empty());
    }
}

#[tokio::test]
async fn unavailable_tells_how_long_and_other_failures_do_not() {
    for (status, code, wait) in [
        (503, Code::RemoteUnavailable, Some(Duration::from_secs(9))),
        (429, Code::RemoteThrottled, Some(Duration::from_secs(9))),
        (500, Code::RemoteUnavailable, None),
        // Whatever the status: who says when to come back, throttles.
        (403, Code::RemoteThrottled, Some(Duration::from_secs(9))),
        (418, Code::RejectedByRemote, None),
    ] {
        let status_code = StatusCode::from_u16(status).expect("a status");
        let fake = Fake::start(move |_| (status_code, [(header::RETRY_AFTER, "9")]).into_response()).await;
        let failure = add_to(&fake.origin).await;
        assert_eq!((failure.code, failure.remote_status, failure.retry_after), (code, Some(status), wait));
    }
}

#[tokio::test]
async fn a_role_that_groups_do_not_have_is_told_without_a_call() {
    let fake = Fake::start(|_| list(&[])).await;
    let scim = connect(&fake.origin);
    let owner = Target { role: "owner".to_owned(), ..member_of("g") };
    for answer in [scim.add("u1", &owner).await, scim.remove("u1", &owner).await] {
        assert_eq!(answer.expect_err("no such role").code, Code::RoleNotFound);
    }
    assert!(fake.seen().is_empty());
}

#[tokio::test]
async fn a_private_address_is_refused_by_default() {
    let fake = Fake::start(|_| list(&[])).await;
    let port = fake.origin.rsplit(':').next().expect("a port").to_owned();
    let closed = |url: &str| ScimSettings { allow_private_addresses: false, ..settings(url) };

    for literal in ["http://127.0.0.1", "https://127.0.0.1", "https://[::1]", "https://[::ffff:127.0.0.1]"] {
        let failure = try_connect(&closed(&format!("{literal}:{port}"))).err().expect("a refusal");
        assert_eq!(failure.code, Code::ConnectorMisconfigured, "{literal}");
        assert!(!failure.message.contains("127"), "{failure}");
    }
    let name = try_connect(&closed(&format!("https://localhost:{port}"))).expect("a name may be good");
    let failure = name.check().await.expect_err("a refusal");
    assert_eq!(failure.code, Code::ConnectorMisconfigured);
    assert_eq!(failure.message, "The address leads to a network that calls may not go to.");
    assert!(fake.seen().is_empty());

    let allowed = connect(&format!("http://localhost:{port}"));
    assert_eq!(allowed.check().await, Ok(()));
    assert!(!fake.seen().is_empty());
}

#[tokio::test]
async fn a_server_that_speaks_no_tls_is_unavailable() {
    let fake = Fake::start(|_| list(&[])).await;
    let failure = connect(&fake.origin.replace("http:", "https:")).check().await.expect_err("no TLS there");
    assert_eq!((failure.code, failure.remote_status), (Code::RemoteUnavailable, None));
}

#[tokio::test]
async fn settings_that_cannot_work_are_told_at_once() {
    for url in [
        "",
        "scim.example",
        "/v2",
        "ftp://scim.example/",
        "mailto:a@example.com",
        "https://",
        "https://user:word@scim.example/",
        "https://scim.example/v2?a=b",
        "https://scim.example/v2#a",
        "http://8.8.8.8/",
        "https://a b/",
    ] {
        let failure = try_connect(&settings(url)).err().expect("a refusal");
        assert_eq!(failure.code, Code::ConnectorMisconfigured, "{url}");
    }
    for token in ["", " ", "a\nb", "a\0b"] {
        let settings = ScimSettings { token: Secret::new(token), ..settings("https://scim.example/v2") };
        let failure = try_connect(&settings).err().expect("a refusal");
        assert_eq!(failure.code, Code::ConnectorMisconfigured);
    }
}

#[tokio::test]
async fn the_whole_call_ends_by_its_limit() {
    let (started, fake) = (std::time::Instant::now(), Fake::start(|_| flood_slowly()).await);
    let limits = TimeLimits { call: Duration::from_millis(200), ..TimeLimits::default() };
    let scim = try_connect(&ScimSettings { limits, ..settings(&fake.origin) }).expect("settings that work");
    let failure = scim.give(&person("ada"), &member_of("g")).await.expect_err("no end");
    assert_eq!(failure.code, Code::RemoteTimeout);
    assert!(started.elapsed() < Duration::from_secs(5));
}

/// An answer that begins and never ends.
fn flood_slowly() -> Response {
    Body::from_stream(stream::pending::<Result<Bytes, std::io::Error>>()).into_response()
}
