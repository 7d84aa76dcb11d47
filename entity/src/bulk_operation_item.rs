//! One object of a bulk operation, with its outcome.
use sea_orm::entity::prelude::*;

/// What became of an item.
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
pub enum BulkItemOutcome {
    /// Not done yet.
    Pending,
    /// The action was done, or would be.
    Accepted,
    /// It was refused.
    Rejected,
}

/// One object of a bulk operation, with its outcome.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "bulk_operation_item")]
pub struct Model {
    /// The operation.
    #[sea_orm(primary_key, auto_increment = false)]
    pub operation_id: Uuid,
    /// 0, 1, 2, … in the order given.
    #[sea_orm(primary_key, auto_increment = false)]
    pub position: i32,
    /// The id as it was given; none for a selection by filter.
    pub requested_id: Option<String>,
    /// The object, where the id named one.
    pub target_id: Option<Uuid>,
    /// What became of it.
    pub outcome: BulkItemOutcome,
    /// Why it was rejected.
    pub error_code: Option<String>,
}

/// Foreign keys are kept by the database; reads join by hand.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
