//! What texts commands accept, in one place.

use super::error::{Code, Rejection};
use crate::secret::Secret;

/// The longest name, in characters.
pub const LONGEST_NAME: usize = 200;
/// The longest description or justification, in characters.
pub const LONGEST_TEXT: usize = 2_000;
/// The longest reason of a decision, in characters.
pub const LONGEST_REASON: usize = 1_024;
/// The longest e-mail address, in bytes (RFC 5321 §4.5.3.1.3, without the brackets).
pub const LONGEST_EMAIL: usize = 254;
/// The longest secret, in characters.
pub const LONGEST_SECRET: usize = 10_000;
/// The longest id of a remote, in characters.
pub const LONGEST_ORIGIN: usize = 500;

/// A name: 1 to 200 characters on one line, without spaces around.
pub fn name(field: &str, text: &str) -> Result<String, Rejection> {
    let text = text.trim();
    let length = text.chars().count();
    if length == 0 || length > LONGEST_NAME || text.chars().any(is_hidden) {
        return Err(Rejection::of(
            field,
            Code::InvalidInput,
            format!(
                "`{field}` must have 1 to {LONGEST_NAME} characters on one line, without control characters."
            ),
        ));
    }
    Ok(text.to_owned())
}

/// A text of several lines: at most 2,000 characters, without control characters but line ends and tabs.
pub fn text(field: &str, text: &str) -> Result<String, Rejection> {
    lines(field, text, LONGEST_TEXT)
}

/// What somebody says about a decision: like [`text`], at most 1,024 characters.
pub fn reason(field: &str, text: &str) -> Result<String, Rejection> {
    lines(field, text, LONGEST_REASON)
}

fn lines(field: &str, text: &str, longest: usize) -> Result<String, Rejection> {
    let odd = |character: char| character.is_control() && !matches!(character, '\n' | '\r' | '\t');
    if text.chars().count() > longest || text.chars().any(odd) {
        return Err(Rejection::of(
            field,
            Code::InvalidInput,
            format!("`{field}` must have at most {longest} characters, without control characters."),
        ));
    }
    Ok(text.trim().to_owned())
}

/// An id of a remote: 1 to 500 characters, exactly as given.
pub fn origin(field: &str, text: &str) -> Result<String, Rejection> {
    let length = text.chars().count();
    if length == 0 || length > LONGEST_ORIGIN || text.chars().any(char::is_control) || text.trim() != text {
        return Err(Rejection::of(
            field,
            Code::InvalidInput,
            format!(
                "`{field}` must have 1 to {LONGEST_ORIGIN} characters, without spaces around or control characters."
            ),
        ));
    }
    Ok(text.to_owned())
}

/// An e-mail address: one `@` with something on both sides, no blanks.
pub fn email(field: &str, text: &str) -> Result<String, Rejection> {
    let text = text.trim();
    let is_address = text.rsplit_once('@').is_some_and(|(local, domain)| {
        !local.is_empty() && !domain.is_empty() && !local.contains('@') && text.len() <= LONGEST_EMAIL
    });
    if !is_address || text.chars().any(|character| is_hidden(character) || character.is_whitespace()) {
        return Err(Rejection::of(
            field,
            Code::InvalidInput,
            format!("`{field}` must be an e-mail address of at most {LONGEST_EMAIL} bytes, without a name."),
        ));
    }
    Ok(text.to_owned())
}

/// A secret: 1 to 10,000 characters, exactly as given. The refusal does not repeat it.
pub fn secret(field: &str, secret: &Secret) -> Result<(), Rejection> {
    let text = secret.expose();
    let length = text.chars().count();
    if length == 0 || length > LONGEST_SECRET || text.chars().any(char::is_control) || text.trim() != text {
        return Err(Rejection::of(
            field,
            Code::InvalidInput,
            format!(
                "`{field}` must have 1 to {LONGEST_SECRET} characters, without spaces around, line ends or control characters."
            ),
        ));
    }
    Ok(())
}

/// Control characters, line ends, and those that turn the direction of writing:
/// with them a name can look like another one.
pub(super) fn is_hidden(character: char) -> bool {
    character.is_control() || matches!(character, '\u{2028}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

/// The form of a name that lists sort by and that must be unique: letters in lower case, spaces made one.
#[must_use]
pub fn key(name: &str) -> String {
    name.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase()
}

/// What to do with a value that can be without one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Change<T> {
    /// Leave it as it is.
    #[default]
    Keep,
    /// Take it away.
    Clear,
    /// Make it this.
    Set(T),
}

/// Collects refusals, so that all of an input are told at once.
#[derive(Default)]
pub struct Checks(Vec<Rejection>);

impl Checks {
    /// Keeps the refusal; gives the value, or the default in its place.
    pub fn take<T: Default>(&mut self, checked: Result<T, Rejection>) -> T {
        checked.unwrap_or_else(|rejection| {
            self.0.push(rejection);
            T::default()
        })
    }

    /// Keeps the refusals of a longer check; gives the value, or the default in its place.
    pub fn take_all<T: Default>(&mut self, checked: Result<T, super::Error>) -> Result<T, super::Error> {
        match checked {
            Err(super::Error::Rejected(rejections)) => {
                self.0.extend(rejections);
                Ok(T::default())
            }
            other => other,
        }
    }

    /// Keeps a refusal when the condition holds.
    pub fn refuse_if(&mut self, wrong: bool, rejection: impl FnOnce() -> Rejection) {
        if wrong {
            self.0.push(rejection());
        }
    }

    /// Fails when anything was refused.
    pub fn done(self) -> Result<(), super::Error> {
        if self.0.is_empty() { Ok(()) } else { Err(super::Error::Rejected(self.0)) }
    }
}
