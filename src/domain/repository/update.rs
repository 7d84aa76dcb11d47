//! Change a repository.

use entity::repository::Visibility;
use uuid::Uuid;

use super::{get, name, origin, taken};
use crate::authz::Permit;
use crate::authz::permission::action::EditRepository;
use crate::domain::input::{self, Change, Checks};
use crate::domain::{Attempt, Command, Error, confirm_everywhere, refusal};
use crate::id::Kind;
use crate::store::audit_event::{self, Event};
use crate::store::{self, Txn};

/// Change a repository; what is not given stays.
pub struct Update {
    /// The permit.
    pub permit: Permit<EditRepository>,
    /// The repository; none where the id was garbage.
    pub id: Option<Uuid>,
    /// The version that the change is based on.
    pub version: i32,
    /// The name.
    pub name: Option<String>,
    /// What it holds.
    pub description: Option<String>,
    /// Who may read it without any access of their own.
    pub visibility: Option<Visibility>,
    /// Its id at the resource server.
    pub origin_id: Change<String>,
}

impl Command for Update {
    type Output = Uuid;

    fn attempt(&self) -> Attempt {
        Attempt::with(&self.permit, self.id.map(|id| (Kind::Repository, id)))
    }

    async fn run(&self, txn: &Txn) -> Result<Uuid, Error> {
        confirm_everywhere(txn, &self.permit).await?;
        let actor = self.permit.actor();
        let before = get(txn, actor.organization, self.id).await?;
        let mut checks = Checks::default();
        let mut after = before.clone();
        if let Some(text) = &self.name {
            after.name = checks.take(name(text));
            after.name_key = input::key(&after.name);
        }
        if let Some(description) = &self.description {
            after.description = checks.take(input::text("description", description));
        }
        match &self.origin_id {
            Change::Keep => {}
            Change::Clear => after.origin_id = None,
            Change::Set(text) => after.origin_id = checks.take(origin(text).map(Some)),
        }
        checks.done()?;
        after.visibility = self.visibility.unwrap_or(before.visibility);
        if !store::repository::update(txn, &after, self.version).await.map_err(taken)? {
            return Err(refusal::conflict("repository").into());
        }
        let event = Event::by(&actor, "repository.updated", Kind::Repository, before.id);
        let details = serde_json::json!({
            "visibility": { "from": before.visibility, "to": after.visibility },
            "renamed": before.name != after.name,
            "originChanged": before.origin_id != after.origin_id,
        });
        audit_event::record(txn, &event.with(details)).await?;
        Ok(before.id)
    }
}
