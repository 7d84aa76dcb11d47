//! Make a group.

use entity::connector::ConnectorKind;
use entity::directory_group;
use uuid::Uuid;

use crate::authz::Permit;
use crate::authz::permission::action::EditConnector;
use crate::domain::connector::{self, EVERY_TARGET};
use crate::domain::input::{self, Checks};
use crate::domain::{Attempt, Code, Command, Error, Rejection, confirm_everywhere, refusal, repeated};
use crate::id::Kind;
use crate::store::Txn;
use crate::store::audit_event::{self, Event};
use crate::store::idempotency::Key;

/// Make a group.
pub struct Create {
    /// The permit.
    pub permit: Permit<EditConnector>,
    /// The connector whose target it is; none where the id was garbage.
    pub connector: Option<Uuid>,
    /// The id that resources name it by.
    pub origin_id: String,
    /// The name.
    pub display_name: String,
    /// Makes the call repeatable.
    pub idempotency: Option<Key>,
}

impl Command for Create {
    type Output = Uuid;

    fn attempt(&self) -> Attempt {
        Attempt::with(&self.permit, self.connector.map(|id| (Kind::Connector, id)))
    }

    async fn run(&self, txn: &Txn) -> Result<Uuid, Error> {
        confirm_everywhere(txn, &self.permit).await?;
        let (actor, id) = (self.permit.actor(), txn.id());
        let connector = connector::get(txn, actor.organization, "connector", self.connector).await?;
        let mut checks = Checks::default();
        let origin_id = checks.take(input::origin("originId", &self.origin_id));
        let display_name = checks.take(input::name("displayName", &self.display_name));
        checks.refuse_if(origin_id == EVERY_TARGET, || {
            Rejection::of("originId", Code::InvalidInput, "`*` stands for all targets: choose another id.")
        });
        checks.refuse_if(connector.kind != ConnectorKind::Directory, || {
            let message = "Guichet keeps groups for `DIRECTORY` connectors only.";
            Rejection::of("connector", Code::InvalidInput, message)
        });
        checks.done()?;
        let key = self.idempotency.as_ref();
        if let Some(first) = repeated(txn, &actor, "createDirectoryGroup", key, id).await? {
            return Ok(first);
        }
        let row = directory_group::Model {
            id,
            organization_id: actor.organization,
            connector_id: connector.id,
            origin_id,
            display_name,
            created_at: txn.now(),
        };
        txn.insert(row).await.map_err(refusal::taken(|| {
            let message = "Another group of this connector has this id already.";
            Rejection::of("originId", Code::NameTaken, message)
        }))?;
        let event = Event::by(&actor, "directory_group.created", Kind::DirectoryGroup, id);
        let details = serde_json::json!({ "connector": Kind::Connector.text(connector.id) });
        audit_event::record(txn, &event.with(details)).await?;
        Ok(id)
    }
}
