//! Text and times from clients: what is accepted, in one place.

use async_graphql::MaybeUndefined;
use chrono::{DateTime, Datelike, Utc};

use super::connection::given;
use super::error::ApiError;

/// The longest text to search for, in characters.
const LONGEST_SEARCH: usize = 200;

/// A text to search for; control characters and very long texts are refused.
pub fn condition(name: &str, value: &MaybeUndefined<String>) -> Result<Option<String>, ApiError> {
    let Some(text) = given(name, value)? else { return Ok(None) };
    if text.chars().count() > LONGEST_SEARCH || text.chars().any(char::is_control) {
        return Err(ApiError::BadUserInput(format!(
            "`{name}` must be at most {LONGEST_SEARCH} characters without control characters."
        )));
    }
    Ok(Some(text))
}

/// Texts that a column must equal one of; each is held to the same limits.
pub fn conditions(name: &str, value: &MaybeUndefined<Vec<String>>) -> Result<Option<Vec<String>>, ApiError> {
    let Some(texts) = given(name, value)? else { return Ok(None) };
    for text in &texts {
        condition(name, &MaybeUndefined::Value(text.clone()))?;
    }
    Ok(Some(texts))
}

/// A time in a condition; years that no database can hold are refused.
pub fn time(name: &str, value: &MaybeUndefined<DateTime<Utc>>) -> Result<Option<DateTime<Utc>>, ApiError> {
    let Some(time) = given(name, value)? else { return Ok(None) };
    if is_storable(time) {
        return Ok(Some(time));
    }
    Err(ApiError::BadUserInput(format!("`{name}` must lie in the years 1 to 9999.")))
}

/// Whether both databases can hold a time.
#[must_use]
pub fn is_storable(time: DateTime<Utc>) -> bool {
    (1..=9_999).contains(&time.year())
}
