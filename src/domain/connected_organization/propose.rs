//! The organization of somebody whom nobody knew becomes a proposed one, so that an administrator sees it.

use chrono::TimeDelta;
use entity::connected_organization::{self, ConnectedOrganizationState};
use entity::identity_source::{self, IdentityKind};
use uuid::Uuid;

use crate::authz::{Actor, Proposal};
use crate::domain::error::{Code, Error, Rejection};
use crate::domain::input;
use crate::id::Kind;
use crate::store::audit_event::{self, Event};
use crate::store::{self, Txn};

/// The most organizations that are proposed within [`SPAN`] in one organization.
const MOST: i64 = 20;
/// The time in which they are counted.
const SPAN: TimeDelta = TimeDelta::hours(1);

/// Makes the proposed organization; none where another one has the domain, for which this issuer may not vouch. The
/// caller holds the organization locked.
pub async fn propose(txn: &Txn, actor: &Actor, proposal: &Proposal) -> Result<Option<Uuid>, Error> {
    let organization = actor.organization;
    let known = source(proposal, organization, txn.id());
    // Two newcomers at once come from one organization.
    let claimed =
        store::connected_organization::claimed(txn, organization, Uuid::nil(), std::slice::from_ref(&known))
            .await?;
    if let Some((_, found)) = claimed.first() {
        let sources = store::connected_organization::sources_of(txn, &[*found]).await?;
        let is_same = sources.iter().any(|source| {
            (source.kind, &source.issuer, &source.claim, &source.value)
                == (known.kind, &known.issuer, &known.claim, &known.value)
                && source.vouchers.as_ref().is_none_or(|vouchers| {
                    vouchers.as_array().is_some_and(|all| all.iter().any(|one| *one == proposal.issuer))
                })
        });
        return Ok(is_same.then_some(*found));
    }
    if store::connected_organization::count_proposed(txn, organization, txn.now() - SPAN).await? >= MOST {
        let message =
            "Too many people of unknown organizations asked for access within an hour. Try again later.";
        return Err(Rejection::new(Code::TooManyNewOrganizations, message).into());
    }
    let id = known.connected_organization_id;
    let mut display_name = proposal.name.clone();
    if store::connected_organization::is_named(txn, organization, &input::key(&display_name)).await? {
        // The id tells it apart: cut, so that both fit.
        let cut: String = display_name.chars().take(input::LONGEST_NAME - 40).collect();
        display_name = format!("{cut} ({})", Kind::ConnectedOrganization.text(id));
    }
    txn.insert(connected_organization::Model {
        id,
        organization_id: organization,
        name_key: input::key(&display_name),
        display_name,
        description: String::new(),
        state: ConnectedOrganizationState::Proposed,
        proposed_at: Some(txn.now()),
        version: 1,
        created_at: txn.now(),
        deleted_at: None,
    })
    .await?;
    txn.insert(known).await?;
    txn.changes_access();
    let event = Event::by(actor, "connected_organization.proposed", Kind::ConnectedOrganization, id);
    audit_event::record(txn, &event).await?;
    Ok(Some(id))
}

fn source(proposal: &Proposal, organization: Uuid, id: Uuid) -> identity_source::Model {
    let is_domain = proposal.kind == IdentityKind::Domain;
    identity_source::Model {
        connected_organization_id: id,
        position: 0,
        organization_id: organization,
        kind: proposal.kind,
        issuer: if is_domain { String::new() } else { proposal.issuer.clone() },
        claim: proposal.claim.clone(),
        value: proposal.value.clone(),
        vouchers: is_domain.then(|| serde_json::json!([proposal.issuer])),
    }
}
