//! A scope of classic tokens that holds a permission of the organization's own.
use sea_orm::entity::prelude::*;

use crate::repository_access::AccessLevel;

/// A scope of classic tokens that holds a permission of the organization's own.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "permission_definition_scope")]
pub struct Model {
    /// The permission.
    #[sea_orm(primary_key, auto_increment = false)]
    pub definition_id: Uuid,
    /// The scope.
    #[sea_orm(primary_key, auto_increment = false)]
    pub scope: String,
    /// The level that the scope holds.
    pub level: AccessLevel,
}

/// Foreign keys are kept by the database; reads join by hand.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
