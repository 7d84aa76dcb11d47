//! The daily digest: everything that waits, once a day to each owner of the organization.

use std::collections::HashMap;

use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, Utc};
use entity::notification::NotificationKind;
use entity::organization_digest;
use entity::token_request::RepositorySelection;
use uuid::Uuid;

use super::Content;
use super::content::{Digest, WaitingOwner, WaitingRequest};
use super::schedule::{self, Schedule};
use super::tell::{Notice, tell};
use crate::authz::Role;
use crate::id::Kind;
use crate::store::digest::Waiting;
use crate::store::{self, StoreError, Transaction, Txn};

/// How many requests a digest names; of the others it says how many there are.
pub const NAMED: u64 = 50;
/// How long it is remembered that somebody was told something once; nothing asks for older ones.
const REMEMBERED: TimeDelta = TimeDelta::days(60);
/// How many characters of a justification a digest shows.
const SHOWN: usize = 200;

/// Plans the first digest of an organization.
pub struct Begin {
    /// The organization.
    pub organization: Uuid,
}

impl Transaction for Begin {
    type Output = ();
    type Error = StoreError;

    async fn run(&self, txn: &Txn) -> Result<(), StoreError> {
        store::digest::begin(txn, &usual(self.organization, txn.now())).await
    }
}

/// The plan of an organization that has set nothing.
#[must_use]
pub fn usual(organization: Uuid, now: DateTime<Utc>) -> organization_digest::Model {
    organization_digest::Model {
        organization_id: organization,
        hour: schedule::USUAL_HOUR,
        time_zone: schedule::USUAL_ZONE.to_owned(),
        due_at: Schedule::USUAL.next(now),
    }
}

/// Writes the digest of an organization where it is due, and plans the next one; tells whether it was due.
///
/// The plan is locked, and each owner is noted for the day: neither another server, nor a restart in the middle,
/// nor an hour that was moved to later on the same day makes a second one. Of days that passed while no server
/// ran, only the last is made up for.
pub struct Write {
    /// The organization.
    pub organization: Uuid,
}

impl Transaction for Write {
    type Output = bool;
    type Error = StoreError;

    async fn run(&self, txn: &Txn) -> Result<bool, StoreError> {
        let now = txn.now();
        let Some(plan) = store::digest::lock_due(txn, self.organization, now).await? else {
            return Ok(false);
        };
        let schedule = Schedule::of(Some(&plan));
        if let Some((day, _)) = schedule.latest(now) {
            write(txn, self.organization, day).await?;
        }
        let next = organization_digest::Model { due_at: schedule.next(now), ..plan };
        store::digest::plan(txn, &next).await?;
        store::notification::forget_once(txn, now - REMEMBERED).await?;
        Ok(true)
    }
}

async fn write(txn: &Txn, organization: Uuid, day: NaiveDate) -> Result<(), StoreError> {
    let (waiting, total) = store::digest::waiting(txn, organization, NAMED).await?;
    if waiting.is_empty() {
        return Ok(());
    }
    let owners = store::user::claimed(txn, organization, Role::OrganizationOwner, txn.now()).await?;
    // The day itself, not its instant: the hour may be changed.
    let at = day.and_time(NaiveTime::MIN).and_utc();
    let kind = NotificationKind::TokenRequestDigest;
    let new = store::notification::once(txn, kind, organization, &owners, at).await?;
    let digest = Digest { day, total: u64::try_from(total).unwrap_or_default(), owners: by_owner(waiting) };
    let notice = |receiver| Notice {
        receiver,
        subject: Some((Kind::Organization, organization)),
        content: Content::TokenRequestDigest(digest.clone()),
    };
    tell(txn, new.into_iter().map(notice).collect()).await
}

/// The requests of each token owner, the oldest first; the owner of the oldest first.
fn by_owner(waiting: Vec<Waiting>) -> Vec<WaitingOwner> {
    let mut groups: Vec<WaitingOwner> = Vec::new();
    let mut places: HashMap<Uuid, usize> = HashMap::new();
    for row in waiting {
        let place = *places.entry(row.owner).or_insert_with(|| {
            groups.push(WaitingOwner { name: row.owner_name.clone(), requests: Vec::new() });
            groups.len() - 1
        });
        groups[place].requests.push(WaitingRequest {
            id: row.id,
            token_name: row.token_name,
            since: row.since,
            repositories: repositories(row.selection, row.repositories),
            justification: row.justification.as_deref().map(shortened).filter(|text| !text.is_empty()),
        });
    }
    groups
}

fn repositories(selection: RepositorySelection, named: i64) -> String {
    match (selection, named) {
        (RepositorySelection::None, _) => "no repositories".to_owned(),
        (RepositorySelection::All, _) => "all repositories".to_owned(),
        (RepositorySelection::Subset, 1) => "1 repository".to_owned(),
        (RepositorySelection::Subset, named) => format!("{named} repositories"),
    }
}

/// A text on one line, cut after 200 characters.
fn shortened(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waiting(owner: u128, second: i64) -> Waiting {
        Waiting {
            id: Uuid::from_u128(second.unsigned_abs().into()),
            since: DateTime::from_timestamp(second, 0).unwrap(),
            owner: Uuid::from_u128(owner),
            owner_name: format!("owner {owner}"),
            token_name: format!("token {second}"),
            justification: None,
            selection: RepositorySelection::All,
            repositories: 0,
        }
    }

    #[test]
    fn requests_stand_by_owner_the_oldest_first() {
        let rows = vec![waiting(2, 1), waiting(1, 2), waiting(2, 3), waiting(3, 4), waiting(1, 5)];
        let groups = by_owner(rows);
        let names: Vec<(&str, Vec<&str>)> = groups
            .iter()
            .map(|group| {
                (group.name.as_str(), group.requests.iter().map(|row| row.token_name.as_str()).collect())
            })
            .collect();
        assert_eq!(
            names,
            [
                ("owner 2", vec!["token 1", "token 3"]),
                ("owner 1", vec!["token 2", "token 5"]),
                ("owner 3", vec!["token 4"]),
            ]
        );
    }

    #[test]
    fn a_long_text_is_cut_between_characters() {
        assert_eq!(shortened(" a\n b\t"), "a b");
        let cut = shortened(&"é".repeat(201));
        assert_eq!((cut.chars().count(), cut.chars().last()), (201, Some('…')));
        assert_eq!(shortened(&"é".repeat(200)).chars().count(), 200);
    }
}
