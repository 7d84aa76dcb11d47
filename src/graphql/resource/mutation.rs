//! Adding, changing and removing resources and their roles.

use std::sync::Arc;

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use uuid::Uuid;

use super::{Resource, ResourceKind, ResourceRole};
use crate::authz::Action as _;
use crate::authz::permission::action::EditResource;
use crate::domain::resource::{create, delete, role, update};
use crate::graphql::api::{Api, repeatable};
use crate::graphql::error::{ApiError, UserError};
use crate::graphql::id::Kind;
use crate::graphql::requires::requires;
use crate::store;

/// A new resource.
#[derive(Debug, InputObject)]
pub struct CreateResourceInput {
    /// The catalog.
    catalog: ID,
    /// What delivers it: a connector that is opened to the catalog.
    connector: ID,
    /// What it is.
    kind: ResourceKind,
    /// The name to show, 1 to 200 characters.
    display_name: String,
    /// Its id at the remote, 1 to 500 characters. `TARGET_NOT_OPENED` unless the connector is opened to the catalog for
    /// it or for `*`; `NAME_TAKEN` when the catalog has it already.
    origin_id: String,
    /// The ways of belonging to it, 1 to 50.
    #[graphql(default_with = "vec![ResourceRoleInput::member()]")]
    roles: Vec<ResourceRoleInput>,
    /// Makes the call repeatable for 24 hours: a second call with the same key and input answers with the first one's resource.
    idempotency_key: Option<String>,
}

/// A way of belonging to a new resource.
#[derive(Debug, InputObject)]
pub struct ResourceRoleInput {
    /// The name to show, 1 to 200 characters.
    display_name: String,
    /// Its name at the remote, 1 to 500 characters, unique in the resource: `member` for groups.
    origin_id: String,
}

impl ResourceRoleInput {
    fn member() -> Self {
        Self { display_name: "Member".to_owned(), origin_id: "member".to_owned() }
    }
}

/// The end of `createResource`.
#[derive(SimpleObject)]
pub struct CreateResourcePayload {
    /// The new resource; null when refused.
    resource: Option<Resource>,
    /// Why it was refused; empty when done.
    user_errors: Vec<UserError>,
}

/// What to change of a resource; what is left out stays.
#[derive(Debug, InputObject)]
pub struct UpdateResourceInput {
    /// The resource.
    id: ID,
    /// The version that the change is based on; `CONFLICT` when it is no longer that.
    version: i32,
    /// The name to show, 1 to 200 characters.
    display_name: Option<String>,
}

/// The end of `updateResource`.
#[derive(SimpleObject)]
pub struct UpdateResourcePayload {
    /// The resource as it is now; null when refused.
    resource: Option<Resource>,
    /// Why it was refused; empty when done.
    user_errors: Vec<UserError>,
}

/// Which resource to remove.
#[derive(Debug, InputObject)]
pub struct DeleteResourceInput {
    /// The resource.
    id: ID,
}

/// The end of `deleteResource`.
#[derive(SimpleObject)]
pub struct DeleteResourcePayload {
    /// The resource that was removed; null when refused.
    resource: Option<Resource>,
    /// Why it was refused; empty when done.
    user_errors: Vec<UserError>,
}

/// A new role of a resource.
#[derive(Debug, InputObject)]
pub struct AddResourceRoleInput {
    /// The resource; it can have 50 roles.
    resource: ID,
    /// The name to show, 1 to 200 characters.
    display_name: String,
    /// Its name at the remote, 1 to 500 characters; `NAME_TAKEN` when the resource has it already.
    origin_id: String,
    /// Makes the call repeatable for 24 hours: a second call with the same key and input answers with the first one's role.
    idempotency_key: Option<String>,
}

/// The end of `addResourceRole`.
#[derive(SimpleObject)]
pub struct AddResourceRolePayload {
    /// The new role; null when refused.
    resource_role: Option<ResourceRole>,
    /// Why it was refused; empty when done.
    user_errors: Vec<UserError>,
}

/// Which role to remove.
#[derive(Debug, InputObject)]
pub struct RemoveResourceRoleInput {
    /// The role.
    id: ID,
}

/// The end of `removeResourceRole`.
#[derive(SimpleObject)]
pub struct RemoveResourceRolePayload {
    /// The role that was removed; null when refused.
    resource_role: Option<ResourceRole>,
    /// Why it was refused; empty when done.
    user_errors: Vec<UserError>,
}

/// The resource that a command has made or changed.
async fn changed(api: &Api, id: Option<Uuid>) -> Result<Option<Resource>, ApiError> {
    let Some(id) = id else { return Ok(None) };
    let found = store::resource::find(&api.database, api.named(), &[id]).await?;
    Ok(found.into_iter().next().map(|resource| Resource(Arc::new(resource))))
}

/// The role that a command has made or removed.
async fn changed_role(api: &Api, id: Option<Uuid>) -> Result<Option<ResourceRole>, ApiError> {
    let Some(id) = id else { return Ok(None) };
    let found = store::resource::find_roles(&api.database, api.named(), &[id]).await?;
    Ok(found.first().map(ResourceRole::from))
}

/// Changes of resources.
#[derive(Default)]
pub struct ResourceMutation;

#[Object]
impl ResourceMutation {
    /// Adds a resource to a catalog. A connector's target can be in several catalogs, in each once.
    #[graphql(directive = requires::apply(EditResource::PERMISSION.into()))]
    async fn create_resource(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The resource.")] input: CreateResourceInput,
    ) -> Result<CreateResourcePayload, ApiError> {
        let api = Api::of(ctx);
        let permit = api.permit::<EditResource>().await?;
        let idempotency = repeatable(input.idempotency_key.clone(), &input);
        let roles = input.roles.into_iter();
        let roles =
            roles.map(|role| create::NewRole { display_name: role.display_name, origin_id: role.origin_id });
        let (id, user_errors) = api
            .run(create::Create {
                permit,
                catalog: Kind::Catalog.parse(&input.catalog),
                connector: Kind::Connector.parse(&input.connector),
                kind: input.kind.into(),
                display_name: input.display_name,
                origin_id: input.origin_id,
                roles: roles.collect(),
                idempotency,
            })
            .await?;
        Ok(CreateResourcePayload { resource: changed(api, id).await?, user_errors })
    }

    /// Renames a resource. Connector and target stay: another target is another resource.
    #[graphql(directive = requires::apply(EditResource::PERMISSION.into()))]
    async fn update_resource(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The change.")] input: UpdateResourceInput,
    ) -> Result<UpdateResourcePayload, ApiError> {
        let api = Api::of(ctx);
        let permit = api.permit::<EditResource>().await?;
        let (id, user_errors) = api
            .run(update::Update {
                permit,
                id: Kind::Resource.parse(&input.id),
                version: input.version,
                display_name: input.display_name,
            })
            .await?;
        Ok(UpdateResourcePayload { resource: changed(api, id).await?, user_errors })
    }

    /// Removes a resource from its catalog; `IN_USE` names packages that give one of its roles. At the remote nothing
    /// changes.
    #[graphql(directive = requires::apply(EditResource::PERMISSION.into()))]
    async fn delete_resource(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The resource.")] input: DeleteResourceInput,
    ) -> Result<DeleteResourcePayload, ApiError> {
        let api = Api::of(ctx);
        let permit = api.permit::<EditResource>().await?;
        let command = delete::Delete { permit, id: Kind::Resource.parse(&input.id) };
        let (id, user_errors) = api.run(command).await?;
        Ok(DeleteResourcePayload { resource: changed(api, id).await?, user_errors })
    }

    /// Adds a role to a resource, for packages to give.
    #[graphql(directive = requires::apply(EditResource::PERMISSION.into()))]
    async fn add_resource_role(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The role.")] input: AddResourceRoleInput,
    ) -> Result<AddResourceRolePayload, ApiError> {
        let api = Api::of(ctx);
        let permit = api.permit::<EditResource>().await?;
        let idempotency = repeatable(input.idempotency_key.clone(), &input);
        let (id, user_errors) = api
            .run(role::Add {
                permit,
                resource: Kind::Resource.parse(&input.resource),
                display_name: input.display_name,
                origin_id: input.origin_id,
                idempotency,
            })
            .await?;
        Ok(AddResourceRolePayload { resource_role: changed_role(api, id).await?, user_errors })
    }

    /// Removes a role from a resource; `IN_USE` names packages that give it.
    #[graphql(directive = requires::apply(EditResource::PERMISSION.into()))]
    async fn remove_resource_role(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The role.")] input: RemoveResourceRoleInput,
    ) -> Result<RemoveResourceRolePayload, ApiError> {
        let api = Api::of(ctx);
        let permit = api.permit::<EditResource>().await?;
        let command = role::Remove { permit, id: Kind::ResourceRole.parse(&input.id) };
        let (id, user_errors) = api.run(command).await?;
        Ok(RemoveResourceRolePayload { resource_role: changed_role(api, id).await?, user_errors })
    }
}
