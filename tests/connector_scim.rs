//! The SCIM connector, against a real server, through faults, and against servers with quirks.
//!
//! The real one is npm `scimmy-routers` (see `tests/scim`). It knows no `ETag` and no quirks of
//! other servers; those are played by small fakes.

mod faults;
mod odd;
mod quirks;
mod refusals;
mod rows;
mod with_peer;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::to_bytes;
use axum::extract::Request;
use axum::http::{Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use chrono::DateTime;
use entity::delivery::DeliveryErrorCode;
use guichet::clock::Clock;
use guichet::connector::outgoing::TimeLimits;
use guichet::connector::scim::{Scim, ScimSettings};
use guichet::connector::{Connector as _, Done, Failure, Person, Target};
use guichet::secret::Secret;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::harness::{fault_proxy, npm};

/// The token of every server here.
const TOKEN: &str = "scim-token/with+odd=letters";

/// 2026-01-01 00:00:00 UTC, a Thursday, in seconds.
const NOW: i64 = 1_767_225_600;

fn person(id: &str) -> Person {
    Person {
        id: id.to_owned(),
        user_name: format!("{id}@example.com"),
        display_name: "Ada Lovelace".to_owned(),
        email: Some(format!("{id}@example.com")),
        match_by_user_name: true,
        match_by_email: true,
    }
}

/// What a delivery does at a remote of which nothing is known yet.
trait Gives {
    /// Finds or creates the account, and gives it the access.
    async fn give(&self, person: &Person, target: &Target) -> Result<Done, Failure>;
    /// Finds the account, and takes the access from it.
    async fn take(&self, person: &Person, target: &Target) -> Result<Done, Failure>;
}

impl Gives for Scim {
    async fn give(&self, person: &Person, target: &Target) -> Result<Done, Failure> {
        let account = if let Some((account, _)) = self.find_account(person).await? {
            account
        } else {
            self.find_target(target).await?;
            self.create_account(person).await?.0
        };
        Ok(self.add(&account.id, target).await?.done)
    }

    async fn take(&self, person: &Person, target: &Target) -> Result<Done, Failure> {
        match self.find_account(person).await? {
            Some((account, _)) => Ok(self.remove(&account.id, target).await?.done),
            None => Err(Failure::new(DeliveryErrorCode::AccountNotFound, "no account")),
        }
    }
}

fn member_of(group: &str) -> Target {
    Target { resource: group.to_owned(), role: "member".to_owned() }
}

fn settings(base_url: &str) -> ScimSettings {
    ScimSettings {
        base_url: base_url.to_owned(),
        token: Secret::new(TOKEN),
        allow_private_addresses: true,
        limits: TimeLimits::default(),
    }
}

fn try_connect(settings: &ScimSettings) -> Result<Scim, Failure> {
    Scim::new(settings, Clock::manual(DateTime::from_timestamp(NOW, 0).expect("in range")))
}

fn connect(base_url: &str) -> Scim {
    try_connect(&settings(base_url)).expect("settings that work")
}

/// A connector that waits only as long as a test may.
fn connect_impatiently(base_url: &str) -> Scim {
    let limits = TimeLimits {
        connect: Duration::from_millis(300),
        request: Duration::from_millis(300),
        call: Duration::from_secs(5),
    };
    try_connect(&ScimSettings { limits, ..settings(base_url) }).expect("settings that work")
}

/// The real server.
struct Peer {
    script: npm::Script,
}

impl Peer {
    /// Starts one with the groups `team` and `other`, both empty; `None` where the test is to be skipped.
    async fn start() -> Option<Self> {
        let script = npm::Script::start("scim", "server.mjs", &[TOKEN])?;
        let peer = Self { script };
        peer.put("__groups", json!({"id": "team", "displayName": "Team"})).await;
        peer.put("__groups", json!({"id": "other", "displayName": "Other"})).await;
        Some(peer)
    }

    fn origin(&self) -> String {
        let line: Value = serde_json::from_str(&self.script.first_line).expect("JSON");
        format!("http://127.0.0.1:{}", line["port"])
    }

    fn base_url(&self) -> String {
        format!("{}/scim/v2", self.origin())
    }

    async fn list(&self, what: &str) -> Vec<Value> {
        let answer = reqwest::get(format!("{}/{what}", self.origin())).await.expect("an answer");
        answer.json().await.expect("a list")
    }

    async fn put(&self, what: &str, value: Value) {
        let url = format!("{}/{what}", self.origin());
        let answer = reqwest::Client::new().post(url).json(&value).send().await.expect("an answer");
        assert_eq!(answer.status(), StatusCode::CREATED);
    }

    /// The members of a group in the server's own list, as often as they stand there.
    async fn members(&self, group: &str) -> Vec<String> {
        let groups = self.list("__groups").await;
        let group = groups.iter().find(|one| one["id"] == group).expect("the group");
        let members = group["members"].as_array().cloned().unwrap_or_default();
        members.iter().map(|member| member["value"].as_str().expect("an id").to_owned()).collect()
    }

    /// The methods of the requests that changed something, in order.
    async fn writes(&self) -> Vec<String> {
        let requests = self.list("__requests").await;
        let methods = requests.iter().map(|one| one["method"].as_str().expect("a method").to_owned());
        methods.filter(|method| method != "GET").collect()
    }
}

/// A request that a fake saw.
#[derive(Clone, Debug)]
struct Seen {
    method: Method,
    /// The path and the query as they were sent.
    uri: String,
    if_match: Option<String>,
    authorization: Option<String>,
    body: Value,
}

impl Seen {
    fn is(&self, method: &Method, path: &str) -> bool {
        self.method == *method && self.uri.split('?').next() == Some(path)
    }
}

/// A server on loopback that answers by a function and remembers what it saw.
struct Fake {
    origin: String,
    log: Arc<Mutex<Vec<Seen>>>,
    server: JoinHandle<()>,
}

impl Drop for Fake {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Fake {
    async fn start(respond: impl Fn(&Seen) -> Response + Clone + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port on loopback");
        let origin = format!("http://{}", listener.local_addr().expect("the address that was bound"));
        let log: Arc<Mutex<Vec<Seen>>> = Arc::default();
        let seen_by = Arc::clone(&log);
        let router = Router::new().fallback(move |request: Request| {
            let (seen_by, respond) = (Arc::clone(&seen_by), respond.clone());
            async move {
                let seen = see(request).await;
                seen_by.lock().unwrap_or_else(PoisonError::into_inner).push(seen.clone());
                respond(&seen)
            }
        });
        let server =
            tokio::spawn(async move { axum::serve(listener, router).await.expect("a running fake") });
        Self { origin, log, server }
    }

    fn seen(&self) -> Vec<Seen> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn patches(&self) -> Vec<Seen> {
        self.seen().into_iter().filter(|seen| seen.method == Method::PATCH).collect()
    }
}

async fn see(request: Request) -> Seen {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, usize::MAX).await.expect("a whole request");
    let body = serde_json::from_slice(&body).unwrap_or_default();
    let header = |name| parts.headers.get(name).map(|value| value.to_str().expect("text").to_owned());
    Seen {
        if_match: header(header::IF_MATCH),
        authorization: header(header::AUTHORIZATION),
        method: parts.method,
        uri: parts.uri.to_string(),
        body,
    }
}

fn answer(status: u16, body: &Value) -> Response {
    let status = StatusCode::from_u16(status).expect("a status");
    (status, [(header::CONTENT_TYPE, "application/scim+json")], body.to_string()).into_response()
}

fn error(status: u16, detail: &str) -> Response {
    let schemas = ["urn:ietf:params:scim:api:messages:2.0:Error"];
    answer(status, &json!({"schemas": schemas, "status": status.to_string(), "detail": detail}))
}

fn list(users: &[Value]) -> Response {
    let schemas = ["urn:ietf:params:scim:api:messages:2.0:ListResponse"];
    answer(200, &json!({"schemas": schemas, "totalResults": users.len(), "Resources": users}))
}

/// The one user of most fakes, who is `person("ada")`.
fn ada() -> Value {
    json!({"id": "u1", "externalId": "ada", "userName": "ada@example.com"})
}

fn group(members: &[&str]) -> Response {
    let members: Vec<Value> = members.iter().map(|member| json!({"value": member})).collect();
    answer(
        200,
        &json!({"schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "id": "g", "members": members}),
    )
}
