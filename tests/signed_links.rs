//! Signed links: made and shown once, required, counted, bound, limited, revoked, and what each that is no good says.

use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::harness::server::OUTSIDE;
use crate::harness::{Server, codes};

const MADE: &str = "url signedLink { id label uses openings maximumUses expiresAt revokedAt
    connectedOrganization { displayName } createdBy { displayName } accessPackage { displayName } }";
const SUBMIT: &str = "mutation($input: SubmitAccessRequestInput!) { submitAccessRequest(input: $input) {
    accessRequest { id state } userErrors { code field } } }";
const PREVIEW: &str = "query($input: SubmitAccessRequestInput!) { accessRequestPreview(input: $input) {
    acceptable userErrors { code field } } }";
const FOLLOW: &str = "query($url: URL!) { shareLinkTarget(url: $url) { accessPackage { id } blockers { code }
    userErrors { code } } }";
const LISTED: &str =
    "query($id: ID!) { node(id: $id) { ... on AccessPackage { signedLinks { totalCount nodes {
    id label uses openings revokedBy { displayName } } } } } }";

impl Server {
    /// A package for everybody from outside who comes by a signed link.
    async fn by_link_only(&self, name: &str) -> Value {
        let policy = json!({ "requestorScope": "ALL_EXTERNAL_USERS", "requiresSignedLink": true });
        self.partner_package(name, policy).await
    }

    /// Makes a signed link.
    async fn sign(&self, subject: &str, package: &Value, more: Value) -> Value {
        let mut input = json!({ "accessPackage": package, "label": "For the fair" });
        input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.mutation(subject, "createShareLink", MADE, input).await
    }

    /// Makes a signed link; the link itself.
    async fn signed(&self, package: &Value, more: Value) -> String {
        let made = self.sign("alice", package, more).await;
        assert_eq!(codes(&made), [""; 0], "{made}");
        made["url"].as_str().unwrap().to_owned()
    }

    /// Somebody from outside asks for a package by a link.
    async fn ask_by(&self, token: &str, package: &Value, link: Option<&str>) -> Value {
        let input = json!({ "input": { "accessPackage": package, "shareLink": link } });
        let preview = self.visit(token, PREVIEW, input.clone()).await["accessRequestPreview"].clone();
        let done = self.visit(token, SUBMIT, input).await["submitAccessRequest"].clone();
        assert_eq!(preview["userErrors"], done["userErrors"], "the preview says what the submission does");
        done
    }

    /// How often the links of a package were used and opened, newest first.
    async fn counted(&self, package: &Value) -> Vec<(i64, i64)> {
        let found = self.ask("alice", LISTED, json!({ "id": package })).await;
        let links = found["node"]["signedLinks"]["nodes"].as_array().unwrap().clone();
        links
            .iter()
            .map(|link| (link["uses"].as_i64().unwrap(), link["openings"].as_i64().unwrap()))
            .collect()
    }

    fn visitor(&self, subject: &str) -> String {
        self.outside(subject, json!({ "name": subject }))
    }

    fn visitor_of(&self, subject: &str, tenant: &str) -> String {
        self.outside(subject, json!({ "name": subject, "tid": tenant }))
    }
}

on_both_databases! {
    async fn a_link_is_shown_once_listed_and_revoked(server: Server) {
        let package = server.package("Backend engineer").await;
        let end = (server.clock.now() + TimeDelta::days(1)).to_rfc3339();
        let more = json!({ "expiresAt": end, "maximumUses": 3, "idempotencyKey": "k" });
        let made = server.sign("hana", &package, more.clone()).await;
        assert_eq!(codes(&made), [""; 0], "{made}");
        let url = made["url"].as_str().unwrap();
        let plain = server.share_link(&package).await;
        let secret = url.strip_prefix(&format!("{plain}?t=")).unwrap();
        assert!(secret.starts_with("gui_lnk_") && secret.len() == 61, "{secret}");
        let link = &made["signedLink"];
        assert_eq!((&link["label"], &link["maximumUses"], &link["uses"]), (&json!("For the fair"), &json!(3), &json!(0)));
        assert_eq!(link["createdBy"]["displayName"], "Hana Sato");
        assert!(!server.contents().await.iter().any(|row| row.contains(secret)), "only a hash is kept");
        // The same key: the same link, and no secret.
        let again = server.sign("hana", &package, more).await;
        assert_eq!((codes(&again), &again["url"], &again["signedLink"]["id"]), (vec!["SECRET_ALREADY_SHOWN"], &Value::Null, &link["id"]));
        assert_eq!(codes(&server.sign("hana", &package, json!({ "idempotencyKey": "k" })).await), ["IDEMPOTENCY_KEY_REUSED"]);
        // Those who manage the package see it.
        let node = "query($id: ID!) { node(id: $id) { id } }";
        for (who, sees) in [("alice", true), ("bruno", true), ("chloe", true), ("goran", true), ("hana", true),
            ("deniz", false), ("farah", false), ("ivan", false), ("judith", false), ("karim", false)] {
            let listed = server.ask(who, LISTED, json!({ "id": package })).await["node"]["signedLinks"]["totalCount"].clone();
            assert_eq!(listed, i32::from(sees), "{who}");
            assert_eq!(server.ask(who, node, json!({ "id": link["id"] })).await["node"].is_object(), sees, "{who}");
        }
        let revoke = async |who: &str| server.mutation(who, "revokeShareLink", "signedLink { id revokedAt }", json!({ "id": link["id"] })).await;
        let done = revoke("goran").await;
        assert_eq!(codes(&done), [""; 0]);
        assert!(done["signedLink"]["revokedAt"].is_string());
        let before = server.contents().await;
        assert_eq!(codes(&revoke("hana").await), ["ALREADY_REVOKED"]);
        assert!(server.contents().await == before);
        let listed = server.ask("hana", LISTED, json!({ "id": package })).await["node"]["signedLinks"]["nodes"][0].clone();
        assert_eq!(listed["revokedBy"]["displayName"], "Göran Lindqvist");
        let audited = server.ask("alice", "query($target: [ID!]) { auditEvents(filter: {target: $target}) { nodes { action } } }",
            json!({ "target": [link["id"]] })).await["auditEvents"]["nodes"].clone();
        assert_eq!(audited, json!([{ "action": "signed_link.revoked" }, { "action": "signed_link.created" }]));
    }

    async fn what_a_link_must_be_is_checked(server: Server) {
        let package = server.package("Backend engineer").await;
        server.sign("hana", &package, json!({})).await;
        let other = server.package("Campaign editor").await;
        let board = server.package("Board papers").await;
        let before = server.contents().await;
        let past = server.clock.now().to_rfc3339();
        for (more, code, field) in [
            (json!({ "label": "" }), "INVALID_INPUT", "label"),
            (json!({ "label": "a".repeat(201) }), "INVALID_INPUT", "label"),
            (json!({ "expiresAt": past }), "INVALID_SCHEDULE", "expiresAt"),
            (json!({ "maximumUses": 0 }), "INVALID_INPUT", "maximumUses"),
            (json!({ "maximumUses": -1 }), "INVALID_INPUT", "maximumUses"),
            (json!({ "maximumUses": 100_001 }), "INVALID_INPUT", "maximumUses"),
            (json!({ "connectedOrganization": "corg_x" }), "NOT_FOUND", "connectedOrganization"),
            (json!({ "accessPackage": "pkg_x" }), "NOT_FOUND", "accessPackage"),
            (json!({ "accessPackage": board }), "NOT_FOUND", "accessPackage"),
            (json!({ "accessPackage": other }), "FORBIDDEN", "accessPackage"),
        ] {
            let made = server.sign("hana", &package, more.clone()).await;
            assert_eq!((codes(&made), &made["userErrors"][0]["field"][1]), (vec![code], &json!(field)), "{more}");
            assert!(made["url"].is_null() && made["signedLink"].is_null());
        }
        // A link of another catalog is not hers to revoke.
        let foreign = server.sign("alice", &other, json!({})).await["signedLink"]["id"].clone();
        for id in [&foreign, &json!("slnk_x")] {
            let refused = server.mutation("hana", "revokeShareLink", "signedLink { id }", json!({ "id": id })).await;
            assert_eq!(codes(&refused), ["NOT_FOUND"]);
        }
        let count = |rows: &[String]| rows.iter().filter(|row| row.starts_with("signed_link:")).count();
        assert_eq!(count(&server.contents().await), count(&before) + 1);
    }

    async fn a_policy_that_requires_a_link_takes_only_requests_by_one(server: Server) {
        let package = server.by_link_only("Shared").await;
        let url = server.signed(&package, json!({})).await;
        let token = server.visitor("paula");
        let before = server.contents().await;
        let plain = server.share_link(&package).await;
        for link in [None, Some(plain.as_str())] {
            assert_eq!(codes(&server.ask_by(&token, &package, link).await), ["SIGNED_LINK_REQUIRED"]);
        }
        let told = server.visit(&token, FOLLOW, json!({ "url": plain })).await["shareLinkTarget"].clone();
        assert_eq!(told["blockers"], json!([{ "code": "SIGNED_LINK_REQUIRED" }]));
        assert!(server.contents().await == before, "nothing was made or counted");
        let told = server.visit(&token, FOLLOW, json!({ "url": url })).await["shareLinkTarget"].clone();
        assert_eq!((&told["accessPackage"]["id"], &told["blockers"]), (&package, &json!([])));
        assert_eq!(server.counted(&package).await, [(0, 1)]);
        assert_eq!(codes(&server.ask_by(&token, &package, Some(&url)).await), [""; 0]);
        assert_eq!(server.counted(&package).await, [(1, 1)]);
        // What is refused is no use of the link.
        assert_eq!(codes(&server.ask_by(&token, &package, Some(&url)).await), ["ALREADY_ASSIGNED"]);
        assert_eq!(server.counted(&package).await, [(1, 1)]);
        let used = server.ask("alice", "{ auditEvents(filter: {action: [\"signed_link.used\"]}) { nodes { actor { displayName } } } }", json!({})).await;
        assert_eq!(used["auditEvents"]["nodes"], json!([{ "actor": { "displayName": "paula" } }]));
        // It never admits beyond the policy: nor members, nor into a closed catalog.
        assert_eq!(codes(&server.submits("karim", &package, json!({ "shareLink": url })).await), ["NOT_FOUND"]);
        server.sql("UPDATE catalog SET enabled = FALSE WHERE externally_visible").await;
        let late = server.visitor("late");
        assert_eq!(codes(&server.ask_by(&late, &package, Some(&url)).await), ["NOT_FOUND"]);
        assert_eq!(codes(&server.visit(&late, FOLLOW, json!({ "url": url })).await["shareLinkTarget"]), ["NOT_AVAILABLE"]);
        assert_eq!(server.counted(&package).await, [(1, 1)]);
    }

    async fn each_link_that_is_no_good_says_why(server: Server) {
        let package = server.by_link_only("Shared").await;
        let other = server.by_link_only("Other").await;
        let tenant = |value: &str| json!([{ "tenant": { "issuer": OUTSIDE, "claim": "tid", "value": value } }]);
        let partner = server.partner("Adatum", tenant("t1")).await;
        server.partner("Litware", tenant("t2")).await;
        let good = server.signed(&package, json!({})).await;
        let end = (server.clock.now() + TimeDelta::hours(1)).to_rfc3339();
        let expired = server.signed(&package, json!({ "expiresAt": end })).await;
        let used = server.signed(&package, json!({ "maximumUses": 1 })).await;
        let revoked = server.sign("alice", &package, json!({})).await;
        let bound = server.signed(&package, json!({ "connectedOrganization": partner["id"] })).await;
        let elsewhere = server.signed(&other, json!({})).await;
        let revoke = json!({ "id": revoked["signedLink"]["id"] });
        assert_eq!(codes(&server.mutation("alice", "revokeShareLink", "signedLink { id }", revoke).await), [""; 0]);
        assert_eq!(codes(&server.ask_by(&server.visitor("first"), &package, Some(&used)).await), [""; 0]);
        server.clock.advance(TimeDelta::hours(1));
        let forged = format!("{}gui_lnk_{}", good.split("gui_lnk_").next().unwrap(), elsewhere.split("gui_lnk_").nth(1).unwrap());
        let last = if good.ends_with('x') { "y" } else { "x" };
        let mistyped = format!("{}{last}", &good[..good.len() - 1]);
        let token = server.visitor_of("paula", "t2");
        let nobodys = server.visitor("nobody");
        let before = server.contents().await;
        for (link, code) in [
            (expired, "LINK_EXPIRED"),
            (used, "LINK_USED_UP"),
            (revoked["url"].as_str().unwrap().to_owned(), "LINK_REVOKED"),
            (bound.clone(), "LINK_FOR_OTHERS"),
            (forged, "UNKNOWN_LINK"),
            (mistyped, "UNKNOWN_LINK"),
            (good.replace("gui_lnk_", "gui_pat_"), "UNKNOWN_LINK"),
            (format!("{}?t=x", good.split('?').next().unwrap()), "UNKNOWN_LINK"),
        ] {
            for token in [&token, &nobodys] {
                let refused = server.ask_by(token, &package, Some(&link)).await;
                assert_eq!(codes(&refused), [code], "{link}");
                assert_eq!(refused["userErrors"][0]["field"], json!(["input", "shareLink"]));
                let told = server.visit(token, FOLLOW, json!({ "url": link })).await["shareLinkTarget"].clone();
                assert_eq!(told["blockers"], json!([{ "code": code }]), "{link}");
            }
        }
        for link in [
            elsewhere,
            good.replace("contoso.example", "fabrikam.example"),
            good.replace("contoso.example", "nowhere.example"),
            good.replace("contoso.example", "contoso.example.evil.example"),
            good.replace("https", "http"),
            good.replace("access.example", "access.example.evil.example"),
            good.replace("@contoso.example", "@"),
            good.replace('#', "##"),
            format!("{good}#/access-packages/x"),
            format!("{good}&x=1"),
            String::new(),
        ] {
            assert_eq!(codes(&server.ask_by(&token, &package, Some(&link)).await), ["INVALID_LINK"], "{link}");
        }
        assert!(server.contents().await == before, "nothing was made or counted");
        // The right organization's people use the bound one, and everybody the good one.
        let theirs = server.visitor_of("petra", "t1");
        assert_eq!(codes(&server.ask_by(&theirs, &package, Some(&bound)).await), [""; 0]);
        assert_eq!(codes(&server.ask_by(&token, &package, Some(&good)).await), [""; 0]);
    }

    async fn a_link_that_is_not_required_is_judged_all_the_same(server: Server) {
        let package = server.partner_package("Shared", json!({ "requestorScope": "ALL_EXTERNAL_USERS" })).await;
        let url = server.signed(&package, json!({ "maximumUses": 1 })).await;
        assert_eq!(codes(&server.ask_by(&server.visitor("one"), &package, Some(&url)).await), [""; 0]);
        let two = server.visitor("two");
        assert_eq!(codes(&server.ask_by(&two, &package, Some(&url)).await), ["LINK_USED_UP"]);
        assert_eq!(codes(&server.ask_by(&two, &package, None).await), [""; 0]);
        assert_eq!(server.counted(&package).await, [(1, 0)]);
    }

    async fn of_two_at_once_for_the_last_use_one_wins(server: Server) {
        let package = server.by_link_only("Shared").await;
        for round in 0..4 {
            let url = server.signed(&package, json!({ "maximumUses": 1 })).await;
            let tokens: Vec<String> = (0..4).map(|number| server.visitor(&format!("v{round}-{number}"))).collect();
            let input = json!({ "input": { "accessPackage": package, "shareLink": url } });
            let asked = tokens.iter().map(|token| server.visit(token, SUBMIT, input.clone()));
            let done = futures_util::future::join_all(asked).await;
            let mut ends: Vec<String> = done.iter().map(|done| codes(&done["submitAccessRequest"]).join(" ")).collect();
            ends.sort_unstable();
            assert_eq!(ends, ["", "LINK_USED_UP", "LINK_USED_UP", "LINK_USED_UP"]);
            let made = format!("SELECT subject FROM app_user WHERE subject LIKE 'v{round}-%'");
            assert_eq!(server.rows(made).await.len(), 1, "who was refused was not made");
        }
        assert_eq!(server.counted(&package).await, [(1, 0); 4]);
        // Members do not wait for one another until the link is counted.
        for who in ["karim", "lena", "goran", "hana"] {
            server.ask(who, "{ viewer { roles } }", json!({})).await;
        }
        for round in 0..4 {
            let package = server.guarded(&format!("Race {round}"), json!({ "requiresSignedLink": true })).await;
            let url = server.signed(&package, json!({ "maximumUses": 1 })).await;
            let asked = ["karim", "lena", "goran", "hana"].map(|who| server.submits(who, &package, json!({ "shareLink": url })));
            let done = futures_util::future::join_all(asked).await;
            let mut ends: Vec<String> = done.iter().map(|done| codes(done).join(" ")).collect();
            ends.sort_unstable();
            assert_eq!(ends, ["", "LINK_USED_UP", "LINK_USED_UP", "LINK_USED_UP"]);
            assert_eq!(server.counted(&package).await, [(1, 0)]);
        }
    }

    async fn a_request_shows_its_link_to_those_who_manage_the_package(server: Server) {
        let package = server.guarded("By link", json!({ "requiresSignedLink": true })).await;
        let link = server.signed(&package, json!({ "label": "For the fair" })).await;
        let made = server.submits("karim", &package, json!({ "shareLink": link })).await;
        assert_eq!(codes(&made), [""; 0], "{made}");
        let query = "query($id: ID!) { node(id: $id) { ... on AccessRequest { id signedLink { label uses } } } }";
        let id = &made["accessRequest"]["id"];
        for (who, sees) in [("alice", true), ("hana", true), ("goran", true), ("ivan", false), ("karim", false), ("deniz", false)] {
            let seen = server.ask(who, query, json!({ "id": id })).await["node"].clone();
            let link = if sees { json!({ "label": "For the fair", "uses": 1 }) } else { Value::Null };
            assert_eq!(seen, json!({ "id": id, "signedLink": link }), "{who}");
        }
        // A list of them takes one statement more, not one for each.
        for who in ["lena", "judith", "emil"] {
            assert_eq!(codes(&server.submits(who, &package, json!({ "shareLink": link })).await), [""; 0]);
        }
        let list = "query($package: [ID!], $first: Int) { accessRequests(filter: { accessPackage: $package }, first: $first) { nodes { signedLink { label } } } }";
        let mut statements = Vec::new();
        for first in [1, 1, 4] {
            let before = server.app.database.statement_count();
            let found = server.ask("hana", list, json!({ "package": [package], "first": first })).await;
            assert_eq!(found["accessRequests"]["nodes"], json!(vec![json!({ "signedLink": { "label": "For the fair" } }); first]));
            statements.push(server.app.database.statement_count() - before);
        }
        assert_eq!(statements[1], statements[2]);
        // What the policy asked for is pinned with the request; one that was made without a link has none.
        let asked = |snapshot: &str| serde_json::from_str::<Value>(snapshot).unwrap()["requiresSignedLink"].clone();
        let pinned = "SELECT CAST(policy_snapshot AS text) FROM access_request WHERE signed_link_id IS NOT NULL";
        let pinned = server.rows(pinned.to_owned()).await;
        assert_eq!(pinned.iter().map(|row| asked(row)).collect::<Vec<_>>(), [json!(true), json!(true), json!(true), json!(true)]);
        let open = server.guarded("Open", json!({})).await;
        let made = server.submits("karim", &open, json!({})).await;
        assert_eq!(server.ask("alice", query, json!({ "id": made["accessRequest"]["id"] })).await["node"]["signedLink"], Value::Null);
        let pinned = "SELECT CAST(policy_snapshot AS text) FROM access_request ORDER BY id DESC LIMIT 1";
        assert_eq!(asked(&server.rows(pinned.to_owned()).await[0]), json!(false));
    }
}
