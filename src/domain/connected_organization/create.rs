//! Enter a connected organization.

use entity::connected_organization::{self, ConnectedOrganizationState};
use uuid::Uuid;

use super::name_taken;
use super::sources::{self, Source};
use super::sponsors::{self, Side};
use crate::authz::Permit;
use crate::authz::permission::action::EditConnectedOrganization;
use crate::domain::{Attempt, Command, Environment, Error, confirm_everywhere, input, refusal, repeated};
use crate::id::Kind;
use crate::store::audit_event::{self, Event};
use crate::store::idempotency::Key;
use crate::store::{self, Txn};

/// Enter a connected organization.
pub struct Create {
    /// The permit.
    pub permit: Permit<EditConnectedOrganization>,
    /// What is known of the server's settings: its issuers.
    pub environment: Environment,
    /// The name.
    pub display_name: String,
    /// What it is.
    pub description: String,
    /// How far it has come.
    pub state: ConnectedOrganizationState,
    /// What its people are known by.
    pub identity_sources: Vec<Source>,
    /// The members who stand for it.
    pub internal_sponsors: Vec<Uuid>,
    /// Makes the call repeatable.
    pub idempotency: Option<Key>,
}

impl Command for Create {
    type Output = Uuid;

    fn attempt(&self) -> Attempt {
        Attempt::with(&self.permit, None)
    }

    async fn run(&self, txn: &Txn) -> Result<Uuid, Error> {
        confirm_everywhere(txn, &self.permit).await?;
        let (actor, id) = (self.permit.actor(), txn.id());
        let place = (actor.organization, id);
        store::organization::lock(txn, actor.organization).await?;
        let key = self.idempotency.as_ref();
        if let Some(first) = repeated(txn, &actor, "createConnectedOrganization", key, id).await? {
            return Ok(first);
        }
        let mut checks = input::Checks::default();
        let display_name = checks.take(input::name("displayName", &self.display_name));
        let description = checks.take(input::text("description", &self.description));
        let sources =
            sources::checked(txn, &self.environment, place, &self.identity_sources, &mut checks).await?;
        let sponsors =
            sponsors::checked(txn, place, Side::Internal, &self.internal_sponsors, &mut checks).await?;
        checks.done()?;
        let row = connected_organization::Model {
            id,
            organization_id: actor.organization,
            name_key: input::key(&display_name),
            display_name,
            description,
            state: self.state,
            proposed_at: None,
            version: 1,
            created_at: txn.now(),
            deleted_at: None,
        };
        txn.insert(row).await.map_err(refusal::taken(name_taken))?;
        txn.insert_all(sources).await?;
        txn.insert_all(sponsors).await?;
        txn.changes_access();
        let event = Event::by(&actor, "connected_organization.created", Kind::ConnectedOrganization, id);
        let details = serde_json::json!({
            "state": self.state,
            "identitySources": self.identity_sources.len(),
            "internalSponsors": users(&self.internal_sponsors),
        });
        audit_event::record(txn, &event.with(details)).await?;
        Ok(id)
    }
}

/// Users as the audit trail names them.
pub(super) fn users(ids: &[Uuid]) -> Vec<String> {
    ids.iter().map(|id| Kind::User.text(*id)).collect()
}
