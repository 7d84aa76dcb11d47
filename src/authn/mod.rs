//! From a bearer token to the [`Viewer`]: who calls, in which organization, with which roles.

pub mod code_flow;
mod fetch;
pub mod issuer;
pub mod jwks;
mod outsider;
pub mod own;
pub mod sign;
pub mod verify;

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use aws_lc_rs::digest::{SHA256, digest};
use chrono::{DateTime, TimeDelta, Utc};
use entity::app_user::{self, UserKind, UserState};
use entity::organization;
use tracing::Instrument as _;
use uuid::Uuid;

use crate::authz::{Role, Viewer};
use crate::clock::Clock;
use crate::id::Kind;
use crate::store::{self, Access, Database, StoreError, Transaction, Txn};
use verify::{Rejection, Verified, Verifier};

/// How long a viewer is remembered: the bound on how late a change of roles is seen on other servers.
const REMEMBERED: TimeDelta = TimeDelta::seconds(5);
/// The most viewers that are remembered.
const MOST_REMEMBERED: usize = 10_000;
/// How old the remembered roles of a user may be before they are written again.
const ROLES_AGE: TimeDelta = TimeDelta::hours(1);

/// Why a call is not let in.
#[derive(Debug)]
pub enum Refusal {
    /// The token is not accepted, for a reason that is only told by its kind.
    Token(Rejection),
    /// The user was deactivated.
    Deactivated,
    /// The guest was blocked for holding nothing.
    Blocked,
    /// The issuer speaks for no organization, and the header names none.
    NoOrganization,
    /// The organization of the header, or of the issuer, does not exist.
    UnknownOrganization,
    /// The database did not answer.
    Broken(StoreError),
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        Self::Broken(error)
    }
}

/// Turns tokens into viewers. Clones share what is remembered.
#[derive(Clone)]
pub struct Authenticator(Arc<Inner>);

struct Inner {
    verifier: Verifier,
    database: Database,
    clock: Clock,
    remembered: Mutex<HashMap<[u8; 32], Remembered>>,
}

/// A viewer, with how long they may be remembered.
struct Remembered {
    viewer: Arc<Viewer>,
    until: DateTime<Utc>,
    epoch: u64,
}

impl Authenticator {
    /// Accepts the tokens of these issuers.
    #[must_use]
    pub fn new(verifier: Verifier, database: Database) -> Self {
        let clock = database.clock().clone();
        Self(Arc::new(Inner { verifier, database, clock, remembered: Mutex::default() }))
    }

    /// The issuer of a token that would be let in by what it says, wherever it leads.
    pub async fn check(&self, token: &str) -> Result<String, Rejection> {
        self.0.verifier.verify(token).await.map(|verified| verified.issuer)
    }

    /// The viewer of a token, in the organization that the header names, else in the token's own.
    pub async fn viewer(&self, token: &str, organization: Option<&str>) -> Result<Arc<Viewer>, Refusal> {
        let inner = &self.0;
        let mut key = digest(&SHA256, token.as_bytes()).as_ref().to_vec();
        key.extend(organization.unwrap_or_default().as_bytes());
        let hashed = digest(&SHA256, &key);
        let key: [u8; 32] = hashed.as_ref().try_into().unwrap_or_default();
        let (now, epoch) = (inner.clock.now(), inner.database.access_epoch());
        {
            let remembered = inner.remembered.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(known) = remembered.get(&key)
                && known.until > now
                && known.epoch == epoch
            {
                return Ok(Arc::clone(&known.viewer));
            }
        }
        let verified = inner.verifier.verify(token).await.map_err(Refusal::Token)?;
        let until = verified.expires_at.min(now + REMEMBERED);
        // To its end, even when the caller hangs up: the first sight of a user is written.
        let (own, organization) = (Arc::clone(inner), organization.map(str::to_owned));
        let work = async move { own.recognize(&verified, organization.as_deref()).await };
        let recognized = tokio::spawn(work.in_current_span()).await;
        let viewer = recognized.map_err(|error| StoreError::Other(error.to_string()))??;
        let viewer = Arc::new(viewer);
        let mut remembered = inner.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        if remembered.len() >= MOST_REMEMBERED {
            remembered.retain(|_, known| known.until > now && known.epoch == epoch);
        }
        if remembered.len() < MOST_REMEMBERED {
            remembered.insert(key, Remembered { viewer: Arc::clone(&viewer), until, epoch });
        }
        Ok(viewer)
    }
}

impl Inner {
    async fn recognize(&self, verified: &Verified, name: Option<&str>) -> Result<Viewer, Refusal> {
        let database = &self.database;
        if let Some(bound) = verified.bound {
            return self.signed_in_by_code(verified, bound, name).await;
        }
        let named = async |name: &str| {
            store::organization::named(database, name).await?.ok_or(Refusal::UnknownOrganization)
        };
        let own = match &verified.organization {
            Some(own) => Some(named(own).await?),
            None => None,
        };
        let organization = match (name, &own) {
            (Some(name), _) => named(name).await?,
            (None, Some(own)) => own.clone(),
            (None, None) => return Err(Refusal::NoOrganization),
        };
        let own = match own {
            Some(own) if own.id == organization.id => own,
            Some(_) | None => return self.outsider(verified, &organization).await,
        };
        let roles = Roles::of(verified);
        let user = match store::user::known(database, own.id, &verified.issuer, &verified.subject).await? {
            Some(user) => self.remember_roles(user, &roles).await?,
            None => self.admit(&own, verified, &roles).await?,
        };
        if user.state == UserState::Deactivated {
            return Err(Refusal::Deactivated);
        }
        Ok(Viewer {
            organization: own.id,
            user: Some(user.id),
            is_member: user.kind == UserKind::Member,
            outsider: None,
            roles: roles.everywhere,
            claimed: self.in_catalogs_of(own.id, roles.scoped).await?,
            assigned: store::user::catalog_roles(database, user.id).await?,
        })
    }

    /// The claimed roles that name a catalog of the organization which is still there; the others give
    /// nothing, not even the organization-wide part of what a role may see.
    async fn in_catalogs_of(
        &self,
        organization: Uuid,
        claimed: BTreeSet<(Role, Uuid)>,
    ) -> Result<BTreeSet<(Role, Uuid)>, StoreError> {
        if claimed.is_empty() {
            return Ok(claimed);
        }
        let ids: Vec<Uuid> = claimed.iter().map(|(_, catalog)| *catalog).collect();
        let found = store::catalog::find(&self.database, Access::Named(organization), &ids).await?;
        let there: BTreeSet<Uuid> =
            found.iter().filter(|catalog| catalog.deleted_at.is_none()).map(|catalog| catalog.id).collect();
        Ok(claimed.into_iter().filter(|(_, catalog)| there.contains(catalog)).collect())
    }

    /// Makes the user of an identity that is seen for the first time.
    async fn admit(
        &self,
        organization: &organization::Model,
        verified: &Verified,
        roles: &Roles,
    ) -> Result<app_user::Model, Refusal> {
        let name = verified.name.clone().unwrap_or_else(|| verified.subject.clone());
        let now = self.clock.now();
        let user = app_user::Model {
            id: self.clock.id(),
            organization_id: organization.id,
            issuer: verified.issuer.clone(),
            subject: verified.subject.clone(),
            kind: UserKind::Member,
            state: UserState::Active,
            name_key: name.to_lowercase(),
            display_name: name,
            email: verified.email.clone(),
            manager_id: None,
            claimed_roles: Some(roles.names()),
            claimed_at: Some(now),
            deactivated_at: None,
            version: 1,
            created_at: now,
            connected_organization_id: None,
            guest_end: None,
            guest_end_at: None,
            unblocked_at: None,
        };
        match self.database.write(&Admit(user.clone())).await {
            Ok(()) => Ok(user),
            Err(StoreError::Taken(_)) => {
                // Two first calls at once: the other one made the user.
                let known =
                    store::user::known(&self.database, organization.id, &verified.issuer, &verified.subject);
                Ok(known.await?.ok_or(StoreError::Other("a user that is taken is gone".to_owned()))?)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Notes the claimed roles, to address mail and find approvers, when they changed or the note is old.
    async fn remember_roles(
        &self,
        user: app_user::Model,
        roles: &Roles,
    ) -> Result<app_user::Model, StoreError> {
        let now = self.clock.now();
        let names = roles.names();
        let fresh = user.claimed_at.is_some_and(|at| now - at < ROLES_AGE);
        if !(fresh && user.claimed_roles.as_ref() == Some(&names)) && user.state == UserState::Active {
            store::user::note_claimed_roles(&self.database, user.id, names, now).await?;
        }
        Ok(user)
    }
}

struct Admit(app_user::Model);

impl Transaction for Admit {
    type Output = ();
    type Error = StoreError;

    async fn run(&self, txn: &Txn) -> Result<(), StoreError> {
        let user = &self.0;
        store::audit_event::record(
            txn,
            &store::audit_event::Event {
                organization: user.organization_id,
                actor: Some(user.id),
                action: "user.first_seen",
                target: Some((Kind::User, user.id)),
                call: None,
                details: None,
            },
        )
        .await?;
        txn.insert(user.clone()).await
    }
}

/// The roles that a token claims.
struct Roles {
    everywhere: BTreeSet<Role>,
    scoped: BTreeSet<(Role, Uuid)>,
}

impl Roles {
    fn of(verified: &Verified) -> Self {
        let mut roles = Self { everywhere: BTreeSet::new(), scoped: BTreeSet::new() };
        for claim in &verified.roles {
            let Ok(role) = claim.role.parse::<Role>() else { continue };
            match &claim.scope {
                None => {
                    roles.everywhere.insert(role);
                }
                // Only catalog roles have a scope; one that names no catalog gives nothing.
                Some(scope) if role.catalog_role().is_some() => {
                    roles.scoped.extend(Kind::Catalog.parse(scope).map(|catalog| (role, catalog)));
                }
                Some(_) => {}
            }
        }
        roles
    }

    fn names(&self) -> serde_json::Value {
        self.everywhere.iter().map(|role| role.name()).collect()
    }
}
