//! Give a user a role in a catalog. Giving what is held already changes nothing.

use entity::app_user::UserKind;
use entity::catalog_role_assignment::{self, CatalogRole};
use uuid::Uuid;

use crate::authz::permission::action::AssignCatalogRole;
use crate::authz::{Permit, Role};
use crate::domain::{Attempt, Command, Error, catalog, confirm, user};
use crate::id::Kind;
use crate::store::audit_event::{self, Event};
use crate::store::{self, Txn};

/// Give a role.
pub struct Assign {
    /// The permit.
    pub permit: Permit<AssignCatalogRole>,
    /// The catalog; none where the id was garbage.
    pub catalog: Option<Uuid>,
    /// Who gets it; none where the id was garbage.
    pub user: Option<Uuid>,
    /// Which role.
    pub role: CatalogRole,
}

impl Command for Assign {
    type Output = Uuid;

    fn attempt(&self) -> Attempt {
        Attempt::with(&self.permit, self.catalog.map(|id| (Kind::Catalog, id)))
    }

    async fn run(&self, txn: &Txn) -> Result<Uuid, Error> {
        let allowed = confirm(txn, &self.permit).await?;
        let actor = self.permit.actor();
        let member = user::find_active(txn, actor.organization, "user", self.user).await;
        let catalog =
            catalog::get_allowed(txn, self.permit.scope(), &allowed, "catalog", self.catalog).await?;
        let member = member?;
        if member.kind != UserKind::Member {
            return Err(user::not_found("user").into());
        }
        if let Some(held) = store::catalog::find_role(txn, catalog.id, member.id, self.role).await? {
            return Ok(held);
        }
        let id = txn.id();
        txn.insert(catalog_role_assignment::Model {
            id,
            organization_id: actor.organization,
            catalog_id: catalog.id,
            user_id: member.id,
            role: self.role,
            created_by_id: Some(actor.user),
            created_at: txn.now(),
        })
        .await?;
        txn.changes_access();
        let event = Event::by(&actor, "catalog_role.assigned", Kind::CatalogRoleAssignment, id);
        let details = serde_json::json!({
            "catalog": Kind::Catalog.text(catalog.id),
            "user": Kind::User.text(member.id),
            "role": Role::from(self.role).name(),
        });
        audit_event::record(txn, &event.with(details)).await?;
        Ok(id)
    }
}
