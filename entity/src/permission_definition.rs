//! A permission that an organization added to the catalogue.
use sea_orm::entity::prelude::*;

use crate::repository_access::AccessLevel;

/// What a permission is about.
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
pub enum PermissionTarget {
    /// The organization itself.
    Organization,
    /// Each repository that a token reaches.
    Repository,
}

/// A permission that an organization added to the catalogue.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "permission_definition")]
pub struct Model {
    /// The id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The organization.
    pub organization_id: Uuid,
    /// What it is about.
    pub target: PermissionTarget,
    /// The name that tokens ask for.
    pub name: String,
    /// What it allows.
    pub description: String,
    /// The lowest level that can be asked for.
    pub lowest: AccessLevel,
    /// The highest level that can be asked for.
    pub highest: AccessLevel,
    /// Whether only those use it who administer its target.
    pub administrative: bool,
    /// When it was added.
    pub created_at: DateTimeUtc,
}

/// Foreign keys are kept by the database; reads join by hand.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
