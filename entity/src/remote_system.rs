//! A system at which people have accounts and access, as connectors reach it.
use sea_orm::entity::prelude::*;

/// A system at which people have accounts and access. Several connectors can lead to one.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "remote_system")]
pub struct Model {
    /// The id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The organization. Systems are never shared between organizations.
    pub organization_id: Uuid,
    /// The base URL without a slash at its end; `directory:` and the connector's id for `DIRECTORY`.
    pub address: String,
    /// Keeps tenants of one base URL apart; empty unless an administrator set it.
    pub tenant: String,
    /// When it was first seen.
    pub created_at: DateTimeUtc,
}

/// Foreign keys are kept by the database; reads join by hand.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
