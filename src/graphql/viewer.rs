//! The authenticated caller.

use async_graphql::{Context, Enum, MaybeUndefined, Object};
use uuid::Uuid;

use super::access_package::{AccessPackage, AccessPackageOrder, AccessPackageOrderField};
use super::access_request::{
    AccessRequest, AccessRequestFilter, AccessRequestOrder, AccessRequestOrderField,
};
use super::access_token::{AccessToken, AccessTokenFilter};
use super::api::Api;
use super::approval::{self, Approval};
use super::assignment::{Assignment, AssignmentFilter};
use super::catalog::CatalogRoleAssignment;
use super::connection::{Connection, OrderDirection, Paging, Selected, Sorted};
use super::error::ApiError;
use super::inbox::{InboxFilter, InboxItem, InboxOrder, InboxOrderField};
use super::loader::Nested;
use super::notification::{NotificationConnection, NotificationFilter, NotificationPreference};
use super::resolve::Now;
use super::user::User;
use crate::authz;
use crate::store::{self, Direction};

/// A role. Directory roles hold in the whole organization; catalog roles hold in every catalog when the
/// token claims them bare, else in the catalogs of `catalogRoles`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "authz::Role")]
pub enum Role {
    /// May do everything but what belongs to the organization's owners.
    GlobalAdministrator,
    /// Administers catalogs, packages, requests and connectors.
    IdentityGovernanceAdministrator,
    /// Administers users, packages and requests.
    UserAdministrator,
    /// Sees everything, changes nothing.
    GlobalReader,
    /// May make catalogs, and owns those.
    CatalogCreator,
    /// Decides on the organization's tokens.
    OrganizationOwner,
    /// A resource server that asks whether a token may pass.
    ResourceServer,
    /// Everything in the catalog.
    CatalogOwner,
    /// Sees the catalog's packages, resources and policies.
    CatalogReader,
    /// Manages the catalog's packages, policies and requests.
    AccessPackageManager,
    /// Manages the catalog's requests and assignments.
    AccessPackageAssignmentManager,
}

/// The authenticated caller.
pub struct Viewer;

/// The authenticated caller.
#[Object]
impl Viewer {
    /// The caller as a user of the organization; null for an outsider before their first request.
    async fn user(&self, ctx: &Context<'_>) -> Result<Option<Now<User>>, ApiError> {
        let api = Api::of(ctx);
        let Some(user) = api.viewer.user else { return Ok(None) };
        Ok(api.loaders.users().find(user).await?.map(|user| Now(User(user))))
    }

    /// The roles that hold in the whole organization, from the token.
    async fn roles(&self, ctx: &Context<'_>) -> Vec<Role> {
        Api::of(ctx).viewer.roles.iter().map(|role| (*role).into()).collect()
    }

    /// The catalog roles that are assigned to the caller.
    async fn catalog_roles(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many from the start, 0 to 100; 20 when neither `first` nor `last` is given.")]
        first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 0 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
    ) -> Result<Connection<CatalogRoleAssignment>, ApiError> {
        let api = Api::of(ctx);
        let sorted = Sorted { by: "CREATED_AT", direction: Direction::Ascending };
        let window = Paging { first, after, last, before }.window(sorted, &Selected::of(ctx))?;
        let Some(user) = api.viewer.user else {
            return Ok(Connection::nested(&store::Page::empty(), sorted, CatalogRoleAssignment));
        };
        let page = api.loaders.roles_of_user().get(Nested::new(user, window)).await?;
        Ok(Connection::nested(&page, sorted, CatalogRoleAssignment))
    }

    /// The packages that the caller can request by themselves: an enabled policy admits them, and the
    /// package is not hidden.
    async fn requestable_access_packages(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "With this text in the name, in any case.")] search: MaybeUndefined<String>,
        #[graphql(
            desc = "In which order.",
            default_with = "AccessPackageOrder { field: AccessPackageOrderField::Name, direction: OrderDirection::Asc }"
        )]
        order_by: AccessPackageOrder,
        #[graphql(desc = "How many from the start, 0 to 100; 20 when neither `first` nor `last` is given.")]
        first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 0 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
    ) -> Result<Connection<AccessPackage>, ApiError> {
        let filter = store::access_package::Filter {
            search: super::text::condition("search", &search)?,
            requestable: true,
            ..store::access_package::Filter::default()
        };
        super::access_package::list(ctx, &filter, order_by, &Paging { first, after, last, before }).await
    }

    /// The stages of approval that wait for the caller's decision, oldest first.
    async fn pending_approvals(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many from the start, 0 to 100; 20 when neither `first` nor `last` is given.")]
        first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 0 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
    ) -> Result<Connection<Approval>, ApiError> {
        approval::waiting(ctx, Paging { first, after, last, before }).await
    }

    /// Everything that waits for the caller's decision: access requests of which they are an approver, and, for
    /// owners of the organization, what the tokens of others ask for. Oldest first, where nothing else is said.
    async fn inbox(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which items.")] filter: Option<InboxFilter>,
        #[graphql(
            desc = "In which order.",
            default_with = "InboxOrder { field: InboxOrderField::WaitingSince, direction: OrderDirection::Asc }"
        )]
        order_by: InboxOrder,
        #[graphql(desc = "How many from the start, 0 to 100; 20 when neither `first` nor `last` is given.")]
        first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 0 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
    ) -> Result<Connection<InboxItem>, ApiError> {
        let filter = filter.unwrap_or_default();
        super::inbox::list(ctx, &filter, order_by, &Paging { first, after, last, before }).await
    }

    /// The caller's own access requests.
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
        let mut filter = filter.condition()?;
        filter.requestors = Some(own(ctx, filter.requestors.as_deref()));
        super::access_request::list(ctx, &filter, order_by, &Paging { first, after, last, before }).await
    }

    /// What the caller was told, newest first.
    async fn notifications(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which notifications.")] filter: Option<NotificationFilter>,
        #[graphql(desc = "How many from the start, 0 to 100; 20 when neither `first` nor `last` is given.")]
        first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 0 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
    ) -> Result<NotificationConnection, ApiError> {
        let filter = filter.unwrap_or_default();
        super::notification::list(ctx, &filter, &Paging { first, after, last, before }).await
    }

    /// What the caller wants to be told: one entry for each kind of notification. Empty for an outsider before their
    /// first request.
    async fn notification_preferences(
        &self,
        ctx: &Context<'_>,
    ) -> Result<Vec<NotificationPreference>, ApiError> {
        super::notification::preferences(ctx).await
    }

    /// The caller's own access tokens, newest first; none for outsiders.
    async fn access_tokens(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which tokens.")] filter: Option<AccessTokenFilter>,
        #[graphql(desc = "How many from the start, 0 to 100; 20 when neither `first` nor `last` is given.")]
        first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 0 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
    ) -> Result<Connection<AccessToken>, ApiError> {
        let filter = filter.unwrap_or_default();
        super::access_token::own(ctx, &filter, &Paging { first, after, last, before }).await
    }

    /// The caller's own assignments, newest first.
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
        let mut filter = filter.condition()?;
        filter.users = Some(own(ctx, filter.users.as_deref()));
        super::assignment::list(ctx, &filter, &Paging { first, after, last, before }).await
    }
}

/// Queries about the caller.
#[derive(Default)]
pub struct ViewerQuery;

#[Object]
impl ViewerQuery {
    /// The authenticated caller.
    async fn viewer(&self) -> Viewer {
        Viewer
    }
}

/// The caller alone, where the condition on people allows them.
fn own(ctx: &Context<'_>, condition: Option<&[Uuid]>) -> Vec<Uuid> {
    let user = Api::of(ctx).viewer.user;
    user.into_iter().filter(|user| condition.is_none_or(|wanted| wanted.contains(user))).collect()
}
