//! Tests of what a good token yields: subject, person, roles.

use super::*;

#[tokio::test]
async fn a_subject_is_1_to_255_characters_without_control_characters() {
    let fixture = fixture();
    for sub in ["a".to_owned(), "é".repeat(255), "a b|c".to_owned()] {
        assert_eq!(fixture.judge_with(&json!({ "sub": sub })).await.unwrap().subject, sub);
    }
    for sub in [String::new(), "a".repeat(256), "a\nb".to_owned(), "a\0".to_owned(), "a\u{85}".to_owned()] {
        assert_eq!(fixture.judge_with(&json!({ "sub": sub })).await, Err(Rejection::Malformed), "{sub:?}");
    }
    assert_eq!(fixture.judge_with(&json!({ "sub": 7 })).await, Err(Rejection::MissingClaim));
}

#[tokio::test]
async fn a_name_is_cut_and_stays_on_one_line() {
    let fixture = fixture();
    let cases = [
        (json!("Alice Martin"), Some("Alice Martin".to_owned())),
        (json!("  Alice\r\n\0 Martin\u{202e} "), Some("Alice Martin".to_owned())),
        (json!("é".repeat(201)), Some("é".repeat(200))),
        (json!("\n\t "), None),
        (json!(""), None),
        (json!(["Alice"]), None),
    ];
    for (name, expected) in cases {
        assert_eq!(fixture.judge_with(&json!({ "name": name })).await.unwrap().name, expected, "{name}");
    }
    assert_eq!(fixture.judge_with(&json!({})).await.unwrap().name, None);
}

#[tokio::test]
async fn an_address_is_taken_whole_or_not_at_all() {
    let fixture = fixture();
    let longest = format!("{}@contoso.example", "a".repeat(254 - "@contoso.example".len()));
    for email in ["alice@contoso.example", " alice@contoso.example ", "\"a@b\"@contoso.example", &longest] {
        let verified = fixture.judge_with(&json!({ "email": email, "email_verified": true })).await.unwrap();
        assert_eq!(verified.email.as_deref(), Some(email.trim()));
        assert!(verified.email_verified);
    }
    let too_long = format!("a{longest}");
    for email in ["alice", "@contoso.example", "alice@", "", "al ice@a.example", "a\r\n@b.example", &too_long]
    {
        let verified = fixture.judge_with(&json!({ "email": email, "email_verified": true })).await.unwrap();
        assert_eq!((verified.email, verified.email_verified), (None, false), "{email:?}");
    }
}

#[tokio::test]
async fn an_address_is_verified_only_if_the_issuer_says_so() {
    let fixture = fixture();
    let cases = [(json!(true), true), (json!("true"), true), (json!(false), false), (json!("false"), false)];
    for (claim, expected) in
        cases.into_iter().chain([(json!(1), false), (json!("yes"), false), (json!({}), false)])
    {
        let changes = json!({ "email": "a@b.example", "email_verified": claim });
        assert_eq!(fixture.judge_with(&changes).await.unwrap().email_verified, expected, "{claim}");
    }
}

#[tokio::test]
async fn claims_have_the_names_that_the_settings_give_them() {
    let fixture = fixture_with(&json!({
        "claims": {
            "tenant": "https://contoso.example/tenant",
            "email": "profile.mail",
            "emailVerified": "profile.checked",
            "name": "profile.name",
        },
        "roles": { "claim": "realm_access.roles", "map": { "boss": "GLOBAL_ADMINISTRATOR" } },
    }));
    let changes = json!({
        "https://contoso.example/tenant": "t1",
        "profile": { "mail": "a@b.example", "checked": true, "name": "Alice" },
        "realm_access": { "roles": ["boss", "GLOBAL_READER"] },
        "email": "other@b.example", "name": "Other", "tid": "t2", "roles": ["boss:cat_1"],
    });
    let verified = fixture.judge_with(&changes).await.unwrap();
    assert_eq!(verified.tenant.as_deref(), Some("t1"));
    assert_eq!(verified.email.as_deref(), Some("a@b.example"));
    assert!(verified.email_verified);
    assert_eq!(verified.name.as_deref(), Some("Alice"));
    assert_eq!(verified.roles, [RoleClaim { role: "GLOBAL_ADMINISTRATOR".to_owned(), scope: None }]);
}

#[tokio::test]
async fn an_issuer_asserts_only_the_roles_that_it_may() {
    let fixture = fixture_with(&json!({ "roles": { "allowed": ["CATALOG_OWNER"] } }));
    let changes = json!({ "roles": "global_administrator catalog_owner:cat_1", "tid": "" });
    let verified = fixture.judge_with(&changes).await.unwrap();
    assert_eq!(
        verified.roles,
        [RoleClaim { role: "CATALOG_OWNER".to_owned(), scope: Some("cat_1".to_owned()) }]
    );
    assert_eq!(verified.tenant, None);
}
