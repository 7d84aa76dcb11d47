//! Review: approvers decide the requests that wait for them, one or many.
//!
//! [`super::judge`] is the one rule: for the mutation, the dry run and the affordance.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use entity::access_request::{self, AccessRequestState as State, AccessRequestType};
use entity::access_request_event::AccessRequestAction as Action;
use entity::approval::{self, ApprovalState};
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
use crate::domain::assignment::line::{self, InLine};
use crate::domain::bulk_operation::{Bulk, Decision, Verdicts};
use crate::domain::error::{Code, Error};
use crate::domain::notification;
use crate::domain::notification::approval::Decided as Outcome;
use crate::id::Kind;
use crate::store::access_request::{
    Filter, Include, Move, Moved, Row, advance, advance_each, find, lock, select_for,
};
use crate::store::approval::Standing;
use crate::store::audit_event::{self, Event};
use crate::store::{self, Access, StoreError, Txn, Words};

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
        let decision = Decision::of(operation)?;
        let visible = find(txn, access, targets, Include::default()).await?;
        let about = |row: &Row| About { id: row.request.id, request: row.request.id, stage: None, decision };
        decide_each(txn, operation, &visible.iter().map(about).collect::<Vec<_>>()).await
    }
}

/// A decision about a request that may be seen.
#[derive(Clone, Copy, Debug)]
pub struct About<'a> {
    /// What the verdict is told of.
    pub id: Uuid,
    /// The request.
    pub request: Uuid,
    /// The stage that is meant; none for the one that waits.
    pub stage: Option<Uuid>,
    /// The decision.
    pub decision: Decision<'a>,
}

/// Judges decisions of one person and does what is accepted, unless the operation is a dry run: sets, not loops.
pub async fn decide_each(
    txn: &Txn,
    operation: &bulk_operation::Model,
    decisions: &[About<'_>],
) -> Result<Verdicts, Error> {
    let mut requests: Vec<Uuid> = decisions.iter().map(|about| about.request).collect();
    requests.sort_unstable();
    requests.dedup();
    let some_agree = decisions.iter().any(|about| about.decision.decision == ReviewDecision::Approve);
    // The locks first, and the stages as they are then: of two at once the second sees what the first did. Of two
    // approvals for one person, too, of packages that exclude each other: people are locked before requests.
    if some_agree {
        store::user::hold_requestors(txn, &requests).await?;
    }
    let locked = lock(txn, &requests).await?;
    let facts = if some_agree { Facts::read(txn, &locked).await? } else { Facts::default() };
    let locked: HashMap<Uuid, &access_request::Model> = locked.iter().map(|row| (row.id, row)).collect();
    let standings = store::approval::standings(txn, Some(operation.started_by_id), &requests).await?;
    let mut judged = Vec::with_capacity(decisions.len());
    for about in decisions {
        let Some(request) = locked.get(&about.request) else { continue };
        let standing = standings.get(&request.id).cloned().unwrap_or_default();
        let verdict = verdict(txn, request, &standing, &facts, about, operation.started_by_id);
        judged.push(Judged { about, request, stage: standing.stage, verdict });
    }
    let excluded = excluded(txn, &judged).await?;
    let mut verdicts = HashMap::with_capacity(decisions.len());
    let (mut approved, mut denied) = (Vec::new(), Vec::new());
    for Judged { about, request, stage, verdict } in judged {
        let verdict = verdict.and_then(|next| {
            if excluded.contains(&request.id) { Err(Code::IncompatiblePackage) } else { Ok(next) }
        });
        verdicts.insert(about.id, verdict.as_ref().map(|_| ()).map_err(|code| *code));
        if let (Ok(next), Some(stage)) = (verdict, stage) {
            let decided =
                Decided { request: request.clone(), stage: stage.id, next, reason: about.decision.reason };
            match about.decision.decision {
                ReviewDecision::Approve => approved.push(decided),
                ReviewDecision::Deny => denied.push(decided),
            }
        }
    }
    if !operation.dry_run {
        apply(txn, approved, ReviewDecision::Approve, operation).await?;
        apply(txn, denied, ReviewDecision::Deny, operation).await?;
    }
    Ok(verdicts)
}

/// Judges whether somebody can decide a stage of a request now: the first reason that applies against it.
pub fn judge_stage(
    request: &access_request::Model,
    standing: &Standing,
    stage: Option<Uuid>,
    user: Option<Uuid>,
    now: DateTime<Utc>,
) -> Result<(), Code> {
    let judged = judge(request, standing, user, now);
    let waits = standing.stage.as_ref().map(|waiting| waiting.id);
    let over = stage.is_some() && stage != waits && request.state == State::PendingApproval;
    // What was looked at is decided; what waits now is another stage.
    if over && judged != Err(Code::SelfReview) { Err(Code::AlreadyReviewed) } else { judged }
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
}

impl Facts {
    async fn read(txn: &Txn, requests: &[access_request::Model]) -> Result<Self, Error> {
        let extended = requests.iter().filter(|request| request.kind == AccessRequestType::UserExtend);
        let extended: Vec<Uuid> = extended.filter_map(|request| request.assignment_id).collect();
        let held =
            if extended.is_empty() { Vec::new() } else { store::assignment::lock(txn, &extended).await? };
        Ok(Self { held: held.into_iter().map(|row| (row.id, row)).collect() })
    }
}

/// A decision with what it leads to, before it is held against the others.
struct Judged<'a> {
    about: &'a About<'a>,
    request: &'a access_request::Model,
    stage: Option<approval::Model>,
    verdict: Result<Next, Code>,
}

/// The requests that cannot be approved for what excludes them: what the person holds or will, and what is approved by
/// the same. It is the judgement of what starts at one instant.
async fn excluded(txn: &Txn, judged: &[Judged<'_>]) -> Result<HashSet<Uuid>, StoreError> {
    let in_line = |judged: &Judged<'_>| {
        let begins = match judged.verdict.as_ref().ok()? {
            Next::Access(_) => true,
            Next::Stage(_) if judged.request.kind != AccessRequestType::UserExtend => false,
            Next::Stage(_) | Next::Extension(_) | Next::Denied => return None,
        };
        Some(InLine::of(judged.request, begins))
    };
    let line: Vec<InLine> = judged.iter().filter_map(in_line).collect();
    if line.is_empty() {
        return Ok(HashSet::new());
    }
    let pairs: Vec<(Uuid, Uuid)> = line.iter().map(InLine::pair).collect();
    let asked: Vec<Uuid> = line.iter().map(|one| one.made.1).collect();
    let beside = store::incompatible::beside(txn, &pairs, &asked).await?;
    Ok(line::excluded(&line, &beside).into_keys().collect())
}

/// A request that is decided.
struct Decided<'a> {
    request: access_request::Model,
    stage: Uuid,
    next: Next,
    reason: Option<&'a str>,
}

/// What a decision leads to, or why it cannot be made.
fn verdict(
    txn: &Txn,
    request: &access_request::Model,
    standing: &Standing,
    facts: &Facts,
    about: &About<'_>,
    user: Uuid,
) -> Result<Next, Code> {
    judge_stage(request, standing, about.stage, Some(user), txn.now())?;
    let stage = standing.stage.as_ref().ok_or(Code::NotApprover)?;
    if stage.justification_required && about.decision.reason.is_none() {
        return Err(Code::JustificationRequired);
    }
    if about.decision.decision == ReviewDecision::Deny {
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
        if ends_at <= txn.now() {
            return Err(Code::AssignmentEnded);
        }
        let expires_at = pinned.prolonged(request, ends_at, txn.now()).ok_or(Code::InvalidSchedule)?;
        Next::Extension(Box::new(Extended { request: request.clone(), assignment: held.id, expires_at }))
    } else {
        let is_over = pinned.end(request).is_some_and(|end| end <= txn.now());
        let schedule = pinned.schedule(request, txn.now());
        let (starts_at, expires_at) =
            schedule.ok_or(if is_over { Code::EndPassed } else { Code::InvalidSchedule })?;
        Next::Access(Box::new(Beginning { request: request.clone(), starts_at, expires_at, actor: None }))
    };
    Ok(if next < pinned.approval_stages.len() { Next::Stage(next) } else { after })
}

/// Writes decisions of one person about requests of one organization: sets, not loops.
async fn apply(
    txn: &Txn,
    decided: Vec<Decided<'_>>,
    decision: ReviewDecision,
    operation: &bulk_operation::Model,
) -> Result<(), Error> {
    if decided.is_empty() {
        return Ok(());
    }
    let stages: Vec<Uuid> = decided.iter().map(|decided| decided.stage).collect();
    let actor = Some(operation.started_by_id);
    let of_stages = Words::of(decided.iter().map(|decided| (decided.stage, decided.reason)));
    let of_requests = Words::of(decided.iter().map(|decided| (decided.request.id, decided.reason)));
    let to = match decision {
        ReviewDecision::Approve => ApprovalState::Approved,
        ReviewDecision::Deny => ApprovalState::Denied,
    };
    store::approval::close_each(txn, &stages, to, actor, of_stages.said()).await?;
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
    let moved = |decided: &Decided<'_>| Moved { id: decided.request.id, from: decided.request.state };
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
        reason: None,
        bulk_operation: Some(operation.id),
    };
    advance_each(txn, &all, step, of_requests.said()).await?;
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
    let ended = |decided: &&Decided<'_>| !matches!(decided.next, Next::Stage(_));
    let ended: Vec<Uuid> = decided.iter().filter(ended).map(|decided| decided.request.id).collect();
    let outcome = match decision {
        ReviewDecision::Approve => Outcome::Approved,
        ReviewDecision::Deny => Outcome::Denied,
    };
    Ok(notification::approval::decided_each(txn, &ended, outcome, of_requests.said()).await?)
}
