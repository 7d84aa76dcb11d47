//! Changes of groups and users (RFC 7644 §3.5.2), with what odd servers make of them.

use serde_json::{Map, Value};

use super::answers::Answer;
use super::directory::{Directory, User};
use super::filter;
use super::oddity::Oddity;

/// One operation on the members of a group.
enum Change {
    Add(Vec<String>),
    /// By a list as `value`.
    RemoveListed(Vec<String>),
    /// By a filter in the path.
    RemoveOne(String),
    RemoveAll,
    Replace(Vec<String>),
    /// Of an attribute beside the members.
    Other,
}

/// Whose membership a call wrote: what it did, and the login name.
pub(super) type Written = Vec<(&'static str, String)>;

/// Makes the changes of a PATCH; gives whose membership was written.
pub(super) fn group(
    directory: &mut Directory,
    id: &str,
    operations: &[Value],
    oddities: &[Oddity],
) -> Result<Written, Answer> {
    let before = directory.group(id).expect("the group was found").members.clone();
    let changes: Vec<Result<Change, Answer>> =
        operations.iter().map(|operation| read(operation, oddities)).collect();
    if oddities.contains(&Oddity::BatchWithMemberFails) && adds_a_member(&changes, &before) {
        return Err(Answer::error(500, None, "duplicate key value violates unique constraint"));
    }
    let mut members = before.clone();
    let mut written = Vec::new();
    for (place, change) in changes.into_iter().enumerate() {
        let applied = change.and_then(|change| {
            check(directory, &change)?;
            written.extend(names(directory, &change));
            Ok(apply(change, &members, &before, oddities))
        });
        match applied {
            Ok(after) => members = after,
            Err(refused) => {
                if place > 0 && oddities.contains(&Oddity::RefusedBatchCommitsFirst) {
                    write(directory, id, members, oddities);
                }
                return Err(refused);
            }
        }
    }
    write(directory, id, members, oddities);
    Ok(written)
}

fn write(directory: &mut Directory, id: &str, members: Vec<String>, oddities: &[Oddity]) {
    directory.group_mut(id).expect("the group was found").write(members, oddities);
}

fn read(operation: &Value, oddities: &[Oddity]) -> Result<Change, Answer> {
    let path = operation["path"].as_str();
    if path.is_some() && oddities.contains(&Oddity::PathlessOnly) {
        return Err(Answer::error(400, Some("invalidPath"), "path is not supported"));
    }
    let value = match path {
        None => &operation["value"]["members"],
        Some(_) => &operation["value"],
    };
    let kind = operation["op"].as_str().unwrap_or_default().to_lowercase();
    let about_members = path.map_or(!value.is_null(), |path| path.starts_with("members"));
    match (kind.as_str(), path) {
        ("add" | "replace" | "remove", _) if !about_members => Ok(Change::Other),
        ("add", None | Some("members")) => Ok(Change::Add(ids(value)?)),
        ("replace", None | Some("members")) => Ok(Change::Replace(ids(value)?)),
        ("remove", None | Some("members")) if value.is_null() => Ok(Change::RemoveAll),
        ("remove", None | Some("members")) => Ok(Change::RemoveListed(ids(value)?)),
        ("remove", Some(_)) if oddities.contains(&Oddity::FilteredRemovalRefused) => {
            Err(Answer::error(501, None, "Filters in paths are not supported"))
        }
        ("remove", Some(path)) => filter::member_of_path(path)
            .map(Change::RemoveOne)
            .ok_or_else(|| Answer::error(400, Some("invalidPath"), "This path is not known")),
        _ => Err(Answer::error(400, Some("invalidSyntax"), "This operation is not known")),
    }
}

/// The ids of a list of members, or of one.
fn ids(value: &Value) -> Result<Vec<String>, Answer> {
    let one = std::slice::from_ref(value);
    let members = value.as_array().map_or(one, Vec::as_slice);
    let id = |member: &Value| match &member["value"] {
        Value::String(id) => Ok(id.clone()),
        Value::Number(id) => Ok(id.to_string()),
        _ => Err(Answer::error(400, Some("invalidValue"), "A member has no value")),
    };
    members.iter().map(id).collect()
}

fn adds_a_member(changes: &[Result<Change, Answer>], members: &[String]) -> bool {
    let mut added = changes.iter().flat_map(|change| match change {
        Ok(Change::Add(ids)) => ids.as_slice(),
        _ => &[],
    });
    let several = added.clone().count() > 1;
    several && added.any(|id| members.iter().any(|member| member.eq_ignore_ascii_case(id)))
}

/// Refuses members who are not known, or not yet.
fn check(directory: &mut Directory, change: &Change) -> Result<(), Answer> {
    let (Change::Add(ids) | Change::Replace(ids)) = change else { return Ok(()) };
    for id in ids {
        let Some(user) = directory.user_mut(id) else {
            return Err(Answer::error(400, Some("invalidValue"), &format!("There is no user {id}")));
        };
        if let Some((left, status)) = &mut user.unknown_for
            && *left > 0
        {
            *left -= 1;
            return Err(Answer::error(*status, None, &format!("User {id} was not found")));
        }
    }
    Ok(())
}

fn names(directory: &Directory, change: &Change) -> Written {
    let (what, ids): (_, &[String]) = match change {
        Change::Add(ids) => ("add", ids),
        Change::Replace(ids) => ("replace", ids),
        Change::RemoveListed(ids) => ("remove", ids),
        Change::RemoveOne(id) => ("remove", std::slice::from_ref(id)),
        Change::RemoveAll | Change::Other => ("", &[]),
    };
    ids.iter().map(|id| (what, directory.name_of(id))).collect()
}

/// The members after a change; `before` are those before the whole PATCH.
fn apply(change: Change, members: &[String], before: &[String], oddities: &[Oddity]) -> Vec<String> {
    let odd = |oddity: Oddity| oddities.contains(&oddity);
    let is = |left: &str, right: &str| left.eq_ignore_ascii_case(right);
    let mut members = members.to_vec();
    match change {
        Change::Add(_) if odd(Oddity::AddNotDone) => {}
        Change::Add(added) => {
            if odd(Oddity::AddReplaces) {
                members.clear();
            }
            if odd(Oddity::AddDropsOne)
                && let Some(place) =
                    members.iter().position(|member| added.iter().all(|one| !is(one, member)))
            {
                members.remove(place);
            }
            for one in added {
                if odd(Oddity::AddRepeats) || members.iter().all(|member| !is(member, &one)) {
                    members.push(one.to_lowercase());
                }
            }
        }
        Change::RemoveListed(_) | Change::RemoveOne(_) | Change::RemoveAll if odd(Oddity::RemovalNotDone) => {
        }
        Change::RemoveOne(_) if odd(Oddity::FilteredRemovalNotDone) || odd(Oddity::RemovalShowsMember) => {}
        Change::RemoveOne(id) if odd(Oddity::ShiftingIndexes) => {
            let place = before.iter().position(|member| is(member, &id));
            if let Some(place) = place.filter(|place| *place < members.len()) {
                members.remove(place);
            }
        }
        Change::RemoveOne(id) => members.retain(|member| !is(member, &id)),
        Change::RemoveListed(_) if odd(Oddity::RemovalByValueRemovesAll) => members.clear(),
        Change::RemoveListed(ids) => members.retain(|member| ids.iter().all(|id| !is(member, id))),
        Change::RemoveAll => members.clear(),
        Change::Replace(ids) => members = ids.iter().map(|id| id.to_lowercase()).collect(),
        Change::Other => {}
    }
    members
}

/// Makes the changes of a PATCH of a user.
pub(super) fn user(user: &mut User, operations: &[Value]) -> Result<(), Answer> {
    for operation in operations {
        let single;
        let values = match (operation["path"].as_str(), &operation["value"]) {
            (Some(path), value) => {
                single = Map::from_iter([(path.to_owned(), value.clone())]);
                &single
            }
            (None, Value::Object(values)) => values,
            (None, _) => return Err(Answer::error(400, Some("invalidValue"), "The value is no object")),
        };
        for (attribute, value) in values {
            set(user, attribute, value)?;
        }
    }
    Ok(())
}

fn set(user: &mut User, attribute: &str, value: &Value) -> Result<(), Answer> {
    let account = &mut user.account;
    match (attribute.to_lowercase().as_str(), value) {
        ("active", Value::Bool(active)) => account.inactive = !active,
        ("username", Value::String(name)) => account.user_name.clone_from(name),
        ("externalid", Value::String(id)) => account.external_id = Some(id.clone()),
        ("displayname", Value::String(name)) => user.display_name.clone_from(name),
        _ => return Err(Answer::error(400, Some("invalidPath"), &format!("{attribute} cannot be set"))),
    }
    Ok(())
}
