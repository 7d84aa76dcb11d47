//! Assignment policies.

pub mod mutation;
pub mod question;
pub mod stage;

use std::sync::Arc;

use async_graphql::{Context, Enum, ID, Object, SimpleObject, Value};
use chrono::{DateTime, Utc};
use entity::assignment_policy;

use self::question::PolicyQuestion;
use self::stage::ApprovalStage;
use super::access_package::AccessPackage;
use super::api::Api;
use super::connected_organization::ConnectedOrganization;
use super::error::ApiError;
use super::id::{GlobalId, Kind};
use super::resolve::{Now, Plain, Rows, enum_value, maybe, scalar};
use super::scalar::Duration;
use super::user::User;
use crate::authz::Permission;
use crate::domain::assignment_policy::questions;
use crate::store::Columns;
use crate::store::columns::columns;

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
            "customSchedule" => scalar(&self.0.custom_schedule),
            "managersMayRequest" => scalar(&self.0.managers_may_request),
            "requiresSignedLink" => scalar(&self.0.requires_signed_link),
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
            "customSchedule" => columns!(assignment_policy: CustomSchedule),
            "managersMayRequest" => columns!(assignment_policy: ManagersMayRequest),
            "requiresSignedLink" => columns!(assignment_policy: RequiresSignedLink),
            "extension" => columns!(assignment_policy: Extension),
            "questions" => columns!(assignment_policy: Questions),
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

    /// What a request has to answer, in order.
    #[allow(clippy::unused_async, reason = "resolvers are asynchronous")]
    async fn questions(&self) -> Result<Vec<PolicyQuestion>, ApiError> {
        Ok(questions::of(&self.0)?.into_iter().map(PolicyQuestion).collect())
    }

    /// Whether a request may choose its start and end, within what the policy allows.
    async fn custom_schedule(&self) -> bool {
        self.0.custom_schedule
    }

    /// Whether managers may request for those who report to them, whom the policy admits.
    async fn managers_may_request(&self) -> bool {
        self.0.managers_may_request
    }

    /// Whether a request must come by a signed link: who has none is admitted, and refused all the same.
    async fn requires_signed_link(&self) -> bool {
        self.0.requires_signed_link
    }

    /// Whether holders may ask to keep their assignment longer.
    async fn extension(&self) -> PolicyExtension {
        self.0.extension.into()
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

/// Whether holders may ask to keep their assignment longer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "entity::assignment_policy::Extension")]
pub enum PolicyExtension {
    /// They may not.
    NotAllowed,
    /// They may, and nobody has to decide.
    WithoutApproval,
    /// They may, through the stages of the policy.
    WithApproval,
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
