//! Say what members may do: all of them with every repository, or one of them in the organization itself.

use entity::organization::BaseLevel;
use entity::repository_access::AccessLevel;
use uuid::Uuid;

use super::access::member;
use crate::authz::Permit;
use crate::authz::permission::action::EditRepository;
use crate::domain::{Attempt, Command, Error, confirm_everywhere, refusal, user};
use crate::id::Kind;
use crate::store::audit_event::{self, Event};
use crate::store::{self, StoreError, Txn};

/// Say what every member may do with every repository.
pub struct SetBaseLevel {
    /// The permit.
    pub permit: Permit<EditRepository>,
    /// The version of the organization that the change is based on.
    pub version: i32,
    /// How much.
    pub level: BaseLevel,
}

impl Command for SetBaseLevel {
    type Output = Uuid;

    fn attempt(&self) -> Attempt {
        Attempt::with(&self.permit, Some((Kind::Organization, self.permit.actor().organization)))
    }

    async fn run(&self, txn: &Txn) -> Result<Uuid, Error> {
        confirm_everywhere(txn, &self.permit).await?;
        let actor = self.permit.actor();
        let before = store::organization::lock(txn, actor.organization).await?;
        let before = before.ok_or_else(|| StoreError::Other("the organization is gone".to_owned()))?;
        if !store::repository::set_base_level(txn, before.id, self.level, self.version).await? {
            return Err(refusal::conflict("organization").into());
        }
        let event = Event::by(&actor, "repository.base_level_set", Kind::Organization, before.id);
        let details = serde_json::json!({ "from": before.base_level, "to": self.level });
        audit_event::record(txn, &event.with(details)).await?;
        Ok(before.id)
    }
}

/// Say what a member may do in the organization itself.
pub struct SetOrganizationAccess {
    /// The permit.
    pub permit: Permit<EditRepository>,
    /// The user; none where the id was garbage.
    pub user: Option<Uuid>,
    /// How much they may do; what every member may without a level.
    pub level: Option<AccessLevel>,
}

impl Command for SetOrganizationAccess {
    type Output = Uuid;

    fn attempt(&self) -> Attempt {
        Attempt::with(&self.permit, self.user.map(|id| (Kind::User, id)))
    }

    async fn run(&self, txn: &Txn) -> Result<Uuid, Error> {
        confirm_everywhere(txn, &self.permit).await?;
        let actor = self.permit.actor();
        let person = if self.level.is_some() {
            member(txn, actor.organization, self.user).await?
        } else {
            let ids = [self.user.ok_or_else(|| user::not_found("user"))?];
            let found = store::user::lock(txn, actor.organization, &ids).await?;
            found.first().map(|user| user.id).ok_or_else(|| user::not_found("user"))?
        };
        let before = store::repository::organization_access(txn, actor.organization, &[person]).await?;
        let before = before.first().map(|access| access.level);
        if before == self.level {
            return Ok(person);
        }
        store::repository::set_organization_access(txn, actor.organization, person, self.level).await?;
        let event = Event::by(&actor, "organization.access_set", Kind::User, person);
        let details = serde_json::json!({ "from": before, "to": self.level });
        audit_event::record(txn, &event.with(details)).await?;
        Ok(person)
    }
}
