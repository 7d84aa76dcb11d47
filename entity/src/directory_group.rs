//! A group that is kept inside Guichet, delivered to by a `DIRECTORY` connector.
use sea_orm::entity::prelude::*;

/// A group that is kept inside Guichet, delivered to by a `DIRECTORY` connector.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "directory_group")]
pub struct Model {
    /// The id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The organization.
    pub organization_id: Uuid,
    /// The connector whose target it is.
    pub connector_id: Uuid,
    /// The id that resources name it by.
    pub origin_id: String,
    /// The name to show.
    pub display_name: String,
    /// When it was made.
    pub created_at: DateTimeUtc,
}

/// Foreign keys are kept by the database; reads join by hand.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
