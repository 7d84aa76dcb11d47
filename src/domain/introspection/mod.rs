//! Introspection: what a resource server is told of a token that somebody shows it (RFC 7662).
//!
//! It is asked for every call to a resource server, so most answers come from memory: for at most
//! [`REMEMBERED`], never past a change of this server, and never past the end of the token. Nothing is
//! written on the way: uses are collected, and noted as a set.

mod answer;
pub(in crate::domain) mod failures;
mod remembered;
mod uses;

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use uuid::Uuid;

pub use answer::{Answer, Grant, Reach, Standing};

use self::failures::Failures;
use self::remembered::Remembered;
use self::uses::Uses;
use super::access_token::secret;
use super::input;
use super::permission_catalog::Catalog;
use super::token_access::Holding;
use crate::id::Kind;
use crate::secret::is_hash_of;
use crate::store::token_access::{Repositories, Which};
use crate::store::{self, Database, StoreError};

/// How long a revocation may take on other servers, until the last resource server follows it.
pub const BOUND: TimeDelta = TimeDelta::seconds(5);
/// How long an answer is remembered here. What is left of the bound is for who asked.
const REMEMBERED: TimeDelta = TimeDelta::seconds(2);
/// How long who asked may keep an answer that was given from memory.
pub const KEPT: TimeDelta = TimeDelta::seconds(3);
/// The most repositories that an answer lists.
const MOST_REPOSITORIES: u64 = 100;
/// How long uses are collected before they are noted.
const COLLECTED: Duration = Duration::from_secs(1);

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Asker {
    /// The organization that they are told of.
    pub organization: Uuid,
    /// The client, or the user.
    pub id: Uuid,
}

/// Why there is no answer.
#[derive(Debug)]
pub enum Unanswered {
    /// Too many of the asker's tokens were not found; to be asked again after so many seconds.
    TooManyFailures(u64),
    /// The database did not answer.
    Broken(StoreError),
}

impl From<StoreError> for Unanswered {
    fn from(error: StoreError) -> Self {
        Self::Broken(error)
    }
}

/// Answers what tokens may do. Clones share what is remembered.
#[derive(Clone)]
pub struct Introspector(Arc<Inner>);

/// What an answer depends on: the organization, the SHA-256 of the secret, and the repository.
type Question = (Uuid, String, Option<String>);

struct Inner {
    database: Database,
    answers: Remembered<Question, Arc<Answer>>,
    catalogs: Remembered<Uuid, Arc<Catalog>>,
    clients: Remembered<Uuid, Option<Arc<entity::introspection_client::Model>>>,
    failures: Failures,
    uses: Uses,
}

impl Introspector {
    /// Answers from this database.
    #[must_use]
    pub fn new(database: Database) -> Self {
        Self(Arc::new(Inner {
            database,
            answers: Remembered::new(50_000),
            catalogs: Remembered::new(1_000),
            clients: Remembered::new(10_000),
            failures: Failures::default(),
            uses: Uses::default(),
        }))
    }

    /// The client that signs in with this id and secret; none for whatever is wrong about it.
    pub async fn client(&self, id: &str, secret: &str) -> Result<Option<Asker>, StoreError> {
        let inner = &*self.0;
        let Some(id) = Kind::IntrospectionClient.parse(id) else { return Ok(None) };
        let (now, epoch) = (inner.database.clock().now(), inner.database.token_epoch());
        let client = if let Some(client) = inner.clients.get(&id, now, epoch) {
            client
        } else {
            let found = store::introspection_client::signing_in(&inner.database, id).await?.map(Arc::new);
            // Whoever invents ids must not push the known ones out.
            if found.is_some() {
                inner.clients.put(id, found.clone(), now + REMEMBERED, now, epoch);
            }
            found
        };
        let is_right = |kept: &str| is_hash_of(kept, secret);
        let client = client.filter(|client| is_right(&client.secret_hash));
        Ok(client.map(|client| Asker { organization: client.organization_id, id: client.id }))
    }

    /// What a token may do in the asker's organization: with everything that it reaches, or with one repository,
    /// named by its id, its name, or its id at the resource server.
    pub async fn ask(
        &self,
        asker: Asker,
        token: &str,
        repository: Option<&str>,
    ) -> Result<Arc<Answer>, Unanswered> {
        let inner = &*self.0;
        // A text that is none of ours costs nothing: nothing is looked up.
        let Some(shown) = secret::parse(token) else { return Ok(Arc::new(Answer::Inactive)) };
        let (now, epoch) = (inner.database.clock().now(), inner.database.token_epoch());
        let question = (asker.organization, crate::secret::hash(token), repository.map(str::to_owned));
        if let Some(answer) = inner.answers.get(&question, now, epoch) {
            self.note_use(&answer);
            return Ok(answer);
        }
        if let Some(seconds) = inner.failures.wait(asker.id, now) {
            return Err(Unanswered::TooManyFailures(seconds));
        }
        let Some(holding) = self.find(asker.organization, shown.lookup, repository).await? else {
            inner.failures.note(asker.id, now);
            return Ok(Arc::new(Answer::Inactive));
        };
        if !shown.is(&holding.token.secret_hash) {
            inner.failures.note(asker.id, now);
            return Ok(Arc::new(Answer::Inactive));
        }
        let catalog = self.catalog(asker.organization).await?;
        let answer = Arc::new(Answer::of(&holding, &catalog, now, repository.is_some()));
        let longest = now + REMEMBERED;
        let end = match *answer {
            Answer::Inactive => longest,
            Answer::Active { expires_at, .. } => expires_at.map_or(longest, |end| end.min(longest)),
        };
        inner.answers.put(question, Arc::clone(&answer), end, now, epoch);
        self.note_use(&answer);
        Ok(answer)
    }

    /// Writes down which tokens were used; each at most once a minute.
    pub async fn flush(&self) -> Result<(), StoreError> {
        let inner = &*self.0;
        let now = inner.database.clock().now();
        let tokens = inner.uses.take();
        if tokens.is_empty() {
            return Ok(());
        }
        let written = store::token_access::note_uses(&inner.database, &tokens, now).await;
        if written.is_err() {
            inner.uses.forget(&tokens);
        }
        written
    }

    async fn find(
        &self,
        organization: Uuid,
        lookup: &str,
        repository: Option<&str>,
    ) -> Result<Option<Holding>, StoreError> {
        let key = repository.map(input::key).unwrap_or_default();
        let repositories = match repository {
            None => Repositories::Reached(MOST_REPOSITORIES + 1),
            Some(text) => match Kind::Repository.parse(text) {
                Some(id) => Repositories::Id(id),
                // Names hold no slash.
                None if text.contains('/') => Repositories::Origin(text),
                None => Repositories::Name(&key),
            },
        };
        let which = Which::Lookup(lookup);
        let row = store::token_access::read(&self.0.database, organization, which, repositories).await?;
        Ok(row.map(Holding::from))
    }

    async fn catalog(&self, organization: Uuid) -> Result<Arc<Catalog>, StoreError> {
        let inner = &*self.0;
        let (now, epoch) = (inner.database.clock().now(), inner.database.token_epoch());
        if let Some(catalog) = inner.catalogs.get(&organization, now, epoch) {
            return Ok(catalog);
        }
        let rows = store::permission_definition::of(&inner.database, organization).await?;
        let catalog = Arc::new(Catalog::new(rows));
        inner.catalogs.put(organization, Arc::clone(&catalog), now + REMEMBERED, now, epoch);
        Ok(catalog)
    }

    fn note_use(&self, answer: &Answer) {
        let Answer::Active { token, .. } = answer else { return };
        let is_first = self.0.uses.note(*token, self.0.database.clock().now());
        if is_first {
            let own = self.clone();
            tokio::spawn(async move {
                tokio::time::sleep(COLLECTED).await;
                if let Err(error) = own.flush().await {
                    tracing::warn!(%error, "could not note which tokens were used");
                }
            });
        }
    }
}
