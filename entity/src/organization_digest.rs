//! When the owners of an organization get the digest of what waits for them.
use sea_orm::entity::prelude::*;

/// When the owners of an organization get the digest of what waits for them.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "organization_digest")]
pub struct Model {
    /// The organization.
    #[sea_orm(primary_key, auto_increment = false)]
    pub organization_id: Uuid,
    /// The hour of the day there, 0 to 23.
    pub hour: i32,
    /// The time zone, by its IANA name.
    pub time_zone: String,
    /// When the next one is to be written.
    pub due_at: DateTimeUtc,
}

/// Foreign keys are kept by the database; reads join by hand.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
