//! Repositories and who may use them, the organization's own permissions, its token policy, and the
//! clients that ask about tokens.

use crate::Change;

pub(crate) const CHANGE: Change = Change {
    name: "m08_repositories",
    up: r"
ALTER TABLE organization ADD COLUMN base_level text NOT NULL DEFAULT 'NONE' CHECK (base_level IN ('NONE', 'READ', 'WRITE', 'ADMIN'));
ALTER TABLE organization ADD COLUMN fine_grained_tokens text NOT NULL DEFAULT 'ALLOWED' CHECK (fine_grained_tokens IN ('ALLOWED', 'RESTRICTED'));
ALTER TABLE organization ADD COLUMN classic_tokens text NOT NULL DEFAULT 'ALLOWED' CHECK (classic_tokens IN ('ALLOWED', 'RESTRICTED'));
ALTER TABLE organization ADD COLUMN token_approval_required boolean NOT NULL DEFAULT TRUE;
ALTER TABLE organization ADD COLUMN fine_grained_lifetime_seconds bigint DEFAULT 31622400 CHECK (fine_grained_lifetime_seconds > 0);
ALTER TABLE organization ADD COLUMN classic_lifetime_seconds bigint CHECK (classic_lifetime_seconds > 0);
ALTER TABLE organization ADD COLUMN token_policy_version integer NOT NULL DEFAULT 1;

CREATE TABLE organization_access (
    organization_id {id} NOT NULL REFERENCES organization (id),
    user_id {id} NOT NULL REFERENCES app_user (id),
    level text NOT NULL CHECK (level IN ('READ', 'WRITE', 'ADMIN')),
    updated_at {time} NOT NULL,
    PRIMARY KEY (organization_id, user_id)
);
CREATE INDEX organization_access_user ON organization_access (user_id);

CREATE TABLE repository (
    id {id} NOT NULL PRIMARY KEY,
    organization_id {id} NOT NULL REFERENCES organization (id),
    name text NOT NULL,
    name_key {key} NOT NULL,
    description text NOT NULL,
    visibility text NOT NULL CHECK (visibility IN ('PUBLIC', 'INTERNAL', 'PRIVATE')),
    origin_id text,
    version integer NOT NULL,
    created_at {time} NOT NULL,
    deleted_at {time}
);
CREATE UNIQUE INDEX repository_unique_name ON repository (organization_id, name_key) WHERE deleted_at IS NULL;
CREATE UNIQUE INDEX repository_unique_origin ON repository (organization_id, origin_id) WHERE deleted_at IS NULL AND origin_id IS NOT NULL;
CREATE INDEX repository_name ON repository (organization_id, name_key, id);
CREATE INDEX repository_created ON repository (organization_id, created_at, id);

CREATE TABLE repository_access (
    id {id} NOT NULL PRIMARY KEY,
    organization_id {id} NOT NULL REFERENCES organization (id),
    repository_id {id} NOT NULL REFERENCES repository (id),
    user_id {id} NOT NULL REFERENCES app_user (id),
    level text NOT NULL CHECK (level IN ('READ', 'WRITE', 'ADMIN')),
    created_at {time} NOT NULL,
    UNIQUE (repository_id, user_id)
);
CREATE INDEX repository_access_user ON repository_access (user_id, repository_id, level);
CREATE INDEX repository_access_oldest ON repository_access (repository_id, created_at, id);

CREATE TABLE permission_definition (
    id {id} NOT NULL PRIMARY KEY,
    organization_id {id} NOT NULL REFERENCES organization (id),
    target text NOT NULL CHECK (target IN ('ORGANIZATION', 'REPOSITORY')),
    name {key} NOT NULL,
    description text NOT NULL,
    lowest text NOT NULL CHECK (lowest IN ('READ', 'WRITE', 'ADMIN')),
    highest text NOT NULL CHECK (highest IN ('READ', 'WRITE', 'ADMIN')),
    administrative boolean NOT NULL,
    created_at {time} NOT NULL,
    UNIQUE (organization_id, target, name)
);

CREATE TABLE permission_definition_scope (
    definition_id {id} NOT NULL REFERENCES permission_definition (id),
    scope {key} NOT NULL,
    level text NOT NULL CHECK (level IN ('READ', 'WRITE', 'ADMIN')),
    PRIMARY KEY (definition_id, scope)
);

CREATE TABLE introspection_client (
    id {id} NOT NULL PRIMARY KEY,
    organization_id {id} NOT NULL REFERENCES organization (id),
    display_name text NOT NULL,
    name_key {key} NOT NULL,
    secret_hash text NOT NULL,
    created_by_id {id} NOT NULL REFERENCES app_user (id),
    created_at {time} NOT NULL,
    deleted_at {time}
);
CREATE UNIQUE INDEX introspection_client_unique_name ON introspection_client (organization_id, name_key) WHERE deleted_at IS NULL;
CREATE INDEX introspection_client_name ON introspection_client (organization_id, name_key, id);
",
    down: "DROP TABLE introspection_client; DROP TABLE permission_definition_scope; DROP TABLE permission_definition;
DROP TABLE repository_access; DROP TABLE repository; DROP TABLE organization_access;
ALTER TABLE organization DROP COLUMN token_policy_version;
ALTER TABLE organization DROP COLUMN classic_lifetime_seconds;
ALTER TABLE organization DROP COLUMN fine_grained_lifetime_seconds;
ALTER TABLE organization DROP COLUMN token_approval_required;
ALTER TABLE organization DROP COLUMN classic_tokens;
ALTER TABLE organization DROP COLUMN fine_grained_tokens;
ALTER TABLE organization DROP COLUMN base_level;",
};
