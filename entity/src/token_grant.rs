//! What an organization allows a token: what its request asked for.
use sea_orm::entity::prelude::*;

use crate::access_token::TokenOrigin;
use crate::token_request::RepositorySelection;

/// Where a grant stands.
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
pub enum TokenGrantState {
    /// In force.
    Active,
    /// Taken back by an owner of the organization.
    Revoked,
    /// Replaced by a later one.
    Superseded,
    /// The token's owner was deactivated; only a new approval brings it back.
    Suspended,
    /// The token expired or was given up.
    Ended,
}

/// What an organization allows a token: what its request asked for.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "token_grant")]
pub struct Model {
    /// The id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The organization.
    pub organization_id: Uuid,
    /// The token.
    pub token_id: Uuid,
    /// Whose token it is.
    pub owner_id: Uuid,
    /// The request: its repositories and permissions are the grant's.
    pub request_id: Uuid,
    /// Where it stands.
    pub state: TokenGrantState,
    /// Which repositories.
    pub repository_selection: RepositorySelection,
    /// Since when.
    pub granted_at: DateTimeUtc,
    /// Which owner granted it; none where nobody had to decide.
    pub granted_by_id: Option<Uuid>,
    /// When it stopped to be in force.
    pub ended_at: Option<DateTimeUtc>,
    /// Who ended it; nobody for Guichet itself.
    pub ended_by_id: Option<Uuid>,
    /// What an owner said when revoking it.
    pub end_reason: Option<String>,
    /// Where it is kept.
    pub origin: TokenOrigin,
    /// What its origin calls it; none for Guichet's own.
    pub external_id: Option<String>,
}

/// Foreign keys are kept by the database; reads join by hand.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
