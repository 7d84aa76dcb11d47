//! Which policies apply, and who may ask under them.

use super::*;

fn facts(scopes: &[RequestorScope]) -> Requestability {
    let policies = (1..).map(Uuid::from_u128).zip(scopes.iter().copied());
    let admitting =
        |(id, scope)| Admitting { id, scope, requires_signed_link: false, managers_may_request: false };
    let policies = policies.map(admitting).collect();
    Requestability { package: Uuid::nil(), policies, assigned: false, open: false, incompatible: false }
}

#[test]
fn only_the_most_specific_policies_apply() {
    let facts = facts(&[RequestorScope::AllUsers, RequestorScope::SpecificUsers, RequestorScope::AllMembers]);
    assert_eq!(most_specific(&facts), [Uuid::from_u128(2)]);
    assert_eq!(choose(&facts, None), Ok(Uuid::from_u128(2)));
    let lenient = choose(&facts, Some(Some(Uuid::from_u128(1))));
    assert_eq!(lenient.unwrap_err().code, Code::NotFound);
}

#[test]
fn among_equals_the_requestor_chooses() {
    let facts = facts(&[RequestorScope::AllMembers, RequestorScope::AllMembers]);
    assert_eq!(choose(&facts, None).unwrap_err().code, Code::PolicyRequired);
    assert_eq!(choose(&facts, Some(Some(Uuid::from_u128(2)))), Ok(Uuid::from_u128(2)));
    assert_eq!(blockers(&facts), [Code::PolicyRequired]);
}

#[test]
fn managers_ask_under_a_policy_that_applies() {
    let mut facts =
        facts(&[RequestorScope::SpecificUsers, RequestorScope::SpecificUsers, RequestorScope::AllMembers]);
    facts.policies[2].managers_may_request = true;
    assert!(!lets_managers_ask(&facts), "a lenient policy is never a way round a strict one");
    facts.policies[1].managers_may_request = true;
    assert!(lets_managers_ask(&facts));
}

#[test]
fn a_link_is_missed_only_where_every_policy_requires_one() {
    let mut facts =
        facts(&[RequestorScope::AllMembers, RequestorScope::AllMembers, RequestorScope::AllUsers]);
    facts.policies[0].requires_signed_link = true;
    assert_eq!(blockers(&facts), [Code::PolicyRequired]);
    facts.policies[1].requires_signed_link = true;
    assert_eq!(blockers(&facts), [Code::PolicyRequired, Code::SignedLinkRequired]);
    facts.policies.pop();
    facts.policies.pop();
    assert_eq!(blockers(&facts), [Code::SignedLinkRequired]);
}
