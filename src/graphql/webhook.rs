//! Webhooks, and the events on their way to them.

pub mod mutation;

use std::sync::Arc;

use async_graphql::{Context, Enum, ID, InputObject, MaybeUndefined, Object};
use chrono::{DateTime, Utc};
use entity::{webhook, webhook_attempt, webhook_delivery};

use super::api::Api;
use super::connection::{Connection, Listed, Paging, Selected, Sorted, given};
use super::delivery::DeliveryErrorCode;
use super::error::ApiError;
use super::id::{GlobalId, Kind};
use super::loader::Nested;
use super::requires::requires;
use super::resolve::{Now, Plain};
use super::token_request::TokenRequest;
use super::user::User;
use crate::authz::Permission;
use crate::domain::webhook::send_again;
use crate::store::{self, Direction, Key, Position};

/// An endpoint that is told of token requests, by `POST` with a JSON body and GitHub's names for what is in it
/// (`personal_access_token_request`). Signed by the Standard Webhooks specification: the headers `webhook-id`,
/// `webhook-timestamp` and `webhook-signature`.
#[derive(Clone)]
pub struct Webhook(pub Arc<webhook::Model>);

impl Listed for Webhook {
    fn position(&self, _: &str) -> Position {
        Position { key: Key::Text(self.0.name_key.clone()), id: self.0.id }
    }
}

impl Plain for Webhook {}

/// An endpoint that is told of token requests, by `POST` with a JSON body and GitHub's names for what is in it
/// (`personal_access_token_request`). Signed by the Standard Webhooks specification: the headers `webhook-id`,
/// `webhook-timestamp` and `webhook-signature`.
#[Object]
impl Webhook {
    /// The global id.
    pub async fn id(&self) -> ID {
        Kind::Webhook.id(self.0.id)
    }

    /// The name, unique among the organization's webhooks.
    async fn display_name(&self) -> &str {
        &self.0.display_name
    }

    /// Where it listens.
    async fn url(&self) -> &str {
        &self.0.url
    }

    /// Whether it is told of what happens. An endpoint that answers 410 is switched off.
    async fn enabled(&self) -> bool {
        self.0.enabled
    }

    /// Who made it; null for somebody you may not see.
    async fn created_by(&self, ctx: &Context<'_>) -> Result<Option<Now<User>>, ApiError> {
        let user = Api::of(ctx).loaders.users().find(self.0.created_by_id).await?;
        Ok(user.map(|user| Now(User(user))))
    }

    /// What goes to it, newest first.
    #[graphql(directive = requires::apply(Permission::SeeTokens.into()))]
    async fn deliveries(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which events.")] filter: Option<WebhookDeliveryFilter>,
        #[graphql(desc = "How many from the start, 0 to 100; 20 when neither `first` nor `last` is given.")]
        first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 0 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
    ) -> Result<Connection<WebhookDelivery>, ApiError> {
        let api = Api::of(ctx);
        let sorted = Sorted { by: "CREATED_AT", direction: Direction::Descending };
        let window = Paging { first, after, last, before }.window(sorted, &Selected::of(ctx))?;
        let filter = filter.unwrap_or_default();
        let states: Option<Vec<_>> =
            given("state", &filter.state)?.map(|states| states.into_iter().map(Into::into).collect());
        let page = api.loaders.events_of_webhook().get(Nested::new(self.0.id, (states, window))).await?;
        Ok(Connection::nested(&page, sorted, WebhookDelivery))
    }

    /// Whether you may change and delete it.
    async fn viewer_can_edit(&self, ctx: &Context<'_>) -> bool {
        self.0.deleted_at.is_none() && Api::of(ctx).viewer.holds(Permission::ManageTokens)
    }

    /// Raised by every change; give it back when changing the object.
    async fn version(&self) -> i32 {
        self.0.version
    }

    /// When it was made.
    async fn created_at(&self) -> DateTime<Utc> {
        self.0.created_at
    }

    /// When it was deleted; null while it is there.
    async fn deleted_at(&self) -> Option<DateTime<Utc>> {
        self.0.deleted_at
    }
}

/// Something that happened to a token request, on its way to one webhook. Sent until the endpoint has taken it, for
/// three days at most; an endpoint can get it more than once, always with the same `webhook-id`.
#[derive(Clone)]
pub struct WebhookDelivery(pub Arc<webhook_delivery::Model>);

impl Listed for WebhookDelivery {
    fn position(&self, _: &str) -> Position {
        Position { key: Key::Time(self.0.created_at), id: self.0.id }
    }
}

impl Plain for WebhookDelivery {}

impl WebhookDelivery {
    async fn judged(&self, api: &Api) -> Result<Result<(), crate::domain::Code>, ApiError> {
        let webhook = api.loaders.webhooks().get(self.0.webhook_id).await?;
        let listens = webhook.enabled && webhook.deleted_at.is_none();
        Ok(send_again::judge(self.0.state, listens, api.viewer.holds(Permission::ManageTokens)))
    }
}

/// Something that happened to a token request, on its way to one webhook. Sent until the endpoint has taken it, for
/// three days at most; an endpoint can get it more than once, always with the same `webhook-id`.
#[Object]
impl WebhookDelivery {
    /// The global id, which is also the `webhook-id` that the endpoint gets.
    pub async fn id(&self) -> ID {
        Kind::WebhookDelivery.id(self.0.id)
    }

    /// Where it goes.
    async fn webhook(&self, ctx: &Context<'_>) -> Result<Now<Webhook>, ApiError> {
        Ok(Now(Webhook(Api::of(ctx).loaders.webhooks().get(self.0.webhook_id).await?)))
    }

    /// What happened.
    async fn action(&self) -> WebhookAction {
        self.0.action.into()
    }

    /// The token request that it happened to, as it is now; null for one that you may not see.
    async fn token_request(&self, ctx: &Context<'_>) -> Result<Option<Now<TokenRequest>>, ApiError> {
        let row = Api::of(ctx).loaders.token_requests().find(self.0.request_id).await?;
        Ok(row.map(|row| Now(TokenRequest(row))))
    }

    /// The body that is sent, as JSON text: what was so when it happened.
    async fn body(&self) -> &str {
        &self.0.body
    }

    /// Where it stands.
    async fn state(&self) -> WebhookDeliveryState {
        self.0.state.into()
    }

    /// How often it was tried.
    async fn attempt_count(&self) -> i32 {
        self.0.attempt_count
    }

    /// When it is tried next; null once it has ended.
    async fn next_attempt_at(&self) -> Option<DateTime<Utc>> {
        self.0.due_at
    }

    /// The status that the endpoint answered last; null before, and where it did not answer.
    async fn response_status(&self) -> Option<i32> {
        self.0.response_status
    }

    /// How the last attempt failed; null before, and after a success.
    async fn error_code(&self) -> Option<DeliveryErrorCode> {
        self.0.error_code.map(Into::into)
    }

    /// The begin of the endpoint's own words, secrets removed, at most 1,000 characters, or Guichet's; null before, and
    /// after a success.
    async fn error_message(&self) -> Option<&str> {
        self.0.error_message.as_deref()
    }

    /// Every try, in order.
    async fn attempts(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many from the start, 0 to 100; 20 when neither `first` nor `last` is given.")]
        first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 0 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
    ) -> Result<Connection<WebhookAttempt>, ApiError> {
        let sorted = Sorted { by: "NUMBER", direction: Direction::Ascending };
        let window = Paging { first, after, last, before }.window(sorted, &Selected::of(ctx))?;
        let page = Api::of(ctx).loaders.attempts_of_event().get(Nested::new(self.0.id, window)).await?;
        Ok(Connection::nested(&page, sorted, WebhookAttempt))
    }

    /// When it happened.
    async fn created_at(&self) -> DateTime<Utc> {
        self.0.created_at
    }

    /// When the endpoint had taken it, or it was given up; null while it waits.
    async fn completed_at(&self) -> Option<DateTime<Utc>> {
        self.0.completed_at
    }

    /// Whether you can send it again: exactly then `sendWebhookDeliveryAgain` accepts it.
    #[graphql(directive = requires::apply(Permission::ManageTokens.into()))]
    async fn viewer_can_send_again(&self, ctx: &Context<'_>) -> Result<bool, ApiError> {
        Ok(self.judged(Api::of(ctx)).await?.is_ok())
    }
}

/// One try to send an event.
#[derive(Clone)]
pub struct WebhookAttempt(Arc<webhook_attempt::Model>);

impl Listed for WebhookAttempt {
    fn position(&self, _: &str) -> Position {
        Position { key: Key::Number(self.0.number.into()), id: self.0.delivery_id }
    }
}

impl Plain for WebhookAttempt {}

/// One try to send an event.
#[Object]
impl WebhookAttempt {
    /// 1, 2, 3, … within the event.
    async fn number(&self) -> i32 {
        self.0.number
    }

    /// When it began.
    async fn started_at(&self) -> DateTime<Utc> {
        self.0.started_at
    }

    /// When it ended.
    async fn finished_at(&self) -> DateTime<Utc> {
        self.0.finished_at
    }

    /// How it failed; null for a success.
    async fn error_code(&self) -> Option<DeliveryErrorCode> {
        self.0.error_code.map(Into::into)
    }

    /// The begin of the endpoint's own words, secrets removed, at most 1,000 characters, or Guichet's; null for a
    /// success.
    async fn error_message(&self) -> Option<&str> {
        self.0.error_message.as_deref()
    }

    /// The status that the endpoint answered; null where it did not answer.
    async fn response_status(&self) -> Option<i32> {
        self.0.response_status
    }
}

/// What a webhook is told of a token request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "entity::webhook_delivery::WebhookAction")]
pub enum WebhookAction {
    /// It was made, and waits.
    Created,
    /// It was granted, by an owner or because nobody had to decide.
    Approved,
    /// It was refused.
    Denied,
    /// It was withdrawn, or overtaken.
    Cancelled,
}

/// Where an event on its way to a webhook stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "entity::webhook_delivery::WebhookDeliveryState")]
pub enum WebhookDeliveryState {
    /// Waits for its next attempt, or is being tried.
    Pending,
    /// The endpoint has taken it: it answered with a status from 200 to 299.
    Succeeded,
    /// It was given up: three days were over, the endpoint is gone, or its address may not be called.
    Failed,
    /// The webhook was switched off or deleted before.
    Canceled,
}

/// Which events are wanted; a condition that is null is an error.
#[derive(Clone, Debug, Default, InputObject)]
pub struct WebhookDeliveryFilter {
    /// In these states.
    state: MaybeUndefined<Vec<WebhookDeliveryState>>,
}

/// Queries about webhooks.
#[derive(Default)]
pub struct WebhookQuery;

#[Object]
impl WebhookQuery {
    /// The endpoints that are told of token requests, by name. Empty without the permission.
    #[graphql(directive = requires::apply(Permission::SeeTokens.into()))]
    async fn webhooks(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many from the start, 0 to 100; 20 when neither `first` nor `last` is given.")]
        first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 0 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
    ) -> Result<Connection<Webhook>, ApiError> {
        let api = Api::of(ctx);
        let sorted = Sorted { by: "NAME", direction: Direction::Ascending };
        let window = Paging { first, after, last, before }.window(sorted, &Selected::of(ctx))?;
        let page = store::webhook::list(&api.database, &api.scope, &window).await?;
        Ok(Connection::new(page, sorted, |row| Webhook(Arc::new(row))))
    }
}
