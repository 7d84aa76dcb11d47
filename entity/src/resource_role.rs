//! A way of belonging to a resource.
use sea_orm::entity::prelude::*;

/// A way of belonging to a resource.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "resource_role")]
pub struct Model {
    /// The id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The resource.
    pub resource_id: Uuid,
    /// The name to show.
    pub display_name: String,
    /// Its name at the remote, for example `member`.
    pub origin_id: String,
    /// When it was added.
    pub created_at: DateTimeUtc,
    /// When it was removed.
    pub deleted_at: Option<DateTimeUtc>,
}

/// Foreign keys are kept by the database; reads join by hand.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
