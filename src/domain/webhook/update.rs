//! Change a webhook.

use uuid::Uuid;

use super::create::random;
use super::{checked_url, get, name_taken, seal};
use crate::authz::Permit;
use crate::authz::permission::action::EditWebhook;
use crate::domain::input::{self, Checks};
use crate::domain::{Attempt, Command, Environment, Error, confirm_everywhere, refusal};
use crate::id::Kind;
use crate::secret::Secret;
use crate::store::audit_event::{self, Event};
use crate::store::{self, Txn};

/// Change a webhook; what is not given stays.
pub struct Update {
    /// The permit.
    pub permit: Permit<EditWebhook>,
    /// The keys for its secret, and where it may listen.
    pub environment: Environment,
    /// The webhook; none where the id was garbage.
    pub id: Option<Uuid>,
    /// The version that the change is based on.
    pub version: i32,
    /// The name.
    pub display_name: Option<String>,
    /// Where it listens.
    pub url: Option<String>,
    /// Whether events go out.
    pub enabled: Option<bool>,
    /// Whether it gets a new secret.
    pub new_secret: bool,
}

/// A webhook that was changed.
pub struct Updated {
    /// Its id.
    pub id: Uuid,
    /// Its new secret, where it got one.
    pub secret: Option<Secret>,
}

impl Command for Update {
    type Output = Updated;

    fn attempt(&self) -> Attempt {
        Attempt::with(&self.permit, self.id.map(|id| (Kind::Webhook, id)))
    }

    async fn run(&self, txn: &Txn) -> Result<Updated, Error> {
        confirm_everywhere(txn, &self.permit).await?;
        let actor = self.permit.actor();
        let before = get(txn, actor.organization, "id", self.id).await?;
        let (mut checks, mut after) = (Checks::default(), before.clone());
        if let Some(name) = &self.display_name {
            after.display_name = checks.take(input::name("displayName", name));
            after.name_key = input::key(&after.display_name);
        }
        if let Some(url) = &self.url {
            after.url = checks.take(checked_url(&self.environment, url));
        }
        checks.done()?;
        after.enabled = self.enabled.unwrap_or(before.enabled);
        let secret = self.new_secret.then(random).transpose()?;
        if let Some(secret) = &secret {
            after.secret = seal(&self.environment, before.id, secret)?;
        }
        let updated = store::webhook::update(txn, &after, self.version).await;
        if !updated.map_err(refusal::taken(name_taken))? {
            return Err(refusal::conflict("webhook").into());
        }
        if before.enabled && !after.enabled {
            store::webhook_delivery::give_up(txn, before.id).await?;
        }
        let event = Event::by(&actor, "webhook.updated", Kind::Webhook, before.id);
        let details = serde_json::json!({
            "enabled": { "from": before.enabled, "to": after.enabled },
            "renamed": before.display_name != after.display_name,
            "urlChanged": before.url != after.url,
            "secretChanged": self.new_secret,
        });
        audit_event::record(txn, &event.with(details)).await?;
        Ok(Updated { id: before.id, secret })
    }
}
