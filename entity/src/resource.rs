//! Something that access can be given to, in a catalog.
use sea_orm::entity::prelude::*;

/// What a resource is.
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
pub enum ResourceKind {
    /// A group of people.
    Group,
    /// An application.
    Application,
}

/// Something that access can be given to, in a catalog.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "resource")]
pub struct Model {
    /// The id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The organization.
    pub organization_id: Uuid,
    /// The catalog.
    pub catalog_id: Uuid,
    /// What delivers it.
    pub connector_id: Uuid,
    /// What it is.
    pub kind: ResourceKind,
    /// The name to show.
    pub display_name: String,
    /// The name in the form that lists sort by.
    pub name_key: String,
    /// Its id at the remote.
    pub origin_id: String,
    /// Raised by every change.
    pub version: i32,
    /// When it was added.
    pub created_at: DateTimeUtc,
    /// When it was removed.
    pub deleted_at: Option<DateTimeUtc>,
}

/// Foreign keys are kept by the database; reads join by hand.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
