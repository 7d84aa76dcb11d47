//! An endpoint that is told of token requests.
use sea_orm::entity::prelude::*;

/// An endpoint that is told of token requests.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "webhook")]
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
    /// Where it listens.
    pub url: String,
    /// What its events are signed with, sealed.
    pub secret: String,
    /// Whether events go out.
    pub enabled: bool,
    /// Who made it.
    pub created_by_id: Uuid,
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
