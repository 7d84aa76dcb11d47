//! Change the organization's settings.

use chrono::TimeDelta;
use uuid::Uuid;

use crate::authz::Permit;
use crate::authz::permission::action::EditOrganization;
use crate::domain::{Attempt, Code, Command, Error, Rejection, confirm_everywhere, input, refusal};
use crate::id::Kind;
use crate::store::audit_event::{self, Event};
use crate::store::{self, StoreError, Txn};

/// The shortest reprocess window.
const SHORTEST_WINDOW: TimeDelta = TimeDelta::hours(1);
/// The longest reprocess window.
const LONGEST_WINDOW: TimeDelta = TimeDelta::days(366);

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
        checks.done()?;
        if !store::organization::update(txn, &after, self.version).await? {
            return Err(refusal::conflict("organization").into());
        }
        let event = Event::by(&actor, "organization.updated", Kind::Organization, before.id);
        let details = serde_json::json!({
            "reprocessWindowSeconds": {
                "from": before.reprocess_window_seconds,
                "to": after.reprocess_window_seconds,
            },
            "renamed": before.display_name != after.display_name,
        });
        audit_event::record(txn, &event.with(details)).await?;
        Ok(before.id)
    }
}
