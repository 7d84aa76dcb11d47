//! Make a webhook. Its secret is told once.

use aws_lc_rs::rand;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use entity::webhook;
use uuid::Uuid;

use super::{MOST, checked_url, name_taken, seal};
use crate::authz::Permit;
use crate::authz::permission::action::EditWebhook;
use crate::connector::webhook::SECRET_PREFIX;
use crate::domain::input::{self, Checks};
use crate::domain::{
    Attempt, Code, Command, Environment, Error, Rejection, confirm_everywhere, refusal, repeated,
};
use crate::id::Kind;
use crate::secret::Secret;
use crate::store::audit_event::{self, Event};
use crate::store::idempotency::Key;
use crate::store::{self, StoreError, Txn};

/// Make a webhook.
pub struct Create {
    /// The permit.
    pub permit: Permit<EditWebhook>,
    /// The keys for its secret, and where it may listen.
    pub environment: Environment,
    /// The name.
    pub display_name: String,
    /// Where it listens.
    pub url: String,
    /// Whether events go out.
    pub enabled: bool,
    /// Makes the call safe to repeat: the webhook is made once, and its secret told once.
    pub idempotency: Option<Key>,
}

/// A webhook that was made.
pub struct Created {
    /// Its id.
    pub id: Uuid,
    /// Its secret; none where a call before has told it.
    pub secret: Option<Secret>,
}

impl Command for Create {
    type Output = Created;

    fn attempt(&self) -> Attempt {
        Attempt::with(&self.permit, None)
    }

    async fn run(&self, txn: &Txn) -> Result<Created, Error> {
        confirm_everywhere(txn, &self.permit).await?;
        let (actor, id) = (self.permit.actor(), txn.id());
        let mut checks = Checks::default();
        let display_name = checks.take(input::name("displayName", &self.display_name));
        let url = checks.take(checked_url(&self.environment, &self.url));
        checks.done()?;
        if let Some(first) = repeated(txn, &actor, "createWebhook", self.idempotency.as_ref(), id).await? {
            return Ok(Created { id: first, secret: None });
        }
        if store::webhook::count(txn, actor.organization).await? >= MOST {
            let message = format!("An organization has at most {MOST} webhooks. Delete one first.");
            return Err(Rejection::new(Code::InvalidInput, message).into());
        }
        let secret = random()?;
        let row = webhook::Model {
            id,
            organization_id: actor.organization,
            name_key: input::key(&display_name),
            display_name,
            url,
            secret: seal(&self.environment, id, &secret)?,
            enabled: self.enabled,
            created_by_id: actor.user,
            version: 1,
            created_at: txn.now(),
            deleted_at: None,
        };
        txn.insert(row).await.map_err(refusal::taken(name_taken))?;
        let event = Event::by(&actor, "webhook.created", Kind::Webhook, id);
        audit_event::record(txn, &event.with(serde_json::json!({ "enabled": self.enabled }))).await?;
        Ok(Created { id, secret: Some(secret) })
    }
}

/// A new secret, of 256 random bits.
pub(super) fn random() -> Result<Secret, StoreError> {
    let mut bytes = [0; 32];
    rand::fill(&mut bytes).map_err(|_| StoreError::Other("the random source failed".to_owned()))?;
    Ok(Secret::new(format!("{SECRET_PREFIX}{}", STANDARD.encode(bytes))))
}
