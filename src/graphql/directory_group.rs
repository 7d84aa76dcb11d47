//! The groups that Guichet keeps itself.

use std::sync::Arc;

use async_graphql::{Context, ID, Object};
use chrono::{DateTime, Utc};
use entity::directory_group;

use super::api::Api;
use super::connection::{Connection, Listed, Paging, Selected, Sorted};
use super::connector::Connector;
use super::error::ApiError;
use super::id::{GlobalId, Kind};
use super::resolve::Now;
use super::user::User;
use crate::store::{self, Direction, Key, Position};

/// A group that is kept inside Guichet, delivered to by a `DIRECTORY` connector.
#[derive(Clone)]
pub struct DirectoryGroup(pub Arc<directory_group::Model>);

impl Listed for DirectoryGroup {
    fn position(&self, _: &str) -> Position {
        Position { key: Key::Time(self.0.created_at), id: self.0.id }
    }
}

#[Object]
impl DirectoryGroup {
    /// The global id.
    pub async fn id(&self) -> ID {
        Kind::DirectoryGroup.id(self.0.id)
    }

    /// The id that resources name it by, in `originId`.
    async fn origin_id(&self) -> &str {
        &self.0.origin_id
    }

    /// The name to show.
    async fn display_name(&self) -> &str {
        &self.0.display_name
    }

    /// The connector whose target it is.
    async fn connector(&self, ctx: &Context<'_>) -> Result<Option<Now<Connector>>, ApiError> {
        let connector = Api::of(ctx).loaders.connectors.find(self.0.connector_id).await?;
        Ok(connector.map(|connector| Now(Connector(connector))))
    }

    /// Who is in it, by name.
    async fn members(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many from the start, 0 to 100; 20 when neither `first` nor `last` is given.")]
        first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 0 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
    ) -> Result<Connection<DirectoryMember>, ApiError> {
        let api = Api::of(ctx);
        let sorted = Sorted { by: "NAME", direction: Direction::Ascending };
        let window = Paging { first, after, last, before }.window(sorted, &Selected::of(ctx))?;
        let page = store::directory::members(&api.database, self.0.id, &window).await?;
        Ok(Connection::new(page, sorted, |row| DirectoryMember(Arc::new(row))))
    }

    /// When the group was made.
    async fn created_at(&self) -> DateTime<Utc> {
        self.0.created_at
    }
}

/// A role that a user holds in a directory group.
#[derive(Clone)]
pub struct DirectoryMember(pub Arc<store::directory::MemberRow>);

impl Listed for DirectoryMember {
    fn position(&self, _: &str) -> Position {
        Position { key: Key::Text(self.0.user.name_key.clone()), id: self.0.user.id }
    }
}

#[Object]
impl DirectoryMember {
    /// Who holds it.
    async fn user(&self) -> Now<User> {
        Now(User(Arc::clone(&self.0.user)))
    }

    /// `member` or `owner`.
    async fn role(&self) -> &str {
        &self.0.member.role
    }

    /// When it was given.
    async fn created_at(&self) -> DateTime<Utc> {
        self.0.member.created_at
    }
}
