//! The groups that Guichet keeps itself.

use std::sync::Arc;

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use chrono::{DateTime, Utc};
use entity::directory_group;
use uuid::Uuid;

use super::api::{Api, repeatable};
use super::connection::{Connection, Listed, Paging, Selected, Sorted};
use super::connector::Connector;
use super::error::{ApiError, UserError};
use super::id::{GlobalId, Kind};
use super::loader::Nested;
use super::requires::requires;
use super::resolve::{Now, Plain};
use super::user::User;
use crate::authz::Action as _;
use crate::authz::permission::action::EditConnector;
use crate::domain::directory_group::{create, delete};
use crate::domain::{Code, Rejection};
use crate::store::{self, Direction, Key, Position};

/// A group that is kept inside Guichet, delivered to by a `DIRECTORY` connector.
#[derive(Clone)]
pub struct DirectoryGroup(pub Arc<directory_group::Model>);

impl Listed for DirectoryGroup {
    fn position(&self, _: &str) -> Position {
        Position { key: Key::Time(self.0.created_at), id: self.0.id }
    }
}

impl Plain for DirectoryGroup {}

/// A group that is kept inside Guichet, delivered to by a `DIRECTORY` connector.
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
        let connector = Api::of(ctx).loaders.connectors().find(self.0.connector_id).await?;
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
        let page = api.loaders.members().get(Nested::new(self.0.id, window)).await?;
        Ok(Connection::nested(&page, sorted, DirectoryMember))
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

impl Plain for DirectoryMember {}

/// A role that a user holds in a directory group.
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

/// A new group.
#[derive(Debug, InputObject)]
pub struct CreateDirectoryGroupInput {
    /// The connector, of kind `DIRECTORY`.
    connector: ID,
    /// The id that resources name it by, 1 to 500 characters, unique at the connector and not `*`.
    origin_id: String,
    /// The name to show, 1 to 200 characters.
    display_name: String,
    /// Makes the call repeatable for 24 hours: a second call with the same key and input answers with the first one's group.
    idempotency_key: Option<String>,
}

/// The end of `createDirectoryGroup`.
#[derive(SimpleObject)]
pub struct CreateDirectoryGroupPayload {
    /// The new group; null when refused.
    directory_group: Option<DirectoryGroup>,
    /// Why it was refused; empty when done.
    user_errors: Vec<UserError>,
}

/// Which group to delete.
#[derive(Debug, InputObject)]
pub struct DeleteDirectoryGroupInput {
    /// The group.
    id: ID,
}

/// The end of `deleteDirectoryGroup`.
#[derive(SimpleObject)]
pub struct DeleteDirectoryGroupPayload {
    /// The group that is no more; null when refused.
    directory_group: Option<DirectoryGroup>,
    /// Why it was refused; empty when done.
    user_errors: Vec<UserError>,
}

/// The group that a command has made.
async fn made(api: &Api, id: Option<Uuid>) -> Result<Option<DirectoryGroup>, ApiError> {
    let Some(id) = id else { return Ok(None) };
    let found = store::directory::find(&api.database, &api.scope, &[id]).await?;
    Ok(found.into_iter().next().map(|group| DirectoryGroup(Arc::new(group))))
}

/// Changes of groups.
#[derive(Default)]
pub struct DirectoryGroupMutation;

#[Object]
impl DirectoryGroupMutation {
    /// Makes a group that Guichet keeps itself: a target for resources of a `DIRECTORY` connector.
    #[graphql(directive = requires::apply(EditConnector::PERMISSION.into()))]
    async fn create_directory_group(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The group.")] input: CreateDirectoryGroupInput,
    ) -> Result<CreateDirectoryGroupPayload, ApiError> {
        let api = Api::of(ctx);
        let permit = api.permit::<EditConnector>().await?;
        let idempotency = repeatable(input.idempotency_key.clone(), &input);
        let (id, mut user_errors) = api
            .run(create::Create {
                permit,
                connector: Kind::Connector.parse(&input.connector),
                origin_id: input.origin_id,
                display_name: input.display_name,
                idempotency,
            })
            .await?;
        let directory_group = made(api, id).await?;
        if id.is_some() && directory_group.is_none() {
            let message = "A group was made with this idempotency key, and was deleted since.";
            user_errors.push(Rejection::of("input.idempotencyKey", Code::NotFound, message).into());
        }
        Ok(CreateDirectoryGroupPayload { directory_group, user_errors })
    }

    /// Deletes a group that nobody is in; `IN_USE` names people who are. Resources that name it stay, and their
    /// deliveries fail from then on.
    #[graphql(directive = requires::apply(EditConnector::PERMISSION.into()))]
    async fn delete_directory_group(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The group.")] input: DeleteDirectoryGroupInput,
    ) -> Result<DeleteDirectoryGroupPayload, ApiError> {
        let api = Api::of(ctx);
        let permit = api.permit::<EditConnector>().await?;
        let id = Kind::DirectoryGroup.parse(&input.id);
        let (group, user_errors) = api.run(delete::Delete { permit, id }).await?;
        let directory_group = group.map(|group| DirectoryGroup(Arc::new(group)));
        Ok(DeleteDirectoryGroupPayload { directory_group, user_errors })
    }
}
