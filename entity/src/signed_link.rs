//! A link to a package that was handed out, with its secret.
use sea_orm::entity::prelude::*;

/// A link to a package that was handed out, with its secret.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "signed_link")]
pub struct Model {
    /// The id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The organization.
    pub organization_id: Uuid,
    /// The package that it leads to.
    pub access_package_id: Uuid,
    /// What it is for.
    pub label: String,
    /// The public part of the secret, to find the link by.
    pub lookup: String,
    /// SHA-256 of the secret.
    pub secret_hash: String,
    /// The connected organization whose people alone may use it; none: everybody whom a policy admits.
    pub connected_organization_id: Option<Uuid>,
    /// When it ends; none: never.
    pub expires_at: Option<DateTimeUtc>,
    /// How many requests can be made with it; none: any number.
    pub maximum_uses: Option<i32>,
    /// How many requests were made with it.
    pub uses: i32,
    /// How often it was looked at.
    pub openings: i64,
    /// Who made it.
    pub created_by_id: Uuid,
    /// When it was made.
    pub created_at: DateTimeUtc,
    /// When it was revoked.
    pub revoked_at: Option<DateTimeUtc>,
    /// Who revoked it.
    pub revoked_by_id: Option<Uuid>,
}

/// Foreign keys are kept by the database; reads join by hand.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
