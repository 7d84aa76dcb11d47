//! The worker: carries out what is due. Any number of servers can run one.

pub mod approvals;
pub mod assignments;
pub mod audit;
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
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::connector::registry::Registry;
use crate::domain::audit_chain::seal::BATCH;
use crate::mail::Mailer;
use crate::secret::SecretKeys;
use crate::store::{self, Database, StoreError};

/// How long the worker rests when nothing is due and nothing is committed here; other servers'
/// commits and retries are seen after it.
const REST: Duration = Duration::from_secs(1);

/// How long the sealer rests after it has sealed: what happens meanwhile is sealed together, and it takes no more
/// than so much of a busy database.
const GATHER: Duration = Duration::from_millis(300);

/// How often a worker looks for what ends soon, and for guests who hold nothing any more.
const LOOK: TimeDelta = TimeDelta::minutes(1);

/// How often a worker forgets what is kept for a time only.
const FORGET: TimeDelta = TimeDelta::hours(1);

/// Carries out what is due.
#[derive(Clone)]
pub struct Worker(Arc<Inner>);

struct Inner {
    database: Database,
    connectors: Registry,
    post: Post,
    /// When this worker last looked for what ends soon.
    looked: Last,
    /// When it last forgot what is kept for a time only.
    forgot: Last,
}

/// When something was last done that is done from time to time.
#[derive(Default)]
struct Last(Mutex<Option<DateTime<Utc>>>);

impl Last {
    /// Whether it is time to do it again; then it is done now.
    fn is_time(&self, now: DateTime<Utc>, every: TimeDelta) -> bool {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let rests = last.is_some_and(|last| (TimeDelta::zero()..every).contains(&(now - last)));
        if !rests {
            *last = Some(now);
        }
        !rests
    }
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
        Self(Arc::new(Inner { database, connectors, post, looked: Last::default(), forgot: Last::default() }))
    }

    /// Works until told to stop; what has begun is finished, and what happened is sealed.
    pub async fn run(&self, stop: impl Future<Output = ()>) {
        let (working, stopped) = watch::channel(());
        let work = async {
            self.carry_out(stop).await;
            drop(working);
        };
        tokio::join!(work, self.seal(stopped));
    }

    async fn carry_out(&self, stop: impl Future<Output = ()>) {
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

    /// Seals what happened until the work is over, on its own: neither waits for the other.
    async fn seal(&self, mut stopped: watch::Receiver<()>) {
        loop {
            let committed = self.0.database.committed().notified();
            let over = stopped.has_changed().is_err();
            let sealed = audit::run(&self.0.database).await.unwrap_or_else(|error| {
                tracing::error!(%error, "could not seal audit events");
                0
            });
            if u64::try_from(sealed).is_ok_and(|sealed| sealed >= BATCH) {
                continue;
            }
            if over {
                return;
            }
            tokio::select! {
                _ = stopped.changed() => continue,
                () = committed => {}
                () = tokio::time::sleep(REST) => continue,
            }
            tokio::select! {
                _ = stopped.changed() => {}
                () = tokio::time::sleep(GATHER) => {}
            }
        }
    }

    /// Works until nothing is due any more, and everything is sealed.
    pub async fn run_due(&self) -> Result<(), StoreError> {
        let mut running = JoinSet::new();
        loop {
            let started = self.start_due(&mut running).await?;
            if running.join_next().await.is_none() && started == 0 && audit::run(&self.0.database).await? == 0
            {
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
        if self.0.forgot.is_time(now, FORGET) {
            store::bulk_operation::forget_old(&self.0.database).await?;
        }
        if !self.0.looked.is_time(now, LOOK) {
            return Ok(digests);
        }
        let ended = guests::run(&self.0.database).await?;
        sign_in::forget(&self.0.database).await?;
        let tokens = notify::expiring(&self.0.database).await?;
        let failed = notify::failed_roles(&self.0.database).await?;
        Ok(digests + ended + tokens + failed + notify::ending(&self.0.database).await?)
    }
}
