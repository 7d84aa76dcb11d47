//! Delete a policy that no open request was made under. Assignments under it go on.

use uuid::Uuid;

use super::get_allowed;
use crate::authz::Permit;
use crate::authz::permission::action::EditPolicy;
use crate::domain::{Attempt, Command, Error, confirm, refusal};
use crate::id::Kind;
use crate::store::audit_event::{self, Event};
use crate::store::{self, Txn};

/// Delete a policy.
pub struct Delete {
    /// The permit.
    pub permit: Permit<EditPolicy>,
    /// The policy; none where the id was garbage.
    pub id: Option<Uuid>,
}

impl Command for Delete {
    type Output = Uuid;

    fn attempt(&self) -> Attempt {
        Attempt::with(&self.permit, self.id.map(|id| (Kind::AssignmentPolicy, id)))
    }

    async fn run(&self, txn: &Txn) -> Result<Uuid, Error> {
        let allowed = confirm(txn, &self.permit).await?;
        let policy = get_allowed(txn, self.permit.scope(), &allowed, self.id).await?;
        let requests = store::assignment_policy::open_requests(txn, policy.id).await?;
        if !requests.is_empty() {
            let reason = "Requests under this policy are still open";
            return Err(refusal::in_use("id", reason, &requests).into());
        }
        store::assignment_policy::delete(txn, policy.id).await?;
        let actor = self.permit.actor();
        let event = Event::by(&actor, "assignment_policy.deleted", Kind::AssignmentPolicy, policy.id);
        let details =
            serde_json::json!({ "accessPackage": Kind::AccessPackage.text(policy.access_package_id) });
        audit_event::record(txn, &event.with(details)).await?;
        Ok(policy.id)
    }
}
