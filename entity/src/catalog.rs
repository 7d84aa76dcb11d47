//! A container of resources and access packages; the scope of delegated roles.
use sea_orm::entity::prelude::*;

/// A container of resources and access packages; the scope of delegated roles.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "catalog")]
pub struct Model {
    /// The id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The organization.
    pub organization_id: Uuid,
    /// The name, unique among the organization's catalogs.
    pub display_name: String,
    /// The name in the form that lists sort by.
    pub name_key: String,
    /// What it holds and for whom.
    pub description: String,
    /// Whether its packages can be requested.
    pub enabled: bool,
    /// Whether outsiders may request its packages.
    pub externally_visible: bool,
    /// Raised by every change.
    pub version: i32,
    /// When it was made.
    pub created_at: DateTimeUtc,
    /// When it was deleted.
    pub deleted_at: Option<DateTimeUtc>,
}

/// Foreign keys are kept by the database; reads join by hand.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
