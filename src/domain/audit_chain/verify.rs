//! Verification: the chain is read from its start, and what does not fit is named.

use std::fmt;

use chrono::TimeDelta;
use uuid::Uuid;

use super::Head;
use super::form::{Place, hash};
use crate::store::audit_chain::{self, Row, START, Span};
use crate::store::{Database, StoreError};

/// How many events are read at once.
const PAGE: u64 = 1_000;

/// How long an event may wait to be sealed, where a worker runs.
pub const BOUND: TimeDelta = TimeDelta::minutes(5);

/// How many events that wait for too long are named.
const NAMED: u64 = 100;

/// What is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// What stands there is not what was sealed.
    Altered,
    /// It has a hash of its own that fits, but what follows it names another one.
    Replaced {
        /// What follows it.
        by: i64,
    },
    /// What stands in the row cannot be read as an event.
    Unreadable,
    /// A number has no event.
    Missing {
        /// The last number that has none; the first is that of the finding.
        to: i64,
    },
    /// It stands at a number that is none of the chain, or that another event has.
    Inserted,
    /// The chain ends before the number where its head says that it ends.
    Cut {
        /// Where it ends.
        at: i64,
    },
    /// The head of the chain is not that of the event it names.
    OtherHead,
    /// There are events behind the head of the chain, or there is no head.
    BehindHead,
    /// Another event was expected at this number, or an event where there is none.
    Unexpected,
    /// It was not sealed for longer than it takes.
    Unsealed,
    /// It is of an organization that does not exist.
    NoOrganization,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Altered => f.write_str("altered: what stands there is not what was sealed"),
            Self::Replaced { by } => write!(
                f,
                "replaced, or altered and sealed anew: number {by} follows another event than this one"
            ),
            Self::Unreadable => f.write_str("altered: what stands there cannot be read"),
            Self::Missing { to } => write!(f, "removed: no event has a number from this one to {to}"),
            Self::Inserted => {
                f.write_str("inserted: this number is none of the chain, or another event has it")
            }
            Self::Cut { at } => write!(f, "removed: the chain ends at {at}, but its head was here"),
            Self::OtherHead => f.write_str("altered and sealed anew: the head of the chain has another hash"),
            Self::BehindHead => {
                f.write_str("inserted, or the head was set back: the chain's head is before it")
            }
            Self::Unexpected => f.write_str("not as expected: the chain was cut before it, or written anew"),
            Self::Unsealed => write!(
                f,
                "not sealed for more than {} minutes: no worker runs, or somebody inserted it or took its place away",
                BOUND.num_minutes()
            ),
            Self::NoOrganization => f.write_str("moved: there is no such organization"),
        }
    }
}

/// Something that is wrong, with its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The number in the chain; none for what has none.
    pub sequence: Option<i64>,
    /// The event; none where it is gone.
    pub event: Option<Uuid>,
    /// What is wrong.
    pub fault: Fault,
}

/// What there is to say of a chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Its last event; none where nothing was sealed.
    pub head: Option<Head>,
    /// How many events it has.
    pub events: u64,
    /// How many wait to be sealed.
    pub waiting: i64,
    /// How many were sealed later than they should have been: while no worker ran, or inserted with an earlier time.
    pub late: u64,
    /// How much is wrong.
    pub faults: u64,
}

/// Reads the chain of an organization, page by page, and tells of what is wrong as it is found.
///
/// The head is read before and after the events: what is sealed meanwhile is no fault. It is read up to where nothing
/// was sealed since, and each event is either of the chain that was read or waits.
pub async fn run(
    database: &Database,
    organization: Uuid,
    expected: Option<&Head>,
    tell: &mut (impl FnMut(Finding) + Send),
) -> Result<Report, StoreError> {
    let before = audit_chain::head(database, organization).await?.as_ref().map(Head::from);
    let mut walk = Walk::new(before, expected.cloned());
    let (mut place, mut faults) = (START, 0);
    let waiting = loop {
        let rows = audit_chain::page(database, organization, place, Span::default(), PAGE).await?;
        for row in &rows {
            for finding in walk.step(row) {
                faults += 1;
                tell(finding);
            }
        }
        if let Some(last) = rows.last() {
            place = last.place();
        } else if let Some(waiting) =
            audit_chain::left(database, organization, place, Span::default()).await?
        {
            break waiting;
        }
    };
    let after = audit_chain::head(database, organization).await?.as_ref().map(Head::from);
    let now = database.clock().now();
    let overdue = audit_chain::overdue(database, organization, Some(now - BOUND), NAMED).await?;
    let overdue = overdue.into_iter().map(|event| Finding { sequence: None, event, fault: Fault::Unsealed });
    for finding in walk.end(after.as_ref()).into_iter().chain(overdue) {
        faults += 1;
        tell(finding);
    }
    Ok(Report {
        head: walk.last.map(|last| last.head),
        events: walk.events,
        waiting,
        late: walk.late,
        faults,
    })
}

/// The events of organizations that do not exist; one finding for each.
pub async fn strays(database: &Database) -> Result<Vec<Finding>, StoreError> {
    let organizations = audit_chain::strays(database).await?;
    let mut findings = Vec::with_capacity(organizations.len());
    for organization in organizations {
        let sealed = audit_chain::page(database, organization, START, Span::default(), 1).await?;
        let (sequence, event) = if let Some(first) = sealed.first() {
            (Some(first.sequence), first.id)
        } else {
            let waiting = audit_chain::overdue(database, organization, None, 1).await?;
            (None, waiting.first().copied().flatten())
        };
        findings.push(Finding { sequence, event, fault: Fault::NoOrganization });
    }
    Ok(findings)
}

/// The last event that was read, with whether it is known to be wrong.
#[derive(Clone, Debug)]
struct Last {
    head: Head,
    event: Option<Uuid>,
    wrong: bool,
}

/// How far a chain was read. It is held in the space of one event.
struct Walk {
    /// The head of the chain as it was before the first event was read.
    before: Option<Head>,
    /// What the caller knows of the chain.
    expected: Option<Head>,
    last: Option<Last>,
    events: u64,
    late: u64,
}

impl Walk {
    const fn new(before: Option<Head>, expected: Option<Head>) -> Self {
        Self { before, expected, last: None, events: 0, late: 0 }
    }

    fn at(&self) -> i64 {
        self.last.as_ref().map_or(0, |last| last.head.sequence)
    }

    /// Takes the next row; what is wrong up to it.
    fn step(&mut self, row: &Row) -> Vec<Finding> {
        let mut findings = Vec::new();
        let sequence = row.sequence;
        let mut find =
            |sequence, event, fault| findings.push(Finding { sequence: Some(sequence), event, fault });
        self.events += 1;
        let at = self.at();
        if sequence <= at {
            find(sequence, row.id, Fault::Inserted);
            return findings;
        }
        let follows = sequence == at + 1;
        if !follows {
            find(at + 1, None, Fault::Missing { to: sequence - 1 });
        }
        let (stored, wrong) = match &row.event {
            None => {
                find(sequence, row.id, Fault::Unreadable);
                (String::new(), true)
            }
            Some(event) => {
                let sealed_at = event.sealed_at.unwrap_or_default();
                self.late += u64::from((sealed_at - event.at).abs() > BOUND);
                let place = Place { sequence, previous: event.previous_hash.as_deref(), sealed_at };
                let stored = event.hash.clone().unwrap_or_default();
                let wrong = event.sealed_at.is_none() || hash(event, &place) != stored;
                let before = self.last.as_ref();
                if wrong {
                    find(sequence, row.id, Fault::Altered);
                } else if follows && before.is_none() && event.previous_hash.is_some() {
                    // The first of all names something before it.
                    find(sequence, row.id, Fault::Altered);
                } else if let Some(before) = before.filter(|before| follows && !before.wrong)
                    && event.previous_hash.as_ref() != Some(&before.head.hash)
                {
                    find(before.head.sequence, before.event, Fault::Replaced { by: sequence });
                }
                (stored, wrong)
            }
        };
        for (known, fault) in [(&self.before, Fault::OtherHead), (&self.expected, Fault::Unexpected)] {
            if let Some(known) = known
                && known.sequence == sequence
                && known.hash != stored
            {
                find(sequence, row.id, fault);
            }
        }
        self.last = Some(Last { head: Head { sequence, hash: stored }, event: row.id, wrong });
        findings
    }

    /// What is wrong with the end of the chain, which has this head now.
    fn end(&self, after: Option<&Head>) -> Vec<Finding> {
        let mut findings = Vec::new();
        let at = self.at();
        if let Some(head) = self.before.as_ref().filter(|head| head.sequence > at) {
            findings.push(Finding { sequence: Some(head.sequence), event: None, fault: Fault::Cut { at } });
        }
        if let Some(head) = self.expected.as_ref().filter(|head| head.sequence > at) {
            findings.push(Finding { sequence: Some(head.sequence), event: None, fault: Fault::Unexpected });
        }
        if let Some(last) = &self.last
            && after.is_none_or(|head| head.sequence < at)
        {
            findings.push(Finding { sequence: Some(at), event: last.event, fault: Fault::BehindHead });
        }
        findings
    }
}

#[cfg(test)]
mod tests;
