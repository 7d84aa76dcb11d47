//! What the server holds: users, groups, and who is truly in which.

use std::collections::{BTreeMap, VecDeque};

use super::oddity::Oddity;

/// How many earlier states of a group are kept for readings that lag.
const HISTORY: usize = 16;

/// A user to be put into the directory.
#[derive(Clone, Debug, Default)]
pub struct Account {
    pub user_name: String,
    pub external_id: Option<String>,
    /// The addresses; the first is the primary one.
    pub emails: Vec<String>,
    pub inactive: bool,
}

impl Account {
    /// An account whose login name is an address.
    pub fn named(user_name: &str) -> Self {
        Self { user_name: user_name.to_owned(), emails: vec![user_name.to_owned()], ..Self::default() }
    }
}

/// A user of the directory.
#[derive(Clone, Debug)]
pub(super) struct User {
    pub id: String,
    pub account: Account,
    pub display_name: String,
    /// Whether it was made by a call, not by the test.
    pub made_by_call: bool,
    /// How many calls that put them into a group are still refused, and with which status.
    pub unknown_for: Option<(u32, u16)>,
}

/// A group of the directory.
#[derive(Clone, Debug)]
pub(super) struct Group {
    pub id: String,
    pub display_name: String,
    /// The ids of the members, as often as they are listed.
    pub members: Vec<String>,
    pub version: u64,
    /// The members before each of the last writes, the newest first.
    history: VecDeque<Vec<String>>,
    /// How many readings still show what was before the last write.
    stale_readings: usize,
}

impl Group {
    /// Replaces the members by a write.
    pub fn write(&mut self, members: Vec<String>, oddities: &[Oddity]) {
        let before = std::mem::replace(&mut self.members, members);
        self.history.push_front(before);
        self.history.truncate(HISTORY);
        self.version += 1;
        self.stale_readings = oddities
            .iter()
            .find_map(|oddity| match oddity {
                Oddity::ReadingsLagReadings(readings) => Some(*readings),
                _ => None,
            })
            .unwrap_or_default();
    }

    /// The members as this reading shows them.
    pub fn shown(&mut self, oddities: &[Oddity]) -> Vec<String> {
        let shown = self.peek(oddities).to_vec();
        self.stale_readings = self.stale_readings.saturating_sub(1);
        shown
    }

    /// The members as the next reading shows them.
    pub fn peek(&self, oddities: &[Oddity]) -> &[String] {
        if self.stale_readings > 0 {
            return self.history.front().unwrap_or(&self.members);
        }
        let lag = oddities.iter().find_map(|oddity| match oddity {
            Oddity::ReadingsLagWrites(writes) => Some(*writes),
            _ => None,
        });
        let then = lag.and_then(|writes| self.history.get(writes.min(self.history.len()).checked_sub(1)?));
        then.unwrap_or(&self.members)
    }
}

/// All that the server holds.
#[derive(Debug, Default)]
pub(super) struct Directory {
    /// By id, in small letters.
    users: BTreeMap<String, User>,
    pub groups: Vec<Group>,
    last_id: u64,
}

impl Directory {
    /// Adds a user.
    pub fn add_user(&mut self, account: Account, numeric: bool) -> &mut User {
        self.last_id += 1;
        let number = self.last_id;
        // Letters, so that the other case is another text.
        let id =
            if numeric { format!("{number}") } else { format!("ab{number:06x}-cdef-4abc-8def-abcdef012345") };
        let user = User {
            id: id.clone(),
            display_name: account.user_name.clone(),
            account,
            made_by_call: false,
            unknown_for: None,
        };
        self.users.entry(id).or_insert(user)
    }

    pub fn add_group(&mut self, id: &str) {
        self.groups.push(Group {
            id: id.to_owned(),
            display_name: format!("Group {id}"),
            members: Vec::new(),
            version: 1,
            history: VecDeque::new(),
            stale_readings: 0,
        });
    }

    /// A user by id; ids are compared without case, so that those of [`Oddity::OtherCaseIds`] are taken.
    pub fn user(&self, id: &str) -> Option<&User> {
        self.users.get(&id.to_lowercase())
    }

    pub fn user_mut(&mut self, id: &str) -> Option<&mut User> {
        self.users.get_mut(&id.to_lowercase())
    }

    pub fn users(&self) -> impl Iterator<Item = &User> {
        self.users.values()
    }

    pub fn named(&self, user_name: &str) -> Option<&User> {
        self.users().find(|user| user.account.user_name == user_name)
    }

    pub fn named_mut(&mut self, user_name: &str) -> Option<&mut User> {
        self.users.values_mut().find(|user| user.account.user_name == user_name)
    }

    pub fn group(&self, id: &str) -> Option<&Group> {
        self.groups.iter().find(|group| group.id == id)
    }

    pub fn group_mut(&mut self, id: &str) -> Option<&mut Group> {
        self.groups.iter_mut().find(|group| group.id == id)
    }

    /// Deletes a user, who leaves all groups.
    pub fn delete_user(&mut self, id: &str) -> bool {
        let is_gone = self.users.remove(&id.to_lowercase()).is_some();
        for group in &mut self.groups {
            group.members.retain(|member| !member.eq_ignore_ascii_case(id));
        }
        is_gone
    }

    /// The login name of a member; the id of one who is no user.
    pub fn name_of(&self, id: &str) -> String {
        self.user(id).map_or_else(|| id.to_owned(), |user| user.account.user_name.clone())
    }
}
