//! One batch of a reprocess: lock, judge, write.

use std::collections::HashMap;

use chrono::TimeDelta;
use entity::access_request::AccessRequestState as State;
use entity::access_request_event::AccessRequestAction as Action;
use entity::bulk_operation::{self, BulkOperationKind};
use uuid::Uuid;

use super::{Facts, Verdict, judge};
use crate::authz::permission::action;
use crate::authz::{Catalogs, Scope};
use crate::domain::assignment::catch_up;
use crate::domain::bulk_operation::{Bulk, Verdicts, record};
use crate::domain::delivery::outcome;
use crate::domain::error::Error;
use crate::id::Kind;
use crate::store::access_request::{Filter, Move, Moved, advance, select_for};
use crate::store::audit_event::{self, Event};
use crate::store::{self, Access, StoreError, Txn};

/// Reprocess requests, as a bulk operation.
pub struct Reprocess;

impl Bulk for Reprocess {
    type Action = action::Reprocess;
    type Filter = Filter;

    const KIND: BulkOperationKind = BulkOperationKind::ReprocessAccessRequests;
    const MUTATION: &'static str = "reprocessAccessRequests";

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
        Batch { access, allowed: &allowed, operation }.run(txn, targets).await
    }
}

/// One batch of a reprocess: what it may do, and for whom.
struct Batch<'a> {
    /// Which requests can be found.
    access: Access<'a>,
    /// Where the starter may act.
    allowed: &'a Catalogs,
    /// The operation; the window is judged at its start.
    operation: &'a bulk_operation::Model,
}

impl Batch<'_> {
    /// Judges requests and does what is accepted: sets, not loops. Requests that are not found
    /// have no verdict.
    async fn run(&self, txn: &Txn, targets: &[Uuid]) -> Result<Verdicts, Error> {
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
                incompatible: row.incompatible,
            };
            let moved = Moved { id: row.request.id, from: row.request.state };
            let verdict = match judge(&facts, self.operation.started_at) {
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
        store::delivery::requeue(txn, &ids).await?;
        catch_up(txn, &ids).await?;
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
            actor: Some(self.operation.started_by_id),
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
            actor: Some(self.operation.started_by_id),
            action: "access_request.reprocessed",
            target: Some((Kind::BulkOperation, self.operation.id)),
            call: None,
            details: Some(serde_json::json!({ "reprocessed": texts(again), "retriedNow": texts(hurried) })),
        };
        Ok(audit_event::record(txn, &event).await?)
    }
}
