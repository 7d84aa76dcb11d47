//! What performs deliveries at a target system.
use sea_orm::entity::prelude::*;

/// A protocol for deliveries.
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
pub enum ConnectorKind {
    /// Groups kept inside Guichet.
    Directory,
    /// SCIM 2.0 (RFC 7644).
    Scim,
}

/// What was last seen of a remote.
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
pub enum ConnectorHealth {
    /// Not tried yet.
    Unknown,
    /// The last call got an answer.
    Healthy,
    /// The last call got none, or was refused.
    Failing,
}

/// What a user's login name at a remote is.
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
pub enum AccountName {
    /// The e-mail address.
    Email,
    /// The e-mail address before its `@`.
    EmailLocalPart,
    /// The `sub` of the user at their issuer.
    Subject,
    /// The user's Guichet id.
    UserId,
}

/// What performs deliveries at a target system.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "connector")]
pub struct Model {
    /// The id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The organization.
    pub organization_id: Uuid,
    /// Which protocol it speaks.
    pub kind: ConnectorKind,
    /// The name, unique among the organization's connectors.
    pub display_name: String,
    /// The name in the form that lists sort by.
    pub name_key: String,
    /// Where the remote answers, for kinds that have one.
    pub base_url: Option<String>,
    /// The remote's credential, encrypted.
    pub secret: Option<String>,
    /// Whether deliveries go out; otherwise they wait.
    pub enabled: bool,
    /// What was last seen of the remote.
    pub health: ConnectorHealth,
    /// The remote's own words, when it failed.
    pub health_message: Option<String>,
    /// When it was last seen.
    pub health_checked_at: Option<DateTimeUtc>,
    /// Network failures since the last success; the breaker opens at five.
    pub failures_in_row: i32,
    /// Raised by every change.
    pub version: i32,
    /// When it was made.
    pub created_at: DateTimeUtc,
    /// When it was deleted.
    pub deleted_at: Option<DateTimeUtc>,
    /// The remote system that it leads to; none only for a connector that an older server has just made.
    pub remote_system_id: Option<Uuid>,
    /// What a user's login name is there.
    pub account_name: AccountName,
    /// Whether accounts are also looked for by their e-mail addresses.
    pub match_by_email: bool,
}

/// Foreign keys are kept by the database; reads join by hand.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
