//! The demo: `guichet` without a subcommand, and `guichet token`.

use std::fmt::Write as _;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use clap::Args;
use tokio::net::TcpListener;

use super::{say, serve};
use crate::app::{App, StartError};
use crate::authn::issuer::Issuers;
use crate::authn::sign::TokenClaims;
use crate::authz::Role;
use crate::clock::Clock;
use crate::config::{ConfigError, Limits, Settings};
use crate::demo::{self, AUDIENCE, DIRECTORY, PEOPLE, Secrets, Seeded, USUAL_ADDRESS};
use crate::http::pages::{DemoPerson, PageSettings};
use crate::secret::SecretKeys;
use crate::store::{self, DatabaseSettings};

/// A token of the demo's issuers.
#[derive(Args, Clone, Debug)]
pub struct TokenArgs {
    /// The `sub`: for example alice, or a name that nobody has yet
    pub subject: String,
    /// The organization: contoso or fabrikam
    #[arg(long, default_value = "contoso")]
    pub organization: String,
    /// A role to claim; a catalog role may be followed by : and the id of a catalog. Without any: what the demo says
    /// of the person
    #[arg(long = "role", value_name = "ROLE")]
    pub roles: Vec<String>,
    /// The name of a person who is not known yet
    #[arg(long)]
    pub name: Option<String>,
    /// How long the token lives, in hours
    #[arg(long, default_value_t = 24)]
    pub hours: u32,
    /// The directory of the demo
    #[arg(long, default_value = DIRECTORY)]
    pub directory: PathBuf,
}

/// Prints a token of the demo.
pub fn token(arguments: &TokenArgs) -> Result<(), StartError> {
    if !arguments.directory.join("secrets.json").exists() {
        return Err(StartError::Other(format!(
            "there is no demo in {}: start one with `guichet`",
            arguments.directory.display()
        )));
    }
    for role in &arguments.roles {
        let name = role.split_once(':').map_or(role.as_str(), |(name, _)| name);
        name.parse::<Role>().map_err(|error| ConfigError(format!("--role: {error}")))?;
    }
    let now = Clock::system().now();
    let claims = TokenClaims {
        iss: demo::issuer(&arguments.organization),
        aud: AUDIENCE.to_owned(),
        sub: arguments.subject.clone(),
        exp: now + TimeDelta::hours(i64::from(arguments.hours)),
        iat: now,
        name: arguments.name.clone(),
        email: None,
        roles: if arguments.roles.is_empty() { usual_roles(arguments) } else { arguments.roles.clone() },
    };
    say(&format!("{}\n", Secrets::in_directory(&arguments.directory)?.token(&claims)?));
    Ok(())
}

/// The roles that somebody claims in the tokens that the demo prints.
fn usual_roles(arguments: &TokenArgs) -> Vec<String> {
    let is_meant =
        |person: &&demo::Person| person.subject == arguments.subject && person.home == arguments.organization;
    let roles = PEOPLE.iter().find(is_meant).map_or([].as_slice(), |person| person.roles);
    roles.iter().map(|role| role.name().to_owned()).collect()
}

/// Starts the demo and serves until it is told to stop.
pub async fn run() -> Result<ExitCode, StartError> {
    let directory = Path::new(DIRECTORY);
    fs::create_dir_all(directory)
        .map_err(|error| StartError::Other(format!("cannot make the directory {DIRECTORY}: {error}")))?;
    let secrets = Secrets::in_directory(directory)?;
    let clock = Clock::system();
    // The links that the demo gives out name the address at which it really listens.
    let (listener, address) = listen().await?;
    let public_url = format!("http://{address}");
    let settings = settings(directory, &secrets, &public_url)?;
    let pages = PageSettings { graphiql: Some(demo::tabs(&public_url)), people: people(&secrets, &clock)? };
    let app = App::start(settings, clock.clone(), pages).await?;
    store::installation::migrate(&app.database).await?;
    if demo::seed(&app.database).await? == Seeded::NotEmpty {
        return Err(StartError::Other(format!("{DIRECTORY} holds a database that is no demo: move it away")));
    }
    say(&greeting(&public_url, &secrets, &clock)?);
    serve::until_stopped(app, listener, true).await;
    Ok(ExitCode::SUCCESS)
}

/// Opens the usual address, or any other of this machine where that is taken.
async fn listen() -> Result<(TcpListener, SocketAddr), StartError> {
    match serve::listen(USUAL_ADDRESS).await {
        Ok(open) => Ok(open),
        Err(_) => serve::listen(SocketAddr::new(USUAL_ADDRESS.ip(), 0)).await,
    }
}

fn settings(directory: &Path, secrets: &Secrets, public_url: &str) -> Result<Settings, StartError> {
    let wrong =
        |error: &dyn std::fmt::Display| StartError::Other(format!("{DIRECTORY}/secrets.json: {error}"));
    Ok(Settings {
        database: DatabaseSettings {
            url: format!("sqlite://{}", demo::database_path(directory).display()),
            connections: 4,
            statement_timeout: Duration::from_secs(10),
        },
        issuers: Issuers::parse(&secrets.issuers(), true).map_err(|error| wrong(&error))?,
        secret_keys: SecretKeys::parse(secrets.secret_keys()).map(Arc::new).map_err(|error| wrong(&error))?,
        allow_private_addresses: true,
        public_url: public_url.to_owned(),
        mail: None,
        limits: Limits::default(),
    })
}

fn people(secrets: &Secrets, clock: &Clock) -> Result<Vec<DemoPerson>, StartError> {
    let people = PEOPLE.iter().map(|person| {
        Ok(DemoPerson {
            name: person.name.to_owned(),
            role: person.title.to_owned(),
            organization: person.organization.to_owned(),
            token: secrets.token(&person.claims(clock.now()))?,
        })
    });
    people.collect()
}

/// What the demo prints: the addresses, and a signed token for each role with a ready query.
fn greeting(address: &str, secrets: &Secrets, clock: &Clock) -> Result<String, StartError> {
    let mut text = format!(
        "Guichet's demo runs, on this machine only. Its data are in {DIRECTORY}/; delete that to begin anew.\n\n\
         GraphiQL   {address}/graphiql\n\
         GraphQL    {address}/graphql\n\n\
         A link for partners, which Wim de Vries of Fabrikam can open:\n\
         {}\n\n\
         A token for each role (for 30 days), and a query to try with it:\n",
        demo::partners::share_link(address),
    );
    for person in &PEOPLE {
        let token = secrets.token(&person.claims(clock.now()))?;
        // A token is good in the organization of its issuer; elsewhere for partners alone.
        let elsewhere = if person.home == person.organization {
            String::new()
        } else {
            format!("-H 'guichet-organization: {}' \\\n  ", person.organization)
        };
        let _ = write!(
            text,
            "\n# {}, {} at {}\ncurl -s {address}/graphql -H 'content-type: application/json' \\\n  \
             -H 'authorization: Bearer {token}' \\\n  {elsewhere}-d '{{\"query\":\"{}\"}}'\n",
            person.name, person.title, person.organization, person.query,
        );
    }
    text.push_str("\nStop with Ctrl-C.\n");
    Ok(text)
}
