//! Change a connector.

use entity::connector::{self, AccountName, ConnectorHealth, ConnectorKind};
use uuid::Uuid;

use super::{address, get, name_taken, seal};
use crate::authz::Permit;
use crate::authz::permission::action::EditConnector;
use crate::domain::input::{self, Change, Checks};
use crate::domain::{Attempt, Code, Command, Environment, Error, Rejection, confirm_everywhere, refusal};
use crate::id::Kind;
use crate::secret::Secret;
use crate::store::audit_event::{self, Event};
use crate::store::{self, Txn};

/// What becomes of the accounts and grants that are known, when a connector leads to another address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accounts {
    /// The same system has moved: they stay.
    Keep,
    /// It is another system: accounts are looked for anew there, and nothing counts as given.
    Forget,
}

/// Change a connector; what is not given stays.
pub struct Update {
    /// The permit.
    pub permit: Permit<EditConnector>,
    /// The keys for its secret, and where it may call.
    pub environment: Environment,
    /// The connector; none where the id was garbage.
    pub id: Option<Uuid>,
    /// The version that the change is based on.
    pub version: i32,
    /// The name.
    pub display_name: Option<String>,
    /// Where the remote answers.
    pub base_url: Option<String>,
    /// The remote's credential.
    pub secret: Change<Secret>,
    /// Whether deliveries go out.
    pub enabled: Option<bool>,
    /// What a user's login name at the remote is.
    pub account_name: Option<AccountName>,
    /// Whether accounts are also looked for by their e-mail addresses.
    pub match_by_email: Option<bool>,
    /// With another base URL: whether it is the same system, with the accounts that are known.
    pub accounts: Option<Accounts>,
}

impl Command for Update {
    type Output = Uuid;

    fn attempt(&self) -> Attempt {
        Attempt::with(&self.permit, self.id.map(|id| (Kind::Connector, id)))
    }

    async fn run(&self, txn: &Txn) -> Result<Uuid, Error> {
        confirm_everywhere(txn, &self.permit).await?;
        let actor = self.permit.actor();
        let before = get(txn, actor.organization, "id", self.id).await?;
        let mut checks = Checks::default();
        let mut after = before.clone();
        if let Some(name) = &self.display_name {
            after.display_name = checks.take(input::name("displayName", name));
            after.name_key = input::key(&after.display_name);
        }
        after.enabled = self.enabled.unwrap_or(before.enabled);
        after.account_name = self.account_name.unwrap_or(before.account_name);
        after.match_by_email = self.match_by_email.unwrap_or(before.match_by_email);
        self.change_remote(&before, &mut after, &mut checks);
        checks.done()?;
        self.change_system(txn, &before, &mut after).await?;
        match &self.secret {
            Change::Keep => {}
            Change::Clear => after.secret = None,
            Change::Set(secret) => after.secret = Some(seal(&self.environment, before.id, secret)?),
        }
        let (moved, new_secret) = (before.base_url != after.base_url, before.secret != after.secret);
        if moved || new_secret {
            // What was seen of the remote was seen with the old ones.
            after.health = ConnectorHealth::Unknown;
            after.health_message = None;
            after.failures_in_row = 0;
        }
        let updated = store::connector::update(txn, &after, self.version).await;
        if !updated.map_err(refusal::taken(name_taken))? {
            return Err(refusal::conflict("connector").into());
        }
        if before.remote_system_id != after.remote_system_id {
            store::entitlement_grant::regrant_open(txn, before.id).await?;
        }
        if moved || new_secret || before.enabled != after.enabled {
            // What waits was put off because of what the remote answered before the change.
            store::delivery::wake(txn, before.id, moved).await?;
        }
        let event = Event::by(&actor, "connector.updated", Kind::Connector, before.id);
        let details = serde_json::json!({
            "enabled": { "from": before.enabled, "to": after.enabled },
            "renamed": before.display_name != after.display_name,
            "baseUrlChanged": moved,
            "secretChanged": new_secret,
            "accounts": self.accounts.filter(|_| moved).map(|accounts| match accounts {
                Accounts::Keep => "KEEP",
                Accounts::Forget => "FORGET",
            }),
        });
        audit_event::record(txn, &event.with(details)).await?;
        Ok(before.id)
    }
}

impl Update {
    /// Lets the connector lead to the system of its new address. A system that has moved takes everything along; it can
    /// only move if no other connector stays, and nothing is known at the new address yet.
    async fn change_system(
        &self,
        txn: &Txn,
        before: &connector::Model,
        after: &mut connector::Model,
    ) -> Result<(), Error> {
        if before.base_url == after.base_url {
            return Ok(());
        }
        let organization = before.organization_id;
        let address = store::remote_system::address(before.id, before.kind, after.base_url.as_deref());
        let moves = self.accounts == Some(Accounts::Keep);
        if let Some(system) = before.remote_system_id.filter(|_| moves) {
            if !store::remote_system::move_to(txn, system, before.id, &address).await? {
                let message = "Another connector leads to the old address, or something is known at the new one \
                               already: the accounts cannot be kept. Use `FORGET`.";
                return Err(Rejection::of("accounts", Code::InUse, message).into());
            }
        } else {
            let system = store::remote_system::ensure(txn, organization, &address, "").await?;
            after.remote_system_id = Some(system);
        }
        Ok(())
    }

    /// Checks address and secret.
    fn change_remote(&self, before: &connector::Model, after: &mut connector::Model, checks: &mut Checks) {
        let refuse = |field: &str, message: &str| Rejection::of(field, Code::InvalidInput, message);
        match before.kind {
            ConnectorKind::Directory => {
                checks.refuse_if(self.base_url.is_some(), || {
                    refuse("baseUrl", "A `DIRECTORY` connector has no remote: leave `baseUrl` out.")
                });
                checks.refuse_if(matches!(self.secret, Change::Set(_)), || {
                    refuse("secret", "A `DIRECTORY` connector has no remote: leave `secret` out.")
                });
            }
            ConnectorKind::Scim => {
                if let Change::Set(secret) = &self.secret {
                    checks.take(input::secret("secret", secret));
                }
                if let Some(url) = &self.base_url {
                    let allowed = self.environment.allow_private_addresses;
                    after.base_url = Some(checks.take(address::base_url("baseUrl", url, allowed)));
                }
                // Or whoever may move a connector could read its secret, at an address of their own.
                let leaks = before.base_url != after.base_url
                    && before.secret.is_some()
                    && matches!(self.secret, Change::Keep);
                checks.refuse_if(before.base_url != after.base_url && self.accounts.is_none(), || {
                    refuse(
                        "accounts",
                        "With another `baseUrl`, say whether the accounts that are known stay (`KEEP`) or not (`FORGET`).",
                    )
                });
                checks.refuse_if(leaks, || {
                    refuse(
                        "secret",
                        "With another `baseUrl`, give the `secret` again, or null: the stored one is never sent to a new address.",
                    )
                });
            }
        }
    }
}
