//! Tests of the settings and of the roles that tokens claim.

use serde_json::json;

use super::*;

const SECRET: &str = "a-secret-of-thirty-two-bytes-or-more";

fn minimal() -> Value {
    json!({
        "issuer": "https://login.contoso.example/",
        "audience": "guichet",
        "organization": "contoso",
        "keys": { "jwksUrl": "https://login.contoso.example/keys" },
    })
}

fn with(field: &str, value: Value) -> Value {
    let mut issuer = minimal();
    issuer[field] = value;
    issuer
}

fn parse(issuer: &Value, demo: bool) -> Result<Issuer, IssuerError> {
    let issuers = Issuers::parse(&json!([issuer]).to_string(), demo)?;
    Ok(issuers.as_slice()[0].clone())
}

/// The field that `issuer` is refused for, and the whole message.
fn refused(issuer: &Value, demo: bool) -> (String, String) {
    match parse(issuer, demo) {
        Err(error @ IssuerError::Field { .. }) => {
            let message = error.to_string();
            let IssuerError::Field { field, .. } = error else { unreachable!() };
            (field, message)
        }
        other => panic!("{issuer} gave {other:?}"),
    }
}

#[test]
fn four_fields_are_enough() {
    let issuer = parse(&minimal(), false).unwrap();
    assert_eq!(issuer.name, "https://login.contoso.example/");
    assert_eq!(issuer.audiences, ["guichet"]);
    assert_eq!(issuer.organization.as_deref(), Some("contoso"));
    assert_eq!(issuer.algorithms, DEFAULT_ALGORITHMS);
    assert_eq!(issuer.leeway, TimeDelta::seconds(30));
    assert_eq!(issuer.claims.tenant, "tid");
    assert_eq!(issuer.claims.email, "email");
    assert_eq!(issuer.claims.email_verified, "email_verified");
    assert_eq!(issuer.claims.name, "name");
    assert!(matches!(issuer.keys, Keys::Set(SetSource::Url(url)) if url.as_str().ends_with("/keys")));
}

#[test]
fn every_field_is_read() {
    let issuer = json!({
        "issuer": "https://id.example",
        "audience": ["guichet", "api://guichet"],
        "organization": "example",
        "keys": { "jwksFile": "keys.json" },
        "algorithms": ["PS256", "ES384"],
        "roles": { "claim": "realm_access.roles", "map": { "boss": "global_administrator" }, "allowed": ["Global_Administrator"] },
        "claims": { "tenant": "t", "email": "mail", "emailVerified": "v", "name": "n" },
        "leewaySeconds": 300,
    });
    let issuer = parse(&issuer, false).unwrap();
    assert_eq!(issuer.audiences, ["guichet", "api://guichet"]);
    assert_eq!(issuer.algorithms, [Algorithm::ES384, Algorithm::PS256]);
    assert_eq!(issuer.roles.names().collect::<Vec<_>>(), ["GLOBAL_ADMINISTRATOR", "GLOBAL_ADMINISTRATOR"]);
    assert_eq!(issuer.claims.email, "mail");
    assert_eq!(issuer.claims.email_verified, "v");
    assert_eq!(issuer.leeway, TimeDelta::seconds(300));
    assert!(matches!(issuer.keys, Keys::Set(SetSource::File(path)) if path.as_path() == "keys.json"));
}

#[test]
fn a_wrong_field_is_refused_by_issuer_and_field() {
    let cases = [
        ("issuer", json!("  ")),
        ("issuer", json!(7)),
        ("audience", json!("")),
        ("audience", json!([])),
        ("audience", json!(["guichet", " "])),
        ("audience", json!({})),
        ("organization", json!("")),
        ("organization", json!(null)),
        ("keys", json!({})),
        ("keys", json!("https://login.contoso.example/keys")),
        ("keys", json!({ "jwksUri": "https://login.contoso.example/keys" })),
        ("keys", json!({ "jwksUrl": "https://a.example/", "jwksFile": "keys.json" })),
        ("keys", json!({ "jwksUrl": 7 })),
        ("keys.jwksFile", json!({ "jwksFile": "" })),
        ("keys.jwksUrl", json!({ "jwksUrl": "" })),
        ("keys.jwksUrl", json!({ "jwksUrl": "http://login.contoso.example/keys" })),
        ("keys.jwksUrl", json!({ "jwksUrl": "http://10.0.0.1/keys" })),
        ("keys.jwksUrl", json!({ "jwksUrl": "http://localhost.contoso.example/keys" })),
        ("keys.jwksUrl", json!({ "jwksUrl": "http://127.0.0.1@contoso.example/keys" })),
        ("keys.jwksUrl", json!({ "jwksUrl": "https://user:password@contoso.example/keys" })),
        ("keys.jwksUrl", json!({ "jwksUrl": "file:///etc/passwd" })),
        ("keys.jwksUrl", json!({ "jwksUrl": "ftp://127.0.0.1/keys" })),
        ("algorithms", json!([])),
        ("algorithms", json!("RS256")),
        ("algorithms", json!(["RS256", "none"])),
        ("algorithms", json!(["rs256"])),
        ("algorithms", json!(["HS256"])),
        ("algorithms", json!(["RS256", "HS384"])),
        ("algorithms", json!(["HS512"])),
        ("roles", json!({ "claims": "roles" })),
        ("roles", json!({ "claim": "" })),
        ("roles", json!({ "map": { "boss": "GLOBAL ADMINISTRATOR" } })),
        ("roles", json!({ "map": { "boss": "CATALOG_OWNER:cat_1" } })),
        ("roles", json!({ "allowed": [""] })),
        ("roles", json!({ "allowed": "GLOBAL_ADMINISTRATOR" })),
        ("claims", json!({ "mail": "mail" })),
        ("claims", json!({ "email": 7 })),
        ("leewaySeconds", json!(301)),
        ("leewaySeconds", json!(-1)),
        ("leewaySeconds", json!("30")),
        ("allowPrivateAddresses", json!(true)),
    ];
    for (field, value) in cases {
        let top = field.split('.').next().unwrap();
        let issuer = with(top, value);
        let (named, message) = refused(&issuer, false);
        assert_eq!(named, field, "{issuer}");
        let name = if top == "issuer" { "issuer #1: " } else { "issuer https://login.contoso.example/: " };
        assert!(message.starts_with(name), "{message}");
    }
    for missing in ["issuer", "audience", "keys"] {
        let mut issuer = minimal();
        issuer.as_object_mut().unwrap().remove(missing);
        assert_eq!(refused(&issuer, false).0, missing);
    }
    // One that speaks for no organization asserts no roles.
    let mut outside = minimal();
    outside.as_object_mut().unwrap().remove("organization");
    let read = Issuers::parse(&json!([outside]).to_string(), false).unwrap();
    assert_eq!(read.as_slice()[0].organization, None);
    outside["roles"] = json!({ "allowed": [] });
    assert_eq!(refused(&outside, false).0, "roles");
}

#[test]
fn http_is_allowed_on_a_loopback_host_only() {
    for url in [
        "http://localhost:8080/keys",
        "http://127.0.0.1/keys",
        "http://127.9.9.9/keys",
        "http://[::1]:1/keys",
    ] {
        assert!(parse(&with("keys", json!({ "jwksUrl": url })), false).is_ok(), "{url}");
    }
}

#[test]
fn issuers_must_be_an_array_of_at_least_one_each_once() {
    assert_eq!(Issuers::parse("[]", true).unwrap_err(), IssuerError::Empty);
    for text in ["", "{}", "[7]", "[{}", "null", "\"text\""] {
        assert!(matches!(Issuers::parse(text, true), Err(IssuerError::Syntax(_))), "{text}");
    }
    let twice = json!([minimal(), with("audience", json!("other"))]).to_string();
    let error = Issuers::parse(&twice, false).unwrap_err();
    assert_eq!(error.to_string(), "issuer https://login.contoso.example/: issuer: is set twice");
    let two = json!([minimal(), with("issuer", json!("https://login.contoso.example"))]).to_string();
    assert_eq!(Issuers::parse(&two, false).unwrap().as_slice().len(), 2, "compared byte by byte");
}

#[test]
fn the_setting_can_name_a_file() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("issuers.json");
    let setting = format!("@{}", path.display());
    assert!(matches!(Issuers::parse(&setting, false), Err(IssuerError::File { .. })));
    std::fs::write(&path, json!([minimal()]).to_string()).unwrap();
    assert_eq!(Issuers::parse(&setting, false).unwrap().as_slice().len(), 1);
}

#[test]
fn a_shared_secret_is_for_the_demo_and_long_enough() {
    let shared = |secret: &str| with("keys", json!({ "hs256Secret": secret }));
    let issuer = parse(&shared(SECRET), true).unwrap();
    assert_eq!(issuer.algorithms, [Algorithm::HS256]);
    let (field, message) = refused(&shared(SECRET), false);
    assert_eq!(field, "keys.hs256Secret");
    assert!(message.contains("HS256 is for the demo and tests"), "{message}");
    assert!(parse(&shared(&"x".repeat(32)), true).is_ok());
    assert_eq!(refused(&shared(&"x".repeat(31)), true).0, "keys.hs256Secret");
    assert_eq!(refused(&shared(""), true).0, "keys.hs256Secret");
    let mut listed = shared(SECRET);
    listed["algorithms"] = json!(["HS256"]);
    assert_eq!(refused(&listed, true).0, "algorithms");
}

#[test]
fn neither_errors_nor_debug_show_a_secret() {
    let issuers =
        Issuers::parse(&json!([with("keys", json!({ "hs256Secret": SECRET }))]).to_string(), true).unwrap();
    let shown = format!("{issuers:?} {issuers:#?}");
    assert!(shown.contains("[hidden]") && !shown.contains(SECRET), "{shown}");

    let wrong = [
        json!(SECRET),
        json!([SECRET]),
        json!({ "hs256Secret": [SECRET] }),
        json!({ "hs256Secret": { "value": SECRET } }),
        json!({ "hs256secret": SECRET }),
        json!({ "hs256Secret": SECRET, "jwksFile": "keys.json" }),
        json!({ "hs256Secret": 123_456_789_012_345_u64 }),
    ];
    for keys in wrong {
        for demo in [true, false] {
            let (_, message) = refused(&with("keys", keys.clone()), demo);
            assert!(!message.contains(SECRET) && !message.contains("123456789012345"), "{message}");
        }
    }
    let (_, message) = refused(&with("keys", json!({ "hs256Secret": SECRET })), false);
    assert!(!message.contains(SECRET), "{message}");
    let broken = format!("[{{\"keys\": {{\"hs256Secret\": \"{SECRET}\"]");
    assert!(!Issuers::parse(&broken, true).unwrap_err().to_string().contains(SECRET));
    assert!(!Issuers::parse(&format!("\"{SECRET}\""), true).unwrap_err().to_string().contains(SECRET));
}

/// What the roles of `claims` are, by the rules `rules`, as `ROLE` or `ROLE:scope`.
fn roles(rules: &Value, claims: &Value) -> Vec<String> {
    let issuer = parse(&with("roles", rules.clone()), false).unwrap();
    let show = |claim: RoleClaim| match claim.scope {
        Some(scope) => format!("{}:{scope}", claim.role),
        None => claim.role,
    };
    issuer.roles.read(claims.as_object().unwrap()).into_iter().map(show).collect()
}

#[test]
fn roles_come_as_an_array_or_as_words() {
    let both = ["GLOBAL_ADMINISTRATOR", "CATALOG_OWNER:cat_01h"];
    let none: [&str; 0] = [];
    for claim in [
        json!(["GLOBAL_ADMINISTRATOR", "CATALOG_OWNER:cat_01h"]),
        json!(["global_administrator", "catalog_owner:cat_01h", "Global_Administrator"]),
        json!(["global_administrator", 7, null, ["x"], "catalog_owner:cat_01h"]),
        json!("global_administrator  catalog_owner:cat_01h"),
    ] {
        assert_eq!(roles(&json!({}), &json!({ "roles": claim })), both, "{claim}");
    }
    for claim in
        [json!(7), json!(null), json!(true), json!({ "a": "global_administrator" }), json!(""), json!([])]
    {
        assert_eq!(roles(&json!({}), &json!({ "roles": claim })), none, "{claim}");
    }
    assert_eq!(roles(&json!({}), &json!({})), none);
}

#[test]
fn what_is_no_role_is_passed_over() {
    let none: [&str; 0] = [];
    for value in [
        "",
        ":",
        ":cat_1",
        "catalog_owner:",
        "catalog_owner: ",
        "catalog_owner:a b",
        "catalog_owner:\u{7f}",
        "global administrator",
        "global-administrator",
        " global_administrator",
        "globaladmini\u{17f}trator",
        "gl\u{f6}bal",
    ] {
        assert_eq!(roles(&json!({}), &json!({ "roles": [value] })), none, "{value:?}");
    }
    assert_eq!(
        roles(&json!({}), &json!({ "roles": ["r".repeat(65), format!("r:{}", "s".repeat(65))] })),
        none
    );
    assert_eq!(roles(&json!({}), &json!({ "roles": ["a:b:c"] })), ["A:b:c"], "split at the first colon");
}

#[test]
fn at_most_200_values_are_looked_at() {
    let mut values = vec![json!("none of ours"); 199];
    values.extend([json!("catalog_creator"), json!("global_administrator")]);
    assert_eq!(roles(&json!({}), &json!({ "roles": values })), ["CATALOG_CREATOR"]);
    let words = format!("{}catalog_creator global_administrator", "9 ".repeat(199));
    assert_eq!(roles(&json!({}), &json!({ "roles": words })), ["CATALOG_CREATOR"]);
}

#[test]
fn a_map_replaces_the_own_names_and_keeps_the_scope() {
    let rules = json!({ "map": {
        "boss": "global_administrator",
        "owner": "CATALOG_OWNER",
        "urn:contoso:readers": "GLOBAL_READER",
    } });
    let claims = json!({ "roles": [
        "boss", "owner:cat_01h", "urn:contoso:readers", "urn:contoso:other", "Boss", "GLOBAL_ADMINISTRATOR", "owner:",
    ] });
    assert_eq!(roles(&rules, &claims), ["GLOBAL_ADMINISTRATOR", "CATALOG_OWNER:cat_01h", "GLOBAL_READER"]);
    let none: [&str; 0] = [];
    assert_eq!(roles(&json!({ "map": {} }), &claims), none, "an empty map maps nothing");
}

#[test]
fn only_allowed_roles_count_with_and_without_a_map() {
    let allowed = json!(["catalog_owner"]);
    let claims =
        json!({ "roles": ["global_administrator", "catalog_owner", "catalog_owner:cat_1", "boss", "owner"] });
    assert_eq!(roles(&json!({ "allowed": allowed }), &claims), ["CATALOG_OWNER", "CATALOG_OWNER:cat_1"]);
    let map = json!({ "boss": "GLOBAL_ADMINISTRATOR", "owner": "CATALOG_OWNER" });
    assert_eq!(roles(&json!({ "allowed": allowed, "map": map }), &claims), ["CATALOG_OWNER"]);
    let none: [&str; 0] = [];
    assert_eq!(roles(&json!({ "allowed": [] }), &claims), none);
}

#[test]
fn a_claim_is_found_by_its_whole_name_first_then_by_its_path() {
    let claims = json!({
        "https://contoso.example/roles": ["catalog_creator"],
        "a.b": ["global_reader"],
        "a": { "b": ["global_administrator"], "c": { "d": "user_administrator" } },
        "realm_access": { "roles": ["catalog_owner"] },
    });
    let by = |name: &str| roles(&json!({ "claim": name }), &claims);
    assert_eq!(by("https://contoso.example/roles"), ["CATALOG_CREATOR"]);
    assert_eq!(by("realm_access.roles"), ["CATALOG_OWNER"]);
    assert_eq!(by("a.b"), ["GLOBAL_READER"]);
    assert_eq!(by("a.c.d"), ["USER_ADMINISTRATOR"]);
    let none: [&str; 0] = [];
    for name in [
        "a.c",
        "a.c.d.e",
        "realm_access.",
        ".roles",
        ".",
        "realm_access.roles.0",
        "https://other.example/roles",
    ] {
        assert_eq!(by(name), none, "{name}");
    }
}
