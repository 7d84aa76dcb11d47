//! What GitHub told, imported: shown beside Guichet's own, and nothing else is done with it.

use chrono::TimeDelta;
use guichet::domain::external_token::github;
use guichet::domain::external_token::import::{Counts, Import, Outcome};
use serde_json::{Value, json};

use crate::harness::Server;

/// Somebody at GitHub; some have the name of a user of Contoso.
fn person(id: u64) -> Value {
    let login = ["octocat", "karim", "hubot"][usize::try_from(id % 3).unwrap()];
    json!({ "login": format!("{login}{}", if id < 3 { String::new() } else { id.to_string() }), "id": id + 1, "node_id": "MDQ6VXNlcjE=", "type": "User", "site_admin": false })
}

/// A request, as GitHub writes it.
fn request(id: u64) -> Value {
    json!({
        "id": 25_381 + id, "reason": "I need to access the GitHub API", "owner": person(id),
        "repository_selection": if id.is_multiple_of(2) { "all" } else { "subset" },
        "repositories_url": "https://api.github.com/organizations/652551/personal-access-token-requests/25381/repositories",
        "permissions": { "organization": { "members": "read" }, "repository": { "metadata": "read", "issues": "write" } },
        "created_at": "2023-05-16T08:47:09.000-07:00",
        "token_id": 98_716 + id, "token_name": format!("Some Token {id}"), "token_expired": false,
        "token_expires_at": "2036-11-16T08:47:09.000-07:00", "token_last_used_at": null
    })
}

/// A grant, as GitHub writes it.
fn grant(id: u64) -> Value {
    let mut grant = request(id);
    let members = grant.as_object_mut().unwrap();
    members.remove("reason");
    members.remove("created_at");
    members.insert("access_granted_at".to_owned(), json!("2023-05-17T08:47:09.000-07:00"));
    members.insert("id".to_owned(), json!(31_000 + id));
    grant
}

fn file(items: &[Value]) -> String {
    Value::from(items.to_vec()).to_string()
}

impl Server {
    async fn import_with(&self, text: &str, complete: bool) -> Outcome {
        let contents = github::read(text.as_bytes()).unwrap();
        let import = Import { organization: "contoso".to_owned(), contents, complete };
        self.app.database.write(&import).await.unwrap()
    }

    async fn import(&self, items: &[Value]) -> Outcome {
        self.import_with(&file(items), false).await
    }

    async fn token_requests(&self, subject: &str, filter: Value) -> Vec<Value> {
        let query = "query($filter: TokenRequestFilter) { tokenRequests(filter: $filter, first: 100) { totalCount nodes {
            id state origin externalId externalOwner { login accountId } owner { displayName } justification repositorySelection
            repositories { name } permissions { target name level } createdAt closedAt viewerCanReview viewerCanCancel review { eligible reason }
            token { id name origin externalId lastFour expiresAt lastUsedAt owner { id } externalOwner { login } }
            history { totalCount } grant { id externalId } } } }";
        let found = self.ask(subject, query, json!({ "filter": filter })).await["tokenRequests"].clone();
        assert_eq!(found["totalCount"], found["nodes"].as_array().unwrap().len());
        found["nodes"].as_array().unwrap().clone()
    }

    async fn token_grants(&self, subject: &str, filter: Value) -> Vec<Value> {
        let query = "query($filter: TokenGrantFilter) { tokenGrants(filter: $filter, first: 100) { nodes {
            id state origin externalId externalOwner { login } owner { id } grantedAt endedAt viewerCanRevoke revocation { eligible reason }
            permissions { name level } request { id state origin externalId createdAt } token { id name } } } }";
        let found = self.ask(subject, query, json!({ "filter": filter })).await["tokenGrants"].clone();
        found["nodes"].as_array().unwrap().clone()
    }
}

fn counts(added: u64, changed: u64, left: u64, ended: u64) -> Counts {
    Counts { added, changed, left, ended }
}

fn texts<'a>(rows: &'a [Value], member: &str) -> Vec<&'a str> {
    let mut texts: Vec<&str> = rows.iter().filter_map(|row| row[member].as_str()).collect();
    texts.sort_unstable();
    texts
}

on_both_databases! {
    async fn what_was_imported_stands_beside_ones_own_and_cannot_be_decided(server: Server) {
        let own = server.waiting_token("karim").await;
        let before = server.token_requests("farah", json!({})).await.len();
        let done = server.import(&[request(0), request(1), request(2)]).await;
        assert_eq!(done, Outcome { requests: counts(3, 0, 0, 0), grants: counts(0, 0, 0, 0) });
        assert_eq!(server.token_requests("farah", json!({})).await.len(), before + 3);
        let rows = server.token_requests("farah", json!({ "origin": ["GITHUB"] })).await;
        assert_eq!(texts(&rows, "externalId"), ["25381", "25382", "25383"]);
        let row = rows.iter().find(|row| row["externalId"] == "25382").unwrap();
        assert_eq!(row["externalOwner"], json!({ "login": "karim", "accountId": "2" }));
        assert_eq!((&row["owner"], &row["state"], &row["createdAt"]), (&Value::Null, &json!("PENDING"), &json!("2023-05-16T15:47:09+00:00")));
        assert_eq!((&row["justification"], &row["repositorySelection"]), (&json!("I need to access the GitHub API"), &json!("SUBSET")));
        assert_eq!(row["permissions"], json!([
            { "target": "ORGANIZATION", "name": "members", "level": "READ" },
            { "target": "REPOSITORY", "name": "issues", "level": "WRITE" },
            { "target": "REPOSITORY", "name": "metadata", "level": "READ" },
        ]));
        let token = &row["token"];
        assert_eq!((&token["name"], &token["externalId"], &token["lastFour"], &token["owner"]), (&json!("Some Token 1"), &json!("98717"), &json!(""), &Value::Null));
        assert_eq!((&row["viewerCanReview"], &row["review"]), (&json!(false), &json!({ "eligible": false, "reason": "EXTERNAL_READ_ONLY" })));

        // Filters are the same for both; whoever has the name of a user is not that user.
        for (filter, expected) in [
            (json!({ "externalOwner": ["KARIM"] }), vec!["25382"]),
            (json!({ "externalOwner": ["nobody"] }), vec![]),
            (json!({ "origin": ["GITHUB"], "permission": ["issues_write"], "state": ["PENDING"] }), vec!["25381", "25382", "25383"]),
            (json!({ "origin": ["GITHUB"], "permission": ["issues_admin"] }), vec![]),
            (json!({ "token": [token["id"]] }), vec!["25382"]),
        ] {
            assert_eq!(texts(&server.token_requests("farah", filter.clone()).await, "externalId"), expected, "{filter}");
        }
        let guichets = server.token_requests("farah", json!({ "origin": ["GUICHET"] })).await;
        assert!(guichets.len() == before && guichets.iter().all(|row| row["externalId"].is_null() && row["owner"]["displayName"].is_string()));
        let karims = server.token_requests("karim", json!({})).await;
        assert!(karims.iter().all(|row| row["origin"] == "GUICHET"), "{karims:?}");
        let tokens = server.ask("karim", "{ viewer { accessTokens(first: 100) { nodes { origin } } } }", json!({})).await;
        assert!(tokens["viewer"]["accessTokens"]["nodes"].as_array().unwrap().iter().all(|row| row["origin"] == "GUICHET"));

        // A review answers each by itself; nothing of them changes.
        let mut ids: Vec<Value> = rows.iter().map(|row| row["id"].clone()).collect();
        ids.push(own["request"]["id"].clone());
        let operation = "bulkOperation { items(first: 10) { nodes { outcome error { code message } } } }";
        let input = json!({ "selection": { "ids": ids }, "decision": "APPROVE" });
        let done = server.mutation("farah", "reviewTokenRequests", operation, input).await;
        let items = done["bulkOperation"]["items"]["nodes"].as_array().unwrap();
        let codes: Vec<&str> = items.iter().map(|item| item["error"]["code"].as_str().unwrap_or("ACCEPTED")).collect();
        assert_eq!(codes, ["EXTERNAL_READ_ONLY", "EXTERNAL_READ_ONLY", "EXTERNAL_READ_ONLY", "ACCEPTED"]);
        assert_eq!(server.token_requests("farah", json!({ "origin": ["GITHUB"] })).await, rows);
        let input = json!({ "selection": { "filter": { "origin": ["GITHUB"] } }, "decision": "DENY", "expectedCount": 3 });
        server.mutation("farah", "reviewTokenRequests", operation, input).await;
        server.work().await;
        assert_eq!(server.token_requests("farah", json!({ "origin": ["GITHUB"] })).await, rows);
        let cancel = server.mutation("karim", "cancelTokenRequest", "", json!({ "id": row["id"] })).await;
        assert_eq!(crate::harness::codes(&cancel), ["NOT_FOUND"]);
        // Its token is not there for anybody to use, and its owner is no user.
        let node = "query($id: ID!) { node(id: $id) { __typename ... on AccessToken { name } } }";
        assert_eq!(server.ask("farah", node, json!({ "id": token["id"] })).await["node"]["name"], "Some Token 1");
        assert_eq!(server.ask("karim", node, json!({ "id": token["id"] })).await["node"], Value::Null);
        let users = server.ask("alice", "{ users(first: 100, filter: {search: \"octocat\"}) { totalCount } }", json!({})).await;
        assert_eq!(users["users"]["totalCount"], 0);
    }

    async fn grants_are_shown_with_what_was_approved_and_cannot_be_revoked(server: Server) {
        let done = server.import(&[grant(0), grant(1), request(7)]).await;
        assert_eq!(done, Outcome { requests: counts(1, 0, 0, 0), grants: counts(2, 0, 0, 0) });
        let rows = server.token_grants("farah", json!({ "origin": ["GITHUB"] })).await;
        assert_eq!(texts(&rows, "externalId"), ["31000", "31001"]);
        for row in &rows {
            assert_eq!((&row["state"], &row["grantedAt"], &row["owner"]), (&json!("ACTIVE"), &json!("2023-05-17T15:47:09+00:00"), &Value::Null));
            assert_eq!(row["permissions"].as_array().map(Vec::len), Some(3));
            assert_eq!((&row["request"]["state"], &row["request"]["origin"], &row["request"]["externalId"]), (&json!("APPROVED"), &json!("GITHUB"), &Value::Null));
            assert_eq!((&row["viewerCanRevoke"], &row["revocation"]["reason"]), (&json!(false), &json!("EXTERNAL_READ_ONLY")));
        }
        let ids: Vec<&Value> = rows.iter().map(|row| &row["id"]).collect();
        let operation = "bulkOperation { items(first: 10) { nodes { error { code } } } }";
        let input = json!({ "selection": { "ids": ids }, "reason": "Unused." });
        let done = server.mutation("farah", "revokeTokenGrants", operation, input).await;
        assert_eq!(done["bulkOperation"]["items"]["nodes"], json!([{ "error": { "code": "EXTERNAL_READ_ONLY" } }, { "error": { "code": "EXTERNAL_READ_ONLY" } }]));
        assert_eq!(server.token_grants("farah", json!({ "origin": ["GITHUB"] })).await, rows);
        assert!(server.token_grants("karim", json!({})).await.iter().all(|row| row["origin"] == "GUICHET"));
    }

    async fn a_repetition_changes_nothing_and_what_changed_at_github_is_changed(server: Server) {
        server.import(&[request(0), request(1), grant(2)]).await;
        let before = server.contents().await;
        server.clock.advance(TimeDelta::days(1));
        let again = server.import(&[grant(2), request(1), request(0)]).await;
        assert_eq!(again, Outcome { requests: counts(0, 0, 2, 0), grants: counts(0, 0, 1, 0) });
        assert!(server.contents().await == before, "a repetition wrote something");

        let mut renamed = request(0);
        renamed["owner"]["login"] = json!("octocat-renamed");
        let mut asks_more = request(1);
        asks_more["permissions"]["repository"]["issues"] = json!("admin");
        let mut used = grant(2);
        used["token_last_used_at"] = json!("2026-01-02T03:04:05Z");
        let changed = server.import(&[renamed.clone(), asks_more.clone(), used.clone()]).await;
        assert_eq!(changed, Outcome { requests: counts(0, 2, 0, 0), grants: counts(0, 1, 0, 0) });
        let rows = server.token_requests("farah", json!({ "origin": ["GITHUB"], "state": ["PENDING"] })).await;
        let row = |id: &str| rows.iter().find(|row| row["externalId"] == id).unwrap();
        assert_eq!(row("25381")["externalOwner"], json!({ "login": "octocat-renamed", "accountId": "1" }));
        assert_eq!(row("25382")["permissions"][1]["level"], "ADMIN");
        let grants = server.token_requests("farah", json!({ "origin": ["GITHUB"], "state": ["APPROVED"] })).await;
        assert_eq!(grants[0]["token"]["lastUsedAt"], "2026-01-02T03:04:05+00:00");
        let again = server.import(&[renamed, asks_more, used]).await;
        assert_eq!(again, Outcome { requests: counts(0, 0, 2, 0), grants: counts(0, 0, 1, 0) });
    }

    async fn what_a_complete_list_lacks_is_over_and_can_come_back(server: Server) {
        server.import(&[request(0), request(1), grant(2), grant(3)]).await;
        let part = server.import(&[request(0)]).await;
        assert_eq!(part.requests, counts(0, 0, 1, 0), "a part says nothing of the others");
        let complete = server.import_with(&file(&[request(0)]), true).await;
        assert_eq!(complete, Outcome { requests: counts(0, 0, 1, 1), grants: counts(0, 0, 0, 0) });
        let complete = server.import_with(&file(&[grant(3)]), true).await;
        assert_eq!(complete, Outcome { requests: counts(0, 0, 0, 0), grants: counts(0, 0, 1, 1) });
        let states = async |server: &Server| {
            let requests = server.token_requests("farah", json!({ "origin": ["GITHUB"], "state": ["PENDING"] })).await;
            let grants = server.token_grants("farah", json!({ "origin": ["GITHUB"], "state": ["ACTIVE"] })).await;
            (texts(&requests, "externalId").join(" "), texts(&grants, "externalId").join(" "))
        };
        assert_eq!(states(&server).await, ("25381".to_owned(), "31003".to_owned()));
        let back = server.import(&[request(1), grant(2)]).await;
        assert_eq!(back, Outcome { requests: counts(0, 1, 0, 0), grants: counts(0, 1, 0, 0) });
        assert_eq!(states(&server).await, ("25381 25382".to_owned(), "31002 31003".to_owned()));
        // Approved anew at GitHub: another grant of the same token.
        let mut anew = grant(2);
        anew["id"] = json!(40_000);
        assert_eq!(server.import(&[anew]).await.grants, counts(1, 0, 0, 1));
        assert_eq!(states(&server).await.1, "31003 40000");
    }

    async fn nothing_of_it_waits_here_or_is_told(server: Server) {
        let token = server.token_with("farah", "contoso", &["ORGANIZATION_OWNER"]);
        server.ask_with(&token, "{ viewer { roles } }", json!({})).await;
        // Waiting requests of Guichet's own are decided, so that only imported ones are left.
        let own = server.token_requests("farah", json!({ "origin": ["GUICHET"], "state": ["PENDING"] })).await;
        for row in &own {
            server.decide(&row["id"], "DENY").await;
        }
        let mut soon = request(0);
        soon["token_expires_at"] = json!(server.clock.now() + TimeDelta::days(3));
        server.import(&[soon, request(1), grant(2)]).await;
        let notices = "SELECT kind FROM notification WHERE kind IN ('TOKEN_REQUEST_DIGEST', 'TOKEN_EXPIRING')";
        let before = server.rows(notices.to_owned()).await.len();
        for _ in 0..4 {
            server.clock.advance(TimeDelta::days(1));
            server.work().await;
        }
        assert_eq!(server.rows(notices.to_owned()).await.len(), before, "told of what is decided elsewhere");
        // What ends by the clock ends at GitHub.
        let rows = server.token_requests("farah", json!({ "origin": ["GITHUB"], "state": ["PENDING"] })).await;
        assert_eq!(rows.len(), 2);
        // The policy asks of nobody what becomes of them.
        let query = "{ organization { tokenPolicy { version } } }";
        let version = server.ask("farah", query, json!({})).await["organization"]["tokenPolicy"]["version"].clone();
        let input = json!({ "version": version, "approvalRequired": false });
        let done = server.mutation("farah", "updateTokenPolicy", "", input).await;
        assert_eq!(crate::harness::codes(&done), [""; 0]);
        // One of Guichet's own is told of: the same days would have shown it.
        let made = server.made("karim", "ci", TimeDelta::days(3)).await;
        server.insert(&[made]).await;
        server.clock.advance(TimeDelta::days(1));
        server.work().await;
        assert!(server.rows(notices.to_owned()).await.len() > before);
    }

    async fn a_list_takes_as_many_statements_with_imported_rows_as_without(server: Server) {
        let query = "{ tokenRequests(first: 100) { totalCount nodes { id owner { displayName } externalOwner { login } token { name } permissions { name } viewerCanReview } }
            tokenGrants(first: 100) { nodes { id owner { displayName } externalOwner { login } token { name } } } }";
        let statements = async || {
            server.ask("farah", query, json!({})).await;
            let before = server.app.database.statement_count();
            server.ask("farah", query, json!({})).await;
            server.app.database.statement_count() - before
        };
        server.waiting_token("karim").await;
        let before = statements().await;
        let items: Vec<Value> = (0..40).map(request).chain((40..60).map(grant)).collect();
        server.import(&items).await;
        assert_eq!(statements().await, before);
    }

    async fn an_import_takes_as_many_statements_for_many_as_for_few(server: Server) {
        let mut taken = Vec::new();
        for ids in [0..2_u64, 100..400] {
            let items: Vec<Value> = ids.clone().map(request).chain(ids.map(|id| grant(id + 1_000))).collect();
            let before = server.app.database.statement_count();
            server.import(&items).await;
            taken.push(server.app.database.statement_count() - before);
        }
        assert_eq!(taken[0], taken[1], "{taken:?}");
    }

    async fn an_unknown_organization_is_named_and_nothing_is_imported(server: Server) {
        let before = server.contents().await;
        let contents = github::read(file(&[request(0)]).as_bytes()).unwrap();
        let import = Import { organization: "nowhere".to_owned(), contents, complete: false };
        let error = server.app.database.write(&import).await.unwrap_err().to_string();
        assert!(error.contains("there is no organization with the slug \"nowhere\""), "{error}");
        assert!(server.contents().await == before);
    }
}
