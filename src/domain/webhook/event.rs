//! What a webhook is told, in GitHub's words: pure, of rows that were read before.

use std::collections::BTreeMap;

use chrono::{DateTime, SecondsFormat, Utc};
use entity::permission_definition::PermissionTarget;
use entity::repository::Visibility;
use entity::repository_access::AccessLevel;
use entity::token_request::RepositorySelection;
use entity::webhook_delivery::WebhookAction;
use entity::{access_token, app_user, organization, repository, token_request};
use serde_json::{Map, Value, json};

use crate::domain::token_request::Reach;
use crate::id::Kind;

/// The event that these are the actions of.
pub const EVENT: &str = "personal_access_token_request";

/// Everything that an event tells of.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// What happened.
    pub action: WebhookAction,
    /// When.
    pub at: DateTime<Utc>,
    /// The organization.
    pub organization: &'a organization::Model,
    /// Who did it; none for Guichet itself.
    pub sender: Option<&'a app_user::Model>,
    /// The request.
    pub request: &'a token_request::Model,
    /// Its token.
    pub token: &'a access_token::Model,
    /// Whose token it is.
    pub owner: &'a app_user::Model,
    /// What the request asks for.
    pub reach: &'a Reach,
    /// What was granted when it was made.
    pub base: Option<&'a Reach>,
    /// The repositories that it names, by name.
    pub repositories: &'a [&'a repository::Model],
}

/// The body of an event.
#[must_use]
pub fn body(facts: &Facts<'_>) -> Value {
    let action = json!(facts.action);
    let kind = format!("{EVENT}.{}", action.as_str().unwrap_or_default());
    json!({
        "type": kind,
        "timestamp": time(facts.at),
        "action": action,
        "personal_access_token_request": request(facts),
        "organization": {
            "id": Kind::Organization.text(facts.organization.id),
            "node_id": Kind::Organization.text(facts.organization.id),
            "login": facts.organization.slug,
            "name": facts.organization.display_name,
        },
        "sender": facts.sender.map_or_else(guichet, person),
    })
}

fn request(facts: &Facts<'_>) -> Value {
    let (request, token) = (facts.request, facts.token);
    let subset = request.repository_selection == RepositorySelection::Subset;
    let repository = |row: &&repository::Model| {
        json!({
            "id": Kind::Repository.text(row.id),
            "node_id": Kind::Repository.text(row.id),
            "name": row.name,
            "full_name": format!("{}/{}", facts.organization.slug, row.name),
            "private": row.visibility != Visibility::Public,
        })
    };
    let repositories = subset.then(|| facts.repositories.iter().map(repository).collect::<Vec<_>>());
    json!({
        "id": Kind::TokenRequest.text(request.id),
        "owner": person(facts.owner),
        "permissions_added": permissions(facts.reach, |key, _| granted(facts, key).is_none()),
        "permissions_upgraded": permissions(facts.reach, |key, level| {
            granted(facts, key).is_some_and(|before| before < level)
        }),
        "permissions_result": permissions(facts.reach, |_, _| true),
        "repository_selection": match request.repository_selection {
            RepositorySelection::None => "none",
            RepositorySelection::All => "all",
            RepositorySelection::Subset => "subset",
        },
        "repository_count": repositories.as_ref().map(Vec::len),
        "repositories": repositories,
        "created_at": time(request.created_at),
        "token_id": Kind::AccessToken.text(token.id),
        "token_name": token.name,
        "token_expired": token.expires_at.is_some_and(|expires| expires <= facts.at),
        "token_expires_at": token.expires_at.map(time),
        "token_last_used_at": token.last_used_at.map(time),
    })
}

/// How much of a permission was granted before.
fn granted(facts: &Facts<'_>, key: &(PermissionTarget, String)) -> Option<AccessLevel> {
    facts.base.and_then(|base| base.permissions.get(key).copied())
}

/// The permissions of a kind, by what they are about.
fn permissions(reach: &Reach, wanted: impl Fn(&(PermissionTarget, String), AccessLevel) -> bool) -> Value {
    let mut groups: BTreeMap<&str, Map<String, Value>> = BTreeMap::new();
    for group in ["organization", "repository", "other"] {
        groups.insert(group, Map::new());
    }
    for (key, level) in &reach.permissions {
        if wanted(key, *level) {
            let group = match key.0 {
                PermissionTarget::Organization => "organization",
                PermissionTarget::Repository => "repository",
            };
            let level = match level {
                AccessLevel::Read => "read",
                AccessLevel::Write => "write",
                AccessLevel::Admin => "admin",
            };
            groups.entry(group).or_default().insert(key.1.clone(), level.into());
        }
    }
    json!(groups)
}

fn person(user: &app_user::Model) -> Value {
    json!({
        "id": Kind::User.text(user.id),
        "node_id": Kind::User.text(user.id),
        "login": user.subject,
        "name": user.display_name,
        "email": user.email,
        "type": "User",
        "site_admin": false,
    })
}

/// Who did what nobody did.
fn guichet() -> Value {
    json!({
        "id": null, "node_id": null, "login": "guichet", "name": "Guichet", "email": null, "type": "Bot",
        "site_admin": false,
    })
}

fn time(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}
