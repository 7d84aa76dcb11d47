//! The permission catalogue: which permissions tokens can hold, and what classic scopes stand for.
//!
//! It is data: GitHub's names in [`defaults`], and what an organization adds in the database. What is not
//! in the catalogue gives nothing, also where a token was granted it before.

pub mod create;
mod defaults;
pub mod delete;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::LazyLock;

use entity::permission_definition::PermissionTarget;
use entity::repository_access::AccessLevel;

use crate::store::permission_definition::Row;
use defaults::Holds;

/// A permission that tokens can hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Definition {
    /// What it is about.
    pub target: PermissionTarget,
    /// The name that tokens ask for.
    pub name: Cow<'static, str>,
    /// What it allows.
    pub description: Cow<'static, str>,
    /// The lowest level that can be asked for.
    pub lowest: AccessLevel,
    /// The highest level that can be asked for.
    pub highest: AccessLevel,
    /// Whether only those use it who administer the target; it never opens what is public.
    pub administrative: bool,
    /// Whether the organization added it itself.
    pub own: bool,
}

impl Definition {
    /// Whether the permission can be asked for at this level.
    #[must_use]
    pub fn has(&self, level: AccessLevel) -> bool {
        (self.lowest..=self.highest).contains(&level)
    }

    /// The levels, lowest first.
    #[must_use]
    pub fn levels(&self) -> Vec<AccessLevel> {
        let all = [AccessLevel::Read, AccessLevel::Write, AccessLevel::Admin];
        all.into_iter().filter(|level| self.has(*level)).collect()
    }

    /// How much of it somebody may do who has this access to the target.
    #[must_use]
    pub fn within(&self, access: Option<AccessLevel>) -> Option<AccessLevel> {
        let level = match access? {
            AccessLevel::Admin if self.administrative => self.highest,
            AccessLevel::Read | AccessLevel::Write if self.administrative => return None,
            access => access.min(self.highest),
        };
        (level >= self.lowest).then_some(level)
    }

    /// What a token has of it that holds `granted`, for somebody with this access to the target.
    #[must_use]
    pub fn effective(
        &self,
        granted: Option<AccessLevel>,
        access: Option<AccessLevel>,
    ) -> Option<AccessLevel> {
        let level = granted?.min(self.within(access)?);
        (level >= self.lowest).then_some(level)
    }
}

/// What comes with Guichet, sorted by target and name.
static USUAL: LazyLock<Vec<Definition>> = LazyLock::new(|| {
    let define = |usual: &defaults::Default| Definition {
        target: usual.target,
        name: usual.name.into(),
        description: usual.description.into(),
        lowest: usual.lowest,
        highest: usual.highest,
        administrative: usual.administrative,
        own: false,
    };
    let mut all: Vec<_> = defaults::PERMISSIONS.iter().map(define).collect();
    all.sort_by(|one, other| (one.target, &one.name).cmp(&(other.target, &other.name)));
    all
});

/// The permissions of one organization.
#[derive(Clone, Debug, Default)]
pub struct Catalog {
    own: Vec<Definition>,
    /// What scopes hold of the organization's own permissions: by scope, places in `own`.
    scopes: BTreeMap<String, Vec<(usize, AccessLevel)>>,
}

impl Catalog {
    /// The catalogue of an organization with these additions.
    #[must_use]
    pub fn new(rows: Vec<Row>) -> Self {
        let mut catalog = Self::default();
        for Row { definition, scopes } in rows {
            for (scope, level) in scopes {
                catalog.scopes.entry(scope).or_default().push((catalog.own.len(), level));
            }
            catalog.own.push(Definition {
                target: definition.target,
                name: definition.name.into(),
                description: definition.description.into(),
                lowest: definition.lowest,
                highest: definition.highest,
                administrative: definition.administrative,
                own: true,
            });
        }
        catalog
    }

    /// Every permission, the usual ones first.
    pub fn all(&self) -> impl Iterator<Item = &Definition> {
        USUAL.iter().chain(&self.own)
    }

    /// The permission of this name.
    #[must_use]
    pub fn find(&self, target: PermissionTarget, name: &str) -> Option<&Definition> {
        match USUAL.binary_search_by(|known| (known.target, &*known.name).cmp(&(target, name))) {
            Ok(at) => USUAL.get(at),
            Err(_) => self.own.iter().find(|known| known.target == target && known.name == name),
        }
    }

    /// Whether a permission can be asked for at this level.
    #[must_use]
    pub fn offers(&self, target: PermissionTarget, name: &str, level: AccessLevel) -> bool {
        self.find(target, name).is_some_and(|known| known.has(level))
    }

    /// The names of the classic scopes, sorted.
    #[must_use]
    pub fn scopes(&self) -> Vec<&str> {
        let own = self.scopes.keys().map(String::as_str).filter(|name| !is_usual_scope(name));
        let mut all: Vec<&str> = defaults::SCOPES.iter().map(|(name, _)| *name).chain(own).collect();
        all.sort_unstable();
        all
    }

    /// Whether classic tokens can have this scope.
    #[must_use]
    pub fn has_scope(&self, name: &str) -> bool {
        is_usual_scope(name) || self.scopes.contains_key(name)
    }

    /// The scopes that hold a permission somewhere, each with the level.
    #[must_use]
    pub fn scopes_of(&self, definition: &Definition) -> Vec<(&str, AccessLevel)> {
        let held = |scope| Some((scope, self.held(std::slice::from_ref(&scope), definition, true)?));
        self.scopes().into_iter().filter_map(held).collect()
    }

    /// At which level these classic scopes hold a permission: for a target that is public, or is not.
    #[must_use]
    pub fn held<S: AsRef<str>>(
        &self,
        scopes: &[S],
        definition: &Definition,
        is_public: bool,
    ) -> Option<AccessLevel> {
        let usual = |scope: &str| {
            let at = defaults::SCOPES.binary_search_by_key(&scope, |(name, _)| name).ok()?;
            let every =
                || definition.target == PermissionTarget::Repository && definition.name != "workflows";
            let level = |holds: &Holds| match holds {
                Holds::One(target, name, level) => {
                    (*target == definition.target && *name == definition.name).then_some(*level)
                }
                Holds::EveryRepository => (!definition.own && every()).then_some(definition.highest),
                Holds::EveryPublicRepository => {
                    (!definition.own && is_public && every()).then_some(definition.highest)
                }
            };
            defaults::SCOPES.get(at)?.1.iter().filter_map(level).max()
        };
        let own = |scope: &str| {
            let held = self.scopes.get(scope)?.iter();
            held.filter(|(at, _)| self.own.get(*at) == Some(definition)).map(|(_, level)| *level).max()
        };
        scopes.iter().filter_map(|scope| usual(scope.as_ref()).max(own(scope.as_ref()))).max()
    }
}

fn is_usual_scope(name: &str) -> bool {
    defaults::SCOPES.binary_search_by_key(&name, |(known, _)| known).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_permissions_and_scopes_are_in_order() {
        for pair in USUAL.windows(2) {
            assert_ne!((pair[0].target, &pair[0].name), (pair[1].target, &pair[1].name));
        }
        for pair in defaults::SCOPES.windows(2) {
            assert!(pair[0].0 < pair[1].0, "{} stands before {}", pair[0].0, pair[1].0);
        }
        for known in USUAL.iter() {
            assert!(known.lowest <= known.highest, "{}", known.name);
            assert!(Catalog::default().find(known.target, &known.name).is_some(), "{}", known.name);
        }
        for (scope, holds) in &defaults::SCOPES {
            for one in *holds {
                if let Holds::One(target, name, level) = one {
                    assert!(Catalog::default().offers(*target, name, *level), "{scope}: {name}");
                }
            }
        }
    }

    #[test]
    fn a_level_holds_those_before_it_and_administration_is_for_administrators() {
        let catalog = Catalog::default();
        let issues = catalog.find(PermissionTarget::Repository, "issues").unwrap();
        let secrets = catalog.find(PermissionTarget::Repository, "secrets").unwrap();
        let workflows = catalog.find(PermissionTarget::Repository, "workflows").unwrap();
        let (read, write, admin) =
            (Some(AccessLevel::Read), Some(AccessLevel::Write), Some(AccessLevel::Admin));
        assert_eq!(issues.effective(write, read), read);
        assert_eq!(issues.effective(read, admin), read);
        assert_eq!(issues.effective(write, admin), write);
        assert_eq!(issues.effective(write, None), None);
        assert_eq!(issues.effective(None, admin), None);
        assert_eq!(secrets.effective(write, write), None);
        assert_eq!(secrets.effective(write, admin), write);
        assert_eq!(workflows.effective(write, read), None);
        assert_eq!(workflows.effective(write, write), write);
    }

    #[test]
    fn scopes_hold_what_they_stand_for() {
        let catalog = Catalog::default();
        let level = |scope: &str, target, name, is_public| {
            catalog.held(&[scope], catalog.find(target, name).unwrap(), is_public)
        };
        let (repository, organization) = (PermissionTarget::Repository, PermissionTarget::Organization);
        assert_eq!(level("repo", repository, "contents", false), Some(AccessLevel::Write));
        assert_eq!(level("repo", repository, "metadata", false), Some(AccessLevel::Read));
        assert_eq!(level("repo", repository, "workflows", false), None);
        assert_eq!(level("repo", organization, "members", false), None);
        assert_eq!(level("public_repo", repository, "contents", false), None);
        assert_eq!(level("public_repo", repository, "contents", true), Some(AccessLevel::Write));
        assert_eq!(level("read:org", organization, "members", false), Some(AccessLevel::Read));
        assert_eq!(level("gist", repository, "contents", true), None);
        assert_eq!(level("nonsense", repository, "contents", true), None);
    }
}
