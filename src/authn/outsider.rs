//! Callers from outside: from which connected organization they come, and as which guest they are known.

use std::collections::BTreeSet;
use std::sync::Arc;

use entity::app_user::{self, GuestEnd, UserState};
use entity::identity_source::{self, IdentityKind};
use entity::organization;
use uuid::Uuid;

use super::verify::{Rejection, Verified};
use super::{Inner, Refusal};
use crate::authz::{Outsider, Proposal, Viewer};
use crate::domain_name;
use crate::store::{self, StoreError};

/// The longest name of a proposed organization, in characters.
const LONGEST_NAME: usize = 200;

impl Inner {
    /// A caller with a token of our own: an outsider in the organization that it was made for, as long as that allows it.
    pub(super) async fn signed_in_by_code(
        &self,
        verified: &Verified,
        bound: Uuid,
        name: Option<&str>,
    ) -> Result<Viewer, Refusal> {
        let found = match name {
            Some(name) => store::organization::named(&self.database, name).await?,
            None => store::organization::get(&self.database, bound).await?,
        };
        let organization = found.ok_or(Refusal::UnknownOrganization)?;
        if organization.id != bound {
            return Err(Refusal::Token(Rejection::WrongAudience));
        }
        if !organization.email_sign_in {
            return Err(Refusal::Token(Rejection::UntrustedIssuer));
        }
        self.outsider(verified, &organization).await
    }

    /// A caller from outside: a guest's rights only, whatever the token claims.
    pub(super) async fn outsider(
        &self,
        verified: &Verified,
        organization: &organization::Model,
    ) -> Result<Viewer, Refusal> {
        let database = &self.database;
        let known =
            store::user::known(database, organization.id, &verified.issuer, &verified.subject).await?;
        match &known {
            Some(user) if user.guest_end == Some(GuestEnd::Blocked) => return Err(Refusal::Blocked),
            Some(user) if user.state == UserState::Deactivated => return Err(Refusal::Deactivated),
            Some(_) | None => {}
        }
        let domain = vouched_domain(verified);
        let sources = store::connected_organization::sources(
            database,
            organization.id,
            &verified.issuer,
            domain.as_deref(),
        );
        let connected = origin(&sources.await?, verified);
        if let Some(user) = &known {
            self.follow(user, connected).await?;
        }
        let proposal = match connected {
            Some(_) => None,
            None => self.proposal(verified, organization, domain).await?,
        };
        let outsider = Outsider {
            issuer: verified.issuer.clone(),
            subject: verified.subject.clone(),
            name: verified.name.clone().unwrap_or_else(|| verified.subject.clone()),
            email: verified.email.clone().filter(|_| verified.email_verified),
            connected,
            proposal,
        };
        Ok(Viewer {
            organization: organization.id,
            user: known.map(|user| user.id),
            is_member: false,
            outsider: Some(Arc::new(outsider)),
            roles: BTreeSet::new(),
            claimed: BTreeSet::new(),
            assigned: BTreeSet::new(),
        })
    }

    /// Where a guest comes from is what their issuer says now.
    async fn follow(&self, user: &app_user::Model, connected: Option<Uuid>) -> Result<(), StoreError> {
        if user.connected_organization_id == connected {
            return Ok(());
        }
        store::user::set_connected_organization(&self.database, user.id, connected).await
    }

    /// What an organization that nobody has entered would be known by: the issuer that speaks for it, the tenant, or
    /// the domain of a verified address. An issuer that speaks for nobody, and a public mail domain, tell of none.
    async fn proposal(
        &self,
        verified: &Verified,
        organization: &organization::Model,
        domain: Option<String>,
    ) -> Result<Option<Proposal>, StoreError> {
        let of = |name: &str, kind, claim: &str, value: &str| Proposal {
            name: name.chars().take(LONGEST_NAME).collect(),
            kind,
            issuer: verified.issuer.clone(),
            claim: claim.to_owned(),
            value: value.to_owned(),
        };
        if let Some(name) = &verified.organization {
            return Ok(Some(of(name, IdentityKind::Issuer, "", "")));
        }
        if let Some(tenant) = &verified.tenant {
            return Ok(Some(of(tenant, IdentityKind::Tenant, &verified.tenant_claim, tenant)));
        }
        let Some(domain) = domain.filter(|domain| !domain_name::is_public_mail(domain)) else {
            return Ok(None);
        };
        let own = store::organization::domains(&self.database, organization.id).await?;
        if own.iter().any(|own| domain_name::canonical(own).as_ref() == Some(&domain)) {
            return Ok(None);
        }
        Ok(Some(of(&domain, IdentityKind::Domain, "", &domain)))
    }
}

/// The domain of the address, in its canonical form, where the issuer has verified the address.
fn vouched_domain(verified: &Verified) -> Option<String> {
    verified.email.as_deref().filter(|_| verified.email_verified).and_then(domain_name::of_address)
}

/// The connected organization that somebody comes from, of the sources that their issuer or domain stands in: by the
/// tenant, else by the issuer as a whole, else by the domain of an address that the issuer verified and may vouch for.
fn origin(sources: &[identity_source::Model], verified: &Verified) -> Option<Uuid> {
    let domain = vouched_domain(verified);
    let matches = |source: &identity_source::Model| match source.kind {
        IdentityKind::Tenant => {
            source.issuer == verified.issuer
                && source.claim == verified.tenant_claim
                && verified.tenant.as_ref() == Some(&source.value)
        }
        IdentityKind::Issuer => source.issuer == verified.issuer,
        IdentityKind::Domain => {
            let vouchers = source.vouchers.as_ref().and_then(|vouchers| vouchers.as_array());
            let may_vouch = vouchers.is_some_and(|all| all.iter().any(|one| one == verified.issuer.as_str()));
            may_vouch && domain.as_ref() == Some(&source.value)
        }
    };
    let by = |kind| sources.iter().find(|source| source.kind == kind && matches(source));
    let found =
        by(IdentityKind::Tenant).or_else(|| by(IdentityKind::Issuer)).or_else(|| by(IdentityKind::Domain));
    found.map(|source| source.connected_organization_id)
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use serde_json::json;

    use super::*;

    const SHARED: &str = "https://login.example";

    fn verified() -> Verified {
        Verified {
            issuer: SHARED.to_owned(),
            organization: None,
            subject: "x".to_owned(),
            expires_at: DateTime::UNIX_EPOCH,
            roles: Vec::new(),
            email: Some("x@partner.example".to_owned()),
            email_verified: true,
            name: None,
            tenant: Some("t1".to_owned()),
            tenant_claim: "tid".to_owned(),
            bound: None,
        }
    }

    fn source(of: u128, kind: IdentityKind, claim: &str, value: &str) -> identity_source::Model {
        let is_domain = kind == IdentityKind::Domain;
        identity_source::Model {
            connected_organization_id: Uuid::from_u128(of),
            position: 0,
            organization_id: Uuid::nil(),
            kind,
            issuer: if is_domain { String::new() } else { SHARED.to_owned() },
            claim: claim.to_owned(),
            value: value.to_owned(),
            vouchers: is_domain.then(|| json!([SHARED])),
        }
    }

    #[test]
    fn the_tenant_counts_before_the_issuer_and_both_before_the_domain() {
        let mut sources = vec![
            source(1, IdentityKind::Domain, "", "partner.example"),
            source(2, IdentityKind::Issuer, "", ""),
            source(3, IdentityKind::Tenant, "tid", "t1"),
        ];
        for expected in [3, 2, 1] {
            assert_eq!(origin(&sources, &verified()), Some(Uuid::from_u128(expected)));
            sources.pop();
        }
        assert_eq!(origin(&sources, &verified()), None);
    }

    #[test]
    fn what_only_looks_alike_matches_nothing() {
        let domain = [source(1, IdentityKind::Domain, "", "partner.example")];
        let with = |email: &str| Verified { email: Some(email.to_owned()), ..verified() };
        assert!(origin(&domain, &with("X@PARTNER.Example")).is_some());
        for other in [
            with("x@partner.example.evil.example"),
            with("x@sub.partner.example"),
            with("x@partner.example."),
            with("x@pаrtner.example"),
            with("x@xn--prtner-4nf.example"),
            Verified { email_verified: false, ..verified() },
            Verified { email: None, ..verified() },
            Verified { issuer: "https://other.example".to_owned(), ..verified() },
        ] {
            assert_eq!(origin(&domain, &other), None, "{other:?}");
        }
        let tenant = [source(1, IdentityKind::Tenant, "tid", "t1")];
        for other in [
            Verified { tenant: Some("t2".to_owned()), ..verified() },
            Verified { tenant: Some("T1".to_owned()), ..verified() },
            Verified { tenant: None, ..verified() },
            Verified { tenant_claim: "org".to_owned(), ..verified() },
            Verified { issuer: "https://other.example".to_owned(), ..verified() },
        ] {
            assert_eq!(origin(&tenant, &other), None, "{other:?}");
        }
    }
}
