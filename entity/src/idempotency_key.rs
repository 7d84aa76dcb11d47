//! The first answer under a key that a client chose.
use sea_orm::entity::prelude::*;

/// The first answer under a key that a client chose.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "idempotency_key")]
pub struct Model {
    /// The organization.
    #[sea_orm(primary_key, auto_increment = false)]
    pub organization_id: Uuid,
    /// Who sent it.
    #[sea_orm(primary_key, auto_increment = false)]
    pub user_id: Uuid,
    /// The mutation.
    #[sea_orm(primary_key, auto_increment = false)]
    pub operation: String,
    /// The key.
    #[sea_orm(primary_key, auto_increment = false)]
    pub key: String,
    /// SHA-256 of the input, to notice a key used for something else.
    pub input_hash: String,
    /// The object that the first call made.
    pub result_id: Uuid,
    /// When; kept for 24 hours.
    pub created_at: DateTimeUtc,
}

/// Foreign keys are kept by the database; reads join by hand.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
