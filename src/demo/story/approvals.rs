//! What waits for a decision in the demo: the rows that the commands would have left.

use chrono::TimeDelta;
use entity::access_request;
use entity::approval::{self, ApprovalState};
use entity::approval_approver::ApproverGround;
use uuid::Uuid;

use super::Story;
use crate::domain::access_request::make::snapshot;
use crate::store::approval::approver;
use crate::store::assignment_policy::StageRow;

impl Story {
    /// The policy of a request, as it was when the request was made.
    pub(super) fn pinned(&self, policy: Uuid) -> Option<serde_json::Value> {
        let policy = self.policies.iter().find(|row| row.id == policy)?;
        let approvers = |position: i32| {
            let rows = self.approvers.iter();
            rows.filter(|row| row.policy_id == policy.id && row.position == position).cloned().collect()
        };
        let stages = self.stages.iter().filter(|stage| stage.policy_id == policy.id);
        let stages: Vec<StageRow> = stages
            .map(|stage| StageRow { stage: stage.clone(), approvers: approvers(stage.position) })
            .collect();
        Some(snapshot(policy, &stages))
    }

    /// The first stage of a request waits for the requestor's manager; for nobody where there is none.
    pub(super) fn waits_for_manager(&mut self, request: &access_request::Model) {
        let id = self.id("approval", &request.id.to_string());
        let stage = self.stages.iter().find(|stage| Some(stage.policy_id) == request.policy_id);
        let Some(stage) = stage else { return };
        let expires_at = request.submitted_at + TimeDelta::seconds(stage.timeout_seconds);
        self.approvals.push(approval::Model {
            id,
            organization_id: request.organization_id,
            request_id: request.id,
            position: stage.position,
            state: ApprovalState::Pending,
            justification_required: stage.justification_required,
            opened_at: request.submitted_at,
            expires_at,
            due_at: Some(expires_at),
            closed_at: None,
            decided_by_id: None,
            justification: None,
            alternates_at: None,
            approvers_visible: stage.approvers_visible,
        });
        let requestor = self.users.iter().find(|user| user.id == request.requestor_id);
        let manager = requestor.and_then(|user| user.manager_id);
        self.deciders.extend(manager.map(|manager| approver(id, manager, ApproverGround::Manager, None)));
    }
}
