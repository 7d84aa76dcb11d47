//! A permission that a token request asks for.
use sea_orm::entity::prelude::*;

use crate::permission_definition::PermissionTarget;
use crate::repository_access::AccessLevel;

/// A permission that a token request asks for.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "token_request_permission")]
pub struct Model {
    /// The request.
    #[sea_orm(primary_key, auto_increment = false)]
    pub request_id: Uuid,
    /// What the permission is about.
    #[sea_orm(primary_key, auto_increment = false)]
    pub target: PermissionTarget,
    /// Its name in the permission catalogue.
    #[sea_orm(primary_key, auto_increment = false)]
    pub name: String,
    /// How much.
    pub level: AccessLevel,
}

/// Foreign keys are kept by the database; reads join by hand.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
