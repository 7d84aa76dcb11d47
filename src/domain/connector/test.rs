//! Try a connector: does the remote answer, and does it let us in?

use entity::delivery::DeliveryErrorCode;
use tokio::time::Instant;
use uuid::Uuid;

use super::{get, not_found};
use crate::authz::Permit;
use crate::authz::permission::action::EditConnector;
use crate::connector::registry::Registry;
use crate::connector::{CALL_DEADLINE, Failure};
use crate::domain::{Attempt, Command, Error, confirm_everywhere, run};
use crate::id::Kind;
use crate::store::audit_event::{self, Event};
use crate::store::{self, Access, Database, Txn};

/// What was found.
pub struct Tested {
    /// The connector.
    pub connector: Uuid,
    /// Why the remote cannot be used; none when it can.
    pub failure: Option<Failure>,
}

/// Tries a connector. The remote is called outside of any transaction; what was seen is noted after it.
pub async fn test(
    database: &Database,
    connectors: &Registry,
    permit: Permit<EditConnector>,
    id: Option<Uuid>,
    until: Instant,
) -> Result<Tested, Error> {
    let id = id.ok_or_else(|| not_found("id"))?;
    let visible = Access::Visible(permit.scope());
    let row = store::connector::find(database, visible, &[id]).await?.into_iter().next();
    let row = row.ok_or_else(|| not_found("id"))?;
    let failure = match connectors.get(&row) {
        Err(failure) => Some(failure),
        Ok(connector) => {
            // Some of the time is left to note what was seen, and to answer.
            let time = CALL_DEADLINE.min(until.saturating_duration_since(Instant::now()) * 4 / 5);
            let call = tokio::spawn(async move { tokio::time::timeout(time, connector.check()).await });
            if let Ok(Ok(checked)) = call.await {
                checked.err()
            } else {
                let message = "The target system did not answer in time.";
                Some(Failure::new(DeliveryErrorCode::RemoteTimeout, message))
            }
        }
    };
    match &failure {
        Some(failure) => store::connector::note_refusal(database, id, &failure.message).await?,
        None => store::connector::note_answer(database, id).await?,
    }
    run(database, Noted { permit, id }, until).await?;
    Ok(Tested { connector: id, failure })
}

/// Writes that a connector was tried.
struct Noted {
    permit: Permit<EditConnector>,
    id: Uuid,
}

impl Command for Noted {
    type Output = ();

    fn attempt(&self) -> Attempt {
        Attempt::with(&self.permit, Some((Kind::Connector, self.id)))
    }

    async fn run(&self, txn: &Txn) -> Result<(), Error> {
        confirm_everywhere(txn, &self.permit).await?;
        let actor = self.permit.actor();
        get(txn, actor.organization, "id", Some(self.id)).await?;
        Ok(audit_event::record(txn, &Event::by(&actor, "connector.tested", Kind::Connector, self.id)).await?)
    }
}
