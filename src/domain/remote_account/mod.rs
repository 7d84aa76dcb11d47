//! Remote accounts: whose an account at a remote system is.

pub mod resolve;

pub use resolve::{Abandon, Announce, Gone, Link, Linked};
