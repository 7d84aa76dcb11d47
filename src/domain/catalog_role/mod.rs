//! Catalog roles: who may do what in one catalog, by assignment.

pub mod assign;
pub mod unassign;
