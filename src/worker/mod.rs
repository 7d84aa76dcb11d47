//! The worker: carries out what is due. Any number of servers can run one.

pub mod approvals;
pub mod assignments;
pub mod bulk;
pub mod deliver;
pub mod guests;
pub mod notify;
pub mod sign_in;
pub mod tokens;
pub mod webhooks;

use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::task::JoinSet;

use crate::connector::registry::Registry;
use crate::mail::Mailer;
use crate::secret::SecretKeys;
use crate::store::{Database, StoreError};

/// How long the worker rests when nothing is due and nothing is committed here; other servers'
/// commits and retries are seen after it.
const REST: Duration = Duration::from_secs(1);

/// How often a worker looks for tokens that end soon, and for guests who hold nothing any more.
const LOOK: TimeDelta = TimeDelta::minutes(1);

/// Carries out what is due.
#[derive(Clone)]
pub struct Worker(Arc<Inner>);

struct Inner {
    database: Database,
    connectors: Registry,
    post: Post,
    /// When this worker last looked for tokens that end soon.
    looked: Mutex<Option<DateTime<Utc>>>,
}

/// How mails leave.
#[derive(Clone)]
pub struct Post {
    /// What sends them; none where there is no mail server.
    pub mailer: Option<Mailer>,
    /// The address that people reach the server by: links begin with it.
    pub public_url: String,
    /// The keys that codes are sealed by.
    pub secret_keys: Arc<SecretKeys>,
}

impl Worker {
    /// A worker that does nothing yet.
    #[must_use]
    pub fn new(database: Database, connectors: Registry, post: Post) -> Self {
        Self(Arc::new(Inner { database, connectors, post, looked: Mutex::default() }))
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
        let overdue = approvals::run(&self.0.database).await?;
        let decided = bulk::run(&self.0.database).await?;
        let expired = tokens::run(&self.0.database).await?;
        let claimed = deliver::claim(&self.0.database).await?;
        let started = claimed.len();
        for claim in claimed {
            let (database, connectors) = (self.0.database.clone(), self.0.connectors.clone());
            running.spawn(async move { deliver::attempt(&database, &connectors, claim).await });
        }
        let told = self.tell().await?;
        let mails = notify::claim(&self.0.database, &self.0.post).await?;
        let mailed = mails.len();
        for mail in mails {
            let (database, post) = (self.0.database.clone(), self.0.post.clone());
            running.spawn(async move { notify::attempt(&database, &post, mail).await });
        }
        let sign_ins = sign_in::claim(&self.0.database, &self.0.post).await?;
        let answered = sign_ins.len();
        for mail in sign_ins {
            let (database, post) = (self.0.database.clone(), self.0.post.clone());
            running.spawn(async move { sign_in::attempt(&database, &post, mail).await });
        }
        let events = webhooks::claim(&self.0.database).await?;
        let sent = events.len();
        for event in events {
            let (database, connectors) = (self.0.database.clone(), self.0.connectors.clone());
            running.spawn(async move { webhooks::attempt(&database, &connectors, event).await });
        }
        Ok(moved + overdue + decided + expired + started + told + mailed + answered + sent)
    }

    /// Writes the digests that are due, tells of what ends soon, and ends guests; tells how much was moved.
    async fn tell(&self) -> Result<usize, StoreError> {
        let now = self.0.database.clock().now();
        let digests = notify::digests(&self.0.database).await?;
        if !self.looks(now) {
            return Ok(digests);
        }
        let ended = guests::run(&self.0.database).await?;
        sign_in::forget(&self.0.database).await?;
        Ok(digests + ended + notify::expiring(&self.0.database).await?)
    }

    /// Whether it is time to look for what ends soon.
    fn looks(&self, now: DateTime<Utc>) -> bool {
        let mut looked = self.0.looked.lock().unwrap_or_else(PoisonError::into_inner);
        let rests = looked.is_some_and(|last| (TimeDelta::zero()..LOOK).contains(&(now - last)));
        if !rests {
            *looked = Some(now);
        }
        !rests
    }
}
