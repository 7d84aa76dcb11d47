//! Reprocess requests by ids, done when the call is answered, or by filter, in the background.

use entity::bulk_operation::{self, BulkOperationKind, BulkOperationState};
use entity::bulk_operation_item::{self, BulkItemOutcome};
use uuid::Uuid;

use super::Batch;
use crate::authz::permission::action;
use crate::authz::{Catalogs, Permit};
use crate::domain::bulk_operation::code;
use crate::domain::error::{Code, Error, Rejection};
use crate::domain::{Attempt, Command, confirm, repeated};
use crate::id::Kind;
use crate::store::access_request::Filter;
use crate::store::audit_event::{self, Event};
use crate::store::idempotency::Key;
use crate::store::{self, Access, Txn};

/// The longest text that is kept of an id that names nothing.
const LONGEST_ID: usize = 100;

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
            decision: None,
            reason: None,
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
