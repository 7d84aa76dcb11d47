//! Marking notifications as read, and saying what one wants to be told.

use async_graphql::{Context, ID, InputObject, Object, OneofObject, SimpleObject};
use chrono::{DateTime, Utc};

use super::{NotificationKind, NotificationPreference, preferences, unread};
use crate::authz::Actor;
use crate::domain::notification::preferences::Prefer;
use crate::domain::notification::read::{MarkRead, Selection};
use crate::domain::{Code, Rejection};
use crate::graphql::api::Api;
use crate::graphql::error::{ApiError, UserError};
use crate::graphql::id::Kind;
use crate::graphql::text;

/// Which of your notifications.
#[derive(Debug, OneofObject)]
pub enum NotificationSelection {
    /// These, at most 1,000. One that is not yours is `NOT_FOUND`, and nothing is marked.
    Ids(Vec<ID>),
    /// All that were made until then: what came after you looked stays unread.
    CreatedUntil(DateTime<Utc>),
}

/// Which notifications to mark as read.
#[derive(Debug, InputObject)]
pub struct MarkNotificationsReadInput {
    /// The notifications.
    selection: NotificationSelection,
}

/// The end of `markNotificationsRead`.
#[derive(SimpleObject)]
pub struct MarkNotificationsReadPayload {
    /// How many were marked now; those that were read before are not counted. Null when refused.
    marked_count: Option<i32>,
    /// How many you have not read now.
    unread_count: i32,
    /// Why it was refused; empty when done.
    user_errors: Vec<UserError>,
}

/// Whether to be told something.
#[derive(Debug, InputObject)]
pub struct NotificationPreferenceInput {
    /// What.
    kind: NotificationKind,
    /// Whether you want to be told. Decisions about you cannot be turned off.
    enabled: bool,
}

/// What to be told.
#[derive(Debug, InputObject)]
pub struct UpdateNotificationPreferencesInput {
    /// The kinds to change; the others stay. Of a kind that is given twice the last one holds.
    preferences: Vec<NotificationPreferenceInput>,
}

/// The end of `updateNotificationPreferences`.
#[derive(SimpleObject)]
pub struct UpdateNotificationPreferencesPayload {
    /// What you are told now: one entry for each kind.
    preferences: Vec<NotificationPreference>,
    /// Why it was refused; empty when done.
    user_errors: Vec<UserError>,
}

/// Changes of one's own notifications.
#[derive(Default)]
pub struct NotificationMutation;

#[Object]
impl NotificationMutation {
    /// Marks notifications of yours as read. Repeating it changes nothing.
    async fn mark_notifications_read(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which notifications.")] input: MarkNotificationsReadInput,
    ) -> Result<MarkNotificationsReadPayload, ApiError> {
        let api = Api::of(ctx);
        let (count, user_errors) = match actor(api) {
            Err(refused) => (None, vec![refused]),
            Ok(actor) => api.run(MarkRead { actor, selection: selection(input.selection)? }).await?,
        };
        let marked_count = count.map(|count| i32::try_from(count).unwrap_or(i32::MAX));
        Ok(MarkNotificationsReadPayload { marked_count, unread_count: unread(ctx).await?, user_errors })
    }

    /// Says what you want to be told, in the API and by mail.
    async fn update_notification_preferences(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to be told.")] input: UpdateNotificationPreferencesInput,
    ) -> Result<UpdateNotificationPreferencesPayload, ApiError> {
        let api = Api::of(ctx);
        let wanted = input.preferences.iter().map(|wanted| (wanted.kind.into(), wanted.enabled)).collect();
        let user_errors = match actor(api) {
            Err(refused) => vec![refused],
            Ok(actor) => api.run(Prefer { actor, wanted }).await?.1,
        };
        Ok(UpdateNotificationPreferencesPayload { preferences: preferences(ctx).await?, user_errors })
    }
}

fn selection(selection: NotificationSelection) -> Result<Selection, ApiError> {
    match selection {
        NotificationSelection::Ids(ids) => {
            Ok(Selection::Ids(ids.iter().map(|id| Kind::Notification.parse(id)).collect()))
        }
        NotificationSelection::CreatedUntil(until) if text::is_storable(until) => Ok(Selection::Until(until)),
        NotificationSelection::CreatedUntil(_) => {
            Err(ApiError::BadUserInput("`createdUntil` must lie in the years 1 to 9999.".to_owned()))
        }
    }
}

/// The viewer; an outsider who is no user yet has not been told anything.
fn actor(api: &Api) -> Result<Actor, UserError> {
    let message = "You are not known here yet: nothing was told to you.";
    api.viewer.actor(api.request_id).ok_or_else(|| Rejection::new(Code::Forbidden, message).into())
}
