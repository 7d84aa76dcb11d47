//! What a request would do now: the one judgement for the submission and for its preview.

use std::collections::HashSet;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use entity::app_user::UserState;
use entity::assignment_policy::{self, RequestorScope};
use entity::{access_package, app_user};
use uuid::Uuid;

use super::answers::{self, Answer};
use super::schedule::{Limits, Times, schedule};
use crate::authz::Scope;
use crate::domain::assignment_policy::questions;
use crate::domain::error::{Code, Error, Rejection};
use crate::domain::input::{self, Checks};
use crate::domain::link::ShareLink;
use crate::domain::signed_link;
use crate::domain::user as people;
use crate::store::access_package::Include;
use crate::store::access_request::{Admitting, Requestability};
use crate::store::assignment_policy::StageRow;
use crate::store::database::Connection;
use crate::store::incompatible;
use crate::store::{self, Access};

/// What somebody wants.
#[derive(Clone, Debug)]
pub struct Wish {
    /// Who asks.
    pub user: Uuid,
    /// For whom, where that is said; the inner value is none where the id was garbage.
    pub requestor: Option<Option<Uuid>>,
    /// The package; none where the id was garbage.
    pub package: Option<Uuid>,
    /// The policy, where one was chosen; the inner value is none where the id was garbage.
    pub policy: Option<Option<Uuid>>,
    /// The share link that it comes by, where there is one; the inner value is none where the text is no link.
    pub share_link: Option<Option<ShareLink>>,
    /// What is asked for besides.
    pub asked: Asked,
}

impl Wish {
    /// Whose access it is about; none where the id was garbage.
    #[must_use]
    pub fn beneficiary(&self) -> Option<Uuid> {
        self.requestor.unwrap_or(Some(self.user))
    }
}

/// What is asked for besides the package.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    /// Why.
    pub justification: Option<String>,
    /// The answers to the policy's questions.
    pub answers: Vec<Answer>,
    /// When.
    pub times: Times,
}

/// What of a wish goes into the request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Content {
    /// Why.
    pub justification: Option<String>,
    /// The answers, in the order of the questions.
    pub answers: Vec<Answer>,
    /// The start of the assignment if nobody has to decide.
    pub starts_at: DateTime<Utc>,
    /// Its end; none: never.
    pub expires_at: Option<DateTime<Utc>>,
}

/// What a request would do.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Whose access it is about.
    pub requestor: Uuid,
    /// The package.
    pub package: Arc<access_package::Model>,
    /// The policies that apply to the requestor.
    pub applicable: Vec<Uuid>,
    /// The policy that it would be made under, where that is clear.
    pub policy: Option<Arc<assignment_policy::Model>>,
    /// The stages that would decide it.
    pub stages: Vec<StageRow>,
    /// The packages that stand against it.
    pub incompatible: Vec<Uuid>,
    /// The signed link that it comes by.
    pub signed_link: Option<Uuid>,
    /// What would go into the request; none where that is refused.
    pub content: Option<Content>,
    /// Why it would be refused; empty where it would be accepted.
    pub refused: Vec<Rejection>,
}

/// Judges a wish. What its viewer may not know of is `NOT_FOUND` and nothing else.
pub async fn plan(
    connection: &impl Connection,
    scope: &Scope,
    wish: &Wish,
    now: DateTime<Utc>,
) -> Result<Plan, Error> {
    let other = other(connection, scope, wish).await?;
    let theirs = other.as_ref().map(Scope::of_requestor);
    let admitted = theirs.as_ref().unwrap_or(scope);
    let (package, facts) = match &theirs {
        None => {
            let package = visible(connection, scope, wish.package).await?.ok_or_else(not_found)?;
            let facts = requestability(connection, scope, Some(package.id)).await?;
            (package, facts.ok_or_else(not_found)?)
        }
        Some(theirs) => of_report(connection, scope, theirs, wish.package).await?,
    };
    let mut plan = Plan {
        requestor: other.as_ref().map_or(wish.user, |user| user.id),
        applicable: most_specific(&facts),
        policy: None,
        stages: Vec::new(),
        incompatible: Vec::new(),
        signed_link: None,
        content: None,
        refused: blockers(&facts)
            .into_iter()
            // These two are judged by what was chosen and brought.
            .filter(|code| !matches!(code, Code::PolicyRequired | Code::SignedLinkRequired))
            .map(|code| Rejection::of("accessPackage", code, sentence(code)))
            .collect(),
        package,
    };
    if facts.incompatible {
        let pairs = [(plan.requestor, plan.package.id)];
        let found = incompatible::standing(connection, &pairs).await?;
        plan.incompatible = found.into_iter().map(|(_, _, against)| against).collect();
        if other.is_some() {
            // That something stands against it is told to the manager, and by its name only what they see themselves.
            let seen = store::access_package::find(
                connection,
                Access::Visible(scope),
                &plan.incompatible,
                Include::default(),
            );
            let seen: HashSet<Uuid> = seen.await?.into_iter().map(|row| row.package.id).collect();
            plan.incompatible.retain(|package| seen.contains(package));
        }
    }
    let link = match &wish.share_link {
        None => Ok(None),
        Some(link) => follow(connection, admitted, link.as_ref(), plan.package.id, now).await?,
    };
    match link {
        Ok(link) => plan.signed_link = link,
        Err(code) => plan.refused.push(Rejection::of("shareLink", code, sentence(code))),
    }
    let policy = match choose(&facts, wish.policy) {
        Ok(policy) => policy,
        Err(rejection) => {
            let known = plan.refused.iter().any(|refused| refused.code == rejection.code);
            plan.refused.extend((!known).then_some(rejection));
            return Ok(plan);
        }
    };
    let named = Access::Named(scope.organization);
    let policies = store::assignment_policy::find(connection, named, &[policy]).await?;
    let policy = policies.into_iter().next().ok_or_else(not_found)?;
    if other.is_some() && !policy.managers_may_request {
        let message = "This policy does not let managers request for those who report to them.";
        plan.refused.push(Rejection::of("requestor", Code::Forbidden, message));
    }
    if policy.requires_signed_link && link == Ok(None) {
        let code = Code::SignedLinkRequired;
        plan.refused.push(Rejection::of("shareLink", code, sentence(code)));
    }
    if policy.approval_stage_count > 0 {
        plan.stages = store::assignment_policy::stages(connection, &[policy.id]).await?;
    }
    if !policy.custom_schedule {
        let Times { starts_at, expires_at } = wish.asked.times;
        for (field, time) in [("startsAt", starts_at), ("expiresAt", expires_at)] {
            let message = "The policy sets the start and the end: leave them out.";
            let rejection = Rejection::of(field, Code::InvalidSchedule, message);
            plan.refused.extend(time.map(|_| rejection));
        }
    }
    match content(&policy, &wish.asked, now) {
        Ok(content) => plan.content = Some(content),
        Err(Error::Rejected(rejections)) => plan.refused.extend(rejections),
        Err(broken) => return Err(broken),
    }
    plan.policy = Some(policy);
    Ok(plan)
}

/// The signed link that a share link to a package is, for those whom it admits; none for one without a secret.
async fn follow(
    connection: &impl Connection,
    scope: &Scope,
    link: Option<&ShareLink>,
    package: Uuid,
    now: DateTime<Utc>,
) -> Result<Result<Option<Uuid>, Code>, Error> {
    let Some(link) = link.filter(|link| link.access_package == package) else {
        return Ok(Err(Code::InvalidLink));
    };
    let organization = store::organization::named(connection, &link.hint).await?;
    if organization.is_none_or(|organization| organization.id != scope.organization) {
        return Ok(Err(Code::InvalidLink));
    }
    let Some(secret) = &link.secret else { return Ok(Ok(None)) };
    Ok(signed_link::presented(connection, scope, package, secret, now).await?.map(Some))
}

/// The person whom a wish is for, if that is somebody else: one who reports to whoever asks.
async fn other(
    connection: &impl Connection,
    scope: &Scope,
    wish: &Wish,
) -> Result<Option<app_user::Model>, Error> {
    let Some(requestor) = wish.requestor.filter(|requestor| *requestor != Some(wish.user)) else {
        return Ok(None);
    };
    let refuse = |code, message: &str| Rejection::of("requestor", code, message);
    let nobody = || refuse(Code::NotFound, "There is no such user, or you may not see them.");
    let id = requestor.ok_or_else(nobody)?;
    let users = store::user::find(connection, Access::Visible(scope), &[id]).await?;
    let user = users.into_iter().next().ok_or_else(nobody)?;
    if user.manager_id != Some(wish.user) {
        let message = "You can request for yourself and for those who report to you.";
        return Err(refuse(Code::Forbidden, message).into());
    }
    if user.state == UserState::Deactivated {
        return Err(people::inactive("requestor", user.guest_end).into());
    }
    Ok(Some(user))
}

/// The package that somebody asks for a report of theirs, with what the report's request depends on. It is there for
/// them if the report sees it, and they see it themselves or a policy that applies to the report lets managers request.
///
/// Whatever of this is found, all of it is looked for: what is not there, and what only the report may know of, cannot
/// be told apart.
async fn of_report(
    connection: &impl Connection,
    scope: &Scope,
    theirs: &Scope,
    package: Option<Uuid>,
) -> Result<(Arc<access_package::Model>, Requestability), Error> {
    let there = visible(connection, theirs, package).await?;
    let seen = visible(connection, scope, package).await?.is_some();
    let facts = requestability(connection, theirs, package).await?;
    let (there, facts) = there.zip(facts).ok_or_else(not_found)?;
    if seen || lets_managers_ask(&facts) { Ok((there, facts)) } else { Err(not_found().into()) }
}

/// Whether a policy that applies to somebody lets their manager ask.
fn lets_managers_ask(facts: &Requestability) -> bool {
    let applicable = most_specific(facts);
    facts.policies.iter().any(|policy| policy.managers_may_request && applicable.contains(&policy.id))
}

async fn requestability(
    connection: &impl Connection,
    scope: &Scope,
    package: Option<Uuid>,
) -> Result<Option<Requestability>, Error> {
    let id = package.unwrap_or_default();
    let found = store::access_request::requestability(connection, scope, &[id]).await?;
    Ok(found.into_iter().next())
}

async fn visible(
    connection: &impl Connection,
    scope: &Scope,
    package: Option<Uuid>,
) -> Result<Option<Arc<access_package::Model>>, Error> {
    // Nothing has the nil id: garbage is looked for, too, and cannot be told from what is not there by the time taken.
    let id = package.unwrap_or_default();
    let found =
        store::access_package::find(connection, Access::Visible(scope), &[id], Include::default()).await?;
    Ok(found.into_iter().next().map(|row| row.package))
}

/// The package is not there, or not for these eyes.
#[must_use]
pub fn not_found() -> Rejection {
    Rejection::of("accessPackage", Code::NotFound, "There is no such package, or you may not see it.")
}

/// What goes into a request under a policy; or everything that is wrong with what was asked.
pub fn content(
    policy: &assignment_policy::Model,
    asked: &Asked,
    now: DateTime<Utc>,
) -> Result<Content, Error> {
    let mut checks = Checks::default();
    let justification = asked.justification.as_deref();
    let is_missing = justification.is_none_or(|text| text.trim().is_empty());
    let justification = justification.map(|text| checks.take(input::text("justification", text)));
    let justification = justification.filter(|text| !text.is_empty());
    checks.refuse_if(policy.justification_required && is_missing, || {
        Rejection::of(
            "justification",
            Code::JustificationRequired,
            "The policy asks why you need the access.",
        )
    });
    let questions = questions::of(policy)?;
    let answers = checks.take_all(answers::check(&questions, &asked.answers).map_err(Error::Rejected))?;
    let schedule = schedule(Limits::from(policy), asked.times, now);
    let (starts_at, expires_at) = checks.take(schedule.map(|(start, end)| (Some(start), end)));
    checks.done()?;
    Ok(Content { justification, answers, starts_at: starts_at.unwrap_or(now), expires_at })
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
    // What is being delivered is held already.
    if facts.open && !facts.assigned {
        codes.push(Code::RequestOpen);
    }
    if facts.incompatible {
        codes.push(Code::IncompatiblePackage);
    }
    let applicable = most_specific(facts);
    if applicable.len() > 1 {
        codes.push(Code::PolicyRequired);
    }
    let needs_link = |policy: &&Admitting| applicable.contains(&policy.id) && policy.requires_signed_link;
    if !applicable.is_empty() && facts.policies.iter().filter(needs_link).count() == applicable.len() {
        codes.push(Code::SignedLinkRequired);
    }
    codes
}

/// A blocker in words.
#[must_use]
pub fn sentence(code: Code) -> &'static str {
    match code {
        Code::AlreadyAssigned => "The person holds this package already.",
        Code::RequestOpen => "A request of the person for this package is open already.",
        Code::IncompatiblePackage => {
            "The person holds or has requested a package that excludes this one: give that up first."
        }
        Code::PolicyRequired => "Several policies admit the person: choose one.",
        Code::SignedLinkRequired => {
            "The policy takes requests by a signed link only: ask whoever manages the package for one."
        }
        Code::InvalidLink => {
            "This is not a share link to this package: give the whole of it, as it was given to you."
        }
        Code::UnknownLink => "There is no such link: look whether you have the whole of it.",
        Code::LinkExpired => "The link has ended: ask for a new one.",
        Code::LinkUsedUp => "The link was used as often as it can be: ask for a new one.",
        Code::LinkRevoked => "The link was revoked: ask for a new one.",
        Code::LinkForOthers => "The link is for the people of another organization.",
        _ => "No enabled policy of this package admits the person.",
    }
}

/// Of the policies that admit somebody, only those of the most specific level apply: a lenient
/// policy is never a way round a strict one.
#[must_use]
pub fn most_specific(facts: &Requestability) -> Vec<Uuid> {
    let level = |scope: RequestorScope| match scope {
        RequestorScope::SpecificUsers | RequestorScope::SpecificConnectedOrganizations => 0,
        RequestorScope::AllMembers => 1,
        RequestorScope::AllUsers => 2,
        RequestorScope::AllConnectedOrganizations | RequestorScope::AllExternalUsers => 3,
        RequestorScope::Nobody => 4,
    };
    let best = facts.policies.iter().map(|policy| level(policy.scope)).min();
    let applies = facts.policies.iter().filter(|policy| Some(level(policy.scope)) == best);
    applies.map(|policy| policy.id).collect()
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
mod tests;
