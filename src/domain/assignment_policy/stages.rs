//! The approval stages of a policy: what is accepted.

use std::ops::RangeInclusive;

use chrono::TimeDelta;
use entity::catalog_role_assignment::CatalogRole;
use entity::policy_stage_approver::{ApproverKind, ApproverPart};
use entity::{policy_stage, policy_stage_approver};
use uuid::Uuid;

use super::people::People;
use crate::domain::error::{Code, Error, Rejection};
use crate::domain::input::Checks;
use crate::store::Txn;

/// The most stages of a policy.
const MOST_STAGES: usize = 3;
/// The most approvers of one part of a stage.
const MOST_APPROVERS: usize = 20;
/// The shortest time for a decision.
const SHORTEST_TIMEOUT: TimeDelta = TimeDelta::hours(1);
/// How far up the line of managers an approver can be.
const MANAGER_LEVELS: RangeInclusive<i32> = 1..=4;
/// The longest time for a decision.
const LONGEST_TIMEOUT: TimeDelta = TimeDelta::days(60);

/// One stage: any one of its approvers decides it.
#[derive(Clone, Debug)]
pub struct Stage {
    /// After this long without a decision the request is denied.
    pub timeout: TimeDelta,
    /// Whether the decision must say why.
    pub justification_required: bool,
    /// Who may decide.
    pub approvers: Vec<Approver>,
    /// Who may where none of these is left.
    pub fallback: Vec<Approver>,
    /// Who may, too, after a time without a decision.
    pub alternates: Vec<Approver>,
    /// That time.
    pub alternates_after: Option<TimeDelta>,
    /// Whether the requestor sees who may decide.
    pub approvers_visible: bool,
}

impl Stage {
    /// Its approvers, with the names of their lists.
    fn parts(&self) -> [(&'static str, ApproverPart, &[Approver]); 3] {
        [
            ("approvers", ApproverPart::Primary, &self.approvers),
            ("fallbackApprovers", ApproverPart::Fallback, &self.fallback),
            ("alternateApprovers", ApproverPart::Alternate, &self.alternates),
        ]
    }
}

/// How approvers are found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Approver {
    /// One named user.
    User(Uuid),
    /// The requestor's manager, so many steps up; 1 is their own.
    Manager(i32),
    /// The holders of a role in the package's catalog.
    CatalogRole(CatalogRole),
    /// The sponsors of the requestor's connected organization.
    Sponsors,
    /// It was said only who it is not; the name of what was given as false.
    Unsaid(&'static str),
}

/// The users that the stages name.
pub(super) fn users(stages: &[Stage]) -> Vec<Uuid> {
    let parts = stages.iter().take(MOST_STAGES).flat_map(Stage::parts);
    let approvers = parts.flat_map(|(_, _, approvers)| approvers.iter().take(MOST_APPROVERS));
    let named = approvers.filter_map(|approver| match approver {
        Approver::User(id) => Some(*id),
        Approver::Manager(_) | Approver::CatalogRole(_) | Approver::Sponsors | Approver::Unsaid(_) => None,
    });
    named.collect()
}

/// Checks the stages.
pub(super) fn check(stages: &[Stage], people: &People, checks: &mut Checks) {
    let wrong = |field: &str, message: &str| Rejection::of(field, Code::InvalidInput, message);
    checks.refuse_if(stages.len() > MOST_STAGES, || {
        wrong("approvalStages", "A policy can have at most 3 approval stages.")
    });
    for (place, stage) in stages.iter().take(MOST_STAGES).enumerate() {
        let path = format!("approvalStages.{place}");
        checks.refuse_if(!(SHORTEST_TIMEOUT..=LONGEST_TIMEOUT).contains(&stage.timeout), || {
            wrong(&format!("{path}.timeout"), "`timeout` must be between 1 hour and 60 days.")
        });
        checks.refuse_if(stage.approvers.is_empty(), || {
            wrong(&format!("{path}.approvers"), "A stage must have 1 to 20 approvers.")
        });
        check_alternates(&path, stage, checks);
        for (name, _, approvers) in stage.parts() {
            checks.refuse_if(approvers.len() > MOST_APPROVERS, || {
                wrong(&format!("{path}.{name}"), &format!("`{name}` can have at most 20 entries."))
            });
            for (ordinal, approver) in approvers.iter().take(MOST_APPROVERS).enumerate() {
                let path = format!("{path}.{name}.{ordinal}");
                match approver {
                    Approver::User(id) => people.check(&format!("{path}.user"), *id, checks),
                    Approver::Unsaid(name) => checks.refuse_if(true, || {
                        wrong(&format!("{path}.{name}"), &format!("`{name}` can only be true."))
                    }),
                    Approver::Manager(level) => checks.refuse_if(!MANAGER_LEVELS.contains(level), || {
                        wrong(&format!("{path}.managerLevel"), "`managerLevel` must be between 1 and 4.")
                    }),
                    Approver::CatalogRole(_) | Approver::Sponsors => {}
                }
            }
        }
    }
}

/// Alternates and their time go together, and leave the approvers and the alternates some of the stage's time.
fn check_alternates(path: &str, stage: &Stage, checks: &mut Checks) {
    let place = format!("{path}.alternatesAfter");
    let wrong = |message: &str| Rejection::of(&place, Code::InvalidInput, message);
    match stage.alternates_after {
        None => checks.refuse_if(!stage.alternates.is_empty(), || {
            wrong("With `alternateApprovers`, `alternatesAfter` must say when they may decide.")
        }),
        Some(_) if stage.alternates.is_empty() => checks.refuse_if(true, || {
            wrong("`alternatesAfter` belongs to `alternateApprovers`, of which there are none.")
        }),
        Some(after) => checks.refuse_if(after < SHORTEST_TIMEOUT || after >= stage.timeout, || {
            wrong("`alternatesAfter` must be at least 1 hour, and less than `timeout`.")
        }),
    }
}

/// How many stages there are, as the policy keeps it.
pub(super) fn count(stages: &[Stage]) -> i32 {
    i32::try_from(stages.len()).unwrap_or(i32::MAX)
}

/// Writes the stages of a policy that has none; an approver that is named twice in one part is kept once.
pub(super) async fn write(txn: &Txn, policy: Uuid, stages: &[Stage]) -> Result<(), Error> {
    let (mut rows, mut approvers) = (Vec::new(), Vec::new());
    for (position, stage) in (0..).zip(stages) {
        rows.push(policy_stage::Model {
            policy_id: policy,
            position,
            timeout_seconds: stage.timeout.num_seconds(),
            justification_required: stage.justification_required,
            alternates_after_seconds: stage.alternates_after.map(|after| after.num_seconds()),
            approvers_visible: stage.approvers_visible,
        });
        let mut once: Vec<(ApproverPart, &Approver)> = Vec::new();
        for (_, part, given) in stage.parts() {
            for approver in given {
                if !once.contains(&(part, approver)) {
                    once.push((part, approver));
                }
            }
        }
        for (ordinal, (part, approver)) in (0..).zip(once) {
            let (kind, user_id, catalog_role, manager_level) = match approver {
                Approver::User(id) => (ApproverKind::User, Some(*id), None, None),
                Approver::Manager(level) => (ApproverKind::Manager, None, None, Some(*level)),
                Approver::CatalogRole(role) => (ApproverKind::CatalogRole, None, Some(*role), None),
                Approver::Sponsors => (ApproverKind::Sponsor, None, None, None),
                Approver::Unsaid(_) => continue,
            };
            approvers.push(policy_stage_approver::Model {
                policy_id: policy,
                position,
                ordinal,
                kind,
                user_id,
                catalog_role,
                part,
                manager_level,
            });
        }
    }
    txn.insert_all(rows).await?;
    txn.insert_all(approvers).await?;
    Ok(())
}
