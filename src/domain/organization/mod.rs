//! The organization's own settings.

pub mod update;
