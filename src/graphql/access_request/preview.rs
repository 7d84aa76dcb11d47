//! What a request would do now, by the same judgement as its submission.

use async_graphql::{Context, Object};
use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::mutation::SubmitAccessRequestInput;
use crate::authz::Permission;
use crate::domain::access_request::make::stage;
use crate::domain::access_request::plan::{Plan, plan};
use crate::domain::approval::Stage;
use crate::domain::approval::approvers::{self, Request, Wanted};
use crate::domain::connected_organization::propose::judge;
use crate::graphql::access_package::AccessPackage;
use crate::graphql::api::Api;
use crate::graphql::assignment_policy::AssignmentPolicy;
use crate::graphql::assignment_policy::stage::ApprovalStage;
use crate::graphql::error::{ApiError, UserError, answer};
use crate::graphql::resolve::{Now, Rows};
use crate::graphql::user::User;
use crate::store::StoreError;

/// What a request would do now. Nothing is made, held or promised by it.
pub struct AccessRequestPreview {
    plan: Option<Plan>,
    user_errors: Vec<UserError>,
    submitter: Option<Uuid>,
}

impl AccessRequestPreview {
    /// Judges what `submitAccessRequest` would be asked.
    pub async fn of(ctx: &Context<'_>, input: SubmitAccessRequestInput) -> Result<Self, ApiError> {
        let api = Api::of(ctx);
        let submitter = api.viewer.user;
        let (_, wish) = input.wish(api);
        let (plan, mut user_errors) = answer(plan(&api.database, &api.scope, &wish, api.now).await)?;
        if let Some(plan) = &plan {
            user_errors.extend(plan.refused.iter().cloned().map(UserError::from));
        }
        if let (true, Some(proposal)) = (user_errors.is_empty(), api.viewer.proposes()) {
            let judged = judge(&api.database, api.scope.organization, proposal, api.now).await;
            user_errors.extend(answer(judged)?.1);
        }
        Ok(Self { plan, user_errors, submitter })
    }

    async fn packages(&self, api: &Api, ids: &[Uuid]) -> Result<Vec<AccessPackage>, ApiError> {
        let mut packages = Vec::with_capacity(ids.len());
        for row in api.loaders.packages().get_all(ids).await? {
            packages.push(AccessPackage::from(row.as_ref().clone()));
        }
        Ok(packages)
    }
}

/// What a request would do now. Nothing is made, held or promised by it.
#[Object]
impl AccessRequestPreview {
    /// Whether `submitAccessRequest` would accept the same input now.
    async fn acceptable(&self) -> bool {
        self.user_errors.is_empty()
    }

    /// Why it would be refused, in the words of `submitAccessRequest`; empty when acceptable.
    async fn user_errors(&self) -> &[UserError] {
        &self.user_errors
    }

    /// The policy that the request would be made under; null where none applies, or several do and none was chosen.
    async fn policy(&self) -> Option<Now<AssignmentPolicy>> {
        let policy = self.plan.as_ref()?.policy.clone()?;
        Some(Now(AssignmentPolicy(policy)))
    }

    /// The policies that apply to the requestor: to choose from where there are several.
    async fn applicable_policies(&self, ctx: &Context<'_>) -> Result<Rows<AssignmentPolicy>, ApiError> {
        let Some(plan) = &self.plan else { return Ok(Rows(Vec::new())) };
        let policies = Api::of(ctx).loaders.policies().get_all(&plan.applicable).await?;
        Ok(Rows(policies.into_iter().map(AssignmentPolicy).collect()))
    }

    /// The stages that would decide, in order; empty where nobody has to decide.
    async fn stages(&self, ctx: &Context<'_>) -> Result<Vec<PreviewStage>, ApiError> {
        let Some(plan) = &self.plan else { return Ok(Vec::new()) };
        let api = Api::of(ctx);
        let sees_all = api.viewer.catalogs(Permission::SeeCatalogs).contain(plan.package.catalog_id);
        let request = Request {
            id: Uuid::nil(),
            catalog: plan.package.catalog_id,
            requestor: plan.requestor,
            submitter: self.submitter,
            newcomer_from: api.scope.connected.filter(|_| api.scope.is_newcomer),
        };
        let mut wanted = Vec::with_capacity(plan.stages.len());
        for (place, row) in (1_u128..).zip(&plan.stages) {
            let read: Stage = serde_json::from_value(stage(row))
                .map_err(|error| StoreError::Other(format!("a stage of a policy: {error}")))?;
            wanted.push(Wanted::first(Uuid::from_u128(place), request, &read));
        }
        let found = approvers::find(&api.database, api.scope.organization, &wanted, api.now).await?;
        let stages = (1_u128..).zip(&plan.stages).map(|(place, row)| {
            let deciders = found.iter().filter(|approver| approver.approval_id == Uuid::from_u128(place));
            let deciders: Vec<Uuid> = deciders.map(|approver| approver.user_id).collect();
            PreviewStage {
                stage: row.clone(),
                anybody: !deciders.is_empty(),
                deciders: if sees_all || row.stage.approvers_visible { deciders } else { Vec::new() },
            }
        });
        Ok(stages.collect())
    }

    /// The packages that stand against the request because the requestor holds or has requested them.
    async fn incompatible_access_packages(&self, ctx: &Context<'_>) -> Result<Rows<AccessPackage>, ApiError> {
        let Some(plan) = &self.plan else { return Ok(Rows(Vec::new())) };
        Ok(Rows(self.packages(Api::of(ctx), &plan.incompatible).await?))
    }

    /// When the assignment would start if nobody had to decide, or all decided now; null where the input is refused
    /// for what it asks.
    async fn starts_at(&self) -> Option<DateTime<Utc>> {
        Some(self.plan.as_ref()?.content.as_ref()?.starts_at)
    }

    /// When it would end; null: never, or where the input is refused for what it asks.
    async fn expires_at(&self) -> Option<DateTime<Utc>> {
        self.plan.as_ref()?.content.as_ref()?.expires_at
    }
}

/// A stage that would decide a request.
pub struct PreviewStage {
    stage: crate::store::assignment_policy::StageRow,
    anybody: bool,
    deciders: Vec<Uuid>,
}

/// A stage that would decide a request.
#[Object]
impl PreviewStage {
    /// The stage of the policy.
    async fn stage(&self) -> ApprovalStage {
        ApprovalStage(self.stage.clone())
    }

    /// Whether there is anybody now who could decide it.
    async fn has_approver(&self) -> bool {
        self.anybody
    }

    /// Who could decide it now, by name; empty for those who neither see all of the catalog nor are told by the policy.
    /// Nobody decides two stages, so that those of later ones can become fewer.
    async fn approvers(&self, ctx: &Context<'_>) -> Result<Rows<User>, ApiError> {
        let mut users = Api::of(ctx).loaders.users().get_all(&self.deciders).await?;
        users.sort_by(|left, right| (&left.name_key, left.id).cmp(&(&right.name_key, right.id)));
        Ok(Rows(users.into_iter().map(User).collect()))
    }
}
