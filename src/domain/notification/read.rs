//! Mark one's own notifications as read. It is no change that others see, so no event tells of it.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::authz::Actor;
use crate::domain::{Attempt, Code, Command, Error, Rejection};
use crate::store::notification::{Marked, count_own, mark_read};
use crate::store::{self, Txn};

/// The most ids of one call.
pub const MOST: usize = 1_000;

/// Which notifications.
#[derive(Clone, Debug)]
pub enum Selection {
    /// These; none stands for an id that was garbage.
    Ids(Vec<Option<Uuid>>),
    /// All that were made until then.
    Until(DateTime<Utc>),
}

/// Mark one's own notifications as read. It needs no permit: they are one's own. Gives how many were marked.
pub struct MarkRead {
    /// Who.
    pub actor: Actor,
    /// Which.
    pub selection: Selection,
}

impl Command for MarkRead {
    type Output = u64;

    fn attempt(&self) -> Attempt {
        Attempt {
            organization: self.actor.organization,
            actor: Some(self.actor.user),
            call: self.actor.call,
            action: "notification.read",
            target: None,
        }
    }

    async fn run(&self, txn: &Txn) -> Result<u64, Error> {
        if !store::user::lock_active(txn, self.actor.user).await? {
            return Err(Rejection::new(Code::UserDeactivated, "You were deactivated.").into());
        }
        let user = self.actor.user;
        match &self.selection {
            Selection::Until(until) => Ok(mark_read(txn, user, Marked::Until(*until)).await?),
            Selection::Ids(given) => {
                let refuse = |code, message: &str| Err(Rejection::of("selection.ids", code, message).into());
                if given.is_empty() {
                    return refuse(Code::EmptySelection, "Nothing is selected.");
                }
                if given.len() > MOST {
                    return refuse(Code::SelectionTooLarge, "At most 1,000 ids can be given at once.");
                }
                let mut ids: Vec<Uuid> = given.iter().copied().flatten().collect();
                ids.sort_unstable();
                ids.dedup();
                let known = count_own(txn, user, &ids).await?;
                if known < ids.len() || given.contains(&None) {
                    return refuse(
                        Code::NotFound,
                        "One of these is no notification of yours. Nothing was marked.",
                    );
                }
                Ok(mark_read(txn, user, Marked::Ids(&ids)).await?)
            }
        }
    }
}
