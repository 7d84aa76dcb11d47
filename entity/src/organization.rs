//! A tenant: one directory of users with everything that it governs.
use sea_orm::entity::prelude::*;

/// What every member may do with every repository.
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
pub enum BaseLevel {
    /// Nothing beyond what the visibility of a repository allows.
    None,
    /// Read.
    Read,
    /// Read and change.
    Write,
    /// Read, change and administer.
    Admin,
}

/// Whether a kind of token reaches what is not public.
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
pub enum TokenAccess {
    /// It does.
    Allowed,
    /// It does not; what was granted comes back when it is allowed again.
    Restricted,
}

/// A tenant: one directory of users with everything that it governs.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "organization")]
pub struct Model {
    /// The id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The short name, unique on the server.
    pub slug: String,
    /// The name to show.
    pub display_name: String,
    /// How long after its first completion a request can be reprocessed (R2).
    pub reprocess_window_seconds: i64,
    /// Raised by every change.
    pub version: i32,
    /// When it was made.
    pub created_at: DateTimeUtc,
    /// What every member may do with every repository.
    pub base_level: BaseLevel,
    /// Whether fine-grained tokens reach what is not public.
    pub fine_grained_tokens: TokenAccess,
    /// Whether classic tokens reach what is not public.
    pub classic_tokens: TokenAccess,
    /// Whether an owner must approve what a fine-grained token asks for.
    pub token_approval_required: bool,
    /// The longest lifetime of a fine-grained token; none for no limit.
    pub fine_grained_lifetime_seconds: Option<i64>,
    /// The longest lifetime of a classic token; none for no limit.
    pub classic_lifetime_seconds: Option<i64>,
    /// Raised by every change of the token policy.
    pub token_policy_version: i32,
    /// A guest who holds and asks for nothing is blocked after this long.
    pub guest_block_after_seconds: i64,
    /// A guest who was blocked is removed after this long.
    pub guest_remove_after_seconds: i64,
    /// Whether people from outside may sign in by a code that is mailed to them.
    pub email_sign_in: bool,
}

/// Foreign keys are kept by the database; reads join by hand.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
