//! Make a user before their first sign-in.

use entity::app_user::{self, UserKind, UserState};
use uuid::Uuid;

use super::new_manager;
use crate::authz::Permit;
use crate::authz::permission::action::EditUser;
use crate::domain::{
    Attempt, Code, Command, Environment, Error, Rejection, confirm_everywhere, input, refusal, repeated,
};
use crate::id::Kind;
use crate::store::audit_event::{self, Event};
use crate::store::idempotency::Key;
use crate::store::{self, Txn};

/// The longest `iss`, in characters.
const LONGEST_ISSUER: usize = 500;

/// Make a user.
pub struct Create {
    /// The permit.
    pub permit: Permit<EditUser>,
    /// What is known of the server's settings: its issuers.
    pub environment: Environment,
    /// The `iss` of their tokens.
    pub issuer: String,
    /// The `sub` of their tokens.
    pub subject: String,
    /// The name.
    pub display_name: String,
    /// The e-mail address.
    pub email: Option<String>,
    /// Whether they are of the organization's own directory.
    pub kind: UserKind,
    /// Who they report to.
    pub manager: Option<Uuid>,
    /// Makes the call repeatable.
    pub idempotency: Option<Key>,
}

impl Command for Create {
    type Output = Uuid;

    fn attempt(&self) -> Attempt {
        Attempt::with(&self.permit, None)
    }

    async fn run(&self, txn: &Txn) -> Result<Uuid, Error> {
        confirm_everywhere(txn, &self.permit).await?;
        let (actor, id) = (self.permit.actor(), txn.id());
        let mut checks = input::Checks::default();
        let subject = checks.take(input::origin("subject", &self.subject));
        let display_name = checks.take(input::name("displayName", &self.display_name));
        let email = self.email.as_ref().map(|email| checks.take(input::email("email", email)));
        checks.refuse_if(self.kind != UserKind::Member, || {
            let message = "Only a `MEMBER` can be made; a guest is made by their own first request.";
            Rejection::of("kind", Code::InvalidInput, message)
        });
        let is_bound = self.is_bound(txn, actor.organization).await?;
        checks.refuse_if(!is_bound, || {
            let message =
                "No issuer of that name is bound to this organization; the server's operator binds issuers.";
            Rejection::of("issuer", Code::InvalidInput, message)
        });
        checks.done()?;
        if let Some(first) = repeated(txn, &actor, "createUser", self.idempotency.as_ref(), id).await? {
            return Ok(first);
        }
        let manager_id = match self.manager {
            Some(manager) => Some(new_manager(txn, actor.organization, id, manager).await?),
            None => None,
        };
        let row = app_user::Model {
            id,
            organization_id: actor.organization,
            issuer: self.issuer.clone(),
            subject,
            kind: self.kind,
            state: UserState::Active,
            name_key: input::key(&display_name),
            display_name,
            email,
            manager_id,
            claimed_roles: None,
            claimed_at: None,
            deactivated_at: None,
            version: 1,
            created_at: txn.now(),
            connected_organization_id: None,
            guest_end: None,
            guest_end_at: None,
            unblocked_at: None,
        };
        txn.insert(row).await.map_err(refusal::taken(|| {
            let message = "This issuer's subject is a user of the organization already.";
            Rejection::of("subject", Code::NameTaken, message)
        }))?;
        txn.changes_access();
        let event = Event::by(&actor, "user.created", Kind::User, id);
        let details = serde_json::json!({ "manager": manager_id.map(|manager| Kind::User.text(manager)) });
        audit_event::record(txn, &event.with(details)).await?;
        Ok(id)
    }
}

impl Create {
    /// Whether the issuer speaks for the organization: a member whom another one vouches for would
    /// be counted as one's own by policies, and be an outsider at sign-in.
    async fn is_bound(&self, txn: &Txn, organization: Uuid) -> Result<bool, Error> {
        if self.issuer.chars().count() > LONGEST_ISSUER {
            return Ok(false);
        }
        for issuer in self.environment.issuers.iter().filter(|issuer| issuer.name == self.issuer) {
            let Some(name) = &issuer.organization else { continue };
            let speaks_for = store::organization::named(txn, name).await?;
            if speaks_for.is_some_and(|found| found.id == organization) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}
