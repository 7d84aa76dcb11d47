//! What a viewer may see, in the form that goes into SQL.

use entity::app_user::{self, UserKind};
use uuid::Uuid;

/// In which catalogs a permission holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Catalogs {
    /// In every catalog of the organization.
    All,
    /// In these only; sorted, and often none.
    Only(Vec<Uuid>),
}

impl Catalogs {
    /// In no catalog.
    pub const NONE: Self = Self::Only(Vec::new());

    /// Whether the permission holds in that catalog.
    #[must_use]
    pub fn contain(&self, catalog: Uuid) -> bool {
        match self {
            Self::All => true,
            Self::Only(ids) => ids.contains(&catalog),
        }
    }

    /// Whether it holds nowhere.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        matches!(self, Self::Only(ids) if ids.is_empty())
    }
}

/// Everything that reads need to know of the viewer.
#[derive(Clone, Debug)]
pub struct Scope {
    /// The organization that the call acts in; nothing crosses it.
    pub organization: Uuid,
    /// The viewer as a user, if they are one already.
    pub user: Option<Uuid>,
    /// Whether the viewer is a member, and not from outside.
    pub is_member: bool,
    /// Whether the viewer is from outside and no guest yet, or becomes one right now: policies for users do not mean
    /// them.
    pub is_newcomer: bool,
    /// The connected organization that a viewer from outside comes from, where it is known.
    pub connected: Option<Uuid>,
    /// Whose packages, resources and policies are all visible.
    pub catalogs: Catalogs,
    /// Whose resources the viewer may edit: connectors opened to them are visible.
    pub managed_catalogs: Catalogs,
    /// Whose packages the viewer manages: their signed links are visible.
    pub managed_packages: Catalogs,
    /// Whose requests, deliveries and assignments are all visible.
    pub requests: Catalogs,
    /// Whether connected organizations are visible.
    pub connected_organizations: bool,
    /// Whether all users are visible.
    pub users: bool,
    /// Whether all connectors are visible.
    pub connectors: bool,
    /// Whether all audit events are visible; those about tokens are where `tokens` is.
    pub audit: bool,
    /// Whether the mails that could not be sent are visible.
    pub mails: bool,
    /// Whether all repositories, tokens, token requests and grants are visible.
    pub tokens: bool,
    /// Whether the token requests of others wait for the viewer's decision, too.
    pub decides_tokens: bool,
}

impl Scope {
    /// What somebody sees without any role: what they may request, and what is their own.
    #[must_use]
    pub fn of_requestor(user: &app_user::Model) -> Self {
        Self {
            organization: user.organization_id,
            user: Some(user.id),
            is_member: user.kind == UserKind::Member,
            is_newcomer: false,
            connected: user.connected_organization_id,
            catalogs: Catalogs::NONE,
            managed_catalogs: Catalogs::NONE,
            managed_packages: Catalogs::NONE,
            requests: Catalogs::NONE,
            connected_organizations: false,
            users: false,
            connectors: false,
            audit: false,
            mails: false,
            tokens: false,
            decides_tokens: false,
        }
    }
}
