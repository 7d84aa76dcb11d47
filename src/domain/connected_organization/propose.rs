//! The organization of somebody whom nobody knew becomes a proposed one, so that an administrator sees it.

use chrono::{DateTime, TimeDelta, Utc};
use entity::connected_organization::{self, ConnectedOrganizationState};
use entity::identity_source::{self, IdentityKind};
use uuid::Uuid;

use crate::authz::{Actor, Proposal};
use crate::domain::error::{Code, Error, Rejection};
use crate::domain::input;
use crate::id::Kind;
use crate::store::audit_event::{self, Event};
use crate::store::database::Connection;
use crate::store::{self, Txn};

/// The most organizations that are proposed within [`SPAN`] in one organization.
const MOST: i64 = 20;
/// The time in which they are counted.
const SPAN: TimeDelta = TimeDelta::hours(1);

/// What somebody's unknown organization turns out to be.
enum Found {
    /// One that was entered meanwhile; none where another one has the domain, for which this issuer may not vouch.
    There(Option<Uuid>),
    /// A new one, known by this.
    New(identity_source::Model),
}

/// Makes the proposed organization; none where another one has the domain, for which this issuer may not vouch. The
/// caller holds the organization locked.
pub async fn propose(txn: &Txn, actor: &Actor, proposal: &Proposal) -> Result<Option<Uuid>, Error> {
    let organization = actor.organization;
    let known = match find(txn, organization, source(proposal, organization, txn.id()), txn.now()).await? {
        Found::There(found) => return Ok(found),
        Found::New(known) => known,
    };
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

/// Whether [`propose`] would be refused now.
pub async fn judge(
    connection: &impl Connection,
    organization: Uuid,
    proposal: &Proposal,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    find(connection, organization, source(proposal, organization, Uuid::nil()), now).await.map(drop)
}

/// Finds what has this source, and whether another one may be proposed where nothing has.
async fn find(
    connection: &impl Connection,
    organization: Uuid,
    known: identity_source::Model,
    now: DateTime<Utc>,
) -> Result<Found, Error> {
    // Two newcomers at once come from one organization.
    let claimed = store::connected_organization::claimed(
        connection,
        organization,
        Uuid::nil(),
        std::slice::from_ref(&known),
    )
    .await?;
    if let Some((_, found)) = claimed.first() {
        let sources = store::connected_organization::sources_of(connection, &[*found]).await?;
        let is_same = sources.iter().any(|source| {
            (source.kind, &source.issuer, &source.claim, &source.value)
                == (known.kind, &known.issuer, &known.claim, &known.value)
                && (source.vouchers.as_ref().zip(known.vouchers.as_ref())).is_none_or(|(all, own)| {
                    let vouches = |one| all.as_array().is_some_and(|all| all.contains(one));
                    own.as_array().is_some_and(|own| own.iter().all(vouches))
                })
        });
        return Ok(Found::There(is_same.then_some(*found)));
    }
    if store::connected_organization::count_proposed(connection, organization, now - SPAN).await? >= MOST {
        let message =
            "Too many people of unknown organizations asked for access within an hour. Try again later.";
        return Err(Rejection::new(Code::TooManyNewOrganizations, message).into());
    }
    Ok(Found::New(known))
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
