//! The groups of a SCIM server: reading one, and changing one membership (RFC 7644 §3.5.2).

use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

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

/// What is known of a server, for as long as this process knows it.
///
/// A "yes" of the filter by member counts only if a member that cannot be there was answered with "no", and a "no" only
/// if a member that was read was answered with "yes": some servers ignore filters, some find nobody by those that they
/// do not know.
#[derive(Default)]
pub(super) struct Known {
    says_no: Mutex<Option<bool>>,
    says_yes: Mutex<Option<bool>>,
    /// The form of a removal that was seen to take the one member and no other.
    removal: Mutex<Option<Form>>,
    /// How members are added without a loss.
    adds: Mutex<Option<Adds>>,
    /// Removals that were sent while the group still shows the member, by group and user.
    unseen: Mutex<HashMap<(String, String), Unseen>>,
}

/// The form of a removal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    ByFilter,
    ByValue,
    WithoutPath,
}

impl Form {
    const ALL: [Self; 3] = [Self::ByFilter, Self::ByValue, Self::WithoutPath];

    /// Its place in what is counted by form.
    const fn place(self) -> usize {
        match self {
            Self::ByFilter => 0,
            Self::ByValue => 1,
            Self::WithoutPath => 2,
        }
    }

    fn operation(self, user: &str) -> Value {
        match self {
            Self::ByFilter => remove_by_filter(user),
            Self::ByValue => remove_by_value(user),
            Self::WithoutPath => remove_without_path(user),
        }
    }
}

/// How members are added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Adds {
    /// An add was seen to leave the others where they are.
    One,
    /// Others were missing after an add: the whole list is sent, which loses nobody who was read.
    Whole,
}

/// A removal that the group does not show yet.
#[derive(Clone, Debug, Default)]
struct Unseen {
    /// How often each form was sent.
    sent: [u8; 3],
    /// Who was in the group before a form that removes everybody at some servers.
    before: Option<BTreeSet<String>>,
}

/// How often a form of a removal is sent before another one is: readings lag, at some servers behind a cache.
const SENT: u8 = 3;

/// How many removals that are not shown yet are remembered.
const UNSEEN: usize = 10_000;

/// How many of those whom a write took away are named.
const NAMED: usize = 10;

impl Known {
    /// The forms of a removal, the one that is known to work first.
    fn forms(&self) -> impl Iterator<Item = Form> {
        let first = remembered(&self.removal);
        first.into_iter().chain(Form::ALL.into_iter().filter(move |form| Some(*form) != first))
    }

    fn unseen(&self) -> MutexGuard<'_, HashMap<(String, String), Unseen>> {
        self.unseen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn remembered<T: Copy>(known: &Mutex<Option<T>>) -> Option<T> {
    *known.lock().unwrap_or_else(PoisonError::into_inner)
}

fn remember<T: Copy>(known: &Mutex<Option<T>>, answer: T) -> T {
    *known.lock().unwrap_or_else(PoisonError::into_inner) = Some(answer);
    answer
}

/// The id of a member that no group has.
const NOBODY: &str = "00000000-0000-4000-8000-000000000000";

/// One user's membership in one group, as it shall be.
pub(super) struct Membership<'a> {
    pub remote: &'a Remote,
    pub known: &'a Known,
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

/// What became of one form of a removal.
enum Removal {
    /// The user is no member, as far as the server shows.
    Over(Change),
    /// Another form is to be tried; this is why.
    Next(Failure),
    /// Nobody would see whom the form removes.
    Blind,
}

/// Whether a refusal is one that every call gets, so that no other form of it helps.
fn is_about_every_call(failure: &Failure) -> bool {
    matches!(failure.code, DeliveryErrorCode::RemoteThrottled | DeliveryErrorCode::RemoteAuthFailed)
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
            let version = before.version.as_deref().filter(|_| attempt < RETRIES - 1);
            match self.add(&self.to_add(&before), version).await? {
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
        let mut last = None;
        for form in self.known.forms() {
            let is_refused = |failure: &Failure| failure.remote_status == Some(400);
            if form == Form::WithoutPath && !last.as_ref().is_some_and(is_refused) {
                continue;
            }
            match self.take_by(form).await? {
                Removal::Over(change) => return Ok(change),
                Removal::Next(failure) => last = Some(failure),
                Removal::Blind => break,
            }
        }
        Err(last.unwrap_or_else(|| failure(DeliveryErrorCode::NotSupported, "The remote removes no member.")))
    }

    async fn take_by(&self, form: Form) -> Result<Removal, Failure> {
        let key = (self.group.to_owned(), self.user.to_owned());
        let mut unseen = self.known.unseen().remove(&key);
        let is_known = remembered(&self.known.removal) == Some(form) && unseen.is_none();
        // The first removal at a server is a trial: what was there must be known before.
        let before = if is_known {
            None
        } else {
            let Some(group) = self.read_or_gone().await? else { return Ok(Removal::Over(gone())) };
            if form != Form::ByFilter && group.hides() {
                // It removes everybody at some servers, and nobody would see it.
                return Ok(Removal::Blind);
            }
            Some(group)
        };
        let was_shown = before.as_ref().is_some_and(|group| group.shows_in_any_case(self.user) == Some(true));
        if let Some(group) = before.as_ref().filter(|_| !was_shown) {
            // Shows whether the filter can be asked afterwards.
            self.ask_filter(group, self.user).await?;
        }
        let written = self.patch(&form.operation(self.user), None).await?;
        if let Write::Refused(failure) = &written
            && is_about_every_call(failure)
        {
            return Err(failure.clone());
        }
        let Some(mut after) = self.read_or_gone().await? else { return Ok(Removal::Over(gone())) };
        // Some servers leave the list out when nobody is in it.
        if before.as_ref().is_some_and(|before| before.members.is_some()) && after.members.is_none() {
            after.members = Some(BTreeSet::new());
        }
        let listed = after.shows_in_any_case(self.user);
        let (shown, is_proven) = match listed {
            Some(true) => (listed, true),
            Some(false) if was_shown => (listed, true),
            Some(_) | None if is_known => (listed, !after.hides()),
            Some(_) | None => match self.ask_filter(&after, self.user).await? {
                Some(member) => (Some(member), true),
                None => (listed, false),
            },
        };
        if shown == Some(true) {
            let kept = unseen.get_or_insert_default();
            if form != Form::ByFilter && kept.before.is_none() {
                kept.before = before.and_then(|group| group.members);
            }
            return self.still_shown(form, written, key, kept.clone());
        }
        let earlier = unseen.and_then(|unseen| unseen.before);
        if let Some(members) = earlier.or_else(|| before.and_then(|before| before.members)) {
            let leaves_others = self.put_back(&members, &after).await?;
            if was_shown && listed == Some(false) && leaves_others {
                remember(&self.known.removal, form);
            }
        }
        match written {
            Write::Made => Ok(Removal::Over(taken(Done::Changed, is_proven && shown == Some(false)))),
            Write::Unclear(_) if is_proven => Ok(Removal::Over(taken(Done::Changed, true))),
            Write::Unclear(failure) => Err(failure.uncertain()),
            Write::Refused(failure) | Write::Stale(failure) => {
                // That it does not take the form says nothing about the member; other refusals mostly mean that there
                // is none.
                let is_about_the_form = failure.code == DeliveryErrorCode::NotSupported;
                if is_proven && !is_known || !is_about_the_form && !after.hides() {
                    return Ok(Removal::Over(Change {
                        done: Done::AlreadySo,
                        held_before: Some(false),
                        confirmed: true,
                    }));
                }
                Ok(Removal::Next(of_the_user(failure)))
            }
        }
    }

    /// What to do about a removal after which the group still shows the member. Readings lag: the same form is sent
    /// again some minutes later, before another one is.
    fn still_shown(
        &self,
        form: Form,
        written: Write,
        key: (String, String),
        mut unseen: Unseen,
    ) -> Result<Removal, Failure> {
        let sent = &mut unseen.sent[form.place()];
        let answer = match written {
            Write::Made => {
                *sent = sent.saturating_add(1);
                let failure = failure(
                    DeliveryErrorCode::ChangeNotMade,
                    "The remote says that it removed the member, and still shows it.",
                );
                if *sent < SENT { Err(failure.uncertain()) } else { Ok(Removal::Next(failure)) }
            }
            Write::Unclear(failure) => Err(failure.uncertain()),
            Write::Refused(failure) | Write::Stale(failure) => Ok(Removal::Next(of_the_user(failure))),
        };
        let mut all = self.known.unseen();
        if all.len() >= UNSEEN {
            all.clear();
        }
        all.insert(key, unseen);
        answer
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

    /// Looks at the group after a write that gives; `unclear` is why the server may not have made it.
    async fn check_given(&self, before: &Group, unclear: Option<Failure>) -> Result<Change, Failure> {
        let after = match (Group::read(self.remote, self.group).await, &unclear) {
            (Ok(after), _) => after,
            (Err(failure), None) => return Err(failure.uncertain()),
            (Err(_), Some(failure)) => return Err(failure.clone().uncertain()),
        };
        let is_listed = |group: &Group| group.shows_in_any_case(self.user) == Some(true);
        let shown = if is_listed(&after) { Some(true) } else { self.ask_filter(&after, self.user).await? };
        let is_trial = remembered(&self.known.adds) != Some(Adds::One);
        let after = if shown == Some(true) && !is_listed(&after) && is_trial && before.members.is_some() {
            // The list is not complete, or lags: then it shows later who was lost.
            Group::read(self.remote, self.group).await.map_err(Failure::uncertain)?
        } else {
            after
        };
        if is_listed(&after) {
            self.check_others(before, &after).await.map_err(Failure::uncertain)?;
        }
        match (shown, unclear) {
            (Some(true), _) => {
                let held_before = match before.shows_in_any_case(self.user) {
                    // A list that does not show all proves nothing; nor does an id in another case.
                    Some(false) if is_listed(&after) => Some(false),
                    Some(_) => None,
                    // A list that was left out before and is there now was empty.
                    None => after.members.is_some().then_some(false),
                };
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
        if is_about_every_call(&refused) {
            return Err(refused);
        }
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
        if found && trusted {
            remember(&self.known.says_yes, true);
        }
        Ok(trusted.then_some(found))
    }

    async fn can_say_no(&self) -> Result<bool, Failure> {
        if let Some(known) = remembered(&self.known.says_no) {
            return Ok(known);
        }
        let found = self.filtered(NOBODY).await?;
        Ok(remember(&self.known.says_no, found == Some(false)))
    }

    async fn can_say_yes(&self, group: &Group) -> Result<bool, Failure> {
        if let Some(known) = remembered(&self.known.says_yes) {
            return Ok(known);
        }
        let member = group.members.as_ref().and_then(|members| members.first());
        let Some(member) = member else { return Ok(false) };
        let found = self.filtered(member).await?;
        Ok(remember(&self.known.says_yes, found == Some(true)))
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

    /// Whom an add names: the user, or at a server that loses the others everybody who was read.
    fn to_add<'b>(&'b self, before: &'b Group) -> Vec<&'b str> {
        let whole = remembered(&self.known.adds) == Some(Adds::Whole);
        let others = before.members.iter().flatten().map(String::as_str).filter(|_| whole);
        others.filter(|member| !self.is_user(member)).chain([self.user]).collect()
    }

    /// Adds users in the forms that servers take.
    async fn add(&self, users: &[&str], version: Option<&str>) -> Result<Write, Failure> {
        match self.patch(&add(users), version).await? {
            // Some servers take no `path` for what is added.
            Write::Refused(refused)
                if refused.remote_status == Some(400) && !is_about_every_call(&refused) =>
            {
                match self.patch(&add_without_path(users), version).await? {
                    Write::Refused(_) => Ok(Write::Refused(refused)),
                    other @ (Write::Made | Write::Stale(_) | Write::Unclear(_)) => Ok(other),
                }
            }
            other @ (Write::Made | Write::Stale(_) | Write::Unclear(_) | Write::Refused(_)) => Ok(other),
        }
    }

    /// Whether a member is the user; ids are compared without case.
    fn is_user(&self, member: &str) -> bool {
        member.to_lowercase() == self.user.to_lowercase()
    }

    /// The other members of before, and whether each is still shown.
    fn others<'b>(&self, before: &'b BTreeSet<String>, after: &BTreeSet<String>) -> (usize, Vec<&'b str>) {
        let others = before.iter().map(String::as_str).filter(|member| !self.is_user(member));
        let (kept, lost): (Vec<&str>, Vec<&str>) = others.partition(|member| after.contains(*member));
        (kept.len(), lost)
    }

    /// Looks whether an add left the others where they were, until one was seen to. From then on somebody else takes
    /// away who is missing.
    async fn check_others(&self, before: &Group, after: &Group) -> Result<(), Failure> {
        let (Some(members), Some(shown)) = (&before.members, &after.members) else { return Ok(()) };
        let (kept, lost) = self.others(members, shown);
        let known = remembered(&self.known.adds);
        if lost.is_empty() {
            if kept > 0 && known.is_none() {
                remember(&self.known.adds, Adds::One);
            }
            return Ok(());
        }
        if known == Some(Adds::One) {
            return Ok(());
        }
        remember(&self.known.adds, Adds::Whole);
        if kept == 0 {
            return self.put_back(members, after).await.map(drop);
        }
        // Our write explains it, and so does another writer: they are named, and not put back.
        let named: Vec<&str> = lost.iter().copied().take(NAMED).collect();
        let message = format!(
            "Other members of the group are missing since the write, {} of them: {}. Look whether somebody else \
             removed them, put them back if not, and reprocess.",
            lost.len(),
            named.join(", ")
        );
        Err(failure(DeliveryErrorCode::NotSupported, &message))
    }

    /// Adds the others again if all of them are gone with a write of ours, and fails unless it gave. Returns whether
    /// others are there who were left where they were.
    async fn put_back(&self, before: &BTreeSet<String>, after: &Group) -> Result<bool, Failure> {
        let Some(shown) = &after.members else { return Ok(false) };
        let (kept, lost) = self.others(before, shown);
        // Of one who is missing among others who stayed, somebody else may have taken the membership meanwhile.
        if lost.is_empty() || kept > 0 {
            return Ok(lost.is_empty() && kept > 0);
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
        let written = self.add(&all, None).await;
        let is_back = |group: &Group| lost.iter().all(|member| group.shows(member) == Some(true));
        let mut back = false;
        // The first reading may lag.
        for _ in 0..2 {
            let again = Group::read(self.remote, self.group).await;
            back = back || matches!((&written, &again), (Ok(_), Ok(group)) if is_back(group));
        }
        if back && self.wish == Wish::Member {
            return Ok(false);
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

/// A refusal while the group is there: what is not found is the user.
fn of_the_user(refused: Failure) -> Failure {
    match refused.code {
        DeliveryErrorCode::ResourceNotFound => {
            Failure { code: DeliveryErrorCode::PrincipalNotFound, ..refused }
        }
        _ => refused,
    }
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

/// The form for servers that take no `path`; like the one by value it comes after the filter.
fn remove_without_path(user: &str) -> Value {
    json!({"op": "remove", "value": {"members": values(&[user])}})
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
