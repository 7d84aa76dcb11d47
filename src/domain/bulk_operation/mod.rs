//! Bulk operations: one action on many objects.

pub mod code;
