//! The secret of an access token: of the form of all secrets that people pass on.

pub use crate::secret::form::{Made, Presented};

use crate::secret::form::Form;
use crate::store::StoreError;

/// How every secret begins.
pub const PREFIX: &str = "gui_pat_";

const FORM: Form = Form::new(PREFIX);

/// A new secret.
pub fn make() -> Result<Made, StoreError> {
    FORM.make().map_err(|error| StoreError::Other(error.to_string()))
}

/// Reads a secret; none for whatever has not the form or the checksum of one. Nothing is looked up.
#[must_use]
pub fn parse(text: &str) -> Option<Presented<'_>> {
    FORM.parse(text)
}
