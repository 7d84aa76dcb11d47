//! Who may decide a stage.
use sea_orm::entity::prelude::*;

use crate::catalog_role_assignment::CatalogRole;

/// How the approvers of a stage are found.
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
pub enum ApproverKind {
    /// One named user.
    User,
    /// The requestor's manager, or the manager of that one, and so on.
    Manager,
    /// The holders of a role in the package's catalog.
    CatalogRole,
    /// The sponsors of the requestor's connected organization.
    Sponsor,
}

/// When an approver's turn comes.
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
pub enum ApproverPart {
    /// From the start.
    Primary,
    /// Where no primary approver is left.
    Fallback,
    /// After a time without a decision.
    Alternate,
}

/// Who may decide a stage.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "policy_stage_approver")]
pub struct Model {
    /// The policy.
    #[sea_orm(primary_key, auto_increment = false)]
    pub policy_id: Uuid,
    /// The stage.
    #[sea_orm(primary_key, auto_increment = false)]
    pub position: i32,
    /// The place in the list.
    #[sea_orm(primary_key, auto_increment = false)]
    pub ordinal: i32,
    /// How approvers are found.
    pub kind: ApproverKind,
    /// For `USER`: who.
    pub user_id: Option<Uuid>,
    /// For `CATALOG_ROLE`: the holders of which role.
    pub catalog_role: Option<CatalogRole>,
    /// When their turn comes.
    pub part: ApproverPart,
    /// For `MANAGER`: how many steps up, from 1.
    pub manager_level: Option<i32>,
}

/// Foreign keys are kept by the database; reads join by hand.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
