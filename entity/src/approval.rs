//! One stage of the approval of an access request.
use sea_orm::entity::prelude::*;

/// Where a stage of approval stands.
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
pub enum ApprovalState {
    /// Waits for one of its approvers.
    Pending,
    /// An approver agreed.
    Approved,
    /// An approver refused.
    Denied,
    /// Nobody decided in time.
    TimedOut,
    /// The request was withdrawn.
    Canceled,
}

/// One stage of the approval of an access request. Made when its turn comes.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "approval")]
pub struct Model {
    /// The id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The organization.
    pub organization_id: Uuid,
    /// The request.
    pub request_id: Uuid,
    /// 0, 1 or 2: the place of the stage.
    pub position: i32,
    /// Where it stands.
    pub state: ApprovalState,
    /// Whether the decision must say why.
    pub justification_required: bool,
    /// When its turn came.
    pub opened_at: DateTimeUtc,
    /// Until when it can be decided.
    pub expires_at: DateTimeUtc,
    /// When the worker must look at it next: its alternates' time, or its end; none when it is over.
    pub due_at: Option<DateTimeUtc>,
    /// When it was over.
    pub closed_at: Option<DateTimeUtc>,
    /// Who decided.
    pub decided_by_id: Option<Uuid>,
    /// What they said about it.
    pub justification: Option<String>,
    /// When the alternates may decide, too; none: there are none, or they may already.
    pub alternates_at: Option<DateTimeUtc>,
    /// Whether the requestor sees who may decide.
    pub approvers_visible: bool,
}

/// Foreign keys are kept by the database; reads join by hand.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
