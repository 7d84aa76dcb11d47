//! What nobody decided in time is denied: before its stage was over, or before the end that it asks for. Before that
//! its alternates may be asked.

use std::collections::{BTreeMap, HashMap};

use entity::access_request::{self, AccessRequestState as State};
use entity::access_request_event::AccessRequestAction as Action;
use entity::approval::{self, ApprovalState};
use uuid::Uuid;

use super::end_passed;
use super::open::forward;
use crate::domain::Error;
use crate::domain::access_request::Step;
use crate::domain::assignment::begin::legal;
use crate::domain::notification::approval::{Decided, decided};
use crate::id::Kind;
use crate::store::access_request::{Move, Moved, advance};
use crate::store::audit_event::{self, Event};
use crate::store::{self, Txn};

/// What was over before anybody decided.
#[derive(Clone, Copy, Debug)]
enum Over {
    /// The time of the stage.
    Stage,
    /// The end that the request asks for, or of the assignment that it is to keep.
    End,
}

impl Over {
    /// The reason that history and the audit trail show.
    const fn reason(self) -> &'static str {
        match self {
            Self::Stage => "TIMED_OUT",
            Self::End => "END_PASSED",
        }
    }

    /// What the requestor is told.
    const fn decided(self) -> Decided {
        match self {
            Self::Stage => Decided::TimedOut,
            Self::End => Decided::EndPassed,
        }
    }
}

/// A stage whose time has come, and its request.
type Due = (approval::Model, access_request::Model);

/// Looks at the stages whose time has come, so many at most; tells how many there were.
pub async fn run(txn: &Txn, most: u64) -> Result<usize, Error> {
    let due = store::approval::lock_due(txn, most).await?;
    let (over, forwarded): (Vec<&Due>, Vec<&Due>) =
        due.iter().partition(|(stage, _)| stage.expires_at <= txn.now());
    let (ended, over): (Vec<&Due>, Vec<&Due>) =
        over.into_iter().partition(|(stage, request)| end_passed(request, stage));
    deny(txn, &over, Over::Stage).await?;
    deny(txn, &ended, Over::End).await?;
    let mut organizations: BTreeMap<Uuid, Vec<_>> = BTreeMap::new();
    for (stage, request) in forwarded {
        organizations.entry(stage.organization_id).or_default().push((stage, request));
    }
    for (organization, stages) in organizations {
        forward(txn, organization, &stages).await?;
    }
    Ok(due.len())
}

/// Denies extensions that nobody decided before the assignments that they are about ended. The requests are locked.
pub async fn deny_extensions(txn: &Txn, requests: &[access_request::Model]) -> Result<(), Error> {
    let waiting = requests.iter().filter(|request| request.state == State::PendingApproval);
    let mut waiting: HashMap<Uuid, &access_request::Model> =
        waiting.map(|request| (request.id, request)).collect();
    if waiting.is_empty() {
        return Ok(());
    }
    let ids: Vec<Uuid> = waiting.keys().copied().collect();
    let stages = store::approval::of_requests(txn, &ids).await?;
    let stages = stages.into_iter().filter(|stage| stage.state == ApprovalState::Pending);
    let over: Vec<Due> = stages
        .filter_map(|stage| waiting.remove(&stage.request_id).map(|request| (stage, request.clone())))
        .collect();
    deny(txn, &over.iter().collect::<Vec<_>>(), Over::End).await
}

/// Denies requests that nobody decided in time; their history and the audit trail show why.
async fn deny(txn: &Txn, over: &[&Due], why: Over) -> Result<(), Error> {
    if over.is_empty() {
        return Ok(());
    }
    let stages: Vec<Uuid> = over.iter().map(|(stage, _)| stage.id).collect();
    store::approval::close(txn, &stages, ApprovalState::TimedOut, None, None).await?;
    let waiting = over.iter().filter(|(_, request)| request.state == State::PendingApproval);
    let moved: Vec<Moved> =
        waiting.map(|(_, request)| Moved { id: request.id, from: request.state }).collect();
    let step = Move {
        to: legal(State::PendingApproval, Step::Deny)?,
        action: Action::TimedOut,
        actor: None,
        reason: Some(why.reason()),
        bulk_operation: None,
    };
    let denied = advance(txn, &moved, step).await?;
    decided(txn, &denied, why.decided(), None).await?;
    let event = |(_, request): &&Due| Event {
        organization: request.organization_id,
        actor: None,
        action: "access_request.timed_out",
        target: Some((Kind::AccessRequest, request.id)),
        call: None,
        details: Some(serde_json::json!({ "because": why.reason() })),
    };
    audit_event::record_all(txn, &over.iter().map(event).collect::<Vec<_>>()).await?;
    Ok(())
}
