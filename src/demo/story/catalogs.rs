//! Catalogs with what they hold: resources at a directory, and packages of their roles.

use chrono::TimeDelta;
use entity::catalog_role_assignment::{self, CatalogRole};
use entity::connector::{self, AccountName, ConnectorHealth, ConnectorKind};
use entity::resource::{self, ResourceKind};
use entity::{
    access_package, access_package_resource_role, catalog, connector_opening, directory_group, resource_role,
};

use super::{Story, minutes};

impl Story {
    /// A connector to groups inside Guichet.
    pub fn directory(&mut self, name: &str) {
        self.connectors.push(connector::Model {
            id: self.id("connector", name),
            organization_id: self.organization_id,
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
            remote_system_id: None,
            account_name: AccountName::Email,
            match_by_email: true,
        });
    }

    /// A group that is really there.
    pub fn group(&mut self, connector: &str, origin: &str, name: &str) {
        self.groups.push(directory_group::Model {
            id: self.id("group", origin),
            organization_id: self.organization_id,
            connector_id: self.id("connector", connector),
            origin_id: origin.to_owned(),
            display_name: name.to_owned(),
            created_at: self.now - TimeDelta::days(370),
        });
    }

    /// A catalog, with the connector opened to it for all targets.
    pub fn catalog(&mut self, name: &str, description: &str, connector: &str, external: bool) {
        let catalog_id = self.id("catalog", name);
        self.catalogs.push(catalog::Model {
            id: catalog_id,
            organization_id: self.organization_id,
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
            organization_id: self.organization_id,
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
            organization_id: self.organization_id,
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
            organization_id: self.organization_id,
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
                added_by_id: None,
                delivery_failed_at: None,
            });
        }
    }

    /// Leaves the last package out of the lists of requestors.
    pub fn hidden(&mut self) {
        if let Some(package) = self.packages.last_mut() {
            package.hidden = true;
        }
    }
}
