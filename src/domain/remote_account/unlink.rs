//! Take accounts from their users by hand: the next delivery looks for the person anew.

use std::collections::{HashMap, HashSet};

use entity::remote_account::{Model, RemoteAccountState as State};
use uuid::Uuid;

use super::look::check_size;
use crate::authz::Permit;
use crate::authz::permission::action::EditConnector;
use crate::domain::{Attempt, Code, Command, Error, Rejection, confirm_everywhere};
use crate::id::Kind;
use crate::store::audit_event::{self, Event};
use crate::store::{self, Txn};

/// Takes accounts from their users.
pub struct Unlink {
    /// The permit.
    pub permit: Permit<EditConnector>,
    /// The accounts; `None` for ids that were garbage.
    pub accounts: Vec<Option<Uuid>>,
    /// Whether to change nothing, and only say what would happen.
    pub dry_run: bool,
}

impl Command for Unlink {
    /// What became of each account, in the order given.
    type Output = Vec<Result<Uuid, Rejection>>;

    fn attempt(&self) -> Attempt {
        Attempt::with(&self.permit, None)
    }

    async fn run(&self, txn: &Txn) -> Result<Self::Output, Error> {
        confirm_everywhere(txn, &self.permit).await?;
        check_size("accounts", self.accounts.len())?;
        let actor = self.permit.actor();
        let mut ids: Vec<Uuid> = self.accounts.iter().flatten().copied().collect();
        ids.sort_unstable();
        ids.dedup();
        let accounts = store::remote_account::lock(txn, actor.organization, &ids).await?;
        let accounts: HashMap<Uuid, Model> = accounts.into_iter().map(|row| (row.id, row)).collect();
        let holding = store::remote_account::lock_holding(txn, &ids).await?;
        let judge = |id: &Option<Uuid>| {
            let account = id.and_then(|id| accounts.get(&id)).ok_or_else(not_found)?;
            judge(account, actor.user, &holding).map(|()| account.id)
        };
        let outcomes: Vec<Result<Uuid, Rejection>> = self.accounts.iter().map(judge).collect();
        let done: HashSet<Uuid> =
            outcomes.iter().filter_map(|outcome| outcome.as_ref().ok()).copied().collect();
        let done: Vec<&Model> = accounts.values().filter(|account| done.contains(&account.id)).collect();
        if !self.dry_run && !done.is_empty() {
            let ids: Vec<Uuid> = done.iter().map(|account| account.id).collect();
            store::remote_account::set_state(txn, &ids, State::Unlinked).await?;
            let event = |account: &&Model| {
                let details = serde_json::json!({
                    "user": Kind::User.text(account.user_id),
                    "system": Kind::RemoteSystem.text(account.system_id),
                });
                Event::by(&actor, "remote_account.unlinked", Kind::RemoteAccount, account.id).with(details)
            };
            audit_event::record_all(txn, &done.iter().map(event).collect::<Vec<_>>()).await?;
        }
        Ok(outcomes)
    }
}

fn not_found() -> Rejection {
    Rejection::of("accounts", Code::NotFound, "There is no such account, or you may not see it.")
}

/// Whether an account may be taken from its user. `holding` names the accounts whose users have access there.
fn judge(account: &Model, actor: Uuid, holding: &HashSet<Uuid>) -> Result<(), Rejection> {
    let refuse = |code, message: &str| Err(Rejection::of("accounts", code, message));
    if account.user_id == actor {
        let message = "Nobody unlinks an account of their own. Ask somebody else who manages connectors.";
        return refuse(Code::SelfAssignment, message);
    }
    match account.state {
        State::Gone | State::Unlinked => refuse(Code::NotActive, "The account is no user's any more."),
        State::Creating => {
            refuse(Code::AlreadyInProgress, "The account is being created. Try again in a few minutes.")
        }
        State::Linked if holding.contains(&account.id) => {
            let message =
                "The user has access there by the account. Take the access first, or link another account.";
            refuse(Code::InUse, message)
        }
        State::Linked => Ok(()),
    }
}
