//! `guichet doctor`: what is wrong, and what to do.

use std::process::ExitCode;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::say;
use crate::app::StartError;
use crate::authn::code_flow::{CodeFlow, Refused};
use crate::authn::issuer::{Issuers, Keys};
use crate::authn::jwks::{KeySet, Miss};
use crate::clock::Clock;
use crate::config::{self, DatabaseArgs, ServeArgs};
use crate::connector::registry::Registry;
use crate::id;
use crate::mail::Mailer;
use crate::secret::SecretKeys;
use crate::store::{self, Database, Waiting};
use crate::worker::kind::Kind;

/// How far the clocks of server and database may be apart, in seconds.
const CLOCK_TOLERANCE: i64 = 5;

/// How long work may be due, and have succeeded last, before something is wrong, in seconds.
const WORK_TOLERANCE: i64 = 300;

/// Checks everything and tells each finding on a line; fails when something is wrong.
pub async fn run(database: &DatabaseArgs, serve: &ServeArgs) -> Result<ExitCode, StartError> {
    let mut findings = Findings { healthy: true };
    check_keys(serve, &mut findings).await;
    check_database(database, serve, &mut findings).await;
    check_mail(serve, &mut findings).await;
    Ok(if findings.healthy { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn good(what: &str) {
    say(&format!("ok     {what}\n"));
}

struct Findings {
    healthy: bool,
}

impl Findings {
    fn bad(&mut self, what: &str, remedy: &str) {
        self.healthy = false;
        say(&format!("WRONG  {what}\n       {remedy}\n"));
    }
}

async fn check_keys(serve: &ServeArgs, findings: &mut Findings) {
    match serve.secret_keys.as_deref().map(SecretKeys::parse) {
        Some(Ok(_)) => good("keys for secrets at rest"),
        Some(Err(error)) => findings.bad(&format!("GUICHET_SECRET_KEYS: {error}"), "Correct the setting."),
        None => findings.bad(
            "GUICHET_SECRET_KEYS is missing",
            "Set it to name:key, the key made by `openssl rand -base64 32`.",
        ),
    }
    let issuers = match serve.issuers.as_deref().map(|text| Issuers::parse(text, false)) {
        Some(Ok(issuers)) => issuers,
        Some(Err(error)) => {
            return findings.bad(&format!("GUICHET_ISSUERS: {error}"), "Correct the setting.");
        }
        None => return findings.bad("GUICHET_ISSUERS is missing", "Name at least one issuer of tokens."),
    };
    let issuers = match config::known_roles(issuers) {
        Ok(issuers) => issuers,
        Err(error) => return findings.bad(&error.to_string(), "Use the role names of the documentation."),
    };
    for issuer in issuers.as_slice() {
        let Keys::Set(source) = &issuer.keys else { continue };
        let set =
            KeySet::new(issuer.name.clone(), source.clone(), issuer.algorithms.clone(), Clock::system());
        // Any answer but "unavailable" means that the set was read.
        match set.find(Some("guichet doctor"), issuer.algorithms[0]).await {
            Err(Miss::Unavailable) => findings.bad(
                &format!("the keys of issuer {:?} cannot be read, or none of them is usable", issuer.name),
                "Check jwksUrl or jwksFile, the network, and the issuer.",
            ),
            Ok(_) | Err(Miss::Unknown) => good(&format!("keys of issuer {:?}", issuer.name)),
        }
    }
    check_sign_in(&issuers, serve, findings).await;
}

/// Takes a code to each issuer that it never gave. It says so only to a client that it knows.
async fn check_sign_in(issuers: &Issuers, serve: &ServeArgs, findings: &mut Findings) {
    let flow = match CodeFlow::new(issuers, &serve.public_url()) {
        Ok(flow) => flow,
        Err(error) => return findings.bad(&format!("GUICHET_PUBLIC_URL: {error}"), "Correct the setting."),
    };
    for choice in flow.choices() {
        let what = format!("sign-in at issuer {:?}", choice.issuer);
        let verifier = "of-guichet-doctor-which-was-never-asked-for";
        match flow.finish(choice.issuer, "of-guichet-doctor".to_owned(), verifier.to_owned()).await {
            Err(Refused::Code) => good(&what),
            _ => findings.bad(
                &format!("{what}: its token endpoint does not know Guichet as a client"),
                "Check tokenUrl, clientId and clientSecret of its signIn, the network, and the issuer.",
            ),
        }
    }
}

async fn check_mail(serve: &ServeArgs, findings: &mut Findings) {
    let mailer = match serve.mail.settings() {
        Ok(None) => return good("no mail server: what people are told stays in the API"),
        Ok(Some(settings)) => Mailer::new(&settings),
        Err(error) => return findings.bad(&error.to_string(), "Correct the setting."),
    };
    let checked = match mailer {
        Ok(mailer) => mailer.check().await.map_err(|failure| (failure.code, failure.message)),
        Err(fault) => return findings.bad(&format!("the mail server: {fault}"), "Correct the setting."),
    };
    match checked {
        Ok(()) => good("mail server"),
        Err((code, message)) => findings.bad(
            &format!("the mail server: {code:?}: {message}"),
            "Check GUICHET_SMTP_URL, GUICHET_SMTP_TLS, user and password, the certificate, and that it runs.",
        ),
    }
}

async fn check_database(arguments: &DatabaseArgs, serve: &ServeArgs, findings: &mut Findings) {
    let settings = match arguments.settings() {
        Ok(settings) => settings,
        Err(error) => return findings.bad(&error.to_string(), "Set the address of the database."),
    };
    let clock = Clock::system();
    let database = match Database::connect(&settings, clock.clone()).await {
        Ok(database) => database,
        Err(error) => {
            return findings.bad(
                &format!("the database cannot be reached: {error}"),
                "Check address, user, password, and that it runs.",
            );
        }
    };
    good("database");
    match store::installation::pending_migrations(&database).await {
        Ok(0) => good("schema of the database"),
        Ok(pending) => {
            return findings.bad(&format!("the schema lacks {pending} changes"), "Run `guichet migrate`.");
        }
        Err(error) => return findings.bad(&format!("the schema: {error}"), "Run `guichet migrate`."),
    }
    match store::installation::time(&database).await {
        Ok(time) if (time - clock.now()).num_seconds().abs() <= CLOCK_TOLERANCE => good("clock"),
        Ok(time) => findings.bad(
            &format!(
                "the clocks of this machine and the database are {} s apart",
                (time - clock.now()).num_seconds()
            ),
            "Synchronize both by NTP: tokens and deliveries depend on the time.",
        ),
        Err(error) => {
            findings.bad(&format!("the clock of the database: {error}"), "Look at the database's log.");
        }
    }
    check_work(&database, findings).await;
    check_connectors(&database, serve, findings).await;
}

/// Whether each kind of work goes on: it is told when it last succeeded on any server, and how much of it is due.
async fn check_work(database: &Database, findings: &mut Findings) {
    let now = database.clock().now();
    for kind in Kind::ALL {
        let name = kind.name();
        let (waiting, last) =
            match (kind.waiting(database).await, store::installation::last_success(database, name).await) {
                (Ok(waiting), Ok(last)) => (waiting, last),
                (Err(error), _) | (_, Err(error)) => {
                    findings.bad(&format!("work: {name}: {error}"), "Look at the database's log.");
                    continue;
                }
            };
        let ago = |at: DateTime<Utc>| format!("{} s", (now - at).num_seconds().max(0));
        let success =
            last.map_or("never succeeded yet".to_owned(), |at| format!("last succeeded {} ago", ago(at)));
        let due = match waiting {
            None => String::new(),
            Some(Waiting { due, oldest: None }) => format!(", {due} due"),
            Some(Waiting { due, oldest: Some(at) }) => format!(", {due} due, the oldest for {}", ago(at)),
        };
        let what = format!("work: {name}: {success}{due}");
        let is_late = |at: DateTime<Utc>| (now - at).num_seconds() > WORK_TOLERANCE;
        if waiting.and_then(|waiting| waiting.oldest).is_some_and(is_late) && last.is_none_or(is_late) {
            findings.bad(&what, "Check that a server runs its worker, and look at its log.");
        } else {
            good(&what);
        }
    }
}

async fn check_connectors(database: &Database, serve: &ServeArgs, findings: &mut Findings) {
    let Some(Ok(keys)) = serve.secret_keys.as_deref().map(SecretKeys::parse) else { return };
    let registry = Registry::new(database.clone(), Arc::new(keys), serve.allow_private_addresses);
    let connectors = match store::connector::all(database).await {
        Ok(connectors) => connectors,
        Err(error) => {
            return findings.bad(&format!("the connectors: {error}"), "Look at the database's log.");
        }
    };
    for connector in connectors {
        let what =
            format!("connector {:?} ({})", connector.display_name, id::Kind::Connector.text(connector.id));
        let checked = match registry.get(&connector) {
            Ok(live) => live.check().await,
            Err(failure) => Err(failure),
        };
        match checked {
            Ok(()) => good(&what),
            Err(failure) => findings.bad(
                &format!("{what}: {failure}"),
                "Check its address and secret with updateConnector, and that the remote runs.",
            ),
        }
    }
}
