//! Giving and taking catalog roles.

use std::sync::Arc;

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};

use super::{CatalogRole, CatalogRoleAssignment};
use crate::authz::Action as _;
use crate::authz::permission::action::AssignCatalogRole;
use crate::domain::catalog_role::{assign, unassign};
use crate::graphql::api::Api;
use crate::graphql::error::{ApiError, UserError};
use crate::graphql::id::Kind;
use crate::graphql::requires::requires;
use crate::store;

/// Who gets which role where.
#[derive(Debug, InputObject)]
pub struct AssignCatalogRoleInput {
    /// The catalog.
    catalog: ID,
    /// The user: an active member of the organization.
    user: ID,
    /// The role.
    role: CatalogRole,
}

/// The end of `assignCatalogRole`.
#[derive(SimpleObject)]
pub struct AssignCatalogRolePayload {
    /// The assignment, new or held already; null when refused.
    catalog_role_assignment: Option<CatalogRoleAssignment>,
    /// Why it was refused; empty when done.
    user_errors: Vec<UserError>,
}

/// Which assignment to take away.
#[derive(Debug, InputObject)]
pub struct UnassignCatalogRoleInput {
    /// The assignment of the role.
    id: ID,
}

/// The end of `unassignCatalogRole`.
#[derive(SimpleObject)]
pub struct UnassignCatalogRolePayload {
    /// The assignment that is no more; null when refused.
    catalog_role_assignment: Option<CatalogRoleAssignment>,
    /// Why it was refused; empty when done.
    user_errors: Vec<UserError>,
}

/// Changes of catalog roles.
#[derive(Default)]
pub struct CatalogRoleMutation;

#[Object]
impl CatalogRoleMutation {
    /// Gives a member a role in a catalog; giving what is held already answers with what is there. It holds from the
    /// member's next call on.
    #[graphql(directive = requires::apply(AssignCatalogRole::PERMISSION.into()))]
    async fn assign_catalog_role(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Who gets which role where.")] input: AssignCatalogRoleInput,
    ) -> Result<AssignCatalogRolePayload, ApiError> {
        let api = Api::of(ctx);
        let permit = api.permit::<AssignCatalogRole>().await?;
        let (id, user_errors) = api
            .run(assign::Assign {
                permit,
                catalog: Kind::Catalog.parse(&input.catalog),
                user: Kind::User.parse(&input.user),
                role: input.role.into(),
            })
            .await?;
        let mut found = Vec::new();
        if let Some(id) = id {
            found = store::catalog::named_roles(&api.database, api.scope.organization, &[id]).await?;
        }
        let catalog_role_assignment =
            found.into_iter().next().map(|row| CatalogRoleAssignment(Arc::new(row)));
        Ok(AssignCatalogRolePayload { catalog_role_assignment, user_errors })
    }

    /// Takes a role in a catalog away, also the last owner's: administrators remain.
    #[graphql(directive = requires::apply(AssignCatalogRole::PERMISSION.into()))]
    async fn unassign_catalog_role(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The assignment.")] input: UnassignCatalogRoleInput,
    ) -> Result<UnassignCatalogRolePayload, ApiError> {
        let api = Api::of(ctx);
        let permit = api.permit::<AssignCatalogRole>().await?;
        let id = Kind::CatalogRoleAssignment.parse(&input.id);
        let (row, user_errors) = api.run(unassign::Unassign { permit, id }).await?;
        let catalog_role_assignment = row.map(|row| CatalogRoleAssignment(Arc::new(row)));
        Ok(UnassignCatalogRolePayload { catalog_role_assignment, user_errors })
    }
}
