//! Regenerate: a new secret in place of the old one, which is refused from then on.
//!
//! What was granted stays. Only a later end is asked for like a new token: what was granted was granted
//! for a shorter time.

use chrono::{DateTime, Utc};
use entity::access_token::{self, TokenKind};
use entity::organization;
use uuid::Uuid;

use super::create::{Issued, by};
use super::{attempt, begin, end, is_owner, judge_expiry, live, own, secret};
use crate::authz::{Actor, Viewer};
use crate::domain::error::Error;
use crate::domain::input::Change;
use crate::domain::token_request::Reach;
use crate::domain::token_request::file::{Wish, file};
use crate::domain::{Attempt, Command, repeated};
use crate::id::Kind;
use crate::store::audit_event::{self, Event};
use crate::store::idempotency::Key;
use crate::store::{self, Txn};

/// Regenerate a token. It needs no permit: one's own is always one's to renew.
pub struct Regenerate {
    /// Who does.
    pub actor: Actor,
    /// The viewer, for the roles that they hold.
    pub viewer: Viewer,
    /// The token; none where the id was garbage.
    pub id: Option<Uuid>,
    /// When it ends by itself.
    pub expires_at: Change<DateTime<Utc>>,
    /// Makes the call repeatable.
    pub idempotency: Option<Key>,
}

impl Command for Regenerate {
    type Output = Issued;

    fn attempt(&self) -> Attempt {
        attempt(&self.actor, "access_token.regenerate", self.id)
    }

    async fn run(&self, txn: &Txn) -> Result<Issued, Error> {
        let organization = begin(txn, &self.actor, &self.viewer).await?;
        let found = own(txn, &self.actor, self.id).await?;
        let key = self.idempotency.as_ref();
        if let Some(token) = repeated(txn, &self.actor, "regenerateAccessToken", key, found.id).await? {
            return Ok(Issued { token, secret: None });
        }
        let token = live(found)?;
        let expires_at = match self.expires_at {
            Change::Keep => token.expires_at,
            Change::Clear => None,
            Change::Set(time) => Some(time),
        };
        judge_expiry(&organization, token.kind, txn.now(), expires_at)?;
        let later = match (token.expires_at, expires_at) {
            (Some(was), Some(is)) => is > was,
            (Some(_), None) => true,
            (None, _) => false,
        };
        let by = by(&self.actor);
        if token.expires_at.is_some_and(|expires| expires <= txn.now()) {
            end::expire(txn, &[token.id]).await?;
        }
        let made = secret::make()?;
        let after = access_token::Model {
            lookup: made.lookup,
            secret_hash: made.hash,
            last_four: made.last_four,
            issued_at: txn.now(),
            expires_at,
            due_at: expires_at,
            ..token
        };
        store::access_token::update(txn, &after).await?;
        store::token_request::set_expiry(txn, after.id, expires_at).await?;
        let action = "personal_access_token.credential_regenerated";
        audit_event::record(txn, &Event::by(&self.actor, action, Kind::AccessToken, after.id)).await?;
        if later && after.kind == TokenKind::FineGrained {
            self.ask_again(txn, &organization, &after, &by).await?;
        }
        Ok(Issued { token: after.id, secret: Some(made.secret) })
    }
}

impl Regenerate {
    /// Asks for what the token was last granted, or asked for, with the later end.
    async fn ask_again(
        &self,
        txn: &Txn,
        organization: &organization::Model,
        token: &access_token::Model,
        by: &crate::domain::token_request::told::By<'_>,
    ) -> Result<(), Error> {
        let latest = store::token_request::latest(txn, organization.id, &[token.id]).await?.pop();
        let Some(latest) = latest else { return Ok(()) };
        let granted = store::token_grant::active(txn, organization.id, &[token.id]).await?.pop();
        let basis = match (latest.closed_at, &granted) {
            // What waits beyond the grant goes on to wait; it is all asked for together.
            (None, _) | (Some(_), None) => (latest.id, latest.repository_selection),
            (Some(_), Some(grant)) => (grant.request_id, grant.repository_selection),
        };
        let Some((_, reach)) = Reach::of(txn, &[basis]).await?.pop() else { return Ok(()) };
        let wish = Wish {
            token,
            organization,
            reach: &reach,
            justification: latest.justification,
            is_owner: is_owner(&self.viewer),
            anew: true,
        };
        file(txn, wish, by).await.map(|_| ())
    }
}
