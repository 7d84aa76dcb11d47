//! Direct assignment of one person: an administrator gives a package to somebody else.

use uuid::Uuid;

use super::direct::Direct;
use crate::domain::error::{Code, Error, Rejection};
use crate::domain::{Attempt, Command, bulk_operation, confirm, repeated};
use crate::id::Kind;
use crate::store::Txn;
use crate::store::audit_event::{self, Event};
use crate::store::idempotency::Key;
use entity::bulk_operation::BulkOperationKind;

/// Give a package to somebody else.
pub struct Create {
    /// What is assigned, and how.
    pub direct: Direct,
    /// Who gets it; none where the id was garbage.
    pub user: Option<Uuid>,
    /// Makes the call repeatable.
    pub idempotency: Option<Key>,
}

impl Command for Create {
    type Output = Uuid;

    fn attempt(&self) -> Attempt {
        let package = self.direct.package.map(|id| (Kind::AccessPackage, id));
        Attempt::with(&self.direct.permit, package)
    }

    async fn run(&self, txn: &Txn) -> Result<Uuid, Error> {
        let allowed = confirm(txn, &self.direct.permit).await?;
        let (actor, id) = (self.direct.permit.actor(), txn.id());
        if let Some(first) = repeated(txn, &actor, "createAssignment", self.idempotency.as_ref(), id).await? {
            return Ok(first);
        }
        let people: Vec<Uuid> = self.user.into_iter().collect();
        let judged = self.direct.judge(txn, &allowed, &people).await?;
        let verdict = self.user.and_then(|user| Some((user, *judged.verdicts.get(&user)?)));
        let no_user =
            || Rejection::of("user", Code::NotFound, "There is no such user, or you may not see it.");
        let (user, verdict) = verdict.ok_or_else(no_user)?;
        verdict.map_err(|code| {
            let field = if code == Code::NotRequestable { "policy" } else { "user" };
            let words = bulk_operation::code::sentence(BulkOperationKind::CreateAssignments, code);
            Rejection::of(field, code, words)
        })?;
        self.direct.assign(txn, &judged.terms, &[(id, user)], None).await?;
        let details = serde_json::json!({
            "accessPackage": self.direct.package.map(|id| Kind::AccessPackage.text(id)),
            "requestor": Kind::User.text(user),
            "bypassApproval": self.direct.bypass_approval,
        });
        let event = Event::by(&actor, "access_request.submitted", Kind::AccessRequest, id).with(details);
        audit_event::record(txn, &event).await?;
        Ok(id)
    }
}
