//! A named bundle of resource roles, requestable as one.
use sea_orm::entity::prelude::*;

/// A named bundle of resource roles, requestable as one.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "access_package")]
pub struct Model {
    /// The id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The organization.
    pub organization_id: Uuid,
    /// The catalog.
    pub catalog_id: Uuid,
    /// The name, unique in its catalog.
    pub display_name: String,
    /// The name in the form that lists sort by.
    pub name_key: String,
    /// What it gives and for whom.
    pub description: String,
    /// Not listed to requestors; its id still opens it for those whom a policy admits.
    pub hidden: bool,
    /// Raised by every change.
    pub version: i32,
    /// When it was made.
    pub created_at: DateTimeUtc,
    /// When it was deleted.
    pub deleted_at: Option<DateTimeUtc>,
}

/// Foreign keys are kept by the database; reads join by hand.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
