//! Delete a webhook. What waits for it is given up.

use uuid::Uuid;

use super::get;
use crate::authz::Permit;
use crate::authz::permission::action::EditWebhook;
use crate::domain::{Attempt, Command, Error, confirm_everywhere, refusal};
use crate::id::Kind;
use crate::store::audit_event::{self, Event};
use crate::store::{self, Txn};

/// Delete a webhook.
pub struct Delete {
    /// The permit.
    pub permit: Permit<EditWebhook>,
    /// The webhook; none where the id was garbage.
    pub id: Option<Uuid>,
}

impl Command for Delete {
    type Output = Uuid;

    fn attempt(&self) -> Attempt {
        Attempt::with(&self.permit, self.id.map(|id| (Kind::Webhook, id)))
    }

    async fn run(&self, txn: &Txn) -> Result<Uuid, Error> {
        confirm_everywhere(txn, &self.permit).await?;
        let actor = self.permit.actor();
        let mut webhook = get(txn, actor.organization, "id", self.id).await?;
        webhook.deleted_at = Some(txn.now());
        if !store::webhook::update(txn, &webhook, webhook.version).await? {
            return Err(refusal::conflict("webhook").into());
        }
        store::webhook_delivery::give_up(txn, webhook.id).await?;
        let event = Event::by(&actor, "webhook.deleted", Kind::Webhook, webhook.id);
        audit_event::record(txn, &event).await?;
        Ok(webhook.id)
    }
}
