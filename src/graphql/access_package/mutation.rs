//! Making, changing and deleting access packages.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use uuid::Uuid;

use super::AccessPackage;
use crate::authz::Action as _;
use crate::authz::permission::action::EditPackage;
use crate::domain::access_package::roles::Direction;
use crate::domain::access_package::{create, delete, incompatible, roles, update};
use crate::graphql::api::{Api, repeatable};
use crate::graphql::error::{ApiError, UserError};
use crate::graphql::id::{GlobalId as _, Kind};
use crate::graphql::requires::requires;
use crate::store::{self, Columns};

/// A new access package.
#[derive(Debug, InputObject)]
pub struct CreateAccessPackageInput {
    /// The catalog.
    catalog: ID,
    /// The name, 1 to 200 characters, unique in the catalog.
    display_name: String,
    /// What it gives and for whom, at most 2,000 characters.
    #[graphql(default)]
    description: String,
    /// Whether it is left out of the lists of requestors; its id still opens it for those whom a policy admits.
    #[graphql(default = false)]
    hidden: bool,
    /// The resource roles that it gives, at most 200, of resources of the same catalog.
    #[graphql(default)]
    resource_roles: Vec<ID>,
    /// Makes the call repeatable for 24 hours: a second call with the same key and input answers with the first one's package.
    idempotency_key: Option<String>,
}

/// The end of `createAccessPackage`.
#[derive(SimpleObject)]
pub struct CreateAccessPackagePayload {
    /// The new package; null when refused.
    access_package: Option<AccessPackage>,
    /// Why it was refused; empty when done.
    user_errors: Vec<UserError>,
}

/// What to change of an access package; what is left out stays.
#[derive(Debug, InputObject)]
pub struct UpdateAccessPackageInput {
    /// The package.
    id: ID,
    /// The version that the change is based on; `CONFLICT` when it is no longer that.
    version: i32,
    /// The name, 1 to 200 characters, unique in the catalog.
    display_name: Option<String>,
    /// What it gives and for whom, at most 2,000 characters.
    description: Option<String>,
    /// Whether it is left out of the lists of requestors; its id still opens it for those whom a policy admits.
    hidden: Option<bool>,
}

/// The end of `updateAccessPackage`.
#[derive(SimpleObject)]
pub struct UpdateAccessPackagePayload {
    /// The package as it is now; null when refused.
    access_package: Option<AccessPackage>,
    /// Why it was refused; empty when done.
    user_errors: Vec<UserError>,
}

/// Which access package to delete.
#[derive(Debug, InputObject)]
pub struct DeleteAccessPackageInput {
    /// The package.
    id: ID,
}

/// The end of `deleteAccessPackage`.
#[derive(SimpleObject)]
pub struct DeleteAccessPackagePayload {
    /// The package that was deleted; null when refused.
    access_package: Option<AccessPackage>,
    /// Why it was refused; empty when done.
    user_errors: Vec<UserError>,
}

/// What a package gives besides from now on.
#[derive(Debug, InputObject)]
pub struct AddAccessPackageResourceRolesInput {
    /// The package.
    id: ID,
    /// Roles of resources of the same catalog; a package can give 200. What it gives already stays.
    resource_roles: Vec<ID>,
}

/// The end of `addAccessPackageResourceRoles`.
#[derive(SimpleObject)]
pub struct AddAccessPackageResourceRolesPayload {
    /// The package as it is now; null when refused.
    access_package: Option<AccessPackage>,
    /// Why it was refused; empty when done.
    user_errors: Vec<UserError>,
}

/// What a package no longer gives.
#[derive(Debug, InputObject)]
pub struct RemoveAccessPackageResourceRolesInput {
    /// The package.
    id: ID,
    /// The roles, at most 200; what it does not give is left alone.
    resource_roles: Vec<ID>,
}

/// The end of `removeAccessPackageResourceRoles`.
#[derive(SimpleObject)]
pub struct RemoveAccessPackageResourceRolesPayload {
    /// The package as it is now; null when refused.
    access_package: Option<AccessPackage>,
    /// Why it was refused; empty when done.
    user_errors: Vec<UserError>,
}

/// Which packages exclude a package.
#[derive(Debug, InputObject)]
pub struct SetIncompatibleAccessPackagesInput {
    /// The package.
    access_package: ID,
    /// All packages that exclude it, of any catalog, at most 50: whoever holds or has requested one of them cannot
    /// request it. The whole list, which replaces the one before; empty: none.
    incompatible_access_packages: Vec<ID>,
}

/// The end of `setIncompatibleAccessPackages`.
#[derive(SimpleObject)]
pub struct SetIncompatibleAccessPackagesPayload {
    /// The package as it is now; null when refused.
    access_package: Option<AccessPackage>,
    /// Why it was refused; empty when done.
    user_errors: Vec<UserError>,
}

/// The package that a command has made or changed.
async fn changed(api: &Api, id: Option<Uuid>) -> Result<Option<AccessPackage>, ApiError> {
    let Some(id) = id else { return Ok(None) };
    let include = store::access_package::Include { catalog: Columns::ALL, ..Default::default() };
    let found = store::access_package::find(&api.database, api.named(), &[id], include).await?;
    Ok(found.into_iter().next().map(AccessPackage::from))
}

/// Changes of access packages.
#[derive(Default)]
pub struct AccessPackageMutation;

#[Object]
impl AccessPackageMutation {
    /// Makes an access package. Nobody can request it before it has an assignment policy.
    #[graphql(directive = requires::apply(EditPackage::PERMISSION.into()))]
    async fn create_access_package(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The package.")] input: CreateAccessPackageInput,
    ) -> Result<CreateAccessPackagePayload, ApiError> {
        let api = Api::of(ctx);
        let permit = api.permit::<EditPackage>().await?;
        let idempotency = repeatable(input.idempotency_key.clone(), &input);
        let (id, user_errors) = api
            .run(create::Create {
                permit,
                catalog: Kind::Catalog.parse(&input.catalog),
                display_name: input.display_name,
                description: input.description,
                hidden: input.hidden,
                resource_roles: resource_roles(&input.resource_roles),
                idempotency,
            })
            .await?;
        Ok(CreateAccessPackagePayload { access_package: changed(api, id).await?, user_errors })
    }

    /// Changes an access package.
    #[graphql(directive = requires::apply(EditPackage::PERMISSION.into()))]
    async fn update_access_package(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The change.")] input: UpdateAccessPackageInput,
    ) -> Result<UpdateAccessPackagePayload, ApiError> {
        let api = Api::of(ctx);
        let permit = api.permit::<EditPackage>().await?;
        let (id, user_errors) = api
            .run(update::Update {
                permit,
                id: Kind::AccessPackage.parse(&input.id),
                version: input.version,
                display_name: input.display_name,
                description: input.description,
                hidden: input.hidden,
            })
            .await?;
        Ok(UpdateAccessPackagePayload { access_package: changed(api, id).await?, user_errors })
    }

    /// Deletes an access package with its policies; `IN_USE` names up to ten assignments that have not ended and
    /// requests that are open.
    #[graphql(directive = requires::apply(EditPackage::PERMISSION.into()))]
    async fn delete_access_package(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The package.")] input: DeleteAccessPackageInput,
    ) -> Result<DeleteAccessPackagePayload, ApiError> {
        let api = Api::of(ctx);
        let permit = api.permit::<EditPackage>().await?;
        let command = delete::Delete { permit, id: Kind::AccessPackage.parse(&input.id) };
        let (id, user_errors) = api.run(command).await?;
        Ok(DeleteAccessPackagePayload { access_package: changed(api, id).await?, user_errors })
    }

    /// Adds resource roles to an access package. Whoever holds the package gets them, too.
    #[graphql(directive = requires::apply(EditPackage::PERMISSION.into()))]
    async fn add_access_package_resource_roles(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The roles.")] input: AddAccessPackageResourceRolesInput,
    ) -> Result<AddAccessPackageResourceRolesPayload, ApiError> {
        let api = Api::of(ctx);
        let (access_package, user_errors) =
            change_roles(api, &input.id, &input.resource_roles, Direction::Add).await?;
        Ok(AddAccessPackageResourceRolesPayload { access_package, user_errors })
    }

    /// Takes resource roles out of an access package. Whoever holds the package loses them, unless something else gives
    /// them to the same person.
    #[graphql(directive = requires::apply(EditPackage::PERMISSION.into()))]
    async fn remove_access_package_resource_roles(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The roles.")] input: RemoveAccessPackageResourceRolesInput,
    ) -> Result<RemoveAccessPackageResourceRolesPayload, ApiError> {
        let api = Api::of(ctx);
        let (access_package, user_errors) =
            change_roles(api, &input.id, &input.resource_roles, Direction::Remove).await?;
        Ok(RemoveAccessPackageResourceRolesPayload { access_package, user_errors })
    }

    /// Says which packages exclude a package. Who holds both already keeps them: `assignments` with the condition
    /// `overlapping` finds them.
    #[graphql(directive = requires::apply(EditPackage::PERMISSION.into()))]
    async fn set_incompatible_access_packages(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The packages.")] input: SetIncompatibleAccessPackagesInput,
    ) -> Result<SetIncompatibleAccessPackagesPayload, ApiError> {
        let api = Api::of(ctx);
        let ids = &input.incompatible_access_packages;
        let command = incompatible::SetIncompatible {
            permit: api.permit::<EditPackage>().await?,
            id: Kind::AccessPackage.parse(&input.access_package),
            against: ids.iter().map(|id| Kind::AccessPackage.named(id)).collect(),
        };
        let (id, user_errors) = api.run(command).await?;
        Ok(SetIncompatibleAccessPackagesPayload { access_package: changed(api, id).await?, user_errors })
    }
}

fn resource_roles(ids: &[ID]) -> Vec<Uuid> {
    ids.iter().map(|id| Kind::ResourceRole.named(id)).collect()
}

async fn change_roles(
    api: &Api,
    id: &ID,
    roles: &[ID],
    direction: Direction,
) -> Result<(Option<AccessPackage>, Vec<UserError>), ApiError> {
    let permit = api.permit::<EditPackage>().await?;
    let (id, user_errors) = api
        .run(roles::Change {
            permit,
            id: Kind::AccessPackage.parse(id),
            resource_roles: resource_roles(roles),
            direction,
        })
        .await?;
    Ok((changed(api, id).await?, user_errors))
}
