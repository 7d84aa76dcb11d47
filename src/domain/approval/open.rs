//! The turn of a stage comes: who may decide it is found, and fixed.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use entity::access_request;
use entity::approval::{self, ApprovalState};
use uuid::Uuid;

use super::approvers::{self, Wanted};
use super::{Pinned, Stage};
use crate::domain::Error;
use crate::domain::notification::approval::waits;
use crate::id::Kind;
use crate::store::approval::{Leaving, until};
use crate::store::audit_event::{self, Event};
use crate::store::{self, StoreError, Txn};

/// A request whose stage at this position is opened.
#[derive(Clone, Copy, Debug)]
pub struct Opening<'a> {
    /// The request.
    pub request: &'a access_request::Model,
    /// The position of the stage.
    pub position: usize,
}

/// Opens stages, of requests of one organization: a fixed number of statements, however many there are.
pub async fn open(txn: &Txn, openings: &[Opening<'_>]) -> Result<(), Error> {
    let Some(first) = openings.first() else { return Ok(()) };
    let mut stages = Vec::with_capacity(openings.len());
    let mut wanted = Vec::with_capacity(openings.len());
    for opening in openings {
        let pinned = Pinned::of(opening.request)?;
        let end = pinned.end(opening.request);
        let stage = pinned.stage(opening.position)?;
        let row = opened(txn, opening, &stage, end);
        wanted.push(Wanted::first(row.id, opening.request.into(), &stage));
        stages.push(row);
    }
    let approvers = approvers::find(txn, first.request.organization_id, &wanted, txn.now()).await?;
    txn.insert_all(stages.clone()).await?;
    store::approval::add_approvers(txn, &approvers).await?;
    Ok(waits(txn, &stages, &approvers).await?)
}

/// The row of a stage that is opened now. Nobody can decide it after the end that the request asks for.
fn opened(txn: &Txn, opening: &Opening<'_>, stage: &Stage, end: Option<DateTime<Utc>>) -> approval::Model {
    let expires_at = until(txn.now(), stage.timeout_seconds);
    let expires_at = end.map_or(expires_at, |end| end.min(expires_at));
    let alternates_at = stage.alternates_after_seconds.map(|after| until(txn.now(), after));
    approval::Model {
        id: txn.id(),
        organization_id: opening.request.organization_id,
        request_id: opening.request.id,
        position: i32::try_from(opening.position).unwrap_or(i32::MAX),
        state: ApprovalState::Pending,
        justification_required: stage.justification_required,
        opened_at: txn.now(),
        expires_at,
        due_at: Some(alternates_at.unwrap_or(expires_at).min(expires_at)),
        closed_at: None,
        decided_by_id: None,
        justification: None,
        alternates_at,
        approvers_visible: stage.approvers_visible,
    }
}

/// Nobody decided for a while: the alternates of these stages may decide, too, from now on.
pub async fn forward(
    txn: &Txn,
    organization: Uuid,
    due: &[(&approval::Model, &access_request::Model)],
) -> Result<(), Error> {
    if due.is_empty() {
        return Ok(());
    }
    let mut wanted = Vec::with_capacity(due.len());
    for (row, request) in due {
        let stage = Pinned::of(request)?.stage(usize::try_from(row.position).unwrap_or_default())?;
        wanted.push(Wanted::alternates(row.id, (*request).into(), &stage));
    }
    let ids: Vec<Uuid> = due.iter().map(|(row, _)| row.id).collect();
    let present: HashSet<(Uuid, Uuid)> = store::approval::who_may(txn, &ids).await?;
    let mut joining = approvers::find(txn, organization, &wanted, txn.now()).await?;
    joining.retain(|row| !present.contains(&(row.approval_id, row.user_id)));
    store::approval::forwarded(txn, &ids).await?;
    let event = |(_, request): &(&approval::Model, &access_request::Model)| {
        Event::by_itself(organization, "access_request.forwarded", Kind::AccessRequest, request.id)
    };
    audit_event::record_all(txn, &due.iter().map(event).collect::<Vec<_>>()).await?;
    store::approval::add_approvers(txn, &joining).await?;
    let stages: Vec<approval::Model> = due.iter().map(|(row, _)| (*row).clone()).collect();
    Ok(waits(txn, &stages, &joining).await?)
}

/// Somebody may not decide any more what waits for them; where nobody is left others take their place.
pub async fn leave(txn: &Txn, organization: Uuid, user: Uuid, why: Leaving) -> Result<(), Error> {
    let left = store::approval::leave(txn, user, why).await?;
    let ids: Vec<Uuid> = left.iter().map(|(_, request)| *request).collect();
    if ids.is_empty() {
        return Ok(());
    }
    let requests = store::access_request::lock(txn, &ids).await?;
    let requests: HashMap<Uuid, &access_request::Model> =
        requests.iter().map(|request| (request.id, request)).collect();
    let stages = store::approval::of_requests(txn, &ids).await?;
    let mut wanted = Vec::with_capacity(left.len());
    for row in stages.iter().filter(|row| left.contains(&(row.id, row.request_id))) {
        let request = requests.get(&row.request_id);
        let request = request.ok_or_else(|| StoreError::Other("a stage without its request".to_owned()))?;
        let stage = Pinned::of(request)?.stage(usize::try_from(row.position).unwrap_or_default())?;
        wanted.push(Wanted::instead(row.id, (*request).into(), &stage));
    }
    let approvers = approvers::find(txn, organization, &wanted, txn.now()).await?;
    store::approval::add_approvers(txn, &approvers).await?;
    Ok(waits(txn, &stages, &approvers).await?)
}
