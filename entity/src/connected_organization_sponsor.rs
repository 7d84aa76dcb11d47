//! A user who stands for a connected organization.
use sea_orm::entity::prelude::*;

/// A user who stands for a connected organization: a member from inside, or a guest from there.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "connected_organization_sponsor")]
pub struct Model {
    /// The connected organization.
    #[sea_orm(primary_key, auto_increment = false)]
    pub connected_organization_id: Uuid,
    /// The user.
    #[sea_orm(primary_key, auto_increment = false)]
    pub user_id: Uuid,
}

/// Foreign keys are kept by the database; reads join by hand.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
