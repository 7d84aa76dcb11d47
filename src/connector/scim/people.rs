//! The people of a SCIM server: finding one, and creating one (RFC 7644 §3.3, §3.4.2).

use entity::delivery::DeliveryErrorCode;
use reqwest::Method;
use serde_json::{Map, Value, json};

use super::remote::{Answer, Call, Remote};
use super::{failure, text};
use crate::connector::outgoing::Unanswered;
use crate::connector::{Failure, Person};

/// What a person is looked up by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Attribute {
    /// The id that Guichet gave them (RFC 7643 §3.1; compared exactly).
    ExternalId,
    /// Their login name (RFC 7643 §4.1.1; compared without case).
    UserName,
}

impl Attribute {
    fn name(self) -> &'static str {
        match self {
            Self::ExternalId => "externalId",
            Self::UserName => "userName",
        }
    }

    /// Whether a user is the one asked for, so that a server that ignores filters gives us nobody
    /// else's id. Both attributes are returned by default (RFC 7643 §3.1, §8.7.1).
    fn fits(self, user: &Map<String, Value>, value: &str) -> bool {
        text(user, self.name()).is_some_and(|found| match self {
            Self::ExternalId => found == value,
            Self::UserName => found.to_lowercase() == value.to_lowercase(),
        })
    }
}

/// The server's id of a person, by Guichet's id, then by login name.
///
/// A user with that login name is the person whatever `externalId` they have: it is often given by
/// the company's directory, and the server keeps login names unique (RFC 7643 §4.1.1).
pub(super) async fn find(remote: &Remote, person: &Person) -> Result<Option<String>, Failure> {
    if let Some(user) = look_up(remote, Attribute::ExternalId, &person.id).await? {
        return Ok(Some(user));
    }
    look_up(remote, Attribute::UserName, user_name(person)).await
}

/// The server's id of a person, who is created where they are not found.
pub(super) async fn find_or_create(remote: &Remote, person: &Person) -> Result<String, Failure> {
    if let Some(user) = find(remote, person).await? {
        return Ok(user);
    }
    let body = new_user(person);
    let created = remote.send(Call { body: Some(&body), ..Call::new(Method::POST, &["Users"]) }).await;
    let failure = match created {
        Ok(answer) => match judge_creation(remote, &answer) {
            Creation::Created(user) => return Ok(user),
            Creation::Unclear(failure) => failure,
            Creation::Failed(failure) => return Err(failure),
        },
        Err(Unanswered { failure, may_have_arrived: true }) => failure,
        Err(Unanswered { failure, may_have_arrived: false }) => return Err(failure),
    };
    // Somebody else may have created them, or our own request may have done so unheard.
    match find(remote, person).await {
        Ok(Some(user)) => Ok(user),
        Ok(None) | Err(_) => Err(failure),
    }
}

/// What became of a creation.
enum Creation {
    /// The user's id.
    Created(String),
    /// The person may be there; if not, this is why.
    Unclear(Failure),
    /// They are not.
    Failed(Failure),
}

fn judge_creation(remote: &Remote, answer: &Answer) -> Creation {
    match answer.status.as_u16() {
        200..=299 => match answer.object().as_ref().and_then(|user| text(user, "id")) {
            Some(user) => Creation::Created(user.to_owned()),
            None => Creation::Unclear(remote.not_scim(answer)),
        },
        // `uniqueness` (RFC 7644 §3.3).
        409 => Creation::Unclear(remote.failure_as(DeliveryErrorCode::PrincipalNotFound, answer)),
        403 | 404 | 405 | 501 => {
            Creation::Failed(remote.failure_as(DeliveryErrorCode::PrincipalNotFound, answer))
        }
        500 | 502 | 504 => Creation::Unclear(remote.failure(answer)),
        _ => Creation::Failed(remote.failure(answer)),
    }
}

async fn look_up(remote: &Remote, attribute: Attribute, value: &str) -> Result<Option<String>, Failure> {
    let filter = format!("{} eq {}", attribute.name(), quoted(value));
    let call = Call { query: &[("filter", &filter)], ..Call::new(Method::GET, &["Users"]) };
    let answer = remote.answer(call).await?;
    match (answer.status.as_u16(), attribute) {
        // Some servers say 404 instead of giving an empty list, and some cannot search by the
        // other side's id; all can by login name.
        (404, _) | (400 | 501, Attribute::ExternalId) => return Ok(None),
        _ => {}
    }
    let list = remote.scim_object(&answer)?;
    let users = match list.get("Resources") {
        Some(Value::Array(users)) => users.as_slice(),
        // The list may be left out only where it is empty (RFC 7644 §3.4.2).
        Some(Value::Null) | None if list.get("totalResults").and_then(Value::as_u64) == Some(0) => &[],
        _ => return Err(remote.not_scim(&answer)),
    };
    let mut fitting = users
        .iter()
        .filter_map(Value::as_object)
        .filter(|user| attribute.fits(user, value))
        .filter_map(|user| text(user, "id"));
    match (fitting.next(), fitting.next()) {
        (None, _) => Ok(None),
        (Some(user), None) => Ok(Some(user.to_owned())),
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

/// The login name: the e-mail address, or the subject where there is none.
fn user_name(person: &Person) -> &str {
    person.email.as_deref().filter(|email| !email.is_empty()).unwrap_or(&person.subject)
}

/// The body of a creation. Many servers demand the parts of a name that RFC 7643 §4.1.1 leaves
/// optional; the first word is given as one and the rest as the other, for want of better knowledge.
fn new_user(person: &Person) -> Value {
    let mut user = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "externalId": person.id,
        "userName": user_name(person),
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
            subject: "sub-1".to_owned(),
            display_name: display_name.to_owned(),
            email: email.map(str::to_owned),
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
