//! Direct assignment: an administrator gives a package to somebody else.

use entity::access_request::AccessRequestType;
use entity::app_user::UserState;
use uuid::Uuid;

use crate::authz::Permit;
use crate::authz::permission::action::Assign;
use crate::domain::access_request::make::{NewRequest, make};
use crate::domain::access_request::plan::{Asked, sentence};
use crate::domain::error::{Code, Error, Rejection};
use crate::domain::{Attempt, Command, confirm, repeated, user as people};
use crate::id::Kind;
use crate::store::access_package::Include;
use crate::store::idempotency::Key;
use crate::store::incompatible::Against;
use crate::store::{self, Access, Txn};

/// Give a package to somebody else.
pub struct Create {
    /// The permit.
    pub permit: Permit<Assign>,
    /// The package; none where the id was garbage.
    pub package: Option<Uuid>,
    /// Who gets it; none where the id was garbage.
    pub user: Option<Uuid>,
    /// The policy; none where the id was garbage.
    pub policy: Option<Uuid>,
    /// What is asked for besides.
    pub asked: Asked,
    /// Makes the call repeatable.
    pub idempotency: Option<Key>,
}

impl Command for Create {
    type Output = Uuid;

    fn attempt(&self) -> Attempt {
        Attempt::with(&self.permit, self.package.map(|id| (Kind::AccessPackage, id)))
    }

    async fn run(&self, txn: &Txn) -> Result<Uuid, Error> {
        let allowed = confirm(txn, &self.permit).await?;
        let (actor, id) = (self.permit.actor(), txn.id());
        if let Some(first) = repeated(txn, &actor, "createAssignment", self.idempotency.as_ref(), id).await? {
            return Ok(first);
        }
        let missing = |field: &str, what: &str| {
            Rejection::of(field, Code::NotFound, format!("There is no such {what}, or you may not see it."))
        };
        let no_package = || missing("accessPackage", "package");
        let package_id = self.package.ok_or_else(no_package)?;
        let visible = Access::Visible(self.permit.scope());
        let package = store::access_package::find(txn, visible, &[package_id], Include::default()).await?;
        let package = package.into_iter().next().ok_or_else(no_package)?.package;
        if !allowed.contain(package.catalog_id) {
            let message = "You hold no role in this package's catalog that allows this.";
            return Err(Rejection::of("accessPackage", Code::Forbidden, message).into());
        }
        let no_user = || missing("user", "user");
        let user_id = self.user.ok_or_else(no_user)?;
        if user_id == actor.user {
            let message = "Nobody assigns a package to themselves. Request it instead.";
            return Err(Rejection::of("user", Code::SelfAssignment, message).into());
        }
        store::user::lock_active(txn, user_id).await?;
        let user = store::user::find(txn, Access::Named(actor.organization), &[user_id]).await?;
        let user = user.into_iter().next().ok_or_else(no_user)?;
        if user.state == UserState::Deactivated {
            return Err(people::inactive("user", user.guest_end).into());
        }
        if !store::access_package::hold(txn, package_id).await? {
            return Err(no_package().into());
        }
        let no_policy = || missing("policy", "policy of this package");
        let policy_id = self.policy.ok_or_else(no_policy)?;
        let policies =
            store::assignment_policy::find(txn, Access::Named(actor.organization), &[policy_id]).await?;
        let policy = policies
            .into_iter()
            .find(|policy| policy.access_package_id == package_id && policy.deleted_at.is_none())
            .ok_or_else(no_policy)?;
        if !store::assignment_policy::fits(txn, &policy, &user).await? {
            let message = "This policy is not for this person.";
            return Err(Rejection::of("policy", Code::NotRequestable, message).into());
        }
        let held = store::assignment::lock_current(txn, user_id, Some(package_id)).await?;
        if held.iter().any(super::holds) {
            let message = "The person holds this package already.";
            return Err(Rejection::of("user", Code::AlreadyAssigned, message).into());
        }
        let pairs = [(user_id, package_id)];
        if !store::incompatible::standing(txn, &pairs, Against::Requests).await?.is_empty() {
            let code = Code::IncompatiblePackage;
            return Err(Rejection::of("user", code, sentence(code)).into());
        }
        let new = NewRequest {
            id,
            actor,
            kind: AccessRequestType::AdminAdd,
            requestor: user_id,
            catalog: package.catalog_id,
            package: package_id,
            assignment: None,
            approval: policy.approval_stage_count > 0,
        };
        make(txn, &new, &policy, &self.asked).await?;
        Ok(id)
    }
}
