//! The settings: flags and environment variables, documented by `--help`.

mod limits;
mod mail;

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use clap::{Args, ValueEnum};
use url::Url;

use crate::authn::issuer::Issuers;
use crate::secret::SecretKeys;
use crate::store::DatabaseSettings;

pub use limits::{Introspection, Limits};
pub use mail::{MailArgs, SmtpTls};

/// The start of every environment variable that is ours.
pub const PREFIX: &str = "GUICHET_";

/// The form of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// Lines for people.
    Text,
    /// One JSON object a line.
    Json,
}

/// Where the database is.
#[derive(Args, Clone, Debug, Default)]
pub struct DatabaseArgs {
    /// The database: <postgres://user@host/name>, or <sqlite://path/to/file>
    #[arg(long, env = "GUICHET_DATABASE_URL", hide_env_values = true, value_name = "URL")]
    pub database_url: Option<String>,

    /// The most connections to the database
    #[arg(long, env = "GUICHET_DATABASE_CONNECTIONS", value_name = "N", default_value_t = 10)]
    pub database_connections: u32,

    /// The longest that a statement may run, in seconds (PostgreSQL)
    #[arg(long, env = "GUICHET_STATEMENT_TIMEOUT", value_name = "SECONDS", default_value_t = 10)]
    pub statement_timeout: u64,
}

/// The settings of a server.
#[derive(Args, Clone, Debug)]
pub struct ServeArgs {
    /// Where to listen
    #[arg(long, env = "GUICHET_LISTEN", value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    pub listen: SocketAddr,

    /// The address that people reach the server by; links in mails and share links begin with it
    #[arg(long, env = "GUICHET_PUBLIC_URL", value_name = "URL")]
    pub public_url: Option<Url>,

    /// The trusted issuers of tokens: a JSON array, or @ and the path of a file with one
    #[arg(long, env = "GUICHET_ISSUERS", hide_env_values = true, value_name = "JSON")]
    pub issuers: Option<String>,

    /// The keys for secrets at rest: name:base64 of 32 bytes, separated by commas; the first one encrypts
    #[arg(long, env = "GUICHET_SECRET_KEYS", hide_env_values = true, value_name = "KEYS")]
    pub secret_keys: Option<String>,

    /// Bring the database schema up to date at the start
    #[arg(long, env = "GUICHET_MIGRATE", value_name = "BOOL", num_args = 0..=1, default_value_t = false, default_missing_value = "true", action = clap::ArgAction::Set)]
    pub migrate: bool,

    /// Carry out deliveries and other due work in this process
    #[arg(long, env = "GUICHET_WORKER", value_name = "BOOL", default_value_t = true, action = clap::ArgAction::Set)]
    pub worker: bool,

    /// Serve GraphiQL at /graphiql
    #[arg(long, env = "GUICHET_GRAPHIQL", value_name = "BOOL", default_value_t = true, action = clap::ArgAction::Set)]
    pub graphiql: bool,

    /// What a call and a connection may cost.
    #[command(flatten)]
    pub limits: Limits,

    /// Where mails go.
    #[command(flatten)]
    pub mail: MailArgs,

    /// Let connectors call loopback and private addresses
    #[arg(long, env = "GUICHET_ALLOW_PRIVATE_ADDRESSES", value_name = "BOOL", num_args = 0..=1, default_value_t = false, default_missing_value = "true", action = clap::ArgAction::Set)]
    pub allow_private_addresses: bool,

    /// What to log, for example info or guichet=debug
    #[arg(long, env = "GUICHET_LOG", value_name = "FILTER", default_value = "info,sqlx=warn")]
    pub log: String,

    /// The form of the log
    #[arg(long, env = "GUICHET_LOG_FORMAT", value_name = "FORMAT", value_enum, default_value_t = LogFormat::Text)]
    pub log_format: LogFormat,
}

/// Settings with which a server cannot start; the text names each and says what to do.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct ConfigError(pub String);

/// The settings of a server, checked.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The database.
    pub database: DatabaseSettings,
    /// The trusted issuers.
    pub issuers: Issuers,
    /// The keys for secrets at rest.
    pub secret_keys: Arc<SecretKeys>,
    /// Where connectors may call.
    pub allow_private_addresses: bool,
    /// The address that people reach the server by.
    pub public_url: String,
    /// Where mails go; none where nothing is mailed.
    pub mail: Option<crate::mail::Settings>,
    /// What a call and a connection may cost.
    pub limits: Limits,
}

impl DatabaseArgs {
    /// The database settings, or what is missing.
    pub fn settings(&self) -> Result<DatabaseSettings, ConfigError> {
        let Some(url) = &self.database_url else {
            return Err(ConfigError(
                "GUICHET_DATABASE_URL (--database-url) is missing: give postgres://… or sqlite://…"
                    .to_owned(),
            ));
        };
        if !["postgres://", "postgresql://", "sqlite:"].iter().any(|start| url.starts_with(start)) {
            return Err(ConfigError(
                "GUICHET_DATABASE_URL must begin with postgres:// or sqlite://".to_owned(),
            ));
        }
        if url.contains(":memory:") {
            return Err(ConfigError("GUICHET_DATABASE_URL must name a file, not :memory:".to_owned()));
        }
        Ok(DatabaseSettings {
            url: url.clone(),
            connections: self.database_connections,
            statement_timeout: Duration::from_secs(self.statement_timeout),
        })
    }
}

impl ServeArgs {
    /// The checked settings; every fault is named at once.
    pub fn settings(&self, database: &DatabaseArgs) -> Result<Settings, ConfigError> {
        let mut faults = Vec::new();
        let mut keep = |fault: ConfigError| faults.push(fault.0);
        let database = database.settings().map_err(&mut keep).ok();
        let issuers = match &self.issuers {
            None => Err(ConfigError(
                "GUICHET_ISSUERS (--issuers) is missing: name at least one issuer of tokens".to_owned(),
            )),
            Some(text) => Issuers::parse(text, false)
                .map_err(|error| ConfigError(format!("GUICHET_ISSUERS: {error}")))
                .and_then(known_roles),
        };
        let issuers = issuers.map_err(&mut keep).ok();
        let keys = match &self.secret_keys {
            None => Err(ConfigError(
                "GUICHET_SECRET_KEYS (--secret-keys) is missing: give name:key, the key made by `openssl rand -base64 32`"
                    .to_owned(),
            )),
            Some(text) => SecretKeys::parse(text)
                .map_err(|error| ConfigError(format!("GUICHET_SECRET_KEYS: {error}"))),
        };
        let keys = keys.map_err(&mut keep).ok();
        let sound =
            self.limits.fault().map_or(Ok(()), |fault| Err(ConfigError(fault))).map_err(&mut keep).ok();
        let mail = self.mail.settings().map_err(&mut keep).ok();
        match (database, issuers, keys, sound, mail) {
            (Some(database), Some(issuers), Some(secret_keys), Some(()), Some(mail)) => Ok(Settings {
                database,
                issuers,
                secret_keys: Arc::new(secret_keys),
                allow_private_addresses: self.allow_private_addresses,
                public_url: self.public_url(),
                mail,
                limits: self.limits.clone(),
            }),
            _ => Err(ConfigError(faults.join("\n"))),
        }
    }

    /// The address that people reach the server by: what is set, else where it listens.
    #[must_use]
    pub fn public_url(&self) -> String {
        self.public_url.as_ref().map_or_else(|| format!("http://{}", self.listen), Url::to_string)
    }

    /// The effective settings, one a line, with secrets hidden.
    #[must_use]
    pub fn show(&self, database: &DatabaseArgs) -> String {
        let hidden = |set: bool| if set { "(set)" } else { "(not set)" }.to_owned();
        let url = database.database_url.as_deref().map_or_else(|| hidden(false), without_password);
        let rows = [
            ("DATABASE_URL", url),
            ("DATABASE_CONNECTIONS", database.database_connections.to_string()),
            ("STATEMENT_TIMEOUT", database.statement_timeout.to_string()),
            ("LISTEN", self.listen.to_string()),
            ("PUBLIC_URL", self.public_url()),
            ("ISSUERS", hidden(self.issuers.is_some())),
            ("SECRET_KEYS", hidden(self.secret_keys.is_some())),
            ("MIGRATE", self.migrate.to_string()),
            ("WORKER", self.worker.to_string()),
            ("GRAPHIQL", self.graphiql.to_string()),
            ("ALLOW_PRIVATE_ADDRESSES", self.allow_private_addresses.to_string()),
            ("LOG", self.log.clone()),
            ("LOG_FORMAT", format!("{:?}", self.log_format).to_lowercase()),
        ];
        let mut text = String::new();
        for (name, value) in rows.into_iter().chain(self.limits.rows()).chain(self.mail.rows()) {
            let _ = writeln!(text, "{PREFIX}{name}={value}");
        }
        text
    }
}

/// Refuses issuers whose settings name a role that does not exist.
pub fn known_roles(issuers: Issuers) -> Result<Issuers, ConfigError> {
    for issuer in issuers.as_slice() {
        for name in issuer.roles.names() {
            if let Err(error) = name.parse::<crate::authz::Role>() {
                return Err(ConfigError(format!(
                    "GUICHET_ISSUERS: issuer {:?}: roles: {error}",
                    issuer.name
                )));
            }
        }
    }
    Ok(issuers)
}

/// A database address without its password.
fn without_password(url: &str) -> String {
    match Url::parse(url) {
        Ok(mut parsed) if parsed.password().is_some() => {
            let _ = parsed.set_password(Some("…"));
            parsed.to_string()
        }
        Ok(_) => url.to_owned(),
        Err(_) => "(set)".to_owned(),
    }
}

/// Names the variables of ours that no setting has.
pub fn unknown_variables<'a>(
    known: &[String],
    variables: impl Iterator<Item = &'a str>,
) -> Result<(), ConfigError> {
    let unknown: Vec<&str> = variables
        .filter(|name| name.starts_with(PREFIX) && !known.iter().any(|known| known == name))
        .collect();
    if unknown.is_empty() {
        return Ok(());
    }
    Err(ConfigError(format!("no setting is named {}; see `guichet serve --help`", unknown.join(", "))))
}
