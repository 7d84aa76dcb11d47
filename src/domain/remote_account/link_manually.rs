//! Link accounts to users by hand, when the books name the wrong one. The books change, the remote does not: grants
//! stay, and follow their user to the account.

use std::collections::{HashMap, HashSet};

use entity::app_user;
use entity::remote_account::{Model, RemoteAccountOrigin as Origin, RemoteAccountState as State};
use tokio::time::Instant;
use uuid::Uuid;

use super::look::{check_size, four_at_once, has_accounts, place};
use crate::authz::Permit;
use crate::authz::permission::action::EditConnector;
use crate::connector::registry::Registry;
use crate::connector::{Account, Failure};
use crate::domain::{
    Attempt, Code, Command, Error, Rejection, confirm_everywhere, connector, input, run, user,
};
use crate::id::Kind;
use crate::store::audit_event::{self, Event};
use crate::store::remote_account::Owner;
use crate::store::{self, Database, Txn};

/// An account that a user is to get.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// The user; `None` if the id was garbage.
    pub user: Option<Uuid>,
    /// The remote's own id of the account.
    pub remote_id: String,
}

/// What became of one link: the account, which a dry run does not make.
pub type Outcome = Result<Option<Uuid>, Rejection>;

/// Links accounts to users, after a look at each account. Returns what became of each, in the order given.
pub async fn link(
    database: &Database,
    connectors: &Registry,
    permit: Permit<EditConnector>,
    connector: Option<Uuid>,
    links: Vec<Wanted>,
    dry_run: bool,
    until: Instant,
) -> Result<Vec<Outcome>, Error> {
    let place = place(database, connectors, &permit, connector).await?;
    check_size("links", links.len())?;
    let mut ids: Vec<String> = links.iter().map(|link| link.remote_id.clone()).collect();
    ids.retain(|id| input::origin("remoteId", id).is_ok());
    ids.sort_unstable();
    ids.dedup();
    let seen: Vec<Result<Option<Account>, Failure>> = match &place.live {
        Err(failure) => ids.iter().map(|_| Err(failure.clone())).collect(),
        Ok(live) => {
            let call = |id: &String| {
                let (live, id) = (std::sync::Arc::clone(live), id.clone());
                async move { live.account(&id).await }
            };
            four_at_once(ids.iter().map(call).collect(), until).await
        }
    };
    let seen = ids.into_iter().zip(seen).collect();
    let command = Link { permit, connector: place.row.id, system: place.system, links, seen, dry_run };
    run(database, command, until).await
}

/// Writes the links.
struct Link {
    permit: Permit<EditConnector>,
    connector: Uuid,
    /// The system that was looked at.
    system: Uuid,
    links: Vec<Wanted>,
    /// What the remote showed, by its ids.
    seen: HashMap<String, Result<Option<Account>, Failure>>,
    dry_run: bool,
}

/// What the books say, locked.
struct Books {
    users: HashMap<Uuid, app_user::Model>,
    /// The accounts that users have now, or that are being created for them.
    mine: HashMap<Uuid, Model>,
    /// Whose the wanted accounts are.
    owners: HashMap<String, Owner>,
    /// Users for whom something is being delivered at the system right now.
    busy: HashSet<Uuid>,
}

/// A link that is written.
struct Change {
    account: Model,
    /// The account that the user had.
    before: Option<Uuid>,
    /// The account of a user who has left, with that user.
    taken: Option<(Uuid, Uuid)>,
}

impl Command for Link {
    type Output = Vec<Outcome>;

    fn attempt(&self) -> Attempt {
        Attempt::with(&self.permit, Some((Kind::Connector, self.connector)))
    }

    async fn run(&self, txn: &Txn) -> Result<Vec<Outcome>, Error> {
        confirm_everywhere(txn, &self.permit).await?;
        let books = self.read(txn).await?;
        let (mut changes, mut outcomes) = (Vec::new(), Vec::with_capacity(self.links.len()));
        let (mut named, mut taken) = (HashSet::new(), HashSet::new());
        for wanted in &self.links {
            let outcome = self.judge(&books, wanted).and_then(|(user, account)| {
                if !named.insert(user) || !taken.insert(account.id.clone()) {
                    let message = "The user, or the account, is named twice in one call.";
                    return Err(Rejection::of("links", Code::InvalidInput, message));
                }
                let owner = books.owners.get(&account.id);
                if let Some(owner) = owner.filter(|owner| owner.account.user_id == user) {
                    return Ok(Some(owner.account.id));
                }
                let change = self.change(txn, &books, user, account);
                let id = change.account.id;
                changes.push(change);
                Ok((!self.dry_run).then_some(id))
            });
            outcomes.push(outcome);
        }
        if !self.dry_run && !changes.is_empty() {
            self.write(txn, &changes).await?;
        }
        Ok(outcomes)
    }
}

impl Link {
    async fn read(&self, txn: &Txn) -> Result<Books, Error> {
        let organization = self.permit.actor().organization;
        let mut ids: Vec<Uuid> = self.links.iter().filter_map(|link| link.user).collect();
        ids.sort_unstable();
        ids.dedup();
        let users = store::user::lock(txn, organization, &ids).await?;
        let row = connector::get(txn, organization, "connector", Some(self.connector)).await?;
        has_accounts(&row)?;
        if row.remote_system_id != Some(self.system) {
            let message = "The connector leads to another system now. Try again.";
            return Err(Rejection::of("connector", Code::Conflict, message).into());
        }
        let ids: Vec<Uuid> = users.iter().map(|user| user.id).collect();
        let remote_ids: Vec<String> = self.seen.keys().cloned().collect();
        let owners = store::remote_account::lock_owners(txn, self.system, &remote_ids).await?;
        let mine = store::remote_account::lock_of_users(txn, self.system, &ids).await?;
        let busy = store::remote_account::lock_busy(txn, self.system, &ids).await?;
        let mine = mine.into_iter().map(|account| (account.user_id, account)).collect();
        Ok(Books { users: users.into_iter().map(|user| (user.id, user)).collect(), mine, owners, busy })
    }

    /// Returns the user and the account of a link, or why it is refused.
    fn judge(&self, books: &Books, wanted: &Wanted) -> Result<(Uuid, &Account), Rejection> {
        input::origin("remoteId", &wanted.remote_id)?;
        let user = wanted.user.and_then(|id| books.users.get(&id)).ok_or_else(|| user::not_found("user"))?;
        if user.id == self.permit.actor().user {
            let message = "Nobody links an account to themselves. Ask somebody else who manages connectors.";
            return Err(Rejection::of("user", Code::SelfAssignment, message));
        }
        let account = match self.seen.get(&wanted.remote_id) {
            Some(Ok(Some(account))) => account,
            Some(Ok(None)) | None => {
                let message = "The target system has no account with this id.";
                return Err(Rejection::of("remoteId", Code::NotFound, message));
            }
            Some(Err(failure)) => {
                return Err(Rejection::of("remoteId", Code::RemoteFailed, failure.message.clone()));
            }
        };
        let owner = books.owners.get(&account.id);
        if owner.is_some_and(|owner| owner.account.user_id != user.id && !owner.is_free) {
            let message = "The account is linked to another user. Unlink it there first.";
            return Err(Rejection::of("remoteId", Code::AccountAlreadyLinked, message));
        }
        if books.busy.contains(&user.id) {
            let message =
                "Something is being delivered to the user's account right now. Try again in a minute.";
            return Err(Rejection::of("user", Code::AlreadyInProgress, message));
        }
        Ok((user.id, account))
    }

    fn change(&self, txn: &Txn, books: &Books, user: Uuid, account: &Account) -> Change {
        let actor = self.permit.actor();
        let owner = books.owners.get(&account.id);
        Change {
            account: Model {
                id: txn.id(),
                organization_id: actor.organization,
                system_id: self.system,
                user_id: user,
                remote_id: Some(account.id.clone()),
                user_name: account.user_name.clone(),
                state: State::Linked,
                origin: Origin::Linked,
                linked_by_id: Some(actor.user),
                delivery_id: None,
                version: 1,
                created_at: txn.now(),
                updated_at: txn.now(),
            },
            before: books.mine.get(&user).map(|account| account.id),
            taken: owner.map(|owner| (owner.account.id, owner.account.user_id)),
        }
    }

    async fn write(&self, txn: &Txn, changes: &[Change]) -> Result<(), Error> {
        let left = changes.iter().flat_map(|change| [change.before, change.taken.map(|(id, _)| id)]);
        let left: Vec<Uuid> = left.flatten().collect();
        store::remote_account::set_state(txn, &left, State::Unlinked).await?;
        txn.insert_all(changes.iter().map(|change| change.account.clone()).collect()).await?;
        let users: Vec<Uuid> = changes.iter().map(|change| change.account.user_id).collect();
        store::remote_account::move_grants(txn, self.system, &users).await?;
        let actor = self.permit.actor();
        let account = |id: Uuid| Kind::RemoteAccount.text(id);
        let event = |change: &Change| {
            let details = serde_json::json!({
                "user": Kind::User.text(change.account.user_id),
                "system": Kind::RemoteSystem.text(self.system),
                "accountBefore": change.before.map(account),
                "takenAccount": change.taken.map(|(id, _)| account(id)),
                "userBefore": change.taken.map(|(_, user)| Kind::User.text(user)),
            });
            Event::by(&actor, "remote_account.linked", Kind::RemoteAccount, change.account.id).with(details)
        };
        Ok(audit_event::record_all(txn, &changes.iter().map(event).collect::<Vec<_>>()).await?)
    }
}
