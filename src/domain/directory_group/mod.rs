//! The groups that Guichet keeps itself: the targets of `DIRECTORY` connectors.

pub mod create;
pub mod delete;
