//! One step in the history of a request; never changed or deleted.
use sea_orm::entity::prelude::*;

use crate::access_request::AccessRequestState;

/// What happened to a request.
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
pub enum AccessRequestAction {
    /// It was made.
    Submitted,
    /// It went to its approvers.
    ApprovalRequested,
    /// An approver agreed.
    Approved,
    /// An approver refused.
    Denied,
    /// Nobody decided in time.
    TimedOut,
    /// Whoever assigned it passed the approvers by.
    ApprovalBypassed,
    /// It waits for its start.
    Scheduled,
    /// Its deliveries were queued.
    DeliveryStarted,
    /// Everything was carried out.
    Delivered,
    /// Some deliveries failed for good.
    PartiallyDelivered,
    /// All deliveries failed for good.
    DeliveryFailed,
    /// Its failed deliveries were queued again.
    Reprocessed,
    /// Its waiting deliveries were made due at once.
    RetriedNow,
    /// It was withdrawn.
    Canceled,
}

/// One step in the history of a request; never changed or deleted.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "access_request_event")]
pub struct Model {
    /// The request.
    #[sea_orm(primary_key, auto_increment = false)]
    pub request_id: Uuid,
    /// 1, 2, 3, … within the request.
    #[sea_orm(primary_key, auto_increment = false)]
    pub seq: i32,
    /// When.
    pub at: DateTimeUtc,
    /// What happened.
    pub action: AccessRequestAction,
    /// The state before; none for the first.
    pub from_state: Option<AccessRequestState>,
    /// The state after.
    pub to_state: AccessRequestState,
    /// Who did it; nobody for the system.
    pub actor_id: Option<Uuid>,
    /// Why, in the actor's words or as a code.
    pub reason: Option<String>,
    /// The bulk operation through which it was done.
    pub bulk_operation_id: Option<Uuid>,
}

/// Foreign keys are kept by the database; reads join by hand.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
