//! An organization whose people come from outside.
use sea_orm::entity::prelude::*;

/// How far a connected organization has come.
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
pub enum ConnectedOrganizationState {
    /// Somebody who may has said that it is connected.
    Configured,
    /// A request by somebody whom nobody knew has made it.
    Proposed,
}

/// An organization whose people come from outside.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "connected_organization")]
pub struct Model {
    /// The id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The organization that it is connected to.
    pub organization_id: Uuid,
    /// The name, unique among those of the organization.
    pub display_name: String,
    /// The name in the form that lists sort by.
    pub name_key: String,
    /// What it is.
    pub description: String,
    /// How far it has come.
    pub state: ConnectedOrganizationState,
    /// When a request made it; none: somebody entered it.
    pub proposed_at: Option<DateTimeUtc>,
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
