//! A server on an ephemeral port, and the people of the demo as its clients.

use std::collections::HashMap;
use std::sync::Arc;

use chrono::TimeDelta;
use guichet::app::App;
use guichet::authn::issuer::Issuers;
use guichet::authn::sign::{Signer, TokenClaims};
use guichet::clock::Clock;
use guichet::config::{Limits, Settings};
use guichet::demo::{self, Secrets};
use guichet::http::{self, pages::PageSettings};
use guichet::mail;
use guichet::secret::SecretKeys;
use guichet::store::DatabaseSettings;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::database::{self, Kind};

/// An issuer that speaks for no organization, in every test: its people are outsiders everywhere.
pub const OUTSIDE: &str = "urn:guichet:test:outside";
/// What it signs with.
const OUTSIDE_SECRET: &str = "a shared secret of at least 32 bytes";

/// A running server.
pub struct Server {
    pub app: Arc<App>,
    pub clock: Clock,
    pub base: String,
    pub kind: Kind,
    settings: Settings,
    pub secrets: Secrets,
    client: reqwest::Client,
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HashMap<String, String>,
    pub json: Value,
}

impl Server {
    /// Starts a server on a fresh copy of the demo's story; none where the database is missing and may be.
    pub async fn start(kind: Kind) -> Option<Self> {
        Self::start_with(kind, Limits::default()).await
    }

    /// Starts a server like [`start`](Self::start), with limits of the test's choice.
    pub async fn start_with(kind: Kind, limits: Limits) -> Option<Self> {
        Self::start_mailing(kind, limits, None).await
    }

    /// Starts a server like [`start`](Self::start), with limits of the test's choice and a mail server.
    pub async fn start_mailing(kind: Kind, limits: Limits, mail: Option<mail::Settings>) -> Option<Self> {
        Self::start_trusting(kind, limits, mail, &[]).await
    }

    /// Starts a server like [`start`](Self::start), with more issuers.
    pub async fn start_trusting(
        kind: Kind,
        limits: Limits,
        mail: Option<mail::Settings>,
        more: &[Value],
    ) -> Option<Self> {
        let settings = database::fresh(kind).await?;
        Some(Self::start_at(kind, settings, limits, mail, more).await)
    }

    /// Starts a server like [`start`](Self::start), on a copy of the story that the test has put somewhere.
    pub async fn start_at(
        kind: Kind,
        settings: DatabaseSettings,
        limits: Limits,
        mail: Option<mail::Settings>,
        more: &[Value],
    ) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let secrets = Secrets::in_directory(directory.path()).unwrap();
        let mut issuers: Value = serde_json::from_str(&secrets.issuers()).unwrap();
        let outside = json!({ "issuer": OUTSIDE, "audience": demo::AUDIENCE, "keys": { "hs256Secret": OUTSIDE_SECRET } });
        issuers.as_array_mut().unwrap().extend([outside].into_iter().chain(more.iter().cloned()));
        let clock = Clock::manual(database::begin() + TimeDelta::seconds(1));
        let settings = Settings {
            database: settings,
            issuers: Issuers::parse(&issuers.to_string(), true).unwrap(),
            secret_keys: Arc::new(SecretKeys::parse(secrets.secret_keys()).unwrap()),
            allow_private_addresses: true,
            public_url: "https://access.example".to_owned(),
            mail,
            limits,
        };
        let app = App::start(settings.clone(), clock.clone(), PageSettings::default()).await.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let (router, idle) = (http::router(&app), app.limits.idle_timeout);
        tokio::spawn(http::connections::serve(listener, router, idle, std::future::pending()));
        Self { app, clock, base, kind, settings, secrets, client: reqwest::Client::new() }
    }

    /// Where its database is.
    pub fn database_settings(&self) -> DatabaseSettings {
        self.settings.database.clone()
    }

    /// The status and body of `/readyz`.
    pub async fn ready(&self) -> (u16, String) {
        let response = self.client.get(format!("{}/readyz", self.base)).send().await.unwrap();
        (response.status().as_u16(), response.text().await.unwrap())
    }

    /// Works until nothing is due.
    pub async fn work(&self) {
        self.app.worker.run_due().await.unwrap();
    }

    /// Another server on the same database, without a socket: its worker works beside this one's.
    pub async fn another(&self, mail: Option<mail::Settings>) -> Arc<App> {
        let settings = Settings { mail, ..self.settings.clone() };
        App::start(settings, self.clock.clone(), PageSettings::default()).await.unwrap()
    }

    /// Another server on the same database that calls no private addresses.
    pub async fn another_without_private_addresses(&self) -> Arc<App> {
        let settings = Settings { allow_private_addresses: false, ..self.settings.clone() };
        App::start(settings, self.clock.clone(), PageSettings::default()).await.unwrap()
    }

    /// A token for a person of the demo, with the roles that the demo gives them.
    pub fn token(&self, subject: &str) -> String {
        let person = demo::PEOPLE.iter().find(|person| person.subject == subject);
        let roles = person.map(|person| person.roles).unwrap_or_default();
        let organization = match subject {
            "mila" | "nils" | "olga" | "pablo" | "qing" | "rosa" | "samir" | "tara" | "wim" => "fabrikam",
            _ => "contoso",
        };
        let roles: Vec<&str> = roles.iter().map(|role| role.name()).collect();
        self.token_with(subject, organization, &roles)
    }

    /// A token with these roles.
    pub fn token_with(&self, subject: &str, organization: &str, roles: &[&str]) -> String {
        let claims = TokenClaims {
            iss: demo::issuer(organization),
            aud: demo::AUDIENCE.to_owned(),
            sub: subject.to_owned(),
            exp: self.clock.now() + TimeDelta::hours(1),
            iat: self.clock.now(),
            name: None,
            email: None,
            roles: roles.iter().map(|role| (*role).to_owned()).collect(),
        };
        self.secrets.token(&claims).unwrap()
    }

    /// A token of the issuer that speaks for nobody, with these claims beside the usual ones.
    pub fn outside(&self, subject: &str, more: Value) -> String {
        let (now, end) = (self.clock.now(), self.clock.now() + TimeDelta::hours(1));
        let mut claims = json!({ "iss": OUTSIDE, "aud": demo::AUDIENCE, "sub": subject,
            "iat": now.timestamp(), "exp": end.timestamp() });
        let Value::Object(more) = more else { panic!("claims are an object") };
        claims.as_object_mut().unwrap().extend(more);
        Signer::new(OUTSIDE_SECRET).unwrap().sign(&claims).unwrap()
    }

    /// Sends an operation with headers of the caller's choice.
    pub async fn send(&self, headers: &[(&str, &str)], body: String) -> Answer {
        let mut request = self.client.post(format!("{}/graphql", self.base)).body(body);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        let headers = response
            .headers()
            .iter()
            .map(|(name, value)| (name.to_string(), value.to_str().unwrap_or_default().to_owned()))
            .collect();
        let text = response.text().await.unwrap();
        Answer { status, headers, json: serde_json::from_str(&text).unwrap_or(Value::String(text)) }
    }

    /// Sends something to an endpoint beside GraphQL.
    pub async fn endpoint(&self, path: &str, headers: &[(&str, &str)], body: impl Into<String>) -> Answer {
        let mut request = self.client.post(format!("{}{path}", self.base)).body(body.into());
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        let header = |(name, value): (&_, &reqwest::header::HeaderValue)| {
            (format!("{name}"), value.to_str().unwrap_or_default().to_owned())
        };
        let headers: HashMap<String, String> = response.headers().iter().map(header).collect();
        let text = response.text().await.unwrap();
        Answer { status, headers, json: serde_json::from_str(&text).unwrap_or(Value::String(text)) }
    }

    /// Asks with a token.
    pub async fn ask_with(&self, token: &str, query: &str, variables: Value) -> Answer {
        let authorization = format!("Bearer {token}");
        let headers = [("content-type", "application/json"), ("authorization", authorization.as_str())];
        self.send(&headers, json!({ "query": query, "variables": variables }).to_string()).await
    }

    /// Asks as a person of the demo; the answer must hold no errors.
    pub async fn ask(&self, subject: &str, query: &str, variables: Value) -> Value {
        let answer = self.ask_with(&self.token(subject), query, variables).await;
        assert!(answer.json["errors"].is_null(), "{subject}: {query}\n{}", answer.json["errors"]);
        answer.json["data"].clone()
    }

    /// The codes of the errors that a person gets.
    pub async fn errors(&self, subject: &str, query: &str, variables: Value) -> Vec<String> {
        let answer = self.ask_with(&self.token(subject), query, variables).await;
        let errors = answer.json["errors"].as_array().cloned().unwrap_or_default();
        errors.iter().map(|error| error["extensions"]["code"].as_str().unwrap_or("none").to_owned()).collect()
    }

    /// The id of the package with this name.
    pub async fn package(&self, name: &str) -> Value {
        let query =
            "query($name: String!) { accessPackages(filter: {search: $name}) { nodes { id displayName } } }";
        let found = self.ask("alice", query, json!({ "name": name })).await;
        let nodes = found["accessPackages"]["nodes"].as_array().unwrap().clone();
        nodes.into_iter().find(|node| node["displayName"] == name).unwrap()["id"].clone()
    }

    /// The id of a user.
    pub async fn user(&self, name: &str) -> Value {
        let query = "query($name: String!) { users(filter: {search: $name}) { nodes { id } } }";
        self.ask("alice", query, json!({ "name": name })).await["users"]["nodes"][0]["id"].clone()
    }

    /// Who is in a group of Contoso's directory.
    pub async fn members(&self, origin: &str) -> Vec<String> {
        let query = "{ connectors(first: 5) { nodes { groups(first: 10) { nodes { originId
            members(first: 100) { nodes { user { displayName } } } } } } } }";
        let found = self.ask("alice", query, json!({})).await;
        let groups = found["connectors"]["nodes"].as_array().unwrap().iter();
        let groups = groups.flat_map(|connector| connector["groups"]["nodes"].as_array().unwrap().clone());
        let group = groups.into_iter().find(|group| group["originId"] == origin);
        let members =
            group.map(|group| group["members"]["nodes"].as_array().unwrap().clone()).unwrap_or_default();
        members.iter().map(|member| member["user"]["displayName"].as_str().unwrap().to_owned()).collect()
    }

    /// Runs a statement on the database, for what no API does.
    pub async fn sql(&self, text: &'static str) {
        use guichet::store::database::Connection as _;
        let mut sql = self.app.database.sql();
        sql.push(text);
        self.app.database.execute(sql).await.unwrap();
    }
}

impl Server {
    /// Sends an operation as nobody, or with a token, and to a named organization.
    pub async fn call(
        &self,
        token: Option<&str>,
        organization: Option<&str>,
        query: &str,
        variables: Value,
    ) -> Answer {
        let authorization = token.map(|token| format!("Bearer {token}"));
        let mut headers = vec![("content-type", "application/json")];
        headers.extend(authorization.as_deref().map(|value| ("authorization", value)));
        headers.extend(organization.map(|name| ("guichet-organization", name)));
        self.send(&headers, json!({ "query": query, "variables": variables }).to_string()).await
    }

    /// The first column of what a statement reads, as text.
    pub async fn rows(&self, text: String) -> Vec<String> {
        use guichet::store::database::Connection as _;
        let mut sql = self.app.database.sql();
        // The store takes no text that was made while running; a test may leak some.
        sql.push(text.leak());
        let rows = self.app.database.all(sql).await.unwrap();
        rows.iter().map(|row| row.try_get_by_index::<String>(0).unwrap()).collect()
    }

    /// Every row of the database as text, to see that nothing was changed; without the audit trail and
    /// the roles that a sign-in notes.
    pub async fn contents(&self) -> Vec<String> {
        let tables = match self.kind {
            Kind::Sqlite => {
                "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
            }
            Kind::Postgres => {
                "SELECT table_name::text FROM information_schema.tables WHERE table_schema = 'public'"
            }
        };
        let mut all = Vec::new();
        for table in self.rows(tables.to_owned()).await {
            if table == "audit_event" || table == "audit_chain" {
                continue;
            }
            let row = match self.kind {
                Kind::Sqlite => {
                    let names = format!(
                        "SELECT name FROM pragma_table_info('{table}') WHERE name NOT IN ('claimed_roles', 'claimed_at')"
                    );
                    let names = self.rows(names).await;
                    let values: Vec<String> = names.iter().map(|name| format!("quote(\"{name}\")")).collect();
                    values.join(" || ', ' || ")
                }
                Kind::Postgres => "(to_jsonb(t) - 'claimed_roles' - 'claimed_at')::text".to_owned(),
            };
            all.push(format!("SELECT '{table}: ' || {row} FROM \"{table}\" t"));
        }
        let mut rows = self.rows(all.join(" UNION ALL ")).await;
        rows.sort_unstable();
        rows
    }
}

/// The codes of a payload's `userErrors`.
pub fn codes(payload: &Value) -> Vec<&str> {
    payload["userErrors"].as_array().unwrap().iter().map(|error| error["code"].as_str().unwrap()).collect()
}
