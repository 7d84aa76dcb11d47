//! Declare removals done that never will be: the remote is gone for good, or somebody took the access by hand.

use std::collections::{HashMap, HashSet};

use entity::assignment::AssignmentState;
use entity::delivery::{DeliveryOperation, DeliveryState, Model};
use uuid::Uuid;

use super::outcome::complete;
use crate::authz::Permit;
use crate::authz::permission::action::EditConnector;
use crate::domain::{Attempt, Code, Command, Error, Rejection, confirm_everywhere, input};
use crate::id::Kind;
use crate::store::audit_event::{self, Event};
use crate::store::{self, Txn};

/// The most deliveries of one call.
const MOST: usize = 1_000;

/// Declares removals done.
pub struct ResolveManually {
    /// The permit.
    pub permit: Permit<EditConnector>,
    /// The deliveries; `None` for ids that were garbage.
    pub deliveries: Vec<Option<Uuid>>,
    /// Why; kept in the audit trail.
    pub reason: String,
}

impl Command for ResolveManually {
    /// What became of each delivery, in the order given.
    type Output = Vec<Result<Uuid, Rejection>>;

    fn attempt(&self) -> Attempt {
        Attempt::with(&self.permit, None)
    }

    async fn run(&self, txn: &Txn) -> Result<Self::Output, Error> {
        confirm_everywhere(txn, &self.permit).await?;
        let reason = self.checked()?;
        let organization = self.permit.actor().organization;
        let mut ids: Vec<Uuid> = self.deliveries.iter().flatten().copied().collect();
        ids.sort_unstable();
        ids.dedup();
        // Requests and grants are locked before deliveries, as everywhere.
        let named = store::delivery::of_organization(txn, organization, &ids, false).await?;
        store::access_request::lock(txn, &distinct(named.iter().map(|row| row.request_id))).await?;
        let grants = distinct(named.iter().filter_map(|row| row.grant_id));
        let unwanted = store::entitlement_grant::lock_unwanted(txn, &grants).await?;
        let unwanted: HashSet<Uuid> = unwanted.into_iter().map(|grant| grant.id).collect();
        let locked = store::delivery::of_organization(txn, organization, &ids, true).await?;
        let locked: HashMap<Uuid, Model> = locked.into_iter().map(|row| (row.id, row)).collect();
        let judge = |id: &Option<Uuid>| {
            let delivery = id.and_then(|id| locked.get(&id)).ok_or_else(not_found)?;
            judge(delivery).map(|()| delivery.id)
        };
        let outcomes: Vec<Result<Uuid, Rejection>> = self.deliveries.iter().map(judge).collect();
        let done = distinct(outcomes.iter().filter_map(|outcome| outcome.as_ref().ok()).copied());
        let done: Vec<&Model> = done.iter().filter_map(|id| locked.get(id)).collect();
        if !done.is_empty() {
            self.write(txn, &done, &unwanted, &reason).await?;
        }
        Ok(outcomes)
    }
}

impl ResolveManually {
    /// Returns the reason, if the input is good.
    fn checked(&self) -> Result<String, Error> {
        let reason = input::reason("reason", &self.reason)?;
        if reason.is_empty() {
            let message = "Say in `reason` why nothing is left to take.";
            return Err(Rejection::of("reason", Code::InvalidInput, message).into());
        }
        match self.deliveries.len() {
            0 => Err(Rejection::of("deliveries", Code::EmptySelection, "`deliveries` is empty.").into()),
            1..=MOST => Ok(reason),
            _ => {
                let message = "`deliveries` must hold at most 1,000 ids. Send the rest in further calls.";
                Err(Rejection::of("deliveries", Code::SelectionTooLarge, message).into())
            }
        }
    }

    /// Ends the deliveries, and what waited for them. A grant that somebody wants again is left as it is.
    async fn write(
        &self,
        txn: &Txn,
        done: &[&Model],
        unwanted: &HashSet<Uuid>,
        reason: &str,
    ) -> Result<(), Error> {
        let ids: Vec<Uuid> = done.iter().map(|row| row.id).collect();
        store::delivery::resolve_manually(txn, &ids).await?;
        let grants = done.iter().filter_map(|row| row.grant_id).filter(|id| unwanted.contains(id));
        store::entitlement_grant::close(txn, &distinct(grants)).await?;
        let actor = self.permit.actor();
        let event = |row: &&Model| {
            let details = serde_json::json!({
                "request": Kind::AccessRequest.text(row.request_id),
                "user": Kind::User.text(row.user_id),
                "reason": reason,
            });
            Event::by(&actor, "delivery.resolved_manually", Kind::Delivery, row.id).with(details)
        };
        audit_event::record_all(txn, &done.iter().map(event).collect::<Vec<_>>()).await?;
        complete(txn, &distinct(done.iter().map(|row| row.request_id))).await?;
        let assignments = distinct(done.iter().map(|row| row.assignment_id));
        let over = store::assignment::taken_back(txn, &assignments).await?;
        if !over.is_empty() {
            store::assignment::set_state(txn, &over, AssignmentState::Ended, true).await?;
        }
        Ok(())
    }
}

fn distinct(ids: impl Iterator<Item = Uuid>) -> Vec<Uuid> {
    let mut ids: Vec<Uuid> = ids.collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}

fn not_found() -> Rejection {
    Rejection::of("deliveries", Code::NotFound, "There is no such delivery, or you may not see it.")
}

/// Whether a delivery may be declared done: a removal that waits for its next try.
fn judge(delivery: &Model) -> Result<(), Rejection> {
    let refuse = |code, message: &str| Err(Rejection::of("deliveries", code, message));
    match (delivery.operation, delivery.state) {
        (DeliveryOperation::Add | DeliveryOperation::Repair | DeliveryOperation::Compare, _) => {
            refuse(Code::InvalidInput, "Only removals can be declared done.")
        }
        (DeliveryOperation::Remove, DeliveryState::Pending) => Ok(()),
        (DeliveryOperation::Remove, DeliveryState::InProgress) => {
            refuse(Code::AlreadyInProgress, "The removal is being tried right now. Try again in a minute.")
        }
        (
            DeliveryOperation::Remove,
            DeliveryState::Succeeded | DeliveryState::Failed | DeliveryState::Canceled,
        ) => refuse(Code::NotActive, "The removal is over."),
    }
}
