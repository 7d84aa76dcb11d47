//! Catalogs with their roles, connectors, resources, packages and policies.

use crate::Change;

pub(crate) const CHANGE: Change = Change {
    name: "m02_catalogs",
    up: r"
CREATE TABLE catalog (
    id {id} NOT NULL PRIMARY KEY,
    organization_id {id} NOT NULL REFERENCES organization (id),
    display_name text NOT NULL,
    name_key {key} NOT NULL,
    description text NOT NULL,
    enabled boolean NOT NULL,
    externally_visible boolean NOT NULL,
    version integer NOT NULL,
    created_at {time} NOT NULL,
    deleted_at {time}
);
CREATE UNIQUE INDEX catalog_unique_name ON catalog (organization_id, name_key) WHERE deleted_at IS NULL;
CREATE INDEX catalog_name ON catalog (organization_id, name_key, id);

CREATE TABLE catalog_role_assignment (
    id {id} NOT NULL PRIMARY KEY,
    organization_id {id} NOT NULL REFERENCES organization (id),
    catalog_id {id} NOT NULL REFERENCES catalog (id),
    user_id {id} NOT NULL REFERENCES app_user (id),
    role text NOT NULL CHECK (role IN ('CATALOG_OWNER', 'CATALOG_READER', 'ACCESS_PACKAGE_MANAGER', 'ACCESS_PACKAGE_ASSIGNMENT_MANAGER')),
    created_by_id {id} REFERENCES app_user (id),
    created_at {time} NOT NULL,
    UNIQUE (catalog_id, user_id, role)
);
CREATE INDEX catalog_role_assignment_user ON catalog_role_assignment (user_id);

CREATE TABLE connector (
    id {id} NOT NULL PRIMARY KEY,
    organization_id {id} NOT NULL REFERENCES organization (id),
    kind text NOT NULL CHECK (kind IN ('DIRECTORY', 'SCIM')),
    display_name text NOT NULL,
    name_key {key} NOT NULL,
    base_url text,
    secret text,
    enabled boolean NOT NULL,
    health text NOT NULL CHECK (health IN ('UNKNOWN', 'HEALTHY', 'FAILING')),
    health_message text,
    health_checked_at {time},
    failures_in_row integer NOT NULL,
    version integer NOT NULL,
    created_at {time} NOT NULL,
    deleted_at {time}
);
CREATE UNIQUE INDEX connector_unique_name ON connector (organization_id, name_key) WHERE deleted_at IS NULL;

CREATE TABLE connector_opening (
    connector_id {id} NOT NULL REFERENCES connector (id),
    catalog_id {id} NOT NULL REFERENCES catalog (id),
    target text NOT NULL,
    created_at {time} NOT NULL,
    PRIMARY KEY (connector_id, catalog_id, target)
);
CREATE INDEX connector_opening_catalog ON connector_opening (catalog_id);

CREATE TABLE resource (
    id {id} NOT NULL PRIMARY KEY,
    organization_id {id} NOT NULL REFERENCES organization (id),
    catalog_id {id} NOT NULL REFERENCES catalog (id),
    connector_id {id} NOT NULL REFERENCES connector (id),
    kind text NOT NULL CHECK (kind IN ('GROUP', 'APPLICATION')),
    display_name text NOT NULL,
    name_key {key} NOT NULL,
    origin_id text NOT NULL,
    version integer NOT NULL,
    created_at {time} NOT NULL,
    deleted_at {time}
);
CREATE UNIQUE INDEX resource_unique_origin ON resource (catalog_id, connector_id, origin_id) WHERE deleted_at IS NULL;
CREATE INDEX resource_name ON resource (catalog_id, name_key, id);
CREATE INDEX resource_connector ON resource (connector_id);

CREATE TABLE resource_role (
    id {id} NOT NULL PRIMARY KEY,
    resource_id {id} NOT NULL REFERENCES resource (id),
    display_name text NOT NULL,
    origin_id text NOT NULL,
    created_at {time} NOT NULL,
    deleted_at {time}
);
CREATE UNIQUE INDEX resource_role_unique_origin ON resource_role (resource_id, origin_id) WHERE deleted_at IS NULL;
CREATE INDEX resource_role_resource ON resource_role (resource_id);

CREATE TABLE access_package (
    id {id} NOT NULL PRIMARY KEY,
    organization_id {id} NOT NULL REFERENCES organization (id),
    catalog_id {id} NOT NULL REFERENCES catalog (id),
    display_name text NOT NULL,
    name_key {key} NOT NULL,
    description text NOT NULL,
    hidden boolean NOT NULL,
    version integer NOT NULL,
    created_at {time} NOT NULL,
    deleted_at {time}
);
CREATE UNIQUE INDEX access_package_unique_name ON access_package (catalog_id, name_key) WHERE deleted_at IS NULL;
CREATE INDEX access_package_name ON access_package (organization_id, name_key, id);
CREATE INDEX access_package_catalog_name ON access_package (catalog_id, name_key, id);

CREATE TABLE access_package_resource_role (
    access_package_id {id} NOT NULL REFERENCES access_package (id),
    resource_role_id {id} NOT NULL REFERENCES resource_role (id),
    created_at {time} NOT NULL,
    PRIMARY KEY (access_package_id, resource_role_id)
);
CREATE INDEX access_package_resource_role_role ON access_package_resource_role (resource_role_id);

CREATE TABLE assignment_policy (
    id {id} NOT NULL PRIMARY KEY,
    organization_id {id} NOT NULL REFERENCES organization (id),
    access_package_id {id} NOT NULL REFERENCES access_package (id),
    display_name text NOT NULL,
    name_key {key} NOT NULL,
    description text NOT NULL,
    requestor_scope text NOT NULL CHECK (requestor_scope IN ('SPECIFIC_USERS', 'ALL_MEMBERS', 'ALL_USERS', 'SPECIFIC_CONNECTED_ORGANIZATIONS', 'ALL_CONNECTED_ORGANIZATIONS', 'ALL_EXTERNAL_USERS', 'NOBODY')),
    justification_required boolean NOT NULL,
    enabled boolean NOT NULL,
    expiration text NOT NULL CHECK (expiration IN ('NEVER', 'AFTER_DURATION', 'ON_DATE')),
    expiration_seconds bigint,
    expiration_at {time},
    approval_stage_count integer NOT NULL CHECK (approval_stage_count BETWEEN 0 AND 3),
    version integer NOT NULL,
    created_at {time} NOT NULL,
    deleted_at {time},
    CHECK ((expiration = 'AFTER_DURATION') = (expiration_seconds IS NOT NULL)),
    CHECK ((expiration = 'ON_DATE') = (expiration_at IS NOT NULL))
);
CREATE UNIQUE INDEX assignment_policy_unique_name ON assignment_policy (access_package_id, name_key) WHERE deleted_at IS NULL;
CREATE INDEX assignment_policy_package ON assignment_policy (access_package_id, id);

CREATE TABLE policy_user (
    policy_id {id} NOT NULL REFERENCES assignment_policy (id),
    user_id {id} NOT NULL REFERENCES app_user (id),
    PRIMARY KEY (policy_id, user_id)
);
CREATE INDEX policy_user_user ON policy_user (user_id);

CREATE TABLE policy_stage (
    policy_id {id} NOT NULL REFERENCES assignment_policy (id),
    position integer NOT NULL,
    timeout_seconds bigint NOT NULL,
    justification_required boolean NOT NULL,
    PRIMARY KEY (policy_id, position)
);

CREATE TABLE policy_stage_approver (
    policy_id {id} NOT NULL,
    position integer NOT NULL,
    ordinal integer NOT NULL,
    kind text NOT NULL CHECK (kind IN ('USER', 'MANAGER', 'CATALOG_ROLE', 'SPONSOR')),
    user_id {id} REFERENCES app_user (id),
    catalog_role text CHECK (catalog_role IN ('CATALOG_OWNER', 'CATALOG_READER', 'ACCESS_PACKAGE_MANAGER', 'ACCESS_PACKAGE_ASSIGNMENT_MANAGER')),
    PRIMARY KEY (policy_id, position, ordinal),
    FOREIGN KEY (policy_id, position) REFERENCES policy_stage (policy_id, position)
);
",
    down: "DROP TABLE policy_stage_approver; DROP TABLE policy_stage; DROP TABLE policy_user;
DROP TABLE assignment_policy; DROP TABLE access_package_resource_role; DROP TABLE access_package;
DROP TABLE resource_role; DROP TABLE resource; DROP TABLE connector_opening; DROP TABLE connector;
DROP TABLE catalog_role_assignment; DROP TABLE catalog;",
};
