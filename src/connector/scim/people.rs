//! The accounts of a SCIM server: finding one, and creating one (RFC 7644 §3.3, §3.4.2).

use entity::delivery::DeliveryErrorCode;
use reqwest::Method;
use serde_json::{Map, Value, json};

use super::remote::{Answer, Call, Remote};
use super::{failure, text};
use crate::connector::outgoing::Unanswered;
use crate::connector::{Account, Failure, MatchedBy, Person};

/// What an account is looked up by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Attribute {
    /// The id that Guichet gave the person (RFC 7643 §3.1; compared exactly).
    ExternalId,
    /// Their login name (RFC 7643 §4.1.1; compared without case).
    UserName,
    /// One of their e-mail addresses (RFC 7643 §4.1.2).
    Email,
}

impl Attribute {
    fn name(self) -> &'static str {
        match self {
            Self::ExternalId => "externalId",
            Self::UserName => "userName",
            Self::Email => "emails.value",
        }
    }

    /// Whether a user is the one asked for, so that a server that ignores filters gives us nobody
    /// else's id. All three are returned by default (RFC 7643 §3.1, §8.7.1).
    fn fits(self, user: &Map<String, Value>, value: &str) -> bool {
        let same = |found: &str| found.to_lowercase() == value.to_lowercase();
        match self {
            Self::ExternalId => text(user, self.name()).is_some_and(|found| found == value),
            Self::UserName => text(user, self.name()).is_some_and(|found| same(&found)),
            Self::Email => {
                let addresses = user.get("emails").and_then(Value::as_array).into_iter().flatten();
                let mut addresses = addresses.filter_map(|email| match email {
                    Value::String(address) => Some(address.clone()),
                    Value::Object(email) => text(email, "value"),
                    Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) => None,
                });
                addresses.any(|address| same(&address))
            }
        }
    }
}

/// Finds the account of a person: by Guichet's id, then by login name, then by e-mail address.
///
/// An account with that login name is the person's whatever `externalId` it has: it is often given by the company's
/// directory, and the server keeps login names unique (RFC 7643 §4.1.1). An address that nobody vouches for matches no
/// account.
pub(super) async fn find(remote: &Remote, person: &Person) -> Result<Option<(Account, MatchedBy)>, Failure> {
    if let Some(account) = look_up(remote, Attribute::ExternalId, &person.id).await? {
        return Ok(Some((account, MatchedBy::ExternalId)));
    }
    if person.match_by_user_name {
        let lower = person.user_name.to_lowercase();
        // Some servers compare login names with case; most people have a lower-case one.
        let again = (lower != person.user_name).then_some(lower);
        for name in std::iter::once(person.user_name.clone()).chain(again) {
            if let Some(account) = look_up(remote, Attribute::UserName, &name).await? {
                return Ok(Some((account, MatchedBy::UserName)));
            }
        }
    }
    let email = person.email.as_deref().filter(|email| person.match_by_email && !email.is_empty());
    if let Some(email) = email
        && let Some(account) = look_up(remote, Attribute::Email, email).await?
    {
        return Ok(Some((account, MatchedBy::Email)));
    }
    Ok(None)
}

/// Creates the account of a person. One that the server says it has already is found, with what it was found by.
pub(super) async fn create(
    remote: &Remote,
    person: &Person,
) -> Result<(Account, Option<MatchedBy>), Failure> {
    let body = new_user(person);
    let created = remote.send(Call { body: Some(&body), ..Call::new(Method::POST, &["Users"]) }).await;
    let failure = match created {
        Ok(answer) => match judge_creation(remote, &answer) {
            Creation::Created(account) => return Ok((account, None)),
            Creation::Unclear(failure) => failure,
            Creation::Failed(failure) => return Err(failure),
        },
        Err(Unanswered { failure, may_have_arrived: true }) => failure.uncertain(),
        Err(Unanswered { failure, may_have_arrived: false }) => return Err(failure),
    };
    // Somebody else may have created it, or our own request may have done so unheard.
    match find(remote, person).await {
        Ok(Some((account, by))) => Ok((account, (!failure.uncertain).then_some(by))),
        Ok(None) | Err(_) => Err(failure),
    }
}

/// Reads an account by its id; `None` if the server says in SCIM that it has none.
pub(super) async fn read(remote: &Remote, id: &str) -> Result<Option<Account>, Failure> {
    let answer = remote.answer(Call::new(Method::GET, &["Users", id])).await?;
    if answer.status.as_u16() == 404 && answer.is_scim_error() {
        return Ok(None);
    }
    let user = remote.scim_object(&answer)?;
    account(&user).map(Some).ok_or_else(|| remote.not_scim(&answer))
}

/// Switches an account on.
pub(super) async fn activate(remote: &Remote, id: &str) -> Result<(), Failure> {
    let path = ["Users", id];
    let mut refused = None;
    // Some servers take no `path`.
    for operation in [
        json!({"op": "replace", "path": "active", "value": true}),
        json!({"op": "replace", "value": {"active": true}}),
    ] {
        let body = json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
            "Operations": [operation],
        });
        let answer = remote.answer(Call { body: Some(&body), ..Call::new(Method::PATCH, &path) }).await?;
        if answer.status.is_success() {
            return Ok(());
        }
        let failure = refused.get_or_insert_with(|| remote.failure(&answer));
        if answer.status.as_u16() != 400 || answer.is_throttle() {
            return Err(failure.clone());
        }
    }
    Err(refused
        .unwrap_or_else(|| failure(DeliveryErrorCode::NotSupported, "The remote activates no account.")))
}

/// The account that a SCIM user is; `None` if it has no id.
fn account(user: &Map<String, Value>) -> Option<Account> {
    let active = match user.get("active") {
        Some(Value::Bool(active)) => *active,
        Some(Value::String(active)) => !active.eq_ignore_ascii_case("false"),
        Some(Value::Null | Value::Number(_) | Value::Array(_) | Value::Object(_)) | None => true,
    };
    Some(Account { id: text(user, "id")?, user_name: text(user, "userName"), active })
}

/// What became of a creation.
enum Creation {
    /// The account.
    Created(Account),
    /// The person may be there; if not, this is why.
    Unclear(Failure),
    /// They are not.
    Failed(Failure),
}

fn judge_creation(remote: &Remote, answer: &Answer) -> Creation {
    match answer.status.as_u16() {
        200..=299 => match answer.object().as_ref().and_then(account) {
            Some(account) => Creation::Created(account),
            None => Creation::Unclear(remote.not_scim(answer).uncertain()),
        },
        // `uniqueness` (RFC 7644 §3.3).
        409 => Creation::Unclear(remote.failure_as(DeliveryErrorCode::PrincipalNotFound, answer)),
        403 if answer.is_throttle() => Creation::Failed(remote.failure(answer)),
        403 | 404 | 405 | 501 => {
            Creation::Failed(remote.failure_as(DeliveryErrorCode::PrincipalNotFound, answer))
        }
        500 | 502 | 504 => Creation::Unclear(remote.failure(answer).uncertain()),
        _ => Creation::Failed(remote.failure(answer)),
    }
}

async fn look_up(remote: &Remote, attribute: Attribute, value: &str) -> Result<Option<Account>, Failure> {
    let filter = format!("{} eq {}", attribute.name(), quoted(value));
    let call = Call { query: &[("filter", &filter)], ..Call::new(Method::GET, &["Users"]) };
    let answer = remote.answer(call).await?;
    match (answer.status.as_u16(), attribute) {
        (400 | 403 | 503, _) if answer.is_throttle() => {}
        // Some servers say 404 instead of giving an empty list, and some cannot search by the
        // other side's id or by an address, which they say in many ways; all can by login name.
        (404, _) if answer.is_scim_error() => return Ok(None),
        (400 | 403 | 405 | 422 | 500 | 501, Attribute::ExternalId | Attribute::Email) => return Ok(None),
        _ => {}
    }
    let list = remote.scim_object(&answer)?;
    let users = match list.get("Resources") {
        Some(Value::Array(users)) => users.as_slice(),
        // The list may be left out only if it is empty (RFC 7644 §3.4.2).
        Some(Value::Null) | None if list.get("totalResults").and_then(Value::as_u64) == Some(0) => &[],
        _ => return Err(remote.not_scim(&answer)),
    };
    let mut fitting = users
        .iter()
        .filter_map(Value::as_object)
        .filter(|user| attribute.fits(user, value))
        .filter_map(account);
    match (fitting.next(), fitting.next()) {
        (None, _) => Ok(None),
        (Some(account), None) => Ok(Some(account)),
        (Some(_), Some(_)) => Err(failure(
            DeliveryErrorCode::PrincipalNotFound,
            "The remote has several users for this person.",
        )),
    }
}

/// A value of a filter: a JSON string (RFC 7644 §3.4.2.2).
pub(super) fn quoted(value: &str) -> String {
    Value::from(value).to_string()
}

/// The body of a creation. Many servers demand the parts of a name that RFC 7643 §4.1.1 leaves
/// optional; the first word is given as one and the rest as the other, for want of better knowledge.
fn new_user(person: &Person) -> Value {
    let mut user = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "externalId": person.id,
        "userName": person.user_name,
        "active": true,
    });
    let name = person.display_name.trim();
    if !name.is_empty() {
        let (given, family) = name.split_once(char::is_whitespace).unwrap_or((name, name));
        user["displayName"] = name.into();
        user["name"] = json!({"formatted": name, "givenName": given, "familyName": family.trim_start()});
    }
    if let Some(email) = person.email.as_deref().filter(|email| !email.is_empty()) {
        user["emails"] = json!([{"value": email, "type": "work", "primary": true}]);
    }
    user
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn person(display_name: &str, email: Option<&str>) -> Person {
        Person {
            id: "0190".to_owned(),
            user_name: email.filter(|email| !email.is_empty()).unwrap_or("sub-1").to_owned(),
            display_name: display_name.to_owned(),
            email: email.map(str::to_owned),
            match_by_user_name: true,
            match_by_email: true,
        }
    }

    #[test]
    fn a_new_user_has_what_servers_ask_for() {
        assert_eq!(
            new_user(&person("Ada King Lovelace", Some("ada@example.com"))),
            json!({
                "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
                "externalId": "0190",
                "userName": "ada@example.com",
                "active": true,
                "displayName": "Ada King Lovelace",
                "name": {"formatted": "Ada King Lovelace", "givenName": "Ada", "familyName": "King Lovelace"},
                "emails": [{"value": "ada@example.com", "type": "work", "primary": true}],
            })
        );
        assert_eq!(new_user(&person("Sukarno", None))["name"]["familyName"], "Sukarno");
        let nameless = new_user(&person(" ", Some("")));
        assert_eq!(nameless["userName"], "sub-1");
        assert!(nameless.get("name").is_none() && nameless.get("emails").is_none());
    }

    #[test]
    fn a_server_that_ignores_the_filter_gives_nobody_elses_id() {
        let user = |text| serde_json::from_str(text).expect("an object");
        let other = user(r#"{"id": "1", "userName": "b@example.com", "externalId": "b"}"#);
        assert!(!Attribute::UserName.fits(&other, "a@example.com"));
        assert!(!Attribute::ExternalId.fits(&other, "B"));
        assert!(Attribute::UserName.fits(&other, "B@example.com"));
        assert!(!Attribute::ExternalId.fits(&user(r#"{"id": "1"}"#), "a"));
    }

    proptest! {
        #[test]
        fn a_quoted_value_reads_back_and_has_no_loose_end(value: String) {
            let quoted = quoted(&value);
            prop_assert_eq!(serde_json::from_str::<String>(&quoted).expect("JSON"), value);
            let inside = &quoted[1..quoted.len() - 1];
            let unescaped = inside.replace("\\\\", "").replace("\\\"", "");
            prop_assert!(!unescaped.contains('"'));
        }
    }
}
