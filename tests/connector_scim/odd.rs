//! What servers want otherwise, one test each, at the odd server of the tests.

use std::time::Duration;

use entity::delivery::DeliveryErrorCode as Code;
use guichet::connector::scim::{Scim, ScimSettings};
use guichet::connector::{Connector as _, Done};
use guichet::secret::Secret;

use super::{Fake, Gives as _, ada, connect, error, group, list, member_of, person, settings, try_connect};
use crate::harness::odd_scim::{Account, OddScim, Oddity};
use crate::harness::scim_world;

const ADA: &str = "ada@example.com";
const BOB: &str = "bob@example.com";
/// Whom others put into the group.
const OTHERS: [&str; 2] = ["other-1@example.org", "other-2@example.org"];

/// A server with a group of these members, and a connector to it.
async fn remote(oddities: &[Oddity], members: &[&str]) -> (OddScim, Scim) {
    let odd = OddScim::start(oddities).await;
    odd.put_group("team");
    for member in members {
        odd.put_user(Account::named(member));
        odd.put_in("team", member);
    }
    let settings = ScimSettings { token: Secret::new(scim_world::TOKEN), ..settings(&odd.base_url()) };
    (odd, try_connect(&settings).expect("settings that work"))
}

/// Gives and takes; both must be made, and say so.
async fn give_and_take(oddities: &[Oddity]) -> OddScim {
    let (odd, scim) = remote(oddities, &OTHERS).await;
    assert_eq!(scim.give(&person("ada"), &member_of("team")).await, Ok(Done::Changed), "{oddities:?}");
    assert_eq!(odd.truth("team"), [ADA, OTHERS[0], OTHERS[1]], "{oddities:?}");
    assert_eq!(scim.take(&person("ada"), &member_of("team")).await, Ok(Done::Changed), "{oddities:?}");
    assert_eq!(odd.truth("team"), OTHERS, "{oddities:?}");
    odd
}

/// How many calls were answered with a status.
fn answers(odd: &OddScim, status: u16) -> usize {
    odd.calls().iter().filter(|call| call.status == status).count()
}

#[tokio::test]
async fn a_server_that_wants_plain_json_is_asked_once() {
    let odd = give_and_take(&[Oddity::WantsPlainJson]).await;
    assert_eq!(answers(&odd, 415), 1);
}

#[tokio::test]
async fn a_server_that_takes_no_if_match_is_asked_once() {
    let odd = give_and_take(&[Oddity::IfMatchRefused]).await;
    assert_eq!(answers(&odd, 501), 1);
}

#[tokio::test]
async fn weak_tags_that_never_fit_are_left_out_in_the_end() {
    let odd = give_and_take(&[Oddity::WeakTags]).await;
    assert_eq!(answers(&odd, 412), 2);
}

#[tokio::test]
async fn numbers_are_ids() {
    give_and_take(&[Oddity::NumericIds]).await;
}

#[tokio::test]
async fn a_server_that_takes_no_path_gets_none() {
    give_and_take(&[Oddity::PathlessOnly]).await;
    give_and_take(&[Oddity::PathlessOnly, Oddity::IfMatchRefused]).await;
    let (odd, scim) = remote(&[Oddity::PathlessOnly, Oddity::MadeInactive], &OTHERS).await;
    let (account, _) = scim.create_account(&person("ada")).await.expect("an account");
    assert_eq!(scim.activate_account(&account.id).await, Ok(()));
    assert!(odd.is_active(ADA));
}

#[tokio::test]
async fn a_throttle_is_one_whatever_its_status() {
    for status in [400, 403, 429] {
        let (odd, scim) = remote(&[], &OTHERS).await;
        assert_eq!(scim.give(&person("ada"), &member_of("team")).await, Ok(Done::Changed));
        let (account, _) = scim.find_account(&person("ada")).await.expect("found").expect("an account");
        let before = odd.calls().len();
        odd.set(Oddity::Throttled { status, retry_after: 120, calls: 9 });
        let refused = [
            scim.add(&account.id, &member_of("team")).await,
            scim.remove(&account.id, &member_of("team")).await,
        ];
        for failure in refused.map(|refused| refused.expect_err("throttled")) {
            assert_eq!((failure.code, failure.remote_status), (Code::RemoteThrottled, Some(status)));
            assert_eq!(failure.retry_after, Some(Duration::from_secs(120)), "{status}");
        }
        assert_eq!(odd.calls().len(), before + 2, "{status}: whoever asks to wait is not asked again");
        assert_eq!(odd.truth("team"), [ADA, OTHERS[0], OTHERS[1]]);
    }
}

#[tokio::test]
async fn a_removal_whose_filter_is_not_supported_is_sent_by_value() {
    give_and_take(&[Oddity::FilteredRemovalRefused]).await;
    // Most members are not shown: that it does not take the form is no sign that there is nobody.
    give_and_take(&[Oddity::FilteredRemovalRefused, Oddity::FirstMembersOnly(2)]).await;
}

#[tokio::test]
async fn a_server_that_does_not_search_by_our_id_is_asked_by_login_name() {
    for status in [400, 403, 422, 500] {
        give_and_take(&[Oddity::ExternalIdRefused(status)]).await;
    }
}

#[tokio::test]
async fn login_names_that_are_compared_with_case_are_found() {
    let (odd, scim) = remote(&[Oddity::UserNameWithCase], &OTHERS).await;
    odd.put_user(Account { emails: Vec::new(), ..Account::named(ADA) });
    let typed = guichet::connector::Person { user_name: "Ada@Example.com".to_owned(), ..person("ada") };
    assert_eq!(scim.give(&typed, &member_of("team")).await, Ok(Done::Changed));
    assert_eq!(odd.count("POST", "/Users"), 0);
}

#[tokio::test]
async fn another_form_of_a_removal_waits_until_readings_are_fresh() {
    let lagging = [Oddity::ReadingsLagReadings(1), Oddity::RemovalByValueRemovesAll];
    let (odd, scim) = remote(&lagging, &OTHERS).await;
    assert_eq!(scim.give(&person("ada"), &member_of("team")).await, Ok(Done::Changed));
    let failure = scim.take(&person("ada"), &member_of("team")).await.expect_err("still shown");
    assert_eq!((failure.code, failure.uncertain), (Code::ChangeNotMade, true));
    assert_eq!(odd.truth("team"), OTHERS, "removed, and nobody else");
    assert_eq!(scim.take(&person("ada"), &member_of("team")).await, Ok(Done::Changed));
    assert_eq!(odd.truth("team"), OTHERS);
}

#[tokio::test]
async fn a_form_that_does_nothing_is_followed_by_another_one_and_left_out_then() {
    let (odd, scim) = remote(&[Oddity::FilteredRemovalNotDone], &OTHERS).await;
    for who in ["ada", "bob"] {
        assert_eq!(scim.give(&person(who), &member_of("team")).await, Ok(Done::Changed));
    }
    for _ in 0..2 {
        let failure = scim.take(&person("ada"), &member_of("team")).await.expect_err("still shown");
        assert_eq!(failure.code, Code::ChangeNotMade);
    }
    assert_eq!(scim.take(&person("ada"), &member_of("team")).await, Ok(Done::Changed));
    assert_eq!(scim.take(&person("bob"), &member_of("team")).await, Ok(Done::Changed));
    assert_eq!(odd.truth("team"), OTHERS);
}

#[tokio::test]
async fn nobody_is_removed_by_value_where_nobody_would_see_who_else_goes() {
    for hidden in [Oddity::MembersLeftOut, Oddity::MembersEmpty] {
        let oddities = [hidden, Oddity::FilteredRemovalRefused, Oddity::RemovalByValueRemovesAll];
        let (odd, scim) = remote(&oddities, &OTHERS).await;
        assert_eq!(scim.give(&person("ada"), &member_of("team")).await, Ok(Done::Changed));
        let failure = scim.take(&person("ada"), &member_of("team")).await.expect_err("not supported");
        assert_eq!(failure.code, Code::NotSupported);
        assert_eq!(odd.truth("team"), [ADA, OTHERS[0], OTHERS[1]]);
    }
}

#[tokio::test]
async fn a_removal_that_is_not_made_is_seen_by_the_filter() {
    for hidden in [Oddity::MembersLeftOut, Oddity::FirstMembersOnly(2)] {
        let (odd, scim) = remote(&[hidden, Oddity::RemovalNotDone], &OTHERS).await;
        assert_eq!(scim.give(&person("ada"), &member_of("team")).await, Ok(Done::Changed));
        let failure = scim.take(&person("ada"), &member_of("team")).await.expect_err("not made");
        assert_eq!(failure.code, Code::ChangeNotMade, "{hidden:?}");
        assert_eq!(odd.truth("team"), [ADA, OTHERS[0], OTHERS[1]]);
    }
}

#[tokio::test]
async fn a_failed_removal_is_not_made_because_a_list_does_not_show_the_member() {
    let fake = Fake::start(|seen| match seen.method {
        axum::http::Method::PATCH => error(500, "Oops"),
        _ if seen.uri.starts_with("/Groups?") => error(400, "No filters"),
        _ if seen.uri.starts_with("/Users") => list(&[ada()]),
        _ => group(&["u2", "u3"]),
    })
    .await;
    let failure = connect(&fake.origin).take(&person("ada"), &member_of("g")).await.expect_err("unclear");
    assert_eq!((failure.remote_status, failure.uncertain), (Some(500), true));
}

#[tokio::test]
async fn the_last_member_in_another_case_is_not_put_back() {
    let (odd, scim) = remote(&[Oddity::OtherCaseIds], &[]).await;
    assert_eq!(scim.give(&person("ada"), &member_of("team")).await, Ok(Done::Changed));
    assert_eq!(scim.take(&person("ada"), &member_of("team")).await, Ok(Done::Changed));
    assert_eq!(odd.truth("team"), [""; 0]);
}

#[tokio::test]
async fn whom_an_add_replaced_is_put_back_and_named_from_then_on() {
    for lag in [&[][..], &[Oddity::ReadingsLagReadings(1)]] {
        let oddities = [&[Oddity::AddReplaces], lag].concat();
        let (odd, scim) = remote(&oddities, &OTHERS).await;
        assert_eq!(scim.give(&person("ada"), &member_of("team")).await, Ok(Done::Changed));
        assert_eq!(odd.truth("team"), [ADA, OTHERS[0], OTHERS[1]]);
        if !lag.is_empty() {
            continue;
        }
        let before = odd.count("PATCH", "/Groups/team");
        assert_eq!(scim.give(&person("bob"), &member_of("team")).await, Ok(Done::Changed));
        assert_eq!(odd.truth("team"), [ADA, BOB, OTHERS[0], OTHERS[1]]);
        assert_eq!(odd.count("PATCH", "/Groups/team"), before + 1, "nobody is out in between");
    }
}

#[tokio::test]
async fn whom_an_add_dropped_is_told_and_nobody_is_dropped_again() {
    let (odd, scim) = remote(&[Oddity::AddDropsOne], &OTHERS).await;
    let failure = scim.give(&person("ada"), &member_of("team")).await.expect_err("one is missing");
    assert_eq!((failure.code, failure.uncertain), (Code::NotSupported, true));
    assert!(failure.message.contains(", 1 of them: "), "{failure}");
    assert_eq!(odd.truth("team"), [ADA, OTHERS[1]]);
    assert_eq!(scim.give(&person("bob"), &member_of("team")).await, Ok(Done::Changed));
    assert_eq!(odd.truth("team"), [ADA, BOB, OTHERS[1]]);
}
