//! Delete a repository. Tokens that were granted it no longer reach it; the rest of their grants stays.

use uuid::Uuid;

use super::get;
use crate::authz::Permit;
use crate::authz::permission::action::EditRepository;
use crate::domain::{Attempt, Command, Error, confirm_everywhere};
use crate::id::Kind;
use crate::store::audit_event::{self, Event};
use crate::store::{self, Txn};

/// Delete a repository.
pub struct Delete {
    /// The permit.
    pub permit: Permit<EditRepository>,
    /// The repository; none where the id was garbage.
    pub id: Option<Uuid>,
}

impl Command for Delete {
    type Output = Uuid;

    fn attempt(&self) -> Attempt {
        Attempt::with(&self.permit, self.id.map(|id| (Kind::Repository, id)))
    }

    async fn run(&self, txn: &Txn) -> Result<Uuid, Error> {
        confirm_everywhere(txn, &self.permit).await?;
        let actor = self.permit.actor();
        let repository = get(txn, actor.organization, self.id).await?;
        store::repository::delete(txn, repository.id).await?;
        let event = Event::by(&actor, "repository.deleted", Kind::Repository, repository.id);
        audit_event::record(txn, &event).await?;
        Ok(repository.id)
    }
}
