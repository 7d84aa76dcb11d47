//! Look where a signed link leads.

use uuid::Uuid;

use crate::domain::{Attempt, Command, Error};
use crate::id::Kind;
use crate::store::{self, Txn};

/// Count that a signed link was looked at.
pub struct Open {
    /// The organization.
    pub organization: Uuid,
    /// Who looked; nobody for an outsider who is no user yet.
    pub user: Option<Uuid>,
    /// The call to the server.
    pub call: Uuid,
    /// The link.
    pub id: Uuid,
}

impl Command for Open {
    type Output = ();

    fn attempt(&self) -> Attempt {
        Attempt {
            organization: self.organization,
            actor: self.user,
            call: self.call,
            action: "signed_link.open",
            target: Some((Kind::SignedLink, self.id)),
        }
    }

    async fn run(&self, txn: &Txn) -> Result<(), Error> {
        Ok(store::signed_link::open(txn, self.id).await?)
    }
}
