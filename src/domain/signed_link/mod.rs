//! Signed links: share links with a secret, which can be required, counted, bound to a connected organization, and
//! revoked. One never admits beyond the policy.

pub mod create;
pub mod open;
pub mod revoke;
pub mod secret;

use chrono::{DateTime, Utc};
use entity::signed_link;
use uuid::Uuid;

use super::access_request::plan::sentence;
use super::error::{Code, Error, Rejection};
use crate::authz::{Actor, Scope};
use crate::id::Kind;
use crate::secret::Secret;
use crate::store::audit_event::{self, Event};
use crate::store::database::Connection;
use crate::store::{self, Access, StoreError, Txn};

/// Judges a link, as somebody from this connected organization presents it. Whom it is not for is not told how it
/// stands.
#[must_use]
pub fn judge(link: &signed_link::Model, connected: Option<Uuid>, now: DateTime<Utc>) -> Option<Code> {
    if link.connected_organization_id.is_some() && link.connected_organization_id != connected {
        Some(Code::LinkForOthers)
    } else if link.revoked_at.is_some() {
        Some(Code::LinkRevoked)
    } else if link.expires_at.is_some_and(|end| end <= now) {
        Some(Code::LinkExpired)
    } else if link.maximum_uses.is_some_and(|most| link.uses >= most) {
        Some(Code::LinkUsedUp)
    } else {
        None
    }
}

/// The link of a secret, judged for whoever presents it at a package.
pub async fn presented(
    connection: &impl Connection,
    scope: &Scope,
    package: Uuid,
    secret: &Secret,
    now: DateTime<Utc>,
) -> Result<Result<Uuid, Code>, StoreError> {
    let Some(presented) = secret::parse(secret.expose()) else { return Ok(Err(Code::UnknownLink)) };
    let found = store::signed_link::presented(connection, scope.organization, presented.lookup).await?;
    let link = found.filter(|link| presented.is(&link.secret_hash) && link.access_package_id == package);
    Ok(match link {
        None => Err(Code::UnknownLink),
        Some(link) => judge(&link, scope.connected, now).map_or(Ok(link.id), Err),
    })
}

/// Counts a request that was made with a link. Whoever loses the last use to another request is refused.
pub async fn use_once(txn: &Txn, actor: &Actor, link: Uuid, request: Uuid) -> Result<(), Error> {
    if !store::signed_link::use_once(txn, link).await? {
        // It was good a moment ago: what has come between is told.
        let found = store::signed_link::find(txn, Access::Named(actor.organization), &[link]).await?;
        let now = txn.now();
        let code = found.first().and_then(|link| judge(link, link.connected_organization_id, now));
        let code = code.unwrap_or(Code::LinkUsedUp);
        return Err(Rejection::of("shareLink", code, sentence(code)).into());
    }
    let event = Event::by(actor, "signed_link.used", Kind::SignedLink, link);
    let details = serde_json::json!({ "accessRequest": Kind::AccessRequest.text(request) });
    Ok(audit_event::record(txn, &event.with(details)).await?)
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    #[test]
    fn a_link_is_judged_by_all_that_limits_it() {
        let now = DateTime::UNIX_EPOCH;
        let (ours, theirs) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let link = signed_link::Model {
            id: Uuid::nil(),
            organization_id: Uuid::nil(),
            access_package_id: Uuid::nil(),
            label: String::new(),
            lookup: String::new(),
            secret_hash: String::new(),
            connected_organization_id: Some(ours),
            expires_at: Some(now + TimeDelta::seconds(1)),
            maximum_uses: Some(2),
            uses: 1,
            openings: 0,
            created_by_id: Uuid::nil(),
            created_at: now,
            revoked_at: None,
            revoked_by_id: None,
        };
        assert_eq!(judge(&link, Some(ours), now), None);
        assert_eq!(judge(&link, Some(ours), now + TimeDelta::seconds(1)), Some(Code::LinkExpired));
        let used = signed_link::Model { uses: 2, ..link.clone() };
        assert_eq!(judge(&used, Some(ours), now), Some(Code::LinkUsedUp));
        let revoked = signed_link::Model { revoked_at: Some(now), ..used };
        assert_eq!(judge(&revoked, Some(ours), now), Some(Code::LinkRevoked));
        for other in [Some(theirs), None] {
            assert_eq!(judge(&revoked, other, now), Some(Code::LinkForOthers));
        }
        let open = signed_link::Model {
            connected_organization_id: None,
            expires_at: None,
            maximum_uses: None,
            uses: i32::MAX,
            ..link
        };
        assert_eq!(judge(&open, None, DateTime::<Utc>::MAX_UTC), None);
    }
}
