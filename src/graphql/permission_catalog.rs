//! The permission catalogue.

use async_graphql::{Context, Enum, InputObject, MaybeUndefined, Object, SimpleObject};

use super::api::{Api, repeatable};
use super::connection::given;
use super::error::{ApiError, UserError};
use super::repository::AccessLevel;
use super::requires::requires;
use super::text;
use crate::authz::Action as _;
use crate::authz::permission::action::EditPermissionCatalog;
use crate::domain::permission_catalog::{Catalog, Definition, create, delete};
use crate::store;

/// What a permission is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "entity::permission_definition::PermissionTarget")]
pub enum PermissionTarget {
    /// The organization itself.
    Organization,
    /// Each repository that a token reaches.
    Repository,
}

/// A permission that tokens can hold. It is known by its target and name.
#[derive(Clone, Debug, SimpleObject)]
pub struct PermissionDefinition {
    /// What it is about.
    target: PermissionTarget,
    /// The name, for example `issues`, unique for its target. With a level it is written `issues_read`.
    name: String,
    /// What it allows.
    description: String,
    /// The levels that can be asked for, lowest first; each holds those before it.
    levels: Vec<AccessLevel>,
    /// Whether only those use it, at any level, who administer its target. It never opens what is public.
    administrative: bool,
    /// Whether the organization added it itself; the others come with Guichet.
    custom: bool,
    /// The scopes of classic tokens that hold it, by name.
    classic_scopes: Vec<ClassicScopeLevel>,
}

/// How much of a permission a scope of classic tokens holds.
#[derive(Clone, Debug, SimpleObject)]
pub struct ClassicScopeLevel {
    /// The scope, for example `repo`.
    scope: String,
    /// The level that it holds; `public_repo` holds it in public repositories only.
    level: AccessLevel,
}

impl PermissionDefinition {
    fn new(catalog: &Catalog, definition: &Definition) -> Self {
        let scope = |(scope, level): (&str, entity::repository_access::AccessLevel)| ClassicScopeLevel {
            scope: scope.to_owned(),
            level: level.into(),
        };
        Self {
            target: definition.target.into(),
            name: definition.name.to_string(),
            description: definition.description.to_string(),
            levels: definition.levels().into_iter().map(Into::into).collect(),
            administrative: definition.administrative,
            custom: definition.own,
            classic_scopes: catalog.scopes_of(definition).into_iter().map(scope).collect(),
        }
    }
}

/// Which permissions are wanted. All given conditions hold together; a condition that is null is an error.
#[derive(Clone, Default, InputObject)]
pub struct PermissionDefinitionFilter {
    /// About this.
    target: MaybeUndefined<PermissionTarget>,
    /// Added by the organization itself, or not.
    custom: MaybeUndefined<bool>,
    /// With this text in the name, in any case.
    search: MaybeUndefined<String>,
}

/// Queries about the permission catalogue.
#[derive(Default)]
pub struct PermissionCatalogQuery;

#[Object]
impl PermissionCatalogQuery {
    /// The permissions that tokens can hold in the organization: those that come with Guichet, which have GitHub's
    /// names and levels, then the organization's own; by target and name, at most 256. Empty for outsiders.
    #[graphql(complexity = "child_complexity.saturating_mul(64)")]
    async fn permission_catalog(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which permissions.")] filter: Option<PermissionDefinitionFilter>,
    ) -> Result<Vec<PermissionDefinition>, ApiError> {
        let api = Api::of(ctx);
        let filter = filter.unwrap_or_default();
        let target = given("target", &filter.target)?;
        let custom = given("custom", &filter.custom)?;
        let search = text::condition("search", &filter.search)?.map(|text| text.to_lowercase());
        if !api.scope.is_member {
            return Ok(Vec::new());
        }
        let catalog = read(api).await?;
        let matches = |definition: &&Definition| {
            target.is_none_or(|target| PermissionTarget::from(definition.target) == target)
                && custom.is_none_or(|custom| definition.own == custom)
                && search.as_ref().is_none_or(|text| definition.name.contains(text))
        };
        let found = catalog.all().filter(matches);
        Ok(found.map(|definition| PermissionDefinition::new(&catalog, definition)).collect())
    }
}

/// The catalogue of the organization that the call acts in.
pub async fn read(api: &Api) -> Result<Catalog, ApiError> {
    let rows = store::permission_definition::of(&api.database, api.scope.organization).await?;
    Ok(Catalog::new(rows))
}

/// A scope of classic tokens that holds the permission.
#[derive(Debug, InputObject)]
pub struct ClassicScopeLevelInput {
    /// The scope: 1 to 64 of a to z, digits, `_` and `:`, beginning with a letter. One that is not known yet becomes
    /// known by this.
    scope: String,
    /// The level that it holds.
    level: AccessLevel,
}

/// A permission of the organization's own.
#[derive(Debug, InputObject)]
pub struct CreatePermissionDefinitionInput {
    /// What it is about.
    target: PermissionTarget,
    /// The name: 1 to 64 of a to z, digits and `_`, beginning with a letter, and not in the catalogue yet.
    name: String,
    /// What it allows, at most 2,000 characters.
    #[graphql(default)]
    description: String,
    /// The lowest level that can be asked for.
    lowest_level: AccessLevel,
    /// The highest level that can be asked for.
    highest_level: AccessLevel,
    /// Whether only those use it who administer its target.
    #[graphql(default = false)]
    administrative: bool,
    /// The scopes of classic tokens that hold it, at most 20; without any, no classic token does.
    #[graphql(default)]
    classic_scopes: Vec<ClassicScopeLevelInput>,
    /// Makes the call repeatable for 24 hours: a second call with the same key and input answers with the first
    /// one's permission.
    idempotency_key: Option<String>,
}

/// The end of `createPermissionDefinition`.
#[derive(SimpleObject)]
pub struct CreatePermissionDefinitionPayload {
    /// The new permission; null when refused.
    permission_definition: Option<PermissionDefinition>,
    /// Why it was refused; empty when done.
    user_errors: Vec<UserError>,
}

/// Which permission to take away.
#[derive(Debug, InputObject)]
pub struct DeletePermissionDefinitionInput {
    /// What it is about.
    target: PermissionTarget,
    /// Its name.
    name: String,
}

/// The end of `deletePermissionDefinition`.
#[derive(SimpleObject)]
pub struct DeletePermissionDefinitionPayload {
    /// The permission as it was; null when refused.
    permission_definition: Option<PermissionDefinition>,
    /// Why it was refused; empty when done.
    user_errors: Vec<UserError>,
}

/// Changes of the permission catalogue.
#[derive(Default)]
pub struct PermissionCatalogMutation;

#[Object]
impl PermissionCatalogMutation {
    /// Adds a permission of the organization's own to the catalogue, at most 200. To change one, take it away and
    /// add it again: tokens hold permissions by their names.
    #[graphql(directive = requires::apply(EditPermissionCatalog::PERMISSION.into()))]
    async fn create_permission_definition(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The permission.")] input: CreatePermissionDefinitionInput,
    ) -> Result<CreatePermissionDefinitionPayload, ApiError> {
        let api = Api::of(ctx);
        let permit = api.permit::<EditPermissionCatalog>().await?;
        let idempotency = repeatable(input.idempotency_key.clone(), &input);
        let scopes = input.classic_scopes.into_iter();
        let (made, user_errors) = api
            .run(create::Create {
                permit,
                target: input.target.into(),
                name: input.name,
                description: input.description,
                lowest: input.lowest_level.into(),
                highest: input.highest_level.into(),
                administrative: input.administrative,
                scopes: scopes.map(|held| (held.scope, held.level.into())).collect(),
                idempotency,
            })
            .await?;
        let mut permission_definition = None;
        if let Some((target, name)) = made {
            let catalog = read(api).await?;
            let found = catalog.find(target, &name);
            permission_definition = found.map(|found| PermissionDefinition::new(&catalog, found));
        }
        Ok(CreatePermissionDefinitionPayload { permission_definition, user_errors })
    }

    /// Takes a permission of the organization's own out of the catalogue. Tokens that were granted it have nothing
    /// by it from then on. Those that come with Guichet stay.
    #[graphql(directive = requires::apply(EditPermissionCatalog::PERMISSION.into()))]
    async fn delete_permission_definition(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The permission.")] input: DeletePermissionDefinitionInput,
    ) -> Result<DeletePermissionDefinitionPayload, ApiError> {
        let api = Api::of(ctx);
        let permit = api.permit::<EditPermissionCatalog>().await?;
        let command = delete::Delete { permit, target: input.target.into(), name: input.name };
        let (gone, user_errors) = api.run(command).await?;
        let permission_definition =
            gone.map(|(catalog, definition)| PermissionDefinition::new(&catalog, &definition));
        Ok(DeletePermissionDefinitionPayload { permission_definition, user_errors })
    }
}
