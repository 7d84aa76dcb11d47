//! What became of token requests and grants, told in the transaction of the change.
//!
//! Every step of every request and grant comes through [`tell`], as a set: the audit trail is written here,
//! and whoever else is to be told of it (the tokens' owners, webhooks) is told from here.

use std::collections::BTreeMap;

use entity::bulk_operation::ReviewDecision;
use entity::token_request::{AutomaticReason, CancelReason};
use entity::{token_grant, token_request};
use uuid::Uuid;

use crate::domain::{Error, notification, webhook};
use crate::id::Kind;
use crate::store::audit_event::{self, Event};
use crate::store::{Said, Txn};

/// What happened to all of a set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Happening {
    /// Requests were made, and wait.
    Requested,
    /// Requests were approved, and granted; with why nobody had to decide, where that is so.
    Approved(Option<AutomaticReason>),
    /// Requests were denied.
    Denied,
    /// Requests were cancelled.
    Canceled(CancelReason),
    /// Requests ended because their tokens expired.
    Expired,
    /// Grants were revoked by an owner of the organization.
    Revoked,
    /// Grants were suspended: the tokens' owner was deactivated.
    Suspended,
    /// Grants ended with their tokens.
    Ended,
}

impl Happening {
    /// The name that the audit trail has for it.
    fn action(self) -> &'static str {
        match self {
            Self::Requested => "personal_access_token.request_created",
            Self::Approved(_) => "personal_access_token.access_granted",
            Self::Denied => "personal_access_token.request_denied",
            Self::Canceled(_) => "personal_access_token.request_cancelled",
            Self::Expired => "personal_access_token.request_expired",
            Self::Revoked => "personal_access_token.access_revoked",
            Self::Suspended => "personal_access_token.access_suspended",
            Self::Ended => "personal_access_token.access_ended",
        }
    }

    /// A word more, where the name leaves something open.
    fn reason(self) -> serde_json::Value {
        match self {
            Self::Canceled(reason) => serde_json::json!(reason),
            Self::Approved(Some(reason)) => serde_json::json!(reason),
            Self::Requested
            | Self::Approved(None)
            | Self::Denied
            | Self::Expired
            | Self::Revoked
            | Self::Suspended
            | Self::Ended => serde_json::Value::Null,
        }
    }
}

/// One request, or one grant with its request, that something happened to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct About {
    /// The organization.
    pub organization: Uuid,
    /// The request.
    pub request: Uuid,
    /// The grant; none before there is one.
    pub grant: Option<Uuid>,
    /// The token.
    pub token: Uuid,
    /// Whose token it is.
    pub owner: Uuid,
}

impl From<&token_request::Model> for About {
    fn from(request: &token_request::Model) -> Self {
        Self {
            organization: request.organization_id,
            request: request.id,
            grant: None,
            token: request.token_id,
            owner: request.owner_id,
        }
    }
}

impl From<&token_grant::Model> for About {
    fn from(grant: &token_grant::Model) -> Self {
        Self {
            organization: grant.organization_id,
            request: grant.request_id,
            grant: Some(grant.id),
            token: grant.token_id,
            owner: grant.owner_id,
        }
    }
}

/// Who did it, and how.
#[derive(Clone, Copy, Debug, Default)]
pub struct By<'a> {
    /// Who; nobody for Guichet itself.
    pub actor: Option<Uuid>,
    /// The call to the server.
    pub call: Option<Uuid>,
    /// What an owner of the organization said about each request, or about all.
    pub said: Said<'a>,
    /// Through which bulk operation.
    pub bulk_operation: Option<Uuid>,
}

/// Tells of a step that all of these took, in the transaction in which they took it.
pub async fn tell(txn: &Txn, happening: Happening, by: &By<'_>, about: &[About]) -> Result<(), Error> {
    let mut organizations: BTreeMap<Uuid, Vec<&About>> = BTreeMap::new();
    for one in about {
        organizations.entry(one.organization).or_default().push(one);
    }
    for (organization, about) in organizations {
        audit(txn, organization, happening, by, &about).await?;
        webhook::queue::queue(txn, organization, happening, by, &about).await?;
    }
    owners(txn, happening, by, about).await
}

/// Tells the owners of the tokens what somebody decided about them. What came by itself, or of their own doing, is
/// not told.
async fn owners(txn: &Txn, happening: Happening, by: &By<'_>, about: &[About]) -> Result<(), Error> {
    let others = about.iter().filter(|one| by.actor.is_some_and(|actor| actor != one.owner));
    let others: Vec<Uuid> = others.map(|one| one.request).collect();
    if others.is_empty() && happening != Happening::Revoked {
        return Ok(());
    }
    let told = match happening {
        Happening::Approved(_) => {
            notification::token::reviewed(txn, ReviewDecision::Approve, &others, by.said).await
        }
        Happening::Denied => notification::token::reviewed(txn, ReviewDecision::Deny, &others, by.said).await,
        Happening::Revoked => {
            let grants: Vec<Uuid> = about.iter().filter_map(|one| one.grant).collect();
            notification::token::revoked(txn, &grants, by.said).await
        }
        Happening::Requested
        | Happening::Canceled(_)
        | Happening::Expired
        | Happening::Suspended
        | Happening::Ended => Ok(()),
    };
    Ok(told?)
}

/// One event for the set, with the ids of all of it.
async fn audit(
    txn: &Txn,
    organization: Uuid,
    happening: Happening,
    by: &By<'_>,
    about: &[&About],
) -> Result<(), Error> {
    let requests: Vec<String> = about.iter().map(|one| Kind::TokenRequest.text(one.request)).collect();
    let grants: Vec<String> =
        about.iter().filter_map(|one| one.grant).map(|id| Kind::TokenGrant.text(id)).collect();
    let target = match (by.bulk_operation, about) {
        (Some(operation), _) => Some((Kind::BulkOperation, operation)),
        (None, [one]) => Some((Kind::AccessToken, one.token)),
        (None, _) => None,
    };
    let details =
        serde_json::json!({ "requests": requests, "grants": grants, "because": happening.reason() });
    let event = Event {
        organization,
        actor: by.actor,
        action: happening.action(),
        target,
        call: by.call,
        details: Some(details),
    };
    Ok(audit_event::record(txn, &event).await?)
}
