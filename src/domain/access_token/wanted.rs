//! What a fine-grained token is to be allowed, as it is asked for; and its judgement.

use std::collections::{BTreeMap, BTreeSet};

use entity::permission_definition::PermissionTarget;
use entity::repository_access::AccessLevel;
use entity::token_request::RepositorySelection;
use uuid::Uuid;

use super::MOST_REPOSITORIES;
use crate::authz::Scope;
use crate::domain::error::{Code, Error, Rejection};
use crate::domain::permission_catalog::Catalog;
use crate::domain::token_request::Reach;
use crate::store::{self, Access, Txn};

/// What a fine-grained token is to be allowed, as it is asked for.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// Which repositories.
    pub selection: RepositorySelection,
    /// The repositories of a subset; none where an id was garbage.
    pub repositories: Vec<Option<Uuid>>,
    /// The permissions.
    pub permissions: Vec<(PermissionTarget, String, AccessLevel)>,
}

impl Wanted {
    /// The reach that is asked for, where it can be.
    pub async fn check(&self, txn: &Txn, scope: &Scope, field: &str) -> Result<Reach, Error> {
        let refuse = |part: &str, code, message: String| {
            Error::from(Rejection::of(&format!("{field}.{part}"), code, message))
        };
        if self.selection != RepositorySelection::Subset && !self.repositories.is_empty() {
            let message = "`repositories` are named for the selection `SUBSET` only.".to_owned();
            return Err(refuse("repositories", Code::InvalidInput, message));
        }
        if self.selection == RepositorySelection::Subset && self.repositories.is_empty() {
            let message = "A subset names at least one repository.".to_owned();
            return Err(refuse("repositories", Code::EmptySelection, message));
        }
        if self.repositories.len() > MOST_REPOSITORIES {
            let message = format!("A subset names at most {MOST_REPOSITORIES} repositories.");
            return Err(refuse("repositories", Code::SelectionTooLarge, message));
        }
        let catalog = Catalog::new(store::permission_definition::of(txn, scope.organization).await?);
        let mut permissions = BTreeMap::new();
        for (target, name, level) in &self.permissions {
            if !catalog.offers(*target, name, *level) {
                let message = "The permission catalogue has no such permission, or not at this level; see `permissionCatalog`.";
                return Err(refuse("permissions", Code::UnknownPermission, message.to_owned()));
            }
            if self.selection == RepositorySelection::None && *target == PermissionTarget::Repository {
                let message = "A token without repositories has no permissions for them.".to_owned();
                return Err(refuse("permissions", Code::InvalidInput, message));
            }
            if permissions.insert((*target, name.clone()), *level).is_some() {
                let message = "Each permission is named once.".to_owned();
                return Err(refuse("permissions", Code::InvalidInput, message));
            }
        }
        let repositories: BTreeSet<Uuid> = self.repositories.iter().copied().flatten().collect();
        let named: Vec<Uuid> = repositories.iter().copied().collect();
        let found = if named.is_empty() {
            Vec::new()
        } else {
            store::repository::find(txn, Access::Visible(scope), &named).await?
        };
        if self.repositories.contains(&None) || found.len() != named.len() {
            let message = "One of these is no repository, or you may not see it.".to_owned();
            return Err(refuse("repositories", Code::NotFound, message));
        }
        Ok(Reach { selection: self.selection, repositories, permissions })
    }
}
