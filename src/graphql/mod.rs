//! The schema: one file a noun, with its type, inputs, queries and mutations.

pub mod access_package;
pub mod access_request;
pub mod access_token;
pub mod api;
pub mod approval;
pub mod assignment;
pub mod assignment_policy;
pub mod audit_event;
pub mod bulk_operation;
pub mod catalog;
pub mod connected_organization;
pub mod connection;
pub mod connector;
pub mod delivery;
pub mod directory_group;
pub mod entitlement_grant;
pub mod error;
pub mod guest_step;
pub mod id;
pub mod inbox;
pub mod introspection_client;
pub mod loader;
pub mod node;
pub mod notification;
pub mod organization;
pub mod permission_catalog;
pub mod remote_account;
pub mod remote_system;
pub mod repository;
pub mod requires;
pub mod resolve;
pub mod resource;
pub mod scalar;
pub mod share_link;
pub mod signed_link;
pub mod text;
pub mod token_access;
pub mod token_grant;
pub mod token_policy;
pub mod token_reach;
pub mod token_request;
pub mod user;
pub mod viewer;
pub mod webhook;

use async_graphql::{EmptySubscription, MergedObject, SDLExportOptions};

/// Reading: everything acts in one organization, see `organization`.
#[derive(MergedObject, Default)]
pub struct Query(
    access_package::AccessPackageQuery,
    access_request::AccessRequestQuery,
    assignment::AssignmentQuery,
    audit_event::AuditEventQuery,
    bulk_operation::BulkOperationQuery,
    catalog::CatalogQuery,
    connected_organization::ConnectedOrganizationQuery,
    connector::ConnectorQuery,
    guest_step::GuestStepQuery,
    introspection_client::IntrospectionClientQuery,
    node::NodeQuery,
    notification::failed_mail::FailedMailQuery,
    organization::OrganizationQuery,
    token_access::TokenAccessQuery,
    token_grant::TokenGrantQuery,
    token_request::TokenRequestQuery,
    permission_catalog::PermissionCatalogQuery,
    repository::RepositoryQuery,
    share_link::ShareLinkQuery,
    user::UserQuery,
    viewer::ViewerQuery,
    webhook::WebhookQuery,
);

/// Changes of packages, requests and access, and of what they are delivered to.
#[derive(MergedObject, Default)]
pub struct AccessMutation(
    access_request::mutation::AccessRequestMutation,
    approval::mutation::ApprovalMutation,
    assignment::mutation::AssignmentMutation,
    assignment::bulk::AssignmentBulkMutation,
    assignment_policy::mutation::AssignmentPolicyMutation,
    catalog::CatalogMutation,
    access_package::mutation::AccessPackageMutation,
    catalog::role::CatalogRoleMutation,
    connected_organization::mutation::ConnectedOrganizationMutation,
    connector::mutation::ConnectorMutation,
    delivery::mutation::DeliveryMutation,
    directory_group::DirectoryGroupMutation,
    inbox::mutation::InboxMutation,
    remote_account::mutation::RemoteAccountMutation,
    resource::mutation::ResourceMutation,
    signed_link::SignedLinkMutation,
);

/// Changes of people, settings, tokens and what tells of them.
#[derive(MergedObject, Default)]
pub struct OtherMutation(
    access_token::mutation::AccessTokenMutation,
    introspection_client::IntrospectionClientMutation,
    notification::mutation::NotificationMutation,
    organization::OrganizationMutation,
    permission_catalog::PermissionCatalogMutation,
    repository::mutation::RepositoryMutation,
    token_grant::mutation::TokenGrantMutation,
    token_request::mutation::TokenRequestMutation,
    token_policy::TokenPolicyMutation,
    user::mutation::UserMutation,
    webhook::mutation::WebhookMutation,
);

/// Changing: each mutation is one business action, with one input and one payload.
#[derive(MergedObject, Default)]
pub struct Mutation(AccessMutation, OtherMutation);

/// How deep the library follows a document; the handler has refused before what is nested as deep.
const NESTED: usize = 128;

/// The executable schema.
pub type Schema = async_graphql::Schema<Query, Mutation, EmptySubscription>;

/// Builds the schema. It holds no connection: each operation brings its [`api::Api`].
#[must_use]
pub fn schema() -> Schema {
    Schema::build(Query::default(), Mutation::default(), EmptySubscription)
        .limit_recursive_depth(NESTED)
        .finish()
}

/// The schema in its own language, sorted: what `schema.graphql` holds.
#[must_use]
pub fn sdl() -> String {
    let options = SDLExportOptions::new()
        .sorted_fields()
        .sorted_arguments()
        .sorted_enum_items()
        .prefer_single_line_descriptions()
        .include_specified_by()
        .use_space_ident()
        .indent_width(2);
    schema().sdl_with_options(options)
}
