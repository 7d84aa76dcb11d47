//! Scheduled assignments whose start has come: delivered, or withdrawn if something excludes them by now or their end
//! has come, too.
//!
//! Everything of a person that starts now is judged together, in the order in which it was asked for, whatever order
//! the worker finds it in: of two packages that exclude each other the one that was asked for first starts.

use entity::access_request;
use entity::access_request_event::AccessRequestAction as Action;
use entity::assignment::{self, AssignmentState};
use uuid::Uuid;

use super::begin::{deliver, legal};
use super::line::{InLine, excluded};
use crate::domain::Error;
use crate::domain::access_request::Step;
use crate::domain::notification::approval::{Withdrawal, withdrawn};
use crate::id::Kind;
use crate::store::access_request::{Move, Moved, advance};
use crate::store::audit_event::{self, Event};
use crate::store::incompatible::beside;
use crate::store::{self, Txn};

/// The reason that history shows if something excludes the package by now.
const INCOMPATIBLE: &str = "INCOMPATIBLE_PACKAGE";
/// The reason that history shows if the end came before the start was carried out: no server ran.
const END_PASSED: &str = "END_PASSED";

/// An assignment that starts now, and the request that made it, as read under their locks.
#[derive(Clone, Debug)]
pub struct Starting {
    /// The request.
    pub request: access_request::Model,
    /// The assignment.
    pub assignment: assignment::Model,
}

impl Starting {
    fn moved(&self) -> Moved {
        Moved { id: self.request.id, from: self.request.state }
    }
}

/// Starts assignments whose time has come; with each of them everything of the same person that starts now.
pub async fn start(txn: &Txn, starting: &[Starting]) -> Result<(), Error> {
    let is_over = |one: &&Starting| one.assignment.expires_at.is_some_and(|end| end <= txn.now());
    let (over, starting): (Vec<&Starting>, Vec<&Starting>) = starting.iter().partition(is_over);
    withdraw(txn, &over, END_PASSED, |_| Withdrawal::EndPassed).await?;
    if starting.is_empty() {
        return Ok(());
    }
    let line: Vec<InLine> = starting.iter().map(|one| InLine::of(&one.request, true)).collect();
    let pairs: Vec<(Uuid, Uuid)> = line.iter().map(InLine::pair).collect();
    let beside = beside(txn, &pairs, &[]).await?;
    let excluded = excluded(&line, &beside);
    let (refused, starting): (Vec<&Starting>, Vec<&Starting>) =
        starting.into_iter().partition(|one| excluded.contains_key(&one.request.id));
    let against = |one: &Starting| {
        let against = excluded.get(&one.request.id).into_iter().flatten();
        Withdrawal::Incompatible(against.map(|beside| beside.package_name.as_str()).collect())
    };
    withdraw(txn, &refused, INCOMPATIBLE, against).await?;
    if starting.is_empty() {
        return Ok(());
    }
    let event = |one: &&Starting| {
        let row = &one.assignment;
        Event::by_itself(row.organization_id, "assignment.started", Kind::Assignment, row.id)
    };
    audit_event::record_all(txn, &starting.iter().map(event).collect::<Vec<_>>()).await?;
    let starting: Vec<(Moved, assignment::Model)> =
        starting.into_iter().map(|one| (one.moved(), one.assignment.clone())).collect();
    deliver(txn, &starting, None).await
}

/// Withdraws the requests of assignments that cannot start, and tells the requestors why.
async fn withdraw<'a>(
    txn: &Txn,
    refused: &[&Starting],
    reason: &'static str,
    why: impl Fn(&Starting) -> Withdrawal<'a>,
) -> Result<(), Error> {
    if refused.is_empty() {
        return Ok(());
    }
    let moved: Vec<Moved> = refused.iter().map(|one| one.moved()).collect();
    let step = Move {
        to: legal(access_request::AccessRequestState::Scheduled, Step::Cancel)?,
        action: Action::Canceled,
        actor: None,
        reason: Some(reason),
        bulk_operation: None,
    };
    advance(txn, &moved, step).await?;
    let event = |one: &&Starting| {
        let row = &one.request;
        Event::by_itself(row.organization_id, "access_request.canceled", Kind::AccessRequest, row.id)
            .with(serde_json::json!({ "because": reason }))
    };
    audit_event::record_all(txn, &refused.iter().map(event).collect::<Vec<_>>()).await?;
    let ids: Vec<Uuid> = refused.iter().map(|one| one.assignment.id).collect();
    store::assignment::set_state(txn, &ids, AssignmentState::Ended, true).await?;
    let told = refused.iter().map(|one| (one.request.id, why(one)));
    Ok(withdrawn(txn, &told.collect::<Vec<_>>()).await?)
}
