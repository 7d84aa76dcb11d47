//! The secret of a signed link: of the form of all secrets that people pass on.

use crate::secret::form::{Form, Made, Presented};
use crate::store::StoreError;

const FORM: Form = Form::new("gui_lnk_");

/// A new secret.
pub fn make() -> Result<Made, StoreError> {
    FORM.make().map_err(|error| StoreError::Other(error.to_string()))
}

/// Reads a secret; none for whatever has not the form or the checksum of one. Nothing is looked up.
#[must_use]
pub fn parse(text: &str) -> Option<Presented<'_>> {
    FORM.parse(text)
}
