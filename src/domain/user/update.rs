//! Change what is kept of a user.

use entity::app_user::GuestEnd;
use uuid::Uuid;

use super::{new_manager, not_found};
use crate::authz::Permit;
use crate::authz::permission::action::EditUser;
use crate::domain::input::{self, Change};
use crate::domain::{Attempt, Command, Error, confirm_everywhere, refusal};
use crate::id::Kind;
use crate::store::audit_event::{self, Event};
use crate::store::{self, Txn};

/// Change a user; what is not given stays.
pub struct Update {
    /// The permit.
    pub permit: Permit<EditUser>,
    /// The user; none where the id was garbage.
    pub id: Option<Uuid>,
    /// The version that the change is based on.
    pub version: i32,
    /// The name.
    pub display_name: Option<String>,
    /// The e-mail address.
    pub email: Change<String>,
    /// Who they report to.
    pub manager: Change<Uuid>,
}

impl Command for Update {
    type Output = Uuid;

    fn attempt(&self) -> Attempt {
        Attempt::with(&self.permit, self.id.map(|id| (Kind::User, id)))
    }

    async fn run(&self, txn: &Txn) -> Result<Uuid, Error> {
        confirm_everywhere(txn, &self.permit).await?;
        let actor = self.permit.actor();
        let id = self.id.ok_or_else(|| not_found("id"))?;
        let manager = match self.manager {
            Change::Set(manager) => {
                Change::Set(new_manager(txn, actor.organization, id, manager).await.map(Some))
            }
            Change::Clear => Change::Clear,
            Change::Keep => Change::Keep,
        };
        let before = store::user::lock(txn, actor.organization, &[id]).await?;
        let before = before.into_iter().next().ok_or_else(|| not_found("id"))?;
        if before.guest_end == Some(GuestEnd::Removed) {
            return Err(not_found("id").into());
        }
        let mut checks = input::Checks::default();
        let mut after = before.clone();
        if let Some(name) = &self.display_name {
            after.display_name = checks.take(input::name("displayName", name));
            after.name_key = input::key(&after.display_name);
        }
        match &self.email {
            Change::Keep => {}
            Change::Clear => after.email = None,
            Change::Set(email) => after.email = Some(checks.take(input::email("email", email))),
        }
        match manager {
            Change::Keep => {}
            Change::Clear => after.manager_id = None,
            Change::Set(manager) => after.manager_id = checks.take_all(manager)?,
        }
        checks.done()?;
        if !store::user::update(txn, &after, self.version).await? {
            return Err(refusal::conflict("user").into());
        }
        txn.changes_access();
        let event = Event::by(&actor, "user.updated", Kind::User, id);
        let manager = |id: Option<Uuid>| id.map(|id| Kind::User.text(id));
        let details = serde_json::json!({
            "manager": { "from": manager(before.manager_id), "to": manager(after.manager_id) },
            "renamed": before.display_name != after.display_name,
            "emailChanged": before.email != after.email,
        });
        audit_event::record(txn, &event.with(details)).await?;
        Ok(id)
    }
}
