//! The roles that a token claims, as far as its issuer may claim them.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::{Map, Value};

use super::claim;

/// How many values of the claim are looked at. A person in thousands of groups costs no more.
const MOST_VALUES: usize = 200;

/// The longest name of a role and the longest scope, in bytes.
const LONGEST: usize = 64;

/// One role that a token claims. Whether the role exists is for the reader to know.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RoleClaim {
    /// The role in upper snake case, for example `CATALOG_OWNER`.
    pub role: String,
    /// The id of the catalog that the role is limited to, as written in the token.
    pub scope: Option<String>,
}

/// How an issuer names roles, and which of them it may name.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct RoleRules {
    /// The claim that holds them: a top-level name or a dotted path; `roles` by default.
    claim: String,
    /// From the issuer's values to roles. Without it the values are the roles' own names.
    map: Option<BTreeMap<String, String>>,
    /// The roles that count; absent means all.
    allowed: Option<BTreeSet<String>>,
}

impl Default for RoleRules {
    fn default() -> Self {
        Self { claim: "roles".to_owned(), map: None, allowed: None }
    }
}

impl RoleRules {
    /// The roles that `claims` hold: mapped, allowed, each once, in the order of the token.
    ///
    /// The claim is an array of texts or one text with spaces between the roles.
    /// Anything else, and every value that is no role, is passed over: a token
    /// is good without roles. At most 200 values are looked at.
    #[must_use]
    pub fn read(&self, claims: &Map<String, Value>) -> Vec<RoleClaim> {
        let mut roles = Vec::new();
        let mut add = |value: &str| {
            if let Some(role) = self.role(value)
                && !roles.contains(&role)
            {
                roles.push(role);
            }
        };
        match claim(claims, &self.claim) {
            Some(Value::String(text)) => text.split_whitespace().take(MOST_VALUES).for_each(&mut add),
            Some(Value::Array(values)) => {
                values.iter().take(MOST_VALUES).filter_map(Value::as_str).for_each(&mut add);
            }
            _ => {}
        }
        roles
    }

    /// The names of roles that the settings hold, so that the start can refuse one that does not exist.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let mapped = self.map.iter().flat_map(BTreeMap::values);
        mapped.chain(self.allowed.iter().flatten()).map(String::as_str)
    }

    /// The rules with every role name in upper snake case, or what is wrong with them.
    pub(super) fn checked(self) -> Result<Self, String> {
        let own = |name: &str| own_name(name).ok_or_else(|| format!("{name:?} is no name of a role"));
        if self.claim.trim().is_empty() {
            return Err("claim must not be empty".to_owned());
        }
        let mapped = |(value, role): (String, String)| own(&role).map(|role| (value, role));
        let map = self.map.map(|map| map.into_iter().map(mapped).collect::<Result<_, String>>());
        let allowed = self.allowed.map(|all| all.iter().map(|role| own(role)).collect::<Result<_, String>>());
        Ok(Self { claim: self.claim, map: map.transpose()?, allowed: allowed.transpose()? })
    }

    fn role(&self, value: &str) -> Option<RoleClaim> {
        // A value that is mapped as a whole may hold colons itself, as a URN does.
        let whole = self.map.as_ref().and_then(|map| map.get(value));
        let (role, scope) = match (whole, value.split_once(':')) {
            (Some(role), _) => (role.clone(), None),
            // An empty or unreadable scope must not widen the role to every catalog.
            (None, Some((_, scope))) if !is_scope(scope) => return None,
            (None, Some((name, scope))) => (self.mapped(name)?, Some(scope.to_owned())),
            (None, None) => (self.mapped(value)?, None),
        };
        let allowed = self.allowed.as_ref().is_none_or(|allowed| allowed.contains(&role));
        allowed.then_some(RoleClaim { role, scope })
    }

    fn mapped(&self, name: &str) -> Option<String> {
        match &self.map {
            Some(map) => map.get(name).cloned(),
            None => own_name(name),
        }
    }
}

/// Upper snake case. ASCII only: by the rules of Unicode `ſ` would become `S`.
fn own_name(name: &str) -> Option<String> {
    let letters = name.bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b'_');
    (letters && !name.is_empty() && name.len() <= LONGEST).then(|| name.to_ascii_uppercase())
}

fn is_scope(scope: &str) -> bool {
    !scope.is_empty() && scope.len() <= LONGEST && scope.bytes().all(|byte| byte.is_ascii_graphic())
}
