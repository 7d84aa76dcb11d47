//! Submit: ask for a package, for oneself.

use chrono::{DateTime, TimeDelta, Utc};
use entity::access_request::{self, AccessRequestState as State, AccessRequestType};
use entity::access_request_event::{self, AccessRequestAction as Action};
use entity::assignment_policy::{self, ExpirationKind, RequestorScope};
use uuid::Uuid;

use super::Step;
use crate::authz::{Actor, Scope};
use crate::domain::approval::open::{Opening, open};
use crate::domain::assignment::begin::{Beginning, begin, legal};
use crate::domain::error::{Code, Error, Rejection};
use crate::domain::{Attempt, Command, input, repeated};
use crate::id::Kind;
use crate::store::access_request::{Move, Moved, Requestability, advance};
use crate::store::assignment_policy::StageRow;
use crate::store::audit_event::{self, Event};
use crate::store::idempotency::Key;
use crate::store::{self, Access, StoreError, Txn};

/// Ask for a package, for oneself.
#[derive(Clone)]
pub struct Submit {
    /// Who asks.
    pub actor: Actor,
    /// What they may see.
    pub scope: Scope,
    /// The package; none where the id was garbage.
    pub package: Option<Uuid>,
    /// The policy, where one was chosen; the inner value is none where the id was garbage.
    pub policy: Option<Option<Uuid>>,
    /// Why.
    pub justification: Option<String>,
    /// The start; none: at once.
    pub starts_at: Option<DateTime<Utc>>,
    /// The end; none: as the policy says.
    pub expires_at: Option<DateTime<Utc>>,
    /// Makes the call repeatable.
    pub idempotency: Option<Key>,
}

impl Command for Submit {
    type Output = Uuid;

    fn attempt(&self) -> Attempt {
        Attempt {
            organization: self.actor.organization,
            actor: Some(self.actor.user),
            call: self.actor.call,
            action: "access_request.submit",
            target: self.package.map(|id| (Kind::AccessPackage, id)),
        }
    }

    async fn run(&self, txn: &Txn) -> Result<Uuid, Error> {
        let id = txn.id();
        if let Some(first) =
            repeated(txn, &self.actor, "submitAccessRequest", self.idempotency.as_ref(), id).await?
        {
            return Ok(first);
        }
        let not_found = || {
            Rejection::of("accessPackage", Code::NotFound, "There is no such package, or you may not see it.")
        };
        if !store::user::lock_active(txn, self.actor.user).await? {
            return Err(Rejection::new(Code::UserDeactivated, "You were deactivated.").into());
        }
        let package_id = self.package.ok_or_else(not_found)?;
        let include = store::access_package::Include::default();
        let visible =
            store::access_package::find(txn, Access::Visible(&self.scope), &[package_id], include).await?;
        let package = visible.into_iter().next().ok_or_else(not_found)?.package;
        if !store::access_package::hold(txn, package_id).await? {
            return Err(not_found().into());
        }
        let found = store::access_request::requestability(txn, &self.scope, &[package_id]).await?;
        let facts = found.into_iter().next().ok_or_else(not_found)?;
        if let Some(code) = blockers(&facts).into_iter().find(|code| *code != Code::PolicyRequired) {
            return Err(Rejection::of("accessPackage", code, sentence(code)).into());
        }
        let policy_id = choose(&facts, self.policy)?;
        let policies =
            store::assignment_policy::find(txn, Access::Named(self.actor.organization), &[policy_id]).await?;
        let policy = policies.into_iter().next().ok_or_else(not_found)?;
        let asked = Asked {
            justification: self.justification.as_deref(),
            starts_at: self.starts_at,
            expires_at: self.expires_at,
        };
        let new = NewRequest {
            id,
            actor: self.actor,
            kind: AccessRequestType::UserAdd,
            requestor: self.actor.user,
            catalog: package.catalog_id,
            package: package.id,
            approval: policy.approval_stage_count > 0,
        };
        make(txn, &new, &policy, &asked).await?;
        Ok(id)
    }
}

/// What is asked for besides the package.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// Why.
    pub justification: Option<&'a str>,
    /// The start; none: at once.
    pub starts_at: Option<DateTime<Utc>>,
    /// The end; none: as the policy says.
    pub expires_at: Option<DateTime<Utc>>,
}

/// A request to make.
#[derive(Clone, Copy, Debug)]
pub struct NewRequest {
    /// Its id.
    pub id: Uuid,
    /// Who makes it.
    pub actor: Actor,
    /// What it asks for.
    pub kind: AccessRequestType,
    /// Whose access it is about.
    pub requestor: Uuid,
    /// The package's catalog.
    pub catalog: Uuid,
    /// The package.
    pub package: Uuid,
    /// Whether somebody has to decide.
    pub approval: bool,
}

/// Makes a request under a policy and routes it: to its approvers, to its start, or to delivery.
pub async fn make(
    txn: &Txn,
    new: &NewRequest,
    policy: &assignment_policy::Model,
    asked: &Asked<'_>,
) -> Result<(), Error> {
    let mut checks = input::Checks::default();
    let justification = asked.justification.map(|text| checks.take(input::text("justification", text)));
    let justification = justification.filter(|text| !text.is_empty());
    checks.refuse_if(policy.justification_required && justification.is_none(), || {
        Rejection::of(
            "justification",
            Code::JustificationRequired,
            "The policy asks why you need the access.",
        )
    });
    let now = txn.now();
    let schedule = schedule(Limits::from(policy), asked, now);
    let (starts_at, expires_at) = checks.take(schedule.map(|(start, end)| (Some(start), end)));
    checks.done()?;
    let stages = match policy.approval_stage_count {
        0 => Vec::new(),
        _ => store::assignment_policy::stages(txn, &[policy.id]).await?,
    };
    let request = access_request::Model {
        id: new.id,
        organization_id: new.actor.organization,
        catalog_id: new.catalog,
        access_package_id: new.package,
        policy_id: Some(policy.id),
        policy_snapshot: Some(snapshot(policy, &stages)),
        requestor_id: new.requestor,
        submitted_by_id: Some(new.actor.user),
        assignment_id: None,
        kind: new.kind,
        state: State::Submitted,
        justification,
        requested_start: asked.starts_at,
        requested_end: asked.expires_at,
        submitted_at: now,
        completed_at: None,
        last_completed_at: None,
        event_count: 1,
    };
    txn.insert(request.clone()).await.map_err(|error| match error {
        StoreError::Taken(_) => {
            Rejection::of("accessPackage", Code::RequestOpen, sentence(Code::RequestOpen)).into()
        }
        other => Error::from(other),
    })?;
    txn.insert(access_request_event::Model {
        request_id: new.id,
        seq: 1,
        at: now,
        action: Action::Submitted,
        from_state: None,
        to_state: State::Submitted,
        actor_id: Some(new.actor.user),
        reason: None,
        bulk_operation_id: None,
    })
    .await?;
    let details = serde_json::json!({
        "accessPackage": Kind::AccessPackage.text(new.package),
        "requestor": Kind::User.text(new.requestor),
    });
    let event = Event::by(&new.actor, "access_request.submitted", Kind::AccessRequest, new.id).with(details);
    audit_event::record(txn, &event).await?;
    if new.approval {
        let step = Move {
            to: legal(State::Submitted, Step::AskApproval)?,
            action: Action::ApprovalRequested,
            actor: None,
            reason: None,
            bulk_operation: None,
        };
        advance(txn, &[Moved { id: new.id, from: State::Submitted }], step).await?;
        open(txn, &[Opening { request: &request, position: 0 }]).await?;
    } else {
        let starts_at = starts_at.unwrap_or(now);
        begin(txn, &Beginning { request, starts_at, expires_at, actor: None }).await?;
    }
    Ok(())
}

/// The policy with its stages as it is now, kept with the request for good.
#[must_use]
pub fn snapshot(policy: &assignment_policy::Model, stages: &[StageRow]) -> serde_json::Value {
    let stages: Vec<serde_json::Value> = stages
        .iter()
        .map(|row| {
            let approvers: Vec<serde_json::Value> = row
                .approvers
                .iter()
                .map(|approver| {
                    serde_json::json!({
                        "kind": approver.kind,
                        "user": approver.user_id.map(|id| Kind::User.text(id)),
                        "catalogRole": approver.catalog_role,
                    })
                })
                .collect();
            serde_json::json!({
                "timeoutSeconds": row.stage.timeout_seconds,
                "justificationRequired": row.stage.justification_required,
                "approvers": approvers,
            })
        })
        .collect();
    serde_json::json!({
        "id": Kind::AssignmentPolicy.text(policy.id),
        "version": policy.version,
        "displayName": policy.display_name,
        "requestorScope": policy.requestor_scope,
        "justificationRequired": policy.justification_required,
        "expiration": policy.expiration,
        "expirationSeconds": policy.expiration_seconds,
        "expirationAt": policy.expiration_at,
        "approvalStages": stages,
    })
}

/// How a policy lets assignments end.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// In which way.
    pub kind: ExpirationKind,
    /// After so many seconds.
    pub seconds: Option<i64>,
    /// On this date.
    pub at: Option<DateTime<Utc>>,
}

impl From<&assignment_policy::Model> for Limits {
    fn from(policy: &assignment_policy::Model) -> Self {
        Self { kind: policy.expiration, seconds: policy.expiration_seconds, at: policy.expiration_at }
    }
}

/// When an assignment starts and ends: as asked for, within what the policy allows.
pub fn schedule(
    limits: Limits,
    asked: &Asked<'_>,
    now: DateTime<Utc>,
) -> Result<(DateTime<Utc>, Option<DateTime<Utc>>), Rejection> {
    let refuse = |field: &str, message: &str| Err(Rejection::of(field, Code::InvalidSchedule, message));
    let starts_at = asked.starts_at.unwrap_or(now);
    if starts_at < now {
        return refuse("startsAt", "The start lies in the past.");
    }
    let limit = match limits.kind {
        ExpirationKind::Never => None,
        ExpirationKind::AfterDuration => limits
            .seconds
            .and_then(TimeDelta::try_seconds)
            .and_then(|lasts| starts_at.checked_add_signed(lasts)),
        ExpirationKind::OnDate => limits.at,
    };
    if limit.is_some_and(|limit| limit <= starts_at) {
        return refuse("startsAt", "The policy's assignments end before this start.");
    }
    match asked.expires_at {
        Some(end) if end <= starts_at => refuse("expiresAt", "The end must come after the start."),
        Some(end) if limit.is_some_and(|limit| end > limit) => {
            refuse("expiresAt", "The policy does not allow the access for so long.")
        }
        asked => Ok((starts_at, asked.or(limit))),
    }
}

/// Everything that stands against requesting a package, in the order in which it is told.
#[must_use]
pub fn blockers(facts: &Requestability) -> Vec<Code> {
    let mut codes = Vec::new();
    if facts.policies.is_empty() {
        codes.push(Code::NotRequestable);
    }
    if facts.assigned {
        codes.push(Code::AlreadyAssigned);
    }
    if facts.open {
        codes.push(Code::RequestOpen);
    }
    if most_specific(facts).len() > 1 {
        codes.push(Code::PolicyRequired);
    }
    codes
}

/// A blocker in words.
#[must_use]
pub fn sentence(code: Code) -> &'static str {
    match code {
        Code::AlreadyAssigned => "The person holds this package already.",
        Code::RequestOpen => "A request of the person for this package is open already.",
        Code::PolicyRequired => "Several policies admit the person: choose one.",
        _ => "No enabled policy of this package admits the person.",
    }
}

/// Of the policies that admit somebody, only those of the most specific level apply: a lenient
/// policy is never a way round a strict one.
fn most_specific(facts: &Requestability) -> Vec<Uuid> {
    let level = |scope: RequestorScope| match scope {
        RequestorScope::SpecificUsers | RequestorScope::SpecificConnectedOrganizations => 0,
        RequestorScope::AllMembers => 1,
        RequestorScope::AllUsers => 2,
        RequestorScope::AllConnectedOrganizations | RequestorScope::AllExternalUsers => 3,
        RequestorScope::Nobody => 4,
    };
    let best = facts.policies.iter().map(|(_, scope)| level(*scope)).min();
    facts.policies.iter().filter(|(_, scope)| Some(level(*scope)) == best).map(|(id, _)| *id).collect()
}

/// The policy that a request is made under.
fn choose(facts: &Requestability, chosen: Option<Option<Uuid>>) -> Result<Uuid, Rejection> {
    let applicable = most_specific(facts);
    match (chosen, applicable.as_slice()) {
        (Some(Some(policy)), ids) if ids.contains(&policy) => Ok(policy),
        (Some(_), _) => {
            Err(Rejection::of("policy", Code::NotFound, "This policy does not apply to the person."))
        }
        (None, [only]) => Ok(*only),
        (None, []) => {
            Err(Rejection::of("accessPackage", Code::NotRequestable, sentence(Code::NotRequestable)))
        }
        (None, _) => Err(Rejection::of("policy", Code::PolicyRequired, sentence(Code::PolicyRequired))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(scopes: &[RequestorScope]) -> Requestability {
        let policies = (1..).map(Uuid::from_u128).zip(scopes.iter().copied()).collect();
        Requestability { package: Uuid::nil(), policies, assigned: false, open: false }
    }

    #[test]
    fn only_the_most_specific_policies_apply() {
        let facts =
            facts(&[RequestorScope::AllUsers, RequestorScope::SpecificUsers, RequestorScope::AllMembers]);
        assert_eq!(most_specific(&facts), [Uuid::from_u128(2)]);
        assert_eq!(choose(&facts, None), Ok(Uuid::from_u128(2)));
        let lenient = choose(&facts, Some(Some(Uuid::from_u128(1))));
        assert_eq!(lenient.unwrap_err().code, Code::NotFound);
    }

    #[test]
    fn among_equals_the_requestor_chooses() {
        let facts = facts(&[RequestorScope::AllMembers, RequestorScope::AllMembers]);
        assert_eq!(choose(&facts, None).unwrap_err().code, Code::PolicyRequired);
        assert_eq!(choose(&facts, Some(Some(Uuid::from_u128(2)))), Ok(Uuid::from_u128(2)));
        assert_eq!(blockers(&facts), [Code::PolicyRequired]);
    }
}
