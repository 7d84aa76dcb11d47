//! Every behaviour of a server × give, give to another, take, give again: what the connector says is true there.
//!
//! The queue's part is played by trying again a few times; the whole way through the server and its books is
//! `delivery_at_odd_servers`.

use guichet::connector::scim::{Scim, ScimSettings};
use guichet::connector::{Account, Connector as _, Failure, Person};
use guichet::secret::Secret;

use super::{member_of, person, settings, try_connect};
use crate::delivery_at_odd_servers::behaviours::{Accounts, After, BEHAVIOURS, Behaviour};
use crate::harness::odd_scim::{self, OddScim};
use crate::harness::scim_world;

const GROUP: &str = "team";
const OTHERS: [&str; 2] = ["other-1@example.org", "other-2@example.org"];
/// How often a call is tried.
const TRIES: usize = 12;

struct Row {
    behaviour: &'static Behaviour,
    odd: OddScim,
    scim: Scim,
    /// Whether a failure was told that stays.
    told: bool,
}

/// Somebody, and the account once it is known.
struct Somebody {
    person: Person,
    /// The login name at the remote.
    name: String,
    id: Option<String>,
}

impl Row {
    async fn start(behaviour: &'static Behaviour) -> Self {
        let odd = OddScim::start(behaviour.oddities).await;
        odd.put_group(GROUP);
        for other in OTHERS {
            odd.put_user(odd_scim::Account::named(other));
            odd.put_in(GROUP, other);
        }
        if behaviour.accounts == Accounts::Crowd {
            odd.put_crowd(GROUP, "example.org", 600);
        }
        let settings = ScimSettings { token: Secret::new(scim_world::TOKEN), ..settings(&odd.base_url()) };
        Self { behaviour, odd, scim: try_connect(&settings).expect("settings that work"), told: false }
    }

    fn somebody(&self, who: &str) -> Somebody {
        let person = person(who);
        let name = match self.behaviour.accounts {
            Accounts::None | Accounts::Crowd | Accounts::ByAddress => person.user_name.clone(),
            Accounts::ByAddressWithCapital => person.user_name.replacen('a', "A", 1),
            Accounts::ByStaffNumber => format!("E-{who}"),
        };
        if !matches!(self.behaviour.accounts, Accounts::None | Accounts::Crowd) {
            let emails = vec![person.user_name.clone()];
            self.odd.put_user(odd_scim::Account {
                user_name: name.clone(),
                emails,
                ..odd_scim::Account::default()
            });
        }
        Somebody { person, name, id: None }
    }

    /// The account: the known one, else one that is found, else a new one, which is switched on.
    async fn account(&self, one: &Somebody) -> Result<Account, Failure> {
        if let Some(id) = &one.id
            && let Some(account) = self.scim.account(id).await?
        {
            return Ok(account);
        }
        if let Some((account, _)) = self.scim.find_account(&one.person).await? {
            return Ok(account);
        }
        self.scim.find_target(&member_of(GROUP)).await?;
        Ok(self.scim.create_account(&one.person).await?.0)
    }

    async fn try_to_give(&self, one: &mut Somebody) -> Result<(), Failure> {
        let account = self.account(one).await?;
        one.id = Some(account.id.clone());
        if !account.active {
            self.scim.activate_account(&account.id).await?;
        }
        self.scim.add(&account.id, &member_of(GROUP)).await.map(drop)
    }

    async fn give(&mut self, one: &mut Somebody) -> Result<(), String> {
        let was_in = self.odd.truth(GROUP).contains(&one.name);
        let mut uncertain = was_in;
        let mut last = None;
        for _ in 0..TRIES {
            match self.try_to_give(one).await {
                Ok(()) => {
                    last = None;
                    break;
                }
                Err(failure) => {
                    uncertain |= failure.uncertain;
                    let is_over = matches!(failure.code, entity::delivery::DeliveryErrorCode::NotSupported);
                    last = Some(failure);
                    if is_over {
                        break;
                    }
                }
            }
        }
        let is_in = self.odd.truth(GROUP).contains(&one.name) && self.odd.is_active(&one.name);
        self.told |= last.is_some();
        match last {
            None if !is_in => Err(format!("give: {} is not in", one.name)),
            Some(failure) if is_in && !uncertain => {
                Err(format!("give: {} is in, and the failure is certain: {failure}", one.name))
            }
            _ => self.others("give"),
        }
    }

    async fn take(&mut self, one: &Somebody) -> Result<(), String> {
        let Some(id) = &one.id else { return Ok(()) };
        let mut last = None;
        for _ in 0..TRIES {
            match self.scim.remove(id, &member_of(GROUP)).await {
                Ok(_) => {
                    last = None;
                    break;
                }
                Err(failure) => {
                    // A failure of the others stays told; one of the removal is tried again.
                    self.told |= failure.code == entity::delivery::DeliveryErrorCode::NotSupported;
                    last = Some(failure);
                }
            }
        }
        self.told |= last.is_some();
        if last.is_none() && self.odd.truth(GROUP).contains(&one.name) {
            return Err(format!("take: {} is still in", one.name));
        }
        self.others("take")
    }

    /// Whether the others are there, or a failure was told; nobody is listed twice.
    fn others(&self, step: &str) -> Result<(), String> {
        let truth = self.odd.truth(GROUP);
        if truth.windows(2).any(|two| two[0] == two[1]) {
            return Err(format!("{step}: somebody is listed twice"));
        }
        let is_lost = |other: &str| !truth.iter().any(|member| member == other);
        if self.behaviour.after != After::DeleteGroup && !self.told && OTHERS.into_iter().any(is_lost) {
            return Err(format!("{step}: others were lost: {truth:?}"));
        }
        Ok(())
    }

    async fn run(&mut self) -> Result<(), String> {
        let mut ada = self.somebody("ada");
        self.give(&mut ada).await?;
        match self.behaviour.after {
            After::Nothing => {}
            After::Set(oddity) => self.odd.set(oddity),
            After::DeleteAccount => drop(self.odd.delete_user(&ada.name)),
            After::DeleteGroup => self.odd.delete_group(GROUP),
        }
        let mut eve = self.somebody("eva");
        self.give(&mut eve).await?;
        self.take(&ada).await?;
        self.give(&mut ada).await?;
        self.take(&eve).await?;
        self.take(&ada).await
    }
}

#[tokio::test]
async fn what_the_connector_says_is_true_at_every_server() {
    let mut faults = Vec::new();
    for behaviour in BEHAVIOURS {
        let mut row = Row::start(behaviour).await;
        if let Err(fault) = row.run().await {
            faults.push(format!("{}: {fault}", behaviour.name));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
