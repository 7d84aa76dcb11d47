//! Who may decide a stage of the approval of an access request.
use sea_orm::entity::prelude::*;

use crate::catalog_role_assignment::CatalogRole;

/// Why somebody is an approver.
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
pub enum ApproverGround {
    /// The policy names them.
    User,
    /// They were the requestor's manager when the stage's turn came.
    Manager,
    /// They hold a role in the catalog.
    CatalogRole,
    /// They are a sponsor of the requestor's connected organization.
    Sponsor,
    /// Nobody whom the policy means was left.
    Fallback,
    /// Nobody decided for a time.
    Alternate,
}

/// Who may decide a stage of the approval of an access request.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "approval_approver")]
pub struct Model {
    /// The stage.
    #[sea_orm(primary_key, auto_increment = false)]
    pub approval_id: Uuid,
    /// Who.
    #[sea_orm(primary_key, auto_increment = false)]
    pub user_id: Uuid,
    /// Why.
    pub ground: ApproverGround,
    /// For `CATALOG_ROLE`: which role.
    pub catalog_role: Option<CatalogRole>,
}

/// Foreign keys are kept by the database; reads join by hand.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
