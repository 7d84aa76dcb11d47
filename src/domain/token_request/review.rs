//! Review: an owner of the organization approves or denies token requests, one or many.
//!
//! [`judge`] is the one rule: for the mutation, the dry run and the affordance.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use entity::access_token::TokenOrigin;
use entity::bulk_operation::{self, BulkOperationKind, ReviewDecision};
use entity::token_grant::{self, TokenGrantState};
use entity::token_request::{self, AutomaticReason, TokenRequestState as State};
use entity::token_request_event::TokenRequestAction;
use uuid::Uuid;

use super::told::{About, By, Happening, tell};
use super::{Step, next};
use crate::authz::Scope;
use crate::authz::permission::action;
use crate::domain::bulk_operation::{Bulk, Decision, Decisions, Verdicts};
use crate::domain::error::{Code, Error};
use crate::store::token_grant::{Ending, Which};
use crate::store::token_request::{Closing, Filter, close, lock_judged, note_grants, select_for};
use crate::store::{self, Access, StoreError, Txn, Words};

/// Everything that the verdict depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Facts {
    /// Where it is decided.
    pub origin: TokenOrigin,
    /// Where the request stands.
    pub state: State,
    /// Whether the viewer may review here.
    pub allowed: bool,
    /// Whether the token is the viewer's own.
    pub own: bool,
    /// When the token expires.
    pub expires_at: Option<DateTime<Utc>>,
}

/// Judges whether a request can be decided: the first reason that applies against it.
pub fn judge(facts: &Facts, now: DateTime<Utc>) -> Result<(), Code> {
    if !facts.allowed {
        return Err(Code::Forbidden);
    }
    match facts.origin {
        TokenOrigin::Guichet => {}
        TokenOrigin::Github => return Err(Code::ExternalReadOnly),
    }
    match facts.state {
        State::Pending => {}
        State::Approved | State::Denied => return Err(Code::AlreadyReviewed),
        State::Canceled => return Err(Code::RequestCanceled),
        State::Expired => return Err(Code::TokenExpired),
    }
    if facts.own {
        return Err(Code::SelfReview);
    }
    if facts.expires_at.is_some_and(|expires| expires <= now) {
        return Err(Code::TokenExpired);
    }
    Ok(())
}

/// Review token requests, as a bulk operation.
pub struct Review;

impl Bulk for Review {
    type Action = action::ReviewTokenRequest;
    type Filter = Filter;

    const KIND: BulkOperationKind = BulkOperationKind::ReviewTokenRequests;
    const MUTATION: &'static str = "reviewTokenRequests";

    async fn select(
        txn: &Txn,
        operation: Uuid,
        scope: &Scope,
        filter: &Filter,
        most: u64,
    ) -> Result<u64, StoreError> {
        select_for(txn, operation, scope, filter, most).await
    }

    async fn decide(
        txn: &Txn,
        operation: &bulk_operation::Model,
        access: Access<'_>,
        targets: &[Uuid],
    ) -> Result<Verdicts, Error> {
        let decisions = Decision::of(operation)?.about_all(targets);
        decide_each(txn, operation, access, operation.catalogs.is_none(), &decisions).await
    }
}

/// Judges decisions of one person, who may review or not, and does what is accepted, unless the operation is a dry
/// run: sets, not loops.
pub async fn decide_each(
    txn: &Txn,
    operation: &bulk_operation::Model,
    access: Access<'_>,
    allowed: bool,
    decisions: &Decisions<'_>,
) -> Result<Verdicts, Error> {
    let targets: Vec<Uuid> = decisions.keys().copied().collect();
    let locked = lock_judged(txn, access, &targets).await?;
    let mut verdicts = HashMap::with_capacity(locked.len());
    let (mut approved, mut denied) = (Vec::new(), Vec::new());
    for row in locked {
        let facts = Facts {
            origin: row.request.origin,
            state: row.request.state,
            allowed,
            own: row.request.owner_id == operation.started_by_id,
            expires_at: row.expires_at,
        };
        let verdict = judge(&facts, txn.now());
        verdicts.insert(row.request.id, verdict);
        match (verdict, decisions.get(&row.request.id).map(|about| about.decision)) {
            (Ok(()), Some(ReviewDecision::Approve)) => approved.push(row.request),
            (Ok(()), Some(ReviewDecision::Deny)) => denied.push(row.request),
            (Err(_), _) | (Ok(()), None) => {}
        }
    }
    if operation.dry_run {
        return Ok(verdicts);
    }
    for (decision, requests) in [(ReviewDecision::Approve, approved), (ReviewDecision::Deny, denied)] {
        let said = |request: &token_request::Model| {
            (request.id, decisions.get(&request.id).and_then(|about| about.reason))
        };
        let words = Words::of(requests.iter().map(said));
        let by = By {
            actor: Some(operation.started_by_id),
            call: None,
            said: words.said(),
            bulk_operation: Some(operation.id),
        };
        apply(txn, &requests, decision, None, &by).await?;
    }
    Ok(verdicts)
}

/// Decides requests that wait and are locked, all of one organization: sets, not loops.
pub async fn apply(
    txn: &Txn,
    requests: &[token_request::Model],
    decision: ReviewDecision,
    automatic: Option<AutomaticReason>,
    by: &By<'_>,
) -> Result<(), Error> {
    let waiting: Vec<&token_request::Model> =
        requests.iter().filter(|request| next(request.state, step(decision)).is_ok()).collect();
    let ids: Vec<Uuid> = waiting.iter().map(|request| request.id).collect();
    if ids.is_empty() {
        return Ok(());
    }
    let (to, action) = match decision {
        ReviewDecision::Approve if automatic.is_some() => {
            (State::Approved, TokenRequestAction::ApprovedAutomatically)
        }
        ReviewDecision::Approve => (State::Approved, TokenRequestAction::Approved),
        ReviewDecision::Deny => (State::Denied, TokenRequestAction::Denied),
    };
    let closing = Closing {
        to,
        action,
        actor: by.actor.filter(|_| automatic.is_none()),
        said: by.said,
        cancel_reason: None,
        automatic_reason: automatic,
        bulk_operation: by.bulk_operation,
    };
    let closed: HashSet<Uuid> = close(txn, &ids, closing).await?.into_iter().collect();
    let decided = waiting.into_iter().filter(|request| closed.contains(&request.id));
    match decision {
        ReviewDecision::Approve => {
            let decided: Vec<&token_request::Model> = decided.collect();
            let granted = grant(txn, &decided, automatic, by).await?;
            tell(txn, Happening::Approved(automatic), by, &granted).await
        }
        ReviewDecision::Deny => {
            let denied: Vec<About> = decided.map(About::from).collect();
            tell(txn, Happening::Denied, by, &denied).await
        }
    }
}

const fn step(decision: ReviewDecision) -> Step {
    match decision {
        ReviewDecision::Approve => Step::Approve,
        ReviewDecision::Deny => Step::Deny,
    }
}

/// Grants what requests ask for, in place of what was granted before.
async fn grant(
    txn: &Txn,
    requests: &[&token_request::Model],
    automatic: Option<AutomaticReason>,
    by: &By<'_>,
) -> Result<Vec<About>, Error> {
    let Some(first) = requests.first() else { return Ok(Vec::new()) };
    let tokens: Vec<Uuid> = requests.iter().map(|request| request.token_id).collect();
    let which = Which::OfTokensIn(&tokens, first.organization_id);
    let ending = Ending { to: TokenGrantState::Superseded, actor: by.actor, reason: None };
    let before = store::token_grant::end(txn, which, ending).await?;
    let before: Vec<Uuid> = before.iter().map(|grant| grant.request_id).collect();
    let action = TokenRequestAction::GrantSuperseded;
    note_grants(txn, &before, action, by.actor, None, by.bulk_operation).await?;
    let grants: Vec<token_grant::Model> = requests
        .iter()
        .map(|request| token_grant::Model {
            id: txn.id(),
            organization_id: request.organization_id,
            token_id: request.token_id,
            owner_id: request.owner_id,
            request_id: request.id,
            state: TokenGrantState::Active,
            repository_selection: request.repository_selection,
            granted_at: txn.now(),
            granted_by_id: by.actor.filter(|_| automatic.is_none()),
            ended_at: None,
            ended_by_id: None,
            end_reason: None,
            origin: TokenOrigin::Guichet,
            external_id: None,
        })
        .collect();
    let about = grants.iter().map(About::from).collect();
    txn.insert_all(grants).await?;
    Ok(about)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts() -> Facts {
        Facts {
            origin: TokenOrigin::Guichet,
            state: State::Pending,
            allowed: true,
            own: false,
            expires_at: Some(at(10)),
        }
    }

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_700_000_000 + seconds, 0).unwrap()
    }

    #[test]
    fn the_first_reason_that_applies_is_given() {
        let mut facts = facts();
        assert_eq!(judge(&facts, at(9)), Ok(()));
        assert_eq!(judge(&facts, at(10)), Err(Code::TokenExpired), "at the instant of its end");
        facts.own = true;
        assert_eq!(judge(&facts, at(10)), Err(Code::SelfReview));
        for (state, code) in [
            (State::Approved, Code::AlreadyReviewed),
            (State::Denied, Code::AlreadyReviewed),
            (State::Canceled, Code::RequestCanceled),
            (State::Expired, Code::TokenExpired),
        ] {
            facts.state = state;
            assert_eq!(judge(&facts, at(0)), Err(code));
        }
        facts.origin = TokenOrigin::Github;
        assert_eq!(judge(&facts, at(0)), Err(Code::ExternalReadOnly), "whatever its state");
        facts.allowed = false;
        assert_eq!(judge(&facts, at(0)), Err(Code::Forbidden));
    }

    #[test]
    fn what_is_judged_to_be_decidable_can_take_the_step() {
        for state in [State::Pending, State::Approved, State::Denied, State::Canceled, State::Expired] {
            let may = judge(&Facts { state, ..facts() }, at(0)).is_ok();
            for decision in [ReviewDecision::Approve, ReviewDecision::Deny] {
                assert_eq!(may, next(state, step(decision)).is_ok(), "{state:?}");
            }
        }
    }
}
