//! What waits for the viewer's decision: access requests and token requests together.

pub mod mutation;

use std::sync::Arc;

use async_graphql::{Context, Enum, ID, InputObject, Interface, MaybeUndefined, Object, SimpleObject, Value};
use chrono::{DateTime, Utc};

use super::api::Api;
use super::approval::Approval;
use super::connection::{Connection, Listed, OrderDirection, Paging, Selected, Sorted, given};
use super::error::{ApiError, UserErrorCode};
use super::id::{GlobalId, Kind};
use super::resolve::{Now, Plain, enum_value, maybe, scalar};
use super::text::time;
use super::token_request::TokenRequest;
use super::user::User;
use crate::domain::Code;
use crate::domain::approval::review::judge_stage;
use crate::store::access_token::never;
use crate::store::inbox::{Filter, Item, Order};
use crate::store::{self, Key, Position};

/// Something that waits for your decision. It leaves the inbox when it is decided, by whomever, or over.
#[derive(Clone)]
pub struct InboxItem(Item);

impl Listed for InboxItem {
    fn position(&self, by: &str) -> Position {
        let key = match by {
            "DUE_AT" => self.0.due_at.unwrap_or_else(never),
            _ => self.0.waiting_since,
        };
        Position { key: Key::Time(key), id: self.0.id }
    }
}

impl Plain for InboxItem {
    fn plain(&self, field: &str) -> Option<Value> {
        Some(match field {
            "kind" => enum_value(InboxItemKind::from(self.0.kind)),
            "waitingSince" => scalar(&self.0.waiting_since),
            "dueAt" => maybe(self.0.due_at.as_ref()),
            "justification" => maybe(self.0.justification.as_ref()),
            "justificationRequired" => scalar(&self.0.justification_required),
            _ => return None,
        })
    }
}

impl InboxItem {
    async fn judged(&self, api: &Api) -> Result<Result<(), Code>, ApiError> {
        match self.0.kind {
            store::inbox::InboxKind::AccessRequest => {
                let Some(stage) = api.loaders.approvals_by_id().find(self.0.id).await? else {
                    return Ok(Err(Code::NotFound));
                };
                let standing = api.loaders.standings().get(stage.request_id).await?;
                let row = api.loaders.requests().get(stage.request_id).await?;
                Ok(judge_stage(&row.request, &standing, Some(stage.id), api.viewer.user, api.now))
            }
            store::inbox::InboxKind::TokenRequest => {
                match api.loaders.token_requests().find(self.0.id).await? {
                    Some(row) => TokenRequest(row).judged(api).await,
                    None => Ok(Err(Code::NotFound)),
                }
            }
        }
    }
}

/// Something that waits for your decision. It leaves the inbox when it is decided, by whomever, or over.
#[Object]
impl InboxItem {
    /// What kind of thing it is.
    async fn kind(&self) -> InboxItemKind {
        self.0.kind.into()
    }

    /// Since when it waits: when the turn of the stage came, or the token request was made.
    async fn waiting_since(&self) -> DateTime<Utc> {
        self.0.waiting_since
    }

    /// Until when it can be decided: then the access request is denied, or the token ends and its request with it.
    /// Null for a token that does not end.
    async fn due_at(&self) -> Option<DateTime<Utc>> {
        self.0.due_at
    }

    /// Whose access it is about, or whose token.
    async fn requestor(&self, ctx: &Context<'_>) -> Result<Now<User>, ApiError> {
        Ok(Now(User(Api::of(ctx).loaders.users().get(self.0.requestor).await?)))
    }

    /// Why it is asked for; null where nothing was said.
    async fn justification(&self) -> Option<&str> {
        self.0.justification.as_deref()
    }

    /// Whether your decision must say why.
    async fn justification_required(&self) -> bool {
        self.0.justification_required
    }

    /// What is decided: a stage of the approval of an access request, or a token request. Its id is what
    /// `submitDecisions` takes.
    async fn subject(&self, ctx: &Context<'_>) -> Result<InboxSubject, ApiError> {
        let loaders = &Api::of(ctx).loaders;
        Ok(match self.0.kind {
            store::inbox::InboxKind::AccessRequest => {
                InboxSubject::Approval(Approval(loaders.approvals_by_id().get(self.0.id).await?))
            }
            store::inbox::InboxKind::TokenRequest => {
                InboxSubject::TokenRequest(TokenRequest(loaders.token_requests().get(self.0.id).await?))
            }
        })
    }

    /// Whether you can decide it now, and why not: for example because its time is over this very moment.
    async fn decision(&self, ctx: &Context<'_>) -> Result<DecisionEligibility, ApiError> {
        Ok(self.judged(Api::of(ctx)).await?.into())
    }

    /// Whether you can decide it now: exactly then `submitDecisions` accepts it, with a justification where one is
    /// required.
    async fn viewer_can_decide(&self, ctx: &Context<'_>) -> Result<bool, ApiError> {
        Ok(self.judged(Api::of(ctx)).await?.is_ok())
    }
}

/// What an item of the inbox is about.
#[derive(Interface)]
#[graphql(field(name = "id", ty = "ID", desc = "The global id; `submitDecisions` takes it."))]
pub enum InboxSubject {
    /// A stage of the approval of an access request.
    Approval(Approval),
    /// What a token asks for.
    TokenRequest(TokenRequest),
}

/// Whether an item of the inbox can be decided.
#[derive(SimpleObject)]
pub struct DecisionEligibility {
    /// Whether you can decide it now.
    eligible: bool,
    /// Why not; null when eligible.
    reason: Option<UserErrorCode>,
}

impl From<Result<(), Code>> for DecisionEligibility {
    fn from(verdict: Result<(), Code>) -> Self {
        Self { eligible: verdict.is_ok(), reason: verdict.err().map(Into::into) }
    }
}

/// What kind of thing waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "store::inbox::InboxKind")]
pub enum InboxItemKind {
    /// A stage of the approval of an access request, whose approver you are.
    AccessRequest,
    /// What a token of somebody else asks for; for owners of the organization.
    TokenRequest,
}

/// Which of what waits is wanted. All given conditions hold together; list conditions mean "one of"; a condition
/// that is null is an error. The same type selects for `submitDecisions`.
#[derive(Clone, Debug, Default, InputObject)]
pub struct InboxFilter {
    /// Of these kinds.
    kind: MaybeUndefined<Vec<InboxItemKind>>,
    /// Access requests for these packages; no token request matches.
    access_package: MaybeUndefined<Vec<ID>>,
    /// Access requests in these catalogs; no token request matches.
    catalog: MaybeUndefined<Vec<ID>>,
    /// About the access, or the tokens, of these people.
    requestor: MaybeUndefined<Vec<ID>>,
    /// Waiting since this time, or a later one.
    waiting_since: MaybeUndefined<DateTime<Utc>>,
    /// Waiting since before this time.
    waiting_before: MaybeUndefined<DateTime<Utc>>,
    /// Due at or after this time, or never.
    due_since: MaybeUndefined<DateTime<Utc>>,
    /// Due before this time.
    due_before: MaybeUndefined<DateTime<Utc>>,
}

impl InboxFilter {
    /// The conditions for the store.
    pub fn condition(&self) -> Result<Filter, ApiError> {
        Ok(Filter {
            kinds: given("kind", &self.kind)?.map(|kinds| kinds.into_iter().map(Into::into).collect()),
            packages: given("accessPackage", &self.access_package)?
                .map(|ids| Kind::AccessPackage.parse_all(&ids)),
            catalogs: given("catalog", &self.catalog)?.map(|ids| Kind::Catalog.parse_all(&ids)),
            requestors: given("requestor", &self.requestor)?.map(|ids| Kind::User.parse_all(&ids)),
            waiting_from: time("waitingSince", &self.waiting_since)?,
            waiting_until: time("waitingBefore", &self.waiting_before)?,
            due_from: time("dueSince", &self.due_since)?,
            due_until: time("dueBefore", &self.due_before)?,
        })
    }
}

/// What the inbox is sorted by; ties are broken by id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum InboxOrderField {
    /// The time since which it waits: the oldest first, ascending.
    WaitingSince,
    /// The time until which it can be decided; never comes after every time.
    DueAt,
}

/// The order of the inbox.
#[derive(Clone, Copy, InputObject)]
pub struct InboxOrder {
    /// What it is sorted by.
    pub field: InboxOrderField,
    /// Which way.
    pub direction: OrderDirection,
}

/// A page of what waits for the viewer.
pub async fn list(
    ctx: &Context<'_>,
    filter: &InboxFilter,
    order_by: InboxOrder,
    paging: &Paging,
) -> Result<Connection<InboxItem>, ApiError> {
    let api = Api::of(ctx);
    let filter = filter.condition()?;
    let (by, order) = match order_by.field {
        InboxOrderField::WaitingSince => ("WAITING_SINCE", Order::WaitingSince),
        InboxOrderField::DueAt => ("DUE_AT", Order::DueAt),
    };
    let sorted = Sorted { by, direction: order_by.direction.into() };
    let window = paging.window(sorted, &Selected::of(ctx))?;
    let page = store::inbox::list(&api.database, &api.scope, &filter, order, &window).await?;
    Ok(Connection::new(page, sorted, InboxItem))
}

/// What is decided, as the id of a bulk item that is a stage of approval or a token request names it.
pub(super) async fn subject(api: &Api, id: uuid::Uuid) -> Result<Option<InboxSubject>, ApiError> {
    let stage: Option<Arc<_>> = api.loaders.approvals_by_id().find(id).await?;
    if let Some(stage) = stage {
        return Ok(Some(InboxSubject::Approval(Approval(stage))));
    }
    let request = api.loaders.token_requests().find(id).await?;
    Ok(request.map(|row| InboxSubject::TokenRequest(TokenRequest(row))))
}
