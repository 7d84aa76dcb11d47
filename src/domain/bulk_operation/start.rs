//! Start a bulk operation: by ids, done when the call is answered, or by filter, in the background.

use entity::bulk_operation::{self, BulkOperationState, ReviewDecision};
use uuid::Uuid;

use super::Bulk;
use super::record::{self, Item};
use crate::authz::Permit;
use crate::domain::error::{Code, Error, Rejection};
use crate::domain::{Attempt, Command, confirm, input, repeated};
use crate::id::Kind;
use crate::store::audit_event::{self, Event};
use crate::store::idempotency::Key;
use crate::store::{Access, Txn};

/// The most ids of one call.
pub const MOST_IDS: usize = 1_000;
/// The most objects that a filter may select.
const MOST_SELECTED: u64 = 200_000;

/// Which objects.
#[derive(Clone, Debug)]
pub enum Selection<F> {
    /// These, each as it was given and as the id that it names.
    Ids(Vec<(String, Option<Uuid>)>),
    /// Everything that matches and is visible.
    Filter(F),
}

/// Start a bulk operation.
pub struct Start<B: Bulk> {
    /// The permit.
    pub permit: Permit<B::Action>,
    /// Which objects.
    pub selection: Selection<B::Filter>,
    /// Which way a review goes; none for other actions.
    pub decision: Option<ReviewDecision>,
    /// What the starter says about it.
    pub reason: Option<String>,
    /// Only say what would happen.
    pub dry_run: bool,
    /// How many objects the caller expects to be selected.
    pub expected_count: Option<i32>,
    /// Makes the call repeatable.
    pub idempotency: Option<Key>,
}

impl<B: Bulk> Command for Start<B> {
    /// The bulk operation.
    type Output = Uuid;

    fn attempt(&self) -> Attempt {
        Attempt::with(&self.permit, None)
    }

    async fn run(&self, txn: &Txn) -> Result<Uuid, Error> {
        let operation = match self.begin(txn).await? {
            Begun::Before(first) => return Ok(first),
            Begun::Now(operation) => *operation,
        };
        let id = operation.id;
        match &self.selection {
            Selection::Ids(ids) => {
                let targets = self.targets(ids)?;
                let access = Access::Visible(self.permit.scope());
                let verdicts = B::decide(txn, &operation, access, &targets).await?;
                let items = ids.iter().map(|(given, target)| {
                    Item::of(given, *target, target.and_then(|target| verdicts.get(&target).copied()))
                });
                record::done(txn, operation, items.collect()).await?;
            }
            Selection::Filter(filter) => self.by_filter(txn, operation, filter).await?,
        }
        self.note(txn, id).await?;
        Ok(id)
    }
}

/// Whether a call is the first under its key.
pub(in crate::domain) enum Begun {
    /// It was made before, and started this operation.
    Before(Uuid),
    /// It is the first, and starts this one.
    Now(Box<bulk_operation::Model>),
}

impl<B: Bulk> Start<B> {
    /// Makes sure that the starter may, and that the call was not made before; gives the operation as it begins.
    pub(in crate::domain) async fn begin(&self, txn: &Txn) -> Result<Begun, Error> {
        let allowed = confirm(txn, &self.permit).await?;
        let (actor, id) = (self.permit.actor(), txn.id());
        if let Some(first) = repeated(txn, &actor, B::MUTATION, self.idempotency.as_ref(), id).await? {
            return Ok(Begun::Before(first));
        }
        let reason = self.reason.as_deref().map(|text| input::reason(B::REASON, text)).transpose()?;
        Ok(Begun::Now(Box::new(bulk_operation::Model {
            dry_run: self.dry_run,
            decision: self.decision,
            reason: reason.filter(|reason| !reason.is_empty()),
            ..record::begun(txn, id, B::KIND, &actor, &allowed)
        })))
    }

    /// Notes in the audit trail that the operation was started.
    pub(in crate::domain) async fn note(&self, txn: &Txn, id: Uuid) -> Result<(), Error> {
        let details = serde_json::json!({ "dryRun": self.dry_run });
        let event = Event::by(&self.permit.actor(), "bulk_operation.started", Kind::BulkOperation, id);
        Ok(audit_event::record(txn, &event.with(details)).await?)
    }

    /// What ids name, each once; or why so many cannot be done.
    pub(in crate::domain) fn targets(&self, ids: &[(String, Option<Uuid>)]) -> Result<Vec<Uuid>, Rejection> {
        if ids.is_empty() {
            return Err(Rejection::of(B::IDS, Code::EmptySelection, "No id was given."));
        }
        if ids.len() > MOST_IDS {
            let message = format!("At most {MOST_IDS} ids can be given at once; use a filter for more.");
            return Err(Rejection::of(B::IDS, Code::SelectionTooLarge, message));
        }
        self.expect(ids.len() as u64)?;
        let mut targets: Vec<Uuid> = ids.iter().filter_map(|(_, id)| *id).collect();
        targets.sort_unstable();
        targets.dedup();
        Ok(targets)
    }

    /// The set is fixed now; the work goes on in the background.
    pub(in crate::domain) async fn by_filter(
        &self,
        txn: &Txn,
        operation: bulk_operation::Model,
        filter: &B::Filter,
    ) -> Result<(), Error> {
        if *filter == B::Filter::default() {
            let message = "The filter has no condition, so it would select everything.";
            return Err(Rejection::of("selection.filter", Code::EmptySelection, message).into());
        }
        if !self.dry_run && self.expected_count.is_none() {
            let message = "A filter without `dryRun` needs `expectedCount`: the number that a dry run told.";
            return Err(Rejection::of("expectedCount", Code::InvalidInput, message).into());
        }
        let scope = self.permit.scope();
        let selected = B::select(txn, operation.id, scope, filter, MOST_SELECTED + 1).await?;
        if selected > MOST_SELECTED {
            let message = format!("The filter selects more than {MOST_SELECTED} objects; narrow it.");
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
                format!("{selected} objects are selected, not {expected}. Nothing was done."),
            )),
            _ => Ok(()),
        }
    }
}
