//! Send again: an event that has ended goes to its webhook once more, under the same id.

use entity::webhook_delivery::WebhookDeliveryState as State;
use uuid::Uuid;

use super::LIFE;
use crate::authz::Permit;
use crate::authz::permission::action::EditWebhook;
use crate::domain::{Attempt, Code, Command, Error, Rejection, confirm_everywhere};
use crate::id::Kind;
use crate::store::audit_event::{self, Event};
use crate::store::{self, Access, Txn};

/// Judges whether an event can be sent again to a webhook that listens, or does not.
pub fn judge(state: State, listens: bool, allowed: bool) -> Result<(), Code> {
    if !allowed {
        return Err(Code::Forbidden);
    }
    match state {
        State::Pending => Err(Code::AlreadyInProgress),
        State::Succeeded | State::Failed | State::Canceled if listens => Ok(()),
        State::Succeeded | State::Failed | State::Canceled => Err(Code::NotActive),
    }
}

/// Send an event again.
pub struct SendAgain {
    /// The permit.
    pub permit: Permit<EditWebhook>,
    /// The event; none where the id was garbage.
    pub id: Option<Uuid>,
}

impl Command for SendAgain {
    type Output = Uuid;

    fn attempt(&self) -> Attempt {
        Attempt::with(&self.permit, self.id.map(|id| (Kind::WebhookDelivery, id)))
    }

    async fn run(&self, txn: &Txn) -> Result<Uuid, Error> {
        confirm_everywhere(txn, &self.permit).await?;
        let actor = self.permit.actor();
        let not_found =
            || Rejection::of("id", Code::NotFound, "There is no such event, or you may not see it.");
        let id = self.id.ok_or_else(not_found)?;
        let access = Access::Named(actor.organization);
        let found = store::webhook_delivery::find(txn, access, &[id]).await?.pop();
        let webhook = found.as_ref().ok_or_else(not_found)?.webhook_id;
        // The webhook first, and the event as it is then.
        let webhook = store::webhook::lock(txn, actor.organization, webhook).await?;
        let found = store::webhook_delivery::find(txn, access, &[id]).await?.pop();
        let mut delivery = found.ok_or_else(not_found)?;
        let listens = webhook.is_some_and(|webhook| webhook.enabled);
        judge(delivery.state, listens, true).map_err(|code| {
            let message = match code {
                Code::AlreadyInProgress => "It waits for its next attempt already.",
                _ => "The webhook was switched off or deleted: nothing is sent to it.",
            };
            Rejection::of("id", code, message)
        })?;
        delivery.state = State::Pending;
        delivery.due_at = Some(txn.now());
        delivery.retry_until = txn.now() + LIFE;
        delivery.completed_at = None;
        if !store::webhook_delivery::again(txn, &delivery).await? {
            let message = "It waits for its next attempt already.";
            return Err(Rejection::of("id", Code::AlreadyInProgress, message).into());
        }
        let event = Event::by(&actor, "webhook.event_sent_again", Kind::WebhookDelivery, id);
        audit_event::record(txn, &event).await?;
        Ok(id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_has_ended_is_sent_again_and_only_to_whom_listens() {
        for state in [State::Succeeded, State::Failed, State::Canceled] {
            assert_eq!(judge(state, true, true), Ok(()));
            assert_eq!(judge(state, false, true), Err(Code::NotActive));
            assert_eq!(judge(state, true, false), Err(Code::Forbidden));
        }
        assert_eq!(judge(State::Pending, true, true), Err(Code::AlreadyInProgress));
    }
}
