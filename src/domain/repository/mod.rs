//! Repositories: the protected resources that tokens reach, and who may use them.

pub mod access;
pub mod create;
pub mod delete;
pub mod organization_access;
pub mod update;

use entity::organization::BaseLevel;
use entity::repository::{self, Visibility};
use entity::repository_access::AccessLevel;
use uuid::Uuid;

use super::error::{Code, Error, Rejection};
use super::input;
use crate::store::{self, StoreError, Txn};

/// The longest name, in characters.
const LONGEST_NAME: usize = 100;

/// What a person may do with a repository by themselves: the most of what visibility, base level, their own
/// access and their access to the organization give. A guest has what is public.
#[must_use]
pub fn access(
    is_member: bool,
    visibility: Visibility,
    base: BaseLevel,
    given: Option<AccessLevel>,
    in_organization: Option<AccessLevel>,
) -> Option<AccessLevel> {
    let seen = match visibility {
        Visibility::Public => Some(AccessLevel::Read),
        Visibility::Internal if is_member => Some(AccessLevel::Read),
        Visibility::Internal | Visibility::Private => None,
    };
    if !is_member {
        return seen;
    }
    let base = match base {
        BaseLevel::None => None,
        BaseLevel::Read => Some(AccessLevel::Read),
        BaseLevel::Write => Some(AccessLevel::Write),
        BaseLevel::Admin => Some(AccessLevel::Admin),
    };
    // Who administers the organization administers its repositories.
    let everywhere = in_organization.filter(|level| *level == AccessLevel::Admin);
    [seen, base, given, everywhere].into_iter().flatten().max()
}

/// The repository, locked.
async fn get(txn: &Txn, organization: Uuid, id: Option<Uuid>) -> Result<repository::Model, Error> {
    let id = id.ok_or_else(not_found)?;
    store::repository::lock(txn, organization, id).await?.ok_or_else(|| not_found().into())
}

fn not_found() -> Rejection {
    Rejection::of("id", Code::NotFound, "There is no such repository, or you may not see it.")
}

/// A name: 1 to 100 of letters A to Z, digits, `-`, `_` and `.`, and not dots alone.
fn name(text: &str) -> Result<String, Rejection> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    let is_name = (1..=LONGEST_NAME).contains(&text.len())
        && text.bytes().all(fits)
        && text.bytes().any(|byte| byte != b'.');
    if is_name {
        return Ok(text.to_owned());
    }
    let message = format!(
        "`name` must have 1 to {LONGEST_NAME} of A-Z, a-z, 0-9, `-`, `_` and `.`, and not dots alone."
    );
    Err(Rejection::of("name", Code::InvalidInput, message))
}

/// The refusal where a name or an id at the resource server is taken.
fn taken(error: StoreError) -> Error {
    match error {
        StoreError::Taken(constraint) if constraint.contains("origin") => {
            Rejection::of("originId", Code::NameTaken, "Another repository has this id already.").into()
        }
        StoreError::Taken(_) => {
            Rejection::of("name", Code::NameTaken, "Another repository has this name already.").into()
        }
        other => other.into(),
    }
}

fn origin(text: &str) -> Result<String, Rejection> {
    input::origin("originId", text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_of_the_form_that_addresses_hold() {
        for good in ["a", "guichet", "Hello-World", ".github", "x_1.y", &"n".repeat(100)] {
            assert_eq!(name(good).as_deref(), Ok(good));
        }
        for bad in ["", ".", "..", "a b", "a/b", "é", "a\n", &"n".repeat(101)] {
            assert!(name(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn the_most_of_what_is_given_holds() {
        use AccessLevel::{Admin, Read, Write};
        let of = access;
        let (public, internal, private) = (Visibility::Public, Visibility::Internal, Visibility::Private);
        assert_eq!(of(false, public, BaseLevel::Admin, Some(Admin), Some(Admin)), Some(Read));
        assert_eq!(of(false, internal, BaseLevel::Admin, Some(Admin), Some(Admin)), None);
        assert_eq!(of(true, private, BaseLevel::None, None, None), None);
        assert_eq!(of(true, internal, BaseLevel::None, None, None), Some(Read));
        assert_eq!(of(true, private, BaseLevel::Write, Some(Read), None), Some(Write));
        assert_eq!(of(true, private, BaseLevel::Read, Some(Admin), None), Some(Admin));
        assert_eq!(of(true, private, BaseLevel::None, None, Some(Write)), None);
        assert_eq!(of(true, private, BaseLevel::None, None, Some(Admin)), Some(Admin));
    }
}
