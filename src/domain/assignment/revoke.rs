//! Revoke: take assignments away, one or many.
//!
//! [`judge`] is the one rule: for the mutations, the dry run and the affordance.

use std::collections::HashMap;

use entity::access_request::AccessRequestType;
use entity::assignment;
use entity::bulk_operation::{self, BulkOperationKind};
use uuid::Uuid;

use super::{Ending, end, is_current, lock_visible};
use crate::authz::permission::action::Revoke as Action;
use crate::authz::{Permit, Scope};
use crate::domain::bulk_operation::{Bulk, Verdicts, record};
use crate::domain::error::{Code, Error, Rejection};
use crate::domain::notification::assignment::revoked;
use crate::domain::{Attempt, Command, confirm, input};
use crate::id::Kind;
use crate::store::assignment::{Filter, select_for};
use crate::store::audit_event::{self, Event};
use crate::store::{Access, StoreError, Txn};

/// Judges whether an assignment can be taken away by somebody who may, or may not, do so here.
pub const fn judge(assignment: &assignment::Model, allowed: bool) -> Result<(), Code> {
    if !allowed {
        return Err(Code::Forbidden);
    }
    if is_current(assignment) { Ok(()) } else { Err(Code::NotActive) }
}

/// Take an assignment away.
pub struct Revoke {
    /// The permit.
    pub permit: Permit<Action>,
    /// The assignment; none where the id was garbage.
    pub id: Option<Uuid>,
    /// Why.
    pub reason: Option<String>,
}

impl Command for Revoke {
    /// The removal request.
    type Output = Uuid;

    fn attempt(&self) -> Attempt {
        Attempt::with(&self.permit, self.id.map(|id| (Kind::Assignment, id)))
    }

    async fn run(&self, txn: &Txn) -> Result<Uuid, Error> {
        let allowed = confirm(txn, &self.permit).await?;
        let not_found =
            || Rejection::of("id", Code::NotFound, "There is no such assignment, or you may not see it.");
        let id = self.id.ok_or_else(not_found)?;
        let held = lock_visible(txn, Access::Visible(self.permit.scope()), &[id]).await?;
        let assignment = held.first().ok_or_else(not_found)?;
        judge(assignment, allowed.contain(assignment.catalog_id)).map_err(|code| {
            let message = match code {
                Code::Forbidden => "You hold no role in this assignment's catalog that allows this.",
                _ => "The assignment is over, or is being taken away already.",
            };
            Rejection::of("id", code, message)
        })?;
        let reason = self.reason.as_deref().map(|text| input::text("reason", text)).transpose()?;
        let actor = self.permit.actor();
        let ending = Ending::Request {
            id: None,
            kind: AccessRequestType::AdminRemove,
            actor: Some(actor.user),
            reason: reason.as_deref(),
            bulk_operation: None,
        };
        let made = end(txn, &held, ending).await?.into_iter().next();
        let made =
            made.ok_or_else(|| StoreError::Other("an assignment ended without a request".to_owned()))?;
        audit_event::record(txn, &Event::by(&actor, "assignment.revoked", Kind::Assignment, id)).await?;
        revoked(txn, &held, actor.user, reason.as_deref()).await?;
        Ok(made)
    }
}

/// Revoke assignments, as a bulk operation.
pub struct RevokeAssignments;

impl Bulk for RevokeAssignments {
    type Action = Action;
    type Filter = Filter;

    const KIND: BulkOperationKind = BulkOperationKind::RevokeAssignments;
    const MUTATION: &'static str = "revokeAssignments";

    async fn select(
        txn: &Txn,
        operation: Uuid,
        scope: &Scope,
        filter: &Filter,
        most: u64,
    ) -> Result<u64, StoreError> {
        select_for(txn, operation, scope, filter, most).await
    }

    async fn decide(
        txn: &Txn,
        operation: &bulk_operation::Model,
        access: Access<'_>,
        targets: &[Uuid],
    ) -> Result<Verdicts, Error> {
        let allowed = record::allowed(operation);
        let mut verdicts = HashMap::with_capacity(targets.len());
        let mut accepted = Vec::new();
        for assignment in lock_visible(txn, access, targets).await? {
            let verdict = judge(&assignment, allowed.contain(assignment.catalog_id));
            verdicts.insert(assignment.id, verdict);
            if verdict.is_ok() {
                accepted.push(assignment);
            }
        }
        if !operation.dry_run && !accepted.is_empty() {
            revoke(txn, operation, &accepted).await?;
        }
        Ok(verdicts)
    }
}

/// Takes assignments away, with one event for all of them.
async fn revoke(
    txn: &Txn,
    operation: &bulk_operation::Model,
    assignments: &[assignment::Model],
) -> Result<(), Error> {
    let ending = Ending::Request {
        id: None,
        kind: AccessRequestType::AdminRemove,
        actor: Some(operation.started_by_id),
        reason: operation.reason.as_deref(),
        bulk_operation: Some(operation.id),
    };
    end(txn, assignments, ending).await?;
    super::note(txn, operation, "assignment.revoked", assignments).await?;
    Ok(revoked(txn, assignments, operation.started_by_id, operation.reason.as_deref()).await?)
}
