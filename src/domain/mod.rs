//! The rules, and the commands that apply them: one folder a noun, one file a command.

pub mod access_package;
pub mod access_request;
pub mod access_token;
pub mod approval;
pub mod assignment;
pub mod assignment_policy;
pub mod audit_chain;
pub mod back_off;
pub mod bulk_operation;
pub mod catalog;
pub mod catalog_role;
pub mod command;
pub mod connector;
pub mod delivery;
pub mod directory_group;
pub mod environment;
pub mod error;
pub mod external_token;
pub mod input;
pub mod introspection;
pub mod introspection_client;
pub mod notification;
pub mod organization;
pub mod permission_catalog;
pub mod refusal;
pub mod repository;
pub mod resource;
pub mod token_access;
pub mod token_grant;
pub mod token_policy;
pub mod token_request;
pub mod user;
pub mod webhook;

pub use command::{Attempt, Command, confirm, confirm_everywhere, refused, repeated, run};
pub use environment::Environment;
pub use error::{Code, Error, Rejection};
