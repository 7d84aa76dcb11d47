//! The worker: carries out what is due. Any number of servers can run one.

pub mod assignments;
pub mod bulk;
pub mod deliver;
pub mod tokens;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;

use crate::connector::registry::Registry;
use crate::store::{Database, StoreError};

/// How long the worker rests when nothing is due and nothing is committed here; other servers'
/// commits and retries are seen after it.
const REST: Duration = Duration::from_secs(1);

/// Carries out what is due.
#[derive(Clone)]
pub struct Worker(Arc<Inner>);

struct Inner {
    database: Database,
    connectors: Registry,
}

impl Worker {
    /// A worker that does nothing yet.
    #[must_use]
    pub fn new(database: Database, connectors: Registry) -> Self {
        Self(Arc::new(Inner { database, connectors }))
    }

    /// Works until told to stop; what has begun is finished.
    pub async fn run(&self, stop: impl Future<Output = ()>) {
        let mut running = JoinSet::new();
        let mut stop = std::pin::pin!(stop);
        loop {
            let committed = self.0.database.committed().notified();
            if let Err(error) = self.start_due(&mut running).await {
                tracing::error!(%error, "could not take up due work");
            }
            tokio::select! {
                () = &mut stop => break,
                () = committed => {}
                () = tokio::time::sleep(REST) => {}
                Some(_) = running.join_next() => {}
            }
        }
        while running.join_next().await.is_some() {}
    }

    /// Works until nothing is due any more.
    pub async fn run_due(&self) -> Result<(), StoreError> {
        let mut running = JoinSet::new();
        loop {
            let started = self.start_due(&mut running).await?;
            if running.join_next().await.is_none() && started == 0 {
                return Ok(());
            }
        }
    }

    /// Takes up everything that is due; tells how much.
    async fn start_due(&self, running: &mut JoinSet<()>) -> Result<usize, StoreError> {
        let moved = assignments::run(&self.0.database).await?;
        let decided = bulk::run(&self.0.database).await?;
        let expired = tokens::run(&self.0.database).await?;
        let claimed = deliver::claim(&self.0.database).await?;
        let started = claimed.len();
        for claim in claimed {
            let (database, connectors) = (self.0.database.clone(), self.0.connectors.clone());
            running.spawn(async move { deliver::attempt(&database, &connectors, claim).await });
        }
        Ok(moved + decided + expired + started)
    }
}
