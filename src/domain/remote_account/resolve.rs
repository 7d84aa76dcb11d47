//! What a delivery finds out about an account is kept: it was found, is about to be created, or is gone.

use entity::remote_account::{Model, RemoteAccountOrigin as Origin, RemoteAccountState as State};
use uuid::Uuid;

use crate::connector::MatchedBy;
use crate::store::{self, StoreError, Transaction, Txn};

/// For whom, and by which delivery, an account is looked for.
#[derive(Clone, Copy, Debug)]
pub struct Seeker {
    /// The organization.
    pub organization: Uuid,
    /// The remote system.
    pub system: Uuid,
    /// The user.
    pub user: Uuid,
    /// The delivery.
    pub delivery: Uuid,
}

impl Seeker {
    fn row(self, txn: &Txn, state: State, origin: Origin) -> Model {
        Model {
            id: txn.id(),
            organization_id: self.organization,
            system_id: self.system,
            user_id: self.user,
            remote_id: None,
            user_name: None,
            state,
            origin,
            linked_by_id: None,
            delivery_id: Some(self.delivery),
            version: 1,
            created_at: txn.now(),
            updated_at: txn.now(),
        }
    }
}

/// Keeps that an account is about to be created, before the request is sent: after a crash an account that is found is
/// known to be Guichet's.
pub struct Announce {
    /// For whom.
    pub seeker: Seeker,
    /// The login name that it will have.
    pub user_name: String,
}

impl Transaction for Announce {
    type Output = ();
    type Error = StoreError;

    async fn run(&self, txn: &Txn) -> Result<(), StoreError> {
        let Seeker { system, user, .. } = self.seeker;
        if store::remote_account::lock_of_user(txn, system, user).await?.is_some() {
            return Ok(());
        }
        let row = self.seeker.row(txn, State::Creating, Origin::Created);
        txn.insert(Model { user_name: Some(self.user_name.clone()), ..row }).await
    }
}

/// Forgets an announcement: the remote certainly created nothing.
pub struct Abandon {
    /// For whom.
    pub seeker: Seeker,
}

impl Transaction for Abandon {
    type Output = ();
    type Error = StoreError;

    async fn run(&self, txn: &Txn) -> Result<(), StoreError> {
        store::remote_account::delete_announced(txn, self.seeker.system, self.seeker.user).await
    }
}

/// Links an account to its user.
pub struct Link {
    /// For whom.
    pub seeker: Seeker,
    /// The remote's own id of the account.
    pub remote_id: String,
    /// Its login name, if the remote shows it.
    pub user_name: Option<String>,
    /// What it was found by; none if Guichet has just created it.
    pub matched_by: Option<MatchedBy>,
}

/// Whose the account is.
#[derive(Clone, Debug)]
pub enum Linked {
    /// The user's.
    Account(Model),
    /// Another user's, who can still act or has access there.
    OfAnotherUser,
}

impl Transaction for Link {
    type Output = Linked;
    type Error = StoreError;

    async fn run(&self, txn: &Txn) -> Result<Linked, StoreError> {
        let Seeker { system, user, .. } = self.seeker;
        if let Some(owner) = store::remote_account::lock_owner(txn, system, &self.remote_id).await? {
            if owner.account.user_id == user {
                return Ok(Linked::Account(owner.account));
            }
            if !owner.is_free {
                return Ok(Linked::OfAnotherUser);
            }
            store::remote_account::set_state(txn, &[owner.account.id], State::Unlinked).await?;
        }
        let mine = store::remote_account::lock_of_user(txn, system, user).await?;
        let origin = match (self.matched_by, &mine) {
            (None, _) => Origin::Created,
            // It was announced, and nobody had one before.
            (Some(_), Some(announced)) if announced.state == State::Creating => Origin::Created,
            (Some(MatchedBy::ExternalId), _) => Origin::ExternalId,
            (Some(MatchedBy::UserName), _) => Origin::UserName,
            (Some(MatchedBy::Email), _) => Origin::Email,
        };
        let found = |row: Model| Model {
            remote_id: Some(self.remote_id.clone()),
            user_name: self.user_name.clone().or(row.user_name),
            state: State::Linked,
            origin,
            delivery_id: Some(self.seeker.delivery),
            updated_at: txn.now(),
            ..row
        };
        if let Some(announced) = mine {
            let account = found(announced);
            store::remote_account::update(txn, &account).await?;
            return Ok(Linked::Account(account));
        }
        let account = found(self.seeker.row(txn, State::Linked, origin));
        txn.insert(account.clone()).await?;
        Ok(Linked::Account(account))
    }
}

/// Keeps that the remote no longer has an account; what it had is gone with it.
pub struct Gone {
    /// The account.
    pub account: Uuid,
}

impl Transaction for Gone {
    type Output = ();
    type Error = StoreError;

    async fn run(&self, txn: &Txn) -> Result<(), StoreError> {
        store::remote_account::set_state(txn, &[self.account], State::Gone).await?;
        store::entitlement_grant::close_of_account(txn, self.account).await
    }
}
