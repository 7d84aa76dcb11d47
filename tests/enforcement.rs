//! What tokens reach: a resource server asks introspection before it serves; and introspection by itself.

mod asking;

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::routing::any;
use axum::{Router, serve};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::TimeDelta;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::harness::{Server, codes};

/// A server that keeps repositories, some of them public, and knows of tokens only what Guichet tells it.
struct ResourceServer {
    guichet: String,
    authorization: String,
    client: reqwest::Client,
}

impl ResourceServer {
    /// Starts it on a port of its own, with credentials of its own; gives its address.
    async fn start(server: &Server) -> String {
        let own = Self {
            guichet: format!("{}/oauth2/introspect", server.base),
            authorization: server.basic("Code host").await,
            client: reqwest::Client::new(),
        };
        let router = Router::new().route("/repos/{name}", any(Self::serve)).with_state(Arc::new(own));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { serve(listener, router).await });
        base
    }

    /// Reads by GET, writes by POST. What is not there for the caller is 404, what they may only read is 403.
    async fn serve(
        State(own): State<Arc<Self>>,
        method: Method,
        Path(name): Path<String>,
        headers: HeaderMap,
    ) -> StatusCode {
        let is_public = ["website", "status-page"].contains(&name.as_str());
        let is_read = method == Method::GET;
        let header = headers.get("authorization").map(|value| value.to_str().unwrap());
        let Some(token) = header.and_then(|header| header.strip_prefix("Bearer ")) else {
            return match (is_public, is_read) {
                (true, true) => StatusCode::OK,
                (true, false) => StatusCode::UNAUTHORIZED,
                (false, _) => StatusCode::NOT_FOUND,
            };
        };
        let asked = own.client.post(&own.guichet).header("authorization", &own.authorization);
        let asked = with_form(asked, &[("token", token), ("repository", name.as_str())]);
        let told: Value = asked.send().await.unwrap().json().await.unwrap();
        if told["active"] != true {
            return StatusCode::UNAUTHORIZED;
        }
        let level = &told["guichet"]["grants"][0]["repositories"][0]["permissions"]["contents"];
        match (level.as_str(), is_read) {
            (Some("write" | "admin"), _) | (Some("read"), true) => StatusCode::OK,
            (Some(_), false) => StatusCode::FORBIDDEN,
            (None, _) => StatusCode::NOT_FOUND,
            (Some(other), true) => panic!("a level {other}"),
        }
    }
}

/// The request with a form as its body.
fn with_form(request: reqwest::RequestBuilder, form: &[(&str, &str)]) -> reqwest::RequestBuilder {
    let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
    request.header("content-type", "application/x-www-form-urlencoded").body(body)
}

/// A token that was made.
struct Made {
    id: Value,
    secret: String,
    request: Value,
    grant: Value,
}

impl Server {
    /// The credentials of a new client, for HTTP Basic.
    async fn basic(&self, name: &str) -> String {
        let input = json!({ "displayName": name });
        let made = self
            .mutation("farah", "createIntrospectionClient", "introspectionClient { id } secret", input)
            .await;
        let (id, secret) =
            (made["introspectionClient"]["id"].as_str().unwrap(), made["secret"].as_str().unwrap());
        format!("Basic {}", STANDARD.encode(format!("{id}:{secret}")))
    }

    /// Makes a token; `access` is a selection, the repositories, and the level of `contents`; or the scopes.
    async fn issue_token(&self, subject: &str, access: Value, days: Option<i64>) -> Made {
        let expires_at = days.map(|days| self.clock.now() + TimeDelta::days(days));
        let input = json!({ "name": "Robot", "access": access, "expiresAt": expires_at });
        let made = self
            .mutation(
                subject,
                "createAccessToken",
                "accessToken { id request { id } grant { id } } secret",
                input,
            )
            .await;
        assert_eq!(codes(&made), [""; 0], "{made}");
        let token = &made["accessToken"];
        Made {
            id: token["id"].clone(),
            secret: made["secret"].as_str().unwrap().to_owned(),
            request: token["request"]["id"].clone(),
            grant: token["grant"]["id"].clone(),
        }
    }

    async fn settle_request(&self, token: &Made, decision: &str) {
        let input = json!({ "selection": { "ids": [token.request] }, "decision": decision });
        let done =
            self.mutation("farah", "reviewTokenRequests", "bulkOperation { acceptedCount }", input).await;
        assert_eq!(done["bulkOperation"]["acceptedCount"], 1, "{done}");
    }

    async fn take_back(&self, token: &Made) {
        let query = "query($id: ID!) { node(id: $id) { ... on AccessToken { grant { id } } } }";
        let grant = self.ask("farah", query, json!({ "id": token.id })).await["node"]["grant"]["id"].clone();
        let input = json!({ "selection": { "ids": [grant] } });
        let done =
            self.mutation("farah", "revokeTokenGrants", "bulkOperation { acceptedCount }", input).await;
        assert_eq!(done["bulkOperation"]["acceptedCount"], 1, "{done}");
    }

    async fn change_policy(&self, change: Value) {
        let read = "{ organization { tokenPolicy { version } } }";
        let version =
            self.ask("farah", read, json!({})).await["organization"]["tokenPolicy"]["version"].clone();
        let mut input = change;
        input["version"] = version;
        let done = self.mutation("farah", "updateTokenPolicy", "tokenPolicy { version }", input).await;
        assert_eq!(codes(&done), [""; 0], "{done}");
    }
}

/// All repositories, to write.
fn all() -> Value {
    json!({ "fineGrained": { "repositorySelection": "ALL",
        "permissions": [{ "target": "REPOSITORY", "name": "contents", "level": "WRITE" }] } })
}

fn classic(scope: &str) -> Value {
    json!({ "classic": { "scopes": [scope] } })
}

/// What comes back for a private read, a public read and a public write.
async fn reaches(base: &str, secret: Option<&str>) -> [u16; 3] {
    let client = reqwest::Client::new();
    let mut found = [0; 3];
    let tries = [("GET", "payments-api"), ("GET", "website"), ("POST", "website")];
    for (status, (method, name)) in found.iter_mut().zip(tries) {
        let request = client.request(method.parse().unwrap(), format!("{base}/repos/{name}"));
        let request = match secret {
            Some(secret) => request.bearer_auth(secret),
            None => request,
        };
        *status = request.send().await.unwrap().status().as_u16();
    }
    found
}

/// Nothing but what everybody reads.
const PUBLIC_ONLY: [u16; 3] = [404, 200, 403];
const EVERYTHING: [u16; 3] = [200, 200, 200];
const NOTHING: [u16; 3] = [401, 401, 401];

on_both_databases! {
    async fn what_a_token_reaches_is_as_the_table_says(server: Server) {
        let base = ResourceServer::start(&server).await;
        assert_eq!(reaches(&base, None).await, [404, 200, 401], "an anonymous caller");
        assert_eq!(reaches(&base, Some("gui_pat_nonsense")).await, NOTHING);
        let probe = async |token: &Made| reaches(&base, Some(&token.secret)).await;

        let token = server.issue_token("karim", all(), Some(30)).await;
        assert_eq!(probe(&token).await, PUBLIC_ONLY, "pending");
        server.settle_request(&token, "APPROVE").await;
        assert_eq!(probe(&token).await, EVERYTHING, "approved, at once");

        server.change_policy(json!({ "fineGrained": "RESTRICTED" })).await;
        assert_eq!(probe(&token).await, PUBLIC_ONLY, "restricted");
        server.change_policy(json!({ "fineGrained": "ALLOWED", "classic": "RESTRICTED" })).await;
        assert_eq!(probe(&token).await, EVERYTHING, "what was masked comes back");
        server.change_policy(json!({ "classic": "ALLOWED", "fineGrainedMaximumLifetime": "P29D" })).await;
        assert_eq!(probe(&token).await, PUBLIC_ONLY, "it lives longer than is allowed now");
        server.change_policy(json!({ "fineGrainedMaximumLifetime": "P30D" })).await;
        assert_eq!(probe(&token).await, EVERYTHING);

        // The owner of the token loses and gets back what they may do.
        let (karim, api) = (server.user("Karim").await, server.repository("payments-api").await["id"].clone());
        let give = async |level: Value| server.mutation("farah", "setRepositoryAccess", "repository { id }",
            json!({ "repository": api, "user": karim, "level": level })).await;
        give(Value::Null).await;
        assert_eq!(probe(&token).await, [404, 200, 200], "a token never has more than its owner");
        give(json!("READ")).await;
        assert_eq!(probe(&token).await, EVERYTHING);

        let denied = server.issue_token("karim", all(), Some(30)).await;
        server.settle_request(&denied, "DENY").await;
        assert_eq!(probe(&denied).await, PUBLIC_ONLY, "denied");

        server.take_back(&token).await;
        assert_eq!(probe(&token).await, PUBLIC_ONLY, "revoked, at once");

        let website = server.repository("website").await["id"].clone();
        let subset = json!({ "fineGrained": { "repositorySelection": "SUBSET", "repositories": [website],
            "permissions": [{ "target": "REPOSITORY", "name": "contents", "level": "WRITE" }] } });
        let narrow = server.issue_token("karim", subset, Some(30)).await;
        assert_eq!(probe(&narrow).await, PUBLIC_ONLY);
        server.settle_request(&narrow, "APPROVE").await;
        assert_eq!(probe(&narrow).await, [404, 200, 200], "a subset");

        let none = json!({ "fineGrained": { "repositorySelection": "NONE" } });
        let none = server.issue_token("karim", none, Some(30)).await;
        assert_eq!(probe(&none).await, PUBLIC_ONLY, "no repositories");

        let old = server.issue_token("karim", classic("repo"), None).await;
        assert_eq!(probe(&old).await, EVERYTHING, "a classic token needs no approval");
        server.change_policy(json!({ "classic": "RESTRICTED" })).await;
        assert_eq!(probe(&old).await, PUBLIC_ONLY, "classic, restricted");
        server.change_policy(json!({ "classic": "ALLOWED", "classicMaximumLifetime": "P30D" })).await;
        assert_eq!(probe(&old).await, PUBLIC_ONLY, "classic, and never ends");
        server.change_policy(json!({ "classicMaximumLifetime": null })).await;
        let public = server.issue_token("karim", classic("public_repo"), None).await;
        assert_eq!(probe(&public).await, [404, 200, 200], "classic, for what is public");
        let gist = server.issue_token("karim", classic("gist"), None).await;
        assert_eq!(probe(&gist).await, PUBLIC_ONLY, "classic, a scope that holds nothing here");

        // A new secret in place of the old one.
        let fresh = server.mutation("karim", "regenerateAccessToken", "secret", json!({ "id": old.id })).await;
        assert_eq!(probe(&old).await, NOTHING, "the secret from before");
        assert_eq!(reaches(&base, fresh["secret"].as_str()).await, EVERYTHING, "the new secret");

        server.mutation("karim", "revokeAccessToken", "accessToken { id }", json!({ "id": public.id })).await;
        assert_eq!(probe(&public).await, NOTHING, "given up by its owner");

        // A deleted repository is reached by nobody; and one of another organization never was.
        server.mutation("farah", "deleteRepository", "repository { id }", json!({ "id": api })).await;
        assert_eq!(reaches(&base, fresh["secret"].as_str()).await, [404, 200, 200]);
        let foreign = server.issue_token("nils", json!({ "classic": { "scopes": ["repo"] } }), None).await;
        assert_eq!(probe(&foreign).await, NOTHING, "a token of another organization");

        server.clock.advance(TimeDelta::days(30));
        assert_eq!(probe(&narrow).await, NOTHING, "at the instant of its end");
        server.mutation("chloe", "deactivateUser", "user { id }", json!({ "id": karim })).await;
        assert_eq!(reaches(&base, fresh["secret"].as_str()).await, NOTHING, "its owner was deactivated");
        let grantless = server.issue_token("farah", all(), Some(30)).await;
        assert_ne!(grantless.grant, Value::Null, "an owner's own token is approved at once");
    }

    async fn what_is_decided_is_explained_to_owners_and_to_the_owner_of_the_token(server: Server) {
        const WHY: &str = "query($token: ID!, $repository: ID, $permission: String!) {
            tokenAccess(token: $token, repository: $repository, permission: $permission) {
                allowed forbiddenBy publiclyReadable effectiveLevel ownerLevel } }";
        let (api, website) = (server.repository("payments-api").await["id"].clone(), server.repository("website").await["id"].clone());
        let app = server.repository("mobile-app").await["id"].clone();
        let token = server.issue_token("karim", all(), Some(30)).await;
        let why = async |who: &str, repository: &Value, permission: &str| server.ask(who, WHY,
            json!({ "token": token.id, "repository": repository, "permission": permission })).await["tokenAccess"].clone();
        let short = |told: &Value| (told["allowed"].clone(), told["forbiddenBy"].clone());
        let pending = why("farah", &api, "contents_write").await;
        assert_eq!(pending, json!({ "allowed": false, "forbiddenBy": "APPROVAL", "publiclyReadable": false,
            "effectiveLevel": null, "ownerLevel": "WRITE" }));
        assert_eq!(why("karim", &api, "contents_write").await, pending);
        assert_eq!(why("deniz", &api, "contents_write").await, pending);
        for other in ["lena", "goran", "bruno"] {
            assert_eq!(why(other, &api, "contents_write").await, Value::Null, "{other}");
        }
        assert_eq!(why("farah", &website, "contents").await, json!({ "allowed": true, "forbiddenBy": null,
            "publiclyReadable": true, "effectiveLevel": "READ", "ownerLevel": "WRITE" }));
        server.settle_request(&token, "APPROVE").await;
        for (repository, permission, decision) in [
            (&api, "contents_write", (json!(true), Value::Null)),
            (&api, "issues_read", (json!(false), json!("GRANT"))),
            (&api, "metadata", (json!(true), Value::Null)),
            (&app, "contents_read", (json!(false), json!("OWNER_STANDING"))),
            (&Value::Null, "members_read", (json!(false), json!("GRANT"))),
        ] {
            assert_eq!(short(&why("farah", repository, permission).await), decision, "{permission}");
        }
        assert_eq!(why("karim", &app, "contents_read").await, Value::Null, "he may not see the repository");
        for bad in ["no_such", "contents_admin", "members_read", ""] {
            assert_eq!(server.errors("farah", WHY, json!({ "token": token.id, "repository": api, "permission": bad })).await,
                ["BAD_USER_INPUT"], "{bad}");
        }
        server.change_policy(json!({ "fineGrained": "RESTRICTED" })).await;
        assert_eq!(short(&why("karim", &api, "contents_read").await), (json!(false), json!("POLICY")));
        server.change_policy(json!({ "fineGrained": "ALLOWED" })).await;
        server.take_back(&token).await;
        assert_eq!(short(&why("karim", &api, "contents_read").await), (json!(false), json!("GRANT")));
        server.clock.advance(TimeDelta::days(31));
        assert_eq!(short(&why("karim", &website, "contents_read").await), (json!(false), json!("EXPIRY")));
        assert_eq!(why("karim", &json!("repo_x"), "contents_read").await, Value::Null);
    }
}
