//! Cancel: withdraw a request. A partial one takes back what it gave.

use entity::access_request::{AccessRequestState as State, AccessRequestType as Type};
use entity::access_request_event::AccessRequestAction as Action;
use uuid::Uuid;

use super::{Step, is_own, next};
use crate::authz::{Actor, Catalogs, Permission, Scope, Viewer};
use crate::domain::assignment::{Ending, end};
use crate::domain::error::{Code, Error, Rejection};
use crate::domain::notification::assignment::revoked;
use crate::domain::{Attempt, Command, input};
use crate::id::Kind;
use crate::store::access_request::{Include, Move, Moved, advance};
use crate::store::audit_event::{self, Event};
use crate::store::{self, Access, Txn};

/// Judges whether a request can be withdrawn by somebody whose own it is, or who manages its catalog.
pub fn judge(kind: Type, state: State, own: bool, manages: bool) -> Result<State, Code> {
    let may = match kind {
        Type::SystemRemove => false,
        Type::UserAdd | Type::UserExtend | Type::UserRemove | Type::AdminAdd | Type::AdminRemove => {
            manages || (own && is_own(kind))
        }
    };
    if !may {
        return Err(Code::Forbidden);
    }
    next(state, Step::Cancel).map_err(|_| Code::NotCancelable)
}

/// Withdraw a request. It needs no permit: one's own is always one's to withdraw; for others the
/// permission is asked per catalog, inside of the transaction.
pub struct Cancel {
    /// Who withdraws.
    pub actor: Actor,
    /// The viewer, for the roles that the token claims.
    pub viewer: Viewer,
    /// The request; none where the id was garbage.
    pub id: Option<Uuid>,
    /// Why.
    pub reason: Option<String>,
}

impl Cancel {
    async fn manageable(&self, txn: &Txn) -> Result<Catalogs, Error> {
        let assigned = store::user::catalog_roles(txn, self.actor.user).await?;
        let now = Viewer { assigned, ..self.viewer.clone() };
        Ok(now.catalogs(Permission::ManageRequests))
    }
}

impl Command for Cancel {
    type Output = Uuid;

    fn attempt(&self) -> Attempt {
        Attempt {
            organization: self.actor.organization,
            actor: Some(self.actor.user),
            call: self.actor.call,
            action: "access_request.cancel",
            target: self.id.map(|id| (Kind::AccessRequest, id)),
        }
    }

    async fn run(&self, txn: &Txn) -> Result<Uuid, Error> {
        let scope: Scope = self.viewer.scope();
        let not_found =
            || Rejection::of("id", Code::NotFound, "There is no such request, or you may not see it.");
        let id = self.id.ok_or_else(not_found)?;
        let visible =
            store::access_request::find(txn, Access::Visible(&scope), &[id], Include::default()).await?;
        let requestor = visible.first().ok_or_else(not_found)?.request.requestor_id;
        if !store::user::lock_active(txn, self.actor.user).await? {
            return Err(Rejection::new(Code::UserDeactivated, "You were deactivated.").into());
        }
        let locked = store::access_request::lock(txn, &[id]).await?;
        let request = locked.first().ok_or_else(not_found)?;
        let reason = self.reason.as_deref().map(|text| input::text("reason", text)).transpose()?;
        let manages = self.manageable(txn).await?.contain(request.catalog_id);
        let own = requestor == self.actor.user;
        let to = judge(request.kind, request.state, own, manages).map_err(|code| {
            let message = match code {
                Code::Forbidden => "Only the requestor, or a manager of the catalog, cancels this request.",
                _ => "A request can be cancelled before its delivery, and after a delivery that failed.",
            };
            Rejection::of("id", code, message)
        })?;
        let step = Move {
            to,
            action: Action::Canceled,
            actor: Some(self.actor.user),
            reason: reason.as_deref(),
            bulk_operation: None,
        };
        advance(txn, &[Moved { id, from: request.state }], step).await?;
        store::approval::cancel(txn, &[id]).await?;
        if let Some(assignment) = request.assignment_id.filter(|_| super::is_addition(request.kind)) {
            let held = store::assignment::lock(txn, &[assignment]).await?;
            let held: Vec<_> = held.into_iter().filter(crate::domain::assignment::is_current).collect();
            end(txn, &held, Ending::Canceled).await?;
            revoked(txn, &held, self.actor.user, reason.as_deref()).await?;
        }
        let event = Event::by(&self.actor, "access_request.canceled", Kind::AccessRequest, id);
        audit_event::record(txn, &event).await?;
        Ok(id)
    }
}
