//! One action on many objects.
use sea_orm::entity::prelude::*;

/// Which action a bulk operation does.
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
pub enum BulkOperationKind {
    /// Reprocess access requests.
    ReprocessAccessRequests,
    /// Approve or deny access requests.
    ReviewAccessRequests,
    /// Approve or deny token requests.
    ReviewTokenRequests,
    /// Revoke token grants.
    RevokeTokenGrants,
    /// Approve or deny what waits in an inbox: access requests and token requests.
    SubmitDecisions,
    /// Assign a package to people.
    CreateAssignments,
    /// Revoke assignments.
    RevokeAssignments,
    /// Compare assignments with the target systems, and repair them.
    ReprocessAssignments,
}

/// Which way a review goes.
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
pub enum ReviewDecision {
    /// Yes.
    Approve,
    /// No.
    Deny,
}

/// Where a bulk operation stands.
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
pub enum BulkOperationState {
    /// Goes on in the background.
    Running,
    /// Every item has its outcome.
    Completed,
    /// Given up: its starter was deactivated.
    Stopped,
}

/// One action on many objects.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "bulk_operation")]
pub struct Model {
    /// The id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The organization.
    pub organization_id: Uuid,
    /// Which action.
    pub kind: BulkOperationKind,
    /// Where it stands.
    pub state: BulkOperationState,
    /// Whether it only says what would happen.
    pub dry_run: bool,
    /// Where the starter might act when it was accepted: ids of catalogs; none: in all of them.
    pub catalogs: Option<Json>,
    /// How many objects were selected.
    pub total_count: i32,
    /// For how many the action was done.
    pub accepted_count: i32,
    /// For how many it was refused.
    pub rejected_count: i32,
    /// The first item that is not yet done.
    pub next_position: i32,
    /// Who started it.
    pub started_by_id: Uuid,
    /// When it was accepted.
    pub started_at: DateTimeUtc,
    /// When the last item was done.
    pub finished_at: Option<DateTimeUtc>,
    /// When the worker must go on with it.
    pub due_at: Option<DateTimeUtc>,
    /// Which worker holds it.
    pub lease: Option<Uuid>,
    /// How often it was taken up.
    pub attempt_count: i32,
    /// Which way its review goes; none for other actions.
    pub decision: Option<ReviewDecision>,
    /// What its starter said, for those whom it is about.
    pub reason: Option<String>,
}

/// Foreign keys are kept by the database; reads join by hand.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
