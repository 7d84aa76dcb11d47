//! The groups of a SCIM server: reading one, and changing one membership (RFC 7644 §3.5.2).

use std::collections::BTreeSet;

use entity::delivery::DeliveryErrorCode;
use reqwest::Method;
use serde_json::{Map, Value, json};

use super::people::quoted;
use super::remote::{Answer, Call, Remote};
use super::{failure, text};
use crate::connector::outgoing::Unanswered;
use crate::connector::{Done, Failure};

/// How often a write is tried again after the group changed meanwhile.
const RETRIES: usize = 3;

/// What membership is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wish {
    Member,
    NoMember,
}

/// What was read of a group.
pub(super) struct Group {
    /// The ids of its members, users and groups alike.
    members: BTreeSet<String>,
    /// Its version, as `If-Match` takes it.
    version: Option<String>,
}

impl Group {
    pub async fn read(remote: &Remote, id: &str) -> Result<Self, Failure> {
        // As a part of a path these would name something else (RFC 3986 §5.2.4).
        if matches!(id, "" | "." | "..") {
            return Err(failure(DeliveryErrorCode::ResourceNotFound, "This cannot be the id of a group."));
        }
        let path = ["Groups", id];
        let narrow = Call { query: &[("attributes", "members,meta")], ..Call::new(Method::GET, &path) };
        let mut answer = remote.answer(narrow).await?;
        if answer.status.as_u16() == 400 {
            // Some servers do not know the parameter; the others say the same again.
            answer = remote.answer(Call::new(Method::GET, &path)).await?;
        }
        if answer.status.as_u16() == 404 {
            return Err(remote.failure_as(DeliveryErrorCode::ResourceNotFound, &answer));
        }
        let group = remote.scim_object(&answer)?;
        let members = members(&group).ok_or_else(|| remote.not_scim(&answer))?;
        Ok(Self { members, version: version(&group, answer.etag) })
    }
}

/// The members of a group; `None` where what stands there is no list or the object is no group.
fn members(group: &Map<String, Value>) -> Option<BTreeSet<String>> {
    if group.contains_key("Resources") || group.contains_key("detail") {
        return None;
    }
    match group.get("members") {
        None | Some(Value::Null) => Some(BTreeSet::new()),
        Some(Value::Array(members)) => Some(
            members
                .iter()
                .filter_map(|member| text(member.as_object()?, "value"))
                .map(str::to_owned)
                .collect(),
        ),
        Some(_) => None,
    }
}

/// The version of a group: `meta.version` (RFC 7643 §3.1), which no proxy rewrites, or the header.
fn version(group: &Map<String, Value>, etag: Option<String>) -> Option<String> {
    let meta = group.get("meta").and_then(Value::as_object);
    meta.and_then(|meta| text(meta, "version"))
        .map(str::to_owned)
        .into_iter()
        .chain(etag)
        .find(|v| is_etag(v))
}

/// Whether a text is an entity tag (RFC 9110 §8.8.3).
fn is_etag(text: &str) -> bool {
    text.strip_prefix("W/")
        .unwrap_or(text)
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'))
        .is_some_and(|inner| inner.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"'))
}

/// One user's membership in one group, as it shall be.
pub(super) struct Membership<'a> {
    pub remote: &'a Remote,
    /// The group's id.
    pub group: &'a str,
    /// The user's id.
    pub user: &'a str,
    pub wish: Wish,
}

/// What became of a write.
enum Write {
    /// It was made.
    Made,
    /// Another one came first; the group is to be read again.
    Stale(Failure),
    /// It may have been made; if not, this is why.
    Unclear(Failure),
    /// The server does not take this form of it.
    Unknown(Failure),
}

impl Membership<'_> {
    /// Makes the wish true. `known` is the group where it was just read.
    pub async fn fulfil(&self, mut known: Option<Group>) -> Result<Done, Failure> {
        let mut conflict = None;
        for _ in 0..=RETRIES {
            let group = match known.take() {
                Some(group) => group,
                None => Group::read(self.remote, self.group).await?,
            };
            if self.is_met(&group) {
                return Ok(Done::AlreadySo);
            }
            match self.write(&group).await? {
                Write::Made => return Ok(Done::Changed),
                Write::Stale(failure) => conflict = Some(failure),
                Write::Unclear(failure) => return self.look_again(failure).await,
                Write::Unknown(failure) => return Err(failure),
            }
        }
        Err(conflict.unwrap_or_else(|| failure(DeliveryErrorCode::Conflict, "The group changed meanwhile.")))
    }

    pub fn is_met(&self, group: &Group) -> bool {
        match self.wish {
            Wish::Member => group.members.contains(self.user),
            Wish::NoMember => !group.members.contains(self.user),
        }
    }

    async fn write(&self, group: &Group) -> Result<Write, Failure> {
        let version = group.version.as_deref();
        match self.wish {
            Wish::Member => self.patch(&add(&[self.user]), version).await,
            Wish::NoMember => match self.patch(&remove_by_filter(self.user), version).await? {
                Write::Unknown(failure) => self.remove_by_value(group, failure).await,
                Write::Made if has_escapes(self.user) => Ok(Write::Unclear(failure(
                    DeliveryErrorCode::RejectedByRemote,
                    "The remote says that it removed the member, who is still there.",
                ))),
                settled @ (Write::Made | Write::Stale(_) | Write::Unclear(_)) => Ok(settled),
            },
        }
    }

    /// Answers an unclear write by what is there now.
    async fn look_again(&self, failure: Failure) -> Result<Done, Failure> {
        match Group::read(self.remote, self.group).await {
            Ok(group) if self.is_met(&group) => Ok(Done::Changed),
            Ok(_) | Err(_) => Err(failure),
        }
    }

    /// Removes the member in the form that servers made for Entra ID take: the member as `value`.
    ///
    /// RFC 7644 §3.5.2.2 knows no such `value`, and a server that reads it by the letter removes
    /// every member. So it is used only where the standard's own form was refused, the group is
    /// read again, and whoever was lost is put back.
    async fn remove_by_value(&self, before: &Group, refused: Failure) -> Result<Write, Failure> {
        let written = self.patch(&remove_by_value(self.user), before.version.as_deref()).await?;
        let unclear = match written {
            Write::Made => None,
            Write::Unclear(failure) => Some(failure),
            Write::Stale(failure) => return Ok(Write::Stale(failure)),
            Write::Unknown(_) => return Err(refused),
        };
        let after = Group::read(self.remote, self.group).await?;
        let lost: Vec<&str> = before
            .members
            .difference(&after.members)
            .map(String::as_str)
            .filter(|member| *member != self.user)
            .collect();
        if !lost.is_empty() {
            return Err(self.put_back(&lost).await);
        }
        if self.is_met(&after) { Ok(Write::Made) } else { Err(unclear.unwrap_or(refused)) }
    }

    /// Adds members again who were removed with the one.
    async fn put_back(&self, lost: &[&str]) -> Failure {
        tracing::error!(group = self.group, lost = lost.len(), "a SCIM server removed all members for one");
        let message = match self.patch(&add(lost), None).await {
            Ok(Write::Made) => "The remote cannot remove one member alone; the others were put back.",
            Ok(Write::Stale(_) | Write::Unclear(_) | Write::Unknown(_)) | Err(_) => {
                "The remote removed all members of the group for one, and could not be brought to put them back."
            }
        };
        failure(DeliveryErrorCode::NotSupported, message)
    }

    async fn patch(&self, operation: &Value, version: Option<&str>) -> Result<Write, Failure> {
        let body = json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
            "Operations": [operation],
        });
        let path = ["Groups", self.group];
        let call = Call { if_match: version, body: Some(&body), ..Call::new(Method::PATCH, &path) };
        match self.remote.send(call).await {
            Ok(answer) => self.judge(&answer),
            Err(Unanswered { failure, may_have_arrived: true }) => Ok(Write::Unclear(failure)),
            Err(Unanswered { failure, may_have_arrived: false }) => Err(failure),
        }
    }

    fn judge(&self, answer: &Answer) -> Result<Write, Failure> {
        let remote = self.remote;
        match answer.status.as_u16() {
            204 => Ok(Write::Made),
            200 => match remote.scim_object(answer) {
                Ok(_) => Ok(Write::Made),
                Err(failure) => Ok(Write::Unclear(failure)),
            },
            201..=299 => Ok(Write::Unclear(remote.not_scim(answer))),
            // A version that does not fit may be told by either (RFC 7644 §3.12, §3.14).
            409 | 412 => Ok(Write::Stale(remote.failure_as(DeliveryErrorCode::Conflict, answer))),
            400 => Ok(Write::Unknown(remote.failure(answer))),
            404 => Err(remote.failure_as(DeliveryErrorCode::ResourceNotFound, answer)),
            // The server, or a gateway before it, may have failed after the change.
            500 | 502 | 504 => Ok(Write::Unclear(remote.failure(answer))),
            _ => Err(remote.failure(answer)),
        }
    }
}

fn values(users: &[&str]) -> Value {
    users.iter().map(|user| json!({"value": user})).collect()
}

fn add(users: &[&str]) -> Value {
    json!({"op": "add", "path": "members", "value": values(users)})
}

fn remove_by_filter(user: &str) -> Value {
    json!({"op": "remove", "path": format!("members[value eq {}]", quoted(user))})
}

/// Whether an id needs escapes in a filter. A server that cannot read them finds nobody to remove
/// and calls that a success (npm `scimmy` does), so its word is not enough.
fn has_escapes(user: &str) -> bool {
    quoted(user).len() != user.len() + 2
}

fn remove_by_value(user: &str) -> Value {
    json!({"op": "remove", "path": "members", "value": values(&[user])})
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(value: &Value) -> Map<String, Value> {
        value.as_object().cloned().expect("an object")
    }

    #[test]
    fn operations_have_the_forms_that_servers_know() {
        assert_eq!(
            add(&["1", "2"]),
            json!({"op": "add", "path": "members", "value": [{"value": "1"}, {"value": "2"}]})
        );
        assert_eq!(
            remove_by_filter(r#"a"b\"#),
            json!({"op": "remove", "path": r#"members[value eq "a\"b\\"]"#})
        );
        assert_eq!(
            remove_by_value("1"),
            json!({"op": "remove", "path": "members", "value": [{"value": "1"}]})
        );
    }

    #[test]
    fn a_version_is_sent_only_as_an_entity_tag() {
        let group = |version: &str| object(&json!({"id": "1", "meta": {"version": version}}));
        let header = || Some(r#""h""#.to_owned());
        assert_eq!(version(&group(r#"W/"v1""#), header()), Some(r#"W/"v1""#.to_owned()));
        assert_eq!(version(&group("v1"), header()), header());
        assert_eq!(version(&group("v1"), None), None);
        assert_eq!(version(&group("\"v\r\n1\""), None), None);
        assert_eq!(version(&object(&json!({"id": "1"})), header()), header());
    }

    #[test]
    fn members_are_read_and_nothing_else_is_taken_for_a_group() {
        let read = |value: &Value| members(&object(value));
        let two = json!({"id": "1", "members": [{"value": "a"}, {"value": "b"}, {"display": "c"}, "d"]});
        assert_eq!(read(&two), Some(BTreeSet::from(["a".to_owned(), "b".to_owned()])));
        assert_eq!(read(&json!({"id": "1"})), Some(BTreeSet::new()));
        assert_eq!(read(&json!({"id": "1", "members": null})), Some(BTreeSet::new()));
        assert_eq!(read(&json!({"id": "1", "members": "a"})), None);
        assert_eq!(read(&json!({"schemas": [], "Resources": []})), None);
        assert_eq!(read(&json!({"schemas": [], "detail": "no"})), None);
    }
}
