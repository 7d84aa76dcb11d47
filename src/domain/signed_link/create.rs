//! Make a signed link. Its secret is told once; only a hash of it is kept.

use chrono::{DateTime, Utc};
use entity::signed_link;
use uuid::Uuid;

use super::secret;
use crate::authz::Permit;
use crate::authz::permission::action::EditSignedLink;
use crate::domain::input::{self, Checks};
use crate::domain::{
    Attempt, Code, Command, Error, Rejection, access_package, confirm, connected_organization, repeated,
};
use crate::id::Kind;
use crate::secret::Secret;
use crate::store::audit_event::{self, Event};
use crate::store::idempotency::Key;
use crate::store::{self, Access, Txn};

/// The most links of a package that were not revoked.
const MOST_LINKS: i64 = 500;
/// The most uses that a link can be limited to.
const MOST_USES: i32 = 100_000;

/// Make a signed link.
pub struct Create {
    /// The permit.
    pub permit: Permit<EditSignedLink>,
    /// The package; none where the id was garbage.
    pub access_package: Option<Uuid>,
    /// What it is for.
    pub label: String,
    /// When it ends.
    pub expires_at: Option<DateTime<Utc>>,
    /// How many requests can be made with it.
    pub maximum_uses: Option<i32>,
    /// Whose people alone may use it; the inner value is none where the id was garbage.
    pub connected_organization: Option<Option<Uuid>>,
    /// Makes the call safe to repeat: the link is made once, and its secret told once.
    pub idempotency: Option<Key>,
}

/// A link that was made.
pub struct Created {
    /// Its id.
    pub id: Uuid,
    /// The package.
    pub access_package: Uuid,
    /// Its secret; none where a call before has told it.
    pub secret: Option<Secret>,
}

impl Command for Create {
    type Output = Created;

    fn attempt(&self) -> Attempt {
        Attempt::with(&self.permit, self.access_package.map(|id| (Kind::AccessPackage, id)))
    }

    async fn run(&self, txn: &Txn) -> Result<Created, Error> {
        let allowed = confirm(txn, &self.permit).await?;
        let (actor, scope) = (self.permit.actor(), self.permit.scope());
        let package =
            access_package::get_allowed(txn, scope, &allowed, "accessPackage", self.access_package).await?;
        let label = self.checked(txn).await?;
        let (id, key) = (txn.id(), self.idempotency.as_ref());
        if let Some(first) = repeated(txn, &actor, "createShareLink", key, id).await? {
            return Ok(Created { id: first, access_package: package.id, secret: None });
        }
        if store::signed_link::count(txn, package.id).await? >= MOST_LINKS {
            let message = "A package can have at most 500 signed links that are not revoked: revoke some.";
            return Err(Rejection::of("accessPackage", Code::InvalidInput, message).into());
        }
        let made = secret::make()?;
        let connected_organization_id = self.connected_organization.flatten();
        txn.insert(signed_link::Model {
            id,
            organization_id: actor.organization,
            access_package_id: package.id,
            label,
            lookup: made.lookup,
            secret_hash: made.hash,
            connected_organization_id,
            expires_at: self.expires_at,
            maximum_uses: self.maximum_uses,
            uses: 0,
            openings: 0,
            created_by_id: actor.user,
            created_at: txn.now(),
            revoked_at: None,
            revoked_by_id: None,
        })
        .await?;
        let event = Event::by(&actor, "signed_link.created", Kind::SignedLink, id);
        let details = serde_json::json!({
            "accessPackage": Kind::AccessPackage.text(package.id),
            "connectedOrganization": connected_organization_id.map(|id| Kind::ConnectedOrganization.text(id)),
            "expiresAt": self.expires_at,
            "maximumUses": self.maximum_uses,
        });
        audit_event::record(txn, &event.with(details)).await?;
        Ok(Created { id, access_package: package.id, secret: Some(made.secret) })
    }
}

impl Create {
    /// Checks what was given; gives the label.
    async fn checked(&self, txn: &Txn) -> Result<String, Error> {
        let mut checks = Checks::default();
        let label = checks.take(input::name("label", &self.label));
        checks.refuse_if(self.expires_at.is_some_and(|end| end <= txn.now()), || {
            Rejection::of("expiresAt", Code::InvalidSchedule, "The end of the link must lie in the future.")
        });
        checks.refuse_if(self.maximum_uses.is_some_and(|most| !(1..=MOST_USES).contains(&most)), || {
            let message = "`maximumUses` must be 1 to 100,000; leave it out for any number.";
            Rejection::of("maximumUses", Code::InvalidInput, message)
        });
        if let Some(wanted) = self.connected_organization {
            let ids: Vec<Uuid> = wanted.into_iter().collect();
            let access = Access::Named(self.permit.actor().organization);
            let found = store::connected_organization::find(txn, access, &ids).await?;
            checks.refuse_if(found.iter().all(|found| found.deleted_at.is_some()), || {
                connected_organization::not_found("connectedOrganization")
            });
        }
        checks.done()?;
        Ok(label)
    }
}
