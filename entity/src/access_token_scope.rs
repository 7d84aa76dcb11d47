//! A scope of a classic token.
use sea_orm::entity::prelude::*;

/// A scope of a classic token.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "access_token_scope")]
pub struct Model {
    /// The token.
    #[sea_orm(primary_key, auto_increment = false)]
    pub token_id: Uuid,
    /// The scope, by its name in the permission catalogue.
    #[sea_orm(primary_key, auto_increment = false)]
    pub scope: String,
}

/// Foreign keys are kept by the database; reads join by hand.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
