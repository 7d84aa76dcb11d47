//! The canonical form of an audit event: the text that is hashed.
//!
//! It is JSON without blanks, the members of every object in the order of their names' code points, only what must be
//! escaped escaped, as short as JSON has it. What is null in the row is left out, so that it differs from a JSON null.
//! It is made of values and not of what a database keeps: both databases give the same for the same event, and the
//! order of columns means nothing. `docs/audit.md` describes it; a change of it is a new [`VERSION`].

use chrono::{DateTime, SecondsFormat, Utc};
use entity::audit_event::{self, AuditOutcome};
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::id::{Kind, prefixed};
use crate::secret::sha256;

/// The name of this form.
pub const VERSION: &str = "guichet-audit-1";

/// Where an event stands in its chain.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// Its number, from 1.
    pub sequence: i64,
    /// The hash of the event before it; none of the first.
    pub previous: Option<&'a str>,
    /// When it is sealed.
    pub sealed_at: DateTime<Utc>,
}

/// What is said of an event at a place of its chain. Names and values are those of the API.
#[must_use]
pub fn object(event: &audit_event::Model, place: &Place<'_>) -> Map<String, Value> {
    let members = [
        ("form", Some(VERSION.into())),
        ("organizationId", Some(Kind::Organization.text(event.organization_id).into())),
        ("sequence", Some(place.sequence.into())),
        ("previousHash", place.previous.map(Into::into)),
        ("sealedAt", Some(time(place.sealed_at).into())),
        ("id", Some(Kind::AuditEvent.text(event.id).into())),
        ("at", Some(time(event.at).into())),
        ("actorId", event.actor_id.map(|id| Kind::User.text(id).into())),
        ("action", Some(event.action.clone().into())),
        ("outcome", Some(outcome(event.outcome).into())),
        ("targetId", target(event.target_type.as_deref(), event.target_id)),
        ("requestId", event.request_id.map(|id| id.to_string().into())),
        ("details", event.details.clone()),
    ];
    members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
}

/// The hash of an event at a place of its chain.
#[must_use]
pub fn hash(event: &audit_event::Model, place: &Place<'_>) -> String {
    sha256(&canonical(&Value::Object(object(event, place))))
}

/// The one text of a JSON value.
#[must_use]
pub fn canonical(value: &Value) -> String {
    let mut text = String::with_capacity(512);
    write(&mut text, value);
    text
}

fn write(text: &mut String, value: &Value) {
    match value {
        // As serde_json writes them: `null`, `true`, whole numbers in their digits, strings with the short escapes.
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            text.push_str(&value.to_string());
        }
        Value::Array(items) => {
            text.push('[');
            for (at, item) in items.iter().enumerate() {
                text.push_str(if at > 0 { "," } else { "" });
                write(text, item);
            }
            text.push(']');
        }
        Value::Object(members) => {
            let mut members: Vec<(&String, &Value)> = members.iter().collect();
            members.sort_unstable_by_key(|(name, _)| *name);
            text.push('{');
            for (at, (name, member)) in members.into_iter().enumerate() {
                text.push_str(if at > 0 { "," } else { "" });
                text.push_str(&Value::from(name.as_str()).to_string());
                text.push(':');
                write(text, member);
            }
            text.push('}');
        }
    }
}

/// A time in UTC with microseconds; with more digits where a database was made to hold more.
fn time(at: DateTime<Utc>) -> String {
    let whole = at.timestamp_subsec_nanos().is_multiple_of(1_000);
    at.to_rfc3339_opts(if whole { SecondsFormat::Micros } else { SecondsFormat::Nanos }, true)
}

fn outcome(outcome: AuditOutcome) -> &'static str {
    match outcome {
        AuditOutcome::Done => "DONE",
        AuditOutcome::Refused => "REFUSED",
    }
}

/// The global id of a target. A row that Guichet does not write, with a part of one or with another prefix, has its
/// parts, so that no two rows have the same form.
fn target(kind: Option<&str>, id: Option<Uuid>) -> Option<Value> {
    let is_prefix = |kind: &str| !kind.is_empty() && kind.bytes().all(|byte| byte.is_ascii_lowercase());
    match (kind, id) {
        (None, None) => None,
        (Some(kind), Some(id)) if is_prefix(kind) => Some(prefixed(kind, id).into()),
        (kind, id) => Some(serde_json::json!({ "type": kind, "id": id })),
    }
}

#[cfg(test)]
mod tests;
