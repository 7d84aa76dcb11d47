//! Which packages exclude a package: who holds one of them cannot get it.

use std::collections::BTreeSet;

use uuid::Uuid;

use super::{get_allowed, not_found};
use crate::authz::Permit;
use crate::authz::permission::action::EditPackage;
use crate::domain::input::Checks;
use crate::domain::{Attempt, Code, Command, Error, Rejection, confirm};
use crate::id::Kind;
use crate::store::audit_event::{self, Event};
use crate::store::{self, Access, Txn};

/// The most packages that exclude one.
const MOST: usize = 50;

/// Say which packages exclude a package. What overlaps already stays, and can be listed.
pub struct SetIncompatible {
    /// The permit.
    pub permit: Permit<EditPackage>,
    /// The package; none where the id was garbage.
    pub id: Option<Uuid>,
    /// All that exclude it; an id that was garbage is nil.
    pub against: Vec<Uuid>,
}

impl Command for SetIncompatible {
    type Output = Uuid;

    fn attempt(&self) -> Attempt {
        Attempt::with(&self.permit, self.id.map(|id| (Kind::AccessPackage, id)))
    }

    async fn run(&self, txn: &Txn) -> Result<Uuid, Error> {
        let allowed = confirm(txn, &self.permit).await?;
        let scope = self.permit.scope();
        let package = get_allowed(txn, scope, &allowed, "accessPackage", self.id).await?;
        let field = "incompatibleAccessPackages";
        if self.against.len() > MOST {
            let message = "At most 50 packages can exclude a package.";
            return Err(Rejection::of(field, Code::InvalidInput, message).into());
        }
        let include = store::access_package::Include::default();
        let seen = store::access_package::find(txn, Access::Visible(scope), &self.against, include).await?;
        let seen: BTreeSet<Uuid> = seen.iter().map(|row| row.package.id).collect();
        let mut checks = Checks::default();
        for (place, id) in self.against.iter().enumerate() {
            let path = format!("{field}.{place}");
            checks.refuse_if(*id == package.id, || {
                Rejection::of(&path, Code::InvalidInput, "A package does not exclude itself.")
            });
            checks.refuse_if(!seen.contains(id), || not_found(&path));
        }
        checks.done()?;
        let before = store::incompatible::get(txn, package.id).await?;
        let after: Vec<Uuid> = seen.into_iter().collect();
        if before == after {
            return Ok(package.id);
        }
        store::incompatible::set(txn, package.id, &after).await?;
        store::access_package::touch(txn, package.id).await?;
        let texts = |ids: &[Uuid]| ids.iter().map(|id| Kind::AccessPackage.text(*id)).collect::<Vec<_>>();
        let details = serde_json::json!({ "from": texts(&before), "to": texts(&after) });
        let actor = self.permit.actor();
        let event = Event::by(&actor, "access_package.incompatible_set", Kind::AccessPackage, package.id);
        audit_event::record(txn, &event.with(details)).await?;
        Ok(package.id)
    }
}
