//! Delete a connector that nothing uses any more.

use uuid::Uuid;

use super::get;
use crate::authz::Permit;
use crate::authz::permission::action::EditConnector;
use crate::domain::{Attempt, Command, Error, confirm_everywhere, refusal};
use crate::id::Kind;
use crate::store::audit_event::{self, Event};
use crate::store::{self, Txn};

/// Delete a connector.
pub struct Delete {
    /// The permit.
    pub permit: Permit<EditConnector>,
    /// The connector; none where the id was garbage.
    pub id: Option<Uuid>,
}

impl Command for Delete {
    type Output = Uuid;

    fn attempt(&self) -> Attempt {
        Attempt::with(&self.permit, self.id.map(|id| (Kind::Connector, id)))
    }

    async fn run(&self, txn: &Txn) -> Result<Uuid, Error> {
        confirm_everywhere(txn, &self.permit).await?;
        let actor = self.permit.actor();
        let connector = get(txn, actor.organization, "id", self.id).await?;
        let users = store::connector::users_of(txn, connector.id).await?;
        if !users.is_empty() {
            return Err(refusal::in_use("id", "The connector is still needed by", &users).into());
        }
        store::connector::delete(txn, connector.id).await?;
        let event = Event::by(&actor, "connector.deleted", Kind::Connector, connector.id);
        audit_event::record(txn, &event).await?;
        Ok(connector.id)
    }
}
