//! The clients that may ask about tokens.

use std::sync::Arc;

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use chrono::{DateTime, Utc};
use entity::introspection_client;
use uuid::Uuid;

use super::api::{Api, repeatable};
use super::connection::{Connection, Listed, Paging, Selected, Sorted};
use super::error::{ApiError, UserError};
use super::id::{GlobalId, Kind};
use super::requires::requires;
use super::resolve::{Now, Plain};
use super::user::User;
use crate::authz::permission::action::EditIntrospectionClient;
use crate::authz::{Action as _, Permission};
use crate::domain::introspection_client::{create, delete};
use crate::domain::{Code, Rejection};
use crate::store::{self, Direction, Key, Position};

/// A resource server that may ask `POST /oauth2/introspect` about tokens, and is told what they may do in this
/// organization. Its secret was shown when it was made, and cannot be read.
#[derive(Clone)]
pub struct IntrospectionClient(pub Arc<introspection_client::Model>);

impl Listed for IntrospectionClient {
    fn position(&self, _: &str) -> Position {
        Position { key: Key::Text(self.0.name_key.clone()), id: self.0.id }
    }
}

impl Plain for IntrospectionClient {}

/// A resource server that may ask `POST /oauth2/introspect` about tokens, and is told what they may do in this
/// organization. Its secret was shown when it was made, and cannot be read.
#[Object]
impl IntrospectionClient {
    /// The global id, which is also the `client_id` that it signs in with.
    pub async fn id(&self) -> ID {
        Kind::IntrospectionClient.id(self.0.id)
    }

    /// The name, unique among the organization's clients.
    async fn display_name(&self) -> &str {
        &self.0.display_name
    }

    /// Who registered it.
    async fn created_by(&self, ctx: &Context<'_>) -> Result<Option<Now<User>>, ApiError> {
        let user = Api::of(ctx).loaders.users().find(self.0.created_by_id).await?;
        Ok(user.map(|user| Now(User(user))))
    }

    /// When it was registered.
    async fn created_at(&self) -> DateTime<Utc> {
        self.0.created_at
    }

    /// When it was deleted; null while it may ask.
    async fn deleted_at(&self) -> Option<DateTime<Utc>> {
        self.0.deleted_at
    }
}

/// Queries about introspection clients.
#[derive(Default)]
pub struct IntrospectionClientQuery;

#[Object]
impl IntrospectionClientQuery {
    /// The clients that may ask about tokens, by name. Empty without the permission.
    #[graphql(directive = requires::apply(Permission::SeeTokens.into()))]
    async fn introspection_clients(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many from the start, 0 to 100; 20 when neither `first` nor `last` is given.")]
        first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 0 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
    ) -> Result<Connection<IntrospectionClient>, ApiError> {
        let api = Api::of(ctx);
        let sorted = Sorted { by: "NAME", direction: Direction::Ascending };
        let window = Paging { first, after, last, before }.window(sorted, &Selected::of(ctx))?;
        let page = store::introspection_client::list(&api.database, &api.scope, &window).await?;
        Ok(Connection::new(page, sorted, |row| IntrospectionClient(Arc::new(row))))
    }
}

/// A new client.
#[derive(Debug, InputObject)]
pub struct CreateIntrospectionClientInput {
    /// The name, 1 to 200 characters, unique among the organization's clients.
    display_name: String,
    /// Makes the call safe to repeat for 24 hours: a second call with the same key and input makes no other client,
    /// but cannot show the secret again (`SECRET_ALREADY_SHOWN`).
    idempotency_key: Option<String>,
}

/// The end of `createIntrospectionClient`.
#[derive(SimpleObject)]
pub struct CreateIntrospectionClientPayload {
    /// The new client; null when refused.
    introspection_client: Option<IntrospectionClient>,
    /// The client's secret, this once: Guichet keeps only a hash of it. Null when refused, and for a repeated call.
    secret: Option<String>,
    /// Why it was refused; empty when done.
    user_errors: Vec<UserError>,
}

/// Which client to delete.
#[derive(Debug, InputObject)]
pub struct DeleteIntrospectionClientInput {
    /// The client.
    id: ID,
}

/// The end of `deleteIntrospectionClient`.
#[derive(SimpleObject)]
pub struct DeleteIntrospectionClientPayload {
    /// The client that was deleted; null when refused.
    introspection_client: Option<IntrospectionClient>,
    /// Why it was refused; empty when done.
    user_errors: Vec<UserError>,
}

/// The client that a command has made or changed.
async fn changed(api: &Api, id: Option<Uuid>) -> Result<Option<IntrospectionClient>, ApiError> {
    let Some(id) = id else { return Ok(None) };
    let found = store::introspection_client::find(&api.database, api.named(), &[id]).await?;
    Ok(found.into_iter().next().map(|row| IntrospectionClient(Arc::new(row))))
}

/// Changes of introspection clients.
#[derive(Default)]
pub struct IntrospectionClientMutation;

#[Object]
impl IntrospectionClientMutation {
    /// Registers a resource server that may ask about tokens, and shows its secret, this once.
    #[graphql(directive = requires::apply(EditIntrospectionClient::PERMISSION.into()))]
    async fn create_introspection_client(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The client.")] input: CreateIntrospectionClientInput,
    ) -> Result<CreateIntrospectionClientPayload, ApiError> {
        let api = Api::of(ctx);
        let permit = api.permit::<EditIntrospectionClient>().await?;
        let idempotency = repeatable(input.idempotency_key.clone(), &input);
        let command = create::Create { permit, display_name: input.display_name, idempotency };
        let (made, mut user_errors) = api.run(command).await?;
        let id = made.as_ref().map(|made| made.id);
        let secret = made.and_then(|made| made.secret).map(|secret| secret.expose().to_owned());
        if id.is_some() && secret.is_none() {
            let message = "A client was made with this key, and its secret was shown then. Delete it and make \
                           another one if the secret is lost.";
            user_errors.push(Rejection::of("idempotencyKey", Code::SecretAlreadyShown, message).into());
        }
        let introspection_client = changed(api, id).await?;
        Ok(CreateIntrospectionClientPayload { introspection_client, secret, user_errors })
    }

    /// Deletes a client: it is not answered any more, on this server at once, on others within 5 seconds.
    #[graphql(directive = requires::apply(EditIntrospectionClient::PERMISSION.into()))]
    async fn delete_introspection_client(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The client.")] input: DeleteIntrospectionClientInput,
    ) -> Result<DeleteIntrospectionClientPayload, ApiError> {
        let api = Api::of(ctx);
        let permit = api.permit::<EditIntrospectionClient>().await?;
        let command = delete::Delete { permit, id: Kind::IntrospectionClient.parse(&input.id) };
        let (id, user_errors) = api.run(command).await?;
        Ok(DeleteIntrospectionClientPayload { introspection_client: changed(api, id).await?, user_errors })
    }
}
