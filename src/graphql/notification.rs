//! What people are told.

pub mod failed_mail;
pub mod mutation;

use std::sync::Arc;

use async_graphql::{Context, Enum, ID, InputObject, MaybeUndefined, Object, SimpleObject, Value};
use chrono::{DateTime, Utc};
use entity::notification;

use super::api::Api;
use super::connection::{Connection, Edge, Listed, PageInfo, Paging, Selected, Sorted, given};
use super::error::ApiError;
use super::id::{GlobalId, Kind};
use super::resolve::{Now, Plain, Rows, enum_value, maybe, scalar};
use crate::domain::link::Frontend;
use crate::domain::notification::{self as domain, Content};
use crate::store::{self, Direction, Key, Position};

/// Something that you were told. Each person sees their own only.
#[derive(Clone)]
pub struct Notification {
    row: Arc<notification::Model>,
    /// None where a later version wrote it.
    content: Option<Arc<Content>>,
}

impl From<notification::Model> for Notification {
    fn from(row: notification::Model) -> Self {
        Self { content: Content::of(&row).map(Arc::new), row: Arc::new(row) }
    }
}

impl Listed for Notification {
    fn position(&self, _: &str) -> Position {
        Position { key: Key::Time(self.row.created_at), id: self.row.id }
    }
}

impl Plain for Notification {
    fn plain(&self, field: &str) -> Option<Value> {
        Some(match field {
            "id" => scalar(&Kind::Notification.id(self.row.id)),
            "kind" => enum_value(NotificationKind::from(self.row.kind)),
            "createdAt" => scalar(&self.row.created_at),
            "readAt" => maybe(self.row.read_at.as_ref()),
            "mailState" => enum_value(MailState::from(self.row.mail_state)),
            _ => return None,
        })
    }
}

/// Something that you were told. Each person sees their own only.
#[Object]
impl Notification {
    /// The global id. The `Message-ID` of its mail is made of it.
    pub async fn id(&self) -> ID {
        Kind::Notification.id(self.row.id)
    }

    /// What it is about.
    async fn kind(&self) -> NotificationKind {
        self.row.kind.into()
    }

    /// What it tells, in one line, as it was then. It can hold names that people chose: escape it.
    async fn title(&self) -> String {
        self.content.as_ref().map_or_else(|| "Something new".to_owned(), |content| content.title())
    }

    /// What whoever decided said about it, or why it was withdrawn; null where nothing was said. It is what a person
    /// wrote, or holds names that people chose: escape it.
    async fn reason(&self) -> Option<&str> {
        self.content.as_ref().and_then(|content| content.reason())
    }

    /// The global id of the object that it is about, which may be gone; null where there is none. `nodes` finds it.
    async fn subject_id(&self) -> Option<ID> {
        let prefix = self.row.subject_type.as_deref()?;
        let kind = Kind::ALL.into_iter().find(|kind| kind.prefix() == prefix)?;
        self.row.subject_id.map(|id| kind.id(id))
    }

    /// Where the frontend shows what it is about; as in its mail.
    async fn url(&self, ctx: &Context<'_>) -> Result<Option<String>, ApiError> {
        let Some(content) = &self.content else { return Ok(None) };
        let api = Api::of(ctx);
        let hint = api.loaders.hints().get(self.row.organization_id).await?;
        Ok(Some(Frontend::new(&api.environment.public_url, &hint).of(content)))
    }

    /// When it happened.
    async fn created_at(&self) -> DateTime<Utc> {
        self.row.created_at
    }

    /// When you marked it as read; null while you have not.
    async fn read_at(&self) -> Option<DateTime<Utc>> {
        self.row.read_at
    }

    /// Where its mail stands.
    async fn mail_state(&self) -> MailState {
        self.row.mail_state.into()
    }

    /// Why the last attempt to send its mail failed; null where none did, or a later one succeeded.
    async fn mail_error(&self) -> Option<MailErrorCode> {
        self.row.error_code.map(Into::into)
    }

    /// When a mail server took its mail; null where none has.
    async fn mailed_at(&self) -> Option<DateTime<Utc>> {
        self.row.sent_at
    }
}

/// What a notification is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "entity::notification::NotificationKind")]
pub enum NotificationKind {
    /// To the owner of a token: its request was approved. Always told.
    TokenRequestApproved,
    /// To the owner of a token: its request was denied. Always told.
    TokenRequestDenied,
    /// To the owner of a token: what it had been granted was revoked. Always told.
    TokenGrantRevoked,
    /// To the owner of a token: it ends within 7 days. Once for each end, and not for tokens made for a shorter time.
    TokenExpiring,
    /// To the owners of the organization: the token requests that wait. Once a day, at `Organization.digestHour`,
    /// while something waits.
    TokenRequestDigest,
    /// To each approver: an access request waits for your decision.
    ApprovalPending,
    /// To the requestor: your access request was approved. Always told.
    AccessRequestApproved,
    /// To the requestor: your access request was denied, or nobody decided in time or before its end. Always told.
    AccessRequestDenied,
    /// To the requestor: your access request was withdrawn now that it was to start, because you hold or are getting
    /// what excludes it, or because its end has come already. Always told.
    AccessRequestWithdrawn,
    /// To the holder: an assignment ends within 14 days, and again within 1 day. Once each for each end, and not for
    /// assignments made for a shorter time.
    AssignmentExpiring,
    /// To the holder: somebody else took an assignment away, or cancelled the request that it came of. Always told.
    AssignmentRevoked,
    /// To whoever added resource roles to an access package: they could not be given to people who held the package
    /// before. Once for each change of the package, a minute after the first delivery failed for good.
    PackageRoleFailed,
}

/// Where the mail of a notification stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "entity::notification::MailState")]
pub enum MailState {
    /// There is none: the receiver had no address or was deactivated, or the server sends no mails.
    None,
    /// Waits for its first or next attempt, for up to 3 days.
    Pending,
    /// A mail server has taken it.
    Sent,
    /// Given up: a mail server refused it for good, or 3 days were over.
    Failed,
}

/// Why the last attempt to send a mail failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "entity::notification::MailErrorCode")]
pub enum MailErrorCode {
    /// The mail server could not be reached, or broke off. Tried again.
    Unreachable,
    /// The mail server did not answer in time. Tried again.
    TimedOut,
    /// There is no trusted TLS with the mail server. Tried again.
    TlsFailed,
    /// The mail server does not accept the user and password. Tried again.
    LoginFailed,
    /// The mail server refused it for now (4xx). Tried again.
    RefusedForNow,
    /// The mail server refused it for good (5xx).
    Rejected,
    /// The receiver's address cannot be used.
    BadAddress,
    /// It could not be sent within 3 days.
    Expired,
    /// Guichet failed; the operator's log says more.
    Internal,
}

/// Which notifications are wanted. All given conditions hold together; a condition that is null is an error.
#[derive(Clone, Default, InputObject)]
pub struct NotificationFilter {
    /// Of these kinds.
    kind: MaybeUndefined<Vec<NotificationKind>>,
    /// True: only those that you have not read. False is no condition.
    unread: MaybeUndefined<bool>,
}

/// Whether you want to be told something.
#[derive(Clone, SimpleObject)]
pub struct NotificationPreference {
    /// What.
    kind: NotificationKind,
    /// Whether you are told.
    enabled: bool,
    /// Whether you can turn it off: decisions about you are always told.
    can_disable: bool,
}

/// What the viewer wants to be told.
pub async fn preferences(ctx: &Context<'_>) -> Result<Vec<NotificationPreference>, ApiError> {
    let api = Api::of(ctx);
    let Some(user) = api.viewer.user else { return Ok(Vec::new()) };
    let wanted = domain::preferences::of(&api.database, user).await?;
    let preference = |(kind, enabled): (notification::NotificationKind, bool)| NotificationPreference {
        kind: kind.into(),
        enabled,
        can_disable: domain::is_optional(kind),
    };
    Ok(wanted.into_iter().map(preference).collect())
}

/// Part of the list of what you were told, and how to get more of it.
pub struct NotificationConnection(Connection<Notification>);

/// Part of the list of what you were told, and how to get more of it.
#[Object]
impl NotificationConnection {
    /// The objects with a cursor each.
    async fn edges(&self) -> Rows<Edge<Notification>> {
        self.0.with_cursors()
    }

    /// The objects.
    async fn nodes(&self) -> Rows<&Notification> {
        self.0.rows()
    }

    /// How to get more.
    async fn page_info(&self) -> Now<PageInfo> {
        self.0.place()
    }

    /// How many objects match over all pages. Counted only when selected.
    async fn total_count(&self) -> i32 {
        self.0.total()
    }

    /// How many notifications you have not read, whatever the filter. Counted only when selected.
    async fn unread_count(&self, ctx: &Context<'_>) -> Result<i32, ApiError> {
        unread(ctx).await
    }
}

/// How many notifications the viewer has not read.
pub async fn unread(ctx: &Context<'_>) -> Result<i32, ApiError> {
    let api = Api::of(ctx);
    let Some(user) = api.viewer.user else { return Ok(0) };
    let unread = store::notification::unread(&api.database, user).await?;
    Ok(i32::try_from(unread).unwrap_or(i32::MAX))
}

/// The order of lists of notifications.
const NEWEST: Sorted = Sorted { by: "CREATED_AT", direction: Direction::Descending };

/// A page of the viewer's own notifications.
pub async fn list(
    ctx: &Context<'_>,
    filter: &NotificationFilter,
    paging: &Paging,
) -> Result<NotificationConnection, ApiError> {
    let api = Api::of(ctx);
    let window = paging.window(NEWEST, &Selected::of(ctx))?;
    let filter = store::notification::Filter {
        kinds: given("kind", &filter.kind)?.map(|kinds| kinds.into_iter().map(Into::into).collect()),
        unread: given("unread", &filter.unread)?.unwrap_or_default(),
    };
    let page = store::notification::list(&api.database, &api.scope, &filter, &window).await?;
    Ok(NotificationConnection(Connection::new(page, NEWEST, Notification::from)))
}
