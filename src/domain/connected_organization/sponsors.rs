//! The sponsors of a connected organization: members from inside, and guests who come from there.

use std::collections::HashMap;

use entity::app_user::{self, UserKind, UserState};
use entity::connected_organization_sponsor;
use uuid::Uuid;

use crate::domain::error::{Code, Error, Rejection};
use crate::domain::input::Checks;
use crate::domain::user;
use crate::store::{self, Access, Txn};

/// The most sponsors of each kind.
const MOST: usize = 50;

/// Which sponsors are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    /// Members of the organization.
    Internal,
    /// Guests from the connected one.
    External,
}

impl Side {
    const fn field(self) -> &'static str {
        match self {
            Self::Internal => "internalSponsors",
            Self::External => "externalSponsors",
        }
    }
}

/// Checks the sponsors of one side and gives their rows.
pub(super) async fn checked(
    txn: &Txn,
    (organization, of): (Uuid, Uuid),
    side: Side,
    given: &[Uuid],
    checks: &mut Checks,
) -> Result<Vec<connected_organization_sponsor::Model>, Error> {
    let field = side.field();
    let wrong = |field: &str, message: &str| Rejection::of(field, Code::InvalidInput, message);
    checks.refuse_if(given.len() > MOST, || wrong(field, &format!("`{field}` can name at most 50 users.")));
    let mut ids: Vec<Uuid> = given.iter().take(MOST).copied().collect();
    let found = store::user::find(txn, Access::Named(organization), &ids).await?;
    let found: HashMap<Uuid, app_user::Model> = found.into_iter().map(|user| (user.id, user)).collect();
    for (place, id) in ids.iter().enumerate() {
        let field = format!("{field}.{place}");
        let rejection = match found.get(id) {
            None => Some(user::not_found(&field)),
            Some(sponsor) if sponsor.state == UserState::Deactivated => {
                Some(user::inactive(&field, sponsor.guest_end))
            }
            Some(sponsor) => match side {
                Side::Internal if sponsor.kind == UserKind::Guest => {
                    Some(wrong(&field, "An internal sponsor is a member of the organization."))
                }
                Side::External if sponsor.connected_organization_id != Some(of) => {
                    Some(wrong(&field, "An external sponsor is a guest from this connected organization."))
                }
                Side::Internal | Side::External => None,
            },
        };
        if let Some(rejection) = rejection {
            checks.refuse_if(true, || rejection);
        }
    }
    ids.sort_unstable();
    ids.dedup();
    let row = |user_id| connected_organization_sponsor::Model { connected_organization_id: of, user_id };
    Ok(ids.into_iter().map(row).collect())
}
