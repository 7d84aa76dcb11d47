//! The access that a person holds through a package.
use sea_orm::entity::prelude::*;

/// Where an assignment stands.
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
pub enum AssignmentState {
    /// Starts later.
    Scheduled,
    /// Is being carried out.
    Delivering,
    /// Holds some of its roles, or a repair of it failed.
    PartiallyDelivered,
    /// Holds all of its roles.
    Delivered,
    /// Holds none of its roles.
    DeliveryFailed,
    /// Is being taken away.
    Revoking,
    /// Is over.
    Ended,
}

/// The access that a person holds through a package.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "assignment")]
pub struct Model {
    /// The id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The organization.
    pub organization_id: Uuid,
    /// The package's catalog.
    pub catalog_id: Uuid,
    /// The package.
    pub access_package_id: Uuid,
    /// The policy it was made under.
    pub policy_id: Option<Uuid>,
    /// Who holds it.
    pub user_id: Uuid,
    /// The request that made it.
    pub request_id: Uuid,
    /// Where it stands.
    pub state: AssignmentState,
    /// When it starts.
    pub starts_at: DateTimeUtc,
    /// When it ends; none: never.
    pub expires_at: Option<DateTimeUtc>,
    /// When it was over.
    pub ended_at: Option<DateTimeUtc>,
    /// When the worker must look at it next: its start or its end.
    pub due_at: Option<DateTimeUtc>,
    /// Which worker holds it.
    pub lease: Option<Uuid>,
    /// How often it was taken up.
    pub attempt_count: i32,
    /// When it was made.
    pub created_at: DateTimeUtc,
    /// When a repair, or the delivery of a role that came to the package later, failed for good; `None` if none did, or
    /// the assignment is whole again.
    pub repair_failed_at: Option<DateTimeUtc>,
}

/// Foreign keys are kept by the database; reads join by hand.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
