//! The account that a user has at a remote system.
use sea_orm::entity::prelude::*;

/// Whether an account is in use.
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
pub enum RemoteAccountState {
    /// Guichet is about to create it; the remote may already have done so.
    Creating,
    /// It is the user's.
    Linked,
    /// The remote no longer has it.
    Gone,
    /// An administrator took it from the user.
    Unlinked,
}

/// How an account was found.
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
pub enum RemoteAccountOrigin {
    /// Guichet created it.
    Created,
    /// Its `externalId` is the user's Guichet id.
    ExternalId,
    /// Its login name is the user's.
    UserName,
    /// One of its e-mail addresses is the user's.
    Email,
    /// An administrator linked it.
    Linked,
}

/// The account that a user has at a remote system.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "remote_account")]
pub struct Model {
    /// The id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The organization.
    pub organization_id: Uuid,
    /// The remote system.
    pub system_id: Uuid,
    /// Whose account it is.
    pub user_id: Uuid,
    /// The remote's own id of it; none while it is being created.
    pub remote_id: Option<String>,
    /// The login name, as it was last seen or sent.
    pub user_name: Option<String>,
    /// Whether it is in use.
    pub state: RemoteAccountState,
    /// How it was found.
    pub origin: RemoteAccountOrigin,
    /// The administrator who linked it.
    pub linked_by_id: Option<Uuid>,
    /// The delivery that found or created it.
    pub delivery_id: Option<Uuid>,
    /// Raised by every change.
    pub version: i32,
    /// When it was found, or its creation began.
    pub created_at: DateTimeUtc,
    /// When it changed last.
    pub updated_at: DateTimeUtc,
}

/// Foreign keys are kept by the database; reads join by hand.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
