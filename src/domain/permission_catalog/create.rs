//! Add a permission to the catalogue.

use std::collections::BTreeMap;

use entity::permission_definition::{self, PermissionTarget};
use entity::permission_definition_scope;
use entity::repository_access::AccessLevel;
use uuid::Uuid;

use super::Catalog;
use crate::authz::Permit;
use crate::authz::permission::action::EditPermissionCatalog;
use crate::domain::input::{self, Checks};
use crate::domain::{Attempt, Code, Command, Error, Rejection, confirm_everywhere, refusal, repeated};
use crate::id::Kind;
use crate::store::audit_event::{self, Event};
use crate::store::idempotency::Key;
use crate::store::{self, Txn};

/// The most permissions that an organization adds.
pub const MOST: usize = 200;
/// The most classic scopes that hold one permission.
const MOST_SCOPES: usize = 20;
/// The longest name of a permission or scope, in characters.
const LONGEST_NAME: usize = 64;

/// Add a permission.
pub struct Create {
    /// The permit.
    pub permit: Permit<EditPermissionCatalog>,
    /// What it is about.
    pub target: PermissionTarget,
    /// The name that tokens ask for.
    pub name: String,
    /// What it allows.
    pub description: String,
    /// The lowest level that can be asked for.
    pub lowest: AccessLevel,
    /// The highest level that can be asked for.
    pub highest: AccessLevel,
    /// Whether only those use it who administer the target.
    pub administrative: bool,
    /// The classic scopes that hold it, each with the level.
    pub scopes: Vec<(String, AccessLevel)>,
    /// Makes the call repeatable.
    pub idempotency: Option<Key>,
}

impl Command for Create {
    /// What it is about, and its name.
    type Output = (PermissionTarget, String);

    fn attempt(&self) -> Attempt {
        Attempt::with(&self.permit, None)
    }

    async fn run(&self, txn: &Txn) -> Result<Self::Output, Error> {
        confirm_everywhere(txn, &self.permit).await?;
        let (actor, id) = (self.permit.actor(), txn.id());
        let mut checks = Checks::default();
        let description = checks.take(input::text("description", &self.description));
        checks.refuse_if(!is_name(&self.name, ""), || {
            let message =
                format!("`name` must have 1 to {LONGEST_NAME} of a-z, 0-9 and `_`, and begin with a letter.");
            Rejection::of("name", Code::InvalidInput, message)
        });
        checks.refuse_if(self.lowest > self.highest, || {
            let message = "`highestLevel` must not be below `lowestLevel`.";
            Rejection::of("highestLevel", Code::InvalidInput, message)
        });
        let scopes: BTreeMap<_, _> = self.scopes.iter().cloned().collect();
        let fits = |level: &AccessLevel| (self.lowest..=self.highest.max(self.lowest)).contains(level);
        let are_scopes = self.scopes.len() <= MOST_SCOPES
            && scopes.len() == self.scopes.len()
            && scopes.iter().all(|(name, level)| is_name(name, ":") && fits(level));
        checks.refuse_if(!are_scopes, || {
            let message = format!(
                "`classicScopes` must hold at most {MOST_SCOPES} scopes, each once, named by 1 to \
                 {LONGEST_NAME} of a-z, 0-9, `_` and `:`, with a level that the permission has."
            );
            Rejection::of("classicScopes", Code::InvalidInput, message)
        });
        checks.done()?;
        // Held until the end, so that the number of permissions cannot be passed by two at once.
        store::organization::lock(txn, actor.organization).await?;
        let result = (self.target, self.name.clone());
        let key = self.idempotency.as_ref();
        if repeated(txn, &actor, "createPermissionDefinition", key, id).await?.is_some() {
            return Ok(result);
        }
        let rows = store::permission_definition::of(txn, actor.organization).await?;
        if rows.len() >= MOST {
            let message = format!("An organization adds at most {MOST} permissions.");
            return Err(Rejection::new(Code::InvalidInput, message).into());
        }
        if Catalog::new(rows).find(self.target, &self.name).is_some() {
            return Err(name_taken().into());
        }
        self.insert(txn, actor.organization, id, description, scopes).await?;
        let event =
            Event::by(&actor, "permission_definition.created", Kind::Organization, actor.organization);
        let details = serde_json::json!({ "target": self.target, "name": self.name });
        audit_event::record(txn, &event.with(details)).await?;
        Ok(result)
    }
}

impl Create {
    async fn insert(
        &self,
        txn: &Txn,
        organization: Uuid,
        id: Uuid,
        description: String,
        scopes: BTreeMap<String, AccessLevel>,
    ) -> Result<(), Error> {
        let row = permission_definition::Model {
            id,
            organization_id: organization,
            target: self.target,
            name: self.name.clone(),
            description,
            lowest: self.lowest,
            highest: self.highest,
            administrative: self.administrative,
            created_at: txn.now(),
        };
        txn.insert(row).await.map_err(refusal::taken(name_taken))?;
        let scope = |(scope, level)| permission_definition_scope::Model { definition_id: id, scope, level };
        Ok(txn.insert_all(scopes.into_iter().map(scope).collect()).await?)
    }
}

/// Whether a text names a permission, or with `also` a scope.
fn is_name(text: &str, also: &str) -> bool {
    let fits = |character: char| {
        character.is_ascii_lowercase()
            || character.is_ascii_digit()
            || character == '_'
            || also.contains(character)
    };
    text.len() <= LONGEST_NAME
        && text.starts_with(|first: char| first.is_ascii_lowercase())
        && text.chars().all(fits)
}

fn name_taken() -> Rejection {
    Rejection::of("name", Code::NameTaken, "The catalogue has a permission of this name already.")
}
