//! A target that a catalog may take resources from, at one connector.
use sea_orm::entity::prelude::*;

/// A target that a catalog may take resources from, at one connector.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "connector_opening")]
pub struct Model {
    /// The connector.
    #[sea_orm(primary_key, auto_increment = false)]
    pub connector_id: Uuid,
    /// The catalog that it is opened to.
    #[sea_orm(primary_key, auto_increment = false)]
    pub catalog_id: Uuid,
    /// The id of a resource at the remote, or `*` for all of them.
    #[sea_orm(primary_key, auto_increment = false)]
    pub target: String,
    /// When it was opened.
    pub created_at: DateTimeUtc,
}

/// Foreign keys are kept by the database; reads join by hand.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
