//! What a token may do in an organization, or asks to be allowed.

use std::collections::{BTreeMap, BTreeSet};

use entity::permission_definition::PermissionTarget;
use entity::repository_access::AccessLevel;
use entity::token_request::RepositorySelection;
use entity::{token_request_permission, token_request_repository};
use uuid::Uuid;

use crate::store::database::Connection;
use crate::store::{self, StoreError};

/// What a token may do in an organization, or asks to be allowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reach {
    /// Which repositories.
    pub selection: RepositorySelection,
    /// The repositories of a subset.
    pub repositories: BTreeSet<Uuid>,
    /// The permissions, each with its level.
    pub permissions: BTreeMap<(PermissionTarget, String), AccessLevel>,
}

/// A permission that differs between two reaches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PermissionChange {
    /// What it is about.
    pub target: PermissionTarget,
    /// Its name.
    pub name: String,
    /// How much it was; none where it is new.
    pub from: Option<AccessLevel>,
    /// How much it is; none where it goes.
    pub to: Option<AccessLevel>,
}

/// How the repositories of two reaches differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RepositoryChanges {
    /// The selection before; none where there was nothing before.
    pub from: Option<RepositorySelection>,
    /// The selection after.
    pub to: RepositorySelection,
    /// The repositories that are named now and were not.
    pub added: Vec<Uuid>,
    /// The repositories that were named and are not now.
    pub removed: Vec<Uuid>,
}

impl Reach {
    /// What these requests ask for; each is answered.
    pub async fn of(
        connection: &impl Connection,
        requests: &[(Uuid, RepositorySelection)],
    ) -> Result<Vec<(Uuid, Self)>, StoreError> {
        let ids: Vec<Uuid> = requests.iter().map(|(id, _)| *id).collect();
        let permissions = store::token_request::permissions(connection, &ids).await?;
        let permissions = store::grouped(&permissions, |row| row.request_id);
        let repositories = store::token_request::repositories(connection, &ids).await?;
        let repositories = store::grouped(&repositories, |row| row.request_id);
        let reach = |(id, selection): &(Uuid, RepositorySelection)| {
            let own = permissions.get(id).into_iter().flatten().copied();
            let named = repositories.get(id).into_iter().flatten().copied();
            (*id, Self::from_rows(*selection, named, own))
        };
        Ok(requests.iter().map(reach).collect())
    }

    /// The reach that these rows of one request make.
    pub fn from_rows<'a>(
        selection: RepositorySelection,
        repositories: impl IntoIterator<Item = &'a token_request_repository::Model>,
        permissions: impl IntoIterator<Item = &'a token_request_permission::Model>,
    ) -> Self {
        let permission = |row: &token_request_permission::Model| ((row.target, row.name.clone()), row.level);
        Self {
            selection,
            repositories: repositories.into_iter().map(|row| row.repository_id).collect(),
            permissions: permissions.into_iter().map(permission).collect(),
        }
    }

    /// Whether it reaches nothing but what is public.
    #[must_use]
    pub fn is_public_only(&self) -> bool {
        self.selection == RepositorySelection::None
            && self.permissions.keys().all(|(target, _)| *target == PermissionTarget::Repository)
    }

    /// Whether everything that `other` allows is allowed by this one, too.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        let repositories = match (self.selection, other.selection) {
            (RepositorySelection::All, _) | (_, RepositorySelection::None) => true,
            (RepositorySelection::Subset, RepositorySelection::Subset) => {
                other.repositories.is_subset(&self.repositories)
            }
            (RepositorySelection::None, RepositorySelection::Subset | RepositorySelection::All)
            | (RepositorySelection::Subset, RepositorySelection::All) => false,
        };
        let permitted = |(key, level): (&(PermissionTarget, String), &AccessLevel)| {
            self.permissions.get(key).is_some_and(|own| own >= level)
        };
        repositories && other.permissions.iter().all(permitted)
    }

    /// The permissions that differ from what was before, by target and name.
    #[must_use]
    pub fn permission_changes(&self, before: Option<&Self>) -> Vec<PermissionChange> {
        let nothing = BTreeMap::new();
        let before = before.map_or(&nothing, |before| &before.permissions);
        let names: BTreeSet<_> = before.keys().chain(self.permissions.keys()).collect();
        let change = |key: &(PermissionTarget, String)| {
            let (from, to) = (before.get(key).copied(), self.permissions.get(key).copied());
            (from != to).then(|| PermissionChange { target: key.0, name: key.1.clone(), from, to })
        };
        names.into_iter().filter_map(change).collect()
    }

    /// How the repositories differ from what was before.
    #[must_use]
    pub fn repository_changes(&self, before: Option<&Self>) -> RepositoryChanges {
        let nothing = BTreeSet::new();
        let named = before.map_or(&nothing, |before| &before.repositories);
        RepositoryChanges {
            from: before.map(|before| before.selection),
            to: self.selection,
            added: self.repositories.difference(named).copied().collect(),
            removed: named.difference(&self.repositories).copied().collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn reach() -> impl Strategy<Value = Reach> {
        let selection = prop_oneof![
            Just(RepositorySelection::None),
            Just(RepositorySelection::All),
            Just(RepositorySelection::Subset)
        ];
        let level = prop_oneof![Just(AccessLevel::Read), Just(AccessLevel::Write), Just(AccessLevel::Admin)];
        let target = prop_oneof![Just(PermissionTarget::Organization), Just(PermissionTarget::Repository)];
        let permissions = prop::collection::btree_map((target, "[a-c]"), level, 0..5);
        let repositories = prop::collection::btree_set((1..5u128).prop_map(Uuid::from_u128), 1..4);
        (selection, repositories, permissions).prop_map(|(selection, repositories, permissions)| Reach {
            selection,
            repositories: if selection == RepositorySelection::Subset {
                repositories
            } else {
                BTreeSet::new()
            },
            permissions,
        })
    }

    /// Whether a reach allows this much of a permission in one of the four repositories, counted by hand.
    fn allows(reach: &Reach, repository: Uuid, name: &str, level: AccessLevel) -> bool {
        let named = match reach.selection {
            RepositorySelection::None => false,
            RepositorySelection::All => true,
            RepositorySelection::Subset => reach.repositories.contains(&repository),
        };
        let key = (PermissionTarget::Repository, name.to_owned());
        named && reach.permissions.get(&key).is_some_and(|own| *own >= level)
    }

    proptest! {
        #[test]
        fn what_covers_another_allows_everything_that_it_allows(one in reach(), other in reach()) {
            if one.covers(&other) {
                for repository in (1..5u128).map(Uuid::from_u128) {
                    for name in ["a", "b", "c"] {
                        for level in [AccessLevel::Read, AccessLevel::Write, AccessLevel::Admin] {
                            prop_assert!(allows(&one, repository, name, level) || !allows(&other, repository, name, level));
                        }
                    }
                }
            }
        }

        #[test]
        fn covering_is_an_order(one in reach(), other in reach(), third in reach()) {
            prop_assert!(one.covers(&one));
            if one.covers(&other) && other.covers(&one) {
                prop_assert_eq!(&one, &other);
            }
            if one.covers(&other) && other.covers(&third) {
                prop_assert!(one.covers(&third));
            }
        }

        #[test]
        fn the_changes_lead_from_one_to_the_other(before in reach(), after in reach()) {
            let mut permissions = before.permissions.clone();
            for change in after.permission_changes(Some(&before)) {
                prop_assert_ne!(change.from, change.to);
                let key = (change.target, change.name);
                prop_assert_eq!(permissions.get(&key).copied(), change.from);
                match change.to {
                    Some(level) => permissions.insert(key, level),
                    None => permissions.remove(&key),
                };
            }
            prop_assert_eq!(permissions, after.permissions.clone());
            let changes = after.repository_changes(Some(&before));
            let mut repositories = before.repositories.clone();
            repositories.extend(changes.added);
            for removed in changes.removed {
                prop_assert!(repositories.remove(&removed));
            }
            prop_assert_eq!(repositories, after.repositories);
        }
    }
}
