//! The forms of what the server says (RFC 7643 §3, RFC 7644 §3.4.2, §3.12).

use axum::body::Body;
use axum::http::header::{CONTENT_TYPE, ETAG, HeaderName, HeaderValue, LOCATION, RETRY_AFTER};
use axum::response::Response;
use serde_json::{Map, Value, json};

use super::directory::{Directory, Group, User};
use super::oddity::Oddity;

const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
const LIST: &str = "urn:ietf:params:scim:api:messages:2.0:ListResponse";
const ERROR: &str = "urn:ietf:params:scim:api:messages:2.0:Error";
const CONFIG: &str = "urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig";

/// An answer before it is sent.
#[derive(Debug)]
pub(super) struct Answer {
    pub status: u16,
    pub headers: Vec<(HeaderName, String)>,
    pub body: String,
}

impl Answer {
    pub fn json(status: u16, body: &Value) -> Self {
        Self {
            status,
            headers: vec![(CONTENT_TYPE, "application/scim+json".to_owned())],
            body: body.to_string(),
        }
    }

    pub fn nothing() -> Self {
        Self { status: 204, headers: Vec::new(), body: String::new() }
    }

    pub fn page(status: u16, text: &str) -> Self {
        Self {
            status,
            headers: vec![(CONTENT_TYPE, "text/html".to_owned())],
            body: format!("<!doctype html><title>{text}</title><p>{text}"),
        }
    }

    pub fn redirect(to: &str) -> Self {
        Self { headers: vec![(LOCATION, to.to_owned())], ..Self::page(302, "Sign in") }
    }

    pub fn error(status: u16, scim_type: Option<&str>, detail: &str) -> Self {
        let mut body = json!({ "schemas": [ERROR], "status": status.to_string(), "detail": detail });
        if let Some(scim_type) = scim_type {
            body["scimType"] = scim_type.into();
        }
        Self::json(status, &body)
    }

    pub fn throttled(status: u16, retry_after: u32) -> Self {
        let mut answer = Self::error(status, None, "Too many requests");
        answer.headers.push((RETRY_AFTER, retry_after.to_string()));
        answer
    }

    pub fn tagged(mut self, version: u64) -> Self {
        self.headers.push((ETAG, tag(version)));
        self
    }

    pub fn into_response(self) -> Response {
        let mut response = Response::new(Body::from(self.body));
        *response.status_mut() = self.status.try_into().expect("a status");
        for (name, value) in self.headers {
            response.headers_mut().insert(name, HeaderValue::from_str(&value).expect("a header's value"));
        }
        response
    }
}

pub(super) fn tag(version: u64) -> String {
    format!("W/\"{version}\"")
}

/// An id in the form in which the server shows it.
fn id(id: &str, oddities: &[Oddity]) -> Value {
    match id.parse::<u64>() {
        Ok(number) if oddities.contains(&Oddity::NumericIds) => number.into(),
        _ => id.into(),
    }
}

pub(super) fn user(user: &User, base: &str, oddities: &[Oddity]) -> Value {
    let account = &user.account;
    let emails: Vec<Value> = account
        .emails
        .iter()
        .enumerate()
        .map(|(place, email)| json!({ "value": email, "type": "work", "primary": place == 0 }))
        .collect();
    let mut shown = json!({
        "schemas": [USER],
        "id": id(&user.id, oddities),
        "userName": account.user_name,
        "displayName": user.display_name,
        "active": !account.inactive,
        "emails": emails,
        "meta": { "resourceType": "User", "location": format!("{base}/Users/{}", user.id) },
    });
    if let Some(external_id) = &account.external_id {
        shown["externalId"] = external_id.clone().into();
    }
    shown
}

/// A group with these members, and of its attributes those that were asked for.
pub(super) fn group(
    directory: &Directory,
    group: &Group,
    members: &[String],
    attributes: Option<&str>,
    base: &str,
    oddities: &[Oddity],
) -> Value {
    let mut shown = json!({
        "schemas": [GROUP],
        "id": group.id,
        "displayName": group.display_name,
        "meta": {
            "resourceType": "Group",
            "location": format!("{base}/Groups/{}", group.id),
            "version": tag(group.version),
        },
    });
    let wanted: Option<Vec<&str>> = attributes.map(|names| names.split(',').map(str::trim).collect());
    let only_values = wanted.as_ref().is_some_and(|names| names.contains(&"members.value"));
    let limit = oddities.iter().find_map(|oddity| match oddity {
        Oddity::MembersEmpty => Some(0),
        Oddity::FirstMembersOnly(limit) => Some(*limit),
        _ => None,
    });
    let members: Vec<Value> = members
        .iter()
        .take(limit.unwrap_or(usize::MAX))
        .map(|member| self::member(directory, member, only_values, base, oddities))
        .collect();
    shown["members"] = members.into();
    let object = shown.as_object_mut().expect("an object");
    if oddities.contains(&Oddity::MembersLeftOut) {
        object.remove("members");
    }
    if let Some(names) = wanted {
        let asked = |name: &str| names.iter().any(|one| one.split('.').next() == Some(name));
        object.retain(|name, _| matches!(name.as_str(), "schemas" | "id") || asked(name));
    }
    shown
}

fn member(directory: &Directory, member: &str, only_value: bool, base: &str, oddities: &[Oddity]) -> Value {
    let mut shown = Map::new();
    let reference = format!("{base}/Users/{member}");
    if oddities.contains(&Oddity::RefOnly) {
        shown.insert("$ref".to_owned(), reference.into());
        return shown.into();
    }
    let value = if oddities.contains(&Oddity::OtherCaseIds) {
        member.to_uppercase().into()
    } else {
        id(member, oddities)
    };
    shown.insert("value".to_owned(), value);
    if oddities.contains(&Oddity::LongMembers) && !only_value {
        let display = format!("{} {}", directory.name_of(member), "(a person) ".repeat(200));
        shown.insert("display".to_owned(), display.into());
        shown.insert("$ref".to_owned(), reference.into());
        shown.insert("type".to_owned(), "User".into());
    }
    shown.into()
}

pub(super) fn list(found: &[Value], start: usize, count: usize) -> Value {
    let page: Vec<&Value> = found.iter().skip(start.saturating_sub(1)).take(count).collect();
    json!({
        "schemas": [LIST],
        "totalResults": found.len(),
        "startIndex": start,
        "itemsPerPage": page.len(),
        "Resources": page,
    })
}

pub(super) fn configuration() -> Value {
    let supported = |supported: bool| json!({ "supported": supported });
    json!({
        "schemas": [CONFIG],
        "patch": supported(true),
        "bulk": { "supported": false, "maxOperations": 0, "maxPayloadSize": 0 },
        "filter": { "supported": true, "maxResults": 10_000 },
        "changePassword": supported(false),
        "sort": supported(false),
        "etag": supported(true),
        "authenticationSchemes": [{ "type": "oauthbearertoken", "name": "Bearer", "description": "" }],
    })
}
