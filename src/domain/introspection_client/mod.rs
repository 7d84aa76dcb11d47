//! Introspection clients: the resource servers that may ask about the organization's tokens.

pub mod create;
pub mod delete;
