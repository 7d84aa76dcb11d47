//! The rules, and the commands that apply them: one folder a noun, one file a command.

pub mod access_request;
pub mod bulk_operation;
pub mod error;

pub use error::{Code, Error, Rejection};
