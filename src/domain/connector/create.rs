//! Make a connector. It serves no catalog until it is opened to one.

use entity::connector::{self, AccountName, ConnectorHealth, ConnectorKind};
use uuid::Uuid;

use super::{address, name_taken, seal};
use crate::authz::Permit;
use crate::authz::permission::action::EditConnector;
use crate::domain::input::{self, Checks};
use crate::domain::{
    Attempt, Code, Command, Environment, Error, Rejection, confirm_everywhere, refusal, repeated,
};
use crate::id::Kind;
use crate::secret::Secret;
use crate::store::audit_event::{self, Event};
use crate::store::idempotency::Key;
use crate::store::{self, Txn};

/// Make a connector.
pub struct Create {
    /// The permit.
    pub permit: Permit<EditConnector>,
    /// The keys for its secret, and where it may call.
    pub environment: Environment,
    /// Which protocol it speaks.
    pub kind: ConnectorKind,
    /// The name.
    pub display_name: String,
    /// Where the remote answers.
    pub base_url: Option<String>,
    /// The remote's credential.
    pub secret: Option<Secret>,
    /// Whether deliveries go out.
    pub enabled: bool,
    /// What a user's login name at the remote is.
    pub account_name: AccountName,
    /// Whether accounts are also looked for by their e-mail addresses.
    pub match_by_email: bool,
    /// Makes the call repeatable.
    pub idempotency: Option<Key>,
}

impl Command for Create {
    type Output = Uuid;

    fn attempt(&self) -> Attempt {
        Attempt::with(&self.permit, None)
    }

    async fn run(&self, txn: &Txn) -> Result<Uuid, Error> {
        confirm_everywhere(txn, &self.permit).await?;
        let (actor, id) = (self.permit.actor(), txn.id());
        let mut checks = Checks::default();
        let display_name = checks.take(input::name("displayName", &self.display_name));
        let base_url = self.check_remote(&mut checks);
        checks.done()?;
        if let Some(first) = repeated(txn, &actor, "createConnector", self.idempotency.as_ref(), id).await? {
            return Ok(first);
        }
        let address = store::remote_system::address(id, self.kind, base_url.as_deref());
        let system = store::remote_system::ensure(txn, actor.organization, &address, "").await?;
        let secret = self.secret.as_ref().map(|secret| seal(&self.environment, id, secret)).transpose()?;
        let row = connector::Model {
            id,
            organization_id: actor.organization,
            kind: self.kind,
            name_key: input::key(&display_name),
            display_name,
            base_url,
            secret,
            enabled: self.enabled,
            health: ConnectorHealth::Unknown,
            health_message: None,
            health_checked_at: None,
            failures_in_row: 0,
            version: 1,
            created_at: txn.now(),
            deleted_at: None,
            remote_system_id: Some(system),
            account_name: self.account_name,
            match_by_email: self.match_by_email,
        };
        txn.insert(row).await.map_err(refusal::taken(name_taken))?;
        let event = Event::by(&actor, "connector.created", Kind::Connector, id);
        audit_event::record(txn, &event.with(serde_json::json!({ "enabled": self.enabled }))).await?;
        Ok(id)
    }
}

impl Create {
    /// Checks address and secret; gives the address as it is kept.
    fn check_remote(&self, checks: &mut Checks) -> Option<String> {
        let refuse = |field: &str, message: &str| Rejection::of(field, Code::InvalidInput, message);
        match self.kind {
            ConnectorKind::Directory => {
                checks.refuse_if(self.base_url.is_some(), || {
                    refuse("baseUrl", "A `DIRECTORY` connector has no remote: leave `baseUrl` out.")
                });
                checks.refuse_if(self.secret.is_some(), || {
                    refuse("secret", "A `DIRECTORY` connector has no remote: leave `secret` out.")
                });
                None
            }
            ConnectorKind::Scim => {
                if let Some(secret) = &self.secret {
                    checks.take(input::secret("secret", secret));
                }
                let allowed = self.environment.allow_private_addresses;
                let Some(url) = &self.base_url else {
                    checks.refuse_if(true, || refuse("baseUrl", "A `SCIM` connector needs `baseUrl`."));
                    return None;
                };
                Some(checks.take(address::base_url("baseUrl", url, allowed)))
            }
        }
    }
}
