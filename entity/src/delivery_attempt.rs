//! One try of a delivery; never changed or deleted.
use sea_orm::entity::prelude::*;

use crate::delivery::DeliveryErrorCode;

/// How an attempt ended.
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
pub enum AttemptOutcome {
    /// The remote is as wanted.
    Succeeded,
    /// It is not, or that is not known.
    Failed,
}

/// One try of a delivery; never changed or deleted.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "delivery_attempt")]
pub struct Model {
    /// The delivery.
    #[sea_orm(primary_key, auto_increment = false)]
    pub delivery_id: Uuid,
    /// 1, 2, 3, … within the delivery.
    #[sea_orm(primary_key, auto_increment = false)]
    pub number: i32,
    /// The round it belongs to.
    pub round: i32,
    /// When it began.
    pub started_at: DateTimeUtc,
    /// When it ended.
    pub finished_at: DateTimeUtc,
    /// How it ended.
    pub outcome: AttemptOutcome,
    /// The failure's kind.
    pub error_code: Option<DeliveryErrorCode>,
    /// The remote's own words, secrets removed.
    pub message: Option<String>,
    /// The remote's status.
    pub remote_status: Option<i32>,
}

/// Foreign keys are kept by the database; reads join by hand.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
