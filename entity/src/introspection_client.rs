//! A resource server that may ask about tokens.
use sea_orm::entity::prelude::*;

/// A resource server that may ask about tokens.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "introspection_client")]
pub struct Model {
    /// The id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The organization.
    pub organization_id: Uuid,
    /// The name to show.
    pub display_name: String,
    /// The name in the form that lists sort by.
    pub name_key: String,
    /// SHA-256 of its secret, in hexadecimal digits.
    pub secret_hash: String,
    /// Who registered it.
    pub created_by_id: Uuid,
    /// When it was registered.
    pub created_at: DateTimeUtc,
    /// When it was deleted.
    pub deleted_at: Option<DateTimeUtc>,
}

/// Foreign keys are kept by the database; reads join by hand.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
