//! Give a package a policy.

use chrono::{DateTime, Utc};
use entity::assignment_policy::{self, ExpirationKind, Extension, RequestorScope};
use uuid::Uuid;

use super::connected::{self, Connected};
use super::expiration::Expiration;
use super::name_taken;
use super::people::{self, People};
use super::questions::{self, Question};
use super::stages::{self, Stage};
use crate::authz::Permit;
use crate::authz::permission::action::EditPolicy;
use crate::domain::input::{self, Checks};
use crate::domain::{Attempt, Code, Command, Error, Rejection, access_package, confirm, refusal, repeated};
use crate::id::Kind;
use crate::store::audit_event::{self, Event};
use crate::store::idempotency::Key;
use crate::store::{self, Txn};

/// The most policies of a package.
const MOST_POLICIES: i64 = 50;

/// Make a policy.
pub struct Create {
    /// The permit.
    pub permit: Permit<EditPolicy>,
    /// The package; none where the id was garbage.
    pub access_package: Option<Uuid>,
    /// The name.
    pub display_name: String,
    /// What it is for.
    pub description: String,
    /// Who may request.
    pub requestor_scope: RequestorScope,
    /// The users who may, under `SPECIFIC_USERS`.
    pub specific_users: Vec<Uuid>,
    /// The connected organizations whose people may, under `SPECIFIC_CONNECTED_ORGANIZATIONS`.
    pub specific_connected_organizations: Vec<Uuid>,
    /// Whether a request must say why.
    pub justification_required: bool,
    /// Whether new requests are taken.
    pub enabled: bool,
    /// How assignments end.
    pub expiration: Expiration,
    /// The stages that decide, in order.
    pub approval_stages: Vec<Stage>,
    /// What a request has to answer.
    pub questions: Vec<Question>,
    /// Whether a request may choose its start and end.
    pub custom_schedule: bool,
    /// Whether managers may request for those who report to them.
    pub managers_may_request: bool,
    /// Whether holders may ask to keep their assignment longer.
    pub extension: Extension,
    /// Whether a request must come by a signed link.
    pub requires_signed_link: bool,
    /// Makes the call repeatable.
    pub idempotency: Option<Key>,
}

impl Command for Create {
    type Output = Uuid;

    fn attempt(&self) -> Attempt {
        Attempt::with(&self.permit, self.access_package.map(|id| (Kind::AccessPackage, id)))
    }

    async fn run(&self, txn: &Txn) -> Result<Uuid, Error> {
        let allowed = confirm(txn, &self.permit).await?;
        let (actor, scope) = (self.permit.actor(), self.permit.scope());
        let package =
            access_package::get_allowed(txn, scope, &allowed, "accessPackage", self.access_package).await?;
        let policy = self.checked(txn, package.id).await?;
        let (id, key) = (policy.id, self.idempotency.as_ref());
        if let Some(first) = repeated(txn, &actor, "createAssignmentPolicy", key, id).await? {
            return Ok(first);
        }
        if store::assignment_policy::count(txn, package.id).await? >= MOST_POLICIES {
            let message = "A package can have at most 50 policies.";
            return Err(Rejection::of("accessPackage", Code::InvalidInput, message).into());
        }
        txn.insert(policy).await.map_err(refusal::taken(name_taken))?;
        txn.insert_all(people::rows(id, &self.specific_users)).await?;
        txn.insert_all(connected::rows(id, &self.specific_connected_organizations)).await?;
        stages::write(txn, id, &self.approval_stages).await?;
        let event = Event::by(&actor, "assignment_policy.created", Kind::AssignmentPolicy, id);
        let details = serde_json::json!({
            "accessPackage": Kind::AccessPackage.text(package.id),
            "requestorScope": self.requestor_scope,
            "approvalStages": self.approval_stages.len(),
            "enabled": self.enabled,
        });
        audit_event::record(txn, &event.with(details)).await?;
        Ok(id)
    }
}

impl Create {
    /// The policy as it is kept.
    async fn checked(&self, txn: &Txn, package: Uuid) -> Result<assignment_policy::Model, Error> {
        let organization = self.permit.actor().organization;
        let mut named = stages::users(&self.approval_stages);
        named.extend(&self.specific_users);
        let people = People::read(txn, organization, &named).await?;
        let organizations = &self.specific_connected_organizations;
        let connected = Connected::hold(txn, organization, organizations).await?;
        let mut checks = Checks::default();
        let mut policy = empty(txn.now());
        policy.id = txn.id();
        policy.organization_id = organization;
        policy.access_package_id = package;
        policy.display_name = checks.take(input::name("displayName", &self.display_name));
        policy.name_key = input::key(&policy.display_name);
        policy.description = checks.take(input::text("description", &self.description));
        policy.requestor_scope = self.requestor_scope;
        policy.justification_required = self.justification_required;
        policy.enabled = self.enabled;
        policy.approval_stage_count = stages::count(&self.approval_stages);
        self.expiration.write(txn.now(), &mut policy, &mut checks);
        let users = Some(self.specific_users.as_slice());
        people::check_requestors(self.requestor_scope, users, false, &people, &mut checks);
        connected.check(self.requestor_scope, Some(organizations), false, &mut checks);
        stages::check(&self.approval_stages, &people, &mut checks);
        questions::check(&self.questions, &mut checks);
        policy.questions = questions::kept(&self.questions);
        policy.custom_schedule = self.custom_schedule;
        policy.managers_may_request = self.managers_may_request;
        policy.extension = self.extension;
        policy.requires_signed_link = self.requires_signed_link;
        checks.done()?;
        Ok(policy)
    }
}

/// A policy before anything is said of it: for nobody, for ever.
pub(super) fn empty(now: DateTime<Utc>) -> assignment_policy::Model {
    assignment_policy::Model {
        id: Uuid::nil(),
        organization_id: Uuid::nil(),
        access_package_id: Uuid::nil(),
        display_name: String::new(),
        name_key: String::new(),
        description: String::new(),
        requestor_scope: RequestorScope::Nobody,
        justification_required: false,
        enabled: false,
        expiration: ExpirationKind::Never,
        expiration_seconds: None,
        expiration_at: None,
        approval_stage_count: 0,
        version: 1,
        created_at: now,
        deleted_at: None,
        questions: None,
        custom_schedule: true,
        managers_may_request: false,
        extension: Extension::NotAllowed,
        requires_signed_link: false,
    }
}
