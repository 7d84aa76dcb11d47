//! A catalog role that a user holds by assignment.
use sea_orm::entity::prelude::*;

/// A role that is limited to catalogs.
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
pub enum CatalogRole {
    /// Everything in the catalog.
    CatalogOwner,
    /// Sees packages, resources and policies.
    CatalogReader,
    /// Manages packages, policies and requests.
    AccessPackageManager,
    /// Manages requests and assignments.
    AccessPackageAssignmentManager,
}

/// A catalog role that a user holds by assignment.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "catalog_role_assignment")]
pub struct Model {
    /// The id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The organization.
    pub organization_id: Uuid,
    /// Where the role holds.
    pub catalog_id: Uuid,
    /// Who holds it.
    pub user_id: Uuid,
    /// Which role.
    pub role: CatalogRole,
    /// Who gave it; nobody for the system.
    pub created_by_id: Option<Uuid>,
    /// When it was given.
    pub created_at: DateTimeUtc,
}

/// Foreign keys are kept by the database; reads join by hand.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
