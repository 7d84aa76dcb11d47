//! Submit decisions: what waits in an inbox is decided, one or many, of both kinds, each its own way.

use std::collections::HashMap;

use entity::bulk_operation::{self, BulkOperationKind, ReviewDecision};
use uuid::Uuid;

use crate::authz::Scope;
use crate::authz::permission::action;
use crate::domain::approval::review::{self as approvals, About};
use crate::domain::bulk_operation::record;
use crate::domain::bulk_operation::start::Begun;
use crate::domain::bulk_operation::{Bulk, Decision, Decisions, Selection, Start, Verdicts};
use crate::domain::error::{Code, Error, Rejection};
use crate::domain::token_request::review as token_requests;
use crate::domain::{Attempt, Command, input};
use crate::store::inbox::{Filter, InboxKind, select_for};
use crate::store::{self, Access, StoreError, Txn};

/// Decide what waits in an inbox, as a bulk operation.
pub struct Decide;

impl Bulk for Decide {
    type Action = action::SubmitDecisions;
    type Filter = Filter;

    const KIND: BulkOperationKind = BulkOperationKind::SubmitDecisions;
    const MUTATION: &'static str = "submitDecisions";
    const REASON: &'static str = "justification";
    const IDS: &'static str = "selection.items";

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
        let decisions = Decision::of(operation)?.about_all(targets);
        let mut verdicts = decide_approvals(txn, operation, access, &decisions).await?;
        let others: Decisions<'_> =
            decisions.into_iter().filter(|(id, _)| !verdicts.contains_key(id)).collect();
        verdicts.extend(decide_token_requests(txn, operation, access, &others).await?);
        Ok(verdicts)
    }
}

/// Decides stages of approval, by their ids.
async fn decide_approvals(
    txn: &Txn,
    operation: &bulk_operation::Model,
    access: Access<'_>,
    decisions: &Decisions<'_>,
) -> Result<Verdicts, Error> {
    if decisions.is_empty() {
        return Ok(Verdicts::new());
    }
    let ids: Vec<Uuid> = decisions.keys().copied().collect();
    let stages = store::approval::find(txn, access, &ids).await?;
    let about = |stage: &entity::approval::Model| {
        let decision = *decisions.get(&stage.id)?;
        Some(About { id: stage.id, request: stage.request_id, stage: Some(stage.id), decision })
    };
    approvals::decide_each(txn, operation, &stages.iter().filter_map(about).collect::<Vec<_>>()).await
}

/// Decides token requests, by their ids.
async fn decide_token_requests(
    txn: &Txn,
    operation: &bulk_operation::Model,
    access: Access<'_>,
    decisions: &Decisions<'_>,
) -> Result<Verdicts, Error> {
    if decisions.is_empty() {
        return Ok(Verdicts::new());
    }
    let allowed = match access {
        Access::Visible(scope) => scope.decides_tokens,
        // Selected by a filter: without the right nothing of it was.
        Access::Named(_) => true,
    };
    token_requests::decide_each(txn, operation, access, allowed, decisions).await
}

/// One thing to decide, as it was given.
#[derive(Clone, Debug)]
pub struct Item {
    /// The id as it was given.
    pub given: String,
    /// What it names; none where it was garbage, or names something that is never decided here.
    pub target: Option<(InboxKind, Uuid)>,
    /// Its own decision; none: the one for all.
    pub decision: Option<ReviewDecision>,
    /// Its own justification.
    pub justification: Option<String>,
}

/// Submit decisions.
pub struct Submit {
    /// The operation, with the decision for all that say no other.
    pub start: Start<Decide>,
    /// What its selection names, where it is no filter.
    pub items: Vec<Item>,
}

impl Command for Submit {
    /// The bulk operation.
    type Output = Uuid;

    fn attempt(&self) -> Attempt {
        self.start.attempt()
    }

    async fn run(&self, txn: &Txn) -> Result<Uuid, Error> {
        let operation = match self.start.begin(txn).await? {
            Begun::Before(first) => return Ok(first),
            Begun::Now(operation) => *operation,
        };
        let id = operation.id;
        match &self.start.selection {
            Selection::Ids(ids) => {
                self.start.targets(ids)?;
                self.decide_items(txn, operation).await?;
            }
            Selection::Filter(filter) => {
                if self.start.decision.is_none() {
                    return Err(undecided("decision").into());
                }
                self.start.by_filter(txn, operation, filter).await?;
            }
        }
        self.start.note(txn, id).await?;
        Ok(id)
    }
}

impl Submit {
    async fn decide_items(&self, txn: &Txn, operation: bulk_operation::Model) -> Result<(), Error> {
        let (stages, tokens) = self.verdicts(txn, &operation).await?;
        let items = self.items.iter().map(|item| {
            let verdict = item.target.and_then(|(kind, id)| match kind {
                InboxKind::AccessRequest => stages.get(&id).copied(),
                InboxKind::TokenRequest => tokens.get(&id).copied(),
            });
            record::Item::of(&item.given, item.target.map(|(_, id)| id), verdict)
        });
        Ok(record::done(txn, operation, items.collect()).await?)
    }

    /// Judges the items and does what is accepted: the verdicts on stages of approval, and on token requests.
    async fn verdicts(
        &self,
        txn: &Txn,
        operation: &bulk_operation::Model,
    ) -> Result<(Verdicts, Verdicts), Error> {
        let own = self.own_words()?;
        let mut decisions: HashMap<InboxKind, Decisions<'_>> = HashMap::new();
        for (place, (item, own)) in self.items.iter().zip(&own).enumerate() {
            let decision = self.decision(place, item, own.as_deref(), operation.reason.as_deref())?;
            let Some((kind, id)) = item.target else { continue };
            let before = decisions.entry(kind).or_default().insert(id, decision);
            if before.is_some_and(|before| before != decision) {
                let message = "This id is given twice with different decisions: nothing was done.";
                return Err(Rejection::of(&at(place, "id"), Code::InvalidInput, message).into());
            }
        }
        let access = Access::Visible(self.start.permit.scope());
        let mut of = |kind: InboxKind| decisions.remove(&kind).unwrap_or_default();
        let (stages, tokens) = (of(InboxKind::AccessRequest), of(InboxKind::TokenRequest));
        let stages = decide_approvals(txn, operation, access, &stages).await?;
        Ok((stages, decide_token_requests(txn, operation, access, &tokens).await?))
    }

    /// What the items say of their own, none where they say nothing.
    fn own_words(&self) -> Result<Vec<Option<String>>, Rejection> {
        let words = self.items.iter().enumerate().map(|(place, item)| {
            let text = item.justification.as_deref();
            let text = text.map(|text| input::reason(&at(place, "justification"), text)).transpose()?;
            Ok(text.filter(|text| !text.is_empty()))
        });
        words.collect()
    }

    /// What is decided about an item. Who decides otherwise about one says why of it alone: the justification for
    /// all goes with the decision for all.
    fn decision<'a>(
        &self,
        place: usize,
        item: &Item,
        own: Option<&'a str>,
        general: Option<&'a str>,
    ) -> Result<Decision<'a>, Rejection> {
        match (item.decision, self.start.decision) {
            (Some(decision), _) => Ok(Decision { decision, reason: own }),
            (None, Some(decision)) => Ok(Decision { decision, reason: own.or(general) }),
            (None, None) => Err(undecided(&at(place, "decision"))),
        }
    }
}

fn at(place: usize, field: &str) -> String {
    format!("{}.{place}.{field}", Decide::IDS)
}

fn undecided(field: &str) -> Rejection {
    let message = "Say which way: `decision` of the whole, or of each item.";
    Rejection::of(field, Code::InvalidInput, message)
}
