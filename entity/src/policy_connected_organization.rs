//! A connected organization whose people a policy names as requestors.
use sea_orm::entity::prelude::*;

/// A connected organization whose people a policy names as requestors.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "policy_connected_organization")]
pub struct Model {
    /// The policy.
    #[sea_orm(primary_key, auto_increment = false)]
    pub policy_id: Uuid,
    /// The connected organization.
    #[sea_orm(primary_key, auto_increment = false)]
    pub connected_organization_id: Uuid,
}

/// Foreign keys are kept by the database; reads join by hand.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
