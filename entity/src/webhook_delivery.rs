//! An event on its way to one webhook: the queue is the table itself.
use sea_orm::entity::prelude::*;

use crate::delivery::DeliveryErrorCode;

/// What a webhook is told of a token request.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    EnumIter,
    DeriveActiveEnum,
    serde::Serialize,
    serde::Deserialize,
)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "SCREAMING_SNAKE_CASE")]
#[serde(rename_all = "lowercase")]
pub enum WebhookAction {
    /// It was made, and waits.
    Created,
    /// It was granted.
    Approved,
    /// It was refused.
    Denied,
    /// It was withdrawn, or overtaken.
    Cancelled,
}

/// Where an event on its way stands.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    EnumIter,
    DeriveActiveEnum,
    serde::Serialize,
    serde::Deserialize,
)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "SCREAMING_SNAKE_CASE")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum WebhookDeliveryState {
    /// Waits for its next attempt, or is being tried.
    Pending,
    /// The endpoint has taken it.
    Succeeded,
    /// It was given up.
    Failed,
    /// The webhook was switched off or deleted before.
    Canceled,
}

/// An event on its way to one webhook.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "webhook_delivery")]
pub struct Model {
    /// The id, which the endpoint knows the event by.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The organization.
    pub organization_id: Uuid,
    /// Where it goes.
    pub webhook_id: Uuid,
    /// What happened.
    pub action: WebhookAction,
    /// The token request that it happened to.
    pub request_id: Uuid,
    /// What is sent, byte for byte.
    pub body: String,
    /// Where it stands.
    pub state: WebhookDeliveryState,
    /// How often it was tried.
    pub attempt_count: i32,
    /// How often it was tried since it was last queued.
    pub attempt_in_round: i32,
    /// Until when it is tried again.
    pub retry_until: DateTimeUtc,
    /// When it is tried next; while it is tried: when that counts as lost.
    pub due_at: Option<DateTimeUtc>,
    /// The attempt that is under way.
    pub lease: Option<Uuid>,
    /// How the last attempt failed; none after a success.
    pub error_code: Option<DeliveryErrorCode>,
    /// The endpoint's own words, or ours.
    pub error_message: Option<String>,
    /// The status that the endpoint answered last.
    pub response_status: Option<i32>,
    /// When the last attempt ended.
    pub attempted_at: Option<DateTimeUtc>,
    /// When it happened.
    pub created_at: DateTimeUtc,
    /// When it ended; none while it waits.
    pub completed_at: Option<DateTimeUtc>,
}

/// Foreign keys are kept by the database; reads join by hand.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
