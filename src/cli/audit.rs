//! `guichet audit`: whether the audit trail is whole, and the trail itself.

use std::collections::HashMap;
use std::io::{self, Write as _};
use std::process::ExitCode;
use std::str::FromStr;

use chrono::{DateTime, Utc};
use clap::Args;
use entity::organization;
use uuid::Uuid;

use super::operator::connect;
use super::say;
use crate::app::StartError;
use crate::config::{ConfigError, DatabaseArgs};
use crate::domain::audit_chain::export::ExportError;
use crate::domain::audit_chain::verify::{Finding, Report};
use crate::domain::audit_chain::{Head, NoHead, export, verify};
use crate::id::Kind;
use crate::store::audit_chain::Span;
use crate::store::{self, Database};

/// How much that is wrong is told of one organization.
const TOLD: u64 = 100;

/// What to verify.
#[derive(Args, Clone, Debug)]
pub struct VerifyArgs {
    /// The slug of an organization; all of them without it
    #[arg(long, value_name = "SLUG")]
    pub organization: Option<String>,
    /// What an earlier run printed as the head: shows also a trail whose end was cut off, or that was written anew. Once
    /// for each organization (contoso=1204:9f86…); of a single one without its slug
    #[arg(long, value_name = "[SLUG=]SEQUENCE:HASH")]
    pub expect: Vec<Expected>,
}

/// A head that an earlier run printed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expected {
    /// The slug of the organization; none: the only one that is verified.
    slug: Option<String>,
    head: Head,
}

impl FromStr for Expected {
    type Err = NoHead;

    fn from_str(text: &str) -> Result<Self, NoHead> {
        let (slug, head) = match text.split_once('=') {
            Some((slug, head)) => (Some(slug.trim().to_owned()), head),
            None => (None, text),
        };
        Ok(Self { slug, head: head.parse()? })
    }
}

/// What to export.
#[derive(Args, Clone, Debug)]
pub struct ExportArgs {
    /// The slug of an organization; all of them without it
    #[arg(long, value_name = "SLUG")]
    pub organization: Option<String>,
    /// Events at or after this time, for example 2026-11-01T00:00:00Z
    #[arg(long, value_name = "TIME")]
    pub since: Option<DateTime<Utc>>,
    /// Events before this time
    #[arg(long, value_name = "TIME")]
    pub until: Option<DateTime<Utc>>,
}

/// Verifies trails and prints the head of each; fails when something is wrong.
pub async fn verify(database: &DatabaseArgs, arguments: VerifyArgs) -> Result<ExitCode, StartError> {
    let database = connect(database).await?;
    let organizations = chosen(&database, arguments.organization.as_deref()).await?;
    let expected = expected(&organizations, arguments.expect)?;
    let mut faults = 0;
    for organization in &organizations {
        let slug = &organization.slug;
        let mut told = 0;
        let mut tell = |finding: Finding| {
            told += 1;
            if told <= TOLD {
                say(&sentence(slug, &finding));
            }
        };
        let report =
            verify::run(&database, organization.id, expected.get(&organization.id), &mut tell).await?;
        if told > TOLD {
            say(&format!("WRONG  {slug}: and {} more\n", told - TOLD));
        }
        say(&summary(slug, &report));
        faults += report.faults;
    }
    if arguments.organization.is_none() {
        for finding in verify::strays(&database).await? {
            say(&sentence("-", &finding));
            faults += 1;
        }
    }
    Ok(if faults == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Which head is expected of which organization. One that cannot be looked for must not pass for one that was found.
fn expected(
    organizations: &[organization::Model],
    given: Vec<Expected>,
) -> Result<HashMap<Uuid, Head>, ConfigError> {
    let mut heads = HashMap::new();
    for Expected { slug, head } in given {
        let organization = match (&slug, organizations) {
            (Some(slug), all) => all.iter().find(|organization| organization.slug == *slug),
            (None, [only]) => Some(only),
            (None, _) => {
                let message =
                    "--expect is the head of one organization: name it, as --expect SLUG=SEQUENCE:HASH";
                return Err(ConfigError(message.to_owned()));
            }
        };
        let slug = slug.unwrap_or_default();
        let organization = organization.ok_or_else(|| {
            ConfigError(format!("--expect: the organization {slug:?} is not among those that are verified"))
        })?;
        if heads.insert(organization.id, head).is_some() {
            let slug = &organization.slug;
            return Err(ConfigError(format!("--expect: there are two heads of {slug:?}: give one of them")));
        }
    }
    Ok(heads)
}

/// Writes what was sealed to standard output.
pub async fn export(database: &DatabaseArgs, arguments: ExportArgs) -> Result<(), StartError> {
    let database = connect(database).await?;
    let span = Span { from: arguments.since, until: arguments.until };
    let mut output = io::BufWriter::new(io::stdout());
    let mut unsealed = 0;
    for organization in chosen(&database, arguments.organization.as_deref()).await? {
        let mut take = |line: &str| output.write_all(line.as_bytes());
        match export::run(&database, organization.id, span, &mut take).await {
            Ok(waiting) => unsealed += waiting,
            // Whoever reads has what they want.
            Err(ExportError::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(()),
            Err(error) => return Err(StartError::Other(format!("{}: {error}", organization.slug))),
        }
    }
    match output.flush() {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            return Err(StartError::Other(format!("the output: {error}")));
        }
        _ => {}
    }
    if unsealed > 0 {
        let _ = writeln!(io::stderr(), "guichet: {unsealed} events are not sealed yet, and were left out");
    }
    Ok(())
}

/// The organization with this slug, or all of them.
async fn chosen(database: &Database, slug: Option<&str>) -> Result<Vec<organization::Model>, StartError> {
    let mut organizations = store::organization::all(database).await?;
    if let Some(slug) = slug {
        organizations.retain(|organization| organization.slug == slug);
        if organizations.is_empty() {
            return Err(StartError::Other(format!("there is no organization with the slug {slug:?}")));
        }
    }
    Ok(organizations)
}

fn sentence(slug: &str, finding: &Finding) -> String {
    let sequence = finding.sequence.map(|sequence| format!(" {sequence}")).unwrap_or_default();
    let event = finding.event.map(|id| format!(" {}", Kind::AuditEvent.text(id))).unwrap_or_default();
    format!("WRONG  {slug}{sequence}{event}: {}\n", finding.fault)
}

fn summary(slug: &str, report: &Report) -> String {
    let word = if report.faults == 0 { "ok    " } else { "WRONG " };
    let head = report.head.as_ref().map_or_else(|| "no head yet".to_owned(), Head::to_string);
    let late = if report.late == 0 {
        String::new()
    } else {
        format!(
            "; {} were sealed more than {} minutes after the time they tell: no worker ran, or they were inserted",
            report.late,
            verify::BOUND.num_minutes()
        )
    };
    let Report { events, waiting, .. } = report;
    format!("{word} {slug} {head}\n       {events} events, {waiting} wait to be sealed{late}\n")
}
