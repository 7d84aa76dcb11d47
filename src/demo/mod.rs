//! The demo: a directory of its own with a database, a signing secret and a story.

pub mod data;
pub mod partners;
pub mod repositories;
pub mod story;
pub mod token_rows;
pub mod tokens;

use std::fs;
use std::io::{self, Write as _};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use aws_lc_rs::rand;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use crate::app::StartError;
use crate::authn::sign::{Signer, TokenClaims};
use crate::authz::Role;
use crate::http::pages::graphiql::Tab;
use crate::store::{self, Database, StoreError, Transaction, Txn};

/// The directory of the demo, below the current one.
pub const DIRECTORY: &str = "guichet-demo";
/// The audience of the demo's tokens.
pub const AUDIENCE: &str = "guichet";
/// Where the demo can be reached, unless something else listens there: its operations say so.
pub const USUAL_ADDRESS: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8080);
/// The fact by which a demo database is known.
pub const FACT: &str = "demo";
/// How long the demo's tokens live.
const TOKEN_LIFE: TimeDelta = TimeDelta::days(30);

/// The issuer that speaks for an organization of the demo.
#[must_use]
pub fn issuer(organization: &str) -> String {
    format!("urn:guichet:demo:{organization}")
}

/// The secrets of one demo.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Secrets {
    signing_secret: String,
    secret_keys: String,
}

/// A person of the demo, with the roles that their token claims.
#[derive(Clone, Copy, Debug)]
pub struct Person {
    /// The organization that they come from: its issuer signs their token.
    pub home: &'static str,
    /// The organization in which they act: a partner in another than their own.
    pub organization: &'static str,
    /// The `sub`.
    pub subject: &'static str,
    /// The name.
    pub name: &'static str,
    /// What they are, in a word or two.
    pub title: &'static str,
    /// The roles in the token.
    pub roles: &'static [Role],
    /// A query that shows what they may see; without double quotes.
    pub query: &'static str,
}

/// The failed requests, for those who may reprocess them.
const FAILED: &str = "{ accessRequests(filter: {state: [PARTIALLY_DELIVERED, DELIVERY_FAILED]}) { totalCount nodes { id requestor { displayName } accessPackage { displayName } state reprocess { eligible reason } } } }";
/// What a requestor can ask for, and has asked for.
const OWN: &str = "{ viewer { requestableAccessPackages { nodes { displayName } } accessRequests { nodes { accessPackage { displayName } state } } } }";
/// The catalogs that one sees.
const CATALOGS: &str =
    "{ catalogs { nodes { displayName accessPackages { nodes { displayName hidden } } viewerCanEdit } } }";
/// The token requests that wait, for those who decide.
const WAITING: &str = "{ tokenRequests(filter: {state: [PENDING]}) { totalCount nodes { id owner { displayName } token { name } repositorySelection } } }";
/// Who one is.
const SELF: &str = "{ viewer { user { displayName } roles } organization { slug displayName } }";
/// What a partner can ask for.
const PARTNER: &str = "{ organization { displayName } viewer { user { kind } requestableAccessPackages { nodes { displayName description } } } }";
/// The people of the organization.
const USERS: &str = "{ users { totalCount nodes { displayName email manager { displayName } } } }";

/// One person for each role, and a partner; catalog roles are assigned in the database.
pub const PEOPLE: [Person; 14] = [
    person("hana", "Hana Sato", "access package manager", &[], FAILED),
    person("alice", "Alice Martin", "global administrator", &[Role::GlobalAdministrator], FAILED),
    person(
        "bruno",
        "Bruno Keller",
        "identity governance administrator",
        &[Role::IdentityGovernanceAdministrator],
        "{ connectors { nodes { displayName kind health groups { nodes { originId } } } } }",
    ),
    person("chloe", "Chloé Dubois", "user administrator", &[Role::UserAdministrator], USERS),
    person("deniz", "Deniz Yılmaz", "global reader", &[Role::GlobalReader], CATALOGS),
    person("emil", "Emil Novák", "catalog creator", &[Role::CatalogCreator], SELF),
    person("farah", "Farah Haddad", "organization owner", &[Role::OrganizationOwner], WAITING),
    person("goran", "Göran Lindqvist", "catalog owner", &[], CATALOGS),
    person("ivan", "Ivan Petrov", "access package assignment manager", &[], FAILED),
    person("judith", "Judith Okafor", "catalog reader", &[], CATALOGS),
    person("karim", "Karim Benali", "member", &[], OWN),
    person("build-server", "Build server", "resource server", &[Role::ResourceServer], SELF),
    Person { home: "fabrikam", ..person("wim", "Wim de Vries", "partner from Fabrikam", &[], PARTNER) },
    Person {
        home: "fabrikam",
        organization: "fabrikam",
        ..person("mila", "Mila Rossi", "global administrator", &[Role::GlobalAdministrator], FAILED)
    },
];

const fn person(
    subject: &'static str,
    name: &'static str,
    title: &'static str,
    roles: &'static [Role],
    query: &'static str,
) -> Person {
    Person { home: "contoso", organization: "contoso", subject, name, title, roles, query }
}

/// The operations of the README, ready for GraphiQL on a server with this public address.
#[must_use]
pub fn tabs(public_url: &str) -> Vec<Tab> {
    let usual = format!("http://{USUAL_ADDRESS}");
    let tab = |(title, query): (&str, &str)| Tab {
        title: title.to_owned(),
        query: query.replace(&usual, public_url.trim_end_matches('/')),
        variables: None,
    };
    OPERATIONS.into_iter().map(tab).collect()
}

/// The README's walk-throughs, one operation a step, and more to try.
pub const OPERATIONS: [(&str, &str); 29] = [
    ("1 Failed requests", include_str!("operations/1_failed_requests.graphql")),
    ("2 Dry run", include_str!("operations/2_dry_run.graphql")),
    ("3 Repair the group", include_str!("operations/3_repair_the_group.graphql")),
    ("4 Reprocess all", include_str!("operations/4_reprocess_all.graphql")),
    ("5 What became of each", include_str!("operations/5_what_became_of_each.graphql")),
    ("6 Token requests", include_str!("operations/6_token_requests.graphql")),
    ("7 Of one owner, for one repository", include_str!("operations/7_of_one_owner.graphql")),
    ("8 One request", include_str!("operations/8_one_request.graphql")),
    ("9 Dry run of a denial", include_str!("operations/9_dry_run_of_a_denial.graphql")),
    ("10 Deny with a reason", include_str!("operations/10_deny_with_a_reason.graphql")),
    ("11 Approve the rest", include_str!("operations/11_approve_the_rest.graphql")),
    ("12 What became of the rest", include_str!("operations/12_what_became_of_the_rest.graphql")),
    ("13 My tokens", include_str!("operations/13_my_tokens.graphql")),
    ("14 What I was told", include_str!("operations/14_what_i_was_told.graphql")),
    ("15 Revoke a grant", include_str!("operations/15_revoke_a_grant.graphql")),
    ("16 The share link", include_str!("operations/16_the_share_link.graphql")),
    ("17 Where a link leads", include_str!("operations/17_where_a_link_leads.graphql")),
    ("18 Preview", include_str!("operations/18_preview.graphql")),
    ("19 Request", include_str!("operations/19_request.graphql")),
    ("20 What waits for me", include_str!("operations/20_what_waits_for_me.graphql")),
    ("21 Approve it", include_str!("operations/21_approve_it.graphql")),
    ("22 What I have", include_str!("operations/22_what_i_have.graphql")),
    ("23 What was delivered", include_str!("operations/23_what_was_delivered.graphql")),
    ("24 Revoke it", include_str!("operations/24_revoke_it.graphql")),
    ("Decisions that wait", include_str!("operations/decisions_that_wait.graphql")),
    ("Approve them", include_str!("operations/approve_them.graphql")),
    ("My inbox", include_str!("operations/my_inbox.graphql")),
    ("A request in detail", include_str!("operations/request_in_detail.graphql")),
    ("What can I request", include_str!("operations/what_can_i_request.graphql")),
];

impl Secrets {
    /// Reads the secrets of the demo in a directory, or makes them.
    pub fn in_directory(directory: &Path) -> Result<Self, StartError> {
        let path = directory.join("secrets.json");
        let failed =
            |error: &dyn std::fmt::Display| StartError::Other(format!("{}: {error}", path.display()));
        match fs::read_to_string(&path) {
            Ok(text) => serde_json::from_str(&text).map_err(|error| failed(&error)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let secrets = Self {
                    signing_secret: random().map_err(|error| failed(&error))?,
                    secret_keys: format!("demo:{}", random().map_err(|error| failed(&error))?),
                };
                let text = serde_json::to_string_pretty(&secrets).map_err(|error| failed(&error))?;
                write_private(&path, &text).map_err(|error| failed(&error))?;
                Ok(secrets)
            }
            Err(error) => Err(failed(&error)),
        }
    }

    /// The trusted issuers of the demo, as the setting `GUICHET_ISSUERS` writes them.
    #[must_use]
    pub fn issuers(&self) -> String {
        let issuers: Vec<serde_json::Value> = ["contoso", "fabrikam"]
            .into_iter()
            .map(|organization| {
                serde_json::json!({
                    "issuer": issuer(organization),
                    "audience": AUDIENCE,
                    "organization": organization,
                    "keys": { "hs256Secret": self.signing_secret },
                })
            })
            .collect();
        serde_json::Value::from(issuers).to_string()
    }

    /// The keys for secrets at rest.
    #[must_use]
    pub fn secret_keys(&self) -> &str {
        &self.secret_keys
    }

    /// A signed token of an organization's demo issuer.
    pub fn token(&self, claims: &TokenClaims) -> Result<String, StartError> {
        let signer = Signer::new(&self.signing_secret);
        signer.and_then(|signer| signer.sign(claims)).map_err(|error| StartError::Other(error.to_string()))
    }
}

impl Person {
    /// The claims of the person's token.
    #[must_use]
    pub fn claims(&self, now: DateTime<Utc>) -> TokenClaims {
        TokenClaims {
            iss: issuer(self.home),
            aud: AUDIENCE.to_owned(),
            sub: self.subject.to_owned(),
            exp: now + TOKEN_LIFE,
            iat: now,
            name: Some(self.name.to_owned()),
            email: None,
            roles: self.roles.iter().map(|role| role.name().to_owned()).collect(),
        }
    }
}

/// The path of the demo's database.
#[must_use]
pub fn database_path(directory: &Path) -> PathBuf {
    directory.join("guichet.sqlite")
}

/// Puts the demo's story into a database that holds nothing yet; finds it as it was otherwise.
pub async fn seed(database: &Database) -> Result<Seeded, StoreError> {
    seed_with(database, Seed { whole: true }).await
}

/// Like [`seed`], but without access tokens and without a package for partners: for tests that count those that they
/// make.
pub async fn seed_bare(database: &Database) -> Result<Seeded, StoreError> {
    seed_with(database, Seed { whole: false }).await
}

async fn seed_with(database: &Database, seed: Seed) -> Result<Seeded, StoreError> {
    if store::installation::fact(database, FACT).await?.is_some() {
        return Ok(Seeded::AlreadyThere);
    }
    if !store::organization::all(database).await?.is_empty() {
        return Ok(Seeded::NotEmpty);
    }
    database.write(&seed).await?;
    Ok(Seeded::Done)
}

/// What seeding found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seeded {
    /// The story was written.
    Done,
    /// It was there already; nothing was changed.
    AlreadyThere,
    /// The database holds other data; nothing was changed.
    NotEmpty,
}

struct Seed {
    whole: bool,
}

impl Transaction for Seed {
    type Output = ();
    type Error = StoreError;

    async fn run(&self, txn: &Txn) -> Result<(), StoreError> {
        store::installation::note(txn, FACT, "true").await?;
        data::contoso(txn.now()).write(txn).await?;
        data::fabrikam(txn.now()).write(txn).await?;
        repositories::Reach::contoso(txn.now()).write(txn).await?;
        repositories::Reach::fabrikam(txn.now()).write(txn).await?;
        if !self.whole {
            return Ok(());
        }
        Partners.run(txn).await?;
        Tokens.run(txn).await
    }
}

/// The package for partners of a story that has none yet.
pub struct Partners;

impl Transaction for Partners {
    type Output = ();
    type Error = StoreError;

    async fn run(&self, txn: &Txn) -> Result<(), StoreError> {
        partners::contoso(txn.now()).write(txn).await
    }
}

/// The tokens of a story that has none yet.
pub struct Tokens;

impl Transaction for Tokens {
    type Output = ();
    type Error = StoreError;

    async fn run(&self, txn: &Txn) -> Result<(), StoreError> {
        tokens::contoso(txn.now()).write(txn).await?;
        tokens::fabrikam(txn.now()).write(txn).await
    }
}

/// 32 random bytes in base64.
fn random() -> Result<String, aws_lc_rs::error::Unspecified> {
    let mut bytes = [0; 32];
    rand::fill(&mut bytes)?;
    Ok(STANDARD.encode(bytes))
}

/// Writes a file that only its owner may read.
fn write_private(path: &Path, text: &str) -> io::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)?.write_all(text.as_bytes())
}
