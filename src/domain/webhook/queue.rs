//! Queue: what happened to token requests is written for the webhooks, in the transaction in which it happened.
//!
//! The statements do not grow with the requests; where nobody listens, there is one.

use std::collections::{BTreeMap, HashMap};

use entity::repository;
use entity::webhook_delivery::{self, WebhookAction, WebhookDeliveryState};
use uuid::Uuid;

use super::LIFE;
use super::event::{Facts, body};
use crate::domain::Error;
use crate::domain::token_request::Reach;
use crate::domain::token_request::told::{About, By, Happening};
use crate::store::token_request::Include;
use crate::store::{self, Access, Txn};

/// What webhooks are told of it; none for what GitHub tells nothing of either.
const fn action(happening: Happening) -> Option<WebhookAction> {
    match happening {
        Happening::Requested => Some(WebhookAction::Created),
        Happening::Approved(_) => Some(WebhookAction::Approved),
        Happening::Denied => Some(WebhookAction::Denied),
        Happening::Canceled(_) => Some(WebhookAction::Cancelled),
        Happening::Expired | Happening::Revoked | Happening::Suspended | Happening::Ended => None,
    }
}

/// Queues what happened to all of these, for every webhook of the organization that listens.
pub async fn queue(
    txn: &Txn,
    organization: Uuid,
    happening: Happening,
    by: &By<'_>,
    about: &[&About],
) -> Result<(), Error> {
    let Some(action) = action(happening) else { return Ok(()) };
    if about.is_empty() {
        return Ok(());
    }
    let listening = store::webhook::listening(txn, organization).await?;
    if listening.is_empty() {
        return Ok(());
    }
    let requests: Vec<Uuid> = about.iter().map(|one| one.request).collect();
    let bodies = bodies(txn, organization, action, by, &requests).await?;
    let mut rows = Vec::with_capacity(bodies.len() * listening.len());
    for (request, body) in &bodies {
        for webhook in &listening {
            rows.push(webhook_delivery::Model {
                id: txn.id(),
                organization_id: organization,
                webhook_id: *webhook,
                action,
                request_id: *request,
                body: body.clone(),
                state: WebhookDeliveryState::Pending,
                attempt_count: 0,
                attempt_in_round: 0,
                retry_until: txn.now() + LIFE,
                due_at: Some(txn.now()),
                lease: None,
                error_code: None,
                error_message: None,
                response_status: None,
                attempted_at: None,
                created_at: txn.now(),
                completed_at: None,
            });
        }
    }
    Ok(txn.insert_all(rows).await?)
}

/// What is told of each request.
async fn bodies(
    txn: &Txn,
    organization: Uuid,
    action: WebhookAction,
    by: &By<'_>,
    requests: &[Uuid],
) -> Result<Vec<(Uuid, String)>, Error> {
    let access = Access::Named(organization);
    let Some(settings) = store::organization::get(txn, organization).await? else { return Ok(Vec::new()) };
    let sender = match by.actor {
        Some(actor) => store::user::find(txn, access, &[actor]).await?.pop(),
        None => None,
    };
    let rows = store::token_request::find(txn, access, requests, Include::ALL).await?;
    let selections = rows.iter().map(|row| (row.request.id, row.request.repository_selection));
    // Of what was granted before only the permissions matter.
    let bases = rows.iter().filter_map(|row| Some((row.request.base_id?, row.request.repository_selection)));
    let wanted: Vec<_> = bases.chain(selections).collect::<BTreeMap<_, _>>().into_iter().collect();
    let reaches: HashMap<Uuid, Reach> = Reach::of(txn, &wanted).await?.into_iter().collect();
    let named = rows.iter().filter_map(|row| reaches.get(&row.request.id));
    let named: Vec<Uuid> = named.flat_map(|reach| reach.repositories.iter().copied()).collect();
    let repositories = store::repository::find(txn, access, &named).await?;
    let repositories: HashMap<Uuid, repository::Model> =
        repositories.into_iter().map(|row| (row.id, row)).collect();
    let mut bodies = Vec::with_capacity(rows.len());
    for row in &rows {
        let (Some(token), Some(owner), Some(reach)) = (&row.token, &row.owner, reaches.get(&row.request.id))
        else {
            continue;
        };
        let base = row.request.base_id.and_then(|base| reaches.get(&base));
        let mut named: Vec<&repository::Model> = reach
            .repositories
            .iter()
            .filter_map(|id| repositories.get(id))
            .filter(|repository| repository.deleted_at.is_none())
            .collect();
        named.sort_by(|one, other| one.name_key.cmp(&other.name_key));
        let facts = Facts {
            action,
            at: txn.now(),
            organization: &settings,
            sender: sender.as_ref(),
            request: &row.request,
            token,
            owner,
            reach,
            base,
            repositories: &named,
        };
        bodies.push((row.request.id, body(&facts).to_string()));
    }
    Ok(bodies)
}
