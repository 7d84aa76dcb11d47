//! What a connected organization is known by: what is accepted.

use std::collections::HashSet;

use entity::identity_source::{self, IdentityKind};
use uuid::Uuid;

use crate::domain::environment::Environment;
use crate::domain::error::{Code, Error, Rejection};
use crate::domain::input::Checks;
use crate::domain_name;
use crate::id::Kind;
use crate::store::{self, Txn};

/// The most sources of a connected organization.
const MOST_SOURCES: usize = 20;
/// The most issuers that may vouch for a domain.
const MOST_VOUCHERS: usize = 10;
/// The longest value of a tenant claim, in bytes.
const LONGEST_TENANT: usize = 255;

/// One thing that a connected organization is known by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// Everybody whom an issuer vouches for.
    Issuer(String),
    /// Those of a tenant of an issuer.
    Tenant {
        /// The issuer.
        issuer: String,
        /// The claim that names the tenant.
        claim: String,
        /// The value of the claim.
        value: String,
    },
    /// Those with a verified address of a domain.
    Domain {
        /// The domain.
        domain: String,
        /// The issuers that may vouch for an address.
        issuers: Vec<String>,
    },
}

impl Source {
    fn row(&self, of: Uuid, organization: Uuid, position: i32) -> identity_source::Model {
        let row = |kind, issuer: &str, claim: &str, value: &str| identity_source::Model {
            connected_organization_id: of,
            position,
            organization_id: organization,
            kind,
            issuer: issuer.to_owned(),
            claim: claim.to_owned(),
            value: value.to_owned(),
            vouchers: None,
        };
        match self {
            Self::Issuer(issuer) => row(IdentityKind::Issuer, issuer, "", ""),
            Self::Tenant { issuer, claim, value } => row(IdentityKind::Tenant, issuer, claim, value),
            Self::Domain { domain, issuers } => {
                let mut vouchers = issuers.clone();
                vouchers.sort_unstable();
                vouchers.dedup();
                let domain = domain_name::canonical(domain).unwrap_or_default();
                let vouchers = Some(vouchers.into());
                identity_source::Model { vouchers, ..row(IdentityKind::Domain, "", "", &domain) }
            }
        }
    }
}

/// What sources are held against.
struct Surroundings<'a> {
    environment: &'a Environment,
    /// The slug and the domains of the organization.
    own: HashSet<String>,
}

impl Surroundings<'_> {
    /// Refuses an issuer that nobody trusts, or that speaks for the organization itself. Gives its tenant claim.
    fn issuer(&self, field: &str, name: &str, checks: &mut Checks) -> Option<&str> {
        let found = self.environment.issuers.iter().find(|issuer| issuer.name == name);
        let is_own = |issuer: &crate::domain::environment::BoundIssuer| {
            issuer.organization.as_ref().is_some_and(|name| self.own.contains(&name.to_lowercase()))
        };
        let message = match found {
            None => "The server trusts no issuer of that name; its operator sets them.",
            Some(issuer) if is_own(issuer) => {
                "This issuer speaks for this organization: its people are members."
            }
            Some(issuer) => return Some(&issuer.tenant_claim),
        };
        checks.refuse_if(true, || Rejection::of(field, Code::InvalidInput, message));
        None
    }

    fn check(&self, place: usize, source: &Source, checks: &mut Checks) {
        let wrong = |field: &str, message: &str| {
            Rejection::of(&format!("identitySources.{place}.{field}"), Code::InvalidInput, message)
        };
        let path = |field: &str| format!("identitySources.{place}.{field}");
        match source {
            Source::Issuer(issuer) => {
                self.issuer(&path("issuer"), issuer, checks);
            }
            Source::Tenant { issuer, claim, value } => {
                let expected = self.issuer(&path("tenant.issuer"), issuer, checks).map(str::to_owned);
                checks.refuse_if(expected.as_ref().is_some_and(|expected| expected != claim), || {
                    let expected = expected.clone().unwrap_or_default();
                    wrong(
                        "tenant.claim",
                        &format!("The tokens of this issuer name the tenant by `{expected}`."),
                    )
                });
                let odd =
                    value.is_empty() || value.len() > LONGEST_TENANT || value.contains(char::is_control);
                checks.refuse_if(odd, || {
                    wrong("tenant.value", "`value` must have 1 to 255 bytes, without control characters.")
                });
            }
            Source::Domain { domain, issuers } => {
                let canonical = domain_name::canonical(domain);
                let refusal = match &canonical {
                    None => Some("`domain` must be the domain of e-mail addresses, such as contoso.com."),
                    Some(domain) if domain_name::is_public_mail(domain) => Some(
                        "Anybody can have an address of this domain: it says nothing of an organization.",
                    ),
                    Some(domain) if self.own.contains(domain) => {
                        Some("This is a domain of this organization.")
                    }
                    Some(_) => None,
                };
                checks.refuse_if(refusal.is_some(), || wrong("domain.domain", refusal.unwrap_or_default()));
                checks.refuse_if(issuers.is_empty() || issuers.len() > MOST_VOUCHERS, || {
                    wrong(
                        "domain.issuers",
                        "`issuers` must name 1 to 10 issuers that may vouch for an address.",
                    )
                });
                for (number, issuer) in issuers.iter().take(MOST_VOUCHERS).enumerate() {
                    self.issuer(&path(&format!("domain.issuers.{number}")), issuer, checks);
                }
            }
        }
    }
}

/// The rows of the sources, checked: each belongs to one connected organization of its organization, and none that is
/// known by issuer or tenant is known by a domain, too. The caller holds the organization locked.
pub(super) async fn checked(
    txn: &Txn,
    environment: &Environment,
    (organization, of): (Uuid, Uuid),
    sources: &[Source],
    checks: &mut Checks,
) -> Result<Vec<identity_source::Model>, Error> {
    let wrong = |field: &str, message: &str| Rejection::of(field, Code::InvalidInput, message);
    checks.refuse_if(sources.is_empty() || sources.len() > MOST_SOURCES, || {
        wrong("identitySources", "A connected organization must be known by 1 to 20 `identitySources`.")
    });
    let sources = &sources[..sources.len().min(MOST_SOURCES)];
    let mut own: HashSet<String> = store::organization::domains(txn, organization)
        .await?
        .into_iter()
        .map(|name| name.to_lowercase())
        .collect();
    own.extend(store::organization::get(txn, organization).await?.map(|found| found.slug));
    let surroundings = Surroundings { environment, own };
    for (place, source) in sources.iter().enumerate() {
        surroundings.check(place, source, checks);
    }
    let domains = sources.iter().filter(|source| matches!(source, Source::Domain { .. })).count();
    checks.refuse_if(domains > 0 && domains < sources.len(), || {
        let message =
            "One that is known by issuer or tenant is never matched by domain: give one or the other.";
        wrong("identitySources", message)
    });
    let rows: Vec<identity_source::Model> =
        (0..).zip(sources).map(|(position, source)| source.row(of, organization, position)).collect();
    let mut seen = HashSet::new();
    for row in &rows {
        let once = seen.insert((row.kind, &row.issuer, &row.claim, &row.value));
        checks.refuse_if(!once, || {
            wrong(&format!("identitySources.{}", row.position), "This source is given twice.")
        });
    }
    for (place, other) in store::connected_organization::claimed(txn, organization, of, &rows).await? {
        let message = format!("{} is known by this already.", Kind::ConnectedOrganization.text(other));
        checks.refuse_if(true, || {
            Rejection::of(&format!("identitySources.{place}"), Code::IdentitySourceTaken, message)
        });
    }
    Ok(rows)
}
