//! Change a connected organization.

use entity::connected_organization::ConnectedOrganizationState;
use uuid::Uuid;

use super::create::users;
use super::sources::{self, Source};
use super::sponsors::{self, Side};
use super::{lock, name_taken};
use crate::authz::Permit;
use crate::authz::permission::action::EditConnectedOrganization;
use crate::domain::{Attempt, Command, Environment, Error, confirm_everywhere, input, refusal};
use crate::id::Kind;
use crate::store::audit_event::{self, Event};
use crate::store::{self, Txn};

/// Change a connected organization; what is not given stays.
pub struct Update {
    /// The permit.
    pub permit: Permit<EditConnectedOrganization>,
    /// What is known of the server's settings: its issuers.
    pub environment: Environment,
    /// The connected organization; none where the id was garbage.
    pub id: Option<Uuid>,
    /// The version that the change is based on.
    pub version: i32,
    /// The name.
    pub display_name: Option<String>,
    /// What it is.
    pub description: Option<String>,
    /// How far it has come.
    pub state: Option<ConnectedOrganizationState>,
    /// What its people are known by.
    pub identity_sources: Option<Vec<Source>>,
    /// The members who stand for it.
    pub internal_sponsors: Option<Vec<Uuid>>,
    /// The guests who stand for it.
    pub external_sponsors: Option<Vec<Uuid>>,
}

impl Command for Update {
    type Output = Uuid;

    fn attempt(&self) -> Attempt {
        Attempt::with(&self.permit, self.id.map(|id| (Kind::ConnectedOrganization, id)))
    }

    async fn run(&self, txn: &Txn) -> Result<Uuid, Error> {
        confirm_everywhere(txn, &self.permit).await?;
        let actor = self.permit.actor();
        let before = lock(txn, actor.organization, self.id).await?;
        let (id, place) = (before.id, (actor.organization, before.id));
        let mut checks = input::Checks::default();
        let mut after = before.clone();
        if let Some(name) = &self.display_name {
            after.display_name = checks.take(input::name("displayName", name));
            after.name_key = input::key(&after.display_name);
        }
        if let Some(description) = &self.description {
            after.description = checks.take(input::text("description", description));
        }
        after.state = self.state.unwrap_or(before.state);
        let sources = match &self.identity_sources {
            Some(sources) => {
                Some(sources::checked(txn, &self.environment, place, sources, &mut checks).await?)
            }
            None => None,
        };
        let mut sponsors = Vec::new();
        let sides = [(Side::Internal, &self.internal_sponsors), (Side::External, &self.external_sponsors)];
        for (side, given) in sides {
            if let Some(given) = given {
                sponsors.push((side, sponsors::checked(txn, place, side, given, &mut checks).await?));
            }
        }
        checks.done()?;
        let updated = store::connected_organization::update(txn, &after, self.version).await;
        if !updated.map_err(refusal::taken(name_taken))? {
            return Err(refusal::conflict("connected organization").into());
        }
        if let Some(sources) = sources {
            store::connected_organization::clear_sources(txn, id).await?;
            txn.insert_all(sources).await?;
        }
        for (side, rows) in sponsors {
            store::connected_organization::clear_sponsors(txn, id, side == Side::Internal).await?;
            txn.insert_all(rows).await?;
        }
        txn.changes_access();
        let event = Event::by(&actor, "connected_organization.updated", Kind::ConnectedOrganization, id);
        let details = serde_json::json!({
            "state": { "from": before.state, "to": after.state },
            "renamed": before.display_name != after.display_name,
            "identitySourcesChanged": self.identity_sources.is_some(),
            "internalSponsors": self.internal_sponsors.as_deref().map(users),
            "externalSponsors": self.external_sponsors.as_deref().map(users),
        });
        audit_event::record(txn, &event.with(details)).await?;
        Ok(id)
    }
}
