//! The account of a user at a remote: the one that is known, else one that is found, else a new one.

use std::sync::Arc;

use entity::delivery::DeliveryErrorCode;
use entity::remote_account::{Model, RemoteAccountOrigin, RemoteAccountState};
use uuid::Uuid;

use super::broken;
use crate::connector::{Account, Connector, Failure, MatchedBy, Person, Target};
use crate::domain::remote_account::person::person;
use crate::domain::remote_account::resolve::Seeker;
use crate::domain::remote_account::{Abandon, Announce, Gone, Link, Linked};
use crate::store::Database;
use crate::store::delivery::Claimed;

/// Finds the account that a delivery concerns, and keeps what it finds.
pub(super) struct Resolver<'a> {
    pub database: &'a Database,
    pub connector: &'a Arc<dyn Connector>,
    pub claimed: &'a Claimed,
}

/// An account that a delivery may write.
pub(super) struct Resolved {
    /// The remote's own id of it.
    pub id: String,
    /// What is kept of it; none if the remote knows users by their Guichet ids.
    pub row: Option<Uuid>,
    /// Whether Guichet created it for this delivery, or within the last 15 minutes: parts of the remote may not know
    /// it yet.
    pub is_new: bool,
}

impl Resolver<'_> {
    /// Returns the account to give access to. One that is switched off is switched on if Guichet created it.
    pub async fn to_give(&self, target: &Target) -> Result<Resolved, Failure> {
        if !self.connector.has_accounts() {
            return Ok(self.user_itself());
        }
        if let Some((kept, remote_id)) = self.linked()
            && let Some(found) = self.see(kept, remote_id).await?
        {
            self.activate(kept.origin, &found).await?;
            return Ok(self.resolved(kept, found.id));
        }
        let person = self.person();
        let (found, kept) = if let Some((found, by)) = self.connector.find_account(&person).await? {
            let kept = self.link(&found, Some(by)).await?;
            (found, kept)
        } else {
            // Nobody gets an account for a target that is not there.
            self.connector.find_target(target).await?;
            self.create(&person).await?
        };
        self.activate(kept.origin, &found).await?;
        Ok(self.resolved(&kept, found.id))
    }

    /// Returns the account to take access from: the one that was given it, whatever the user is called by now.
    pub async fn to_take(&self) -> Result<Resolved, Failure> {
        if !self.connector.has_accounts() {
            return Ok(self.user_itself());
        }
        let given_to = self.claimed.given_to.as_ref().and_then(with_remote_id);
        if let Some((kept, remote_id)) = given_to.or_else(|| self.linked()) {
            return Ok(self.resolved(kept, remote_id.to_owned()));
        }
        let found = self.connector.find_account(&self.person()).await?;
        let (found, by) = found.ok_or_else(|| {
            let message = "The remote has no account that matches the person, and none is known from before.";
            Failure::new(DeliveryErrorCode::AccountNotFound, message)
        })?;
        let kept = self.link(&found, Some(by)).await?;
        Ok(self.resolved(&kept, found.id))
    }

    /// Returns the id of the account if there is one; keeps and changes nothing.
    pub async fn known(&self) -> Result<Option<String>, Failure> {
        if !self.connector.has_accounts() {
            return Ok(Some(self.user_itself().id));
        }
        if let Some((_, remote_id)) = self.linked() {
            return Ok(Some(remote_id.to_owned()));
        }
        Ok(self.connector.find_account(&self.person()).await?.map(|(found, _)| found.id))
    }

    fn user_itself(&self) -> Resolved {
        Resolved { id: self.claimed.user.id.to_string(), row: None, is_new: false }
    }

    fn linked(&self) -> Option<(&Model, &str)> {
        self.claimed.account.as_ref().and_then(with_remote_id)
    }

    fn resolved(&self, kept: &Model, id: String) -> Resolved {
        let age = self.database.clock().now() - kept.created_at;
        let is_new = kept.origin == RemoteAccountOrigin::Created
            && (kept.delivery_id == Some(self.claimed.delivery.id) || age < chrono::TimeDelta::minutes(15));
        Resolved { id, row: Some(kept.id), is_new }
    }

    /// Looks at an account that is kept; one that the remote no longer has is closed.
    async fn see(&self, kept: &Model, remote_id: &str) -> Result<Option<Account>, Failure> {
        let seen = self.connector.account(remote_id).await?;
        if seen.is_none() {
            self.database.write(&Gone { account: kept.id }).await.map_err(|error| broken(&error))?;
        }
        Ok(seen)
    }

    async fn activate(&self, origin: RemoteAccountOrigin, account: &Account) -> Result<(), Failure> {
        if account.active {
            return Ok(());
        }
        if origin == RemoteAccountOrigin::Created {
            return self.connector.activate_account(&account.id).await;
        }
        let message =
            "The person's account at the remote is switched off. Have it switched on there, then reprocess.";
        Err(Failure::new(DeliveryErrorCode::AccountInactive, message))
    }

    /// Creates the account. That it is about to be created is kept first, so that it is known after a crash.
    async fn create(&self, person: &Person) -> Result<(Account, Model), Failure> {
        let announce = Announce { seeker: self.seeker()?, user_name: person.user_name.clone() };
        self.database.write(&announce).await.map_err(|error| broken(&error))?;
        let created = self.connector.create_account(person).await;
        if let Err(failure) = &created
            && !failure.uncertain
        {
            let abandon = Abandon { seeker: self.seeker()? };
            self.database.write(&abandon).await.map_err(|error| broken(&error))?;
        }
        let (account, by) = created.map_err(|failure| Failure { uncertain: false, ..failure })?;
        if by.is_some() {
            let abandon = Abandon { seeker: self.seeker()? };
            self.database.write(&abandon).await.map_err(|error| broken(&error))?;
        }
        let kept = self.link(&account, by).await?;
        Ok((account, kept))
    }

    async fn link(&self, account: &Account, matched_by: Option<MatchedBy>) -> Result<Model, Failure> {
        let link = Link {
            seeker: self.seeker()?,
            remote_id: account.id.clone(),
            user_name: account.user_name.clone(),
            matched_by,
        };
        match self.database.write(&link).await.map_err(|error| broken(&error))? {
            Linked::Account(kept) => Ok(kept),
            Linked::OfAnotherUser => {
                let message = "The account that matches the person is another user's.";
                Err(Failure::new(DeliveryErrorCode::AccountAlreadyLinked, message))
            }
        }
    }

    fn seeker(&self) -> Result<Seeker, Failure> {
        let system = self.claimed.connector.remote_system_id.ok_or_else(|| {
            Failure::new(DeliveryErrorCode::ConnectorMisconfigured, "The connector leads to no system.")
        })?;
        Ok(Seeker {
            organization: self.claimed.delivery.organization_id,
            system,
            user: self.claimed.user.id,
            delivery: self.claimed.delivery.id,
        })
    }

    fn person(&self) -> Person {
        person(&self.claimed.user, &self.claimed.connector, self.claimed.address_counts)
    }
}

fn with_remote_id(account: &Model) -> Option<(&Model, &str)> {
    let remote_id = account.remote_id.as_deref()?;
    (account.state == RemoteAccountState::Linked).then_some((account, remote_id))
}
