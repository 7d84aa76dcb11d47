//! Properties of the one rule, and of the times that an approval gives.

use chrono::TimeDelta;
use entity::access_request::AccessRequestType;
use entity::approval::{self, ApprovalState};
use proptest::prelude::*;
use sea_orm::Iterable as _;
use serde_json::json;

use super::*;

const NOW: i64 = 1_800_000_000;

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(NOW + seconds, 0).unwrap()
}

fn request(
    state: State,
    start: Option<i64>,
    end: Option<i64>,
    policy: &serde_json::Value,
) -> access_request::Model {
    access_request::Model {
        id: Uuid::from_u128(1),
        organization_id: Uuid::nil(),
        catalog_id: Uuid::nil(),
        access_package_id: Uuid::nil(),
        policy_id: None,
        policy_snapshot: Some(policy.clone()),
        requestor_id: Uuid::from_u128(2),
        submitted_by_id: Some(Uuid::from_u128(3)),
        assignment_id: None,
        kind: AccessRequestType::UserAdd,
        state,
        justification: None,
        requested_start: start.map(at),
        requested_end: end.map(at),
        submitted_at: at(-1),
        completed_at: None,
        last_completed_at: None,
        event_count: 2,
        answers: None,
        signed_link_id: None,
    }
}

fn stage(expires: i64) -> approval::Model {
    approval::Model {
        id: Uuid::from_u128(4),
        organization_id: Uuid::nil(),
        request_id: Uuid::from_u128(1),
        position: 0,
        state: ApprovalState::Pending,
        justification_required: false,
        opened_at: at(-1),
        expires_at: at(expires),
        due_at: Some(at(expires)),
        closed_at: None,
        decided_by_id: None,
        justification: None,
        alternates_at: None,
        approvers_visible: false,
    }
}

proptest! {
    #[test]
    fn who_may_decide_is_an_approver_of_what_waits_and_nobody_who_asked(
        place in 0..State::iter().count(),
        user in proptest::option::of(1_u128..7),
        waits in any::<bool>(),
        is_approver in any::<bool>(),
        decided in any::<bool>(),
        expires in -2_i64..3,
    ) {
        let state = State::iter().nth(place).unwrap();
        let user = user.map(Uuid::from_u128);
        let request = request(state, None, None, &json!({}));
        let standing = Standing { stage: waits.then(|| stage(expires)), is_approver, decided, package_deleted: false };
        let own = user == Some(Uuid::from_u128(2)) || user == Some(Uuid::from_u128(3));
        let may = state == State::PendingApproval && waits && is_approver && !decided && !own && expires > 0;
        let verdict = judge(&request, &standing, user, at(0));
        prop_assert_eq!(verdict.is_ok(), may, "{:?}", verdict);
        // Who asked is told so, whatever else is true of what waits.
        if state == State::PendingApproval && own {
            prop_assert_eq!(verdict, Err(Code::SelfReview));
        }
    }

    #[test]
    fn what_is_approved_starts_now_at_the_earliest_and_ends_as_asked_or_as_the_policy_says(
        start in proptest::option::of(-50_i64..50),
        end in proptest::option::of(-50_i64..200),
        lasts in proptest::option::of(1_i64..100),
    ) {
        let policy = json!({ "approvalStages": [], "expiration": if lasts.is_some() { "AFTER_DURATION" } else { "NEVER" },
            "expirationSeconds": lasts, "expirationAt": null });
        let request = request(State::PendingApproval, start, end, &policy);
        let given = Pinned::of(&request).unwrap().schedule(&request, at(0));
        let begins = at(start.unwrap_or(0).max(0));
        let limit = lasts.map(|lasts| begins + TimeDelta::seconds(lasts));
        let wanted = end.map(at);
        let fits = wanted.is_none_or(|end| end > begins && limit.is_none_or(|limit| end <= limit));
        prop_assert_eq!(given.is_some(), fits);
        if let Some((from, until)) = given {
            prop_assert_eq!(from, begins);
            prop_assert_eq!(until, wanted.or(limit));
        }
    }
}

#[test]
fn a_stage_means_those_whom_its_policy_named() {
    let user = Uuid::from_u128(9);
    let pinned: Pinned = serde_json::from_value(
        json!({ "expiration": "NEVER", "expirationSeconds": null, "expirationAt": null,
        "approvalStages": [{ "timeoutSeconds": 3_600, "justificationRequired": true, "approvers": [
            { "kind": "USER", "user": Kind::User.text(user), "catalogRole": null },
            { "kind": "MANAGER", "user": null, "catalogRole": null },
            { "kind": "CATALOG_ROLE", "user": null, "catalogRole": "CATALOG_READER" },
            { "kind": "SPONSOR", "user": null, "catalogRole": null },
        ] }] }),
    )
    .unwrap();
    let meant = pinned.approval_stages[0].meant(ApproverPart::Primary);
    assert_eq!(
        meant,
        [Meant::User(user), Meant::Manager(1), Meant::Holders(CatalogRole::CatalogReader), Meant::Sponsors]
    );
}
