//! Permissions, and the actions that need them.

use serde::{Deserialize, Serialize};

/// What a role lets its holder do. The table is in [`super::role`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
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
    /// Reprocess, assign, revoke and cancel in a catalog (R4).
    ManageRequests,
    /// Decide the requests that one is an approver of. No role has it, and everybody: policies say who approves.
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

impl Permission {
    /// Every permission.
    pub const ALL: [Self; 19] = [
        Self::CreateCatalogs,
        Self::SeeConnectors,
        Self::ManageConnectors,
        Self::ManageCatalogs,
        Self::ManagePackages,
        Self::SeeCatalogs,
        Self::SeeRequests,
        Self::ManageRequests,
        Self::DecideRequests,
        Self::SeeConnectedOrganizations,
        Self::ManageConnectedOrganizations,
        Self::ListUsers,
        Self::ManageUsers,
        Self::ManageOrganization,
        Self::SeeAudit,
        Self::SeeMails,
        Self::SeeTokens,
        Self::ManageTokens,
        Self::IntrospectTokens,
    ];
}

/// Something that a command does, with the permission that it needs.
pub trait Action {
    /// The permission; the schema prints it with `@requires`.
    const PERMISSION: Permission;
    /// The name that the audit trail has for it.
    const NAME: &'static str;
}

macro_rules! actions {
    ($($(#[$doc:meta])* $name:ident needs $permission:ident as $audit:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug)]
        pub struct $name;
        impl Action for $name {
            const PERMISSION: Permission = Permission::$permission;
            const NAME: &'static str = $audit;
        }
    )*};
}

/// The actions, one for each kind of command.
pub mod action {
    use super::{Action, Permission};

    actions! {
        /// Make a catalog.
        CreateCatalog needs CreateCatalogs as "catalog.create";
        /// Change or delete a catalog.
        EditCatalog needs ManageCatalogs as "catalog.edit";
        /// Give and take roles in a catalog.
        AssignCatalogRole needs ManageCatalogs as "catalog_role.assign";
        /// Add, change and remove resources of a catalog.
        EditResource needs ManageCatalogs as "resource.edit";
        /// Make, change, delete and try connectors, and open them to catalogs.
        EditConnector needs ManageConnectors as "connector.edit";
        /// Make, change and delete packages.
        EditPackage needs ManagePackages as "access_package.edit";
        /// Make, change and delete assignment policies.
        EditPolicy needs ManagePackages as "assignment_policy.edit";
        /// Make and revoke signed links (R11).
        EditSignedLink needs ManagePackages as "signed_link.edit";
        /// Reprocess requests (R1 to R5).
        Reprocess needs ManageRequests as "access_request.reprocess";
        /// Cancel somebody else's request.
        CancelRequest needs ManageRequests as "access_request.cancel";
        /// Approve and deny access requests.
        ReviewAccessRequest needs DecideRequests as "access_request.review";
        /// Decide what waits in one's inbox.
        SubmitDecisions needs DecideRequests as "inbox.decide";
        /// Assign a package to somebody directly.
        Assign needs ManageRequests as "assignment.create";
        /// Compare assignments with the target systems, and repair them.
        ReprocessAssignment needs ManageRequests as "assignment.reprocess";
        /// Take an assignment away.
        Revoke needs ManageRequests as "assignment.revoke";
        /// Make, change and delete connected organizations.
        EditConnectedOrganization needs ManageConnectedOrganizations as "connected_organization.edit";
        /// Make, change, deactivate, reactivate and unblock users.
        EditUser needs ManageUsers as "user.edit";
        /// Approve and deny what tokens ask for.
        ReviewTokenRequest needs ManageTokens as "token_request.review";
        /// Take back what tokens were granted.
        RevokeTokenGrant needs ManageTokens as "token_grant.revoke";
        /// Change the token policy.
        EditTokenPolicy needs ManageTokens as "token_policy.edit";
        /// Make, change and delete repositories, and say who may use them.
        EditRepository needs ManageTokens as "repository.edit";
        /// Add permissions to the catalogue, and take them away.
        EditPermissionCatalog needs ManageTokens as "permission_definition.edit";
        /// Register the clients that may ask about tokens.
        EditIntrospectionClient needs ManageTokens as "introspection_client.edit";
        /// Make, change and delete webhooks, and send their events again.
        EditWebhook needs ManageTokens as "webhook.edit";
        /// Change the organization's settings.
        EditOrganization needs ManageOrganization as "organization.edit";
    }
}
