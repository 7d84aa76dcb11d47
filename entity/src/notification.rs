//! Something that a person is told, with the mail that goes with it.
use sea_orm::entity::prelude::*;

/// What a notification is about.
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
pub enum NotificationKind {
    /// A request of the receiver's token was approved.
    TokenRequestApproved,
    /// A request of the receiver's token was denied.
    TokenRequestDenied,
    /// What the receiver's token had been granted was taken back.
    TokenGrantRevoked,
    /// A token of the receiver ends soon.
    TokenExpiring,
    /// The token requests that wait for the receiver.
    TokenRequestDigest,
    /// An access request waits for the receiver's decision.
    ApprovalPending,
    /// An access request of the receiver was approved.
    AccessRequestApproved,
    /// An access request of the receiver was denied.
    AccessRequestDenied,
    /// An access request of the receiver was withdrawn by Guichet.
    AccessRequestWithdrawn,
    /// An assignment of the receiver ends soon.
    AssignmentExpiring,
    /// Somebody took an assignment of the receiver away.
    AssignmentRevoked,
    /// What somebody added to a package could not be given to people who held it.
    PackageRoleFailed,
}

/// Where the mail of a notification stands.
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
pub enum MailState {
    /// There is none.
    None,
    /// Waits for its first or next attempt.
    Pending,
    /// A mail server has taken it.
    Sent,
    /// Given up.
    Failed,
}

/// Why the last attempt to send a mail failed.
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
pub enum MailErrorCode {
    /// The mail server could not be reached, or broke off.
    Unreachable,
    /// The mail server did not answer in time.
    TimedOut,
    /// There is no trusted TLS with the mail server.
    TlsFailed,
    /// The mail server does not accept the user and password.
    LoginFailed,
    /// The mail server refused it for now (4xx).
    RefusedForNow,
    /// The mail server refused it for good (5xx).
    Rejected,
    /// The receiver's address cannot be used.
    BadAddress,
    /// It could not be sent within its time.
    Expired,
    /// Guichet failed; the log says more.
    Internal,
}

/// Something that a person is told, with the mail that goes with it.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "notification")]
pub struct Model {
    /// The id; the mail's `Message-ID` is made of it.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The organization.
    pub organization_id: Uuid,
    /// Who is told.
    pub user_id: Uuid,
    /// What it is about.
    pub kind: NotificationKind,
    /// The prefix of the ids of the object that it is about.
    pub subject_type: Option<String>,
    /// The object that it is about.
    pub subject_id: Option<Uuid>,
    /// What it tells, as it was then.
    pub content: Json,
    /// When it happened.
    pub created_at: DateTimeUtc,
    /// When the receiver marked it as read.
    pub read_at: Option<DateTimeUtc>,
    /// Where its mail stands.
    pub mail_state: MailState,
    /// How often the mail was tried.
    pub attempt_count: i32,
    /// When it is to be tried next.
    pub due_at: Option<DateTimeUtc>,
    /// Which worker holds it.
    pub lease: Option<Uuid>,
    /// Why the last attempt failed; none after a success.
    pub error_code: Option<MailErrorCode>,
    /// The mail server's own words.
    pub error_message: Option<String>,
    /// The mail server's status.
    pub error_status: Option<i32>,
    /// When it last failed.
    pub error_at: Option<DateTimeUtc>,
    /// When a mail server took it.
    pub sent_at: Option<DateTimeUtc>,
}

/// Foreign keys are kept by the database; reads join by hand.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
