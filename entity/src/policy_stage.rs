//! One approval stage of a policy.
use sea_orm::entity::prelude::*;

/// One approval stage of a policy.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "policy_stage")]
pub struct Model {
    /// The policy.
    #[sea_orm(primary_key, auto_increment = false)]
    pub policy_id: Uuid,
    /// 0, 1 or 2.
    #[sea_orm(primary_key, auto_increment = false)]
    pub position: i32,
    /// After this long without a decision the request is denied.
    pub timeout_seconds: i64,
    /// Whether the decision must say why.
    pub justification_required: bool,
    /// After this long without a decision the alternates may decide, too; none: there are none.
    pub alternates_after_seconds: Option<i64>,
    /// Whether the requestor sees who may decide.
    pub approvers_visible: bool,
}

/// Foreign keys are kept by the database; reads join by hand.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
