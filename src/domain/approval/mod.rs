//! Approval: a request goes through the stages of its policy, as they were when it was made.
//!
//! A stage is opened when its turn comes: [`open`] fixes who may decide it, found by [`approvers`]. Any one
//! of them does, by [`review`]; the first denial ends the request. Where nobody decides the alternates are
//! asked, too, and at the end of its time it is denied by the worker ([`timeout`]). Neither the beneficiary nor the submitter decides, and one person decides at
//! most one stage.

pub mod approvers;
pub mod open;
pub mod review;
pub mod timeout;

use chrono::{DateTime, Utc};
use entity::access_request::{self, AccessRequestState as State};
use entity::approval;
use entity::approval_approver::ApproverGround;
use entity::assignment_policy::ExpirationKind;
use entity::catalog_role_assignment::CatalogRole;
use entity::policy_stage_approver::{ApproverKind, ApproverPart};
use serde::Deserialize;
use uuid::Uuid;

use super::access_request::schedule::{Limits, Times, prolonged, schedule};
use super::error::Code;
use crate::id::Kind;
use crate::store::StoreError;
use crate::store::approval::Standing;

/// The policy of a request, as it was when the request was made.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Pinned {
    /// The stages, in order.
    pub approval_stages: Vec<Stage>,
    expiration: ExpirationKind,
    expiration_seconds: Option<i64>,
    expiration_at: Option<DateTime<Utc>>,
}

/// A stage of a pinned policy.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Stage {
    /// After this long without a decision the request is denied.
    pub timeout_seconds: i64,
    /// Whether the decision must say why.
    pub justification_required: bool,
    /// Who may decide.
    pub approvers: Vec<Approver>,
    /// After this long without a decision the alternates may decide, too.
    #[serde(default)]
    pub alternates_after_seconds: Option<i64>,
    /// Whether the requestor sees who may decide.
    #[serde(default)]
    pub approvers_visible: bool,
}

/// How approvers of a stage are found.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Approver {
    kind: ApproverKind,
    user: Option<String>,
    catalog_role: Option<CatalogRole>,
    #[serde(default = "primary")]
    part: ApproverPart,
    #[serde(default)]
    manager_level: Option<i32>,
}

/// What approvers were before there were others.
const fn primary() -> ApproverPart {
    ApproverPart::Primary
}

/// Whom a stage means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meant {
    /// Somebody named.
    User(Uuid),
    /// The requestor's manager, so many steps up; 1 is their own.
    Manager(i32),
    /// The holders of a role in the package's catalog.
    Holders(CatalogRole),
    /// The sponsors of the requestor's connected organization.
    Sponsors,
}

impl Meant {
    /// Why somebody whom it means is an approver.
    #[must_use]
    pub const fn ground(self) -> (ApproverGround, Option<CatalogRole>) {
        match self {
            Self::User(_) => (ApproverGround::User, None),
            Self::Manager(_) => (ApproverGround::Manager, None),
            Self::Holders(role) => (ApproverGround::CatalogRole, Some(role)),
            Self::Sponsors => (ApproverGround::Sponsor, None),
        }
    }
}

impl Pinned {
    /// The pinned policy of a request.
    pub fn of(request: &access_request::Model) -> Result<Self, StoreError> {
        let snapshot = request.policy_snapshot.clone().unwrap_or_default();
        serde_json::from_value(snapshot)
            .map_err(|error| StoreError::Other(format!("the pinned policy of a request: {error}")))
    }

    /// The stage at a position.
    pub fn stage(mut self, position: usize) -> Result<Stage, StoreError> {
        if position < self.approval_stages.len() {
            return Ok(self.approval_stages.swap_remove(position));
        }
        Err(StoreError::Other("a request has no such stage".to_owned()))
    }

    /// When the assignment starts and ends if it is approved now; none when its time has passed.
    #[must_use]
    pub fn schedule(
        &self,
        request: &access_request::Model,
        now: DateTime<Utc>,
    ) -> Option<(DateTime<Utc>, Option<DateTime<Utc>>)> {
        let starts_at = request.requested_start.map(|start| start.max(now));
        let times = Times { starts_at, expires_at: request.requested_end };
        schedule(self.limits(), times, now).ok()
    }

    /// The end of an assignment whose extension is approved now, which ends then; none when its time has passed.
    #[must_use]
    pub fn prolonged(
        &self,
        request: &access_request::Model,
        ends_at: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Option<Option<DateTime<Utc>>> {
        prolonged(self.limits(), ends_at, request.requested_end, now).ok()
    }

    /// Returns the end beyond which the access of a request cannot last, whenever it is decided; `None` if there is none.
    #[must_use]
    pub fn end(&self, request: &access_request::Model) -> Option<DateTime<Utc>> {
        let limit = match self.expiration {
            ExpirationKind::OnDate => self.expiration_at,
            ExpirationKind::Never | ExpirationKind::AfterDuration => None,
        };
        request.requested_end.into_iter().chain(limit).min()
    }

    fn limits(&self) -> Limits {
        Limits { kind: self.expiration, seconds: self.expiration_seconds, at: self.expiration_at }
    }
}

impl Stage {
    /// Whom one part of it means, in the order given.
    #[must_use]
    pub fn meant(&self, part: ApproverPart) -> Vec<Meant> {
        let meant = |approver: &Approver| match approver.kind {
            ApproverKind::User => Kind::User.parse(approver.user.as_deref()?).map(Meant::User),
            // Before there were levels it was always the first.
            ApproverKind::Manager => Some(Meant::Manager(approver.manager_level.unwrap_or(1))),
            ApproverKind::CatalogRole => approver.catalog_role.map(Meant::Holders),
            ApproverKind::Sponsor => Some(Meant::Sponsors),
        };
        self.approvers.iter().filter(|approver| approver.part == part).filter_map(meant).collect()
    }
}

/// Judges whether somebody can decide a request now: the first reason that applies against it.
pub fn judge(
    request: &access_request::Model,
    standing: &Standing,
    user: Option<Uuid>,
    now: DateTime<Utc>,
) -> Result<(), Code> {
    match request.state {
        State::PendingApproval => {}
        State::Canceled => return Err(Code::RequestCanceled),
        State::Submitted
        | State::Scheduled
        | State::Delivering
        | State::Delivered
        | State::PartiallyDelivered
        | State::DeliveryFailed
        | State::Denied => return Err(Code::AlreadyReviewed),
    }
    if user == Some(request.requestor_id) || user == request.submitted_by_id {
        return Err(Code::SelfReview);
    }
    if standing.decided {
        return Err(Code::AlreadyReviewed);
    }
    let Some(stage) = standing.stage.as_ref().filter(|_| standing.is_approver) else {
        return Err(Code::NotApprover);
    };
    if stage.expires_at > now {
        return Ok(());
    }
    Err(if end_passed(request, stage) { Code::EndPassed } else { Code::TimedOut })
}

/// Whether a stage is over because the end that its request asks for came, rather than because its own time was over.
#[must_use]
pub fn end_passed(request: &access_request::Model, stage: &approval::Model) -> bool {
    let end = Pinned::of(request).ok().and_then(|pinned| pinned.end(request));
    end.is_some_and(|end| end <= stage.expires_at)
}

#[cfg(test)]
mod tests;
