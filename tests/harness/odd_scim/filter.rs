//! The filters that SCIM clients send: comparisons by `eq`, joined by `and` (RFC 7644 §3.4.2.2).

use super::directory::{Directory, Group, User};
use super::oddity::Oddity;

/// A comparison: an attribute in small letters, and the value.
pub(super) struct Comparison {
    pub attribute: String,
    pub value: String,
}

/// Reads a filter; `None` if it is none that this server knows.
pub(super) fn parse(filter: &str) -> Option<Vec<Comparison>> {
    let mut rest = filter.trim();
    let mut comparisons = Vec::new();
    loop {
        let (attribute, after) = rest.split_once(' ')?;
        let after = after.trim_start().strip_prefix("eq ")?.trim_start();
        let mut values = serde_json::Deserializer::from_str(after).into_iter::<serde_json::Value>();
        let value = match values.next()?.ok()? {
            serde_json::Value::String(text) => text,
            other => other.to_string(),
        };
        comparisons.push(Comparison { attribute: attribute.to_lowercase(), value });
        rest = after[values.byte_offset()..].trim_start();
        if rest.is_empty() {
            return Some(comparisons);
        }
        rest = rest.strip_prefix("and ")?.trim_start();
    }
}

/// The id in a path such as `members[value eq "…"]`.
pub(super) fn member_of_path(path: &str) -> Option<String> {
    let inner = path.strip_prefix("members[")?.strip_suffix(']')?;
    let mut comparisons = parse(inner)?;
    let only = comparisons.pop().filter(|comparison| comparison.attribute == "value")?;
    comparisons.is_empty().then_some(only.value)
}

/// Whether a user fits; `None` for an attribute that this server does not search by.
pub(super) fn fits_user(user: &User, comparison: &Comparison, oddities: &[Oddity]) -> Option<bool> {
    let (account, value) = (&user.account, &comparison.value);
    Some(match comparison.attribute.as_str() {
        "id" => user.id.eq_ignore_ascii_case(value),
        "externalid" => account.external_id.as_ref() == Some(value),
        "username" if oddities.contains(&Oddity::UserNameWithCase) => account.user_name == *value,
        "username" => account.user_name.to_lowercase() == value.to_lowercase(),
        "emails" | "emails.value" => {
            account.emails.iter().any(|email| email.to_lowercase() == value.to_lowercase())
        }
        _ => return None,
    })
}

/// Whether a group fits.
pub(super) fn fits_group(
    directory: &Directory,
    group: &Group,
    comparison: &Comparison,
    oddities: &[Oddity],
) -> Option<bool> {
    let value = &comparison.value;
    Some(match comparison.attribute.as_str() {
        "id" => group.id == *value,
        "displayname" => group.display_name.to_lowercase() == value.to_lowercase(),
        "members.value" | "members" => {
            directory.user(value).is_some_and(|user| group.peek(oddities).contains(&user.id))
        }
        _ => return None,
    })
}
