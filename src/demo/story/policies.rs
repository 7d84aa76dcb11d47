//! Policies: each word but the first is about the policy that was told last.

use chrono::TimeDelta;
use entity::assignment_policy::{self, ExpirationKind, Extension, RequestorScope};
use entity::policy_stage_approver::{self, ApproverKind, ApproverPart};
use entity::{policy_connected_organization, policy_stage};

use super::Story;
use crate::domain::assignment_policy::questions::{Question, kept};

/// Who decides a stage.
#[derive(Clone, Copy, Debug)]
pub enum Approver {
    /// The requestor's manager.
    Manager,
    /// Who stands for the requestor's organization.
    Sponsor,
    /// This person.
    User(&'static str),
}

impl Story {
    /// A policy of a package.
    pub fn policy(&mut self, package: &str, name: &str, scope: RequestorScope, days: Option<i64>) {
        self.policies.push(assignment_policy::Model {
            id: self.id("policy", &format!("{package} {name}")),
            organization_id: self.organization_id,
            access_package_id: self.id("package", package),
            display_name: name.to_owned(),
            name_key: name.to_lowercase(),
            description: String::new(),
            requestor_scope: scope,
            justification_required: false,
            enabled: true,
            expiration: days.map_or(ExpirationKind::Never, |_| ExpirationKind::AfterDuration),
            expiration_seconds: days.map(|days| days * 86_400),
            expiration_at: None,
            approval_stage_count: 0,
            version: 1,
            created_at: self.now - TimeDelta::days(330),
            deleted_at: None,
            questions: None,
            custom_schedule: true,
            managers_may_request: false,
            extension: Extension::NotAllowed,
            requires_signed_link: false,
        });
    }

    /// The policy is for the people of these connected organizations.
    pub fn for_people_of(&mut self, partners: &[&str]) {
        let Some(policy) = self.policies.last().map(|policy| policy.id) else { return };
        for partner in partners {
            let connected_organization_id = self.id("connected organization", partner);
            let row = policy_connected_organization::Model { policy_id: policy, connected_organization_id };
            self.partners.push(row);
        }
    }

    /// A request must say why, and answer these.
    pub fn asks(&mut self, questions: &[Question]) {
        if let Some(policy) = self.policies.last_mut() {
            policy.justification_required = true;
            policy.questions = kept(questions);
        }
    }

    /// Holders keep what they have longer, and nobody has to decide.
    pub fn can_be_extended(&mut self) {
        if let Some(policy) = self.policies.last_mut() {
            policy.extension = Extension::WithoutApproval;
        }
    }

    /// Lets the managers of the requestors decide.
    pub fn approved_by_manager(&mut self) {
        self.asks(&[]);
        self.approved_by(Approver::Manager, false);
    }

    /// One more stage, with its approver, whom requestors may see or not.
    pub fn approved_by(&mut self, approver: Approver, approvers_visible: bool) {
        let Some(policy) = self.policies.last_mut() else { return };
        let (policy_id, position) = (policy.id, policy.approval_stage_count);
        policy.approval_stage_count += 1;
        let (kind, user) = match approver {
            Approver::Manager => (ApproverKind::Manager, None),
            Approver::Sponsor => (ApproverKind::Sponsor, None),
            Approver::User(subject) => (ApproverKind::User, Some(subject)),
        };
        let user_id = user.map(|subject| self.id("user", subject));
        self.stages.push(policy_stage::Model {
            policy_id,
            position,
            timeout_seconds: 14 * 86_400,
            justification_required: false,
            alternates_after_seconds: None,
            approvers_visible,
        });
        self.approvers.push(policy_stage_approver::Model {
            policy_id,
            position,
            ordinal: 0,
            kind,
            user_id,
            catalog_role: None,
            manager_level: (kind == ApproverKind::Manager).then_some(1),
            part: ApproverPart::Primary,
        });
    }
}
