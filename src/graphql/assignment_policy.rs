//! Assignment policies.

pub mod mutation;

use std::sync::Arc;

use async_graphql::{Context, Enum, ID, Object, SimpleObject, Value};
use chrono::{DateTime, Utc};
use entity::assignment_policy;

use super::access_package::AccessPackage;
use super::api::Api;
use super::catalog::CatalogRole;
use super::connected_organization::ConnectedOrganization;
use super::error::ApiError;
use super::id::{GlobalId, Kind};
use super::resolve::{Now, Plain, Rows, enum_value, maybe, scalar};
use super::scalar::Duration;
use super::user::User;
use crate::authz::Permission;
use crate::store::columns::columns;
use crate::store::{self, Columns};

/// Who may request a package, who approves, and for how long.
#[derive(Clone)]
pub struct AssignmentPolicy(pub Arc<assignment_policy::Model>);

impl Plain for AssignmentPolicy {
    fn plain(&self, field: &str) -> Option<Value> {
        Some(match field {
            "id" => scalar(&Kind::AssignmentPolicy.id(self.0.id)),
            "displayName" => scalar(&self.0.display_name),
            "description" => scalar(&self.0.description),
            "justificationRequired" => scalar(&self.0.justification_required),
            "enabled" => scalar(&self.0.enabled),
            _ => return None,
        })
    }

    fn columns(field: &str) -> Columns {
        match field {
            "id" => Columns::KEY,
            "displayName" => columns!(assignment_policy: DisplayName),
            "description" => columns!(assignment_policy: Description),
            "requestorScope" => columns!(assignment_policy: RequestorScope),
            "justificationRequired" => columns!(assignment_policy: JustificationRequired),
            "enabled" => columns!(assignment_policy: Enabled),
            "expiration" => columns!(assignment_policy: Expiration, ExpirationSeconds, ExpirationAt),
            _ => Columns::ALL,
        }
    }
}

/// Who may request a package, who approves, and for how long.
#[Object]
impl AssignmentPolicy {
    /// The global id.
    pub async fn id(&self) -> ID {
        Kind::AssignmentPolicy.id(self.0.id)
    }

    /// The package.
    async fn access_package(&self, ctx: &Context<'_>) -> Result<Now<AccessPackage>, ApiError> {
        let row = Api::of(ctx).loaders.packages().get(self.0.access_package_id).await?;
        Ok(Now(AccessPackage::from(row.as_ref().clone())))
    }

    /// The name, unique in its package.
    async fn display_name(&self) -> &str {
        &self.0.display_name
    }

    /// What the policy is for.
    async fn description(&self) -> &str {
        &self.0.description
    }

    /// Who may request.
    async fn requestor_scope(&self) -> RequestorScope {
        self.0.requestor_scope.into()
    }

    /// The users that the policy names, by name. Empty for other scopes than `SPECIFIC_USERS`; for those who may
    /// not see all of the catalog it holds themselves alone.
    async fn specific_users(&self, ctx: &Context<'_>) -> Result<Rows<User>, ApiError> {
        let api = Api::of(ctx);
        let package = api.loaders.packages().get(self.0.access_package_id).await?;
        let all = api.viewer.catalogs(Permission::SeeCatalogs).contain(package.package.catalog_id);
        let users = api.loaders.users_of_policy().find(self.0.id).await?;
        let users = users.iter().flat_map(|users| users.iter());
        let users = users.filter(|user| all || Some(user.id) == api.viewer.user);
        Ok(Rows(users.map(|user| User(Arc::clone(user))).collect()))
    }

    /// The connected organizations that the policy names, by name. Empty for other scopes than
    /// `SPECIFIC_CONNECTED_ORGANIZATIONS`, and for those who may not see all of the catalog.
    async fn specific_connected_organizations(
        &self,
        ctx: &Context<'_>,
    ) -> Result<Rows<ConnectedOrganization>, ApiError> {
        let api = Api::of(ctx);
        let seen = api.viewer.catalogs(Permission::SeeCatalogs);
        if seen.is_empty() {
            return Ok(Rows(Vec::new()));
        }
        let package = api.loaders.packages().get(self.0.access_package_id).await?;
        if !seen.contain(package.package.catalog_id) {
            return Ok(Rows(Vec::new()));
        }
        let named = api.loaders.connected_organizations_of_policy().find(self.0.id).await?;
        let named = named.iter().flat_map(|named| named.iter());
        Ok(Rows(named.map(|one| ConnectedOrganization(Arc::clone(one))).collect()))
    }

    /// Whether a request must say why.
    async fn justification_required(&self) -> bool {
        self.0.justification_required
    }

    /// Whether new requests are taken.
    async fn enabled(&self) -> bool {
        self.0.enabled
    }

    /// How assignments end.
    async fn expiration(&self) -> Now<PolicyExpiration> {
        Now(PolicyExpiration {
            kind: self.0.expiration.into(),
            duration: self.0.expiration_seconds.map(Duration::seconds),
            at: self.0.expiration_at,
        })
    }

    /// The stages that decide, in order; empty where nobody has to decide.
    async fn approval_stages(&self, ctx: &Context<'_>) -> Result<Vec<ApprovalStage>, ApiError> {
        if self.0.approval_stage_count == 0 {
            return Ok(Vec::new());
        }
        let stages = Api::of(ctx).loaders.stages_of_policy().find(self.0.id).await?;
        let stages = stages.iter().flat_map(|stages| stages.iter());
        Ok(stages.map(|row| ApprovalStage(row.clone())).collect())
    }

    /// Whether you may change and delete the policy.
    async fn viewer_can_edit(&self, ctx: &Context<'_>) -> Result<bool, ApiError> {
        let api = Api::of(ctx);
        let managed = api.viewer.catalogs(Permission::ManagePackages);
        if self.0.deleted_at.is_some() || managed.is_empty() {
            return Ok(false);
        }
        let package = api.loaders.packages().get(self.0.access_package_id).await?;
        Ok(managed.contain(package.package.catalog_id))
    }

    /// Raised by every change; give it back when changing the object.
    async fn version(&self) -> i32 {
        self.0.version
    }

    /// When the policy was made.
    async fn created_at(&self) -> DateTime<Utc> {
        self.0.created_at
    }

    /// When the policy was deleted; null while it is there. History still shows it.
    async fn deleted_at(&self) -> Option<DateTime<Utc>> {
        self.0.deleted_at
    }
}

/// Who may request under a policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "entity::assignment_policy::RequestorScope")]
pub enum RequestorScope {
    /// The users that are named.
    SpecificUsers,
    /// All members of the organization.
    AllMembers,
    /// All members and guests.
    AllUsers,
    /// The users of the connected organizations that are named.
    SpecificConnectedOrganizations,
    /// The users of all configured connected organizations.
    AllConnectedOrganizations,
    /// Everybody from outside.
    AllExternalUsers,
    /// Nobody; administrators assign directly.
    Nobody,
}

/// How assignments under a policy end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "entity::assignment_policy::ExpirationKind")]
pub enum ExpirationKind {
    /// They do not.
    Never,
    /// A fixed time after their start.
    AfterDuration,
    /// All on one date.
    OnDate,
}

impl Plain for PolicyExpiration {
    fn plain(&self, field: &str) -> Option<Value> {
        Some(match field {
            "kind" => enum_value(self.kind),
            "duration" => maybe(self.duration.as_ref()),
            "at" => maybe(self.at.as_ref()),
            _ => return None,
        })
    }
}

/// How assignments under a policy end.
#[derive(SimpleObject)]
pub struct PolicyExpiration {
    /// In which way.
    kind: ExpirationKind,
    /// For `AFTER_DURATION`: how long an assignment lasts.
    duration: Option<Duration>,
    /// For `ON_DATE`: when every assignment ends.
    at: Option<DateTime<Utc>>,
}

/// One stage of approval: any one of its approvers decides it.
pub struct ApprovalStage(store::assignment_policy::StageRow);

/// One stage of approval: any one of its approvers decides it.
#[Object]
impl ApprovalStage {
    /// After this long without a decision the request is denied.
    async fn timeout(&self) -> Duration {
        Duration::seconds(self.0.stage.timeout_seconds)
    }

    /// Whether the decision must say why.
    async fn justification_required(&self) -> bool {
        self.0.stage.justification_required
    }

    /// Who may decide, in the order given. Those who may not see all of the catalog see no names.
    async fn approvers(&self) -> Vec<StageApprover> {
        let approvers = self.0.approvers.iter();
        approvers
            .map(|approver| StageApprover {
                policy: self.0.stage.policy_id,
                user: approver.user_id,
                kind: approver.kind.into(),
                catalog_role: approver.catalog_role.map(Into::into),
            })
            .collect()
    }
}

/// How approvers of a stage are found.
#[derive(SimpleObject)]
#[graphql(complex)]
pub struct StageApprover {
    #[graphql(skip)]
    policy: uuid::Uuid,
    #[graphql(skip)]
    user: Option<uuid::Uuid>,
    /// In which way.
    kind: ApproverKind,
    /// For `CATALOG_ROLE`: the holders of which role.
    catalog_role: Option<CatalogRole>,
}

#[async_graphql::ComplexObject]
impl StageApprover {
    /// For `USER`: who. Null for those who may not see all of the catalog.
    async fn user(&self, ctx: &Context<'_>) -> Result<Option<Now<User>>, ApiError> {
        let api = Api::of(ctx);
        let Some(user) = self.user else { return Ok(None) };
        let policy = api.loaders.policies().get(self.policy).await?;
        let package = api.loaders.packages().get(policy.access_package_id).await?;
        if !api.viewer.catalogs(Permission::SeeCatalogs).contain(package.package.catalog_id) {
            return Ok(None);
        }
        Ok(api.loaders.users().find(user).await?.map(|user| Now(User(user))))
    }
}

/// How the approvers of a stage are found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "entity::policy_stage_approver::ApproverKind")]
pub enum ApproverKind {
    /// One named user.
    User,
    /// The requestor's manager.
    Manager,
    /// The holders of a role in the package's catalog.
    CatalogRole,
    /// The sponsors of the requestor's connected organization.
    Sponsor,
}
