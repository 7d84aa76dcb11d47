//! A protected resource of the organization that tokens reach.
use sea_orm::entity::prelude::*;

/// Who may read a repository without any access of their own.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    EnumIter,
    DeriveActiveEnum,
    serde::Serialize,
    serde::Deserialize,
)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "SCREAMING_SNAKE_CASE")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Visibility {
    /// Everybody, also without a token.
    Public,
    /// Every member of the organization.
    Internal,
    /// Nobody but those who have access.
    Private,
}

/// A protected resource of the organization that tokens reach.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "repository")]
pub struct Model {
    /// The id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The organization.
    pub organization_id: Uuid,
    /// The name, unique in the organization in any case.
    pub name: String,
    /// The name in the form that lists sort by.
    pub name_key: String,
    /// What it holds.
    pub description: String,
    /// Who may read it without any access of their own.
    pub visibility: Visibility,
    /// Its id at the resource server.
    pub origin_id: Option<String>,
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
