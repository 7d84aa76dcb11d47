//! A key that Guichet signs its own tokens with.
use sea_orm::entity::prelude::*;

/// A key that Guichet signs its own tokens with.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "signing_key")]
pub struct Model {
    /// The id; the `kid` of its tokens.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Counts the keys: of two servers that make one at once only one does.
    pub number: i32,
    /// The private key, PKCS #8, sealed by the operator's key.
    pub private_key: String,
    /// The public key, as a JWK.
    pub public_key: Json,
    /// When it was made.
    pub created_at: DateTimeUtc,
}

/// Foreign keys are kept by the database; reads join by hand.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
