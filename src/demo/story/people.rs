//! The people of an organization, and the organizations that it is connected to.

use chrono::TimeDelta;
use entity::app_user::{self, UserKind, UserState};
use entity::connected_organization::{self, ConnectedOrganizationState};
use entity::connected_organization_sponsor;
use entity::identity_source::{self, IdentityKind};

use super::{Story, minutes};
use crate::demo::issuer;

impl Story {
    /// A member; the subject is the first name in small letters.
    pub fn person(&mut self, subject: &str, name: &str, manager: Option<&str>) {
        let created_at = self.now - TimeDelta::days(390) + minutes(self.users.len());
        let domain = self.domains.first().map_or("example.com", |domain| &domain.domain);
        self.users.push(app_user::Model {
            id: self.id("user", subject),
            organization_id: self.organization_id,
            issuer: issuer(&self.slug),
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

    /// A connected organization whose people are those of the other organization of the demo.
    pub fn connected(&mut self, slug: &str, name: &str, description: &str, sponsor: &str) {
        let id = self.id("connected organization", slug);
        self.connected.push(connected_organization::Model {
            id,
            organization_id: self.organization_id,
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
            organization_id: self.organization_id,
            kind: IdentityKind::Issuer,
            issuer: issuer(slug),
            claim: String::new(),
            value: String::new(),
            vouchers: None,
        });
        let sponsor = self.id("user", sponsor);
        self.sponsors
            .push(connected_organization_sponsor::Model { connected_organization_id: id, user_id: sponsor });
    }
}
