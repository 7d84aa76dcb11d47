//! Where the hash chain of an organization's audit trail stands.
use sea_orm::entity::prelude::*;

/// Where the hash chain of an organization's audit trail stands: its last event.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "audit_chain")]
pub struct Model {
    /// The organization.
    #[sea_orm(primary_key, auto_increment = false)]
    pub organization_id: Uuid,
    /// The sequence number of the last event; the first one has 1.
    pub sequence: i64,
    /// The hash of the last event.
    pub hash: String,
    /// When it was sealed.
    pub sealed_at: DateTimeUtc,
}

/// Foreign keys are kept by the database; reads join by hand.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
