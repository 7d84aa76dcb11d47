//! The answer in words: the members of RFC 7662, and `guichet` with what the organization granted.

use entity::access_token::TokenKind;
use entity::repository::Visibility;
use entity::repository_access::AccessLevel;
use entity::token_request::RepositorySelection;
use serde_json::{Map, Value, json};

use crate::domain::introspection::{Answer, Grant, Reach, Standing};
use crate::domain::token_access::GrantState;
use crate::id::Kind;

/// The answer as JSON.
pub(super) fn tell(answer: &Answer) -> Value {
    let Answer::Active { token, kind, owner, issued_at, expires_at, scopes, grant } = answer else {
        return json!({ "active": false });
    };
    let mut told = Map::new();
    told.insert("active".into(), true.into());
    told.insert("sub".into(), Kind::User.text(*owner).into());
    told.insert("iat".into(), issued_at.timestamp().into());
    if let Some(end) = expires_at {
        told.insert("exp".into(), end.timestamp().into());
    }
    if !scopes.is_empty() {
        told.insert("scope".into(), scopes.join(" ").into());
    }
    told.insert(
        "guichet".into(),
        json!({
            "token_id": Kind::AccessToken.text(*token),
            "token_kind": match kind {
                TokenKind::FineGrained => "fine_grained",
                TokenKind::Classic => "classic",
            },
            "grants": [granted(grant)],
        }),
    );
    Value::Object(told)
}

fn granted(grant: &Grant) -> Value {
    json!({
        "organization": { "id": Kind::Organization.text(grant.organization), "slug": grant.slug },
        "state": match grant.standing {
            Standing::Restricted => "restricted",
            Standing::OwnerLeft => "owner_left",
            Standing::Grant(GrantState::None) => "none",
            Standing::Grant(GrantState::Pending) => "pending",
            Standing::Grant(GrantState::Denied) => "denied",
            Standing::Grant(GrantState::Active) => "active",
            Standing::Grant(GrantState::Revoked) => "revoked",
            Standing::Grant(GrantState::Suspended) => "suspended",
        },
        "repository_selection": match grant.selection {
            RepositorySelection::None => "none",
            RepositorySelection::All => "all",
            RepositorySelection::Subset => "subset",
        },
        "permissions": permissions(&grant.permissions),
        "repositories": grant.repositories.iter().map(reach).collect::<Vec<_>>(),
        "repositories_complete": grant.is_complete,
    })
}

fn reach(reach: &Reach) -> Value {
    json!({
        "id": Kind::Repository.text(reach.id),
        "name": reach.name,
        "origin_id": reach.origin_id,
        "visibility": match reach.visibility {
            Visibility::Public => "public",
            Visibility::Internal => "internal",
            Visibility::Private => "private",
        },
        "permissions": permissions(&reach.permissions),
    })
}

fn permissions(held: &[(String, AccessLevel)]) -> Value {
    let level = |level: AccessLevel| match level {
        AccessLevel::Read => "read",
        AccessLevel::Write => "write",
        AccessLevel::Admin => "admin",
    };
    held.iter().map(|(name, held)| (name.clone(), Value::from(level(*held)))).collect::<Map<_, _>>().into()
}
