//! Change the token policy. What it masks is kept: it comes back when the policy allows it again.

use chrono::TimeDelta;
use entity::organization::{self, TokenAccess};
use serde_json::{Value, json};
use uuid::Uuid;

use super::waiting::{self, Waiting};
use crate::authz::Permit;
use crate::authz::permission::action::EditTokenPolicy;
use crate::domain::input::{self, Change, Checks};
use crate::domain::{Attempt, Code, Command, Error, Rejection, confirm_everywhere, refusal};
use crate::id::Kind;
use crate::store::audit_event::{self, Event};
use crate::store::{self, StoreError, Txn};

/// The shortest of the longest lifetimes.
const SHORTEST: TimeDelta = TimeDelta::hours(1);
/// The longest of the longest lifetimes; without a limit there is none.
const LONGEST: TimeDelta = TimeDelta::days(3_660);

/// Change the token policy; what is not given stays.
pub struct Update {
    /// The permit.
    pub permit: Permit<EditTokenPolicy>,
    /// The version that the change is based on.
    pub version: i32,
    /// Whether fine-grained tokens reach what is not public.
    pub fine_grained: Option<TokenAccess>,
    /// Whether classic tokens do.
    pub classic: Option<TokenAccess>,
    /// Whether an owner must approve what a fine-grained token asks for.
    pub approval_required: Option<bool>,
    /// The longest lifetime of a fine-grained token.
    pub fine_grained_lifetime: Change<TimeDelta>,
    /// The longest lifetime of a classic token.
    pub classic_lifetime: Change<TimeDelta>,
    /// What becomes of the requests that wait, when approval is switched off.
    pub waiting: Option<Waiting>,
    /// What the owner says about their approval or denial.
    pub reason: Option<String>,
}

impl Command for Update {
    type Output = Uuid;

    fn attempt(&self) -> Attempt {
        Attempt::with(&self.permit, Some((Kind::Organization, self.permit.actor().organization)))
    }

    async fn run(&self, txn: &Txn) -> Result<Uuid, Error> {
        confirm_everywhere(txn, &self.permit).await?;
        let actor = self.permit.actor();
        // Whoever makes a token or asks for more holds the organization, too: nothing begins to wait meanwhile.
        let before = store::organization::lock(txn, actor.organization).await?;
        let before = before.ok_or_else(|| StoreError::Other("the organization is gone".to_owned()))?;
        let after = self.after(&before)?;
        let ends_approval = before.token_approval_required && !after.token_approval_required;
        if self.waiting.is_some() && !ends_approval {
            let message = "`waitingRequests` is for when `approvalRequired` is switched off. Leave it out.";
            return Err(Rejection::of("waitingRequests", Code::InvalidInput, message).into());
        }
        let reason = self.reason()?;
        if !store::organization::update_token_policy(txn, &after, self.version).await? {
            return Err(refusal::conflict("token policy").into());
        }
        if ends_approval {
            waiting::settle(txn, &self.permit, self.waiting, reason.as_deref()).await?;
        }
        for (action, details) in changes(&before, &after) {
            let event = Event::by(&actor, action, Kind::Organization, before.id).with(details);
            audit_event::record(txn, &event).await?;
        }
        Ok(before.id)
    }
}

impl Update {
    /// What is said about the requests that are decided; none where nothing is said.
    fn reason(&self) -> Result<Option<String>, Error> {
        let Some(text) = &self.reason else { return Ok(None) };
        if !matches!(self.waiting, Some(Waiting::Approve | Waiting::Deny)) {
            let message = "`reason` is for `waitingRequests` APPROVE and DENY. Leave it out.";
            return Err(Rejection::of("reason", Code::InvalidInput, message).into());
        }
        Ok(Some(input::reason("reason", text)?).filter(|reason| !reason.is_empty()))
    }

    /// The organization as it is to be.
    fn after(&self, before: &organization::Model) -> Result<organization::Model, Error> {
        let mut checks = Checks::default();
        let mut lifetime = |field: &str, change: &Change<TimeDelta>, before: Option<i64>| match change {
            Change::Keep => before,
            Change::Clear => None,
            Change::Set(longest) => {
                checks.refuse_if(!(SHORTEST..=LONGEST).contains(longest), || {
                    let message = format!("`{field}` must be between 1 hour and 3,660 days, or null.");
                    Rejection::of(field, Code::InvalidInput, message)
                });
                Some(longest.num_seconds())
            }
        };
        let after = organization::Model {
            fine_grained_lifetime_seconds: lifetime(
                "fineGrainedMaximumLifetime",
                &self.fine_grained_lifetime,
                before.fine_grained_lifetime_seconds,
            ),
            classic_lifetime_seconds: lifetime(
                "classicMaximumLifetime",
                &self.classic_lifetime,
                before.classic_lifetime_seconds,
            ),
            fine_grained_tokens: self.fine_grained.unwrap_or(before.fine_grained_tokens),
            classic_tokens: self.classic.unwrap_or(before.classic_tokens),
            token_approval_required: self.approval_required.unwrap_or(before.token_approval_required),
            ..before.clone()
        };
        checks.done()?;
        Ok(after)
    }
}

/// What changed, each by GitHub's name for it; the details say it without a riddle.
fn changes(before: &organization::Model, after: &organization::Model) -> Vec<(&'static str, Value)> {
    let mut changes = Vec::new();
    for (kind, from, to) in [
        ("FINE_GRAINED", before.fine_grained_tokens, after.fine_grained_tokens),
        ("CLASSIC", before.classic_tokens, after.classic_tokens),
    ] {
        let action = match to {
            TokenAccess::Restricted => "personal_access_token.access_restriction_enabled",
            TokenAccess::Allowed => "personal_access_token.access_restriction_disabled",
        };
        if from != to {
            changes.push((action, json!({ "tokenKind": kind, "from": from, "to": to })));
        }
    }
    let (from, to) = (before.token_approval_required, after.token_approval_required);
    if from != to {
        let action = if to {
            "personal_access_token.auto_approve_grant_requests_disabled"
        } else {
            "personal_access_token.auto_approve_grant_requests_enabled"
        };
        changes.push((action, json!({ "approvalRequired": { "from": from, "to": to } })));
    }
    for (kind, from, to) in [
        ("FINE_GRAINED", before.fine_grained_lifetime_seconds, after.fine_grained_lifetime_seconds),
        ("CLASSIC", before.classic_lifetime_seconds, after.classic_lifetime_seconds),
    ] {
        let action = if to.is_some() {
            "personal_access_token.expiration_limit_set"
        } else {
            "personal_access_token.expiration_limit_unset"
        };
        if from != to {
            let details = json!({ "tokenKind": kind, "maximumLifetimeSeconds": { "from": from, "to": to } });
            changes.push((action, details));
        }
    }
    changes
}
