//! What a token asks to be allowed in an organization: the whole of it; never changed.
use sea_orm::entity::prelude::*;

use crate::access_token::TokenOrigin;

/// Where a token request stands.
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
pub enum TokenRequestState {
    /// Waits for an owner of the organization.
    Pending,
    /// Granted.
    Approved,
    /// Refused by an owner.
    Denied,
    /// Withdrawn, or overtaken.
    Canceled,
    /// The token expired before anybody decided.
    Expired,
}

/// Which repositories a token reaches.
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
pub enum RepositorySelection {
    /// Public ones only, to read.
    None,
    /// Every one of the organization, later ones too.
    All,
    /// Those that it names.
    Subset,
}

/// Why nobody had to decide.
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
pub enum AutomaticReason {
    /// The token is an owner's own.
    Owner,
    /// The organization asks for no approval.
    ApprovalNotRequired,
    /// It reaches nothing but what is public.
    PublicOnly,
    /// It asks for nothing beyond what was granted before.
    Narrowed,
}

/// Why a request was cancelled.
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
pub enum CancelReason {
    /// The token's owner withdrew it.
    Requester,
    /// The token's owner asked for something else.
    Superseded,
    /// The token was given up.
    TokenRevoked,
    /// The token's owner was deactivated.
    MemberLeft,
    /// What the token had been granted was revoked.
    GrantRevoked,
}

/// What a token asks to be allowed in an organization: the whole of it; never changed.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "token_request")]
pub struct Model {
    /// The id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The organization that is asked.
    pub organization_id: Uuid,
    /// The token.
    pub token_id: Uuid,
    /// Whose token it is.
    pub owner_id: Uuid,
    /// Where it stands.
    pub state: TokenRequestState,
    /// Why the token's owner asks.
    pub justification: Option<String>,
    /// Which repositories.
    pub repository_selection: RepositorySelection,
    /// The request of the same token before this one.
    pub follows_id: Option<Uuid>,
    /// The request whose grant was in force when this one was made: what it differs from.
    pub base_id: Option<Uuid>,
    /// Why nobody had to decide; none where somebody did, or must.
    pub automatic_reason: Option<AutomaticReason>,
    /// Why it was cancelled.
    pub cancel_reason: Option<CancelReason>,
    /// Which owner decided.
    pub reviewed_by_id: Option<Uuid>,
    /// When it was approved or denied.
    pub reviewed_at: Option<DateTimeUtc>,
    /// What the owner said about it.
    pub review_reason: Option<String>,
    /// When it stopped to wait.
    pub closed_at: Option<DateTimeUtc>,
    /// When it was made.
    pub created_at: DateTimeUtc,
    /// The number of the last event of its history.
    pub event_count: i32,
    /// Where it is decided.
    pub origin: TokenOrigin,
    /// What its origin calls it; none for Guichet's own, and for one that only its grant tells of.
    pub external_id: Option<String>,
    /// When the token ends, and with it what still waits; none where it does not, and for what was imported.
    pub expires_at: Option<DateTimeUtc>,
}

/// Foreign keys are kept by the database; reads join by hand.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
