//! Servers that are not like the real one we have: versions, conflicts, other forms of a patch.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use entity::delivery::DeliveryErrorCode as Code;
use guichet::connector::{Connector as _, Done};
use serde_json::{Value, json};

use super::{Fake, Gives as _, Seen, ada, answer, connect, error, group, list, member_of, person};

/// Answers reads: the user Ada, and the group with these members.
fn reads(seen: &Seen, members: &[&str]) -> Response {
    if seen.is(&Method::GET, "/Users") { list(&[ada()]) } else { group(members) }
}

fn operation(seen: &Seen) -> &Value {
    &seen.body["Operations"][0]
}

/// A server whose group changes before each of the first `changes` patches.
async fn versioned(changes: usize) -> Fake {
    let version = Arc::new(AtomicUsize::new(0));
    Fake::start(move |seen| {
        let now = version.load(Ordering::SeqCst);
        let tag = format!("W/\"{now}\"");
        if seen.is(&Method::GET, "/Groups/g") {
            let tagged = json!({"id": "g", "meta": {"version": tag}, "members": []});
            return answer(200, &tagged);
        }
        if seen.method != Method::PATCH {
            return reads(seen, &[]);
        }
        if now < changes {
            version.fetch_add(1, Ordering::SeqCst);
            return error(412, "The version does not fit");
        }
        // The last tries carry no version.
        assert!(seen.if_match.as_ref().is_none_or(|sent| *sent == tag));
        StatusCode::NO_CONTENT.into_response()
    })
    .await
}

#[tokio::test]
async fn a_group_that_changed_meanwhile_is_read_again_three_times() {
    let fake = versioned(3).await;
    assert_eq!(connect(&fake.origin).give(&person("ada"), &member_of("g")).await, Ok(Done::Changed));
    let versions: Vec<_> = fake.patches().into_iter().filter_map(|seen| seen.if_match).collect();
    assert_eq!(versions, [r#"W/"0""#, r#"W/"1""#]);
    assert_eq!(fake.patches().len(), 4);
}

#[tokio::test]
async fn a_group_that_never_stands_still_is_a_conflict() {
    let fake = versioned(usize::MAX).await;
    let failure = connect(&fake.origin).give(&person("ada"), &member_of("g")).await.expect_err("no end");
    assert_eq!((failure.code, failure.remote_status), (Code::Conflict, Some(412)));
    assert_eq!(failure.message, "The version does not fit");
    assert_eq!(fake.patches().len(), 4);
}

#[tokio::test]
async fn a_person_who_appears_meanwhile_is_looked_up_again() {
    let created = Arc::new(AtomicUsize::new(0));
    let fake = Fake::start(move |seen| {
        if seen.is(&Method::POST, "/Users") {
            created.fetch_add(1, Ordering::SeqCst);
            return error(409, "uniqueness");
        }
        if seen.is(&Method::GET, "/Users") && created.load(Ordering::SeqCst) == 0 {
            return list(&[]);
        }
        if seen.method == Method::PATCH {
            return StatusCode::NO_CONTENT.into_response();
        }
        reads(seen, &[])
    })
    .await;
    assert_eq!(connect(&fake.origin).give(&person("ada"), &member_of("g")).await, Ok(Done::Changed));
    assert_eq!(operation(&fake.patches()[0])["value"], json!([{"value": "u1"}]));
}

#[tokio::test]
async fn a_person_whom_the_server_will_not_create_is_not_found() {
    for status in [403, 404, 405, 409, 501] {
        let fake = Fake::start(move |seen| match seen.method {
            Method::POST => error(status, "No"),
            _ if seen.is(&Method::GET, "/Users") => list(&[]),
            _ => group(&[]),
        })
        .await;
        let failure = connect(&fake.origin).give(&person("ada"), &member_of("g")).await.expect_err("nobody");
        assert_eq!((failure.code, failure.remote_status), (Code::PrincipalNotFound, Some(status)));
        assert!(fake.patches().is_empty());
    }
}

#[tokio::test]
async fn a_server_that_ignores_filters_gives_nobody_else_access() {
    let fake = Fake::start(|seen| match seen.method {
        Method::POST => error(405, "No"),
        _ if seen.is(&Method::GET, "/Users") => list(&[json!({"id": "u9", "userName": "eve"})]),
        _ => group(&["u9"]),
    })
    .await;
    let scim = connect(&fake.origin);
    let failure = scim.give(&person("ada"), &member_of("g")).await.expect_err("nobody");
    assert_eq!(failure.code, Code::PrincipalNotFound);
    let failure = scim.take(&person("ada"), &member_of("g")).await.expect_err("nobody");
    assert_eq!(failure.code, Code::AccountNotFound);
    assert!(fake.patches().is_empty());
}

#[tokio::test]
async fn a_server_that_cannot_search_by_our_id_is_searched_by_login_name() {
    let fake = Fake::start(|seen| match seen.method {
        Method::PATCH => StatusCode::NO_CONTENT.into_response(),
        _ if seen.uri.contains("externalId") => error(400, "invalidFilter"),
        _ => reads(seen, &[]),
    })
    .await;
    assert_eq!(connect(&fake.origin).give(&person("ada"), &member_of("g")).await, Ok(Done::Changed));
}

#[tokio::test]
async fn a_server_without_patches_or_groups_is_not_supported() {
    for status in [405, 501] {
        for refused in [Method::PATCH, Method::GET] {
            let fake = Fake::start(move |seen| {
                if seen.method == refused && seen.uri.starts_with("/Groups") {
                    return error(status, "No groups here");
                }
                reads(seen, &[])
            })
            .await;
            let failure = connect(&fake.origin).give(&person("ada"), &member_of("g")).await;
            let failure = failure.expect_err("no groups");
            assert_eq!((failure.code, failure.remote_status), (Code::NotSupported, Some(status)));
        }
    }
}

/// A server that refuses the filtered form of a removal. `strict` removes everybody for the other form.
async fn unfiltered(strict: bool) -> (Fake, Arc<Mutex<Vec<String>>>) {
    let members = Arc::new(Mutex::new(vec!["u1".to_owned(), "u2".to_owned(), "u3".to_owned()]));
    let kept = Arc::clone(&members);
    let fake = Fake::start(move |seen| {
        let mut members = kept.lock().expect("the members");
        if seen.method != Method::PATCH {
            return reads(seen, &members.iter().map(String::as_str).collect::<Vec<_>>());
        }
        let operation = operation(seen);
        let values = operation["value"].as_array().cloned().unwrap_or_default();
        let values: Vec<String> =
            values.iter().map(|one| one["value"].as_str().expect("an id").to_owned()).collect();
        match (operation["op"].as_str(), operation["path"].as_str()) {
            (Some("add"), Some("members")) => members.extend(values),
            (Some("remove"), Some("members")) => members.retain(|one| !strict && !values.contains(one)),
            _ => return error(400, "Filters are not supported"),
        }
        StatusCode::NO_CONTENT.into_response()
    })
    .await;
    (fake, members)
}

#[tokio::test]
async fn a_server_that_knows_no_filtered_path_gets_the_member_as_value() {
    let (fake, members) = unfiltered(false).await;
    assert_eq!(connect(&fake.origin).take(&person("ada"), &member_of("g")).await, Ok(Done::Changed));
    assert_eq!(*members.lock().expect("the members"), ["u2", "u3"]);
    let paths: Vec<_> = fake.patches().iter().map(|seen| operation(seen)["path"].clone()).collect();
    assert_eq!(paths, [r#"members[value eq "u1"]"#, "members"]);
}

#[tokio::test]
async fn members_who_were_removed_with_the_one_are_put_back() {
    let (fake, members) = unfiltered(true).await;
    let scim = connect(&fake.origin);
    let failure = scim.take(&person("ada"), &member_of("g")).await.expect_err("all were removed");
    assert_eq!(failure.code, Code::NotSupported);
    assert_eq!(*members.lock().expect("the members"), ["u2", "u3"]);
    assert_eq!(scim.take(&person("ada"), &member_of("g")).await, Ok(Done::AlreadySo));
}

#[tokio::test]
async fn paths_and_filters_are_encoded() {
    let fake = Fake::start(|seen| match seen.method {
        Method::PATCH => StatusCode::NO_CONTENT.into_response(),
        _ if seen.is(&Method::GET, "/v2/Users") => {
            list(&[json!({"id": r#"u"1\"#, "externalId": r#"a"b\ +&"#, "userName": "x"})])
        }
        _ => group(&[]),
    })
    .await;
    let scim = connect(&format!("{}/v2/", fake.origin));
    let done = scim.give(&person(r#"a"b\ +&"#), &member_of("a/b?c%2F#ü\t.")).await;
    assert_eq!(done, Ok(Done::Changed));
    let seen = fake.seen();
    assert_eq!(seen[0].uri, r"/v2/Users?filter=externalId%20eq%20%22a%5C%22b%5C%5C%20%2B%26%22");
    assert_eq!(seen[1].uri, "/v2/Groups/a%2Fb%3Fc%252F%23%C3%BC%09.?attributes=members%2Cmeta");
    assert_eq!(seen[2].uri, "/v2/Groups/a%2Fb%3Fc%252F%23%C3%BC%09.");
    assert_eq!(operation(&seen[2])["value"], json!([{"value": r#"u"1\"#}]));
    for id in ["", ".", ".."] {
        let failure = scim.give(&person("ada"), &member_of(id)).await.expect_err("no such group");
        assert_eq!(failure.code, Code::ResourceNotFound);
    }
    let groups = |all: &[Seen]| all.iter().filter(|seen| seen.uri.starts_with("/v2/Groups")).count();
    assert_eq!(groups(&fake.seen()), groups(&seen), "an id that cannot be is not asked for");
}

#[tokio::test]
async fn an_open_configuration_does_not_prove_the_token() {
    let fake = Fake::start(|seen| match seen.uri.as_str() {
        "/ServiceProviderConfig" => answer(200, &json!({"schemas": [], "patch": {"supported": true}})),
        _ => error(401, "Who are you?"),
    })
    .await;
    let failure = connect(&fake.origin).check().await.expect_err("refused");
    assert_eq!((failure.code, failure.message.as_str()), (Code::RemoteAuthFailed, "Who are you?"));
}

#[tokio::test]
async fn a_server_without_a_configuration_is_checked_by_its_people() {
    let fake = Fake::start(|seen| match seen.uri.as_str() {
        "/Users?count=1" => list(&[]),
        _ => StatusCode::NOT_FOUND.into_response(),
    })
    .await;
    assert_eq!(connect(&fake.origin).check().await, Ok(()));
    let nothing = Fake::start(|_| StatusCode::NOT_FOUND.into_response()).await;
    let failure = connect(&nothing.origin).check().await.expect_err("no SCIM there");
    assert_eq!((failure.code, failure.remote_status), (Code::RejectedByRemote, Some(404)));
}
