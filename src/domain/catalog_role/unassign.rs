//! Take a role in a catalog away. The last owner may go: administrators remain.

use uuid::Uuid;

use crate::authz::permission::action::AssignCatalogRole;
use crate::authz::{Permit, Role};
use crate::domain::{Attempt, Code, Command, Error, Rejection, approval, confirm};
use crate::id::Kind;
use crate::store::approval::Leaving;
use crate::store::audit_event::{self, Event};
use crate::store::catalog::RoleRow;
use crate::store::{self, Txn};

/// Take a role away.
pub struct Unassign {
    /// The permit.
    pub permit: Permit<AssignCatalogRole>,
    /// The assignment; none where the id was garbage.
    pub id: Option<Uuid>,
}

impl Command for Unassign {
    type Output = RoleRow;

    fn attempt(&self) -> Attempt {
        Attempt::with(&self.permit, self.id.map(|id| (Kind::CatalogRoleAssignment, id)))
    }

    async fn run(&self, txn: &Txn) -> Result<RoleRow, Error> {
        let allowed = confirm(txn, &self.permit).await?;
        let actor = self.permit.actor();
        let id = self.id.ok_or_else(not_found)?;
        let named = store::catalog::named_roles(txn, actor.organization, &[id]).await?;
        let row = named.into_iter().next().ok_or_else(not_found)?;
        if !allowed.contain(row.held.catalog_id) {
            let visible = store::catalog::find_roles(txn, self.permit.scope(), &[id]).await?;
            return Err(if visible.is_empty() { not_found() } else { forbidden() }.into());
        }
        if !store::catalog::delete_role(txn, id).await? {
            return Err(not_found().into());
        }
        txn.changes_access();
        // They decide nothing any more for that role's sake.
        let leaving = Leaving::Role(row.held.role, row.held.catalog_id);
        approval::open::leave(txn, actor.organization, row.held.user_id, leaving).await?;
        let event = Event::by(&actor, "catalog_role.unassigned", Kind::CatalogRoleAssignment, id);
        let details = serde_json::json!({
            "catalog": Kind::Catalog.text(row.held.catalog_id),
            "user": Kind::User.text(row.held.user_id),
            "role": Role::from(row.held.role).name(),
        });
        audit_event::record(txn, &event.with(details)).await?;
        Ok(row)
    }
}

fn not_found() -> Rejection {
    Rejection::of("id", Code::NotFound, "There is no such role assignment, or you may not see it.")
}

fn forbidden() -> Rejection {
    Rejection::of("id", Code::Forbidden, "You hold no role in this catalog that allows this.")
}
