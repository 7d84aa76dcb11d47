//! What each person sees inside of their organization, and what a token's roles open.

use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::harness::{Server, codes};

const REQUESTS: &str = "{ accessRequests(first: 100) { totalCount nodes {
    id requestor { displayName } accessPackage { displayName catalog { displayName } } } } }";
const NODE: &str = "query($id: ID!) { node(id: $id) { id } }";
const PACKAGES: &str =
    "{ accessPackages(first: 100) { nodes { displayName catalog { displayName } policies { displayName } } }
    viewer { requestableAccessPackages(first: 100) { nodes { displayName } } } }";
const CATALOGS: &str =
    "{ catalogs { nodes { displayName viewerCanEdit viewerCanManagePackages viewerCanManageRequests } } }";
const DELIVERIES: &str = "query($id: ID!) { node(id: $id) { ... on AccessRequest { state
    viewerCanCancel viewerCanReprocess reprocess { eligible reason }
    deliveries { state connector { id } lastError { code message remoteStatus retryable }
        attempts { nodes { outcome errorCode message remoteStatus } }
        resourceRole { displayName resource { displayName connector { id } } } } } } }";
const WORDS: &str = "There is no group \"oncall\".";
const CREATE: &str =
    "mutation($catalog: ID!) { createAccessPackage(input: {catalog: $catalog, displayName: \"New\"}) {
    accessPackage { id } userErrors { code } } }";

/// A member of a list for each object: one text, sorted.
fn texts(list: &Value, at: &str) -> Vec<String> {
    let nodes = list["nodes"].as_array().unwrap().iter();
    let mut texts: Vec<String> =
        nodes.map(|node| node.pointer(at).unwrap().as_str().unwrap().to_owned()).collect();
    texts.sort_unstable();
    texts
}

impl Server {
    /// Asks with these roles in the token; the answer must hold no errors.
    async fn ask_as(&self, subject: &str, roles: &[&str], query: &str, variables: Value) -> Value {
        let answer = self.ask_with(&self.token_with(subject, "contoso", roles), query, variables).await;
        assert!(answer.json["errors"].is_null(), "{subject} {roles:?}: {query}\n{}", answer.json["errors"]);
        answer.json["data"].clone()
    }

    /// The id of a catalog.
    async fn catalog(&self, administrator: &str, name: &str) -> String {
        let query = "query($name: String!) { catalogs(filter: {search: $name}) { nodes { id } } }";
        let found = self.ask(administrator, query, json!({ "name": name })).await;
        found["catalogs"]["nodes"][0]["id"].as_str().unwrap().to_owned()
    }

    /// The request of a person for a package.
    async fn request_of(&self, name: &str, package: &str) -> String {
        let found = self.ask("alice", REQUESTS, json!({})).await["accessRequests"]["nodes"].clone();
        let mut found = found.as_array().unwrap().clone().into_iter();
        let own = found.find(|request| {
            request["requestor"]["displayName"] == name && request["accessPackage"]["displayName"] == package
        });
        own.unwrap()["id"].as_str().unwrap().to_owned()
    }
}

on_both_databases! {
    async fn a_member_sees_their_own_requests_only(server: Server) {
        let seen = server.ask("karim", REQUESTS, json!({})).await["accessRequests"].clone();
        assert_eq!(seen["totalCount"], 3);
        assert_eq!(texts(&seen, "/requestor/displayName"), ["Karim Benali"; 3]);
        assert_eq!(texts(&seen, "/accessPackage/displayName"), ["Backend engineer", "Ledger reader", "On-call"]);
        let own = server.request_of("Karim Benali", "On-call").await;
        let other = server.request_of("Lena Fischer", "On-call").await;
        assert_eq!(server.ask("karim", NODE, json!({ "id": own })).await["node"]["id"], json!(own));
        assert_eq!(server.ask("karim", NODE, json!({ "id": other })).await["node"], Value::Null);
        let through = server.ask("karim", "{ accessPackages(first: 100) { nodes { displayName
            requests { totalCount nodes { requestor { displayName } } }
            assignments { nodes { user { displayName } } } } }
            assignments { nodes { user { displayName } } } users { nodes { displayName } } }", json!({})).await;
        for package in through["accessPackages"]["nodes"].as_array().unwrap() {
            for own in texts(&package["requests"], "/requestor/displayName") {
                assert_eq!(own, "Karim Benali", "{package}");
            }
            for own in texts(&package["assignments"], "/user/displayName") {
                assert_eq!(own, "Karim Benali", "{package}");
            }
        }
        assert!(texts(&through["assignments"], "/user/displayName").iter().all(|name| name == "Karim Benali"));
        assert_eq!(texts(&through["users"], "/displayName"), ["Karim Benali"]);
    }

    async fn a_manager_sees_the_requests_of_those_who_report_to_them(server: Server) {
        // Bruno without his role is a manager and no more. Göran reports to him; Göran's reports do not.
        let seen = server.ask_as("bruno", &[], REQUESTS, json!({})).await["accessRequests"].clone();
        assert_eq!(texts(&seen, "/requestor/displayName"), ["Emil Novák", "Emil Novák", "Farah Haddad"]);
        let users = server.ask_as("bruno", &[], "{ users { nodes { displayName } } }", json!({})).await;
        assert_eq!(texts(&users["users"], "/displayName"),
            ["Bruno Keller", "Emil Novák", "Farah Haddad", "Göran Lindqvist"]);
        let assignments = server.ask_as("bruno", &[], "{ assignments { nodes { user { displayName } } } }", json!({})).await;
        for name in texts(&assignments["assignments"], "/user/displayName") {
            assert!(["Emil Novák", "Farah Haddad"].contains(&name.as_str()), "{name}");
        }
        // Seeing is not doing, and the remote's words are for others.
        let farah = server.request_of("Farah Haddad", "On-call").await;
        let request = server.ask_as("bruno", &[], DELIVERIES, json!({ "id": farah })).await["node"].clone();
        assert_eq!(request["viewerCanCancel"], false);
        assert_eq!(request["viewerCanReprocess"], false);
        assert_eq!(request["reprocess"], json!({ "eligible": false, "reason": "FORBIDDEN" }));
        assert_eq!(request["deliveries"][0]["lastError"]["code"], "RESOURCE_NOT_FOUND");
        assert!(!request.to_string().contains("no group"), "{request}");
        // Until the person reports to somebody else.
        server.sql("UPDATE app_user SET manager_id = NULL WHERE subject = 'farah'").await;
        assert_eq!(server.ask_as("bruno", &[], NODE, json!({ "id": farah })).await["node"], Value::Null);
    }

    async fn a_requestor_is_told_what_failed_but_not_in_the_words_of_the_remote(server: Server) {
        let id = server.request_of("Karim Benali", "On-call").await;
        let own = server.ask("karim", DELIVERIES, json!({ "id": id })).await["node"].clone();
        let delivery = &own["deliveries"][0];
        assert_eq!(delivery["state"], "FAILED");
        assert_eq!(delivery["connector"], Value::Null);
        assert_eq!(delivery["resourceRole"]["resource"]["connector"], Value::Null);
        assert_eq!(delivery["resourceRole"]["resource"]["displayName"], "On-call rotation");
        assert_eq!(delivery["lastError"], json!({ "code": "RESOURCE_NOT_FOUND", "retryable": false,
            "message": "The target system does not know the resource.", "remoteStatus": null }));
        for attempt in delivery["attempts"]["nodes"].as_array().unwrap() {
            assert_eq!(attempt["message"], Value::Null);
            assert_eq!(attempt["remoteStatus"], Value::Null);
        }
        assert_eq!(own["reprocess"]["reason"], "FORBIDDEN");
        assert_eq!(own["viewerCanCancel"], true);
        assert!(!own.to_string().contains("no group"), "{own}");
        // By the delivery's own id it is the same.
        let deliveries = server.ask("alice", "query($id: ID!) { node(id: $id) { ... on AccessRequest { deliveries { id } } } }",
            json!({ "id": id })).await;
        let direct = "query($id: ID!) { node(id: $id) { ... on Delivery { connector { id } lastError { message } } } }";
        let delivery = json!({ "id": deliveries["node"]["deliveries"][0]["id"] });
        let seen = server.ask("karim", direct, delivery.clone()).await["node"].clone();
        assert_eq!(seen, json!({ "connector": null, "lastError": { "message": "The target system does not know the resource." } }));
        assert_eq!(server.ask("lena", direct, delivery.clone()).await["node"], Value::Null);
        // Those who manage requests read the words; those who manage the catalog see the connector, too.
        for (person, connector) in [("hana", false), ("ivan", false), ("goran", true), ("deniz", true), ("chloe", false)] {
            let seen = server.ask(person, direct, delivery.clone()).await["node"].clone();
            assert_eq!(seen["lastError"]["message"], WORDS, "{person}");
            assert_eq!(seen["connector"].is_object(), connector, "{person}");
        }
    }

    async fn a_hidden_package_is_not_listed_but_opens_by_its_id(server: Server) {
        let board = server.package("Board papers").await;
        let seen = "query($id: ID!) { node(id: $id) { ... on AccessPackage { displayName hidden viewerCanRequest
            viewerCannotRequestReasons { code } policies { displayName } catalog { displayName } } } }";
        let look = async || server.ask("karim", seen, json!({ "id": board })).await["node"].clone();
        assert_eq!(look().await, Value::Null);
        server.sql("UPDATE assignment_policy SET requestor_scope = 'ALL_MEMBERS' WHERE display_name = 'Direct assignment'").await;
        assert_eq!(look().await, json!({ "displayName": "Board papers", "hidden": true, "viewerCanRequest": true,
            "viewerCannotRequestReasons": [], "policies": [{ "displayName": "Direct assignment" }],
            "catalog": { "displayName": "Finance" } }));
        let lists = "{ all: accessPackages(first: 100) { totalCount nodes { displayName } }
            hidden: accessPackages(filter: {hidden: true}) { totalCount nodes { displayName } }
            named: accessPackages(filter: {search: \"board\"}) { totalCount nodes { displayName } }
            viewer { requestableAccessPackages(search: \"board\") { totalCount nodes { displayName } } } }";
        let lists = server.ask("karim", lists, json!({})).await;
        assert!(!texts(&lists["all"], "/displayName").contains(&"Board papers".to_owned()));
        assert_eq!(lists["all"]["totalCount"].as_u64().unwrap(), lists["all"]["nodes"].as_array().unwrap().len() as u64);
        let none = json!({ "totalCount": 0, "nodes": [] });
        for list in [&lists["hidden"], &lists["named"], &lists["viewer"]["requestableAccessPackages"]] {
            assert_eq!(list, &none);
        }
        // What may be requested is one rule: the id, the affordance and the mutation agree.
        let submit = "mutation($id: ID!) { submitAccessRequest(input: {accessPackage: $id}) { userErrors { code } } }";
        for off in [
            "UPDATE assignment_policy SET enabled = false WHERE display_name = 'Direct assignment'",
            "UPDATE catalog SET enabled = false WHERE display_name = 'Finance'",
        ] {
            server.sql(off).await;
            assert_eq!(look().await, Value::Null, "{off}");
            let refused = server.ask("karim", submit, json!({ "id": board })).await;
            assert_eq!(codes(&refused["submitAccessRequest"]), ["NOT_FOUND"], "{off}");
            server.sql("UPDATE assignment_policy SET enabled = true").await;
            server.sql("UPDATE catalog SET enabled = true").await;
        }
        let made = server.ask("karim", submit, json!({ "id": board })).await;
        assert_eq!(codes(&made["submitAccessRequest"]), [""; 0]);
        assert_eq!(look().await["viewerCanRequest"], false);
    }

    async fn a_catalog_reader_sees_packages_and_policies_but_no_requests_of_others(server: Server) {
        server.sql("UPDATE assignment_policy SET requestor_scope = 'NOBODY' WHERE display_name = 'Everybody here'").await;
        server.sql("UPDATE access_package SET hidden = true WHERE display_name = 'On-call'").await;
        let seen = server.ask("judith", PACKAGES, json!({})).await;
        assert_eq!(texts(&seen["accessPackages"], "/displayName"),
            ["Backend engineer", "Campaign editor", "Frontend engineer", "Ledger reader", "On-call"]);
        for package in seen["accessPackages"]["nodes"].as_array().unwrap() {
            assert_eq!(package["policies"].as_array().unwrap().len(), 1, "{package}");
        }
        assert_eq!(texts(&seen["viewer"]["requestableAccessPackages"], "/displayName"), ["Campaign editor", "Ledger reader"]);
        // A member sees what admits them.
        let member = server.ask("karim", PACKAGES, json!({})).await;
        assert_eq!(texts(&member["accessPackages"], "/displayName"), ["Campaign editor", "Ledger reader"]);
        let catalogs = server.ask("judith", CATALOGS, json!({})).await["catalogs"]["nodes"].clone();
        assert_eq!(catalogs, json!([{ "displayName": "Engineering", "viewerCanEdit": false,
            "viewerCanManagePackages": false, "viewerCanManageRequests": false }]));
        let inside = server.ask("judith", "{ catalogs { nodes { resources { totalCount } roleAssignments { totalCount } } } }",
            json!({})).await["catalogs"]["nodes"][0].clone();
        assert_eq!(inside, json!({ "resources": { "totalCount": 4 }, "roleAssignments": { "totalCount": 4 } }));
        let requests = server.ask("judith", REQUESTS, json!({})).await["accessRequests"].clone();
        assert_eq!(texts(&requests, "/requestor/displayName"), ["Judith Okafor"; 3]);
        let backend = server.package("Backend engineer").await;
        let through = server.ask("judith", "query($id: ID!) { node(id: $id) { ... on AccessPackage {
            requests { totalCount } assignments { totalCount } } } }", json!({ "id": backend })).await["node"].clone();
        assert_eq!(through, json!({ "requests": { "totalCount": 0 }, "assignments": { "totalCount": 0 } }));
        let other = server.request_of("Karim Benali", "Backend engineer").await;
        assert_eq!(server.ask("judith", NODE, json!({ "id": other })).await["node"], Value::Null);
    }

    async fn a_role_claimed_for_one_catalog_holds_there_only(server: Server) {
        let finance = server.catalog("alice", "Finance").await;
        let marketing = server.catalog("alice", "Marketing").await;
        let claim = format!("access_package_manager:{finance}");
        let roles = [claim.as_str()];
        let catalogs = server.ask_as("emil", &roles, CATALOGS, json!({})).await["catalogs"]["nodes"].clone();
        assert_eq!(catalogs, json!([{ "displayName": "Finance", "viewerCanEdit": false,
            "viewerCanManagePackages": true, "viewerCanManageRequests": true }]));
        let packages = server.ask_as("emil", &roles, PACKAGES, json!({})).await["accessPackages"].clone();
        assert!(texts(&packages, "/displayName").contains(&"Board papers".to_owned()));
        let requests = server.ask_as("emil", &roles, REQUESTS, json!({})).await["accessRequests"]["nodes"].clone();
        let (mut others, mut own) = (0, 0);
        for request in requests.as_array().unwrap() {
            if request["requestor"]["displayName"] == "Emil Novák" {
                own += 1;
            } else {
                assert_eq!(request["accessPackage"]["catalog"]["displayName"], "Finance", "{request}");
                others += 1;
            }
        }
        assert_eq!((others, own), (6, 2));
        let viewer = server.ask_as("emil", &roles, "{ viewer { roles catalogRoles { totalCount } } }", json!({})).await;
        assert_eq!(viewer["viewer"], json!({ "roles": [], "catalogRoles": { "totalCount": 0 } }));
        let elsewhere = server.ask_as("emil", &roles, CREATE, json!({ "catalog": marketing })).await;
        assert_eq!(codes(&elsewhere["createAccessPackage"]), ["NOT_FOUND"]);
        let there = server.ask_as("emil", &roles, CREATE, json!({ "catalog": finance })).await;
        assert_eq!(codes(&there["createAccessPackage"]), [""; 0]);
        // Without the claim nothing of it is left.
        let without = server.ask_with(&server.token_with("emil", "contoso", &[]), CREATE, json!({ "catalog": finance })).await;
        assert_eq!(without.json["errors"][0]["extensions"]["code"], "FORBIDDEN");
    }

    async fn a_catalog_role_claimed_bare_holds_in_every_catalog(server: Server) {
        let roles = ["access_package_manager"];
        let catalogs = server.ask_as("emil", &roles, CATALOGS, json!({})).await["catalogs"].clone();
        assert_eq!(texts(&catalogs, "/displayName"), ["Engineering", "Finance", "Marketing"]);
        for catalog in catalogs["nodes"].as_array().unwrap() {
            assert_eq!(catalog["viewerCanManagePackages"], true);
            assert_eq!(catalog["viewerCanEdit"], false);
        }
        let all = server.ask("alice", REQUESTS, json!({})).await;
        assert_eq!(server.ask_as("emil", &roles, REQUESTS, json!({})).await, all);
        let viewer = server.ask_as("emil", &roles, "{ viewer { roles } }", json!({})).await;
        assert_eq!(viewer["viewer"]["roles"], json!(["ACCESS_PACKAGE_MANAGER"]));
    }

    async fn a_claim_that_names_no_catalog_of_the_organization_gives_nothing(server: Server) {
        const EVERYTHING: &str = "{ viewer { roles } catalogs { totalCount } accessPackages { totalCount }
            accessRequests { totalCount } assignments { totalCount } connectors { totalCount } users { totalCount }
            auditEvents { totalCount } bulkOperations { totalCount } }";
        let workshop = server.catalog("mila", "Workshop").await;
        let finance = server.catalog("alice", "Finance").await;
        let plain = server.ask_as("lena", &[], EVERYTHING, json!({})).await;
        for claim in [
            format!("catalog_owner:{workshop}"),
            format!("CATALOG_OWNER:{workshop}"),
            // The same number as another type, and what was never a catalog.
            format!("catalog_owner:{}", finance.replace("cat_", "pkg_")),
            "catalog_owner:cat_01h455vb4pex5vsknk084sn02q".to_owned(),
            "catalog_owner:".to_owned(),
            "catalog_owner:*".to_owned(),
            format!("catalog_owner :{finance}"),
            // Directory roles have no scope.
            format!("global_administrator:{finance}"),
            "global_administrator:".to_owned(),
            "administrator".to_owned(),
            String::new(),
        ] {
            let claims = [claim.as_str()];
            let seen = server.ask_as("lena", &claims, EVERYTHING, json!({})).await;
            assert_eq!(seen, plain, "{claim}");
            for catalog in [&workshop, &finance] {
                let token = server.token_with("lena", "contoso", &claims);
                let refused = server.ask_with(&token, CREATE, json!({ "catalog": catalog })).await.json;
                assert_eq!(refused["errors"][0]["extensions"]["code"], "FORBIDDEN", "{claim}: {refused}");
            }
        }
    }

    async fn a_claim_for_a_catalog_ends_with_the_catalog(server: Server) {
        let made = server.ask("alice", "mutation { createCatalog(input: {displayName: \"Short\"}) { catalog { id } } }", json!({})).await;
        let id = made["createCatalog"]["catalog"]["id"].as_str().unwrap().to_owned();
        let claim = format!("catalog_owner:{id}");
        let count = "{ catalogs { totalCount } users { totalCount } }";
        let before = server.ask_as("lena", &[&claim], count, json!({})).await;
        assert_eq!(before, json!({ "catalogs": { "totalCount": 1 }, "users": { "totalCount": 12 } }));
        server.ask("alice", "mutation($id: ID!) { deleteCatalog(input: {id: $id}) { userErrors { code } } }", json!({ "id": id })).await;
        let after = server.ask_as("lena", &[&claim], count, json!({})).await;
        assert_eq!(after, json!({ "catalogs": { "totalCount": 0 }, "users": { "totalCount": 1 } }));
    }

    async fn roles_that_a_guest_claims_are_ignored(server: Server) {
        // Mila of Fabrikam has become a guest of Contoso.
        server.sql("INSERT INTO app_user (id, organization_id, issuer, subject, kind, state, display_name, name_key, version, created_at)
            SELECT k.id, k.organization_id, u.issuer, u.subject, 'GUEST', 'ACTIVE', u.display_name, u.name_key, 1, u.created_at
            FROM app_user u, connector k WHERE u.subject = 'mila' AND k.display_name = 'Company directory'").await;
        let settings = "{ organization { slug displayName domains reprocessWindow version createdAt viewerCanEdit } }";
        let organization = server.call(Some(&server.token("mila")), Some("contoso"), settings, json!({})).await.json;
        assert_eq!(organization["data"]["organization"], json!({ "slug": "contoso", "displayName": "Contoso", "domains": [],
            "reprocessWindow": null, "version": null, "createdAt": null, "viewerCanEdit": false }), "{organization}");
        assert_eq!(server.ask("karim", settings, json!({})).await["organization"]["reprocessWindow"], "P14D");
        let finance = server.catalog("alice", "Finance").await;
        let scoped = format!("catalog_owner:{finance}");
        let token = server.token_with("mila", "fabrikam", &["GLOBAL_ADMINISTRATOR", "CATALOG_OWNER", "ORGANIZATION_OWNER", &scoped]);
        let query = "{ viewer { user { displayName kind } roles requestableAccessPackages { nodes { displayName } } }
            catalogs { totalCount } accessPackages { nodes { displayName } } accessRequests { totalCount }
            connectors { totalCount } auditEvents { totalCount } users { nodes { displayName } } }";
        let seen = server.call(Some(&token), Some("contoso"), query, json!({})).await.json;
        assert!(seen["errors"].is_null(), "{seen}");
        // The catalog of Marketing is open to outsiders, and a policy takes guests.
        let editor = json!({ "nodes": [{ "displayName": "Campaign editor" }] });
        assert_eq!(seen["data"], json!({
            "viewer": { "user": { "displayName": "Mila Rossi", "kind": "GUEST" }, "roles": [], "requestableAccessPackages": editor },
            "catalogs": { "totalCount": 0 }, "accessPackages": editor, "accessRequests": { "totalCount": 0 },
            "connectors": { "totalCount": 0 }, "auditEvents": { "totalCount": 0 },
            "users": { "nodes": [{ "displayName": "Mila Rossi" }] } }));
        let refused = server.call(Some(&token), Some("contoso"), CREATE, json!({ "catalog": finance })).await.json;
        assert_eq!(refused["errors"][0]["extensions"]["code"], "FORBIDDEN");
        server.sql("UPDATE catalog SET externally_visible = false WHERE display_name = 'Marketing'").await;
        let seen = server.call(Some(&token), Some("contoso"), query, json!({})).await.json;
        assert_eq!(seen["data"]["accessPackages"], json!({ "nodes": [] }));
        assert_eq!(seen["data"]["viewer"]["requestableAccessPackages"], json!({ "nodes": [] }));
        // Deactivated there, let in at home.
        server.sql("UPDATE app_user SET state = 'DEACTIVATED' WHERE kind = 'GUEST'").await;
        server.clock.advance(TimeDelta::seconds(6));
        assert_eq!(server.call(Some(&token), Some("contoso"), query, json!({})).await.status, 401);
        assert_eq!(server.call(Some(&token), None, query, json!({})).await.status, 200);
    }

    async fn a_deactivated_user_is_not_let_in(server: Server) {
        const WHO: &str = "{ viewer { user { displayName } } }";
        server.ask("karim", WHO, json!({})).await;
        // Another server did it: it is seen within five seconds.
        server.sql("UPDATE app_user SET state = 'DEACTIVATED' WHERE subject = 'karim'").await;
        server.clock.advance(TimeDelta::seconds(5));
        let token = server.token("karim");
        for roles in [&[][..], &["GLOBAL_ADMINISTRATOR"]] {
            let answer = server.ask_with(&server.token_with("karim", "contoso", roles), WHO, json!({})).await;
            assert_eq!(answer.status, 401);
            assert_eq!(answer.json["errors"][0]["extensions"]["code"], "UNAUTHENTICATED");
            assert!(answer.json["data"].is_null());
            assert!(answer.headers["www-authenticate"].contains("deactivated"), "{answer:?}");
        }
        server.sql("UPDATE app_user SET state = 'ACTIVE' WHERE subject = 'karim'").await;
        assert_eq!(server.ask_with(&token, WHO, json!({})).await.status, 200);
        // This server did it: it is seen at once.
        let id = json!({ "id": server.user("karim").await });
        let done = server.ask("alice", "mutation($id: ID!) { deactivateUser(input: {id: $id}) { userErrors { code } } }", id.clone()).await;
        assert_eq!(codes(&done["deactivateUser"]), [""; 0]);
        assert_eq!(server.ask_with(&token, WHO, json!({})).await.status, 401);
        let done = server.ask("alice", "mutation($id: ID!) { reactivateUser(input: {id: $id}) { userErrors { code } } }", id).await;
        assert_eq!(codes(&done["reactivateUser"]), [""; 0]);
        assert_eq!(server.ask_with(&token, WHO, json!({})).await.status, 200);
    }

    async fn a_first_sight_makes_one_user_however_many_calls_come_at_once(server: Server) {
        const WHO: &str = "{ viewer { user { id displayName kind state } } }";
        let token = server.token_with("newcomer", "contoso", &[]);
        let calls = (0..20).map(|_| server.ask_with(&token, WHO, json!({})));
        let answers = futures_util::future::join_all(calls).await;
        for answer in &answers {
            assert_eq!(answer.status, 200, "{answer:?}");
            assert_eq!(answer.json, answers[0].json);
        }
        let user = answers[0].json["data"]["viewer"]["user"].clone();
        assert_eq!((&user["displayName"], &user["kind"], &user["state"]), (&json!("newcomer"), &json!("MEMBER"), &json!("ACTIVE")));
        let found = server.ask("alice", "{ users(filter: {search: \"newcomer\"}) { totalCount }
            auditEvents(filter: {action: [\"user.first_seen\"]}) { nodes { targetId actor { displayName } } } }", json!({})).await;
        assert_eq!(found["users"]["totalCount"], 1);
        assert_eq!(found["auditEvents"]["nodes"], json!([{ "targetId": user["id"], "actor": { "displayName": "newcomer" } }]));
        // The same subject of another issuer is somebody else.
        let other = server.ask_with(&server.token_with("newcomer", "fabrikam", &[]), WHO, json!({})).await;
        assert_ne!(other.json["data"]["viewer"]["user"]["id"], user["id"]);
    }
}
