//! Looking at the accounts of many people at a remote: outside of transactions, four calls at a time, by a deadline.

use std::sync::Arc;

use entity::connector::{self, ConnectorKind};
use entity::delivery::DeliveryErrorCode;
use futures_util::StreamExt as _;
use futures_util::stream;
use tokio::time::{Instant, timeout_at};
use uuid::Uuid;

use crate::authz::Permit;
use crate::authz::permission::action::EditConnector;
use crate::connector::registry::Registry;
use crate::connector::{CALL_DEADLINE, Connector, Failure};
use crate::domain::connector::not_found;
use crate::domain::{Code, Error, Rejection};
use crate::store::{self, Access, Database, StoreError};

/// The most people, accounts or links of one call.
pub const MOST: usize = 100;

/// How many calls to a remote are under way at once.
const AT_ONCE: usize = 4;

/// A connector at which people have accounts.
pub(super) struct Place {
    /// The connector.
    pub row: connector::Model,
    /// The system that it leads to.
    pub system: Uuid,
    /// What calls it, or why it cannot be called.
    pub live: Result<Arc<dyn Connector>, Failure>,
}

/// Refuses a selection that is empty or longer than 100.
pub(super) fn check_size(field: &str, size: usize) -> Result<(), Error> {
    match size {
        0 => Err(Rejection::of(field, Code::EmptySelection, format!("`{field}` is empty.")).into()),
        size if size > MOST => {
            let message = format!("`{field}` must hold at most {MOST}. Send the rest in further calls.");
            Err(Rejection::of(field, Code::SelectionTooLarge, message).into())
        }
        _ => Ok(()),
    }
}

/// Returns the connector if people have accounts there.
pub(super) async fn place(
    database: &Database,
    connectors: &Registry,
    permit: &Permit<EditConnector>,
    id: Option<Uuid>,
) -> Result<Place, Error> {
    let id = id.ok_or_else(|| not_found("connector"))?;
    let found = store::connector::find(database, Access::Visible(permit.scope()), &[id]).await?;
    let row = found.into_iter().next().ok_or_else(|| not_found("connector"))?;
    has_accounts(&row)?;
    let system = row.remote_system_id;
    let system =
        system.ok_or_else(|| StoreError::Unavailable("the connector leads to no system yet".into()))?;
    Ok(Place { live: connectors.get(&row), row, system })
}

/// Refuses a connector at which people have no accounts.
pub(super) fn has_accounts(row: &connector::Model) -> Result<(), Rejection> {
    match row.kind {
        ConnectorKind::Scim => Ok(()),
        ConnectorKind::Directory => {
            let message =
                "People have no accounts at a `DIRECTORY` connector. Choose one to a remote system.";
            Err(Rejection::of("connector", Code::InvalidInput, message))
        }
    }
}

/// Runs calls to a remote, four at a time, and returns their results in the same order. A call that has not ended when
/// four fifths of the time until `until` are over has failed: the rest is for writing and answering.
pub(super) async fn four_at_once<T, C>(calls: Vec<C>, until: Instant) -> Vec<Result<T, Failure>>
where
    T: Send + 'static,
    C: Future<Output = Result<T, Failure>> + Send + 'static,
{
    let count = calls.len();
    let now = Instant::now();
    let end = now + until.saturating_duration_since(now) * 4 / 5;
    let bounded = calls.into_iter().map(move |call| async move {
        let own = end.min(Instant::now() + CALL_DEADLINE);
        timeout_at(own, call).await.unwrap_or_else(|_| Err(late()))
    });
    let work = tokio::spawn(stream::iter(bounded).buffered(AT_ONCE).collect::<Vec<_>>());
    work.await.unwrap_or_else(|_| (0..count).map(|_| Err(late())).collect())
}

fn late() -> Failure {
    Failure::new(DeliveryErrorCode::RemoteTimeout, "The target system did not answer in time.")
}
