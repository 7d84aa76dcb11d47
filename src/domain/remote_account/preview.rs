//! Preview which accounts people would get at a remote, and why. Nothing is changed but the audit trail.

use std::collections::HashMap;
use std::sync::Arc;

use entity::app_user;
use tokio::time::Instant;
use uuid::Uuid;

use super::look::{Place, check_size, four_at_once, place};
use super::person::person;
use crate::authz::Permit;
use crate::authz::permission::action::EditConnector;
use crate::connector::registry::Registry;
use crate::connector::{Account, Connector, Failure, MatchedBy, Person};
use crate::domain::{Attempt, Command, Error, Rejection, confirm_everywhere, run, user};
use crate::id::Kind;
use crate::store::audit_event::{self, Event};
use crate::store::{self, Access, Database, StoreError, Txn};

/// What would become of a user at a remote, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Correlation {
    /// The account is linked to the user already.
    Linked,
    /// Its `externalId` is the user's Guichet id.
    ExternalId,
    /// Its login name is the user's.
    UserName,
    /// One of its e-mail addresses is the user's.
    Email,
    /// There is none: the first delivery would create it.
    WouldCreate,
    /// It is linked to another user, who can still act or has access there.
    AlreadyLinked,
    /// The remote could not be asked, or did not answer as it should.
    Failed,
}

/// What was found for one user.
#[derive(Clone, Debug)]
pub struct Previewed {
    /// What would become of them.
    pub correlation: Correlation,
    /// The account that was found.
    pub account: Option<Account>,
    /// Whose it is, if it is another user's.
    pub linked_to: Option<Uuid>,
    /// Why the remote could not tell.
    pub failure: Option<Failure>,
}

/// Looks for the accounts of these users. Returns what was found for each, in the order given.
pub async fn preview(
    database: &Database,
    connectors: &Registry,
    permit: Permit<EditConnector>,
    connector: Option<Uuid>,
    users: &[Option<Uuid>],
    until: Instant,
) -> Result<Vec<Result<Previewed, Rejection>>, Error> {
    let place = place(database, connectors, &permit, connector).await?;
    check_size("users", users.len())?;
    let mut ids: Vec<Uuid> = users.iter().flatten().copied().collect();
    ids.sort_unstable();
    ids.dedup();
    let people = store::user::correlated(database, Access::Visible(permit.scope()), &ids).await?;
    let known: Vec<Uuid> = people.iter().map(|(user, _)| user.id).collect();
    let found = look(database, &place, &people, until).await?;
    run(database, Noted { permit, connector: place.row.id, users: known }, until).await?;
    let item = |id: &Option<Uuid>| {
        let previewed = id.and_then(|id| found.get(&id)).cloned();
        previewed.ok_or_else(|| user::not_found("users"))
    };
    Ok(users.iter().map(item).collect())
}

/// What a call found: the account, and by what; by nothing if it is linked already.
type Sighting = Option<(Account, Option<MatchedBy>)>;

/// Looks for one person as a delivery would: at the account that is linked, else for one that matches.
async fn sight(
    connector: Arc<dyn Connector>,
    linked: Option<String>,
    person: Person,
) -> Result<Sighting, Failure> {
    if let Some(id) = linked
        && let Some(account) = connector.account(&id).await?
    {
        return Ok(Some((account, None)));
    }
    Ok(connector.find_account(&person).await?.map(|(account, by)| (account, Some(by))))
}

async fn look(
    database: &Database,
    place: &Place,
    people: &[(app_user::Model, bool)],
    until: Instant,
) -> Result<HashMap<Uuid, Previewed>, StoreError> {
    let ids: Vec<Uuid> = people.iter().map(|(user, _)| user.id).collect();
    let linked = store::remote_account::linked_to(database, place.system, &ids).await?;
    let sightings: Vec<Result<Sighting, Failure>> = match &place.live {
        Err(failure) => people.iter().map(|_| Err(failure.clone())).collect(),
        Ok(connector) => {
            let call = |(user, address_counts): &(app_user::Model, bool)| {
                let person = person(user, &place.row, *address_counts);
                sight(Arc::clone(connector), linked.get(&user.id).cloned(), person)
            };
            four_at_once(people.iter().map(call).collect(), until).await
        }
    };
    let seen = sightings.iter().filter_map(|sighting| sighting.as_ref().ok()?.as_ref());
    let remote_ids: Vec<String> = seen.map(|(account, _)| account.id.clone()).collect();
    let owners = store::remote_account::owners(database, place.system, &remote_ids).await?;
    let judge = |(id, sighting): (Uuid, Result<Sighting, Failure>)| {
        let previewed =
            |correlation, account| Previewed { correlation, account, linked_to: None, failure: None };
        let judged = match sighting {
            Err(failure) => Previewed { failure: Some(failure), ..previewed(Correlation::Failed, None) },
            Ok(None) => previewed(Correlation::WouldCreate, None),
            Ok(Some((account, None))) => previewed(Correlation::Linked, Some(account)),
            Ok(Some((account, Some(by)))) => match owners.get(&account.id) {
                Some(owner) if owner.account.user_id != id && !owner.is_free => Previewed {
                    linked_to: Some(owner.account.user_id),
                    ..previewed(Correlation::AlreadyLinked, Some(account))
                },
                _ => previewed(by.into(), Some(account)),
            },
        };
        (id, judged)
    };
    Ok(ids.into_iter().zip(sightings).map(judge).collect())
}

impl From<MatchedBy> for Correlation {
    fn from(by: MatchedBy) -> Self {
        match by {
            MatchedBy::ExternalId => Self::ExternalId,
            MatchedBy::UserName => Self::UserName,
            MatchedBy::Email => Self::Email,
        }
    }
}

/// Records for whom accounts were looked for.
struct Noted {
    permit: Permit<EditConnector>,
    connector: Uuid,
    users: Vec<Uuid>,
}

impl Command for Noted {
    type Output = ();

    fn attempt(&self) -> Attempt {
        Attempt::with(&self.permit, Some((Kind::Connector, self.connector)))
    }

    async fn run(&self, txn: &Txn) -> Result<(), Error> {
        confirm_everywhere(txn, &self.permit).await?;
        let actor = self.permit.actor();
        let event = Event::by(&actor, "connector.correlation_previewed", Kind::Connector, self.connector);
        let users: Vec<String> = self.users.iter().map(|id| Kind::User.text(*id)).collect();
        Ok(audit_event::record(txn, &event.with(serde_json::json!({ "users": users }))).await?)
    }
}
