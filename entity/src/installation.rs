//! Facts about this database itself, such as whether it holds demo data.
use sea_orm::entity::prelude::*;

/// Facts about this database itself, such as whether it holds demo data.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "installation")]
pub struct Model {
    /// The name of the fact.
    #[sea_orm(primary_key, auto_increment = false)]
    pub key: String,
    /// The fact.
    pub value: String,
}

/// Foreign keys are kept by the database; reads join by hand.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
