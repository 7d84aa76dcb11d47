//! Tell the holders of assignments that these end soon: 14 days and 1 day before, once for each end; and that somebody
//! took them away.

use chrono::{DateTime, TimeDelta, Utc};
use entity::assignment;
use uuid::Uuid;

use super::Content;
use super::content::{AssignmentEnd, AssignmentLoss};
use super::tell::{Notice, tell};
use crate::id::Kind;
use crate::store::assignment_notice::{self, Expiring, Lost};
use crate::store::{StoreError, Transaction, Txn};

/// How many assignments one transaction tells of.
const BATCH: u64 = 500;

/// One of the notices of an end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ahead {
    /// What it is remembered as.
    pub name: &'static str,
    /// How long before the end.
    pub before: TimeDelta,
    /// From when on the next notice tells it.
    next: TimeDelta,
}

/// The notices, the earlier first.
pub const NOTICES: [Ahead; 2] = [
    Ahead { name: "ASSIGNMENT_EXPIRING_14_DAYS", before: TimeDelta::days(14), next: TimeDelta::days(1) },
    Ahead { name: "ASSIGNMENT_EXPIRING_1_DAY", before: TimeDelta::days(1), next: TimeDelta::zero() },
];

impl Ahead {
    /// Whether the holder is told now. An assignment that was made for a shorter time ends as its holder expects; one
    /// notice is enough where both are due, because no server ran.
    fn tells(&self, ending: &Expiring, now: DateTime<Utc>) -> bool {
        ending.expires_at - ending.starts_at > self.before && ending.expires_at - now > self.next
    }
}

/// Tells of the assignments that a notice is due for, and gives how many were looked at.
pub struct TellEnding(pub Ahead);

impl Transaction for TellEnding {
    type Output = usize;
    type Error = StoreError;

    async fn run(&self, txn: &Txn) -> Result<usize, StoreError> {
        let (ahead, now) = (self.0, txn.now());
        let ending = assignment_notice::note_expiring(txn, ahead.name, now + ahead.before, BATCH).await?;
        let looked_at = ending.len();
        let notice = |row: Expiring| Notice {
            receiver: row.user,
            subject: Some((Kind::Assignment, row.assignment)),
            content: Content::AssignmentExpiring(AssignmentEnd {
                assignment: row.assignment,
                package_name: row.package_name,
                expires_at: row.expires_at,
            }),
        };
        let told = ending.into_iter().filter(|ending| ahead.tells(ending, now));
        tell(txn, told.map(notice).collect()).await?;
        Ok(looked_at)
    }
}

/// Tells holders that somebody else took their assignments away, and why: two statements, however many there are.
pub async fn revoked(
    txn: &Txn,
    assignments: &[assignment::Model],
    actor: Uuid,
    reason: Option<&str>,
) -> Result<(), StoreError> {
    if assignments.is_empty() {
        return Ok(());
    }
    let ids: Vec<Uuid> = assignments.iter().map(|assignment| assignment.id).collect();
    let notice = |lost: Lost| Notice {
        receiver: lost.user,
        subject: Some((Kind::Assignment, lost.assignment)),
        content: Content::AssignmentRevoked(AssignmentLoss {
            assignment: lost.assignment,
            package_name: lost.package_name,
            reason: reason.filter(|reason| !reason.is_empty()).map(str::to_owned),
        }),
    };
    let lost = assignment_notice::lost(txn, &ids, actor).await?;
    tell(txn, lost.into_iter().map(notice).collect()).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_notice_is_enough_and_none_comes_to_what_was_made_for_a_short_time() {
        let start = DateTime::from_timestamp(1_700_000_000, 0).unwrap();
        let told = |days: i64, left: TimeDelta| -> Vec<bool> {
            let ending = Expiring {
                assignment: Uuid::nil(),
                user: Uuid::nil(),
                package_name: String::new(),
                starts_at: start,
                expires_at: start + TimeDelta::days(days),
            };
            NOTICES.iter().map(|ahead| ahead.tells(&ending, ending.expires_at - left)).collect()
        };
        assert_eq!(told(30, TimeDelta::days(14)), [true, true]);
        assert_eq!(told(30, TimeDelta::days(1)), [false, true]);
        assert_eq!(told(14, TimeDelta::days(14)), [false, true]);
        assert_eq!(told(1, TimeDelta::days(1)), [false, false]);
    }
}
