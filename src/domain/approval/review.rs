//! Review: approvers decide the requests that wait for them, one or many.
//!
//! [`super::judge`] is the one rule: for the mutation, the dry run and the affordance.

use std::collections::{HashMap, HashSet};

use entity::access_request::{self, AccessRequestState as State, AccessRequestType};
use entity::access_request_event::AccessRequestAction as Action;
use entity::approval::ApprovalState;
use entity::assignment;
use entity::bulk_operation::{self, BulkOperationKind, ReviewDecision};
use uuid::Uuid;

use super::open::{Opening, open};
use super::{Pinned, judge};
use crate::authz::Scope;
use crate::authz::permission::action;
use crate::domain::access_request::Step;
use crate::domain::assignment::begin::{Beginning, begin_all, legal};
use crate::domain::assignment::extend::{Extended, extend};
use crate::domain::assignment::is_current;
use crate::domain::bulk_operation::{Bulk, Verdicts};
use crate::domain::error::{Code, Error};
use crate::domain::notification;
use crate::domain::notification::approval::Decided as Outcome;
use crate::id::Kind;
use crate::store::access_request::{Filter, Include, Move, Moved, advance, find, lock, select_for};
use crate::store::approval::Standing;
use crate::store::audit_event::{self, Event};
use crate::store::incompatible::Against;
use crate::store::{self, Access, StoreError, Txn};

/// Review access requests, as a bulk operation.
pub struct Review;

impl Bulk for Review {
    type Action = action::ReviewAccessRequest;
    type Filter = Filter;

    const KIND: BulkOperationKind = BulkOperationKind::ReviewAccessRequests;
    const MUTATION: &'static str = "reviewAccessRequests";
    const REASON: &'static str = "justification";

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
        let Some(decision) = operation.decision else {
            return Err(StoreError::Other("a review without a decision".to_owned()).into());
        };
        let visible = find(txn, access, targets, Include::default()).await?;
        let visible: Vec<Uuid> = visible.iter().map(|row| row.request.id).collect();
        // The lock first, and the stages as they are then: of two at once the second sees what the first did.
        let locked = lock(txn, &visible).await?;
        let standings = store::approval::standings(txn, Some(operation.started_by_id), &visible).await?;
        let facts = Facts::read(txn, &locked, decision).await?;
        let mut verdicts = HashMap::with_capacity(locked.len());
        let mut accepted = Vec::new();
        for request in locked {
            let standing = standings.get(&request.id).cloned().unwrap_or_default();
            let by = (operation.started_by_id, operation.reason.as_deref());
            let verdict = verdict(txn, &request, &standing, &facts, decision, by);
            verdicts.insert(request.id, verdict.as_ref().map(|_| ()).map_err(|code| *code));
            if let (Ok(next), Some(stage)) = (verdict, standing.stage) {
                accepted.push(Decided { request, stage: stage.id, next });
            }
        }
        if !operation.dry_run {
            apply(txn, accepted, decision, operation).await?;
        }
        Ok(verdicts)
    }
}

/// What comes after a stage.
#[derive(Clone, Debug)]
enum Next {
    /// The request is refused.
    Denied,
    /// The stage at this position.
    Stage(usize),
    /// The access begins, with these times.
    Access(Box<Beginning>),
    /// An assignment ends later.
    Extension(Box<Extended>),
}

/// What approvals depend on besides the requests: read for all of them at once.
#[derive(Default)]
struct Facts {
    /// The assignments that extensions are about, locked.
    held: HashMap<Uuid, assignment::Model>,
    /// For whom a package that excludes another is held.
    excluded: HashSet<(Uuid, Uuid)>,
}

impl Facts {
    async fn read(
        txn: &Txn,
        requests: &[access_request::Model],
        decision: ReviewDecision,
    ) -> Result<Self, Error> {
        if decision == ReviewDecision::Deny || requests.is_empty() {
            return Ok(Self::default());
        }
        let extended = requests.iter().filter(|request| request.kind == AccessRequestType::UserExtend);
        let extended: Vec<Uuid> = extended.filter_map(|request| request.assignment_id).collect();
        let held =
            if extended.is_empty() { Vec::new() } else { store::assignment::lock(txn, &extended).await? };
        let pairs: Vec<(Uuid, Uuid)> =
            requests.iter().map(|request| (request.requestor_id, request.access_package_id)).collect();
        let excluded = store::incompatible::standing(txn, &pairs, Against::Delivery).await?;
        Ok(Self {
            held: held.into_iter().map(|row| (row.id, row)).collect(),
            excluded: excluded.into_iter().map(|(user, package, _)| (user, package)).collect(),
        })
    }
}

/// A request that is decided.
struct Decided {
    request: access_request::Model,
    stage: Uuid,
    next: Next,
}

/// What a decision leads to, or why it cannot be made.
fn verdict(
    txn: &Txn,
    request: &access_request::Model,
    standing: &Standing,
    facts: &Facts,
    decision: ReviewDecision,
    (user, justification): (Uuid, Option<&str>),
) -> Result<Next, Code> {
    judge(request, standing, Some(user), txn.now())?;
    let stage = standing.stage.as_ref().ok_or(Code::NotApprover)?;
    if stage.justification_required && justification.is_none() {
        return Err(Code::JustificationRequired);
    }
    if decision == ReviewDecision::Deny {
        return Ok(Next::Denied);
    }
    if standing.package_deleted {
        return Err(Code::PackageDeleted);
    }
    let pinned = Pinned::of(request).map_err(|_| Code::Conflict)?;
    let next = usize::try_from(stage.position).unwrap_or_default() + 1;
    let after = if request.kind == AccessRequestType::UserExtend {
        let held = request.assignment_id.and_then(|id| facts.held.get(&id)).filter(|held| is_current(held));
        let held = held.ok_or(Code::AssignmentEnded)?;
        let ends_at = held.expires_at.ok_or(Code::ExtensionNotAllowed)?;
        let expires_at = pinned.prolonged(request, ends_at, txn.now()).ok_or(Code::InvalidSchedule)?;
        Next::Extension(Box::new(Extended { request: request.clone(), assignment: held.id, expires_at }))
    } else {
        let (starts_at, expires_at) = pinned.schedule(request, txn.now()).ok_or(Code::InvalidSchedule)?;
        if facts.excluded.contains(&(request.requestor_id, request.access_package_id)) {
            return Err(Code::IncompatiblePackage);
        }
        Next::Access(Box::new(Beginning { request: request.clone(), starts_at, expires_at, actor: None }))
    };
    Ok(if next < pinned.approval_stages.len() { Next::Stage(next) } else { after })
}

/// Writes decisions of one person about requests of one organization: sets, not loops.
async fn apply(
    txn: &Txn,
    decided: Vec<Decided>,
    decision: ReviewDecision,
    operation: &bulk_operation::Model,
) -> Result<(), Error> {
    let stages: Vec<Uuid> = decided.iter().map(|decided| decided.stage).collect();
    let (actor, reason) = (Some(operation.started_by_id), operation.reason.as_deref());
    let to = match decision {
        ReviewDecision::Approve => ApprovalState::Approved,
        ReviewDecision::Deny => ApprovalState::Denied,
    };
    store::approval::close(txn, &stages, to, actor, reason).await?;
    if !decided.is_empty() {
        let requests: Vec<String> =
            decided.iter().map(|decided| Kind::AccessRequest.text(decided.request.id)).collect();
        let event = Event {
            organization: operation.organization_id,
            actor,
            action: match decision {
                ReviewDecision::Approve => "access_request.approved",
                ReviewDecision::Deny => "access_request.denied",
            },
            target: Some((Kind::BulkOperation, operation.id)),
            call: None,
            details: Some(serde_json::json!({ "requests": requests })),
        };
        audit_event::record(txn, &event).await?;
    }
    let moved = |decided: &Decided| Moved { id: decided.request.id, from: decided.request.state };
    let all: Vec<Moved> = decided.iter().map(moved).collect();
    let step = Move {
        to: match decision {
            ReviewDecision::Approve => State::PendingApproval,
            ReviewDecision::Deny => legal(State::PendingApproval, Step::Deny)?,
        },
        action: match decision {
            ReviewDecision::Approve => Action::Approved,
            ReviewDecision::Deny => Action::Denied,
        },
        actor,
        reason,
        bulk_operation: Some(operation.id),
    };
    advance(txn, &all, step).await?;
    let mut openings = Vec::new();
    let mut beginnings = Vec::new();
    let mut extensions = Vec::new();
    for decided in &decided {
        match &decided.next {
            Next::Denied => {}
            Next::Stage(position) => {
                openings.push(Opening { request: &decided.request, position: *position });
            }
            Next::Access(beginning) => beginnings.push(beginning.as_ref().clone()),
            Next::Extension(extended) => extensions.push(extended.as_ref().clone()),
        }
    }
    open(txn, &openings).await?;
    let opened: Vec<Moved> = openings
        .iter()
        .map(|opening| Moved { id: opening.request.id, from: State::PendingApproval })
        .collect();
    let step = Move {
        to: State::PendingApproval,
        action: Action::ApprovalRequested,
        actor: None,
        reason: None,
        bulk_operation: None,
    };
    advance(txn, &opened, step).await?;
    begin_all(txn, &beginnings).await?;
    extend(txn, &extensions, None).await?;
    let ended = |decided: &&Decided| !matches!(decided.next, Next::Stage(_));
    let ended: Vec<Uuid> = decided.iter().filter(ended).map(|decided| decided.request.id).collect();
    let outcome = match decision {
        ReviewDecision::Approve => Outcome::Approved,
        ReviewDecision::Deny => Outcome::Denied,
    };
    Ok(notification::approval::decided(txn, &ended, outcome, reason).await?)
}
