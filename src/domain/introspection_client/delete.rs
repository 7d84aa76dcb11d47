//! Delete a client: from now on it is not answered.

use uuid::Uuid;

use crate::authz::Permit;
use crate::authz::permission::action::EditIntrospectionClient;
use crate::domain::{Attempt, Code, Command, Error, Rejection, confirm_everywhere};
use crate::id::Kind;
use crate::store::audit_event::{self, Event};
use crate::store::{self, Txn};

/// Delete a client.
pub struct Delete {
    /// The permit.
    pub permit: Permit<EditIntrospectionClient>,
    /// The client; none where the id was garbage.
    pub id: Option<Uuid>,
}

impl Command for Delete {
    type Output = Uuid;

    fn attempt(&self) -> Attempt {
        Attempt::with(&self.permit, self.id.map(|id| (Kind::IntrospectionClient, id)))
    }

    async fn run(&self, txn: &Txn) -> Result<Uuid, Error> {
        confirm_everywhere(txn, &self.permit).await?;
        let actor = self.permit.actor();
        let id = self.id.ok_or_else(not_found)?;
        let client = store::introspection_client::lock(txn, actor.organization, id).await?;
        let client = client.ok_or_else(not_found)?;
        store::introspection_client::delete(txn, client.id).await?;
        let event = Event::by(&actor, "introspection_client.deleted", Kind::IntrospectionClient, client.id);
        audit_event::record(txn, &event).await?;
        Ok(client.id)
    }
}

fn not_found() -> Rejection {
    Rejection::of("id", Code::NotFound, "There is no such client, or you may not see it.")
}
