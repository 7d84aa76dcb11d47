//! One person's request to get, extend or give up a package.
use sea_orm::entity::prelude::*;

/// What an access request asks for.
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
pub enum AccessRequestType {
    /// A user asks to get a package.
    UserAdd,
    /// A user asks to keep it longer.
    UserExtend,
    /// A user gives it up.
    UserRemove,
    /// An administrator assigns it.
    AdminAdd,
    /// An administrator takes it away.
    AdminRemove,
    /// Guichet takes it away: expiry or deactivation.
    SystemRemove,
}

/// Where an access request stands.
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
pub enum AccessRequestState {
    /// Taken in, not yet routed.
    Submitted,
    /// Waits for a decision.
    PendingApproval,
    /// Decided; starts later.
    Scheduled,
    /// The access is being carried out.
    Delivering,
    /// Everything was carried out.
    Delivered,
    /// Some of it was carried out, the rest failed for good.
    PartiallyDelivered,
    /// Nothing of it was carried out.
    DeliveryFailed,
    /// Refused by an approver, or nobody decided in time.
    Denied,
    /// Withdrawn.
    Canceled,
}

/// One person's request to get, extend or give up a package.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "access_request")]
pub struct Model {
    /// The id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The organization.
    pub organization_id: Uuid,
    /// The package's catalog, kept here because lists are scoped by it.
    pub catalog_id: Uuid,
    /// The package.
    pub access_package_id: Uuid,
    /// The policy it was made under; none for removals.
    pub policy_id: Option<Uuid>,
    /// That policy as it was at submission; never changed.
    pub policy_snapshot: Option<Json>,
    /// Whose access it is about.
    pub requestor_id: Uuid,
    /// Who made it; nobody for the system.
    pub submitted_by_id: Option<Uuid>,
    /// The assignment it made or is about.
    pub assignment_id: Option<Uuid>,
    /// What it asks for.
    pub kind: AccessRequestType,
    /// Where it stands.
    pub state: AccessRequestState,
    /// Why it was asked for.
    pub justification: Option<String>,
    /// The start that was asked for.
    pub requested_start: Option<DateTimeUtc>,
    /// The end that was asked for.
    pub requested_end: Option<DateTimeUtc>,
    /// When it was made.
    pub submitted_at: DateTimeUtc,
    /// The first completion; written once; the reprocess window counts from it (R2).
    pub completed_at: Option<DateTimeUtc>,
    /// The latest completion; none while it is being delivered.
    pub last_completed_at: Option<DateTimeUtc>,
    /// The number of the last event of its history.
    pub event_count: i32,
    /// The answers to the policy's questions; none: none were given.
    pub answers: Option<Json>,
    /// The signed link that it was made with.
    pub signed_link_id: Option<Uuid>,
}

/// Foreign keys are kept by the database; reads join by hand.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
