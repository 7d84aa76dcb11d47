//! Extend: keep a package longer than its assignment says.

use chrono::{DateTime, Utc};
use entity::access_request::{self, AccessRequestState as State, AccessRequestType};
use entity::access_request_event::AccessRequestAction as Action;
use entity::assignment::AssignmentState;
use entity::assignment_policy::Extension;
use uuid::Uuid;

use super::begin::legal;
use crate::authz::{Actor, Permission, Viewer};
use crate::domain::access_request::make::{self, Common, ask, write};
use crate::domain::access_request::plan::{Asked, Content, content};
use crate::domain::access_request::schedule::{Limits, Times, prolonged};
use crate::domain::access_request::{Outcome, Step};
use crate::domain::error::{Code, Error, Rejection};
use crate::domain::{Attempt, Command, repeated};
use crate::id::Kind;
use crate::store::access_request::{Move, Moved, advance};
use crate::store::assignment::{Extensible, Include};
use crate::store::audit_event::{self, Event};
use crate::store::idempotency::Key;
use crate::store::{self, Access, Txn};

/// Keep a package longer: for oneself, or where one manages the requests of the catalog.
pub struct Extend {
    /// Who asks.
    pub actor: Actor,
    /// The viewer, for the roles that the token claims.
    pub viewer: Viewer,
    /// The assignment; none where the id was garbage.
    pub id: Option<Uuid>,
    /// The new end; none: as late as the policy allows.
    pub expires_at: Option<DateTime<Utc>>,
    /// Why.
    pub justification: Option<String>,
    /// Makes the call repeatable.
    pub idempotency: Option<Key>,
}

/// Judges whether an assignment can be extended by its holder, or by a manager of its catalog's requests.
pub fn judge(facts: &Extensible, own: bool, manages: bool, now: DateTime<Utc>) -> Result<(), Code> {
    if !own && !manages {
        return Err(Code::Forbidden);
    }
    match facts.state {
        AssignmentState::Delivering | AssignmentState::PartiallyDelivered | AssignmentState::Delivered => {}
        AssignmentState::Scheduled
        | AssignmentState::DeliveryFailed
        | AssignmentState::Revoking
        | AssignmentState::Ended => return Err(Code::NotActive),
    }
    // Its end has come, though the worker has not.
    if facts.expires_at.is_some_and(|end| end <= now) {
        return Err(Code::NotActive);
    }
    if facts.open {
        return Err(Code::RequestOpen);
    }
    if facts.expires_at.is_none() || facts.extension == Extension::NotAllowed {
        return Err(Code::ExtensionNotAllowed);
    }
    if facts.admitted { Ok(()) } else { Err(Code::NotRequestable) }
}

/// A refusal in words.
#[must_use]
pub fn sentence(code: Code) -> &'static str {
    match code {
        Code::Forbidden => "Only the holder, or a manager of the catalog, extends this assignment.",
        Code::NotActive => "The assignment is over, or nothing of it was delivered.",
        Code::RequestOpen => "An extension of this assignment is asked for already.",
        Code::ExtensionNotAllowed => {
            "The assignment has no end, or its policy does not let holders keep the package longer."
        }
        _ => "The policy of the assignment no longer admits the person. Request the package again.",
    }
}

impl Command for Extend {
    /// The request.
    type Output = Uuid;

    fn attempt(&self) -> Attempt {
        Attempt {
            organization: self.actor.organization,
            actor: Some(self.actor.user),
            call: self.actor.call,
            action: "assignment.extend",
            target: self.id.map(|id| (Kind::Assignment, id)),
        }
    }

    async fn run(&self, txn: &Txn) -> Result<Uuid, Error> {
        let request = txn.id();
        let key = self.idempotency.as_ref();
        if let Some(first) = repeated(txn, &self.actor, "extendAssignment", key, request).await? {
            return Ok(first);
        }
        if !store::user::lock_active(txn, self.actor.user).await? {
            return Err(Rejection::new(Code::UserDeactivated, "You were deactivated.").into());
        }
        let id = self.id.ok_or_else(not_found)?;
        let scope = self.viewer.scope();
        let found = store::assignment::find(txn, Access::Visible(&scope), &[id], Include::default()).await?;
        let held = found.into_iter().next().ok_or_else(not_found)?.assignment;
        store::access_request::lock(txn, &[held.request_id]).await?;
        store::assignment::lock(txn, &[id]).await?;
        let facts = store::assignment::extensible(txn, &[id]).await?.remove(&id).ok_or_else(not_found)?;
        let assigned = store::user::catalog_roles(txn, self.actor.user).await?;
        let now = Viewer { assigned, ..self.viewer.clone() };
        let manages = now.catalogs(Permission::ManageRequests).contain(held.catalog_id);
        judge(&facts, held.user_id == self.actor.user, manages, txn.now())
            .map_err(|code| Rejection::of("assignment", code, sentence(code)))?;
        let policy = held.policy_id.ok_or_else(not_found)?;
        let policies =
            store::assignment_policy::find(txn, Access::Named(held.organization_id), &[policy]).await?;
        let policy = policies.into_iter().next().ok_or_else(not_found)?;
        let (Some(ends_at), now) = (facts.expires_at, txn.now()) else { return Err(not_found().into()) };
        let expires_at = prolonged(Limits::from(policy.as_ref()), ends_at, self.expires_at, now)?;
        // Of the request under a policy only the reason is asked for again.
        let asked = Asked { justification: self.justification.clone(), ..Asked::default() };
        let unasked = entity::assignment_policy::Model { questions: None, ..policy.as_ref().clone() };
        let content = Content { expires_at, ..content(&unasked, &asked, now)? };
        let approval = facts.extension == Extension::WithApproval && policy.approval_stage_count > 0;
        let stages =
            if approval { store::assignment_policy::stages(txn, &[policy.id]).await? } else { Vec::new() };
        let common = Common {
            actor: self.actor,
            kind: AccessRequestType::UserExtend,
            catalog: held.catalog_id,
            policy: &policy,
            stages: &stages,
            bypass_approval: false,
            content: &content,
            times: Times { starts_at: None, expires_at: self.expires_at },
            assignment: Some(id),
            bulk_operation: None,
            signed_link: None,
        };
        let made = write(txn, &common, &[(request, held.user_id)]).await?;
        if approval {
            ask(txn, &made).await?;
        } else {
            let extended = |request| Extended { request, assignment: id, expires_at };
            extend(txn, &made.into_iter().map(extended).collect::<Vec<_>>(), None).await?;
        }
        let event = make::event(&self.actor, request, held.access_package_id, held.user_id);
        audit_event::record(txn, &event).await?;
        Ok(request)
    }
}

/// A request whose assignment ends later from now on.
#[derive(Clone, Debug)]
pub struct Extended {
    /// The request, as read under its lock.
    pub request: access_request::Model,
    /// The assignment.
    pub assignment: Uuid,
    /// Its new end; none: never.
    pub expires_at: Option<DateTime<Utc>>,
}

/// Carries extensions out: there is nothing to deliver. One person decided all of them, or nobody.
pub async fn extend(txn: &Txn, extended: &[Extended], actor: Option<Uuid>) -> Result<(), Error> {
    if extended.is_empty() {
        return Ok(());
    }
    let ends: Vec<_> = extended.iter().map(|row| (row.assignment, row.expires_at)).collect();
    store::assignment::set_ends(txn, &ends).await?;
    for row in extended {
        legal(row.request.state, Step::Deliver)?;
    }
    let step = |to, action, actor| Move { to, action, actor, reason: None, bulk_operation: None };
    let moved = |from: fn(&Extended) -> State| -> Vec<Moved> {
        extended.iter().map(|row| Moved { id: row.request.id, from: from(row) }).collect()
    };
    let delivering = step(State::Delivering, Action::DeliveryStarted, actor);
    advance(txn, &moved(|row| row.request.state), delivering).await?;
    let delivered = legal(State::Delivering, Step::Complete(Outcome::All))?;
    advance(txn, &moved(|_| State::Delivering), step(delivered, Action::Delivered, None)).await?;
    let event = |row: &Extended| {
        let organization = row.request.organization_id;
        Event::by_itself(organization, "assignment.extended", Kind::Assignment, row.assignment).with(
            serde_json::json!({
                "accessRequest": Kind::AccessRequest.text(row.request.id),
                "expiresAt": row.expires_at.map(|end| end.to_rfc3339()),
            }),
        )
    };
    Ok(audit_event::record_all(txn, &extended.iter().map(event).collect::<Vec<_>>()).await?)
}

/// There is no such assignment, or it is not visible.
#[must_use]
pub fn not_found() -> Rejection {
    Rejection::of("assignment", Code::NotFound, "There is no such assignment, or you may not see it.")
}
