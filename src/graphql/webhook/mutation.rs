//! Making, changing and deleting webhooks, and sending their events again.

use std::sync::Arc;

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use uuid::Uuid;

use super::{Webhook, WebhookDelivery};
use crate::authz::Action as _;
use crate::authz::permission::action::EditWebhook;
use crate::domain::webhook::{create, delete, send_again, update};
use crate::domain::{Code, Rejection};
use crate::graphql::api::{Api, repeatable};
use crate::graphql::error::{ApiError, UserError};
use crate::graphql::id::Kind;
use crate::graphql::requires::requires;
use crate::store;

/// A new webhook.
#[derive(Debug, InputObject)]
pub struct CreateWebhookInput {
    /// The name, 1 to 200 characters, unique among the organization's webhooks.
    display_name: String,
    /// Where it listens: an https URL without user name, password, query and fragment, at most 2,000 characters; http
    /// and private addresses only where the server's settings allow these.
    url: String,
    /// Whether it is told of what happens.
    #[graphql(default = true)]
    enabled: bool,
    /// Makes the call safe to repeat for 24 hours: a second call with the same key and input makes no other webhook, but
    /// cannot show the secret again (`SECRET_ALREADY_SHOWN`).
    idempotency_key: Option<String>,
}

/// The end of `createWebhook`.
#[derive(SimpleObject)]
pub struct CreateWebhookPayload {
    /// The new webhook; null when refused.
    webhook: Option<Webhook>,
    /// What its events are signed with (`whsec_…`), this once. Null when refused, and for a repeated call.
    secret: Option<String>,
    /// Why it was refused; empty when done.
    user_errors: Vec<UserError>,
}

/// What to change of a webhook; what is left out stays.
#[derive(Debug, InputObject)]
pub struct UpdateWebhookInput {
    /// The webhook.
    id: ID,
    /// The version that the change is based on; `CONFLICT` when it is no longer that.
    version: i32,
    /// The name, 1 to 200 characters, unique among the organization's webhooks.
    display_name: Option<String>,
    /// Where it listens, as in `createWebhook`. What waits goes to the new address.
    url: Option<String>,
    /// Whether it is told of what happens. What waits when it is switched off is given up; it can be sent again.
    enabled: Option<bool>,
    /// Whether it gets a new secret; the old one is over at once, for what waits, too.
    #[graphql(default = false)]
    new_secret: bool,
}

/// The end of `updateWebhook`.
#[derive(SimpleObject)]
pub struct UpdateWebhookPayload {
    /// The webhook as it is now; null when refused.
    webhook: Option<Webhook>,
    /// The new secret, this once; null where none was asked for, and when refused.
    secret: Option<String>,
    /// Why it was refused; empty when done.
    user_errors: Vec<UserError>,
}

/// Which webhook to delete.
#[derive(Debug, InputObject)]
pub struct DeleteWebhookInput {
    /// The webhook.
    id: ID,
}

/// The end of `deleteWebhook`.
#[derive(SimpleObject)]
pub struct DeleteWebhookPayload {
    /// The webhook that was deleted; null when refused.
    webhook: Option<Webhook>,
    /// Why it was refused; empty when done.
    user_errors: Vec<UserError>,
}

/// Which event to send again.
#[derive(Debug, InputObject)]
pub struct SendWebhookDeliveryAgainInput {
    /// The event on its way.
    id: ID,
}

/// The end of `sendWebhookDeliveryAgain`.
#[derive(SimpleObject)]
pub struct SendWebhookDeliveryAgainPayload {
    /// The event as it is now; null when refused.
    webhook_delivery: Option<WebhookDelivery>,
    /// Why it was refused; empty when done.
    user_errors: Vec<UserError>,
}

/// The webhook that a command has made or changed.
async fn changed(api: &Api, id: Option<Uuid>) -> Result<Option<Webhook>, ApiError> {
    let Some(id) = id else { return Ok(None) };
    let found = store::webhook::find(&api.database, api.named(), &[id]).await?;
    Ok(found.into_iter().next().map(|row| Webhook(Arc::new(row))))
}

/// Changes of webhooks.
#[derive(Default)]
pub struct WebhookMutation;

#[Object]
impl WebhookMutation {
    /// Makes a webhook, and shows its secret, this once. It is told of what happens from now on.
    #[graphql(directive = requires::apply(EditWebhook::PERMISSION.into()))]
    async fn create_webhook(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The webhook.")] input: CreateWebhookInput,
    ) -> Result<CreateWebhookPayload, ApiError> {
        let api = Api::of(ctx);
        let permit = api.permit::<EditWebhook>().await?;
        let idempotency = repeatable(input.idempotency_key.clone(), &input);
        let command = create::Create {
            permit,
            environment: api.environment.clone(),
            display_name: input.display_name,
            url: input.url,
            enabled: input.enabled,
            idempotency,
        };
        let (made, mut user_errors) = api.run(command).await?;
        let id = made.as_ref().map(|made| made.id);
        let secret = made.and_then(|made| made.secret).map(|secret| secret.expose().to_owned());
        if id.is_some() && secret.is_none() {
            let message = "A webhook was made with this key, and its secret was shown then. Give it a new one by \
                           `updateWebhook` if the secret is lost.";
            user_errors.push(Rejection::of("idempotencyKey", Code::SecretAlreadyShown, message).into());
        }
        Ok(CreateWebhookPayload { webhook: changed(api, id).await?, secret, user_errors })
    }

    /// Changes a webhook.
    #[graphql(directive = requires::apply(EditWebhook::PERMISSION.into()))]
    async fn update_webhook(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The change.")] input: UpdateWebhookInput,
    ) -> Result<UpdateWebhookPayload, ApiError> {
        let api = Api::of(ctx);
        let permit = api.permit::<EditWebhook>().await?;
        let command = update::Update {
            permit,
            environment: api.environment.clone(),
            id: Kind::Webhook.parse(&input.id),
            version: input.version,
            display_name: input.display_name,
            url: input.url,
            enabled: input.enabled,
            new_secret: input.new_secret,
        };
        let (updated, user_errors) = api.run(command).await?;
        let id = updated.as_ref().map(|updated| updated.id);
        let secret = updated.and_then(|updated| updated.secret).map(|secret| secret.expose().to_owned());
        Ok(UpdateWebhookPayload { webhook: changed(api, id).await?, secret, user_errors })
    }

    /// Deletes a webhook. What waits for it is given up.
    #[graphql(directive = requires::apply(EditWebhook::PERMISSION.into()))]
    async fn delete_webhook(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The webhook.")] input: DeleteWebhookInput,
    ) -> Result<DeleteWebhookPayload, ApiError> {
        let api = Api::of(ctx);
        let permit = api.permit::<EditWebhook>().await?;
        let command = delete::Delete { permit, id: Kind::Webhook.parse(&input.id) };
        let (id, user_errors) = api.run(command).await?;
        Ok(DeleteWebhookPayload { webhook: changed(api, id).await?, user_errors })
    }

    /// Sends an event that has ended once more, as it was, under the same `webhook-id`: `ALREADY_IN_PROGRESS` while it
    /// still waits, `NOT_ACTIVE` when its webhook is switched off or deleted.
    #[graphql(directive = requires::apply(EditWebhook::PERMISSION.into()))]
    async fn send_webhook_delivery_again(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The event.")] input: SendWebhookDeliveryAgainInput,
    ) -> Result<SendWebhookDeliveryAgainPayload, ApiError> {
        let api = Api::of(ctx);
        let permit = api.permit::<EditWebhook>().await?;
        let command = send_again::SendAgain { permit, id: Kind::WebhookDelivery.parse(&input.id) };
        let (id, user_errors) = api.run(command).await?;
        let webhook_delivery = match id {
            Some(id) => store::webhook_delivery::find(&api.database, api.named(), &[id]).await?.pop(),
            None => None,
        };
        let webhook_delivery = webhook_delivery.map(|row| WebhookDelivery(Arc::new(row)));
        Ok(SendWebhookDeliveryAgainPayload { webhook_delivery, user_errors })
    }
}
