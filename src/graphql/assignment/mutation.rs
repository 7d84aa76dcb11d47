//! Assigning, extending, revoking and giving up one assignment.

use std::sync::Arc;

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use chrono::{DateTime, Utc};

use super::Assignment;
use super::direct::DirectAssignmentInput;
use crate::authz::Action as _;
use crate::authz::permission::action;
use crate::domain::assignment::{create, extend, give_up, revoke};
use crate::domain::{Code, Rejection};
use crate::graphql::access_request::AccessRequest;
use crate::graphql::access_request::mutation::{changed, times};
use crate::graphql::api::{Api, repeatable};
use crate::graphql::error::{ApiError, UserError};
use crate::graphql::id::Kind;
use crate::graphql::requires::requires;
use crate::store;

/// A package for somebody else.
#[derive(Debug, InputObject)]
pub struct CreateAssignmentInput {
    /// Who gets it; never yourself (`SELF_ASSIGNMENT`).
    user: ID,
    /// What is assigned, and how.
    #[graphql(flatten)]
    given: DirectAssignmentInput,
    /// Makes the call repeatable for 24 hours: a second call with the same key and input answers with the first one's request.
    idempotency_key: Option<String>,
}

/// The end of `createAssignment`.
#[derive(SimpleObject)]
pub struct CreateAssignmentPayload {
    /// The request that makes the assignment; null when refused.
    access_request: Option<AccessRequest>,
    /// Why it was refused; empty when done.
    user_errors: Vec<UserError>,
}

/// Which assignment to extend.
#[derive(Debug, InputObject)]
pub struct ExtendAssignmentInput {
    /// The assignment.
    assignment: ID,
    /// The new end: later than the one that there is, and no later than that of an assignment that would begin now.
    /// As late as that where left out.
    expires_at: Option<DateTime<Utc>>,
    /// Why, at most 2,000 characters; some policies ask for it.
    justification: Option<String>,
    /// Makes the call repeatable for 24 hours: a second call with the same key and input answers with the first one's request.
    idempotency_key: Option<String>,
}

/// The end of `extendAssignment`.
#[derive(SimpleObject)]
pub struct ExtendAssignmentPayload {
    /// The request that extends the assignment; null when refused.
    access_request: Option<AccessRequest>,
    /// Why it was refused; empty when done.
    user_errors: Vec<UserError>,
}

/// Which assignment to revoke.
#[derive(Debug, InputObject)]
pub struct RevokeAssignmentInput {
    /// The assignment.
    id: ID,
    /// Why, at most 2,000 characters; shown in the history.
    reason: Option<String>,
}

/// The end of `revokeAssignment`.
#[derive(SimpleObject)]
pub struct RevokeAssignmentPayload {
    /// The assignment as it is now; null when refused.
    assignment: Option<Assignment>,
    /// The request that takes the access away; null when refused.
    access_request: Option<AccessRequest>,
    /// Why it was refused; empty when done.
    user_errors: Vec<UserError>,
}

/// Which assignment to give up.
#[derive(Debug, InputObject)]
pub struct GiveUpAssignmentInput {
    /// The assignment, your own.
    id: ID,
    /// Why, at most 2,000 characters; shown in the history.
    reason: Option<String>,
    /// Makes the call repeatable for 24 hours: a second call with the same key and input answers with the first one's request.
    idempotency_key: Option<String>,
}

/// The end of `giveUpAssignment`.
#[derive(SimpleObject)]
pub struct GiveUpAssignmentPayload {
    /// The assignment as it is now; null when refused.
    assignment: Option<Assignment>,
    /// The request that takes the access away, of type `USER_REMOVE`; null when refused.
    access_request: Option<AccessRequest>,
    /// Why it was refused; empty when done.
    user_errors: Vec<UserError>,
}

/// Changes of one assignment.
#[derive(Default)]
pub struct AssignmentMutation;

#[Object]
impl AssignmentMutation {
    /// Assigns a package to somebody else directly, under one of its policies.
    #[graphql(directive = requires::apply(action::Assign::PERMISSION.into()))]
    async fn create_assignment(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The assignment.")] input: CreateAssignmentInput,
    ) -> Result<CreateAssignmentPayload, ApiError> {
        let api = Api::of(ctx);
        input.given.check()?;
        let idempotency = repeatable(input.idempotency_key.clone(), &input);
        let direct = input.given.direct(api.permit().await?);
        let command = create::Create { direct, user: Kind::User.parse(&input.user), idempotency };
        let (id, user_errors) = api.run(command).await?;
        let access_request = changed(api, id).await?;
        Ok(CreateAssignmentPayload { access_request, user_errors })
    }

    /// Keeps a package longer: your own, or where you manage the catalog's requests. The policy says whether that is
    /// allowed, and whether its stages decide; it must still admit the holder. The access itself goes on unchanged.
    async fn extend_assignment(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The assignment and its new end.")] input: ExtendAssignmentInput,
    ) -> Result<ExtendAssignmentPayload, ApiError> {
        let api = Api::of(ctx);
        times([("expiresAt", input.expires_at), ("", None)])?;
        let Some(actor) = api.viewer.actor(api.request_id) else {
            let user_errors = vec![extend::not_found().into()];
            return Ok(ExtendAssignmentPayload { access_request: None, user_errors });
        };
        let command = extend::Extend {
            actor,
            viewer: api.viewer.as_ref().clone(),
            id: Kind::Assignment.parse(&input.assignment),
            idempotency: repeatable(input.idempotency_key.clone(), &input),
            expires_at: input.expires_at,
            justification: input.justification,
        };
        let (id, user_errors) = api.run(command).await?;
        let access_request = changed(api, id).await?;
        Ok(ExtendAssignmentPayload { access_request, user_errors })
    }

    /// Takes an assignment away: what was given is taken back, unless another assignment of the person still
    /// holds it, or the person had it before.
    #[graphql(directive = requires::apply(action::Revoke::PERMISSION.into()))]
    async fn revoke_assignment(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The assignment.")] input: RevokeAssignmentInput,
    ) -> Result<RevokeAssignmentPayload, ApiError> {
        let api = Api::of(ctx);
        let id = Kind::Assignment.parse(&input.id);
        let command = revoke::Revoke { permit: api.permit().await?, id, reason: input.reason };
        let (request, user_errors) = api.run(command).await?;
        let assignment = match id.filter(|_| request.is_some()) {
            Some(id) => {
                let include = store::assignment::Include::default();
                store::assignment::find(&api.database, api.named(), &[id], include).await?.into_iter().next()
            }
            None => None,
        };
        Ok(RevokeAssignmentPayload {
            assignment: assignment.map(|row| Assignment(Arc::new(row))),
            access_request: changed(api, request).await?,
            user_errors,
        })
    }

    /// Gives your own access up. Nobody has to agree; what was given is taken back, unless another assignment of yours
    /// still holds it, or you had it before. Of somebody else's it is `FORBIDDEN`: that is revoked.
    async fn give_up_assignment(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The assignment.")] input: GiveUpAssignmentInput,
    ) -> Result<GiveUpAssignmentPayload, ApiError> {
        let api = Api::of(ctx);
        let Some(actor) = api.viewer.actor(api.request_id) else {
            let refused =
                Rejection::of("id", Code::NotFound, "There is no such assignment, or you may not see it.");
            return Ok(GiveUpAssignmentPayload {
                assignment: None,
                access_request: None,
                user_errors: vec![refused.into()],
            });
        };
        let id = Kind::Assignment.parse(&input.id);
        let idempotency = repeatable(input.idempotency_key.clone(), &input);
        let scope = api.scope.as_ref().clone();
        let command = give_up::GiveUp { actor, scope, id, reason: input.reason, idempotency };
        let (request, user_errors) = api.run(command).await?;
        let assignment = match id.filter(|_| request.is_some()) {
            Some(id) => {
                let include = store::assignment::Include::default();
                store::assignment::find(&api.database, api.named(), &[id], include).await?.into_iter().next()
            }
            None => None,
        };
        Ok(GiveUpAssignmentPayload {
            assignment: assignment.map(|row| Assignment(Arc::new(row))),
            access_request: changed(api, request).await?,
            user_errors,
        })
    }
}
