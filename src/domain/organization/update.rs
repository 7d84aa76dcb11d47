//! Change the organization's settings.

use chrono::{DateTime, TimeDelta, Utc};
use entity::organization_digest;
use uuid::Uuid;

use crate::authz::Permit;
use crate::authz::permission::action::EditOrganization;
use crate::domain::notification::digest;
use crate::domain::notification::schedule::Schedule;
use crate::domain::{Attempt, Code, Command, Error, Rejection, confirm_everywhere, input, refusal};
use crate::id::Kind;
use crate::store::audit_event::{self, Event};
use crate::store::{self, StoreError, Txn};

/// The shortest reprocess window.
const SHORTEST_WINDOW: TimeDelta = TimeDelta::hours(1);
/// The longest reprocess window.
const LONGEST_WINDOW: TimeDelta = TimeDelta::days(366);

/// The shortest time after which a guest who holds nothing is blocked, or a blocked one removed.
const SHORTEST_GUEST_TIME: TimeDelta = TimeDelta::hours(1);
/// The longest such time.
const LONGEST_GUEST_TIME: TimeDelta = TimeDelta::days(3_660);

/// Change the organization; what is not given stays.
pub struct Update {
    /// The permit.
    pub permit: Permit<EditOrganization>,
    /// The version that the change is based on.
    pub version: i32,
    /// The name.
    pub display_name: Option<String>,
    /// How long after its first completion a request can be reprocessed.
    pub reprocess_window: Option<TimeDelta>,
    /// The hour of the day at which the owners get their digest.
    pub digest_hour: Option<i32>,
    /// The time zone of that hour.
    pub digest_time_zone: Option<String>,
    /// After how long a guest who holds and asks for nothing is blocked.
    pub guest_block_after: Option<TimeDelta>,
    /// After how long a guest who was blocked is removed.
    pub guest_remove_after: Option<TimeDelta>,
    /// Whether people from outside may sign in by a code that is mailed to them.
    pub email_sign_in: Option<bool>,
    /// Whether this server can mail.
    pub can_mail: bool,
}

/// A time of the end of guests, in seconds, within its limits.
fn guest_seconds(field: &str, given: TimeDelta, checks: &mut input::Checks) -> i64 {
    checks.refuse_if(!(SHORTEST_GUEST_TIME..=LONGEST_GUEST_TIME).contains(&given), || {
        let message = format!("`{field}` must be between 1 hour and 3,660 days.");
        Rejection::of(field, Code::InvalidInput, message)
    });
    given.num_seconds()
}

impl Update {
    /// The plan of the digest with what is given; none where nothing is. Each day still gets one digest.
    fn digest(
        &self,
        before: Option<&organization_digest::Model>,
        organization: Uuid,
        checks: &mut input::Checks,
        now: DateTime<Utc>,
    ) -> Option<organization_digest::Model> {
        if self.digest_hour.is_none() && self.digest_time_zone.is_none() {
            return None;
        }
        let before = before.cloned().unwrap_or_else(|| digest::usual(organization, now));
        let hour = self.digest_hour.unwrap_or(before.hour);
        let zone = self.digest_time_zone.as_deref().unwrap_or(&before.time_zone);
        checks.refuse_if(!(0..=23).contains(&hour), || {
            Rejection::of("digestHour", Code::InvalidInput, "`digestHour` must be between 0 and 23.")
        });
        checks.refuse_if(Schedule::new(0, zone).is_none(), || {
            let message =
                "`digestTimeZone` must be a name of the IANA time zone database, such as Europe/Paris.";
            Rejection::of("digestTimeZone", Code::InvalidInput, message)
        });
        let schedule = Schedule::new(hour, zone)?;
        Some(organization_digest::Model {
            hour,
            time_zone: schedule.zone_name().to_owned(),
            due_at: schedule.in_place_of(&before, now),
            ..before
        })
    }
}

impl Command for Update {
    type Output = Uuid;

    fn attempt(&self) -> Attempt {
        Attempt::with(&self.permit, Some((Kind::Organization, self.permit.actor().organization)))
    }

    async fn run(&self, txn: &Txn) -> Result<Uuid, Error> {
        confirm_everywhere(txn, &self.permit).await?;
        let actor = self.permit.actor();
        let before = store::organization::lock(txn, actor.organization).await?;
        let before = before.ok_or_else(|| StoreError::Other("the organization is gone".to_owned()))?;
        let mut checks = input::Checks::default();
        let mut after = before.clone();
        if let Some(name) = &self.display_name {
            after.display_name = checks.take(input::name("displayName", name));
        }
        if let Some(window) = self.reprocess_window {
            checks.refuse_if(!(SHORTEST_WINDOW..=LONGEST_WINDOW).contains(&window), || {
                let message = "`reprocessWindow` must be between 1 hour and 366 days.";
                Rejection::of("reprocessWindow", Code::InvalidInput, message)
            });
            after.reprocess_window_seconds = window.num_seconds();
        }
        if let Some(after_this) = self.guest_block_after {
            after.guest_block_after_seconds = guest_seconds("guestBlockAfter", after_this, &mut checks);
        }
        if let Some(after_this) = self.guest_remove_after {
            after.guest_remove_after_seconds = guest_seconds("guestRemoveAfter", after_this, &mut checks);
        }
        if let Some(allowed) = self.email_sign_in {
            checks.refuse_if(allowed && !self.can_mail, || {
                let message = "This server has no mail server: its operator sets one by GUICHET_SMTP_URL.";
                Rejection::of("emailSignIn", Code::MailNotConfigured, message)
            });
            after.email_sign_in = allowed;
        }
        let digest_before = store::digest::get(txn, before.id).await?;
        let digest = self.digest(digest_before.as_ref(), before.id, &mut checks, txn.now());
        checks.done()?;
        if !store::organization::update(txn, &after, self.version).await? {
            return Err(refusal::conflict("organization").into());
        }
        if before.email_sign_in != after.email_sign_in {
            // Tokens of those who signed in that way are refused at once, or taken again.
            txn.changes_access();
        }
        if let Some(digest) = &digest {
            store::digest::plan(txn, digest).await?;
        }
        let event = Event::by(&actor, "organization.updated", Kind::Organization, before.id);
        let details = serde_json::json!({
            "reprocessWindowSeconds": {
                "from": before.reprocess_window_seconds,
                "to": after.reprocess_window_seconds,
            },
            "guestBlockAfterSeconds": {
                "from": before.guest_block_after_seconds,
                "to": after.guest_block_after_seconds,
            },
            "guestRemoveAfterSeconds": {
                "from": before.guest_remove_after_seconds,
                "to": after.guest_remove_after_seconds,
            },
            "emailSignIn": { "from": before.email_sign_in, "to": after.email_sign_in },
            "renamed": before.display_name != after.display_name,
            "digest": digest.map(|digest| serde_json::json!({
                "from": digest_before.map(|before| (before.hour, before.time_zone)),
                "to": (digest.hour, digest.time_zone),
            })),
        });
        audit_event::record(txn, &event.with(details)).await?;
        Ok(before.id)
    }
}
