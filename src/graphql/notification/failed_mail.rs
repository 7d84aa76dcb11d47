//! Mails that could not be sent, for those who can do something about it.

use std::sync::Arc;

use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object};
use chrono::{DateTime, Utc};
use entity::notification;

use super::{MailErrorCode, MailState, NEWEST, NotificationKind};
use crate::authz::Permission;
use crate::graphql::api::Api;
use crate::graphql::connection::{Connection, Listed, Paging, Selected, given};
use crate::graphql::error::ApiError;
use crate::graphql::id::{GlobalId, Kind};
use crate::graphql::requires::requires;
use crate::graphql::resolve::{Now, Plain};
use crate::graphql::user::User;
use crate::store::{self, Key, Position};

/// A mail whose last attempt failed: who misses it and why, not what it tells.
#[derive(Clone)]
pub struct FailedMail(Arc<notification::Model>);

impl Listed for FailedMail {
    fn position(&self, _: &str) -> Position {
        Position { key: Key::Time(self.0.created_at), id: self.0.id }
    }
}

impl Plain for FailedMail {}

/// A mail whose last attempt failed: who misses it and why, not what it tells.
#[Object]
impl FailedMail {
    /// The global id of the notification, which only its receiver can read. The mail's `Message-ID` is made of it.
    async fn notification_id(&self) -> ID {
        Kind::Notification.id(self.0.id)
    }

    /// What it is about.
    async fn kind(&self) -> NotificationKind {
        self.0.kind.into()
    }

    /// Who was to get it.
    async fn receiver(&self, ctx: &Context<'_>) -> Result<Now<User>, ApiError> {
        Ok(Now(User(Api::of(ctx).loaders.users().get(self.0.user_id).await?)))
    }

    /// When it was written.
    async fn created_at(&self) -> DateTime<Utc> {
        self.0.created_at
    }

    /// `FAILED`: given up. `PENDING`: it is tried again.
    async fn state(&self) -> MailState {
        self.0.mail_state.into()
    }

    /// Why the last attempt failed.
    async fn error_code(&self) -> MailErrorCode {
        self.0.error_code.unwrap_or(notification::MailErrorCode::Internal).into()
    }

    /// The mail server's own words, or Guichet's; at most 500 characters.
    async fn error_message(&self) -> Option<&str> {
        self.0.error_message.as_deref()
    }

    /// The mail server's status, for example 550; null where it did not come to one.
    async fn error_status(&self) -> Option<i32> {
        self.0.error_status
    }

    /// When the last attempt failed.
    async fn failed_at(&self) -> Option<DateTime<Utc>> {
        self.0.error_at
    }

    /// How often it was tried.
    async fn attempt_count(&self) -> i32 {
        self.0.attempt_count
    }

    /// When it is tried next; null where it was given up.
    async fn next_attempt_at(&self) -> Option<DateTime<Utc>> {
        self.0.due_at
    }
}

/// Which mails are wanted. All given conditions hold together; a condition that is null is an error.
#[derive(Clone, Default, InputObject)]
pub struct FailedMailFilter {
    /// In these states: `FAILED`, `PENDING`.
    state: MaybeUndefined<Vec<MailState>>,
    /// That failed for these reasons.
    error_code: MaybeUndefined<Vec<MailErrorCode>>,
}

/// Queries about mails.
#[derive(Default)]
pub struct FailedMailQuery;

#[Object]
impl FailedMailQuery {
    /// The mails whose last attempt failed, the newest first: given up, or to be tried again. Empty without the
    /// permission.
    #[graphql(directive = requires::apply(Permission::SeeMails.into()))]
    async fn failed_mails(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which mails.")] filter: Option<FailedMailFilter>,
        #[graphql(desc = "How many from the start, 0 to 100; 20 when neither `first` nor `last` is given.")]
        first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 0 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
    ) -> Result<Connection<FailedMail>, ApiError> {
        let filter = filter.unwrap_or_default();
        let api = Api::of(ctx);
        let window = Paging { first, after, last, before }.window(NEWEST, &Selected::of(ctx))?;
        let states: Option<Vec<_>> =
            given("state", &filter.state)?.map(|states| states.into_iter().map(Into::into).collect());
        let codes: Option<Vec<_>> =
            given("errorCode", &filter.error_code)?.map(|codes| codes.into_iter().map(Into::into).collect());
        let (states, codes) = (states.as_deref(), codes.as_deref());
        let page = store::notification::failed(&api.database, &api.scope, states, codes, &window).await?;
        Ok(Connection::new(page, NEWEST, |row| FailedMail(Arc::new(row))))
    }
}
