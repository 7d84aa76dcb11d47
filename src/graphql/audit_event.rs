//! The audit trail.

use std::sync::Arc;

use async_graphql::{Context, Enum, ID, InputObject, MaybeUndefined, Object, SimpleObject};
use chrono::{DateTime, Utc};
use entity::audit_event;

use super::api::Api;
use super::connection::{Connection, Listed, OrderDirection, Paging, Selected, Sorted, given};
use super::error::ApiError;
use super::id::{GlobalId, Kind};
use super::requires::requires;
use super::resolve::{Now, Plain};
use super::user::User;
use crate::authz::Permission;
use crate::store::{self, Key, Position};

/// One change, or one refused privileged attempt.
#[derive(Clone)]
pub struct AuditEvent(pub Arc<audit_event::Model>);

impl Listed for AuditEvent {
    fn position(&self, _: &str) -> Position {
        Position { key: Key::Time(self.0.at), id: self.0.id }
    }
}

impl Plain for AuditEvent {}

/// One change, or one refused privileged attempt.
#[Object]
impl AuditEvent {
    /// The global id.
    pub async fn id(&self) -> ID {
        Kind::AuditEvent.id(self.0.id)
    }

    /// When it happened.
    async fn at(&self) -> DateTime<Utc> {
        self.0.at
    }

    /// Who did it; null where Guichet did it by itself.
    async fn actor(&self, ctx: &Context<'_>) -> Result<Option<Now<User>>, ApiError> {
        let Some(actor) = self.0.actor_id else { return Ok(None) };
        Ok(Api::of(ctx).loaders.users().find(actor).await?.map(|user| Now(User(user))))
    }

    /// What was done, for example `access_package.created`.
    async fn action(&self) -> &str {
        &self.0.action
    }

    /// Whether it was done.
    async fn outcome(&self) -> AuditOutcome {
        self.0.outcome.into()
    }

    /// The global id of the object that it is about; null where there is none.
    async fn target_id(&self) -> Option<ID> {
        let prefix = self.0.target_type.as_deref()?;
        let kind = Kind::ALL.into_iter().find(|kind| kind.prefix() == prefix)?;
        self.0.target_id.map(|id| kind.id(id))
    }

    /// The id of the call to the server, as in its answer's header `X-Request-Id`; null for what Guichet did by
    /// itself.
    async fn request_id(&self) -> Option<String> {
        self.0.request_id.map(|id| id.to_string())
    }

    /// What changed, as JSON with ids and codes; null where there is nothing more to say.
    async fn details(&self) -> Option<String> {
        self.0.details.as_ref().map(ToString::to_string)
    }

    /// Its place in the organization's chain of audit events, from 1 without gaps; null until it is sealed, which is
    /// within seconds.
    async fn sequence(&self) -> Option<i32> {
        self.0.sequence.map(number)
    }

    /// The SHA-256 of its canonical form, in which the hash of the event before it stands, in 64 hexadecimal digits;
    /// null until it is sealed. `guichet audit verify` checks it.
    async fn hash(&self) -> Option<&str> {
        self.0.hash.as_deref()
    }

    /// When it was given its place in the chain; null until then.
    async fn sealed_at(&self) -> Option<DateTime<Utc>> {
        self.0.sealed_at
    }
}

/// A number in a chain, in the integers that GraphQL has.
fn number(sequence: i64) -> i32 {
    i32::try_from(sequence).unwrap_or(i32::MAX)
}

/// The last event of an organization's chain of audit events. Who keeps sequence and hash elsewhere can show later
/// that nothing up to it was changed.
#[derive(SimpleObject)]
pub struct AuditChain {
    /// The sequence number of the last event: how many are sealed.
    sequence: i32,
    /// The hash of the last event.
    hash: String,
    /// When it was sealed.
    sealed_at: DateTime<Utc>,
}

impl AuditChain {
    /// The chain of the organization that the call acts in; none where the viewer may not see all audit events.
    pub async fn of(ctx: &Context<'_>) -> Result<Option<Self>, ApiError> {
        let api = Api::of(ctx);
        if !api.scope.audit {
            return Ok(None);
        }
        let head = store::audit_chain::head(&api.database, api.scope.organization).await?;
        Ok(head.map(|head| Self {
            sequence: number(head.sequence),
            hash: head.hash,
            sealed_at: head.sealed_at,
        }))
    }
}

/// Whether an audited action was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "entity::audit_event::AuditOutcome")]
pub enum AuditOutcome {
    /// It was done.
    Done,
    /// It was refused.
    Refused,
}

/// Which events are wanted. All given conditions hold together; a condition that is null is an error.
#[derive(Clone, Default, InputObject)]
pub struct AuditEventFilter {
    /// By these people.
    actor: MaybeUndefined<Vec<ID>>,
    /// About these objects.
    target: MaybeUndefined<Vec<ID>>,
    /// With these names.
    action: MaybeUndefined<Vec<String>>,
    /// With these outcomes.
    outcome: MaybeUndefined<Vec<AuditOutcome>>,
    /// At or after this time.
    since: MaybeUndefined<DateTime<Utc>>,
    /// Before this time.
    before: MaybeUndefined<DateTime<Utc>>,
}

/// What a list of events is sorted by; ties are broken by id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum AuditEventOrderField {
    /// The time they happened.
    At,
}

/// The order of a list of events.
#[derive(Clone, Copy, InputObject)]
pub struct AuditEventOrder {
    /// What it is sorted by.
    field: AuditEventOrderField,
    /// Which way.
    direction: OrderDirection,
}

/// Queries about the audit trail.
#[derive(Default)]
pub struct AuditEventQuery;

#[Object]
impl AuditEventQuery {
    /// The audit events, newest first. Without the permission: the organization's owners see those about tokens and
    /// what they reach, others none.
    #[graphql(directive = requires::apply(Permission::SeeAudit.into()))]
    async fn audit_events(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which events.")] filter: Option<AuditEventFilter>,
        #[graphql(
            desc = "In which order.",
            default_with = "AuditEventOrder { field: AuditEventOrderField::At, direction: OrderDirection::Desc }"
        )]
        order_by: AuditEventOrder,
        #[graphql(desc = "How many from the start, 0 to 100; 20 when neither `first` nor `last` is given.")]
        first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 0 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
    ) -> Result<Connection<AuditEvent>, ApiError> {
        let filter = filter.unwrap_or_default();
        let api = Api::of(ctx);
        let by = match order_by.field {
            AuditEventOrderField::At => "AT",
        };
        let sorted = Sorted { by, direction: order_by.direction.into() };
        let window = Paging { first, after, last, before }.window(sorted, &Selected::of(ctx))?;
        let targets = given("target", &filter.target)?;
        let filter = store::audit_event::Filter {
            actors: given("actor", &filter.actor)?.map(|ids| Kind::User.parse_all(&ids)),
            targets: targets
                .map(|ids| ids.iter().filter_map(|id| Kind::parse_any(id)).map(|(_, id)| id).collect()),
            actions: given("action", &filter.action)?
                .map(|actions| actions.into_iter().filter(|action| !action.contains('\0')).collect()),
            outcomes: given("outcome", &filter.outcome)?
                .map(|outcomes| outcomes.into_iter().map(Into::into).collect()),
            from: super::text::time("since", &filter.since)?,
            until: super::text::time("before", &filter.before)?,
        };
        let page = store::audit_event::list(&api.database, &api.scope, &filter, &window).await?;
        Ok(Connection::new(page, sorted, |event| AuditEvent(Arc::new(event))))
    }
}
