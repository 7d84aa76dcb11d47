//! Groups of a SCIM 2.0 server (RFC 7643, 7644): access is membership.
//!
//! A resource is a group, named by the server's own id; its one role is `member`. The server's word is not enough: after
//! a write the group is read again, and a removal that the server only says it made is sent in another form, and is a
//! failure if the member is still shown. Servers differ in what they show and which forms they take; `groups.rs` has
//! the forms, `people.rs` the ways to find an account, `remote.rs` what an answer means.

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

use self::groups::{Group, Known, Membership, Wish};
use self::remote::{Call, Remote};
use super::outgoing::TimeLimits;
use super::{Account, Change, Connector, Failure, MatchedBy, Person, Target};
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
    /// What is known of the server.
    known: Known,
}

impl Scim {
    /// Prepares the calls; no call is made yet.
    ///
    /// Fails with `CONNECTOR_MISCONFIGURED` if the base URL or the token cannot work.
    pub fn new(settings: &ScimSettings, clock: Clock) -> Result<Self, Failure> {
        let remote = Remote::new(settings, clock)?;
        Ok(Self {
            remote,
            limits: settings.limits,
            locks: std::array::from_fn(|_| Mutex::new(())),
            known: Known::default(),
        })
    }

    /// The lock of a group. Groups that share one only wait for each other.
    fn lock(&self, group: &str) -> &Mutex<()> {
        let mut hasher = DefaultHasher::new();
        group.hash(&mut hasher);
        let lock = usize::try_from(hasher.finish() % LOCKS as u64).unwrap_or_default();
        &self.locks[lock]
    }

    /// Ends a call by its deadline. A write that was cut off may have been made.
    async fn within<T>(&self, call: impl Future<Output = Result<T, Failure>> + Send) -> Result<T, Failure> {
        tokio::time::timeout(self.limits.call, call).await.unwrap_or_else(|_| {
            Err(failure(DeliveryErrorCode::RemoteTimeout, "The remote did not answer in time.").uncertain())
        })
    }

    async fn change(&self, account: &str, target: &Target, wish: Wish) -> Result<Change, Failure> {
        let membership = self.membership(account, target, wish)?;
        let _writer = self.lock(&target.resource).lock().await;
        match wish {
            Wish::Member => membership.give().await,
            Wish::NoMember => membership.take().await,
        }
    }

    fn membership<'a>(
        &'a self,
        user: &'a str,
        target: &'a Target,
        wish: Wish,
    ) -> Result<Membership<'a>, Failure> {
        check_role(target)?;
        Ok(Membership { remote: &self.remote, known: &self.known, group: &target.resource, user, wish })
    }

    async fn is_member(&self, account: &str, target: &Target) -> Result<Option<bool>, Failure> {
        let membership = self.membership(account, target, Wish::Member)?;
        let group = Group::read(&self.remote, &target.resource).await?;
        membership.shown_by(&group).await
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
    fn has_accounts(&self) -> bool {
        true
    }

    async fn find_account(&self, person: &Person) -> Result<Option<(Account, MatchedBy)>, Failure> {
        self.within(people::find(&self.remote, person)).await
    }

    async fn create_account(&self, person: &Person) -> Result<(Account, Option<MatchedBy>), Failure> {
        self.within(people::create(&self.remote, person)).await
    }

    async fn account(&self, id: &str) -> Result<Option<Account>, Failure> {
        self.within(people::read(&self.remote, id)).await
    }

    async fn activate_account(&self, id: &str) -> Result<(), Failure> {
        self.within(people::activate(&self.remote, id)).await
    }

    async fn find_target(&self, target: &Target) -> Result<(), Failure> {
        check_role(target)?;
        self.within(async { Group::read(&self.remote, &target.resource).await.map(drop) }).await
    }

    async fn add(&self, account: &str, target: &Target) -> Result<Change, Failure> {
        self.within(self.change(account, target, Wish::Member)).await
    }

    async fn remove(&self, account: &str, target: &Target) -> Result<Change, Failure> {
        self.within(self.change(account, target, Wish::NoMember)).await
    }

    async fn holds(&self, account: &str, target: &Target) -> Result<Option<bool>, Failure> {
        self.within(self.is_member(account, target)).await
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
    Failure::new(code, message)
}

/// The text of an attribute of a SCIM object. Some servers send ids as numbers.
fn text(object: &serde_json::Map<String, Value>, attribute: &str) -> Option<String> {
    match object.get(attribute)? {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::String(_) | Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}
