//! The operator's commands on a database.

use clap::Args;
use entity::organization_domain;

use super::say;
use crate::app::StartError;
use crate::clock::Clock;
use crate::config::{ConfigError, DatabaseArgs};
use crate::demo::{self, Seeded};
use crate::domain;
use crate::store::{self, Database, StoreError, Transaction, Txn};

/// A new organization.
#[derive(Args, Clone, Debug)]
pub struct OrganizationArgs {
    /// The short name: small letters, digits and hyphens
    #[arg(long)]
    pub slug: String,
    /// The name to show
    #[arg(long)]
    pub name: String,
    /// A verified domain; the first one is the hint in share links
    #[arg(long = "domain", value_name = "DOMAIN")]
    pub domains: Vec<String>,
}

/// The database that the arguments name.
pub(super) async fn connect(arguments: &DatabaseArgs) -> Result<Database, StartError> {
    Ok(Database::connect(&arguments.settings()?, Clock::system()).await?)
}

/// Brings the schema up to date.
pub async fn migrate(arguments: &DatabaseArgs) -> Result<(), StartError> {
    let database = connect(arguments).await?;
    let pending = store::installation::pending_migrations(&database).await?;
    store::installation::migrate(&database).await?;
    say(&format!("{pending} changes made; the schema is up to date.\n"));
    Ok(())
}

/// Puts the demo's data into an empty database.
pub async fn seed(arguments: &DatabaseArgs) -> Result<(), StartError> {
    let database = connect(arguments).await?;
    store::installation::migrate(&database).await?;
    match demo::seed(&database).await? {
        Seeded::Done => {
            say("The demo's data were written. `guichet serve` refuses this database from now on.\n");
        }
        Seeded::AlreadyThere => say("The demo's data are there already; nothing was changed.\n"),
        Seeded::NotEmpty => {
            return Err(StartError::Other(
                "this database holds data of its own: give `seed` an empty one".to_owned(),
            ));
        }
    }
    Ok(())
}

/// Makes an organization.
pub async fn create_organization(
    arguments: &DatabaseArgs,
    organization: OrganizationArgs,
) -> Result<(), StartError> {
    let is_name = |text: &str, dots: bool| {
        (1..=63).contains(&text.len())
            && !text.starts_with(['-', '.'])
            && !text.ends_with(['-', '.'])
            && text.bytes().all(|byte| {
                byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-' || (dots && byte == b'.')
            })
    };
    if !is_name(&organization.slug, false) {
        return Err(
            ConfigError("--slug must be small letters, digits and hyphens, at most 63".to_owned()).into()
        );
    }
    if organization.name.trim().is_empty() || organization.name.chars().count() > 200 {
        return Err(ConfigError("--name must have 1 to 200 characters".to_owned()).into());
    }
    if let Some(domain) =
        organization.domains.iter().find(|domain| !is_name(domain, true) || !domain.contains('.'))
    {
        return Err(ConfigError(format!("--domain {domain:?} is no domain name in small letters")).into());
    }
    let database = connect(arguments).await?;
    let slug = organization.slug.clone();
    match database.write(&Create(organization)).await {
        Ok(()) => {
            say(&format!(
                "Made. Bind an issuer to it in GUICHET_ISSUERS: {{\"issuer\": …, \"organization\": \"{slug}\", …}}; \
                 whoever comes with the role GLOBAL_ADMINISTRATOR in its token is the first administrator.\n"
            ));
            Ok(())
        }
        Err(StoreError::Taken(_)) => {
            Err(StartError::Other("another organization has this slug or one of these domains".to_owned()))
        }
        Err(error) => Err(error.into()),
    }
}

struct Create(OrganizationArgs);

impl Transaction for Create {
    type Output = ();
    type Error = StoreError;

    async fn run(&self, txn: &Txn) -> Result<(), StoreError> {
        let id = txn.id();
        let (slug, name) = (self.0.slug.clone(), self.0.name.trim().to_owned());
        txn.insert(domain::organization::usual(id, slug, name, txn.now())).await?;
        let domains = (0..).zip(&self.0.domains).map(|(position, domain)| organization_domain::Model {
            domain: domain.clone(),
            organization_id: id,
            position,
        });
        txn.insert_all(domains.collect()).await?;
        let event = store::audit_event::Event {
            organization: id,
            actor: None,
            action: "organization.created",
            target: Some((crate::id::Kind::Organization, id)),
            call: None,
            details: None,
        };
        store::audit_event::record(txn, &event).await
    }
}
