//! A person as one issuer knows them, in one organization.
use sea_orm::entity::prelude::*;

/// Where a user comes from.
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
pub enum UserKind {
    /// Of the organization's own directory.
    Member,
    /// From outside.
    Guest,
}

/// Whether a user may act.
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
pub enum UserState {
    /// May sign in and hold access.
    Active,
    /// Refused; holds nothing.
    Deactivated,
}

/// How a guest who holds nothing any more has ended. Their state is `DEACTIVATED` then.
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
pub enum GuestEnd {
    /// They may not act until somebody unblocks them.
    Blocked,
    /// Their name and address were erased.
    Removed,
}

/// A person as one issuer knows them, in one organization.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "app_user")]
pub struct Model {
    /// The id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The organization.
    pub organization_id: Uuid,
    /// The `iss` of the person's tokens.
    pub issuer: String,
    /// The `sub` of the person at that issuer.
    pub subject: String,
    /// Member or guest.
    pub kind: UserKind,
    /// Whether the person may act.
    pub state: UserState,
    /// The name to show.
    pub display_name: String,
    /// The name in the form that lists sort by.
    pub name_key: String,
    /// The e-mail address, where known.
    pub email: Option<String>,
    /// Who the person reports to.
    pub manager_id: Option<Uuid>,
    /// The directory roles of the last sign-in: to address mail and find approvers, never to authorize.
    pub claimed_roles: Option<Json>,
    /// When those roles were last seen.
    pub claimed_at: Option<DateTimeUtc>,
    /// Since when the person may not act.
    pub deactivated_at: Option<DateTimeUtc>,
    /// Raised by every change.
    pub version: i32,
    /// When the person was first seen or made.
    pub created_at: DateTimeUtc,
    /// For guests: the connected organization that they come from, where it is known.
    pub connected_organization_id: Option<Uuid>,
    /// For guests: whether they were blocked or removed for holding nothing.
    pub guest_end: Option<GuestEnd>,
    /// When that was.
    pub guest_end_at: Option<DateTimeUtc>,
    /// When they were unblocked last.
    pub unblocked_at: Option<DateTimeUtc>,
}

/// Foreign keys are kept by the database; reads join by hand.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
