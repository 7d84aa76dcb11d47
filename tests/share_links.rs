//! Share links: what one is good for, where it leads, and what those learn whom it leads nowhere.

use serde_json::{Value, json};

use crate::harness::server::OUTSIDE;
use crate::harness::{Server, codes};

const LINK: &str = "query($id: ID!) { node(id: $id) { ... on AccessPackage { shareLink { url directoryHint externallyUsable problems } } } }";
const TARGET: &str = "query($url: URL!) { shareLinkTarget(url: $url) { accessPackage { id displayName }
    applicablePolicies { displayName questions { key } approvalStages { timeout } requiresJustification: justificationRequired }
    blockers { code } userErrors { code message field } } }";

impl Server {
    /// The share link of a package, as its administrator copies it.
    pub async fn share_link(&self, package: &Value) -> String {
        let found = self.ask("alice", LINK, json!({ "id": package })).await;
        found["node"]["shareLink"]["url"].as_str().unwrap().to_owned()
    }

    /// What keeps outsiders from using it.
    async fn link_problems(&self, package: &Value) -> Value {
        let link = self.ask("alice", LINK, json!({ "id": package })).await["node"]["shareLink"].clone();
        assert_eq!(link["externallyUsable"], json!(link["problems"] == json!([])));
        link["problems"].clone()
    }

    /// Where a link leads a member.
    async fn follow(&self, subject: &str, url: &str) -> Value {
        self.ask(subject, TARGET, json!({ "url": url })).await["shareLinkTarget"].clone()
    }

    /// Where a link leads somebody from outside, and in how many statements.
    async fn lead(&self, token: &str, url: &str) -> (Value, u64) {
        let before = self.app.database.statement_count();
        let target = self.visit(token, TARGET, json!({ "url": url })).await["shareLinkTarget"].clone();
        (target, self.app.database.statement_count() - before)
    }
}

on_both_databases! {
    async fn those_who_manage_a_package_copy_its_link(server: Server) {
        let package = server.package("Backend engineer").await;
        let link = server.ask("hana", LINK, json!({ "id": package })).await["node"]["shareLink"].clone();
        let url = format!("https://access.example/@contoso.example#/access-packages/{}", package.as_str().unwrap());
        assert_eq!((&link["url"], &link["directoryHint"]), (&json!(url), &json!("contoso.example")));
        for (who, sees) in [("alice", true), ("bruno", true), ("chloe", true), ("goran", true), ("hana", true),
            ("deniz", false), ("farah", false), ("ivan", false), ("judith", false), ("karim", false)] {
            let found = server.ask(who, LINK, json!({ "id": package })).await["node"].clone();
            assert_eq!(found["shareLink"].is_object(), sees, "{who}: {found}");
        }
        // The manager of Engineering's packages copies no link of another catalog.
        let other = server.package("Campaign editor").await;
        assert_eq!(server.ask("hana", LINK, json!({ "id": other })).await["node"]["shareLink"], Value::Null);
        // Without a domain the slug stands in the link.
        server.sql("DELETE FROM organization_domain").await;
        let link = server.ask("hana", LINK, json!({ "id": package })).await["node"]["shareLink"].clone();
        assert_eq!(link["url"], url.replace("contoso.example", "contoso"));
        assert_eq!(link["directoryHint"], "contoso");
    }

    async fn a_link_tells_why_outsiders_cannot_use_it(server: Server) {
        let everybody = server.partner_package("For everybody", json!({ "requestorScope": "ALL_EXTERNAL_USERS" })).await;
        let connected = server.partner_package("For partners", json!({ "requestorScope": "ALL_CONNECTED_ORGANIZATIONS" })).await;
        let inside = server.partner_package("For members", json!({ "requestorScope": "ALL_USERS" })).await;
        let off = server.partner_package("Off", json!({ "requestorScope": "ALL_EXTERNAL_USERS", "enabled": false })).await;
        let closed = server.guarded("Closed", json!({ "requestorScope": "ALL_EXTERNAL_USERS" })).await;
        let member = server.package("Backend engineer").await;
        for (package, problems) in [(&everybody, json!([])), (&connected, json!([])), (&inside, json!(["NO_POLICY_FOR_EXTERNAL_USERS"])),
            (&off, json!(["NO_POLICY_FOR_EXTERNAL_USERS"])), (&closed, json!(["CATALOG_NOT_EXTERNALLY_VISIBLE"])),
            (&member, json!(["CATALOG_NOT_EXTERNALLY_VISIBLE", "NO_POLICY_FOR_EXTERNAL_USERS"]))] {
            assert_eq!(server.link_problems(package).await, problems);
        }
        // The only connected organization is not configured any more.
        server.sql("UPDATE connected_organization SET state = 'PROPOSED'").await;
        assert_eq!(server.link_problems(&connected).await, json!(["CONNECTED_ORGANIZATION_NOT_CONFIGURED"]));
        server.sql("UPDATE connected_organization SET state = 'CONFIGURED'").await;
        // Its people sign in by an issuer that the operator does not trust any more.
        let tenant = json!([{ "tenant": { "issuer": OUTSIDE, "claim": "tid", "value": "t1" } }]);
        let partner = server.partner("Adatum", tenant).await;
        let named = server.partner_package("For Adatum", json!({ "requestorScope": "SPECIFIC_CONNECTED_ORGANIZATIONS",
            "specificConnectedOrganizations": [partner["id"]] })).await;
        assert_eq!(server.link_problems(&named).await, json!([]));
        server.sql("UPDATE identity_source SET issuer = 'https://gone.example' WHERE kind = 'TENANT'").await;
        assert_eq!(server.link_problems(&named).await, json!(["NO_TRUSTED_SIGN_IN"]));
        server.sql("UPDATE catalog SET enabled = FALSE").await;
        assert_eq!(server.link_problems(&everybody).await, json!(["CATALOG_DISABLED"]));
    }

    async fn a_list_of_links_takes_as_many_statements_as_one(server: Server) {
        let mut statements = Vec::new();
        server.ask("alice", "{ viewer { roles } }", json!({})).await;
        for first in [1, 10] {
            let before = server.app.database.statement_count();
            let query = "query($first: Int) { accessPackages(first: $first) { nodes { shareLink { url problems } } } }";
            let found = server.ask("alice", query, json!({ "first": first })).await;
            assert!(found["accessPackages"]["nodes"].as_array().unwrap().len() > 5 || first == 1);
            statements.push(server.app.database.statement_count() - before);
        }
        assert_eq!(statements[0], statements[1]);
    }

    async fn a_link_leads_to_the_package_as_one_may_see_it(server: Server) {
        let question = json!([{ "key": "why", "required": true, "text": { "default": "Why?" }, "answer": { "text": {} } }]);
        let stage = json!([{ "approvers": [{ "manager": true }], "timeout": "P14D" }]);
        let policy = json!({ "requestorScope": "ALL_EXTERNAL_USERS", "questions": question,
            "approvalStages": [{ "approvers": [{ "catalogRole": "CATALOG_OWNER" }] }] });
        let package = server.partner_package("Shared", policy).await;
        let inside = server.policy_for(&package, json!({ "displayName": "Inside", "approvalStages": stage })).await;
        assert_eq!(codes(&inside), [""; 0]);
        let url = server.share_link(&package).await;
        let token = server.outside("paula", json!({ "name": "Paula Partner" }));
        for hint in ["contoso.example", "CONTOSO.Example", "contoso", "Contoso"] {
            let (target, _) = server.lead(&token, &url.replace("@contoso.example", &format!("@{hint}"))).await;
            assert_eq!(target, json!({ "accessPackage": { "id": package, "displayName": "Shared" },
                "applicablePolicies": [{ "displayName": "Partners", "questions": [{ "key": "why" }],
                    "approvalStages": [{ "timeout": "P14D" }], "requiresJustification": false }],
                "blockers": [], "userErrors": [] }), "{hint}");
        }
        // Nobody was made by looking.
        assert_eq!(server.rows("SELECT subject FROM app_user WHERE subject = 'paula'".to_owned()).await, [""; 0]);
        let target = server.follow("karim", &url).await;
        assert_eq!((&target["applicablePolicies"][0]["displayName"], &target["blockers"]), (&json!("Inside"), &json!([])));
        assert_eq!(codes(&server.submits("karim", &package, json!({})).await), [""; 0]);
        assert_eq!(server.follow("karim", &url).await["blockers"], json!([{ "code": "REQUEST_OPEN" }]));
        // Two policies of one level: one must be chosen.
        let second = server.policy_for(&package, json!({ "displayName": "Second" })).await;
        assert_eq!(codes(&second), [""; 0]);
        let target = server.follow("goran", &url).await;
        assert_eq!(target["applicablePolicies"].as_array().unwrap().len(), 2);
        assert_eq!(target["blockers"], json!([{ "code": "POLICY_REQUIRED" }]));
        // Who sees all of the catalog is led there, and told that nothing admits them.
        let nobody = server.guarded("Nobody", json!({ "requestorScope": "NOBODY" })).await;
        let target = server.follow("hana", &server.share_link(&nobody).await).await;
        assert_eq!(target["accessPackage"]["displayName"], "Nobody");
        assert_eq!((&target["applicablePolicies"], &target["blockers"]), (&json!([]), &json!([{ "code": "NOT_REQUESTABLE" }])));
    }

    async fn what_leads_nowhere_is_not_told_apart(server: Server) {
        let shared = server.partner_package("Shared", json!({ "requestorScope": "ALL_EXTERNAL_USERS" })).await;
        let url = server.share_link(&shared).await;
        let to = |package: &Value| url.replace(shared.as_str().unwrap(), package.as_str().unwrap());
        let deleted = server.partner_package("Deleted", json!({ "requestorScope": "ALL_EXTERNAL_USERS" })).await;
        assert_eq!(codes(&server.mutation("alice", "deleteAccessPackage", "accessPackage { id }", json!({ "id": deleted })).await), [""; 0]);
        let foreign = server.ask("mila", "{ accessPackages { nodes { id } } }", json!({})).await["accessPackages"]["nodes"][0]["id"].clone();
        let closed = server.guarded("Closed", json!({ "requestorScope": "ALL_EXTERNAL_USERS" })).await;
        let inside = server.partner_package("Members", json!({ "requestorScope": "ALL_MEMBERS" })).await;
        let off = server.partner_package("Off", json!({ "requestorScope": "ALL_EXTERNAL_USERS", "enabled": false })).await;
        let nobody = server.partner_package("Nobody", json!({ "requestorScope": "NOBODY" })).await;
        let links = [
            to(&json!(guichet::id::Kind::AccessPackage.text(uuid::Uuid::from_u128(1)))),
            to(&foreign), to(&deleted), to(&closed), to(&inside), to(&off), to(&nobody),
            url.replace("contoso.example", "fabrikam.example"),
            url.replace("contoso.example", "fabrikam"),
            url.replace("contoso.example", "nowhere.example"),
            url.replace("contoso.example", "contoso.example.evil.example"),
            url.replace("contoso.example", "-"),
            to(&foreign).replace("contoso.example", "fabrikam.example"),
        ];
        let newcomer = server.outside("paula", json!({ "name": "Paula Partner", "email": "paula@contoso.example.evil.example", "email_verified": true }));
        let guest = server.outside("gerd", json!({ "name": "Gerd Guest" }));
        assert_eq!(codes(&server.knock(&guest, &shared).await), [""; 0]);
        let before = server.contents().await;
        for token in [&newcomer, &guest] {
            assert_eq!(codes(&server.lead(token, &url).await.0), [""; 0]);
            let expected = server.lead(token, &links[0]).await;
            assert_eq!(codes(&expected.0), ["NOT_AVAILABLE"]);
            assert_eq!((&expected.0["accessPackage"], &expected.0["applicablePolicies"], &expected.0["blockers"]), (&Value::Null, &json!([]), &json!([])));
            for link in &links {
                assert_eq!(server.lead(token, link).await, expected, "{link}");
                let node = server.visit(token, "query($id: ID!) { node(id: $id) { id } }", json!({ "id": link.rsplit('/').next() })).await;
                assert!(node["node"].is_null() || link.contains(shared.as_str().unwrap()), "{link}");
            }
        }
        // A member out of scope is told the same.
        let partners = server.share_link(&shared).await;
        for link in [&partners, &to(&off), &to(&nobody), &to(&foreign), &links[0], &links[7], &links[9]] {
            let target = server.follow("karim", link).await;
            assert_eq!(target, server.follow("karim", &links[0]).await, "{link}");
            assert_eq!(codes(&target), ["NOT_AVAILABLE"]);
        }
        // A disabled catalog closes at once.
        server.sql("UPDATE catalog SET enabled = FALSE WHERE externally_visible").await;
        assert_eq!(server.lead(&newcomer, &url).await, server.lead(&newcomer, &links[0]).await);
        server.sql("UPDATE catalog SET enabled = TRUE WHERE externally_visible").await;
        assert!(server.contents().await == before, "looking changes nothing");
    }

    async fn what_is_no_link_of_this_server_is_said_to_be_none(server: Server) {
        let shared = server.partner_package("Shared", json!({ "requestorScope": "ALL_EXTERNAL_USERS" })).await;
        let url = server.share_link(&shared).await;
        let token = server.outside("paula", json!({}));
        let before = server.contents().await;
        server.lead(&token, &url).await;
        let none = server.lead(&token, "").await;
        for bad in [
            url.replace("@contoso.example", "@"),
            url.replace("/@contoso.example", ""),
            url.replace("access.example", "access.example.evil.example"),
            url.replace("https://", "http://"),
            url.replace("access.example", "access.example:8443"),
            url.replace("/@", "/other/@"),
            url.replace('#', "?t=1#"),
            format!("{url}#/access-packages/{}", shared.as_str().unwrap()),
            format!("{url}#"),
            format!("{url}?u=1"),
            format!("{url}/"),
            url.replace("pkg_", "usr_"),
            url.to_uppercase(),
            url.split('#').next().unwrap().to_owned(),
            shared.as_str().unwrap().to_owned(),
            "\u{0}".to_owned(),
            "javascript:alert(1)".to_owned(),
            format!("{url}{}", "a".repeat(5_000)),
        ] {
            let told = server.lead(&token, &bad).await;
            assert_eq!(codes(&told.0), ["INVALID_LINK"], "{bad}");
            assert_eq!(told, none, "{bad}");
        }
        assert_eq!(codes(&server.lead(&token, &url).await.0), [""; 0]);
        assert!(server.contents().await == before, "looking changes nothing");
    }
}
