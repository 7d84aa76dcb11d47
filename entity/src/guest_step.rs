//! What became of a guest who holds nothing any more.
use sea_orm::entity::prelude::*;

/// A step at the end of a guest.
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
pub enum GuestStepKind {
    /// They may not act any more.
    Blocked,
    /// They may act again.
    Unblocked,
    /// Their name and address were erased.
    Removed,
}

/// A step at the end of a guest. Never changed.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "guest_step")]
pub struct Model {
    /// The id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The organization.
    pub organization_id: Uuid,
    /// The guest.
    pub user_id: Uuid,
    /// What was done.
    pub step: GuestStepKind,
    /// When.
    pub at: DateTimeUtc,
    /// Why: since when they had held and asked for nothing, or had been blocked.
    pub since: Option<DateTimeUtc>,
    /// Who did it; nobody for Guichet itself.
    pub actor_id: Option<Uuid>,
}

/// Foreign keys are kept by the database; reads join by hand.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
