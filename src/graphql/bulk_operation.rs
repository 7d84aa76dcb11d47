//! Bulk operations: one action on many objects, with the outcome of each.

use std::sync::Arc;

use async_graphql::{Context, Enum, ID, InputObject, MaybeUndefined, Object};
use chrono::{DateTime, Utc};
use entity::{bulk_operation, bulk_operation_item};
use uuid::Uuid;

use super::access_request::AccessRequest;
use super::api::Api;
use super::assignment::Assignment;
use super::assignment::check::ResourceRoleCheck;
use super::connection::{Connection, Listed, Paging, Selected, Sorted, given};
use super::error::{ApiError, UserError, UserErrorCode};
use super::id::{GlobalId, Kind};
use super::inbox::{self, InboxSubject};
use super::loader::Nested;
use super::node::Node;
use super::resolve::{Now, Plain};
use super::token_grant::TokenGrant;
use super::token_request::TokenRequest;
use super::token_request::mutation::ReviewDecision;
use super::user::User;
use crate::domain::Command;
use crate::domain::bulk_operation::code;
use crate::store::{self, Direction, Key, Position};

/// The most items of a page, a whole selection by ids; no list has a larger page.
pub const LARGEST_ITEM_PAGE: i32 = 1_000;

/// One action on many objects.
#[derive(Clone)]
pub struct BulkOperation(pub Arc<bulk_operation::Model>);

impl Listed for BulkOperation {
    fn position(&self, _: &str) -> Position {
        Position { key: Key::Time(self.0.started_at), id: self.0.id }
    }
}

impl Plain for BulkOperation {}

/// One action on many objects.
#[Object]
impl BulkOperation {
    /// The global id.
    pub async fn id(&self) -> ID {
        Kind::BulkOperation.id(self.0.id)
    }

    /// Which action.
    async fn kind(&self) -> BulkOperationKind {
        self.0.kind.into()
    }

    /// Where it stands.
    async fn state(&self) -> BulkOperationState {
        self.0.state.into()
    }

    /// Whether it only says what would happen; nothing is changed.
    async fn dry_run(&self) -> bool {
        self.0.dry_run
    }

    /// Which way a review goes; null for other actions, and where each item has its own.
    async fn decision(&self) -> Option<ReviewDecision> {
        self.0.decision.map(Into::into)
    }

    /// What its starter said about it; null where nothing was said.
    async fn reason(&self) -> Option<&str> {
        self.0.reason.as_deref()
    }

    /// How many objects were selected, doubles included.
    async fn total_count(&self) -> i32 {
        self.0.total_count
    }

    /// For how many the action was done, or would be.
    async fn accepted_count(&self) -> i32 {
        self.0.accepted_count
    }

    /// For how many it was refused.
    async fn rejected_count(&self) -> i32 {
        self.0.rejected_count
    }

    /// Who started it.
    async fn started_by(&self, ctx: &Context<'_>) -> Result<Now<User>, ApiError> {
        Ok(Now(User(Api::of(ctx).loaders.users().get(self.0.started_by_id).await?)))
    }

    /// When it was accepted.
    async fn started_at(&self) -> DateTime<Utc> {
        self.0.started_at
    }

    /// When the last item was done; null while it runs.
    async fn finished_at(&self) -> Option<DateTime<Utc>> {
        self.0.finished_at
    }

    /// The selected objects with their outcomes, in the order given.
    async fn items(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which items.")] filter: Option<BulkOperationItemFilter>,
        #[graphql(
            desc = "How many from the start, 0 to 1,000; 20 when neither `first` nor `last` is given."
        )]
        first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 0 to 1,000.")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
    ) -> Result<Connection<BulkOperationItem>, ApiError> {
        let filter = filter.unwrap_or_default();
        let api = Api::of(ctx);
        let sorted = Sorted { by: "POSITION", direction: Direction::Ascending };
        let paging = Paging { first, after, last, before };
        let window = paging.window_of(sorted, &Selected::of(ctx), LARGEST_ITEM_PAGE)?;
        let outcomes: Option<Vec<_>> =
            given("outcome", &filter.outcome)?.map(|outcomes| outcomes.into_iter().map(Into::into).collect());
        let page = api.loaders.items().get(Nested::new(self.0.id, (outcomes, window))).await?;
        let operation = &self.0;
        Ok(Connection::nested(&page, sorted, |item| BulkOperationItem {
            operation: Arc::clone(operation),
            item,
        }))
    }
}

/// Starts a bulk operation, and gives it as it is then, or why it was refused as a whole.
pub async fn start<C: Command<Output = Uuid>>(
    api: &Api,
    command: C,
) -> Result<(Option<BulkOperation>, Vec<UserError>), ApiError> {
    run(api, command).await
}

/// Runs a command that makes a bulk operation, and gives it as it is then, or why it was refused as a whole.
pub async fn run<C: Command<Output = Uuid>>(
    api: &Api,
    command: C,
) -> Result<(Option<BulkOperation>, Vec<UserError>), ApiError> {
    let (id, user_errors) = api.run(command).await?;
    let operation = match id {
        Some(id) => api.loaders.bulk_operations().find(id).await?.map(BulkOperation),
        None => None,
    };
    Ok((operation, user_errors))
}

/// Which action a bulk operation does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "entity::bulk_operation::BulkOperationKind")]
pub enum BulkOperationKind {
    /// Reprocess access requests.
    ReprocessAccessRequests,
    /// Approve or deny access requests.
    ReviewAccessRequests,
    /// Approve or deny token requests.
    ReviewTokenRequests,
    /// Revoke token grants.
    RevokeTokenGrants,
    /// Approve or deny what waits in an inbox: stages of approval and token requests.
    SubmitDecisions,
    /// Assign a package to people.
    CreateAssignments,
    /// Revoke assignments.
    RevokeAssignments,
    /// Compare assignments with the target systems, and repair them unless it is a dry run.
    ReprocessAssignments,
}

/// Where a bulk operation stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "entity::bulk_operation::BulkOperationState")]
pub enum BulkOperationState {
    /// Goes on in the background.
    Running,
    /// Every item has its outcome.
    Completed,
    /// Given up: its starter was deactivated.
    Stopped,
}

/// Which items are wanted; a condition that is null is an error.
#[derive(Clone, Default, InputObject)]
pub struct BulkOperationItemFilter {
    /// With these outcomes.
    outcome: MaybeUndefined<Vec<BulkItemOutcome>>,
}

/// One object of a bulk operation, with its outcome.
#[derive(Clone)]
pub struct BulkOperationItem {
    /// The operation, which tells what the targets are.
    operation: Arc<bulk_operation::Model>,
    item: Arc<bulk_operation_item::Model>,
}

impl Listed for BulkOperationItem {
    fn position(&self, _: &str) -> Position {
        Position { key: Key::Number(self.item.position.into()), id: self.item.operation_id }
    }
}

impl Plain for BulkOperationItem {}

/// One object of a bulk operation, with its outcome.
#[Object]
impl BulkOperationItem {
    /// The place in the selection, from 0.
    async fn index(&self) -> i32 {
        self.item.position
    }

    /// The id as it was given; null for a selection by filter.
    async fn requested_id(&self) -> Option<ID> {
        self.item.requested_id.clone().map(ID)
    }

    /// The object as it is now, where you may see it. For `createAssignments` it is the new request; the user where
    /// none was made.
    async fn target(&self, ctx: &Context<'_>) -> Result<Option<Node>, ApiError> {
        let Some(target) = self.item.target_id else { return Ok(None) };
        let api = Api::of(ctx);
        let loaders = &api.loaders;
        Ok(match self.operation.kind {
            bulk_operation::BulkOperationKind::ReprocessAccessRequests
            | bulk_operation::BulkOperationKind::ReviewAccessRequests => {
                let found = loaders.requests().find(target).await?;
                found.map(|row| Node::AccessRequest(AccessRequest(row)))
            }
            bulk_operation::BulkOperationKind::ReviewTokenRequests => {
                let found = loaders.token_requests().find(target).await?;
                found.map(|row| Node::TokenRequest(TokenRequest(row)))
            }
            bulk_operation::BulkOperationKind::RevokeTokenGrants => {
                let found = loaders.token_grants().find(target).await?;
                found.map(|row| Node::TokenGrant(TokenGrant(row)))
            }
            bulk_operation::BulkOperationKind::SubmitDecisions => {
                inbox::subject(api, target).await?.map(|subject| match subject {
                    InboxSubject::Approval(approval) => Node::Approval(approval),
                    InboxSubject::TokenRequest(request) => Node::TokenRequest(request),
                })
            }
            bulk_operation::BulkOperationKind::RevokeAssignments
            | bulk_operation::BulkOperationKind::ReprocessAssignments => {
                let found = loaders.visible_assignments().find(target).await?;
                found.map(|row| Node::Assignment(Assignment(row)))
            }
            bulk_operation::BulkOperationKind::CreateAssignments if self.made() => {
                let found = loaders.requests().find(target).await?;
                found.map(|row| Node::AccessRequest(AccessRequest(row)))
            }
            bulk_operation::BulkOperationKind::CreateAssignments => {
                let found = loaders.visible_users().find(target).await?;
                found.map(|row| Node::User(User(row)))
            }
        })
    }

    /// What became of it.
    async fn outcome(&self) -> BulkItemOutcome {
        self.item.outcome.into()
    }

    /// Why it was rejected; null otherwise.
    async fn error(&self) -> Option<BulkItemError> {
        let code = code::parse(self.item.error_code.as_deref()?)?;
        Some(BulkItemError { kind: self.operation.kind, code })
    }

    /// For `reprocessAssignments`: what was found for each resource role of the package, where you may see the
    /// assignment. Empty for other actions, and where it was rejected.
    async fn checks(&self, ctx: &Context<'_>) -> Result<Vec<ResourceRoleCheck>, ApiError> {
        if self.operation.kind != bulk_operation::BulkOperationKind::ReprocessAssignments {
            return Ok(Vec::new());
        }
        let Some(target) = self.item.target_id else { return Ok(Vec::new()) };
        let found = Api::of(ctx).loaders.checks().find((self.operation.id, target)).await?;
        Ok(found.iter().flat_map(|rows| rows.iter()).map(ResourceRoleCheck::from).collect())
    }
}

impl BulkOperationItem {
    /// Whether the item made its target.
    fn made(&self) -> bool {
        !self.operation.dry_run && self.item.outcome == bulk_operation_item::BulkItemOutcome::Accepted
    }
}

/// Why an item of a bulk operation was rejected.
pub struct BulkItemError {
    kind: bulk_operation::BulkOperationKind,
    code: crate::domain::Code,
}

/// Why an item of a bulk operation was rejected.
#[Object]
impl BulkItemError {
    /// The reason, for programs.
    async fn code(&self) -> UserErrorCode {
        self.code.into()
    }

    /// The reason and what to do about it, for people. Its wording can change; use `code`.
    async fn message(&self) -> &'static str {
        code::sentence(self.kind, self.code)
    }
}

/// What became of an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "entity::bulk_operation_item::BulkItemOutcome")]
pub enum BulkItemOutcome {
    /// Not done yet.
    Pending,
    /// The action was done, or would be.
    Accepted,
    /// It was refused.
    Rejected,
}

/// Queries about bulk operations.
#[derive(Default)]
pub struct BulkOperationQuery;

#[Object]
impl BulkOperationQuery {
    /// The bulk operations that you may see, newest first: your own, and all of them for global and governance
    /// administrators and readers.
    async fn bulk_operations(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many from the start, 0 to 100; 20 when neither `first` nor `last` is given.")]
        first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 0 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
    ) -> Result<Connection<BulkOperation>, ApiError> {
        let api = Api::of(ctx);
        let sorted = Sorted { by: "STARTED_AT", direction: Direction::Descending };
        let window = Paging { first, after, last, before }.window(sorted, &Selected::of(ctx))?;
        let page = store::bulk_operation::list(&api.database, &api.scope, &window).await?;
        Ok(Connection::new(page, sorted, |operation| BulkOperation(Arc::new(operation))))
    }
}
