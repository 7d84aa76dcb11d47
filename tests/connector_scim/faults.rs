//! What the connector answers when the way to the server, or the server, fails.

use std::time::Duration;

use axum::http::Method;
use entity::delivery::DeliveryErrorCode as Code;
use guichet::connector::outgoing::is_network_failure;
use guichet::connector::{Connector as _, Done, Failure};

use super::fault_proxy::{FaultProxy, Mode};
use super::{Gives as _, Peer, connect, connect_impatiently, member_of, person};

/// Asks for an addition and a removal in `mode`, shows that nothing happened, and gives the failure.
async fn failure_in(mode: Mode) -> Option<Failure> {
    let peer = Peer::start().await?;
    let proxy = FaultProxy::start(&peer.origin()).await;
    let base_url = format!("{}/scim/v2", proxy.origin());
    let patient = connect(&base_url);
    assert_eq!(patient.give(&person("ada"), &member_of("team")).await, Ok(Done::Changed));
    let before = (peer.writes().await, peer.members("team").await);

    let scim = if mode == Mode::Hang { connect_impatiently(&base_url) } else { connect(&base_url) };
    proxy.set(mode);
    let failure = scim.give(&person("bob"), &member_of("team")).await.expect_err("a fault");
    let other = scim.take(&person("ada"), &member_of("team")).await.expect_err("a fault");
    assert_eq!(other, failure);
    assert_eq!(scim.check().await, Err(failure.clone()));
    assert_eq!((peer.writes().await, peer.members("team").await), before);

    proxy.set(Mode::Pass);
    assert_eq!(patient.take(&person("ada"), &member_of("team")).await, Ok(Done::Changed));
    Some(failure)
}

#[tokio::test]
async fn a_server_error_is_unavailable() {
    let Some(failure) = failure_in(Mode::Status(500)).await else { return };
    assert_eq!((failure.code, failure.remote_status), (Code::RemoteUnavailable, Some(500)));
    assert_eq!(failure.retry_after, None);
    assert!(!is_network_failure(&failure));
}

#[tokio::test]
async fn a_throttle_tells_how_long_to_wait() {
    let Some(failure) = failure_in(Mode::Throttle("7".to_owned())).await else { return };
    assert_eq!((failure.code, failure.remote_status), (Code::RemoteThrottled, Some(429)));
    assert_eq!(failure.retry_after, Some(Duration::from_secs(7)));
}

#[tokio::test]
async fn a_throttle_until_a_date_is_counted_by_our_clock() {
    let Some(failure) = failure_in(Mode::Throttle("Thu, 01 Jan 2026 00:02:00 GMT".to_owned())).await else {
        return;
    };
    assert_eq!(failure.code, Code::RemoteThrottled);
    assert_eq!(failure.retry_after, Some(Duration::from_secs(120)));
}

#[tokio::test]
async fn a_server_that_is_down_is_unavailable() {
    let Some(failure) = failure_in(Mode::Down).await else { return };
    assert_eq!((failure.code, failure.remote_status), (Code::RemoteUnavailable, None));
    assert!(is_network_failure(&failure));
}

#[tokio::test]
async fn a_port_where_nobody_listens_is_unavailable() {
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
    let address = listener.local_addr().expect("the address");
    drop(listener);
    let failure = connect(&format!("http://{address}")).check().await.expect_err("nobody there");
    assert_eq!((failure.code, failure.remote_status), (Code::RemoteUnavailable, None));
    assert_eq!(failure.message, "The remote could not be reached.");
}

#[tokio::test]
async fn a_server_that_hangs_times_out() {
    let Some(failure) = failure_in(Mode::Hang).await else { return };
    assert_eq!((failure.code, failure.remote_status), (Code::RemoteTimeout, None));
    assert!(is_network_failure(&failure));
}

#[tokio::test]
async fn a_page_of_a_proxy_is_no_success() {
    let Some(failure) = failure_in(Mode::Html200).await else { return };
    assert_eq!((failure.code, failure.remote_status), (Code::RejectedByRemote, Some(200)));
    assert_eq!(failure.message, "The remote did not answer in SCIM.");
}

#[tokio::test]
async fn an_unheard_answer_is_replaced_by_looking() {
    for mode in [Mode::SwallowAnswer(Method::PATCH), Mode::ReplaceAnswer(Method::PATCH, 502)] {
        let Some(peer) = Peer::start().await else { return };
        let proxy = FaultProxy::start(&peer.origin()).await;
        let scim = connect(&format!("{}/scim/v2", proxy.origin()));
        proxy.set(mode);
        assert_eq!(scim.give(&person("ada"), &member_of("team")).await, Ok(Done::Changed));
        assert_eq!(peer.members("team").await.len(), 1);
        assert_eq!(scim.give(&person("ada"), &member_of("team")).await, Ok(Done::AlreadySo));
        assert_eq!(peer.members("team").await.len(), 1);
        assert_eq!(scim.take(&person("ada"), &member_of("team")).await, Ok(Done::Changed));
        assert!(peer.members("team").await.is_empty());
        assert_eq!(peer.writes().await, ["POST", "PATCH", "PATCH"]);
    }
}

#[tokio::test]
async fn an_unheard_creation_makes_one_person() {
    let Some(peer) = Peer::start().await else { return };
    let proxy = FaultProxy::start(&peer.origin()).await;
    let scim = connect(&format!("{}/scim/v2", proxy.origin()));
    proxy.set(Mode::SwallowAnswer(Method::POST));
    assert_eq!(scim.give(&person("ada"), &member_of("team")).await, Ok(Done::Changed));
    assert_eq!(peer.list("__users").await.len(), 1);
    assert_eq!(peer.writes().await, ["POST", "PATCH"]);
}
