//! The tables of Guichet: one file, one table, with the enumerations of its columns.
//!
//! Plain rows. Rules live in the `domain` of the root crate, statements in its `store`.

pub mod access_package;
pub mod access_package_resource_role;
pub mod access_request;
pub mod access_request_event;
pub mod access_token;
pub mod access_token_scope;
pub mod app_user;
pub mod assignment;
pub mod assignment_policy;
pub mod audit_event;
pub mod bulk_operation;
pub mod bulk_operation_item;
pub mod catalog;
pub mod catalog_role_assignment;
pub mod connector;
pub mod connector_opening;
pub mod delivery;
pub mod delivery_attempt;
pub mod directory_group;
pub mod directory_member;
pub mod idempotency_key;
pub mod installation;
pub mod introspection_client;
pub mod notification;
pub mod notification_preference;
pub mod organization;
pub mod organization_access;
pub mod organization_digest;
pub mod organization_domain;
pub mod permission_definition;
pub mod permission_definition_scope;
pub mod policy_stage;
pub mod policy_stage_approver;
pub mod policy_user;
pub mod repository;
pub mod repository_access;
pub mod resource;
pub mod resource_role;
pub mod token_grant;
pub mod token_request;
pub mod token_request_event;
pub mod token_request_permission;
pub mod token_request_repository;
