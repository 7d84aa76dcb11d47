//! The worker: carries out what is due. Any number of servers can run one.

pub mod approvals;
pub mod assignments;
pub mod audit;
pub mod bulk;
pub mod deliver;
pub mod guests;
mod health;
pub mod kind;
pub mod notify;
pub mod recover;
pub mod sign_in;
pub mod tokens;
pub mod webhooks;

use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::watch;
use tokio::task::JoinSet;

use self::health::Health;
pub use self::health::KindReport;
use self::kind::Kind;
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
    health: Health,
    /// When this worker last did what is done from time to time.
    last: [Last; Kind::COUNT],
    /// When it last told how the work goes.
    told: Last,
}

/// When something was last done that is done from time to time.
#[derive(Default)]
struct Last(Mutex<Option<DateTime<Utc>>>);

impl Last {
    /// Whether it is too early to do it again. A clock that was set back is no reason to wait.
    fn rests(&self, now: DateTime<Utc>, every: TimeDelta) -> bool {
        let last = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        last.is_some_and(|last| (TimeDelta::zero()..every).contains(&(now - last)))
    }

    fn done(&self, now: DateTime<Utc>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(now);
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
        let last = std::array::from_fn(|_| Last::default());
        Self(Arc::new(Inner {
            database,
            connectors,
            post,
            health: Health::default(),
            last,
            told: Last::default(),
        }))
    }

    /// Works until told to stop; what has begun is finished, and what happened is sealed. Each kind of work runs on
    /// its own: neither its errors nor its length keep the others waiting.
    pub async fn run(&self, stop: impl Future<Output = ()>) {
        let (working, worked) = watch::channel(());
        let (stopping, stopped) = watch::channel(false);
        let mut loops = JoinSet::new();
        for kind in Kind::ALL.into_iter().filter(|kind| *kind != Kind::Sealing) {
            let (this, stopped) = (self.clone(), stopped.clone());
            loops.spawn(async move { this.carry_out(kind, stopped).await });
        }
        let work = async {
            stop.await;
            let _ = stopping.send(true);
            while let Some(ended) = loops.join_next().await {
                if let Err(error) = ended {
                    tracing::error!(%error, "a kind of work had ended");
                }
            }
            drop(working);
        };
        tokio::join!(work, self.seal(worked));
    }

    async fn carry_out(&self, kind: Kind, mut stopped: watch::Receiver<bool>) {
        let mut running = JoinSet::new();
        loop {
            let committed = self.0.database.committed().notified();
            let taken_up = self.take_up(kind, &mut running).await;
            let now = self.0.database.clock().now();
            let (pause, is_well) = match taken_up {
                Ok(_) => {
                    self.0.health.succeeded(kind, now);
                    (REST, true)
                }
                Err(error) => (self.0.health.failed(kind, now, &error), false),
            };
            if kind == Kind::Recovery && is_well {
                self.tell().await;
            }
            tokio::select! {
                _ = stopped.wait_for(|stopped| *stopped) => break,
                () = committed, if is_well && kind.is_woken_by_commits() => {}
                () = tokio::time::sleep(pause) => {}
                Some(_) = running.join_next(), if is_well => {}
            }
        }
        while running.join_next().await.is_some() {}
    }

    /// Seals what happened until the work is over, on its own: neither waits for the other.
    async fn seal(&self, mut stopped: watch::Receiver<()>) {
        loop {
            let committed = self.0.database.committed().notified();
            let over = stopped.has_changed().is_err();
            let sealed = audit::run(&self.0.database).await;
            let now = self.0.database.clock().now();
            let (sealed, rest) = match sealed {
                Ok(sealed) => {
                    self.0.health.succeeded(Kind::Sealing, now);
                    (sealed, REST)
                }
                Err(error) => (0, self.0.health.failed(Kind::Sealing, now, &error)),
            };
            if u64::try_from(sealed).is_ok_and(|sealed| sealed >= BATCH) {
                continue;
            }
            if over {
                return;
            }
            tokio::select! {
                _ = stopped.changed() => continue,
                () = committed, if rest == REST => {}
                () = tokio::time::sleep(rest) => continue,
            }
            tokio::select! {
                _ = stopped.changed() => {}
                () = tokio::time::sleep(GATHER) => {}
            }
        }
    }

    /// Works until nothing is due any more, and everything is sealed. A kind of work that fails is left alone; its
    /// error is returned when all the others are done.
    pub async fn run_due(&self) -> Result<(), StoreError> {
        let mut running = JoinSet::new();
        let (mut failed, mut first_error) = (Vec::new(), None);
        loop {
            let mut started = 0;
            for kind in Kind::ALL.into_iter().filter(|kind| *kind != Kind::Sealing) {
                if failed.contains(&kind) {
                    continue;
                }
                match self.take_up(kind, &mut running).await {
                    Ok(taken_up) => started += taken_up,
                    Err(error) => {
                        failed.push(kind);
                        first_error.get_or_insert(error);
                    }
                }
            }
            if running.join_next().await.is_some() || started > 0 {
                continue;
            }
            match audit::run(&self.0.database).await {
                Ok(0) => return first_error.map_or(Ok(()), Err),
                Ok(_) => {}
                Err(error) => return Err(first_error.unwrap_or(error)),
            }
        }
    }

    /// Takes up what is due of a kind; returns how much.
    async fn take_up(&self, kind: Kind, running: &mut JoinSet<()>) -> Result<usize, StoreError> {
        let Inner { database, connectors, post, .. } = &*self.0;
        match kind {
            Kind::Assignments => assignments::run(database).await,
            Kind::Approvals => approvals::run(database).await,
            Kind::BulkOperations => bulk::run(database).await,
            Kind::Tokens => tokens::run(database).await,
            Kind::Digests => notify::digests(database).await,
            Kind::Sealing => audit::run(database).await,
            Kind::Recovery | Kind::Purge | Kind::Guests | Kind::Notices => self.at_intervals(kind).await,
            Kind::Deliveries => {
                let claimed = deliver::claim(database).await?;
                let count = claimed.len();
                for claim in claimed {
                    let (database, connectors) = (database.clone(), connectors.clone());
                    running.spawn(async move { deliver::attempt(&database, &connectors, claim).await });
                }
                Ok(count)
            }
            Kind::Mails => {
                let claimed = notify::claim(database, post).await?;
                let count = claimed.len();
                for mail in claimed {
                    let (database, post) = (database.clone(), post.clone());
                    running.spawn(async move { notify::attempt(&database, &post, mail).await });
                }
                Ok(count)
            }
            Kind::SignInCodes => {
                let claimed = sign_in::claim(database, post).await?;
                let count = claimed.len();
                for mail in claimed {
                    let (database, post) = (database.clone(), post.clone());
                    running.spawn(async move { sign_in::attempt(&database, &post, mail).await });
                }
                Ok(count)
            }
            Kind::Webhooks => {
                let claimed = webhooks::claim(database).await?;
                let count = claimed.len();
                for event in claimed {
                    let (database, connectors) = (database.clone(), connectors.clone());
                    running.spawn(async move { webhooks::attempt(&database, &connectors, event).await });
                }
                Ok(count)
            }
        }
    }

    /// Does what is done each minute or hour, if it is time; returns how much was moved.
    async fn at_intervals(&self, kind: Kind) -> Result<usize, StoreError> {
        let database = &self.0.database;
        let (now, last) = (database.clock().now(), &self.0.last[kind as usize]);
        if last.rests(now, if kind == Kind::Purge { FORGET } else { LOOK }) {
            return Ok(0);
        }
        let moved = match kind {
            Kind::Recovery => recover::run(database).await?,
            Kind::Purge => {
                store::bulk_operation::forget_old(database).await?;
                0
            }
            Kind::Guests => {
                let ended = guests::run(database).await?;
                sign_in::forget(database).await?;
                ended
            }
            Kind::Notices => {
                let tokens = notify::expiring(database).await?;
                let failed = notify::failed_roles(database).await?;
                tokens + failed + notify::ending(database).await?
            }
            Kind::Assignments
            | Kind::Approvals
            | Kind::BulkOperations
            | Kind::Tokens
            | Kind::Deliveries
            | Kind::Digests
            | Kind::Mails
            | Kind::SignInCodes
            | Kind::Webhooks
            | Kind::Sealing => 0,
        };
        last.done(now);
        Ok(moved)
    }

    /// What is told of each kind of work.
    pub async fn report(&self) -> Result<Vec<KindReport>, StoreError> {
        let mut report = Vec::with_capacity(Kind::COUNT);
        for kind in Kind::ALL {
            let waiting = kind.waiting(&self.0.database).await?;
            report.push(KindReport::new(kind, self.0.health.of(kind), waiting));
        }
        Ok(report)
    }

    /// Notes once a minute in the database which kinds of work succeed, for `guichet doctor`, and logs what has been
    /// due for longer than it should.
    async fn tell(&self) {
        let database = &self.0.database;
        let (now, last) = (database.clock().now(), &self.0.told);
        if last.rests(now, LOOK) {
            return;
        }
        last.done(now);
        let told = async {
            let report = self.report().await?;
            for kind in &report {
                let age = kind.oldest_due_at.map(|due| (now - due).num_seconds());
                if let Some(age) = age.filter(|age| *age >= LOOK.num_seconds()) {
                    let last_success = kind.last_succeeded_at.map(|at| at.to_rfc3339());
                    tracing::warn!(kind = kind.kind, due = kind.due, age, last_success, "work waits");
                }
            }
            let succeeded = report.iter().filter_map(|kind| Some((kind.kind, kind.last_succeeded_at?)));
            store::installation::note_successes(database, succeeded.collect()).await
        };
        if let Err(error) = told.await {
            tracing::warn!(%error, "could not note how the work goes");
        }
    }
}
