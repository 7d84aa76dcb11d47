//! Access requests and their history.

pub mod answer;
pub mod event;
pub mod filter;
pub mod mutation;
pub mod preview;

use std::sync::Arc;

use async_graphql::{Context, Enum, ID, Object, SimpleObject, Value};
use chrono::{DateTime, Utc};
use uuid::Uuid;

use self::answer::QuestionAnswer;
use self::event::AccessRequestEvent;
pub use self::filter::{AccessRequestFilter, AccessRequestOrder, AccessRequestOrderField};
use self::mutation::SubmitAccessRequestInput;
use self::preview::AccessRequestPreview;
use crate::authz::Permission;
use crate::domain::access_request::reprocess::{self, Verdict};
use crate::domain::access_request::{cancel, facts};
use crate::graphql::access_package::AccessPackage;
use crate::graphql::api::Api;
use crate::graphql::approval::{self, AccessReviewEligibility, Approval};
use crate::graphql::assignment::Assignment;
use crate::graphql::assignment_policy::AssignmentPolicy;
use crate::graphql::catalog::Catalog;
use crate::graphql::connection::{Connection, Listed, OrderDirection, Paging, Selected, Sorted};
use crate::graphql::delivery::Delivery;
use crate::graphql::error::{ApiError, UserErrorCode};
use crate::graphql::id::{GlobalId, Kind};
use crate::graphql::loader::Nested;
use crate::graphql::requires::requires;
use crate::graphql::resolve::{Now, Plain, Rows, enum_value, maybe, scalar};
use crate::graphql::resource::{Resource, ResourceRole};
use crate::graphql::signed_link::SignedLink;
use crate::graphql::user::User;
use crate::store::columns::columns;
use crate::store::{self, Columns, Direction, Key, Position, Window};

/// One person's request to get a package, keep it longer, or give it up.
#[derive(Clone)]
pub struct AccessRequest(pub Arc<store::access_request::Row>);

impl Listed for AccessRequest {
    fn position(&self, _: &str) -> Position {
        Position { key: Key::Time(self.0.request.submitted_at), id: self.0.request.id }
    }
}

impl AccessRequest {
    /// The request with everything that its affordances depend on.
    async fn judged(&self, api: &Api) -> Result<Arc<store::access_request::Row>, ApiError> {
        if facts::are_read(&self.0) {
            return Ok(Arc::clone(&self.0));
        }
        api.loaders.judged_requests().get(self.0.request.id).await
    }
}

impl Plain for AccessRequest {
    fn plain(&self, field: &str) -> Option<Value> {
        let request = &self.0.request;
        Some(match field {
            "id" => scalar(&Kind::AccessRequest.id(request.id)),
            "state" => enum_value(AccessRequestState::from(request.state)),
            "type" => enum_value(AccessRequestType::from(request.kind)),
            "submittedAt" => scalar(&request.submitted_at),
            "completedAt" => maybe(request.completed_at.as_ref()),
            "lastCompletedAt" => maybe(request.last_completed_at.as_ref()),
            "justification" => maybe(request.justification.as_ref()),
            _ => return None,
        })
    }

    fn columns(field: &str) -> Columns {
        match field {
            "id" | "deliveries" | "history" | "approvals" | "requestor" | "accessPackage" | "policy" => {
                Columns::KEY
            }
            "state" => columns!(access_request: State),
            "type" => columns!(access_request: Kind),
            "submittedAt" => columns!(access_request: SubmittedAt),
            "completedAt" => columns!(access_request: CompletedAt),
            "lastCompletedAt" => columns!(access_request: LastCompletedAt),
            "justification" => columns!(access_request: Justification),
            "submittedBy" => columns!(access_request: SubmittedById),
            "assignment" => columns!(access_request: AssignmentId),
            "signedLink" => columns!(access_request: SignedLinkId),
            "schedule" => columns!(access_request: RequestedStart, RequestedEnd),
            _ => Columns::ALL,
        }
    }
}

/// One person's request to get a package, keep it longer, or give it up.
#[Object]
impl AccessRequest {
    /// The global id.
    pub async fn id(&self) -> ID {
        Kind::AccessRequest.id(self.0.request.id)
    }

    /// The package.
    async fn access_package(&self, ctx: &Context<'_>) -> Result<Now<AccessPackage>, ApiError> {
        if let Some(package) = &self.0.package {
            return Ok(Now(AccessPackage::named(Arc::clone(package), self.0.catalog.clone())));
        }
        let row = Api::of(ctx).loaders.packages().get(self.0.request.access_package_id).await?;
        Ok(Now(AccessPackage::from(row.as_ref().clone())))
    }

    /// The policy that it was made under, as it is now; null for requests that need none.
    async fn policy(&self, ctx: &Context<'_>) -> Result<Option<Now<AssignmentPolicy>>, ApiError> {
        if let Some(policy) = &self.0.policy {
            return Ok(policy.as_ref().map(|policy| Now(AssignmentPolicy(Arc::clone(policy)))));
        }
        let Some(policy) = self.0.request.policy_id else { return Ok(None) };
        let policy = Api::of(ctx).loaders.policies().find(policy).await?;
        Ok(policy.map(|policy| Now(AssignmentPolicy(policy))))
    }

    /// The signed link that it was made with; null where it was made without one, and for those who do not manage the
    /// package.
    #[graphql(directive = requires::apply(Permission::ManagePackages.into()))]
    async fn signed_link(&self, ctx: &Context<'_>) -> Result<Option<Now<SignedLink>>, ApiError> {
        let Some(link) = self.0.request.signed_link_id else { return Ok(None) };
        let link = Api::of(ctx).loaders.signed_links().find(link).await?;
        Ok(link.map(|link| Now(SignedLink(link))))
    }

    /// Whose access it is about.
    async fn requestor(&self, ctx: &Context<'_>) -> Result<Now<User>, ApiError> {
        let user = match &self.0.requestor {
            Some(user) => Arc::clone(user),
            None => Api::of(ctx).loaders.users().get(self.0.request.requestor_id).await?,
        };
        Ok(Now(User(user)))
    }

    /// Who made the request; null where Guichet made it by itself.
    async fn submitted_by(&self, ctx: &Context<'_>) -> Result<Option<Now<User>>, ApiError> {
        let Some(user) = self.0.request.submitted_by_id else { return Ok(None) };
        Ok(Api::of(ctx).loaders.users().find(user).await?.map(|user| Now(User(user))))
    }

    /// What it asks for.
    #[graphql(name = "type")]
    async fn kind(&self) -> AccessRequestType {
        self.0.request.kind.into()
    }

    /// Where it stands.
    async fn state(&self) -> AccessRequestState {
        self.0.request.state.into()
    }

    /// Why it was asked for; null where nothing was said.
    async fn justification(&self) -> Option<&str> {
        self.0.request.justification.as_deref()
    }

    /// The answers to the policy's questions, as they were when the request was made, in their order.
    #[allow(clippy::unused_async, reason = "resolvers are asynchronous")]
    async fn answers(&self) -> Result<Vec<QuestionAnswer>, ApiError> {
        answer::of(&self.0.request)
    }

    /// Who may decide the stage at which it waits, by name. Empty where nobody is left or nothing waits, and for those
    /// who neither decide the request nor see all of its catalog, unless the policy shows them to the requestor.
    async fn pending_approvers(&self, ctx: &Context<'_>) -> Result<Rows<User>, ApiError> {
        approval::pending_approvers(Api::of(ctx), self.0.request.id).await
    }

    /// The start and end that were asked for.
    async fn schedule(&self) -> AccessRequestSchedule {
        AccessRequestSchedule {
            starts_at: self.0.request.requested_start,
            expires_at: self.0.request.requested_end,
        }
    }

    /// When it was made.
    async fn submitted_at(&self) -> DateTime<Utc> {
        self.0.request.submitted_at
    }

    /// When it was first completed; the time to reprocess counts from here. Null before.
    async fn completed_at(&self) -> Option<DateTime<Utc>> {
        self.0.request.completed_at
    }

    /// When it was last completed; null before, and while it is being delivered again.
    async fn last_completed_at(&self) -> Option<DateTime<Utc>> {
        self.0.request.last_completed_at
    }

    /// The carrying out of each resource role, in the order they were queued.
    async fn deliveries(&self, ctx: &Context<'_>) -> Result<Rows<Delivery>, ApiError> {
        if let Some(deliveries) = &self.0.deliveries {
            return Ok(Rows(deliveries.iter().map(|row| Delivery(Arc::clone(row))).collect()));
        }
        let found = Api::of(ctx).loaders.deliveries().find(self.0.request.id).await?;
        Ok(Rows(found.iter().flat_map(|rows| rows.iter()).map(|row| Delivery(Arc::clone(row))).collect()))
    }

    /// Every step, oldest first.
    async fn history(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many from the start, 0 to 100; 20 when neither `first` nor `last` is given.")]
        first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 0 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
    ) -> Result<Connection<AccessRequestEvent>, ApiError> {
        let api = Api::of(ctx);
        let sorted = Sorted { by: "SEQUENCE", direction: Direction::Ascending };
        let window = Paging { first, after, last, before }.window(sorted, &Selected::of(ctx))?;
        let page = api.loaders.history().get(Nested::new(self.0.request.id, window)).await?;
        Ok(Connection::nested(&page, sorted, AccessRequestEvent))
    }

    /// The assignment that it made, or is about; null before there is one.
    async fn assignment(&self, ctx: &Context<'_>) -> Result<Option<Now<Assignment>>, ApiError> {
        let Some(assignment) = self.0.request.assignment_id else { return Ok(None) };
        let row = Api::of(ctx).loaders.assignments().find(assignment).await?;
        Ok(row.map(|row| Now(Assignment(row))))
    }

    /// The stages of approval so far, in order; empty where nobody has to decide. A stage is made when its turn comes;
    /// those to come are the policy's.
    async fn approvals(&self, ctx: &Context<'_>) -> Result<Rows<Approval>, ApiError> {
        let found = Api::of(ctx).loaders.approvals().find(self.0.request.id).await?;
        Ok(Rows(found.iter().flat_map(|rows| rows.iter()).map(|row| Approval(Arc::clone(row))).collect()))
    }

    /// Whether you can approve or deny the stage at which it waits, and why not.
    async fn review(&self, ctx: &Context<'_>) -> Result<AccessReviewEligibility, ApiError> {
        Ok(approval::judged(Api::of(ctx), &self.0.request).await?.into())
    }

    /// Whether you can approve or deny the stage at which it waits: exactly then `reviewAccessRequests` accepts a
    /// denial, with a justification where the stage asks for one; an approval is also refused where its time has passed or the package was deleted.
    async fn viewer_can_review(&self, ctx: &Context<'_>) -> Result<bool, ApiError> {
        Ok(approval::judged(Api::of(ctx), &self.0.request).await?.is_ok())
    }

    /// Whether you can reprocess it now, until when, and why not.
    #[graphql(directive = requires::apply(Permission::ManageRequests.into()))]
    async fn reprocess(&self, ctx: &Context<'_>) -> Result<ReprocessEligibility, ApiError> {
        let api = Api::of(ctx);
        let row = self.judged(api).await?;
        let window = api.reprocess_window().await?;
        let allowed = api.viewer.catalogs(Permission::ManageRequests);
        let facts = facts::of(&row, &allowed, window, api.now);
        let verdict = reprocess::judge(&facts, api.now);
        Ok(ReprocessEligibility::new(verdict, reprocess::deadline(&facts)))
    }

    /// Whether you can reprocess it now: exactly then `reprocessAccessRequests` accepts it.
    #[graphql(directive = requires::apply(Permission::ManageRequests.into()))]
    async fn viewer_can_reprocess(&self, ctx: &Context<'_>) -> Result<bool, ApiError> {
        let api = Api::of(ctx);
        let row = self.judged(api).await?;
        let window = api.reprocess_window().await?;
        let allowed = api.viewer.catalogs(Permission::ManageRequests);
        let verdict = reprocess::judge(&facts::of(&row, &allowed, window, api.now), api.now);
        Ok(!matches!(verdict, Verdict::Refused(_)))
    }

    /// Whether you can cancel it now: exactly then `cancelAccessRequest` accepts it.
    async fn viewer_can_cancel(&self, ctx: &Context<'_>) -> bool {
        let api = Api::of(ctx);
        let request = &self.0.request;
        let own = Some(request.requestor_id) == api.viewer.user;
        let manages = api.viewer.catalogs(Permission::ManageRequests).contain(request.catalog_id);
        cancel::judge(request.kind, request.state, own, manages).is_ok()
    }
}

/// Whether a request can be reprocessed.
#[derive(SimpleObject)]
pub struct ReprocessEligibility {
    /// Whether you can reprocess it now.
    eligible: bool,
    /// The last instant at which it can be; null where no time applies: before its completion, for removals, and
    /// for requests that are over.
    until: Option<DateTime<Utc>>,
    /// Why not; null when eligible.
    reason: Option<UserErrorCode>,
}

impl ReprocessEligibility {
    fn new(verdict: Verdict, until: Option<DateTime<Utc>>) -> Self {
        match verdict {
            Verdict::Reprocess | Verdict::RetryNow => Self { eligible: true, until, reason: None },
            Verdict::Refused(code) => Self { eligible: false, until, reason: Some(code.into()) },
        }
    }
}

/// The start and end that were asked for.
#[derive(SimpleObject)]
pub struct AccessRequestSchedule {
    /// The start; null: at once.
    starts_at: Option<DateTime<Utc>>,
    /// The end; null: as the policy says.
    expires_at: Option<DateTime<Utc>>,
}

/// What an access request asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "entity::access_request::AccessRequestType")]
pub enum AccessRequestType {
    /// A user asks to get a package.
    UserAdd,
    /// A user asks to keep it longer.
    UserExtend,
    /// A user gives it up.
    UserRemove,
    /// An administrator assigns it.
    AdminAdd,
    /// An administrator takes it away.
    AdminRemove,
    /// Guichet takes it away: expiry or deactivation.
    SystemRemove,
}

/// Where an access request stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "entity::access_request::AccessRequestState")]
pub enum AccessRequestState {
    /// Taken in, not yet routed.
    Submitted,
    /// Waits for a decision.
    PendingApproval,
    /// Decided; starts later.
    Scheduled,
    /// The access is being carried out.
    Delivering,
    /// Everything was carried out.
    Delivered,
    /// Some of it was carried out, the rest failed for good.
    PartiallyDelivered,
    /// Nothing of it was carried out.
    DeliveryFailed,
    /// Refused by an approver, or nobody decided in time.
    Denied,
    /// Withdrawn, or its assignment ended before everything was delivered.
    Canceled,
}

/// The order, what to read along, and which part: as the query asks for a list of requests.
fn asked(
    ctx: &Context<'_>,
    order_by: AccessRequestOrder,
    paging: &Paging,
) -> Result<(Sorted, store::access_request::Include, Window), ApiError> {
    let by = match order_by.field {
        AccessRequestOrderField::SubmittedAt => "SUBMITTED_AT",
    };
    let sorted = Sorted { by, direction: order_by.direction.into() };
    let selected = Selected::of(ctx);
    let window = paging.window(sorted, &selected)?;
    Ok((sorted, include(&selected), window))
}

/// What to read: as the query selects of requests. What an affordance depends on is read as a whole.
#[must_use]
pub fn include(selected: &Selected<'_>) -> store::access_request::Include {
    let judged = selected.has(&["reprocess"]) || selected.has(&["viewerCanReprocess"]);
    let all = if judged { Columns::ALL } else { Columns::NONE };
    let deliveries = (judged || selected.has(&["deliveries"])).then(|| store::delivery::Include {
        delivery: all.and(selected.columns::<Delivery>(&["deliveries"])),
        role: selected.columns::<ResourceRole>(&["deliveries", "resourceRole"]),
        resource: selected.columns::<Resource>(&["deliveries", "resourceRole", "resource"]),
    });
    store::access_request::Include {
        request: selected.columns::<AccessRequest>(&[]),
        requestor: all.and(selected.columns::<User>(&["requestor"])),
        package: all.and(selected.columns::<AccessPackage>(&["accessPackage"])),
        catalog: selected.columns::<Catalog>(&["accessPackage", "catalog"]),
        policy: selected.columns::<AssignmentPolicy>(&["policy"]),
        assignment: judged,
        deliveries,
    }
}

/// A page of requests.
pub async fn list(
    ctx: &Context<'_>,
    filter: &store::access_request::Filter,
    order_by: AccessRequestOrder,
    paging: &Paging,
) -> Result<Connection<AccessRequest>, ApiError> {
    let api = Api::of(ctx);
    let (sorted, include, window) = asked(ctx, order_by, paging)?;
    let page = store::access_request::list(&api.database, &api.scope, filter, include, &window).await?;
    Ok(Connection::new(page, sorted, |row| AccessRequest(Arc::new(row))))
}

/// A page of the requests for a package.
pub async fn of_package(
    ctx: &Context<'_>,
    package: Uuid,
    filter: store::access_request::Filter,
    order_by: AccessRequestOrder,
    paging: &Paging,
) -> Result<Connection<AccessRequest>, ApiError> {
    let (sorted, include, window) = asked(ctx, order_by, paging)?;
    let requests = Api::of(ctx).loaders.requests_of_package();
    let page = requests.get(Nested::new(package, (filter, include, window))).await?;
    Ok(Connection::nested(&page, sorted, AccessRequest))
}

/// Queries about access requests.
#[derive(Default)]
pub struct AccessRequestQuery;

#[Object]
impl AccessRequestQuery {
    /// The access requests that you may see: those of the catalogs where you hold a role, those that you made or
    /// that are about you, and those of the people who report to you.
    async fn access_requests(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which requests.")] filter: Option<AccessRequestFilter>,
        #[graphql(
            desc = "In which order.",
            default_with = "AccessRequestOrder { field: AccessRequestOrderField::SubmittedAt, direction: OrderDirection::Desc }"
        )]
        order_by: AccessRequestOrder,
        #[graphql(desc = "How many from the start, 0 to 100; 20 when neither `first` nor `last` is given.")]
        first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 0 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
    ) -> Result<Connection<AccessRequest>, ApiError> {
        let filter = filter.unwrap_or_default();
        list(ctx, &filter.condition()?, order_by, &Paging { first, after, last, before }).await
    }

    /// What `submitAccessRequest` would do with this input now: the policy, who would decide, when the access would
    /// start and end, and everything that stands against it. Nothing is made by it.
    async fn access_request_preview(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The request; its idempotency key does not matter.")]
        input: SubmitAccessRequestInput,
    ) -> Result<AccessRequestPreview, ApiError> {
        input.check()?;
        AccessRequestPreview::of(ctx, input).await
    }

    /// The requests that wait where nobody is left to decide, of those that you may see: they are denied when their
    /// time is over.
    async fn requests_without_approver(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many from the start, 0 to 100; 20 when neither `first` nor `last` is given.")]
        first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 0 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
    ) -> Result<Connection<AccessRequest>, ApiError> {
        let filter = store::access_request::Filter { without_approver: true, ..Default::default() };
        let order_by = AccessRequestOrder {
            field: AccessRequestOrderField::SubmittedAt,
            direction: OrderDirection::Asc,
        };
        list(ctx, &filter, order_by, &Paging { first, after, last, before }).await
    }
}
