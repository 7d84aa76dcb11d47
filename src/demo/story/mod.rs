//! The rows of the demo, gathered in memory: small words for the story in [`super::data`].
//!
//! Ids come from names, so that they are the same in every demo; times count back
//! from the moment the demo is made.

mod approvals;
mod catalogs;
mod people;
mod policies;
mod requests;

use aws_lc_rs::digest::{SHA256, digest};
use chrono::{DateTime, TimeDelta, Utc};
use entity::{
    access_package, access_package_resource_role, access_request, access_request_event, app_user, approval,
    approval_approver, assignment, assignment_policy, catalog, catalog_role_assignment,
    connected_organization, connected_organization_sponsor, connector, connector_opening, delivery,
    delivery_attempt, directory_group, directory_member, identity_source, organization, organization_domain,
    policy_connected_organization, policy_stage, policy_stage_approver, resource, resource_role,
};
use uuid::Uuid;

pub use self::policies::Approver;
pub use self::requests::Delivered;
use crate::domain;
use crate::store::{self, StoreError, Txn};

/// Rows of one organization.
#[derive(Default)]
pub struct Story {
    now: DateTime<Utc>,
    slug: String,
    organization_id: Uuid,
    organizations: Vec<organization::Model>,
    domains: Vec<organization_domain::Model>,
    users: Vec<app_user::Model>,
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
    policies: Vec<assignment_policy::Model>,
    partners: Vec<policy_connected_organization::Model>,
    stages: Vec<policy_stage::Model>,
    approvers: Vec<policy_stage_approver::Model>,
    approvals: Vec<approval::Model>,
    deciders: Vec<approval_approver::Model>,
    requests: Vec<access_request::Model>,
    events: Vec<access_request_event::Model>,
    assignments: Vec<assignment::Model>,
    deliveries: Vec<delivery::Model>,
    attempts: Vec<delivery_attempt::Model>,
    connected: Vec<connected_organization::Model>,
    identities: Vec<identity_source::Model>,
    sponsors: Vec<connected_organization_sponsor::Model>,
}

impl Story {
    /// An organization without anything.
    #[must_use]
    pub fn new(slug: &str, name: &str, domain: &str, now: DateTime<Utc>) -> Self {
        let mut story = Self::more(slug, now);
        let (id, created_at) = (story.organization_id, now - TimeDelta::days(400));
        let (slug, name) = (slug.to_owned(), name.to_owned());
        story.organizations.push(domain::organization::usual(id, slug, name, created_at));
        story.domains.push(organization_domain::Model {
            domain: domain.to_owned(),
            organization_id: id,
            position: 0,
        });
        story
    }

    /// More of an organization that is there already.
    #[must_use]
    pub fn more(slug: &str, now: DateTime<Utc>) -> Self {
        let organization_id = id(slug, "organization", slug);
        Self { now, slug: slug.to_owned(), organization_id, ..Self::default() }
    }

    fn id(&self, kind: &str, name: &str) -> Uuid {
        id(&self.slug, kind, name)
    }

    /// Writes all rows.
    pub async fn write(&self, txn: &Txn) -> Result<(), StoreError> {
        txn.insert_all(self.organizations.clone()).await?;
        txn.insert_all(self.domains.clone()).await?;
        txn.insert_all(self.users.clone()).await?;
        txn.insert_all(self.connected.clone()).await?;
        txn.insert_all(self.identities.clone()).await?;
        txn.insert_all(self.sponsors.clone()).await?;
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
        txn.insert_all(self.partners.clone()).await?;
        txn.insert_all(self.stages.clone()).await?;
        txn.insert_all(self.approvers.clone()).await?;
        txn.insert_all(self.requests.clone()).await?;
        txn.insert_all(self.approvals.clone()).await?;
        store::approval::add_approvers(txn, &self.deciders).await?;
        txn.insert_all(self.events.clone()).await?;
        txn.insert_all(self.assignments.clone()).await?;
        txn.insert_all(self.deliveries.clone()).await?;
        // What the story says was delivered is what is held.
        store::entitlement_grant::adopt(txn).await?;
        txn.insert_all(self.attempts.clone()).await
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
