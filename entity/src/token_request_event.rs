//! One step in the history of a token request; never changed or deleted.
use sea_orm::entity::prelude::*;

use crate::token_request::TokenRequestState;

/// What happened to a token request.
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
pub enum TokenRequestAction {
    /// It was made.
    Created,
    /// An owner agreed.
    Approved,
    /// Nobody had to decide.
    ApprovedAutomatically,
    /// An owner refused.
    Denied,
    /// It was withdrawn, or overtaken.
    Canceled,
    /// The token expired before anybody decided.
    Expired,
    /// What it was granted was revoked.
    GrantRevoked,
    /// What it was granted was replaced.
    GrantSuperseded,
    /// What it was granted was suspended: the token's owner was deactivated.
    GrantSuspended,
    /// What it was granted ended with the token.
    GrantEnded,
}

/// One step in the history of a token request; never changed or deleted.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "token_request_event")]
pub struct Model {
    /// The request.
    #[sea_orm(primary_key, auto_increment = false)]
    pub request_id: Uuid,
    /// 1, 2, 3, … within the request.
    #[sea_orm(primary_key, auto_increment = false)]
    pub seq: i32,
    /// When.
    pub at: DateTimeUtc,
    /// What happened.
    pub action: TokenRequestAction,
    /// The state before; none for the first.
    pub from_state: Option<TokenRequestState>,
    /// The state after.
    pub to_state: TokenRequestState,
    /// Who did it; nobody for the system.
    pub actor_id: Option<Uuid>,
    /// Why, in the actor's words or as a code.
    pub reason: Option<String>,
    /// The bulk operation through which it was done.
    pub bulk_operation_id: Option<Uuid>,
}

/// Foreign keys are kept by the database; reads join by hand.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
