//! A credential of a user, for programs.
use sea_orm::entity::prelude::*;

/// What an access token says about what it may do.
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
pub enum TokenKind {
    /// Repositories and permissions, which an organization grants.
    FineGrained,
    /// Scopes; no grant is needed.
    Classic,
}

/// Where a token, what it asks for and what it was granted are kept and decided.
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
pub enum TokenOrigin {
    /// Here.
    Guichet,
    /// At GitHub; here it was imported, and is only shown.
    Github,
}

/// A credential of a user, for programs.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "access_token")]
pub struct Model {
    /// The id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The organization of its owner.
    pub organization_id: Uuid,
    /// Whose it is.
    pub owner_id: Uuid,
    /// What it says about what it may do.
    pub kind: TokenKind,
    /// The name that its owner gave it.
    pub name: String,
    /// The public part of the secret, by which it is found.
    pub lookup: String,
    /// SHA-256 of the whole secret, in hexadecimal digits; the secret itself is not kept.
    pub secret_hash: String,
    /// The last four characters of the secret.
    pub last_four: String,
    /// When the current secret was made; its lifetime counts from here.
    pub issued_at: DateTimeUtc,
    /// When it ends by itself; none: never.
    pub expires_at: Option<DateTimeUtc>,
    /// When it was last used, to the minute.
    pub last_used_at: Option<DateTimeUtc>,
    /// When its owner gave it up, for good.
    pub revoked_at: Option<DateTimeUtc>,
    /// When the worker must end what hangs on it.
    pub due_at: Option<DateTimeUtc>,
    /// Raised by every change.
    pub version: i32,
    /// When it was made.
    pub created_at: DateTimeUtc,
    /// Where it is kept.
    pub origin: TokenOrigin,
    /// What its origin calls it; none for Guichet's own.
    pub external_id: Option<String>,
}

/// Foreign keys are kept by the database; reads join by hand.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
