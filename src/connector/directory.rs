//! The built-in directory: groups that are rows of Guichet itself.

use async_trait::async_trait;
use entity::delivery::DeliveryErrorCode;
use uuid::Uuid;

use super::{Connector, Done, Failure, Person, Target};
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

    /// The group and user that a call is about.
    async fn find(&self, person: &Person, target: &Target) -> Result<(Uuid, Uuid), Failure> {
        if !ROLES.contains(&target.role.as_str()) {
            let message = "A group has the roles member and owner.";
            return Err(failure(DeliveryErrorCode::RoleNotFound, message));
        }
        let user = person.id.parse::<Uuid>().map_err(|_| {
            failure(DeliveryErrorCode::PrincipalNotFound, "The person is not a user of this server.")
        })?;
        let group = store::directory::named(&self.database, self.connector, &target.resource).await;
        match group.map_err(|error| broken(&error))? {
            Some(group) => Ok((group, user)),
            None => Err(failure(
                DeliveryErrorCode::ResourceNotFound,
                &format!("There is no group \"{}\".", target.resource),
            )),
        }
    }
}

fn failure(code: DeliveryErrorCode, message: &str) -> Failure {
    Failure { code, message: message.to_owned(), remote_status: None, retry_after: None }
}

/// The database failed: its words go to the log.
fn broken(error: &StoreError) -> Failure {
    tracing::error!(error = %error, "the built-in directory could not be read or written");
    failure(DeliveryErrorCode::RemoteUnavailable, "The directory did not answer.")
}

fn done(changed: bool) -> Done {
    if changed { Done::Changed } else { Done::AlreadySo }
}

#[async_trait]
impl Connector for Directory {
    async fn add(&self, person: &Person, target: &Target) -> Result<Done, Failure> {
        let (group, user) = self.find(person, target).await?;
        store::directory::add_member(&self.database, group, user, &target.role)
            .await
            .map(done)
            .map_err(|error| broken(&error))
    }

    async fn remove(&self, person: &Person, target: &Target) -> Result<Done, Failure> {
        let (group, user) = match self.find(person, target).await {
            Ok(found) => found,
            // Nobody is in a group that is not there.
            Err(failure) if failure.code == DeliveryErrorCode::ResourceNotFound => {
                return Ok(Done::AlreadySo);
            }
            Err(failure) => return Err(failure),
        };
        store::directory::remove_member(&self.database, group, user, &target.role)
            .await
            .map(done)
            .map_err(|error| broken(&error))
    }

    async fn holds(&self, person: &Person, target: &Target) -> Result<bool, Failure> {
        let (group, user) = self.find(person, target).await?;
        store::directory::is_member(&self.database, group, user, &target.role)
            .await
            .map_err(|error| broken(&error))
    }

    async fn check(&self) -> Result<(), Failure> {
        store::installation::ping(&self.database).await.map_err(|error| broken(&error))
    }
}
