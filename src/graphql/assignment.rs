//! Assignments.

use std::sync::Arc;

use async_graphql::{Context, Enum, ID, InputObject, MaybeUndefined, Object};
use chrono::{DateTime, Utc};

use super::access_package::AccessPackage;
use super::access_request::AccessRequest;
use super::api::Api;
use super::assignment_policy::AssignmentPolicy;
use super::connection::{Connection, Listed, Paging, Selected, Sorted, given};
use super::error::ApiError;
use super::id::{GlobalId, Kind};
use super::resolve::Now;
use super::user::User;
use crate::store::{self, Direction, Key, Position};

/// The access that a person holds through a package. Changed only through requests.
#[derive(Clone)]
pub struct Assignment(pub Arc<store::assignment::Row>);

impl Listed for Assignment {
    fn position(&self, _: &str) -> Position {
        Position { key: Key::Time(self.0.assignment.created_at), id: self.0.assignment.id }
    }
}

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
        let row = Api::of(ctx).loaders.packages.get(self.0.assignment.access_package_id).await?;
        Ok(Now(AccessPackage::from(row.as_ref().clone())))
    }

    /// The policy that it was made under.
    async fn policy(&self, ctx: &Context<'_>) -> Result<Option<Now<AssignmentPolicy>>, ApiError> {
        let Some(policy) = self.0.assignment.policy_id else { return Ok(None) };
        let policy = Api::of(ctx).loaders.policies.find(policy).await?;
        Ok(policy.map(|policy| Now(AssignmentPolicy(policy))))
    }

    /// Who holds it.
    async fn user(&self, ctx: &Context<'_>) -> Result<Now<User>, ApiError> {
        let user = match &self.0.user {
            Some(user) => Arc::clone(user),
            None => Api::of(ctx).loaders.users.get(self.0.assignment.user_id).await?,
        };
        Ok(Now(User(user)))
    }

    /// The request that made it.
    async fn request(&self, ctx: &Context<'_>) -> Result<Option<Now<AccessRequest>>, ApiError> {
        let request = Api::of(ctx).loaders.requests.find(self.0.assignment.request_id).await?;
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

    /// When it was made.
    async fn created_at(&self) -> DateTime<Utc> {
        self.0.assignment.created_at
    }
}

/// Where an assignment stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "entity::assignment::AssignmentState")]
pub enum AssignmentState {
    /// Starts later.
    Scheduled,
    /// Is being carried out.
    Delivering,
    /// Holds some of its roles.
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
#[derive(Clone, Default, InputObject)]
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
            expires_until: super::text::time("expiresBefore", &self.expires_before)?,
        })
    }
}

/// A page of assignments, newest first, with what the query selects of each.
pub async fn list(
    ctx: &Context<'_>,
    filter: &store::assignment::Filter,
    paging: Paging,
) -> Result<Connection<Assignment>, ApiError> {
    let api = Api::of(ctx);
    let sorted = Sorted { by: "CREATED_AT", direction: Direction::Descending };
    let selected = Selected::of(ctx);
    let window = paging.window(sorted, &selected)?;
    let include = store::assignment::Include {
        package: selected.has(&["accessPackage"]),
        user: selected.has(&["user"]),
    };
    let page = store::assignment::list(&api.database, &api.scope, filter, include, &window).await?;
    Ok(Connection::new(page, sorted, |row| Assignment(Arc::new(row))))
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
        list(ctx, &filter.condition()?, Paging { first, after, last, before }).await
    }
}
