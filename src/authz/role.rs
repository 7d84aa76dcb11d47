//! The roles, and the one table from roles to permissions.

use std::str::FromStr;

use entity::catalog_role_assignment::CatalogRole;
use serde::{Deserialize, Serialize};

use super::permission::Permission;

/// A role. Directory roles hold in the whole organization; catalog roles hold in
/// every catalog when a token claims them bare, else in one catalog.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Role {
    /// May do everything but what belongs to the organization's owners.
    GlobalAdministrator,
    /// Administers catalogs, packages, requests and connectors.
    IdentityGovernanceAdministrator,
    /// Administers users, packages and requests.
    UserAdministrator,
    /// Sees everything, changes nothing.
    GlobalReader,
    /// May make catalogs, and owns those.
    CatalogCreator,
    /// Decides on the organization's tokens.
    OrganizationOwner,
    /// A resource server that asks whether a token may pass.
    ResourceServer,
    /// Everything in the catalog.
    CatalogOwner,
    /// Sees the catalog's packages, resources and policies.
    CatalogReader,
    /// Manages the catalog's packages, policies and requests.
    AccessPackageManager,
    /// Manages the catalog's requests and assignments.
    AccessPackageAssignmentManager,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 11] = [
        Self::GlobalAdministrator,
        Self::IdentityGovernanceAdministrator,
        Self::UserAdministrator,
        Self::GlobalReader,
        Self::CatalogCreator,
        Self::OrganizationOwner,
        Self::ResourceServer,
        Self::CatalogOwner,
        Self::CatalogReader,
        Self::AccessPackageManager,
        Self::AccessPackageAssignmentManager,
    ];

    /// THE table (R4, R11, R17): what each role may do.
    #[must_use]
    pub const fn permissions(self) -> &'static [Permission] {
        use Permission as P;
        match self {
            Self::GlobalAdministrator => &[
                P::CreateCatalogs,
                P::SeeConnectors,
                P::ManageConnectors,
                P::ManageCatalogs,
                P::ManagePackages,
                P::SeeCatalogs,
                P::SeeRequests,
                P::ManageRequests,
                P::SeeConnectedOrganizations,
                P::ManageConnectedOrganizations,
                P::ListUsers,
                P::ManageUsers,
                P::ManageOrganization,
                P::SeeAudit,
                P::SeeMails,
                P::SeeTokens,
            ],
            Self::IdentityGovernanceAdministrator => &[
                P::CreateCatalogs,
                P::SeeConnectors,
                P::ManageConnectors,
                P::ManageCatalogs,
                P::ManagePackages,
                P::SeeCatalogs,
                P::SeeRequests,
                P::ManageRequests,
                P::SeeConnectedOrganizations,
                P::ManageConnectedOrganizations,
                P::ListUsers,
                P::ManageOrganization,
                P::SeeAudit,
                P::SeeMails,
            ],
            Self::UserAdministrator => &[
                P::CreateCatalogs,
                P::ManagePackages,
                P::SeeCatalogs,
                P::SeeRequests,
                P::ManageRequests,
                P::SeeConnectedOrganizations,
                P::ManageConnectedOrganizations,
                P::ListUsers,
                P::ManageUsers,
            ],
            Self::GlobalReader => &[
                P::SeeConnectors,
                P::SeeCatalogs,
                P::SeeRequests,
                P::SeeConnectedOrganizations,
                P::ListUsers,
                P::SeeAudit,
                P::SeeMails,
                P::SeeTokens,
            ],
            Self::CatalogCreator => &[P::CreateCatalogs],
            Self::OrganizationOwner => &[P::ListUsers, P::SeeMails, P::SeeTokens, P::ManageTokens],
            Self::ResourceServer => &[P::IntrospectTokens],
            Self::CatalogOwner => &[
                P::ManageCatalogs,
                P::ManagePackages,
                P::SeeCatalogs,
                P::SeeRequests,
                P::ManageRequests,
                P::ListUsers,
            ],
            Self::CatalogReader => &[P::SeeCatalogs],
            Self::AccessPackageManager => {
                &[P::ManagePackages, P::SeeCatalogs, P::SeeRequests, P::ManageRequests, P::ListUsers]
            }
            Self::AccessPackageAssignmentManager => {
                &[P::SeeCatalogs, P::SeeRequests, P::ManageRequests, P::ListUsers]
            }
        }
    }

    /// Whether the role lets its holder do that.
    #[must_use]
    pub fn grants(self, permission: Permission) -> bool {
        self.permissions().contains(&permission)
    }

    /// The roles that would do, for the answer `FORBIDDEN`.
    #[must_use]
    pub fn granting(permission: Permission) -> Vec<Self> {
        Self::ALL.into_iter().filter(|role| role.grants(permission)).collect()
    }

    /// Whether the role is limited to catalogs.
    #[must_use]
    pub const fn catalog_role(self) -> Option<CatalogRole> {
        match self {
            Self::CatalogOwner => Some(CatalogRole::CatalogOwner),
            Self::CatalogReader => Some(CatalogRole::CatalogReader),
            Self::AccessPackageManager => Some(CatalogRole::AccessPackageManager),
            Self::AccessPackageAssignmentManager => Some(CatalogRole::AccessPackageAssignmentManager),
            Self::GlobalAdministrator
            | Self::IdentityGovernanceAdministrator
            | Self::UserAdministrator
            | Self::GlobalReader
            | Self::CatalogCreator
            | Self::OrganizationOwner
            | Self::ResourceServer => None,
        }
    }

    /// The name, as claims, the schema and the settings write it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::GlobalAdministrator => "GLOBAL_ADMINISTRATOR",
            Self::IdentityGovernanceAdministrator => "IDENTITY_GOVERNANCE_ADMINISTRATOR",
            Self::UserAdministrator => "USER_ADMINISTRATOR",
            Self::GlobalReader => "GLOBAL_READER",
            Self::CatalogCreator => "CATALOG_CREATOR",
            Self::OrganizationOwner => "ORGANIZATION_OWNER",
            Self::ResourceServer => "RESOURCE_SERVER",
            Self::CatalogOwner => "CATALOG_OWNER",
            Self::CatalogReader => "CATALOG_READER",
            Self::AccessPackageManager => "ACCESS_PACKAGE_MANAGER",
            Self::AccessPackageAssignmentManager => "ACCESS_PACKAGE_ASSIGNMENT_MANAGER",
        }
    }
}

impl From<CatalogRole> for Role {
    fn from(role: CatalogRole) -> Self {
        match role {
            CatalogRole::CatalogOwner => Self::CatalogOwner,
            CatalogRole::CatalogReader => Self::CatalogReader,
            CatalogRole::AccessPackageManager => Self::AccessPackageManager,
            CatalogRole::AccessPackageAssignmentManager => Self::AccessPackageAssignmentManager,
        }
    }
}

/// A name that is no role.
#[derive(Debug, thiserror::Error)]
#[error("there is no role named {0:?}")]
pub struct UnknownRole(String);

impl FromStr for Role {
    type Err = UnknownRole;

    fn from_str(name: &str) -> Result<Self, UnknownRole> {
        Self::ALL
            .into_iter()
            .find(|role| role.name().eq_ignore_ascii_case(name))
            .ok_or_else(|| UnknownRole(name.chars().take(80).collect()))
    }
}
