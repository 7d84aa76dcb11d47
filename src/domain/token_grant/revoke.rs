//! Revoke: an owner of the organization takes back what tokens were granted, one or many.
//!
//! What the same tokens ask for beyond it is cancelled. [`judge`] is the one rule: for the mutation, the
//! dry run and the affordance.

use std::collections::{HashMap, HashSet};

use entity::access_token::TokenOrigin;
use entity::bulk_operation::{self, BulkOperationKind};
use entity::token_grant::{self, TokenGrantState as State};
use entity::token_request::CancelReason;
use entity::token_request_event::TokenRequestAction;
use uuid::Uuid;

use super::{Step, next};
use crate::authz::Scope;
use crate::authz::permission::action;
use crate::domain::bulk_operation::{Bulk, Verdicts};
use crate::domain::error::{Code, Error};
use crate::domain::token_request::cancel;
use crate::domain::token_request::told::{About, By, Happening, tell};
use crate::store::token_grant::{Ending, Filter, Which, end, lock, lock_tokens, select_for};
use crate::store::token_request::{Waiting, lock_waiting, note_grants};
use crate::store::{Access, StoreError, Txn};

/// Judges whether a grant of this origin can be revoked by somebody who may, or may not, revoke here.
pub fn judge(origin: TokenOrigin, state: State, allowed: bool) -> Result<(), Code> {
    if !allowed {
        return Err(Code::Forbidden);
    }
    match origin {
        TokenOrigin::Guichet => {}
        TokenOrigin::Github => return Err(Code::ExternalReadOnly),
    }
    next(state, Step::Revoke).map(|_| ()).map_err(|_| match state {
        State::Revoked => Code::AlreadyRevoked,
        State::Active | State::Superseded | State::Suspended | State::Ended => Code::NotActive,
    })
}

/// Revoke grants, as a bulk operation.
pub struct RevokeGrants;

impl Bulk for RevokeGrants {
    type Action = action::RevokeTokenGrant;
    type Filter = Filter;

    const KIND: BulkOperationKind = BulkOperationKind::RevokeTokenGrants;
    const MUTATION: &'static str = "revokeTokenGrants";

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
        // Tokens, then requests, then grants: the order in which everybody locks them.
        let tokens = lock_tokens(txn, access, targets).await?;
        let waiting = if operation.dry_run {
            Vec::new()
        } else {
            lock_waiting(txn, Waiting::OfTokens(&tokens)).await?
        };
        let locked = lock(txn, access, targets).await?;
        let mut verdicts = HashMap::with_capacity(locked.len());
        let mut accepted = Vec::new();
        for grant in locked {
            let verdict = judge(grant.origin, grant.state, operation.catalogs.is_none());
            verdicts.insert(grant.id, verdict);
            if verdict.is_ok() {
                accepted.push(grant);
            }
        }
        if !operation.dry_run && !accepted.is_empty() {
            revoke(txn, operation, &accepted).await?;
            let revoked: HashSet<(Uuid, Uuid)> =
                accepted.iter().map(|grant| (grant.token_id, grant.organization_id)).collect();
            let overtaken: Vec<About> = waiting
                .iter()
                .filter(|request| revoked.contains(&(request.token_id, request.organization_id)))
                .map(About::from)
                .collect();
            let ids: Vec<Uuid> = overtaken.iter().map(|about| about.request).collect();
            let by = by(operation);
            cancel::all(txn, &ids, CancelReason::GrantRevoked, &by).await?;
            tell(txn, Happening::Canceled(CancelReason::GrantRevoked), &by, &overtaken).await?;
        }
        Ok(verdicts)
    }
}

fn by(operation: &bulk_operation::Model) -> By<'_> {
    By {
        actor: Some(operation.started_by_id),
        call: None,
        said: operation.reason.as_deref().into(),
        bulk_operation: Some(operation.id),
    }
}

async fn revoke(
    txn: &Txn,
    operation: &bulk_operation::Model,
    grants: &[token_grant::Model],
) -> Result<(), Error> {
    let by = by(operation);
    let ids: Vec<Uuid> = grants.iter().map(|grant| grant.id).collect();
    let ending = Ending { to: State::Revoked, actor: by.actor, reason: operation.reason.as_deref() };
    let ended = end(txn, Which::Ids(&ids), ending).await?;
    let requests: Vec<Uuid> = ended.iter().map(|grant| grant.request_id).collect();
    let action = TokenRequestAction::GrantRevoked;
    note_grants(txn, &requests, action, by.actor, operation.reason.as_deref(), by.bulk_operation).await?;
    let about: Vec<About> = ended.iter().map(About::from).collect();
    tell(txn, Happening::Revoked, &by, &about).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_in_force_is_revoked() {
        assert_eq!(judge(TokenOrigin::Guichet, State::Active, true), Ok(()));
        assert_eq!(judge(TokenOrigin::Guichet, State::Active, false), Err(Code::Forbidden));
        assert_eq!(judge(TokenOrigin::Guichet, State::Revoked, true), Err(Code::AlreadyRevoked));
        for state in [State::Superseded, State::Suspended, State::Ended] {
            assert_eq!(judge(TokenOrigin::Guichet, state, true), Err(Code::NotActive));
        }
        assert_eq!(judge(TokenOrigin::Github, State::Active, true), Err(Code::ExternalReadOnly));
        assert_eq!(judge(TokenOrigin::Github, State::Active, false), Err(Code::Forbidden));
    }
}
