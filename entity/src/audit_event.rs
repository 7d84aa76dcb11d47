//! One change, or one refused privileged attempt; never changed or deleted, but given its place in the chain.
use sea_orm::entity::prelude::*;

/// Whether an audited action was done.
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
pub enum AuditOutcome {
    /// It was done.
    Done,
    /// It was refused.
    Refused,
}

/// One change, or one refused privileged attempt; never changed or deleted.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "audit_event")]
pub struct Model {
    /// The id; later ones sort later.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The organization.
    pub organization_id: Uuid,
    /// When.
    pub at: DateTimeUtc,
    /// Who; nobody for the system.
    pub actor_id: Option<Uuid>,
    /// What was done, for example `access_package.created`.
    pub action: String,
    /// Whether it was done.
    pub outcome: AuditOutcome,
    /// The kind of object, as its id prefix.
    pub target_type: Option<String>,
    /// The object.
    pub target_id: Option<Uuid>,
    /// The call to the server through which it was done.
    pub request_id: Option<Uuid>,
    /// What changed: before and after, ids and codes.
    pub details: Option<Json>,
    /// Its place in the organization's chain, from 1; none until it is sealed.
    pub sequence: Option<i64>,
    /// When it was sealed.
    pub sealed_at: Option<DateTimeUtc>,
    /// The hash of the event before it in the chain; none of the first.
    pub previous_hash: Option<String>,
    /// The SHA-256 of its canonical form, in hexadecimal digits.
    pub hash: Option<String>,
}

/// Foreign keys are kept by the database; reads join by hand.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
