//! Make a repository.

use entity::repository::{self, Visibility};
use uuid::Uuid;

use super::{name, origin, taken};
use crate::authz::Permit;
use crate::authz::permission::action::EditRepository;
use crate::domain::input::{self, Checks};
use crate::domain::{Attempt, Command, Error, confirm_everywhere, repeated};
use crate::id::Kind;
use crate::store::Txn;
use crate::store::audit_event::{self, Event};
use crate::store::idempotency::Key;

/// Make a repository.
pub struct Create {
    /// The permit.
    pub permit: Permit<EditRepository>,
    /// The name.
    pub name: String,
    /// What it holds.
    pub description: String,
    /// Who may read it without any access of their own.
    pub visibility: Visibility,
    /// Its id at the resource server.
    pub origin_id: Option<String>,
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
        let mut checks = Checks::default();
        let name = checks.take(name(&self.name));
        let description = checks.take(input::text("description", &self.description));
        let origin_id = checks.take(self.origin_id.as_deref().map(origin).transpose());
        checks.done()?;
        let key = self.idempotency.as_ref();
        if let Some(first) = repeated(txn, &actor, "createRepository", key, id).await? {
            return Ok(first);
        }
        let row = repository::Model {
            id,
            organization_id: actor.organization,
            name_key: input::key(&name),
            name,
            description,
            visibility: self.visibility,
            origin_id,
            version: 1,
            created_at: txn.now(),
            deleted_at: None,
        };
        txn.insert(row).await.map_err(taken)?;
        let event = Event::by(&actor, "repository.created", Kind::Repository, id);
        let details = serde_json::json!({ "visibility": self.visibility });
        audit_event::record(txn, &event.with(details)).await?;
        Ok(id)
    }
}
