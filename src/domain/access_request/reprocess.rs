//! Reprocess: try the failed deliveries of requests again (R1 to R5), by ids or by filter.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use entity::access_request::{AccessRequestState as State, AccessRequestType as Type};
use entity::access_request_event::AccessRequestAction as Action;
use entity::assignment::AssignmentState;
use entity::bulk_operation::{self, BulkOperationKind, BulkOperationState};
use entity::bulk_operation_item::{self, BulkItemOutcome};
use uuid::Uuid;

use super::is_removal;
use crate::authz::permission::action;
use crate::authz::{Catalogs, Permit};
use crate::domain::bulk_operation::code;
use crate::domain::delivery::{BUDGET, outcome};
use crate::domain::error::{Code, Error, Rejection};
use crate::domain::{Attempt, Command, confirm, repeated};
use crate::id::Kind;
use crate::store::access_request::{Filter, Move, Moved, advance};
use crate::store::audit_event::{self, Event};
use crate::store::idempotency::Key;
use crate::store::{self, Access, Txn};

/// Everything that the verdict depends on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// Where the request stands.
    pub state: State,
    /// What it asks for.
    pub kind: Type,
    /// Its first completion.
    pub completed_at: Option<DateTime<Utc>>,
    /// How long after that it can be reprocessed.
    pub window: TimeDelta,
    /// Whether the viewer may reprocess in the package's catalog.
    pub allowed: bool,
    /// Whether a delivery failed and waits for its next automatic attempt, later than now.
    pub waits: bool,
    /// Whether the package was deleted.
    pub package_deleted: bool,
    /// Whether the requestor may hold access.
    pub requestor_active: bool,
    /// The assignment: where it stands, and when it ends.
    pub assignment: Option<(AssignmentState, Option<DateTime<Utc>>)>,
}

/// What reprocessing would do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The failed deliveries are queued again.
    Reprocess,
    /// The waiting deliveries are made due now.
    RetryNow,
    /// Nothing, for this reason.
    Refused(Code),
}

/// Judges one request: the same for the mutation, the dry run and the affordance.
#[must_use]
pub fn judge(facts: &Facts, now: DateTime<Utc>) -> Verdict {
    if !facts.allowed {
        return Verdict::Refused(Code::Forbidden);
    }
    match facts.state {
        State::Delivering if facts.waits => return Verdict::RetryNow,
        State::Delivering => return Verdict::Refused(Code::AlreadyInProgress),
        State::PartiallyDelivered | State::DeliveryFailed => {}
        State::Submitted
        | State::PendingApproval
        | State::Scheduled
        | State::Delivered
        | State::Denied
        | State::Canceled => return Verdict::Refused(Code::NotReprocessableState),
    }
    if is_removal(facts.kind) {
        // Taking access away is never too late.
        return Verdict::Reprocess;
    }
    if until(facts.completed_at, facts.window).is_none_or(|until| now > until) {
        return Verdict::Refused(Code::ReprocessWindowExpired);
    }
    if facts.package_deleted {
        return Verdict::Refused(Code::PackageDeleted);
    }
    if !facts.requestor_active {
        return Verdict::Refused(Code::RequestorBlocked);
    }
    match facts.assignment {
        Some((AssignmentState::Revoking | AssignmentState::Ended, _)) | None => {
            Verdict::Refused(Code::AssignmentEnded)
        }
        Some((_, Some(end))) if end <= now => Verdict::Refused(Code::AssignmentEnded),
        Some(_) => Verdict::Reprocess,
    }
}

/// The last instant at which this request can be reprocessed; none where no time applies.
#[must_use]
pub fn deadline(facts: &Facts) -> Option<DateTime<Utc>> {
    match facts.state {
        State::PartiallyDelivered | State::DeliveryFailed if !is_removal(facts.kind) => {
            until(facts.completed_at, facts.window)
        }
        _ => None,
    }
}

/// The last instant at which a request can be reprocessed (R2).
#[must_use]
pub fn until(completed_at: Option<DateTime<Utc>>, window: TimeDelta) -> Option<DateTime<Utc>> {
    completed_at?.checked_add_signed(window)
}

/// The most ids of one call.
const MOST_IDS: usize = 1_000;
/// The most requests that a filter may select.
const MOST_SELECTED: u64 = 200_000;

/// Which requests.
#[derive(Clone, Debug)]
pub enum Selection {
    /// These, each as it was given and as the id that it names.
    Ids(Vec<(String, Option<Uuid>)>),
    /// Everything that matches and is visible.
    Filter(Filter),
}

/// Reprocess requests.
pub struct Reprocess {
    /// The permit.
    pub permit: Permit<action::Reprocess>,
    /// Which requests.
    pub selection: Selection,
    /// Only say what would happen.
    pub dry_run: bool,
    /// How many requests the caller expects to be selected.
    pub expected_count: Option<i32>,
    /// Makes the call repeatable.
    pub idempotency: Option<Key>,
}

impl Command for Reprocess {
    /// The bulk operation.
    type Output = Uuid;

    fn attempt(&self) -> Attempt {
        Attempt::with(&self.permit, None)
    }

    async fn run(&self, txn: &Txn) -> Result<Uuid, Error> {
        let allowed = confirm(txn, &self.permit).await?;
        let (actor, id) = (self.permit.actor(), txn.id());
        if let Some(first) =
            repeated(txn, &actor, "reprocessAccessRequests", self.idempotency.as_ref(), id).await?
        {
            return Ok(first);
        }
        let operation = bulk_operation::Model {
            id,
            organization_id: actor.organization,
            kind: BulkOperationKind::ReprocessAccessRequests,
            state: BulkOperationState::Running,
            dry_run: self.dry_run,
            catalogs: match &allowed {
                Catalogs::All => None,
                Catalogs::Only(ids) => Some(serde_json::json!(ids)),
            },
            total_count: 0,
            accepted_count: 0,
            rejected_count: 0,
            next_position: 0,
            started_by_id: actor.user,
            started_at: txn.now(),
            finished_at: None,
            due_at: None,
            lease: None,
            attempt_count: 0,
        };
        match &self.selection {
            Selection::Ids(ids) => self.by_ids(txn, operation, &allowed, ids).await?,
            Selection::Filter(filter) => self.by_filter(txn, operation, filter).await?,
        }
        let details = serde_json::json!({ "dryRun": self.dry_run });
        let event = Event::by(&actor, "bulk_operation.started", Kind::BulkOperation, id).with(details);
        audit_event::record(txn, &event).await?;
        Ok(id)
    }
}

impl Reprocess {
    /// Done when the call is answered: one item for each id, in the order given.
    async fn by_ids(
        &self,
        txn: &Txn,
        operation: bulk_operation::Model,
        allowed: &Catalogs,
        ids: &[(String, Option<Uuid>)],
    ) -> Result<(), Error> {
        if ids.is_empty() {
            return Err(Rejection::of("selection.ids", Code::EmptySelection, "No id was given.").into());
        }
        if ids.len() > MOST_IDS {
            let message = format!("At most {MOST_IDS} ids can be given at once; use a filter for more.");
            return Err(Rejection::of("selection.ids", Code::SelectionTooLarge, message).into());
        }
        self.expect(ids.len() as u64)?;
        let mut targets: Vec<Uuid> = ids.iter().filter_map(|(_, id)| *id).collect();
        targets.sort_unstable();
        targets.dedup();
        let batch = Batch {
            access: Access::Visible(self.permit.scope()),
            allowed,
            judged_at: txn.now(),
            actor: self.permit.actor().user,
            operation: &operation,
        };
        let verdicts = batch.run(txn, &targets).await?;
        let items: Vec<bulk_operation_item::Model> = (0..)
            .zip(ids)
            .map(|(position, (given, target))| {
                let verdict = target.map_or(Err(Code::NotFound), |target| {
                    verdicts.get(&target).copied().unwrap_or(Err(Code::NotFound))
                });
                bulk_operation_item::Model {
                    operation_id: operation.id,
                    position,
                    requested_id: Some(given.chars().filter(|c| *c != '\0').take(LONGEST_ID).collect()),
                    target_id: target.filter(|target| verdicts.contains_key(target)),
                    outcome: if verdict.is_ok() {
                        BulkItemOutcome::Accepted
                    } else {
                        BulkItemOutcome::Rejected
                    },
                    error_code: verdict.err().map(|code| code::name(code).to_owned()),
                }
            })
            .collect();
        let accepted = items.iter().filter(|item| item.outcome == BulkItemOutcome::Accepted).count();
        let count = |count: usize| i32::try_from(count).unwrap_or(i32::MAX);
        txn.insert(bulk_operation::Model {
            state: BulkOperationState::Completed,
            total_count: count(items.len()),
            accepted_count: count(accepted),
            rejected_count: count(items.len() - accepted),
            next_position: count(items.len()),
            finished_at: Some(txn.now()),
            ..operation
        })
        .await?;
        txn.insert_all(items).await?;
        Ok(())
    }

    /// The set is fixed now; the work goes on in the background.
    async fn by_filter(
        &self,
        txn: &Txn,
        operation: bulk_operation::Model,
        filter: &Filter,
    ) -> Result<(), Error> {
        if filter.is_empty() {
            let message = "The filter has no condition, so it would select everything.";
            return Err(Rejection::of("selection.filter", Code::EmptySelection, message).into());
        }
        if !self.dry_run && self.expected_count.is_none() {
            let message = "A filter without `dryRun` needs `expectedCount`: the number that a dry run told.";
            return Err(Rejection::of("expectedCount", Code::InvalidInput, message).into());
        }
        let selected = store::access_request::select_for(
            txn,
            operation.id,
            self.permit.scope(),
            filter,
            MOST_SELECTED + 1,
        )
        .await?;
        if selected > MOST_SELECTED {
            let message = format!("The filter selects more than {MOST_SELECTED} requests; narrow it.");
            return Err(Rejection::of("selection.filter", Code::SelectionTooLarge, message).into());
        }
        self.expect(selected)?;
        let total_count = i32::try_from(selected).unwrap_or(i32::MAX);
        let done = selected == 0;
        txn.insert(bulk_operation::Model {
            state: if done { BulkOperationState::Completed } else { BulkOperationState::Running },
            total_count,
            finished_at: done.then(|| txn.now()),
            due_at: (!done).then(|| txn.now()),
            ..operation
        })
        .await?;
        Ok(())
    }

    fn expect(&self, selected: u64) -> Result<(), Rejection> {
        match self.expected_count {
            Some(expected) if u64::try_from(expected).ok() != Some(selected) => Err(Rejection::of(
                "expectedCount",
                Code::ExpectedCountMismatch,
                format!("{selected} requests are selected, not {expected}. Nothing was done."),
            )),
            _ => Ok(()),
        }
    }
}

/// The longest text that is kept of an id that names nothing.
const LONGEST_ID: usize = 100;

/// One batch of a reprocess: what it may do, and for whom.
pub struct Batch<'a> {
    /// Which requests can be found.
    pub access: Access<'a>,
    /// Where the starter may act.
    pub allowed: &'a Catalogs,
    /// The time that the window is judged at.
    pub judged_at: DateTime<Utc>,
    /// Who acts.
    pub actor: Uuid,
    /// The operation.
    pub operation: &'a bulk_operation::Model,
}

impl Batch<'_> {
    /// Judges requests and does what is accepted: sets, not loops. Requests that are not found
    /// have no verdict.
    pub async fn run(&self, txn: &Txn, targets: &[Uuid]) -> Result<HashMap<Uuid, Result<(), Code>>, Error> {
        let organization = store::organization::get(txn, self.operation.organization_id).await?;
        let window = organization.map_or(0, |organization| organization.reprocess_window_seconds);
        let window = TimeDelta::try_seconds(window).unwrap_or_default();
        let locked = store::access_request::lock_judged(txn, self.access, targets).await?;
        let mut verdicts = HashMap::with_capacity(locked.len());
        let (mut again, mut hurried) = (Vec::new(), Vec::new());
        for row in locked {
            let facts = Facts {
                state: row.request.state,
                kind: row.request.kind,
                completed_at: row.request.completed_at,
                window,
                allowed: self.allowed.contain(row.request.catalog_id),
                waits: row.waits,
                package_deleted: row.package_deleted,
                requestor_active: row.requestor_active,
                assignment: row.assignment,
            };
            let moved = Moved { id: row.request.id, from: row.request.state };
            let verdict = match judge(&facts, self.judged_at) {
                Verdict::Reprocess => {
                    again.push(moved);
                    Ok(())
                }
                Verdict::RetryNow => {
                    hurried.push(moved);
                    Ok(())
                }
                Verdict::Refused(code) => Err(code),
            };
            verdicts.insert(row.request.id, verdict);
        }
        if !self.operation.dry_run {
            self.reprocess(txn, &again).await?;
            self.hurry(txn, &hurried).await?;
            self.audit(txn, &again, &hurried).await?;
        }
        Ok(verdicts)
    }

    async fn reprocess(&self, txn: &Txn, requests: &[Moved]) -> Result<(), Error> {
        let ids: Vec<Uuid> = requests.iter().map(|request| request.id).collect();
        if ids.is_empty() {
            return Ok(());
        }
        advance(txn, requests, self.step(Action::Reprocessed)).await?;
        store::delivery::requeue(txn, &ids, BUDGET).await?;
        store::assignment::redeliver(txn, &ids).await?;
        // One without failed deliveries has nothing to wait for.
        outcome::complete(txn, &ids).await
    }

    async fn hurry(&self, txn: &Txn, requests: &[Moved]) -> Result<(), Error> {
        let ids: Vec<Uuid> = requests.iter().map(|request| request.id).collect();
        if ids.is_empty() {
            return Ok(());
        }
        advance(txn, requests, self.step(Action::RetriedNow)).await?;
        Ok(store::delivery::hurry(txn, &ids).await?)
    }

    fn step(&self, action: Action) -> Move<'static> {
        Move {
            to: State::Delivering,
            action,
            actor: Some(self.actor),
            reason: None,
            bulk_operation: Some(self.operation.id),
        }
    }

    /// One event a batch, with the ids of what was done.
    async fn audit(&self, txn: &Txn, again: &[Moved], hurried: &[Moved]) -> Result<(), Error> {
        if again.is_empty() && hurried.is_empty() {
            return Ok(());
        }
        let texts = |requests: &[Moved]| -> Vec<String> {
            requests.iter().map(|request| Kind::AccessRequest.text(request.id)).collect()
        };
        let event = Event {
            organization: self.operation.organization_id,
            actor: Some(self.actor),
            action: "access_request.reprocessed",
            target: Some((Kind::BulkOperation, self.operation.id)),
            call: None,
            details: Some(serde_json::json!({ "reprocessed": texts(again), "retriedNow": texts(hurried) })),
        };
        Ok(audit_event::record(txn, &event).await?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(completed_at: DateTime<Utc>) -> Facts {
        Facts {
            state: State::DeliveryFailed,
            kind: Type::UserAdd,
            completed_at: Some(completed_at),
            window: TimeDelta::days(14),
            allowed: true,
            waits: false,
            package_deleted: false,
            requestor_active: true,
            assignment: Some((AssignmentState::DeliveryFailed, None)),
        }
    }

    fn at(micros: i64) -> DateTime<Utc> {
        DateTime::from_timestamp_micros(1_700_000_000_000_000 + micros).unwrap()
    }

    #[test]
    fn the_last_instant_of_the_window_counts_and_the_next_microsecond_does_not() {
        let facts = failed(at(0));
        let last = at(0) + TimeDelta::days(14);
        assert_eq!(judge(&facts, last), Verdict::Reprocess);
        let late = judge(&facts, last + TimeDelta::microseconds(1));
        assert_eq!(late, Verdict::Refused(Code::ReprocessWindowExpired));
    }

    #[test]
    fn the_first_reason_that_applies_is_given() {
        let mut facts = failed(at(0));
        let now = at(1);
        facts.assignment = Some((AssignmentState::Ended, None));
        assert_eq!(judge(&facts, now), Verdict::Refused(Code::AssignmentEnded));
        facts.requestor_active = false;
        assert_eq!(judge(&facts, now), Verdict::Refused(Code::RequestorBlocked));
        facts.package_deleted = true;
        assert_eq!(judge(&facts, now), Verdict::Refused(Code::PackageDeleted));
        facts.window = TimeDelta::microseconds(0);
        assert_eq!(judge(&facts, now), Verdict::Refused(Code::ReprocessWindowExpired));
        facts.state = State::Denied;
        assert_eq!(judge(&facts, now), Verdict::Refused(Code::NotReprocessableState));
        facts.state = State::Delivering;
        assert_eq!(judge(&facts, now), Verdict::Refused(Code::AlreadyInProgress));
        facts.allowed = false;
        assert_eq!(judge(&facts, now), Verdict::Refused(Code::Forbidden));
    }

    #[test]
    fn waiting_deliveries_are_retried_now_without_a_window() {
        let facts =
            Facts { state: State::Delivering, waits: true, window: TimeDelta::zero(), ..failed(at(0)) };
        assert_eq!(judge(&facts, at(1)), Verdict::RetryNow);
    }

    #[test]
    fn a_removal_can_be_reprocessed_at_any_time() {
        let removal = Facts {
            kind: Type::AdminRemove,
            assignment: Some((AssignmentState::Revoking, None)),
            ..failed(at(0))
        };
        assert_eq!(judge(&removal, at(0) + TimeDelta::days(400)), Verdict::Reprocess);
    }

    #[test]
    fn an_assignment_whose_end_has_come_is_over() {
        let mut facts = failed(at(0));
        facts.assignment = Some((AssignmentState::PartiallyDelivered, Some(at(5))));
        assert_eq!(judge(&facts, at(4)), Verdict::Reprocess);
        assert_eq!(judge(&facts, at(5)), Verdict::Refused(Code::AssignmentEnded));
    }
}
