//! What tokens reach in the demo: repositories, who may use them, and a client that may ask.

use chrono::{DateTime, TimeDelta, Utc};
use entity::repository::Visibility::{self, Internal, Private, Public};
use entity::repository_access::AccessLevel::{self, Admin, Read, Write};
use entity::{introspection_client, organization_access, repository, repository_access};

use super::story::id;
use crate::store::{StoreError, Txn};

/// A repository: its name, who may read it, what it holds, and who was given access.
type Told = (&'static str, Visibility, &'static str, &'static [(&'static str, AccessLevel)]);

/// What Contoso keeps.
const CONTOSO: [Told; 6] = [
    ("website", Public, "The public website.", &[("karim", Write), ("lena", Write)]),
    ("status-page", Public, "What works and what does not.", &[]),
    ("handbook", Internal, "How we work.", &[("hana", Write)]),
    ("payments-api", Private, "Takes the money.", &[("karim", Write), ("lena", Read), ("goran", Admin)]),
    ("mobile-app", Private, "The app for phones.", &[("lena", Write), ("ivan", Write)]),
    ("infrastructure", Private, "Machines and networks.", &[("goran", Admin), ("karim", Read)]),
];

/// What Fabrikam keeps.
const FABRIKAM: [Told; 2] = [
    ("catalogue", Public, "What is for sale.", &[]),
    ("workshop", Private, "What is being made.", &[("nils", Write)]),
];

/// The rows of one organization.
#[derive(Default)]
pub struct Reach {
    repositories: Vec<repository::Model>,
    access: Vec<repository_access::Model>,
    owners: Vec<organization_access::Model>,
    clients: Vec<introspection_client::Model>,
}

impl Reach {
    /// Contoso's.
    #[must_use]
    pub fn contoso(now: DateTime<Utc>) -> Self {
        Self::of("contoso", "farah", &CONTOSO, now - TimeDelta::days(300))
    }

    /// Fabrikam's.
    #[must_use]
    pub fn fabrikam(now: DateTime<Utc>) -> Self {
        Self::of("fabrikam", "mila", &FABRIKAM, now - TimeDelta::days(300))
    }

    fn of(slug: &str, owner: &str, told: &[Told], since: DateTime<Utc>) -> Self {
        let organization_id = id(slug, "organization", slug);
        let owner_id = id(slug, "user", owner);
        let mut rows = Self::default();
        for (position, (name, visibility, description, people)) in (0..).zip(told) {
            let created_at = since + TimeDelta::days(position);
            let repository_id = id(slug, "repository", name);
            rows.repositories.push(repository::Model {
                id: repository_id,
                organization_id,
                name: (*name).to_owned(),
                name_key: (*name).to_owned(),
                description: (*description).to_owned(),
                visibility: *visibility,
                origin_id: Some(format!("{slug}/{name}")),
                version: 1,
                created_at,
                deleted_at: None,
            });
            for (subject, level) in *people {
                rows.access.push(repository_access::Model {
                    id: id(slug, "repository access", &format!("{name}/{subject}")),
                    organization_id,
                    repository_id,
                    user_id: id(slug, "user", subject),
                    level: *level,
                    created_at,
                });
            }
        }
        rows.owners.push(organization_access::Model {
            organization_id,
            user_id: owner_id,
            level: Admin,
            updated_at: since,
        });
        rows.clients.push(introspection_client::Model {
            id: id(slug, "introspection client", "Code server"),
            organization_id,
            display_name: "Code server".to_owned(),
            name_key: "code server".to_owned(),
            // No secret has this hash: who wants to ask makes a client of their own.
            secret_hash: String::new(),
            created_by_id: owner_id,
            created_at: since,
            deleted_at: None,
        });
        rows
    }

    /// Writes the rows.
    pub async fn write(&self, txn: &Txn) -> Result<(), StoreError> {
        txn.insert_all(self.repositories.clone()).await?;
        txn.insert_all(self.access.clone()).await?;
        txn.insert_all(self.owners.clone()).await?;
        txn.insert_all(self.clients.clone()).await
    }
}
