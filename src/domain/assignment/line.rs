//! Of packages that exclude each other a person gets the one that was asked for first: the one judgement of what starts
//! at one instant and of what is approved at once.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use entity::access_request;
use entity::assignment::AssignmentState;
use uuid::Uuid;

use crate::store::incompatible::Beside;

/// A request in the line of those that are judged together.
#[derive(Clone, Copy, Debug)]
pub struct InLine {
    /// When it was made, and its id: what it stands in line by.
    pub made: (DateTime<Utc>, Uuid),
    /// Whose access it is about.
    pub person: Uuid,
    /// The package.
    pub package: Uuid,
    /// Whether its access begins by this; otherwise it goes on to its next stage, and stands in nobody's way.
    pub begins: bool,
}

impl InLine {
    /// The place of a request.
    #[must_use]
    pub const fn of(request: &access_request::Model, begins: bool) -> Self {
        Self {
            made: (request.submitted_at, request.id),
            person: request.requestor_id,
            package: request.access_package_id,
            begins,
        }
    }

    /// The person with the package.
    #[must_use]
    pub const fn pair(&self) -> (Uuid, Uuid) {
        (self.person, self.package)
    }
}

/// Judges which requests are refused, and what stands against each: what the person holds, what begins by the same and
/// was asked for before, and what starts later and was asked for before.
#[must_use]
pub fn excluded<'a>(line: &[InLine], beside: &'a [Beside]) -> HashMap<Uuid, Vec<&'a Beside>> {
    let judged: HashSet<Uuid> = line.iter().map(|one| one.made.1).collect();
    let mut against: HashMap<(Uuid, Uuid), Vec<&Beside>> = HashMap::new();
    for beside in beside {
        against.entry((beside.person, beside.package)).or_default().push(beside);
    }
    let mut line: Vec<&InLine> = line.iter().collect();
    line.sort_unstable_by_key(|one| one.made);
    let mut begun = HashSet::new();
    let mut excluded = HashMap::new();
    for one in line {
        let stands = |beside: &&Beside| {
            if judged.contains(&beside.made.1) {
                begun.contains(&beside.made.1)
            } else {
                beside.state.is_some_and(|state| state != AssignmentState::Scheduled)
                    || beside.made < one.made
            }
        };
        let against = against.get(&one.pair()).into_iter().flatten().copied();
        let against: Vec<&Beside> = against.filter(stands).collect();
        if !against.is_empty() {
            excluded.insert(one.made.1, against);
        } else if one.begins {
            begun.insert(one.made.1);
        }
    }
    excluded
}

#[cfg(test)]
mod tests;
