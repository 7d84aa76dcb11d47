//! Who may request a package, who approves, and for how long.
use sea_orm::entity::prelude::*;

/// Who may request under a policy.
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
pub enum RequestorScope {
    /// The users that are named.
    SpecificUsers,
    /// All members of the organization.
    AllMembers,
    /// All members and guests.
    AllUsers,
    /// The users of the connected organizations that are named.
    SpecificConnectedOrganizations,
    /// The users of all configured connected organizations.
    AllConnectedOrganizations,
    /// Everybody from outside.
    AllExternalUsers,
    /// Nobody; administrators assign directly.
    Nobody,
}

/// How assignments under a policy end.
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
pub enum ExpirationKind {
    /// They do not.
    Never,
    /// A fixed time after their start.
    AfterDuration,
    /// All on one date.
    OnDate,
}

/// Whether holders may ask to keep an assignment longer.
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
pub enum Extension {
    /// They may not.
    NotAllowed,
    /// They may, and nobody has to decide.
    WithoutApproval,
    /// They may, through the stages of the policy.
    WithApproval,
}

/// Who may request a package, who approves, and for how long.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "assignment_policy")]
pub struct Model {
    /// The id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The organization.
    pub organization_id: Uuid,
    /// The package.
    pub access_package_id: Uuid,
    /// The name, unique in its package.
    pub display_name: String,
    /// The name in the form that lists sort by.
    pub name_key: String,
    /// What it is for.
    pub description: String,
    /// Who may request.
    pub requestor_scope: RequestorScope,
    /// Whether a request must say why.
    pub justification_required: bool,
    /// Whether new requests are taken.
    pub enabled: bool,
    /// How assignments end.
    pub expiration: ExpirationKind,
    /// For `AFTER_DURATION`: how long an assignment lasts.
    pub expiration_seconds: Option<i64>,
    /// For `ON_DATE`: when every assignment ends.
    pub expiration_at: Option<DateTimeUtc>,
    /// How many stages decide, 0 to 3.
    pub approval_stage_count: i32,
    /// Raised by every change.
    pub version: i32,
    /// When it was made.
    pub created_at: DateTimeUtc,
    /// When it was deleted.
    pub deleted_at: Option<DateTimeUtc>,
    /// What a request has to answer, in order; none: nothing.
    pub questions: Option<Json>,
    /// Whether a request may choose its start and end.
    pub custom_schedule: bool,
    /// Whether managers may request for those who report to them.
    pub managers_may_request: bool,
    /// Whether holders may ask to keep their assignment longer.
    pub extension: Extension,
    /// Whether a request must come by a signed link.
    pub requires_signed_link: bool,
}

/// Foreign keys are kept by the database; reads join by hand.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
