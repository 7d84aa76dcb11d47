//! Assigning, revoking and reprocessing many assignments.

use async_graphql::{Context, ID, InputObject, Object, OneofObject, SimpleObject};

use super::AssignmentFilter;
use super::direct::DirectAssignmentInput;
use crate::authz::Action as _;
use crate::authz::permission::action;
use crate::domain::assignment::create_many;
use crate::domain::assignment::reprocess::ReprocessAssignments;
use crate::domain::assignment::revoke::RevokeAssignments;
use crate::domain::bulk_operation::{Selection, Start};
use crate::graphql::api::{Api, repeatable};
use crate::graphql::bulk_operation::{self, BulkOperation};
use crate::graphql::error::{ApiError, UserError};
use crate::graphql::id::Kind;
use crate::graphql::requires::requires;
use crate::store;

/// Which assignments a bulk operation is for.
#[derive(Debug, OneofObject)]
pub enum AssignmentSelection {
    /// These, at most 1,000: done when the mutation answers, one item for each, in this order.
    Ids(Vec<ID>),
    /// Everything that matches and that you may see, at most 200,000: fixed when the mutation is accepted, done in
    /// the background.
    Filter(Box<AssignmentFilter>),
}

impl AssignmentSelection {
    /// The selection, as bulk operations take it.
    fn condition(&self) -> Result<Selection<store::assignment::Filter>, ApiError> {
        Ok(match self {
            Self::Ids(ids) => {
                Selection::Ids(ids.iter().map(|id| (id.to_string(), Kind::Assignment.parse(id))).collect())
            }
            Self::Filter(filter) => Selection::Filter(filter.condition()?),
        })
    }
}

/// Which assignments to revoke.
#[derive(Debug, InputObject)]
pub struct RevokeAssignmentsInput {
    /// The assignments.
    selection: AssignmentSelection,
    /// Why, at most 1,024 characters; shown in the history of the removals.
    reason: Option<String>,
    /// Only say what would happen; nothing is changed. The answer is kept for 7 days.
    #[graphql(default = false)]
    dry_run: bool,
    /// How many assignments you expect to be selected; with another number nothing is done
    /// (`EXPECTED_COUNT_MISMATCH`). A filter without `dryRun` needs it.
    expected_count: Option<i32>,
    /// Makes the call repeatable for 24 hours: a second call with the same key and input answers with the first one's operation.
    idempotency_key: Option<String>,
}

/// The end of `revokeAssignments`.
#[derive(SimpleObject)]
pub struct RevokeAssignmentsPayload {
    /// The operation with one item for each assignment; null when refused as a whole.
    bulk_operation: Option<BulkOperation>,
    /// Why it was refused as a whole; empty when accepted.
    user_errors: Vec<UserError>,
}

/// Which assignments to compare and repair.
#[derive(Debug, InputObject)]
pub struct ReprocessAssignmentsInput {
    /// The assignments.
    selection: AssignmentSelection,
    /// Only compare; nothing is repaired. What was found is kept for 7 days.
    #[graphql(default = false)]
    dry_run: bool,
    /// How many assignments you expect to be selected; with another number nothing is done
    /// (`EXPECTED_COUNT_MISMATCH`). A filter without `dryRun` needs it.
    expected_count: Option<i32>,
    /// Makes the call repeatable for 24 hours: a second call with the same key and input answers with the first one's operation.
    idempotency_key: Option<String>,
}

/// The end of `reprocessAssignments`.
#[derive(SimpleObject)]
pub struct ReprocessAssignmentsPayload {
    /// The operation with one item for each assignment; null when refused as a whole.
    bulk_operation: Option<BulkOperation>,
    /// Why it was refused as a whole; empty when accepted.
    user_errors: Vec<UserError>,
}

/// A package for others.
#[derive(Debug, InputObject)]
pub struct CreateAssignmentsInput {
    /// Who gets it, 1 to 1,000 people; one item for each, in this order.
    users: Vec<ID>,
    /// What is assigned, and how: the same for everybody.
    #[graphql(flatten)]
    given: DirectAssignmentInput,
    /// Only say what would happen; nothing is changed. The answer is kept for 7 days.
    #[graphql(default = false)]
    dry_run: bool,
    /// Makes the call repeatable for 24 hours: a second call with the same key and input answers with the first one's operation.
    idempotency_key: Option<String>,
}

/// The end of `createAssignments`.
#[derive(SimpleObject)]
pub struct CreateAssignmentsPayload {
    /// The operation with one item for each person; null when refused as a whole.
    bulk_operation: Option<BulkOperation>,
    /// Why it was refused as a whole; empty when accepted.
    user_errors: Vec<UserError>,
}

/// Changes of many assignments.
#[derive(Default)]
pub struct AssignmentBulkMutation;

#[Object]
impl AssignmentBulkMutation {
    /// Assigns a package to many people directly, under one of its policies. What is wrong for all of them refuses the
    /// whole; otherwise each is accepted or rejected by themselves: yourself is `SELF_ASSIGNMENT`, one whom the
    /// policy's scope leaves out `NOT_REQUESTABLE`, one who holds the package `ALREADY_ASSIGNED`, one who asked for it
    /// `REQUEST_OPEN`, one who holds or asked for what excludes it `INCOMPATIBLE_PACKAGE`. The target of an item is the new request, or the user where none was made.
    #[graphql(directive = requires::apply(action::Assign::PERMISSION.into()))]
    async fn create_assignments(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The assignments.")] input: CreateAssignmentsInput,
    ) -> Result<CreateAssignmentsPayload, ApiError> {
        let api = Api::of(ctx);
        input.given.check()?;
        let idempotency = repeatable(input.idempotency_key.clone(), &input);
        let direct = input.given.direct(api.permit().await?);
        let users = input.users.iter().map(|id| (id.to_string(), Kind::User.parse(id))).collect();
        let command = create_many::CreateMany { direct, users, dry_run: input.dry_run, idempotency };
        let (bulk_operation, user_errors) = bulk_operation::run(api, command).await?;
        Ok(CreateAssignmentsPayload { bulk_operation, user_errors })
    }

    /// Takes assignments away: what was given is taken back, unless another assignment of the person still holds it, or
    /// the person had it before. Each assignment is accepted or rejected by itself: one that is over, or is being taken
    /// away already, is `NOT_ACTIVE`.
    #[graphql(directive = requires::apply(action::Revoke::PERMISSION.into()))]
    async fn revoke_assignments(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The assignments.")] input: RevokeAssignmentsInput,
    ) -> Result<RevokeAssignmentsPayload, ApiError> {
        let api = Api::of(ctx);
        let permit = api.permit().await?;
        let selection = input.selection.condition()?;
        let idempotency = repeatable(input.idempotency_key.clone(), &input);
        let command = Start::<RevokeAssignments> {
            permit,
            selection,
            decision: None,
            reason: input.reason,
            dry_run: input.dry_run,
            expected_count: input.expected_count,
            idempotency,
        };
        let (bulk_operation, user_errors) = bulk_operation::start(api, command).await?;
        Ok(RevokeAssignmentsPayload { bulk_operation, user_errors })
    }

    /// Compares delivered assignments with the target systems, for every resource role that their packages have now,
    /// and gives again what is missing, however long ago it was delivered. The target systems are asked in the
    /// background: `BulkOperationItem.checks` and `Assignment.lastCheck` say what was found. The requests stay as they
    /// are, and so do the assignments, unless a repair fails for good: such an assignment is `PARTIALLY_DELIVERED`
    /// (`repairFailedAt`) until a later one succeeds. One that is so because of a role that came to its package later is
    /// accepted, too. What was not delivered is `NOT_REPROCESSABLE_STATE`, what is over
    /// `ASSIGNMENT_ENDED`; a later operation overtakes what still waits of an earlier one.
    #[graphql(directive = requires::apply(action::ReprocessAssignment::PERMISSION.into()))]
    async fn reprocess_assignments(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The assignments.")] input: ReprocessAssignmentsInput,
    ) -> Result<ReprocessAssignmentsPayload, ApiError> {
        let api = Api::of(ctx);
        let permit = api.permit().await?;
        let selection = input.selection.condition()?;
        let idempotency = repeatable(input.idempotency_key.clone(), &input);
        let command = Start::<ReprocessAssignments> {
            permit,
            selection,
            decision: None,
            reason: None,
            dry_run: input.dry_run,
            expected_count: input.expected_count,
            idempotency,
        };
        let (bulk_operation, user_errors) = bulk_operation::start(api, command).await?;
        Ok(ReprocessAssignmentsPayload { bulk_operation, user_errors })
    }
}
