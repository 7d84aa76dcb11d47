//! The approval stages of a policy.

use async_graphql::{ComplexObject, Context, Enum, ID, InputObject, Object, OneofObject, SimpleObject};
use entity::policy_stage_approver::{self, ApproverPart};
use uuid::Uuid;

use crate::authz::Permission;
use crate::domain::assignment_policy::stages;
use crate::graphql::api::Api;
use crate::graphql::catalog::CatalogRole;
use crate::graphql::error::ApiError;
use crate::graphql::id::{GlobalId as _, Kind};
use crate::graphql::resolve::Now;
use crate::graphql::scalar::Duration;
use crate::graphql::user::User;
use crate::store::assignment_policy::StageRow;

/// The usual time for a decision.
const USUAL_TIMEOUT: i64 = 14 * 86_400;

/// One stage of approval: any one of its approvers decides it.
pub struct ApprovalStage(pub StageRow);

impl ApprovalStage {
    fn part(&self, part: ApproverPart) -> Vec<StageApprover> {
        let row = |approver: &policy_stage_approver::Model| StageApprover {
            policy: self.0.stage.policy_id,
            user: approver.user_id,
            kind: approver.kind.into(),
            catalog_role: approver.catalog_role.map(Into::into),
            manager_level: approver.manager_level,
        };
        self.0.approvers.iter().filter(|approver| approver.part == part).map(row).collect()
    }
}

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
        self.part(ApproverPart::Primary)
    }

    /// Who may decide where none of the approvers is left: before the owners of the catalog and the administrators
    /// take their place.
    async fn fallback_approvers(&self) -> Vec<StageApprover> {
        self.part(ApproverPart::Fallback)
    }

    /// Who may decide, too, once nobody has decided for the time of `alternatesAfter`.
    async fn alternate_approvers(&self) -> Vec<StageApprover> {
        self.part(ApproverPart::Alternate)
    }

    /// After this long without a decision the alternates may decide, too; null where there are none.
    async fn alternates_after(&self) -> Option<Duration> {
        self.0.stage.alternates_after_seconds.map(Duration::seconds)
    }

    /// Whether the requestor sees who may decide.
    async fn approvers_visible(&self) -> bool {
        self.0.stage.approvers_visible
    }
}

/// How approvers of a stage are found.
#[derive(SimpleObject)]
#[graphql(complex)]
pub struct StageApprover {
    #[graphql(skip)]
    policy: Uuid,
    #[graphql(skip)]
    user: Option<Uuid>,
    /// In which way.
    kind: ApproverKind,
    /// For `CATALOG_ROLE`: the holders of which role.
    catalog_role: Option<CatalogRole>,
    /// For `MANAGER`: how many steps up, 1 to 4; 1 is the requestor's own manager, 2 that one's.
    manager_level: Option<i32>,
}

#[ComplexObject]
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
    /// The requestor's manager, or one further up (`managerLevel`).
    Manager,
    /// The holders of a role in the package's catalog.
    CatalogRole,
    /// The sponsors of the requestor's connected organization.
    Sponsor,
}

/// How approvers of a stage are found: exactly one of these.
#[derive(Debug, OneofObject)]
pub enum StageApproverInput {
    /// One named user, who must be active.
    User(ID),
    /// The requestor's manager; only true is accepted.
    Manager(bool),
    /// The manager so many steps above the requestor, 1 to 4: 1 is the requestor's own manager, 2 that one's. Where
    /// nobody stands there, or somebody who may not act, the fallback approvers take the place.
    ManagerLevel(i32),
    /// The holders of this role in the package's catalog.
    CatalogRole(CatalogRole),
    /// The sponsors of the requestor's connected organization; only true is accepted.
    Sponsors(bool),
}

impl From<StageApproverInput> for stages::Approver {
    fn from(input: StageApproverInput) -> Self {
        match input {
            StageApproverInput::User(id) => Self::User(Kind::User.named(&id)),
            StageApproverInput::Manager(true) => Self::Manager(1),
            StageApproverInput::ManagerLevel(level) => Self::Manager(level),
            StageApproverInput::Manager(false) => Self::Unsaid("manager"),
            StageApproverInput::CatalogRole(role) => Self::CatalogRole(role.into()),
            StageApproverInput::Sponsors(true) => Self::Sponsors,
            StageApproverInput::Sponsors(false) => Self::Unsaid("sponsors"),
        }
    }
}

/// One stage of approval: any one of its approvers decides it.
#[derive(Debug, InputObject)]
pub struct ApprovalStageInput {
    /// After this long without a decision the request is denied, from 1 hour to 60 days.
    #[graphql(default_with = "Duration::seconds(USUAL_TIMEOUT)")]
    timeout: Duration,
    /// Whether the decision must say why.
    #[graphql(default = false)]
    justification_required: bool,
    /// Who may decide, 1 to 20.
    approvers: Vec<StageApproverInput>,
    /// Who may decide where none of them is left, at most 20: before the owners of the catalog, identity governance
    /// administrators and global administrators take their place.
    #[graphql(default)]
    fallback_approvers: Vec<StageApproverInput>,
    /// Who may decide, too, once nobody has decided for the time of `alternatesAfter`, at most 20.
    #[graphql(default)]
    alternate_approvers: Vec<StageApproverInput>,
    /// When the alternates may decide, too: at least 1 hour after the stage's turn came, before its `timeout`. Given
    /// with `alternateApprovers`, and not without.
    alternates_after: Option<Duration>,
    /// Whether the requestor sees who may decide.
    #[graphql(default = false)]
    approvers_visible: bool,
}

impl From<ApprovalStageInput> for stages::Stage {
    fn from(input: ApprovalStageInput) -> Self {
        let approvers = |given: Vec<StageApproverInput>| given.into_iter().map(Into::into).collect();
        Self {
            timeout: input.timeout.0,
            justification_required: input.justification_required,
            approvers: approvers(input.approvers),
            fallback: approvers(input.fallback_approvers),
            alternates: approvers(input.alternate_approvers),
            alternates_after: input.alternates_after.map(|after| after.0),
            approvers_visible: input.approvers_visible,
        }
    }
}
