//! Assignments.

pub mod bulk;
pub mod check;
mod direct;
pub mod mutation;

use std::sync::Arc;

use async_graphql::{Context, Enum, ID, InputObject, MaybeUndefined, Object, SimpleObject, Value};
use chrono::{DateTime, Utc};

use super::access_package::AccessPackage;
use super::access_request::AccessRequest;
use super::api::Api;
use super::assignment_policy::AssignmentPolicy;
use super::connection::{Connection, Listed, Paging, Selected, Sorted, given};
use super::error::{ApiError, UserErrorCode};
use super::id::{GlobalId, Kind};
use super::loader::Nested;
use super::resolve::{Now, Plain, enum_value, maybe, scalar};
use super::user::User;
use crate::authz::Permission;
use crate::domain::Code;
use crate::domain::assignment::{extend, give_up, reprocess, revoke};
use crate::store::columns::columns;
use crate::store::{self, Columns, Direction, Key, Position, Window};
use check::AssignmentCheck;
use uuid::Uuid;

/// The access that a person holds through a package. Changed only through requests.
#[derive(Clone)]
pub struct Assignment(pub Arc<store::assignment::Row>);

impl Listed for Assignment {
    fn position(&self, _: &str) -> Position {
        Position { key: Key::Time(self.0.assignment.created_at), id: self.0.assignment.id }
    }
}

impl Plain for Assignment {
    fn plain(&self, field: &str) -> Option<Value> {
        let assignment = &self.0.assignment;
        Some(match field {
            "id" => scalar(&Kind::Assignment.id(assignment.id)),
            "state" => enum_value(AssignmentState::from(assignment.state)),
            "startsAt" => scalar(&assignment.starts_at),
            "expiresAt" => maybe(assignment.expires_at.as_ref()),
            _ => return None,
        })
    }

    fn columns(field: &str) -> Columns {
        match field {
            "id" | "accessPackage" | "user" | "lastCheck" => Columns::KEY,
            "state" => columns!(assignment: State),
            "startsAt" => columns!(assignment: StartsAt),
            "expiresAt" => columns!(assignment: ExpiresAt),
            "endedAt" => columns!(assignment: EndedAt),
            "repairFailedAt" => columns!(assignment: RepairFailedAt),
            "createdAt" => columns!(assignment: CreatedAt),
            "policy" => columns!(assignment: PolicyId),
            "request" => columns!(assignment: RequestId),
            _ => Columns::ALL,
        }
    }
}

/// The access that a person holds through a package. Changed only through requests.
#[Object]
impl Assignment {
    /// The global id.
    pub async fn id(&self) -> ID {
        Kind::Assignment.id(self.0.assignment.id)
    }

    /// The package.
    async fn access_package(&self, ctx: &Context<'_>) -> Result<Now<AccessPackage>, ApiError> {
        if let Some(package) = &self.0.package {
            return Ok(Now(AccessPackage::named(Arc::clone(package), None)));
        }
        let row = Api::of(ctx).loaders.packages().get(self.0.assignment.access_package_id).await?;
        Ok(Now(AccessPackage::from(row.as_ref().clone())))
    }

    /// The policy that it was made under.
    async fn policy(&self, ctx: &Context<'_>) -> Result<Option<Now<AssignmentPolicy>>, ApiError> {
        let Some(policy) = self.0.assignment.policy_id else { return Ok(None) };
        let policy = Api::of(ctx).loaders.policies().find(policy).await?;
        Ok(policy.map(|policy| Now(AssignmentPolicy(policy))))
    }

    /// Who holds it.
    async fn user(&self, ctx: &Context<'_>) -> Result<Now<User>, ApiError> {
        let user = match &self.0.user {
            Some(user) => Arc::clone(user),
            None => Api::of(ctx).loaders.users().get(self.0.assignment.user_id).await?,
        };
        Ok(Now(User(user)))
    }

    /// The request that made it.
    async fn request(&self, ctx: &Context<'_>) -> Result<Option<Now<AccessRequest>>, ApiError> {
        let request = Api::of(ctx).loaders.requests().find(self.0.assignment.request_id).await?;
        Ok(request.map(|row| Now(AccessRequest(row))))
    }

    /// Where it stands.
    async fn state(&self) -> AssignmentState {
        self.0.assignment.state.into()
    }

    /// When it starts.
    async fn starts_at(&self) -> DateTime<Utc> {
        self.0.assignment.starts_at
    }

    /// When it ends; null: never.
    async fn expires_at(&self) -> Option<DateTime<Utc>> {
        self.0.assignment.expires_at
    }

    /// When it was over; null before.
    async fn ended_at(&self) -> Option<DateTime<Utc>> {
        self.0.assignment.ended_at
    }

    /// Whether you can extend it now, and why not.
    async fn extension(&self, ctx: &Context<'_>) -> Result<ExtensionEligibility, ApiError> {
        let verdict = self.can_extend(Api::of(ctx)).await?;
        Ok(ExtensionEligibility { eligible: verdict.is_ok(), reason: verdict.err().map(Into::into) })
    }

    /// Whether you can extend it now: exactly then `extendAssignment` accepts it, with a justification where the policy
    /// asks for one and an end that the policy allows.
    async fn viewer_can_extend(&self, ctx: &Context<'_>) -> Result<bool, ApiError> {
        Ok(self.can_extend(Api::of(ctx)).await?.is_ok())
    }

    /// Whether you can revoke it now: exactly then `revokeAssignment` and `revokeAssignments` accept it.
    async fn viewer_can_revoke(&self, ctx: &Context<'_>) -> bool {
        let assignment = &self.0.assignment;
        let allowed = Api::of(ctx).viewer.catalogs(Permission::ManageRequests);
        revoke::judge(assignment, allowed.contain(assignment.catalog_id)).is_ok()
    }

    /// Whether you can give it up now, because it is yours: exactly then `giveUpAssignment` accepts it.
    async fn viewer_can_give_up(&self, ctx: &Context<'_>) -> bool {
        give_up::judge(&self.0.assignment, Api::of(ctx).viewer.user).is_ok()
    }

    /// Since when a role is known to be missing although the request was delivered: a repair failed for good
    /// (`reprocessAssignments`), or the delivery of a role that came to the package later. The assignment is
    /// `PARTIALLY_DELIVERED` from then on, until every role of the package is given. Null otherwise.
    async fn repair_failed_at(&self) -> Option<DateTime<Utc>> {
        self.0.assignment.repair_failed_at
    }

    /// Whether you can compare it with the target systems now, and repair it: exactly then `reprocessAssignments`
    /// accepts it. What excludes its package does not matter: what is held is not given anew.
    async fn viewer_can_reprocess(&self, ctx: &Context<'_>) -> bool {
        let (api, assignment) = (Api::of(ctx), &self.0.assignment);
        let allowed = api.viewer.catalogs(Permission::ManageRequests);
        reprocess::judge(assignment, allowed.contain(assignment.catalog_id), api.now).is_ok()
    }

    /// What `reprocessAssignments` found last, also in a dry run; null where it was never asked, or the package had no
    /// roles then. A dry run is forgotten after 7 days.
    async fn last_check(&self, ctx: &Context<'_>) -> Result<Option<AssignmentCheck>, ApiError> {
        let found = Api::of(ctx).loaders.last_checks().find(self.0.assignment.id).await?;
        Ok(found.and_then(AssignmentCheck::of))
    }

    /// When it was made.
    async fn created_at(&self) -> DateTime<Utc> {
        self.0.assignment.created_at
    }
}

impl Assignment {
    async fn can_extend(&self, api: &Api) -> Result<Result<(), Code>, ApiError> {
        let assignment = &self.0.assignment;
        let Some(facts) = api.loaders.extensible().find(assignment.id).await? else {
            return Ok(Err(Code::ExtensionNotAllowed));
        };
        let own = Some(assignment.user_id) == api.viewer.user;
        let manages = api.viewer.catalogs(Permission::ManageRequests).contain(assignment.catalog_id);
        Ok(extend::judge(&facts, own, manages, api.now))
    }
}

/// Whether an assignment can be extended.
#[derive(SimpleObject)]
pub struct ExtensionEligibility {
    /// Whether you can extend it now.
    eligible: bool,
    /// Why not; null when eligible.
    reason: Option<UserErrorCode>,
}

/// Where an assignment stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "entity::assignment::AssignmentState")]
pub enum AssignmentState {
    /// Starts later.
    Scheduled,
    /// Is being carried out.
    Delivering,
    /// Holds some of its roles: the rest failed for good, at its delivery, at a repair, or when it came to the package
    /// later (`repairFailedAt`).
    PartiallyDelivered,
    /// Holds all of its roles.
    Delivered,
    /// Holds none of its roles.
    DeliveryFailed,
    /// Is being taken away.
    Revoking,
    /// Is over.
    Ended,
}

/// Which assignments are wanted. All given conditions hold together; a condition that is null is an error.
#[derive(Clone, Debug, Default, InputObject)]
pub struct AssignmentFilter {
    /// Of these packages.
    access_package: MaybeUndefined<Vec<ID>>,
    /// In these catalogs.
    catalog: MaybeUndefined<Vec<ID>>,
    /// Of these people.
    user: MaybeUndefined<Vec<ID>>,
    /// In these states.
    state: MaybeUndefined<Vec<AssignmentState>>,
    /// Ending before this time.
    expires_before: MaybeUndefined<DateTime<Utc>>,
    /// Held beside a package that excludes theirs, or not.
    overlapping: MaybeUndefined<bool>,
}

impl AssignmentFilter {
    /// The conditions for the store.
    pub fn condition(&self) -> Result<store::assignment::Filter, ApiError> {
        Ok(store::assignment::Filter {
            packages: given("accessPackage", &self.access_package)?
                .map(|ids| Kind::AccessPackage.parse_all(&ids)),
            catalogs: given("catalog", &self.catalog)?.map(|ids| Kind::Catalog.parse_all(&ids)),
            users: given("user", &self.user)?.map(|ids| Kind::User.parse_all(&ids)),
            states: given("state", &self.state)?.map(|states| states.into_iter().map(Into::into).collect()),
            overlapping: given("overlapping", &self.overlapping)?,
            expires_until: super::text::time("expiresBefore", &self.expires_before)?,
        })
    }
}

/// Lists of assignments are sorted newest first.
const NEWEST: Sorted = Sorted { by: "CREATED_AT", direction: Direction::Descending };

/// What to read along, and which part: as the query asks for a list of assignments.
fn asked(ctx: &Context<'_>, paging: &Paging) -> Result<(store::assignment::Include, Window), ApiError> {
    let selected = Selected::of(ctx);
    let window = paging.window(NEWEST, &selected)?;
    Ok((include(&selected), window))
}

/// What to read: as the query selects of assignments.
#[must_use]
pub fn include(selected: &Selected<'_>) -> store::assignment::Include {
    store::assignment::Include {
        assignment: selected.columns::<Assignment>(&[]),
        package: selected.columns::<AccessPackage>(&["accessPackage"]),
        user: selected.columns::<User>(&["user"]),
    }
}

/// A page of assignments.
pub async fn list(
    ctx: &Context<'_>,
    filter: &store::assignment::Filter,
    paging: &Paging,
) -> Result<Connection<Assignment>, ApiError> {
    let api = Api::of(ctx);
    let (include, window) = asked(ctx, paging)?;
    let page = store::assignment::list(&api.database, &api.scope, filter, include, &window).await?;
    Ok(Connection::new(page, NEWEST, |row| Assignment(Arc::new(row))))
}

/// A page of the assignments of a package.
pub async fn of_package(
    ctx: &Context<'_>,
    package: Uuid,
    filter: store::assignment::Filter,
    paging: &Paging,
) -> Result<Connection<Assignment>, ApiError> {
    let (include, window) = asked(ctx, paging)?;
    let assignments = Api::of(ctx).loaders.assignments_of_package();
    let page = assignments.get(Nested::new(package, (filter, include, window))).await?;
    Ok(Connection::nested(&page, NEWEST, Assignment))
}

/// Queries about assignments.
#[derive(Default)]
pub struct AssignmentQuery;

#[Object]
impl AssignmentQuery {
    /// The assignments that you may see, newest first: those of the catalogs where you hold a role, your own, and
    /// those of the people who report to you.
    async fn assignments(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which assignments.")] filter: Option<AssignmentFilter>,
        #[graphql(desc = "How many from the start, 0 to 100; 20 when neither `first` nor `last` is given.")]
        first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 0 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
    ) -> Result<Connection<Assignment>, ApiError> {
        let filter = filter.unwrap_or_default();
        list(ctx, &filter.condition()?, &Paging { first, after, last, before }).await
    }
}
