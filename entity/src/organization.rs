//! A tenant: one directory of users with everything that it governs.
use sea_orm::entity::prelude::*;

/// A tenant: one directory of users with everything that it governs.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "organization")]
pub struct Model {
    /// The id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The short name, unique on the server.
    pub slug: String,
    /// The name to show.
    pub display_name: String,
    /// How long after its first completion a request can be reprocessed (R2).
    pub reprocess_window_seconds: i64,
    /// Raised by every change.
    pub version: i32,
    /// When it was made.
    pub created_at: DateTimeUtc,
}

/// Foreign keys are kept by the database; reads join by hand.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
