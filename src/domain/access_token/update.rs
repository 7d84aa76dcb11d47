//! Change a token: its name, or what it is allowed.
//!
//! To be allowed less holds at once. To be allowed more, wholly or in part, is asked for as a whole, and what
//! was granted before stays in force until it is decided.

use uuid::Uuid;

use super::create::{Allowed, by, check_scopes};
use super::{attempt, begin, is_owner, live, name, own};
use crate::authz::{Actor, Viewer};
use crate::domain::error::{Code, Error, Rejection};
use crate::domain::token_request::file::{Wish, file};
use crate::domain::{Attempt, Command, input, refusal};
use crate::id::Kind;
use crate::store::audit_event::{self, Event};
use crate::store::{self, Txn};

/// Change a token. It needs no permit: one's own is always one's to change.
pub struct Update {
    /// Who changes it.
    pub actor: Actor,
    /// The viewer, for the roles that they hold.
    pub viewer: Viewer,
    /// The token; none where the id was garbage.
    pub id: Option<Uuid>,
    /// The version that the change is based on.
    pub version: i32,
    /// Its new name.
    pub name: Option<String>,
    /// What it is to be allowed, as a whole.
    pub allowed: Option<Allowed>,
}

impl Command for Update {
    type Output = Uuid;

    fn attempt(&self) -> Attempt {
        attempt(&self.actor, "access_token.update", self.id)
    }

    async fn run(&self, txn: &Txn) -> Result<Uuid, Error> {
        let organization = begin(txn, &self.actor, &self.viewer).await?;
        let mut token = live(own(txn, &self.actor, self.id).await?)?;
        if token.version != self.version {
            return Err(refusal::conflict("token").into());
        }
        if let Some(text) = &self.name {
            token.name = name(text)?;
        }
        if self.allowed.as_ref().is_some_and(|allowed| allowed.kind() != token.kind) {
            let message = "The token is of the other kind. Make a new one.";
            return Err(Rejection::of("access", Code::InvalidInput, message).into());
        }
        if self.allowed.is_some() && token.expires_at.is_some_and(|expires| expires <= txn.now()) {
            let message = "The token has expired. Regenerate it first.";
            return Err(Rejection::of("id", Code::TokenExpired, message).into());
        }
        store::access_token::update(txn, &token).await?;
        let event = Event::by(&self.actor, "personal_access_token.update", Kind::AccessToken, token.id);
        audit_event::record(txn, &event).await?;
        match &self.allowed {
            None => {}
            Some(Allowed::Classic(scopes)) => {
                super::allowed(&organization, token.kind)?;
                let scopes = check_scopes(txn, organization.id, scopes).await?;
                store::access_token::set_scopes(txn, token.id, scopes).await?;
            }
            Some(Allowed::FineGrained(wanted, justification)) => {
                let reach = wanted.check(txn, &self.viewer.scope(), "access.fineGrained").await?;
                let justification = justification
                    .as_deref()
                    .map(|text| input::text("access.fineGrained.justification", text))
                    .transpose()?;
                let wish = Wish {
                    token: &token,
                    organization: &organization,
                    reach: &reach,
                    justification: justification.filter(|text| !text.is_empty()),
                    is_owner: is_owner(&self.viewer),
                    anew: false,
                };
                file(txn, wish, &by(&self.actor)).await?;
            }
        }
        Ok(token.id)
    }
}
