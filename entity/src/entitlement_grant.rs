//! What Guichet gave a user at a remote system.
use sea_orm::entity::prelude::*;

/// Who gave the access first.
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
pub enum EntitlementGrantOrigin {
    /// Guichet gave it.
    Given,
    /// The user had it before Guichet first gave it.
    Existed,
    /// The remote does not show its members: nobody knows whether the user had it before.
    Unknown,
}

/// Whether the access is at the remote.
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
pub enum EntitlementGrantState {
    /// Nothing is there that Guichet gave.
    Absent,
    /// A write that gives it was sent, and may have been carried out.
    Giving,
    /// It is there.
    Held,
}

/// What Guichet gave a user at a remote system: one role of one target.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "entitlement_grant")]
pub struct Model {
    /// The id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The organization.
    pub organization_id: Uuid,
    /// The remote system.
    pub system_id: Uuid,
    /// The remote's id of the target, for example of a group.
    pub target: String,
    /// The role at the remote, for example `member`.
    pub role: String,
    /// Whose access it is.
    pub user_id: Uuid,
    /// The account that has it, once it is known; none for `DIRECTORY`.
    pub account_id: Option<Uuid>,
    /// Who gave it first.
    pub origin: EntitlementGrantOrigin,
    /// Whether it is at the remote.
    pub state: EntitlementGrantState,
    /// When the remote last showed that `state` is true; none if it never did.
    pub confirmed_at: Option<DateTimeUtc>,
    /// When it was first wanted.
    pub created_at: DateTimeUtc,
    /// When it changed last.
    pub updated_at: DateTimeUtc,
}

/// Foreign keys are kept by the database; reads join by hand.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
