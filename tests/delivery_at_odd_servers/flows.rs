//! The columns of the table: what people do, and what must be true whenever everything rests.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::behaviours::{Accounts, After, Behaviour};
use crate::harness::Server;
use crate::harness::odd_scim::{Account, OddScim};
use crate::harness::scim_world::{Books, Delivered, Held, ScimPackage};

const GROUP: &str = "team";
/// Whom others put into the group, beside Guichet.
const OTHERS: [&str; 2] = ["other-1@example.org", "other-2@example.org"];
const CROWD: usize = 600;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// One person gets access, then another one.
    Give,
    Take,
    GiveAgain,
    /// The person leaves: `deactivateUser`.
    Leave,
    /// Their address changes at Guichet, then the access is taken.
    RenameHere,
    /// Their login name changes at the remote, then the access is taken.
    RenameThere,
    RenameBoth,
    /// Two catalogs have the group; the person gets it by both, and loses one after the other.
    TwoCatalogs,
    /// Two users have one account; both get access, and lose it one after the other.
    TwoUsers,
}

impl Flow {
    pub const ALL: [Self; 9] = [
        Self::Give,
        Self::Take,
        Self::GiveAgain,
        Self::Leave,
        Self::RenameHere,
        Self::RenameThere,
        Self::RenameBoth,
        Self::TwoCatalogs,
        Self::TwoUsers,
    ];
}

/// Somebody at Guichet.
struct Person {
    user: Value,
    /// The login name of their account at the remote.
    account: String,
}

/// One cell while it runs.
struct World<'a> {
    server: &'a Server,
    odd: OddScim,
    behaviour: &'a Behaviour,
    /// Distinguishes the names of this cell.
    name: String,
    connector: Value,
    packages: Vec<ScimPackage>,
    people: Vec<Person>,
    /// Who is wanted in the group: the place of the person, and the assignment.
    wanted: Vec<(usize, Value)>,
    /// Whom others put in.
    others: BTreeSet<String>,
    /// Whom others took out.
    lost: BTreeSet<String>,
}

/// Runs a cell; the error says which step ended in what.
pub async fn run(server: &Server, behaviour: &Behaviour, flow: Flow) -> Result<(), String> {
    let mut world = World::build(server, behaviour, flow).await;
    let first = world.person("first").await;
    match flow {
        Flow::Give => {
            world.give(0, first).await?;
            world.after();
            let second = world.person("second").await;
            world.give(0, second).await.map(drop)
        }
        Flow::Take => {
            let held = world.give(0, first).await?;
            world.after();
            world.take(&held).await
        }
        Flow::GiveAgain => {
            let held = world.give(0, first).await?;
            world.after();
            world.take(&held).await?;
            world.give(0, first).await.map(drop)
        }
        Flow::Leave => {
            world.give(0, first).await?;
            world.after();
            world.leave(first).await
        }
        Flow::RenameHere | Flow::RenameThere | Flow::RenameBoth => {
            let held = world.give(0, first).await?;
            world.after();
            world.rename(flow).await;
            world.check("rename").await?;
            world.take(&held).await
        }
        Flow::TwoCatalogs => {
            world.add_package().await;
            let one = world.give(0, first).await?;
            let other = world.give(1, first).await?;
            world.after();
            world.take(&one).await?;
            world.take(&other).await
        }
        Flow::TwoUsers => {
            let second = world.twin().await;
            let one = world.give(0, first).await?;
            let other = world.give(0, second).await?;
            world.after();
            world.take(&one).await?;
            world.take(&other).await
        }
    }
}

impl<'a> World<'a> {
    async fn build(server: &'a Server, behaviour: &'a Behaviour, flow: Flow) -> Self {
        let odd = OddScim::start(behaviour.oddities).await;
        odd.put_group(GROUP);
        for other in OTHERS {
            odd.put_user(Account::named(other));
            odd.put_in(GROUP, other);
        }
        if behaviour.accounts == Accounts::Crowd {
            odd.put_crowd(GROUP, "example.org", CROWD);
        }
        let others = odd.truth(GROUP).into_iter().collect();
        let name = format!("{flow:?}").to_lowercase();
        let connector = server.scim_connector(&name, &odd.base_url()).await;
        let package = server.scim_package_of(&connector, &name, GROUP).await;
        let (packages, people, wanted) = (vec![package], Vec::new(), Vec::new());
        Self {
            server,
            odd,
            behaviour,
            name,
            connector,
            packages,
            people,
            wanted,
            others,
            lost: BTreeSet::new(),
        }
    }

    /// Another catalog with the same group.
    async fn add_package(&mut self) {
        let name = format!("{} again", self.name);
        self.packages.push(self.server.scim_package_of(&self.connector, &name, GROUP).await);
    }

    fn address(&self, who: &str) -> String {
        format!("{who}@{}.example", self.name)
    }

    /// Another person; gives their place.
    async fn person(&mut self, who: &str) -> usize {
        let address = self.address(who);
        let staff = |user_name: &str| Account {
            user_name: user_name.to_owned(),
            emails: vec![address.clone()],
            ..Account::default()
        };
        let account = match self.behaviour.accounts {
            Accounts::None | Accounts::Crowd => None,
            Accounts::ByAddress => Some(Account::named(&address)),
            Accounts::ByAddressWithCapital => {
                Some(staff(&format!("{}{}", who[..1].to_uppercase(), &address[1..])))
            }
            Accounts::ByStaffNumber => Some(staff(&format!("E-{who}"))),
        };
        let login = account.as_ref().map_or_else(|| address.clone(), |account| account.user_name.clone());
        if let Some(account) = account {
            self.odd.put_user(account);
        }
        let user = self.server.colleague(&format!("{who} {}", self.name), &address).await;
        self.people.push(Person { user, account: login });
        self.people.len() - 1
    }

    /// Another user with the address, and so the account, of the first person; gives their place.
    async fn twin(&mut self) -> usize {
        let address = self.address("first");
        let user = self.server.colleague(&format!("twin {}", self.name), &address).await;
        self.people.push(Person { user, account: self.people[0].account.clone() });
        self.people.len() - 1
    }

    /// Assigns a package to a person, and checks at rest.
    async fn give(&mut self, package: usize, person: usize) -> Result<Value, String> {
        let ScimPackage { package: id, policy, .. } = &self.packages[package];
        let input = json!({ "accessPackage": id, "policy": policy, "user": self.people[person].user });
        let fields = "accessRequest { assignment { id } }";
        let made = self.server.mutation("alice", "createAssignment", fields, input).await;
        let assignment = made["accessRequest"]["assignment"]["id"].clone();
        if assignment.is_null() {
            // An earlier assignment is still being taken: the books say so, or the refusal is a fault.
            let books = self.rest().await;
            let is_open = |held: &Held| held.user == self.people[person].user && held.state != "ENDED";
            if books.assignments.iter().any(is_open) {
                return Ok(Value::Null);
            }
            return Err(format!("give: refused: {}", made["userErrors"]));
        }
        self.lost.remove(&self.people[person].account);
        self.wanted.push((person, assignment.clone()));
        self.check("give").await?;
        Ok(assignment)
    }

    /// Revokes an assignment, and checks at rest.
    async fn take(&mut self, assignment: &Value) -> Result<(), String> {
        self.wanted.retain(|(_, wanted)| wanted != assignment);
        self.server
            .mutation("alice", "revokeAssignment", "assignment { id }", json!({ "id": assignment }))
            .await;
        self.check("take").await
    }

    /// Deactivates a person, and checks at rest.
    async fn leave(&mut self, person: usize) -> Result<(), String> {
        self.wanted.retain(|(wanted, _)| *wanted != person);
        let input = json!({ "id": self.people[person].user });
        self.server.build("deactivateUser", "user { id }", input).await;
        self.check("leave").await
    }

    /// Changes the first person's address here, their login name there, or both.
    async fn rename(&mut self, flow: Flow) {
        let address = self.address("renamed");
        if flow != Flow::RenameThere {
            self.server.readdress(&self.people[0].user, &address).await;
        }
        let is_there = self.odd.users().contains(&self.people[0].account);
        if flow != Flow::RenameHere && is_there {
            self.odd.rename_user(&self.people[0].account, &address);
            self.people[0].account = address;
        }
    }

    /// Lets happen what the row says, to the first person's access.
    fn after(&mut self) {
        match self.behaviour.after {
            After::Nothing => return,
            After::Set(oddity) => self.odd.set(oddity),
            After::DeleteAccount => {
                self.odd.delete_user(&self.people[0].account);
            }
            After::DeleteGroup => {
                self.odd.delete_group(GROUP);
                self.others.clear();
            }
        }
        // What others took is no fault of Guichet's, as long as it is not asked to give it again.
        let there: BTreeSet<String> = self.odd.truth(GROUP).into_iter().collect();
        self.lost = self.expected().difference(&there).cloned().collect();
    }

    async fn rest(&self) -> Books {
        self.server.rest(&self.packages.iter().collect::<Vec<_>>()).await
    }

    /// The accounts that are wanted in the group.
    fn expected(&self) -> BTreeSet<String> {
        self.wanted.iter().map(|(person, _)| self.people[*person].account.clone()).collect()
    }

    /// Compares what is true with what is wanted, when everything rests.
    async fn check(&self, step: &str) -> Result<(), String> {
        let books = self.rest().await;
        let truth = self.odd.truth(GROUP);
        let there: BTreeSet<String> = truth.iter().cloned().collect();
        if there.len() < truth.len() {
            return Err(format!("{step}: somebody is listed twice"));
        }
        for account in self.expected().difference(&self.lost) {
            let is_fine = there.contains(account) && self.odd.is_active(account);
            if !is_fine && !self.names_missing(&books, account) {
                return Err(format!("{step}: {account} is missing, and the books do not say so"));
            }
        }
        for account in &self.others {
            if !there.contains(account) && books.failures().is_empty() {
                return Err(format!("{step}: {account} was lost, and the books do not say so"));
            }
        }
        for account in there.difference(&self.expected()) {
            if !self.others.contains(account) && !self.names_left_behind(&books, account) {
                return Err(format!("{step}: {account} was left behind, and the books do not say so"));
            }
        }
        Ok(())
    }

    /// Whether a current assignment of the account's says that it is not carried out.
    fn names_missing(&self, books: &Books, account: &str) -> bool {
        let mut wanted = self.wanted.iter().filter(|(person, _)| self.people[*person].account == account);
        wanted.any(|(_, assignment)| {
            let is_failing = |one: &Delivered| one.assignment == *assignment && one.names_a_failure();
            books.state_of(assignment) != "DELIVERED" || books.deliveries.iter().any(is_failing)
        })
    }

    /// Whether an assignment of the account's is not over yet, or a removal waits or was given up.
    fn names_left_behind(&self, books: &Books, account: &str) -> bool {
        let is_theirs =
            |user: &Value| self.people.iter().any(|person| person.account == account && person.user == *user);
        let is_open = |held: &Held| !matches!(held.state.as_str(), "DELIVERED" | "ENDED");
        let is_failing = |one: &Delivered| one.operation == "REMOVE" && one.names_a_failure();
        books.assignments.iter().any(|held| is_theirs(&held.user) && is_open(held))
            || books.deliveries.iter().any(|one| is_theirs(&one.user) && is_failing(one))
    }
}
