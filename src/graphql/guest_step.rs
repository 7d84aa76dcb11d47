//! What became of guests who hold nothing any more.

use std::sync::Arc;

use async_graphql::{Context, Enum, ID, InputObject, MaybeUndefined, Object};
use chrono::{DateTime, Utc};
use entity::guest_step;

use super::api::Api;
use super::connection::{Connection, Listed, OrderDirection, Paging, Selected, Sorted, given};
use super::error::ApiError;
use super::id::{GlobalId, Kind};
use super::requires::requires;
use super::resolve::{Now, Plain};
use super::user::User;
use crate::authz::Permission;
use crate::store::{self, Key, Position};

/// A step at the end of a guest. It is never changed.
#[derive(Clone)]
pub struct GuestStep(Arc<guest_step::Model>);

impl Listed for GuestStep {
    fn position(&self, _: &str) -> Position {
        Position { key: Key::Time(self.0.at), id: self.0.id }
    }
}

impl Plain for GuestStep {}

/// A step at the end of a guest: blocked for holding nothing, unblocked, removed. It is never changed.
#[Object]
impl GuestStep {
    /// The guest.
    async fn user(&self, ctx: &Context<'_>) -> Result<Now<User>, ApiError> {
        Ok(Now(User(Api::of(ctx).loaders.users().get(self.0.user_id).await?)))
    }

    /// What was done.
    async fn kind(&self) -> GuestStepKind {
        self.0.step.into()
    }

    /// When it was done.
    async fn at(&self) -> DateTime<Utc> {
        self.0.at
    }

    /// Why: for `BLOCKED`, since when they had held and asked for nothing; for `REMOVED` and `UNBLOCKED`, since when
    /// they had been blocked.
    async fn since(&self) -> Option<DateTime<Utc>> {
        self.0.since
    }

    /// Who did it; null for Guichet itself.
    async fn actor(&self, ctx: &Context<'_>) -> Result<Option<Now<User>>, ApiError> {
        let Some(actor) = self.0.actor_id else { return Ok(None) };
        Ok(Api::of(ctx).loaders.users().find(actor).await?.map(|user| Now(User(user))))
    }
}

/// A step at the end of a guest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "entity::guest_step::GuestStepKind")]
pub enum GuestStepKind {
    /// They held and asked for nothing for the organization's `guestBlockAfter`, and may not act any more.
    Blocked,
    /// Somebody lets them act again.
    Unblocked,
    /// They were blocked for the organization's `guestRemoveAfter`: name, address and identity were erased.
    Removed,
}

/// Which steps are wanted. All given conditions hold together; a condition that is null is an error.
#[derive(Clone, Default, InputObject)]
pub struct GuestStepFilter {
    /// Of these guests.
    user: MaybeUndefined<Vec<ID>>,
    /// Of these kinds.
    kind: MaybeUndefined<Vec<GuestStepKind>>,
    /// At or after.
    from: MaybeUndefined<DateTime<Utc>>,
    /// Before.
    until: MaybeUndefined<DateTime<Utc>>,
}

/// What a list of steps is sorted by; ties are broken by id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum GuestStepOrderField {
    /// The time they were done.
    At,
}

/// The order of a list of steps.
#[derive(Clone, Copy, InputObject)]
pub struct GuestStepOrder {
    /// What it is sorted by.
    field: GuestStepOrderField,
    /// Which way.
    direction: OrderDirection,
}

/// Queries about the end of guests.
#[derive(Default)]
pub struct GuestStepQuery;

#[Object]
impl GuestStepQuery {
    /// What became of guests who hold nothing any more: who, which step, when and why. Without the permission: your
    /// own.
    #[graphql(directive = requires::apply(Permission::ListUsers.into()))]
    async fn guest_steps(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which steps.")] filter: Option<GuestStepFilter>,
        #[graphql(
            desc = "In which order.",
            default_with = "GuestStepOrder { field: GuestStepOrderField::At, direction: OrderDirection::Desc }"
        )]
        order_by: GuestStepOrder,
        #[graphql(desc = "How many from the start, 0 to 100; 20 when neither `first` nor `last` is given.")]
        first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 0 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
    ) -> Result<Connection<GuestStep>, ApiError> {
        let filter = filter.unwrap_or_default();
        let api = Api::of(ctx);
        let by = match order_by.field {
            GuestStepOrderField::At => "AT",
        };
        let sorted = Sorted { by, direction: order_by.direction.into() };
        let window = Paging { first, after, last, before }.window(sorted, &Selected::of(ctx))?;
        let filter = store::guest::Filter {
            users: given("user", &filter.user)?.map(|ids| Kind::User.parse_all(&ids)),
            steps: given("kind", &filter.kind)?.map(|kinds| kinds.into_iter().map(Into::into).collect()),
            from: super::text::time("from", &filter.from)?,
            until: super::text::time("until", &filter.until)?,
        };
        let page = store::guest::steps(&api.database, &api.scope, &filter, &window).await?;
        Ok(Connection::new(page, sorted, |row| GuestStep(Arc::new(row))))
    }
}
