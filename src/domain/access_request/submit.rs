//! Submit: ask for a package, for oneself or for somebody who reports to oneself.

use entity::access_request::AccessRequestType;
use uuid::Uuid;

use super::make::{self, Common};
use super::plan::{Wish, not_found, plan};
use crate::authz::{Actor, Scope};
use crate::domain::error::{Code, Error, Rejection};
use crate::domain::{Attempt, Command, repeated, signed_link};
use crate::id::Kind;
use crate::store::audit_event;
use crate::store::idempotency::Key;
use crate::store::{self, Txn};

/// Ask for a package.
#[derive(Clone)]
pub struct Submit {
    /// Who asks.
    pub actor: Actor,
    /// What they may see.
    pub scope: Scope,
    /// What they want.
    pub wish: Wish,
    /// Makes the call repeatable.
    pub idempotency: Option<Key>,
}

impl Command for Submit {
    type Output = Uuid;

    fn attempt(&self) -> Attempt {
        Attempt {
            organization: self.actor.organization,
            actor: Some(self.actor.user),
            call: self.actor.call,
            action: "access_request.submit",
            target: self.wish.package.map(|id| (Kind::AccessPackage, id)),
        }
    }

    async fn run(&self, txn: &Txn) -> Result<Uuid, Error> {
        let id = txn.id();
        if let Some(first) =
            repeated(txn, &self.actor, "submitAccessRequest", self.idempotency.as_ref(), id).await?
        {
            return Ok(first);
        }
        if !store::user::lock_active(txn, self.actor.user).await? {
            return Err(Rejection::new(Code::UserDeactivated, "You were deactivated.").into());
        }
        // Of two requests of one person at the same instant the second sees the first.
        let beneficiary = self.wish.beneficiary().filter(|user| *user != self.actor.user);
        if let Some(user) = beneficiary {
            store::user::lock_active(txn, user).await?;
        }
        store::access_package::hold(txn, self.wish.package.unwrap_or_default()).await?;
        let plan = plan(txn, &self.scope, &self.wish, txn.now()).await?;
        if !plan.refused.is_empty() {
            return Err(Error::Rejected(plan.refused));
        }
        let (Some(policy), Some(content)) = (&plan.policy, &plan.content) else {
            return Err(not_found().into());
        };
        let common = Common {
            actor: self.actor,
            kind: AccessRequestType::UserAdd,
            catalog: plan.package.catalog_id,
            policy,
            stages: &plan.stages,
            bypass_approval: false,
            content,
            times: self.wish.asked.times,
            assignment: None,
            bulk_operation: None,
            signed_link: plan.signed_link,
        };
        make::make(txn, &common, &[(id, plan.requestor)]).await?;
        if let Some(link) = plan.signed_link {
            signed_link::use_once(txn, &self.actor, link, id).await?;
        }
        let event = make::event(&self.actor, id, plan.package.id, plan.requestor);
        audit_event::record(txn, &event).await?;
        Ok(id)
    }
}
