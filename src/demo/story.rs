//! The rows of the demo, gathered in memory: small words for the story in [`super::data`].
//!
//! Ids come from names, so that they are the same in every demo; times count back
//! from the moment the demo is made.

use aws_lc_rs::digest::{SHA256, digest};
use chrono::{DateTime, TimeDelta, Utc};
use entity::access_request::{AccessRequestState as State, AccessRequestType};
use entity::access_request_event::AccessRequestAction;
use entity::app_user::{UserKind, UserState};
use entity::assignment::AssignmentState;
use entity::assignment_policy::{ExpirationKind, Extension, RequestorScope};
use entity::catalog_role_assignment::CatalogRole;
use entity::connected_organization::ConnectedOrganizationState;
use entity::connector::{ConnectorHealth, ConnectorKind};
use entity::delivery::{DeliveryErrorCode, DeliveryOperation, DeliveryResult, DeliveryState};
use entity::delivery_attempt::AttemptOutcome;
use entity::identity_source::IdentityKind;
use entity::policy_stage_approver::{ApproverKind, ApproverPart};
use entity::resource::ResourceKind;
use entity::{
    access_package, access_package_resource_role, access_request, access_request_event, app_user, approval,
    approval_approver, assignment, assignment_policy, catalog, catalog_role_assignment,
    connected_organization, connected_organization_sponsor, connector, connector_opening, delivery,
    delivery_attempt, directory_group, directory_member, identity_source, organization, organization_domain,
    policy_stage, policy_stage_approver, resource, resource_role,
};
use uuid::Uuid;

use crate::domain;
use crate::store::{self, StoreError, Txn};

/// The rows of one organization.
pub struct Story {
    now: DateTime<Utc>,
    organization: organization::Model,
    domains: Vec<organization_domain::Model>,
    pub(super) users: Vec<app_user::Model>,
    catalogs: Vec<catalog::Model>,
    catalog_roles: Vec<catalog_role_assignment::Model>,
    connectors: Vec<connector::Model>,
    openings: Vec<connector_opening::Model>,
    groups: Vec<directory_group::Model>,
    members: Vec<directory_member::Model>,
    resources: Vec<resource::Model>,
    roles: Vec<resource_role::Model>,
    packages: Vec<access_package::Model>,
    contents: Vec<access_package_resource_role::Model>,
    pub(super) policies: Vec<assignment_policy::Model>,
    pub(super) stages: Vec<policy_stage::Model>,
    pub(super) approvers: Vec<policy_stage_approver::Model>,
    pub(super) approvals: Vec<approval::Model>,
    pub(super) deciders: Vec<approval_approver::Model>,
    requests: Vec<access_request::Model>,
    events: Vec<access_request_event::Model>,
    assignments: Vec<assignment::Model>,
    deliveries: Vec<delivery::Model>,
    attempts: Vec<delivery_attempt::Model>,
    connected: Vec<connected_organization::Model>,
    identities: Vec<identity_source::Model>,
    sponsors: Vec<connected_organization_sponsor::Model>,
}

/// How one role of a request was delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivered {
    /// Done.
    Done,
    /// Given up.
    Failed(DeliveryErrorCode, &'static str),
    /// Failed, and waits for its next try.
    Waiting(DeliveryErrorCode, &'static str),
}

impl Story {
    /// An organization without anything.
    #[must_use]
    pub fn new(slug: &str, name: &str, domain: &str, now: DateTime<Utc>) -> Self {
        let id = id(slug, "organization", slug);
        Self {
            now,
            organization: domain::organization::usual(
                id,
                slug.to_owned(),
                name.to_owned(),
                now - TimeDelta::days(400),
            ),
            domains: vec![organization_domain::Model {
                domain: domain.to_owned(),
                organization_id: id,
                position: 0,
            }],
            users: Vec::new(),
            catalogs: Vec::new(),
            catalog_roles: Vec::new(),
            connectors: Vec::new(),
            openings: Vec::new(),
            groups: Vec::new(),
            members: Vec::new(),
            resources: Vec::new(),
            roles: Vec::new(),
            packages: Vec::new(),
            contents: Vec::new(),
            policies: Vec::new(),
            stages: Vec::new(),
            approvals: Vec::new(),
            deciders: Vec::new(),
            approvers: Vec::new(),
            requests: Vec::new(),
            events: Vec::new(),
            assignments: Vec::new(),
            deliveries: Vec::new(),
            attempts: Vec::new(),
            connected: Vec::new(),
            identities: Vec::new(),
            sponsors: Vec::new(),
        }
    }

    pub(super) fn id(&self, kind: &str, name: &str) -> Uuid {
        id(&self.organization.slug, kind, name)
    }

    /// A member; the subject is the first name in small letters.
    pub fn person(&mut self, subject: &str, name: &str, manager: Option<&str>) {
        let created_at = self.now - TimeDelta::days(390) + minutes(self.users.len());
        let domain = self.domains.first().map_or("example.com", |domain| &domain.domain);
        self.users.push(app_user::Model {
            id: self.id("user", subject),
            organization_id: self.organization.id,
            issuer: super::issuer(&self.organization.slug),
            subject: subject.to_owned(),
            kind: UserKind::Member,
            state: UserState::Active,
            display_name: name.to_owned(),
            name_key: name.to_lowercase(),
            email: Some(format!("{subject}@{domain}")),
            manager_id: manager.map(|manager| self.id("user", manager)),
            claimed_roles: None,
            claimed_at: None,
            deactivated_at: None,
            version: 1,
            created_at,
            connected_organization_id: None,
            guest_end: None,
            guest_end_at: None,
            unblocked_at: None,
        });
    }

    /// A connector to groups inside Guichet.
    pub fn directory(&mut self, name: &str) {
        self.connectors.push(connector::Model {
            id: self.id("connector", name),
            organization_id: self.organization.id,
            kind: ConnectorKind::Directory,
            display_name: name.to_owned(),
            name_key: name.to_lowercase(),
            base_url: None,
            secret: None,
            enabled: true,
            health: ConnectorHealth::Healthy,
            health_message: None,
            health_checked_at: Some(self.now - TimeDelta::hours(1)),
            failures_in_row: 0,
            version: 1,
            created_at: self.now - TimeDelta::days(380),
            deleted_at: None,
        });
    }

    /// A group that is really there.
    pub fn group(&mut self, connector: &str, origin: &str, name: &str) {
        self.groups.push(directory_group::Model {
            id: self.id("group", origin),
            organization_id: self.organization.id,
            connector_id: self.id("connector", connector),
            origin_id: origin.to_owned(),
            display_name: name.to_owned(),
            created_at: self.now - TimeDelta::days(370),
        });
    }

    /// A connected organization whose people are those of the other organization of the demo.
    pub fn connected(&mut self, slug: &str, name: &str, description: &str, sponsor: &str) {
        let id = self.id("connected organization", slug);
        self.connected.push(connected_organization::Model {
            id,
            organization_id: self.organization.id,
            display_name: name.to_owned(),
            name_key: name.to_lowercase(),
            description: description.to_owned(),
            state: ConnectedOrganizationState::Configured,
            proposed_at: None,
            version: 1,
            created_at: self.now - TimeDelta::days(300),
            deleted_at: None,
        });
        self.identities.push(identity_source::Model {
            connected_organization_id: id,
            position: 0,
            organization_id: self.organization.id,
            kind: IdentityKind::Issuer,
            issuer: super::issuer(slug),
            claim: String::new(),
            value: String::new(),
            vouchers: None,
        });
        let sponsor = self.id("user", sponsor);
        self.sponsors
            .push(connected_organization_sponsor::Model { connected_organization_id: id, user_id: sponsor });
    }

    /// A catalog, with the connector opened to it for all targets.
    pub fn catalog(&mut self, name: &str, description: &str, connector: &str, external: bool) {
        let catalog_id = self.id("catalog", name);
        self.catalogs.push(catalog::Model {
            id: catalog_id,
            organization_id: self.organization.id,
            display_name: name.to_owned(),
            name_key: name.to_lowercase(),
            description: description.to_owned(),
            enabled: true,
            externally_visible: external,
            version: 1,
            created_at: self.now - TimeDelta::days(360),
            deleted_at: None,
        });
        self.openings.push(connector_opening::Model {
            connector_id: self.id("connector", connector),
            catalog_id,
            target: "*".to_owned(),
            created_at: self.now - TimeDelta::days(360),
        });
    }

    /// A role in a catalog.
    pub fn holds(&mut self, subject: &str, role: CatalogRole, catalog: &str) {
        self.catalog_roles.push(catalog_role_assignment::Model {
            id: self.id("catalog role", &format!("{subject} {role:?} {catalog}")),
            organization_id: self.organization.id,
            catalog_id: self.id("catalog", catalog),
            user_id: self.id("user", subject),
            role,
            created_by_id: None,
            created_at: self.now - TimeDelta::days(350),
        });
    }

    /// A resource with its role `member`.
    pub fn resource(&mut self, catalog: &str, connector: &str, kind: ResourceKind, origin: &str, name: &str) {
        let created_at = self.now - TimeDelta::days(340);
        let resource_id = self.id("resource", origin);
        self.resources.push(resource::Model {
            id: resource_id,
            organization_id: self.organization.id,
            catalog_id: self.id("catalog", catalog),
            connector_id: self.id("connector", connector),
            kind,
            display_name: name.to_owned(),
            name_key: name.to_lowercase(),
            origin_id: origin.to_owned(),
            version: 1,
            created_at,
            deleted_at: None,
        });
        self.roles.push(resource_role::Model {
            id: self.id("role", origin),
            resource_id,
            display_name: "Member".to_owned(),
            origin_id: "member".to_owned(),
            created_at,
            deleted_at: None,
        });
    }

    /// A package over the resources of these origins.
    pub fn package(&mut self, catalog: &str, name: &str, description: &str, origins: &[&str]) {
        let package_id = self.id("package", name);
        self.packages.push(access_package::Model {
            id: package_id,
            organization_id: self.organization.id,
            catalog_id: self.id("catalog", catalog),
            display_name: name.to_owned(),
            name_key: name.to_lowercase(),
            description: description.to_owned(),
            hidden: false,
            version: 1,
            created_at: self.now - TimeDelta::days(330),
            deleted_at: None,
        });
        for (place, origin) in origins.iter().enumerate() {
            self.contents.push(access_package_resource_role::Model {
                access_package_id: package_id,
                resource_role_id: self.id("role", origin),
                created_at: self.now - TimeDelta::days(330) + minutes(place),
            });
        }
    }

    /// Leaves the last package out of the lists of requestors.
    pub fn hidden(&mut self) {
        if let Some(package) = self.packages.last_mut() {
            package.hidden = true;
        }
    }

    /// A policy of a package.
    pub fn policy(&mut self, package: &str, name: &str, scope: RequestorScope, days: Option<i64>) {
        self.policies.push(assignment_policy::Model {
            id: self.id("policy", &format!("{package} {name}")),
            organization_id: self.organization.id,
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

    /// Lets the managers of the requestors decide under the last policy.
    pub fn approved_by_manager(&mut self) {
        let Some(policy) = self.policies.last_mut() else { return };
        policy.approval_stage_count = 1;
        policy.justification_required = true;
        self.stages.push(policy_stage::Model {
            policy_id: policy.id,
            position: 0,
            timeout_seconds: 14 * 86_400,
            justification_required: false,
            alternates_after_seconds: None,
            approvers_visible: false,
        });
        self.approvers.push(policy_stage_approver::Model {
            policy_id: policy.id,
            position: 0,
            ordinal: 0,
            kind: ApproverKind::Manager,
            user_id: None,
            catalog_role: None,
            part: ApproverPart::Primary,
            manager_level: Some(1),
        });
    }

    /// A request that was made so many hours ago and has come this far.
    pub fn request(
        &mut self,
        subject: &str,
        package: &str,
        state: State,
        hours: i64,
        delivered: &[Delivered],
    ) {
        let name = format!("{subject} {package} {hours}");
        let (request_id, package_id) = (self.id("request", &name), self.id("package", package));
        let (user_id, submitted_at) = (self.id("user", subject), self.now - TimeDelta::hours(hours));
        let catalog_id = self.packages.iter().find(|row| row.id == package_id).map(|row| row.catalog_id);
        let policy = self.policies.iter().find(|row| row.access_package_id == package_id);
        let (policy_id, lasts) = (policy.map(|row| row.id), policy.and_then(|row| row.expiration_seconds));
        let Some(catalog_id) = catalog_id else { return };
        let completed_at = submitted_at + TimeDelta::minutes(40);
        let completed = match state {
            State::Submitted | State::PendingApproval | State::Scheduled | State::Delivering => None,
            State::Delivered
            | State::PartiallyDelivered
            | State::DeliveryFailed
            | State::Denied
            | State::Canceled => Some(completed_at),
        };
        let starts_at = if state == State::Scheduled { self.now + TimeDelta::days(7) } else { submitted_at };
        let assigned = assignment_state(state);
        let assignment_id = assigned.map(|_| self.id("assignment", &name));
        let steps = steps(state);
        self.requests.push(access_request::Model {
            id: request_id,
            organization_id: self.organization.id,
            catalog_id,
            access_package_id: package_id,
            policy_id,
            policy_snapshot: policy_id.and_then(|policy| self.pinned(policy)),
            requestor_id: user_id,
            submitted_by_id: Some(user_id),
            assignment_id,
            kind: AccessRequestType::UserAdd,
            state,
            justification: Some("Needed for my work.".to_owned()),
            requested_start: (state == State::Scheduled).then_some(starts_at),
            requested_end: None,
            submitted_at,
            completed_at: completed,
            last_completed_at: completed,
            event_count: i32::try_from(steps.len()).unwrap_or_default(),
            answers: None,
            signed_link_id: None,
        });
        if let (State::PendingApproval, Some(request)) = (state, self.requests.last().cloned()) {
            self.waits_for_manager(&request);
        }
        let mut from_state = None;
        for (place, (action, to_state)) in steps.iter().enumerate() {
            let last = place + 1 == steps.len();
            self.events.push(access_request_event::Model {
                request_id,
                seq: i32::try_from(place).unwrap_or_default() + 1,
                at: if last && completed.is_some() { completed_at } else { submitted_at },
                action: *action,
                from_state,
                to_state: *to_state,
                actor_id: matches!(action, AccessRequestAction::Submitted | AccessRequestAction::Canceled)
                    .then_some(user_id),
                reason: None,
                bulk_operation_id: None,
            });
            from_state = Some(*to_state);
        }
        if let (Some(assignment_id), Some(assigned)) = (assignment_id, assigned) {
            self.assignments.push(assignment::Model {
                id: assignment_id,
                organization_id: self.organization.id,
                catalog_id,
                access_package_id: package_id,
                policy_id,
                user_id,
                request_id,
                state: assigned,
                starts_at,
                expires_at: lasts.map(|seconds| starts_at + TimeDelta::seconds(seconds)),
                ended_at: None,
                due_at: match assigned {
                    AssignmentState::Scheduled => Some(starts_at),
                    _ => lasts.map(|seconds| starts_at + TimeDelta::seconds(seconds)),
                },
                lease: None,
                attempt_count: 0,
                created_at: submitted_at,
                repair_failed_at: None,
            });
            self.deliver(
                request_id,
                assignment_id,
                user_id,
                package_id,
                (submitted_at, completed_at),
                delivered,
            );
        }
    }

    /// The deliveries of a request: one for each role of its package.
    fn deliver(
        &mut self,
        request_id: Uuid,
        assignment_id: Uuid,
        user_id: Uuid,
        package_id: Uuid,
        (started_at, ended_at): (DateTime<Utc>, DateTime<Utc>),
        delivered: &[Delivered],
    ) {
        let contents = self.contents.iter().filter(|row| row.access_package_id == package_id);
        let roles: Vec<Uuid> = contents.map(|row| row.resource_role_id).collect();
        for (place, (role_id, outcome)) in roles.into_iter().zip(delivered).enumerate() {
            let Some(role) = self.roles.iter().find(|row| row.id == role_id) else { continue };
            let Some(resource) = self.resources.iter().find(|row| row.id == role.resource_id) else {
                continue;
            };
            let id = id(&self.organization.slug, "delivery", &format!("{request_id} {place}"));
            let (state, failure) = match *outcome {
                Delivered::Done => (DeliveryState::Succeeded, None),
                Delivered::Failed(code, words) => (DeliveryState::Failed, Some((code, words))),
                Delivered::Waiting(code, words) => (DeliveryState::Pending, Some((code, words))),
            };
            let waiting = state == DeliveryState::Pending;
            self.deliveries.push(delivery::Model {
                id,
                organization_id: self.organization.id,
                request_id,
                assignment_id,
                user_id,
                resource_role_id: role_id,
                connector_id: resource.connector_id,
                operation: DeliveryOperation::Add,
                state,
                result: failure.is_none().then_some(DeliveryResult::Changed),
                existed_before: failure.is_none().then_some(false),
                attempt_count: 1,
                attempt_in_round: 1,
                round: 1,
                retry_until: Some(started_at + TimeDelta::hours(6)),
                hold_until: None,
                due_at: waiting.then(|| self.now + TimeDelta::minutes(30)),
                lease: None,
                error_code: failure.map(|(code, _)| code),
                error_message: failure.map(|(_, words)| words.to_owned()),
                error_retryable: failure.map(|_| waiting),
                error_status: None,
                error_at: failure.map(|_| ended_at),
                created_at: started_at,
                completed_at: (!waiting).then_some(ended_at),
                bulk_operation_id: None,
            });
            self.attempts.push(delivery_attempt::Model {
                delivery_id: id,
                number: 1,
                round: 1,
                started_at: ended_at - TimeDelta::seconds(1),
                finished_at: ended_at,
                outcome: if failure.is_none() { AttemptOutcome::Succeeded } else { AttemptOutcome::Failed },
                error_code: failure.map(|(code, _)| code),
                message: failure.map(|(_, words)| words.to_owned()),
                remote_status: None,
            });
            let group = self.groups.iter().find(|group| group.origin_id == resource.origin_id);
            if let (None, Some(group)) = (failure, group) {
                let member = directory_member::Model {
                    group_id: group.id,
                    user_id,
                    role: role.origin_id.clone(),
                    created_at: ended_at,
                };
                if !self
                    .members
                    .iter()
                    .any(|there| there.group_id == member.group_id && there.user_id == user_id)
                {
                    self.members.push(member);
                }
            }
        }
    }

    /// Writes all rows.
    pub async fn write(&self, txn: &Txn) -> Result<(), StoreError> {
        txn.insert(self.organization.clone()).await?;
        txn.insert_all(self.domains.clone()).await?;
        txn.insert_all(self.users.clone()).await?;
        txn.insert_all(self.connectors.clone()).await?;
        txn.insert_all(self.groups.clone()).await?;
        txn.insert_all(self.members.clone()).await?;
        txn.insert_all(self.catalogs.clone()).await?;
        txn.insert_all(self.openings.clone()).await?;
        txn.insert_all(self.catalog_roles.clone()).await?;
        txn.insert_all(self.resources.clone()).await?;
        txn.insert_all(self.roles.clone()).await?;
        txn.insert_all(self.packages.clone()).await?;
        txn.insert_all(self.contents.clone()).await?;
        txn.insert_all(self.policies.clone()).await?;
        txn.insert_all(self.stages.clone()).await?;
        txn.insert_all(self.approvers.clone()).await?;
        txn.insert_all(self.requests.clone()).await?;
        txn.insert_all(self.approvals.clone()).await?;
        store::approval::add_approvers(txn, &self.deciders).await?;
        txn.insert_all(self.events.clone()).await?;
        txn.insert_all(self.assignments.clone()).await?;
        txn.insert_all(self.deliveries.clone()).await?;
        txn.insert_all(self.attempts.clone()).await?;
        txn.insert_all(self.connected.clone()).await?;
        txn.insert_all(self.identities.clone()).await?;
        txn.insert_all(self.sponsors.clone()).await
    }
}

/// A `UUIDv7` of one fixed moment whose random part comes from the name.
pub(super) fn id(organization: &str, kind: &str, name: &str) -> Uuid {
    const MOMENT: u64 = 1_767_225_600_000; // 2026-01-01, before every id that a server makes
    let hash = digest(&SHA256, format!("{organization}/{kind}/{name}").as_bytes());
    let mut random = [0; 10];
    random.copy_from_slice(&hash.as_ref()[..10]);
    uuid::Builder::from_unix_timestamp_millis(MOMENT, &random).into_uuid()
}

fn minutes(count: usize) -> TimeDelta {
    TimeDelta::minutes(i64::try_from(count).unwrap_or_default())
}

fn assignment_state(state: State) -> Option<AssignmentState> {
    match state {
        State::Scheduled => Some(AssignmentState::Scheduled),
        State::Delivering => Some(AssignmentState::Delivering),
        State::Delivered => Some(AssignmentState::Delivered),
        State::PartiallyDelivered => Some(AssignmentState::PartiallyDelivered),
        State::DeliveryFailed => Some(AssignmentState::DeliveryFailed),
        State::Submitted | State::PendingApproval | State::Denied | State::Canceled => None,
    }
}

/// The steps by which a request comes to a state.
fn steps(state: State) -> Vec<(AccessRequestAction, State)> {
    use AccessRequestAction as Action;
    let mut steps = vec![(Action::Submitted, State::Submitted)];
    let rest: &[(Action, State)] = match state {
        State::Submitted => &[],
        State::PendingApproval => &[(Action::ApprovalRequested, State::PendingApproval)],
        State::Scheduled => &[(Action::Scheduled, State::Scheduled)],
        State::Delivering => &[(Action::DeliveryStarted, State::Delivering)],
        State::Delivered => {
            &[(Action::DeliveryStarted, State::Delivering), (Action::Delivered, State::Delivered)]
        }
        State::PartiallyDelivered => &[
            (Action::DeliveryStarted, State::Delivering),
            (Action::PartiallyDelivered, State::PartiallyDelivered),
        ],
        State::DeliveryFailed => {
            &[(Action::DeliveryStarted, State::Delivering), (Action::DeliveryFailed, State::DeliveryFailed)]
        }
        State::Denied => {
            &[(Action::ApprovalRequested, State::PendingApproval), (Action::Denied, State::Denied)]
        }
        State::Canceled => {
            &[(Action::ApprovalRequested, State::PendingApproval), (Action::Canceled, State::Canceled)]
        }
    };
    steps.extend(rest);
    steps
}
