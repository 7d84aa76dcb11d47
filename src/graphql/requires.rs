//! The permission of a field, printed in the schema by the constant that checks it.

#![expect(missing_docs, reason = "the directive macro makes undocumented items")]

use async_graphql::{Enum, TypeDirective};

use crate::authz;

/// The permission that a field or mutation needs. Roles hold permissions as the
/// table in the documentation says; without it a mutation answers `FORBIDDEN`, and
/// a list holds only what one may see without it.
#[TypeDirective(location = "FieldDefinition")]
pub fn requires(permission: Permission) {}

/// What a role lets its holder do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "authz::Permission")]
pub enum Permission {
    /// Make catalogs; the maker becomes the owner.
    CreateCatalogs,
    /// See the connectors and the groups kept inside Guichet.
    SeeConnectors,
    /// Make and change connectors, and open them to catalogs.
    ManageConnectors,
    /// Edit a catalog, its role assignments and its resources.
    ManageCatalogs,
    /// Manage the packages of a catalog and their policies.
    ManagePackages,
    /// See all packages, resources and policies of a catalog.
    SeeCatalogs,
    /// See the requests of a catalog, their deliveries and the assignments.
    SeeRequests,
    /// Reprocess, assign, revoke and cancel in a catalog.
    ManageRequests,
    /// Decide the requests that you are an approver of. It is no role's: policies say who approves.
    DecideRequests,
    /// See the connected organizations, what they are known by, and their sponsors.
    SeeConnectedOrganizations,
    /// Make, change and delete connected organizations.
    ManageConnectedOrganizations,
    /// See the organization's users.
    ListUsers,
    /// Make, change, deactivate, reactivate and unblock users.
    ManageUsers,
    /// Change the organization's settings.
    ManageOrganization,
    /// See the audit events.
    SeeAudit,
    /// See which mails could not be sent, and why.
    SeeMails,
    /// See all repositories, tokens, token requests and grants, and who may ask about tokens.
    SeeTokens,
    /// Manage token policy, repositories, introspection clients and webhooks; review and revoke.
    ManageTokens,
    /// Ask what the tokens of others may do, by `POST /oauth2/introspect`.
    IntrospectTokens,
}
