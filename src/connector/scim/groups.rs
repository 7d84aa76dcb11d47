//! The groups of a SCIM server: reading one, and changing one membership (RFC 7644 §3.5.2).

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use entity::delivery::DeliveryErrorCode;
use reqwest::Method;
use serde_json::{Map, Value, json};

use super::people::quoted;
use super::remote::{Answer, Call, Remote};
use super::{failure, text};
use crate::connector::outgoing::Unanswered;
use crate::connector::{Change, Done, Failure};

/// How often a write is tried again after the group changed meanwhile. The last tries carry no version: some servers
/// send one that no request can match, a weak tag for example.
const RETRIES: usize = 3;

/// What membership is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wish {
    Member,
    NoMember,
}

/// What was read of a group.
pub(super) struct Group {
    /// The ids of its members, users and groups alike; `None` if the server shows none, or more than are read.
    members: Option<BTreeSet<String>>,
    /// Its version, as `If-Match` takes it.
    version: Option<String>,
}

impl Group {
    pub async fn read(remote: &Remote, id: &str) -> Result<Self, Failure> {
        let answer = get(remote, id).await?;
        if answer.status.as_u16() == 404 {
            return Err(remote.failure_as(DeliveryErrorCode::ResourceNotFound, &answer));
        }
        Self::of(remote, &answer)
    }

    fn of(remote: &Remote, answer: &Answer) -> Result<Self, Failure> {
        if answer.status.is_success() && answer.is_too_long() {
            return Ok(Self { members: None, version: answer.etag.clone().filter(|tag| is_etag(tag)) });
        }
        let group = remote.scim_object(answer)?;
        let members = members(&group).ok_or_else(|| remote.not_scim(answer))?;
        Ok(Self { members, version: version(&group, answer.etag.clone()) })
    }

    /// Whether a user is shown among the members; `None` if the server shows none.
    fn shows(&self, user: &str) -> Option<bool> {
        self.members.as_ref().map(|members| members.contains(user))
    }

    /// The same, with ids compared without case: some servers show them in another case than they take them.
    fn shows_in_any_case(&self, user: &str) -> Option<bool> {
        let user = user.to_lowercase();
        self.members.as_ref().map(|members| members.iter().any(|member| member.to_lowercase() == user))
    }
}

async fn get(remote: &Remote, id: &str) -> Result<Answer, Failure> {
    // As a part of a path these would name something else (RFC 3986 §5.2.4).
    if matches!(id, "" | "." | "..") {
        return Err(failure(DeliveryErrorCode::ResourceNotFound, "This cannot be the id of a group."));
    }
    let path = ["Groups", id];
    let narrow = Call { query: &[("attributes", "members,meta")], ..Call::new(Method::GET, &path) };
    let answer = remote.answer(narrow).await?;
    if answer.status.as_u16() == 400 && !answer.is_throttle() {
        // Some servers do not know the parameter; the others say the same again.
        return remote.answer(Call::new(Method::GET, &path)).await;
    }
    Ok(answer)
}

/// The members of a group: an outer `None` if what stands there is no list or the object is no group, an inner one if
/// the group shows no members.
fn members(group: &Map<String, Value>) -> Option<Option<BTreeSet<String>>> {
    if group.contains_key("Resources") || group.contains_key("detail") {
        return None;
    }
    match group.get("members") {
        None | Some(Value::Null) => Some(None),
        Some(Value::Array(members)) => {
            Some(Some(members.iter().filter_map(|member| member_id(member.as_object()?)).collect()))
        }
        Some(_) => None,
    }
}

/// The id of a member: its `value`, or the end of its `$ref` (RFC 7643 §2.4), which some servers give alone.
fn member_id(member: &Map<String, Value>) -> Option<String> {
    text(member, "value").or_else(|| {
        let reference = text(member, "$ref")?;
        let end = reference.trim_end_matches('/').rsplit('/').next()?.to_owned();
        Some(end).filter(|id| !id.is_empty())
    })
}

/// The version of a group: `meta.version` (RFC 7643 §3.1), which no proxy rewrites, or the header.
fn version(group: &Map<String, Value>, etag: Option<String>) -> Option<String> {
    let meta = group.get("meta").and_then(Value::as_object);
    meta.and_then(|meta| text(meta, "version")).into_iter().chain(etag).find(|tag| is_etag(tag))
}

/// Whether a text is an entity tag (RFC 9110 §8.8.3).
fn is_etag(text: &str) -> bool {
    text.strip_prefix("W/")
        .unwrap_or(text)
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'))
        .is_some_and(|inner| inner.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"'))
}

/// What is known of a server's filter by member. A "yes" counts only if a member that cannot be there was answered
/// with "no", and a "no" only if a member that was read was answered with "yes": some servers ignore filters, some
/// find nobody by those that they do not know.
#[derive(Default)]
pub(super) struct Filters {
    says_no: Mutex<Option<bool>>,
    says_yes: Mutex<Option<bool>>,
    /// Whether a removal was seen to take the one member and no other.
    removes_one: Mutex<Option<bool>>,
}

fn remembered(known: &Mutex<Option<bool>>) -> Option<bool> {
    *known.lock().unwrap_or_else(PoisonError::into_inner)
}

fn remember(known: &Mutex<Option<bool>>, answer: bool) -> bool {
    *known.lock().unwrap_or_else(PoisonError::into_inner) = Some(answer);
    answer
}

/// The id of a member that no group has.
const NOBODY: &str = "00000000-0000-4000-8000-000000000000";

/// One user's membership in one group, as it shall be.
pub(super) struct Membership<'a> {
    pub remote: &'a Remote,
    pub filters: &'a Filters,
    /// The group's id.
    pub group: &'a str,
    /// The user's id.
    pub user: &'a str,
    pub wish: Wish,
}

/// What became of a write.
enum Write {
    /// The server says that it was made.
    Made,
    /// Another one came first; the group is to be read again.
    Stale(Failure),
    /// It may have been made; if not, this is why.
    Unclear(Failure),
    /// The server refused it, or does not take this form of it.
    Refused(Failure),
}

impl Membership<'_> {
    /// Makes the user a member.
    pub async fn give(&self) -> Result<Change, Failure> {
        let mut conflict = None;
        for attempt in 0..=RETRIES {
            let before = Group::read(self.remote, self.group).await?;
            if self.is_shown(&before).await? == Some(true) {
                let changed = conflict.is_some();
                let done = if changed { Done::Changed } else { Done::AlreadySo };
                return Ok(Change { done, held_before: Some(!changed), confirmed: true });
            }
            match self.add(before.version.as_deref().filter(|_| attempt < RETRIES - 1)).await? {
                Write::Made => return self.check_given(&before, None).await,
                Write::Unclear(failure) => return self.check_given(&before, Some(failure)).await,
                Write::Refused(failure) => return self.check_refused(&before, failure).await,
                Write::Stale(failure) => conflict = Some(failure),
            }
        }
        Err(conflict.unwrap_or_else(|| failure(DeliveryErrorCode::Conflict, "The group changed meanwhile.")))
    }

    /// Takes the membership away. The removal is sent whatever the group shows: some servers hide members.
    pub async fn take(&self) -> Result<Change, Failure> {
        let mut refused = None;
        for removal in [remove_by_filter(self.user), remove_by_value(self.user)] {
            let by_value = removal["path"] == "members";
            // The form by value removes everybody at some servers, and the first removal at a server is a trial: what
            // was there must be known before.
            let before = if by_value || remembered(&self.filters.removes_one).is_none() {
                let Some(group) = self.read_or_gone().await? else { return Ok(gone()) };
                Some(group)
            } else {
                None
            };
            if by_value && before.as_ref().is_some_and(|group| group.members.is_none()) {
                break;
            }
            let written = self.patch(&removal, None).await?;
            let Some(mut after) = self.read_or_gone().await? else { return Ok(gone()) };
            // Some servers leave the list out when nobody is in it.
            if before.as_ref().is_some_and(|before| before.members.is_some()) && after.members.is_none() {
                after.members = Some(BTreeSet::new());
            }
            let shown = after.shows_in_any_case(self.user);
            if let Some(before) = &before {
                self.restore(before, &after).await?;
                if before.shows(self.user) == Some(true) && shown == Some(false) {
                    remember(&self.filters.removes_one, true);
                }
            }
            match (written, shown) {
                (Write::Made, Some(false)) => {
                    let seen = before.as_ref().is_some_and(|before| before.shows(self.user) == Some(true));
                    return Ok(taken(Done::Changed, seen || !after.hides()));
                }
                (Write::Made, None) => return Ok(taken(Done::Changed, false)),
                (Write::Made, Some(true)) => {
                    refused = Some(failure(
                        DeliveryErrorCode::ChangeNotMade,
                        "The remote says that it removed the member, and still shows it.",
                    ));
                }
                (Write::Unclear(_), Some(false)) => return Ok(taken(Done::Changed, true)),
                (Write::Unclear(failure), Some(true) | None) => return Err(failure.uncertain()),
                // Refused, and the member is not there: somebody else was first.
                (Write::Refused(failure) | Write::Stale(failure), Some(false)) => {
                    if self.is_absent(&after).await? {
                        return Ok(Change {
                            done: Done::AlreadySo,
                            held_before: Some(false),
                            confirmed: true,
                        });
                    }
                    refused = Some(failure);
                }
                (Write::Refused(failure) | Write::Stale(failure), Some(true) | None) => {
                    if failure.code == DeliveryErrorCode::RemoteThrottled
                        || failure.code == DeliveryErrorCode::RemoteAuthFailed
                    {
                        return Err(failure);
                    }
                    refused = Some(failure);
                }
            }
        }
        Err(refused
            .unwrap_or_else(|| failure(DeliveryErrorCode::NotSupported, "The remote removes no member.")))
    }

    /// Whether the group shows the user as a member; `None` if it does not show its members.
    pub async fn shown_by(&self, group: &Group) -> Result<Option<bool>, Failure> {
        match group.shows(self.user) {
            Some(true) => Ok(Some(true)),
            shown => Ok(self.ask_filter(group, self.user).await?.or(shown)),
        }
    }

    /// Whether the user is certainly a member. A reading that does not show them proves nothing.
    async fn is_shown(&self, group: &Group) -> Result<Option<bool>, Failure> {
        match group.shows(self.user) {
            Some(true) => Ok(Some(true)),
            Some(false) => Ok(Some(false)),
            None => self.ask_filter(group, self.user).await,
        }
    }

    /// Whether the user is certainly no member, after a removal was refused. Of two signs one is enough: the filter says
    /// so, or the group shows members and not this one.
    async fn is_absent(&self, group: &Group) -> Result<bool, Failure> {
        match self.ask_filter(group, self.user).await? {
            Some(member) => Ok(!member),
            None => Ok(group.members.as_ref().is_some_and(|members| !members.is_empty())),
        }
    }

    /// Looks at the group after a write that gives; `unclear` is why the server may not have made it.
    async fn check_given(&self, before: &Group, unclear: Option<Failure>) -> Result<Change, Failure> {
        let after = match (Group::read(self.remote, self.group).await, &unclear) {
            (Ok(after), _) => after,
            (Err(failure), None) => return Err(failure.uncertain()),
            (Err(_), Some(failure)) => return Err(failure.clone().uncertain()),
        };
        self.restore(before, &after).await?;
        let shown = match after.shows_in_any_case(self.user) {
            Some(true) => Some(true),
            Some(false) | None => self.ask_filter(&after, self.user).await?,
        };
        match (shown, unclear) {
            (Some(true), _) => {
                // A list that was left out before and is there now was empty.
                let held_before = before.shows(self.user).or(after.members.is_some().then_some(false));
                Ok(Change { done: Done::Changed, held_before, confirmed: true })
            }
            // The server made no promise, and shows nothing.
            (Some(false), Some(failure)) => Err(failure),
            (None, Some(failure)) if after.shows(self.user) == Some(false) && !after.hides() => Err(failure),
            (None, Some(failure)) => Err(failure.uncertain()),
            (Some(false), None) => Err(failure(
                DeliveryErrorCode::ChangeNotMade,
                "The remote says that it added the member, and does not show it.",
            )
            .uncertain()),
            // Nothing shows it, and nothing contradicts the server.
            (None, None) => Ok(Change { done: Done::Changed, held_before: None, confirmed: false }),
        }
    }

    /// Looks at the group after a write that gives was refused: another writer may have been first.
    async fn check_refused(&self, before: &Group, refused: Failure) -> Result<Change, Failure> {
        if refused.code == DeliveryErrorCode::ResourceNotFound {
            // Of the group or of the user: the server does not say which it does not know.
            return match Group::read(self.remote, self.group).await {
                Ok(_) => Err(Failure { code: DeliveryErrorCode::PrincipalNotFound, ..refused }),
                Err(failure) => Err(failure),
            };
        }
        match Group::read(self.remote, self.group).await {
            Ok(after) if after.shows(self.user) == Some(true) => {
                Ok(Change { done: Done::Changed, held_before: before.shows(self.user), confirmed: true })
            }
            Ok(_) | Err(_) => Err(refused),
        }
    }

    /// Reads the group; `None` if it certainly is no more: the server says so in SCIM, does not list it either, and
    /// answers another question. A wrong base URL would otherwise make every removal succeed.
    async fn read_or_gone(&self) -> Result<Option<Group>, Failure> {
        let answer = get(self.remote, self.group).await?;
        if answer.status.as_u16() != 404 {
            return Group::of(self.remote, &answer).map(Some);
        }
        let not_found = self.remote.failure_as(DeliveryErrorCode::ResourceNotFound, &answer);
        if !answer.is_scim_error() {
            return Err(not_found);
        }
        let filter = format!("id eq {}", quoted(self.group));
        let listed = Call { query: &[("filter", &filter)], ..Call::new(Method::GET, &["Groups"]) };
        let listed = self.remote.answer(listed).await?;
        let people = Call { query: &[("count", "1")], ..Call::new(Method::GET, &["Users"]) };
        let people = self.remote.answer(people).await?;
        let empty = |answer: &Answer| {
            answer.status.is_success() && answer.object().is_some_and(|list| resources(&list).is_empty())
        };
        if empty(&listed) && self.remote.scim_object(&people).is_ok() { Ok(None) } else { Err(not_found) }
    }

    /// Asks the server by a filter whether somebody is a member; `None` if its answer proves nothing.
    async fn ask_filter(&self, group: &Group, user: &str) -> Result<Option<bool>, Failure> {
        let Some(found) = self.filtered(user).await? else { return Ok(None) };
        let trusted = if found { self.can_say_no().await? } else { self.can_say_yes(group).await? };
        Ok(trusted.then_some(found))
    }

    async fn can_say_no(&self) -> Result<bool, Failure> {
        if let Some(known) = remembered(&self.filters.says_no) {
            return Ok(known);
        }
        let found = self.filtered(NOBODY).await?;
        Ok(remember(&self.filters.says_no, found == Some(false)))
    }

    async fn can_say_yes(&self, group: &Group) -> Result<bool, Failure> {
        if let Some(known) = remembered(&self.filters.says_yes) {
            return Ok(known);
        }
        let member = group.members.as_ref().and_then(|members| members.first());
        let Some(member) = member else { return Ok(false) };
        let found = self.filtered(member).await?;
        Ok(remember(&self.filters.says_yes, found == Some(true)))
    }

    /// What the filter finds; `None` if the server does not take it.
    async fn filtered(&self, user: &str) -> Result<Option<bool>, Failure> {
        let filter = format!("id eq {} and members.value eq {}", quoted(self.group), quoted(user));
        let query = [("filter", filter.as_str()), ("attributes", "id")];
        let call = Call { query: &query, ..Call::new(Method::GET, &["Groups"]) };
        let answer = self.remote.answer(call).await?;
        if answer.is_throttle() {
            return Err(self.remote.failure(&answer));
        }
        if !answer.status.is_success() {
            return Ok(None);
        }
        let is_group = |group: &Value| {
            group.as_object().and_then(|group| text(group, "id")).is_some_and(|id| id == self.group)
        };
        Ok(answer.object().map(|list| resources(&list).iter().any(is_group)))
    }

    /// Adds the user in the forms that servers take.
    async fn add(&self, version: Option<&str>) -> Result<Write, Failure> {
        match self.patch(&add(&[self.user]), version).await? {
            // Some servers take no `path` for what is added.
            Write::Refused(refused) if refused.remote_status == Some(400) => {
                match self.patch(&add_without_path(&[self.user]), version).await? {
                    Write::Refused(_) => Ok(Write::Refused(refused)),
                    other @ (Write::Made | Write::Stale(_) | Write::Unclear(_)) => Ok(other),
                }
            }
            other @ (Write::Made | Write::Stale(_) | Write::Unclear(_) | Write::Refused(_)) => Ok(other),
        }
    }

    /// Adds members again whom our write took away with the one, or instead of it, and fails. A server that shows no
    /// members shows no loss either.
    async fn restore(&self, before: &Group, after: &Group) -> Result<(), Failure> {
        let (Some(before), Some(shown)) = (&before.members, &after.members) else { return Ok(()) };
        let others = before.iter().map(String::as_str).filter(|member| *member != self.user);
        let (kept, lost): (Vec<&str>, Vec<&str>) = others.partition(|member| shown.contains(*member));
        // Of one who is missing among others who stayed, somebody else may have taken the membership meanwhile.
        if lost.is_empty() || !kept.is_empty() {
            return Ok(());
        }
        tracing::error!(
            group = self.group,
            lost = lost.len(),
            "a SCIM server removed other members with a write"
        );
        let mut all = lost.clone();
        if self.wish == Wish::Member {
            all.push(self.user);
        }
        let written = self.patch(&add(&all), None).await;
        let again = Group::read(self.remote, self.group).await;
        let is_back = |group: &Group| lost.iter().all(|member| group.shows(member) == Some(true));
        let back = matches!((&written, &again), (Ok(_), Ok(group)) if is_back(group));
        if back && self.wish == Wish::Member {
            return Ok(());
        }
        Err(failure(
            DeliveryErrorCode::NotSupported,
            if back {
                "The remote cannot remove one member alone; the others were put back."
            } else {
                "The remote removed other members of the group with a write, and could not be brought to put them back."
            },
        ))
    }

    async fn patch(&self, operation: &Value, version: Option<&str>) -> Result<Write, Failure> {
        let body = json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
            "Operations": [operation],
        });
        let path = ["Groups", self.group];
        let call = Call { if_match: version, body: Some(&body), ..Call::new(Method::PATCH, &path) };
        match self.remote.send(call).await {
            Ok(answer) => Ok(self.judge(&answer)),
            Err(Unanswered { failure, may_have_arrived: true }) => Ok(Write::Unclear(failure)),
            Err(Unanswered { failure, may_have_arrived: false }) => Err(failure),
        }
    }

    fn judge(&self, answer: &Answer) -> Write {
        let remote = self.remote;
        match answer.status.as_u16() {
            204 => Write::Made,
            200 if answer.is_too_long() || remote.scim_object(answer).is_ok() => Write::Made,
            200..=299 => Write::Unclear(remote.not_scim(answer)),
            // A version that does not fit may be told by either (RFC 7644 §3.12, §3.14).
            409 | 412 => Write::Stale(remote.failure_as(DeliveryErrorCode::Conflict, answer)),
            404 => Write::Refused(remote.failure_as(DeliveryErrorCode::ResourceNotFound, answer)),
            // The server, or a gateway before it, may have failed after the change.
            500 | 502 | 504 => Write::Unclear(remote.failure(answer)),
            _ => Write::Refused(remote.failure(answer)),
        }
    }
}

impl Group {
    /// Whether the list of members is one that some servers show whatever is true.
    fn hides(&self) -> bool {
        self.members.as_ref().is_none_or(BTreeSet::is_empty)
    }
}

const fn taken(done: Done, confirmed: bool) -> Change {
    Change { done, held_before: None, confirmed }
}

const fn gone() -> Change {
    Change { done: Done::TargetGone, held_before: Some(false), confirmed: true }
}

/// The resources of a list; none if it leaves them out (RFC 7644 §3.4.2).
fn resources(list: &Map<String, Value>) -> &[Value] {
    list.get("Resources").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

fn values(users: &[&str]) -> Value {
    users.iter().map(|user| json!({"value": user})).collect()
}

fn add(users: &[&str]) -> Value {
    json!({"op": "add", "path": "members", "value": values(users)})
}

fn add_without_path(users: &[&str]) -> Value {
    json!({"op": "add", "value": {"members": values(users)}})
}

fn remove_by_filter(user: &str) -> Value {
    json!({"op": "remove", "path": format!("members[value eq {}]", quoted(user))})
}

/// The form that servers made for Entra ID take. RFC 7644 §3.5.2.2 knows no such `value`, and a server that reads it by
/// the letter removes every member: so it comes second, and whoever was lost is put back.
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
        assert_eq!(read(&two), Some(Some(BTreeSet::from(["a".to_owned(), "b".to_owned()]))));
        let odd = json!({"id": "1", "members": [{"value": 7}, {"$ref": "https://x.example/Users/9"}]});
        assert_eq!(read(&odd), Some(Some(BTreeSet::from(["7".to_owned(), "9".to_owned()]))));
        assert_eq!(read(&json!({"id": "1"})), Some(None));
        assert_eq!(read(&json!({"id": "1", "members": null})), Some(None));
        assert_eq!(read(&json!({"id": "1", "members": []})), Some(Some(BTreeSet::new())));
        assert_eq!(read(&json!({"id": "1", "members": "a"})), None);
        assert_eq!(read(&json!({"schemas": [], "Resources": []})), None);
        assert_eq!(read(&json!({"schemas": [], "detail": "no"})), None);
    }
}
