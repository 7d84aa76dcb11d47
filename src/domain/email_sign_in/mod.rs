//! Sign-in of people from outside by a one-time code that is mailed to them.
//!
//! Whoever asks gets the same answer, by the same statements, for any address: known or not, or one of the
//! organization's own domains, whose people sign in by their issuer and get no code. A code is good for ten minutes and
//! five tries, until it is used or a newer one is asked for.

mod address;
mod ask;
mod exchange;

use std::sync::Arc;

use chrono::TimeDelta;
use entity::organization;
use uuid::Uuid;

pub use self::address::Address;
use self::ask::Ask;
pub use self::ask::{LIFE, SPAN, place};
use self::exchange::Exchange;
use super::introspection::failures::Failures;
use crate::domain_name;
use crate::secret::{SecretKeys, hash};
use crate::store::{self, Database, StoreError};

/// How many digits a code has.
pub const DIGITS: usize = 8;

/// Why somebody is not signed in, or gets no code.
#[derive(Debug)]
pub enum Refused {
    /// There is no such organization, or it does not allow it.
    NotAllowed,
    /// There is no mail server.
    NoMail,
    /// Too much was asked for: to be asked again after so many seconds.
    TooMuch(u64),
    /// The code is not the newest one of the address, has ended, was used, or was tried too often.
    WrongCode,
    /// The database did not answer.
    Broken(StoreError),
}

impl From<StoreError> for Refused {
    fn from(error: StoreError) -> Self {
        Self::Broken(error)
    }
}

/// Somebody who has shown that an address is theirs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Confirmed {
    /// The organization that they sign in to.
    pub organization: Uuid,
    /// The address, in its canonical form.
    pub address: String,
    /// Who they are there: the same for the same organization and address.
    pub subject: String,
}

/// Makes codes and takes them.
pub struct EmailSignIn {
    database: Database,
    keys: Arc<SecretKeys>,
    can_mail: bool,
    failures: Failures,
}

impl EmailSignIn {
    /// Codes sealed by these keys, in this database.
    #[must_use]
    pub fn new(database: Database, keys: Arc<SecretKeys>, can_mail: bool) -> Self {
        Self { database, keys, can_mail, failures: Failures::default() }
    }

    /// Makes a code for the address, to be mailed.
    pub async fn ask(&self, organization: &str, address: &Address) -> Result<(), Refused> {
        let organization = self.organization(organization).await?;
        if !self.can_mail {
            return Err(Refused::NoMail);
        }
        let own = store::organization::domains(&self.database, organization.id).await?;
        let is_own = own.iter().any(|own| domain_name::canonical(own).as_deref() == Some(address.domain()));
        let ask = Ask {
            organization: organization.id,
            address: address.text().to_owned(),
            is_mailed: !is_own,
            keys: Arc::clone(&self.keys),
        };
        match self.database.write(&ask).await? {
            None => Ok(()),
            Some(wait) => Err(Refused::TooMuch(seconds(wait))),
        }
    }

    /// Takes the code of an address, once.
    pub async fn exchange(
        &self,
        organization: &str,
        address: &Address,
        code: &str,
    ) -> Result<Confirmed, Refused> {
        let organization = self.organization(organization).await?;
        let now = self.database.clock().now();
        if let Some(wait) = self.failures.wait(organization.id, now) {
            return Err(Refused::TooMuch(wait));
        }
        let exchange = Exchange {
            organization: organization.id,
            address: address.text().to_owned(),
            code: code.to_owned(),
            keys: Arc::clone(&self.keys),
        };
        if !self.database.write(&exchange).await? {
            self.failures.note(organization.id, now);
            return Err(Refused::WrongCode);
        }
        let subject = hash(&format!("{}|{}", organization.id, address.text()));
        Ok(Confirmed { organization: organization.id, address: address.text().to_owned(), subject })
    }

    /// An organization that allows it. Whether another one is there is not told.
    async fn organization(&self, name: &str) -> Result<organization::Model, Refused> {
        let found = store::organization::named(&self.database, name).await?;
        found.filter(|organization| organization.email_sign_in).ok_or(Refused::NotAllowed)
    }
}

/// A time in whole seconds, at least one.
fn seconds(time: TimeDelta) -> u64 {
    u64::try_from(time.num_milliseconds()).unwrap_or_default().div_ceil(1_000).max(1)
}
