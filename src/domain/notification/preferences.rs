//! Say what one wants to be told.

use std::collections::BTreeMap;

use entity::notification::NotificationKind;
use uuid::Uuid;

use super::{KINDS, is_optional};
use crate::authz::Actor;
use crate::domain::{Attempt, Code, Command, Error, Rejection};
use crate::id::Kind;
use crate::store::audit_event::{self, Event};
use crate::store::database::Connection;
use crate::store::{self, StoreError, Txn};

/// Whether a user wants to be told of each kind of thing; they do unless they said otherwise.
pub async fn of(
    connection: &impl Connection,
    user: Uuid,
) -> Result<Vec<(NotificationKind, bool)>, StoreError> {
    let said = store::notification::preferences(connection, user).await?;
    let wanted = |kind: NotificationKind| {
        !is_optional(kind) || said.iter().find(|row| row.kind == kind).is_none_or(|row| row.enabled)
    };
    Ok(KINDS.into_iter().map(|kind| (kind, wanted(kind))).collect())
}

/// Say whether one wants to be told of kinds of things; the others stay. It needs no permit: it is for oneself.
pub struct Prefer {
    /// Who.
    pub actor: Actor,
    /// What; of a kind that is given twice the last one holds.
    pub wanted: Vec<(NotificationKind, bool)>,
}

impl Command for Prefer {
    type Output = ();

    fn attempt(&self) -> Attempt {
        Attempt {
            organization: self.actor.organization,
            actor: Some(self.actor.user),
            call: self.actor.call,
            action: "notification_preferences.update",
            target: Some((Kind::User, self.actor.user)),
        }
    }

    async fn run(&self, txn: &Txn) -> Result<(), Error> {
        if !store::user::lock_active(txn, self.actor.user).await? {
            return Err(Rejection::new(Code::UserDeactivated, "You were deactivated.").into());
        }
        let mut wanted: BTreeMap<NotificationKind, bool> = BTreeMap::new();
        for (place, (kind, enabled)) in self.wanted.iter().enumerate() {
            if !is_optional(*kind) && !enabled {
                let message = "What was decided about you is always told.";
                let field = format!("preferences.{place}.enabled");
                return Err(Rejection::of(&field, Code::InvalidInput, message).into());
            }
            if is_optional(*kind) {
                wanted.insert(*kind, *enabled);
            }
        }
        let before = of(txn, self.actor.user).await?;
        let changed: Vec<(NotificationKind, bool)> =
            wanted.into_iter().filter(|wanted| !before.contains(wanted)).collect();
        if changed.is_empty() {
            return Ok(());
        }
        store::notification::prefer(txn, self.actor.user, &changed).await?;
        let details =
            changed.iter().map(|(kind, enabled)| serde_json::json!({ "kind": kind, "enabled": enabled }));
        let event = Event::by(&self.actor, "notification_preferences.updated", Kind::User, self.actor.user);
        audit_event::record(txn, &event.with(details.collect())).await?;
        Ok(())
    }
}
