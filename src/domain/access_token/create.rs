//! Create a token. Its secret is told once.

use chrono::{DateTime, Utc};
use entity::access_token::{self, TokenKind, TokenOrigin};
use uuid::Uuid;

use super::secret::{self, Made};
use super::{Wanted, allowed, attempt, begin, is_owner, judge_expiry, name};
use crate::authz::{Actor, Viewer};
use crate::domain::error::{Code, Error, Rejection};
use crate::domain::permission_catalog::Catalog;
use crate::domain::token_request::file::{Wish, file};
use crate::domain::token_request::told::By;
use crate::domain::{Attempt, Command, input, repeated};
use crate::id::Kind;
use crate::secret::Secret;
use crate::store::audit_event::{self, Event};
use crate::store::idempotency::Key;
use crate::store::{self, Txn};

/// What the token is to be allowed.
#[derive(Clone, Debug)]
pub enum Allowed {
    /// Repositories and permissions, and why.
    FineGrained(Wanted, Option<String>),
    /// Scopes.
    Classic(Vec<String>),
}

impl Allowed {
    /// The kind of token that is allowed so.
    #[must_use]
    pub fn kind(&self) -> TokenKind {
        match self {
            Self::FineGrained(..) => TokenKind::FineGrained,
            Self::Classic(_) => TokenKind::Classic,
        }
    }
}

/// Create a token. It needs no permit: every member has their own; what it is allowed is asked for.
pub struct Create {
    /// Who makes it.
    pub actor: Actor,
    /// The viewer, for the roles that they hold.
    pub viewer: Viewer,
    /// Its name.
    pub name: String,
    /// When it ends by itself.
    pub expires_at: Option<DateTime<Utc>>,
    /// What it is to be allowed.
    pub allowed: Allowed,
    /// How many tokens a member may have.
    pub most: u32,
    /// Makes the call repeatable.
    pub idempotency: Option<Key>,
}

/// A token, with its secret when it was made just now.
#[derive(Debug)]
pub struct Issued {
    /// The token.
    pub token: Uuid,
    /// Its secret; none for a repeated call: it was told already.
    pub secret: Option<Secret>,
}

impl Command for Create {
    type Output = Issued;

    fn attempt(&self) -> Attempt {
        attempt(&self.actor, "access_token.create", None)
    }

    async fn run(&self, txn: &Txn) -> Result<Issued, Error> {
        let organization = begin(txn, &self.actor, &self.viewer).await?;
        let id = txn.id();
        let key = self.idempotency.as_ref();
        if let Some(token) = repeated(txn, &self.actor, "createAccessToken", key, id).await? {
            return Ok(Issued { token, secret: None });
        }
        let kind = self.allowed.kind();
        let name = name(&self.name)?;
        allowed(&organization, kind)?;
        judge_expiry(&organization, kind, txn.now(), self.expires_at)?;
        if store::access_token::count_of(txn, self.actor.user).await? >= i64::from(self.most) {
            let message =
                format!("A member has at most {} tokens. Revoke one that is no longer used.", self.most);
            return Err(Rejection::new(Code::TooManyTokens, message).into());
        }
        let made = secret::make()?;
        let token = self.token(txn, id, kind, name, &made);
        txn.insert(token.clone()).await?;
        let event = Event::by(&self.actor, "personal_access_token.create", Kind::AccessToken, id);
        audit_event::record(txn, &event.with(serde_json::json!({ "kind": kind }))).await?;
        match &self.allowed {
            Allowed::FineGrained(wanted, justification) => {
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
            Allowed::Classic(scopes) => {
                let scopes = check_scopes(txn, organization.id, scopes).await?;
                store::access_token::set_scopes(txn, id, scopes).await?;
            }
        }
        Ok(Issued { token: id, secret: Some(made.secret) })
    }
}

impl Create {
    fn token(&self, txn: &Txn, id: Uuid, kind: TokenKind, name: String, made: &Made) -> access_token::Model {
        access_token::Model {
            id,
            organization_id: self.actor.organization,
            owner_id: self.actor.user,
            kind,
            name,
            lookup: made.lookup.clone(),
            secret_hash: made.hash.clone(),
            last_four: made.last_four.clone(),
            issued_at: txn.now(),
            expires_at: self.expires_at,
            last_used_at: None,
            revoked_at: None,
            due_at: self.expires_at,
            version: 1,
            created_at: txn.now(),
            origin: TokenOrigin::Guichet,
            external_id: None,
        }
    }
}

/// A member who does something to one of their own tokens.
pub(super) fn by(actor: &Actor) -> By<'static> {
    By { actor: Some(actor.user), call: Some(actor.call), ..By::default() }
}

/// Classic scopes, each once and known to the catalogue.
pub(super) async fn check_scopes(
    txn: &Txn,
    organization: Uuid,
    scopes: &[String],
) -> Result<Vec<String>, Error> {
    let catalog = Catalog::new(store::permission_definition::of(txn, organization).await?);
    if scopes.iter().any(|scope| !catalog.has_scope(scope)) {
        let message = "The permission catalogue has no such scope; see `permissionCatalog`.";
        return Err(Rejection::of("access.classic.scopes", Code::UnknownPermission, message).into());
    }
    let mut sorted = scopes.to_vec();
    sorted.sort_unstable();
    sorted.dedup();
    if sorted.len() != scopes.len() {
        let message = "Each scope is named once.";
        return Err(Rejection::of("access.classic.scopes", Code::InvalidInput, message).into());
    }
    Ok(sorted)
}
