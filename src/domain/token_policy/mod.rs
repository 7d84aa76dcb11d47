//! The token policy: which tokens reach what is not public, for how long, and whether an owner must approve.

pub mod update;
pub mod waiting;
