//! One try to send an event; never changed.
use sea_orm::entity::prelude::*;

use crate::delivery::DeliveryErrorCode;

/// One try to send an event; never changed.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "webhook_attempt")]
pub struct Model {
    /// The event on its way.
    #[sea_orm(primary_key, auto_increment = false)]
    pub delivery_id: Uuid,
    /// 1, 2, 3, … within it.
    #[sea_orm(primary_key, auto_increment = false)]
    pub number: i32,
    /// When it began.
    pub started_at: DateTimeUtc,
    /// When it ended.
    pub finished_at: DateTimeUtc,
    /// How it failed; none for a success.
    pub error_code: Option<DeliveryErrorCode>,
    /// The endpoint's own words, or ours; none for a success.
    pub error_message: Option<String>,
    /// The status that the endpoint answered.
    pub response_status: Option<i32>,
}

/// Foreign keys are kept by the database; reads join by hand.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
