//! Direct assignment of many people at once, as a bulk operation that is done when the call is answered.

use std::collections::HashMap;

use entity::bulk_operation::{self, BulkOperationKind};
use uuid::Uuid;

use super::direct::{Direct, Terms};
use crate::domain::bulk_operation::record::{self, Item};
use crate::domain::bulk_operation::start::MOST_IDS;
use crate::domain::error::{Code, Error, Rejection};
use crate::domain::{Attempt, Command, confirm, repeated};
use crate::id::Kind;
use crate::store::Txn;
use crate::store::audit_event::{self, Event};
use crate::store::idempotency::Key;

/// Give a package to people.
pub struct CreateMany {
    /// What is assigned, and how.
    pub direct: Direct,
    /// Who gets it, each as it was given and as the id that it names.
    pub users: Vec<(String, Option<Uuid>)>,
    /// Only say what would happen.
    pub dry_run: bool,
    /// Makes the call repeatable.
    pub idempotency: Option<Key>,
}

impl Command for CreateMany {
    /// The bulk operation.
    type Output = Uuid;

    fn attempt(&self) -> Attempt {
        let package = self.direct.package.map(|id| (Kind::AccessPackage, id));
        Attempt::with(&self.direct.permit, package)
    }

    async fn run(&self, txn: &Txn) -> Result<Uuid, Error> {
        let allowed = confirm(txn, &self.direct.permit).await?;
        let (actor, id) = (self.direct.permit.actor(), txn.id());
        if let Some(first) = repeated(txn, &actor, "createAssignments", self.idempotency.as_ref(), id).await?
        {
            return Ok(first);
        }
        if self.users.is_empty() {
            return Err(Rejection::of("users", Code::EmptySelection, "Nobody was given.").into());
        }
        if self.users.len() > MOST_IDS {
            let message = format!("At most {MOST_IDS} people can be given at once.");
            return Err(Rejection::of("users", Code::SelectionTooLarge, message).into());
        }
        let mut people: Vec<Uuid> = self.users.iter().filter_map(|(_, user)| *user).collect();
        people.sort_unstable();
        people.dedup();
        let judged = self.direct.judge(txn, &allowed, &people).await?;
        let made: Vec<(Uuid, Uuid)> = if self.dry_run {
            Vec::new()
        } else {
            let accepted = people.iter().filter(|user| judged.verdicts.get(user) == Some(&Ok(())));
            accepted.map(|user| (txn.id(), *user)).collect()
        };
        self.make(txn, id, &judged.terms, &made).await?;
        let requests: HashMap<Uuid, Uuid> = made.iter().map(|(request, user)| (*user, *request)).collect();
        let items = self.users.iter().map(|(given, user)| {
            let verdict = user.and_then(|user| judged.verdicts.get(&user).copied());
            let known = user.filter(|_| verdict.is_some());
            Item {
                given,
                target: known.map(|user| requests.get(&user).copied().unwrap_or(user)),
                verdict: verdict.unwrap_or(Err(Code::NotFound)),
            }
        });
        let operation = bulk_operation::Model {
            dry_run: self.dry_run,
            ..record::begun(txn, id, BulkOperationKind::CreateAssignments, &actor, &allowed)
        };
        record::done(txn, operation, items.collect()).await?;
        let details = serde_json::json!({ "dryRun": self.dry_run });
        let event = Event::by(&actor, "bulk_operation.started", Kind::BulkOperation, id).with(details);
        audit_event::record(txn, &event).await?;
        Ok(id)
    }
}

impl CreateMany {
    /// Makes the requests, with one event for all of them.
    async fn make(
        &self,
        txn: &Txn,
        operation: Uuid,
        terms: &Terms,
        people: &[(Uuid, Uuid)],
    ) -> Result<(), Error> {
        if people.is_empty() {
            return Ok(());
        }
        self.direct.assign(txn, terms, people, Some(operation)).await?;
        let actor = self.direct.permit.actor();
        let requests: Vec<String> =
            people.iter().map(|(request, _)| Kind::AccessRequest.text(*request)).collect();
        let details = serde_json::json!({
            "accessPackage": self.direct.package.map(|id| Kind::AccessPackage.text(id)),
            "requests": requests,
            "bypassApproval": self.direct.bypass_approval,
        });
        let event =
            Event::by(&actor, "access_request.submitted", Kind::BulkOperation, operation).with(details);
        Ok(audit_event::record(txn, &event).await?)
    }
}
