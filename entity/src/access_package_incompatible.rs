//! A package that whoever holds another one may not request.
use sea_orm::entity::prelude::*;

/// A package that whoever holds another one may not request; in this direction only.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "access_package_incompatible")]
pub struct Model {
    /// The package that cannot be requested.
    #[sea_orm(primary_key, auto_increment = false)]
    pub access_package_id: Uuid,
    /// The package that stands against it.
    #[sea_orm(primary_key, auto_increment = false)]
    pub incompatible_id: Uuid,
}

/// Foreign keys are kept by the database; reads join by hand.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
