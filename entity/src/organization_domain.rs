//! A verified domain of an organization; unique on the server.
use sea_orm::entity::prelude::*;

/// A verified domain of an organization; unique on the server.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "organization_domain")]
pub struct Model {
    /// The domain, in lower case.
    #[sea_orm(primary_key, auto_increment = false)]
    pub domain: String,
    /// Whose it is.
    pub organization_id: Uuid,
    /// The first one is the hint in share links.
    pub position: i32,
}

/// Foreign keys are kept by the database; reads join by hand.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
