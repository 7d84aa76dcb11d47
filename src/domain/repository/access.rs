//! Say what a user may do with a repository. Saying what holds already changes nothing.

use entity::app_user::UserKind;
use entity::repository_access::{self, AccessLevel};
use uuid::Uuid;

use super::{get, not_found};
use crate::authz::Permit;
use crate::authz::permission::action::EditRepository;
use crate::domain::{Attempt, Command, Error, Rejection, confirm_everywhere, user};
use crate::id::Kind;
use crate::store::audit_event::{self, Event};
use crate::store::{self, Txn};

/// Say what a user may do with a repository.
pub struct SetAccess {
    /// The permit.
    pub permit: Permit<EditRepository>,
    /// The repository; none where the id was garbage.
    pub repository: Option<Uuid>,
    /// The user; none where the id was garbage.
    pub user: Option<Uuid>,
    /// How much they may do; nothing by an access of their own without a level.
    pub level: Option<AccessLevel>,
}

impl Command for SetAccess {
    /// The repository, and the access where there is one.
    type Output = (Uuid, Option<Uuid>);

    fn attempt(&self) -> Attempt {
        Attempt::with(&self.permit, self.repository.map(|id| (Kind::Repository, id)))
    }

    async fn run(&self, txn: &Txn) -> Result<Self::Output, Error> {
        confirm_everywhere(txn, &self.permit).await?;
        let actor = self.permit.actor();
        let person = match self.level {
            Some(_) => member(txn, actor.organization, self.user).await?,
            // Somebody who was deactivated can be taken off, too.
            None => self.user.ok_or_else(|| user::not_found("user"))?,
        };
        let repository = get(txn, actor.organization, self.repository).await.map_err(at_repository)?;
        let before = store::repository::access_of(txn, repository.id, person).await?;
        if before.as_ref().map(|access| access.level) == self.level {
            return Ok((repository.id, before.map(|access| access.id)));
        }
        let id = match (&before, self.level) {
            (Some(access), Some(level)) => {
                store::repository::set_level(txn, access.id, level).await?;
                Some(access.id)
            }
            (Some(access), None) => {
                store::repository::delete_access(txn, access.id).await?;
                None
            }
            (None, Some(level)) => {
                let row = repository_access::Model {
                    id: txn.id(),
                    organization_id: actor.organization,
                    repository_id: repository.id,
                    user_id: person,
                    level,
                    created_at: txn.now(),
                };
                let id = row.id;
                txn.insert(row).await?;
                Some(id)
            }
            (None, None) => None,
        };
        let event = Event::by(&actor, "repository.access_set", Kind::Repository, repository.id);
        let details = serde_json::json!({
            "user": Kind::User.text(person),
            "level": { "from": before.map(|access| access.level), "to": self.level },
        });
        audit_event::record(txn, &event.with(details)).await?;
        Ok((repository.id, id))
    }
}

/// The active member of that id: guests have no access of their own.
pub(super) async fn member(txn: &Txn, organization: Uuid, id: Option<Uuid>) -> Result<Uuid, Error> {
    let person = user::find_active(txn, organization, "user", id).await?;
    if person.kind != UserKind::Member {
        return Err(user::not_found("user").into());
    }
    Ok(person.id)
}

/// The refusal about the repository, where the input calls it so.
fn at_repository(error: Error) -> Error {
    match error {
        Error::Rejected(_) => Rejection { field: vec!["repository".to_owned()], ..not_found() }.into(),
        Error::Broken(error) => Error::Broken(error),
    }
}
