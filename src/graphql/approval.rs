//! Stages of approval, and the decisions on them.

pub mod mutation;

use std::sync::Arc;

use async_graphql::{Context, Enum, ID, Object, SimpleObject, Value};
use chrono::{DateTime, Utc};
use entity::approval;

use super::access_request::AccessRequest;
use super::api::Api;
use super::connection::{Connection, Listed, Paging, Selected, Sorted};
use super::error::{ApiError, UserErrorCode};
use super::id::{GlobalId, Kind};
use super::resolve::{Now, Plain, Rows, enum_value, maybe, scalar};
use super::user::User;
use crate::authz::Permission;
use crate::domain::{Code, approval as domain};
use crate::store::{self, Direction, Key, Position};

/// One stage of the approval of an access request: any one of its approvers decides it.
#[derive(Clone)]
pub struct Approval(pub Arc<approval::Model>);

impl Listed for Approval {
    fn position(&self, _: &str) -> Position {
        Position { key: Key::Time(self.0.opened_at), id: self.0.id }
    }
}

impl Plain for Approval {
    fn plain(&self, field: &str) -> Option<Value> {
        Some(match field {
            "id" => scalar(&Kind::Approval.id(self.0.id)),
            "stage" => scalar(&(self.0.position + 1)),
            "state" => enum_value(ApprovalState::from(self.0.state)),
            "justificationRequired" => scalar(&self.0.justification_required),
            "openedAt" => scalar(&self.0.opened_at),
            "expiresAt" => scalar(&self.0.expires_at),
            "alternatesAt" => maybe(self.0.alternates_at.as_ref()),
            "closedAt" => maybe(self.0.closed_at.as_ref()),
            "justification" => maybe(self.0.justification.as_ref()),
            _ => return None,
        })
    }
}

impl Approval {
    async fn request(&self, api: &Api) -> Result<Arc<store::access_request::Row>, ApiError> {
        api.loaders.requests().get(self.0.request_id).await
    }

    /// Whether the viewer sees who decides: those who see the catalog's requests, those who decide this one, and
    /// the requestor where the policy says so.
    async fn shows_people(&self, api: &Api) -> Result<bool, ApiError> {
        Ok(self.0.approvers_visible || shows_people(api, self.0.request_id).await?)
    }

    async fn people(&self, api: &Api) -> Result<Rows<User>, ApiError> {
        if !self.shows_people(api).await? {
            return Ok(Rows(Vec::new()));
        }
        let users = api.loaders.approvers().find(self.0.id).await?;
        Ok(Rows(users.iter().flat_map(|users| users.iter()).map(|user| User(Arc::clone(user))).collect()))
    }
}

/// Who may decide the stage at which a request waits, as far as the viewer sees them.
pub(super) async fn pending_approvers(api: &Api, request: uuid::Uuid) -> Result<Rows<User>, ApiError> {
    let stages = api.loaders.approvals().find(request).await?;
    let mut stages = stages.iter().flat_map(|stages| stages.iter());
    match stages.find(|stage| stage.state == approval::ApprovalState::Pending) {
        Some(stage) => Approval(Arc::clone(stage)).people(api).await,
        None => Ok(Rows(Vec::new())),
    }
}

/// Whether the viewer sees who decides on a request.
pub(super) async fn shows_people(api: &Api, request: uuid::Uuid) -> Result<bool, ApiError> {
    let standing = api.loaders.standings().get(request).await?;
    if standing.is_approver || standing.decided {
        return Ok(true);
    }
    let row = api.loaders.requests().find(request).await?;
    let seen = api.viewer.catalogs(Permission::SeeRequests);
    Ok(row.is_some_and(|row| seen.contain(row.request.catalog_id)))
}

/// One stage of the approval of an access request: any one of its approvers decides it.
#[Object]
impl Approval {
    /// The global id.
    pub async fn id(&self) -> ID {
        Kind::Approval.id(self.0.id)
    }

    /// The request.
    async fn access_request(&self, ctx: &Context<'_>) -> Result<Now<AccessRequest>, ApiError> {
        Ok(Now(AccessRequest(self.request(Api::of(ctx)).await?)))
    }

    /// Which stage it is: 1, 2 or 3.
    async fn stage(&self) -> i32 {
        self.0.position + 1
    }

    /// Where it stands.
    async fn state(&self) -> ApprovalState {
        self.0.state.into()
    }

    /// Whether the decision must say why.
    async fn justification_required(&self) -> bool {
        self.0.justification_required
    }

    /// When its turn came.
    async fn opened_at(&self) -> DateTime<Utc> {
        self.0.opened_at
    }

    /// Until when it can be decided; without a decision the request is denied then.
    async fn expires_at(&self) -> DateTime<Utc> {
        self.0.expires_at
    }

    /// When the alternates may decide, too; null where there are none, or they may already.
    async fn alternates_at(&self) -> Option<DateTime<Utc>> {
        self.0.alternates_at
    }

    /// When it was over; null while it waits.
    async fn closed_at(&self) -> Option<DateTime<Utc>> {
        self.0.closed_at
    }

    /// Who may decide it, by name. Empty where nobody is left, and for those who neither decide the request nor see
    /// all of its catalog, unless the policy shows the approvers to the requestor.
    async fn approvers(&self, ctx: &Context<'_>) -> Result<Rows<User>, ApiError> {
        self.people(Api::of(ctx)).await
    }

    /// Who decided; null where nobody did, and for those who neither decide the request nor see all of its catalog,
    /// unless the policy shows the approvers to the requestor.
    async fn decided_by(&self, ctx: &Context<'_>) -> Result<Option<Now<User>>, ApiError> {
        let api = Api::of(ctx);
        let Some(user) = self.0.decided_by_id else { return Ok(None) };
        if !self.shows_people(api).await? {
            return Ok(None);
        }
        Ok(api.loaders.users().find(user).await?.map(|user| Now(User(user))))
    }

    /// What the approver said about the decision; null where nothing was said.
    async fn justification(&self) -> Option<&str> {
        self.0.justification.as_deref()
    }
}

/// Where a stage of approval stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "entity::approval::ApprovalState")]
pub enum ApprovalState {
    /// Waits for one of its approvers.
    Pending,
    /// An approver agreed.
    Approved,
    /// An approver refused.
    Denied,
    /// Nobody decided in time, or before the end that the request asks for.
    TimedOut,
    /// The request was withdrawn.
    Canceled,
}

/// Whether an access request can be decided.
#[derive(SimpleObject)]
pub struct AccessReviewEligibility {
    /// Whether you can decide it now.
    eligible: bool,
    /// Why not; null when eligible.
    reason: Option<UserErrorCode>,
}

impl From<Result<(), Code>> for AccessReviewEligibility {
    fn from(verdict: Result<(), Code>) -> Self {
        Self { eligible: verdict.is_ok(), reason: verdict.err().map(Into::into) }
    }
}

/// Whether the viewer can decide a request now, or why not.
pub(super) async fn judged(
    api: &Api,
    request: &entity::access_request::Model,
) -> Result<Result<(), Code>, ApiError> {
    let standing = api.loaders.standings().get(request.id).await?;
    Ok(domain::judge(request, &standing, api.viewer.user, api.now))
}

/// A page of the stages that wait for the viewer.
pub(super) async fn waiting(ctx: &Context<'_>, paging: Paging) -> Result<Connection<Approval>, ApiError> {
    let api = Api::of(ctx);
    let sorted = Sorted { by: "OPENED_AT", direction: Direction::Ascending };
    let window = paging.window(sorted, &Selected::of(ctx))?;
    let page = store::approval::waiting_for(&api.database, &api.scope, &window).await?;
    Ok(Connection::new(page, sorted, |row| Approval(Arc::new(row))))
}
