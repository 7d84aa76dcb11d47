//! What the people of a connected organization are known by.
use sea_orm::entity::prelude::*;

/// How somebody is known to be of a connected organization.
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
pub enum IdentityKind {
    /// Everybody whom an issuer vouches for.
    Issuer,
    /// Those of a tenant of an issuer.
    Tenant,
    /// Those with a verified e-mail address of a domain.
    Domain,
}

/// What the people of a connected organization are known by. Each belongs to one in its organization.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "identity_source")]
pub struct Model {
    /// The connected organization.
    #[sea_orm(primary_key, auto_increment = false)]
    pub connected_organization_id: Uuid,
    /// The place in the list.
    #[sea_orm(primary_key, auto_increment = false)]
    pub position: i32,
    /// The organization.
    pub organization_id: Uuid,
    /// How they are known.
    pub kind: IdentityKind,
    /// For `ISSUER` and `TENANT`: the `iss`; else empty.
    pub issuer: String,
    /// For `TENANT`: the claim that names the tenant; else empty.
    pub claim: String,
    /// For `TENANT`: the value of that claim. For `DOMAIN`: the domain in its canonical form. Else empty.
    pub value: String,
    /// For `DOMAIN`: the issuers that may vouch for an address of it, an array of texts.
    pub vouchers: Option<Json>,
}

/// Foreign keys are kept by the database; reads join by hand.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
