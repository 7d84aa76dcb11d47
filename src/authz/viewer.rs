//! The authenticated caller, and the permits that checks hand out.

use std::collections::BTreeSet;
use std::marker::PhantomData;
use std::sync::Arc;

use entity::identity_source::IdentityKind;
use uuid::Uuid;

use super::permission::{Action, Permission};
use super::role::Role;
use super::scope::{Catalogs, Scope};

/// The authenticated caller, in the organization that the call acts in.
#[derive(Clone, Debug)]
pub struct Viewer {
    /// That organization.
    pub organization: Uuid,
    /// The caller as a user; none for an outsider before their first request.
    pub user: Option<Uuid>,
    /// Whether the caller is a member of the organization.
    pub is_member: bool,
    /// Who a caller from outside is, as their issuer vouches; none for members.
    pub outsider: Option<Arc<Outsider>>,
    /// Roles that hold everywhere: directory roles, and catalog roles claimed bare.
    pub roles: BTreeSet<Role>,
    /// Catalog roles claimed for one catalog.
    pub claimed: BTreeSet<(Role, Uuid)>,
    /// Catalog roles assigned in the database.
    pub assigned: BTreeSet<(Role, Uuid)>,
}

impl Viewer {
    /// In which catalogs the viewer holds the permission.
    #[must_use]
    pub fn catalogs(&self, permission: Permission) -> Catalogs {
        // Who approves what is said by policies: the approvals themselves are asked.
        let is_own = permission == Permission::DecideRequests && self.user.is_some();
        if is_own || self.roles.iter().any(|role| role.grants(permission)) {
            return Catalogs::All;
        }
        let ids: BTreeSet<Uuid> = self
            .claimed
            .iter()
            .chain(&self.assigned)
            .filter(|(role, _)| role.grants(permission))
            .map(|(_, catalog)| *catalog)
            .collect();
        Catalogs::Only(ids.into_iter().collect())
    }

    /// Whether the viewer holds the permission anywhere in the organization.
    #[must_use]
    pub fn holds(&self, permission: Permission) -> bool {
        !self.catalogs(permission).is_empty()
    }

    /// The permit for an action, or what is missing.
    pub fn permit<A: Action>(&self, call: Uuid) -> Result<Permit<A>, Denied> {
        let catalogs = self.catalogs(A::PERMISSION);
        match self.user {
            Some(user) if !catalogs.is_empty() => Ok(Permit {
                actor: Actor { organization: self.organization, user, call },
                scope: self.scope(),
                roles: self.roles.clone(),
                claimed: self.claimed.clone(),
                action: PhantomData,
            }),
            _ => Err(Denied { permission: A::PERMISSION, action: A::NAME }),
        }
    }

    /// The organization that their first request would make known; none for those who asked before.
    #[must_use]
    pub fn proposes(&self) -> Option<&Proposal> {
        self.outsider.as_ref().filter(|_| self.user.is_none())?.proposes()
    }

    /// The viewer as an actor in their own name; none for an outsider who is not yet a user.
    #[must_use]
    pub fn actor(&self, call: Uuid) -> Option<Actor> {
        self.user.map(|user| Actor { organization: self.organization, user, call })
    }

    /// What the viewer may see.
    #[must_use]
    pub fn scope(&self) -> Scope {
        Scope {
            organization: self.organization,
            user: self.user,
            is_member: self.is_member,
            is_newcomer: !self.is_member && self.user.is_none(),
            connected: self.outsider.as_ref().and_then(|outsider| outsider.connected),
            catalogs: self.catalogs(Permission::SeeCatalogs),
            managed_catalogs: self.catalogs(Permission::ManageCatalogs),
            managed_packages: self.catalogs(Permission::ManagePackages),
            requests: self.catalogs(Permission::SeeRequests),
            connected_organizations: self.holds(Permission::SeeConnectedOrganizations),
            users: self.holds(Permission::ListUsers),
            connectors: self.holds(Permission::SeeConnectors),
            audit: self.holds(Permission::SeeAudit),
            mails: self.holds(Permission::SeeMails),
            tokens: self.holds(Permission::SeeTokens),
            decides_tokens: self.holds(Permission::ManageTokens),
        }
    }
}

/// A caller from outside, as their issuer vouches for them: what makes a guest of them at their first request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outsider {
    /// The `iss` of their token.
    pub issuer: String,
    /// Its `sub`.
    pub subject: String,
    /// The name to show.
    pub name: String,
    /// The e-mail address, where the issuer has verified it.
    pub email: Option<String>,
    /// The connected organization that they come from, where it is known.
    pub connected: Option<Uuid>,
    /// What an unknown organization would be known by; none where nothing tells of one.
    pub proposal: Option<Proposal>,
}

impl Outsider {
    /// The organization that their first request makes known: none where theirs is known, or nothing tells of one.
    #[must_use]
    pub fn proposes(&self) -> Option<&Proposal> {
        self.proposal.as_ref().filter(|_| self.connected.is_none())
    }
}

/// A connected organization that nobody has entered yet, by what it would be known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposal {
    /// The name to show.
    pub name: String,
    /// How its people are known.
    pub kind: IdentityKind,
    /// The issuer; for a domain, the one that vouched for an address of it.
    pub issuer: String,
    /// For a tenant: the claim.
    pub claim: String,
    /// For a tenant: the value of the claim; for a domain: the domain.
    pub value: String,
}

/// A user who does something in an organization.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Actor {
    /// The organization.
    pub organization: Uuid,
    /// The user.
    pub user: Uuid,
    /// The call to the server, for the audit trail.
    pub call: Uuid,
}

/// The viewer holds the permission nowhere in the organization.
#[derive(Clone, Copy, Debug)]
pub struct Denied {
    /// What is missing.
    pub permission: Permission,
    /// What was tried.
    pub action: &'static str,
}

/// Proof that the viewer held the permission somewhere when the call came in.
///
/// Only [`Viewer::permit`] makes one. Where it holds is asked again inside of the
/// command's transaction, with the role assignments as they are there.
#[derive(Clone, Debug)]
pub struct Permit<A: Action> {
    actor: Actor,
    scope: Scope,
    roles: BTreeSet<Role>,
    claimed: BTreeSet<(Role, Uuid)>,
    action: PhantomData<A>,
}

impl<A: Action> Permit<A> {
    /// Who acts.
    #[must_use]
    pub fn actor(&self) -> Actor {
        self.actor
    }

    /// What the actor may see.
    #[must_use]
    pub fn scope(&self) -> &Scope {
        &self.scope
    }

    /// In which catalogs the action is allowed, given the role assignments as they are now.
    #[must_use]
    pub fn catalogs(&self, assigned: BTreeSet<(Role, Uuid)>) -> Catalogs {
        self.catalogs_of(A::PERMISSION, assigned)
    }

    /// In which catalogs the actor holds another permission, given the role assignments as they are now: for a part
    /// of an action that not everybody may do who may do the rest.
    #[must_use]
    pub fn catalogs_of(&self, permission: Permission, assigned: BTreeSet<(Role, Uuid)>) -> Catalogs {
        let now = Viewer {
            organization: self.actor.organization,
            user: Some(self.actor.user),
            is_member: true,
            outsider: None,
            roles: self.roles.clone(),
            claimed: self.claimed.clone(),
            assigned,
        };
        now.catalogs(permission)
    }
}
