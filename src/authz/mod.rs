//! Who may do what.
//!
//! [`role`] holds the one table from roles to permissions; everything else names
//! permissions. A command takes a [`Permit`], which only the check can make; a
//! read takes a [`Scope`], which goes into the SQL.

pub mod permission;
pub mod role;
pub mod scope;
pub mod viewer;

pub use permission::{Action, Permission};
pub use role::Role;
pub use scope::{Catalogs, Scope};
pub use viewer::{Actor, Denied, Outsider, Permit, Proposal, Viewer};
