//! What a token says of the person, made fit to keep and show. Never a reason to
//! refuse the token: what cannot be used is left out.

use serde_json::{Map, Value};

use crate::authn::issuer::claim;

/// The longest name, in characters.
const LONGEST_NAME: usize = 200;

/// The longest e-mail address, in bytes (RFC 5321 §4.5.3.1.3, without the brackets).
const LONGEST_EMAIL: usize = 254;

/// The longest tenant, in bytes.
const LONGEST_TENANT: usize = 255;

/// The name, on one line and cut at 200 characters.
pub(super) fn name(claims: &Map<String, Value>, name: &str) -> Option<String> {
    let visible: String = text(claims, name)?.chars().filter(|letter| !is_hidden(*letter)).collect();
    let cut: String = visible.trim().chars().take(LONGEST_NAME).collect();
    Some(cut.trim_end().to_owned()).filter(|name| !name.is_empty())
}

/// The address, whole or not at all: a part of it would be someone else's.
pub(super) fn email(claims: &Map<String, Value>, name: &str) -> Option<String> {
    let email = text(claims, name)?.trim();
    let (local, domain) = email.rsplit_once('@')?;
    let fits = !local.is_empty() && !domain.is_empty() && email.len() <= LONGEST_EMAIL;
    (fits && !email.contains(is_hidden) && !email.contains(char::is_whitespace)).then(|| email.to_owned())
}

/// The tenant, whole or not at all.
pub(super) fn tenant(claims: &Map<String, Value>, name: &str) -> Option<String> {
    let tenant = text(claims, name)?;
    let fits = !tenant.is_empty() && tenant.len() <= LONGEST_TENANT && !tenant.contains(is_hidden);
    fits.then(|| tenant.to_owned())
}

/// Whether the claim is true; some issuers write it as the text `true`.
pub(super) fn says_yes(claims: &Map<String, Value>, name: &str) -> bool {
    match claim(claims, name) {
        Some(Value::Bool(yes)) => *yes,
        Some(Value::String(text)) => text == "true",
        _ => false,
    }
}

fn text<'a>(claims: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    claim(claims, name)?.as_str()
}

/// Control characters, line ends, and those that turn the direction of writing:
/// with them a name can look like another one to whoever approves.
fn is_hidden(letter: char) -> bool {
    letter.is_control()
        || matches!(letter, '\u{200E}' | '\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}
