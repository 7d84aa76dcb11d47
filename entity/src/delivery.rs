//! The carrying out of one resource role for one request at one target system.
use sea_orm::entity::prelude::*;

/// What a delivery does.
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
pub enum DeliveryOperation {
    /// Gives the role.
    Add,
    /// Takes the role.
    Remove,
    /// Gives the role again where it is missing.
    Repair,
    /// Looks whether the role is there.
    Compare,
}

/// Where a delivery stands.
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
pub enum DeliveryState {
    /// Waits for its next attempt.
    Pending,
    /// Is being tried now.
    InProgress,
    /// Done.
    Succeeded,
    /// Given up until reprocessed.
    Failed,
    /// No longer wanted.
    Canceled,
}

/// What a delivery that succeeded found.
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
pub enum DeliveryResult {
    /// The remote was changed.
    Changed,
    /// It was already as wanted.
    AlreadySo,
    /// Left: another assignment holds the role.
    StillNeeded,
    /// Left: it was there before Guichet gave it.
    ExistedBefore,
    /// Skipped: the role is no longer in the package.
    NoLongerWanted,
    /// It is not there; nothing was changed.
    Missing,
    /// Nothing to take: the remote no longer has the account.
    AccountGone,
    /// Nothing to take: the remote no longer has the target.
    TargetGone,
    /// Somebody who manages connectors declared it done.
    ResolvedManually,
}

/// Why a delivery failed.
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
pub enum DeliveryErrorCode {
    /// The remote asked to slow down.
    RemoteThrottled,
    /// The remote did not answer in time.
    RemoteTimeout,
    /// The remote could not be reached, or failed.
    RemoteUnavailable,
    /// The remote refused the credential.
    RemoteAuthFailed,
    /// The remote does not know the person and cannot make them.
    PrincipalNotFound,
    /// The remote does not know the resource.
    ResourceNotFound,
    /// The resource has no such role.
    RoleNotFound,
    /// The remote changed meanwhile.
    Conflict,
    /// The remote refused the change.
    RejectedByRemote,
    /// The remote cannot do this.
    NotSupported,
    /// The connector's settings cannot work.
    ConnectorMisconfigured,
    /// The person has no account at the remote, and none is known from before.
    AccountNotFound,
    /// The remote has the account, but cannot give it access yet.
    AccountNotReady,
    /// The account that was found belongs to another user.
    AccountAlreadyLinked,
    /// The account is switched off at the remote, and Guichet did not make it.
    AccountInactive,
    /// The remote said that it made the change, and still shows the opposite.
    ChangeNotMade,
    /// Guichet failed; the log says more.
    Internal,
}

/// The carrying out of one resource role for one request at one target system.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "delivery")]
pub struct Model {
    /// The id; later ones sort later.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The organization.
    pub organization_id: Uuid,
    /// The request.
    pub request_id: Uuid,
    /// The assignment it serves.
    pub assignment_id: Uuid,
    /// Whose access.
    pub user_id: Uuid,
    /// The role to give or take.
    pub resource_role_id: Uuid,
    /// What carries it out.
    pub connector_id: Uuid,
    /// What it does.
    pub operation: DeliveryOperation,
    /// Where it stands.
    pub state: DeliveryState,
    /// What a success found.
    pub result: Option<DeliveryResult>,
    /// Whether the access was there before the first add.
    pub existed_before: Option<bool>,
    /// Attempts over all rounds.
    pub attempt_count: i32,
    /// Attempts since the last reprocess.
    pub attempt_in_round: i32,
    /// 1, raised by every reprocess.
    pub round: i32,
    /// The end of this round's retry budget, which the first try begins; `None` before it, and for removals, which are
    /// never given up.
    pub retry_until: Option<DateTimeUtc>,
    /// Until when the remote asked us to wait; a reprocess does not go before it.
    pub hold_until: Option<DateTimeUtc>,
    /// When it is to be tried next.
    pub due_at: Option<DateTimeUtc>,
    /// Which worker holds it.
    pub lease: Option<Uuid>,
    /// The last failure's kind.
    pub error_code: Option<DeliveryErrorCode>,
    /// The remote's own words, secrets removed.
    pub error_message: Option<String>,
    /// Whether waiting can help.
    pub error_retryable: Option<bool>,
    /// The remote's status.
    pub error_status: Option<i32>,
    /// When it last failed.
    pub error_at: Option<DateTimeUtc>,
    /// When it was queued first.
    pub created_at: DateTimeUtc,
    /// When it ended last.
    pub completed_at: Option<DateTimeUtc>,
    /// For repairing and comparing: the operation that asked for it.
    pub bulk_operation_id: Option<Uuid>,
    /// What is given or taken; none only for a delivery that an older server has just queued.
    pub grant_id: Option<Uuid>,
}

/// Foreign keys are kept by the database; reads join by hand.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
