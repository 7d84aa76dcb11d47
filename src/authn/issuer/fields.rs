//! Reads the settings of one issuer field by field, so that every error names its field.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::IssuerError;

/// The fields of one issuer, or of an object in it, that are not read yet.
pub(super) struct Fields {
    issuer: String,
    /// What stands before the name of a field: `signIn.`
    path: String,
    values: Map<String, Value>,
}

impl Fields {
    pub(super) fn new(index: usize, entry: Value) -> Result<Self, IssuerError> {
        let position = format!("#{}", index + 1);
        let Value::Object(values) = entry else {
            return Err(IssuerError::Syntax(format!("{position} is none")));
        };
        let issuer = values.get("issuer").and_then(Value::as_str).filter(|name| !name.trim().is_empty());
        Ok(Self { issuer: issuer.map_or(position, str::to_owned), path: String::new(), values })
    }

    pub(super) fn take<T: DeserializeOwned>(&mut self, field: &str) -> Result<Option<T>, IssuerError> {
        let value = self.values.remove(field).map(serde_json::from_value).transpose();
        value.map_err(|error| self.error(field, error.to_string()))
    }

    pub(super) fn required<T: DeserializeOwned>(&mut self, field: &str) -> Result<T, IssuerError> {
        self.take(field)?.ok_or_else(|| self.error(field, "is missing"))
    }

    pub(super) fn text(&mut self, field: &str) -> Result<String, IssuerError> {
        let text: String = self.required(field)?;
        if text.trim().is_empty() { Err(self.error(field, "must not be empty")) } else { Ok(text) }
    }

    pub(super) fn optional_text(&mut self, field: &str) -> Result<Option<String>, IssuerError> {
        if self.values.contains_key(field) { self.text(field).map(Some) } else { Ok(None) }
    }

    /// The fields of an object in it.
    pub(super) fn object(&mut self, field: &str) -> Result<Option<Self>, IssuerError> {
        match self.values.remove(field) {
            None => Ok(None),
            Some(Value::Object(values)) => {
                let path = format!("{}{field}.", self.path);
                Ok(Some(Self { issuer: self.issuer.clone(), path, values }))
            }
            Some(_) => Err(self.error(field, "must be an object")),
        }
    }

    pub(super) fn error(&self, field: &str, reason: impl Into<String>) -> IssuerError {
        let field = format!("{}{field}", self.path);
        IssuerError::Field { issuer: self.issuer.clone(), field, reason: reason.into() }
    }

    /// A misspelt field is refused: it could be the allow list.
    pub(super) fn finish(self) -> Result<(), IssuerError> {
        match self.values.keys().next() {
            Some(unknown) => Err(self.error(unknown, "is no field of an issuer")),
            None => Ok(()),
        }
    }
}
