//! What the connector does with a real server that is well.

use entity::delivery::DeliveryErrorCode as Code;
use guichet::connector::scim::ScimSettings;
use guichet::connector::{Connector as _, Done, Person};
use guichet::secret::Secret;
use serde_json::json;

use super::{Gives as _, Peer, connect, member_of, person, settings, try_connect};

#[tokio::test]
async fn a_person_is_created_given_access_and_loses_it() {
    let Some(peer) = Peer::start().await else { return };
    let scim = connect(&peer.base_url());
    let (ada, team) = (person("ada"), member_of("team"));

    assert_eq!(scim.give(&ada, &team).await, Ok(Done::Changed));
    let users = peer.list("__users").await;
    assert_eq!(users.len(), 1);
    assert_eq!(users[0]["externalId"], "ada");
    assert_eq!(users[0]["userName"], "ada@example.com");
    assert_eq!(users[0]["displayName"], "Ada Lovelace");
    assert_eq!(users[0]["emails"][0]["value"], "ada@example.com");
    assert_eq!(users[0]["active"], true);
    let user = users[0]["id"].as_str().expect("an id").to_owned();
    assert_eq!(peer.members("team").await, [user.as_str()]);
    assert_eq!(peer.writes().await, ["POST", "PATCH"]);

    assert_eq!(scim.give(&ada, &team).await, Ok(Done::AlreadySo));
    assert_eq!(peer.members("team").await, [user.as_str()]);
    assert_eq!(peer.writes().await, ["POST", "PATCH"]);

    assert_eq!(scim.take(&ada, &team).await, Ok(Done::Changed));
    // A removal is sent whatever the group shows.
    scim.take(&ada, &team).await.expect("nothing to take");
    assert!(peer.members("team").await.is_empty());
    assert_eq!(peer.writes().await, ["POST", "PATCH", "PATCH", "PATCH"]);
}

#[tokio::test]
async fn a_person_is_found_by_our_id_before_the_login_name() {
    let Some(peer) = Peer::start().await else { return };
    peer.put("__users", json!({"id": "u1", "userName": "renamed@example.com", "externalId": "ada"})).await;
    peer.put("__users", json!({"id": "u2", "userName": "ada@example.com"})).await;
    let scim = connect(&peer.base_url());
    assert_eq!(scim.give(&person("ada"), &member_of("team")).await, Ok(Done::Changed));
    assert_eq!(peer.members("team").await, ["u1"]);
}

#[tokio::test]
async fn a_person_is_found_by_the_login_name_and_used_as_they_are() {
    let Some(peer) = Peer::start().await else { return };
    let by_email = json!({"id": "u1", "userName": "ada@example.com"});
    let by_subject = json!({"id": "u2", "userName": "subject-bob"});
    peer.put("__users", by_email.clone()).await;
    peer.put("__users", by_subject.clone()).await;
    let scim = connect(&peer.base_url());
    let bob = Person { user_name: "subject-bob".to_owned(), email: None, ..person("bob") };
    assert_eq!(scim.give(&person("ada"), &member_of("team")).await, Ok(Done::Changed));
    assert_eq!(scim.give(&bob, &member_of("team")).await, Ok(Done::Changed));
    assert_eq!(peer.members("team").await, ["u1", "u2"]);
    assert_eq!(peer.list("__users").await, [by_email, by_subject]);
}

#[tokio::test]
async fn only_the_one_member_of_the_one_group_is_removed() {
    let Some(peer) = Peer::start().await else { return };
    let scim = connect(&peer.base_url());
    for one in ["ada", "bob"] {
        for group in ["team", "other"] {
            assert_eq!(scim.give(&person(one), &member_of(group)).await, Ok(Done::Changed));
        }
    }
    let both = peer.members("team").await;
    assert_eq!(scim.take(&person("ada"), &member_of("team")).await, Ok(Done::Changed));
    assert_eq!(peer.members("team").await, both[1..]);
    assert_eq!(peer.members("other").await, both);
}

#[tokio::test]
async fn removing_an_unknown_person_creates_nobody() {
    let Some(peer) = Peer::start().await else { return };
    let scim = connect(&peer.base_url());
    let failure = scim.take(&person("ada"), &member_of("team")).await.expect_err("no account");
    assert_eq!(failure.code, Code::AccountNotFound);
    assert!(peer.list("__users").await.is_empty());
    assert!(peer.writes().await.is_empty());
}

#[tokio::test]
async fn an_unknown_group_is_told_and_nobody_is_created_for_it() {
    let Some(peer) = Peer::start().await else { return };
    let scim = connect(&peer.base_url());
    let failure = scim.give(&person("ada"), &member_of("nowhere")).await.expect_err("no such group");
    assert_eq!(failure.code, Code::ResourceNotFound);
    assert_eq!(failure.remote_status, Some(404));
    assert_eq!(failure.message, "Resource nowhere not found");
    assert!(peer.writes().await.is_empty());
}

#[tokio::test]
async fn calls_at_the_same_time_add_one_member_once() {
    let Some(peer) = Peer::start().await else { return };
    let scim = connect(&peer.base_url());
    let (ada, team) = (person("ada"), member_of("team"));
    let (one, two, three) =
        tokio::join!(scim.give(&ada, &team), scim.give(&ada, &team), scim.give(&ada, &team));
    let mut done = [one.expect("added"), two.expect("added"), three.expect("added")];
    done.sort_by_key(|done| *done == Done::AlreadySo);
    assert_eq!(done, [Done::Changed, Done::AlreadySo, Done::AlreadySo]);
    assert_eq!(peer.members("team").await.len(), 1);
    assert_eq!(peer.list("__users").await.len(), 1);
}

#[tokio::test]
async fn two_groups_at_the_same_time_create_one_person() {
    let Some(peer) = Peer::start().await else { return };
    let scim = connect(&peer.base_url());
    let (ada, team, other) = (person("ada"), member_of("team"), member_of("other"));
    let (one, two) = tokio::join!(scim.give(&ada, &team), scim.give(&ada, &other));
    assert_eq!((one, two), (Ok(Done::Changed), Ok(Done::Changed)));
    assert_eq!(peer.list("__users").await.len(), 1);
}

#[tokio::test]
async fn odd_letters_reach_the_server_unharmed() {
    let Some(peer) = Peer::start().await else { return };
    // Quotes and backslashes in ids are too much for this server; a fake takes those.
    let odd = "../a/b?c=d&e#f%2F +ü';日";
    peer.put("__groups", json!({"id": odd, "displayName": "Odd"})).await;
    let scim = connect(&peer.base_url());
    let zoe = Person {
        display_name: r#"Zoë "Z" O'Brien \ 日本"#.to_owned(),
        user_name: "zoë.o'brien+a/b&c=d@example.com".to_owned(),
        email: Some("zoë.o'brien+a/b&c=d@example.com".to_owned()),
        ..person("id &+/#%ü")
    };
    assert_eq!(scim.give(&zoe, &member_of(odd)).await, Ok(Done::Changed));
    assert_eq!(scim.give(&zoe, &member_of(odd)).await, Ok(Done::AlreadySo));
    let users = peer.list("__users").await;
    assert_eq!(users.len(), 1);
    assert_eq!(users[0]["displayName"], zoe.display_name);
    assert_eq!(users[0]["userName"], "zoë.o'brien+a/b&c=d@example.com");
    assert_eq!(peer.members(odd).await.len(), 1);
    assert_eq!(scim.take(&zoe, &member_of(odd)).await, Ok(Done::Changed));
    assert!(peer.members(odd).await.is_empty());
}

#[tokio::test]
async fn a_removal_that_the_server_only_pretends_is_no_success() {
    // `scimmy` cannot read escapes in a filter: it finds nobody, removes nobody, and answers 204.
    let Some(peer) = Peer::start().await else { return };
    let odd = r#"u"1\"#;
    peer.put("__users", json!({"id": odd, "userName": "ada@example.com", "externalId": "ada"})).await;
    let scim = connect(&peer.base_url());
    assert_eq!(scim.give(&person("ada"), &member_of("team")).await, Ok(Done::Changed));
    // The reading may lag: another form is sent only after the third time, and `scimmy` takes none.
    for code in [Code::ChangeNotMade, Code::ChangeNotMade, Code::RejectedByRemote] {
        let failure = scim.take(&person("ada"), &member_of("team")).await.expect_err("still there");
        assert_eq!(failure.code, code);
    }
    assert_eq!(peer.members("team").await, [odd]);
}

#[tokio::test]
async fn a_check_tells_whether_the_server_lets_us_in() {
    let Some(peer) = Peer::start().await else { return };
    assert_eq!(connect(&peer.base_url()).check().await, Ok(()));

    let old = ScimSettings { token: Secret::new("an-old-token"), ..settings(&peer.base_url()) };
    let scim = try_connect(&old).expect("settings that work");
    for failure in [
        scim.check().await.expect_err("a wrong token"),
        scim.give(&person("ada"), &member_of("team")).await.expect_err("a wrong token"),
        scim.take(&person("ada"), &member_of("team")).await.expect_err("a wrong token"),
    ] {
        assert_eq!(failure.code, Code::RemoteAuthFailed);
        assert_eq!(failure.remote_status, Some(401));
        assert_eq!(failure.message, "The token is wrong");
    }
    assert!(peer.writes().await.is_empty());

    let elsewhere = connect(&peer.origin()).check().await.expect_err("no SCIM there");
    assert_eq!(elsewhere.code, Code::RejectedByRemote);
}
