//! Change a policy. Requests that were made before keep the policy that they were made under.

use entity::assignment_policy::{self, Extension, RequestorScope};
use uuid::Uuid;

use super::connected::{self, Connected};
use super::expiration::Expiration;
use super::people::{self, People};
use super::questions::{self, Question};
use super::stages::{self, Stage};
use super::{get_allowed, name_taken};
use crate::authz::Permit;
use crate::authz::permission::action::EditPolicy;
use crate::domain::input::{self, Checks};
use crate::domain::{Attempt, Command, Error, confirm, refusal};
use crate::id::Kind;
use crate::store::audit_event::{self, Event};
use crate::store::{self, Txn};

/// Change a policy; what is not given stays.
pub struct Update {
    /// The permit.
    pub permit: Permit<EditPolicy>,
    /// The policy; none where the id was garbage.
    pub id: Option<Uuid>,
    /// The version that the change is based on.
    pub version: i32,
    /// The name.
    pub display_name: Option<String>,
    /// What it is for.
    pub description: Option<String>,
    /// Who may request.
    pub requestor_scope: Option<RequestorScope>,
    /// The users who may, under `SPECIFIC_USERS`.
    pub specific_users: Option<Vec<Uuid>>,
    /// The connected organizations whose people may, under `SPECIFIC_CONNECTED_ORGANIZATIONS`.
    pub specific_connected_organizations: Option<Vec<Uuid>>,
    /// Whether a request must say why.
    pub justification_required: Option<bool>,
    /// Whether new requests are taken.
    pub enabled: Option<bool>,
    /// How assignments end.
    pub expiration: Option<Expiration>,
    /// The stages that decide, in order.
    pub approval_stages: Option<Vec<Stage>>,
    /// What a request has to answer.
    pub questions: Option<Vec<Question>>,
    /// Whether a request may choose its start and end.
    pub custom_schedule: Option<bool>,
    /// Whether managers may request for those who report to them.
    pub managers_may_request: Option<bool>,
    /// Whether holders may ask to keep their assignment longer.
    pub extension: Option<Extension>,
    /// Whether a request must come by a signed link.
    pub requires_signed_link: Option<bool>,
}

impl Command for Update {
    type Output = Uuid;

    fn attempt(&self) -> Attempt {
        Attempt::with(&self.permit, self.id.map(|id| (Kind::AssignmentPolicy, id)))
    }

    async fn run(&self, txn: &Txn) -> Result<Uuid, Error> {
        let allowed = confirm(txn, &self.permit).await?;
        let before = get_allowed(txn, self.permit.scope(), &allowed, self.id).await?;
        let after = self.checked(txn, &before).await?;
        let updated = store::assignment_policy::update(txn, &after, self.version).await;
        if !updated.map_err(refusal::taken(name_taken))? {
            return Err(refusal::conflict("policy").into());
        }
        if after.requestor_scope != RequestorScope::SpecificUsers || self.specific_users.is_some() {
            store::assignment_policy::clear_users(txn, before.id).await?;
            let users = self.specific_users.as_deref().unwrap_or_default();
            txn.insert_all(people::rows(before.id, users)).await?;
        }
        let specific = after.requestor_scope == RequestorScope::SpecificConnectedOrganizations;
        if !specific || self.specific_connected_organizations.is_some() {
            store::assignment_policy::clear_connected_organizations(txn, before.id).await?;
            let organizations = self.specific_connected_organizations.as_deref().unwrap_or_default();
            txn.insert_all(connected::rows(before.id, organizations)).await?;
        }
        if let Some(stages) = &self.approval_stages {
            store::assignment_policy::clear_stages(txn, before.id).await?;
            stages::write(txn, before.id, stages).await?;
        }
        let actor = self.permit.actor();
        let event = Event::by(&actor, "assignment_policy.updated", Kind::AssignmentPolicy, before.id);
        let details = serde_json::json!({
            "requestorScope": { "from": before.requestor_scope, "to": after.requestor_scope },
            "approvalStages": { "from": before.approval_stage_count, "to": after.approval_stage_count },
            "approversChanged": self.approval_stages.is_some(),
            "usersChanged": self.specific_users.is_some(),
            "connectedOrganizationsChanged": self.specific_connected_organizations.is_some(),
            "questionsChanged": before.questions != after.questions,
            "customSchedule": { "from": before.custom_schedule, "to": after.custom_schedule },
            "managersMayRequest": { "from": before.managers_may_request, "to": after.managers_may_request },
            "requiresSignedLink": { "from": before.requires_signed_link, "to": after.requires_signed_link },
            "extension": { "from": before.extension, "to": after.extension },
            "expiration": { "from": before.expiration, "to": after.expiration },
            "enabled": { "from": before.enabled, "to": after.enabled },
            "renamed": before.display_name != after.display_name,
        });
        audit_event::record(txn, &event.with(details)).await?;
        Ok(before.id)
    }
}

impl Update {
    /// The policy as it is to be.
    async fn checked(
        &self,
        txn: &Txn,
        before: &assignment_policy::Model,
    ) -> Result<assignment_policy::Model, Error> {
        let (users, stages) = (self.specific_users.as_deref(), self.approval_stages.as_deref());
        let mut named = stages::users(stages.unwrap_or_default());
        named.extend(users.unwrap_or_default());
        let people = People::read(txn, before.organization_id, &named).await?;
        let organizations = self.specific_connected_organizations.as_deref();
        let connected =
            Connected::hold(txn, before.organization_id, organizations.unwrap_or_default()).await?;
        let mut checks = Checks::default();
        let mut after = before.clone();
        if let Some(name) = &self.display_name {
            after.display_name = checks.take(input::name("displayName", name));
            after.name_key = input::key(&after.display_name);
        }
        if let Some(description) = &self.description {
            after.description = checks.take(input::text("description", description));
        }
        after.requestor_scope = self.requestor_scope.unwrap_or(before.requestor_scope);
        after.justification_required = self.justification_required.unwrap_or(before.justification_required);
        after.enabled = self.enabled.unwrap_or(before.enabled);
        if let Some(expiration) = self.expiration {
            expiration.write(txn.now(), &mut after, &mut checks);
        }
        let names_some = before.requestor_scope == RequestorScope::SpecificUsers;
        people::check_requestors(after.requestor_scope, users, names_some, &people, &mut checks);
        let names_some = before.requestor_scope == RequestorScope::SpecificConnectedOrganizations;
        connected.check(after.requestor_scope, organizations, names_some, &mut checks);
        if let Some(stages) = stages {
            stages::check(stages, &people, &mut checks);
            after.approval_stage_count = stages::count(stages);
        }
        if let Some(questions) = &self.questions {
            questions::check(questions, &mut checks);
            after.questions = questions::kept(questions);
        }
        after.custom_schedule = self.custom_schedule.unwrap_or(before.custom_schedule);
        after.managers_may_request = self.managers_may_request.unwrap_or(before.managers_may_request);
        after.extension = self.extension.unwrap_or(before.extension);
        after.requires_signed_link = self.requires_signed_link.unwrap_or(before.requires_signed_link);
        checks.done()?;
        Ok(after)
    }
}
