//! Direct assignment: the rule, for one person and for many.
//!
//! What is the same for all is checked once and refuses the whole ([`Direct::judge`]); [`judge`] is the one rule for
//! each person. Then [`Direct::assign`] makes the requests of those who were accepted, as a set.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use entity::access_request::AccessRequestType;
use entity::app_user::UserState;
use entity::{access_package, assignment_policy};
use uuid::Uuid;

use crate::authz::permission::action::Assign;
use crate::authz::{Actor, Catalogs, Permission, Permit};
use crate::domain::access_request::make::{Common, make};
use crate::domain::access_request::plan::{Asked, Content, content};
use crate::domain::error::{Code, Error, Rejection};
use crate::domain::user as people;
use crate::store::access_package::Include;
use crate::store::assignment_policy::StageRow;
use crate::store::{self, Access, Txn};

/// What is assigned, and how.
pub struct Direct {
    /// The permit.
    pub permit: Permit<Assign>,
    /// The package; none where the id was garbage.
    pub package: Option<Uuid>,
    /// The policy; none where the id was garbage.
    pub policy: Option<Uuid>,
    /// What is asked for besides.
    pub asked: Asked,
    /// Whether the policy's stages are passed by.
    pub bypass_approval: bool,
}

/// Everything that the verdict on one person depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Facts {
    /// Whether it is the one who assigns.
    pub oneself: bool,
    /// Why the person may not hold access, if so.
    pub inactive: Option<Code>,
    /// Whether the policy's scope is for the person.
    pub fits: bool,
    /// Whether the person holds the package, or will.
    pub holds: bool,
    /// Whether a request of the person for the package is open.
    pub open: bool,
    /// Whether the person holds or has requested a package that excludes it.
    pub incompatible: bool,
}

/// Judges whether one person can be assigned the package: the first reason that applies against it.
pub const fn judge(facts: Facts) -> Result<(), Code> {
    if facts.oneself {
        Err(Code::SelfAssignment)
    } else if let Some(code) = facts.inactive {
        Err(code)
    } else if !facts.fits {
        Err(Code::NotRequestable)
    } else if facts.holds {
        Err(Code::AlreadyAssigned)
    } else if facts.open {
        Err(Code::RequestOpen)
    } else if facts.incompatible {
        Err(Code::IncompatiblePackage)
    } else {
        Ok(())
    }
}

/// What holds for everybody, and the verdict on each person; those who are not found have none.
pub struct Judged {
    /// The terms of the assignments.
    pub terms: Terms,
    /// The verdicts.
    pub verdicts: HashMap<Uuid, Result<(), Code>>,
}

/// What is the same for everybody; all of it was checked.
pub struct Terms {
    package: Arc<access_package::Model>,
    policy: Arc<assignment_policy::Model>,
    stages: Vec<StageRow>,
    content: Content,
}

fn missing(field: &str, what: &str) -> Rejection {
    Rejection::of(field, Code::NotFound, format!("There is no such {what}, or you may not see it."))
}

impl Direct {
    fn actor(&self) -> Actor {
        self.permit.actor()
    }

    /// Locks the people, checks what is the same for all, and judges each: a fixed number of statements.
    pub async fn judge(&self, txn: &Txn, allowed: &Catalogs, people: &[Uuid]) -> Result<Judged, Error> {
        let organization = self.actor().organization;
        let no_package = || missing("accessPackage", "package");
        let id = self.package.ok_or_else(no_package)?;
        let visible = Access::Visible(self.permit.scope());
        let found = store::access_package::find(txn, visible, &[id], Include::default()).await?;
        let package = found.into_iter().next().ok_or_else(no_package)?.package;
        if !allowed.contain(package.catalog_id) {
            let message = "You hold no role in this package's catalog that allows this.";
            return Err(Rejection::of("accessPackage", Code::Forbidden, message).into());
        }
        // People before packages: the order in which everybody locks them.
        let users = store::user::lock(txn, organization, people).await?;
        if !store::access_package::hold(txn, id).await? {
            return Err(no_package().into());
        }
        let terms = self.terms(txn, package).await?;
        let fitting = store::assignment_policy::fitting(txn, &terms.policy, &users).await?;
        let pairs: Vec<(Uuid, Uuid)> = users.iter().map(|user| (user.id, id)).collect();
        let held = store::assignment::lock_current_of(txn, &pairs).await?;
        let holding: HashSet<Uuid> =
            held.iter().filter(|row| super::holds(row)).map(|row| row.user_id).collect();
        let open = store::access_request::with_open(txn, id, people).await?;
        let excluded = store::incompatible::standing(txn, &pairs).await?;
        let excluded: HashSet<Uuid> = excluded.into_iter().map(|(user, ..)| user).collect();
        let verdict = |user: &entity::app_user::Model| {
            let facts = Facts {
                oneself: user.id == self.actor().user,
                inactive: (user.state != UserState::Active)
                    .then(|| people::inactive("user", user.guest_end).code),
                fits: fitting.contains(&user.id),
                holds: holding.contains(&user.id),
                open: open.contains(&user.id),
                incompatible: excluded.contains(&user.id),
            };
            (user.id, judge(facts))
        };
        let verdicts = users.iter().map(verdict).collect();
        Ok(Judged { terms, verdicts })
    }

    async fn terms(&self, txn: &Txn, package: Arc<access_package::Model>) -> Result<Terms, Error> {
        let named = Access::Named(self.actor().organization);
        let catalogs = store::catalog::find(txn, named, &[package.catalog_id]).await?;
        if !catalogs.iter().any(|catalog| catalog.enabled) {
            let message = "The package's catalog is disabled: nothing in it can be assigned.";
            return Err(Rejection::of("accessPackage", Code::NotRequestable, message).into());
        }
        let no_policy = || missing("policy", "policy of this package");
        let id = self.policy.ok_or_else(no_policy)?;
        let policies = store::assignment_policy::find(txn, named, &[id]).await?;
        let policy = policies
            .into_iter()
            .find(|policy| policy.access_package_id == package.id && policy.deleted_at.is_none())
            .ok_or_else(no_policy)?;
        if self.bypass_approval {
            let roles = store::user::catalog_roles(txn, self.actor().user).await?;
            // Who may take the stages out of the policy may also pass them by, and says why.
            let may = self.permit.catalogs_of(Permission::ManagePackages, roles);
            if !may.contain(package.catalog_id) {
                let message =
                    "Only those who manage the catalog's packages pass approvers by. Assign without it.";
                return Err(Rejection::of("bypassApproval", Code::Forbidden, message).into());
            }
        }
        let content = content(&policy, &self.asked, txn.now())?;
        if self.bypass_approval && content.justification.is_none() {
            let message =
                "Say why the approvers are passed by; it is kept in the history and the audit trail.";
            return Err(Rejection::of("justification", Code::JustificationRequired, message).into());
        }
        let stages = match policy.approval_stage_count {
            0 => Vec::new(),
            _ => store::assignment_policy::stages(txn, &[policy.id]).await?,
        };
        Ok(Terms { package, policy, stages, content })
    }

    /// Makes the requests of people who were accepted: pairs of the new request and the person.
    pub async fn assign(
        &self,
        txn: &Txn,
        terms: &Terms,
        people: &[(Uuid, Uuid)],
        bulk_operation: Option<Uuid>,
    ) -> Result<(), Error> {
        let common = Common {
            actor: self.actor(),
            kind: AccessRequestType::AdminAdd,
            catalog: terms.package.catalog_id,
            policy: &terms.policy,
            stages: &terms.stages,
            bypass_approval: self.bypass_approval,
            content: &terms.content,
            times: self.asked.times,
            assignment: None,
            bulk_operation,
            signed_link: None,
        };
        make(txn, &common, people).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_reason_that_applies_is_given() {
        let mut facts = Facts {
            oneself: true,
            inactive: Some(Code::UserBlocked),
            fits: false,
            holds: true,
            open: true,
            incompatible: true,
        };
        assert_eq!(judge(facts), Err(Code::SelfAssignment));
        facts.oneself = false;
        assert_eq!(judge(facts), Err(Code::UserBlocked));
        facts.inactive = None;
        assert_eq!(judge(facts), Err(Code::NotRequestable));
        facts.fits = true;
        assert_eq!(judge(facts), Err(Code::AlreadyAssigned));
        facts.holds = false;
        assert_eq!(judge(facts), Err(Code::RequestOpen));
        facts.open = false;
        assert_eq!(judge(facts), Err(Code::IncompatiblePackage));
        facts.incompatible = false;
        assert_eq!(judge(facts), Ok(()));
    }
}
