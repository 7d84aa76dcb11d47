//! File: ask an organization for what a token wants, or give it at once where nobody has to decide.

use entity::access_token::TokenOrigin;
use entity::bulk_operation::ReviewDecision;
use entity::organization::TokenAccess;
use entity::token_grant::TokenGrantState;
use entity::token_request::{AutomaticReason, CancelReason, TokenRequestState as State};
use entity::token_request_event::TokenRequestAction;
use entity::{access_token, organization, token_request, token_request_permission, token_request_repository};
use uuid::Uuid;

use super::reach::Reach;
use super::told::{About, By, Happening, tell};
use super::{cancel, review};
use crate::domain::error::{Code, Error, Rejection};
use crate::store::token_grant::{Ending, Which};
use crate::store::token_request::note_grants;
use crate::store::{self, Txn};

/// What has to happen so that a token gets what it wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plan {
    /// It is so, or is asked for, already.
    Nothing,
    /// It is so already; what waits beyond it is given up.
    Withdraw,
    /// It is granted at once.
    Grant(AutomaticReason),
    /// An owner of the organization has to decide.
    Ask,
}

/// What the plan depends on.
#[derive(Clone, Copy, Debug)]
pub struct Situation<'a> {
    /// What is granted.
    pub standing: Option<&'a Reach>,
    /// What a waiting request asks for.
    pub waiting: Option<&'a Reach>,
    /// Whether the token's owner is an owner of the organization.
    pub is_owner: bool,
    /// Whether an owner must approve what tokens ask for.
    pub approval_required: bool,
}

/// The one function that decides what becomes of a wish.
#[must_use]
pub fn plan(wanted: &Reach, situation: &Situation<'_>) -> Plan {
    let Situation { standing, waiting, is_owner, approval_required } = *situation;
    if standing == Some(wanted) {
        return if waiting.is_some() { Plan::Withdraw } else { Plan::Nothing };
    }
    if standing.is_some_and(|standing| standing.covers(wanted)) {
        return Plan::Grant(AutomaticReason::Narrowed);
    }
    if wanted.is_public_only() {
        return Plan::Grant(AutomaticReason::PublicOnly);
    }
    if is_owner {
        return Plan::Grant(AutomaticReason::Owner);
    }
    if !approval_required {
        return Plan::Grant(AutomaticReason::ApprovalNotRequired);
    }
    if waiting == Some(wanted) { Plan::Nothing } else { Plan::Ask }
}

/// What is wanted for a token, which the caller holds locked.
pub struct Wish<'a> {
    /// The token.
    pub token: &'a access_token::Model,
    /// The organization, which the caller holds.
    pub organization: &'a organization::Model,
    /// What it is to be allowed.
    pub reach: &'a Reach,
    /// Why.
    pub justification: Option<String>,
    /// Whether the token's owner is an owner of the organization.
    pub is_owner: bool,
    /// Whether what stands does not count: it was granted for a shorter time.
    pub anew: bool,
}

/// Does what the plan says.
pub async fn file(txn: &Txn, wish: Wish<'_>, by: &By<'_>) -> Result<Plan, Error> {
    let (token, organization) = (wish.token.id, wish.organization.id);
    let latest = store::token_request::latest(txn, organization, &[token]).await?.pop();
    let standing = store::token_grant::active(txn, organization, &[token]).await?.pop();
    let asked: Vec<_> = latest
        .iter()
        .filter(|request| request.state == State::Pending)
        .map(|request| (request.id, request.repository_selection))
        .chain(standing.iter().map(|grant| (grant.request_id, grant.repository_selection)))
        .collect();
    let reaches = if asked.is_empty() { Vec::new() } else { Reach::of(txn, &asked).await? };
    let reach = |id: Uuid| reaches.iter().find(|(request, _)| *request == id).map(|(_, reach)| reach);
    let waiting = latest.as_ref().filter(|request| request.state == State::Pending);
    let situation = Situation {
        standing: standing.as_ref().filter(|_| !wish.anew).and_then(|grant| reach(grant.request_id)),
        waiting: waiting.and_then(|request| reach(request.id)),
        is_owner: wish.is_owner,
        approval_required: wish.organization.token_approval_required,
    };
    let mut plan = plan(wish.reach, &situation);
    if plan == Plan::Nothing
        && waiting.is_some_and(|request| {
            wish.justification.is_some() && request.justification != wish.justification
        })
    {
        // The same in other words: it is asked for again.
        plan = Plan::Ask;
    }
    if plan == Plan::Nothing {
        return Ok(plan);
    }
    let beyond = !matches!(plan, Plan::Withdraw | Plan::Grant(AutomaticReason::Narrowed));
    if beyond && wish.organization.fine_grained_tokens == TokenAccess::Restricted {
        return Err(restricted().into());
    }
    if let Some(request) = waiting {
        let reason = CancelReason::Superseded;
        cancel::all(txn, &[request.id], reason, by).await?;
        tell(txn, Happening::Canceled(reason), by, &[About::from(request)]).await?;
    }
    if plan == Plan::Withdraw {
        return Ok(plan);
    }
    if wish.anew && plan == Plan::Ask {
        give_up(txn, token, organization, by).await?;
    }
    let request =
        request(txn, &wish, latest.map(|request| request.id), standing.map(|grant| grant.request_id));
    insert(txn, &request, wish.reach).await?;
    if let Plan::Grant(reason) = plan {
        review::apply(txn, &[request], ReviewDecision::Approve, Some(reason), by).await?;
    } else {
        tell(txn, Happening::Requested, by, &[About::from(&request)]).await?;
    }
    Ok(plan)
}

/// The organization takes no fine-grained tokens.
#[must_use]
pub fn restricted() -> Rejection {
    let message = "The organization restricts tokens of this kind. Ask one of its owners.";
    Rejection::new(Code::TokensRestricted, message)
}

/// Ends what was granted for a shorter time than is asked for now.
async fn give_up(txn: &Txn, token: Uuid, organization: Uuid, by: &By<'_>) -> Result<(), Error> {
    let ending = Ending { to: TokenGrantState::Superseded, actor: by.actor, reason: None };
    let ended = store::token_grant::end(txn, Which::OfTokensIn(&[token], organization), ending).await?;
    let ended: Vec<Uuid> = ended.iter().map(|grant| grant.request_id).collect();
    Ok(note_grants(txn, &ended, TokenRequestAction::GrantSuperseded, by.actor, None, None).await?)
}

fn request(
    txn: &Txn,
    wish: &Wish<'_>,
    follows_id: Option<Uuid>,
    base_id: Option<Uuid>,
) -> token_request::Model {
    token_request::Model {
        id: txn.id(),
        organization_id: wish.organization.id,
        token_id: wish.token.id,
        owner_id: wish.token.owner_id,
        state: State::Pending,
        justification: wish.justification.clone(),
        repository_selection: wish.reach.selection,
        follows_id,
        base_id,
        automatic_reason: None,
        cancel_reason: None,
        reviewed_by_id: None,
        reviewed_at: None,
        review_reason: None,
        closed_at: None,
        created_at: txn.now(),
        event_count: 1,
        origin: TokenOrigin::Guichet,
        external_id: None,
        expires_at: wish.token.expires_at,
    }
}

async fn insert(txn: &Txn, request: &token_request::Model, reach: &Reach) -> Result<(), Error> {
    let repository = |repository: &Uuid| token_request_repository::Model {
        request_id: request.id,
        repository_id: *repository,
    };
    let permission = |((target, name), level): (&(_, String), &_)| token_request_permission::Model {
        request_id: request.id,
        target: *target,
        name: name.clone(),
        level: *level,
    };
    let repositories = reach.repositories.iter().map(repository).collect();
    let permissions = reach.permissions.iter().map(permission).collect();
    Ok(store::token_request::insert(txn, request.clone(), repositories, permissions).await?)
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use entity::permission_definition::PermissionTarget;
    use entity::repository_access::AccessLevel;
    use entity::token_request::RepositorySelection;
    use proptest::prelude::*;

    use super::*;

    fn reach(selection: RepositorySelection, level: Option<AccessLevel>) -> Reach {
        let key = (PermissionTarget::Organization, "members".to_owned());
        Reach {
            selection,
            repositories: BTreeSet::new(),
            permissions: level.map(|level| (key, level)).into_iter().collect::<BTreeMap<_, _>>(),
        }
    }

    fn any_reach() -> impl Strategy<Value = Reach> {
        let selection = prop_oneof![Just(RepositorySelection::None), Just(RepositorySelection::All)];
        let level = prop_oneof![Just(None), Just(Some(AccessLevel::Read)), Just(Some(AccessLevel::Write))];
        (selection, level).prop_map(|(selection, level)| reach(selection, level))
    }

    proptest! {
        #[test]
        fn more_than_was_granted_is_never_granted_without_a_reason(
            wanted in any_reach(), standing in prop::option::of(any_reach()), waiting in prop::option::of(any_reach()),
            is_owner: bool, approval_required: bool,
        ) {
            let situation = Situation {
                standing: standing.as_ref(), waiting: waiting.as_ref(), is_owner, approval_required,
            };
            let covered = standing.as_ref().is_some_and(|standing| standing.covers(&wanted));
            let free = covered || wanted.is_public_only() || is_owner || !approval_required;
            match plan(&wanted, &situation) {
                Plan::Nothing => prop_assert!(standing.as_ref() == Some(&wanted) || waiting.as_ref() == Some(&wanted)),
                Plan::Withdraw => prop_assert!(standing.as_ref() == Some(&wanted) && waiting.is_some()),
                Plan::Grant(AutomaticReason::Narrowed) => prop_assert!(covered),
                Plan::Grant(AutomaticReason::PublicOnly) => prop_assert!(wanted.is_public_only()),
                Plan::Grant(AutomaticReason::Owner) => prop_assert!(is_owner),
                Plan::Grant(AutomaticReason::ApprovalNotRequired) => prop_assert!(!approval_required),
                Plan::Ask => prop_assert!(!free),
            }
        }
    }
}
