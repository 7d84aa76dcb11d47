//! How a user is looked for at a remote.

use entity::app_user::{self, UserKind};
use entity::connector::{self, AccountName};

use crate::connector::Person;

/// Returns the person as a connector looks for accounts. An address that nobody vouches for matches no account; nor
/// does the `sub` of somebody from outside, which another issuer may have given to somebody else.
#[must_use]
pub fn person(user: &app_user::Model, connector: &connector::Model, address_counts: bool) -> Person {
    let email = user.email.as_deref().filter(|email| !email.is_empty());
    let is_member = user.kind == UserKind::Member;
    let local_part = email.and_then(|email| email.split_once('@')).map(|(local, _)| local);
    let (name, counts) = match connector.account_name {
        AccountName::Email => (email.map(str::to_owned), address_counts),
        AccountName::EmailLocalPart => (local_part.map(str::to_owned), address_counts && is_member),
        AccountName::Subject => (None, false),
        AccountName::UserId => (Some(user.id.to_string()), true),
    };
    let match_by_user_name = if name.is_some() { counts } else { is_member };
    Person {
        id: user.id.to_string(),
        user_name: name.unwrap_or_else(|| user.subject.clone()),
        display_name: user.display_name.clone(),
        email: email.map(str::to_owned),
        match_by_user_name,
        match_by_email: connector.match_by_email && address_counts,
    }
}
