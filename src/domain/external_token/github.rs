//! What GitHub's REST API tells of an organization's fine-grained tokens: the answers of
//! `/orgs/{org}/personal-access-token-requests` and `/orgs/{org}/personal-access-tokens`, as they come.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use entity::permission_definition::PermissionTarget;
use entity::repository_access::AccessLevel;
use entity::token_request::RepositorySelection;
use serde::Deserialize;
use serde_json::Value;

use super::{Account, Contents, Item, Token};
use crate::domain::input;

/// The longest file, in bytes.
pub const LONGEST_FILE: u64 = 64 * 1024 * 1024;
/// The most requests and grants of one file.
pub const MOST_ITEMS: usize = 100_000;
/// The most permissions of one of them.
const MOST_PERMISSIONS: usize = 500;
/// The longest name of a permission, in bytes.
const LONGEST_PERMISSION: usize = 80;

/// Why a file cannot be imported. Nothing of it was.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FileError {
    /// It holds nothing.
    #[error("the file is empty; save the answer of GitHub's REST API into it, as it came")]
    Empty,
    /// Not JSON.
    #[error("the file is not JSON, or was cut off: line {line}, column {column}")]
    NotJson {
        /// Where reading stopped.
        line: usize,
        /// Where in the line.
        column: usize,
    },
    /// Something else than lists.
    #[error(
        "the file must hold lists, as GitHub answers them; its value number {0} is none (an error of GitHub's, perhaps)"
    )]
    NotAList(usize),
    /// More than is taken.
    #[error("the file holds more than {MOST_ITEMS} requests and grants")]
    TooMany,
    /// One of the items.
    #[error("item number {0}: {1}")]
    Item(usize, String),
}

/// Reads a file: one list, or several one after the other or in a list, as pages come.
pub fn read(bytes: &[u8]) -> Result<Contents, FileError> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut items = Vec::new();
    let mut values = 0;
    for value in serde_json::Deserializer::from_slice(bytes).into_iter::<Value>() {
        let value =
            value.map_err(|error| FileError::NotJson { line: error.line(), column: error.column() })?;
        values += 1;
        let Value::Array(page) = value else { return Err(FileError::NotAList(values)) };
        for entry in page {
            match entry {
                Value::Array(page) => items.extend(page),
                entry => items.push(entry),
            }
        }
        if items.len() > MOST_ITEMS {
            return Err(FileError::TooMany);
        }
    }
    if values == 0 {
        return Err(FileError::Empty);
    }
    let mut contents = Contents::default();
    for (place, value) in (1..).zip(items) {
        take(&mut contents, value).map_err(|problem| FileError::Item(place, problem))?;
    }
    alone(&contents)?;
    Ok(contents)
}

/// Takes up one item. Pages can overlap: what comes again counts as it came last.
fn take(contents: &mut Contents, value: Value) -> Result<(), String> {
    let raw: Raw = serde_json::from_value(value).map_err(|error| shown(&error.to_string()))?;
    let id = id("id", raw.id)?;
    let (at, list) = match (&raw.access_granted_at, &raw.created_at) {
        (Some(at), _) => (time("access_granted_at", at)?, &mut contents.grants),
        (None, Some(at)) => (time("created_at", at)?, &mut contents.requests),
        (None, None) => {
            return Err(
                "it has neither `created_at`, as a request has, nor `access_granted_at`, as a grant has"
                    .to_owned(),
            );
        }
    };
    let (permissions, left_out) = permissions(&raw.permissions)?;
    contents.left_out += left_out;
    let item = Item {
        account: Account {
            id: self::id("owner.id", raw.owner.id)?,
            login: name("owner.login", &raw.owner.login)?,
        },
        token: Token {
            id: self::id("token_id", raw.token_id)?,
            name: name("token_name", &raw.token_name)?,
            expires_at: raw.token_expires_at.map(|at| time("token_expires_at", &at)).transpose()?,
            last_used_at: raw.token_last_used_at.map(|at| time("token_last_used_at", &at)).transpose()?,
        },
        selection: raw.repository_selection.into(),
        permissions,
        at,
        justification: raw.reason.map(|text| reason(&text)).transpose()?.filter(|text| !text.is_empty()),
    };
    list.insert(id, item);
    Ok(())
}

/// A token has one request that waits in an organization, and one grant.
fn alone(contents: &Contents) -> Result<(), FileError> {
    for list in [&contents.requests, &contents.grants] {
        let mut seen = BTreeMap::new();
        for (place, (id, item)) in (1..).zip(list) {
            if let Some(other) = seen.insert(&item.token.id, id) {
                let token = &item.token.id;
                let problem =
                    format!("{id} and {other} are both of the token {token}; a token has one at a time");
                return Err(FileError::Item(place, problem));
            }
        }
    }
    Ok(())
}

#[derive(Deserialize)]
struct Raw {
    id: u64,
    owner: RawOwner,
    repository_selection: RawSelection,
    permissions: BTreeMap<String, BTreeMap<String, String>>,
    created_at: Option<String>,
    access_granted_at: Option<String>,
    reason: Option<String>,
    token_id: u64,
    token_name: String,
    token_expires_at: Option<String>,
    token_last_used_at: Option<String>,
}

#[derive(Deserialize)]
struct RawOwner {
    id: u64,
    login: String,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum RawSelection {
    None,
    All,
    Subset,
}

impl From<RawSelection> for RepositorySelection {
    fn from(selection: RawSelection) -> Self {
        match selection {
            RawSelection::None => Self::None,
            RawSelection::All => Self::All,
            RawSelection::Subset => Self::Subset,
        }
    }
}

type Permissions = BTreeMap<(PermissionTarget, String), AccessLevel>;

/// The permissions, and how many are about the account and not about the organization.
fn permissions(groups: &BTreeMap<String, BTreeMap<String, String>>) -> Result<(Permissions, usize), String> {
    let (mut taken, mut left_out) = (Permissions::new(), 0);
    for (group, permissions) in groups {
        let target = match group.as_str() {
            "organization" => PermissionTarget::Organization,
            "repository" => PermissionTarget::Repository,
            _ => {
                left_out += permissions.len();
                continue;
            }
        };
        for (name, level) in permissions {
            let is_name = (1..=LONGEST_PERMISSION).contains(&name.len())
                && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
            let level = match level.as_str() {
                "read" => AccessLevel::Read,
                "write" => AccessLevel::Write,
                "admin" => AccessLevel::Admin,
                _ => return Err(format!("the level of a permission in `permissions.{group}` is not known")),
            };
            if !is_name {
                return Err(format!("`permissions.{group}` holds a name that is none"));
            }
            taken.insert((target, name.clone()), level);
        }
    }
    if taken.len() > MOST_PERMISSIONS {
        return Err(format!("it has more than {MOST_PERMISSIONS} permissions"));
    }
    Ok((taken, left_out))
}

fn id(field: &str, id: u64) -> Result<String, String> {
    if id == 0 { Err(format!("`{field}` must be a number above 0")) } else { Ok(id.to_string()) }
}

fn name(field: &str, text: &str) -> Result<String, String> {
    input::name(field, text).map_err(|rejection| rejection.message)
}

fn reason(text: &str) -> Result<String, String> {
    input::text("reason", text).map_err(|rejection| rejection.message)
}

/// A time, as exactly as both databases keep it.
fn time(field: &str, text: &str) -> Result<DateTime<Utc>, String> {
    let years = 1970..=9998;
    DateTime::parse_from_rfc3339(text)
        .ok()
        .and_then(|time| DateTime::from_timestamp_micros(time.timestamp_micros()))
        .filter(|time| years.contains(&chrono::Datelike::year(time)))
        .ok_or_else(|| format!("`{field}` must be a time such as 2026-05-16T08:47:09Z"))
}

/// What the reader says, on one line and not too long: it can repeat the file.
fn shown(message: &str) -> String {
    message.chars().map(|one| if one.is_control() { ' ' } else { one }).take(200).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn request() -> Value {
        json!({
            "id": 25381, "reason": "I need to access the GitHub API",
            "owner": { "login": "octocat", "id": 1, "type": "User" },
            "repository_selection": "all",
            "repositories_url": "https://api.github.com/organizations/652551/personal-access-token-requests/25381/repositories",
            "permissions": { "organization": { "members": "read" }, "repository": { "metadata": "read" } },
            "created_at": "2023-05-16T08:47:09.000-07:00",
            "token_id": 98716, "token_name": "Some Token", "token_expired": false,
            "token_expires_at": "2023-11-16T08:47:09.000-07:00", "token_last_used_at": null
        })
    }

    fn with(member: &str, value: Value) -> Value {
        let mut request = request();
        request[member] = value;
        request
    }

    fn of(values: &[Value]) -> Result<Contents, FileError> {
        read(values.iter().map(Value::to_string).collect::<Vec<_>>().join("\n").as_bytes())
    }

    #[test]
    fn a_request_is_read_as_github_writes_it() {
        let contents = of(&[json!([request()])]).unwrap();
        let item = &contents.requests["25381"];
        assert_eq!((item.account.id.as_str(), item.account.login.as_str()), ("1", "octocat"));
        assert_eq!((item.token.id.as_str(), item.token.name.as_str()), ("98716", "Some Token"));
        assert_eq!(item.at.to_rfc3339(), "2023-05-16T15:47:09+00:00");
        assert_eq!(item.token.expires_at.unwrap().to_rfc3339(), "2023-11-16T15:47:09+00:00");
        assert_eq!((item.token.last_used_at, item.selection), (None, RepositorySelection::All));
        assert_eq!(item.permissions.len(), 2);
        assert!(contents.grants.is_empty());
    }

    #[test]
    fn pages_are_taken_one_after_the_other_and_in_a_list() {
        let mut other = with("id", json!(2));
        other["token_id"] = json!(3);
        let mut grant = with("access_granted_at", json!("2023-05-17T00:00:00Z"));
        grant["id"] = json!(4);
        let one = of(&[json!([request()]), json!([other]), json!([]), json!([grant])]).unwrap();
        assert_eq!(one, of(&[json!([[request(), other], [grant]])]).unwrap());
        assert_eq!((one.requests.len(), one.grants.len()), (2, 1));
        let twice = of(&[json!([request()]), json!([with("token_name", json!("later"))])]).unwrap();
        assert_eq!((twice.requests.len(), twice.requests["25381"].token.name.as_str()), (1, "later"));
    }

    #[test]
    fn what_is_about_the_account_is_left_out_and_counted() {
        let contents =
            of(&[json!([with("permissions", json!({ "other": { "gists": "write", "plan": "read" } }))])]);
        let contents = contents.unwrap();
        assert_eq!((contents.left_out, contents.requests["25381"].permissions.len()), (2, 0));
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place() {
        assert_eq!(read(b""), Err(FileError::Empty));
        assert_eq!(read(b" \n"), Err(FileError::Empty));
        assert_eq!(read(b"id,login\n1,octocat"), Err(FileError::NotJson { line: 1, column: 1 }));
        assert_eq!(read(b"[{\"id\": 1,"), Err(FileError::NotJson { line: 1, column: 10 }));
        assert_eq!(of(&[json!({ "message": "Bad credentials" })]), Err(FileError::NotAList(1)));
        assert_eq!(of(&[json!([request()]), json!(7)]), Err(FileError::NotAList(2)));
        let said = |value: Value| match of(&[json!([request(), value])]) {
            Err(FileError::Item(2, problem)) => problem,
            other => panic!("{other:?}"),
        };
        assert!(said(json!({})).contains("missing field `id`"));
        assert!(said(json!("text")).contains("invalid type"));
        assert!(said(with("id", json!(-1))).contains("invalid value"));
        assert!(said(with("id", json!(0))).contains("`id`"));
        assert!(said(with("created_at", Value::Null)).contains("access_granted_at"));
        assert!(said(with("created_at", json!("yesterday"))).contains("`created_at`"));
        assert!(said(with("created_at", json!("9999-12-31T23:59:59Z"))).contains("`created_at`"));
        assert!(said(with("repository_selection", json!("some"))).contains("unknown variant"));
        assert!(said(with("permissions", json!({ "organization": { "members": "own" } }))).contains("level"));
        assert!(said(with("permissions", json!({ "repository": { "a b": "read" } }))).contains("name"));
        assert!(said(with("token_name", json!("x".repeat(201)))).contains("`token_name`"));
        assert!(said(with("token_name", json!("a\u{0}b"))).contains("`token_name`"));
        assert!(said(with("reason", json!("x".repeat(2_001)))).contains("`reason`"));
        assert!(said(with("id", json!(99))).contains("both of the token 98716"));
    }

    proptest! {
        #[test]
        fn any_bytes_are_answered_without_a_panic(bytes: Vec<u8>) {
            let _ = read(&bytes);
        }

        #[test]
        fn any_json_is_answered_without_a_panic(text in r#"(\[|\]|\{|\}|"id"|:|,|1|null|"owner"|"\\u0000"| ){0,40}"#) {
            let _ = read(text.as_bytes());
        }
    }
}
