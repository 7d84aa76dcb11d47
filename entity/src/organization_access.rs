//! What a user may do in the organization itself, beyond what every member may.
use sea_orm::entity::prelude::*;

use crate::repository_access::AccessLevel;

/// What a user may do in the organization itself, beyond what every member may.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "organization_access")]
pub struct Model {
    /// The organization.
    #[sea_orm(primary_key, auto_increment = false)]
    pub organization_id: Uuid,
    /// The user.
    #[sea_orm(primary_key, auto_increment = false)]
    pub user_id: Uuid,
    /// How much they may do; `ADMIN` is everything, in every repository, too.
    pub level: AccessLevel,
    /// When it was given.
    pub updated_at: DateTimeUtc,
}

/// Foreign keys are kept by the database; reads join by hand.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
