//! Deliveries and their attempts.

pub mod mutation;

use std::sync::Arc;

use async_graphql::{Context, Enum, ID, Object, SimpleObject, Value};
use chrono::{DateTime, Utc};
use entity::delivery_attempt;

use super::access_request::AccessRequest;
use super::api::Api;
use super::connection::{Connection, Listed, Paging, Selected, Sorted};
use super::connector::Connector;
use super::error::ApiError;
use super::id::{GlobalId, Kind};
use super::loader::Nested;
use super::resolve::{Now, Plain, enum_value, scalar};
use super::resource::ResourceRole;
use crate::authz::Permission;
use crate::store::columns::columns;
use crate::store::{self, Columns, Direction, Key, Position};

/// The carrying out of one resource role for one request at one target system.
#[derive(Clone)]
pub struct Delivery(pub Arc<store::delivery::Row>);

impl Delivery {
    /// Whether the viewer may see the remote's own words.
    fn shows_remote(&self, api: &Api) -> bool {
        api.viewer.catalogs(Permission::SeeRequests).contain(self.0.catalog_id())
    }
}

impl Plain for Delivery {
    fn plain(&self, field: &str) -> Option<Value> {
        let delivery = &self.0.delivery;
        Some(match field {
            "id" => scalar(&Kind::Delivery.id(delivery.id)),
            "operation" => enum_value(DeliveryOperation::from(delivery.operation)),
            "state" => enum_value(DeliveryState::from(delivery.state)),
            _ => return None,
        })
    }

    fn columns(field: &str) -> Columns {
        match field {
            "id" | "resourceRole" | "attempts" => Columns::KEY,
            "operation" => columns!(delivery: Operation),
            "state" => columns!(delivery: State),
            "attemptCount" => columns!(delivery: AttemptCount),
            "nextAttemptAt" => columns!(delivery: DueAt),
            "createdAt" => columns!(delivery: CreatedAt),
            "completedAt" => columns!(delivery: CompletedAt),
            "lastError" => {
                columns!(delivery: ErrorCode, ErrorMessage, ErrorRetryable, ErrorStatus, ErrorAt, CreatedAt)
            }
            _ => Columns::ALL,
        }
    }
}

/// The carrying out of one resource role for one request at one target system.
#[Object]
impl Delivery {
    /// The global id.
    pub async fn id(&self) -> ID {
        Kind::Delivery.id(self.0.delivery.id)
    }

    /// The request that it belongs to.
    async fn request(&self, ctx: &Context<'_>) -> Result<Option<Now<AccessRequest>>, ApiError> {
        let request = Api::of(ctx).loaders.requests().find(self.0.delivery.request_id).await?;
        Ok(request.map(|row| Now(AccessRequest(row))))
    }

    /// What is given or taken.
    async fn resource_role(&self) -> Now<ResourceRole> {
        Now(ResourceRole::from(&self.0.role))
    }

    /// What carries it out; null for those who may not see the connector.
    async fn connector(&self, ctx: &Context<'_>) -> Result<Option<Now<Connector>>, ApiError> {
        let connector = Api::of(ctx).loaders.connectors().find(self.0.delivery.connector_id).await?;
        Ok(connector.map(|connector| Now(Connector(connector))))
    }

    /// Whether it gives, takes, repairs or only compares.
    async fn operation(&self) -> DeliveryOperation {
        self.0.delivery.operation.into()
    }

    /// Where it stands.
    async fn state(&self) -> DeliveryState {
        self.0.delivery.state.into()
    }

    /// What a success found; null before.
    async fn result(&self) -> Option<DeliveryResult> {
        self.0.delivery.result.map(Into::into)
    }

    /// Whether the person had the role at the remote before it was first given; null until that is known.
    async fn existed_before(&self) -> Option<bool> {
        self.0.delivery.existed_before
    }

    /// How often it was tried, over all rounds of reprocessing.
    async fn attempt_count(&self) -> i32 {
        self.0.delivery.attempt_count
    }

    /// When it is tried next; null when nothing more will happen by itself.
    async fn next_attempt_at(&self) -> Option<DateTime<Utc>> {
        self.0.delivery.due_at
    }

    /// The last failure; null when it never failed.
    async fn last_error(&self, ctx: &Context<'_>) -> Option<Now<DeliveryError>> {
        let delivery = &self.0.delivery;
        let code = delivery.error_code?;
        let shown = self.shows_remote(Api::of(ctx));
        let words = delivery.error_message.as_deref().filter(|_| shown);
        Some(Now(DeliveryError {
            code: code.into(),
            message: words.unwrap_or_else(|| sentence(code)).to_owned(),
            retryable: delivery.error_retryable.unwrap_or_default(),
            remote_status: delivery.error_status.filter(|_| shown),
            occurred_at: delivery.error_at.unwrap_or(delivery.created_at),
        }))
    }

    /// Every try, in order.
    async fn attempts(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many from the start, 0 to 100; 20 when neither `first` nor `last` is given.")]
        first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 0 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
    ) -> Result<Connection<DeliveryAttempt>, ApiError> {
        let api = Api::of(ctx);
        let sorted = Sorted { by: "NUMBER", direction: Direction::Ascending };
        let window = Paging { first, after, last, before }.window(sorted, &Selected::of(ctx))?;
        let page = api.loaders.attempts().get(Nested::new(self.0.delivery.id, window)).await?;
        let shown = self.shows_remote(api);
        Ok(Connection::nested(&page, sorted, |attempt| DeliveryAttempt { attempt, shown }))
    }

    /// When it was queued first.
    async fn created_at(&self) -> DateTime<Utc> {
        self.0.delivery.created_at
    }

    /// When it ended last; null while it waits or is being tried.
    async fn completed_at(&self) -> Option<DateTime<Utc>> {
        self.0.delivery.completed_at
    }
}

/// What a failure means, for those who do not see the remote's own words.
fn sentence(code: entity::delivery::DeliveryErrorCode) -> &'static str {
    use entity::delivery::DeliveryErrorCode as Code;
    match code {
        Code::RemoteThrottled => "The target system asked to slow down.",
        Code::RemoteTimeout => "The target system did not answer in time.",
        Code::RemoteUnavailable => "The target system could not be reached.",
        Code::RemoteAuthFailed => "The target system did not let Guichet in.",
        Code::PrincipalNotFound => "The target system does not know the person.",
        Code::ResourceNotFound => "The target system does not know the resource.",
        Code::RoleNotFound => "The resource has no such role.",
        Code::Conflict => "The target system changed meanwhile.",
        Code::RejectedByRemote => "The target system refused the change.",
        Code::NotSupported => "The target system cannot do this.",
        Code::ConnectorMisconfigured => "The connection to the target system is not set up rightly.",
        Code::AccountNotFound => "The target system has no account that matches the person.",
        Code::AccountNotReady => "The target system does not know the person's new account everywhere yet.",
        Code::AccountAlreadyLinked => "The account that matches the person belongs to another user.",
        Code::AccountInactive => "The person's account at the target system is switched off.",
        Code::ChangeNotMade => {
            "The target system said that it made the change, and still shows the opposite."
        }
        Code::Internal => "Guichet failed; its operators were told.",
    }
}

impl Plain for DeliveryError {
    fn plain(&self, field: &str) -> Option<Value> {
        Some(match field {
            "code" => enum_value(self.code),
            "message" => scalar(&self.message),
            _ => return None,
        })
    }
}

/// A failure of a delivery.
#[derive(SimpleObject)]
pub struct DeliveryError {
    /// The kind of failure.
    code: DeliveryErrorCode,
    /// The remote's own words, secrets removed, at most 1,000 characters; for those who may not see the
    /// requests of the catalog, a plain sentence.
    message: String,
    /// Whether waiting can help; such failures are tried again by themselves.
    retryable: bool,
    /// The remote's status, for HTTP its status code; null where there was none or you may not see it.
    remote_status: Option<i32>,
    /// When it happened.
    occurred_at: DateTime<Utc>,
}

/// One try of a delivery.
#[derive(Clone)]
pub struct DeliveryAttempt {
    attempt: Arc<delivery_attempt::Model>,
    shown: bool,
}

impl Listed for DeliveryAttempt {
    fn position(&self, _: &str) -> Position {
        Position { key: Key::Number(self.attempt.number.into()), id: self.attempt.delivery_id }
    }
}

impl Plain for DeliveryAttempt {}

/// One try of a delivery.
#[Object]
impl DeliveryAttempt {
    /// 1, 2, 3, … within the delivery.
    async fn number(&self) -> i32 {
        self.attempt.number
    }

    /// 1 for the first tries, raised by every reprocess.
    async fn round(&self) -> i32 {
        self.attempt.round
    }

    /// When it began.
    async fn started_at(&self) -> DateTime<Utc> {
        self.attempt.started_at
    }

    /// When it ended.
    async fn finished_at(&self) -> DateTime<Utc> {
        self.attempt.finished_at
    }

    /// How it ended.
    async fn outcome(&self) -> AttemptOutcome {
        self.attempt.outcome.into()
    }

    /// The kind of failure; null for a success.
    async fn error_code(&self) -> Option<DeliveryErrorCode> {
        self.attempt.error_code.map(Into::into)
    }

    /// The remote's own words, secrets removed; null for a success, and for those who may not see the requests of
    /// the catalog.
    async fn message(&self) -> Option<&str> {
        self.attempt.message.as_deref().filter(|_| self.shown)
    }

    /// The remote's status; null where there was none or you may not see it.
    async fn remote_status(&self) -> Option<i32> {
        self.attempt.remote_status.filter(|_| self.shown)
    }
}

/// What a delivery does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "entity::delivery::DeliveryOperation")]
pub enum DeliveryOperation {
    /// Gives the role.
    Add,
    /// Takes the role.
    Remove,
    /// For `reprocessAssignments`: gives the role again where it is missing.
    Repair,
    /// For a dry run of `reprocessAssignments`: looks whether the role is there.
    Compare,
}

/// Where a delivery stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "entity::delivery::DeliveryState")]
pub enum DeliveryState {
    /// Waits for its next attempt.
    Pending,
    /// Is being tried now.
    InProgress,
    /// Done.
    Succeeded,
    /// Given up until reprocessed.
    Failed,
    /// No longer wanted.
    Canceled,
}

/// What a delivery that succeeded found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "entity::delivery::DeliveryResult")]
pub enum DeliveryResult {
    /// The remote was changed.
    Changed,
    /// It was already as wanted.
    AlreadySo,
    /// Left: another assignment holds the role.
    StillNeeded,
    /// Left: it was there before Guichet gave it.
    ExistedBefore,
    /// Skipped: the role is no longer in the package, or the assignment that was checked is over.
    NoLongerWanted,
    /// For `COMPARE`: it is not there. Nothing was changed.
    Missing,
    /// Nothing to take: the target system no longer has the account.
    AccountGone,
    /// Nothing to take: the target system no longer has the target, for example the group.
    TargetGone,
    /// Somebody who manages connectors declared the removal done.
    ResolvedManually,
}

/// Why a delivery failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "entity::delivery::DeliveryErrorCode")]
pub enum DeliveryErrorCode {
    /// The remote asked to slow down.
    RemoteThrottled,
    /// The remote did not answer in time.
    RemoteTimeout,
    /// The remote could not be reached, or failed.
    RemoteUnavailable,
    /// The remote refused the credential.
    RemoteAuthFailed,
    /// The remote does not know the person and cannot make them.
    PrincipalNotFound,
    /// The remote does not know the resource.
    ResourceNotFound,
    /// The resource has no such role.
    RoleNotFound,
    /// The remote changed meanwhile.
    Conflict,
    /// The remote refused the change.
    RejectedByRemote,
    /// The remote cannot do this.
    NotSupported,
    /// The connector's settings cannot work.
    ConnectorMisconfigured,
    /// The person has no account at the target system, and none is known from before.
    AccountNotFound,
    /// The target system has the account, but cannot give it access yet. It is tried again after seconds.
    AccountNotReady,
    /// The account that matches the person is linked to another user.
    AccountAlreadyLinked,
    /// The account is switched off at the target system, and Guichet did not create it.
    AccountInactive,
    /// The target system said that it made the change, and still shows the opposite.
    ChangeNotMade,
    /// Guichet failed; the log says more.
    Internal,
}

/// How an attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "entity::delivery_attempt::AttemptOutcome")]
pub enum AttemptOutcome {
    /// The remote is as wanted.
    Succeeded,
    /// It is not, or that is not known.
    Failed,
}
