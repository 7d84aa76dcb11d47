//! The built-in directory: groups that are rows of Guichet itself.

use async_trait::async_trait;
use entity::delivery::DeliveryErrorCode;
use uuid::Uuid;

use super::{Account, Change, Connector, Done, Failure, MatchedBy, Person, Target};
use crate::store::{self, Database, StoreError};

/// The roles that a group has.
const ROLES: [&str; 2] = ["member", "owner"];

/// The groups of one connector.
pub struct Directory {
    database: Database,
    connector: Uuid,
}

impl Directory {
    /// The groups of this connector.
    #[must_use]
    pub fn new(database: Database, connector: Uuid) -> Self {
        Self { database, connector }
    }

    /// The group of a target.
    async fn group(&self, target: &Target) -> Result<Option<Uuid>, Failure> {
        if !ROLES.contains(&target.role.as_str()) {
            let message = "A group has the roles member and owner.";
            return Err(Failure::new(DeliveryErrorCode::RoleNotFound, message));
        }
        let group = store::directory::named(&self.database, self.connector, &target.resource).await;
        group.map_err(|error| broken(&error))
    }
}

fn no_group(target: &Target) -> Failure {
    let message = format!("There is no group \"{}\".", target.resource);
    Failure::new(DeliveryErrorCode::ResourceNotFound, &message)
}

/// The user that an account names.
fn user(account: &str) -> Result<Uuid, Failure> {
    let message = "The person is not a user of this server.";
    account.parse().map_err(|_| Failure::new(DeliveryErrorCode::PrincipalNotFound, message))
}

/// The database failed: its words go to the log.
fn broken(error: &StoreError) -> Failure {
    tracing::error!(error = %error, "the built-in directory could not be read or written");
    Failure::new(DeliveryErrorCode::RemoteUnavailable, "The directory did not answer.")
}

/// The directory shows all that it did.
fn seen(changed: bool, held_before: bool) -> Change {
    let done = if changed { Done::Changed } else { Done::AlreadySo };
    Change { done, held_before: Some(held_before), confirmed: true }
}

fn account(id: &str) -> Account {
    Account { id: id.to_owned(), user_name: None, active: true }
}

#[async_trait]
impl Connector for Directory {
    fn has_accounts(&self) -> bool {
        false
    }

    async fn find_account(&self, person: &Person) -> Result<Option<(Account, MatchedBy)>, Failure> {
        Ok(Some((account(&person.id), MatchedBy::ExternalId)))
    }

    async fn create_account(&self, person: &Person) -> Result<(Account, Option<MatchedBy>), Failure> {
        Ok((account(&person.id), None))
    }

    async fn account(&self, id: &str) -> Result<Option<Account>, Failure> {
        Ok(Some(account(id)))
    }

    async fn activate_account(&self, _id: &str) -> Result<(), Failure> {
        Ok(())
    }

    async fn find_target(&self, target: &Target) -> Result<(), Failure> {
        self.group(target).await?.map(drop).ok_or_else(|| no_group(target))
    }

    async fn add(&self, account: &str, target: &Target) -> Result<Change, Failure> {
        let user = user(account)?;
        let group = self.group(target).await?.ok_or_else(|| no_group(target))?;
        let added = store::directory::add_member(&self.database, group, user, &target.role).await;
        added.map(|changed| seen(changed, !changed)).map_err(|error| broken(&error))
    }

    async fn remove(&self, account: &str, target: &Target) -> Result<Change, Failure> {
        let user = user(account)?;
        // Nobody is in a group that is not there.
        let Some(group) = self.group(target).await? else {
            return Ok(Change { done: Done::TargetGone, held_before: Some(false), confirmed: true });
        };
        let removed = store::directory::remove_member(&self.database, group, user, &target.role).await;
        removed.map(|changed| seen(changed, changed)).map_err(|error| broken(&error))
    }

    async fn holds(&self, account: &str, target: &Target) -> Result<Option<bool>, Failure> {
        let user = user(account)?;
        let group = self.group(target).await?.ok_or_else(|| no_group(target))?;
        let member = store::directory::is_member(&self.database, group, user, &target.role).await;
        member.map(Some).map_err(|error| broken(&error))
    }

    async fn check(&self) -> Result<(), Failure> {
        store::installation::ping(&self.database).await.map_err(|error| broken(&error))
    }
}
