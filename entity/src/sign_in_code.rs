//! The newest code that was made for an address, to sign in with once.
use sea_orm::entity::prelude::*;

/// The newest code that was made for an address, to sign in with once.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "sign_in_code")]
pub struct Model {
    /// The organization that it lets into.
    #[sea_orm(primary_key, auto_increment = false)]
    pub organization_id: Uuid,
    /// The address, in its canonical form.
    #[sea_orm(primary_key, auto_increment = false)]
    pub address: String,
    /// The code's own id: another one for each code.
    pub id: Uuid,
    /// The code, sealed by the operator's key.
    pub code: String,
    /// When it ends.
    pub expires_at: DateTimeUtc,
    /// How often it can still be tried; 0 when it was used, is dead, or was never to be used.
    pub tries_left: i32,
    /// When the codes that are counted together were first asked for.
    pub asked_at: DateTimeUtc,
    /// How many were asked for since.
    pub ask_count: i32,
    /// When its mail is to be sent; none when it was, or is not to be.
    pub due_at: Option<DateTimeUtc>,
    /// Which worker sends it.
    pub lease: Option<Uuid>,
    /// How often that was tried.
    pub attempt_count: i32,
}

/// Foreign keys are kept by the database; reads join by hand.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
