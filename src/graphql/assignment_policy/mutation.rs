//! Making, changing and deleting assignment policies.

use async_graphql::{Context, ID, InputObject, Object, OneofObject, SimpleObject};
use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::question::PolicyQuestionInput;
use super::stage::ApprovalStageInput;
use super::{AssignmentPolicy, PolicyExtension, RequestorScope};
use crate::authz::Action as _;
use crate::authz::permission::action::EditPolicy;
use crate::domain::assignment_policy::expiration::Expiration;
use crate::domain::assignment_policy::questions::Question;
use crate::domain::assignment_policy::stages::Stage;
use crate::domain::assignment_policy::{create, delete, update};
use crate::graphql::api::{Api, repeatable};
use crate::graphql::error::{ApiError, UserError};
use crate::graphql::id::{GlobalId as _, Kind};
use crate::graphql::requires::requires;
use crate::graphql::scalar::Duration;
use crate::store;

/// How assignments under a policy end: exactly one of these.
#[derive(Debug, OneofObject)]
pub enum PolicyExpirationInput {
    /// They do not; only true is accepted.
    Never(bool),
    /// This long after their start, from 1 second to 3,660 days.
    AfterDuration(Duration),
    /// All at this time, which must lie in the future.
    OnDate(DateTime<Utc>),
}

impl From<PolicyExpirationInput> for Expiration {
    fn from(input: PolicyExpirationInput) -> Self {
        match input {
            PolicyExpirationInput::Never(true) => Self::Never,
            PolicyExpirationInput::Never(false) => Self::Unsaid,
            PolicyExpirationInput::AfterDuration(length) => Self::After(length.0),
            PolicyExpirationInput::OnDate(at) => Self::On(at),
        }
    }
}

/// A new assignment policy.
#[derive(Debug, InputObject)]
pub struct CreateAssignmentPolicyInput {
    /// The package; it can have 50 policies.
    access_package: ID,
    /// The name, 1 to 200 characters, unique in the package.
    display_name: String,
    /// What the policy is for, at most 2,000 characters.
    #[graphql(default)]
    description: String,
    /// Who may request: people from inside, or from outside. The latter can only use what is in a catalog that is
    /// enabled and externally visible.
    requestor_scope: RequestorScope,
    /// The active users who may, 1 to 500: with `SPECIFIC_USERS`, and not without.
    #[graphql(default)]
    specific_users: Vec<ID>,
    /// The connected organizations whose people may, 1 to 500, proposed ones too: with
    /// `SPECIFIC_CONNECTED_ORGANIZATIONS`, and not without.
    #[graphql(default)]
    specific_connected_organizations: Vec<ID>,
    /// Whether a request must say why.
    #[graphql(default = false)]
    justification_required: bool,
    /// Whether new requests are taken.
    #[graphql(default = true)]
    enabled: bool,
    /// How assignments end.
    expiration: PolicyExpirationInput,
    /// The stages that decide, in order, at most 3; without any nobody has to decide.
    #[graphql(default)]
    approval_stages: Vec<ApprovalStageInput>,
    /// What a request has to answer, in order, at most 20 questions.
    #[graphql(default)]
    questions: Vec<PolicyQuestionInput>,
    /// Whether a request may choose its start and end, within what the policy allows.
    #[graphql(default = true)]
    custom_schedule: bool,
    /// Whether managers may request for those who report to them, whom the policy admits.
    #[graphql(default = false)]
    managers_may_request: bool,
    /// Whether holders may ask to keep their assignment longer.
    #[graphql(default_with = "PolicyExtension::NotAllowed")]
    extension: PolicyExtension,
    /// Whether a request must come by a signed link (`SIGNED_LINK_REQUIRED`).
    #[graphql(default = false)]
    requires_signed_link: bool,
    /// Makes the call repeatable for 24 hours: a second call with the same key and input answers with the first one's policy.
    idempotency_key: Option<String>,
}

/// The end of `createAssignmentPolicy`.
#[derive(SimpleObject)]
pub struct CreateAssignmentPolicyPayload {
    /// The new policy; null when refused.
    assignment_policy: Option<AssignmentPolicy>,
    /// Why it was refused; empty when done.
    user_errors: Vec<UserError>,
}

/// What to change of an assignment policy; what is left out stays.
#[derive(Debug, InputObject)]
pub struct UpdateAssignmentPolicyInput {
    /// The policy.
    id: ID,
    /// The version that the change is based on; `CONFLICT` when it is no longer that.
    version: i32,
    /// The name, 1 to 200 characters, unique in the package.
    display_name: Option<String>,
    /// What the policy is for, at most 2,000 characters.
    description: Option<String>,
    /// Who may request: people from inside, or from outside. The latter can only use what is in a catalog that is
    /// enabled and externally visible.
    requestor_scope: Option<RequestorScope>,
    /// The active users who may, 1 to 500: with `SPECIFIC_USERS`, and not without. The whole list, which replaces the
    /// one before; with another scope the list goes.
    specific_users: Option<Vec<ID>>,
    /// The connected organizations whose people may, 1 to 500, proposed ones too: with
    /// `SPECIFIC_CONNECTED_ORGANIZATIONS`, and not without. The whole list, which replaces the one before; with another
    /// scope the list goes.
    specific_connected_organizations: Option<Vec<ID>>,
    /// Whether a request must say why.
    justification_required: Option<bool>,
    /// Whether new requests are taken.
    enabled: Option<bool>,
    /// How assignments end; those that there are keep their end.
    expiration: Option<PolicyExpirationInput>,
    /// The stages that decide, in order, at most 3: the whole list, which replaces the one before.
    approval_stages: Option<Vec<ApprovalStageInput>>,
    /// What a request has to answer, in order, at most 20 questions: the whole list, which replaces the one before.
    questions: Option<Vec<PolicyQuestionInput>>,
    /// Whether a request may choose its start and end, within what the policy allows.
    custom_schedule: Option<bool>,
    /// Whether managers may request for those who report to them, whom the policy admits.
    managers_may_request: Option<bool>,
    /// Whether holders may ask to keep their assignment longer; it holds for the assignments that there are, too.
    extension: Option<PolicyExtension>,
    /// Whether a request must come by a signed link (`SIGNED_LINK_REQUIRED`).
    requires_signed_link: Option<bool>,
}

/// The end of `updateAssignmentPolicy`.
#[derive(SimpleObject)]
pub struct UpdateAssignmentPolicyPayload {
    /// The policy as it is now; null when refused.
    assignment_policy: Option<AssignmentPolicy>,
    /// Why it was refused; empty when done.
    user_errors: Vec<UserError>,
}

/// Which assignment policy to delete.
#[derive(Debug, InputObject)]
pub struct DeleteAssignmentPolicyInput {
    /// The policy.
    id: ID,
}

/// The end of `deleteAssignmentPolicy`.
#[derive(SimpleObject)]
pub struct DeleteAssignmentPolicyPayload {
    /// The policy that was deleted; null when refused.
    assignment_policy: Option<AssignmentPolicy>,
    /// Why it was refused; empty when done.
    user_errors: Vec<UserError>,
}

/// The policy that a command has made or changed.
async fn changed(api: &Api, id: Option<Uuid>) -> Result<Option<AssignmentPolicy>, ApiError> {
    let Some(id) = id else { return Ok(None) };
    let found = store::assignment_policy::find(&api.database, api.named(), &[id]).await?;
    Ok(found.into_iter().next().map(AssignmentPolicy))
}

fn users(ids: &[ID]) -> Vec<Uuid> {
    ids.iter().map(|id| Kind::User.named(id)).collect()
}

fn connected_organizations(ids: &[ID]) -> Vec<Uuid> {
    ids.iter().map(|id| Kind::ConnectedOrganization.named(id)).collect()
}

fn stages(input: Vec<ApprovalStageInput>) -> Vec<Stage> {
    input.into_iter().map(Stage::from).collect()
}

fn questions(input: Vec<PolicyQuestionInput>) -> Vec<Question> {
    input.into_iter().map(Question::from).collect()
}

/// Changes of assignment policies.
#[derive(Default)]
pub struct AssignmentPolicyMutation;

#[Object]
impl AssignmentPolicyMutation {
    /// Gives an access package a policy: with an enabled one those whom it admits can request the package.
    #[graphql(directive = requires::apply(EditPolicy::PERMISSION.into()))]
    async fn create_assignment_policy(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The policy.")] input: CreateAssignmentPolicyInput,
    ) -> Result<CreateAssignmentPolicyPayload, ApiError> {
        let api = Api::of(ctx);
        let permit = api.permit::<EditPolicy>().await?;
        let idempotency = repeatable(input.idempotency_key.clone(), &input);
        let (id, user_errors) = api
            .run(create::Create {
                permit,
                access_package: Kind::AccessPackage.parse(&input.access_package),
                display_name: input.display_name,
                description: input.description,
                requestor_scope: input.requestor_scope.into(),
                specific_users: users(&input.specific_users),
                specific_connected_organizations: connected_organizations(
                    &input.specific_connected_organizations,
                ),
                justification_required: input.justification_required,
                enabled: input.enabled,
                expiration: input.expiration.into(),
                approval_stages: stages(input.approval_stages),
                questions: questions(input.questions),
                custom_schedule: input.custom_schedule,
                managers_may_request: input.managers_may_request,
                extension: input.extension.into(),
                requires_signed_link: input.requires_signed_link,
                idempotency,
            })
            .await?;
        Ok(CreateAssignmentPolicyPayload { assignment_policy: changed(api, id).await?, user_errors })
    }

    /// Changes an assignment policy. Requests that were made before keep the policy as it was then.
    #[graphql(directive = requires::apply(EditPolicy::PERMISSION.into()))]
    async fn update_assignment_policy(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The change.")] input: UpdateAssignmentPolicyInput,
    ) -> Result<UpdateAssignmentPolicyPayload, ApiError> {
        let api = Api::of(ctx);
        let permit = api.permit::<EditPolicy>().await?;
        let (id, user_errors) = api
            .run(update::Update {
                permit,
                id: Kind::AssignmentPolicy.parse(&input.id),
                version: input.version,
                display_name: input.display_name,
                description: input.description,
                requestor_scope: input.requestor_scope.map(Into::into),
                specific_users: input.specific_users.as_deref().map(users),
                specific_connected_organizations: input
                    .specific_connected_organizations
                    .as_deref()
                    .map(connected_organizations),
                justification_required: input.justification_required,
                enabled: input.enabled,
                expiration: input.expiration.map(Into::into),
                approval_stages: input.approval_stages.map(stages),
                questions: input.questions.map(questions),
                custom_schedule: input.custom_schedule,
                managers_may_request: input.managers_may_request,
                extension: input.extension.map(Into::into),
                requires_signed_link: input.requires_signed_link,
            })
            .await?;
        Ok(UpdateAssignmentPolicyPayload { assignment_policy: changed(api, id).await?, user_errors })
    }

    /// Deletes an assignment policy; `IN_USE` names up to ten open requests that were made under it. Assignments under it
    /// go on.
    #[graphql(directive = requires::apply(EditPolicy::PERMISSION.into()))]
    async fn delete_assignment_policy(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The policy.")] input: DeleteAssignmentPolicyInput,
    ) -> Result<DeleteAssignmentPolicyPayload, ApiError> {
        let api = Api::of(ctx);
        let permit = api.permit::<EditPolicy>().await?;
        let command = delete::Delete { permit, id: Kind::AssignmentPolicy.parse(&input.id) };
        let (id, user_errors) = api.run(command).await?;
        Ok(DeleteAssignmentPolicyPayload { assignment_policy: changed(api, id).await?, user_errors })
    }
}
