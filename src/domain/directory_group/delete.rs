//! Delete a group that nobody is in. Its id becomes free.

use entity::directory_group;
use uuid::Uuid;

use crate::authz::Permit;
use crate::authz::permission::action::EditConnector;
use crate::domain::{Attempt, Code, Command, Error, Rejection, confirm_everywhere, refusal};
use crate::id::Kind;
use crate::store::audit_event::{self, Event};
use crate::store::{self, Txn};

/// Delete a group.
pub struct Delete {
    /// The permit.
    pub permit: Permit<EditConnector>,
    /// The group; none where the id was garbage.
    pub id: Option<Uuid>,
}

impl Command for Delete {
    type Output = directory_group::Model;

    fn attempt(&self) -> Attempt {
        Attempt::with(&self.permit, self.id.map(|id| (Kind::DirectoryGroup, id)))
    }

    async fn run(&self, txn: &Txn) -> Result<directory_group::Model, Error> {
        confirm_everywhere(txn, &self.permit).await?;
        let actor = self.permit.actor();
        let id = self.id.ok_or_else(not_found)?;
        let group = store::directory::lock(txn, actor.organization, id).await?.ok_or_else(not_found)?;
        let members = store::directory::some_members(txn, id).await?;
        if !members.is_empty() {
            return Err(refusal::in_use("id", "There are people in the group", &members).into());
        }
        store::directory::delete(txn, id).await?;
        let event = Event::by(&actor, "directory_group.deleted", Kind::DirectoryGroup, id);
        let details = serde_json::json!({ "connector": Kind::Connector.text(group.connector_id) });
        audit_event::record(txn, &event.with(details)).await?;
        Ok(group)
    }
}

fn not_found() -> Rejection {
    Rejection::of("id", Code::NotFound, "There is no such group, or you may not see it.")
}
