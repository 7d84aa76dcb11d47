//! Who decides a stage: found when its turn comes.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use entity::approval_approver::{self, ApproverGround};
use entity::catalog_role_assignment::CatalogRole;
use entity::policy_stage_approver::ApproverPart;
use entity::{access_request, app_user};
use uuid::Uuid;

use super::{Meant, Stage};
use crate::authz::Role;
use crate::store::approval::approver;
use crate::store::database::Connection;
use crate::store::{self, StoreError};

/// Who decides where nobody whom the policy means is left, in this order.
const LAST_RESORT: [Role; 3] =
    [Role::CatalogOwner, Role::IdentityGovernanceAdministrator, Role::GlobalAdministrator];

/// A request as far as it matters for who decides it.
#[derive(Clone, Copy, Debug)]
pub struct Request {
    /// The request; nil before it is made.
    pub id: Uuid,
    /// The package's catalog.
    pub catalog: Uuid,
    /// Whose access it is about.
    pub requestor: Uuid,
    /// Who made it.
    pub submitter: Option<Uuid>,
    /// The connected organization of a requestor who is no user yet: a request would tie the guest to it.
    pub newcomer_from: Option<Uuid>,
}

impl From<&access_request::Model> for Request {
    fn from(request: &access_request::Model) -> Self {
        Self {
            id: request.id,
            catalog: request.catalog_id,
            requestor: request.requestor_id,
            submitter: request.submitted_by_id,
            newcomer_from: None,
        }
    }
}

/// A stage whose approvers are to be found.
#[derive(Clone, Debug)]
pub struct Wanted {
    approval: Uuid,
    request: Request,
    /// Whom to ask: the next list only where nobody of the one before is left.
    lists: Vec<(Vec<Meant>, Option<ApproverGround>)>,
    last_resort: bool,
}

impl Wanted {
    /// All that may decide a stage from its start.
    #[must_use]
    pub fn first(approval: Uuid, request: Request, stage: &Stage) -> Self {
        let fallback = (stage.meant(ApproverPart::Fallback), Some(ApproverGround::Fallback));
        let lists = vec![(stage.meant(ApproverPart::Primary), None), fallback];
        Self { approval, request, lists, last_resort: true }
    }

    /// Those who take the place of the stage's own approvers, of whom nobody is left.
    #[must_use]
    pub fn instead(approval: Uuid, request: Request, stage: &Stage) -> Self {
        let fallback = (stage.meant(ApproverPart::Fallback), Some(ApproverGround::Fallback));
        Self { approval, request, lists: vec![fallback], last_resort: true }
    }

    /// Those who join the stage's approvers after a time.
    #[must_use]
    pub fn alternates(approval: Uuid, request: Request, stage: &Stage) -> Self {
        let alternates = (stage.meant(ApproverPart::Alternate), Some(ApproverGround::Alternate));
        Self { approval, request, lists: vec![alternates], last_resort: false }
    }

    fn meant(&self) -> impl Iterator<Item = Meant> {
        self.lists.iter().flat_map(|(meant, _)| meant.iter().copied())
    }
}

/// Who holds roles: in a catalog, or in all of them.
type Holders = BTreeMap<(Role, Option<Uuid>), BTreeSet<Uuid>>;

/// Finds the approvers of stages of one organization: a fixed number of statements, however many there are.
pub async fn find(
    connection: &impl Connection,
    organization: Uuid,
    wanted: &[Wanted],
    now: DateTime<Utc>,
) -> Result<Vec<approval_approver::Model>, StoreError> {
    let requests: Vec<Uuid> = wanted.iter().map(|wanted| wanted.request.id).collect();
    let decided = store::approval::deciders(connection, &requests).await?;
    let may = |request: &Request, user: Uuid| {
        user != request.requestor && Some(user) != request.submitter && !decided.contains(&(request.id, user))
    };
    let people = People::read(connection, organization, wanted).await?;
    let roles = wanted.iter().flat_map(Wanted::meant).filter_map(|meant| match meant {
        Meant::Holders(role) => Some(Role::from(role)),
        Meant::User(_) | Meant::Manager(_) | Meant::Sponsors => None,
    });
    let holders = holders(connection, organization, wanted, roles.collect(), now).await?;
    let mut rows = Vec::new();
    let mut empty = Vec::new();
    for wanted in wanted {
        let request = &wanted.request;
        let found = wanted.lists.iter().find_map(|(list, ground)| {
            let mut known = BTreeSet::new();
            let mut found = Vec::new();
            for meant in list {
                let (own, role) = meant.ground();
                let held = role.map(|role| of_role(&holders, Role::from(role), request.catalog));
                let users = people.of(*meant, request).into_iter().chain(held.unwrap_or_default());
                for user in users.filter(|user| may(request, *user)) {
                    if known.insert(user) {
                        found.push(approver(wanted.approval, user, ground.unwrap_or(own), role));
                    }
                }
            }
            (!found.is_empty()).then_some(found)
        });
        match found {
            Some(found) => rows.extend(found),
            None if wanted.last_resort => empty.push(wanted),
            None => {}
        }
    }
    if !empty.is_empty() {
        let holders = self::holders(connection, organization, wanted, LAST_RESORT.into(), now).await?;
        for wanted in empty {
            let levels = LAST_RESORT.iter().map(|role| {
                let users = of_role(&holders, *role, wanted.request.catalog);
                users.into_iter().filter(|user| may(&wanted.request, *user)).collect::<Vec<_>>()
            });
            let users = levels.into_iter().find(|users| !users.is_empty()).unwrap_or_default();
            let row = |user| approver(wanted.approval, user, ApproverGround::Fallback, None);
            rows.extend(users.into_iter().map(row));
        }
    }
    Ok(rows)
}

/// The people whom stages mean by name, as managers or as sponsors, who may act.
#[derive(Default)]
struct People {
    /// By person and level.
    managers: HashMap<(Uuid, i32), Uuid>,
    /// By guest.
    sponsors: HashMap<Uuid, Vec<Uuid>>,
    /// By connected organization.
    sponsors_there: HashMap<Uuid, Vec<Uuid>>,
    active: HashSet<Uuid>,
}

impl People {
    async fn read(
        connection: &impl Connection,
        organization: Uuid,
        wanted: &[Wanted],
    ) -> Result<Self, StoreError> {
        let mut people = Self::default();
        let meant = || wanted.iter().flat_map(Wanted::meant);
        let requestors: Vec<Uuid> = wanted.iter().map(|wanted| wanted.request.requestor).collect();
        if meant().any(|meant| meant == Meant::Sponsors) {
            people.sponsors =
                store::connected_organization::sponsors_of_guests(connection, &requestors).await?;
            let origins: Vec<Uuid> =
                wanted.iter().filter_map(|wanted| wanted.request.newcomer_from).collect();
            if !origins.is_empty() {
                let found = store::connected_organization::sponsors(connection, &origins).await?;
                let ids = |(origin, users): (Uuid, Vec<Arc<app_user::Model>>)| {
                    (origin, users.iter().map(|user| user.id).collect())
                };
                people.sponsors_there = found.into_iter().map(ids).collect();
            }
        }
        let levels = meant().filter_map(|meant| match meant {
            Meant::Manager(level) => Some(level),
            Meant::User(_) | Meant::Holders(_) | Meant::Sponsors => None,
        });
        if let Some(highest) = levels.max() {
            people.managers = store::approval::managers(connection, &requestors, highest).await?;
        }
        let named = meant().filter_map(|meant| match meant {
            Meant::User(user) => Some(user),
            Meant::Manager(_) | Meant::Holders(_) | Meant::Sponsors => None,
        });
        let sponsors = people.sponsors.values().chain(people.sponsors_there.values()).flatten();
        let known = people.managers.values().chain(sponsors).copied();
        let ids: BTreeSet<Uuid> = named.chain(known).collect();
        let ids: Vec<Uuid> = ids.into_iter().collect();
        people.active = store::approval::active(connection, organization, &ids).await?;
        Ok(people)
    }

    fn of(&self, meant: Meant, request: &Request) -> Vec<Uuid> {
        let people = match meant {
            Meant::User(user) => vec![user],
            Meant::Manager(level) => {
                self.managers.get(&(request.requestor, level)).copied().into_iter().collect()
            }
            Meant::Holders(_) => Vec::new(),
            Meant::Sponsors => match request.newcomer_from {
                Some(origin) => self.sponsors_there.get(&origin).cloned().unwrap_or_default(),
                None => self.sponsors.get(&request.requestor).cloned().unwrap_or_default(),
            },
        };
        people.into_iter().filter(|user| self.active.contains(user)).collect()
    }
}

/// Who holds these roles: by assignment in a catalog, or by a claim.
async fn holders(
    connection: &impl Connection,
    organization: Uuid,
    wanted: &[Wanted],
    roles: BTreeSet<Role>,
    now: DateTime<Utc>,
) -> Result<Holders, StoreError> {
    let mut holders = Holders::new();
    let assignable: BTreeSet<CatalogRole> = roles.iter().filter_map(|role| role.catalog_role()).collect();
    if !assignable.is_empty() {
        let catalogs: BTreeSet<Uuid> = wanted.iter().map(|wanted| wanted.request.catalog).collect();
        let catalogs: Vec<Uuid> = catalogs.into_iter().collect();
        for (role, catalog, user) in store::approval::assigned(connection, &catalogs, &assignable).await? {
            holders.entry((Role::from(role), Some(catalog))).or_default().insert(user);
        }
    }
    for role in roles {
        let users = store::user::claimed(connection, organization, role, now).await?;
        holders.entry((role, None)).or_default().extend(users);
    }
    Ok(holders)
}

/// The holders of a role in a catalog.
fn of_role(holders: &Holders, role: Role, catalog: Uuid) -> BTreeSet<Uuid> {
    let of = |place| holders.get(&(role, place)).into_iter().flatten().copied();
    of(Some(catalog)).chain(of(None)).collect()
}
