//! Users.

pub mod mutation;

use std::sync::Arc;

use async_graphql::{Context, Enum, ID, InputObject, MaybeUndefined, Object, Value};
use chrono::{DateTime, Utc};
use entity::app_user;

use super::api::Api;
use super::connected_organization::ConnectedOrganization;
use super::connection::{Connection, Listed, OrderDirection, Paging, Selected, Sorted, given};
use super::entitlement_grant::{EntitlementGrant, EntitlementGrantState, THERE};
use super::error::ApiError;
use super::id::{GlobalId, Kind};
use super::loader::Nested;
use super::remote_account::RemoteAccount;
use super::repository::AccessLevel;
use super::requires::requires;
use super::resolve::{Now, Plain, enum_value, maybe, scalar};
use crate::authz::Permission;
use crate::store::columns::columns;
use crate::store::{self, Columns, Direction, Key, Position};

/// A person as one issuer knows them.
#[derive(Clone)]
pub struct User(pub Arc<app_user::Model>);

impl Listed for User {
    fn position(&self, by: &str) -> Position {
        let key = match by {
            "NAME" => Key::Text(self.0.name_key.clone()),
            _ => Key::Time(self.0.created_at),
        };
        Position { key, id: self.0.id }
    }
}

impl Plain for User {
    fn plain(&self, field: &str) -> Option<Value> {
        Some(match field {
            "id" => scalar(&Kind::User.id(self.0.id)),
            "displayName" => scalar(&self.0.display_name),
            "email" => maybe(self.0.email.as_ref()),
            "kind" => enum_value(UserKind::from(self.0.kind)),
            "state" => enum_value(UserState::of(&self.0)),
            _ => return None,
        })
    }

    fn columns(field: &str) -> Columns {
        match field {
            "id" => Columns::KEY,
            "displayName" => columns!(app_user: DisplayName),
            "email" => columns!(app_user: Email),
            "kind" => columns!(app_user: Kind),
            "state" => columns!(app_user: State, GuestEnd),
            _ => Columns::ALL,
        }
    }
}

/// A person as one issuer knows them.
#[Object]
impl User {
    /// The global id.
    pub async fn id(&self) -> ID {
        Kind::User.id(self.0.id)
    }

    /// The name to show.
    async fn display_name(&self) -> &str {
        &self.0.display_name
    }

    /// The e-mail address; null where none is known.
    async fn email(&self) -> Option<&str> {
        self.0.email.as_deref()
    }

    /// Whether the user is of the organization's own directory or from outside.
    async fn kind(&self) -> UserKind {
        self.0.kind.into()
    }

    /// Whether the user may sign in and hold access.
    async fn state(&self) -> UserState {
        UserState::of(&self.0)
    }

    /// For guests: the connected organization that they come from, as their issuer said last; null where it is not
    /// known, and for members. Outsiders see none.
    async fn connected_organization(
        &self,
        ctx: &Context<'_>,
    ) -> Result<Option<Now<ConnectedOrganization>>, ApiError> {
        let api = Api::of(ctx);
        let Some(id) = self.0.connected_organization_id.filter(|_| api.scope.is_member) else {
            return Ok(None);
        };
        let found = api.loaders.connected_organizations().find(id).await?;
        Ok(found.map(|found| Now(ConnectedOrganization(found))))
    }

    /// The `iss` of the user's tokens; empty for a guest who was removed.
    async fn issuer(&self) -> &str {
        &self.0.issuer
    }

    /// The `sub` of the user at that issuer; for a guest who was removed it means nobody.
    async fn subject(&self) -> &str {
        &self.0.subject
    }

    /// Who the user reports to; null where nobody is set.
    async fn manager(&self, ctx: &Context<'_>) -> Result<Option<Now<User>>, ApiError> {
        let Some(manager) = self.0.manager_id else { return Ok(None) };
        Ok(Api::of(ctx).loaders.users().find(manager).await?.map(|user| Now(User(user))))
    }

    /// What the user was given in the organization itself, beyond what every member may: what their tokens can have
    /// there. Null for nothing, and for those who may see only their own.
    #[graphql(directive = requires::apply(Permission::SeeTokens.into()))]
    async fn organization_access_level(&self, ctx: &Context<'_>) -> Result<Option<AccessLevel>, ApiError> {
        let api = Api::of(ctx);
        if !api.scope.tokens && api.scope.user != Some(self.0.id) {
            return Ok(None);
        }
        let given = api.loaders.access_to_organization().find(self.0.id).await?;
        Ok(given.map(|given| given.level.into()))
    }

    /// The accounts of the user at remote systems, in every state, oldest first. Without the permission: your own.
    #[graphql(directive = requires::apply(Permission::SeeConnectors.into()))]
    async fn remote_accounts(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many from the start, 0 to 100; 20 when neither `first` nor `last` is given.")]
        first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 0 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
    ) -> Result<Connection<RemoteAccount>, ApiError> {
        let sorted = Sorted { by: "CREATED_AT", direction: Direction::Ascending };
        let window = Paging { first, after, last, before }.window(sorted, &Selected::of(ctx))?;
        let page = Api::of(ctx).loaders.accounts_of_user().get(Nested::new(self.0.id, window)).await?;
        Ok(Connection::nested(&page, sorted, RemoteAccount))
    }

    /// What Guichet gave the user at remote systems, each with the assignments that want it: why the user has this
    /// access. Oldest first. Without the permission: your own, and what leads to targets of catalogs whose requests you
    /// see.
    #[graphql(directive = requires::apply(Permission::SeeRequests.into()))]
    async fn grants(
        &self,
        ctx: &Context<'_>,
        #[graphql(
            desc = "In one of these states; by default those that are at the system, or may be.",
            default_with = "THERE.to_vec()"
        )]
        state: Vec<EntitlementGrantState>,
        #[graphql(desc = "How many from the start, 0 to 100; 20 when neither `first` nor `last` is given.")]
        first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 0 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
    ) -> Result<Connection<EntitlementGrant>, ApiError> {
        let sorted = Sorted { by: "CREATED_AT", direction: Direction::Ascending };
        let window = Paging { first, after, last, before }.window(sorted, &Selected::of(ctx))?;
        let states = state.into_iter().map(Into::into).collect();
        let page =
            Api::of(ctx).loaders.grants_of_user().get(Nested::new(self.0.id, (states, window))).await?;
        Ok(Connection::nested(&page, sorted, EntitlementGrant))
    }

    /// When the user was deactivated or blocked; null while active.
    async fn deactivated_at(&self) -> Option<DateTime<Utc>> {
        self.0.deactivated_at
    }

    /// Whether you may change what is kept of the user.
    async fn viewer_can_edit(&self, ctx: &Context<'_>) -> bool {
        Api::of(ctx).viewer.holds(Permission::ManageUsers)
    }

    /// Whether you may deactivate the user: nobody deactivates themselves.
    async fn viewer_can_deactivate(&self, ctx: &Context<'_>) -> bool {
        let viewer = &Api::of(ctx).viewer;
        viewer.holds(Permission::ManageUsers)
            && viewer.user != Some(self.0.id)
            && matches!(UserState::of(&self.0), UserState::Active | UserState::Blocked)
    }

    /// Whether you may unblock the user: a guest who was blocked for holding nothing.
    async fn viewer_can_unblock(&self, ctx: &Context<'_>) -> bool {
        Api::of(ctx).viewer.holds(Permission::ManageUsers) && UserState::of(&self.0) == UserState::Blocked
    }

    /// Whether you may make the user active again.
    async fn viewer_can_reactivate(&self, ctx: &Context<'_>) -> bool {
        let viewer = &Api::of(ctx).viewer;
        viewer.holds(Permission::ManageUsers) && UserState::of(&self.0) == UserState::Deactivated
    }

    /// Raised by every change; give it back when changing the object.
    async fn version(&self) -> i32 {
        self.0.version
    }

    /// When the user was first seen or made.
    async fn created_at(&self) -> DateTime<Utc> {
        self.0.created_at
    }
}

/// Where a user comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "entity::app_user::UserKind")]
pub enum UserKind {
    /// Of the organization's own directory.
    Member,
    /// From outside.
    Guest,
}

/// Whether a user may act.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum UserState {
    /// May sign in and hold access.
    Active,
    /// Refused; holds nothing.
    Deactivated,
    /// A guest who held and asked for nothing for too long: refused until somebody unblocks them.
    Blocked,
    /// A guest who was blocked for too long: name, address and identity were erased.
    Removed,
}

impl UserState {
    fn of(user: &app_user::Model) -> Self {
        match (user.guest_end, user.state) {
            (Some(app_user::GuestEnd::Blocked), _) => Self::Blocked,
            (Some(app_user::GuestEnd::Removed), _) => Self::Removed,
            (None, app_user::UserState::Active) => Self::Active,
            (None, app_user::UserState::Deactivated) => Self::Deactivated,
        }
    }

    /// As the database has it.
    const fn name(self) -> &'static str {
        match self {
            Self::Active => "ACTIVE",
            Self::Deactivated => "DEACTIVATED",
            Self::Blocked => "BLOCKED",
            Self::Removed => "REMOVED",
        }
    }
}

/// Which users are wanted. All given conditions hold together; a condition that is null is an error.
#[derive(Clone, Default, InputObject)]
pub struct UserFilter {
    /// Of these kinds.
    kind: MaybeUndefined<Vec<UserKind>>,
    /// In these states.
    state: MaybeUndefined<Vec<UserState>>,
    /// Reporting to one of these users.
    manager: MaybeUndefined<Vec<ID>>,
    /// Coming from one of these connected organizations.
    connected_organization: MaybeUndefined<Vec<ID>>,
    /// With this text in the name or the e-mail address, in any case.
    search: MaybeUndefined<String>,
}

/// What a list of users is sorted by; ties are broken by id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum UserOrderField {
    /// The name.
    Name,
    /// The time they were first seen or made.
    CreatedAt,
}

/// The order of a list of users.
#[derive(Clone, Copy, InputObject)]
pub struct UserOrder {
    /// What it is sorted by.
    field: UserOrderField,
    /// Which way.
    direction: OrderDirection,
}

/// Queries about users.
#[derive(Default)]
pub struct UserQuery;

#[Object]
impl UserQuery {
    /// The organization's users. Without the permission: yourself and those who report to you.
    #[graphql(directive = requires::apply(Permission::ListUsers.into()))]
    async fn users(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which users.")] filter: Option<UserFilter>,
        #[graphql(
            desc = "In which order.",
            default_with = "UserOrder { field: UserOrderField::Name, direction: OrderDirection::Asc }"
        )]
        order_by: UserOrder,
        #[graphql(desc = "How many from the start, 0 to 100; 20 when neither `first` nor `last` is given.")]
        first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 0 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
    ) -> Result<Connection<User>, ApiError> {
        let filter = filter.unwrap_or_default();
        let api = Api::of(ctx);
        let (by, order) = match order_by.field {
            UserOrderField::Name => ("NAME", store::user::Order::Name),
            UserOrderField::CreatedAt => ("CREATED_AT", store::user::Order::CreatedAt),
        };
        let sorted = Sorted { by, direction: order_by.direction.into() };
        let window = Paging { first, after, last, before }.window(sorted, &Selected::of(ctx))?;
        let filter = store::user::Filter {
            kinds: given("kind", &filter.kind)?.map(|kinds| kinds.into_iter().map(Into::into).collect()),
            states: given("state", &filter.state)?
                .map(|states| states.into_iter().map(UserState::name).collect()),
            connected_organizations: given("connectedOrganization", &filter.connected_organization)?
                .map(|ids| Kind::ConnectedOrganization.parse_all(&ids)),
            managers: given("manager", &filter.manager)?.map(|ids| Kind::User.parse_all(&ids)),
            search: super::text::condition("search", &filter.search)?,
        };
        let page = store::user::list(&api.database, &api.scope, &filter, order, &window).await?;
        Ok(Connection::new(page, sorted, |user| User(Arc::new(user))))
    }
}
