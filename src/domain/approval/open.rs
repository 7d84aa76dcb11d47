//! The turn of a stage comes: who may decide it is found, and fixed.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use entity::access_request;
use entity::approval::{self, ApprovalState};
use entity::approval_approver::{self, ApproverGround};
use entity::catalog_role_assignment::CatalogRole;
use uuid::Uuid;

use super::{Meant, Pinned, Stage};
use crate::authz::Role;
use crate::domain::Error;
use crate::domain::notification::approval::waits;
use crate::store::approval::{Leaving, approver};
use crate::store::{self, StoreError, Txn};

/// Who decides where nobody whom the policy means is left, in this order.
const FALLBACK: [Role; 3] =
    [Role::CatalogOwner, Role::IdentityGovernanceAdministrator, Role::GlobalAdministrator];

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
    for opening in openings {
        let pinned = Pinned::of(opening.request)?;
        let stage = pinned.approval_stages.into_iter().nth(opening.position);
        stages.push(stage.ok_or_else(|| StoreError::Other("a request has no such stage".to_owned()))?);
    }
    let opened: Vec<(approval::Model, &access_request::Model, Stage)> = openings
        .iter()
        .zip(stages)
        .map(|(opening, stage)| {
            let expires_at = store::approval::until(txn.now(), stage.timeout_seconds);
            let row = approval::Model {
                id: txn.id(),
                organization_id: opening.request.organization_id,
                request_id: opening.request.id,
                position: i32::try_from(opening.position).unwrap_or(i32::MAX),
                state: ApprovalState::Pending,
                justification_required: stage.justification_required,
                opened_at: txn.now(),
                expires_at,
                due_at: Some(expires_at),
                closed_at: None,
                decided_by_id: None,
                justification: None,
            };
            (row, opening.request, stage)
        })
        .collect();
    let wanted: Vec<Wanted<'_>> = opened
        .iter()
        .map(|(row, request, stage)| Wanted { approval: row.id, request, meant: stage.meant() })
        .collect();
    let approvers = approvers(txn, first.request.organization_id, &wanted).await?;
    let stages: Vec<approval::Model> = opened.into_iter().map(|(row, ..)| row).collect();
    txn.insert_all(stages.clone()).await?;
    store::approval::add_approvers(txn, &approvers).await?;
    Ok(waits(txn, &stages, &approvers).await?)
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
    let wanted = left.iter().filter_map(|(approval, request)| {
        Some(Wanted { approval: *approval, request: *requests.get(request)?, meant: Vec::new() })
    });
    let approvers = approvers(txn, organization, &wanted.collect::<Vec<_>>()).await?;
    store::approval::add_approvers(txn, &approvers).await?;
    let stages = store::approval::of_requests(txn, &ids).await?;
    Ok(waits(txn, &stages, &approvers).await?)
}

/// A stage whose approvers are to be found.
struct Wanted<'a> {
    approval: Uuid,
    request: &'a access_request::Model,
    meant: Vec<Meant>,
}

/// Who holds roles: in a catalog, or in all of them.
type Holders = BTreeMap<(Role, Option<Uuid>), BTreeSet<Uuid>>;

/// The approvers of stages.
async fn approvers(
    txn: &Txn,
    organization: Uuid,
    wanted: &[Wanted<'_>],
) -> Result<Vec<approval_approver::Model>, StoreError> {
    let requests: Vec<Uuid> = wanted.iter().map(|wanted| wanted.request.id).collect();
    let decided = store::approval::deciders(txn, &requests).await?;
    let may = |wanted: &Wanted<'_>, user: Uuid| {
        let request = wanted.request;
        user != request.requestor_id
            && Some(user) != request.submitted_by_id
            && !decided.contains(&(request.id, user))
    };
    let meant = || wanted.iter().flat_map(|wanted| wanted.meant.iter().map(move |meant| (wanted, *meant)));
    let managers = if meant().any(|(_, meant)| meant == Meant::Manager) {
        let requestors: Vec<Uuid> = wanted.iter().map(|wanted| wanted.request.requestor_id).collect();
        store::approval::managers(txn, &requestors).await?
    } else {
        HashMap::new()
    };
    let person = |wanted: &Wanted<'_>, meant: Meant| match meant {
        Meant::User(user) => Some(user),
        Meant::Manager => managers.get(&wanted.request.requestor_id).copied(),
        Meant::Holders(_) => None,
    };
    let people: HashSet<Uuid> = meant().filter_map(|(wanted, meant)| person(wanted, meant)).collect();
    let people: Vec<Uuid> = people.into_iter().collect();
    let active = store::approval::active(txn, organization, &people).await?;
    let roles = meant().filter_map(|(_, meant)| match meant {
        Meant::Holders(role) => Some(Role::from(role)),
        Meant::User(_) | Meant::Manager => None,
    });
    let holders = holders(txn, organization, wanted, roles.collect()).await?;
    let mut rows = Vec::new();
    let mut empty = Vec::new();
    for wanted in wanted {
        let mut known = BTreeSet::new();
        for meant in &wanted.meant {
            let (ground, role) = meant.ground();
            let named = person(wanted, *meant).filter(|user| active.contains(user));
            let held = role.map(|role| of_role(&holders, Role::from(role), wanted.request.catalog_id));
            for user in named.into_iter().chain(held.unwrap_or_default()) {
                if may(wanted, user) && known.insert(user) {
                    rows.push(approver(wanted.approval, user, ground, role));
                }
            }
        }
        if known.is_empty() {
            empty.push(wanted);
        }
    }
    if !empty.is_empty() {
        let holders = self::holders(txn, organization, wanted, FALLBACK.into()).await?;
        for wanted in empty {
            let level = FALLBACK.iter().map(|role| {
                let users = of_role(&holders, *role, wanted.request.catalog_id);
                users.into_iter().filter(|user| may(wanted, *user)).collect::<Vec<_>>()
            });
            let users = level.into_iter().find(|users| !users.is_empty()).unwrap_or_default();
            let row = |user| approver(wanted.approval, user, ApproverGround::Fallback, None);
            rows.extend(users.into_iter().map(row));
        }
    }
    Ok(rows)
}

/// Who holds these roles: by assignment in a catalog, or by a claim.
async fn holders(
    txn: &Txn,
    organization: Uuid,
    wanted: &[Wanted<'_>],
    roles: BTreeSet<Role>,
) -> Result<Holders, StoreError> {
    let mut holders = Holders::new();
    let assignable: BTreeSet<CatalogRole> = roles.iter().filter_map(|role| role.catalog_role()).collect();
    if !assignable.is_empty() {
        let catalogs: BTreeSet<Uuid> = wanted.iter().map(|wanted| wanted.request.catalog_id).collect();
        let catalogs: Vec<Uuid> = catalogs.into_iter().collect();
        for (role, catalog, user) in store::approval::assigned(txn, &catalogs, &assignable).await? {
            holders.entry((Role::from(role), Some(catalog))).or_default().insert(user);
        }
    }
    for role in roles {
        let users = store::user::claimed(txn, organization, role).await?;
        holders.entry((role, None)).or_default().extend(users);
    }
    Ok(holders)
}

/// The holders of a role in a catalog.
fn of_role(holders: &Holders, role: Role, catalog: Uuid) -> BTreeSet<Uuid> {
    let of = |place| holders.get(&(role, place)).into_iter().flatten().copied();
    of(Some(catalog)).chain(of(None)).collect()
}
