//! Register a client. Its secret is told once; only a hash of it is kept.

use entity::introspection_client;
use uuid::Uuid;

use crate::authz::Permit;
use crate::authz::permission::action::EditIntrospectionClient;
use crate::domain::{Attempt, Code, Command, Error, Rejection, confirm_everywhere, input, refusal, repeated};
use crate::id::Kind;
use crate::secret::{ClientSecret, Secret};
use crate::store::audit_event::{self, Event};
use crate::store::idempotency::Key;
use crate::store::{StoreError, Txn};

/// Register a client.
pub struct Create {
    /// The permit.
    pub permit: Permit<EditIntrospectionClient>,
    /// The name.
    pub display_name: String,
    /// Makes the call safe to repeat: the client is made once, and its secret told once.
    pub idempotency: Option<Key>,
}

/// A client that was made.
pub struct Created {
    /// Its id.
    pub id: Uuid,
    /// Its secret; none where a call before has told it.
    pub secret: Option<Secret>,
}

impl Command for Create {
    type Output = Created;

    fn attempt(&self) -> Attempt {
        Attempt::with(&self.permit, None)
    }

    async fn run(&self, txn: &Txn) -> Result<Created, Error> {
        confirm_everywhere(txn, &self.permit).await?;
        let (actor, id) = (self.permit.actor(), txn.id());
        let display_name = input::name("displayName", &self.display_name)?;
        let key = self.idempotency.as_ref();
        if let Some(first) = repeated(txn, &actor, "createIntrospectionClient", key, id).await? {
            return Ok(Created { id: first, secret: None });
        }
        let made = ClientSecret::new().map_err(|error| StoreError::Other(error.to_string()))?;
        let row = introspection_client::Model {
            id,
            organization_id: actor.organization,
            name_key: input::key(&display_name),
            display_name,
            secret_hash: made.hash(),
            created_by_id: actor.user,
            created_at: txn.now(),
            deleted_at: None,
        };
        txn.insert(row).await.map_err(refusal::taken(|| {
            Rejection::of("displayName", Code::NameTaken, "Another client has this name already.")
        }))?;
        audit_event::record(
            txn,
            &Event::by(&actor, "introspection_client.created", Kind::IntrospectionClient, id),
        )
        .await?;
        Ok(Created { id, secret: Some(made.into_secret()) })
    }
}
