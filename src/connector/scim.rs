//! Groups of a SCIM 2.0 server (RFC 7643, 7644): access is membership.
//!
//! A resource is a group, named by the server's own id; its one role is
//! `member`. A person is the user whose `externalId` is Guichet's id, else the
//! user whose `userName` is the e-mail address (the subject where there is
//! none); giving access creates the user where neither is found. The group is
//! read before each write, because some servers list a member twice when told
//! twice, and after a write whose answer is not known.

mod groups;
mod people;
mod remote;
pub(super) mod retry_after;

use std::hash::{DefaultHasher, Hash, Hasher};

use async_trait::async_trait;
use entity::delivery::DeliveryErrorCode;
use reqwest::Method;
use serde_json::Value;
use tokio::sync::Mutex;

use self::groups::{Group, Membership, Wish};
use self::remote::{Call, Remote};
use super::outgoing::TimeLimits;
use super::{Connector, Done, Failure, Person, Target};
use crate::clock::Clock;
use crate::secret::Secret;

/// The one role of a SCIM group (RFC 7643 §4.2).
const MEMBER: &str = "member";

/// How many locks the groups of a server share.
const LOCKS: usize = 32;

/// How a SCIM server is reached.
#[derive(Clone, Debug)]
pub struct ScimSettings {
    /// The base URL, for example `https://scim.example/v2`; `/Users` and `/Groups` are below it.
    pub base_url: String,
    /// The bearer token (RFC 6750).
    pub token: Secret,
    /// Whether the server may be in the operator's own network, and may then speak plain HTTP.
    pub allow_private_addresses: bool,
    /// How long things may take.
    pub limits: TimeLimits,
}

/// A connector to one SCIM server.
pub struct Scim {
    remote: Remote,
    limits: TimeLimits,
    /// One writer a group: two writers that read at once would both add.
    locks: [Mutex<()>; LOCKS],
}

impl Scim {
    /// Prepares the calls; no call is made yet.
    ///
    /// Fails with `CONNECTOR_MISCONFIGURED` where the base URL or the token cannot work.
    pub fn new(settings: &ScimSettings, clock: Clock) -> Result<Self, Failure> {
        let remote = Remote::new(settings, clock)?;
        Ok(Self { remote, limits: settings.limits, locks: std::array::from_fn(|_| Mutex::new(())) })
    }

    /// The lock of a group. Groups that share one only wait for each other.
    fn lock(&self, group: &str) -> &Mutex<()> {
        let mut hasher = DefaultHasher::new();
        group.hash(&mut hasher);
        let lock = usize::try_from(hasher.finish() % LOCKS as u64).unwrap_or_default();
        &self.locks[lock]
    }

    /// Ends a call by its deadline.
    async fn within<T>(&self, call: impl Future<Output = Result<T, Failure>> + Send) -> Result<T, Failure> {
        tokio::time::timeout(self.limits.call, call).await.unwrap_or_else(|_| {
            Err(failure(DeliveryErrorCode::RemoteTimeout, "The remote did not answer in time."))
        })
    }

    async fn give(&self, person: &Person, target: &Target) -> Result<Done, Failure> {
        check_role(target)?;
        let _writer = self.lock(&target.resource).lock().await;
        // The group first: nobody is created for a group that does not exist.
        let group = Group::read(&self.remote, &target.resource).await?;
        let user = people::find_or_create(&self.remote, person).await?;
        self.membership(target, &user, Wish::Member).fulfil(Some(group)).await
    }

    async fn take(&self, person: &Person, target: &Target) -> Result<Done, Failure> {
        check_role(target)?;
        let _writer = self.lock(&target.resource).lock().await;
        match people::find(&self.remote, person).await? {
            Some(user) => self.membership(target, &user, Wish::NoMember).fulfil(None).await,
            None => Ok(Done::AlreadySo),
        }
    }

    async fn is_member(&self, person: &Person, target: &Target) -> Result<bool, Failure> {
        check_role(target)?;
        let group = Group::read(&self.remote, &target.resource).await?;
        let user = people::find(&self.remote, person).await?;
        Ok(user.is_some_and(|user| self.membership(target, &user, Wish::Member).is_met(&group)))
    }

    fn membership<'a>(&'a self, target: &'a Target, user: &'a str, wish: Wish) -> Membership<'a> {
        Membership { remote: &self.remote, group: &target.resource, user, wish }
    }

    async fn look(&self) -> Result<(), Failure> {
        let config = self.remote.answer(Call::new(Method::GET, &["ServiceProviderConfig"])).await?;
        if config.status.as_u16() != 404 {
            self.remote.scim_object(&config)?;
        }
        // Some servers show their configuration to anybody; only a read of people proves the token.
        let users = self
            .remote
            .answer(Call { query: &[("count", "1")], ..Call::new(Method::GET, &["Users"]) })
            .await?;
        match (config.status.as_u16(), users.status.as_u16()) {
            // The server wants a filter, or has no list of people: but it let us in.
            (200..=299, 400 | 404 | 405 | 501) => Ok(()),
            _ => self.remote.scim_object(&users).map(drop),
        }
    }
}

#[async_trait]
impl Connector for Scim {
    async fn add(&self, person: &Person, target: &Target) -> Result<Done, Failure> {
        self.within(self.give(person, target)).await
    }

    async fn remove(&self, person: &Person, target: &Target) -> Result<Done, Failure> {
        self.within(self.take(person, target)).await
    }

    async fn holds(&self, person: &Person, target: &Target) -> Result<bool, Failure> {
        self.within(self.is_member(person, target)).await
    }

    async fn check(&self) -> Result<(), Failure> {
        self.within(self.look()).await
    }
}

fn check_role(target: &Target) -> Result<(), Failure> {
    if target.role == MEMBER {
        return Ok(());
    }
    Err(failure(DeliveryErrorCode::RoleNotFound, "A SCIM group has the role member and no other."))
}

/// A failure in our own words.
fn failure(code: DeliveryErrorCode, message: &str) -> Failure {
    Failure { code, message: message.to_owned(), remote_status: None, retry_after: None }
}

/// The text of an attribute of a SCIM object.
fn text<'a>(object: &'a serde_json::Map<String, Value>, attribute: &str) -> Option<&'a str> {
    object.get(attribute).and_then(Value::as_str).filter(|text| !text.is_empty())
}
