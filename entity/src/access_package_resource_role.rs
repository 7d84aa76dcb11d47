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
    /// When it was added; the same for all that one change added.
    pub created_at: DateTimeUtc,
    /// Who added it; `None` if an earlier release did not record it.
    pub added_by_id: Option<Uuid>,
    /// When it first could not be given, for good, to somebody who held the package before; `None` if it always could.
    pub delivery_failed_at: Option<DateTimeUtc>,
}

/// Foreign keys are kept by the database; reads join by hand.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
