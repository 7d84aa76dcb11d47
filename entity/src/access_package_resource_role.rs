//! A resource role that a package gives.
use sea_orm::entity::prelude::*;

/// A resource role that a package gives.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "access_package_resource_role")]
pub struct Model {
    /// The package.
    #[sea_orm(primary_key, auto_increment = false)]
    pub access_package_id: Uuid,
    /// The role.
    #[sea_orm(primary_key, auto_increment = false)]
    pub resource_role_id: Uuid,
    /// When it was added.
    pub created_at: DateTimeUtc,
}

/// Foreign keys are kept by the database; reads join by hand.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
