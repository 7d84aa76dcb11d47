//! Remote accounts: whose an account at a remote system is.

pub mod link_manually;
mod look;
pub mod person;
pub mod preview;
pub mod resolve;
pub mod unlink;

pub use resolve::{Abandon, Announce, Gone, Link, Linked};
