//! The users whom a policy names: as requestors and as approvers.

use std::collections::HashMap;

use entity::app_user::{GuestEnd, UserState};
use entity::assignment_policy::RequestorScope;
use entity::policy_user;
use uuid::Uuid;

use crate::domain::error::{Code, Error, Rejection};
use crate::domain::input::Checks;
use crate::domain::user;
use crate::store::{self, Access, Txn};

/// The most users that a policy names as requestors.
const MOST_USERS: usize = 500;

/// The states of the users that an input names, read in one statement.
pub(super) struct People(HashMap<Uuid, (UserState, Option<GuestEnd>)>);

impl People {
    /// Reads the users.
    pub async fn read(txn: &Txn, organization: Uuid, ids: &[Uuid]) -> Result<Self, Error> {
        if ids.is_empty() {
            return Ok(Self(HashMap::new()));
        }
        let found = store::user::find(txn, Access::Named(organization), ids).await?;
        Ok(Self(found.into_iter().map(|user| (user.id, (user.state, user.guest_end))).collect()))
    }

    /// Refuses who is no user of the organization, or a deactivated one.
    pub fn check(&self, field: &str, id: Uuid, checks: &mut Checks) {
        match self.0.get(&id) {
            Some((UserState::Active, _)) => {}
            Some((UserState::Deactivated, end)) => checks.refuse_if(true, || user::inactive(field, *end)),
            None => checks.refuse_if(true, || user::not_found(field)),
        }
    }
}

/// Checks that users are named exactly under `SPECIFIC_USERS`. `given` is none where the input leaves
/// them as they are, which only a policy can that names some.
pub(super) fn check_requestors(
    scope: RequestorScope,
    given: Option<&[Uuid]>,
    names_some: bool,
    people: &People,
    checks: &mut Checks,
) {
    let wrong = |field: &str, message: &str| Rejection::of(field, Code::InvalidInput, message);
    match scope {
        RequestorScope::SpecificUsers => {
            let count = given.map_or(usize::from(names_some), <[Uuid]>::len);
            checks.refuse_if(count == 0 || count > MOST_USERS, || {
                wrong("specificUsers", "With `SPECIFIC_USERS`, `specificUsers` must name 1 to 500 users.")
            });
            for (place, id) in given.unwrap_or_default().iter().take(MOST_USERS).enumerate() {
                people.check(&format!("specificUsers.{place}"), *id, checks);
            }
        }
        RequestorScope::AllMembers
        | RequestorScope::AllUsers
        | RequestorScope::SpecificConnectedOrganizations
        | RequestorScope::AllConnectedOrganizations
        | RequestorScope::AllExternalUsers
        | RequestorScope::Nobody => {
            checks.refuse_if(given.is_some_and(|users| !users.is_empty()), || {
                wrong("specificUsers", "`specificUsers` belongs to the scope `SPECIFIC_USERS` alone.")
            });
        }
    }
}

/// The rows of the users that a policy names, each once.
pub(super) fn rows(policy: Uuid, users: &[Uuid]) -> Vec<policy_user::Model> {
    let mut users = users.to_vec();
    users.sort_unstable();
    users.dedup();
    users.into_iter().map(|user_id| policy_user::Model { policy_id: policy, user_id }).collect()
}
