//! The connected organizations that a policy names.

use entity::assignment_policy::RequestorScope;
use entity::policy_connected_organization;
use uuid::Uuid;

use crate::domain::connected_organization;
use crate::domain::error::{Code, Error, Rejection};
use crate::domain::input::Checks;
use crate::store::{self, Txn};

/// The most connected organizations that a policy names.
const MOST: usize = 500;

/// Those of the connected organizations in an input that are there; they stay until the transaction ends.
pub(super) struct Connected(Vec<Uuid>);

impl Connected {
    /// Reads the connected organizations.
    pub async fn hold(txn: &Txn, organization: Uuid, ids: &[Uuid]) -> Result<Self, Error> {
        if ids.is_empty() {
            return Ok(Self(Vec::new()));
        }
        Ok(Self(store::connected_organization::hold(txn, organization, ids).await?))
    }

    /// Checks that some are named exactly under `SPECIFIC_CONNECTED_ORGANIZATIONS`; a proposed one may be. `given` is
    /// none where the input leaves them as they are, which only a policy can that names some.
    pub fn check(
        &self,
        scope: RequestorScope,
        given: Option<&[Uuid]>,
        names_some: bool,
        checks: &mut Checks,
    ) {
        const FIELD: &str = "specificConnectedOrganizations";
        let wrong = |message: &str| Rejection::of(FIELD, Code::InvalidInput, message);
        if scope != RequestorScope::SpecificConnectedOrganizations {
            checks.refuse_if(given.is_some_and(|given| !given.is_empty()), || {
                wrong(
                    "`specificConnectedOrganizations` belongs to the scope `SPECIFIC_CONNECTED_ORGANIZATIONS` alone.",
                )
            });
            return;
        }
        let count = given.map_or(usize::from(names_some), <[Uuid]>::len);
        checks.refuse_if(count == 0 || count > MOST, || {
            wrong(
                "With `SPECIFIC_CONNECTED_ORGANIZATIONS`, `specificConnectedOrganizations` must name 1 to 500 connected organizations.",
            )
        });
        for (place, id) in given.unwrap_or_default().iter().take(MOST).enumerate() {
            let field = format!("{FIELD}.{place}");
            checks.refuse_if(!self.0.contains(id), || connected_organization::not_found(&field));
        }
    }
}

/// The rows of the connected organizations that a policy names, each once.
pub(super) fn rows(policy: Uuid, organizations: &[Uuid]) -> Vec<policy_connected_organization::Model> {
    let mut organizations = organizations.to_vec();
    organizations.sort_unstable();
    organizations.dedup();
    let row = |connected_organization_id| policy_connected_organization::Model {
        policy_id: policy,
        connected_organization_id,
    };
    organizations.into_iter().map(row).collect()
}
